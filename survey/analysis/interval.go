package analysis

import (
	"math"
	"strings"

	"chengyin/stats/estimate"
)

// methods are intervals of a proportion by name.
var methods = map[string]estimate.Method{
	"mean": estimate.Wald, "wald": estimate.Wald, "logit": estimate.Logit, "xlogit": estimate.Logit, "asin": estimate.ArcSine, "arcsine": estimate.ArcSine,
	"beta": estimate.Beta, "wilson": estimate.Wilson, "kg_capped": estimate.BetaCapped, "wilson_capped": estimate.WilsonCapped,
	"clopper-pearson": estimate.BetaCapped,
}

func method(name string) estimate.Method {
	m, ok := methods[name]
	if !ok {
		fail("method %q of an interval is not known; there are %s", name, listed(sortedKeys(methods)))
	}
	return m
}

// confidence reads the level of an interval, 0.95 when it is not given.
func confidence(a Args) float64 {
	level := a.numberOr("level", 0.95)
	if !(level > 0 && level < 1) {
		fail("a level is between 0 and 1, not %g", level)
	}
	return level
}

// pair is an interval as a case writes it; without one both ends are NaN.
func pair(i estimate.Interval, err error) []float64 {
	if err != nil {
		return []float64{math.NaN(), math.NaN()}
	}
	return []float64{i.Lower, i.Upper}
}

// proportion answers ciprop.
func (r *run) proportion(q *Query) any {
	d := r.design(q.Design)
	m, level := method(q.Args.text("method")), confidence(q.Args)
	y := column{q.Args.text("event"), d.f.event(q.Args.text("event"))}
	in, _ := d.f.domain(q.Args)
	in = d.f.answered([]column{y}, in, true)
	one := func(in []bool) (object, error) {
		f := d.figures("mean", []column{y}, nil, in)[0]
		n, df := f.n, float64(f.df)
		if m == estimate.Beta {
			n = d.counted(in)
		}
		switch q.Args["df"] {
		case "Inf":
			df = math.Inf(1)
		case nil, "domain", "degf":
		default:
			df = q.Args.number("df")
		}
		i, err := estimate.Proportion(m, clip(f.value), f.variance, n, df, level)
		return object{"estimate", f.value, "se", f.se, "ci", pair(i, err), "n", f.n, "df", df}, err
	}
	by := q.Args.texts("by")
	if len(by) == 0 {
		return try(one(in))
	}
	var rows []object
	for _, g := range d.f.groups(by, in) {
		row, _ := one(g.in) // a group too small for an interval has none
		rows = append(rows, append(object{"by", g.by}, row...))
	}
	return object{"rows", rows}
}

// counted returns the number of rows that R takes a domain to have: those of
// weight 0 too, and all rows of the data when the design is calibrated.
func (d *design) counted(in []bool) int {
	if d.calibrated && d.d != nil {
		return d.f.Rows
	}
	n := 0
	for _, member := range in {
		n += int(truth(member))
	}
	return n
}

// clip takes off what rounding adds to a share.
func clip(p float64) float64 {
	if p > 1 && p < 1+1e-12 {
		return 1
	}
	if p < 0 && p > -1e-12 {
		return 0
	}
	return p
}

// intervals answers ci_function: for a table of p, se, n, df and level, for one
// p and n, or for the groups of a design.
func (r *run) intervals(q *Query) any {
	switch {
	case q.Args.has("input"):
		return r.intervalTable(r.frame(q.Args.text("input")))
	case q.Args.has("var"):
		return r.domainIntervals(q)
	}
	p, n := q.Args.number("p"), q.Args.number("n")
	if !(n >= 1) || n != math.Trunc(n) || n > 1e9 || !(p >= 0 && p <= 1) {
		fail("p is between 0 and 1 and n a whole number of at least 1, not %g and %g", p, n)
	}
	name := q.Args.text("method")
	m, df := method(name), n-1
	v := p * (1 - p) / n
	if !q.Args.has("se") && !q.Args.has("df") { // a simple random sample, as R's binom.test and prop.test take it
		switch name {
		case "clopper-pearson":
			return object{"ci", pair(try(estimate.ClopperPearson(p*n, n, confidence(q.Args))), nil)}
		case "wilson":
			return object{"ci", pair(try(estimate.WilsonScore(p*n, n, confidence(q.Args))), nil)}
		}
	}
	if name == "wilson" {
		df = math.Inf(1)
	}
	df = q.Args.numberOr("df", df)
	if q.Args.has("se") {
		v = q.Args.number("se") * q.Args.number("se")
	}
	return object{"ci", pair(try(estimate.Proportion(m, p, v, int(n), df, confidence(q.Args))), nil)}
}

