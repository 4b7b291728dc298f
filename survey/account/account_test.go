package account_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

var ctx = context.Background()

var secret = []byte("a secret of this test only")

const (
	password = "correct horse 1"
	city     = "990100000000"
)

// desk is the service on a database, with a clock that the test moves.
type desk struct {
	*account.Service
	db  *store.DB
	now atomic.Int64 // microseconds
}

func (d *desk) wait(t time.Duration) { d.now.Add(t.Microseconds()) }

// each runs the test on every database with an account "office".
func each(t *testing.T, test func(t *testing.T, d *desk)) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			d := &desk{}
			d.now.Store(time.Date(2026, 11, 1, 9, 0, 0, 500_000_000, time.UTC).UnixMicro())
			clock := func() time.Time { return time.UnixMicro(d.now.Load()).UTC() }
			db, err := store.Open(ctx, storetest.DSN(t, dialect), store.Options{Clock: clock})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			if err := db.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
			d.db, d.Service = db, account.New(db, clock, secret)
			d.create(t, "office")
			test(t, d)
		})
	}
}

func (d *desk) create(t *testing.T, login string) {
	t.Helper()
	if err := d.Create(ctx, survey.System, account.NewAccount{Login: login, Name: "张三", Role: "office", AreaCode: city, Password: password}); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) signIn(t *testing.T) string {
	t.Helper()
	token, who, err := d.SignIn(ctx, "office", password)
	if err != nil || who.Login != "office" || !slices.Equal(who.Roles(), []string{"office"}) || who.Home() != city || who.Name != "张三" {
		t.Fatal(who, err)
	}
	return token
}

// refused fails unless signing in gives this error and nothing else.
func (d *desk) refused(t *testing.T, login, password string, want error) {
	t.Helper()
	token, who, err := d.SignIn(ctx, login, password)
	if !errors.Is(err, want) || token != "" || !who.Nobody() {
		t.Fatalf("%q %+v %v", token, who, err)
	}
}

func (d *desk) holds(t *testing.T, token string, want bool) {
	t.Helper()
	who, err := d.Actor(ctx, token)
	if want && (err != nil || who.Login != "office" || !who.Can(survey.SeeScores)) || !want && (!errors.Is(err, survey.ErrUnauthorized) || !who.Nobody()) {
		t.Fatalf("%+v %v", who, err)
	}
}

// events returns the kinds of what was noted, in order.
func (d *desk) events(t *testing.T) []string {
	t.Helper()
	var out []string
	if err := d.db.Read(ctx).Table("events").Order("at, id").Pluck("kind", &out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

// Hundreds of sign-ins in these tests are not about how slow they are.
func init() { account.Cost = account.HashCost{Passes: 1, Memory: 64} }

func TestPasswordsAreKeptAsSlowHashes(t *testing.T) {
	cheap := account.Cost
	account.Cost = account.Usual
	t.Cleanup(func() { account.Cost = cheap })
	each(t, func(t *testing.T, d *desk) {
		d.create(t, "second")
		var hashes []string
		if err := d.db.Read(ctx).Table("accounts").Pluck("password_hash", &hashes).Error; err != nil {
			t.Fatal(err)
		}
		for _, h := range hashes {
			if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(h, password) {
				t.Errorf("a password is kept as %q", h)
			}
		}
		if len(hashes) != 2 || hashes[0] == hashes[1] {
			t.Errorf("two accounts with the same password are kept as %q", hashes)
		}
	})
}

func TestSignIn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		t.Run("the right password opens a session", func(t *testing.T) {
			a, b := d.signIn(t), d.signIn(t)
			if a == b || len(a) < 43 {
				t.Fatalf("the tokens are %q and %q", a, b)
			}
			d.holds(t, a, true)
			var stored []string
			if err := d.db.Read(ctx).Table("sessions").Pluck("token_hash", &stored).Error; err != nil || len(stored) != 2 || slices.Contains(stored, a) {
				t.Fatal("the token itself is stored", err)
			}
		})
		t.Run("a wrong login and a wrong password are told the same", func(t *testing.T) {
			for _, x := range [][2]string{{"office", "wrong"}, {"office", ""}, {"nobody", password}, {"", ""}, {"办公室", password}, {strings.Repeat("a", 5000), password}, {"OFFICE", password}, {"' OR 1=1 --", password}} {
				d.refused(t, x[0], x[1], account.ErrSignIn)
			}
		})
		t.Run("signing out ends the session, and again does no harm", func(t *testing.T) {
			a, b := d.signIn(t), d.signIn(t)
			for range 2 {
				if err := d.SignOut(ctx, a); err != nil {
					t.Fatal(err)
				}
			}
			d.holds(t, a, false)
			d.holds(t, b, true)
		})
		t.Run("a token that nobody was given is nobody's", func(t *testing.T) {
			for _, token := range []string{"", "x", "张", strings.Repeat("A", 43)} {
				d.holds(t, token, false)
			}
		})
		t.Run("what happened is noted without passwords", func(t *testing.T) {
			got := d.events(t)
			if !slices.Contains(got, "account.created") || !slices.Contains(got, "account.signed_in") || !slices.Contains(got, "account.sign_in_failed") {
				t.Fatal(got)
			}
			var leaks int64
			if err := d.db.Read(ctx).Table("events").Where("payload LIKE ?", "%"+password+"%").Count(&leaks).Error; err != nil || leaks != 0 {
				t.Fatal(leaks, err)
			}
			if err := d.db.Read(ctx).Table("events").Where("actor = ? OR payload LIKE ?", "nobody", "%nobody%").Count(&leaks).Error; err != nil || leaks != 0 {
				t.Fatal("what was typed for a login that is none is kept", leaks, err)
			}
		})
	})
}

