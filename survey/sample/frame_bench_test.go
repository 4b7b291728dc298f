package sample_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"chengyin/survey/apptest"
	"chengyin/survey/sample"
	"chengyin/survey/store/storetest"
)

// BenchmarkFrame imports a list of 200,000 households, an Excel workbook and a CSV
// file, into both databases, and then draws from it.
func BenchmarkFrame(b *testing.B) {
	const homes = 200_000
	frame := make([]sample.FrameHome, homes)
	rows := [][]any{{"社区代码", "楼栋", "单元", "房号", "住户编号", "成年人数"}}
	for i := range frame {
		n := 1 + i%4
		h := sample.FrameHome{AreaCode: []string{apptest.North, apptest.South}[i%2], Building: fmt.Sprintf("荷香苑%d栋", 1+i/60), Unit: fmt.Sprintf("%d单元", 1+i%3), Room: fmt.Sprint(101 + i%600), Household: fmt.Sprintf("H-%06d", i), Adults: &n}
		frame[i] = h
		rows = append(rows, []any{h.AreaCode, h.Building, h.Unit, h.Room, h.Household, n})
	}
	files := map[string][]byte{"list.xlsx": workbook(b, "名单", rows), "list.csv": list(frame)}
	for _, dialect := range storetest.Dialects {
		for _, name := range []string{"list.xlsx", "list.csv"} {
			b.Run(dialect+"/"+name, func(b *testing.B) {
				w := apptest.New(b, storetest.DSN(b, dialect))
				for range b.N {
					began := time.Now()
					p, err := w.Samples.ReadFrame(ctx, apptest.Office, name, bytes.NewReader(files[name]), quiet)
					if err != nil || p.Good != homes || p.Total != 0 {
						b.Fatal(err)
					}
					read := time.Since(began)
					f, err := w.Samples.StoreFrame(ctx, apptest.Office, p, "", false, quiet)
					if err != nil || f.Homes != homes {
						b.Fatal(err)
					}
					stored := time.Since(began)
					in := sample.NewPlan{Wave: w.Wave.ID, Frame: f.ID, Area: apptest.Riverside, Spec: sample.UsualSpec}
					if _, err := w.Samples.Preview(ctx, apptest.Office, in); err != nil {
						b.Fatal(err)
					}
					previewed := time.Since(began)
					plan, err := w.Samples.Create(ctx, apptest.Office, in)
					if err != nil {
						b.Fatal(err)
					}
					created := time.Since(began)
					if _, err := w.Samples.Draw(ctx, apptest.Office, plan.ID, sample.DrawOptions{Replace: true}); err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(read.Seconds(), "s/read")
					b.ReportMetric((stored - read).Seconds(), "s/store")
					b.ReportMetric(stored.Seconds(), "s/import")
					b.ReportMetric((previewed - stored).Seconds(), "s/preview")
					b.ReportMetric((time.Since(began) - created).Seconds(), "s/draw")
				}
			})
		}
	}
}
