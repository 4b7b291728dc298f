package demo

import (
	"cmp"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
)

// residents are the adults of the demo district one by one, in their households:
// what the people of town.go only are in numbers. Who they are and what they would
// answer is settled once; only who is drawn, met and willing differs between waves.
type residents struct {
	town   *town
	wave   int
	places []*community
	blocks []block
	homes  []home
	people []resident

	d      *questionnaire.Definition
	recipe *indicator.Recipe
	truth  []float64          // by indicator
	frame  []sample.FrameHome // in its order; Household is the number of the home
}

// block is a building, with what an interviewer finds at its door.
type block struct {
	place   int // community
	number  int // from 1 in its community
	homes   [2]int
	refuses float64 // effect on the logit of refusing
	locked  float64 // chance that there is no way in
}

// home is an address: vacant, a business, or a household.
type home struct {
	kind   uint8
	block  int32
	people [2]int32
}

const (
	lived = iota
	vacant
	business
)

type resident struct {
	cell uint8
	know bool
	home int32
}

// settleAll lets the people of the district move in. Households are of people of
// similar age, and old ones are smaller.
func settleAll(t *town, wave int) *residents {
	out := &residents{town: t, wave: wave, d: questionnaire.Default(), recipe: indicator.Default()}
	for _, c := range t.standing(wave) {
		if c.main {
			out.settle(c)
		}
	}
	slices.SortFunc(out.frame, func(a, b sample.FrameHome) int {
		return cmp.Or(cmp.Compare(a.AreaCode, b.AreaCode), cmp.Compare(a.Building, b.Building), cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Room, b.Room), cmp.Compare(a.Household, b.Household))
	})
	out.count()
	return out
}

func (x *residents) settle(c *community) {
	r := chance(x.town.seed, "residents", c.code)
	x.places = append(x.places, c)
	name := x.town.named(c.code)
	type adult struct {
		cell uint8
		at   float64
	}
	adults := make([]adult, 0, c.adults)
	for cell, n := range c.persons {
		for range n {
			adults = append(adults, adult{uint8(cell), float64(cell/2) + 0.9*r.NormFloat64()})
		}
	}
	slices.SortFunc(adults, func(a, b adult) int { return cmp.Compare(a.at, b.at) })
	var households [][]adult
	for len(adults) > 0 {
		sizes := slices.Clone(homeSizes)
		if adults[0].at > 4.2 {
			sizes = []float64{0.42, 0.48, 0.07, 0.03}
		}
		n := min(1+draw(r, sizes), len(adults))
		households = append(households, adults[:n])
		adults = adults[n:]
	}
	r.Shuffle(len(households), func(i, j int) { households[i], households[j] = households[j], households[i] })

	// Into each building as many as its size, and some addresses nobody lives at.
	shares, sum := make([]float64, len(c.built)), 0.0
	for i, b := range c.built {
		shares[i] = float64(b.homes)
		sum += shares[i]
	}
	given, acc := 0, 0.0
	for i, b := range c.built {
		acc += shares[i] / sum * float64(len(households))
		n := int(math.Round(acc)) - given
		blk := block{place: len(x.places) - 1, number: i + 1, homes: [2]int{len(x.homes), 0}}
		// Where fewer know of the campaign, more refuse: behind gates, say.
		blk.refuses = 0.45*r.NormFloat64() - 0.8*b.effect
		if r.Float64() < 0.25 {
			blk.locked = 0.30
		}
		kinds := slices.Repeat([]uint8{lived}, n)
		empty := int(math.Round(float64(n) * (0.03 + 0.15*r.Float64())))
		kinds = append(kinds, slices.Repeat([]uint8{vacant}, empty)...)
		kinds = append(kinds, slices.Repeat([]uint8{business}, int(math.Round(float64(n)*0.02)))...)
		r.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, kind := range kinds {
			h := home{kind: kind, block: int32(len(x.blocks)), people: [2]int32{int32(len(x.people)), int32(len(x.people))}}
			if kind == lived {
				for _, a := range households[given] {
					x.people = append(x.people, resident{cell: a.cell, home: int32(len(x.homes))})
				}
				given++
				h.people[1] = int32(len(x.people))
			}
			x.homes = append(x.homes, h)
		}
		for at := blk.homes[0]; at < len(x.homes); at++ {
			a := c.at(name, i, len(kinds), at-blk.homes[0])
			x.frame = append(x.frame, sample.FrameHome{Household: strconv.Itoa(at), AreaCode: c.code, Building: a.building, Unit: a.unit, Room: a.room})
		}
		blk.homes[1] = len(x.homes)
		x.blocks = append(x.blocks, blk)
	}
}

// own returns the random numbers that make somebody who they are.
func (x *residents) own(i int) *rand.Rand {
	return rand.New(rand.NewPCG(x.town.seed^0x9e3779b97f4a7c15, uint64(i)))
}

// answersOf is what somebody says whenever they are asked.
func (x *residents) answersOf(i int) questionnaire.Answers {
	r := x.own(i)
	p := x.people[i]
	r.Float64() // whether they know
	return person{home: x.placeOf(i), cell: int(p.cell), know: p.know}.answer(r, x.wave)
}

func (x *residents) blockOf(i int) block      { return x.blocks[x.homes[x.people[i].home].block] }
func (x *residents) placeOf(i int) *community { return x.places[x.blockOf(i).place] }

// count settles who knows, and adds up what everybody would answer: the truth.
func (x *residents) count() {
	workers := runtime.GOMAXPROCS(0)
	parts := make([][]sums, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			own := make([]sums, len(x.recipe.Indicators))
			for i := w; i < len(x.people); i += workers {
				c, b := x.placeOf(i), x.blockOf(i)
				x.people[i].know = x.own(i).Float64() < c.knows(x.wave, c.built[b.number-1], int(x.people[i].cell))
				for v, y := range x.recipe.Values(x.d, x.answersOf(i)) {
					if y.OK {
						own[v].y += y.Y
						own[v].n++
					}
				}
			}
			parts[w] = own
		})
	}
	wait.Wait()
	for v := range x.recipe.Indicators {
		y, n := 0.0, 0.0
		for w := range workers {
			y, n = y+parts[w][v].y, n+parts[w][v].n
		}
		x.truth = append(x.truth, y/n)
	}
}
