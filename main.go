// Chengyin 城音 measures how many residents know of, take part in and are
// satisfied with the building of a civilised city.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"chengyin/static"
	"chengyin/survey"
)

// version is set when a release is built.
var version = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// command is a subcommand. It reads its own flags.
type command struct {
	name, does string
	run        func(context.Context, environment, []string) error
}

var commands = []command{
	{"serve", "start the server; --demo fills an empty database with a fictional city", serve},
	{"migrate", "bring the database's schema up to date", migrate},
	{"backup", "write the whole database to one file while the server runs", backup},
	{"restore", "fill an empty database from a backup", restore},
	{"admin", "admin add: make a sign-in, such as the first of a new installation", admin},
	{"audit", "audit verify: find out whether the audit trail is as it was written; audit keep: how long it is kept", audit},
	{"sample", "sample replay: draw a sampling plan again and say whether the result is the same", sampleCommand},
	{"secret", "secret rotate: put a new secret in front; what older ones signed stays genuine", secretCommand},
	{"estimate", "compute survey statistics from files; --help shows how", estimate},
	{"config", "config dump: print the settings in force, secrets masked", dumpConfig},
	{"version", "print the version", printVersion},
}

// environment is what a command may touch besides its arguments.
type environment struct {
	lookup         func(string) (string, bool)
	stdout, stderr io.Writer
}

// errUsage means that the command line is wrong and that it was said why.
var errUsage = errors.New("wrong usage")

// run is the whole program: 0 done, 1 failed with a message, 2 wrong usage.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	env := environment{lookup, stdout, stderr}
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(stdout)
		if len(args) == 0 {
			return 2
		}
		return 0
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, env, args[1:])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		}
		fmt.Fprintf(stderr, "chengyin %s: %s\n", c.name, explain(err, lookup))
		return 1
	}
	fmt.Fprintf(stderr, "chengyin: unknown command %q\n\n", args[0])
	usage(stderr)
	return 2
}

// explain words an error for the person at the terminal.
func explain(err error, lookup func(string) (string, bool)) string {
	var e *survey.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	words, failed := static.New(false)
	if failed != nil {
		return err.Error()
	}
	lang := "en"
	if l, _ := lookup("LANG"); strings.HasPrefix(l, "zh") {
		lang = "zh"
	}
	text := words.T(lang, "error."+e.Code)
	for _, f := range e.Fields {
		text += "\n  " + f.Path + ": " + words.T(lang, "field."+f.Code, f.Args)
	}
	return text
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "Chengyin 城音 "+codeVersion()+"\n\nUsage: chengyin COMMAND [FLAGS]\n\nCommands:")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.does)
	}
	fmt.Fprintln(w, "\nchengyin COMMAND --help lists a command's flags.")
}

// parse reads the flags and refuses arguments that are none.
func parse(f *flag.FlagSet, env environment, args []string) error {
	f.SetOutput(env.stderr)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if f.NArg() > 0 {
		fmt.Fprintf(env.stderr, "chengyin %s: unexpected argument %q\n", f.Name(), f.Arg(0))
		return errUsage
	}
	return nil
}

// codeVersion names the code that is running: the release, or the commit.
func codeVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "development"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if revision == "" {
		return "development"
	}
	return revision + dirty
}

func printVersion(_ context.Context, env environment, args []string) error {
	if err := parse(flag.NewFlagSet("version", flag.ContinueOnError), env, args); err != nil {
		return err
	}
	_, err := fmt.Fprintln(env.stdout, codeVersion())
	return err
}
