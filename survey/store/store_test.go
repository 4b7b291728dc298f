package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

func TestEverySQLiteConnectionIsDurable(t *testing.T) {
	db := storetest.SQLite(t)
	write, read, err := db.Pools()
	if err != nil {
		t.Fatal(err)
	}
	for name, pool := range map[string]*sql.DB{"write": write, "read": read} {
		n := pool.Stats().MaxOpenConnections
		if want := map[string]int{"read": 4, "write": 1}[name]; n != want {
			t.Fatalf("%s has %d connections instead of %d", name, n, want)
		}
		for i := range n {
			c, err := pool.Conn(ctx) // kept, so that the next is another one
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "10000", "query_only": map[string]string{"read": "1", "write": "0"}[name]} {
				var got string
				if err := c.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s connection %d: %s is %s instead of %s (%v)", name, i, pragma, got, want, err)
				}
			}
		}
	}
}

func TestReadingNeverWrites(t *testing.T) {
	db := storetest.SQLite(t)
	if err := db.Read(ctx).Exec("DELETE FROM areas").Error; err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Error(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Snapshot(ctx, func(r *gorm.DB) error { return r.Exec("DELETE FROM areas").Error }); err == nil {
			t.Error("a snapshot could write")
		}
	})
}

func TestMySQLSession(t *testing.T) {
	db := storetest.MariaDB(t)
	var isolation struct{ Value string }
	// MariaDB and MySQL know it by different names.
	err := db.Read(ctx).Raw("SHOW VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')").Scan(&isolation).Error
	if err != nil || isolation.Value != "READ-COMMITTED" {
		t.Errorf("%+v %v", isolation, err)
	}
	var s struct{ Zone, Mode, Charset, Collation string }
	err = db.Read(ctx).Raw("SELECT @@time_zone AS zone, @@sql_mode AS mode, @@character_set_connection AS charset, @@collation_connection AS collation").Scan(&s).Error
	if err != nil || s.Zone != "+00:00" || !strings.Contains(s.Mode, "STRICT_ALL_TABLES") || s.Charset != "utf8mb4" || s.Collation != "utf8mb4_bin" {
		t.Errorf("%+v %v", s, err)
	}
}

func TestServerThatMayLoseCommitsIsFound(t *testing.T) {
	if err := storetest.HasServer(); err != nil {
		storetest.Missing(t, err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if ok, err := db.Durable(ctx); err != nil || !ok {
			t.Fatal(ok, err)
		}
	})
	s, err := storetest.StartServer(ctx, t.TempDir(), "--innodb-flush-log-at-trx-commit=2")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	dsn, err := s.Create(ctx, "loses")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := open(t, dsn).Durable(ctx); err != nil || ok {
		t.Fatal(ok, err)
	}
}

// paper is a table for tests of what a database keeps.
type paper struct {
	ID   string `gorm:"primaryKey"`
	Text string
	At   time.Time
	N    int64
}

