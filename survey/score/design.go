package score

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"chengyin/stats/weighting"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/wave"
	"chengyin/survey/weight"
)

// Design is how the answers of a mode are weighted and estimated: what another
// program needs to come to the same figures.
type Design struct {
	sample *sampleOf
	leafs  leafs
	field  weight.Result
}

// Stands returns how many households of the PSU an interviewed one stands for,
// itself among them: the factor of its design weight before raking.
func (d Design) Stands(stratum, psu string) float64 { return d.field.Of(stratum, psu) }

// Margins returns the population margins that the weights are raked to.
func (d Design) Margins() []weighting.Margin {
	out := make([]weighting.Margin, len(d.sample.margins))
	for i, m := range d.sample.margins {
		out[i] = m.Margin
	}
	return out
}

// Cell is where an answer stands in the design.
type Cell struct {
	Area    string   // community, after mergers
	Stratum string   // after strata of a single PSU were joined
	Margins []string // category in each margin
	Factor  float64  // final weight over design weight times Design.Stands
}

// Cell returns where an answer from a community stands. It is false when the
// weighting failed or knows of no such answer.
func (d Design) Cell(code, stratum, age, sex string) (Cell, bool) {
	leaf, ok := d.leafs.of(code)
	key := class{leaf, slices.Index(area.Ages, age), slices.Index(area.Sexes, sex)}
	id, known := d.sample.class[key]
	if !ok || !known || d.sample.tally == nil {
		return Cell{}, false
	}
	c := Cell{Area: d.leafs.codes[leaf], Stratum: d.sample.strata[stratum], Factor: d.sample.tally.Factor()[id]}
	for i, value := range []int{key.leaf, key.age, key.sex} {
		m := d.sample.margins[i]
		c.Margins = append(c.Margins, m.Categories[m.of[value]])
	}
	return c, true
}

// Designs returns the designs of the modes as the tallies of the wave give them,
// as r sees them at the time now.
func Designs(r *gorm.DB, w wave.Wave, recipe *indicator.Recipe, now time.Time) (map[string]Design, error) {
	in, err := inputOf(r, w, recipe, now)
	if err != nil {
		return nil, err
	}
	l := newLeafs(in.areas)
	pop := newPeople(l, in.population)
	out := map[string]Design{}
	for _, mode := range []string{collector.Visited, collector.Scanned} {
		sample, err := weigh(mode, l, pop, in)
		if err != nil {
			return nil, err
		}
		out[mode] = Design{sample, l, in.field}
	}
	return out, nil
}
