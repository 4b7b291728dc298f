package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"chengyin/survey"
	"chengyin/survey/area"
)

// cells is the number of groups by age band and sex, age first.
const cells = 12

// town is the city with the people who live in it.
type town struct {
	seed        uint64
	times       timetable
	areas       []area.Area
	units       []area.Unit
	communities []*community // by code
	successors  map[string]string
}

// community is a committee's area: its adults by age and sex, the buildings they
// live in, and what sets it apart.
type community struct {
	code     string
	village  bool
	main     bool // in the demo district
	first    bool // of its subdistrict
	merged   bool // away, between the waves
	adults   int
	persons  [cells]int
	built    []building
	homes    int        // households in all buildings
	aware    [2]float64 // effects on the logit, by wave
	joins    [2]float64
	content  [2]float64
	eager    float64 // how readily its residents scan
	services [10]float64
}

// building is a primary sampling unit: in a village, a group of houses.
type building struct {
	homes  int
	effect float64
}

// The shares of age bands among adults and of men in each, from the census of
// 2020 (communiqué no. 5 and the yearbook's table by age and sex).
var (
	ageShares = [6]float64{17.6, 20.1, 18.6, 20.0, 13.3, 10.5}
	menShares = [6]float64{0.527, 0.515, 0.511, 0.503, 0.497, 0.465}
)

const (
	adultShare     = 0.789 // of all residents
	medianResident = 5_600
	spread         = 0.445 // of the logarithm of a community's size
	adultsPerHome  = 2.06
	adultsPerBlock = 150
)

// The communities with a story.
const (
	mergedCode    = "990102002011" // 旧埠, into
	successorCode = "990102002010" // 采薇
	dictatedCode  = "990102003004" // 银杉
	tinyCode      = "990102101205" // 上岚
	deadCode      = "990102004003" // 柏庐, poster 1
	revokedCode   = "990102005002" // 揽翠, poster 2
	expiredCode   = "990102003001" // 星汀, the second WeChat link
	doorCode      = "990102001001" // 听荷, whose workers are on their way
)

// newTown makes the city. The same seed gives the same city.
func newTown(seed uint64, times timetable) *town {
	t := &town{seed: seed, times: times}
	from := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	add := func(code, zh, en string) *area.Area {
		level, err := area.LevelOf(code)
		if err != nil {
			panic("demo: " + err.Error())
		}
		a := area.Area{Code: code, Level: level, NameZH: zh, NameEN: en, ValidFrom: from}
		if p := area.ParentOf(code); p != "" {
			a.ParentCode = &p
		}
		t.areas = append(t.areas, a)
		return &t.areas[len(t.areas)-1]
	}
	add(CityCode, "云澜市", "Yunlan")
	for i, d := range districts {
		prefix := fmt.Sprintf("9901%02d", i+1)
		add(prefix+"000000", d.zh, d.en)
		streets, towns := 0, 0
		for _, u := range d.units {
			block, zh, en := 0, u.zh+"街道", u.en+" Subdistrict"
			if u.town {
				block, zh, en = 100+towns, u.zh+"镇", u.en+" Town"
				towns++
			} else {
				streets++
				block = streets
			}
			unit := fmt.Sprintf("%s%03d", prefix, block)
			add(unit+"000", zh, en)
			for kind, names := range []string{u.communities, u.villages} {
				words := strings.Fields(names)
				for j := 0; j+1 < len(words); j += 2 {
					village := kind == 1
					code, zh, en := fmt.Sprintf("%s%03d", unit, 1+j/2), words[j]+"社区", words[j+1]+" Community"
					if village {
						code, zh, en = fmt.Sprintf("%s%03d", unit, 200+j/2), words[j]+"村", words[j+1]+" Village"
					}
					a := add(code, zh, en)
					c := &community{code: code, village: village, main: prefix == "990102", first: kind == 0 && j == 0}
					if code == mergedCode {
						to, day := successorCode, times.merged
						a.ValidTo, a.SuccessorCode, c.merged = &day, &to, true
					}
					t.communities = append(t.communities, c)
				}
			}
		}
	}
	t.successors = area.Successors(t.areas)
	t.settle()
	t.units = sectorUnits(t)
	return t
}

