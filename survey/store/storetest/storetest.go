// Package storetest gives tests a real database: a fresh SQLite file, and a
// fresh database on a MariaDB server that the test process starts for itself.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"chengyin/survey/store"
)

// Dialects are the names that DSN takes.
var Dialects = []string{"sqlite", "mysql"}

// Each runs test twice, on SQLite and on MariaDB, each time with a database of
// its own that holds the whole schema and no rows.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("mysql", func(t *testing.T) { test(t, MariaDB(t)) })
}

// SQLite opens a fresh, migrated SQLite database in a file.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return open(t, DSN(t, "sqlite"))
}

// MariaDB opens a fresh, migrated database on the shared server. Without a
// server the test is skipped, or fails when CI is set.
func MariaDB(t testing.TB) *store.DB {
	t.Helper()
	return open(t, DSN(t, "mysql"))
}

// DSN names a fresh, empty database of the dialect, for tests that start the
// whole platform on it.
func DSN(t testing.TB, dialect string) string {
	t.Helper()
	switch dialect {
	case "sqlite":
		return "sqlite:" + filepath.Join(t.TempDir(), "chengyin.db")
	case "mysql":
		return mysqlDSN(t)
	}
	t.Fatalf("storetest: no dialect %q", dialect)
	return ""
}

// Missing skips the test because this machine lacks something it needs. Where
// CI is set nothing may be missing, and the test fails instead.
func Missing(t testing.TB, why any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing with CI=true: %v", why)
	}
	t.Skipf("skipped: %v", why)
}

func open(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// shared is the server all tests of this process use: the one that
// TEST_MYSQL_DSN names, or else one of the process's own.
var shared = sync.OnceValues(func() (*mysqlServer, error) {
	if dsn := os.Getenv("TEST_MYSQL_DSN"); dsn != "" {
		return named(dsn)
	}
	// The disk need not be waited for: tests kill programs, not the machine.
	s, err := StartServer(context.Background(), "", "--innodb-flush-method=nosync", "--sync-frm=0")
	if err != nil {
		return nil, err
	}
	return &mysqlServer{own: s, admin: s.admin, config: s.config, prefix: "chengyin"}, nil
})

type mysqlServer struct {
	own    *Server // kept, because a collected leash ends the server
	admin  *sql.DB
	config mysql.Config
	prefix string
}

// named connects to the server of a DSN mysql://USER:PASS@HOST:PORT/NAME. The
// tests make their own databases there, whose names begin with NAME.
func named(dsn string) (*mysqlServer, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "mysql" || u.Host == "" {
		return nil, errors.New("TEST_MYSQL_DSN must read mysql://USER:PASS@HOST:PORT/NAME")
	}
	c := mysql.NewConfig()
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.Net, c.Addr = "tcp", u.Host
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("TEST_MYSQL_DSN: %w", err)
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix == "" {
		prefix = "chengyin"
	}
	return &mysqlServer{admin: sql.OpenDB(connector), config: *c, prefix: prefix}, nil
}

func mysqlDSN(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if errors.Is(err, ErrNoMariaDB) {
		Missing(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := s.prefix + "_" + strings.ToLower(rand.Text()[:12])
	dsn, err := create(t.Context(), s.admin, s.config, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := s.admin.ExecContext(context.Background(), "DROP DATABASE `"+name+"`"); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	return dsn
}
