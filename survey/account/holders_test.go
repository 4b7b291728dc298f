package account_test

import (
	"testing"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/apptest"
	"chengyin/survey/store/storetest"
)

// TestHolders: whoever has the permission there or above is listed by name; who is
// elsewhere, has another role or may not sign in any more is not.
func TestHolders(t *testing.T) {
	for _, dialect := range []string{"sqlite", "mysql"} {
		t.Run(dialect, func(t *testing.T) {
			ctx := t.Context()
			w := apptest.New(t, storetest.DSN(t, dialect))
			w.Person(t, "zoe", "worker", apptest.North)
			w.Person(t, "abe", "worker", apptest.East)
			w.Person(t, "sid", "worker", apptest.South)
			w.Person(t, "nora", "community", apptest.North)
			gone := w.Person(t, "gone", "worker", apptest.North)
			if err := w.Accounts.Disable(ctx, survey.As("sys", "sysadmin", apptest.City), gone.Account); err != nil {
				t.Fatal(err)
			}
			got := func(code string) (logins string) {
				t.Helper()
				list, err := account.HoldersOf(w.DB.Read(ctx), survey.Interview, code)
				if err != nil {
					t.Fatal(err)
				}
				for _, h := range list {
					logins += h.Login + " "
				}
				return logins
			}
			for code, want := range map[string]string{apptest.North: "abe zoe ", apptest.South: "abe sid ", apptest.Riverside: "abe ", apptest.City: ""} {
				if logins := got(code); logins != want {
					t.Errorf("%s: %q, not %q", code, logins, want)
				}
			}
		})
	}
}
