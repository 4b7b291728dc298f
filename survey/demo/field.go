package demo

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
)

// plan is how much work a demo size stands for.
type plan struct {
	answers   [2]int // of each wave, in all
	buildings int    // drawn in each community
	homes     [2]int // households drawn in each building, by wave, in the demo district
	elsewhere int    // in the other districts
	dictated  int    // scans of the dictated community
	late      int    // scans that come in after the end of the first wave
	expired   int    // scans through a link that has run out
}

var plans = map[string]plan{
	Small: {answers: [2]int{700, 1_300}, buildings: 4, homes: [2]int{1, 2}, elsewhere: 1, dictated: 40, late: 6, expired: 4},
	Full:  {answers: [2]int{20_000, 40_000}, buildings: 6, homes: [2]int{6, 6}, elsewhere: 4, dictated: 900, late: 70, expired: 30},
}

// tinyScans is how many answers the tiny community gives in the open wave.
const tinyScans = 4

// elsewhereShare is the part of all scans that comes from the other districts.
const elsewhereShare = 0.11

// spot names a collector before it has a code.
type spot struct {
	wave    int
	area    string
	channel string
	slot    int
}

// drawn is a household of the sample.
type drawn struct {
	id             string
	wave           int
	area           string
	psu, household string
	weight         float64
	answered       bool

	base    float64
	adults  int
	at      int // position in its PSU, from 1
	reserve bool
	address address
	picks   string
	visits  []knock
	worker  string // to whom the household was given
}

// sheet is a filled-in questionnaire on its way to the platform.
type sheet struct {
	spot      spot
	id        string
	household string
	via, lang string
	answers   questionnaire.Answers
	issued    time.Time
	started   time.Time
	received  time.Time
}

// field is everything that happens in the two waves.
type field struct {
	town       *town
	plan       plan
	now        time.Time
	households []drawn
	sheets     []sheet
	late       int // scans held back so far
}

// newField sends interviewers out and lets people scan.
func newField(t *town, p plan, now time.Time) *field {
	f := &field{town: t, plan: p, now: now}
	for wave := range 2 {
		before := len(f.sheets)
		for _, c := range t.standing(wave) {
			if wave == 1 && c.code == doorCode {
				f.planned(wave, c)
				continue
			}
			f.visit(wave, c)
		}
		f.scanAll(wave, p.answers[wave]-(len(f.sheets)-before))
	}
	// Neighbours stand together, so that their tallies move together.
	slices.SortStableFunc(f.sheets, func(a, b sheet) int {
		return cmp.Or(cmp.Compare(a.spot.wave, b.spot.wave), cmp.Compare(a.spot.area, b.spot.area), a.received.Compare(b.received), cmp.Compare(a.id, b.id))
	})
	return f
}

// standing are the communities in which the wave is held.
func (t *town) standing(wave int) []*community {
	return slices.DeleteFunc(slices.Clone(t.communities), func(c *community) bool { return wave == 1 && c.merged })
}

// answersAtDoor is the chance that a drawn adult gives an interview, by age.
var answersAtDoor = [6]float64{0.73, 0.74, 0.75, 0.77, 0.80, 0.80}

// homeSizes is the share of households with one to four adults.
var homeSizes = []float64{0.28, 0.47, 0.16, 0.09}

// visit draws buildings, households in them and one adult in each, all by simple
// random draws, and interviews those who open the door.
func (f *field) visit(wave int, c *community) {
	r := chance(f.town.seed, "visit", f.town.times.codes[wave], c.code)
	perBuilding, name := f.plan.elsewhere, f.town.named(c.code)
	if c.main {
		perBuilding = f.plan.homes[wave]
	}
	blocks := r.Perm(len(c.built))[:f.plan.buildings]
	slices.Sort(blocks)
	for _, b := range blocks {
		doors := r.Perm(c.built[b].homes)[:perBuilding]
		slices.Sort(doors)
		for i, door := range doors {
			adults := 1 + draw(r, homeSizes)
			h := drawn{
				id: newID(r, f.town.times.opens[wave]), wave: wave, area: c.code,
				psu:       fmt.Sprintf("%s-%03d", c.code, b+1),
				household: fmt.Sprintf("%s-%03d-%02d%02d", c.code, b+1, 1+door/4, 1+door%4),
				weight:    float64(len(c.built)) / float64(len(blocks)) * float64(c.built[b].homes) / float64(len(doors)) * float64(adults),
			}
			h.base, h.adults, h.at = h.weight/float64(adults), adults, i+1
			h.address = c.at(name, b, c.built[b].homes, door)
			p := c.someone(r, wave, c.built[b], nil)
			h.answered = r.Float64() < answersAtDoor[p.cell/2] && !(wave == 1 && c.code == tinyCode)
			var s sheet
			if h.answered {
				at := f.when(r, wave, visitHours)
				s = f.sheet(r, spot{wave, c.code, collector.Visit, 1}, p, at, 200+240*r.Float64())
				s.household = h.household
				f.sheets = append(f.sheets, s)
			}
			f.knocks(&h, s)
			f.households = append(f.households, h)
		}
	}
}

