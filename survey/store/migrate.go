package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// ErrNewerSchema means that a newer version of the program has changed the
// schema already; this one must not touch it.
var ErrNewerSchema = errors.New("the database was made by a newer version of this program; start that version, or restore a backup")

// Migrate brings the schema up to date. It may run at the same time in several
// processes, and again after it was cut off. Returns ErrNewerSchema when the
// schema is ahead of the program.
func (db *DB) Migrate(ctx context.Context) error {
	_, want, err := db.Version(ctx)
	if err != nil {
		return err
	}
	return db.MigrateTo(ctx, want)
}

// MigrateTo brings the schema up to the given version. Tests use it to stop at
// an older one.
func (db *DB) MigrateTo(ctx context.Context, version int64) error {
	have, want, err := db.Version(ctx)
	if err != nil {
		return err
	}
	if have > want {
		return fmt.Errorf("migrate: schema %d, program %d: %w", have, want, ErrNewerSchema)
	}
	if have >= version {
		return nil
	}
	p, err := db.provider()
	if err != nil {
		return err
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Version returns the schema's version (0: empty) and the program's.
func (db *DB) Version(ctx context.Context) (have, want int64, err error) {
	p, err := db.provider()
	if err != nil {
		return 0, 0, err
	}
	sources := p.ListSources()
	want = sources[len(sources)-1].Version
	if !db.hasVersions(ctx) {
		return 0, want, nil
	}
	if have, err = p.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	return have, want, nil
}

// hasVersions reports whether the schema was ever migrated. Asking goose would
// make its table, and looking must not write.
func (db *DB) hasVersions(ctx context.Context) bool {
	return db.read.WithContext(ctx).Migrator().HasTable(goose.DefaultTablename)
}

func (db *DB) provider() (*goose.Provider, error) {
	c, err := db.conn()
	if err != nil {
		return nil, err
	}
	dir, err := fs.Sub(migrations, "migrations/"+db.dialect)
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	var options []goose.ProviderOption
	if db.dialect == MySQL {
		dialect = goose.DialectMySQL
		l, err := lock.NewMySQLTableLocker(lock.WithTableLockTimeout(200*time.Millisecond, 3000))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithLocker(l))
	}
	p, err := goose.NewProvider(dialect, c, dir, options...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

func (db *DB) conn() (*sql.DB, error) { return db.write.DB() }
