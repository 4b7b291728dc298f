package smallarea

import "math"

// basis turns covariates into orthonormal columns, X = Z R with R upper
// triangular, so that covariates of any size and offset (a year, a population)
// fit alike.
type basis struct {
	p int
	r []float64 // p x p, row by row
}

// explained is the share of its length that a column may lose to the columns
// before it; one that loses more is dependent.
const explained = 1e-9

// newBasis orthonormalises the columns of the rows x by modified Gram-Schmidt,
// done twice for full accuracy, and returns the new rows. A column that the ones
// before it explain is returned as dependent, which is -1 otherwise.
//
// See Giraud, Langou & Rozloznik (2005), Comput. Math. Appl. 50, 1069-1075.
func newBasis(x [][]float64, p int) (b *basis, z [][]float64, dependent int) {
	b = &basis{p: p, r: make([]float64, p*p)}
	col := make([][]float64, p)
	for j := range p {
		c := make([]float64, len(x))
		for i, row := range x {
			c[i] = row[j]
		}
		full := norm(c)
		for range 2 {
			for k, q := range col[:j] {
				s := dot(q, c)
				b.r[k*p+j] += s
				for i := range c {
					c[i] -= s * q[i]
				}
			}
		}
		left := norm(c)
		if !(left > explained*full) {
			return nil, nil, j
		}
		b.r[j*p+j] = left
		for i := range c {
			c[i] /= left
		}
		col[j] = c
	}
	z = make([][]float64, len(x))
	for i := range z {
		z[i] = make([]float64, p)
		for j := range p {
			z[i][j] = col[j][i]
		}
	}
	return b, z, -1
}

// row returns the new covariates z of an area with the covariates x, z R = x.
func (b *basis) row(x []float64) []float64 {
	z := make([]float64, b.p)
	for j := range z {
		s := x[j]
		for k := range j {
			s -= z[k] * b.r[k*b.p+j]
		}
		z[j] = s / b.r[j*b.p+j]
	}
	return z
}

// back returns the coefficients of X from those of Z, R beta = v.
func (b *basis) back(v []float64) []float64 {
	beta := make([]float64, b.p)
	for i := b.p - 1; i >= 0; i-- {
		s := v[i]
		for k := i + 1; k < b.p; k++ {
			s -= b.r[i*b.p+k] * beta[k]
		}
		beta[i] = s / b.r[i*b.p+i]
	}
	return beta
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

func norm(a []float64) float64 { return math.Sqrt(dot(a, a)) }
