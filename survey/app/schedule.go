package app

import (
	"context"
	"time"
)

// beat is how often the schedule looks for scores that are out of date. With the
// time of a refresh it keeps the board's figures under two seconds old.
const beat = 400 * time.Millisecond

// Run does what the schedule says until ctx ends.
func (a *App) Run(ctx context.Context) error {
	t := time.NewTicker(beat)
	defer t.Stop()
	for {
		if err := a.Scores.RefreshStale(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("refresh scores", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}
