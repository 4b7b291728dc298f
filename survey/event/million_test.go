package event_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// BenchmarkVerify walks a long chain: time for an event, and the memory that the
// walk holds, which does not grow with the chain.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			db, err := store.Open(b.Context(), storetest.DSN(b, "sqlite"), store.Options{ChainKey: key})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			if err := db.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			who := survey.As("ana", "office", survey.Everywhere)
			who.From, who.Request = "192.0.2.1", "0192f0c1-0000-7000-8000-000000000000"
			for done := 0; done < n; done += 10_000 {
				err := db.InTx(b.Context(), func(tx *store.Tx) error {
					for i := range 10_000 {
						if err := event.Append(tx, who, "thing.done", fmt.Sprint("object ", i), map[string]any{"n": i, "why": "a text of some length"}); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			var most uint64
			stop := make(chan bool)
			go func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						most = max(most, m.HeapInuse)
					}
				}
			}()
			for b.Loop() {
				if r, err := event.Verify(b.Context(), db); err != nil || r.Bad != nil || r.Count != int64(n)+1 {
					b.Fatal(r, err)
				}
			}
			close(stop)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/event")
			b.ReportMetric(float64(most)/(1<<20), "MB")
		})
	}
}
