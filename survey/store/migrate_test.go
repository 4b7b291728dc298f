package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

var ctx = context.Background()

// eachDSN runs the test with the address of an empty database of every engine.
func eachDSN(t *testing.T, test func(t *testing.T, dsn string)) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { test(t, storetest.DSN(t, dialect)) })
	}
}

func open(t *testing.T, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func migrated(t *testing.T, db *store.DB) {
	t.Helper()
	have, want, err := db.Version(ctx)
	if err != nil || have != want || want < 19 {
		t.Fatalf("schema %d, program %d, %v", have, want, err)
	}
}

func TestMigrate(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		t.Run("looking at the version of an empty database writes nothing", func(t *testing.T) {
			have, want, err := db.Version(ctx)
			if err != nil || have != 0 || want < 19 {
				t.Fatal(have, want, err)
			}
			if tables, err := db.Read(ctx).Migrator().GetTables(); err != nil || len(tables) != 0 {
				t.Fatal(tables, err)
			}
		})
		t.Run("a fresh database gets the whole schema", func(t *testing.T) {
			if err := db.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
			migrated(t, db)
		})
		t.Run("running again changes nothing", func(t *testing.T) {
			before := schema(t, db)
			if err := db.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(before, schema(t, db)); d != "" {
				t.Error(d)
			}
		})
		t.Run("a database of a newer version is refused and left alone", func(t *testing.T) {
			_, want, err := db.Version(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.InTx(ctx, func(tx *store.Tx) error {
				return tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, ?)", want+1, true).Error
			}); err != nil {
				t.Fatal(err)
			}
			before := schema(t, db)
			if err := db.Migrate(ctx); !errors.Is(err, store.ErrNewerSchema) {
				t.Fatal(err)
			}
			if d := cmp.Diff(before, schema(t, db)); d != "" {
				t.Error(d)
			}
		})
	})
}

func TestMigrateAtTheSameTime(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		const servers = 3
		var dbs [servers]*store.DB
		for i := range dbs {
			dbs[i] = open(t, dsn)
		}
		var wg sync.WaitGroup
		for i, db := range dbs {
			wg.Go(func() {
				if err := db.Migrate(ctx); err != nil {
					t.Errorf("server %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		migrated(t, dbs[0])
		var twice int64
		err := dbs[0].Read(ctx).Raw("SELECT COUNT(*) - COUNT(DISTINCT version_id) FROM goose_db_version").Scan(&twice).Error
		if err != nil || twice != 0 {
			t.Errorf("%d migrations are noted twice (%v)", twice, err)
		}
	})
}

// TestMigrateAfterCut finishes what a migration left that was cut off: on MySQL
// the table is there before its version is noted.
func TestMigrateAfterCut(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		_, want, err := db.Version(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for version := int64(1); version <= want; version++ {
			if err := db.MigrateTo(ctx, version-1); err != nil {
				t.Fatal(err)
			}
			if version == 1 || db.Dialect() == store.SQLite {
				continue // the versions' own table comes first, and SQLite undoes what was cut off
			}
			files, err := filepath.Glob(filepath.Join("migrations", db.Dialect(), "*.sql"))
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(files[version-1])
			if err != nil {
				t.Fatal(err)
			}
			up, _, _ := strings.Cut(string(text), "-- +goose Down")
			if err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Exec(up).Error }); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		migrated(t, db)
	})
}

// TestMigrateForeignTables must not take another program's tables for its own.
func TestMigrateForeignTables(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		if err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Exec("CREATE TABLE areas (name TEXT)").Error }); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx); !errors.Is(err, store.ErrForeignTables) {
			t.Fatal(err)
		}
		if tables, err := db.Read(ctx).Migrator().GetTables(); err != nil || len(tables) != 1 {
			t.Fatal(tables, err)
		}
	})
}

// TestUpgrade goes to the newest schema from the one before, with data in it.
func TestUpgrade(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		_, want, err := db.Version(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.MigrateTo(ctx, want-1); err != nil {
			t.Fatal(err)
		}
		if have, _, err := db.Version(ctx); err != nil || have != want-1 {
			t.Fatal(have, err)
		}
		err = db.InTx(ctx, func(tx *store.Tx) error {
			if err := tx.Exec("INSERT INTO areas (code, level, name_zh, name_en, valid_from) VALUES ('990100000000', 'city', '云澜市𠮷', 'Yunlan', '2020-01-01')").Error; err != nil {
				return err
			}
			return tx.Exec("INSERT INTO events (id, at, kind, actor, object, payload) VALUES ('e', '2026-01-01 00:00:00', 'area.imported', 'office', 'o', '{}')").Error
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		migrated(t, db)
		var name string
		var events int64
		if err := db.Read(ctx).Raw("SELECT name_zh FROM areas").Scan(&name).Error; err != nil || name != "云澜市𠮷" {
			t.Errorf("after the upgrade the city is called %q (%v)", name, err)
		}
		if err := db.Read(ctx).Table("events").Count(&events).Error; err != nil || events != 1 {
			t.Errorf("%d events (%v)", events, err)
		}
	})
}
