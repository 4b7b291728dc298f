package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
)

// ErrNotEmpty means that a backup would be restored over data that is there.
var ErrNotEmpty = errors.New("the database is not empty; a backup is restored into a new one only")

// ErrNoBackup means that a file is no backup, or not a whole one.
var ErrNoBackup = errors.New("the file is not a whole backup")

// Copied says what a backup or a restored database holds.
type Copied struct {
	Schema int64 // version of the schema
	Rows   int
}

// Backup writes the whole database as it is at one moment to a new file, while
// others go on reading and writing. The file is a SQLite database whatever the
// engine, so that one backup can be looked into with any tool and restored on
// either. It appears under its name only when it is complete, was checked and is
// on the disk. Returns an error that is fs.ErrExist when there is such a file.
func (db *DB) Backup(ctx context.Context, path string) (Copied, error) {
	have, want, err := db.Version(ctx)
	switch {
	case err != nil:
		return Copied{}, err
	case have == 0:
		return Copied{}, errors.New("the database holds nothing yet")
	case have > want:
		return Copied{}, fmt.Errorf("schema %d, program %d: %w", have, want, ErrNewerSchema)
	}
	if _, err := os.Lstat(path); err == nil {
		return Copied{}, &os.PathError{Op: "back up", Path: path, Err: os.ErrExist}
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part") // for its owner only: answers are in it
	if err != nil {
		return Copied{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if db.dialect == SQLite {
		err = db.vacuumInto(ctx, f.Name())
	} else {
		err = db.copyInto(ctx, f.Name(), have)
	}
	if err != nil {
		return Copied{}, err
	}
	out, err := inspect(ctx, f.Name())
	if err != nil {
		return Copied{}, err
	}
	if err := errors.Join(f.Sync(), f.Close(), os.Rename(f.Name(), path), syncFolder(filepath.Dir(path))); err != nil {
		return Copied{}, err
	}
	return out, nil
}

// vacuumInto copies a SQLite database. It reads one snapshot, and in WAL mode a
// reader does not hold up the writer.
func (db *DB) vacuumInto(ctx context.Context, path string) error {
	pool, err := db.read.DB()
	if err != nil {
		return err
	}
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	// Connections that read refuse every statement that writes, this one too.
	if _, err := c.ExecContext(ctx, "PRAGMA query_only = 0"); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, "VACUUM INTO ?", path)
	_, again := c.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only = 1")
	return errors.Join(err, again)
}

// copyInto copies the database of a server, whose schema is the given version,
// row by row from one snapshot.
func (db *DB) copyInto(ctx context.Context, path string, version int64) error {
	pool, err := db.read.DB()
	if err != nil {
		return err
	}
	snapshot, err := pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return err
	}
	defer func() { _ = snapshot.Rollback() }() // nothing was written
	to, err := openSQLite(ctx, path, Options{Clock: db.clock})
	if err != nil {
		return err
	}
	if err = to.MigrateTo(ctx, version); err == nil {
		err = to.fill(ctx, snapshot)
	}
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	// One file, without a log beside it. Only the last connection can do that.
	last, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return err
	}
	_, err = last.ExecContext(ctx, "PRAGMA journal_mode = DELETE")
	return errors.Join(err, last.Close())
}

// Restore fills the empty database at dsn with what a backup holds and brings
// its schema up to date: all of it, or nothing. Returns ErrNoBackup, ErrNotEmpty
// or ErrNewerSchema.
func Restore(ctx context.Context, dsn, path string, o Options) (Copied, error) {
	if _, err := os.Stat(path); err != nil {
		return Copied{}, err
	}
	in, err := inspect(ctx, path)
	if err != nil {
		return Copied{}, fmt.Errorf("%s: %w", path, err)
	}
	db, err := Open(ctx, dsn, o)
	if err != nil {
		return Copied{}, err
	}
	defer db.Close()
	have, want, err := db.Version(ctx)
	if err != nil {
		return Copied{}, err
	}
	if in.Schema > want {
		return Copied{}, fmt.Errorf("schema %d, program %d: %w", in.Schema, want, ErrNewerSchema)
	}
	// The tables may be there: from a restore that was cut off, or a first start.
	if have != 0 && have != in.Schema {
		return Copied{}, ErrNotEmpty
	}
	if err := db.MigrateTo(ctx, in.Schema); err != nil {
		return Copied{}, err
	}
	from, err := sql.Open("sqlite", readOnly(path))
	if err != nil {
		return Copied{}, err
	}
	defer from.Close()
	file, err := from.BeginTx(ctx, nil)
	if err != nil {
		return Copied{}, err
	}
	defer func() { _ = file.Rollback() }() // nothing was written
	if err := db.fill(ctx, file); err != nil {
		return Copied{}, err
	}
	if err := db.Migrate(ctx); err != nil {
		return Copied{}, err
	}
	in.Schema = want
	return in, nil
}

