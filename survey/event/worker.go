package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/store"
)

// job is what is to be done because of an event. It stands beside the event, whose
// row never changes.
type job struct {
	EventID    string `gorm:"primaryKey"`
	Kind       string
	DueAt      time.Time
	Lease      string // of the worker that does it
	LeaseUntil *time.Time
	Tries      int
	DoneAt     *time.Time
	FailedAt   *time.Time // given up
	Error      string     // of the last try
	CreatedAt  time.Time
}

func (job) TableName() string { return "event_jobs" }

// GaveUp is the kind of the event that says that a job failed as often as it may.
const GaveUp = "job.gave_up"

// Handler does what follows an event. It may be run again after it was done, when
// the machine stops between the work and the note of it, so twice must be as once.
type Handler struct {
	Do       func(context.Context, Event) error
	Deadline time.Duration // of one try; 0: a minute
	Tries    int           // before it is given up; 0: 8
}

// Worker does what follows events, one job after the other. Several may run on one
// database.
type Worker struct {
	db       *store.DB
	log      *slog.Logger
	handlers map[string]Handler
}

// Times of the worker.
const (
	defaultDeadline = time.Minute
	defaultTries    = 8
	firstPause      = 5 * time.Second // before the second try; it doubles
	longestPause    = time.Hour
	// leaseMargin is how much longer than its deadline a job stays with a worker: for
	// the note of what came of it, and for clocks of servers that differ.
	leaseMargin = 30 * time.Second
	lookEvery   = 500 * time.Millisecond
)

// NewWorker returns a worker with a handler for each kind of event. The database
// is told the kinds, so that from now on a job is noted beside each such event.
func NewWorker(db *store.DB, log *slog.Logger, handlers map[string]Handler) *Worker {
	db.Follow(func(kind string) bool { _, ok := handlers[kind]; return ok })
	return &Worker{db: db, log: log, handlers: handlers}
}

