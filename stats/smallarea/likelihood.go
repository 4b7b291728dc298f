package smallarea

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// fit is the data of the areas that have some, in orthonormal covariates.
type fit struct {
	y, d []float64
	z    [][]float64
	p    int
}

// state is the weighted regression of a fit at one value of A.
type state struct {
	v      []float64 // A + D
	beta   []float64
	r      []float64 // y - z'beta
	q      []float64 // p x p, inverse of \sum z z'/v
	qvv    float64   // tr(Q \sum z z'/v^2)
	logdet float64   // of \sum z z'/v
}

// at computes the regression with weights 1/(A+D).
func (f *fit) at(a float64) *state {
	p := f.p
	s := &state{v: make([]float64, len(f.y)), r: make([]float64, len(f.y)), beta: make([]float64, p), q: make([]float64, p*p)}
	xx, xxx := make([]float64, p*p), make([]float64, p*p)
	xy := make([]float64, p)
	for i, row := range f.z {
		v := a + f.d[i]
		s.v[i] = v
		for j, x := range row {
			xy[j] += x * f.y[i] / v
			for k, w := range row[:j+1] {
				xx[j*p+k] += x * w / v
				xxx[j*p+k] += x * w / v / v
			}
		}
	}
	for j := range p {
		for k := range j {
			xx[k*p+j], xxx[k*p+j] = xx[j*p+k], xxx[j*p+k]
		}
	}
	var c mat.Cholesky
	c.Factorize(mat.NewSymDense(p, xx)) // positive definite: orthonormal columns, bounded weights
	s.logdet = c.LogDet()
	inverse := mat.NewSymDense(p, nil)
	// An error only says that the matrix is badly conditioned, by weights that
	// differ a lot; the inverse is there.
	_ = c.InverseTo(inverse)
	for j := range p {
		for k := range p {
			s.q[j*p+k] = inverse.At(j, k)
			s.qvv += inverse.At(j, k) * xxx[j*p+k]
		}
	}
	s.solve(f, xy)
	return s
}

// solve fills beta and r, with a step of refinement on the residuals.
func (s *state) solve(f *fit, xy []float64) {
	p := f.p
	for pass := range 2 {
		if pass == 1 {
			clear(xy)
			for i, row := range f.z {
				for j, x := range row {
					xy[j] += x * s.r[i] / s.v[i]
				}
			}
		}
		for j := range p {
			s.beta[j] += dot(s.q[j*p:(j+1)*p], xy)
		}
		for i, row := range f.z {
			s.r[i] = f.y[i] - dot(row, s.beta)
		}
	}
}

// quad returns z'Qz.
func (s *state) quad(z []float64) float64 {
	p, sum := len(z), 0.0
	for j, x := range z {
		sum += x * dot(s.q[j*p:(j+1)*p], z)
	}
	return max(0, sum)
}

// chi2 returns \sum r^2/v.
func (s *state) chi2() float64 {
	sum := 0.0
	for i, r := range s.r {
		sum += r * r / s.v[i]
	}
	return sum
}

// objective returns the log-likelihood, restricted for REML, without constants.
func (s *state) objective(m Method) float64 {
	l := s.chi2()
	for _, v := range s.v {
		l += math.Log(v)
	}
	if m == REML {
		l += s.logdet
	}
	return -l / 2
}

// score returns the derivative of objective in A.
func (s *state) score(m Method) float64 {
	l := 0.0
	for i, r := range s.r {
		l += (r*r/s.v[i] - 1) / s.v[i]
	}
	if m == REML {
		l += s.qvv
	}
	return l / 2
}

// uncertainty returns the large-sample variance of A and its bias.
func (s *state) uncertainty(m Method) (variance, bias float64) {
	var s1, s2 float64
	for _, v := range s.v {
		s1 += 1 / v
		s2 += 1 / v / v
	}
	n := float64(len(s.v))
	switch m {
	case ML:
		return 2 / s2, -s.qvv / s2
	case Moments:
		return 2 * n / (s1 * s1), 2 * (n*s2 - s1*s1) / (s1 * s1 * s1)
	}
	return 2 / s2, 0
}

