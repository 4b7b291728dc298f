package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// ErrNewerSchema means that a newer version of the program has changed the
// schema already; this one must not touch it.
var ErrNewerSchema = errors.New("the database was made by a newer version of this program; start that version, or restore a backup")

// ErrForeignTables means that the database belongs to another program.
var ErrForeignTables = errors.New("the database holds tables that this program did not make; give it an empty database of its own")

// Migrate brings the schema up to date. It may run at the same time in several
// processes, and again after it was cut off. Returns ErrNewerSchema when the
// schema is ahead of the program, ErrForeignTables when there is another
// program's.
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
	p, err := db.provider()
	if err != nil {
		return err
	}
	for last := int64(-1); ; {
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
		// An error may only say that another process was faster: it stands when
		// the version is still the same at the second try.
		if err := db.up(ctx, p, version); err != nil && last == have {
			return fmt.Errorf("migrate: %w", err)
		}
		last = have
	}
}

// up runs the migrations up to version that goose does not know of.
func (db *DB) up(ctx context.Context, p *goose.Provider, version int64) error {
	if err := db.prepareVersions(ctx, p); err != nil {
		return err
	}
	_, err := p.UpTo(ctx, version)
	var partial *goose.PartialError
	if errors.As(err, &partial) && cutOff(partial.Err) {
		return db.note(ctx, partial.Failed.Source.Version)
	}
	return err
}

// prepareVersions makes goose's table, and on SQLite, where goose has no lock,
// sees to it that no version is noted twice: of two processes that run the same
// migration one then fails as a whole.
func (db *DB) prepareVersions(ctx context.Context, p *goose.Provider) error {
	if !db.hasVersions(ctx) {
		tables, err := db.read.WithContext(ctx).Migrator().GetTables()
		if err != nil {
			return err
		}
		for _, t := range tables {
			if !strings.HasPrefix(t, "goose_") && !strings.HasPrefix(t, "sqlite_") {
				return fmt.Errorf("table %s: %w", t, ErrForeignTables)
			}
		}
	}
	if db.dialect != SQLite {
		return nil
	}
	if _, err := p.GetDBVersion(ctx); err != nil {
		return err
	}
	return db.write.WithContext(ctx).Exec("CREATE UNIQUE INDEX IF NOT EXISTS " + goose.DefaultTablename + "_once ON " + goose.DefaultTablename + " (version_id)").Error
}

// cutOff reports whether err says that what the migration makes is there. The
// database was empty before the first migration and each makes one thing, so an
// earlier run made it and ended before it could note the version: MySQL commits
// each change of the schema by itself.
func cutOff(err error) bool {
	var m *mysqldriver.MySQLError
	if !errors.As(err, &m) {
		return false
	}
	switch m.Number {
	case 1050, 1060, 1061, 1826: // table, column, index, foreign key exists
		return true
	}
	return false
}

// note writes down that a version was applied.
func (db *DB) note(ctx context.Context, version int64) error {
	return db.write.WithContext(ctx).Exec("INSERT INTO "+goose.DefaultTablename+" (version_id, is_applied) SELECT ?, TRUE FROM DUAL"+
		" WHERE NOT EXISTS (SELECT 1 FROM "+goose.DefaultTablename+" WHERE version_id = ?)", version, version).Error
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