func withPaper(t *testing.T, db *store.DB) {
	t.Helper()
	create := "CREATE TABLE papers (id TEXT PRIMARY KEY, text TEXT NOT NULL, at DATETIME NOT NULL, n INTEGER NOT NULL)"
	if db.Dialect() == store.MySQL {
		create = "CREATE TABLE papers (id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, text VARCHAR(200) NOT NULL, at DATETIME(6) NOT NULL, n BIGINT NOT NULL) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
	}
	if err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Exec(create).Error }); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		withPaper(t, db)
		texts := map[string]string{
			"rare":    "𠮷野家、㐂、䶮、𠀀𪚥",
			"emoji":   "很满意😀👨‍👩‍👧‍👦🇨🇳",
			"quotes":  `'; DROP TABLE papers; -- "\` + "`%_\\'",
			"newline": "第一行\r\n第二行\t末",
			"blank":   "末尾有空格  ",
			"empty":   "",
		}
		at := time.Date(2026, 11, 1, 17, 30, 15, 123456789, time.FixedZone("China", 8*3600))
		for id, text := range texts {
			if err := db.InTx(ctx, func(tx *store.Tx) error {
				return tx.Create(&paper{ID: id, Text: text, At: at.UTC().Truncate(time.Microsecond)}).Error
			}); err != nil {
				t.Fatal(err)
			}
		}
		for id, text := range texts {
			var p paper
			if err := db.Read(ctx).Where("id = ? AND text = ?", id, text).Take(&p).Error; err != nil || p.Text != text {
				t.Errorf("%s came back as %q (%v)", id, p.Text, err)
			}
			if want := time.Date(2026, 11, 1, 9, 30, 15, 123456000, time.UTC); !p.At.Equal(want) || p.At.Location() != time.UTC && p.At.Format("-0700") != "+0000" {
				t.Errorf("%s: the time came back as %v", id, p.At)
			}
		}
		t.Run("letters of different case are different texts", func(t *testing.T) {
			var n int64
			if err := db.Read(ctx).Model(&paper{}).Where("id = ?", "RARE").Count(&n).Error; err != nil || n != 0 {
				t.Fatal(n, err)
			}
		})
		t.Run("times are compared as times", func(t *testing.T) {
			for shift, want := range map[time.Duration]int64{-time.Microsecond: int64(len(texts)), 0: 0} {
				var n int64
				if err := db.Read(ctx).Model(&paper{}).Where("at > ?", at.UTC().Truncate(time.Microsecond).Add(shift)).Count(&n).Error; err != nil || n != want {
					t.Errorf("%d rows are later than the time %v off (%v)", n, shift, err)
				}
			}
		})
		t.Run("a key that no row can have is not found", func(t *testing.T) {
			for _, id := range []string{"nobody", "没有", "😀", "a\x00b"} {
				if err := db.Read(ctx).Where("id = ?", id).Take(&paper{}).Error; !store.NotFound(err) {
					t.Errorf("%q: %v", id, err)
				}
				if err := db.Read(ctx).Where("id IN ?", []string{id, "none", "neither"}).Take(&paper{}).Error; !store.NotFound(err) {
					t.Errorf("%q among others: %v", id, err)
				}
			}
		})
	})
}

