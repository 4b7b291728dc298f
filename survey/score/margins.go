package score

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"chengyin/stats/weighting"
	"chengyin/survey"
	"chengyin/survey/area"
)

// fewest is the number of answers below which a category of a margin is joined
// with another: a category of one or two would carry weights out of all
// proportion.
const fewest = 5

// leafs are the communities of a wave: the finest places of estimation.
type leafs struct {
	codes []string
	index map[string]int
	into  map[string]string // code of a place merged away -> its successor
}

func newLeafs(areas []area.Area) leafs {
	l := leafs{index: map[string]int{}, into: area.Successors(areas)}
	for _, a := range areas {
		if a.Level == area.Community && l.into[a.Code] == "" {
			l.index[a.Code] = len(l.codes)
			l.codes = append(l.codes, a.Code)
		}
	}
	return l
}

// of returns the number of the community that the code's results belong to.
func (l leafs) of(code string) (int, bool) {
	if to := l.into[code]; to != "" {
		code = to
	}
	i, ok := l.index[code]
	return i, ok
}

// people is the population by community, age band and sex.
type people struct {
	leaf []float64
	age  map[string]float64
	sex  map[string]float64
}

func newPeople(l leafs, rows []area.Population) people {
	p := people{leaf: make([]float64, len(l.codes)), age: map[string]float64{}, sex: map[string]float64{}}
	for _, r := range rows {
		i, ok := l.of(r.AreaCode)
		if !ok {
			continue
		}
		n := float64(r.Persons)
		p.leaf[i] += n
		p.age[r.Age] += n
		p.sex[r.Sex] += n
	}
	return p
}

// margin is a margin with the category of each of its values: of each community,
// age band or sex.
type margin struct {
	weighting.Margin
	of        []int
	collapsed []string
}

// enoughPSUs is the number of PSUs below which a place is no category of its own,
// unless the draw has made it one.
const enoughPSUs = 8

// drawnIn tells, for a sample drawn in PSUs, which PSUs of which stratum lie in each
// community; nil where everybody is his own.
type drawnIn struct {
	psus []map[string]map[string]bool // by community, then stratum
	all  map[string]int               // PSUs of each stratum
}

func (d *drawnIn) add(leaf int, stratum, psu string) {
	if d.psus[leaf] == nil {
		d.psus[leaf] = map[string]map[string]bool{}
	}
	if d.psus[leaf][stratum] == nil {
		d.psus[leaf][stratum] = map[string]bool{}
	}
	d.psus[leaf][stratum][psu] = true
}

// stands reports whether the communities together may be a category of the margin:
// the draw has settled how many PSUs they have, because they are whole strata, or
// they have so many that it hardly matters. Otherwise the standard error would take
// what differs between the few PSUs of a place for explained by the margin: with one
// PSU in each of many communities it would be almost none.
func (d *drawnIn) stands(members []int) bool {
	if d == nil {
		return true
	}
	in := map[string]map[string]bool{}
	n, whole := 0, true
	for _, leaf := range members {
		for stratum, psus := range d.psus[leaf] {
			if in[stratum] == nil {
				in[stratum] = map[string]bool{}
			}
			maps.Copy(in[stratum], psus)
		}
	}
	for stratum, psus := range in {
		n += len(psus)
		whole = whole && len(psus) == d.all[stratum]
	}
	return whole || n >= enoughPSUs
}

