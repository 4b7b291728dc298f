package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/store"
)

// everywhere keeps the rules of the whole installation.
var everywhere = survey.As("sec.all", "secadmin", survey.Everywhere)

// rules changes the policy.
func (d *desk) rules(t *testing.T, change func(*account.Policy)) {
	t.Helper()
	p, err := d.Policy(ctx)
	if err != nil {
		t.Fatal(err)
	}
	change(&p)
	if err := d.SetPolicy(ctx, everywhere, p); err != nil {
		t.Fatal(err)
	}
}

// from tries to sign in at an address.
func (d *desk) from(address, login, password string) (account.Entry, error) {
	return d.Enter(ctx, account.Try{Login: login, Password: password, Origin: account.Origin{From: address}})
}

// fails fails unless signing in at the address gives this error, n times.
func (d *desk) fails(t *testing.T, n int, o account.Origin, login, password string, want error) {
	t.Helper()
	for i := range n {
		e, err := d.Enter(ctx, account.Try{Login: login, Password: password, Origin: o})
		if !errors.Is(err, want) || e.Token != "" || !e.Who.Nobody() {
			t.Fatalf("try %d: %+v %v", i+1, e, err)
		}
	}
}

func wrongFields(err error) (out []string) {
	var e *survey.Error
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			out = append(out, f.Path+" "+f.Code)
		}
	}
	return out
}

func TestNobodyLocksOthersOut(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.rules(t, func(p *account.Policy) { p.Failures = 3 })
		far, near := account.Origin{From: "198.51.100.7"}, account.Origin{From: "203.0.113.9"}
		t.Run("who guesses at one address locks the name there and nowhere else", func(t *testing.T) {
			d.fails(t, 3, far, "office", "wrong", account.ErrSignIn)
			d.fails(t, 1, far, "office", password, account.ErrLocked)
			if _, err := d.from(near.From, "office", password); err != nil {
				t.Fatal("the officer elsewhere is locked out: ", err)
			}
		})
		t.Run("all addresses of one IPv6 customer are one place, and an IPv4 address in IPv6 is itself", func(t *testing.T) {
			for i := range 3 {
				d.fails(t, 1, account.Origin{From: fmt.Sprintf("2001:db8:1:2::%d", i+1)}, "office", "wrong", account.ErrSignIn)
			}
			d.fails(t, 1, account.Origin{From: "2001:db8:1:2:ffff::9"}, "office", password, account.ErrLocked)
			d.fails(t, 1, account.Origin{From: "::ffff:198.51.100.7"}, "office", password, account.ErrLocked)
			if _, err := d.from("2001:db8:1:3::1", "office", password); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a browser in which the person has signed in before goes on behind a locked address", func(t *testing.T) {
			e, err := d.from(near.From, "office", password)
			if err != nil || e.Device == "" {
				t.Fatal(e, err)
			}
			d.fails(t, 3, near, "office", "wrong", account.ErrSignIn)
			d.fails(t, 1, near, "office", password, account.ErrLocked)
			own := near
			own.Device = e.Device
			if _, err := d.Enter(ctx, account.Try{Login: "office", Password: password, Origin: own}); err != nil {
				t.Fatal(err)
			}
			d.fails(t, 3, own, "office", "wrong", account.ErrSignIn)
			d.fails(t, 1, own, "office", password, account.ErrLocked)
		})
		t.Run("another person's mark, a changed one and an old one are none", func(t *testing.T) {
			d.create(t, "second")
			e, err := d.from("192.0.2.1", "second", password)
			if err != nil {
				t.Fatal(err)
			}
			for _, mark := range []string{e.Device, e.Device + "0", "x" + e.Device, "a.b.c", ".."} {
				o := near
				o.Device = mark
				d.fails(t, 1, o, "office", password, account.ErrLocked)
			}
			d.wait(91 * 24 * time.Hour)
			own := account.Origin{From: "192.0.2.77", Device: e.Device}
			d.fails(t, 3, own, "second", "wrong", account.ErrSignIn)
			d.fails(t, 1, account.Origin{From: "192.0.2.77"}, "second", password, account.ErrLocked) // it was counted under the address
		})
		t.Run("of each lock an event tells where", func(t *testing.T) {
			var n int64
			if err := d.db.Read(ctx).Table("events").Where("kind = ? AND source = ? AND result = ?", "account.locked", far.From, "refused").Count(&n).Error; err != nil || n != 1 {
				t.Fatal(n, err)
			}
		})
	})
}

