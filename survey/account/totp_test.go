package account_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"chengyin/survey"
	"chengyin/survey/account"
)

// code is what an authenticator with the secret shows, that many periods from now.
func (d *desk) code(t *testing.T, secret string, periods int) string {
	t.Helper()
	c, err := totp.GenerateCode(secret, time.UnixMicro(d.now.Load()).Add(time.Duration(periods)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// enrolled gives "office" a second factor.
func (d *desk) enrolled(t *testing.T) (secret string, recovery []string) {
	t.Helper()
	who := d.who(t, d.signIn(t))
	e, err := d.Enrol(ctx, who)
	if err != nil {
		t.Fatal(err)
	}
	if recovery, err = d.ConfirmTOTP(ctx, who, d.code(t, e.Secret, 0)); err != nil {
		t.Fatal(err)
	}
	return e.Secret, recovery
}

func TestSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		who := d.who(t, d.signIn(t))
		e, err := d.Enrol(ctx, who)
		if err != nil || !strings.HasPrefix(e.URL, "otpauth://totp/Chengyin:office?") || !strings.Contains(e.URL, "secret="+e.Secret) {
			t.Fatal(e, err)
		}
		t.Run("until its first code it asks nobody for one, and it stays the same", func(t *testing.T) {
			if again, err := d.Enrol(ctx, who); err != nil || again != e {
				t.Fatal(again, err)
			}
			if _, err := d.ConfirmTOTP(ctx, who, "000000"); !slices.Equal(wrongFields(err), []string{"code field_totp_wrong"}) {
				t.Fatal(err)
			}
			d.signIn(t)
		})
		recovery, err := d.ConfirmTOTP(ctx, who, d.code(t, e.Secret, 0))
		if err != nil || len(recovery) != 10 {
			t.Fatal(recovery, err)
		}
		t.Run("neither the secret nor the recovery codes are stored as they are", func(t *testing.T) {
			var kept []string
			if err := d.db.Read(ctx).Table("accounts").Pluck("totp_secret", &kept).Error; err != nil || strings.Contains(strings.Join(kept, " "), e.Secret) {
				t.Fatal(kept, err)
			}
			if err := d.db.Read(ctx).Table("recovery_codes").Pluck("code_hash", &kept).Error; err != nil || len(kept) != 10 || slices.Contains(kept, recovery[0]) || slices.Contains(kept, strings.ReplaceAll(recovery[0], "-", "")) {
				t.Fatal(kept, err)
			}
		})
		enter := func(code string) (account.Entry, error) {
			return d.Enter(ctx, account.Try{Login: "office", Password: password, Code: code})
		}
		t.Run("password and code in two steps, or at once", func(t *testing.T) {
			d.wait(time.Minute)
			first, err := enter("")
			if !errors.Is(err, account.ErrCodeNeeded) || first.Token != "" || first.Step == "" {
				t.Fatal(first, err)
			}
			got, err := d.Continue(ctx, first.Step, d.code(t, e.Secret, 0), account.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			d.holds(t, got.Token, true)
			d.wait(time.Minute)
			if got, err = enter(d.code(t, e.Secret, 0)); err != nil {
				t.Fatal(err)
			}
			d.holds(t, got.Token, true)
		})
		t.Run("a code counts once, and none before it afterwards", func(t *testing.T) {
			for _, period := range []int{0, -1} {
				if _, err := enter(d.code(t, e.Secret, period)); !errors.Is(err, account.ErrCodeWrong) {
					t.Fatal(period, err)
				}
			}
			if _, err := enter(d.code(t, e.Secret, 1)); err != nil { // a clock that is half a minute fast
				t.Fatal(err)
			}
			d.wait(time.Minute)
			if _, err := enter(d.code(t, e.Secret, 2)); !errors.Is(err, account.ErrCodeWrong) {
				t.Fatal("a minute fast: ", err)
			}
		})
		t.Run("a wrong password is told before anything about codes", func(t *testing.T) {
			if _, err := d.Enter(ctx, account.Try{Login: "office", Password: "wrong", Code: d.code(t, e.Secret, 0)}); !errors.Is(err, account.ErrSignIn) {
				t.Fatal(err)
			}
			if _, err := enter(d.code(t, e.Secret, 0)); err != nil {
				t.Fatal("the wrong password has used the code up: ", err)
			}
		})
		t.Run("a recovery code counts once, however it is typed", func(t *testing.T) {
			typed := " " + strings.ToLower(strings.ReplaceAll(recovery[3], "-", " "))
			if _, err := enter(typed); err != nil {
				t.Fatal(err)
			}
			if _, err := enter(recovery[3]); !errors.Is(err, account.ErrCodeWrong) {
				t.Fatal(err)
			}
			if f, err := d.Factor(ctx, who); err != nil || f.Recovery != 9 {
				t.Fatal(f, err)
			}
			if !slices.Contains(d.events(t), "account.recovery_code_used") {
				t.Fatal(d.events(t))
			}
		})
		t.Run("new recovery codes replace the old ones", func(t *testing.T) {
			d.wait(time.Minute)
			fresh, err := d.RenewRecoveryCodes(ctx, who, d.code(t, e.Secret, 0), account.Origin{})
			if err != nil || len(fresh) != 10 {
				t.Fatal(err)
			}
			if _, err := enter(recovery[4]); !errors.Is(err, account.ErrCodeWrong) {
				t.Fatal(err)
			}
			if _, err := enter(fresh[0]); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("the first step is good for five minutes, and not after a change of the password", func(t *testing.T) {
			first, _ := enter("")
			d.wait(5*time.Minute + time.Second)
			if _, err := d.Continue(ctx, first.Step, d.code(t, e.Secret, 0), account.Origin{}); !errors.Is(err, account.ErrStepOver) {
				t.Fatal(err)
			}
			for _, made := range []string{"", "x", first.Step + "x", strings.Repeat("A", 200)} {
				if _, err := d.Continue(ctx, made, d.code(t, e.Secret, 0), account.Origin{}); !errors.Is(err, account.ErrStepOver) {
					t.Fatal(made, err)
				}
			}
			first, _ = enter("")
			if _, err := d.ChangePassword(ctx, who, password, "Battery-Staple-2", account.Origin{}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Continue(ctx, first.Step, d.code(t, e.Secret, 0), account.Origin{}); !errors.Is(err, account.ErrStepOver) {
				t.Fatal(err)
			}
		})
	})
}

func TestCodesCannotBeGuessed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		secret, recovery := d.enrolled(t)
		d.wait(time.Minute)
		first, err := d.Enter(ctx, account.Try{Login: "office", Password: password})
		if !errors.Is(err, account.ErrCodeNeeded) {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := d.Continue(ctx, first.Step, "000000", account.Origin{}); !errors.Is(err, account.ErrCodeWrong) {
				t.Fatal(err)
			}
		}
		for _, code := range []string{d.code(t, secret, 0), recovery[0]} {
			if _, err := d.Continue(ctx, first.Step, code, account.Origin{}); !errors.Is(err, account.ErrLocked) {
				t.Fatal(err)
			}
		}
		d.fails(t, 1, account.Origin{}, "office", password, account.ErrLocked)
		d.wait(10 * time.Minute)
		if _, err := d.Enter(ctx, account.Try{Login: "office", Password: password, Code: recovery[0]}); err != nil {
			t.Fatal("the lock has used the recovery code up: ", err)
		}
	})
}

func TestWhoNeedsASecondFactor(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for login, role := range map[string]string{"sys": "sysadmin", "sec": "secadmin", "aud": "auditor"} {
			if err := d.Create(ctx, survey.System, account.NewAccount{Login: login, Role: role, AreaCode: city, Password: password}); err != nil {
				t.Fatal(err)
			}
		}
		must := func(login, want string) survey.Actor {
			t.Helper()
			e, err := d.Enter(ctx, account.Try{Login: login, Password: password})
			if err != nil || e.Who.Must != want {
				t.Fatalf("%s must %q, want %q: %v", login, e.Who.Must, want, err)
			}
			return d.who(t, e.Token)
		}
		for _, login := range []string{"sys", "sec", "aud"} {
			must(login, "totp")
		}
		must("office", "")
		d.rules(t, func(p *account.Policy) { p.OthersNeedCode = true })
		office := must("office", "totp")
		e, err := d.Enrol(ctx, office)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.ConfirmTOTP(ctx, office, d.code(t, e.Secret, 0)); err != nil {
			t.Fatal(err)
		}
		d.wait(time.Minute)
		t.Run("who needs it cannot drop it; who does not, can, with a code", func(t *testing.T) {
			if err := d.DropTOTP(ctx, office, d.code(t, e.Secret, 0), account.Origin{}); !errors.Is(err, account.ErrTOTPKept) {
				t.Fatal(err)
			}
			d.rules(t, func(p *account.Policy) { p.OthersNeedCode = false })
			if err := d.DropTOTP(ctx, office, "000000", account.Origin{}); !slices.Equal(wrongFields(err), []string{"code field_totp_wrong"}) {
				t.Fatal(err)
			}
			if err := d.DropTOTP(ctx, office, d.code(t, e.Secret, 0), account.Origin{}); err != nil {
				t.Fatal(err)
			}
			must("office", "")
		})
		t.Run("administrators of the place reset it, and sessions end", func(t *testing.T) {
			d.wait(time.Minute)
			d.enrolled(t)
			for _, x := range []survey.Actor{survey.As("sys", "sysadmin", "990200000000"), survey.As("o", "office", city), office} {
				if err := d.ResetTOTP(ctx, x, office.Account); !errors.Is(err, survey.ErrNotFound) {
					t.Fatal(x.Login, err)
				}
			}
			if err := d.ResetTOTP(ctx, sec, office.Account); err != nil {
				t.Fatal(err)
			}
			must("office", "")
			if !slices.Contains(d.events(t), "account.totp_reset") {
				t.Fatal("it is not noted")
			}
		})
	})
}

// TestAnotherSecret: what an older secret has sealed is read with it beside the
// new one, and not without.
func TestAnotherSecret(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		totpSecret, recovery := d.enrolled(t)
		d.wait(time.Minute)
		clock := func() time.Time { return time.UnixMicro(d.now.Load()).UTC() }
		with := account.New(d.db, clock, []byte("another secret, newer"), secret)
		for _, code := range []string{d.code(t, totpSecret, 0), recovery[0]} {
			if _, err := with.Enter(ctx, account.Try{Login: "office", Password: password, Code: code}); err != nil {
				t.Fatal(err)
			}
		}
		d.wait(time.Minute)
		without := account.New(d.db, clock, []byte("another secret, newer"))
		if e, err := without.Enter(ctx, account.Try{Login: "office", Password: password, Code: d.code(t, totpSecret, 0)}); err == nil || e.Token != "" {
			t.Fatal(e, err)
		}
	})
}