func TestTransaction(t *testing.T) {
	clock := time.Date(2026, 11, 1, 9, 0, 0, 123456000, time.UTC)
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			db, err := store.Open(ctx, storetest.DSN(t, dialect), store.Options{Clock: func() time.Time { return clock }})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			withPaper(t, db)
			write := func(ctx context.Context, id string, then error) error {
				return db.InTx(ctx, func(tx *store.Tx) error {
					if err := tx.Create(&paper{ID: id, At: tx.Now}).Error; err != nil {
						return err
					}
					return then
				})
			}
			has := func(id string) bool {
				var p paper
				err := db.Read(ctx).Where("id = ?", id).Take(&p).Error
				if err != nil && !store.NotFound(err) {
					t.Fatal(err)
				}
				return err == nil && p.At.Equal(clock)
			}
			t.Run("it is all there with the time of the clock", func(t *testing.T) {
				if err := write(ctx, "a", nil); err != nil || !has("a") {
					t.Fatal(err)
				}
			})
			t.Run("an error undoes all of it", func(t *testing.T) {
				stop := errors.New("stop")
				if err := write(ctx, "b", stop); !errors.Is(err, stop) || has("b") {
					t.Fatal(err)
				}
			})
			t.Run("a panic undoes all of it and the connection lives on", func(t *testing.T) {
				func() {
					defer func() { _ = recover() }()
					_ = db.InTx(ctx, func(tx *store.Tx) error {
						tx.Create(&paper{ID: "c", At: tx.Now})
						panic("oh")
					})
				}()
				if has("c") {
					t.Fatal("a row is there")
				}
				if err := write(ctx, "d", nil); err != nil {
					t.Fatal(err)
				}
			})
			t.Run("a key that is taken is told apart from other errors", func(t *testing.T) {
				if err := write(ctx, "a", nil); !store.IsDuplicate(err) || store.NotFound(err) {
					t.Fatal(err)
				}
				err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Exec("INSERT INTO papers (id) VALUES ('x')").Error })
				if err == nil || store.IsDuplicate(err) {
					t.Fatal(err)
				}
			})
			t.Run("a context that has ended stops it", func(t *testing.T) {
				ended, cancel := context.WithCancel(ctx)
				cancel()
				if err := write(ended, "e", nil); !errors.Is(err, context.Canceled) || has("e") {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestDeadlock lets two transactions take two rows in opposite order, so that the
// server kills one of them. Both must come through, each exactly once.
func TestDeadlock(t *testing.T) {
	db := storetest.MariaDB(t)
	withPaper(t, db)
	if err := db.InTx(ctx, func(tx *store.Tx) error {
		return tx.Create([]paper{{ID: "a", At: tx.Now}, {ID: "b", At: tx.Now}}).Error
	}); err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int64
	var both sync.WaitGroup // both hold their first row
	both.Add(2)
	var wg sync.WaitGroup
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		wg.Go(func() {
			first := true
			err := db.InTx(ctx, func(tx *store.Tx) error {
				runs.Add(1)
				for i, id := range order {
					if err := tx.Model(&paper{}).Where("id = ?", id).Update("n", gorm.Expr("n + 1")).Error; err != nil {
						return err
					}
					if i == 0 && first {
						first = false
						both.Done()
						both.Wait()
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if runs.Load() < 3 {
		t.Errorf("the transactions ran %d times: there was no deadlock", runs.Load())
	}
	var got []int64
	if err := db.Read(ctx).Model(&paper{}).Order("id").Pluck("n", &got).Error; err != nil || fmt.Sprint(got) != "[2 2]" {
		t.Errorf("the rows were moved %v times (%v)", got, err)
	}
}

// TestManyWriters counts up one row from many sides at once: nothing is lost.
func TestManyWriters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		withPaper(t, db)
		if err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Create(&paper{ID: "a", At: tx.Now}).Error }); err != nil {
			t.Fatal(err)
		}
		const writers, each = 8, 10
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					if err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Exec("UPDATE papers SET n = n + 1").Error }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var n int64
		if err := db.Read(ctx).Raw("SELECT n FROM papers").Scan(&n).Error; err != nil || n != writers*each {
			t.Fatal(n, err)
		}
	})
}

// TestSnapshot reads twice while another transaction commits in between.
func TestSnapshot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		withPaper(t, db)
		err := db.Snapshot(ctx, func(r *gorm.DB) error {
			var before, after int64
			if err := r.Model(&paper{}).Count(&before).Error; err != nil {
				return err
			}
			if err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Create(&paper{ID: "a", At: tx.Now}).Error }); err != nil {
				return err
			}
			if err := r.Model(&paper{}).Count(&after).Error; err != nil {
				return err
			}
			if before != 0 || after != 0 {
				t.Errorf("the snapshot saw %d rows and then %d", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		if err := db.Read(ctx).Model(&paper{}).Count(&n).Error; err != nil || n != 1 {
			t.Fatal(n, err)
		}
	})
}

func TestOpen(t *testing.T) {
	t.Run("a path may hold blanks and signs", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "数据 100% ?#&", "a b.db")
		db := open(t, "sqlite:"+path)
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		if found, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.db")); err != nil || len(found) != 1 || found[0] != path {
			t.Fatal(found, err)
		}
	})
	t.Run("an address that cannot be understood is refused without its password", func(t *testing.T) {
		for _, dsn := range []string{"", "sqlite:", "postgres://a:secret@b/c", "mysql://a:secret@127.0.0.1:1", "mysql://a:sec%ret@127.0.0.1/x", "mysql://a:secret@127.0.0.1:1/x?tls=true"} {
			_, err := store.Open(ctx, dsn, store.Options{})
			if err == nil || strings.Contains(err.Error(), "sec") {
				t.Errorf("%s: %v", dsn, err)
			}
		}
	})
	t.Run("parameters that would have no effect are refused", func(t *testing.T) {
		dsn := storetest.DSN(t, "mysql")
		if _, err := store.Open(ctx, dsn+"?tls=true", store.Options{}); err == nil {
			t.Fatal("an address that asks for TLS was opened without")
		}
	})
	t.Run("a server that is not there is an error", func(t *testing.T) {
		if _, err := store.Open(ctx, "mysql://a:b@127.0.0.1:1/x", store.Options{}); err == nil {
			t.Fatal("opened")
		}
	})
	t.Run("a closed database does not answer", func(t *testing.T) {
		db := storetest.SQLite(t)
		if err := db.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		db.Close()
		if err := db.Ping(ctx); err == nil {
			t.Fatal("it answers")
		}
	})
}