func TestGuessesFromManyAddressesAreBounded(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.rules(t, func(p *account.Policy) { p.Failures = 3 })
		if _, err := d.from("203.0.113.9", "office", password); err != nil { // the officer's own place
			t.Fatal(err)
		}
		judged := 0
		for i := range 80 {
			_, err := d.from(fmt.Sprintf("198.51.%d.%d", i/2, i), "office", "wrong")
			if errors.Is(err, account.ErrLocked) {
				break
			}
			judged++
		}
		if judged != 60 {
			t.Errorf("%d guesses from as many addresses were judged, want 60", judged)
		}
		d.fails(t, 1, account.Origin{From: "192.0.2.200"}, "office", password, account.ErrLocked)
		if _, err := d.from("203.0.113.9", "office", password); err != nil {
			t.Error("the officer at their own place is locked out: ", err)
		}
		d.wait(24 * time.Hour)
		if _, err := d.from("192.0.2.200", "office", password); err != nil {
			t.Error("a day later: ", err)
		}
	})
}

func TestOneAddressThatTriesManyNamesIsStopped(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.rules(t, func(p *account.Policy) { p.Failures = 3 })
		e, err := d.from("203.0.113.9", "office", password)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 30 {
			d.fails(t, 1, account.Origin{From: "203.0.113.9"}, fmt.Sprintf("name%d", i), "wrong", account.ErrSignIn)
		}
		d.fails(t, 1, account.Origin{From: "203.0.113.9"}, "another", "wrong", account.ErrLocked)
		own := account.Origin{From: "203.0.113.9", Device: e.Device}
		if _, err := d.Enter(ctx, account.Try{Login: "office", Password: password, Origin: own}); err != nil {
			t.Error("the officer's own browser behind the same address: ", err)
		}
		d.wait(10 * time.Minute)
		if _, err := d.from("203.0.113.9", "office", password); err != nil {
			t.Error("ten minutes later: ", err)
		}
	})
}

// TestALockDoesNotTellWhichNamesExist: a name that is nobody's locks like others.
func TestALockDoesNotTellWhichNamesExist(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, login := range []string{"office", "nobody"} {
			d.fails(t, 5, account.Origin{From: "198.51.100.7"}, login, "wrong", account.ErrSignIn)
			d.fails(t, 2, account.Origin{From: "198.51.100.7"}, login, "wrong", account.ErrLocked)
		}
		var kept []string
		if err := d.db.Read(ctx).Table("sign_in_tries").Pluck("login_key", &kept).Error; err != nil {
			t.Fatal(err)
		}
		if len(kept) == 0 || strings.Contains(strings.Join(kept, " "), "nobody") || strings.Contains(strings.Join(kept, " "), "office") {
			t.Errorf("names are kept: %q", kept)
		}
	})
}

func TestPasswordRules(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		who := func() survey.Actor {
			t.Helper()
			a, err := d.Actor(ctx, d.signIn(t))
			if err != nil {
				t.Fatal(err)
			}
			return a
		}()
		change := func(old, password string) (string, error) {
			return d.ChangePassword(ctx, who, old, password, account.Origin{From: "203.0.113.9"})
		}
		for password, want := range map[string]string{
			"Ab1!":                    "password field_too_short",
			"abcdefgh":                "password field_password_classes",
			"abcdefg1":                "password field_password_classes",
			"My-Office-2026":          "password field_password_login",
			"Passw0rd!":               "password field_password_common",
			"P@ssw0rd2026":            "password field_password_common",
			"Aa1!Aa1!Aa1!":            "password field_password_common",
			strings.Repeat("aB1", 99): "password field_too_long",
			"correct horse 1":         "password field_password_used",
		} {
			if _, err := change("correct horse 1", password); !slices.Equal(wrongFields(err), []string{want}) {
				t.Errorf("%.20s: %v, want %s", password, err, want)
			}
		}
		t.Run("none of the last three comes back, an older one does", func(t *testing.T) {
			all := []string{"correct horse 1", "Battery-Staple-2", "Battery-Staple-3", "Battery-Staple-4"}
			for i := range all[1:] {
				if _, err := change(all[i], all[i+1]); err != nil {
					t.Fatal(err)
				}
			}
			for _, p := range all[1:] {
				if _, err := change(all[3], p); !slices.Equal(wrongFields(err), []string{"password field_password_used"}) {
					t.Errorf("%s: %v", p, err)
				}
			}
			if _, err := change(all[3], all[0]); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a change ends every session and begins a new one", func(t *testing.T) {
			a, b := d.signIn(t), d.signIn(t)
			token, err := change(password, "Battery-Staple-9")
			if err != nil {
				t.Fatal(err)
			}
			d.holds(t, a, false)
			d.holds(t, b, false)
			d.holds(t, token, true)
		})
		t.Run("a wrong present password counts as a failed sign-in", func(t *testing.T) {
			for range 5 {
				if _, err := change("wrong", "Battery-Staple-10"); !errors.Is(err, account.ErrWrongPassword) {
					t.Fatal(err)
				}
			}
			if _, err := change("Battery-Staple-9", "Battery-Staple-10"); !errors.Is(err, account.ErrLocked) {
				t.Fatal(err)
			}
		})
	})
}

