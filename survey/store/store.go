// Package store opens the database, SQLite or MySQL (MariaDB and TiDB speak the
// same protocol), brings its schema up to date and runs transactions. The only
// SQL that differs between the engines is in its migrations.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"chengyin/survey"
)

// The names of the dialects.
const (
	SQLite = "sqlite"
	MySQL  = "mysql"
)

// Options are what Open may be told besides the address.
type Options struct {
	Clock   survey.Clock // nil: the machine's
	MaxOpen int          // connections to MySQL; 0: 64
	// ChainKey keys the chain of events; OlderChainKeys did so before it, the newest
	// first.
	ChainKey       []byte
	OlderChainKeys [][]byte
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	write   *gorm.DB // SQLite: one connection, because it has one writer
	read    *gorm.DB // SQLite: a pool of its own; MySQL: the same pool
	dialect string
	server  string
	clock   survey.Clock
	keys    [][]byte // of the chain of events, the newest first
	follows func(kind string) bool
}

// Tx is a running transaction. Now is the time of the whole transaction.
type Tx struct {
	*gorm.DB
	Now       time.Time
	ChainKeys [][]byte // of the chain of events, the newest first
	// Follows reports whether something follows events of that kind.
	Follows func(kind string) bool
}

// Open opens the database at dsn, "sqlite:PATH" or
// "mysql://USER:PASS@HOST:PORT/NAME". It does not touch the schema.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = survey.SystemClock
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = 64
	}
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok && path != "" {
		return openSQLite(ctx, path, o)
	}
	if strings.HasPrefix(dsn, "mysql://") {
		return openMySQL(ctx, dsn, o)
	}
	return nil, fmt.Errorf("open database: the address is neither sqlite:PATH nor mysql://USER:PASS@HOST:PORT/NAME")
}

// pragmas: a commit is on the disk before it returns (synchronous=FULL), readers
// do not wait for the writer (WAL), and what is deleted is overwritten with zeros
// (secure_delete), so that answers that a resident took back are not in the file.
const pragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_time_format=sqlite"

func openSQLite(ctx context.Context, path string, o Options) (*DB, error) {
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
	}
	address := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas
	pool := func(extra string, conns int) (*gorm.DB, error) {
		g, err := gorm.Open(gormsqlite.New(gormsqlite.Config{DriverName: "sqlite", DSN: address + extra}), config(o.Clock, true))
		if err != nil {
			return nil, fmt.Errorf("open database %s: %w", path, err)
		}
		c, err := g.DB()
		if err != nil {
			return nil, fmt.Errorf("open database %s: %w", path, err)
		}
		c.SetMaxOpenConns(conns)
		c.SetMaxIdleConns(conns)
		if err := c.PingContext(ctx); err != nil {
			return nil, fmt.Errorf("open database %s: %w", path, err)
		}
		return g, nil
	}
	w, err := pool("&_txlock=immediate", 1)
	if err != nil {
		return nil, err
	}
	r, err := pool("&_pragma=query_only(1)", 4)
	if err != nil {
		return nil, err
	}
	return &DB{write: w, read: r, dialect: SQLite, server: "SQLite", clock: o.Clock, keys: slices.Concat([][]byte{o.ChainKey}, o.OlderChainKeys)}, nil
}

func openMySQL(ctx context.Context, dsn string, o Options) (*DB, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("open database: the address after mysql:// cannot be read; escape special characters of the password as %XX")
	}
	c := mysqldriver.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	if u.Port() == "" {
		c.Addr = u.Host + ":3306"
	}
	if c.DBName == "" {
		return nil, errors.New("open database: the address names no database: mysql://USER:PASS@HOST:PORT/NAME")
	}
	if u.RawQuery != "" {
		return nil, errors.New("open database: the address has parameters after the name of the database, and none are known")
	}
	c.ParseTime, c.Loc = true, time.UTC
	c.InterpolateParams = true
	c.ClientFoundRows = true
	c.Collation = "utf8mb4_bin"
	c.Timeout = 10 * time.Second
	c.Params = map[string]string{"time_zone": "'+00:00'", "sql_mode": "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'"}
	version, err := serverVersion(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open database at %s: %w", c.Addr, err)
	}
	// Fewer gap locks, so that concurrent submissions do not wait for each other.
	// MariaDB before 11.1 knows the setting only by its old name.
	isolation := "transaction_isolation"
	if strings.Contains(version, "MariaDB") {
		isolation = "tx_isolation"
	}
	c.Params[isolation] = "'READ-COMMITTED'"
	connector, err := mysqldriver.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("open database at %s: %w", c.Addr, err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(o.MaxOpen)
	pool.SetMaxIdleConns(o.MaxOpen)
	pool.SetConnMaxLifetime(30 * time.Minute)
	g, err := gorm.Open(gormmysql.New(gormmysql.Config{Conn: pool}), config(o.Clock, false))
	if err != nil {
		return nil, fmt.Errorf("open database at %s: %w", c.Addr, err)
	}
	return &DB{write: g, read: g, dialect: MySQL, server: version, clock: o.Clock, keys: slices.Concat([][]byte{o.ChainKey}, o.OlderChainKeys)}, nil
}

