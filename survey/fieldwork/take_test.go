package fieldwork_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
	"chengyin/survey/wave"
)

// field is a World with a drawn PSU of four households and three in reserve, a
// worker who was given it, and a phone.
type field struct {
	*apptest.World
	dsn    string
	drawn  apptest.Drawn
	worker survey.Actor
	phone  *apptest.FieldPhone
}

func newField(t *testing.T, dialect string) *field {
	t.Helper()
	f := &field{dsn: storetest.DSN(t, dialect)}
	f.World = apptest.New(t, f.dsn)
	f.drawn = f.Draw(t, apptest.North, 4, 3, fieldwork.UsualRules)
	f.worker = f.Person(t, "worker", "worker", apptest.North)
	f.Give(t, f.drawn, f.worker)
	f.phone = f.Enrol(t, f.worker)
	return f
}

// send sends records from the phone.
func (f *field) send(t *testing.T, sent ...fieldwork.Sent) []fieldwork.Result {
	t.Helper()
	got, err := f.Field.Take(t.Context(), f.phone.On(t, f.Field), f.Clock().Add(f.phone.Off), sent)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// take sends records and checks that each has its receipt.
func (f *field) take(t *testing.T, sent ...fieldwork.Sent) []fieldwork.Result {
	t.Helper()
	got := f.send(t, sent...)
	for i, r := range got {
		if !f.phone.Genuine(sent[i], r) {
			t.Fatalf("no receipt: %+v", r)
		}
	}
	return got
}

// accept sends a record that must be counted.
func (f *field) accept(t *testing.T, sent fieldwork.Sent) fieldwork.Result {
	t.Helper()
	r := f.take(t, sent)[0]
	if r.Status != fieldwork.Accepted {
		t.Fatalf("%+v", r)
	}
	return r
}

func (f *field) home(i int) string { return f.drawn.Homes[i].UnitID }

func (f *field) ago(d time.Duration) time.Time { return f.Clock().Add(-d) }

func (f *field) visit(home, outcome string) fieldwork.Sent {
	return f.phone.Visit(f.Wave.ID, home, outcome, f.ago(time.Minute), nil)
}

func (f *field) interview(t *testing.T, home string, change map[string]any) fieldwork.Sent {
	t.Helper()
	return f.phone.Interview(t, f.Wave.ID, f.Wave.QuestionnaireID, home, f.ago(time.Minute), apptest.Answers(nil), change)
}

func (f *field) answered(t *testing.T, home string, answers questionnaire.Answers) fieldwork.Sent {
	t.Helper()
	return f.phone.Interview(t, f.Wave.ID, f.Wave.QuestionnaireID, home, f.ago(time.Minute), answers, nil)
}

// record returns a record as it is stored.
func (f *field) record(t *testing.T, id string) fieldwork.Record {
	t.Helper()
	var r fieldwork.Record
	if err := f.DB.Read(t.Context()).Where("id = ?", id).Take(&r).Error; err != nil {
		t.Fatal(err)
	}
	return r
}

// response returns the response of a record, nil when there is none.
func (f *field) response(t *testing.T, id string) *response.Response {
	t.Helper()
	var r []response.Response
	if err := f.DB.Read(t.Context()).Where("id = ?", id).Find(&r).Error; err != nil {
		t.Fatal(err)
	}
	if len(r) == 0 {
		return nil
	}
	return &r[0]
}

// stands returns the row of a household.
func (f *field) stands(t *testing.T, home string) fieldwork.Home {
	t.Helper()
	var h fieldwork.Home
	if err := f.DB.Read(t.Context()).Where("unit_id = ?", home).Take(&h).Error; err != nil {
		t.Fatal(err)
	}
	return h
}

func (f *field) weight(t *testing.T, home string) float64 {
	t.Helper()
	var u sample.Unit
	if err := f.DB.Read(t.Context()).Where("id = ?", home).Take(&u).Error; err != nil {
		t.Fatal(err)
	}
	return u.Weight
}

// counted checks that the tallies are what the counted answers add up to, and
// returns how many answers they count.
func counted(t *testing.T, w *apptest.World) int64 {
	t.Helper()
	ctx := context.Background()
	kept, err := tally.Load(w.DB.Read(ctx), w.Wave.ID)
	if err != nil {
		t.Fatal(err)
	}
	recount, err := w.Responses.Recount(ctx, w.Wave.ID)
	if err != nil {
		t.Fatal(err)
	}
	n, err := compare(kept, recount)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// compare returns how many answers are counted, or what differs.
func compare(kept, recount []tally.Row) (int64, error) {
	want := map[tally.Key]tally.Row{}
	for _, r := range recount {
		want[r.Key()] = r
	}
	var n int64
	for _, k := range kept {
		r := want[k.Key()]
		delete(want, k.Key())
		same := k.N == r.N
		for _, pair := range [][2]float64{{k.D, r.D}, {k.DD, r.DD}, {k.DY, r.DY}, {k.DYY, r.DYY}, {k.DDY, r.DDY}, {k.DDYY, r.DDYY}, {k.DK, r.DK}} {
			same = same && math.Abs(pair[0]-pair[1]) <= 1e-9*(1+math.Abs(pair[1]))
		}
		if !same {
			return 0, fmt.Errorf("stored %+v, the answers add up to %+v", k, r)
		}
		if k.Indicator == tally.Base {
			n += k.N
		}
	}
	if len(want) > 0 {
		return 0, fmt.Errorf("tallies are missing: %v", want)
	}
	return n, nil
}

func TestAnInterviewIsStoredOnceWithItsWeight(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			receipt := apptest.NewReceipt()
			sent := f.interview(t, f.home(0), map[string]any{"adults": 3, "chosen": 2, "receipt": receipt, "lang": "en"})
			first := f.accept(t, sent)
			if first.Reason != "" {
				t.Fatal(first)
			}
			if again := f.take(t, sent)[0]; again != first {
				t.Fatalf("%+v, before %+v", again, first)
			}
			r := f.response(t, sent.ID)
			if r == nil || r.Status != response.Counted || r.Via != response.ViaField || r.Mode != "visit" || r.Receipt != receipt || r.Lang != "en" ||
				r.SampleUnitID == nil || *r.SampleUnitID != f.home(0) || r.StartedAt == nil || r.AreaCode != apptest.North {
				t.Fatalf("%+v", r)
			}
			if w := f.weight(t, f.home(0)); w != 40*3 {
				t.Fatalf("weight %v", w)
			}
			if n := counted(t, f.World); n != 1 {
				t.Fatalf("%d counted", n)
			}
			if h := f.stands(t, f.home(0)); h.Outcome != fieldwork.Interviewed || h.IsOpen || h.Visits != 1 || h.Adults == nil || *h.Adults != 3 || h.PSU != f.drawn.PSU {
				t.Fatalf("%+v", h)
			}
			rec := f.record(t, sent.ID)
			if rec.ResponseID == nil || *rec.ResponseID != sent.ID || rec.AccountID != f.worker.Account || rec.PhoneID != f.phone.ID || rec.Via != fieldwork.ViaPhone || strings.Contains(rec.Content, "sealed") {
				t.Fatalf("%+v", rec)
			}
			shown, err := f.Responses.Receipt(t.Context(), receipt)
			if err != nil || shown.ID != sent.ID || shown.Status != response.Counted {
				t.Fatal(shown, err)
			}
		})
	}
}

