package response_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/store"
)

// visited submits an interview at the door of a household and returns its receipt.
func visited(t *testing.T, w *apptest.World, household string) response.Receipt {
	t.Helper()
	in := filled(t, w, w.Visits.Code, questionnaire.Answers{"q19": "路灯不亮"})
	in.Household = household
	r, _, err := w.Responses.Submit(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func report(t *testing.T, w *apptest.World, receipt, kind, note string) (arrived bool) {
	t.Helper()
	arrived, err := w.Responses.Report(ctx, receipt, kind, note)
	if err != nil {
		t.Fatal(err)
	}
	return arrived
}

func reports(t *testing.T, w *apptest.World, f response.ReportFilter) []response.Report {
	t.Helper()
	list, _, err := w.Responses.Reports(ctx, apptest.Office, w.Wave, f)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func said(list []response.Report) (out []string) {
	for _, r := range list {
		out = append(out, strings.TrimSuffix(r.Kind+" "+r.Note, " "))
	}
	return out
}

func TestReport(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		receipt := visited(t, w, "h1")
		var before response.Response
		if err := w.DB.Read(ctx).Where("id = ?", receipt.ID).Take(&before).Error; err != nil {
			t.Fatal(err)
		}
		for _, x := range [][2]string{{"confirmed", ""}, {"confirmed", ""}, {"told_how", "让我选满意，电话13812345678"}, {"not_meant", ""}} {
			if !report(t, w, strings.ToLower(receipt.Code), x[0], x[1]) {
				t.Error("the interview has arrived")
			}
			w.Advance(time.Minute)
		}
		t.Run("reports stand beside the answers in their order, and the same again changes nothing", func(t *testing.T) {
			list := reports(t, w, response.ReportFilter{})
			if got, want := said(list), []string{"not_meant", "told_how 让我选满意，电话［电话］", "confirmed"}; !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
			var after response.Response
			if err := w.DB.Read(ctx).Where("id = ?", receipt.ID).Take(&after).Error; err != nil || after.Answers != before.Answers || after.Status != before.Status {
				t.Errorf("the answers were changed: %+v %v", after, err)
			}
			for _, r := range list {
				if r.ResponseID != receipt.ID || r.WaveID != w.Wave.ID || r.State() != response.ReportNew {
					t.Errorf("%+v", r)
				}
			}
		})
		t.Run("of one receipt five are kept, however many come at once", func(t *testing.T) {
			var together sync.WaitGroup
			for i := range 8 {
				together.Go(func() {
					if _, err := w.Responses.Report(ctx, receipt.Code, "watched", strings.Repeat("。", i+1)); err != nil {
						t.Error(err)
					}
				})
			}
			together.Wait()
			if n := count(t, w, "resident_reports"); n != response.MostReports {
				t.Errorf("%d reports", n)
			}
		})
		t.Run("what cannot be meant is refused by name", func(t *testing.T) {
			for _, c := range []struct {
				receipt, kind, note, path string
				want                      error
			}{
				{receipt.Code, "", "", "kind", survey.ErrInvalid},
				{receipt.Code, "bribed", "", "kind", survey.ErrInvalid},
				{receipt.Code, "watched", strings.Repeat("字", 201), "note", survey.ErrInvalid},
				{receipt.Code, "watched", "\xff", "note", survey.ErrInvalid},
				{"K7QX", "watched", "", "", response.ErrNoReceipt},
				{"K7QX-2MPD-9AB!", "watched", "", "", response.ErrNoReceipt},
				{"", "watched", "", "", response.ErrNoReceipt},
			} {
				_, err := w.Responses.Report(ctx, c.receipt, c.kind, c.note)
				var e *survey.Error
				if !errors.Is(err, c.want) || !errors.As(err, &e) || c.path != "" && (len(e.Fields) != 1 || e.Fields[0].Path != c.path) {
					t.Errorf("%+v: %v", c, err)
				}
			}
		})
		t.Run("a scanned answer was no interview", func(t *testing.T) {
			scan, _, err := w.Responses.Submit(ctx, filled(t, w, w.Posters[apptest.North].Code, nil))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Responses.Report(ctx, scan.Code, "watched", ""); !errors.Is(err, response.ErrNotVisit) {
				t.Error(err)
			}
		})
		t.Run("events tell neither what was said nor where", func(t *testing.T) {
			var events []event.Event
			if err := w.DB.Read(ctx).Where("kind = ?", "report.received").Find(&events).Error; err != nil || len(events) != response.MostReports {
				t.Fatalf("%d events, %v", len(events), err)
			}
			for _, e := range events {
				if e.AreaCode != apptest.City || e.Source != "" || e.Payload != `{"wave":"`+w.Wave.ID+`"}` || e.Actor != "respondent" {
					t.Errorf("%+v", e)
				}
			}
		})
		t.Run("deleting the answers leaves what was reported, without saying of which answers", func(t *testing.T) {
			if err := w.Responses.Erase(ctx, receipt.Code); err != nil {
				t.Fatal(err)
			}
			list := reports(t, w, response.ReportFilter{})
			if len(list) != response.MostReports || slices.ContainsFunc(list, func(r response.Report) bool { return r.ResponseID != "" }) {
				t.Errorf("%+v", list)
			}
			if _, err := w.Responses.Report(ctx, receipt.Code, "watched", "again"); !errors.Is(err, response.ErrErased) {
				t.Error(err)
			}
		})
	})
}

// TestEarlyReports: the resident is at the receipt's page before the worker's phone
// has found a signal.
func TestEarlyReports(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		in := filled(t, w, w.Visits.Code, nil)
		in.Household = "h1"
		item, err := w.Responses.Prepare(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		code := item.Receipt()
		var together sync.WaitGroup
		for i := range 8 {
			together.Go(func() {
				arrived, err := w.Responses.Report(ctx, code, "told_how", strings.Repeat("。", i+1))
				if err != nil || arrived {
					t.Error(arrived, err)
				}
			})
		}
		together.Wait()
		for range 2 {
			if err := w.Responses.TakeUpReports(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if n, list := count(t, w, "early_reports"), reports(t, w, response.ReportFilter{}); n != response.MostReports || len(list) != 0 {
			t.Fatalf("%d wait, %d are listed", n, len(list))
		}
		t.Run("what waits does not hold the receipt", func(t *testing.T) {
			var rows []response.EarlyReport
			if err := w.DB.Read(ctx).Find(&rows).Error; err != nil {
				t.Fatal(err)
			}
			all, err := json.Marshal(rows)
			if err != nil || strings.Contains(string(all), code) {
				t.Errorf("%s %v", all, err)
			}
		})
		t.Run("after the secret was changed it comes to its interview, once", func(t *testing.T) {
			other := response.New(w.DB, w.Clock, []byte(strings.Repeat("n", 32)), response.Deps{Areas: w.Areas, Questionnaires: w.Questionnaires, Recipes: w.Recipes,
				Waves: w.Waves, Collectors: w.Collectors, Samples: w.Samples, Older: [][]byte{[]byte(strings.Repeat("s", 32))}})
			if _, err := other.Report(ctx, code, "watched", "the sixth"); err != nil {
				t.Fatal(err)
			}
			if n := count(t, w, "early_reports"); n != response.MostReports {
				t.Errorf("%d wait", n)
			}
			receipt, _, err := w.Responses.Submit(ctx, in)
			if err != nil || strings.ReplaceAll(receipt.Code, "-", "") != code {
				t.Fatal(receipt.Code, err)
			}
			for range 2 {
				if err := other.TakeUpReports(ctx); err != nil {
					t.Fatal(err)
				}
			}
			list := reports(t, w, response.ReportFilter{})
			if n := count(t, w, "early_reports"); n != 0 || len(list) != response.MostReports {
				t.Fatalf("%d wait, %d are listed", n, len(list))
			}
			for _, r := range list {
				if r.ResponseID != receipt.ID {
					t.Errorf("%+v", r)
				}
			}
		})
		t.Run("it counts although the answers were deleted before anybody looked", func(t *testing.T) {
			in := filled(t, w, w.Visits.Code, nil)
			in.Household = "h2"
			item, err := w.Responses.Prepare(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			report(t, w, item.Receipt(), "watched", "")
			receipt, _, err := w.Responses.Submit(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Responses.Erase(ctx, receipt.Code); err != nil {
				t.Fatal(err)
			}
			if err := w.Responses.TakeUpReports(ctx); err != nil {
				t.Fatal(err)
			}
			if list := reports(t, w, response.ReportFilter{}); count(t, w, "early_reports") != 0 || len(list) != response.MostReports+1 || list[0].Kind != "watched" || list[0].ResponseID != "" {
				t.Errorf("%+v", list)
			}
		})
		t.Run("an interview whose answers could not be kept has it, too", func(t *testing.T) {
			report(t, w, "AAAA-BBBB-CCCC", "nobody_came", "")
			err := w.DB.InTx(ctx, func(tx *store.Tx) error { return w.Responses.TakeUpWithout(tx, "aaaabbbbcccc", w.Wave, apptest.North) })
			if list := reports(t, w, response.ReportFilter{Group: response.Disputed}); err != nil || len(list) != 1 || list[0].ResponseID != "" {
				t.Errorf("%+v %v", list, err)
			}
		})
	})
}

func TestReportsOfPlaces(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		var first response.Receipt
		for i, home := range []string{"h1", "h2", "h3", "h4", "h5"} {
			r := visited(t, w, home)
			if i == 0 {
				first = r
			}
			if i == 3 {
				report(t, w, first.Code, "told_how", "让我都选满意")
				if list := reports(t, w, response.ReportFilter{}); len(list) != 1 || list[0].AreaCode != apptest.Riverside {
					t.Errorf("of four interviews the community is told: %+v", list)
				}
				if counts, err := w.Responses.ReportCounts(ctx, apptest.Office, w.Wave, ""); err != nil || len(counts) != 0 {
					t.Errorf("%+v %v", counts, err)
				}
			}
		}
		w.Advance(time.Minute)
		report(t, w, first.Code, "confirmed", "")
		list := reports(t, w, response.ReportFilter{})
		if len(list) != 2 || list[0].AreaCode != apptest.North {
			t.Fatalf("%+v", list)
		}
		if counts, err := w.Responses.ReportCounts(ctx, apptest.Office, w.Wave, apptest.East); err != nil || len(counts) != 1 ||
			counts[0] != (response.ReportCount{AreaCode: apptest.North, Interviews: 5, Confirmed: 1, Pressured: 1}) {
			t.Errorf("%+v %v", counts, err)
		}
		t.Run("nobody but the office reads them, within its places", func(t *testing.T) {
			for _, role := range []string{"subdistrict", "community", "worker", "unit", "viewer", "sysadmin", "secadmin", "auditor"} {
				who := survey.As("x", role, apptest.City)
				if _, _, err := w.Responses.Reports(ctx, who, w.Wave, response.ReportFilter{}); !errors.Is(err, survey.ErrDenied) {
					t.Errorf("%s: %v", role, err)
				}
				if _, err := w.Responses.ReportCounts(ctx, who, w.Wave, ""); !errors.Is(err, survey.ErrDenied) {
					t.Errorf("%s: %v", role, err)
				}
				if err := w.Responses.HandleReport(ctx, who, list[0].ID, response.ReportSeen, ""); !errors.Is(err, survey.ErrDenied) {
					t.Errorf("%s: %v", role, err)
				}
			}
			south := survey.As("x", "office", apptest.South)
			if got, _, err := w.Responses.Reports(ctx, south, w.Wave, response.ReportFilter{}); err != nil || len(got) != 0 {
				t.Errorf("%v %v", got, err)
			}
			if _, _, err := w.Responses.Reports(ctx, south, w.Wave, response.ReportFilter{Area: apptest.North}); !errors.Is(err, area.ErrNotFound) {
				t.Error(err)
			}
			if err := w.Responses.HandleReport(ctx, south, list[0].ID, response.ReportSeen, ""); !errors.Is(err, response.ErrReportNotFound) {
				t.Error(err)
			}
		})
		t.Run("the office says what came of one", func(t *testing.T) {
			id := list[1].ID
			for _, c := range []struct{ state, word, path string }{{"", "x", "state"}, {"new", "x", "state"}, {"handled", " ", "word"}, {"handled", strings.Repeat("字", 201), "word"}} {
				var e *survey.Error
				if err := w.Responses.HandleReport(ctx, apptest.Office, id, c.state, c.word); !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Path != c.path {
					t.Errorf("%+v: %v", c, err)
				}
			}
			for _, step := range [][2]string{{"seen", ""}, {"seen", ""}, {"handled", "已回访，约谈社区"}} {
				if err := w.Responses.HandleReport(ctx, apptest.Office, id, step[0], step[1]); err != nil {
					t.Fatal(err)
				}
				if got := reports(t, w, response.ReportFilter{State: step[0]}); len(got) != 1 || got[0].ID != id || got[0].Word != step[1] || got[0].Kind != "told_how" || got[0].Note != "让我都选满意" {
					t.Errorf("%s: %+v", step[0], got)
				}
			}
			var kinds []string
			if err := w.DB.Read(ctx).Model(&event.Event{}).Where("object = ?", id).Order("seq").Pluck("kind", &kinds).Error; err != nil || !slices.Equal(kinds, []string{"report.received", "report.seen", "report.handled"}) {
				t.Errorf("%v %v", kinds, err)
			}
		})
		t.Run("filters and pages leave nothing out", func(t *testing.T) {
			for f, want := range map[response.ReportFilter]int{{Group: "pressure"}: 1, {Group: "confirmed"}: 1, {Group: "disputed"}: 0, {State: "new"}: 1, {State: "handled"}: 1, {Area: apptest.East}: 2, {Area: apptest.South}: 0} {
				if got := reports(t, w, f); len(got) != want {
					t.Errorf("%+v: %d", f, len(got))
				}
			}
			for _, f := range []response.ReportFilter{{Group: "x"}, {State: "x"}} {
				if _, _, err := w.Responses.Reports(ctx, apptest.Office, w.Wave, f); !errors.Is(err, survey.ErrInvalid) {
					t.Errorf("%+v: %v", f, err)
				}
			}
			page, more, err := w.Responses.Reports(ctx, apptest.Office, w.Wave, response.ReportFilter{Limit: 1})
			if err != nil || !more || len(page) != 1 || page[0].ID != list[0].ID {
				t.Fatalf("%+v %v %v", page, more, err)
			}
			mark := page[0].MarkOf()
			if page, more, err = w.Responses.Reports(ctx, apptest.Office, w.Wave, response.ReportFilter{Limit: 1, Before: &mark}); err != nil || more || len(page) != 1 || page[0].ID != list[1].ID {
				t.Errorf("%+v %v %v", page, more, err)
			}
		})
	})
}

// TestDeletingLeavesTheVisit: what was answered at a door goes with the receipt, also
// out of what the phone sent; what became of the visit stays.
func TestDeletingLeavesTheVisit(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		receipt := visited(t, w, "h1")
		exec := func(sql string, args ...any) {
			t.Helper()
			if err := w.DB.InTx(ctx, func(tx *store.Tx) error { return tx.Exec(sql, args...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		content := `{"v":1,"home":"` + w.Homes[0].ID + `","outcome":"1.1","period":"evening","note":"门铃坏","appointment":"2026-11-24T19:30:00+08:00",` +
			`"interview":{"mode":"asked","adults":3,"chosen":2,"receipt":"` + strings.ReplaceAll(receipt.Code, "-", "") + `","sealed":"c2VhbGVk"}}`
		exec("INSERT INTO field_records (id, wave_id, unit_id, area_code, account_id, phone_id, via, outcome, adults, made_at, offset_ms, received_at, hash, content, status, reason, response_id, signature) "+
			"VALUES (?, ?, ?, ?, '', '', 'phone', '1.1', 3, ?, 0, ?, 'the hash', ?, 'accepted', '', ?, 'the signature')",
			receipt.ID, w.Wave.ID, w.Homes[0].ID, apptest.North, w.Clock(), w.Clock(), content, receipt.ID)
		exec("INSERT INTO field_rivals (record_id, hash, content, phone_id, received_at, signature) VALUES (?, 'other', ?, '', ?, '')", receipt.ID, content, w.Clock())
		if err := w.Responses.Erase(ctx, receipt.Code); err != nil {
			t.Fatal(err)
		}
		var x struct {
			Outcome, Hash, Content, Signature string
			Adults                            int
			ResponseID                        *string
		}
		if err := w.DB.Read(ctx).Table("field_records").Take(&x).Error; err != nil {
			t.Fatal(err)
		}
		if x.Outcome != "1.1" || x.Hash != "the hash" || x.Signature != "the signature" || x.Adults != 3 || x.ResponseID != nil {
			t.Errorf("%+v", x)
		}
		var kept map[string]any
		if err := json.Unmarshal([]byte(x.Content), &kept); err != nil || kept["period"] != "evening" || kept["interview"].(map[string]any)["chosen"] != 2.0 {
			t.Errorf("%s %v", x.Content, err)
		}
		for _, gone := range []string{"sealed", "receipt", "note", "appointment"} {
			if strings.Contains(x.Content, gone) {
				t.Errorf("%q is left of %s", gone, x.Content)
			}
		}
		var rival string
		if err := w.DB.Read(ctx).Table("field_rivals").Pluck("content", &rival).Error; err != nil || rival != "" {
			t.Errorf("%q %v", rival, err)
		}
	})
}

func TestStripRecord(t *testing.T) {
	for content, want := range map[string]string{
		`{"v":1,"outcome":"2.24","note":"x","appointment":"t"}`:                    `{"outcome":"2.24","v":1}`,
		`{"interview":{"sealed":"s","receipt":"r","adults":2},"made_at":"t"}`:      `{"interview":{"adults":2},"made_at":"t"}`,
		`{"interview":{"answers":{"q1":"a"},"lang":"zh"},"note":{"deep":"value"}}`: `{"interview":{"lang":"zh"}}`,
		`{"interview":7,"iv":"i","data":"d","outcome":{"name":"张三"},"wave":["x"]}`: `{}`,
		`no JSON`: ``,
		`[1]`:     ``,
		`null`:    ``,
		``:        ``,
	} {
		if got := response.StripRecord(content, false); got != want {
			t.Errorf("%s became %s instead of %s", content, got, want)
		}
		if got := response.StripRecord(want, false); got != want {
			t.Errorf("%s is not left as it is: %s", want, got)
		}
	}
	if got := response.StripRecord(`{"note":"x","interview":{"sealed":"s","name":"y"}}`, true); got != `{"interview":{"sealed":"s"}}` {
		t.Error(got)
	}
}
