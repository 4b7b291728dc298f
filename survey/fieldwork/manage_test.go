package fieldwork_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/fieldwork"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// street is a World in which a plan was drawn: two buildings in North and one in
// South, with a manager of North, one of South, and a worker of North.
type street struct {
	*apptest.World
	north, south, worker survey.Actor
	doors                map[string]string // unit's id by "building/position"
}

func newStreet(t *testing.T, dialect string) *street {
	t.Helper()
	w := apptest.New(t, storetest.DSN(t, dialect))
	s := &street{World: w, doors: map[string]string{}}
	s.north, s.south = w.Person(t, "nora", "community", apptest.North), w.Person(t, "sam", "community", apptest.South)
	s.worker = w.Person(t, "wen", "worker", apptest.North)
	s.draw(t, apptest.North, "N1", "1号楼", 4, 2, 10)
	s.draw(t, apptest.North, "N2", "10号楼", 2, 1, 5)
	s.draw(t, apptest.South, "S1", "2号楼", 3, 1, 7)
	return s
}

// draw stores a building as a draw would.
func (s *street) draw(t *testing.T, place, psu, building string, take, reserve int, base float64) {
	t.Helper()
	err := s.DB.InTx(t.Context(), func(tx *store.Tx) error {
		for i := range take + reserve {
			u := sample.Unit{ID: uuid.NewString(), WaveID: s.Wave.ID, AreaCode: place, Stratum: place, PSU: psu, Household: fmt.Sprintf("%s-%d", psu, i+1), Weight: base}
			if err := tx.Create(&u).Error; err != nil {
				return err
			}
			h := sample.Home{UnitID: u.ID, WaveID: s.Wave.ID, PlanID: "plan", AreaCode: place, PSU: psu, Position: i + 1, Reserve: i >= take, Probability: 1 / base, Base: base,
				Building: building, Unit: "1单元", Room: fmt.Sprint(101 + i), Picks: "111111111111"}
			if err := tx.Create(&h).Error; err != nil {
				return err
			}
			s.doors[fmt.Sprintf("%s/%d", psu, i+1)] = u.ID
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// visit enters a visit from paper as the manager of North, some hours before now.
func (s *street) visit(t *testing.T, door, outcome string, at time.Time) fieldwork.Result {
	t.Helper()
	in := fieldwork.Paper{ID: uuid.NewString(), Unit: s.doors[door], At: at, Outcome: outcome}
	if outcome == "1.1" {
		in.Adults, in.Chosen, in.Mode, in.Lang, in.Answers = 2, 1, fieldwork.Asked, "zh", apptest.Answers(nil)
	}
	r, err := s.Field.EnterPaper(t.Context(), s.north, s.Wave, in)
	if err != nil {
		t.Fatalf("%s: %v", door, err)
	}
	if r.Status != fieldwork.Accepted {
		t.Fatalf("%s: %+v", door, r)
	}
	return r
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, s *street)) {
	for _, dialect := range []string{"sqlite", "mysql"} {
		t.Run(dialect, func(t *testing.T) { test(t, newStreet(t, dialect)) })
	}
}

// TestWork follows two buildings by hand.
func TestWork(t *testing.T) {
	each(t, func(t *testing.T, s *street) {
		ctx := t.Context()
		if n, err := s.Field.Assign(ctx, s.north, fieldwork.Assigning{Wave: s.Wave.ID, PSU: "N1", Account: s.worker.Account}); n != 4 || err != nil {
			t.Fatal(n, err)
		}
		s.Advance(48 * time.Hour)
		evening := apptest.Start.Add(2 * time.Hour) // 19:00 of a Sunday in China
		morning := apptest.Start.Add(18 * time.Hour)
		s.visit(t, "N1/1", "1.1", evening)
		s.visit(t, "N1/2", "2.11", morning)
		s.visit(t, "N1/3", "2.24", morning)
		s.visit(t, "N1/3", "2.24", morning.Add(time.Hour/2))
		s.visit(t, "N2/1", "4.61", morning)

		w, err := s.Field.Work(ctx, s.north, s.Wave, apptest.North, nil)
		if err != nil {
			t.Fatal(err)
		}
		// 1号楼: the refusal opens the first of its reserve. 10号楼: the vacant one does.
		// The two PSUs of the cast come from elsewhere, with four doors each.
		if len(w.Buildings) != 4 {
			t.Fatalf("%d buildings", len(w.Buildings))
		}
		at := func(psu string) fieldwork.Progress {
			for _, b := range w.Buildings {
				if b.PSU == psu {
					return b.Progress
				}
			}
			t.Fatalf("no %s", psu)
			return fieldwork.Progress{}
		}
		if got, want := at("N1"), (fieldwork.Progress{Drawn: 4, Reserve: 2, Opened: 1, Assigned: 5, Visited: 3, Contacted: 2, Complete: 1, Refused: 1, Left: 3,
			CallBacks: fieldwork.CallBacks{Again: 1, SameDay: 1, Waiting: 1, NoLate: 1}}); got != want {
			t.Errorf("1号楼:\n%+v, by hand\n%+v", got, want)
		}
		if got, want := at("N2"), (fieldwork.Progress{Drawn: 2, Reserve: 1, Opened: 1, Visited: 1, NotEligible: 1, Left: 2, Unassigned: 2}); got != want {
			t.Errorf("10号楼:\n%+v, by hand\n%+v", got, want)
		}
		for _, b := range w.Buildings {
			p := b.Progress
			if p.Due() != p.Complete+p.Partial+p.Refused+p.NotEligible+p.Other+p.Left {
				t.Errorf("%s does not add up: %+v", b.PSU, p)
			}
		}
		if w.Total.Drawn != 14 || w.Within(apptest.North) != w.Total || w.Within(apptest.South) != (fieldwork.Progress{}) {
			t.Errorf("%+v", w.Total)
		}

		// I 1, R 1, NC 1, NE 1; unknown: one of 1号楼 and its reserve, one of 10号楼 and
		// its reserve, and the eight of the cast.
		if r := w.Plain; !near(r.Value("RR1"), 1.0/15) || !near(r.E, 0.75) || !near(r.Value("RR3"), 1.0/12) || !near(r.Value("RR5"), 1.0/3) || !near(r.Value("REF1"), 1.0/15) || !near(r.Value("CON1"), 2.0/15) {
			t.Errorf("%+v", r)
		}
		// Weighted: the five of 1号楼 share 4 × 10, the three of 10号楼 2 × 5; the eight
		// of the cast have 20 to 27, together 188.
		unknown := 16 + 20.0/3 + 188
		if r := w.Weighted; !near(r.Value("RR1"), 8/(24+unknown)) || !near(r.E, 24/(24+10.0/3)) || !near(r.Value("RR5"), 1.0/3) {
			t.Errorf("%+v", r)
		}
		half := 0.5
		if w, err := s.Field.Work(ctx, s.north, s.Wave, "", &half); err != nil || !near(w.Plain.Value("RR3"), 1.0/9) || w.Plain.HowE != fieldwork.EGiven {
			t.Errorf("%+v, %v", w.Plain, err)
		}
		two := 2.0
		if _, err := s.Field.Work(ctx, s.north, s.Wave, "", &two); survey.KindOf(err) != survey.Invalid {
			t.Error(err)
		}

		t.Run("the households of a building stand in the order of the draw, with their turns", func(t *testing.T) {
			homes, err := s.Field.Households(ctx, s.north, s.Wave, "N1")
			if err != nil || len(homes) != 6 {
				t.Fatal(homes, err)
			}
			var turns, due []bool
			for i, h := range homes {
				if h.Position != i+1 || h.Reserve != (i >= 4) {
					t.Errorf("%d: %+v", i, h)
				}
				turns, due = append(turns, h.Turn), append(due, h.Due())
			}
			if !slices.Equal(turns, []bool{false, false, false, false, true, false}) || !slices.Equal(due, []bool{true, true, true, true, true, false}) {
				t.Error(turns, due)
			}
			if h := homes[0]; h.Door() != "1号楼 1单元 101" || h.Login != "wen" || h.Outcome != "1.1" || h.Open || h.Adults == nil || *h.Adults != 2 || h.Picks() != "111111111111" {
				t.Errorf("%+v", h)
			}
		})
		t.Run("the households of a worker", func(t *testing.T) {
			homes, err := s.Field.HouseholdsOf(ctx, s.north, s.Wave, apptest.North, s.worker.Account)
			if err != nil || len(homes) != 4 || homes[3].Room != "104" {
				t.Error(homes, err)
			}
		})
	})
}

// TestWorkOfOthers: what lies outside the actor's places does not exist.
func TestWorkOfOthers(t *testing.T) {
	each(t, func(t *testing.T, s *street) {
		ctx := t.Context()
		s.Advance(24 * time.Hour)
		s.visit(t, "N1/1", "2.11", apptest.Start)
		w, err := s.Field.Work(ctx, s.south, s.Wave, "", nil)
		if err != nil || w.Total != (fieldwork.Progress{Drawn: 3, Reserve: 1, Left: 3, Unassigned: 3}) {
			t.Errorf("%+v, %v", w.Total, err)
		}
		if _, err := s.Field.Work(ctx, s.south, s.Wave, apptest.North, nil); !errors.Is(err, area.ErrNotFound) {
			t.Error(err)
		}
		if _, err := s.Field.Work(ctx, s.south, s.Wave, apptest.Riverside, nil); !errors.Is(err, area.ErrNotFound) {
			t.Error("the place above:", err)
		}
		for _, psu := range []string{"N1", "", "nothing"} {
			if _, err := s.Field.Households(ctx, s.south, s.Wave, psu); !errors.Is(err, fieldwork.ErrNotFound) {
				t.Errorf("%q: %v", psu, err)
			}
		}
		for _, unit := range []string{s.doors["N1/1"], "nothing"} {
			if _, err := s.Field.Household(ctx, s.south, s.Wave, unit); !errors.Is(err, fieldwork.ErrNotFound) {
				t.Errorf("%q: %v", unit, err)
			}
		}
		if _, err := s.Field.EnterPaper(ctx, s.south, s.Wave, fieldwork.Paper{ID: uuid.NewString(), Unit: s.doors["N1/2"], At: apptest.Start, Outcome: "2.24"}); !errors.Is(err, fieldwork.ErrNotFound) {
			t.Error(err)
		}
		if _, err := s.Field.Workers(ctx, s.south, apptest.North); !errors.Is(err, area.ErrNotFound) {
			t.Error(err)
		}
		if list, err := s.Field.Workers(ctx, s.north, apptest.North); err != nil || len(list) != 1 || list[0].Login != "wen" {
			t.Error(list, err)
		}
		if list, err := s.Field.Workers(ctx, s.south, apptest.South); err != nil || len(list) != 0 {
			t.Error(list, err)
		}
		for what, call := range map[string]func(survey.Actor) error{
			"work":    func(a survey.Actor) error { _, err := s.Field.Work(ctx, a, s.Wave, "", nil); return err },
			"a PSU":   func(a survey.Actor) error { _, err := s.Field.Households(ctx, a, s.Wave, "N1"); return err },
			"doubts":  func(a survey.Actor) error { _, _, err := s.Field.Doubts(ctx, a, s.Wave, "", nil, 9); return err },
			"workers": func(a survey.Actor) error { _, err := s.Field.Workers(ctx, a, apptest.North); return err },
		} {
			if err := call(s.worker); !errors.Is(err, survey.ErrDenied) {
				t.Errorf("a worker sees %s: %v", what, err)
			}
		}
	})
}

// TestPaper: a form is stored once, and every wrong field is named before anything
// is.
func TestPaper(t *testing.T) {
	each(t, func(t *testing.T, s *street) {
		ctx := t.Context()
		s.Advance(24 * time.Hour)
		right := fieldwork.Paper{ID: uuid.NewString(), Unit: s.doors["N1/1"], At: apptest.Start, Outcome: "1.1", Adults: 3, Chosen: 1, Mode: fieldwork.Assisted, Helper: "family",
			Lang: "zh", Receipt: "K7QX2MPD9ABC", Answers: apptest.Answers(nil)}
		for name, c := range map[string]struct {
			change func(*fieldwork.Paper)
			paths  []string
		}{
			"no time, no outcome":          {func(p *fieldwork.Paper) { p.At, p.Outcome = time.Time{}, "" }, []string{"at", "outcome"}},
			"tomorrow":                     {func(p *fieldwork.Paper) { p.At = s.Clock().Add(time.Hour) }, []string{"at"}},
			"an outcome of nobody's":       {func(p *fieldwork.Paper) { p.Outcome = fieldwork.NotVisited }, []string{"outcome"}},
			"nobody lives there":           {func(p *fieldwork.Paper) { p.Adults = 0 }, []string{"adults"}},
			"the fourth of three":          {func(p *fieldwork.Paper) { p.Chosen = 4 }, []string{"chosen"}},
			"no mode, a receipt of others": {func(p *fieldwork.Paper) { p.Mode, p.Receipt = "", "hello" }, []string{"mode", "receipt"}},
			"help of nobody":               {func(p *fieldwork.Paper) { p.Helper = "" }, []string{"helper"}},
			"two wrong answers": {func(p *fieldwork.Paper) {
				p.Answers = apptest.Answers(questionnaire.Answers{"q1": "maybe", "sex": nil})
			}, []string{"answers.sex", "answers.q1"}},
			"somebody too young":              {func(p *fieldwork.Paper) { p.Answers = questionnaire.Answers{"age": "u14"} }, []string{"outcome"}},
			"an id that is none":              {func(p *fieldwork.Paper) { p.ID = "1" }, []string{"id"}},
			"broken off with a wrong answer":  {func(p *fieldwork.Paper) { p.Outcome, p.Answers = "1.2", questionnaire.Answers{"q1": "maybe"} }, []string{"answers.q1"}},
			"a long note about a closed door": {func(p *fieldwork.Paper) { p.Outcome, p.Note = "2.24", fmt.Sprintf("%0300d", 7) }, []string{"note"}},
		} {
			t.Run(name, func(t *testing.T) {
				in := right
				c.change(&in)
				_, err := s.Field.EnterPaper(ctx, s.north, s.Wave, in)
				var e *survey.Error
				if !errors.As(err, &e) || e.Kind != survey.Invalid {
					t.Fatal(err)
				}
				var paths []string
				for _, f := range e.Fields {
					paths = append(paths, f.Path)
				}
				if !slices.Equal(paths, c.paths) {
					t.Errorf("names %q, not %q", paths, c.paths)
				}
			})
		}
		records := func() (n int64) {
			t.Helper()
			if err := s.DB.Read(ctx).Table("field_records").Count(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := records(); n != 0 {
			t.Fatalf("%d records of wrong forms", n)
		}

		first, err := s.Field.EnterPaper(ctx, s.north, s.Wave, right)
		if err != nil || first.Status != fieldwork.Accepted || first.Reason != "" {
			t.Fatal(first, err)
		}
		again, err := s.Field.EnterPaper(ctx, s.north, s.Wave, right)
		if err != nil || again != first {
			t.Errorf("sent again: %+v, %v", again, err)
		}
		other := right
		other.Answers = apptest.Answers(questionnaire.Answers{"q1": "unknown"})
		if differs, err := s.Field.EnterPaper(ctx, s.north, s.Wave, other); err != nil || differs.Status != fieldwork.Conflict {
			t.Errorf("other answers under the id: %+v, %v", differs, err)
		}
		twice := right
		twice.ID, twice.Receipt = uuid.NewString(), ""
		if r, err := s.Field.EnterPaper(ctx, s.north, s.Wave, twice); err != nil || r.Status != fieldwork.Quarantined || r.Reason != fieldwork.HouseholdTwice {
			t.Errorf("the household again: %+v, %v", r, err)
		}
		if n := records(); n != 2 {
			t.Errorf("%d records", n)
		}
		var kept struct {
			Status, Receipt string
			Weight          float64
		}
		err = s.DB.Read(ctx).Table("responses").Select("responses.status, responses.receipt, sample_units.weight").
			Joins("JOIN sample_units ON sample_units.id = responses.sample_unit_id").Where("sample_units.id = ?", right.Unit).Scan(&kept).Error
		if err != nil || kept.Status != "counted" || kept.Receipt != "K7QX2MPD9ABC" || kept.Weight != 30 {
			t.Errorf("%+v, %v", kept, err)
		}

		t.Run("what waits for review is listed with its reason, a page at a time, without answers", func(t *testing.T) {
			all, more, err := s.Field.Doubts(ctx, s.north, s.Wave, "", nil, 10)
			if err != nil || more || len(all) != 2 {
				t.Fatal(all, more, err)
			}
			if d := all[0]; d.Status != fieldwork.Quarantined || d.Reason != fieldwork.HouseholdTwice || d.Door() != "1号楼 1单元 101" || d.Login != "nora" || d.Via != fieldwork.ViaPaper {
				t.Errorf("%+v", d)
			}
			if d := all[1]; d.Status != fieldwork.Conflict || d.Hash == "" || d.ID != first.ID {
				t.Errorf("%+v", d)
			}
			one, more, err := s.Field.Doubts(ctx, s.north, s.Wave, apptest.North, nil, 1)
			if err != nil || !more || len(one) != 1 || one[0] != all[0] {
				t.Fatal(one, more, err)
			}
			mark := one[0].Mark()
			next, more, err := s.Field.Doubts(ctx, s.north, s.Wave, apptest.North, &mark, 1)
			if err != nil || more || len(next) != 1 || next[0] != all[1] {
				t.Error(next, more, err)
			}
			if theirs, _, err := s.Field.Doubts(ctx, s.south, s.Wave, "", nil, 10); err != nil || len(theirs) != 0 {
				t.Error("the neighbours see", theirs, err)
			}
		})
		t.Run("a record of no household is shown where its worker belongs", func(t *testing.T) {
			err := s.DB.InTx(ctx, func(tx *store.Tx) error {
				return tx.Create(&fieldwork.Record{ID: uuid.NewString(), AccountID: s.worker.Account, Via: fieldwork.ViaPhone, MadeAt: tx.Now, ReceivedAt: tx.Now, Hash: "h", Content: "{}", Status: fieldwork.Quarantined, Reason: fieldwork.Malformed}).Error
			})
			if err != nil {
				t.Fatal(err)
			}
			list, _, err := s.Field.Doubts(ctx, s.north, s.Wave, "", nil, 10)
			if err != nil || len(list) != 3 || list[0].Reason != fieldwork.Malformed || list[0].Door() != "" {
				t.Error(list, err)
			}
			if theirs, _, err := s.Field.Doubts(ctx, s.south, s.Wave, "", nil, 10); err != nil || len(theirs) != 0 {
				t.Error("the neighbours see", theirs, err)
			}
		})
	})
}
