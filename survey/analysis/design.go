package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"chengyin/stats/estimate"
	"chengyin/stats/weighting"
)

// design is a sample ready for questions: rows with linearised variances (d), or
// replicate weights (reps).
type design struct {
	name       string
	spec       Args
	kind       string
	f          *Frame
	d          *estimate.Design
	reps       *estimate.Replicates
	from       *design // what it was derived from
	sampled    Args    // the svydesign it goes back to
	cluster    [][]int // stage by stage, the unit of each row
	calibrated bool
	corrected  bool   // sizes were given
	alone      error  // why strata with one PSU forbid a variance; nil when they do not
	lonely     []bool // rows of those strata
	psus       int
	strata     int
	rep        *weighting.Report
}

func (d *design) weights() []float64 {
	if d.reps != nil {
		return d.reps.Weights()
	}
	return d.d.Weights()
}

// df returns the degrees of freedom of the whole design.
func (d *design) df() int { return d.domainDF(nil) }

// domainDF returns the degrees of freedom of a domain.
func (d *design) domainDF(in []bool) int {
	if d.reps != nil {
		return d.reps.DF(in)
	}
	return d.d.DF(in)
}

// varies stops where a variance over the rows of in (nil: all) would need that
// of a stratum with a single PSU. As in R such a design has weights and tables,
// and domains outside of the stratum have their precision.
func (d *design) varies(in []bool) {
	if d.alone == nil {
		return
	}
	for k, l := range d.lonely {
		if d.calibrated || l && (in == nil || in[k]) {
			panic(fault{d.alone})
		}
	}
}

// rows returns the linearised design, which some questions need.
func (d *design) rows() *estimate.Design {
	if d.d == nil {
		fail("design %q has replicate weights; this statistic needs the sampling design itself", d.name)
	}
	return d.d
}

// replicates returns the replicate weights, which some questions need.
func (d *design) replicates() *estimate.Replicates {
	if d.reps == nil {
		fail("design %q has no replicate weights; derive one of kind jackknife or replicates", d.name)
	}
	return d.reps
}

// kinds of designs.
var kinds map[string]func(r *run, d *design)

func init() {
	kinds = map[string]func(r *run, d *design){
		"svydesign": (*run).svydesign, "poststratify": (*run).rake, "rake": (*run).rake, "calibrate": (*run).calibrate, "trim": (*run).trim,
		"jackknife": (*run).jackknife, "replicates": (*run).givenReplicates, "rake_replicates": (*run).rakeReplicates,
		"poststratify_replicates": (*run).rakeReplicates, "calibrate_replicates": (*run).calibrateReplicates,
	}
}

// design makes a design once. The error of one is said wherever it is used.
func (r *run) design(name string) *design {
	if d := r.designs[name]; d != nil {
		return d
	}
	if err, begun := r.made[name]; begun {
		if err == nil {
			fail("design %q is made from itself", name)
		}
		panic(fault{fmt.Errorf("design %q: %w", name, err)})
	}
	spec, ok := r.c.Designs.At[name]
	if !ok {
		fail("there is no design %q; the case has %s", name, listed(r.c.Designs.Names))
	}
	r.made[name] = nil
	d := &design{name: name, spec: spec}
	if err := guard(func() { r.make(d) }); err != nil {
		r.made[name] = err
		panic(fault{err})
	}
	r.designs[name] = d
	return d
}

func (r *run) make(d *design) {
	d.kind = d.spec.text("kind")
	if d.kind == "" {
		d.kind = "svydesign"
	}
	build := kinds[d.kind]
	if build == nil {
		fail("design kind %q is not known; there are %s", d.kind, listed(sortedKeys(kinds)))
	}
	build(r, d)
}

func sortedKeys[T any](m map[string]T) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// parent is the design that a design is derived from.
func (r *run) parent(d *design) *design {
	name := d.spec.text("from")
	if name == "" {
		fail("a design of kind %s needs \"from\", the design it is made from", d.kind)
	}
	p := r.design(name)
	d.from, d.f, d.sampled, d.cluster, d.corrected = p, p.f, p.sampled, p.cluster, p.corrected
	d.psus, d.strata, d.calibrated = p.psus, p.strata, p.calibrated
	d.alone, d.lonely = p.alone, p.lonely
	return p
}

// svydesign makes a design from columns.
func (r *run) svydesign(d *design) {
	r.sample(d, d.spec, nil)
}

