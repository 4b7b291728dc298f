package analysis

import (
	"math"
	"slices"
	"strings"

	"chengyin/stats/weighting"
)

// margins are population totals with the class of every row in them.
type margins struct {
	class   []int
	cat     [][]int
	margins []weighting.Margin
}

// margins reads the margins of a design, from lists or from a census file.
func (r *run) margins(d *design) margins {
	var list []weighting.Margin
	var vars [][]string
	if d.spec.has("margins_from") {
		from, ok := d.spec["margins_from"].(map[string]any)
		if !ok {
			fail("\"margins_from\" has to be an object with file, value and vars")
		}
		a := Args(from)
		census := r.frame(a.text("file"))
		people := census.complete(a.text("value"))
		for _, v := range a.texts("vars") {
			g := census.completeFactor(v)
			m := weighting.Margin{Name: v, Categories: g.levels, Targets: make([]float64, len(g.levels))}
			for k, c := range g.code {
				m.Targets[c] += people[k]
			}
			list, vars = append(list, m), append(vars, []string{v})
		}
	}
	given, _ := d.spec["margins"].([]any)
	for i, one := range given {
		a, ok := one.(map[string]any)
		if !ok {
			fail("margin %d has to be an object with vars and cells", i+1)
		}
		by := Args(a).texts("vars")
		m := weighting.Margin{Name: strings.Join(by, " x ")}
		cells, _ := a["cells"].([]any)
		for j, c := range cells {
			cell, ok := c.(map[string]any)
			if !ok {
				fail("cell %d of margin %s has to be an object", j+1, m.Name)
			}
			m.Categories = append(m.Categories, cellName(Args(cell), by))
			m.Targets = append(m.Targets, Args(cell).number("total"))
		}
		list, vars = append(list, m), append(vars, by)
	}
	if len(list) == 0 {
		fail("a design of kind %s needs \"margins\" or \"margins_from\"", d.kind)
	}
	return classes(d.f, list, vars)
}

// cellName joins the values of a cell as they are joined for a row.
func cellName(cell Args, by []string) string {
	parts := make([]string, len(by))
	for i, v := range by {
		switch x := cell[v].(type) {
		case float64:
			parts[i] = number(x)
		case nil:
			fail("a cell of the margin has no %q", v)
		default:
			parts[i] = cell.text(v)
		}
	}
	return strings.Join(parts, " x ")
}

// classes puts every row into the table of the categories that occur.
func classes(f *Frame, list []weighting.Margin, vars [][]string) margins {
	codes := make([]factor, len(list))
	for i, m := range list {
		at := map[string]int{}
		for j, c := range m.Categories {
			if _, twice := at[c]; twice {
				fail("margin %s has the category %s twice", m.Name, c)
			}
			at[c] = j
		}
		parts := make([]factor, len(vars[i]))
		for j, v := range vars[i] {
			parts[j] = f.completeFactor(v)
		}
		codes[i] = factor{code: make([]int, f.Rows)}
		names := make([]string, len(parts))
		for k := range f.Rows {
			for j, g := range parts {
				names[j] = g.levels[g.code[k]]
			}
			c, ok := at[strings.Join(names, " x ")]
			if !ok {
				f.refuse(k, strings.Join(vars[i], " x "), "the margin %s has no total for %s", m.Name, strings.Join(names, " x "))
			}
			codes[i].code[k] = c
		}
	}
	class, cat := cross(f.Rows, codes)
	return margins{class: class, cat: cat, margins: list}
}

// rake rakes to margins; one margin is post-stratification.
func (r *run) rake(d *design) {
	from := r.parent(d)
	if from.reps != nil {
		r.rakeReplicates(d)
		return
	}
	m := r.margins(d)
	out, rep, err := from.d.Rake(m.class, m.cat, m.margins, weighting.Options{})
	must(err)
	d.d, d.rep, d.calibrated = out, &rep, true
}

// auxiliaries builds the columns of R's model matrix by their names.
func auxiliaries(f *Frame, names []string) [][]float64 {
	if len(names) == 0 {
		fail("a calibration needs \"columns\", the names of its auxiliaries")
	}
	x := make([][]float64, f.Rows)
	for k := range x {
		x[k] = make([]float64, 0, len(names))
	}
	for _, name := range names {
		v := auxiliary(f, name)
		for k := range x {
			if math.IsNaN(v[k]) {
				f.refuse(k, name, "the value is missing, and calibration needs it")
			}
			x[k] = append(x[k], v[k])
		}
	}
	return x
}