// Who scans: the young far more than the old, women more than men, and those who
// know of the campaign more than those who do not. The figures for age and sex
// follow what open web surveys of cities have shown.
var (
	scansByAge   = [6]float64{2.0, 1.6, 1.1, 0.60, 0.28, 0.10}
	scansIfWoman = 1.55
	scansIfKnows = 1.9
)

// scanner weighs an adult by how likely they are to scan a poster.
func scanner(cell int, know bool) float64 {
	w := scansByAge[cell/2]
	if cell%2 == 1 {
		w *= scansIfWoman
	}
	if know {
		w *= scansIfKnows
	}
	return w
}

// someone draws an adult of the building, by the weight that willing gives;
// nil: everybody alike.
func (c *community) someone(r *rand.Rand, wave int, b building, willing func(cell int, know bool) float64) person {
	var weights [2 * cells]float64
	for cell, n := range c.persons {
		k := c.knows(wave, b, cell)
		weights[2*cell], weights[2*cell+1] = float64(n)*k, float64(n)*(1-k)
		if willing != nil {
			weights[2*cell] *= willing(cell, true)
			weights[2*cell+1] *= willing(cell, false)
		}
	}
	i := draw(r, weights[:])
	return person{home: c, cell: i / 2, know: i%2 == 0}
}

// scanAll spreads n scans over the communities.
func (f *field) scanAll(wave, n int) {
	list := f.town.standing(wave)
	fixed := map[string]int{}
	if wave == 1 {
		fixed[dictatedCode], fixed[tinyCode] = f.plan.dictated, tinyScans
	}
	var sum [2]float64
	weight := make([]float64, len(list))
	side := func(c *community) int {
		if c.main {
			return 0
		}
		return 1
	}
	for i, c := range list {
		if k, ok := fixed[c.code]; ok {
			n -= k
			continue
		}
		weight[i] = math.Sqrt(float64(c.adults)) * c.eager
		sum[side(c)] += weight[i]
	}
	share := [2]float64{(1 - elsewhereShare) * float64(n), elsewhereShare * float64(n)}
	acc, given := 0.0, 0
	for i, c := range list {
		k, ok := fixed[c.code]
		if !ok {
			acc += weight[i] / sum[side(c)] * share[side(c)]
			k = int(math.Round(acc)) - given
			given += k
		}
		f.scan(wave, c, k)
	}
}

// scan lets n people of the community scan its posters and links.
func (f *field) scan(wave int, c *community, n int) {
	r := chance(f.town.seed, "scan", f.town.times.codes[wave], c.code)
	spots := f.town.spots(wave, c)
	spots = slices.DeleteFunc(spots, func(s spot) bool {
		return s.channel == collector.Visit || wave == 1 && c.code == deadCode && s.slot == 1 && s.channel == collector.Poster
	})
	homes := make([]float64, len(c.built))
	for i, b := range c.built {
		homes[i] = float64(b.homes)
	}
	for i := range n {
		p := c.someone(r, wave, c.built[draw(r, homes)], scanner)
		s := spots[0]
		if len(spots) > 1 && r.Float64() < 0.4 {
			s = spots[1+r.IntN(len(spots)-1)]
		}
		if wave == 1 && c.code == expiredCode && i < f.plan.expired {
			s = spots[len(spots)-1]
		}
		at := f.when(r, wave, scanHours)
		x := f.sheet(r, s, p, at, 75+math.Exp(4.6+0.5*r.NormFloat64()))
		switch {
		case wave == 1 && c.code == dictatedCode:
			x.answers = p.dictated(r)
			x.via, x.lang, x.started = "page", "zh", x.issued.Add(2*time.Second)
			x.received = x.started.Add(25*time.Second + time.Duration(r.IntN(900))*time.Millisecond)
		case wave == 1 && c.code == tinyCode:
			x.answers["residence"] = "half_year"
		case r.Float64() < 0.05:
			x.answers["residence"] = pick(r, []string{"newcomer", "elsewhere"}, []float64{2, 1})
		case r.Float64() < 0.02:
			x.answers["age"] = "u18"
		}
		f.sheets = append(f.sheets, f.tooLate(r, x, c.main && i == 2, i))
	}
}

