package estimate_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chengyin/stats"
	"chengyin/stats/estimate"
	"chengyin/stats/internal/golden"
	"chengyin/stats/weighting"
)

func TestOwnReferenceCases(t *testing.T) {
	for _, id := range []string{
		"p11-ci-table", "p12-degenerate-domains", "p13-quantiles", "p17-rake-district", "p19-bootstrap-rao-wu", "p24-composite", "p25-waves",
	} {
		t.Run(id, func(t *testing.T) { runCase(t, loadCase(t, ownReference, id)) })
	}
}

func TestOutsideReferenceCases(t *testing.T) {
	dir := outsideReference(t)
	for _, id := range []string{
		"p01-stratified-fpc", "p02-cluster-one-stage", "p03-cluster-two-stage", "p04-nested-small-fpc", "p05-two-stage-mu284",
		"p06-nhanes-domains", "p07-ratio-scd", "p08-pps", "p09-crowd", "p10-hospital", "p11-ci-proportion", "p12-degenerate-domains",
		"p13-quantiles", "p14-poststratify", "p15-rake-two-margins", "p16-calibrate-bounds", "p17-rake-district", "p18-jackknife",
		"p19-bootstrap-rao-wu", "p24-composite", "p25-waves", "p26-rao-scott",
	} {
		t.Run(id, func(t *testing.T) { runCase(t, loadCase(t, dir, id)) })
	}
}

// TestOwnCasesAreTheOutsideOnes finds copies that have drifted apart.
func TestOwnCasesAreTheOutsideOnes(t *testing.T) {
	dir := outsideReference(t)
	for _, sub := range []string{"cases", "data", "expected"} {
		files, err := os.ReadDir(filepath.Join(ownReference, sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			theirs, err := os.ReadFile(filepath.Join(dir, sub, f.Name()))
			if os.IsNotExist(err) {
				continue // p11-ci-table.json is a part of a case
			}
			ours, err2 := os.ReadFile(filepath.Join(ownReference, sub, f.Name()))
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			if string(ours) != string(theirs) {
				t.Errorf("%s/%s differs", sub, f.Name())
			}
		}
	}
}

// run is a case being worked on.
type run struct {
	c       *refCase
	frames  map[string]*frame
	designs map[string]*design
}

// design is a reference design made ready.
type design struct {
	d          *estimate.Design
	rep        *estimate.Replicates // not nil: with replicate weights
	f          *frame
	spec       refDesign
	calibrated bool
}

func runCase(t *testing.T, c *refCase) {
	r := &run{c: c, frames: map[string]*frame{}, designs: map[string]*design{}}
	for name, path := range c.Data {
		r.frames[name] = loadFrame(t, filepath.Join(c.dir, path))
	}
	names := []string{}
	for name := range c.Designs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Run("design "+name, func(t *testing.T) { r.design(t, name) })
	}
	for _, q := range c.Queries {
		golden.Ask(t, c.ID, q.Name, q.Stat, q.Note, func(t *testing.T) {
			if q.Stat == "information" {
				t.Skip("for information")
			}
			r.query(t, q)
		})
	}
}

// design makes a named design and compares what R says about it.
func (r *run) design(t *testing.T, name string) *design {
	t.Helper()
	if d := r.designs[name]; d != nil {
		return d
	}
	spec, ok := r.c.Designs[name]
	if !ok {
		t.Fatalf("no design %q", name)
	}
	out := &design{spec: spec}
	switch spec.Kind {
	case "svydesign":
		r.svydesign(t, out, nil)
	case "trim":
		from := r.design(t, spec.From)
		w, _, err := weighting.Trim(from.d.Weights(), spec.Lower, spec.Upper, spec.Strict)
		if err != nil {
			t.Fatal(err)
		}
		out.spec = from.spec
		r.svydesign(t, out, w)
		out.spec = spec
	case "poststratify", "rake":
		from := r.design(t, spec.From)
		out.f, out.calibrated = from.f, true
		r.rake(t, from, out)
	case "calibrate":
		from := r.design(t, spec.From)
		out.f, out.calibrated = from.f, true
		r.calibrate(t, from, out)
	case "jackknife", "replicates", "rake_replicates":
		r.replicates(t, out)
	default:
		t.Fatalf("design of kind %q", spec.Kind)
	}
	r.designs[name] = out
	if spec.WeightsCSV != "" {
		r.checkWeights(t, out)
	}
	return out
}

