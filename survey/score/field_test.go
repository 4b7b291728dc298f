package score_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/fieldwork"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
	"chengyin/survey/score"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
	"chengyin/survey/weight"
)

// fields lets drawn households be known as drawn, each with the base weight 10, and
// has them visited once with that outcome; "" is nobody yet.
func fields(t *testing.T, w *apptest.World, reserve bool, outcomes map[string]string) {
	t.Helper()
	err := w.DB.InTx(ctx, func(tx *store.Tx) error {
		for household, outcome := range outcomes {
			u, err := sample.ByHousehold(tx.DB, w.Wave.ID, household)
			if err != nil {
				return err
			}
			var n int64
			if err := tx.Model(&sample.Home{}).Where("wave_id = ?", w.Wave.ID).Count(&n).Error; err != nil {
				return err
			}
			err = tx.Create(&sample.Home{UnitID: u.ID, WaveID: w.Wave.ID, AreaCode: u.AreaCode, PSU: u.PSU, Position: int(n) + 1, Reserve: reserve, Probability: 0.1, Base: 10}).Error
			if err != nil {
				return err
			}
			if outcome == "" {
				continue
			}
			err = tx.Create(&fieldwork.Home{UnitID: u.ID, WaveID: w.Wave.ID, AreaCode: u.AreaCode, Stratum: u.Stratum, PSU: u.PSU, Reserve: reserve, Outcome: outcome, IsOpen: outcome == "2.24", Visits: 1}).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// more draws n more households in a community.
func more(t *testing.T, w *apptest.World, code, psu string, n int) (out []sample.Unit) {
	t.Helper()
	for i := range n {
		out = append(out, sample.Unit{ID: fmt.Sprintf("%s-%s-%02d", code, psu, i), WaveID: w.Wave.ID, AreaCode: code, Stratum: code, PSU: psu, Household: fmt.Sprintf("%s-%s-%d", code, psu, i), Weight: 20})
	}
	if err := w.Samples.Add(ctx, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFieldWorkMovesTheScores(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			north, south := more(t, w, apptest.North, "n", 10), more(t, w, apptest.South, "s", 10)
			for i, h := range north {
				answer(t, w, w.Visits, h.Household, questionnaire.Answers{"q1": "know", "age": area.Ages[i%6], "sex": area.Sexes[i%2]})
			}
			for i, h := range south[:5] {
				answer(t, w, w.Visits, h.Household, questionnaire.Answers{"q1": "unknown", "age": area.Ages[i%6], "sex": area.Sexes[i%2]})
			}
			refresh(t, w)
			report := func() *weight.Report {
				t.Helper()
				var all []score.Weighting
				if err := json.Unmarshal([]byte(current(t, w).Weighting), &all); err != nil {
					t.Fatal(err)
				}
				for _, x := range all {
					if x.Mode == collector.Visited {
						return x.Field
					}
				}
				return nil
			}
			again := func() score.Run {
				t.Helper()
				before := current(t, w)
				if !refresh(t, w) {
					t.Fatal("the scores are not computed anew")
				}
				after := current(t, w)
				if after.InputHash == before.InputHash || after.Stamp == before.Stamp {
					t.Fatalf("%+v became %+v", before, after)
				}
				return after
			}
			psus := func() map[string]weight.PSU {
				t.Helper()
				list, err := weight.Load(w.DB.Read(ctx), w.Wave.ID)
				if err != nil {
					t.Fatal(err)
				}
				out := map[string]weight.PSU{}
				for _, p := range list {
					out[p.PSU] = p
				}
				return out
			}
			t.Run("units without field work stand for themselves", func(t *testing.T) {
				if r := report(); r != nil || len(psus()) != 0 {
					t.Errorf("%+v", r)
				}
			})
			t.Run("every kind of household counts as what it is", func(t *testing.T) {
				done := map[string]string{}
				for _, h := range north {
					done[h.Household] = "1.1"
				}
				for _, h := range south[:4] {
					done[h.Household] = "1.1"
				}
				// of the fifth an interview is there, and no record of a visit
				fields(t, w, false, done)
				fields(t, w, false, map[string]string{south[4].Household: "", south[5].Household: "2.11", south[6].Household: "2.24", south[7].Household: "4.61", south[8].Household: "3.21", south[9].Household: ""})
				spare := more(t, w, apptest.South, "s-spare", 2) // a PSU whose homes are reserve only
				fields(t, w, true, map[string]string{spare[0].Household: "2.11", spare[1].Household: ""})
				again()
				got := psus()
				if p, want := got["s"], (weight.PSU{Stratum: apptest.South, PSU: "s", Area: apptest.South, Drawn: 100, Settled: 80, Eligible: 60, NotEligible: 10, Unknown: 10, Waiting: 10, Untouched: 10, Answered: 50, N: 5}); p != want {
					t.Errorf("%+v, want %+v", p, want)
				}
				if p, want := got["s-spare"], (weight.PSU{Stratum: apptest.South, PSU: "s-spare", Area: apptest.South, Eligible: 10}); p != want {
					t.Errorf("%+v, want %+v", p, want)
				}
				if p := got["n"]; p.Drawn != 100 || p.Eligible != 100 || p.N != 10 {
					t.Errorf("%+v", p)
				}
				e := 170.0 / 180
				if r := report(); r == nil || r.Cells != 2 || r.Classes != 2 || math.Abs(r.E-e) > 1e-12 || math.Abs(r.RR3-150/(170+10*e)) > 1e-12 || math.Abs(r.Largest-80*(60+10*e)/80/50) > 1e-12 {
					t.Errorf("%+v", r)
				}
			})
			t.Run("the export carries the factors", func(t *testing.T) {
				recipe, err := w.Recipes.ByID(ctx, w.Wave.RecipeID)
				if err != nil {
					t.Fatal(err)
				}
				designs, err := score.Designs(w.DB.Read(ctx), w.Wave, recipe, w.Clock())
				if err != nil {
					t.Fatal(err)
				}
				d := designs[collector.Visited]
				if got, want := d.Stands(apptest.South, "s"), report().Largest; got != want || d.Stands(apptest.North, "n") != 1 || d.Stands("another", "x") != 1 {
					t.Errorf("%v, want %v", got, want)
				}
			})
			t.Run("one more visit makes a new run", func(t *testing.T) {
				if refresh(t, w) {
					t.Fatal("nothing has happened")
				}
				err := w.DB.InTx(ctx, func(tx *store.Tx) error {
					return tx.Model(&fieldwork.Home{}).Where("unit_id = ?", south[6].ID).Updates(map[string]any{"outcome": "4.61", "visits": 2, "is_open": false}).Error
				})
				if err != nil {
					t.Fatal(err)
				}
				again()
				if p := psus()["s"]; p.Eligible != 60 || p.NotEligible != 20 || p.Settled != 90 {
					t.Errorf("%+v", p)
				}
			})
			t.Run("at the end of the wave homes that nobody has visited are unknown", func(t *testing.T) {
				before := report()
				w.Advance(w.Wave.ClosesAt.Sub(w.Clock()) + time.Minute)
				again()
				// s is 6 of 8 known, 1 + 1 unknown, of 10
				if r, e := report(), 170.0/190; r.RR3 >= before.RR3 || math.Abs(r.Largest-100*(60+20*e)/100/50) > 1e-12 {
					t.Errorf("%+v became %+v", before, r)
				}
			})
		})
	}
}
