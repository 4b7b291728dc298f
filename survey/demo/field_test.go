package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
)

// hash is over everything that a field brings in.
func hash(f *field) string {
	h := sha256.New()
	for _, x := range f.households {
		fmt.Fprintln(h, x.id, x.wave, x.area, x.psu, x.household, x.weight, x.base, x.at, x.reserve, x.address, x.picks, x.visits)
	}
	for _, x := range f.sheets {
		fmt.Fprintln(h, x.spot, x.id, x.household, x.via, x.lang, x.issued, x.started, x.received, string(x.answers.Canonical()))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestTheSameSeedGivesTheSameAnswers(t *testing.T) {
	made := func(seed uint64, at time.Time) string {
		return hash(newField(newTown(seed, timetableAt(at)), plans[Small], at))
	}
	first := made(1, now)
	if again := made(1, now); again != first {
		t.Error("the same seed gives other answers")
	}
	if made(2, now) == first {
		t.Error("another seed gives the same answers")
	}
	if made(1, now.Add(24*time.Hour)) == first {
		t.Error("another day gives the same answers")
	}
}

func TestFieldHoldsTogether(t *testing.T) {
	for _, size := range []string{Small, Full} {
		p := plans[size]
		f := newField(newTown(usualSeed, timetableAt(now)), p, now)
		if len(f.sheets) != p.answers[0]+p.answers[1] {
			t.Errorf("%s: %d answers, want %d", size, len(f.sheets), p.answers[0]+p.answers[1])
		}
		d := questionnaire.Default()
		ids, homes := map[string]bool{}, map[string]bool{}
		for _, x := range f.sheets {
			if wrong := d.Check(x.answers); len(wrong) > 0 {
				t.Fatalf("%s: %v: %v", size, x.answers, wrong)
			}
			if ids[x.id] {
				t.Fatalf("%s: id %s twice", size, x.id)
			}
			ids[x.id] = true
			if (x.household != "") != (x.spot.channel == collector.Visit) {
				t.Errorf("%s: household %q through %s", size, x.household, x.spot.channel)
			}
			if x.household != "" {
				key := fmt.Sprint(x.spot.wave, x.household)
				if homes[key] {
					t.Errorf("%s: household %s interviewed twice", size, x.household)
				}
				homes[key] = true
			}
		}
		answered, done := 0, 0
		doors := map[string]bool{}
		for _, x := range f.households {
			if !strings.HasPrefix(x.psu, x.area) || !strings.HasPrefix(x.household, x.area) {
				t.Errorf("%s: %+v", size, x)
			}
			door := fmt.Sprint(x.wave, x.area, x.address)
			if doors[door] {
				t.Errorf("%s: two households at %s", size, door)
			}
			doors[door] = true
			if x.worker != "" {
				continue // still on their way
			}
			done++
			if x.answered {
				answered++
			}
		}
		if share := float64(answered) / float64(done); share < 0.70 || share > 0.82 {
			t.Errorf("%s: %.0f %% of the drawn households answered", size, 100*share)
		}
	}
}

// TestWhoAnswers: scans come from the young and from women, visits from a cross
// section.
func TestWhoAnswers(t *testing.T) {
	town := newTown(usualSeed, timetableAt(now))
	f := newField(town, plans[Full], now)
	var census, visits, scans [cells]float64
	for _, c := range town.communities {
		if !c.merged {
			for i, n := range c.persons {
				census[i] += float64(n)
			}
		}
	}
	weight := map[string]float64{}
	for _, h := range f.households {
		if h.wave == 1 {
			weight[h.household] = h.weight
		}
	}
	for _, x := range f.sheets {
		i := cellOf(x.answers)
		if x.spot.wave == 0 || i < 0 {
			continue
		}
		if x.household != "" {
			visits[i] += weight[x.household]
		} else {
			scans[i]++
		}
	}
	for _, v := range []*[cells]float64{&census, &visits, &scans} {
		sum := 0.0
		for _, n := range v {
			sum += n
		}
		for i := range v {
			v[i] *= 100 / sum
		}
	}
	for a := range ageShares {
		c, v := census[2*a]+census[2*a+1], visits[2*a]+visits[2*a+1]
		if math.Abs(c-v) > 3 {
			t.Errorf("age %s: census %.1f %%, visits %.1f %%", area.Ages[a], c, v)
		}
	}
	part := func(v [cells]float64, cells ...int) (sum float64) {
		for _, i := range cells {
			sum += v[i]
		}
		return sum
	}
	under40, women, over60 := []int{0, 1, 2, 3}, []int{1, 3, 5, 7, 9, 11}, []int{8, 9, 10, 11}
	if c, s := part(census, under40...), part(scans, under40...); s < c+12 {
		t.Errorf("under 40: census %.1f %%, scans %.1f %%", c, s)
	}
	if c, s := part(census, women...), part(scans, women...); s < c+8 {
		t.Errorf("women: census %.1f %%, scans %.1f %%", c, s)
	}
	if c, s := part(census, over60...), part(scans, over60...); s > c/2 {
		t.Errorf("60 and over: census %.1f %%, scans %.1f %%", c, s)
	}
}

func cellOf(a questionnaire.Answers) int {
	for i := range cells {
		if a["age"] == area.Ages[i/2] && a["sex"] == area.Sexes[i%2] {
			return i
		}
	}
	return -1
}

// TestVisitsFindTheTruthAndScansDoNot draws thirty cities: the weighted mean of
// the visits is right on average, that of the scans is not.
func TestVisitsFindTheTruthAndScansDoNot(t *testing.T) {
	d, recipe := questionnaire.Default(), indicator.Default()
	const towns = 30
	visits, scans := make([]float64, len(recipe.Indicators)), make([]float64, len(recipe.Indicators))
	for seed := range uint64(towns) {
		town := newTown(1_000+seed, timetableAt(now))
		f := newField(town, plans[Small], now)
		weight := map[string]float64{}
		for _, h := range f.households {
			if h.wave == 1 {
				weight[h.household] = h.weight
			}
		}
		var y, n [2][8]float64
		for _, x := range f.sheets {
			if x.spot.wave == 0 || !recipe.InBase(d, x.answers) || x.spot.area == dictatedCode && x.household == "" {
				continue
			}
			mode, w := 1, 1.0
			if x.household != "" {
				mode, w = 0, weight[x.household]
			}
			for i, v := range recipe.Values(d, x.answers) {
				if v.OK {
					y[mode][i] += w * v.Y
					n[mode][i] += w
				}
			}
		}
		for i, ind := range recipe.Indicators {
			truth, ok := town.truth(CityCode, ind.Code, 1)
			if !ok {
				t.Fatalf("no truth of %s", ind.Code)
			}
			visits[i] += (y[0][i]/n[0][i] - truth) / towns
			scans[i] += (y[1][i]/n[1][i] - truth) / towns
		}
	}
	for i, ind := range recipe.Indicators {
		t.Logf("%s: visits are off by %+.2f, scans by %+.2f", ind.Code, visits[i], scans[i])
		if math.Abs(visits[i]) > 1.5 {
			t.Errorf("%s: visits are off by %+.2f on average", ind.Code, visits[i])
		}
	}
	if scans[0] < 6 {
		t.Errorf("awareness: scans are off by %+.2f only", scans[0])
	}
}

func TestNamesAreUnique(t *testing.T) {
	zh, en := map[string]string{}, map[string]string{}
	for _, a := range newTown(usualSeed, timetableAt(now)).areas {
		if zh[a.NameZH] != "" || en[a.NameEN] != "" {
			t.Errorf("%s %s %s: the name is taken by %s%s", a.Code, a.NameZH, a.NameEN, zh[a.NameZH], en[a.NameEN])
		}
		zh[a.NameZH], en[a.NameEN] = a.Code, a.Code
	}
}

func TestWavesAreNamedForTheirQuarter(t *testing.T) {
	for at, want := range map[string][2]string{
		"2026-11-24T03:00:00Z": {"2026Q3", "2026Q4"},
		"2027-01-05T03:00:00Z": {"2026Q3", "2026Q4"}, // opened on 24 December
		"2027-01-20T03:00:00Z": {"2026Q4", "2027Q1"},
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := timetableAt(now); got.codes != want {
			t.Errorf("%s: %v, want %v", at, got.codes, want)
		}
		x := timetableAt(now)
		if !x.closes[0].Before(now) || !x.opens[1].Before(now) || !x.closes[1].After(now) || !x.merged.After(x.closes[0]) || !x.merged.Before(x.opens[1]) {
			t.Errorf("%s: %+v", at, x)
		}
	}
}
