package estimate

import (
	"errors"
	"fmt"

	"chengyin/stats"

	"gonum.org/v1/gonum/mat"
)

// ErrNoTest says that a table leaves nothing to test: fewer than two rows or
// columns have answers, or too many cells are empty.
var ErrNoTest = errors.New("estimate: the table leaves nothing to test")

// Table is a two-way table with its precision. Cells are numbered row by row:
// cell i*Columns+j is row i, column j.
type Table struct {
	Rows, Columns int
	N             int           // people with both answers, weight above 0
	All           int           // rows of weight above 0 in the domain, also without answers
	DF            int           // PSUs less strata of the domain, also without answers
	Sum           []float64     // \sum w of each cell
	Share         []float64     // of all, 0 in an empty cell
	Cov           *mat.SymDense // covariance matrix of the shares

	sums *mat.SymDense // covariance matrix of the sums after independence, see Wald
	off  []float64
	used struct{ rows, columns []int } // those with answers
}

// Table estimates the shares of the cells of a two-way table over the domain,
// where row[k] and column[k] are the categories of row k, 0..rows-1 and
// 0..columns-1, and negative where the answer is missing; people without one of
// the two are left out. Shares are means of 0/1, with the covariance matrix that
// the linearised scores give them under the design and its calibration.
//
// It returns ErrEmptyDomain when nobody has both answers. It panics when lengths
// differ or a category is too large.
func (d *Design) Table(row, column []int, rows, columns int, in []bool) (*Table, error) {
	d.checkRows("rows", len(row), false)
	d.checkRows("columns", len(column), false)
	all, err := d.domain(in)
	if err != nil {
		return nil, err
	}
	t := &Table{Rows: rows, Columns: columns, All: all.N, DF: d.DF(all.domain)}
	shares, off, _, err := t.fill(d.w, row, column, all.domain)
	if err != nil {
		return nil, err
	}
	linear := func(scores [][]float64) *mat.SymDense {
		l := make([]Linear, len(scores))
		for c := range l {
			l[c].Score = scores[c]
		}
		return d.Covariance(l...)
	}
	t.Cov, t.sums = linear(shares), linear(off)
	return t, nil
}

// Table is Design.Table with the covariance matrices that the replicates give.
func (r *Replicates) Table(row, column []int, rows, columns int, in []bool) (*Table, error) {
	t := &Table{Rows: rows, Columns: columns}
	domain := make([]bool, len(r.full))
	for k, w := range r.full {
		if domain[k] = w != 0 && (in == nil || in[k]); domain[k] {
			t.All++
		}
	}
	t.DF = r.DF(domain)
	_, off, answered, err := t.fill(r.full, row, column, domain)
	if err != nil {
		return nil, err
	}
	cells := make([][]float64, len(t.Sum))
	for c := range cells {
		cells[c] = make([]float64, len(row))
		for k := range row {
			cells[c][k] = indicator(answered[k] && row[k]*columns+column[k] == c)
		}
	}
	shares, err := r.Estimate(MeansOf(answered, cells...))
	if err != nil {
		return nil, err
	}
	sums, err := r.Estimate(TotalsOf(answered, off...))
	if err != nil {
		return nil, err
	}
	t.Cov, t.sums = shares.Cov, sums.Cov
	return t, nil
}

