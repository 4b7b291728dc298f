package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chengyin/survey/app"
	"chengyin/survey/store/storetest"
)

// said is what a run of the program wrote and how it ended.
type said struct {
	code     int
	out, err string
}

// runProgram runs the program in this process.
func runProgram(ctx context.Context, env map[string]string, args ...string) said {
	var out, err bytes.Buffer
	code := run(ctx, args, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, &out, &err)
	return said{code, out.String(), err.String()}
}

func TestUsage(t *testing.T) {
	for name, x := range map[string]struct {
		args     string
		code     int
		out, err string // what must appear where
	}{
		"nothing":                       {"", 2, "Usage: chengyin COMMAND", ""},
		"help":                          {"help", 0, "Usage: chengyin COMMAND", ""},
		"-h":                            {"-h", 0, "  migrate ", ""},
		"--help":                        {"--help", 0, "  serve ", ""},
		"an unknown command":            {"sevre", 2, "", `unknown command "sevre"`},
		"version":                       {"version", 0, codeVersion() + "\n", ""},
		"version with an argument":      {"version now", 2, "", `unexpected argument "now"`},
		"help of a command":             {"migrate --help", 0, "", "CHENGYIN_DATABASE"},
		"an unknown flag":               {"migrate --databse x", 2, "", "databse"},
		"an argument that is none":      {"migrate up", 2, "", `unexpected argument "up"`},
		"config without dump":           {"config", 2, "", "config dump"},
		"config of something else":      {"config show", 2, "", "config dump"},
		"config dump with an argument":  {"config dump all", 2, "", `unexpected argument "all"`},
		"a demo of no known size":       {"serve --demo --demo-size huge", 2, "", "small or full"},
		"a setting that is wrong":       {"serve --listen nowhere", 1, "", "chengyin serve: CHENGYIN_LISTEN"},
		"a database that is none":       {"migrate --database postgres://x", 1, "", "CHENGYIN_DATABASE"},
		"a server that does not answer": {"migrate --database mysql://a:hunter2@127.0.0.1:1/x", 1, "", "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			got := runProgram(t.Context(), nil, strings.Fields(x.args)...)
			if got.code != x.code || !strings.Contains(got.out, x.out) || !strings.Contains(got.err, x.err) {
				t.Errorf("%d\nstdout: %s\nstderr: %s", got.code, got.out, got.err)
			}
			if x.out == "" && got.out != "" || x.err == "" && got.err != "" {
				t.Errorf("more was said than asked\nstdout: %s\nstderr: %s", got.out, got.err)
			}
			if strings.Contains(got.out+got.err, "hunter2") {
				t.Error("a password was told")
			}
		})
	}
}

func TestEveryCommandIsListed(t *testing.T) {
	list := runProgram(t.Context(), nil, "help").out
	for _, c := range commands {
		if !strings.Contains(list, "  "+c.name+" ") || c.does == "" {
			t.Errorf("%s is not explained", c.name)
		}
	}
}

func TestConfigDump(t *testing.T) {
	env := map[string]string{"CHENGYIN_DATABASE": "mysql://office:hunter2@db.example/chengyin", "CHENGYIN_SECRET": "hunter2hunter2hunter2", "CHENGYIN_DEMO_PASSWORD": "hunter2"}
	got := runProgram(t.Context(), env, "config", "dump", "--listen", "127.0.0.1:9999")
	if got.code != 0 || strings.Contains(got.out, "hunter2") || strings.Count(got.out, "xxxxx") != 3 || !strings.Contains(got.out, "127.0.0.1:9999") {
		t.Errorf("%+v", got)
	}
}

func TestMigrateCommand(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			env := map[string]string{"CHENGYIN_DATABASE": storetest.DSN(t, dialect)}
			first := runProgram(t.Context(), env, "migrate")
			if first.code != 0 || !strings.HasPrefix(first.out, "schema 0 -> ") || first.err != "" {
				t.Fatalf("%+v", first)
			}
			version := strings.Fields(first.out)[3]
			again := runProgram(t.Context(), env, "migrate")
			if again.code != 0 || !strings.HasPrefix(again.out, "schema "+version+" -> "+version+" on ") {
				t.Fatalf("%+v", again)
			}
		})
	}
}

// TestSecretIsMadeOnceAndKept: posters in the street are signed with it.
func TestSecretIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "chengyin.key")
	first, err := newSecret(path)
	if err != nil || len(first) < 32 {
		t.Fatal(len(first), err)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Fatal(i.Mode(), err)
	}
	if _, err := newSecret(path); err == nil {
		t.Fatal("a secret that is there was written over")
	}
	if b, err := os.ReadFile(path); err != nil || strings.TrimSpace(string(b)) != string(first) {
		t.Fatal(string(b), err)
	}
}

// serving runs the server with a handler of the test's own until stop is called;
// ended then tells how.
func serving(t *testing.T, h http.Handler) (url string, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a, err := app.New(ctx, app.Config{Database: storetest.DSN(t, "sqlite"), Secret: []byte(testSecret)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.DB.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- serveOn(ctx, l, h, a, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(cancel)
	return "http://" + l.Addr().String(), cancel, done
}

func within(t *testing.T, limit time.Duration, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(limit):
		t.Fatalf("the server has not ended after %v", limit)
	}
}

func TestRequestsFinishWhenTheServerEnds(t *testing.T) {
	arrived := make(chan bool)
	url, stop, ended := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		select {
		case <-r.Context().Done():
			http.Error(w, "given up", http.StatusInternalServerError)
		case <-time.After(300 * time.Millisecond):
			_, _ = io.WriteString(w, "stored")
		}
	}))
	go func() {
		<-arrived
		stop()
	}()
	reply, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, err := io.ReadAll(reply.Body); err != nil || string(body) != "stored" {
		t.Errorf("%s: %s %v", reply.Status, body, err)
	}
	within(t, grace, ended)
}

func TestStreamsDoNotKeepTheServer(t *testing.T) {
	url, stop, ended := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	reply, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	stop()
	within(t, grace+3*time.Second, ended)
}

func TestPortThatIsTakenIsSaid(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := runProgram(t.Context(), map[string]string{"CHENGYIN_DATABASE": storetest.DSN(t, "sqlite"), "CHENGYIN_SECRET": testSecret}, "serve", "--listen", l.Addr().String())
	if got.code != 1 || !strings.Contains(got.err, "CHENGYIN_LISTEN") {
		t.Errorf("%+v", got)
	}
}
