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
	l := make([]float64, p*p) // rows of the factor, by original row
	rank := 0
	for ; rank < p; rank++ {
		best := rank
		for i := rank + 1; i < p; i++ {
			if rest[order[i]] > rest[order[best]] {
				best = i
			}
		}
		order[rank], order[best] = order[best], order[rank]
		j := order[rank]
		if !(rest[j] > dependent) {
			break
		}
		root := math.Sqrt(rest[j])
		pivot := l[j*p : j*p+rank]
		for _, i := range order[rank+1:] {
			s := a[i*p+j]
			for c, x := range l[i*p : i*p+rank] {
				s -= x * pivot[c]
			}
			s /= root
			l[i*p+rank] = s
			rest[i] -= s * s
		}
		l[j*p+rank] = root
	}
	n.keep = order[:rank:rank]
	n.invert(l, a)
	return n
}

// invert computes the inverse X of the scaled matrix a of the kept columns from
// its factor l, as K'K with K the inverse of the factor, and takes off the error
// that is left by a step of Newton's method. The rows of n.inv are the columns of
// X, each corrected for itself, so that a column keeps a small residual where a
// is nearly singular: x_i + X(e_i - a x_i).
func (n *Normal) invert(l, a []float64) {
	r, p := len(n.keep), n.p
	k := make([]float64, r*r) // lower triangle, row by row
	for i, row := range n.keep {
		f := l[row*p : row*p+i+1]
		x := k[i*r : i*r+i+1]
		x[i] = 1
		for c, v := range f[:i] {
			if v != 0 {
				addScaled(x[:c+1], -v, k[c*r:])
			}
		}
		for j := range x {
			x[j] /= f[i]
		}
	}
	x := make([]float64, r*r)
	for c := range r {
		row := k[c*r : c*r+c+1]
		for i, v := range row {
			addScaled(x[i*r:i*r+i+1], v, row)
		}
	}
	for i := range r {
		for j := range i {
			x[j*r+i] = x[i*r+j]
		}
	}
	col, from := make([]int, 0, r*r), make([]int, r+1) // where a is not 0: most of it is, for margins
	val := make([]float64, 0, r*r)
	for i, row := range n.keep {
		for j, c := range n.keep {
			if v := a[row*p+c]; v != 0 {
				col, val = append(col, j), append(val, v)
			}
		}
		from[i+1] = len(col)
	}
	n.inv = append([]float64(nil), x...)
	off := make([]float64, r)
	for i := range r {
		clear(off)
		off[i] = 1
		for c, v := range x[i*r : (i+1)*r] {
			for e := from[c]; e < from[c+1]; e++ {
				off[col[e]] -= v * val[e]
			}
		}
		for c, v := range off {
			addScaled(n.inv[i*r:(i+1)*r], v, x[c*r:])
		}
	}
}

// addScaled adds v x to y, over the length of y.
func addScaled(y []float64, v float64, x []float64) {
	x = x[:len(y)]
	for i := range y {
		y[i] += v * x[i]
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
