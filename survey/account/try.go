package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// How guessing is bounded without giving guessers a means to lock people out.
//
// Failures are counted for a login name together with where they come from, so
// that five failures from one place lock that name at that place and nowhere else:
//
//   - A browser in which a person has signed in before keeps a device mark, which
//     only the server can make and which names that person. It has a count of its
//     own. Whoever shares an address with it, as everybody in an office behind one
//     router does, cannot lock it.
//   - Otherwise the place is the network address (of IPv6 the first half, which is
//     what one customer is given).
//   - All failures of a login name that come without a mark, and from addresses
//     where that person has never signed in, are also counted together. A hundred
//     in a day shut out such newcomers until the day is over: guesses from many
//     addresses are bounded by that, and the person's own browser and office are
//     not touched.
//   - All failures that come from one address without a mark are counted together.
//     Fifty within the time of a lock, whatever names they tried, stop the address
//     for that time; browsers with a mark behind the same address go on.
//
// Login names that do not exist are counted in the same way, under a keyed hash
// that does not tell what was typed, so that a lock does not tell which names
// exist.
const (
	newcomerFactor = 20 // times the policy's failures, in a day, from unknown places
	sourceFactor   = 10 // times the policy's failures, in the time of a lock, from one address
	day            = 24 * time.Hour
	// remembered is for how long a place counts as one where the person has signed
	// in, and for how long a device mark is good.
	remembered = 90 * day
)

// try counts the failures of a login name at a place. The place "*" stands for all
// that are unknown, the empty name for all names.
type try struct {
	LoginKey    string `gorm:"primaryKey"`
	Source      string `gorm:"primaryKey"`
	Failures    int
	Since       time.Time
	LockedUntil *time.Time
	OkAt        *time.Time
}

func (try) TableName() string { return "sign_in_tries" }

func (t try) locked(now time.Time) bool { return t.LockedUntil != nil && now.Before(*t.LockedUntil) }
func (t try) known(now time.Time) bool  { return t.OkAt != nil && now.Sub(*t.OkAt) < remembered }

// Origin is where somebody who signs in comes from.
type Origin struct {
	From    string // network address
	Agent   string // what they use, in a few words: "Chrome, Windows"
	Device  string // mark of the browser, "" when it has none
	Session string // token of the session that the browser had before; it ends
	Request string // id of the request
}

// actor returns an actor for events about somebody who is not signed in.
func (o Origin) actor(a Account) survey.Actor {
	return survey.Actor{Account: a.ID, Login: a.Login, Name: a.Name, From: o.From, Request: o.Request, Via: "session"}
}

// network returns what failures from an address are counted under.
func network(from string) string {
	a, err := netip.ParseAddr(from)
	if err != nil {
		return "local"
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.String()
	}
	return a.String()
}

// keyed returns a keyed hash of a text that tells nothing of it.
func (s *Service) keyed(purpose, text string) string { return s.keyedAll(purpose, text)[0] }

// keyedAll returns the hashes under every secret, the present one first.
func (s *Service) keyedAll(purpose, text string) []string {
	out := make([]string, len(s.keys))
	for i, key := range s.keys {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(purpose + "\x00" + text))
		out[i] = hex.EncodeToString(m.Sum(nil))
	}
	return out
}

// newDevice returns a mark for a browser in which the person with that login has
// signed in.
func (s *Service) newDevice(login string) string {
	id := newToken()[:22]
	until := base64.RawURLEncoding.EncodeToString(fmt.Append(nil, s.clock().Add(remembered).Unix()))
	return id + "." + until + "." + s.keyed("device", s.keyed("login", login)+id+until)
}

// deviceOf returns the id of a mark that this server has given to a browser of
// the person with that login, "" of anything else.
func (s *Service) deviceOf(login, mark string) string {
	parts := strings.Split(mark, ".")
	if len(parts) != 3 || !hmac.Equal([]byte(parts[2]), []byte(s.keyed("device", s.keyed("login", login)+parts[0]+parts[1]))) {
		return ""
	}
	var until int64
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if _, e := fmt.Sscan(string(raw), &until); err != nil || e != nil || s.clock().Unix() > until {
		return ""
	}
	return parts[0]
}