func serverVersion(ctx context.Context, c *mysqldriver.Config) (string, error) {
	connector, err := mysqldriver.NewConnector(c)
	if err != nil {
		return "", err
	}
	pool := sql.OpenDB(connector)
	defer pool.Close()
	var v string
	return v, pool.QueryRowContext(ctx, "SELECT VERSION()").Scan(&v)
}

// config never prints a statement's values: answers do not belong in a log.
func config(clock survey.Clock, prepare bool) *gorm.Config {
	return &gorm.Config{
		TranslateError:         true,
		SkipDefaultTransaction: true,
		PrepareStmt:            prepare,
		NowFunc:                clock,
		Logger:                 logger.Discard,
	}
}

// Dialect returns SQLite or MySQL.
func (db *DB) Dialect() string { return db.dialect }

// Server returns the name and version of the database server.
func (db *DB) Server() string { return db.server }

// Clock returns the clock that the database was opened with.
func (db *DB) Clock() survey.Clock { return db.clock }

// ChainKeys returns the keys of the chain of events, the newest first.
func (db *DB) ChainKeys() [][]byte { return db.keys }

// Follow says of which kinds of events something follows: package event then notes
// a job beside each of them. It is called before the database is used.
func (db *DB) Follow(kind func(string) bool) { db.follows = kind }

// Read returns a handle for reading outside transactions.
func (db *DB) Read(ctx context.Context) *gorm.DB { return db.read.WithContext(ctx) }

// Snapshot runs f on one unchanging view of the database.
func (db *DB) Snapshot(ctx context.Context, f func(r *gorm.DB) error) error {
	o := &sql.TxOptions{ReadOnly: true}
	if db.dialect == MySQL {
		o.Isolation = sql.LevelRepeatableRead
	}
	return db.read.WithContext(ctx).Transaction(f, o)
}

// InTx runs f in one transaction: all of it is durable when InTx returns nil,
// and none of it has happened otherwise. f may run more than once, because a
// transaction that the engine chose as a deadlock's victim is run again, so it
// must not change anything but the database. InTx must not be called inside f.
func (db *DB) InTx(ctx context.Context, f func(tx *Tx) error) error {
	const tries = 8
	for i := 1; ; i++ {
		err := db.write.WithContext(ctx).Transaction(func(g *gorm.DB) error {
			return f(&Tx{DB: g, Now: db.clock(), ChainKeys: db.keys, Follows: db.follows})
		})
		if err == nil || i == tries || !transient(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(i) * time.Duration(2+rand.IntN(8)) * time.Millisecond):
		}
	}
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	c, err := db.read.DB()
	if err != nil {
		return err
	}
	return c.PingContext(ctx)
}

// Durable reports whether the server writes a commit to the disk before it
// answers. SQLite here always does; on MySQL it is the server's setting.
func (db *DB) Durable(ctx context.Context) (bool, error) {
	if db.dialect == SQLite {
		return true, nil
	}
	var v string
	err := db.Read(ctx).Raw("SELECT @@innodb_flush_log_at_trx_commit").Scan(&v).Error
	return v == "1", err
}

// Close closes the database.
func (db *DB) Close() error {
	var errs []error
	for _, g := range []*gorm.DB{db.read, db.write} {
		c, err := g.DB()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// transient reports whether the transaction can simply be run again.
func transient(err error) bool {
	var m *mysqldriver.MySQLError
	if errors.As(err, &m) {
		return m.Number == 1213 || m.Number == 1205 || m.Number == 8022 || m.Number == 9007
	}
	var s *sqlite.Error
	return errors.As(err, &s) && s.Code()&0xff == sqlite3.SQLITE_BUSY
}

// IsDuplicate reports whether err says that a unique key is taken.
func IsDuplicate(err error) bool {
	var s *sqlite.Error
	if errors.As(err, &s) {
		return s.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || s.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return errors.Is(err, gorm.ErrDuplicatedKey)
}

// NotFound reports whether err says that there is no such row. MySQL refuses to
// compare a column of codes, which is ASCII, with texts of other characters
// (errors 1267, 1270 and 1271); no row has such a code.
func NotFound(err error) bool {
	var m *mysqldriver.MySQLError
	return errors.Is(err, gorm.ErrRecordNotFound) || errors.As(err, &m) && (m.Number == 1267 || m.Number == 1270 || m.Number == 1271)
}