func (r *run) intervalTable(f *Frame) any {
	col := map[string][]float64{}
	for _, name := range []string{"p", "se", "n", "level"} {
		col[name] = f.complete(name)
	}
	col["df"] = f.read("df").v // may be Inf
	var rows []object
	for k := range f.Rows {
		p, se, n, level := col["p"][k], col["se"][k], col["n"][k], col["level"][k]
		for _, name := range []string{"wald", "xlogit", "asin", "beta", "wilson", "kg_capped", "wilson_capped"} {
			m := methods[name]
			if inside := p > 0 && p < 1; !inside && m != estimate.Wald && m != estimate.BetaCapped && m != estimate.WilsonCapped {
				continue
			}
			if !(level > 0 && level < 1) {
				f.refuse(k, "level", "%g is not between 0 and 1", level)
			}
			i, err := estimate.Proportion(m, p, se*se, int(n), col["df"][k], level)
			ci := pair(i, err)
			rows = append(rows, object{"row", k + 1, "method", name, "lower", ci[0], "upper", ci[1]})
		}
	}
	return object{"rows", rows}
}

// domainIntervals answers what is published for small domains.
func (r *run) domainIntervals(q *Query) any {
	d := r.design(q.Design)
	y := column{q.Args.text("var"), d.f.number(q.Args.text("var"))}
	all, _ := d.f.domain(q.Args)
	in := d.f.answered([]column{y}, all, true)
	whole := d.figures("mean", []column{y}, nil, in)[0]
	df, level := d.df(), confidence(q.Args)
	var rows []object
	for _, g := range d.f.groups(q.Args.texts("by"), in) {
		f := d.figures("mean", []column{y}, nil, both(g.in, in))[0]
		p := clip(f.value)
		capped, err1 := estimate.Proportion(estimate.BetaCapped, p, f.variance, f.n, float64(df), level)
		wilson, err2 := estimate.Proportion(estimate.WilsonCapped, p, f.variance, f.n, float64(df), level)
		borrowed, err3 := estimate.Borrowed(p, f.variance, f.n, whole.deffReplace, level)
		published, err4 := estimate.PublishedProportion(p, f.variance, f.n, f.df, whole.deffReplace, level)
		rows = append(rows, object{"by", g.by, "n", f.n, "n_psu", f.psus, "p", f.value, "se", f.se,
			"kg_capped", pair(capped, err1), "wilson_capped", pair(wilson, err2), "borrowed", pair(borrowed, err3), "published", pair(published, err4)})
	}
	return object{"df", df, "deff_district", whole.deffReplace, "rows", rows}
}

// published answers the rates of a table to publish, with the intervals that
// "interval" names.
func (r *run) published(q *Query) any {
	d := r.design(q.Design)
	rule := q.Args.text("interval")
	if rule == "" {
		rule = "kg_capped"
	}
	var wanted []string
	for _, word := range strings.FieldsFunc(rule, func(c rune) bool { return c == ' ' || c == ',' || c == ';' }) {
		if _, ok := methods[word]; ok {
			wanted = append(wanted, word)
		}
	}
	if len(wanted) == 0 {
		fail("\"interval\" names no method; there are %s", listed(sortedKeys(methods)))
	}
	vars := q.Args.texts("vars")
	if len(vars) == 0 {
		vars = q.Args.texts("var")
	}
	own := strings.Contains(rule, "domain")
	level := confidence(q.Args)
	all, _ := d.f.domain(q.Args)
	var rows []object
	one := func(head object, y column, in []bool) {
		in = d.f.answered([]column{y}, in, q.Args.flag("na_rm"))
		f := d.figures("mean", []column{y}, nil, in)[0]
		df := d.df()
		if own {
			df = f.df
		}
		p := clip(f.value)
		row := append(head, "n", f.n, "df", df, "estimate", f.value, "se", f.se, "n_eff", p*(1-p)/f.variance)
		for _, name := range wanted {
			i, err := estimate.Proportion(methods[name], p, f.variance, f.n, float64(df), level)
			row = append(row, name, pair(i, err))
		}
		rows = append(rows, row)
	}
	for _, y := range d.f.expand(vars) {
		if by := q.Args.texts("by"); len(by) > 0 {
			for _, g := range d.f.groups(by, all) {
				one(object{"by", g.by, "var", y.name}, y, g.in)
			}
			continue
		}
		one(object{"var", y.name}, y, all)
	}
	return object{"df", d.df(), "rows", rows}
}
