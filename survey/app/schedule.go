package app

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"chengyin/survey/event"
)

// The schedule looks for scores that are out of date after each pause. It is three
// times as long as the last look took, so that while many answers come in most of
// the machine is left for them, and never so long that the board's figures become
// two seconds old.
const (
	shortestPause = 400 * time.Millisecond
	longestPause  = time.Second
)

// askEvery is how often the schedule looks whether it is time for what is done once
// a day.
const askEvery = 10 * time.Minute

// sweepPause is how long after a look for what is past its time the next follows.
const sweepPause = time.Minute

// Run does what the schedule says and what follows events until ctx ends.
func (a *App) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.Worker.Run(ctx) })
	g.Go(func() error {
		a.every(ctx, askEvery, a.askRegularly)
		return nil
	})
	g.Go(func() error {
		a.every(ctx, sweepPause, a.sweep)
		return nil
	})
	g.Go(func() error {
		a.every(ctx, sweepPause, a.takeUpReports)
		return nil
	})
	g.Go(func() error {
		a.refreshScores(ctx)
		return nil
	})
	return g.Wait()
}

// askRegularly writes the events that something is to follow once a day. Each may
// be asked for by several servers: one of them writes it.
func (a *App) askRegularly(ctx context.Context) {
	for what, ask := range map[string]func(context.Context) error{
		"ask to remove old events": func(ctx context.Context) error { return event.AskToPrune(ctx, a.DB) },
	} {
		if err := ask(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error(what, "err", err)
		}
	}
}

// every calls f now and again after each pause until ctx ends.
func (a *App) every(ctx context.Context, pause time.Duration, f func(context.Context)) {
	for {
		f(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (a *App) refreshScores(ctx context.Context) {
	for {
		start := time.Now()
		if err := a.Scores.RefreshStale(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("refresh scores", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(max(3*time.Since(start), shortestPause), longestPause)):
		}
	}
}

// sweep erases what is past its time.
func (a *App) sweep(ctx context.Context) {
	if err := a.Privacy.Sweep(ctx); err != nil && ctx.Err() == nil {
		a.Log.Error("erase what is past its time", "err", err)
	}
}

// takeUpReports brings what residents reported early to the interviews that have
// arrived since.
func (a *App) takeUpReports(ctx context.Context) {
	if err := a.Responses.TakeUpReports(ctx); err != nil && ctx.Err() == nil {
		a.Log.Error("take up what residents reported early", "err", err)
	}
}
