package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// ErrNoMariaDB says that this machine has no MariaDB server to start.
var ErrNoMariaDB = errors.New("mariadbd or mariadb-install-db is not installed")

// Server is a MariaDB server of one's own: a free port of 127.0.0.1, its files
// in one folder, every commit on the disk before it is confirmed. It ends and
// its folder goes when the process that started it does, however that happens.
type Server struct {
	config mysql.Config
	admin  *sql.DB
	guard  *exec.Cmd
	leash  *os.File
}

// guardScript is the parent of the server. Its standard input is a pipe that
// only the starting process holds open, so the read returns when that process
// closes it, ends, panics or is killed: then the server and its files go. A
// parent that waits for its child cannot kill a stranger with a re-used pid.
const guardScript = `dir=$1; shift
trap '' INT TERM HUP
"$@" >"$dir/log" 2>&1 &
pid=$!
read -r _
kill -9 "$pid"
wait "$pid"
rm -rf "$dir"`

// StartServer starts a server whose files lie in a new folder inside parent
// (os.TempDir when empty). Options are added to the command line of mariadbd.
func StartServer(ctx context.Context, parent string, options ...string) (*Server, error) {
	daemon, install, err := findMariaDB()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "chengyin-mariadb-")
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, daemon, install, dir, options)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func start(ctx context.Context, daemon, install, dir string, options []string) (*Server, error) {
	data := filepath.Join(dir, "data")
	// A server that starts removes the temporary tables of all others that share
	// its folder for them, also while those are being made.
	env := append(os.Environ(), "TMPDIR="+dir)
	asRoot := []string{}
	if os.Geteuid() == 0 {
		asRoot = append(asRoot, "--user=root")
	}
	// A redo log of 8 MB instead of 96 MB is what makes the start quick.
	args := append([]string{
		"--no-defaults", "--datadir=" + data, "--innodb-log-file-size=8M",
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
	}, asRoot...)
	making := exec.CommandContext(ctx, install, args...)
	making.Env = env
	if out, err := making.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("create the system tables: %w: %s", err, out)
	}

	port, err := freePort()
	if err != nil {
		return nil, err
	}
	c := mysql.NewConfig()
	c.User, c.Passwd = "chengyin", rand.Text()
	c.Net, c.Addr = "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	account := fmt.Sprintf("CREATE USER '%s'@'127.0.0.1' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO '%s'@'127.0.0.1';\n", c.User, c.Passwd, c.User)
	initFile := filepath.Join(dir, "init.sql")
	if err := os.WriteFile(initFile, []byte(account), 0o600); err != nil {
		return nil, err
	}

	args = []string{
		"-c", guardScript, "guard", dir, daemon,
		"--no-defaults", "--datadir=" + data, "--socket=" + filepath.Join(dir, "socket"), "--pid-file=" + filepath.Join(dir, "pid"),
		"--skip-networking=0", "--bind-address=127.0.0.1", "--port=" + strconv.Itoa(port), "--skip-name-resolve",
		"--init-file=" + initFile, "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=1",
		"--character-set-server=utf8mb4", "--max-connections=300",
	}
	args = append(append(args, asRoot...), options...)
	read, leash, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	guard := exec.Command("sh", args...)
	guard.Stdin, guard.Env = read, env
	guard.SysProcAttr = ownGroup()
	err = guard.Start()
	read.Close()
	if err != nil {
		leash.Close()
		return nil, err
	}

	s := &Server{config: *c, guard: guard, leash: leash}
	connector, err := mysql.NewConnector(c)
	if err == nil {
		s.admin = sql.OpenDB(connector)
		err = s.answers(ctx, filepath.Join(dir, "log"))
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// answers waits until the server takes a query.
func (s *Server) answers(ctx context.Context, log string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := s.admin.PingContext(ctx)
		if err == nil {
			return nil
		}
		said, _ := os.ReadFile(log)
		if strings.Contains(string(said), "Aborting") || ctx.Err() != nil {
			return fmt.Errorf("start mariadbd: %w: %s", err, said)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends the server and removes its files.
func (s *Server) Stop() {
	if s.admin != nil {
		s.admin.Close()
	}
	s.leash.Close()
	_ = s.guard.Wait() // its status is the killed server's
}

// Addr is the server's host and port.
func (s *Server) Addr() string { return s.config.Addr }

// Create makes an empty database and returns its DSN.
func (s *Server) Create(ctx context.Context, name string) (string, error) {
	return create(ctx, s.admin, s.config, name)
}

// create makes an empty database on the server behind admin.
func create(ctx context.Context, admin *sql.DB, c mysql.Config, name string) (string, error) {
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		return "", fmt.Errorf("create database %s: %w", name, err)
	}
	u := url.URL{Scheme: "mysql", User: url.UserPassword(c.User, c.Passwd), Host: c.Addr, Path: "/" + name}
	return u.String(), nil
}

// HasServer returns ErrNoMariaDB when StartServer could not start one.
func HasServer() error {
	_, _, err := findMariaDB()
	return err
}

// findMariaDB looks where the programs are on the path and where distributions
// put them when /usr/sbin is not on it.
func findMariaDB() (daemon, install string, err error) {
	find := func(name string) string {
		for _, path := range []string{name, "/usr/sbin/" + name, "/usr/libexec/" + name, "/usr/local/sbin/" + name} {
			if found, err := exec.LookPath(path); err == nil {
				return found
			}
		}
		return ""
	}
	daemon, install = find("mariadbd"), find("mariadb-install-db")
	if daemon == "" || install == "" {
		return "", "", ErrNoMariaDB
	}
	return daemon, install, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
