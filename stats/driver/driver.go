// Package driver splits the explained variance of an overall score among the
// items beside it. A share says how strongly an item goes together with the
// score, never that the item causes it.
package driver

import (
	"fmt"
	"math"
	"math/bits"

	"chengyin/stats"

	"gonum.org/v1/gonum/mat"
)

// MaxItems is the largest number of items that Shapley splits: its work doubles
// with every item.
const MaxItems = 15

// Shares is how the items divide the explained variance.
type Shares struct {
	R2      float64   // share of the score's variance that all items explain together
	Raw     []float64 // the item's part of R2, in the order of the items
	Percent []float64 // 100 Raw / R2; NaN when the items explain nothing
}

// Method is a way of dividing R2.
type Method int

// RelativeWeights are Johnson's, by the eigenvectors of the items'
// correlations. ShapleyShares average an item's gain in R2 over all orders in
// which items may enter a regression (LMG). The two sum to the same R2 and
// seldom differ by more than a point or two.
const (
	RelativeWeights Method = iota
	ShapleyShares
)

// MatrixError says what a matrix has that no correlation matrix has.
type MatrixError struct {
	Row, Column int
	Value       float64
	Why         string
}

// Error names the entry of the matrix and what is wrong with it.
func (e *MatrixError) Error() string {
	return fmt.Sprintf("driver: correlation of row %d and column %d %s (%g)", e.Row, e.Column, e.Why, e.Value)
}

// DependentError says that an item is a combination of the others, so that
// nobody can say which of them deserves the share.
type DependentError struct {
	Item int // 0-based; -1 when the items are dependent and none can be singled out
}

// Error names the item, counted from 0.
func (e *DependentError) Error() string {
	if e.Item < 0 {
		return "driver: the items are linearly dependent"
	}
	return fmt.Sprintf("driver: item %d is a linear combination of the others", e.Item)
}

// ItemsError says that there are too few or too many items.
type ItemsError struct {
	Items, Min, Max int
}

// Error says how many items there are and how many may be.
func (e *ItemsError) Error() string {
	return fmt.Sprintf("driver: %d items; between %d and %d can be compared", e.Items, e.Min, e.Max)
}

// dependent is the share of its variance that an item must have of its own.
const dependent = 1e-11

// FromCorrelations divides R2 of the regression of the last variable of the
// correlation matrix r on the p variables before it, the items. r is not
// changed.
//
// With R_xx = E diag(l) E' and L = E diag(sqrt l) E', relative weights are
//
//	b = L^-1 r_xy,  Raw_j = \sum_k L_jk^2 b_k^2
//
// and Shapley (LMG) shares, over the subsets S of the items without j,
//
//	Raw_j = \sum_S |S|! (p-|S|-1)! / p! [R2(S + j) - R2(S)]
//
// which need p <= MaxItems. All are >= 0 and sum to R2. Two items that nearly
// repeat each other split what either would have had alone.
//
// It returns an *ItemsError without items or with too many, a *MatrixError when
// r is no correlation matrix and a *DependentError when items determine each
// other; it panics for an unknown method.
//
// See Johnson (2000), Multivar. Behav. Res. 35, 1-19; Lindeman, Merenda & Gold
// (1980), Introduction to Bivariate and Multivariate Analysis; Groemping
// (2006), J. Stat. Softw. 17(1).
func FromCorrelations(r mat.Symmetric, m Method) (Shares, error) {
	p := r.SymmetricDim() - 1
	most := 1000
	if m == ShapleyShares {
		most = MaxItems
	}
	if p < 1 || p > most {
		return Shares{}, &ItemsError{Items: max(p, 0), Min: 1, Max: most}
	}
	for i := range p + 1 {
		for j := range i + 1 {
			switch v := r.At(i, j); {
			case !stats.IsFinite(v):
				return Shares{}, &MatrixError{i, j, v, "is not finite"}
			case i == j && math.Abs(v-1) > 1e-9:
				return Shares{}, &MatrixError{i, j, v, "is not 1"}
			case math.Abs(v) > 1+1e-9:
				return Shares{}, &MatrixError{i, j, v, "is not between -1 and 1"}
			}
		}
	}
	s := Shares{Percent: make([]float64, p)}
	var err error
	switch m {
	case RelativeWeights:
		s.Raw, err = relativeWeights(r, p)
	case ShapleyShares:
		s.Raw, err = shapley(r, p)
	default:
		panic(fmt.Sprintf("driver: unknown method %d", int(m)))
	}
	if err != nil {
		return Shares{}, err
	}
	for _, v := range s.Raw {
		s.R2 += v
	}
	if s.R2 > 1+1e-9 {
		return Shares{}, &MatrixError{p, p, s.R2, "leaves the score a negative residual variance"}
	}
	for j, v := range s.Raw {
		s.Percent[j] = 100 * v / s.R2
	}
	return s, nil
}

