package weighting

import (
	"fmt"
	"math"
)

// Normal is the factored matrix of normal equations
//
//	M = \sum_k d_k x_k x_k' / q_k
//
// of a weighted regression. Auxiliaries may be linearly dependent, as the
// indicator columns of two margins always are: columns that the others already
// explain get the coefficient 0, which changes no fitted value.
type Normal struct {
	p     int
	keep  []int     // columns in pivot order
	scale []float64 // 1/sqrt(M_jj), 0 for a column of zeros
	l     []float64 // lower triangle of the kept columns, len(keep)^2, row by row
	m     []float64 // scaled M of the kept columns, for one step of refinement
}

// dependent is the share of a column's own sum of squares below which it
// counts as explained by the columns before it.
const dependent = 1e-11

// NewNormal factors the symmetric p x p matrix m, given row by row, by a
// Cholesky decomposition with diagonal pivoting after scaling its diagonal to
// 1. It does not keep m. It panics when len(m) is not p*p.
//
// See Higham (2002), Accuracy and Stability of Numerical Algorithms, 10.3.
func NewNormal(m []float64, p int) *Normal {
	if len(m) != p*p {
		panic(fmt.Sprintf("weighting: matrix of %d numbers is not %d x %d", len(m), p, p))
	}
	n := &Normal{p: p, scale: make([]float64, p)}
	for j := range p {
		if v := m[j*p+j]; v > 0 {
			n.scale[j] = 1 / math.Sqrt(v)
		}
	}
	a := make([]float64, p*p) // scaled copy, overwritten by the factor
	for i := range p {
		for j := range p {
			a[i*p+j] = m[i*p+j] * n.scale[i] * n.scale[j]
		}
	}
	order := make([]int, p)
	rest := make([]float64, p) // what is left of each diagonal element
	for j := range p {
		order[j], rest[j] = j, a[j*p+j]
	}
	cols := make([][]float64, 0, p) // factor columns over the original rows
	for k := range p {
		best := k
		for i := k + 1; i < p; i++ {
			if rest[order[i]] > rest[order[best]] {
				best = i
			}
		}
		order[k], order[best] = order[best], order[k]
		j := order[k]
		if !(rest[j] > dependent) {
			break
		}
		root := math.Sqrt(rest[j])
		col := make([]float64, p)
		col[j] = root
		for _, i := range order[k+1:] {
			s := a[i*p+j]
			for _, c := range cols {
				s -= c[i] * c[j]
			}
			col[i] = s / root
			rest[i] -= col[i] * col[i]
		}
		cols = append(cols, col)
	}
	r := len(cols)
	n.keep = order[:r:r]
	n.l, n.m = make([]float64, r*r), make([]float64, r*r)
	for i, row := range n.keep {
		for j := range i + 1 {
			n.l[i*r+j] = cols[j][row]
		}
		for j, c := range n.keep {
			n.m[i*r+j] = a[row*p+c]
		}
	}
	return n
}

// Rank returns the number of linearly independent columns.
func (n *Normal) Rank() int { return len(n.keep) }

// Solve returns a B of length p with M B = v. The v has to lie in the column
// space of M, as every \sum_k d_k x_k u_k / q_k does. The argument is not
// changed. It panics when len(v) is not p.
func (n *Normal) Solve(v []float64) []float64 {
	if len(v) != n.p {
		panic(fmt.Sprintf("weighting: right-hand side of %d numbers for %d columns", len(v), n.p))
	}
	r := len(n.keep)
	rhs, b := make([]float64, r), make([]float64, r)
	for i, j := range n.keep {
		rhs[i] = v[j] * n.scale[j]
	}
	res := append([]float64(nil), rhs...)
	for range 2 { // the solution, then one step of refinement
		n.substitute(res)
		for i := range b {
			b[i] += res[i]
		}
		for i := range res {
			s := rhs[i]
			for j, x := range n.m[i*r : (i+1)*r] {
				s -= x * b[j]
			}
			res[i] = s
		}
	}
	out := make([]float64, n.p)
	for i, j := range n.keep {
		out[j] = b[i] * n.scale[j]
	}
	return out
}

// substitute solves L L' x = v in place.
func (n *Normal) substitute(v []float64) {
	r := len(v)
	for i := range r {
		s := v[i]
		row := n.l[i*r : i*r+i]
		for j, x := range row {
			s -= x * v[j]
		}
		v[i] = s / n.l[i*r+i]
	}
	for i := r - 1; i >= 0; i-- {
		v[i] /= n.l[i*r+i]
		for j, x := range n.l[i*r : i*r+i] {
			v[j] -= x * v[i]
		}
	}
}
