package estimate

import (
	"fmt"
	"math"
	"strconv"

	"chengyin/stats"
)

// TwoSources are a sample of people who chose to answer (A: scans of a code) and
// a probability sample of the same population (B: visits), with the same
// covariates known in both. B need not have been asked the question; it shows
// what the population looks like, and so how the people of A differ from it. A
// person should be in one of them only. It is read-only once made.
type TwoSources struct {
	a, b   [][]float64
	d      *Design
	names  []string
	span   *span
	za, zb [][]float64 // rows in the coordinates of span
}

// OverlapError says that one of two sources cannot be weighted to the other:
// for some values of the covariate (or in a cell of that name) it has nobody, or
// A has more people there than the whole population. Leaving the covariate out,
// joining it with another, or restricting the population to the people both
// sources reach mends it; the last has to be said beside the figure.
type OverlapError struct {
	Covariate string
	Source    string // "nonprobability" or "probability", the one that falls short
	Why       string
}

// Error names the covariate and the source that falls short.
func (e *OverlapError) Error() string {
	return fmt.Sprintf("estimate: no overlap in %s: the %s sample %s", e.Covariate, e.Source, e.Why)
}

// NewTwoSources checks and joins the sources: a row of covariates for each row
// of A in a, for each row of the design of B in b, all of the same length, the 1
// of an intercept first, usually. The names of the columns are for messages;
// nil are their numbers.
//
// It panics when lengths differ. It returns a *stats.ValueError for a covariate
// that is not finite, ErrEmptyDomain when one of the sources has nobody, and an
// *OverlapError that names a covariate which varies in one source but is fixed
// by the others in the other: a group without a scan, for one. Covariates that
// depend on each other alike in both are no error.
func NewTwoSources(a [][]float64, d *Design, b [][]float64, names []string) (*TwoSources, error) {
	d.checkRows("covariates", len(b), false)
	t := &TwoSources{a: a, b: b, d: d, names: names}
	p := 0
	if len(b) > 0 {
		p = len(b[0])
	}
	people := 0.0
	var seen [][]float64 // B without rows of weight 0
	for k, row := range b {
		if err := t.checkRow("probability", k, row, p); err != nil {
			return nil, err
		}
		if d.w[k] > 0 {
			people += d.w[k]
			seen = append(seen, row)
		}
	}
	for k, row := range a {
		if err := t.checkRow("nonprobability", k, row, p); err != nil {
			return nil, err
		}
	}
	if len(a) == 0 || !(people > 0) || p == 0 {
		return nil, ErrEmptyDomain
	}
	columns := make([]int, p)
	for j := range columns {
		columns[j] = j
	}
	t.span = newSpan(append(append([][]float64{}, a...), seen...), columns)
	free := t.span.free
	for _, s := range []struct {
		name string
		rows [][]float64
	}{{"nonprobability", a}, {"probability", seen}} {
		left := newSpan(s.rows, free).free
		for i, j := range free {
			if i >= len(left) || left[i] != j {
				return nil, &OverlapError{Covariate: t.name(j), Source: s.name, Why: fixedWhy(s.rows, j)}
			}
		}
	}
	if len(free) == 0 {
		return nil, ErrEmptyDomain // covariates of zeros only
	}
	t.za, t.zb = t.span.rows(a), t.span.rows(b)
	return t, nil
}

func (t *TwoSources) checkRow(source string, k int, row []float64, p int) error {
	if len(row) != p {
		panic(fmt.Sprintf("estimate: row %d of the %s sample has %d covariates instead of %d", k, source, len(row), p))
	}
	for j, v := range row {
		what := "covariate " + t.name(j) + " of the " + source + " sample"
		switch {
		case !stats.IsFinite(v):
			return &stats.ValueError{What: what, Row: k, Value: v, Why: "is not finite"}
		case math.Abs(v) > 1e50:
			return &stats.ValueError{What: what, Row: k, Value: v, Why: "is too large"}
		}
	}
	return nil
}

func (t *TwoSources) name(j int) string {
	if j < len(t.names) {
		return t.names[j]
	}
	return strconv.Itoa(j)
}

// Among returns the sources with only the rows of A for which in is true, for a
// question that the others did not answer. Panics and errors are those of
// NewTwoSources.
func (t *TwoSources) Among(in []bool) (*TwoSources, error) {
	if len(in) != len(t.a) {
		panic(fmt.Sprintf("estimate: domain of %d rows for %d", len(in), len(t.a)))
	}
	var a [][]float64
	for k, row := range t.a {
		if in[k] {
			a = append(a, row)
		}
	}
	return NewTwoSources(a, t.d, t.b, t.names)
}

// fixedWhy says how column j is without variation of its own in the rows.
func fixedWhy(rows [][]float64, j int) string {
	for _, row := range rows {
		if row[j] != 0 {
			return "has nobody for whom it is not given by the covariates before it"
		}
	}
	return "has nobody there"
}

// span is the space of covariates in orthonormal coordinates z, x_free = R'z, so
// that covariates of any size and offset do equally well.
type span struct {
	p    int         // covariates
	free []int       // those that the ones before do not explain
	r    [][]float64 // r[i] is column i of the upper triangular R
}

// newSpan orthonormalises the columns by Gram-Schmidt done twice.
func newSpan(rows [][]float64, columns []int) *span {
	s := &span{p: len(columns)}
	var base [][]float64
	for _, j := range columns {
		c := make([]float64, len(rows))
		for k, row := range rows {
			c[k] = row[j]
		}
		full := length(c)
		r := make([]float64, len(base)+1)
		for range 2 {
			for i, q := range base {
				dot := inner(q, c)
				axpy(c, -dot, q)
				r[i] += dot
			}
		}
		left := length(c)
		if !(left > 1e-9*full) {
			continue
		}
		for k := range c {
			c[k] /= left
		}
		r[len(base)] = left
		base, s.free, s.r = append(base, c), append(s.free, j), append(s.r, r)
	}
	return s
}

// rows returns the coordinates of rows of covariates.
func (s *span) rows(x [][]float64) [][]float64 {
	out := make([][]float64, len(x))
	for k, row := range x {
		z := make([]float64, len(s.free))
		for i, j := range s.free {
			z[i] = (row[j] - inner(s.r[i][:i], z)) / s.r[i][i]
		}
		out[k] = z
	}
	return out
}

// coef returns the coefficients of the covariates from those of z, 0 for a
// covariate that others explain.
func (s *span) coef(z []float64) []float64 {
	out, left := make([]float64, s.p), append([]float64(nil), z...)
	for i := len(s.free) - 1; i >= 0; i-- {
		b := left[i] / s.r[i][i]
		out[s.free[i]] = b
		axpy(left, -b, s.r[i])
	}
	return out
}

func length(v []float64) float64 { return math.Sqrt(inner(v, v)) }