// svydesign makes a design from its columns; weights not nil replace its own.
func (r *run) svydesign(t *testing.T, out *design, weights []float64) {
	spec := out.spec
	f := r.frames[spec.Data]
	out.f = f
	s := estimate.Spec{Rows: f.rows, Nest: spec.Nest}
	if spec.Weights != "" {
		s.Weight, _ = f.number(t, spec.Weights)
	}
	if spec.Probs != "" {
		s.Weight, _ = f.number(t, spec.Probs)
		for k, p := range s.Weight {
			s.Weight[k] = 1 / p
		}
	}
	if weights != nil {
		s.Weight = weights
	}
	for i := range max(1, len(spec.IDs)) {
		var st estimate.Stage
		if i < len(spec.IDs) {
			st.Unit, _ = f.codes(t, spec.IDs[i])
		}
		if i < len(spec.Strata) {
			st.Stratum, st.Names = f.codes(t, spec.Strata[i])
		}
		if sizes := list(spec.FPC); i < len(sizes) {
			st.Size, _ = f.number(t, sizes[i])
			st.PPS = spec.PPS == "brewer"
		}
		s.Stages = append(s.Stages, st)
	}
	d, err := estimate.NewDesign(s)
	if err != nil {
		t.Fatal(err)
	}
	out.d = d
	zero, _ := d.Total(make([]float64, f.rows), nil)
	e := d.Estimate(zero)
	if e.PSUs != spec.NPSU || e.Strata != spec.NStrata || e.DesignDF != spec.DF || d.Rows() != spec.N {
		t.Errorf("rows, PSUs, strata, df are %d, %d, %d, %d, want %d, %d, %d, %d",
			d.Rows(), e.PSUs, e.Strata, e.DesignDF, spec.N, spec.NPSU, spec.NStrata, spec.DF)
	}
}

// margins returns the margins of a design with the class table of its rows.
func (r *run) margins(t *testing.T, f *frame, spec refDesign) (class []int, cat [][]int, margins []weighting.Margin) {
	var vars [][]string
	if from := spec.MarginsFrom; from != nil {
		census := loadFrame(t, filepath.Join(r.c.dir, from.File))
		people, _ := census.number(t, from.Value)
		for _, v := range from.Vars {
			code, values := census.codes(t, v)
			m := weighting.Margin{Name: v, Categories: values, Targets: make([]float64, len(values))}
			for k, c := range code {
				m.Targets[c] += people[k]
			}
			margins, vars = append(margins, m), append(vars, []string{v})
		}
	}
	for _, rm := range spec.Margins {
		m := weighting.Margin{Name: strings.Join(rm.Vars, " x ")}
		for _, cell := range rm.Cells {
			key := make([]string, len(rm.Vars))
			for i, v := range rm.Vars {
				key[i] = cell[v].(string)
			}
			m.Categories = append(m.Categories, strings.Join(key, "|"))
			m.Targets = append(m.Targets, cell["total"].(float64))
		}
		margins, vars = append(margins, m), append(vars, rm.Vars)
	}
	cat = make([][]int, f.rows)
	class = make([]int, f.rows)
	for k := range cat {
		class[k] = k
	}
	for m, mg := range margins {
		code, values := f.codes(t, vars[m]...)
		for k, c := range code {
			i := slices.Index(mg.Categories, values[c])
			if i < 0 {
				t.Fatalf("no target for %s", values[c])
			}
			cat[k] = append(cat[k], i)
		}
	}
	return class, cat, margins
}

