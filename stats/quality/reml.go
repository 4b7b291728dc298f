package quality

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"chengyin/stats"

	"gonum.org/v1/gonum/mat"
)

// Factor is a random effect: the interviewer, the area.
type Factor struct {
	Name  string
	Level []int // of each row; negative is missing
}

// Components are the variances of a mixed model.
type Components struct {
	N         int       // rows used
	Beta      []float64 // fixed effects, the intercept first
	Variance  []float64 // of each factor
	Residual  float64
	ICC       []float64 // each factor's part of the sum of all variances
	Criterion float64   // -2 log restricted likelihood, as lme4 counts it
	// Nested[f] says that every level of factor f occurs with one level only of
	// each other factor: its variance is told apart from theirs by the spread
	// inside those, and by nothing else.
	Nested []bool
}

// mostLevels bounds the levels of all factors, as work grows with their cube.
const mostLevels = 3000

// ConfoundedError says that two factors sort the rows into the same groups, so
// that their variances cannot be told apart: each interviewer has one area, and
// each area one interviewer.
type ConfoundedError struct{ A, B string }

// Error names both factors.
func (e *ConfoundedError) Error() string {
	return fmt.Sprintf("quality: %s and %s sort the answers into the same groups and cannot be told apart", e.A, e.B)
}

// DependentError says that a fixed effect is a combination of those before it.
type DependentError struct{ Column int }

// Error names the column, counted from 0.
func (e *DependentError) Error() string {
	return fmt.Sprintf("quality: fixed effect %d is a combination of those before it and the intercept", e.Column)
}

// ErrNoConvergence says that the likelihood has no maximum that could be found.
var ErrNoConvergence = errors.New("quality: the restricted likelihood did not converge")

// REML fits the mixed model
//
//	y = b_0 + \sum_j x_j b_j + \sum_f u_f[level] + e,  u_f ~ N(0, v_f),  e ~ N(0, v_e)
//
// by restricted maximum likelihood. Columns x hold the fixed effects without
// the intercept, such as the indicators of age bands (all but one), and may be
// nil. Factors may be crossed, which is what tells the interviewer from the
// area. Rows with a missing answer, fixed effect or level are left out. A
// variance of 0 is an answer: the factor shows no spread of its own. With one
// factor, equal loads and MSB > MSW the result is that of ICC.
//
// The likelihood is climbed by Fisher scoring with variances kept at 0 or above
// and steps halved until it rises.
//
// It returns a *GroupError when a factor has fewer than two levels, when there
// are more than 3000 levels in all, and when nothing is left to explain; a
// *ConfoundedError, a *DependentError, ErrNoConvergence, and a
// *stats.ValueError for an infinite number. It panics for unequal lengths and
// without factors.
//
// See Patterson & Thompson (1971), Biometrika 58, 545-554; Searle, Casella &
// McCulloch (1992), Variance Components, ch. 6; it is lmer of the R package
// lme4.
func REML(y []float64, x [][]float64, factors []Factor) (Components, error) {
	rows, err := modelRows(y, x, factors)
	if err != nil {
		return Components{}, err
	}
	m, err := newMixed(y, x, factors, rows)
	if err != nil {
		return Components{}, err
	}
	out, err := m.fit()
	if err != nil {
		return Components{}, err
	}
	out.N = len(rows)
	out.Nested = m.nested
	return out, nil
}

// modelRows returns the rows that have everything.
func modelRows(y []float64, x [][]float64, factors []Factor) ([]int, error) {
	if len(factors) == 0 {
		panic("quality: a mixed model without factors")
	}
	for _, f := range factors {
		if len(f.Level) != len(y) {
			panic(fmt.Sprintf("quality: %d answers and %d levels of %s", len(y), len(f.Level), f.Name))
		}
	}
	ok := make([]bool, len(y))
	for i, v := range y {
		if math.IsInf(v, 0) {
			return nil, &stats.ValueError{What: "answer", Row: i, Value: v, Why: "is not finite"}
		}
		ok[i] = !math.IsNaN(v)
		for _, f := range factors {
			ok[i] = ok[i] && f.Level[i] >= 0
		}
	}
	for j, col := range x {
		if len(col) != len(y) {
			panic(fmt.Sprintf("quality: %d answers and %d rows of fixed effect %d", len(y), len(col), j))
		}
		for i, v := range col {
			if math.IsInf(v, 0) {
				return nil, &stats.ValueError{What: fmt.Sprintf("fixed effect %d", j), Row: i, Value: v, Why: "is not finite"}
			}
			ok[i] = ok[i] && !math.IsNaN(v)
		}
	}
	var rows []int
	for i, o := range ok {
		if o {
			rows = append(rows, i)
		}
	}
	return rows, nil
}

// mixed holds the cross-products that the likelihood needs. y is centred and
// scaled to variance 1 and the columns of x are made orthonormal, so that
// nothing depends on units.
type mixed struct {
	n, p, q      int
	from         []int // first level of each factor, then q
	zz           *mat.SymDense
	zx           *mat.Dense // after orthonormalising x
	zy, xy       *mat.VecDense
	yy           float64
	nested       []bool
	logdet       float64    // of X'X
	shift, scale float64    // of y
	r            *mat.Dense // X = Q R
}