func TestAHouseholdFromElsewhereKeepsItsWeight(t *testing.T) {
	f := newField(t, "sqlite")
	old := f.Homes[3]
	if _, err := f.Field.Assign(t.Context(), apptest.Office, fieldwork.Assigning{Wave: f.Wave.ID, Units: []string{old.ID}, Account: f.worker.Account}); err != nil {
		t.Fatal(err)
	}
	p, err := f.Field.Pack(t.Context(), f.worker)
	if err != nil {
		t.Fatal(err)
	}
	picks := ""
	for _, h := range p.Homes {
		if h.ID == old.ID {
			picks = h.Picks
		}
	}
	if len(picks) != 12 {
		t.Fatalf("picks %q", picks)
	}
	f.accept(t, f.interview(t, old.ID, map[string]any{"adults": 2, "chosen": int(picks[1] - '0')}))
	if w := f.weight(t, old.ID); w != old.Weight {
		t.Fatalf("weight %v, was %v", w, old.Weight)
	}
	if n := counted(t, f.World); n != 1 {
		t.Fatal(n)
	}
}

func TestQuarantine(t *testing.T) {
	type test struct {
		name   string
		reason string
		kept   bool // as a response in quarantine
		sent   func(t *testing.T, f *field) fieldwork.Sent
	}
	content := func(s fieldwork.Sent, change map[string]any) fieldwork.Sent {
		var c map[string]any
		if err := json.Unmarshal([]byte(s.Content), &c); err != nil {
			panic(err)
		}
		for k, v := range change {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
		raw, err := json.Marshal(c)
		if err != nil {
			panic(err)
		}
		return fieldwork.Sent{ID: s.ID, Content: string(raw)}
	}
	tests := []test{
		{"what is no JSON", fieldwork.Malformed, false, func(t *testing.T, f *field) fieldwork.Sent {
			return fieldwork.Sent{ID: uuid.NewString(), Content: "half a rec"}
		}},
		{"nothing at all", fieldwork.Malformed, false, func(t *testing.T, f *field) fieldwork.Sent { return fieldwork.Sent{ID: uuid.NewString()} }},
		{"a list", fieldwork.Malformed, false, func(t *testing.T, f *field) fieldwork.Sent {
			return fieldwork.Sent{ID: uuid.NewString(), Content: "[1]"}
		}},
		{"two texts in one", fieldwork.Malformed, false, func(t *testing.T, f *field) fieldwork.Sent {
			s := f.visit(f.home(0), "2.24")
			s.Content += s.Content
			return s
		}},
		{"another version", fieldwork.Malformed, true, func(t *testing.T, f *field) fieldwork.Sent {
			return content(f.interview(t, f.home(0), nil), map[string]any{"v": 2})
		}},
		{"a time that is none, beside answers", fieldwork.Malformed, true, func(t *testing.T, f *field) fieldwork.Sent {
			return content(f.interview(t, f.home(0), nil), map[string]any{"made_at": "yesterday"})
		}},
		{"an interview without answers", fieldwork.Malformed, false, func(t *testing.T, f *field) fieldwork.Sent {
			return content(f.interview(t, f.home(0), nil), map[string]any{"interview": nil})
		}},
		{"answers where nobody was home", fieldwork.Malformed, true, func(t *testing.T, f *field) fieldwork.Sent {
			return f.interview(t, f.home(0), map[string]any{"outcome": "2.24"})
		}},
		{"a household without adults", fieldwork.Malformed, true, func(t *testing.T, f *field) fieldwork.Sent {
			return f.interview(t, f.home(0), map[string]any{"adults": 0})
		}},
		{"thirteen adults", fieldwork.Malformed, true, func(t *testing.T, f *field) fieldwork.Sent {
			return f.interview(t, f.home(0), map[string]any{"adults": 13})
		}},
		{"the third of two adults", fieldwork.Malformed, true, func(t *testing.T, f *field) fieldwork.Sent {
			return f.interview(t, f.home(0), map[string]any{"chosen": 3})
		}},
		{"a long note", fieldwork.Malformed, false, func(t *testing.T, f *field) fieldwork.Sent {
			return f.phone.Visit(f.Wave.ID, f.home(0), "2.24", f.ago(0), map[string]any{"note": strings.Repeat("门", 201)})
		}},
		{"an outcome that there is not", fieldwork.OutcomeUnknown, false, func(t *testing.T, f *field) fieldwork.Sent { return f.visit(f.home(0), "7.77") }},
		{"a visit that did not take place", fieldwork.OutcomeUnknown, false, func(t *testing.T, f *field) fieldwork.Sent { return f.visit(f.home(0), fieldwork.NotVisited) }},
		{"a wave that there is not", fieldwork.WaveUnknown, false, func(t *testing.T, f *field) fieldwork.Sent {
			return content(f.interview(t, f.home(0), nil), map[string]any{"wave": uuid.NewString()})
		}},
		{"a wave that is none", fieldwork.WaveUnknown, false, func(t *testing.T, f *field) fieldwork.Sent {
			return content(f.visit(f.home(0), "2.24"), map[string]any{"wave": "四季度"})
		}},
		{"a household that there is not", fieldwork.HouseholdUnknown, false, func(t *testing.T, f *field) fieldwork.Sent { return f.visit(uuid.NewString(), "2.24") }},
		{"a household that is none", fieldwork.HouseholdUnknown, false, func(t *testing.T, f *field) fieldwork.Sent { return f.visit("东门第一户", "2.24") }},
		{"a household of another wave", fieldwork.HouseholdUnknown, false, func(t *testing.T, f *field) fieldwork.Sent {
			return f.phone.Visit(f.otherWave(t, -time.Hour).ID, f.home(0), "2.24", f.ago(0), nil)
		}},
		{"before the wave", fieldwork.NotYet, false, func(t *testing.T, f *field) fieldwork.Sent {
			w := f.otherWave(t, time.Hour)
			u := sample.Unit{ID: uuid.NewString(), WaveID: w.ID, AreaCode: apptest.North, Stratum: "s", PSU: "p", Household: "h", Weight: 1}
			if err := f.Samples.Add(t.Context(), []sample.Unit{u}); err != nil {
				t.Fatal(err)
			}
			return f.phone.Visit(w.ID, u.ID, "2.24", f.ago(0), nil)
		}},
		{"after the wave", fieldwork.Late, true, func(t *testing.T, f *field) fieldwork.Sent {
			s := f.interview(t, f.home(0), nil)
			f.Advance(241 * time.Hour)
			return s
		}},
		{"a household of somebody else", fieldwork.NotAssigned, true, func(t *testing.T, f *field) fieldwork.Sent {
			return f.interview(t, f.Homes[0].ID, map[string]any{"adults": 1})
		}},
		{"a household that was taken back", fieldwork.NotAssigned, true, func(t *testing.T, f *field) fieldwork.Sent {
			s := f.interview(t, f.home(0), nil)
			if n, err := f.Field.Assign(t.Context(), apptest.Office, fieldwork.Assigning{Wave: f.Wave.ID, Units: []string{f.home(0)}}); err != nil || n != 1 {
				t.Fatal(n, err)
			}
			return s
		}},
		{"a questionnaire that there is not", fieldwork.QuestionnaireUnknown, false, func(t *testing.T, f *field) fieldwork.Sent {
			return f.interview(t, f.home(0), map[string]any{"questionnaire": uuid.NewString()})
		}},
		{"answers of another record", fieldwork.SealedUnreadable, false, func(t *testing.T, f *field) fieldwork.Sent {
			s := f.interview(t, f.home(0), nil)
			s.ID = uuid.NewString()
			return s
		}},
		{"answers that are none", fieldwork.SealedUnreadable, false, func(t *testing.T, f *field) fieldwork.Sent {
			return f.interview(t, f.home(0), map[string]any{"sealed": "AAAA"})
		}},
		{"wrong answers", fieldwork.AnswersInvalid, true, func(t *testing.T, f *field) fieldwork.Sent {
			return f.answered(t, f.home(0), apptest.Answers(questionnaire.Answers{"q1": "电话13812345678"}))
		}},
		{"a child", fieldwork.TooYoung, false, func(t *testing.T, f *field) fieldwork.Sent {
			return f.answered(t, f.home(0), apptest.Answers(questionnaire.Answers{"age": "u14"}))
		}},
		{"another adult than the one drawn", fieldwork.PersonOther, true, func(t *testing.T, f *field) fieldwork.Sent {
			return f.interview(t, f.home(0), map[string]any{"chosen": 2})
		}},
		{"another way of choosing", fieldwork.PersonOther, true, func(t *testing.T, f *field) fieldwork.Sent {
			return f.interview(t, f.home(0), map[string]any{"select": "birthday"})
		}},
		{"a household that was interviewed", fieldwork.HouseholdTwice, true, func(t *testing.T, f *field) fieldwork.Sent {
			f.accept(t, f.interview(t, f.home(0), nil))
			return f.interview(t, f.home(0), nil)
		}},
		{"broken off where there was an interview", fieldwork.HouseholdTwice, true, func(t *testing.T, f *field) fieldwork.Sent {
			f.accept(t, f.interview(t, f.home(0), nil))
			return f.interview(t, f.home(0), map[string]any{"outcome": fieldwork.BrokenOff})
		}},
		{"a household that answered by the code for visits", fieldwork.HouseholdTwice, true, func(t *testing.T, f *field) fieldwork.Sent {
			sheet, err := f.Responses.Open(t.Context(), f.Visits.Code)
			if err != nil {
				t.Fatal(err)
			}
			in := response.Submission{Code: f.Visits.Code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Via: response.ViaAPI, Answers: apptest.Answers(nil), Household: f.drawn.PSU + "-0"}
			if r, _, err := f.Responses.Submit(t.Context(), in); err != nil || r.Status != response.Counted {
				t.Fatal(r, err)
			}
			return f.interview(t, f.home(0), nil)
		}},
		{"the id of somebody's response", fieldwork.Malformed, false, func(t *testing.T, f *field) fieldwork.Sent {
			sheet, err := f.Responses.Open(t.Context(), f.Posters[apptest.North].Code)
			if err != nil {
				t.Fatal(err)
			}
			in := response.Submission{Code: sheet.Collector.Code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Via: response.ViaAPI, Answers: apptest.Answers(nil)}
			if _, _, err := f.Responses.Submit(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			return f.answeredAs(t, sheet.Ticket.ID, f.home(0))
		}},
		{"a visit after a refusal", fieldwork.AfterRefusal, false, func(t *testing.T, f *field) fieldwork.Sent {
			f.accept(t, f.phone.Visit(f.Wave.ID, f.home(0), fieldwork.Refused, f.ago(time.Hour), nil))
			return f.visit(f.home(0), "2.24")
		}},
		{"an interview after a refusal", fieldwork.AfterRefusal, true, func(t *testing.T, f *field) fieldwork.Sent {
			f.accept(t, f.phone.Visit(f.Wave.ID, f.home(0), fieldwork.Refused, f.ago(time.Hour), nil))
			return f.interview(t, f.home(0), nil)
		}},
		{"the reserve while nothing is closed", fieldwork.ReserveEarly, true, func(t *testing.T, f *field) fieldwork.Sent { return f.interview(t, f.home(4), nil) }},
		{"the second of the reserve before the first", fieldwork.ReserveEarly, true, func(t *testing.T, f *field) fieldwork.Sent {
			f.accept(t, f.visit(f.home(0), "4.61"))
			return f.interview(t, f.home(5), nil)
		}},
	}
	reasons := map[string]bool{fieldwork.PhoneLocked: true} // has a test of its own
	for _, c := range tests {
		reasons[c.reason] = true
		t.Run(c.name, func(t *testing.T) {
			f := newField(t, "sqlite")
			sent := c.sent(t, f)
			before := counted(t, f.World)
			weight := f.weight(t, f.home(0))
			first := f.take(t, sent)[0]
			if first.Status != fieldwork.Quarantined || first.Reason != c.reason {
				t.Fatalf("%+v", first)
			}
			if again := f.take(t, sent)[0]; again != first {
				t.Fatalf("%+v, before %+v", again, first)
			}
			if n := counted(t, f.World); n != before {
				t.Fatalf("%d are counted, before %d", n, before)
			}
			if w := f.weight(t, f.home(0)); w != weight {
				t.Fatalf("weight %v, was %v", w, weight)
			}
			rec := f.record(t, sent.ID)
			if rec.Status != fieldwork.Quarantined || rec.Reason != c.reason || rec.Signature != first.Signature {
				t.Fatalf("%+v", rec)
			}
			if (rec.ResponseID != nil) != c.kept {
				t.Fatalf("kept as a response: %v", rec.ResponseID != nil)
			}
			if c.reason == fieldwork.TooYoung && strings.Contains(rec.Content, "sealed") {
				t.Fatal(rec.Content)
			}
			if !c.kept {
				return
			}
			r := f.response(t, sent.ID)
			if r == nil || r.Status != response.Quarantined || r.Reason != c.reason || r.SampleUnitID != nil || strings.Contains(rec.Content, "sealed") {
				t.Fatalf("%+v\n%+v", r, rec)
			}
			if strings.Contains(r.Answers, "13812345678") {
				t.Fatal(r.Answers)
			}
			// The resident's receipt shows it and deletes it, and sending it again does
			// not bring it back.
			if err := f.Responses.Erase(t.Context(), r.Receipt); err != nil {
				t.Fatal(err)
			}
			if again := f.take(t, sent)[0]; again != first || f.response(t, sent.ID) != nil {
				t.Fatalf("%+v", again)
			}
		})
	}
	for _, r := range fieldwork.Reasons {
		if !reasons[r] {
			t.Errorf("no test of %s", r)
		}
	}
}

// otherWave makes a wave that opens after a while.
func (f *field) otherWave(t *testing.T, in time.Duration) wave.Wave {
	t.Helper()
	w := f.Wave
	w.Code, w.OpensAt = "other", f.Clock().Add(in)
	w, err := f.Waves.Create(t.Context(), apptest.Office, w)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// answeredAs returns an interview under a certain id.
func (f *field) answeredAs(t *testing.T, id, home string) fieldwork.Sent {
	t.Helper()
	text, err := json.Marshal(map[string]any{"answers": apptest.Answers(nil)})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := fieldwork.Seal(f.phone.SealKey, id, text)
	if err != nil {
		t.Fatal(err)
	}
	s := f.interview(t, home, map[string]any{"sealed": sealed})
	s.ID = id
	return s
}
