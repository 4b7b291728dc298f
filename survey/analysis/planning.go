package analysis

import (
	"math"
	"regexp"
	"strings"

	"chengyin/stats/sampling"
)

func (r *run) sampleSize(q *Query) any {
	a := q.Args
	n := try(sampling.Size(sampling.Plan{Margin: a.number("e"), P: a.numberOr("p", 0.5), Population: a.numberOr("N", math.Inf(1)),
		Deff: a.numberOr("deff", 1), ResponseRate: a.numberOr("response_rate", 1), Level: confidence(a)}))
	return object{"n0", n.N0, "n_exact", n.Exact, "n", n.N, "invite", n.Invite}
}

func (r *run) margin(q *Query) any {
	a := q.Args
	return object{"value", try(sampling.Margin(a.whole("n"), a.numberOr("p", 0.5), a.numberOr("N", math.Inf(1)), a.numberOr("deff", 1), confidence(a)))}
}

func (r *run) changeSize(q *Query) any {
	a := q.Args
	return object{"value", try(sampling.ChangeSize(sampling.Change{P1: a.number("p1"), P2: a.number("p2"), Power: a.numberOr("power", 0.8),
		Alpha: a.numberOr("alpha", 0.05), Deff: a.numberOr("deff", 1), Overlap: a.numberOr("overlap", 0), Rho: a.numberOr("rho", 0)}))}
}

func (r *run) planDeff(q *Query) any {
	p := try(sampling.PlanDeff(q.Args.numberOr("kish", 1), q.Args.number("b"), q.Args.number("roh")))
	return object{"cluster", p.Cluster, "total", p.Total}
}

// mostWhole is how many units are handed out one by one.
const mostWhole = 20_000_000

// whole returns a setting that has to be a whole number of at least 0.
func (a Args) whole(key string) int {
	x := a.number(key)
	if !(x >= 0 && x <= 1e12) || x != math.Trunc(x) {
		fail("%q has to be a whole number, not %g", key, x)
	}
	return int(x)
}

var (
	priorities = regexp.MustCompile(`priority values (.+?) / sqrt\(k\(k\+1\)\)`)
	leastOf    = regexp.MustCompile(`minimum (\d+)`)
	weightedBy = regexp.MustCompile(`^(\S+)-weighted (\S+)$`)
)

// allocation divides n among strata. The sizes are a list of numbers, or an
// expression in N_h, P_h, S_h and c_h for the strata (subdistricts) of a file of
// areas, with _c for the areas themselves; definitions follow after commas and
// hold for the queries after.
func (r *run) allocation(q *Query) any {
	a := q.Args
	n := a.number("n")
	method := a.text("method")
	whole := strings.Contains(method, "Wright") || a.has("min")
	least := int(a.numberOr("min", 0))
	if m := leastOf.FindStringSubmatch(method); m != nil && !a.has("min") {
		least = int(m[1][0] - '0')
		if len(m[1]) > 1 {
			fail("the minimum of %q is too large", method)
		}
	}
	if _, list := a["size"].([]any); list {
		return r.allocate(n, a.numbers("size"), a, whole, least, object{}, nil)
	}
	text := a.text("size")
	if m := priorities.FindStringSubmatch(method); text == "" && m != nil {
		text = m[1]
	}
	if text == "" {
		fail("\"size\" is missing")
	}
	if r.planned == nil {
		r.planned = map[string]string{}
	}
	parts := strings.Split(text, ", ")
	for _, p := range parts[1:] {
		if name, def, ok := strings.Cut(p, " = "); ok {
			r.planned[strings.TrimSpace(name)] = strings.TrimSpace(def)
		}
	}
	expression, _, _ := strings.Cut(parts[0], " (")
	f := r.areaFrame(q)
	plan := &strata{r: r, f: f, a: a, own: strings.Contains(expression, "_c") && !strings.Contains(expression, "_h"), depth: 0}
	size := plan.value(expression)
	extra := object{}
	if strings.Contains(expression, "S_h") {
		extra = append(extra, "S", plan.value("S_h"))
	}
	people := plan.value(map[bool]string{true: "N_c", false: "N_h"}[plan.own])
	extra = append(extra, "N", people)
	return r.allocate(n, size, a, whole, least, extra, people)
}

func (r *run) allocate(n float64, size []float64, a Args, whole bool, least int, extra object, people []float64) any {
	out := extra
	if a.has("N") {
		people = a.numbers("N")
	}
	if whole {
		if n > mostWhole {
			fail("a sample of %g is too large to allocate in whole numbers; the most are %g", n, float64(mostWhole))
		}
		if people == nil || len(people) != len(size) {
			fail("whole numbers need the population \"N\" of each of the %d strata", len(size))
		}
		cap := make([]int, len(people))
		for i, x := range people {
			if !(x >= 0 && x <= 1e15) {
				fail("a population of %g is none", x)
			}
			cap[i] = int(x)
		}
		return append(out, "n", try(sampling.AllocateWhole(Args{"n": n}.whole("n"), size, cap, least)))
	}
	return append(out, "n_real", try(sampling.Allocate(n, size)))
}

// strata computes expressions for strata or for the areas of a file.
type strata struct {
	r     *run
	f     *Frame
	a     Args
	own   bool // each area is a stratum
	depth int
}

func (s *strata) value(expression string) []float64 {
	if s.depth++; s.depth > 20 {
		fail("the definition of %s goes in a circle", expression)
	}
	defer func() { s.depth-- }()
	e := try(parseExpr(expression))
	v, err := e.evaluate(func(name string) (value, bool) {
		x := s.look(name)
		return value{x: x}, x != nil
	}, 0)
	if err != nil {
		fail("%s: %w", expression, err)
	}
	return v.x
}

func (s *strata) look(name string) []float64 {
	if def, ok := s.r.planned[name]; ok {
		if m := weightedBy.FindStringSubmatch(def); m != nil {
			return s.weightedMean(m[2], m[1])
		}
		return s.value(def)
	}
	switch {
	case name == "N_h" || name == "N_c":
		return s.sum("N")
	case (name == "c_h" || name == "c_c") && s.a.has("cost"):
		return s.a.numbers("cost")
	case s.own && s.f.has(name):
		return s.f.complete(name)
	}
	return nil
}

// sum adds a column up over the strata.
func (s *strata) sum(column string) []float64 {
	v := s.f.complete(column)
	if s.own {
		return v
	}
	g := s.f.larger()
	out := make([]float64, len(g.levels))
	for k, c := range g.code {
		out[c] += v[k]
	}
	return out
}

func (s *strata) weightedMean(column, weight string) []float64 {
	v, w := s.f.complete(column), s.f.complete(weight)
	if s.own {
		return v
	}
	g := s.f.larger()
	top, bottom := make([]float64, len(g.levels)), make([]float64, len(g.levels))
	for k, c := range g.code {
		top[c] += w[k] * v[k]
		bottom[c] += w[k]
	}
	for i := range top {
		top[i] /= bottom[i]
	}
	return top
}