func auxiliary(f *Frame, name string) []float64 {
	if name == "(Intercept)" || name == "1" {
		return slices.Repeat([]float64{1}, f.Rows)
	}
	if f.has(name) {
		return f.number(name)
	}
	if parts := strings.Split(name, ":"); len(parts) > 1 {
		out := slices.Repeat([]float64{1}, f.Rows)
		for _, p := range parts {
			for k, x := range auxiliary(f, p) {
				out[k] *= x
			}
		}
		return out
	}
	if out := levelColumn(f, name); out != nil {
		return out
	}
	return f.number(name)
}

// levelColumn reads "stypeH" or "factor(age)3" as the indicator of a level; the
// longest column that fits counts.
func levelColumn(f *Frame, name string) []float64 {
	best, level := "", ""
	for _, col := range f.Names {
		for _, prefix := range []string{col, "factor(" + col + ")", "as.factor(" + col + ")"} {
			if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && len(col) > len(best) && f.factor(col).index(rest) >= 0 {
				best, level = col, rest
			}
		}
	}
	if best == "" {
		return nil
	}
	g := f.factor(best)
	at := g.index(level)
	out := make([]float64, f.Rows)
	for k, c := range g.code {
		out[k] = truth(c == at)
		if c < 0 {
			out[k] = math.NaN()
		}
	}
	return out
}

// calibration reads the options of a calibration.
func calibration(f *Frame, spec Args) (x [][]float64, totals []float64, opt weighting.CalibrateOptions) {
	names := spec.texts("columns")
	x, totals = auxiliaries(f, names), spec.numbers("totals")
	if len(totals) != len(names) {
		fail("the calibration has %d columns and %d totals", len(names), len(totals))
	}
	opt.Names = names
	switch fun := spec.text("calfun"); fun {
	case "", "linear":
	case "raking":
		opt.Distance = weighting.Raking
	case "logit":
		opt.Distance = weighting.Logit
	default:
		fail("calfun %q is not known; there are linear, raking and logit", fun)
	}
	if spec.has("bounds") {
		b := spec.numbers("bounds")
		if len(b) != 2 || !(b[0] < 1 && b[1] > 1) {
			fail("\"bounds\" are a number below 1 and one above, not %s", shown(spec["bounds"]))
		}
		if !math.IsInf(b[0], 0) || !math.IsInf(b[1], 0) {
			opt.Lower, opt.Upper = b[0], b[1]
		}
	}
	if opt.Distance == weighting.Logit && (opt.Upper == 0 || math.IsInf(opt.Lower, 0) || math.IsInf(opt.Upper, 0)) {
		fail("calfun logit needs two finite \"bounds\"")
	}
	if q, ok := strings.CutPrefix(spec.text("variance"), "proportional to "); ok {
		opt.Q = f.number(q)
		for k, v := range opt.Q {
			if !(v > 0) {
				f.refuse(k, q, "a variance proportional to %g is not above 0", v)
			}
		}
	}
	return x, totals, opt
}

func (r *run) calibrate(d *design) {
	from := r.parent(d)
	if from.reps != nil {
		r.calibrateReplicates(d)
		return
	}
	x, totals, opt := calibration(d.f, d.spec)
	if stage := int(d.spec.numberOr("aggregate_stage", 0)); stage > 0 {
		if stage > len(d.cluster) {
			fail("there is no stage %d to have equal factors in", stage)
		}
		c, rep, err := weighting.CalibrateClusters(from.d.Weights(), x, d.nested(stage), totals, weighting.PlainMean, opt)
		must(err)
		d.d, d.rep = try(from.d.CalibratedClusters(c)), &rep
	} else {
		w, rep, err := weighting.Calibrate(from.d.Weights(), x, totals, opt)
		must(err)
		d.d, d.rep = try(from.d.Calibrated(w, x, opt.Q)), &rep
	}
	d.calibrated = true
}

// nested numbers the units of a stage within those of the stages before, and
// those of the first within strata when their numbers start anew in each.
func (d *design) nested(stage int) []int {
	var parts []factor
	if strata := columnNames(d.sampled, "strata"); d.sampled.flag("nest") && len(strata) > 0 {
		parts = append(parts, d.f.factor(strata[0]))
	}
	for _, c := range d.cluster[:stage] {
		parts = append(parts, factor{code: c})
	}
	code, _ := cross(d.f.Rows, parts)
	return code
}
