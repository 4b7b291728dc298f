package main

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
)

// TestBackupWhileAnswersComeIn backs up a server that is being submitted to and
// restores the file on both engines: every answer whose receipt was given before
// is there, the tallies are what the answers add up to, both databases hold the
// same, and the server starts on them.
func TestBackupWhileAnswersComeIn(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			p := newProgram(t, storetest.DSN(t, dialect))
			office := p.signIn("office")
			wave := office.openWave().ID
			posters := office.posters(wave)

			var stop atomic.Bool
			var mu sync.Mutex
			receipts := map[string]string{} // by id
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					c := &http.Client{Timeout: 30 * time.Second}
					for !stop.Load() {
						s, err := ticket(c, p.url(), posters[rand.IntN(len(posters))].Code)
						if err != nil {
							t.Error(err)
							return
						}
						status, receipt := s.send(c, p.url())
						if status != http.StatusCreated {
							t.Errorf("status %d", status)
							return
						}
						mu.Lock()
						receipts[s.id] = receipt
						mu.Unlock()
					}
				})
			}
			count := func() int {
				mu.Lock()
				defer mu.Unlock()
				return len(receipts)
			}
			for deadline := time.Now().Add(20 * time.Second); count() < 50 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			mu.Lock()
			before := maps.Clone(receipts)
			mu.Unlock()
			file := filepath.Join(t.TempDir(), "copy.backup")
			env := map[string]string{"CHENGYIN_DATABASE": p.dsn, "CHENGYIN_SECRET": testSecret}
			got := runProgram(t.Context(), env, "backup", file)
			during := count() - len(before)
			stop.Store(true)
			wg.Wait()
			if got.code != 0 || !strings.HasPrefix(got.out, file+": ") || !strings.Contains(got.err, "CHENGYIN_SECRET") {
				t.Fatalf("%+v", got)
			}
			if during == 0 {
				t.Error("nobody could submit while the backup was made")
			}
			t.Logf("%d answers before the backup, %d while it was made: %s", len(before), during, got.out)
			if i, err := os.Stat(file); err != nil || i.Mode().Perm() != 0o600 {
				t.Errorf("others may read the answers in the backup: %v %v", i.Mode(), err)
			}
			if names, _ := filepath.Glob(filepath.Dir(file) + "/*"); len(names) != 1 {
				t.Errorf("beside the backup there is more: %q", names)
			}

			var contents []map[string][]string
			for _, target := range storetest.Dialects {
				dsn := storetest.DSN(t, target)
				if got := runProgram(t.Context(), map[string]string{"CHENGYIN_DATABASE": dsn, "CHENGYIN_SECRET": testSecret}, "restore", file); got.code != 0 {
					t.Fatalf("restore on %s: %+v", target, got)
				}
				withDB(t, dsn, func(ctx context.Context, db *store.DB) { contents = append(contents, rowsOf(t, db)) })
				r := &program{t: t, addr: freeAddr(t), dsn: dsn}
				a := r.open()
				for id, receipt := range before {
					if found, err := a.Responses.Receipt(t.Context(), receipt); err != nil || found.ID != id {
						t.Fatalf("receipt %s of %s on %s: %q %v", receipt, id, target, found.ID, err)
					}
				}
				kept, err := tally.Load(a.DB.Read(t.Context()), wave)
				if err != nil {
					t.Fatal(err)
				}
				recount, err := a.Responses.Recount(t.Context(), wave)
				if err != nil {
					t.Fatal(err)
				}
				compareTallies(t, kept, recount)
				t.Cleanup(r.kill)
				r.start("serve")
				if again := r.signIn("office").openWave().ID; again != wave {
					t.Errorf("the open wave is %s", again)
				}
				s, err := ticket(http.DefaultClient, r.url(), posters[0].Code)
				if err != nil {
					t.Fatal(err)
				}
				if status, _ := s.send(http.DefaultClient, r.url()); status != http.StatusCreated {
					t.Errorf("answers to the restored server on %s: %d", target, status)
				}
				r.kill()
			}
			if len(contents[0]["responses"]) < 2000+len(before) || len(contents[0]["tallies"]) < 1000 {
				t.Errorf("%d responses and %d tallies were restored", len(contents[0]["responses"]), len(contents[0]["tallies"]))
			}
			if d := cmp.Diff(contents[0], contents[1]); d != "" {
				t.Errorf("restored on SQLite (-) and on MySQL (+):\n%.2000s", d)
			}
		})
	}
}

