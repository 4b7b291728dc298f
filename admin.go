package main

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"flag"
	"fmt"
	"strings"

	"chengyin/config"
	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/app"
)

// admin makes a sign-in from the command line: the first person of a new
// installation has nobody to ask.
func admin(ctx context.Context, env environment, args []string) error {
	if len(args) == 0 || args[0] != "add" {
		fmt.Fprintln(env.stderr, "usage: chengyin admin add --login NAME --role ROLE --area CODE [FLAGS]")
		return errUsage
	}
	f := flag.NewFlagSet("admin add", flag.ContinueOnError)
	settings := config.Bind(f)
	login := f.String("login", "", "`name` to sign in with")
	name := f.String("name", "", "`name` to be shown; the login when left out")
	role := f.String("role", "office", "`role`: "+strings.Join(survey.RoleCodes(), ", "))
	area := f.String("area", strings.Repeat("0", 12), "12-digit `code` of the place below which the person sees anything; zeros for everything")
	if err := parse(f, env, args[1:]); err != nil {
		return err
	}
	c, err := settings.Load(env.lookup)
	if err != nil {
		return err
	}
	ac, err := configOf(c)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, ac)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := readySchema(ctx, a.DB); err != nil {
		return err
	}
	if *name == "" {
		*name = *login
	}
	password := newPassword()
	err = a.Accounts.Create(ctx, survey.System, account.NewAccount{Login: *login, Name: *name, Role: *role, AreaCode: *area, Password: password, Temporary: true})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "login    %s\npassword %s\n", *login, password)
	return err
}

// newPassword returns 60 random bits in letters and digits that are easily told
// apart.
func newPassword() string {
	b := make([]byte, 8)
	rand.Read(b)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b)[:12])
}
