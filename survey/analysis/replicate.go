package analysis

import (
	"math"
	"slices"
	"strings"

	"chengyin/stats/estimate"
	"chengyin/stats/weighting"
)

// jackknife makes replicates by leaving out PSUs.
func (r *run) jackknife(d *design) {
	from := r.parent(d)
	opt := estimate.ReplicateOptions{MSE: d.spec.flag("mse"), Correction: estimate.FirstStage}
	if d.spec.has("fpc") && !d.spec.flag("fpc") {
		opt.Correction = estimate.NoCorrection
	}
	sample := from.rows()
	from.varies(nil)
	kind := d.spec.text("type")
	if kind == "" || kind == "auto" {
		kind = map[bool]string{true: "JK1", false: "JKn"}[d.strata == 1]
	}
	switch kind {
	case "JK1":
		d.reps = try(sample.JK1(opt))
	case "JKn":
		d.reps = try(sample.JKn(opt))
	default:
		fail("jackknife type %q is not known; there are JK1 and JKn", kind)
	}
}

// givenReplicates takes replicate weights or counts that come with the case.
func (r *run) givenReplicates(d *design) {
	var from *design
	if name := d.spec.text("from"); r.c.Designs.At[name] != nil {
		from = r.parent(d)
	} else {
		if name == "" {
			name = d.spec.text("data")
		}
		d.f = r.data(name)
	}
	if d.spec.has("counts") {
		if from == nil {
			fail("counts of a bootstrap need \"from\", the design they were drawn from")
		}
		r.bootstrap(d, from)
		return
	}
	kind := strings.ToLower(d.spec.text("type"))
	opt := estimate.ReplicateOptions{MSE: d.spec.flag("mse")}
	if !d.spec.has("repweights") {
		if from != nil {
			from.varies(nil)
		}
		r.drawnReplicates(d, from, kind, opt)
		return
	}
	s := estimate.ReplicateSpec{MSE: opt.MSE, Factors: d.spec.has("combined") && !d.spec.flag("combined")}
	s.Replicate = replicateColumns(d.f, d.spec)
	switch {
	case d.spec.has("weights"):
		s.Weight = givenWeights(d.f, d.spec)
	case from != nil:
		s.Weight, s.Design = from.weights(), from.rows()
	default:
		s.Weight = slices.Repeat([]float64{1}, d.f.Rows)
	}
	n := len(s.Replicate)
	switch {
	case d.spec.has("scale"):
		s.Scale = d.spec.number("scale")
	case kind == "brr":
		s.Scale = estimate.BRRScale(n)
	case kind == "fay":
		s.Scale = estimate.FayScale(n, d.spec.number("rho"))
	case kind == "bootstrap" && n > 1:
		s.Scale = estimate.BootstrapScale(n)
	default:
		fail("replicate weights of type %q need their \"scale\"", d.spec.text("type"))
	}
	if d.spec.has("rscales") {
		s.RScales = d.spec.numbers("rscales")
		if len(s.RScales) == 1 {
			s.RScales = slices.Repeat(s.RScales, n)
		}
		if len(s.RScales) != n {
			fail("there are %d replicates and %d rscales", n, len(s.RScales))
		}
	}
	d.reps = try(estimate.NewReplicates(s))
	if from == nil {
		d.psus, d.strata = d.f.Rows, 1
	}
}

// replicateColumns reads a matrix of a row per row of the data, or the names of
// the columns that hold it.
func replicateColumns(f *Frame, spec Args) [][]float64 {
	list, _ := spec["repweights"].([]any)
	if len(list) == 0 {
		fail("\"repweights\" are a row of numbers for each row of the data, or the names of columns")
	}
	if _, named := list[0].(string); named {
		var out [][]float64
		for _, name := range spec.texts("repweights") {
			out = append(out, f.complete(name))
		}
		return out
	}
	if len(list) != f.Rows {
		fail("\"repweights\" have %d rows, %s has %d", len(list), f.Path, f.Rows)
	}
	var out [][]float64
	for k, row := range list {
		v := Args{"repweights": row}.numbers("repweights")
		if k == 0 {
			out = make([][]float64, len(v))
		}
		if len(v) != len(out) || len(v) == 0 {
			fail("row %d of \"repweights\" has %d numbers, the first %d", k+1, len(v), len(out))
		}
		for i, x := range v {
			out[i] = append(out[i], x)
		}
	}
	return out
}