// relativeWeights are Johnson's.
func relativeWeights(r mat.Symmetric, p int) ([]float64, error) {
	x := mat.NewSymDense(p, nil)
	for i := range p {
		for j := range i + 1 {
			x.SetSym(i, j, r.At(i, j))
		}
	}
	if item, ok := independent(x, p); !ok {
		return nil, &DependentError{Item: item}
	}
	var e mat.EigenSym
	if !e.Factorize(x, true) {
		return nil, &DependentError{Item: -1}
	}
	values := e.Values(nil) // ascending
	if !(values[0] > dependent) {
		return nil, &DependentError{Item: -1}
	}
	var v mat.Dense
	e.VectorsTo(&v)
	root := func(j, k int, power float64) float64 { // (j,k) of R_xx^power
		s := 0.0
		for i, l := range values {
			s += v.At(j, i) * v.At(k, i) * math.Pow(l, power)
		}
		return s
	}
	b := make([]float64, p)
	for k := range b {
		for j := range p {
			b[k] += root(k, j, -0.5) * r.At(j, p)
		}
	}
	raw := make([]float64, p)
	for j := range raw {
		for k := range p {
			l := root(j, k, 0.5)
			raw[j] += l * l * b[k] * b[k]
		}
	}
	return raw, nil
}

// independent reports whether the items of the correlation matrix x each have
// variance of their own, and if not which is the first that has none.
func independent(x mat.Symmetric, p int) (int, bool) {
	f := newFactor(x, p)
	for j := range p {
		if !f.push(j) {
			return j, false
		}
	}
	return 0, true
}

// factor is a Cholesky factor of the correlations of some items that grows and
// shrinks by one item, with the part of R2 that each step adds.
type factor struct {
	r  mat.Symmetric
	y  int // column of the outcome, or -1
	in []int
	l  [][]float64
	z  []float64
	r2 []float64 // after each step
}

func newFactor(r mat.Symmetric, p int) *factor {
	f := &factor{r: r, y: -1}
	if r.SymmetricDim() > p {
		f.y = p
	}
	for k := range p {
		f.l = append(f.l, make([]float64, k+1))
	}
	return f
}

// push adds item j and reports whether it has variance of its own.
func (f *factor) push(j int) bool {
	n := len(f.in)
	row := f.l[n]
	own := 1.0
	for k, i := range f.in {
		s := f.r.At(j, i)
		for t := range k {
			s -= row[t] * f.l[k][t]
		}
		row[k] = s / f.l[k][k]
		own -= row[k] * row[k]
	}
	if !(own > dependent) {
		return false
	}
	row[n] = math.Sqrt(own)
	f.in = append(f.in, j)
	if f.y < 0 {
		return true
	}
	s := f.r.At(j, f.y)
	for t := range n {
		s -= row[t] * f.z[t]
	}
	s /= row[n]
	f.z = append(f.z, s)
	before := 0.0
	if n > 0 {
		before = f.r2[n-1]
	}
	f.r2 = append(f.r2, before+s*s)
	return true
}

func (f *factor) pop() {
	n := len(f.in) - 1
	f.in, f.z, f.r2 = f.in[:n], f.z[:n], f.r2[:n]
}

// shapley walks through all subsets depth first, each one step from the last,
// and then averages the gains.
func shapley(r mat.Symmetric, p int) ([]float64, error) {
	r2 := make([]float64, 1<<p)
	f := newFactor(r, p)
	item, ok := 0, true
	var walk func(from int, set uint)
	walk = func(from int, set uint) {
		for j := from; j < p && ok; j++ {
			if !f.push(j) {
				item, ok = j, false
				return
			}
			s := set | 1<<j
			r2[s] = f.r2[len(f.r2)-1]
			walk(j+1, s)
			f.pop()
		}
	}
	walk(0, 0)
	if !ok {
		return nil, &DependentError{Item: item}
	}
	share := make([]float64, p) // |S|! (p-|S|-1)! / p! by |S|
	share[0] = 1 / float64(p)
	for k := 1; k < p; k++ {
		share[k] = share[k-1] * float64(k) / float64(p-k)
	}
	raw := make([]float64, p)
	for j := range raw {
		bit := uint(1) << j
		for s := range uint(1) << p {
			if s&bit == 0 {
				raw[j] += share[bits.OnesCount(s)] * max(0, r2[s|bit]-r2[s])
			}
		}
	}
	return raw, nil
}
