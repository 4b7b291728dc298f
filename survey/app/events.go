package app

import (
	"context"
	"time"

	"chengyin/survey/event"
)

// follows says what follows what: for each kind of event what is done because of
// it, by a worker, soon after the transaction that wrote the event. Each must bear
// being run twice.
func (a *App) follows() map[string]event.Handler {
	return map[string]event.Handler{
		event.PruneAsked: {Do: a.pruneTrail, Deadline: 30 * time.Minute, Tries: 5},
	}
}

// pruneTrail removes the events whose time is over.
func (a *App) pruneTrail(ctx context.Context, _ event.Event) error { return event.Prune(ctx, a.DB) }