func (r *run) rake(t *testing.T, from, out *design) {
	class, cat, margins := r.margins(t, from.f, out.spec)
	d, rep, err := from.d.Rake(class, cat, margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !(rep.Worst <= 1e-12) {
		t.Errorf("margins are off by %g after %d sweeps", rep.Worst, rep.Sweeps)
	}
	out.d = d
}

func (r *run) checkWeights(t *testing.T, d *design) {
	t.Helper()
	want, _ := loadFrame(t, filepath.Join(r.c.dir, d.spec.WeightsCSV)).number(t, "w")
	w := d.d.Weights()
	if len(w) != len(want) {
		t.Fatalf("%d weights, want %d", len(w), len(want))
	}
	var sum, sq float64
	lo, hi := math.Inf(1), math.Inf(-1)
	for k := range w {
		checkNear(t, fmt.Sprintf("weight of row %d", k), w[k], want[k], d.spec.WeightsRelTol)
		sum += w[k]
		sq += w[k] * w[k]
		lo, hi = min(lo, w[k]), max(hi, w[k])
	}
	got := map[string]float64{"n": float64(len(w)), "sum": sum, "sum_sq": sq, "min": lo, "max": hi,
		"kish_deff": stats.WeightingEffect(w), "kish_neff": stats.EffectiveSize(w)}
	for name, x := range d.spec.WeightsSummary {
		checkNear(t, name, got[name], x, d.spec.WeightsRelTol)
	}
}

// column is a variable of a query: a number per row, NaN when missing.
type column struct {
	name string
	v    []float64
}

var (
	difference = regexp.MustCompile(`^I\(([\w.]+) ?([-/]) ?([\w.]+)\)$`)
	comparison = regexp.MustCompile(`^(?:I\()?([\w.]+) ?(>=|>|==) ?([\w.]+)\)?$`)
	factor     = regexp.MustCompile(`^factor\(([\w.]+)\)$`)
)

// columns expands a variable or R expression; text gives a column per level.
func columns(t *testing.T, f *frame, v string) []column {
	t.Helper()
	if m := difference.FindStringSubmatch(v); m != nil {
		a, _ := f.number(t, m[1])
		b, _ := f.number(t, m[3])
		out := make([]float64, f.rows)
		for k := range out {
			if out[k] = a[k] - b[k]; m[2] == "/" {
				out[k] = a[k] / b[k]
			}
		}
		return []column{{v, out}}
	}
	if comparison.MatchString(v) {
		yes := event(t, f, v)
		no := make([]float64, len(yes))
		for k := range yes {
			no[k] = 1 - yes[k]
		}
		return []column{{v + "FALSE", no}, {v + "TRUE", yes}}
	}
	name := v
	if m := factor.FindStringSubmatch(v); m != nil {
		name = m[1]
	} else if x, ok := f.number(t, v); ok {
		return []column{{v, x}}
	}
	code, values := f.codes(t, name)
	var out []column
	for i, level := range values {
		if level == "" {
			continue
		}
		x := make([]float64, f.rows)
		for k, c := range code {
			switch {
			case values[c] == "":
				x[k] = math.NaN()
			case c == i:
				x[k] = 1
			}
		}
		out = append(out, column{v + level, x})
	}
	return out
}

// event returns the 0/1 column of a condition.
func event(t *testing.T, f *frame, v string) []float64 {
	t.Helper()
	m := comparison.FindStringSubmatch(v)
	if m == nil {
		t.Fatalf("condition %q", v)
	}
	text := f.text(t, m[1])
	limit, err := strconv.ParseFloat(m[3], 64)
	out := make([]float64, f.rows)
	for k, s := range text {
		x, _ := strconv.ParseFloat(s, 64)
		if err != nil && m[2] != "==" {
			y, _ := strconv.ParseFloat(f.text(t, m[3])[k], 64)
			limit = y
		}
		switch {
		case s == "":
			out[k] = math.NaN()
		case m[2] == "==" && (s == m[3] || err == nil && x == limit),
			m[2] == ">=" && x >= limit, m[2] == ">" && x > limit:
			out[k] = 1
		}
	}
	return out
}
