package quality

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// at is the likelihood at some ratios gamma_f = v_f / v_e, with v_e profiled
// out. With H = I + Z Gamma Z' and P = H^-1 - H^-1 X (X'H^-1 X)^-1 X'H^-1,
//
//	deviance  log |H| + log |X'H^-1 X| + (n-p) log y'Py
//	gradient  tr Z_f'P Z_f - (n-p) |Z_f'P y|^2 / y'Py
type at struct {
	gamma    []float64
	deviance float64
	logs     float64    // the two determinants
	s        float64    // y'Py
	beta     []float64  // of the orthonormal basis
	zpz      *mat.Dense // Z'PZ
	zpy      *mat.VecDense
}

// evaluate is defined for gamma >= 0; ok is false where it loses all digits.
func (m *mixed) evaluate(gamma []float64) (a at, ok bool) {
	a.gamma = gamma
	root := make([]float64, m.q)
	for f, g := range gamma {
		for l := m.from[f]; l < m.from[f+1]; l++ {
			root[l] = math.Sqrt(g)
		}
	}
	// B = I + D Z'Z D, and T = L^-1 D [Z'Z, Z'X, Z'y] with L its factor.
	b := mat.NewSymDense(m.q, nil)
	right := mat.NewDense(m.q, m.q+m.p+1, nil)
	for i := range m.q {
		for j := range m.q {
			v := root[i] * m.zz.At(i, j)
			right.Set(i, j, v)
			if j <= i {
				v *= root[j]
				if i == j {
					v++
				}
				b.SetSym(i, j, v)
			}
		}
		for j := range m.p {
			right.Set(i, m.q+j, root[i]*m.zx.At(i, j))
		}
		right.Set(i, m.q+m.p, root[i]*m.zy.AtVec(i))
	}
	var chol mat.Cholesky
	if !chol.Factorize(b) {
		return a, false
	}
	var l mat.TriDense
	chol.LTo(&l)
	var t, tt mat.Dense
	if err := t.Solve(&l, right); err != nil {
		return a, false
	}
	tt.Mul(t.T(), &t)
	a.logs = chol.LogDet()

	last := m.q + m.p
	xhx, xhy := mat.NewSymDense(m.p, nil), mat.NewVecDense(m.p, nil)
	zhx := mat.NewDense(m.q, m.p, nil)
	for j := range m.p {
		for k := range j + 1 {
			v := -tt.At(m.q+j, m.q+k)
			if j == k {
				v++
			}
			xhx.SetSym(j, k, v)
		}
		xhy.SetVec(j, m.xy.AtVec(j)-tt.At(m.q+j, last))
		for i := range m.q {
			zhx.Set(i, j, m.zx.At(i, j)-tt.At(i, m.q+j))
		}
	}
	var cx mat.Cholesky
	if !cx.Factorize(xhx) {
		return a, false
	}
	a.logs += cx.LogDet()
	beta := mat.NewVecDense(m.p, nil)
	if err := cx.SolveVecTo(beta, xhy); err != nil {
		return a, false
	}
	a.beta = beta.RawVector().Data
	a.s = m.yy - tt.At(last, last) - mat.Dot(xhy, beta)
	if !(a.s > 1e-12*m.yy) {
		return a, false
	}
	a.deviance = a.logs + float64(m.n-m.p)*math.Log(a.s)

	var lx mat.TriDense
	cx.LTo(&lx)
	var half mat.Dense // L_x^-1 X'H^-1 Z
	if err := half.Solve(&lx, zhx.T()); err != nil {
		return a, false
	}
	a.zpz = mat.NewDense(m.q, m.q, nil)
	a.zpz.Mul(half.T(), &half)
	a.zpy = mat.NewVecDense(m.q, nil)
	a.zpy.MulVec(zhx, beta)
	for i := range m.q {
		for j := range m.q {
			a.zpz.Set(i, j, m.zz.At(i, j)-tt.At(i, j)-a.zpz.At(i, j))
		}
		a.zpy.SetVec(i, m.zy.AtVec(i)-tt.At(i, last)-a.zpy.AtVec(i))
	}
	return a, true
}