func TestPasswordsThatMustChange(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		must := func(want string) survey.Actor {
			t.Helper()
			e, err := d.Enter(ctx, account.Try{Login: "second", Password: password})
			if err != nil {
				t.Fatal(err)
			}
			who, err := d.Actor(ctx, e.Token)
			if err != nil || who.Must != want || e.Who.Must != want {
				t.Fatalf("must %q and %q, want %q: %v", who.Must, e.Who.Must, want, err)
			}
			return who
		}
		if err := d.Create(ctx, survey.System, account.NewAccount{Login: "second", Role: "viewer", AreaCode: city, Password: password, Temporary: true}); err != nil {
			t.Fatal(err)
		}
		who := must("password")
		t.Run("and for a week only", func(t *testing.T) {
			if err := d.Create(ctx, survey.System, account.NewAccount{Login: "third", Role: "viewer", AreaCode: city, Password: password, Temporary: true}); err != nil {
				t.Fatal(err)
			}
			try := func(want error) {
				t.Helper()
				if _, err := d.Enter(ctx, account.Try{Login: "third", Password: password}); !errors.Is(err, want) {
					t.Fatalf("%v, want %v", err, want)
				}
			}
			d.wait(7*24*time.Hour - time.Minute)
			try(nil)
			d.wait(2 * time.Minute)
			try(account.ErrTemporaryOver)
			if _, err := d.Enter(ctx, account.Try{Login: "third", Password: "wrong"}); !errors.Is(err, account.ErrSignIn) {
				t.Fatal("a guess is told more than that it is wrong: ", err)
			}
		})
		if _, err := d.ChangePassword(ctx, who, password, "Battery-Staple-2", account.Origin{}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.ChangePassword(ctx, who, "Battery-Staple-2", "Battery-Staple-3", account.Origin{}); err != nil {
			t.Fatal(err)
		}
		d.rules(t, func(p *account.Policy) { p.PasswordHistory = 1 })
		if _, err := d.ChangePassword(ctx, who, "Battery-Staple-3", password, account.Origin{}); err != nil {
			t.Fatal(err)
		}
		must("")
		t.Run("ninety days later", func(t *testing.T) {
			d.wait(90*24*time.Hour + time.Second)
			must("password")
			d.rules(t, func(p *account.Policy) { p.PasswordDays = 0 })
			must("")
		})
		t.Run("a password that an administrator has reset, within their places only", func(t *testing.T) {
			e, err := d.Enter(ctx, account.Try{Login: "second", Password: password})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.ResetPassword(ctx, survey.As("sys", "sysadmin", "990200000000"), who.Account, "Battery-Staple-7"); !errors.Is(err, survey.ErrNotFound) {
				t.Fatal("another city's administrator: ", err)
			}
			if err := d.ResetPassword(ctx, survey.As("sys", "sysadmin", city), who.Account, "weak"); !slices.Equal(wrongFields(err), []string{"password field_too_short"}) {
				t.Fatal(err)
			}
			if err := d.ResetPassword(ctx, survey.As("sys", "sysadmin", city), who.Account, "Battery-Staple-7"); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Actor(ctx, e.Token); !errors.Is(err, survey.ErrUnauthorized) {
				t.Fatal("the session before goes on: ", err)
			}
			e, err = d.Enter(ctx, account.Try{Login: "second", Password: "Battery-Staple-7"})
			if err != nil || e.Who.Must != "password" {
				t.Fatal(e.Who.Must, err)
			}
		})
	})
}

