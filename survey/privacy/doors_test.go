package privacy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/event"
	"chengyin/survey/fieldwork"
	"chengyin/survey/privacy"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
)

// street is a World with field work: a frame of three households of which two were
// drawn, assigned and visited by somebody with a phone. The first answered, the
// second's answers could not be counted.
type street struct {
	*town
	frame   sample.Frame
	records []fieldwork.Record
	phone   string
}

const secretPlace = "银杏里"

func newStreet(t *testing.T, dialect string) *street {
	t.Helper()
	w := &street{town: newTown(t, dialect)}
	insert := func(rows ...any) {
		t.Helper()
		err := w.DB.InTx(ctx, func(tx *store.Tx) error {
			for _, r := range rows {
				if err := tx.Create(r).Error; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	worker := w.Person(t, "wang", "worker", apptest.North)
	now := w.Clock()
	w.frame = sample.Frame{ID: id(1), AreaCode: apptest.North, Name: "2026", Source: "x.csv", Homes: 3, Hash: "h", ImportedBy: "office", CreatedAt: now}
	plan := sample.Plan{ID: id(2), WaveID: w.Wave.ID, FrameID: w.frame.ID, AreaCode: apptest.North, Spec: "{}", CreatedAt: now, DrawnAt: &now}
	w.phone = id(3)
	phone := fieldwork.Phone{ID: w.phone, AccountID: worker.Account, Name: "Android", TokenHash: "t", KeySealed: "k", CreatedAt: now, SeenAt: now, LeaseUntil: now}
	insert(&w.frame, &plan, &phone)
	for i := range 3 {
		insert(&sample.FrameHome{FrameID: w.frame.ID, Household: "h" + string(rune('1'+i)), AreaCode: apptest.North, Building: secretPlace, Unit: "2", Room: "302", Position: i + 1})
	}
	sheet, err := w.Responses.Open(ctx, w.Visits.Code)
	if err != nil {
		t.Fatal(err)
	}
	answered := response.Submission{Code: w.Visits.Code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Answers: apptest.Answers(nil), Household: "h1"}
	receipt, _, err := w.Responses.Submit(ctx, answered)
	if err != nil {
		t.Fatal(err)
	}
	for i, home := range w.Homes[:2] {
		insert(&sample.Home{UnitID: home.ID, WaveID: w.Wave.ID, PlanID: plan.ID, AreaCode: home.AreaCode, PSU: home.PSU, Position: i + 1, Probability: 0.25, Base: 4, Building: secretPlace, Unit: "2", Room: "302"},
			&fieldwork.Assignment{UnitID: home.ID, WaveID: w.Wave.ID, AreaCode: home.AreaCode, AccountID: worker.Account, AssignedAt: now})
		content := `{"v":1,"home":"` + home.ID + `","outcome":"1.1","period":"evening","note":"` + secretPlace + `门铃坏","interview":{"mode":"self","adults":2,"receipt":"AAAABBBBCCCC","sealed":"c2VhbGVk"}}`
		adults := 2
		r := fieldwork.Record{ID: id(10 + i), WaveID: w.Wave.ID, UnitID: home.ID, AreaCode: home.AreaCode, AccountID: worker.Account, PhoneID: w.phone, Via: fieldwork.ViaPhone, Outcome: "1.1", Adults: &adults,
			MadeAt: now, ReceivedAt: now, Hash: "h", Content: content, Status: fieldwork.Accepted, Signature: "s"}
		if i == 0 {
			r.ResponseID = &receipt.ID
		} else {
			r.Status, r.Reason = fieldwork.Quarantined, "answers_invalid"
		}
		insert(&r, &fieldwork.Rival{RecordID: r.ID, Hash: "o", Content: content, PhoneID: w.phone, ReceivedAt: now, Signature: "s"})
		w.records = append(w.records, r)
	}
	if _, err := w.Responses.Report(ctx, receipt.Code, "told_how", "他们都来"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Responses.Report(ctx, "ZZZZ-ZZZZ-ZZZZ", "watched", ""); err != nil {
		t.Fatal(err)
	}
	return w
}

// id returns an id that tests can name.
func id(n int) string {
	return "00000000-0000-7000-8000-0000000000" + string(rune('0'+n/10)) + string(rune('0'+n%10))
}

func eachStreet(t *testing.T, test func(t *testing.T, w *street)) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { test(t, newStreet(t, dialect)) })
	}
}

func (w *street) rows(table string) (n int64) {
	w.t.Helper()
	if err := w.DB.Read(ctx).Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *street) wants(when string, want map[string]int64) {
	w.t.Helper()
	w.sweep()
	w.sweep()
	for table, n := range want {
		if got := w.rows(table); got != n {
			w.t.Errorf("%s: %d %s instead of %d", when, got, table, n)
		}
	}
}

// TestDoorsAreForgotten: what leads to a door goes when its time is over, with a
// proof, and what scores are made from stays.
func TestDoorsAreForgotten(t *testing.T) {
	eachStreet(t, func(t *testing.T, w *street) {
		before, err := tally.Load(w.DB.Read(ctx), w.Wave.ID)
		if err != nil {
			t.Fatal(err)
		}
		type design struct {
			UnitID, PSU, Outcome, Hash string
			Probability, Base, Weight  float64
			Adults                     int
		}
		designs := func() (out []design) {
			err := w.DB.Read(ctx).Raw("SELECT h.unit_id, h.psu, h.probability, h.base, u.weight, r.outcome, r.adults, r.hash FROM sample_homes h JOIN sample_units u ON u.id = h.unit_id " +
				"JOIN field_records r ON r.unit_id = h.unit_id ORDER BY h.position").Scan(&out).Error
			if err != nil || len(out) != 2 {
				t.Fatal(out, err)
			}
			return out
		}
		made := designs()
		const (
			doors   = "sample_homes WHERE building <> ''"
			numbers = "sample_units WHERE household = 'h1' OR household = 'h2'"
			notes   = "field_records WHERE content LIKE '%门铃%'"
			others  = "field_rivals WHERE content LIKE '%门铃%'"
			sealed  = "field_records WHERE content LIKE '%c2VhbGVk%'"
		)
		w.after(89 * day)
		w.wants("after 89 days", map[string]int64{doors: 2, numbers: 2, "assignments": 2, notes: 2, others: 2, sealed: 2, "resident_reports": 1, "frame_homes": 3})
		w.after(90 * day)
		w.wants("after 90 days", map[string]int64{doors: 0, numbers: 0, "assignments": 0, notes: 0, others: 0, sealed: 1, "frame_homes": 3})
		if got := designs(); !slices.Equal(got, made) {
			t.Errorf("the design became %+v instead of %+v", got, made)
		}
		for _, r := range w.records {
			var x fieldwork.Record
			if err := w.DB.Read(ctx).Where("id = ?", r.ID).Take(&x).Error; err != nil || !strings.Contains(x.Content, `"period":"evening"`) || x.Signature != r.Signature || !x.MadeAt.Equal(r.MadeAt) {
				t.Errorf("%+v %v", x, err)
			}
		}
		homes := []string{w.Homes[0].ID, w.Homes[1].ID}
		p := w.proofs(privacy.Visits)
		if len(p) != 3 || p[0].WaveID != w.Wave.ID || p[0].IDsSHA256 != digest(homes) || p[1].IDsSHA256 != digest(homes) || p[2].IDsSHA256 != digest([]string{id(10), id(11)}) {
			t.Errorf("%+v", p)
		}

		w.after(364 * day)
		w.wants("after 364 days", map[string]int64{"frame_homes": 3, "frames": 1})
		w.after(365 * day)
		w.wants("after 365 days", map[string]int64{"frame_homes": 0, "frames": 1, sealed: 1, "responses": 6})
		if p := w.proofs(privacy.Frames); len(p) != 1 || p[0].Items != 3 || p[0].IDsSHA256 != digest([]string{"h1", "h2", "h3"}) {
			t.Errorf("%+v", p)
		}

		w.after(730 * day)
		w.wants("after 730 days", map[string]int64{sealed: 0, "field_rivals WHERE content LIKE '%c2VhbGVk%'": 0, "responses": 0, "field_records": 2})
		p = w.proofs(privacy.Answers)
		if len(p) != 2 || p[1].Items != 1 || p[1].IDsSHA256 != digest([]string{id(11)}) {
			t.Errorf("%+v", p)
		}
		if got := designs(); !slices.Equal(got, made) {
			t.Errorf("the design became %+v instead of %+v", got, made)
		}
		after, err := tally.Load(w.DB.Read(ctx), w.Wave.ID)
		if err != nil || !slices.Equal(before, after) {
			t.Errorf("the tallies have changed: %v", err)
		}
	})
}

// TestAFrameStaysWhileAWaveNeedsIt counts from the end of the last wave that is
// drawn from it.
func TestAFrameStaysWhileAWaveNeedsIt(t *testing.T) {
	eachStreet(t, func(t *testing.T, w *street) {
		next := w.Wave
		next.ID, next.Code = "", "2027-4"
		next.OpensAt, next.ClosesAt = w.Wave.ClosesAt.Add(300*day), w.Wave.ClosesAt.Add(310*day)
		next, err := w.Waves.Create(ctx, apptest.Office, next)
		if err != nil {
			t.Fatal(err)
		}
		plan := sample.Plan{ID: id(5), WaveID: next.ID, FrameID: w.frame.ID, AreaCode: apptest.North, Spec: "{}", CreatedAt: w.Clock()}
		if err := w.DB.InTx(ctx, func(tx *store.Tx) error { return tx.Create(&plan).Error }); err != nil {
			t.Fatal(err)
		}
		w.after((310 + 364) * day)
		w.wants("a year after the first wave", map[string]int64{"frame_homes": 3})
		w.after((310 + 365) * day)
		w.wants("a year after the last wave", map[string]int64{"frame_homes": 0})
	})
}

func TestReportsAndPhonesHaveTheirTime(t *testing.T) {
	eachStreet(t, func(t *testing.T, w *street) {
		w.Advance(59 * day)
		w.wants("after 59 days", map[string]int64{"early_reports": 1, "resident_reports": 1, "field_phones": 1})
		w.Advance(day)
		w.wants("after 60 days", map[string]int64{"early_reports": 0, "resident_reports": 1, "field_phones": 1})
		w.Advance(119 * day)
		w.wants("after 179 days", map[string]int64{"field_phones": 1})
		w.Advance(day)
		w.wants("after 180 days", map[string]int64{"field_phones": 0, "resident_reports": 1, "field_records": 2})
		if p := w.proofs(privacy.Phones); len(p) != 1 || p[0].IDsSHA256 != digest([]string{w.phone}) {
			t.Errorf("%+v", p)
		}
		if err := w.Privacy.Set(ctx, apptest.Office, privacy.Reports, 200); err != nil {
			t.Fatal(err)
		}
		w.Advance(21 * day)
		w.wants("after 201 days of 200", map[string]int64{"resident_reports": 0})
		if p := w.proofs(privacy.Reports); len(p) != 2 || p[1].Items != 1 {
			t.Errorf("%+v", p)
		}
	})
}

// TestRecordsOfNoWave: what a phone sent for a wave that is not there is stripped
// when it is old.
func TestRecordsOfNoWave(t *testing.T) {
	eachStreet(t, func(t *testing.T, w *street) {
		stray := w.records[1]
		stray.ID, stray.WaveID, stray.Reason = id(20), "", "wave_unknown"
		if err := w.DB.InTx(ctx, func(tx *store.Tx) error { return tx.Create(&stray).Error }); err != nil {
			t.Fatal(err)
		}
		w.Advance(89 * day)
		w.wants("after 89 days", map[string]int64{"field_records WHERE wave_id = '' AND content LIKE '%sealed%'": 1})
		w.Advance(2 * day)
		w.wants("after 91 days", map[string]int64{"field_records WHERE wave_id = '' AND content LIKE '%sealed%'": 0, "field_records WHERE wave_id = ''": 1})
	})
}

func TestOverviewOfFieldWork(t *testing.T) {
	eachStreet(t, func(t *testing.T, w *street) {
		state := func(actor survey.Actor, c privacy.Class) privacy.State {
			t.Helper()
			o, err := w.Privacy.Overview(ctx, actor)
			if err != nil {
				t.Fatal(err)
			}
			return o.States[slices.IndexFunc(o.States, func(s privacy.State) bool { return s.Class == c })]
		}
		for class, want := range map[privacy.Class]int64{privacy.Visits: 2, privacy.Frames: 3, privacy.Phones: 1} {
			if s := state(apptest.Office, class); s.Rows == nil || *s.Rows != want || s.Few {
				t.Errorf("%s: %+v", class, s)
			}
		}
		if s := state(apptest.Office, privacy.Reports); s.Rows != nil || !s.Few {
			t.Errorf("one report is told: %+v", s)
		}
		if got, want := state(apptest.Office, privacy.Visits).Next, w.Wave.ClosesAt.AddDate(0, 0, 90); got == nil || !got.Equal(want) {
			t.Errorf("doors go on %v, not %v", got, want)
		}
		south := survey.As("x", "office", apptest.South)
		for _, class := range []privacy.Class{privacy.Visits, privacy.Frames, privacy.Reports} {
			if s := state(south, class); s.Rows == nil || *s.Rows != 0 {
				t.Errorf("another place sees %s: %+v", class, s)
			}
		}
		w.after(90*day + time.Hour)
		w.sweep()
		if s := state(apptest.Office, privacy.Visits); s.Rows == nil || *s.Rows != 0 || s.Last == nil || s.Total != 6 {
			t.Errorf("%+v", s)
		}
		for class, days := range map[privacy.Class][2]int{privacy.Visits: {29, 366}, privacy.Frames: {89, 1096}, privacy.Reports: {179, 731}, privacy.Phones: {89, 366}} {
			for _, d := range days {
				if err := w.Privacy.Set(ctx, apptest.Office, class, d); survey.KindOf(err) != survey.Invalid || err == nil {
					t.Errorf("%s may be kept %d days: %v", class, d, err)
				}
			}
		}
	})
}

// TestTheTrailOfFieldWorkNamesNoDoor: proofs are digests.
func TestTheTrailOfFieldWorkNamesNoDoor(t *testing.T) {
	w := newStreet(t, "sqlite")
	w.after(731 * day)
	w.sweep()
	w.sweep()
	var payloads []string
	if err := w.DB.Read(ctx).Model(&event.Event{}).Pluck("payload", &payloads).Error; err != nil || len(payloads) < 10 {
		t.Fatal(len(payloads), err)
	}
	if all := strings.Join(payloads, "\n"); strings.Contains(all, secretPlace) || strings.Contains(all, "门铃") || strings.Contains(all, `"h1"`) {
		t.Error("the trail tells of a door")
	}
}