// tooLate holds back the i-th scan of a community if it is one of those that wait
// on a phone until the wave has ended, or come through a link that has run out.
func (f *field) tooLate(r *rand.Rand, x sheet, waits bool, i int) sheet {
	closes, end := f.town.times.closes[0], f.town.linkEnds()
	switch {
	case x.spot.wave == 0 && waits && f.late < f.plan.late:
		f.late++
		x.issued = closes.Add(-time.Duration(1+r.IntN(20)) * time.Hour)
		x.started, x.received = x.issued.Add(time.Second), closes.Add(time.Duration(10+r.IntN(2000))*time.Minute)
	case x.spot == f.town.link():
		x.issued = end.Add(-time.Duration(1+r.IntN(60)) * time.Hour)
		if i < f.plan.expired {
			x.issued = end.Add(time.Duration(5+r.IntN(3000)) * time.Minute)
		}
		x.started = x.issued.Add(time.Second)
		x.received = x.started.Add(time.Duration(90+r.IntN(120)) * time.Second)
	}
	return x
}

// link is the WeChat link of the open wave that runs out after three days.
func (t *town) link() spot { return spot{1, expiredCode, collector.WeChat, 2} }

// linkEnds is when it does.
func (t *town) linkEnds() time.Time { return t.times.opens[1].Add(72 * time.Hour) }

// spots are the collectors of the community in the wave.
func (t *town) spots(wave int, c *community) []spot {
	out := []spot{{wave, c.code, collector.Poster, 1}}
	if c.main {
		out = append(out, spot{wave, c.code, collector.Poster, 2})
	}
	if c.first {
		out = append(out, spot{wave, c.code, collector.WeChat, 1})
	}
	out = append(out, spot{wave, c.code, collector.Visit, 1})
	if link := t.link(); wave == link.wave && c.code == link.area {
		out = append(out, link)
	}
	return out
}

// The hours at which people answer: interviews in the evening, when people are at
// home; scans on the way, at noon and late.
var (
	visitHours = []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 2, 0, 0, 1, 2, 2, 3, 6, 8, 5, 0, 0, 0}
	scanHours  = []float64{0.3, 0.1, 0, 0, 0, 0.1, 0.6, 2, 3, 2, 2, 2.5, 4, 3, 2, 2, 2, 3, 4, 6, 7, 6, 3, 1}
)

// when draws a time in the wave that has passed already.
func (f *field) when(r *rand.Rand, wave int, hours []float64) time.Time {
	opens, ends := f.town.times.opens[wave], f.town.times.closes[wave]
	if f.now.Before(ends) {
		ends = f.now
	}
	ends = ends.Add(-30 * time.Minute)
	days := int(ends.Sub(opens)/(24*time.Hour)) + 1
	for range 100 {
		start := opens.In(local)
		at := time.Date(start.Year(), start.Month(), start.Day()+r.IntN(days+1), draw(r, hours), r.IntN(60), r.IntN(60), r.IntN(1_000_000)*1000, local).UTC()
		if !at.Before(opens) && at.Before(ends) {
			return at
		}
	}
	return opens.Add(time.Duration(r.Float64() * float64(ends.Sub(opens)))).Truncate(time.Microsecond)
}

// sheet fills in the questionnaire, in so many seconds.
func (f *field) sheet(r *rand.Rand, s spot, p person, at time.Time, seconds float64) sheet {
	x := sheet{spot: s, id: newID(r, at), via: "page", lang: "zh", issued: at, answers: p.answer(r, s.wave)}
	if s.channel != collector.Visit {
		if r.Float64() < 0.04 {
			x.via = "form"
		}
		if r.Float64() < 0.015 {
			x.lang = "en"
		}
	}
	x.started = at.Add(time.Duration(1+r.IntN(9)) * time.Second)
	x.received = x.started.Add(time.Duration(math.Min(seconds, 1_500)*1e6) * time.Microsecond)
	return x
}

// newID returns a UUID of version 7 for the time, its random bits from r.
func newID(r *rand.Rand, at time.Time) string {
	var u uuid.UUID
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	a, b := r.Uint64(), r.Uint64()
	for i := range 8 {
		u[8+i] = byte(a >> (8 * i))
	}
	u[6], u[7] = 0x70|byte(b)&0x0f, byte(b>>8)
	u[8] = 0x80 | u[8]&0x3f
	return u.String()
}
