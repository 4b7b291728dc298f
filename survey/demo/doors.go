package demo

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"chengyin/stats/sampling"
	"chengyin/survey/collector"
	"chengyin/survey/fieldwork"
	"chengyin/survey/sample"
)

// knock is a visit to a door.
type knock struct {
	id      string
	outcome string
	at      time.Time
}

// The outcomes of households that gave no interview, and how often each is what
// comes of it in the end.
var (
	closedBy = []string{"2.11", "2.24", "2.25", "4.61", "2.32", "3.21", "2.33", "4.51"}
	closedIn = []float64{0.46, 0.24, 0.08, 0.09, 0.05, 0.03, 0.02, 0.03}
)

// knocks makes the visits that led to where a household stands. In the open wave
// some of those that gave no interview are to be visited again, or still at all.
func (f *field) knocks(h *drawn, s sheet) {
	r := chance(f.town.seed, "doors", f.town.times.codes[h.wave], h.household)
	h.picks = picks(r)
	opens, last := f.town.times.opens[h.wave], s.received
	before := 0
	outcome := fieldwork.Interviewed
	if h.answered {
		before = draw(r, []float64{0.62, 0.27, 0.11})
	} else {
		last = f.when(r, h.wave, visitHours)
		outcome = pick(r, closedBy, closedIn)
		if o, _ := fieldwork.OutcomeOf(outcome); o.Again {
			before = fieldwork.UsualRules.Visits - 1
		}
		if x := r.Float64(); h.wave == 1 && x < 0.22 {
			return // nobody has been there yet
		} else if h.wave == 1 && x < 0.60 {
			outcome, before = pick(r, []string{"2.24", "2.25", "2.23"}, []float64{6, 2, 1}), 0
		}
	}
	// The visits before lie between the opening and the last, at other times of day
	// where that can be.
	for i := range before {
		part := float64(last.Sub(opens)) / float64(before+1)
		at := opens.Add(time.Duration(part * (float64(i) + 0.3 + 0.6*r.Float64()))).Truncate(time.Microsecond)
		day := at.In(local)
		other := time.Date(day.Year(), day.Month(), day.Day(), []int{19, 10, 15}[i%3], r.IntN(60), r.IntN(60), 0, local).UTC()
		if other.After(opens) && other.Before(last) {
			at = other
		}
		h.visits = append(h.visits, knock{newID(r, at), pick(r, []string{"2.24", "2.25", "2.23"}, []float64{6, 2, 1}), at})
	}
	k := knock{newID(r, last), outcome, last}
	if h.answered {
		k.id = s.id
	}
	h.visits = append(h.visits, k)
}

// picks says which of 1, 2 … 12 adults is asked.
func picks(r *rand.Rand) string {
	out := make([]byte, 0, sample.MostAdults)
	for n := int64(1); n <= sample.MostAdults; n++ {
		out = strconv.AppendInt(out, 1+r.Int64N(n), 36)
	}
	return string(out)
}

// doorSpec is the plan by which households of 听荷 are drawn.
var doorSpec = sample.Spec{
	Stratify: sample.ByCommunity, Stage: sample.Buildings, Method: sample.PPS, Allocation: sample.Fixed, PSUs: 6, Take: 6, Reserve: 6,
	Rules: sample.UsualRules, Expect: sample.Expect{Margin: 0.1, Level: 0.95, Roh: 0.05, Response: 0.6},
}

// frame lists the households of a community.
func (t *town) frame(c *community) []sample.FrameHome {
	name := t.named(c.code)
	var out []sample.FrameHome
	for b, x := range c.built {
		for door := range x.homes {
			a := c.at(name, b, x.homes, door)
			out = append(out, sample.FrameHome{Household: fmt.Sprintf("%s-%03d-%02d%02d", c.code, b+1, 1+door/4, 1+door%4), AreaCode: c.code,
				Building: a.building, Unit: a.unit, Room: a.room})
		}
	}
	return out
}

// buildingOf returns the building of a household, by its name in the frame.
func (c *community) buildingOf(household string) building {
	n, err := strconv.Atoi(household[len(c.code)+1 : len(c.code)+4])
	if err != nil {
		panic("demo: household " + household)
	}
	return c.built[n-1]
}

// What happens to the first households of 听荷's buildings, by the order in which
// they were drawn: "" is nobody has been there. Two buildings are nearly done, one is begun; the others
// were visited once here and there.
var doorStories = []struct {
	worker string
	first  [6]string
	spare  []string // of the reserve, in its turn
}{
	{"fang.yi", [6]string{"1.1", "1.1", "2.11", "1.1", "4.61", "1.1"}, []string{"1.1", "2.24"}},
	{"fang.yi", [6]string{"1.1", "2.25", "1.1", "1.1", "2.32", "1.1"}, nil},
	{"worker", [6]string{"1.1", "2.24", "2.11", "", "", ""}, nil},
	{"worker", [6]string{"2.24", "", "2.25", "", "", ""}, nil},
	{"worker", [6]string{"", "2.23", "", "", "2.24", ""}, nil},
	{"worker", [6]string{"", "", "", "", "", ""}, nil},
}

// doorSeed is the seed of the plan.
func (t *town) doorSeed(wave int) sampling.Seed {
	return sampling.Seed{Hi: t.seed}.For(t.times.codes[wave])
}

// planned draws the households of the community by a plan, and lets its workers
// begin.
func (f *field) planned(wave int, c *community) {
	d, err := sample.Draw(f.town.frame(c), doorSpec, f.town.doorSeed(wave))
	if err != nil {
		panic("demo: " + err.Error()) // the plan is a constant
	}
	r := chance(f.town.seed, "planned", f.town.times.codes[wave], c.code)
	rest := d.Homes
	for i, p := range d.PSUs {
		homes := rest[:p.Take+p.Reserve]
		rest = rest[len(homes):]
		story := doorStories[i]
		for j, x := range homes {
			h := drawn{id: newID(r, f.town.times.opens[wave]), wave: wave, area: c.code, psu: x.PSU, household: x.Household, base: x.Base(), weight: x.Base(),
				at: x.At, reserve: x.Reserve, address: address{x.Building, x.Unit, x.Room}, picks: x.Picks, adults: 1, worker: story.worker}
			outcome := ""
			switch {
			case !x.Reserve:
				outcome = story.first[j]
			case j-p.Take < len(story.spare):
				outcome = story.spare[j-p.Take]
			}
			if outcome != "" {
				f.once(r, &h, c, outcome)
			}
			f.households = append(f.households, h)
		}
	}
}

// once lets a household be visited once.
func (f *field) once(r *rand.Rand, h *drawn, c *community, outcome string) {
	at := f.when(r, h.wave, visitHours)
	k := knock{newID(r, at), outcome, at}
	if outcome == fieldwork.Interviewed {
		h.adults = 1 + draw(r, homeSizes)
		h.weight, h.answered = h.base*float64(h.adults), true
		s := f.sheet(r, spot{h.wave, c.code, collector.Visit, 1}, c.someone(r, h.wave, c.buildingOf(h.household), nil), at, 200+240*r.Float64())
		s.household = h.household
		f.sheets = append(f.sheets, s)
		k.id, k.at = s.id, s.received
	}
	h.visits = []knock{k}
}