// rowsOf returns all rows as text, in the same way on both engines.
func rowsOf(t *testing.T, db *store.DB) map[string][]string {
	t.Helper()
	tables, err := db.Read(t.Context()).Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, table := range tables {
		if strings.HasPrefix(table, "goose") || strings.HasPrefix(table, "sqlite") {
			continue
		}
		var rows []map[string]any
		if err := db.Read(t.Context()).Table(table).Find(&rows).Error; err != nil {
			t.Fatal(err)
		}
		out[table] = []string{}
		for _, r := range rows {
			var line strings.Builder
			for _, column := range slices.Sorted(maps.Keys(r)) {
				v := r[column]
				switch x := v.(type) {
				case time.Time:
					v = x.UTC().Format(time.RFC3339Nano)
				case []byte:
					v = string(x)
				case bool:
					v = 0
					if x {
						v = 1
					}
				}
				fmt.Fprintf(&line, "%s=%v ", column, v)
			}
			out[table] = append(out[table], line.String())
		}
		slices.Sort(out[table])
	}
	return out
}

func TestBackupAndRestoreRefuse(t *testing.T) {
	dir := t.TempDir()
	lite := "sqlite:" + filepath.Join(dir, "from.db")
	withDB(t, lite, func(ctx context.Context, db *store.DB) {
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
	})
	good := filepath.Join(dir, "good.backup")
	env := map[string]string{"CHENGYIN_DATABASE": lite, "CHENGYIN_SECRET": testSecret}
	if got := runProgram(t.Context(), env, "backup", "--database", lite, good); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	half := write("half.backup", whole[:len(whole)/2])
	letter := write("letter.backup", []byte("Dear Sir or Madam"))
	newer := write("newer.backup", whole)
	withDB(t, "sqlite:"+newer, func(ctx context.Context, db *store.DB) {
		err := db.InTx(ctx, func(tx *store.Tx) error {
			return tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)").Error
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	full := write("full.db", whole)
	withDB(t, "sqlite:"+full, func(ctx context.Context, db *store.DB) {
		err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Exec("INSERT INTO revisions (name, n) VALUES ('x', 1)").Error })
		if err != nil {
			t.Fatal(err)
		}
	})
	dangling := write("dangling.backup", whole)
	raw, err := sql.Open("sqlite", "file:"+dangling) // without the store's foreign keys
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("INSERT INTO areas (code, parent_code, level, name_zh, name_en, valid_from) VALUES ('990102000000', '990100000000', 'district', '区', 'District', '2020-01-01')"); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		args string
		code int
		want string
	}{
		"a backup over a file":          {"backup " + good, 1, "is there already"},
		"a backup of nothing":           {"backup --database sqlite:" + dir + "/none.db " + dir + "/x", 1, "none.db"},
		"a backup of a newer schema":    {"backup --database sqlite:" + newer + " " + dir + "/x", 1, "newer version"},
		"a backup with two names":       {"backup a b", 2, `unexpected argument "b"`},
		"a restore of nothing":          {"restore", 2, "usage: chengyin restore"},
		"a restore of no file":          {"restore " + dir + "/none", 1, "none"},
		"a restore of half a file":      {"restore " + half, 1, "not a whole backup"},
		"a restore of something else":   {"restore " + letter, 1, "not a whole backup"},
		"a restore of a newer schema":   {"restore " + newer, 1, "newer version"},
		"a restore over data":           {"restore " + good + " --database sqlite:" + full, 1, "not empty"},
		"a restore of a file with gaps": {"restore " + dangling, 1, "not a whole backup"},
		"a restore over a newer schema": {"restore " + good + " --database sqlite:" + newer, 1, "not empty"},
		"a wrong flag":                  {"restore --no " + good, 2, "usage: chengyin restore"},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"CHENGYIN_DATABASE": "sqlite:" + filepath.Join(t.TempDir(), "new.db"), "CHENGYIN_SECRET": testSecret}
			if strings.HasPrefix(x.args, "backup "+good) {
				env["CHENGYIN_DATABASE"] = lite
			}
			got := runProgram(t.Context(), env, strings.Fields(x.args)...)
			if got.code != x.code || !strings.Contains(got.err, x.want) || got.out != "" {
				t.Errorf("%+v", got)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("a backup of nothing made a database")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	t.Run("a backup without a name is named for the time", func(t *testing.T) {
		t.Chdir(t.TempDir())
		got := runProgram(t.Context(), env, "backup")
		name, _, _ := strings.Cut(got.out, ":")
		if _, err := os.Stat(name); err != nil || got.code != 0 || !strings.HasPrefix(name, "chengyin-20") {
			t.Errorf("%+v %v", got, err)
		}
	})
	t.Run("a restore may be tried again on tables without rows", func(t *testing.T) {
		to := map[string]string{"CHENGYIN_DATABASE": "sqlite:" + filepath.Join(t.TempDir(), "new.db"), "CHENGYIN_SECRET": testSecret}
		for range 2 {
			if got := runProgram(t.Context(), to, "restore", good); got.code != 0 {
				t.Errorf("%+v", got)
			}
		}
	})
}