// places returns under what a try is counted: first the login name at its place,
// then what else bounds it.
func (s *Service) places(login string, from Origin) []try {
	name := s.keyed("login", login)
	if id := s.deviceOf(login, from.Device); id != "" {
		return []try{{LoginKey: name, Source: "device " + id}}
	}
	at := network(from.From)
	return []try{{LoginKey: name, Source: at}, {LoginKey: name, Source: "*"}, {Source: at}}
}

// shut reports whether one of the counts refuses a try.
func (s *Service) shut(r *gorm.DB, now time.Time, places []try) (bool, error) {
	known := false
	for i, t := range places {
		err := r.Where("login_key = ? AND source = ?", t.LoginKey, t.Source).Take(&t).Error
		if store.NotFound(err) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("load failures: %w", err)
		}
		known = known || i == 0 && t.known(now)
		if t.locked(now) && !(known && t.Source == "*") {
			return true, nil
		}
	}
	return false, nil
}

// note counts a try that was judged. Open is false, and nothing is counted, when
// one of the counts is shut: others may have tried at the same time and used up
// the failures, and then nobody learns whether this one was right. Of a lock that
// begins, an event tells.
func (s *Service) note(tx *store.Tx, p Policy, a Account, from Origin, places []try, right bool) (open bool, err error) {
	var rows []try
	known := false
	for i, t := range places {
		t.Since = tx.Now
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&t).Error; err != nil {
			return false, fmt.Errorf("count failures: %w", err)
		}
		q := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
		if err := q.Where("login_key = ? AND source = ?", t.LoginKey, t.Source).Take(&t).Error; err != nil {
			return false, fmt.Errorf("count failures: %w", err)
		}
		if i == 0 {
			known = t.known(tx.Now)
		}
		if t.Source == "*" && known {
			continue
		}
		if t.locked(tx.Now) {
			return false, nil
		}
		rows = append(rows, t)
	}
	for i, t := range rows {
		limit, window, lock := p.Failures, time.Duration(0), p.lock()
		switch {
		case t.Source == "*":
			limit, window, lock = newcomerFactor*p.Failures, day, day
		case t.LoginKey == "":
			limit, window = sourceFactor*p.Failures, p.lock()
		}
		if window > 0 && tx.Now.Sub(t.Since) >= window {
			t.Failures, t.Since = 0, tx.Now
		}
		switch {
		case right && i == 0:
			t.Failures, t.LockedUntil, t.OkAt = 0, nil, &tx.Now
		case right:
			continue
		default:
			t.Failures++
		}
		if t.Failures >= limit {
			until := tx.Now.Add(lock)
			t.Failures, t.LockedUntil = 0, &until
			what := map[string]string{"at": t.Source, "until": until.UTC().Format(time.RFC3339)}
			if err := event.Write(tx, from.actor(a), event.Entry{Kind: "account.locked", Object: a.ID, Area: a.AreaCode, Result: event.Refused, Payload: what}); err != nil {
				return false, err
			}
		}
		if err := tx.Model(&try{}).Where("login_key = ? AND source = ?", t.LoginKey, t.Source).
			Updates(map[string]any{"failures": t.Failures, "since": t.Since, "locked_until": t.LockedUntil, "ok_at": t.OkAt}).Error; err != nil {
			return false, fmt.Errorf("count failures: %w", err)
		}
	}
	if right {
		// What no longer counts goes when somebody signs in.
		err = tx.Where("since < ? AND (ok_at IS NULL OR ok_at < ?) AND (locked_until IS NULL OR locked_until < ?)", tx.Now.Add(-day), tx.Now.Add(-remembered), tx.Now).
			Delete(&try{}).Error
	}
	return true, err
}