// slopes returns the gradient of the deviance in gamma, its second derivatives
// and their expectation.
func (m *mixed) slopes(a at) (grad []float64, second, expected *mat.SymDense) {
	k := len(a.gamma)
	df := float64(m.n - m.p)
	trace, square := make([]float64, k), make([]float64, k)
	grad = make([]float64, k)
	for f := range k {
		for l := m.from[f]; l < m.from[f+1]; l++ {
			trace[f] += a.zpz.At(l, l)
			square[f] += a.zpy.AtVec(l) * a.zpy.AtVec(l)
		}
		grad[f] = trace[f] - df*square[f]/a.s
	}
	second, expected = mat.NewSymDense(k, nil), mat.NewSymDense(k, nil)
	for f := range k {
		for g := range f + 1 {
			norm2, form := 0.0, 0.0
			for i := m.from[f]; i < m.from[f+1]; i++ {
				for j := m.from[g]; j < m.from[g+1]; j++ {
					v := a.zpz.At(i, j)
					norm2 += v * v
					form += v * a.zpy.AtVec(i) * a.zpy.AtVec(j)
				}
			}
			second.SetSym(f, g, -norm2+df*(2*form/a.s-square[f]*square[g]/(a.s*a.s)))
			expected.SetSym(f, g, norm2-trace[f]*trace[g]/df)
		}
	}
	return grad, second, expected
}

// fit climbs by Newton's method where the likelihood is concave, and by Fisher
// scoring elsewhere.
func (m *mixed) fit() (Components, error) {
	gamma := make([]float64, len(m.from)-1)
	for f := range gamma {
		gamma[f] = 0.1
	}
	a, ok := m.evaluate(gamma)
	if !ok {
		return Components{}, ErrNoConvergence
	}
	for range 200 {
		grad, second, expected := m.slopes(a)
		var free []int
		for f, g := range a.gamma {
			if g > 0 || grad[f] < 0 {
				free = append(free, f)
			}
		}
		if len(free) == 0 {
			return m.components(a), nil
		}
		next, moved := a, false
		for _, h := range []*mat.SymDense{second, expected, nil} {
			step, ok := direction(grad, h, free)
			if !ok {
				continue
			}
			if next, moved = m.search(a, step); moved {
				break
			}
		}
		far := 0.0
		for f, g := range next.gamma {
			far = max(far, math.Abs(g-a.gamma[f])/(1e-6+g))
			if g > 1e9 {
				return Components{}, ErrNoConvergence
			}
		}
		if !moved || far < 1e-12 {
			return m.components(next), nil
		}
		a = next
	}
	return Components{}, ErrNoConvergence
}

// direction solves h step = -grad over the free variances; without h it goes
// straight down. ok is false when h has no minimum.
func direction(grad []float64, h *mat.SymDense, free []int) (step []float64, ok bool) {
	step = make([]float64, len(grad))
	if h == nil {
		top := 0.0
		for _, f := range free {
			top = max(top, math.Abs(grad[f]))
		}
		for _, f := range free {
			step[f] = -grad[f] / top * 0.1
		}
		return step, top > 0
	}
	part := mat.NewSymDense(len(free), nil)
	right := mat.NewVecDense(len(free), nil)
	for i, f := range free {
		right.SetVec(i, -grad[f])
		for j, g := range free[:i+1] {
			part.SetSym(i, j, h.At(f, g))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(part) {
		return nil, false
	}
	x := mat.NewVecDense(len(free), nil)
	if err := chol.SolveVecTo(x, right); err != nil {
		return nil, false
	}
	for i, f := range free {
		step[f] = x.AtVec(i)
	}
	return step, true
}

// search halves the step until the deviance falls.
func (m *mixed) search(a at, step []float64) (at, bool) {
	for t := 1.0; t > 1e-9; t /= 2 {
		gamma := make([]float64, len(step))
		for f, g := range a.gamma {
			gamma[f] = max(0, g+t*step[f])
		}
		if b, ok := m.evaluate(gamma); ok && b.deviance < a.deviance {
			return b, true
		}
	}
	return a, false
}

// components turns the solution back into the units of the data.
func (m *mixed) components(a at) Components {
	df := float64(m.n - m.p)
	s := a.s * m.scale * m.scale
	c := Components{Residual: s / df}
	all := c.Residual
	for _, g := range a.gamma {
		c.Variance = append(c.Variance, g*c.Residual)
		all += g * c.Residual
	}
	for _, v := range c.Variance {
		c.ICC = append(c.ICC, v/all)
	}
	c.Criterion = a.logs + m.logdet + df*(1+math.Log(2*math.Pi*c.Residual))
	c.Beta = make([]float64, m.p)
	for j := m.p - 1; j >= 0; j-- {
		v := a.beta[j]
		for k := j + 1; k < m.p; k++ {
			v -= m.r.At(j, k) * c.Beta[k]
		}
		c.Beta[j] = v / m.r.At(j, j)
	}
	for j := range c.Beta {
		c.Beta[j] *= m.scale
	}
	c.Beta[0] += m.shift
	return c
}
