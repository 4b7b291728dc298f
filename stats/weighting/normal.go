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
	inv   []float64 // inverse of the scaled M of the kept columns, row by row
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
	n.keep = order[:len(cols):len(cols)]
	n.invert(cols, a)
	return n
}

// invert solves for the columns of the inverse one by one, each with a step of
// refinement, from the factor and the scaled matrix a.
func (n *Normal) invert(cols [][]float64, a []float64) {
	r := len(n.keep)
	l, m := make([]float64, r*r), make([]float64, r*r)
	for i, row := range n.keep {
		for j := range i + 1 {
			l[i*r+j] = cols[j][row]
		}
		for j, c := range n.keep {
			m[i*r+j] = a[row*n.p+c]
		}
	}
	n.inv = make([]float64, r*r)
	res := make([]float64, r)
	for k := range r {
		x := n.inv[k*r : (k+1)*r] // a row, as the inverse is symmetric
		clear(res)
		res[k] = 1
		for pass := range 2 {
			substitute(l, res)
			for i := range x {
				x[i] += res[i]
			}
			if pass == 1 {
				break
			}
			for i := range res {
				s := 0.0
				for j, v := range m[i*r : (i+1)*r] {
					s -= v * x[j]
				}
				res[i] = s
			}
			res[k]++
		}
	}
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
	b := make([]float64, r)
	for i, j := range n.keep {
		if v[j] == 0 {
			continue // most of them, for a small domain
		}
		x := v[j] * n.scale[j]
		for k, y := range n.inv[i*r : (i+1)*r] {
			b[k] += x * y
		}
	}
	out := make([]float64, n.p)
	for i, j := range n.keep {
		out[j] = b[i] * n.scale[j]
	}
	return out
}

// substitute solves L L' x = v in place.
func substitute(l, v []float64) {
	r := len(v)
	for i := range r {
		s := v[i]
		for j, x := range l[i*r : i*r+i] {
			s -= x * v[j]
		}
		v[i] = s / l[i*r+i]
	}
	for i := r - 1; i >= 0; i-- {
		v[i] /= l[i*r+i]
		for j, x := range l[i*r : i*r+i] {
			v[j] -= x * v[i]
		}
	}
}
