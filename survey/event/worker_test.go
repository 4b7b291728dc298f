package event_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// clock is moved by the test.
type clock struct{ now atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.now.Store(time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) read() time.Time         { return time.UnixMicro(c.now.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.now.Add(d.Microseconds()) }

var discard = slog.New(slog.DiscardHandler)

var key = []byte("key of the chain, of thirty-two b")

// each runs the test on both engines with a clock of its own.
func each(t *testing.T, test func(t *testing.T, dsn string, db *store.DB, c *clock)) {
	for _, dialect := range []string{"sqlite", "mysql"} {
		t.Run(dialect, func(t *testing.T) {
			c, dsn := newClock(), storetest.DSN(t, dialect)
			db := open(t, dsn, c, key)
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			test(t, dsn, db, c)
		})
	}
}

func open(t *testing.T, dsn string, c *clock, keys ...[]byte) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{Clock: c.read, ChainKey: keys[0], OlderChainKeys: keys[1:]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func write(t *testing.T, db *store.DB, e event.Entry) {
	t.Helper()
	err := db.InTx(t.Context(), func(tx *store.Tx) error { return event.Write(tx, survey.As("ana", "office", survey.Everywhere), e) })
	if err != nil {
		t.Fatal(err)
	}
}

func worker(db *store.DB, h event.Handler) *event.Worker {
	return event.NewWorker(db, discard, map[string]event.Handler{"thing.asked": h})
}

func kinds(t *testing.T, db *store.DB) string {
	t.Helper()
	var out []string
	if err := db.Read(t.Context()).Model(&event.Event{}).Order("seq").Pluck("kind", &out).Error; err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func jobs(t *testing.T, db *store.DB, c *clock) event.Jobs {
	t.Helper()
	n, err := event.CountJobs(db.Read(t.Context()), c.read())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWorker(t *testing.T) {
	each(t, func(t *testing.T, dsn string, db *store.DB, c *clock) {
		t.Run("what follows an event is done once, after it was written", func(t *testing.T) {
			var did []string
			w := worker(db, event.Handler{Do: func(_ context.Context, e event.Event) error { did = append(did, e.Object); return nil }})
			write(t, db, event.Entry{Kind: "thing.asked", Object: "a"})
			write(t, db, event.Entry{Kind: "thing.other", Object: "b"})
			if n := jobs(t, db, c); n.Waiting != 1 || !n.Oldest.Equal(c.read()) {
				t.Fatal(n)
			}
			must(t, w.Drain(t.Context()))
			must(t, w.Drain(t.Context()))
			if strings.Join(did, " ") != "a" || jobs(t, db, c).Waiting != 0 {
				t.Fatal(did, jobs(t, db, c))
			}
		})
		t.Run("an event that is undone is followed by nothing", func(t *testing.T) {
			w := worker(db, event.Handler{Do: func(context.Context, event.Event) error { t.Error("done"); return nil }})
			undone := errors.New("undone")
			err := db.InTx(t.Context(), func(tx *store.Tx) error {
				return errors.Join(event.Append(tx, survey.System, "thing.asked", "x", nil), undone)
			})
			if !errors.Is(err, undone) {
				t.Fatal(err)
			}
			must(t, w.Drain(t.Context()))
		})
		t.Run("a job waits until it is due", func(t *testing.T) {
			done := 0
			w := worker(db, event.Handler{Do: func(context.Context, event.Event) error { done++; return nil }})
			write(t, db, event.Entry{Kind: "thing.asked", Due: c.read().Add(time.Hour)})
			must(t, w.Drain(t.Context()))
			if done != 0 {
				t.Fatal("done too early")
			}
			c.advance(time.Hour)
			must(t, w.Drain(t.Context()))
			if done != 1 {
				t.Fatal(done)
			}
		})
		t.Run("a job that fails is tried again after pauses that grow, and given up visibly", func(t *testing.T) {
			tries, start := []time.Duration{}, c.read()
			w := worker(db, event.Handler{Tries: 3, Do: func(context.Context, event.Event) error {
				tries = append(tries, c.read().Sub(start))
				if len(tries) == 2 {
					panic("as bad as an error")
				}
				return errors.New("no luck")
			}})
			write(t, db, event.Entry{Kind: "thing.asked", Object: "unlucky"})
			for range 60 {
				must(t, w.Drain(t.Context()))
				c.advance(time.Second)
			}
			if len(tries) != 3 || tries[1] < 2*time.Second || tries[2]-tries[1] < 5*time.Second {
				t.Fatal(tries)
			}
			if n := jobs(t, db, c); n.Failed != 1 || n.Waiting != 0 {
				t.Fatal(n)
			}
			if k := kinds(t, db); !strings.HasSuffix(k, "thing.asked "+event.GaveUp) {
				t.Fatal(k)
			}
			var why string
			must(t, db.Read(t.Context()).Table("event_jobs").Where("failed_at IS NOT NULL").Pluck("error", &why).Error)
			if why != "no luck" {
				t.Fatal(why)
			}
		})
		t.Run("each try has its own deadline", func(t *testing.T) {
			var left time.Duration
			w := worker(db, event.Handler{Deadline: 20 * time.Millisecond, Tries: 1, Do: func(ctx context.Context, _ event.Event) error {
				at, _ := ctx.Deadline()
				left = time.Until(at)
				<-ctx.Done()
				return ctx.Err()
			}})
			write(t, db, event.Entry{Kind: "thing.asked"})
			must(t, w.Drain(t.Context()))
			if left <= 0 || left > 20*time.Millisecond || jobs(t, db, c).Failed != 2 {
				t.Fatal(left, jobs(t, db, c))
			}
		})
		t.Run("the job of a worker that was killed is taken over after its lease", func(t *testing.T) {
			write(t, db, event.Entry{Kind: "thing.asked", Object: "orphan"})
			// As a killed worker leaves it: taken, and nothing noted.
			must(t, db.InTx(t.Context(), func(tx *store.Tx) error {
				return tx.Exec("UPDATE event_jobs SET lease = 'dead', lease_until = ?, tries = 1 WHERE done_at IS NULL AND failed_at IS NULL", c.read().Add(90*time.Second)).Error
			}))
			var did []string
			w := worker(db, event.Handler{Do: func(_ context.Context, e event.Event) error { did = append(did, e.Object); return nil }})
			must(t, w.Drain(t.Context()))
			if len(did) != 0 {
				t.Fatal("taken from a worker that may still be at it")
			}
			c.advance(91 * time.Second)
			must(t, w.Drain(t.Context()))
			if strings.Join(did, " ") != "orphan" {
				t.Fatal(did)
			}
		})
		t.Run("a worker that ends gives its job back", func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			w := worker(db, event.Handler{Do: func(ctx context.Context, _ event.Event) error { stop(); <-ctx.Done(); return ctx.Err() }})
			write(t, db, event.Entry{Kind: "thing.asked"})
			_, err := w.Next(ctx)
			must(t, err)
			done := 0
			w = worker(db, event.Handler{Tries: 1, Do: func(context.Context, event.Event) error { done++; return nil }})
			must(t, w.Drain(t.Context()))
			if done != 1 {
				t.Fatal(done)
			}
		})
	})
}

// TestServersNeverDoAJobTogether: four workers on three connections pools of one
// database.
func TestServersNeverDoAJobTogether(t *testing.T) {
	each(t, func(t *testing.T, dsn string, db *store.DB, c *clock) {
		const many = 60
		var mu sync.Mutex
		now, times := map[string]bool{}, map[string]int{}
		h := event.Handler{Do: func(_ context.Context, e event.Event) error {
			mu.Lock()
			if now[e.ID] {
				t.Errorf("%s is done by two at once", e.Object)
			}
			now[e.ID] = true
			times[e.ID]++
			first := times[e.ID] == 1
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			delete(now, e.ID)
			mu.Unlock()
			if first && e.Object == "twice" {
				return errors.New("once more")
			}
			return nil
		}}
		workers := []*event.Worker{worker(db, h), worker(db, h), worker(open(t, dsn, c, key), h), worker(open(t, dsn, c, key), h)}
		for i := range many {
			e := event.Entry{Kind: "thing.asked"}
			if i%10 == 0 {
				e.Object = "twice"
			}
			write(t, db, e)
		}
		for range 2 {
			var all sync.WaitGroup
			for _, w := range workers {
				all.Go(func() { must(t, w.Drain(t.Context())) })
			}
			all.Wait()
			c.advance(time.Minute)
		}
		sum := 0
		for _, n := range times {
			sum += n
		}
		if len(times) != many || sum != many+many/10 {
			t.Errorf("%d jobs were done %d times", len(times), sum)
		}
	})
}

func TestRegularly(t *testing.T) {
	each(t, func(t *testing.T, dsn string, db *store.DB, c *clock) {
		other := open(t, dsn, c, key)
		asked := func() int {
			var n atomic.Int64
			var all sync.WaitGroup
			for _, db := range []*store.DB{db, other, db, other} {
				all.Go(func() {
					did, err := event.Regularly(t.Context(), db, "tidy", 24*time.Hour, event.Entry{Kind: "thing.asked"})
					if err != nil {
						t.Error(err)
					}
					if did {
						n.Add(1)
					}
				})
			}
			all.Wait()
			return int(n.Load())
		}
		if n := asked(); n != 1 {
			t.Fatalf("of four that ask at once %d did", n)
		}
		c.advance(23 * time.Hour)
		if n := asked(); n != 0 {
			t.Fatalf("asked %d times before the day was over", n)
		}
		c.advance(time.Hour)
		if n := asked(); n != 1 {
			t.Fatalf("asked %d times on the next day", n)
		}
		if k := kinds(t, db); k != "audit.began thing.asked thing.asked" {
			t.Fatal(k)
		}
	})
}
