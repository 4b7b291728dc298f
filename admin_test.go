package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"chengyin/survey/app"
	"chengyin/survey/store/storetest"
)

// invoke runs the program with an environment of its own.
func invoke(env map[string]string, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	lookup := func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
	status = run(context.Background(), args, lookup, &out, &err)
	return status, out.String(), err.String()
}

func TestAdminAdd(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			env := map[string]string{"CHENGYIN_DATABASE": storetest.DSN(t, dialect), "CHENGYIN_SECRET": strings.Repeat("s", 32)}
			status, out, errs := invoke(env, "admin", "add", "--login", "office", "--role", "office")
			if status != 0 || errs != "" {
				t.Fatal(status, out, errs)
			}
			fields := strings.Fields(out)
			if len(fields) != 4 || fields[1] != "office" {
				t.Fatal(out)
			}
			t.Run("the password that is printed signs in", func(t *testing.T) {
				a, err := app.New(context.Background(), app.Config{Database: env["CHENGYIN_DATABASE"], Secret: []byte(env["CHENGYIN_SECRET"])})
				if err != nil {
					t.Fatal(err)
				}
				defer a.Close()
				if _, who, err := a.Accounts.SignIn(context.Background(), "office", fields[3]); err != nil || who.Roles()[0] != "office" {
					t.Fatal(who, err)
				}
			})
			t.Run("refusals are worded and say what to do", func(t *testing.T) {
				for _, c := range []struct {
					args   []string
					lang   string
					status int
					want   string
				}{
					{[]string{"admin", "add", "--login", "office"}, "", 1, "login"},
					{[]string{"admin", "add"}, "zh_CN.UTF-8", 1, "login: 缺少这一项。"},
					{[]string{"admin", "add", "--login", "x", "--role", "king"}, "", 1, "role: This field takes only the listed values."},
					{[]string{"admin"}, "", 2, "usage: chengyin admin add"},
					{[]string{"admin", "add", "surplus"}, "", 2, "unexpected argument"},
				} {
					env["LANG"] = c.lang
					status, out, errs := invoke(env, c.args...)
					if status != c.status || out != "" || !strings.Contains(errs, c.want) || strings.Contains(errs, "error.") {
						t.Errorf("%v: status %d, %q, %q", c.args, status, out, errs)
					}
				}
			})
		})
	}
}
