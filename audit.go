package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"chengyin/config"
	"chengyin/survey"
	"chengyin/survey/app"
	"chengyin/survey/event"
)

// audit verifies the trail, and says how long it is kept.
func audit(ctx context.Context, env environment, args []string) error {
	var do func(context.Context, environment, *app.App) error
	var heads points
	var days int
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	f := flag.NewFlagSet("audit "+name, flag.ContinueOnError)
	settings := config.Bind(f)
	switch name {
	case "verify":
		f.Var(&heads, "head", "`SEQ:MAC` that an earlier verify printed and that must still be there; may be given several times")
		do = func(ctx context.Context, env environment, a *app.App) error { return verifyTrail(ctx, env, a, heads) }
	case "keep":
		f.IntVar(&days, "days", event.DefaultDays, fmt.Sprintf("for how many `days` events are kept, at least %d", event.LeastDays))
		do = func(ctx context.Context, _ environment, a *app.App) error {
			return a.Events.SetRetention(ctx, survey.System, days)
		}
	default:
		fmt.Fprintln(env.stderr, "usage: chengyin audit verify [--head SEQ:MAC] [FLAGS]\n       chengyin audit keep --days N [FLAGS]")
		return errUsage
	}
	if err := parse(f, env, args[1:]); err != nil {
		return err
	}
	a, err := openAsIs(ctx, env, settings)
	if err != nil {
		return err
	}
	defer a.Close()
	return do(ctx, env, a)
}

// openAsIs opens the database of a command that looks for traces, and so leaves the
// schema as it is.
func openAsIs(ctx context.Context, env environment, settings *config.Flags) (*app.App, error) {
	c, err := settings.Load(env.lookup)
	if err != nil {
		return nil, err
	}
	ac, err := configOf(c)
	if err != nil {
		return nil, err
	}
	a, err := app.New(ctx, ac)
	if err != nil {
		return nil, err
	}
	have, want, err := a.DB.Version(ctx)
	if err == nil && have != want {
		err = fmt.Errorf("the database has schema %d and this version needs %d: run \"chengyin migrate\" first", have, want)
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// points are places in the chain on the command line.
type points []event.Point

func (p *points) String() string { return fmt.Sprint([]event.Point(*p)) }

func (p *points) Set(s string) error {
	x, err := event.ParsePoint(s)
	*p = append(*p, x)
	return err
}

// wrong words what is wrong with the trail.
var wrong = map[string]string{
	event.Changed:    "the row was changed, or stands where it did not stand",
	event.Removed:    "rows from this one on are missing",
	event.KeyUnknown: "the row was made with a key that is not among the secrets: add the older secret, or the row is forged",
	event.Truncated:  "rows from this one to the end are missing",
	event.HeadWrong:  "the note of where the trail ends was removed or changed",
	event.CutWrong:   "the note of what was removed after its time was changed",
	event.OlderWrong: "there are not as many events from before the chain as when it began",
	event.NotInChain: "the place that was noted is not in the chain",
}

func verifyTrail(ctx context.Context, env environment, a *app.App, heads []event.Point) error {
	start := time.Now()
	r, err := event.Verify(ctx, a.DB, heads...)
	if err != nil {
		return err
	}
	for _, p := range r.Unchecked {
		fmt.Fprintf(env.stdout, "unchecked %s: removed after its time\n", p)
	}
	if b := r.Bad; b != nil {
		row := fmt.Sprintf("seq %d", b.Seq)
		if b.ID != "" {
			row += fmt.Sprintf(", id %s, time %s, kind %s", b.ID, b.At.UTC().Format(time.RFC3339Nano), b.Kind)
		}
		return fmt.Errorf("the trail is wrong at %s: %s (%s); %d events before it are right", row, b.What, wrong[b.What], r.Count)
	}
	fmt.Fprintf(env.stdout, "right: %d events in the chain, %d from before it, in %s\n", r.Count, r.Older, time.Since(start).Round(time.Millisecond))
	if r.Cut.Seq > 0 {
		fmt.Fprintf(env.stdout, "cut  %s\n", r.Cut)
	}
	if r.Head.Seq == 0 {
		fmt.Fprintln(env.stdout, "head none")
		return nil
	}
	_, err = fmt.Fprintf(env.stdout, "head %s\n", r.Head)
	return err
}
