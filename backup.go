package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"chengyin/config"
	"chengyin/survey/store"
)

// backup writes the whole database to one file while the server runs.
func backup(ctx context.Context, env environment, args []string) error {
	c, path, err := fileCommand("backup", "[FILE]", env, args)
	if err != nil {
		return err
	}
	if lite, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		// Opening a database that is not there would make an empty one.
		if _, err := os.Stat(lite); err != nil {
			return fmt.Errorf("open database: %w", err)
		}
	}
	db, err := store.Open(ctx, c.Database, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	if path == "" {
		path = time.Now().Format("chengyin-20060102-150405.backup")
	}
	got, err := db.Backup(ctx, path)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; choose another name", path)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(env.stderr, "The secret that signs codes and receipts is not in the backup: keep "+keptIn(c)+" too, elsewhere.")
	_, err = fmt.Fprintf(env.stdout, "%s: %d rows, schema %d, of %s\n", path, got.Rows, got.Schema, db.Server())
	return err
}

// restore fills an empty database from a backup.
func restore(ctx context.Context, env environment, args []string) error {
	c, path, err := fileCommand("restore", "FILE", env, args)
	if err != nil {
		return err
	}
	if path == "" {
		fmt.Fprintln(env.stderr, "usage: chengyin restore [FLAGS] FILE")
		return errUsage
	}
	got, err := store.Restore(ctx, c.Database, path, store.Options{})
	if errors.Is(err, store.ErrNotEmpty) {
		return fmt.Errorf("%w: name one by CHENGYIN_DATABASE or --database", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(env.stderr, "Put the secret of the backed-up server back as "+keptIn(c)+": without it posters and receipts are unknown.")
	_, err = fmt.Fprintf(env.stdout, "%d rows, schema %d, from %s\n", got.Rows, got.Schema, path)
	return err
}

// keptIn says where the secret is.
func keptIn(c config.Config) string {
	if c.Secret != "" {
		return "CHENGYIN_SECRET"
	}
	return c.SecretFile
}

// fileCommand reads the command line of a command that takes the name of a file
// before or after its flags.
func fileCommand(name, takes string, env environment, args []string) (config.Config, string, error) {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	settings := config.Bind(f)
	f.Usage = func() {
		fmt.Fprintf(env.stderr, "usage: chengyin %s [FLAGS] %s\n", name, takes)
		f.PrintDefaults()
	}
	path := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		path, args = args[0], args[1:]
	}
	f.SetOutput(env.stderr)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return config.Config{}, "", err
		}
		return config.Config{}, "", errUsage
	}
	rest := f.Args()
	if path == "" && len(rest) > 0 {
		path, rest = rest[0], rest[1:]
	}
	if len(rest) > 0 {
		fmt.Fprintf(env.stderr, "chengyin %s: unexpected argument %q\n", name, rest[0])
		return config.Config{}, "", errUsage
	}
	c, err := settings.Load(env.lookup)
	return c, path, err
}
