package response_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/collector"
	"chengyin/survey/response"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// BenchmarkList lists the newest responses among a million of a wave in 78
// communities: for the manager of one community, by pages, and for the district.
// It prints the median and the 99th percentile. LIST_ROWS changes the million.
func BenchmarkList(b *testing.B) {
	rows := 1_000_000
	if s := os.Getenv("LIST_ROWS"); s != "" {
		if _, err := fmt.Sscan(s, &rows); err != nil {
			b.Fatal(err)
		}
	}
	for _, dialect := range storetest.Dialects {
		w := apptest.New(b, storetest.DSN(b, dialect))
		manyResponses(b, w, rows)
		for name, who := range map[string]survey.Actor{
			"a community": survey.As("north", "community", apptest.North),
			"a district":  survey.As("east", "office", apptest.East),
			"a city":      apptest.Office,
		} {
			b.Run(dialect+"/"+name, func(b *testing.B) {
				var took []time.Duration
				var f response.ListFilter
				for b.Loop() {
					start := time.Now()
					list, more, err := w.Responses.List(ctx, who, w.Wave, f)
					took = append(took, time.Since(start))
					if err != nil || len(list) != 50 {
						b.Fatal(len(list), err)
					}
					f = response.ListFilter{}
					if more && len(took)%20 != 0 { // twenty pages, then from the start
						f.Before = &response.Mark{At: list[49].ReceivedAt, ID: list[49].ID}
					}
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			})
		}
	}
}

// manyResponses stores n responses to posters in 78 communities of the district,
// North among them, as ordinary rows.
func manyResponses(b *testing.B, w *apptest.World, n int) {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	areas, codes := []string{apptest.North}, []string{w.Posters[apptest.North].ID}
	must(w.DB.InTx(ctx, func(tx *store.Tx) error {
		for i := 3; len(areas) < 78; i++ {
			code := fmt.Sprintf("990102%03d%03d", 1+i/40, 1+i%40)
			if code == apptest.South || code == apptest.North {
				continue
			}
			a, k := map[string]any{}, w.Posters[apptest.South]
			if err := tx.Table("areas").Where("code = ?", apptest.South).Take(&a).Error; err != nil {
				return err
			}
			a["code"] = code
			if err := tx.Table("areas").Create(a).Error; err != nil {
				return err
			}
			k.ID, k.Number, k.AreaCode, k.Code = uuid.NewString(), int64(1000+i), code, fmt.Sprintf("X%06d", i)
			if err := tx.Create(&[]collector.Collector{k}).Error; err != nil {
				return err
			}
			areas, codes = append(areas, code), append(codes, k.ID)
		}
		return nil
	}))
	start := apptest.Start
	for done := 0; done < n; {
		must(w.DB.InTx(ctx, func(tx *store.Tx) error {
			for range 20 {
				batch := make([]response.Response, 0, 500)
				for len(batch) < cap(batch) && done < n {
					at := start.Add(time.Duration(done) * 700 * time.Millisecond)
					batch = append(batch, response.Response{ID: uuid.NewString(), WaveID: w.Wave.ID, CollectorID: codes[done%78], AreaCode: areas[done%78],
						QuestionnaireID: w.Wave.QuestionnaireID, Mode: collector.Scanned, Via: response.ViaPage, Lang: "zh", Answers: `{"age":"a40","q1":"know","q18":"5","sex":"f"}`,
						AnswersHash: "0", Status: response.Counted, Receipt: uuid.NewString()[:30], IssuedAt: at, ReceivedAt: at})
					done++
				}
				if len(batch) == 0 {
					return nil
				}
				if err := tx.Create(&batch).Error; err != nil {
					return err
				}
			}
			return nil
		}))
	}
}
