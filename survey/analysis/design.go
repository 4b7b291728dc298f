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
	if err := r.c.wrong[name]; err != nil {
		panic(fault{err})
	}
	spec, ok := r.c.Designs.At[name]
	if name == "" && !ok {
		fail("the query names no \"design\"; the case has %s", listed(r.c.Designs.Names))
	}
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
	if s.Weight == nil && !d.corrected { // as in R
		s.Weight = slices.Repeat([]float64{1}, d.f.Rows)
	}
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