// drawnReplicates makes replicates that need nothing but the design.
func (r *run) drawnReplicates(d, from *design, kind string, opt estimate.ReplicateOptions) {
	if from == nil {
		fail("replicate weights need \"repweights\", \"counts\" or a design in \"from\" to draw them from")
	}
	switch kind {
	case "brr":
		d.reps = try(from.rows().BRR(0, opt))
	case "fay":
		rho := d.spec.number("rho")
		if !(rho >= 0 && rho < 1) {
			fail("\"rho\" is at least 0 and below 1, not %g", rho)
		}
		d.reps = try(from.rows().BRR(rho, opt))
	case "bootstrap", "subbootstrap":
		n, seed := d.spec.number("replicates"), d.spec.numberOr("seed", 1)
		if !(n >= 2 && n <= 1e5) || !(seed >= 0 && seed <= 1<<53) {
			fail("a bootstrap takes 2 to 100000 \"replicates\" and a \"seed\" of at least 0")
		}
		d.reps = try(from.rows().Bootstrap(from.rows().DrawBootstrap(uint64(seed), int(n)), opt))
	default:
		fail("replicate type %q is not known; there are BRR, Fay, bootstrap and given weights", d.spec.text("type"))
	}
}

// bootstrap reads how often each PSU was drawn: a row per PSU, named by a key
// column, and a column per replicate.
func (r *run) bootstrap(d, from *design) {
	counts := r.frame(d.spec.text("counts"))
	key := d.spec.text("key")
	if key == "" {
		key = columnNames(d.sampled, "ids")[0]
	}
	ids, strata := columnNames(d.sampled, "ids"), columnNames(d.sampled, "strata")
	if len(ids) == 0 {
		ids = []string{key}
	}
	unit := d.f.completeFactor(ids[0])
	name := counts.completeFactor(key)
	sample := from.rows()
	row := map[estimate.PSU]int{}
	stratum := func(k int, f *Frame) int { return 0 }
	if len(strata) > 0 && counts.has(strata[0]) {
		own, theirs := d.f.completeFactor(strata[0]), counts.completeFactor(strata[0])
		stratum = func(k int, f *Frame) int {
			if f == counts {
				return own.index(theirs.levels[theirs.code[k]])
			}
			return own.code[k]
		}
	}
	for k, c := range name.code {
		at := unit.index(name.levels[c])
		if at < 0 {
			counts.refuse(k, key, "there is no PSU %s in %s", name.levels[c], d.f.Path)
		}
		row[estimate.PSU{Stratum: stratum(k, counts), Unit: at}] = k
	}
	var columns [][]float64
	for _, n := range counts.Names {
		if n != key && !slices.Contains(strata, n) && counts.isNumber(n) {
			columns = append(columns, counts.complete(n))
		}
	}
	if len(columns) < 2 {
		fail("%s has %d columns of counts, and a bootstrap needs two at least", counts.Path, len(columns))
	}
	drawn := make([][]int, len(columns))
	for _, p := range sample.PSUs() {
		if len(strata) == 0 || !counts.has(strata[0]) {
			p.Stratum = 0
		}
		k, ok := row[p]
		if !ok {
			panic(fault{&DataError{File: counts.Path, Column: key, Why: "there is no row for PSU " + unit.levels[p.Unit]}})
		}
		for i, v := range columns {
			if v[k] != math.Trunc(v[k]) || v[k] < 0 || v[k] > 1e6 {
				counts.refuse(k, key, "%g is no count", v[k])
			}
			drawn[i] = append(drawn[i], int(v[k]))
		}
	}
	d.reps = try(sample.Bootstrap(drawn, estimate.ReplicateOptions{MSE: d.spec.flag("mse")}))
	if scale, _ := d.reps.Scales(); d.spec.has("scale") && math.Abs(d.spec.number("scale")/scale-1) > 1e-9 {
		fail("the scale of %d bootstrap replicates is %g, not %g", len(columns), scale, d.spec.number("scale"))
	}
}

// rakeReplicates rakes the full weights and every replicate.
func (r *run) rakeReplicates(d *design) {
	from := r.parent(d)
	m := r.margins(d)
	out, rep, err := from.replicates().Rake(m.class, m.cat, m.margins, weighting.Options{})
	must(err)
	d.reps, d.rep, d.calibrated = out, &rep, true
}

// calibrateReplicates calibrates the full weights and every replicate.
func (r *run) calibrateReplicates(d *design) {
	from := r.parent(d)
	x, totals, opt := calibration(d.f, d.spec)
	out, rep, err := from.replicates().Calibrate(x, totals, opt)
	must(err)
	d.reps, d.rep, d.calibrated = out, &rep, true
}
