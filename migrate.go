package main

import (
	"context"
	"flag"
	"fmt"

	"chengyin/config"
	"chengyin/survey/store"
)

// migrate brings the schema up to date.
func migrate(ctx context.Context, env environment, args []string) error {
	f := flag.NewFlagSet("migrate", flag.ContinueOnError)
	settings := config.Bind(f)
	if err := parse(f, env, args); err != nil {
		return err
	}
	c, err := settings.Load(env.lookup)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, c.Database, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	before, _, err := db.Version(ctx)
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	after, _, err := db.Version(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "schema %d -> %d on %s\n", before, after, db.Server())
	return err
}

// dumpConfig prints the settings in force.
func dumpConfig(_ context.Context, env environment, args []string) error {
	if len(args) == 0 || args[0] != "dump" {
		fmt.Fprintln(env.stderr, "usage: chengyin config dump [FLAGS]")
		return errUsage
	}
	f := flag.NewFlagSet("config dump", flag.ContinueOnError)
	settings := config.Bind(f)
	if err := parse(f, env, args[1:]); err != nil {
		return err
	}
	c, err := settings.Load(env.lookup)
	if err != nil {
		return err
	}
	return c.Dump(env.stdout)
}
