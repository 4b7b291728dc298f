package app

import (
	"context"
	"time"
)

// The schedule looks for scores that are out of date after each pause. It is three
// times as long as the last look took, so that while many answers come in most of
// the machine is left for them, and never so long that the board's figures become
// two seconds old.
const (
	shortestPause = 400 * time.Millisecond
	longestPause  = time.Second
)

// Run does what the schedule says until ctx ends.
func (a *App) Run(ctx context.Context) error {
	for {
		start := time.Now()
		if err := a.Scores.RefreshStale(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("refresh scores", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(max(3*time.Since(start), shortestPause), longestPause)):
		}
	}
}