func newMixed(y []float64, x [][]float64, factors []Factor, rows []int) (*mixed, error) {
	m := &mixed{n: len(rows), p: len(x) + 1}
	level := make([][]int, len(factors))
	for f, fac := range factors {
		codes := pick(fac.Level, rows)
		values := slices.Clone(codes)
		slices.Sort(values)
		values = slices.Compact(values)
		if len(values) < 2 {
			return nil, &GroupError{len(values), m.n, "factor " + fac.Name + " has fewer than two levels"}
		}
		for t, c := range codes {
			codes[t], _ = slices.BinarySearch(values, c)
		}
		level[f] = codes
		m.from = append(m.from, m.q)
		m.q += len(values)
	}
	m.from = append(m.from, m.q)
	if m.q > mostLevels {
		return nil, &GroupError{m.q, m.n, fmt.Sprintf("more than %d levels", mostLevels)}
	}
	if m.n <= m.p {
		return nil, &GroupError{m.q, m.n, "too few answers for the fixed effects"}
	}
	if err := m.compareFactors(level, factors); err != nil {
		return nil, err
	}
	// y in units of its standard deviation
	v := pick(y, rows)
	for _, t := range v {
		m.shift += t / float64(m.n)
	}
	for _, t := range v {
		m.scale = math.Hypot(m.scale, t-m.shift)
	}
	m.scale /= math.Sqrt(float64(m.n))
	if !(m.scale > 1e-13*math.Abs(m.shift)) || math.IsInf(m.scale, 1) {
		return nil, &GroupError{m.q, m.n, "all answers are equal"}
	}
	for t := range v {
		v[t] = (v[t] - m.shift) / m.scale
	}
	basis, err := m.orthonormal(x, rows)
	if err != nil {
		return nil, err
	}
	m.products(basis, v, level)
	left := m.yy - mat.Dot(m.xy, m.xy)
	if left <= 1e-13*m.yy {
		return nil, &GroupError{m.q, m.n, "the fixed effects explain every answer"}
	}
	return m, nil
}

// compareFactors finds factors that cannot be told apart, and nested ones.
func (m *mixed) compareFactors(level [][]int, factors []Factor) error {
	inside := func(a, b []int) bool { // each level of a in one of b
		of := map[int]int{}
		for t, l := range a {
			if k, seen := of[l]; seen && k != b[t] {
				return false
			}
			of[l] = b[t]
		}
		return true
	}
	m.nested = make([]bool, len(level))
	for a := range level {
		m.nested[a] = len(level) > 1
		for b := range level {
			if a == b {
				continue
			}
			in := inside(level[a], level[b])
			if in && inside(level[b], level[a]) {
				return &ConfoundedError{factors[min(a, b)].Name, factors[max(a, b)].Name}
			}
			m.nested[a] = m.nested[a] && in
		}
	}
	return nil
}

// orthonormal turns the intercept and the columns of x into an orthonormal
// basis by Gram and Schmidt, twice for the digits, and keeps the triangle.
func (m *mixed) orthonormal(x [][]float64, rows []int) ([][]float64, error) {
	m.r = mat.NewDense(m.p, m.p, nil)
	basis := make([][]float64, 0, m.p)
	for j := range m.p {
		col := make([]float64, m.n)
		for t, i := range rows {
			col[t] = 1
			if j > 0 {
				col[t] = x[j-1][i]
			}
		}
		before := norm(col)
		for range 2 {
			for k, b := range basis {
				d := 0.0
				for t := range col {
					d += b[t] * col[t]
				}
				for t := range col {
					col[t] -= d * b[t]
				}
				m.r.Set(k, j, m.r.At(k, j)+d)
			}
		}
		own := norm(col)
		if !(own > 1e-10*before) {
			return nil, &DependentError{Column: j - 1}
		}
		m.r.Set(j, j, own)
		m.logdet += 2 * math.Log(own)
		for t := range col {
			col[t] /= own
		}
		basis = append(basis, col)
	}
	return basis, nil
}

func norm(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s = math.Hypot(s, x)
	}
	return s
}

func (m *mixed) products(x [][]float64, y []float64, level [][]int) {
	m.zz = mat.NewSymDense(m.q, nil)
	m.zx = mat.NewDense(m.q, m.p, nil)
	m.zy, m.xy = mat.NewVecDense(m.q, nil), mat.NewVecDense(m.p, nil)
	for t, v := range y {
		m.yy += v * v
		for j := range m.p {
			m.xy.SetVec(j, m.xy.AtVec(j)+x[j][t]*v)
		}
		for f := range level {
			a := m.from[f] + level[f][t]
			m.zy.SetVec(a, m.zy.AtVec(a)+v)
			for j := range m.p {
				m.zx.Set(a, j, m.zx.At(a, j)+x[j][t])
			}
			for g := range f + 1 {
				b := m.from[g] + level[g][t]
				m.zz.SetSym(b, a, m.zz.At(b, a)+1)
			}
		}
	}
}