// Run does jobs as they become due until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	for {
		did, err := w.Next(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.Error("look for jobs", "err", err)
		}
		pause := lookEvery
		if did {
			pause = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// Drain does every job that is due, and those that they lead to.
func (w *Worker) Drain(ctx context.Context) error {
	for {
		if did, err := w.Next(ctx); err != nil || !did {
			return err
		}
	}
}

// Next does one job that is due. Did is false when there was none.
func (w *Worker) Next(ctx context.Context) (did bool, err error) {
	j, ok, err := w.claim(ctx)
	if err != nil || !ok {
		return false, err
	}
	h, known := w.handlers[j.Kind]
	most := h.tries()
	var failed error
	switch {
	case !known:
		// An older version of the program may run beside a newer one.
		failed = fmt.Errorf("nothing follows events of the kind %s", j.Kind)
	case j.Tries > most:
		failed = errors.New("the program ended during the last try")
	default:
		failed = w.try(ctx, h, j)
	}
	if ctx.Err() != nil {
		// The program ends: the job is given back, and this was no try.
		return true, w.note(context.WithoutCancel(ctx), j, map[string]any{"lease": "", "lease_until": nil, "tries": j.Tries - 1})
	}
	now := w.db.Clock()()
	switch {
	case failed == nil:
		return true, w.note(ctx, j, map[string]any{"lease": "", "lease_until": nil, "done_at": now, "error": ""})
	case j.Tries >= most:
		w.log.Error("a job was given up", "event", j.EventID, "kind", j.Kind, "tries", j.Tries, "err", failed)
		return true, w.giveUp(ctx, j, failed)
	}
	w.log.Warn("a job failed and will be tried again", "event", j.EventID, "kind", j.Kind, "tries", j.Tries, "err", failed)
	return true, w.note(ctx, j, map[string]any{"lease": "", "lease_until": nil, "due_at": now.Add(pauseAfter(j.Tries)), "error": short(failed)})
}

func (h Handler) tries() int {
	if h.Tries == 0 {
		return defaultTries
	}
	return h.Tries
}

func (h Handler) deadline() time.Duration {
	if h.Deadline == 0 {
		return defaultDeadline
	}
	return h.Deadline
}

// claim takes a job that is due and that no other worker has: the update says so
// again in its condition, and whose update changed the row has the job.
func (w *Worker) claim(ctx context.Context) (job, bool, error) {
	now := w.db.Clock()()
	var due []job
	err := w.db.Read(ctx).Where("done_at IS NULL AND failed_at IS NULL AND due_at <= ? AND (lease_until IS NULL OR lease_until <= ?)", now, now).
		Order("due_at, event_id").Limit(16).Find(&due).Error
	if err != nil {
		return job{}, false, fmt.Errorf("look for jobs: %w", err)
	}
	// Workers beside each other begin at different ones.
	rand.Shuffle(len(due), func(i, k int) { due[i], due[k] = due[k], due[i] })
	for _, j := range due {
		lease, until := uuid.NewString(), now.Add(w.handlers[j.Kind].deadline()+leaseMargin)
		var taken bool
		err := w.db.InTx(ctx, func(tx *store.Tx) error {
			r := tx.Model(&job{}).
				Where("event_id = ? AND tries = ? AND lease = ? AND done_at IS NULL AND failed_at IS NULL AND (lease_until IS NULL OR lease_until <= ?)", j.EventID, j.Tries, j.Lease, now).
				Updates(map[string]any{"lease": lease, "lease_until": until, "tries": j.Tries + 1})
			taken = r.RowsAffected == 1
			return r.Error
		})
		if err != nil {
			return job{}, false, fmt.Errorf("claim job %s: %w", j.EventID, err)
		}
		if taken {
			j.Lease, j.LeaseUntil = lease, &until
			j.Tries++
			return j, true, nil
		}
	}
	return job{}, false, nil
}

// try runs the handler with its own deadline. A panic is an error.
func (w *Worker) try(ctx context.Context, h Handler, j job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var e Event
	if err := w.db.Read(ctx).Where("id = ?", j.EventID).Take(&e).Error; err != nil {
		return fmt.Errorf("load event: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, h.deadline())
	defer cancel()
	return h.Do(ctx, e)
}

// note writes what came of a job, when the job is still this worker's.
func (w *Worker) note(ctx context.Context, j job, change map[string]any) error {
	err := w.db.InTx(ctx, func(tx *store.Tx) error { return noteJob(tx, j, change) })
	if err != nil {
		return fmt.Errorf("note job %s: %w", j.EventID, err)
	}
	return nil
}

func noteJob(tx *store.Tx, j job, change map[string]any) error {
	return tx.Model(&job{}).Where("event_id = ? AND lease = ?", j.EventID, j.Lease).Updates(change).Error
}

// giveUp ends a job that has failed too often, with an event that says so.
func (w *Worker) giveUp(ctx context.Context, j job, failed error) error {
	err := w.db.InTx(ctx, func(tx *store.Tx) error {
		if err := noteJob(tx, j, map[string]any{"lease": "", "lease_until": nil, "failed_at": tx.Now, "error": short(failed)}); err != nil {
			return err
		}
		return Write(tx, scheduler, Entry{Kind: GaveUp, Object: j.EventID, Result: Failed, Payload: map[string]any{"kind": j.Kind, "tries": j.Tries}})
	})
	if err != nil {
		return fmt.Errorf("give up job %s: %w", j.EventID, err)
	}
	return nil
}

// scheduler is who does what nobody asks for.
var scheduler = func() survey.Actor {
	a := survey.System
	a.Via = "schedule"
	return a
}()

// pauseAfter is how long a job rests after so many failures: between half and all
// of a time that doubles.
func pauseAfter(tries int) time.Duration {
	p := min(firstPause<<min(tries-1, 16), longestPause)
	return p/2 + rand.N(p/2)
}

// short keeps of an error what its column holds.
func short(err error) string {
	r := []rune(err.Error())
	return string(r[:min(len(r), 500)])
}

// Jobs counts what is to be done.
type Jobs struct {
	Waiting int64
	Failed  int64 // given up
	Oldest  time.Time
}

// CountJobs counts the jobs that are due and those that were given up.
func CountJobs(r *gorm.DB, now time.Time) (Jobs, error) {
	var n Jobs
	due := func() *gorm.DB {
		return r.Model(&job{}).Where("done_at IS NULL AND failed_at IS NULL AND due_at <= ?", now)
	}
	if err := due().Count(&n.Waiting).Error; err != nil {
		return n, fmt.Errorf("count jobs: %w", err)
	}
	if err := r.Model(&job{}).Where("failed_at IS NOT NULL").Count(&n.Failed).Error; err != nil {
		return n, fmt.Errorf("count jobs: %w", err)
	}
	var first []job
	if err := due().Order("due_at").Limit(1).Find(&first).Error; err != nil {
		return n, fmt.Errorf("count jobs: %w", err)
	}
	if len(first) > 0 {
		n.Oldest = first[0].DueAt
	}
	return n, nil
}