// placeMargin makes the margin of places. A community with fewer than fewest
// answers, of which the population is not known, or that is no place of its own in
// the draw, is joined with the others of that kind in its subdistrict; if they are
// still too few, they join the smallest category there, or with all others of
// that kind in the district, and so on up. Digits says from which level on: 12
// for communities, 9 for subdistricts and so on; 0 puts everybody together.
func placeMargin(l leafs, pop, n []float64, drawn *drawnIn, digits int) margin {
	m := margin{Margin: weighting.Margin{Name: "place"}, of: make([]int, len(l.codes))}
	type group struct {
		name    string
		members []int
		n, pop  float64
	}
	var done []group
	pool := map[string][]int{} // prefix -> communities still without a category
	for i, code := range l.codes {
		pool[code[:digits]] = append(pool[code[:digits]], i)
	}
	sum := func(name string, members []int) group {
		g := group{name: name, members: members}
		for _, i := range members {
			g.n += n[i]
			g.pop += pop[i]
		}
		return g
	}
	steps := []int{12, 9, 6, 4, 0}
	steps = steps[slices.Index(steps, digits):]
	for s, d := range steps {
		prefixes := make([]string, 0, len(pool))
		for p := range pool {
			prefixes = append(prefixes, p)
		}
		slices.Sort(prefixes)
		above := map[string][]int{}
		for _, p := range prefixes {
			g := sum(p, pool[p])
			name := p + strings.Repeat("0", 12-d)
			if s > 0 {
				name = "rest of " + name
			}
			g.name = name
			if g.n >= fewest && g.pop > 0 && drawn.stands(g.members) {
				done = append(done, g)
				continue
			}
			// Join the smallest category of the same place, if it has one.
			best := -1
			if s > 0 {
				for k, x := range done {
					if strings.HasPrefix(l.codes[x.members[0]], p) && (best < 0 || x.pop < done[best].pop) {
						best = k
					}
				}
			}
			if best >= 0 {
				done[best].members = append(done[best].members, g.members...)
				done[best].n += g.n
				done[best].pop += g.pop
				continue
			}
			if d == 0 {
				done = append(done, g)
				continue
			}
			up := p[:steps[s+1]]
			above[up] = append(above[up], g.members...)
		}
		pool = above
	}
	slices.SortFunc(done, func(a, b group) int { return cmp.Compare(slices.Min(a.members), slices.Min(b.members)) })
	for k, g := range done {
		m.Categories = append(m.Categories, g.name)
		m.Targets = append(m.Targets, g.pop)
		for _, i := range g.members {
			m.of[i] = k
		}
		if len(g.members) > 1 && digits == 12 {
			codes := make([]string, len(g.members))
			for j, i := range g.members {
				codes[j] = l.codes[i]
			}
			slices.Sort(codes)
			m.collapsed = append(m.collapsed, strings.Join(codes, "+"))
		}
	}
	return m
}

// bandMargin makes the margin of an ordered list of values, such as age bands. A
// value with fewer than fewest answers or without population is joined with its
// neighbour.
func bandMargin(name string, values []string, pop map[string]float64, n []float64) margin {
	m := margin{Margin: weighting.Margin{Name: name}, of: make([]int, len(values))}
	type band struct {
		members []int
		n, pop  float64
	}
	bands := make([]band, len(values))
	for i := range values {
		bands[i] = band{[]int{i}, n[i], pop[values[i]]}
	}
	for len(bands) > 1 {
		k := slices.IndexFunc(bands, func(b band) bool { return b.n < fewest || !(b.pop > 0) })
		if k < 0 {
			break
		}
		to := max(k-1, 0)
		bands[to].members = append(bands[to].members, bands[to+1].members...)
		bands[to].n += bands[to+1].n
		bands[to].pop += bands[to+1].pop
		bands = slices.Delete(bands, to+1, to+2)
	}
	for k, b := range bands {
		names := make([]string, len(b.members))
		for j, i := range b.members {
			names[j] = values[i]
			m.of[i] = k
		}
		m.Categories = append(m.Categories, strings.Join(names, "+"))
		m.Targets = append(m.Targets, b.pop)
		if len(names) > 1 {
			m.collapsed = append(m.collapsed, strings.Join(names, "+"))
		}
	}
	return m
}

// joinLonely maps the name of each stratum to the one that it is estimated with.
// A stratum with a single PSU has no variance of its own, so it is joined with
// the neighbour whose name shares most with its own: for strata named by place,
// one nearby. It returns what was joined.
func joinLonely(psus map[string]int) (into map[string]string, joined []string) {
	type group struct {
		members []string
		psus    int
	}
	var groups []group
	names := make([]string, 0, len(psus))
	for s := range psus {
		names = append(names, s)
	}
	slices.Sort(names)
	for _, s := range names {
		groups = append(groups, group{[]string{s}, psus[s]})
	}
	for len(groups) > 1 {
		k := slices.IndexFunc(groups, func(g group) bool { return g.psus < 2 })
		if k < 0 {
			break
		}
		to := k - 1
		if k == 0 || k+1 < len(groups) && shared(groups[k].members[0], groups[k+1].members[0]) > shared(groups[k].members[0], groups[k-1].members[0]) {
			to = k
		}
		groups[to].members = append(groups[to].members, groups[to+1].members...)
		groups[to].psus += groups[to+1].psus
		groups = slices.Delete(groups, to+1, to+2)
	}
	into = map[string]string{}
	for _, g := range groups {
		for _, s := range g.members {
			into[s] = g.members[0]
		}
		if len(g.members) > 1 {
			joined = append(joined, strings.Join(g.members, "+"))
		}
	}
	return into, joined
}

func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// inside returns which communities lie in the place with that code.
func (l leafs) inside(code string) []bool {
	p := survey.Prefix(code)
	in := make([]bool, len(l.codes))
	for i, c := range l.codes {
		in[i] = strings.HasPrefix(c, p)
	}
	return in
}
