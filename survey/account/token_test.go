package account_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/store"
)

const (
	district = "990102000000"
	another  = "990200000000"
)

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		who := d.who(t, d.signIn(t))
		good := account.NewAPIToken{Name: "市数据平台", Permissions: []survey.Permission{survey.ExportResponses, survey.SeeScores}, Area: district, Days: 30}
		t.Run("what goes beyond its owner, or belongs to people only, is refused", func(t *testing.T) {
			for want, spoil := range map[string]func(*account.NewAPIToken){
				"name field_missing":           func(n *account.NewAPIToken) { n.Name = " " },
				"name field_too_long":          func(n *account.NewAPIToken) { n.Name = strings.Repeat("长", 101) },
				"days field_not_between":       func(n *account.NewAPIToken) { n.Days = 367 },
				"days field_not_between ":      func(n *account.NewAPIToken) { n.Days = 0 },
				"area area_outside":            func(n *account.NewAPIToken) { n.Area = another },
				"permissions field_missing":    func(n *account.NewAPIToken) { n.Permissions = nil },
				"permissions field_not_listed": func(n *account.NewAPIToken) { n.Permissions = []survey.Permission{survey.ManageTokens} },
				"permissions field_not_listed ": func(n *account.NewAPIToken) {
					n.Permissions = []survey.Permission{survey.SeeScores, survey.ManagePrivacy}
				},
				"permissions field_not_listed  ": func(n *account.NewAPIToken) { n.Permissions = []survey.Permission{"everything"} },
			} {
				bad := good
				spoil(&bad)
				_, _, err := d.CreateToken(ctx, who, bad)
				if got := wrongFields(err); !slices.Contains(got, strings.TrimSpace(want)) {
					t.Errorf("%s: %v", want, err)
				}
			}
			for _, role := range []string{"viewer", "sysadmin", "secadmin", "auditor"} {
				if _, _, err := d.CreateToken(ctx, survey.As("x", role, city), good); !errors.Is(err, survey.ErrDenied) {
					t.Errorf("%s: %v", role, err)
				}
			}
			for _, p := range account.TokenPermissions {
				if p.Duty() != "" || p == survey.ManageTokens || p == survey.ManagePrivacy {
					t.Errorf("a token may be given %s", p)
				}
			}
		})
		token, made, err := d.CreateToken(ctx, who, good)
		if err != nil || !strings.HasPrefix(token, "cyt_") || len(token) < 47 {
			t.Fatal(token, err)
		}
		holds := func(want bool) survey.Actor {
			t.Helper()
			a, err := d.TokenActor(ctx, token, account.Origin{From: "192.0.2.5", Request: "r1"})
			if want && err != nil || !want && (!errors.Is(err, survey.ErrUnauthorized) || !a.Nobody()) {
				t.Fatalf("%+v %v", a, err)
			}
			return a
		}
		t.Run("only its hash is kept", func(t *testing.T) {
			var kept []string
			if err := d.db.Read(ctx).Table("api_tokens").Pluck("token_hash", &kept).Error; err != nil || len(kept) != 1 || strings.Contains(token, kept[0]) || strings.Contains(kept[0], token) {
				t.Fatal(kept, err)
			}
		})
		t.Run("it does what it is for, there, and nothing else", func(t *testing.T) {
			a := holds(true)
			if a.Via != "token" || a.From != "192.0.2.5" || a.Login != "office" {
				t.Fatalf("%+v", a)
			}
			for _, p := range survey.Permissions {
				want := slices.Contains(good.Permissions, p)
				if a.Sees(p, "990102001001") != want || a.Sees(p, city) || a.Sees(p, "990103000000") || a.Can(p) != want {
					t.Errorf("%s: %+v", p, a.Grants)
				}
			}
		})
		t.Run("nobody is anybody with a token that was never made", func(t *testing.T) {
			for _, x := range []string{"", "cyt_", "cyt_x", strings.TrimPrefix(token, "cyt_"), token + "x", strings.ToUpper(token)} {
				if _, err := d.TokenActor(ctx, x, account.Origin{}); !errors.Is(err, survey.ErrUnauthorized) {
					t.Errorf("%q: %v", x, err)
				}
			}
			if _, err := d.Actor(ctx, token); !errors.Is(err, survey.ErrUnauthorized) {
				t.Error("it opens a session: ", err)
			}
		})
		t.Run("its first use is noted once, its last use to the minute", func(t *testing.T) {
			d.wait(2 * time.Minute)
			holds(true)
			n := 0
			for _, k := range d.events(t) {
				if k == "account.token_first_used" {
					n++
				}
			}
			list, err := d.Tokens(ctx, who)
			if err != nil || n != 1 || len(list) != 1 || list[0].UsedAt == nil || list[0].UsedFrom != "192.0.2.5" || list[0].Login != "office" {
				t.Fatal(n, list, err)
			}
			if list, err := d.Tokens(ctx, survey.As("o", "office", another)); err != nil || len(list) != 0 {
				t.Fatal("another city sees it: ", list, err)
			}
		})
		t.Run("it may no more than its owner may now", func(t *testing.T) {
			set := func(area string) {
				t.Helper()
				if err := d.db.InTx(ctx, func(tx *store.Tx) error {
					return tx.Table("grants").Where("account_id = ?", who.Account).Update("area_code", area).Error
				}); err != nil {
					t.Fatal(err)
				}
			}
			set("990102001000")
			if a := holds(true); a.Sees(survey.SeeScores, district) || !a.Sees(survey.SeeScores, "990102001001") {
				t.Fatalf("%+v", a.Grants)
			}
			set(another)
			if a := holds(true); len(a.Grants) != 0 {
				t.Fatalf("%+v", a.Grants)
			}
			set(city)
		})
		t.Run("it dies when it is revoked, with its time, and with its owner", func(t *testing.T) {
			if err := d.RevokeToken(ctx, survey.As("o", "office", another), made.ID); !errors.Is(err, survey.ErrNotFound) {
				t.Fatal(err)
			}
			holds(true)
			d.wait(30*24*time.Hour - 3*time.Minute)
			holds(true)
			d.wait(10 * time.Minute)
			holds(false)
			if token, made, err = d.CreateToken(ctx, who, good); err != nil {
				t.Fatal(err)
			}
			holds(true)
			for range 2 {
				if err := d.RevokeToken(ctx, who, made.ID); err != nil {
					t.Fatal(err)
				}
			}
			holds(false)
			if token, _, err = d.CreateToken(ctx, who, good); err != nil {
				t.Fatal(err)
			}
			if err := d.Disable(ctx, survey.As("sys", "sysadmin", city), who.Account); err != nil {
				t.Fatal(err)
			}
			holds(false)
		})
	})
}
