package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chengyin/survey/app"
	"chengyin/survey/collector"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// session posts to the sign-in route and returns the status and the cookie.
func session(url, login, password string) (int, string) {
	body, _ := json.Marshal(map[string]string{"login": login, "password": password})
	r, err := http.Post(url+"/api/v1/session", "application/json", bytes.NewReader(body))
	if err != nil {
		return 0, ""
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, r.Body)
	for _, k := range r.Cookies() {
		return r.StatusCode, k.Value
	}
	return r.StatusCode, ""
}

var headLine = regexp.MustCompile(`(?m)^head (\d+:[0-9a-f]{64})$`)

// TestTrailOutlivesKills kills the server while people sign in, and verifies the
// trail with the command, also while the server runs.
func TestTrailOutlivesKills(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			p := newProgram(t, storetest.DSN(t, dialect))
			env := map[string]string{"CHENGYIN_DATABASE": p.dsn, "CHENGYIN_SECRET": testSecret}
			verify := func(args ...string) said {
				return runProgram(t.Context(), env, append([]string{"audit", "verify"}, args...)...)
			}
			var stop atomic.Bool
			var signedIn atomic.Int64
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for !stop.Load() {
						if status, _ := session(p.url(), "office", testPassword); status == 200 {
							signedIn.Add(1)
						} else {
							time.Sleep(10 * time.Millisecond)
						}
					}
				})
			}
			noted := ""
			for range 3 {
				have := signedIn.Load()
				for deadline := time.Now().Add(30 * time.Second); signedIn.Load() < have+5 && time.Now().Before(deadline); {
					time.Sleep(time.Millisecond)
				}
				p.kill()
				args := []string{}
				if noted != "" {
					args = []string{"--head", noted}
				}
				got := verify(args...)
				m := headLine.FindStringSubmatch(got.out)
				if got.code != 0 || m == nil || m[1] == noted {
					t.Fatalf("%+v", got)
				}
				noted = m[1]
				p.start("serve", "--demo")
				if got := verify("--head", noted); got.code != 0 {
					t.Fatalf("while the server runs: %+v", got)
				}
			}
			stop.Store(true)
			wg.Wait()
			if signedIn.Load() < 15 {
				t.Fatalf("only %d signed in", signedIn.Load())
			}
			p.kill()

			db, err := store.Open(t.Context(), p.dsn, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var row struct{ ID, Kind string }
			if err := db.Read(t.Context()).Table("events").Where("seq = 5").Take(&row).Error; err != nil {
				t.Fatal(err)
			}
			if err := db.InTx(t.Context(), func(tx *store.Tx) error { return tx.Exec("UPDATE events SET object = 'x' WHERE seq = 5").Error }); err != nil {
				t.Fatal(err)
			}
			got := verify()
			if got.code != 1 || !strings.Contains(got.err, "seq 5, id "+row.ID) || !strings.Contains(got.err, "kind "+row.Kind) || !strings.Contains(got.err, "changed") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAuditUsage(t *testing.T) {
	env := map[string]string{"CHENGYIN_DATABASE": storetest.DSN(t, "sqlite"), "CHENGYIN_SECRET": testSecret}
	for args, code := range map[string]int{"audit": 2, "audit look": 2, "audit verify --head 7": 2, "audit verify": 1} { // the last: no schema yet
		if got := runProgram(t.Context(), env, strings.Fields(args)...); got.code != code {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := runProgram(t.Context(), env, "migrate"); got.code != 0 {
		t.Fatal(got)
	}
	for args, code := range map[string]int{"audit verify": 0, "audit keep --days 179": 1, "audit keep --days 180": 0} {
		if got := runProgram(t.Context(), env, strings.Fields(args)...); got.code != code {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

// TestSecretsAreChanged: what an older secret signed stays genuine, and what is new
// is signed with the newest.
func TestSecretsAreChanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	env := map[string]string{"CHENGYIN_DATABASE": storetest.DSN(t, "sqlite"), "CHENGYIN_SECRET_FILE": file}
	run := func(args ...string) said { return runProgram(t.Context(), env, args...) }
	if got := run("secret", "rotate"); got.code != 1 || !strings.Contains(got.err, "no secret") {
		t.Fatalf("%+v", got)
	}
	if got := run("admin", "add", "--login", "first"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	first, err := readSecrets(file)
	if err != nil || len(first) != 1 {
		t.Fatal(len(first), err)
	}
	got := run("secret", "rotate")
	if got.code != 0 || strings.Contains(got.out+got.err, string(first[0])) {
		t.Fatalf("%+v", got)
	}
	both, err := readSecrets(file)
	if err != nil || len(both) != 2 || !bytes.Equal(both[1], first[0]) || bytes.Equal(both[0], first[0]) {
		t.Fatal(len(both), err)
	}
	if i, err := os.Stat(file); err != nil || i.Mode().Perm() != 0o600 {
		t.Fatal(i.Mode(), err)
	}
	t.Run("codes of both are genuine, and new ones are of the newest", func(t *testing.T) {
		old, now := collector.NewSigner(first[0]), collector.NewSigner(both[0], both[1:]...)
		if c := old.Code(7); !now.Genuine(c) || now.Code(7) == c {
			t.Error("the poster that hangs is unknown, or new ones are signed with the old secret")
		}
		if old.Genuine(now.Code(7)) {
			t.Error("the old secret signs what the new one does")
		}
	})
	t.Run("the trail goes on, and verifies with both", func(t *testing.T) {
		if got := run("admin", "add", "--login", "second"); got.code != 0 {
			t.Fatalf("%+v", got)
		}
		if got := run("audit", "verify"); got.code != 0 {
			t.Fatalf("%+v", got)
		}
		env := map[string]string{"CHENGYIN_DATABASE": env["CHENGYIN_DATABASE"], "CHENGYIN_SECRET": string(both[0])}
		if got := runProgram(t.Context(), env, "audit", "verify"); got.code != 1 || !strings.Contains(got.err, "key_unknown") {
			t.Fatalf("%+v", got)
		}
		env["CHENGYIN_SECRET"] = fmt.Sprintf("%s, %s", both[0], both[1])
		if got := runProgram(t.Context(), env, "audit", "verify"); got.code != 0 {
			t.Fatalf("%+v", got)
		}
		if got := runProgram(t.Context(), env, "secret", "rotate"); got.code != 1 || !strings.Contains(got.err, "CHENGYIN_SECRET") {
			t.Fatalf("%+v", got)
		}
	})
	t.Run("a file that others may read is refused", func(t *testing.T) {
		for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
			if got := run("audit", "verify"); got.code != 1 || !strings.Contains(got.err, "chmod 600") {
				t.Errorf("%o: %+v", mode, got)
			}
		}
	})
}

// TestTheLogKeepsSecrets reads what a server said during a run with everything in
// it that is secret: right and wrong sign-ins, a token of a session, a ticket,
// answers, refusals and an internal error.
func TestTheLogKeepsSecrets(t *testing.T) {
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	_, cookie := session(p.url(), "office", testPassword)
	session(p.url(), "office", "hunter2-wrong-password")
	session(p.url(), "hunter2-as-a-login", "x")
	if cookie == "" {
		t.Fatal("nobody signed in")
	}
	get := func(path string) {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", p.url()+path, nil)
		r.AddCookie(&http.Cookie{Name: "chengyin_session", Value: cookie})
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	office := p.signIn("office")
	code := office.posters(office.openWave().ID)[0].Code
	s, err := ticket(http.DefaultClient, p.url(), code)
	if err != nil {
		t.Fatal(err)
	}
	if _, receipt := s.send(http.DefaultClient, p.url()); receipt == "" {
		t.Fatal("no receipt")
	}
	for _, path := range []string{"/board", "/audit?token=hunter2", "/nothing?password=hunter2", "/api/v1/areas?parent=hunter2"} {
		get(path)
	}
	// An internal error: the table of waves is away for a moment.
	a, err := app.New(t.Context(), app.Config{Database: p.dsn, Secret: []byte(testSecret)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	move := func(sql string) {
		if err := a.DB.InTx(t.Context(), func(tx *store.Tx) error { return tx.Exec(sql).Error }); err != nil {
			t.Fatal(err)
		}
	}
	move("ALTER TABLE waves RENAME TO waves_away")
	get("/api/v1/waves?secret=hunter2")
	move("ALTER TABLE waves_away RENAME TO waves")
	p.kill()
	var log string // without what is printed for whoever tries the demo city
	for _, line := range strings.SplitAfter(p.said.String(), "\n") {
		if strings.Contains(line, "level=") {
			log += line
		}
	}
	if !strings.Contains(log, "listening") || !strings.Contains(log, "request failed") {
		t.Fatalf("this log holds nothing to look at:\n%s", log)
	}
	for what, secret := range map[string]string{"the secret": testSecret, "a password": testPassword, "a wrong password": "hunter2", "a cookie": cookie, "the id of a response": s.id} {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in the log:\n%s", what, log)
		}
	}
}