// fill computes sums and shares of the cells over the domain, and the scores of
// the shares and of what they differ by from the products of their margins.
func (t *Table) fill(w []float64, row, column []int, domain []bool) (shares, off [][]float64, answered []bool, err error) {
	answered = make([]bool, len(row))
	t.Sum = make([]float64, t.Rows*t.Columns)
	all := 0.0
	for k, in := range domain {
		if row[k] >= t.Rows || column[k] >= t.Columns {
			panic(fmt.Sprintf("estimate: row %d has category %d of %d and %d of %d", k, row[k], t.Rows, column[k], t.Columns))
		}
		answered[k] = in && row[k] >= 0 && column[k] >= 0
		if answered[k] {
			t.Sum[row[k]*t.Columns+column[k]] += w[k]
			all += w[k]
			if w[k] > 0 {
				t.N++
			}
		}
	}
	if t.N == 0 {
		return nil, nil, nil, ErrEmptyDomain
	}
	if !(all > 0) {
		return nil, nil, nil, &stats.ValueError{What: "sum of weights of the table", Row: -1, Value: all, Why: "is not above 0"}
	}
	t.Share = make([]float64, len(t.Sum))
	for c, s := range t.Sum {
		t.Share[c] = s / all
	}
	byRow, byColumn := t.margins()
	for c := range t.Sum {
		i, j := c/t.Columns, c%t.Columns
		p, q := byRow[i], byColumn[j]
		share, o := make([]float64, len(row)), make([]float64, len(row))
		for k, in := range answered {
			if !in {
				continue
			}
			share[k] = -t.Share[c]
			o[k] = p * q
			if row[k] == i {
				o[k] -= q
			}
			if column[k] == j {
				o[k] -= p
			}
			if row[k] == i && column[k] == j {
				share[k]++
				o[k]++
			}
			share[k] /= all
			o[k] /= all
		}
		shares, off = append(shares, share), append(off, o)
		t.off = append(t.off, t.Share[c]-p*q)
	}
	for i, p := range byRow {
		if p > 0 {
			t.used.rows = append(t.used.rows, i)
		}
	}
	for j, q := range byColumn {
		if q > 0 {
			t.used.columns = append(t.used.columns, j)
		}
	}
	return shares, off, answered, nil
}

// margins returns the shares of the rows and of the columns.
func (t *Table) margins() (row, column []float64) {
	row, column = make([]float64, t.Rows), make([]float64, t.Columns)
	for c, p := range t.Share {
		row[c/t.Columns] += p
		column[c%t.Columns] += p
	}
	return row, column
}

// Association is a test that the two answers of a table have nothing to do with
// each other.
type Association struct {
	Statistic float64
	DF1, DF2  float64 // of the F distribution; DF2 is 0 for chi-square
	P         float64
}

// RaoScott are both forms of the corrected Pearson test.
type RaoScott struct {
	// F is X^2/tr \Delta on d_0 and d_0 DF degrees of freedom: the one to
	// publish.
	F Association
	// ChiSquare takes X^2 over the mean generalised design effect as chi-square
	// on (rows-1)(columns-1). Its Statistic is Pearson's X^2 of the shares times
	// N, before that correction. (R's svychisq prints it times All/N; the
	// p-value is the same.)
	ChiSquare Association
	// Deff is the mean generalised design effect, tr \Delta over its size.
	Deff float64
}

// RaoScott tests independence by Pearson's statistic of the shares p,
//
//	X^2 = N \sum (p_ij - p_i. p_.j)^2 / (p_i. p_.j)
//
// corrected for the design: with D = diag p, V the covariance matrix of p, and C
// the interaction columns less what rows and columns explain of them,
//
//	\Delta = (C'D^-1 C / N)^-1 (C'D^-1 V D^-1 C)
//	F = X^2 / tr \Delta,  d_0 = (tr \Delta)^2 / tr \Delta^2
//
// has about the F distribution with d_0 and d_0 DF degrees of freedom. Empty cells
// have an entry of 0 in D^-1; rows and columns without answers are left out. It
// returns ErrNoTest when nothing remains or the PSUs are so alike that Deff is
// 0, and ErrNoInterval when DF <= 0.
//
// See Rao & Scott (1984), Ann. Stat. 12, 46-60; Thomas & Rao (1987), J. Am. Stat.
// Assoc. 82, 630-636; svychisq of R's survey.
func (t *Table) RaoScott() (RaoScott, error) {
	cells, err := t.testable()
	if err != nil {
		return RaoScott{}, err
	}
	r, c := len(t.used.rows), len(t.used.columns)
	n, k := float64(t.N), (r-1)*(c-1)
	byRow, byColumn := t.margins()
	x2 := 0.0
	scaled := mat.NewDense(len(cells), k, nil) // D^-1 C
	residual := mat.NewDense(len(cells), k, nil)
	for m, cell := range cells {
		i, j := m/c, m%c
		expected := byRow[cell/t.Columns] * byColumn[cell%t.Columns]
		x2 += n * (t.Share[cell] - expected) * (t.Share[cell] - expected) / expected
		for a := 1; a < r; a++ {
			for b := 1; b < c; b++ {
				// The indicators of row a and column b less their means, a balanced table.
				v := (indicator(i == a) - 1/float64(r)) * (indicator(j == b) - 1/float64(c))
				residual.Set(m, (a-1)*(c-1)+b-1, v)
				if p := t.Share[cell]; p > 0 {
					scaled.Set(m, (a-1)*(c-1)+b-1, v/p)
				}
			}
		}
	}
	var srs, vs, actual, delta, square mat.Dense
	srs.Mul(residual.T(), scaled)
	srs.Scale(1/n, &srs)
	vs.Mul(part(t.Cov, cells), scaled)
	actual.Mul(scaled.T(), &vs)
	if err := delta.Solve(&srs, &actual); err != nil {
		return RaoScott{}, ErrNoTest
	}
	square.Mul(&delta, &delta)
	tr, tr2 := mat.Trace(&delta), mat.Trace(&square)
	size := float64(k)
	if !(tr > 1e-12*size) || !(tr2 > 0) { // PSUs alike but for rounding
		return RaoScott{}, ErrNoTest
	}
	d0 := tr * tr / tr2
	out := RaoScott{Deff: tr / size}
	out.F = Association{Statistic: x2 / tr, DF1: d0, DF2: d0 * float64(t.DF)}
	out.F.P = fTail(out.F.Statistic, out.F.DF1, out.F.DF2)
	out.ChiSquare = Association{Statistic: x2, DF1: size, P: chiSquareTail(x2/out.Deff, size)}
	return out, nil
}