// variance estimates A.
func (f *fit) variance(m Method) float64 {
	if m == Moments {
		return f.moments()
	}
	// The likelihood may have more than one peak, so it is looked at on a fine
	// geometric grid from 0 to more than the estimates scatter before the best
	// peak is climbed.
	top := f.spread()
	objective := func(a float64) float64 { return f.at(a).objective(m) }
	score := func(a float64) float64 { return f.at(a).score(m) }
	grid := f.grid(top)
	best, at := math.Inf(-1), 0
	for i := 0; i < len(grid); i++ {
		if l := objective(grid[i]); l > best {
			best, at = l, i
		}
		if i == len(grid)-1 && at == i && i > 0 && grid[i] < huge {
			grid = append(grid, 2*grid[i]) // still rising
		}
	}
	if at == 0 {
		if score(0) <= 0 {
			return 0
		}
		return root(score, 0, grid[1], exact)
	}
	lo, hi := grid[at-1], grid[min(at+1, len(grid)-1)]
	if score(lo) > 0 && score(hi) < 0 {
		return root(score, lo, hi, exact)
	}
	return peak(objective, lo, hi)
}

// moments solves \sum r^2/(A+D) = m - p; the left side falls with A.
func (f *fit) moments() float64 {
	excess := func(a float64) float64 { return f.at(a).chi2() - float64(len(f.y)-f.p) }
	if excess(0) <= 0 {
		return 0
	}
	hi := f.spread()
	for excess(hi) > 0 {
		hi *= 2
	}
	return root(excess, 0, hi, exact)
}

// spread returns ten times the variance of the direct estimates, or at least
// something next to the sampling variances.
func (f *fit) spread() float64 {
	mean, ss, top := 0.0, 0.0, 0.0
	for i, y := range f.y {
		mean += y / float64(len(f.y))
		top = max(top, f.d[i])
	}
	for _, y := range f.y {
		ss += (y - mean) * (y - mean)
	}
	return max(10*ss/float64(len(f.y)-1), 1e-3*top)
}

// grid returns 0 and a geometric row of values up to top.
func (f *fit) grid(top float64) []float64 {
	low := top * 1e-10
	for _, d := range f.d {
		low = min(low, d*1e-3)
	}
	grid := []float64{0}
	const perDecade = 16
	steps := int(math.Ceil(perDecade * math.Log10(top/low)))
	for i := range steps + 1 {
		grid = append(grid, top*math.Pow(10, float64(i-steps)/perDecade))
	}
	return grid
}

// exact is the tolerance of root that asks for the last bit.
const exact = 0

// root returns a zero of f, which is >= 0 at lo and <= 0 at hi, to the relative
// tolerance tol, by bisection mixed with steps of regula falsi (the Illinois
// rule).
func root(f func(float64) float64, lo, hi, tol float64) float64 {
	flo, fhi := f(lo), f(hi)
	side := 0
	for i := range 400 {
		x := lo + (hi-lo)*flo/(flo-fhi)
		if i%3 == 2 || !(x > lo && x < hi) {
			x = lo + (hi-lo)/2
		}
		if !(x > lo && x < hi) || flo == 0 || hi-lo <= tol*hi {
			break
		}
		switch v := f(x); {
		case v == 0:
			return x
		case v > 0:
			lo, flo = x, v
			if side == 1 {
				fhi /= 2
			}
			side = 1
		default:
			hi, fhi = x, v
			if side == -1 {
				flo /= 2
			}
			side = -1
		}
	}
	return lo
}

// peak returns where f is largest between lo and hi, by golden section.
func peak(f func(float64) float64, lo, hi float64) float64 {
	const g = 0.6180339887498949
	a, b := hi-g*(hi-lo), lo+g*(hi-lo)
	fa, fb := f(a), f(b)
	for range 100 {
		if fa > fb {
			hi, b, fb = b, a, fa
			a = hi - g*(hi-lo)
			fa = f(a)
		} else {
			lo, a, fa = a, b, fb
			b = lo + g*(hi-lo)
			fb = f(b)
		}
	}
	return lo + (hi-lo)/2
}