// sample makes the design of a spec; weights not nil take the place of its own.
func (r *run) sample(d *design, spec Args, weights []float64) {
	name := spec.text("data")
	if name == "" && len(r.c.Data.Names) == 1 {
		name = r.c.Data.Names[0]
	}
	d.sampled = spec
	d.f = r.data(name)
	s := estimate.Spec{Rows: d.f.Rows, Nest: spec.flag("nest"), Lonely: r.lonely(spec), Weight: weights}
	if weights == nil {
		s.Weight = givenWeights(d.f, spec)
	}
	ids, strata, sizes := columnNames(spec, "ids"), columnNames(spec, "strata"), columnNames(spec, "fpc")
	d.corrected = len(sizes) > 0
	for i := range max(1, len(ids)) {
		var st estimate.Stage
		unit := make([]int, d.f.Rows)
		for k := range unit {
			unit[k] = k
		}
		if i < len(ids) {
			st.Unit = d.f.completeFactor(ids[i]).code
			unit = st.Unit
		}
		d.cluster = append(d.cluster, unit)
		if i < len(strata) {
			g := d.f.completeFactor(strata[i])
			st.Stratum, st.Names = g.code, g.levels
		}
		if i < len(sizes) {
			st.Size = d.f.complete(sizes[i])
			for k, x := range st.Size {
				if !(x > 0) {
					d.f.refuse(k, sizes[i], "a population size of %g is not above 0", x)
				}
			}
		}
		switch pps := spec.text("pps"); pps {
		case "", "FALSE":
		case "brewer":
			st.PPS = st.Size != nil
		default:
			fail("pps %q is not known; there is brewer", pps)
		}
		s.Stages = append(s.Stages, st)
	}
	var err error
	d.d, err = estimate.NewDesign(s)
	d.alone, d.lonely = nil, nil
	if lone := (*estimate.LonelyError)(nil); errors.As(err, &lone) {
		d.alone, d.lonely = err, lonelyRows(s, lone)
		s.Lonely = estimate.Remove // for what needs no variance
		d.d, err = estimate.NewDesign(s)
	}
	must(err)
	d.psus, d.strata = len(d.d.PSUs()), distinctStrata(d.d.PSUs())
}

// lonelyRows marks the rows of strata with a single PSU. At later stages, where
// the strata are inside units, it marks all rows.
func lonelyRows(s estimate.Spec, lone *estimate.LonelyError) []bool {
	out := slices.Repeat([]bool{true}, s.Rows)
	first := s.Stages[0]
	if lone.Stage != 1 || first.Stratum == nil {
		return out
	}
	for k, h := range first.Stratum {
		out[k] = slices.Contains(lone.Strata, first.Names[h])
	}
	return out
}

func distinctStrata(psus []estimate.PSU) int {
	seen := map[int]bool{}
	for _, p := range psus {
		seen[p.Stratum] = true
	}
	return len(seen)
}

// columnNames reads a list of columns, which may be written as R's formula.
func columnNames(spec Args, key string) []string {
	var out []string
	for _, s := range spec.texts(key) {
		for _, part := range strings.Split(strings.TrimPrefix(strings.TrimSpace(s), "~"), "+") {
			if part = strings.TrimSpace(part); part != "" && part != "1" && part != "0" {
				out = append(out, part)
			}
		}
	}
	return out
}

// givenWeights reads weights or inclusion probabilities; nil when there are none.
func givenWeights(f *Frame, spec Args) []float64 {
	for _, key := range []string{"weights", "probs"} {
		cols := columnNames(spec, key)
		if len(cols) == 0 {
			continue
		}
		w := slices.Clone(f.complete(cols[0]))
		for k, x := range w {
			switch {
			case key == "weights" && x < 0:
				f.refuse(k, cols[0], "a weight of %g is negative", x)
			case key == "probs" && !(x > 0 && x <= 1):
				f.refuse(k, cols[0], "a probability of %g is not above 0 and at most 1", x)
			case key == "probs":
				w[k] = 1 / x
			}
		}
		return w
	}
	return nil
}

// lonely reads what a stratum with a single PSU adds.
func (r *run) lonely(spec Args) estimate.LonelyRule {
	rule := spec.text("lonely_psu")
	if rule == "" {
		rule = Args(r.c.Options).text("survey.lonely.psu")
	}
	for _, known := range []estimate.LonelyRule{estimate.Fail, estimate.Remove, estimate.Certainty, estimate.Adjust, estimate.Average} {
		if rule == known.String() {
			return known
		}
	}
	if rule != "" {
		fail("the rule %q for a stratum with one PSU is not known; there are fail, remove, certainty, adjust and average", rule)
	}
	return estimate.Fail
}

// trim cuts weights.
func (r *run) trim(d *design) {
	from := r.parent(d)
	lower, upper := d.spec.numberOr("lower", 0), d.spec.numberOr("upper", math.Inf(1))
	lower = max(lower, 0) // R's default is -Inf
	if !(lower <= upper) {
		fail("weights cannot be cut to between %g and %g", lower, upper)
	}
	if from.calibrated || from.d == nil {
		fail("trimming has to come before calibration and replication")
	}
	w, _, err := weighting.Trim(from.d.Weights(), lower, upper, d.spec.flag("strict"))
	must(err)
	d.cluster = nil
	r.sample(d, from.sampled, w)
}

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