func TestLock(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		t.Run("a success forgets the failures before it", func(t *testing.T) {
			for range 2 {
				for range 3 {
					d.refused(t, "office", "wrong", account.ErrSignIn)
				}
				d.signIn(t)
			}
		})
		held := d.signIn(t)
		t.Run("the fifth failure in a row locks the account even for the right password", func(t *testing.T) {
			for range 5 {
				d.refused(t, "office", "wrong", account.ErrSignIn)
			}
			d.refused(t, "office", password, account.ErrLocked)
			d.refused(t, "office", "wrong", account.ErrLocked)
		})
		t.Run("who is signed in already stays so", func(t *testing.T) { d.holds(t, held, true) })
		t.Run("ten minutes later it opens again and all five tries are back", func(t *testing.T) {
			d.wait(10*time.Minute - time.Microsecond)
			d.refused(t, "office", password, account.ErrLocked)
			d.wait(time.Microsecond)
			for range 4 {
				d.refused(t, "office", "wrong", account.ErrSignIn)
			}
			d.signIn(t)
		})
		t.Run("others are not locked with it", func(t *testing.T) {
			d.create(t, "second")
			for range 5 {
				d.refused(t, "office", "wrong", account.ErrSignIn)
			}
			if _, _, err := d.SignIn(ctx, "second", password); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// TestGuessesAtTheSameTime: many guesses that are all let in before the first
// has failed must not be more than five.
func TestGuessesAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var wrong, locked atomic.Int64
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				switch _, _, err := d.SignIn(ctx, "office", "wrong"); {
				case errors.Is(err, account.ErrSignIn):
					wrong.Add(1)
				case errors.Is(err, account.ErrLocked):
					locked.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if wrong.Load() != 5 || locked.Load() != 5 {
			t.Errorf("%d guesses were judged and %d were not", wrong.Load(), locked.Load())
		}
		d.refused(t, "office", password, account.ErrLocked)
	})
}

func TestSessionEnds(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		t.Run("after half an hour without use", func(t *testing.T) {
			a := d.signIn(t)
			d.wait(30*time.Minute + time.Microsecond)
			d.holds(t, a, false)
		})
		t.Run("after twelve hours however much it is used", func(t *testing.T) {
			a := d.signIn(t)
			for range 24 {
				d.holds(t, a, true)
				d.wait(30 * time.Minute)
			}
			d.holds(t, a, true)
			d.wait(time.Microsecond)
			d.holds(t, a, false)
		})
		t.Run("at once when the account is disabled", func(t *testing.T) {
			a := d.signIn(t)
			if err := d.db.InTx(ctx, func(tx *store.Tx) error {
				return tx.Table("accounts").Where("login = ?", "office").Update("disabled_at", tx.Now).Error
			}); err != nil {
				t.Fatal(err)
			}
			d.holds(t, a, false)
			d.refused(t, "office", password, account.ErrSignIn)
		})
	})
}