func TestPolicy(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		t.Run("only who manages security changes it, and only within the limits", func(t *testing.T) {
			p := account.DefaultPolicy
			for _, who := range []survey.Actor{survey.As("sys", "sysadmin", survey.Everywhere), sec} { // sec keeps one city
				if err := d.SetPolicy(ctx, who, p); !errors.Is(err, survey.ErrDenied) {
					t.Fatal(who.Login, err)
				}
			}
			p.PasswordLength, p.IdleMinutes, p.LockMinutes = 7, 31, 0
			want := []string{"password_length field_not_between", "idle_minutes field_not_between", "lock_minutes field_not_between"}
			if err := d.SetPolicy(ctx, everywhere, p); !slices.Equal(wrongFields(err), want) {
				t.Fatal(err)
			}
			if got, err := d.Policy(ctx); err != nil || got != account.DefaultPolicy {
				t.Fatal(got, err)
			}
		})
		t.Run("a change counts at once, also for sessions that are open, and is kept with what was before", func(t *testing.T) {
			a := d.signIn(t)
			d.wait(11 * time.Minute)
			d.rules(t, func(p *account.Policy) { p.IdleMinutes = 10 })
			d.holds(t, a, false)
			var payload string
			if err := d.db.Read(ctx).Table("events").Where("kind = ?", "account.policy_changed").Order("seq DESC").Limit(1).Pluck("payload", &payload).Error; err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(payload, `"before":{`) || !strings.Contains(payload, `"idle_minutes":30`) || !strings.Contains(payload, `"idle_minutes":10`) {
				t.Fatal(payload)
			}
		})
		t.Run("the oldest session gives way when there are too many", func(t *testing.T) {
			d.rules(t, func(p *account.Policy) { p.Sessions = 2 })
			a := d.signIn(t)
			d.wait(time.Second)
			b := d.signIn(t)
			d.wait(time.Second)
			c := d.signIn(t)
			d.holds(t, a, false)
			d.holds(t, b, true)
			d.holds(t, c, true)
		})
	})
}

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		enter := func(o account.Origin) string {
			t.Helper()
			e, err := d.Enter(ctx, account.Try{Login: "office", Password: password, Origin: o})
			if err != nil {
				t.Fatal(err)
			}
			return e.Token
		}
		t.Run("who signs in again in the same browser holds one session, with a token that nobody knew", func(t *testing.T) {
			planted := enter(account.Origin{From: "198.51.100.7"})
			own := enter(account.Origin{From: "203.0.113.9", Session: planted})
			if own == planted {
				t.Fatal("the token stays")
			}
			d.holds(t, planted, false)
			d.holds(t, own, true)
			if err := d.RevokeOwn(ctx, d.who(t, own), ""); err != nil {
				t.Fatal(err)
			}
		})
		a := enter(account.Origin{From: "203.0.113.9", Agent: "Firefox, Linux"})
		b := enter(account.Origin{From: "203.0.113.10", Agent: "Chrome, Windows"})
		who := d.who(t, a)
		list, err := d.Sessions(ctx, who, a, false)
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		for _, s := range list {
			if s.This != (s.Source == "203.0.113.9") || s.Agent == "" || s.Login != "office" || s.Began.IsZero() {
				t.Errorf("%+v", s)
			}
		}
		t.Run("administrators see and end those of their places only", func(t *testing.T) {
			for _, x := range []struct {
				actor survey.Actor
				seen  int
				err   error
			}{
				{survey.As("sys", "sysadmin", "990200000000"), 0, survey.ErrNotFound},
				{survey.As("v", "viewer", city), 0, survey.ErrNotFound},
				{survey.As("sys", "sysadmin", city), 2, nil},
			} {
				list, err := d.Sessions(ctx, x.actor, "", true)
				if err != nil || len(list) != x.seen {
					t.Errorf("%s sees %d: %v", x.actor.Login, len(list), err)
				}
				if err := d.RevokeAll(ctx, x.actor, who.Account); !errors.Is(err, x.err) {
					t.Errorf("%s: %v", x.actor.Login, err)
				}
			}
			d.holds(t, a, false)
			d.holds(t, b, false)
		})
		t.Run("one ends one of one's own, and no other's", func(t *testing.T) {
			a, b := enter(account.Origin{From: "203.0.113.9"}), enter(account.Origin{From: "203.0.113.10"})
			who := d.who(t, a)
			var other string
			list, err := d.Sessions(ctx, who, a, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range list {
				if !s.This {
					other = s.ID
				}
			}
			stranger := who
			stranger.Account = "somebody else"
			for _, id := range []string{other, "x", strings.Repeat("0", 32)} {
				if err := d.RevokeOwn(ctx, stranger, id); !errors.Is(err, survey.ErrNotFound) {
					t.Errorf("%s: %v", id, err)
				}
			}
			if err := d.RevokeOwn(ctx, who, other); err != nil {
				t.Fatal(err)
			}
			d.holds(t, a, true)
			d.holds(t, b, false)
		})
		t.Run("whose grant ends loses it at the next request", func(t *testing.T) {
			a := enter(account.Origin{})
			if err := d.db.InTx(ctx, func(tx *store.Tx) error {
				return tx.Table("grants").Where("account_id = ?", who.Account).Update("ended_at", tx.Now).Error
			}); err != nil {
				t.Fatal(err)
			}
			if now, err := d.Actor(ctx, a); err != nil || now.Can(survey.SeeScores) || len(now.Grants) != 0 {
				t.Fatalf("%+v %v", now, err)
			}
		})
	})
}

// who returns the holder of a session.
func (d *desk) who(t *testing.T, token string) survey.Actor {
	t.Helper()
	a, err := d.Actor(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
