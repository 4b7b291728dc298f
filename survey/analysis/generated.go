package analysis

import (
	"math"
	"slices"
	"strconv"

	"chengyin/stats/estimate"
	"chengyin/stats/weighting"
)

// Generated rows stand for a sample of any size without a file: 120 communities
// in 8 subdistricts (strata) with 40 buildings (PSU) each, age, sex, a weight and
// three answers, made by integer arithmetic that is the same in every language,
// and raked to community, age and sex.

// askedRows returns the settings of the nearest query that says how many rows.
func (r *run) askedRows() Args {
	for _, q := range r.c.Queries {
		if q.Stat == "generated_rows" {
			return q.Args
		}
	}
	return nil
}

func (r *run) hasGenerated() bool { return r.askedRows() != nil }

const generator = 2147483647

// generatedFrame makes the rows.
func generatedFrame(rows int, seed uint64) *Frame {
	u := func(i, k int) float64 {
		x := (uint64(i)*69069 + uint64(k)*40692001 + seed) % generator
		for range 5 {
			x = (x*(x/1024+1) + 1013904223) % generator
		}
		return float64(x) / generator
	}
	f := &Frame{Path: "generated rows", Rows: rows, cells: map[string][]string{}, num: map[string]numeric{},
		Names: []string{"community", "subdistrict", "psu", "age", "sex", "w", "aware", "participate", "sat"}}
	col := make([][]float64, len(f.Names))
	for i := 1; i <= rows; i++ {
		c, age := math.Floor(120*u(i, 1)), math.Floor(6*u(i, 3))
		aware := truth(u(i, 6) < 0.3+0.4*c/119+0.02*age)
		for j, v := range []float64{c, math.Floor(c / 15), 40*c + math.Floor(40*u(i, 2)), age, math.Floor(2 * u(i, 4)), (100 + math.Floor(900*u(i, 5))) / 100,
			aware, truth(u(i, 7) < 0.2+0.3*aware), math.Floor(101 * (0.35*u(i, 8) + 0.65*u(i, 9)))} {
			col[j] = append(col[j], v)
		}
	}
	for j, name := range f.Names {
		f.num[name] = numeric{v: col[j], other: -1, given: rows}
		f.cells[name] = make([]string, rows)
		for k, x := range col[j] {
			f.cells[name][k] = number(x)
		}
	}
	return f
}

// generatedOf reads how many rows a query asks for.
func generatedOf(a Args) *Frame {
	n, seed := a.whole("N"), a.whole("seed")
	if n < 1 || n > 5e6 {
		fail("\"N\" is between 1 and 5000000, not %d", n)
	}
	if seed >= generator {
		fail("\"seed\" is below %d, not %d", generator, seed)
	}
	return generatedFrame(n, uint64(seed))
}

// generated makes the design of the generated rows.
func (r *run) generated() *design {
	if r.rows != nil {
		return r.rows
	}
	f := generatedOf(r.askedRows())
	d := &design{name: "generated rows", f: f, calibrated: true}
	subdistrict := f.factor("subdistrict")
	sample := try(estimate.NewDesign(estimate.Spec{Rows: f.Rows, Weight: f.numbers("w"),
		Stages: []estimate.Stage{{Unit: f.factor("psu").code, Stratum: subdistrict.code, Names: subdistrict.levels}}}))
	total := 0.0
	people := make([]float64, 120)
	for c := range people {
		people[c] = float64(500 + 10*c)
		total += people[c]
	}
	list := []weighting.Margin{{Name: "community", Targets: people}, {Name: "age"}, {Name: "sex"}}
	for _, share := range []float64{.12, .19, .18, .19, .16, .16} {
		list[1].Targets = append(list[1].Targets, share*total)
	}
	for _, share := range []float64{.52, .48} {
		list[2].Targets = append(list[2].Targets, share*total)
	}
	for i := range list {
		for k := range list[i].Targets {
			list[i].Categories = append(list[i].Categories, strconv.Itoa(k))
		}
	}
	m := classes(f, list, [][]string{{"community"}, {"age"}, {"sex"}})
	out, rep, err := sample.Rake(m.class, m.cat, m.margins, weighting.Options{})
	must(err)
	d.d, d.rep = out, &rep
	d.psus, d.strata = len(sample.PSUs()), distinctStrata(sample.PSUs())
	r.rows = d
	return d
}

func (r *run) generatedRows(q *Query) any {
	f := generatedOf(q.Args)
	rows := make([]object, min(5, f.Rows))
	sums := object{}
	for _, name := range f.Names {
		sum := 0.0
		for k, x := range f.numbers(name) {
			sum += x
			if k < len(rows) {
				rows[k] = append(rows[k], name, x)
			}
		}
		sums = append(sums, name, sum)
	}
	return object{"rows", rows, "values", sums}
}

// generatedEstimates answers means of the generated rows. The rows of groups
// have the columns of a table as well: the group, each mean and its se_.
func (r *run) generatedEstimates(q *Query) any {
	d := r.generated()
	a := asked{d: d, stat: q.Stat, cols: d.f.expand(q.Args.texts("vars")), in: slices.Repeat([]bool{true}, d.f.Rows)}
	a.whole = a.in
	by := q.Args.texts("by")
	if len(by) == 0 {
		figs := d.figures(a.stat, a.cols, nil, a.in)
		rows := make([]object, len(figs))
		for i, f := range figs {
			rows[i] = object{"name", f.name, "estimate", f.value, "se", f.se, "ci95_z", interval(f.value, f.se, math.Inf(1)), "ci95_t", interval(f.value, f.se, float64(d.df()))}
		}
		return object{"df", d.df(), "rows", rows, "vcov", d.covariance(figs)}
	}
	var rows []object
	for _, g := range d.f.groups(by, a.whole) {
		figs := d.figures(a.stat, a.cols, nil, g.in)
		row := append(slices.Clone(g.by), "by", g.by, "n", figs[0].n, "sum_w", figs[0].sumW, "domain_df", figs[0].df)
		for _, f := range figs {
			row = append(row, f.name, f.value, "se_"+f.name, f.se)
		}
		rows = append(rows, row)
	}
	return object{"df", d.df(), "rows", rows}
}
