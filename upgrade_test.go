package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"chengyin/survey/area"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// TestStartOnOlderSchema starts the program on a database that the version before
// left behind, with data in it. SQLite is upgraded at the start; on a server
// "chengyin migrate" is asked for, because that can take long there.
func TestStartOnOlderSchema(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			p := &program{t: t, addr: "127.0.0.1:0", dsn: storetest.DSN(t, dialect)}
			withDB(t, p.dsn, func(ctx context.Context, db *store.DB) {
				_, want, err := db.Version(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if err := db.MigrateTo(ctx, want-1); err != nil {
					t.Fatal(err)
				}
				town := area.Area{Code: "990100000000", Level: area.City, NameZH: "云澜市", NameEN: "Yunlan", ValidFrom: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
				// As the version before did: this one's services need its own schema.
				if err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Create(&town).Error }); err != nil {
					t.Fatal(err)
				}
			})

			if dialect == store.MySQL {
				out, err := p.command("serve").CombinedOutput()
				if err == nil || !strings.Contains(string(out), "chengyin migrate") {
					t.Fatalf("serve on the older schema: %v %s", err, out)
				}
				if out, err := p.command("migrate").CombinedOutput(); err != nil {
					t.Fatalf("migrate: %v %s", err, out)
				}
			}
			p.addr = freeAddr(t)
			t.Cleanup(p.kill)
			p.start("serve")
			p.kill()
			withDB(t, p.dsn, func(ctx context.Context, db *store.DB) {
				have, want, err := db.Version(ctx)
				if err != nil || have != want {
					t.Errorf("schema %d, program %d, %v", have, want, err)
				}
				town, err := area.New(db).ByCode(ctx, "990100000000")
				if err != nil || town.NameZH != "云澜市" {
					t.Errorf("what was stored before: %+v, %v", town, err)
				}
			})
		})
	}
}

// TestRefuseNewerSchema starts the program on a database of a later version. It
// must not touch it.
func TestRefuseNewerSchema(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			p := &program{t: t, addr: "127.0.0.1:0", dsn: storetest.DSN(t, dialect)}
			withDB(t, p.dsn, func(ctx context.Context, db *store.DB) {
				if err := db.Migrate(ctx); err != nil {
					t.Fatal(err)
				}
				err := db.InTx(ctx, func(tx *store.Tx) error {
					return tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)").Error
				})
				if err != nil {
					t.Fatal(err)
				}
			})
			for _, command := range []string{"serve", "migrate"} {
				out, err := p.command(command).CombinedOutput()
				if err == nil || !strings.Contains(string(out), "newer version") {
					t.Errorf("%s on a newer schema: %v %s", command, err, out)
				}
			}
		})
	}
}

// withDB opens the database, calls f and closes it again.
func withDB(t *testing.T, dsn string, f func(context.Context, *store.DB)) {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f(t.Context(), db)
}