// TestUnknownLoginTakesAsLong: the time must not tell which logins exist. What
// takes time is counted: one hash, one event, the same notes of the failure.
func TestUnknownLoginTakesAsLong(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.create(t, "gone")
		d.create(t, "coded")
		if err := d.db.InTx(ctx, func(tx *store.Tx) error {
			if err := tx.Table("accounts").Where("login = ?", "gone").Update("disabled_at", tx.Now).Error; err != nil {
				return err
			}
			return tx.Table("accounts").Where("login = ?", "coded").Update("totp_since", tx.Now).Error
		}); err != nil {
			t.Fatal(err)
		}
		type work struct{ hashes, events, tries int64 }
		done := func() (w work) {
			t.Helper()
			for table, n := range map[string]*int64{"events": &w.events, "sign_in_tries": &w.tries} {
				if err := d.db.Read(ctx).Table(table).Count(n).Error; err != nil {
					t.Fatal(err)
				}
			}
			w.hashes = account.Hashed()
			return w
		}
		for i, x := range []struct{ login, password string }{{"office", "wrong"}, {"nobody", "wrong"}, {"gone", password}, {"coded", "wrong"}, {"", ""}, {strings.Repeat("x", 300), "wrong"}} {
			before := done()
			d.fails(t, 1, account.Origin{From: fmt.Sprintf("203.0.113.%d", i)}, x.login, x.password, account.ErrSignIn)
			after := done()
			// The name at its place, the name anywhere, the place whatever the name.
			if got, want := (work{after.hashes - before.hashes, after.events - before.events, after.tries - before.tries}), (work{1, 1, 3}); got != want {
				t.Errorf("%.10q costs %+v, want %+v", x.login, got, want)
			}
		}
	})
}

func TestCreate(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		good := account.NewAccount{Login: "second", Name: "李四", Role: "community", AreaCode: city, Password: password}
		t.Run("a wrong field is named and nothing is stored", func(t *testing.T) {
			for path, spoil := range map[string]func(*account.NewAccount){
				"login":    func(a *account.NewAccount) { a.Login = "" },
				"login ":   func(a *account.NewAccount) { a.Login = strings.Repeat("a", 65) },
				"login  ":  func(a *account.NewAccount) { a.Login = "李四" },
				"login   ": func(a *account.NewAccount) { a.Login = "li si" },
				"name":     func(a *account.NewAccount) { a.Name = strings.Repeat("李", 201) },
				"role":     func(a *account.NewAccount) { a.Role = "king" },
				"area":     func(a *account.NewAccount) { a.AreaCode = "9901" },
				"password": func(a *account.NewAccount) { a.Password = "1234567" },
			} {
				bad := good
				spoil(&bad)
				err := d.Create(ctx, survey.System, good, bad)
				var e *survey.Error
				if !errors.As(err, &e) || e.Kind != survey.Invalid || len(e.Fields) != 1 || e.Fields[0].Path != strings.TrimSpace(path) {
					t.Errorf("%s: %v", path, err)
				}
			}
			d.refused(t, "second", password, account.ErrSignIn)
		})
		t.Run("a login that is taken is a conflict and nothing is stored", func(t *testing.T) {
			taken := good
			taken.Login = "office"
			if err := d.Create(ctx, survey.System, good, taken); !errors.Is(err, account.ErrLoginTaken) {
				t.Fatal(err)
			}
			d.refused(t, "second", password, account.ErrSignIn)
		})
	})
}

func TestAny(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := account.New(db, survey.SystemClock, secret)
		if any, err := s.Any(ctx); err != nil || any {
			t.Fatal(any, err)
		}
		if err := s.Create(ctx, survey.System, account.NewAccount{Login: "a", Role: "viewer", AreaCode: city, Password: password}); err != nil {
			t.Fatal(err)
		}
		if any, err := s.Any(ctx); err != nil || !any {
			t.Fatal(any, err)
		}
	})
}
