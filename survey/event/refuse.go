package event

import (
	"context"
	"sync"
	"time"

	"chengyin/survey"
	"chengyin/survey/store"
)

// AccessRefused is the kind of the event that says that a person asked for what
// they may not have, or for what to them does not exist.
const AccessRefused = "access.refused"

// Refusals of one person at one object within a minute are one event, so that
// nobody floods the trail.
const (
	refusalQuiet  = time.Minute
	mostRefusals  = 10_000 // that are remembered
	mostOfAPerson = 60     // events a minute, however many objects are tried
)

// Refusal is what somebody was refused.
type Refusal struct {
	Route  string // method and pattern
	Object string // what of it was asked for
	Status int
}

type refusalKey struct{ account, route, object string }

type refusalSeen struct {
	until  time.Time
	silent int // refused again since
}

// refusals remembers what was written in the last minute.
type refusals struct {
	mu     sync.Mutex
	seen   map[refusalKey]*refusalSeen
	people map[string]*refusalSeen
}

// Refuse notes that the actor was refused. Again within a minute is not written,
// but counted and told with the next one.
func (s *Service) Refuse(ctx context.Context, actor survey.Actor, r Refusal) error {
	repeated, write := s.refusals.note(actor.Account, r, s.db.Clock()())
	if !write {
		return nil
	}
	payload := map[string]any{"route": r.Route, "status": r.Status}
	if repeated > 0 {
		payload["repeated"] = repeated
	}
	// The trail is written also when the person has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		return Write(tx, actor, Entry{Kind: AccessRefused, Object: r.Object, Area: actor.Home(), Result: Refused, Payload: payload})
	})
}

// note decides whether the refusal is written, and tells how many of its kind were
// not since the last that was.
func (m *refusals) note(account string, r Refusal, now time.Time) (repeated int, write bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen, m.people = map[refusalKey]*refusalSeen{}, map[string]*refusalSeen{}
	}
	if len(m.seen) >= mostRefusals {
		for k, x := range m.seen {
			if !now.Before(x.until) {
				delete(m.seen, k)
			}
		}
		if len(m.seen) >= mostRefusals {
			clear(m.seen)
		}
		clear(m.people)
	}
	// Somebody who tries ids one after the other is refused at a new object each
	// time: after some of them a minute is summed up.
	p := m.people[account]
	if p == nil || !now.Before(p.until) {
		p = &refusalSeen{until: now.Add(refusalQuiet)}
		m.people[account] = p
	}
	key := refusalKey{account, r.Route, r.Object}
	x := m.seen[key]
	if x != nil && now.Before(x.until) {
		x.silent++
		return 0, false
	}
	if p.silent >= mostOfAPerson {
		if x == nil {
			x = &refusalSeen{}
			m.seen[key] = x
		}
		x.silent++
		return 0, false
	}
	p.silent++
	if x != nil {
		repeated = x.silent
	}
	m.seen[key] = &refusalSeen{until: now.Add(refusalQuiet)}
	return repeated, true
}
