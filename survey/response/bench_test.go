package response_test

import (
	"sync/atomic"
	"testing"

	"chengyin/survey/apptest"
	"chengyin/survey/response"
	"chengyin/survey/store/storetest"
)

// BenchmarkSubmit stores answers from 32 respondents at a time, each on the disk
// before the next of the same respondent.
func BenchmarkSubmit(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(dialect, func(b *testing.B) {
			w := apptest.New(b, storetest.DSN(b, dialect))
			code := w.Posters[apptest.North].Code
			var failed atomic.Int64
			b.SetParallelism(16) // times GOMAXPROCS
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					sheet, err := w.Responses.Open(ctx, code)
					if err == nil {
						_, _, err = w.Responses.Submit(ctx, response.Submission{Code: code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Answers: apptest.Answers(nil)})
					}
					if err != nil {
						failed.Add(1)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "responses/s")
			if failed.Load() > 0 {
				b.Fatalf("%d submissions failed", failed.Load())
			}
		})
	}
}
