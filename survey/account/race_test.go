package account_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chengyin/survey/account"
)

// TestGuessesBeforeASecondFactor: the code is asked for after the password, so the
// question tells that the password was right. Whoever guesses at many at the same
// time must not learn that after the lock.
func TestGuessesBeforeASecondFactor(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.enrolled(t)
		before, others := account.Hashed(), false
		racing := account.New(d.db, func() time.Time {
			if !others && account.Hashed() > before { // the right guess is hashed and not yet answered
				others = true
				d.fails(t, 5, account.Origin{}, "office", "wrong", account.ErrSignIn)
			}
			return time.UnixMicro(d.now.Load()).UTC()
		}, secret)
		before = account.Hashed() // making the service hashes, too
		if e, err := racing.Enter(ctx, account.Try{Login: "office", Password: password}); !errors.Is(err, account.ErrLocked) || e.Step != "" {
			t.Errorf("%+v %v", e, err)
		}
		if !others {
			t.Error("nobody guessed in between")
		}
	})
}

// TestOneAccountIsLinkedOnce: two people whom the provider calls by one name do
// not both get the account, not even when they come at the same time.
func TestOneAccountIsLinkedOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for round := range 8 {
			login := fmt.Sprintf("name%d", round)
			d.create(t, login)
			var in, out atomic.Int64
			var wg sync.WaitGroup
			for i := range 6 {
				wg.Go(func() {
					// Each of three comes twice at once.
					switch _, err := d.EnterAs(ctx, "https://id.example", fmt.Sprintf("%s-%d", login, i/2), login, account.Origin{}); {
					case err == nil:
						in.Add(1)
					case errors.Is(err, account.ErrSignIn):
						out.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			var links int64
			if err := d.db.Read(ctx).Table("identities").Joins("JOIN accounts ON accounts.id = account_id").Where("login = ?", login).Count(&links).Error; err != nil || links != 1 || in.Load() != 2 || out.Load() != 4 {
				t.Errorf("%d links, %d signed in, %d refused: %v", links, in.Load(), out.Load(), err)
			}
		}
	})
}