// Wald tests independence by the quadratic form of the differences between the
// shares and the products of their margins, without the first row and column,
//
//	W = Y' V(Y)^-1 Y,  F = W / k  on k and DF
//	F = W (DF-k+1) / (k DF)  on k and DF-k+1, when adjusted
//
// with k = (rows-1)(columns-1) degrees of freedom. It needs DF much larger than k
// and rejects too often otherwise, without adjustment badly; prefer RaoScott. It
// returns ErrNoTest also when DF is too small for k or V is singular.
//
// See Koch, Freeman & Freeman (1975), Int. Stat. Rev. 43, 59-78; Thomas & Rao
// (1987); svychisq of R's survey.
func (t *Table) Wald(adjusted bool) (Association, error) {
	cells, err := t.testable()
	if err != nil {
		return Association{}, err
	}
	c := len(t.used.columns)
	var inner []int
	for m, cell := range cells {
		if m/c > 0 && m%c > 0 {
			inner = append(inner, cell)
		}
	}
	y := mat.NewVecDense(len(inner), nil)
	for i, cell := range inner {
		y.SetVec(i, t.off[cell])
	}
	var chol mat.Cholesky
	var x mat.VecDense
	if !chol.Factorize(part(t.sums, inner)) || chol.SolveVecTo(&x, y) != nil {
		return Association{}, ErrNoTest
	}
	k, df := float64(len(inner)), float64(t.DF)
	a := Association{Statistic: mat.Dot(y, &x) / k, DF1: k, DF2: df}
	if adjusted {
		a.DF2 = df - k + 1
		a.Statistic *= a.DF2 / df
	}
	if !(a.DF2 > 0) {
		return Association{}, ErrNoTest
	}
	a.P = fTail(a.Statistic, a.DF1, a.DF2)
	return a, nil
}

// testable returns the cells of the rows and columns that have answers.
func (t *Table) testable() ([]int, error) {
	if len(t.used.rows) < 2 || len(t.used.columns) < 2 {
		return nil, ErrNoTest
	}
	if t.DF <= 0 {
		return nil, ErrNoInterval
	}
	var cells []int
	for _, i := range t.used.rows {
		for _, j := range t.used.columns {
			cells = append(cells, i*t.Columns+j)
		}
	}
	return cells, nil
}

// part returns rows and columns of a symmetric matrix.
func part(v *mat.SymDense, keep []int) *mat.SymDense {
	out := mat.NewSymDense(len(keep), nil)
	for a, i := range keep {
		for b := a; b < len(keep); b++ {
			out.SetSym(a, b, v.At(i, keep[b]))
		}
	}
	return out
}

func indicator(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
