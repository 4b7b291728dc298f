package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"chengyin/config"
	"chengyin/survey"
)

// errOtherDraw is the end of a replay that found another draw.
var errOtherDraw = errors.New("the draw is not what its list, plan and seed give; the figures above say where it differs")

// sampleCommand draws a plan again and says whether the result is the same.
func sampleCommand(ctx context.Context, env environment, args []string) error {
	if len(args) < 1 || args[0] != "replay" {
		fmt.Fprintln(env.stderr, "usage: chengyin sample replay [FLAGS] PLAN")
		return errUsage
	}
	f := flag.NewFlagSet("sample replay", flag.ContinueOnError)
	settings := config.Bind(f)
	f.SetOutput(env.stderr)
	if err := f.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if f.NArg() != 1 {
		fmt.Fprintln(env.stderr, "usage: chengyin sample replay [FLAGS] PLAN")
		return errUsage
	}
	a, err := openAsIs(ctx, env, settings)
	if err != nil {
		return err
	}
	defer a.Close()
	p, err := a.Samples.Plan(ctx, survey.System, f.Arg(0))
	if err != nil {
		return err
	}
	r, err := a.Samples.Replay(ctx, survey.System, p.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "plan    %s\nseed    %s\ndrawn   %s\nreplay  %s\nstored  %s\n", p.ID, p.Seed, r.Want, r.Hash, r.Stored)
	if !r.Same() {
		return errOtherDraw
	}
	fmt.Fprintln(env.stdout, "the same draw")
	return nil
}
