package demo

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/app"
	"chengyin/survey/fieldwork"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/score"
)

// testVisits looks at every drawn household: what its visits add up to, and that
// an interview is there exactly where they say so.
func testVisits(t *testing.T, a *app.App, city City) {
	r := a.DB.Read(t.Context())
	for _, w := range []string{city.Closed.ID, city.Open.ID} {
		var units []sample.Unit
		var homes []sample.Home
		var standing []fieldwork.Home
		var records []fieldwork.Record
		for _, into := range []any{&units, &homes, &standing, &records} {
			if err := r.Where("wave_id = ?", w).Find(into).Error; err != nil {
				t.Fatal(err)
			}
		}
		if len(homes) != len(units) || len(standing) != len(units) || len(units) < 450 {
			t.Fatalf("%d units, %d drawn homes, %d of which one knows where they stand", len(units), len(homes), len(standing))
		}
		drawn := map[string]sample.Home{}
		for _, h := range homes {
			drawn[h.UnitID] = h
			if h.Building == "" || h.Room == "" || len(h.Picks) != sample.MostAdults || math.Abs(h.Base*h.Probability-1) > 1e-12 {
				t.Errorf("%+v", h)
			}
		}
		visits := map[string][]fieldwork.Visit{}
		for _, x := range records {
			if x.Status != fieldwork.Accepted || x.MadeAt.After(now) || x.MadeAt.Before(city.Closed.OpensAt) || x.Signature == "" {
				t.Errorf("%+v", x)
			}
			v := fieldwork.Visit{ID: x.ID, At: x.MadeAt, Outcome: x.Outcome, Adults: x.Adults}
			v.Period, v.Weekend = fieldwork.PeriodOf(x.MadeAt)
			visits[x.UnitID] = append(visits[x.UnitID], v)
		}
		answered := map[string]bool{}
		for _, x := range responses(t, a, "wave_id = ? AND sample_unit_id IS NOT NULL AND status = ?", w, response.Counted) {
			answered[*x.SampleUnitID] = true
		}
		weight := map[string]float64{}
		for _, u := range units {
			weight[u.ID] = u.Weight
		}
		seen := map[string]int{}
		for _, h := range standing {
			seen[h.Outcome]++
			s := fieldwork.StateOf(visits[h.UnitID], fieldwork.UsualRules)
			if s.Outcome != h.Outcome || s.Open != h.IsOpen || s.Visits != h.Visits || s.Periods != h.Periods {
				t.Errorf("%+v, from its visits %+v", h, s)
			}
			if (h.Outcome == fieldwork.Interviewed) != answered[h.UnitID] {
				t.Errorf("%+v, answered %v", h, answered[h.UnitID])
			}
			if answered[h.UnitID] && math.Abs(weight[h.UnitID]-drawn[h.UnitID].Base*float64(*h.Adults)) > 1e-9 {
				t.Errorf("weight %v of %d adults, base %v", weight[h.UnitID], *h.Adults, drawn[h.UnitID].Base)
			}
			if w == city.Closed.ID && h.IsOpen {
				t.Errorf("somebody is to visit %+v in a wave that has ended", h)
			}
		}
		for _, code := range []string{fieldwork.Interviewed, fieldwork.Refused, "2.24", "4.61"} {
			if seen[code] == 0 {
				t.Errorf("no household has the outcome %s", code)
			}
		}
	}
}

// testWorkers looks at what those see who go from door to door in the open wave.
func testWorkers(t *testing.T, a *app.App, city City) {
	for login, buildings := range map[string]int{"worker": 4, "fang.yi": 2} {
		people, err := a.Accounts.People(t.Context(), survey.As("sysadmin", "sysadmin", survey.Everywhere), account.PeopleFilter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		who := survey.As(login, "worker", doorCode)
		for _, p := range people {
			if p.Login == login {
				who.Account = p.ID
			}
		}
		pack, err := a.Field.Pack(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		psus, first, reserve, open, once := map[string]bool{}, 0, 0, 0, 0
		for _, h := range pack.Homes {
			psus[h.PSU] = true
			if !strings.HasPrefix(h.Building, "听荷") {
				t.Errorf("%+v", h)
			}
			if h.Reserve {
				reserve++
				continue
			}
			first++
			var visits []fieldwork.Visit
			for _, x := range h.Records {
				visits = append(visits, fieldwork.Visit{ID: x.ID, At: x.At, Outcome: x.Outcome})
			}
			if fieldwork.StateOf(visits, fieldwork.UsualRules).Open {
				open++
				if len(visits) == 1 {
					once++
				}
			}
		}
		if len(psus) != buildings || first != 6*buildings || reserve != 6*buildings {
			t.Errorf("%s has %d first and %d reserve households in %d buildings", login, first, reserve, len(psus))
		}
		if login == "worker" && (open < 20 || once < 4) {
			t.Errorf("%d of the worker's households are open, %d were visited once", open, once)
		}
	}
	plans, err := a.Samples.Plans(t.Context(), survey.System, city.Open.ID)
	if err != nil || len(plans) != 1 {
		t.Fatalf("%d plans (%v)", len(plans), err)
	}
	if r, err := a.Samples.Replay(t.Context(), survey.As("office", "office", CityCode), plans[0].ID); err != nil || !r.Same() || r.Stored == "" {
		t.Errorf("drawn again: %+v (%v)", r, err)
	}
	phones, err := a.Field.Phones(t.Context(), survey.As("community", "community", doorCode))
	if err != nil || len(phones) != 2 {
		t.Fatalf("%d phones (%v)", len(phones), err)
	}
	if !slices.ContainsFunc(phones, func(p fieldwork.OwnedPhone) bool { return p.Phone.Waiting > 0 && p.Phone.SeenAt.Before(now) }) {
		t.Errorf("%+v", phones)
	}
	if err := a.Scores.RefreshStale(t.Context()); err != nil {
		t.Fatal(err)
	}
	run, err := a.Scores.Current(t.Context(), city.Open.ID)
	if err != nil {
		t.Fatal(err)
	}
	var all []score.Weighting
	if err := json.Unmarshal([]byte(run.Weighting), &all); err != nil {
		t.Fatal(err)
	}
	if f := all[0].Field; f == nil || f.Largest < 1.1 || f.RR3 < 0.6 || f.RR3 > 0.95 || f.E < 0.9 || f.E >= 1 {
		t.Errorf("%+v", f)
	}
}