// settle gives each community its people, its buildings and its character.
func (t *town) settle() {
	sizes := t.sizes()
	for i, c := range t.communities {
		r := chance(t.seed, "community", c.code)
		residents := float64(sizes[i])
		c.adults = int(math.Round(residents * adultShare))
		c.settlePersons(r)
		c.build(r)
		trend, drift := 0.18, 0.12
		c.aware[0] = 0.40 * r.NormFloat64()
		c.joins[0] = 0.35 * r.NormFloat64()
		c.content[0] = 0.28 * r.NormFloat64()
		if c.village {
			c.aware[0] -= 0.15
			c.joins[0] += 0.20
		}
		c.aware[1] = c.aware[0] + trend + drift*r.NormFloat64()
		c.joins[1] = c.joins[0] + trend/2 + drift*r.NormFloat64()
		c.content[1] = c.content[0] + drift*r.NormFloat64()/2
		c.eager = math.Exp(0.25 * r.NormFloat64())
		for j := range c.services {
			c.services[j] = 0.06 * r.NormFloat64()
		}
	}
}

// sizes are log-normal: the quantiles of the distribution in random order, so
// that its ends are there whatever the seed. Villages take smaller ones.
func (t *town) sizes() []int {
	out := make([]int, len(t.communities))
	r := chance(t.seed, "sizes")
	for _, main := range []bool{true, false} {
		var small, other []int // which communities
		for i, c := range t.communities {
			switch {
			case c.main != main:
			case c.village || c.merged || c.code == tinyCode:
				small = append(small, i)
			default:
				other = append(other, i)
			}
		}
		n := len(small) + len(other)
		ranks := make([]int, n)
		for i := range ranks {
			ranks[i] = i
		}
		low := ranks[:len(small)*3/2]
		r.Shuffle(len(low), func(i, j int) { low[i], low[j] = low[j], low[i] })
		rest := ranks[len(small):]
		r.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		for k, i := range slices.Concat(small, other) {
			z := math.Sqrt2 * math.Erfinv(2*(float64(ranks[k])+0.5)/float64(n)-1)
			out[i] = int(math.Round(medianResident * math.Exp(spread*z)))
		}
	}
	return out
}

// settlePersons splits the adults by age and sex. New estates are younger than
// the city, villages and old streets older.
func (c *community) settlePersons(r *rand.Rand) {
	tilt := 0.12 * r.NormFloat64() // per age band: > 0 is older
	switch {
	case strings.HasPrefix(c.code, "990102003"): // the new estates of 星渚
		tilt -= 0.22
	case c.village:
		tilt += 0.20
	}
	var share [cells]float64
	sum := 0.0
	for a := range ageShares {
		s := ageShares[a] * math.Exp(tilt*(float64(a)-2.5))
		men := menShares[a] + 0.012*r.NormFloat64()
		share[2*a], share[2*a+1] = s*men, s*(1-men)
		sum += s
	}
	left := c.adults
	for i := range share {
		c.persons[i] = max(1, int(float64(c.adults)*share[i]/sum))
		left -= c.persons[i]
	}
	c.persons[2] += left // what rounding down has left over
}

// build puts up the buildings that hold the community's households.
func (c *community) build(r *rand.Rand) {
	n := min(120, max(12, int(math.Round(float64(c.adults)/adultsPerBlock))))
	mean := float64(c.adults) / adultsPerHome / float64(n)
	c.built = make([]building, n)
	for i := range c.built {
		c.built[i] = building{homes: max(8, int(math.Round(mean*(0.7+0.6*r.Float64())))), effect: 0.25 * r.NormFloat64()}
		c.homes += c.built[i].homes
	}
}

// populationRows are what the census table of the platform holds.
func (t *town) populationRows() []area.Population {
	var out []area.Population
	for _, c := range t.communities {
		for i, n := range c.persons {
			out = append(out, area.Population{AreaCode: c.code, Age: area.Ages[i/2], Sex: area.Sexes[i%2], Persons: n, Source: "演示数据(虚构) / demo data (fictional)"})
		}
	}
	return out
}

// home returns the code that the community's results belong to today.
func (t *town) home(code string) string {
	if to, ok := t.successors[code]; ok {
		return to
	}
	return code
}

func named(year, quarter int) (string, survey.Text) {
	return fmt.Sprintf("%dQ%d", year, quarter+1), survey.Text{
		ZH: fmt.Sprintf("%d年第%s季度文明城市创建居民调查", year, []string{"一", "二", "三", "四"}[quarter]),
		EN: fmt.Sprintf("Residents' survey on civility, quarter %d of %d", quarter+1, year),
	}
}