// fill copies the rows of all tables into the database, whose schema has the
// same version, in one transaction. The rows come in no order that foreign keys
// would bear, so these are looked at only when all are there.
func (db *DB) fill(ctx context.Context, from *sql.Tx) (err error) {
	pool, err := db.conn()
	if err != nil {
		return err
	}
	tables, err := db.tables(ctx)
	if err != nil {
		return err
	}
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	off, on := "PRAGMA foreign_keys = 0", "PRAGMA foreign_keys = 1"
	if db.dialect == MySQL {
		off, on = "SET foreign_key_checks = 0", "SET foreign_key_checks = 1"
	}
	if _, err := c.ExecContext(ctx, off); err != nil {
		return err
	}
	defer func() {
		_, again := c.ExecContext(context.WithoutCancel(ctx), on)
		err = errors.Join(err, again)
	}()
	to, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = to.Rollback() }() // does nothing after the commit
	// What the migrations put in themselves is no content, and comes back with the
	// backup. The rollback leaves it when there is anything else.
	if slices.Contains(tables, "roles") {
		if _, err := to.ExecContext(ctx, "DELETE FROM roles WHERE is_default"); err != nil {
			return err
		}
	}
	for _, t := range tables {
		var n int
		if err := to.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+quoted(t)).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return ErrNotEmpty
		}
	}
	for _, t := range tables {
		if err := copyTable(ctx, from, to, t); err != nil {
			return fmt.Errorf("copy table %s: %w", t, err)
		}
	}
	return to.Commit()
}

// tables returns the tables that this program makes, without goose's.
func (db *DB) tables(ctx context.Context) ([]string, error) {
	all, err := db.read.WithContext(ctx).Migrator().GetTables()
	var ours []string
	for _, t := range all {
		if !strings.HasPrefix(t, "goose_") && !strings.HasPrefix(t, "sqlite_") {
			ours = append(ours, t)
		}
	}
	return ours, err
}

// perInsert is how many rows go into one statement.
const perInsert = 50

// copyTable copies all rows of a table, whose columns have the same names on
// both sides.
func copyTable(ctx context.Context, from, to *sql.Tx, table string) error {
	// Prepared, so that MySQL sends numbers as numbers and not as digits.
	read, err := from.PrepareContext(ctx, "SELECT * FROM "+quoted(table))
	if err != nil {
		return err
	}
	defer read.Close()
	rows, err := read.QueryContext(ctx)
	if err != nil {
		return err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	names := make([]string, len(types))
	text := make([]bool, len(types))
	for i, t := range types {
		names[i] = quoted(t.Name())
		kind := strings.ToUpper(t.DatabaseTypeName())
		text[i] = !strings.Contains(kind, "BLOB") && !strings.Contains(kind, "BINARY")
	}
	head := "INSERT INTO " + quoted(table) + " (" + strings.Join(names, ", ") + ") VALUES "
	one := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ") + ")"
	var batch []any
	copied, held := 0, 0
	write := func() error {
		if held == 0 {
			return nil
		}
		_, err := to.ExecContext(ctx, head+strings.TrimSuffix(strings.Repeat(one+", ", held), ", "), batch...)
		batch, copied, held = batch[:0], copied+held, 0
		return err
	}
	for rows.Next() {
		values := make([]any, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok && text[i] {
				values[i] = string(b) // SQLite would keep bytes as a blob
			}
		}
		batch = append(batch, values...)
		if held++; held == perInsert {
			if err := write(); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(rows.Err(), write()); err != nil {
		return err
	}
	var n int
	if err := to.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+quoted(table)).Scan(&n); err != nil {
		return err
	}
	if n != copied {
		return fmt.Errorf("%d of %d rows have arrived", n, copied)
	}
	return nil
}

// inspect says what a backup holds. Returns ErrNoBackup when the file is damaged,
// is of another program, or refers to rows that it lacks.
func inspect(ctx context.Context, path string) (Copied, error) {
	pool, err := sql.Open("sqlite", readOnly(path))
	if err != nil {
		return Copied{}, err
	}
	defer pool.Close()
	var out Copied
	var verdict string
	if err := pool.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil || verdict != "ok" {
		return out, fmt.Errorf("%w: %s %v", ErrNoBackup, verdict, err)
	}
	if err := pool.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+goose.DefaultTablename+" WHERE is_applied").Scan(&out.Schema); err != nil {
		return out, fmt.Errorf("%w: %v", ErrNoBackup, err)
	}
	var dangling int
	if err := pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM pragma_foreign_key_check").Scan(&dangling); err != nil || dangling > 0 {
		return out, fmt.Errorf("%w: %d rows refer to others that are not there: %v", ErrNoBackup, dangling, err)
	}
	rows, err := pool.QueryContext(ctx, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'goose\\_%' ESCAPE '\\'")
	if err != nil {
		return out, err
	}
	var tables []string
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return out, errors.Join(err, rows.Close())
		}
		tables = append(tables, t)
	}
	if err := rows.Err(); err != nil {
		return out, err
	}
	for _, t := range tables {
		var n int
		if err := pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+quoted(t)).Scan(&n); err != nil {
			return out, err
		}
		out.Rows += n
	}
	return out, nil
}

// readOnly is the address of a SQLite file that is not to be changed.
func readOnly(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?mode=ro&_pragma=query_only(1)&_time_format=sqlite"
}

// quoted quotes a name in the way that both engines understand.
func quoted(name string) string { return "`" + name + "`" }

// syncFolder makes a new name in a folder durable. Some file systems cannot sync
// folders; they have nothing to make durable then.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
