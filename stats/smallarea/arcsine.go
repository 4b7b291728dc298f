package smallarea

import (
	"fmt"
	"math"

	"chengyin/stats"
	"chengyin/stats/estimate"
)

// ArcsineArea is what an arcsine model says of one area.
type ArcsineArea struct {
	Z        Area    // on the scale of z = asin sqrt p
	Naive    float64 // sin^2 of Z.Estimate, too far from 1/2
	Estimate float64 // the rate, E sin^2 of a normal variable, see FitArcsine
	// MSE of Estimate by the delta method, Z.MSE sin^2(2 Z.Estimate); it is too
	// small near 0 and 1, where Interval is to be used.
	MSE float64
}

// ArcsineModel is a Fay-Herriot model of transformed rates.
type ArcsineModel struct {
	*Model
	Rates []ArcsineArea // one per row given
}

// FitArcsine fits a Fay-Herriot model to z = asin sqrt p of the rates p of
// areas with D = 1/(4 n), where n >= 0 is the effective number of answers
// (answers over the design effect). The sampling variance does not depend on the
// rate, so rates of 0 and 1 do no harm and no estimate leaves [0, 1]. An area
// with n = 0 is one without data; its p is not read.
//
// The rate is the mean over what the model leaves uncertain,
//
//	E sin^2 Z = 1/2 - exp(-2 s^2) cos(2 m) / 2,  Z ~ N(m, s^2)
//
// with m the EBLUP of z and s^2 = g1 (A without data), exact but for the tails
// beyond [0, pi/2]; the naive sin^2 m is biased towards 0 and 1.
//
// It panics when lengths differ and returns a *stats.ValueError for a rate
// outside [0, 1] or a bad n; other refusals are those of Fit.
//
// See Casas-Cordero, Encina & Lahiri (2016), in Pratesi (ed.), Analysis of
// Poverty Data by Small Area Estimation, 379-403; Rao & Molina (2015), section
// 6.4; Jiang, Lahiri, Wan & Wu (2001) on the back-transformation.
func FitArcsine(p, n []float64, x [][]float64, opt Options) (*ArcsineModel, error) {
	if len(p) != len(n) {
		panic(fmt.Sprintf("smallarea: %d rates for %d areas", len(p), len(n)))
	}
	if err := stats.CheckWeights("effective number of answers", n); err != nil {
		return nil, err
	}
	z, d := make([]float64, len(p)), make([]float64, len(p))
	for i := range p {
		d[i] = 1 / (4 * n[i])
		if n[i] == 0 {
			z[i] = math.NaN()
			continue
		}
		if !(p[i] >= 0 && p[i] <= 1) {
			return nil, valueError("rate", label(opt.Names, i), i, p[i], "is not between 0 and 1")
		}
		z[i] = math.Asin(math.Sqrt(p[i]))
	}
	m, err := Fit(z, d, x, opt)
	if err != nil {
		return nil, err
	}
	out := &ArcsineModel{Model: m, Rates: make([]ArcsineArea, len(p))}
	for i, a := range m.Areas {
		out.Rates[i] = arcsineArea(a)
	}
	return out, nil
}

// PredictRates is Predict on the scale of rates.
func (m *ArcsineModel) PredictRates(x [][]float64) ([]ArcsineArea, error) {
	areas, err := m.Predict(x)
	if err != nil {
		return nil, err
	}
	out := make([]ArcsineArea, len(areas))
	for i, a := range areas {
		out[i] = arcsineArea(a)
	}
	return out, nil
}

func arcsineArea(z Area) ArcsineArea {
	s := math.Sin(z.Estimate)
	slope := math.Sin(2 * z.Estimate)
	return ArcsineArea{
		Z:        z,
		Naive:    s * s,
		Estimate: 0.5 - 0.5*math.Exp(-2*z.G1)*math.Cos(2*z.Estimate),
		MSE:      z.MSE * slope * slope,
	}
}

// Interval returns sin^2 of the interval for z, which is cut to [0, pi/2] first,
// so it stays in [0, 1]. It panics when the level is not between 0 and 1.
func (a ArcsineArea) Interval(level float64) (estimate.Interval, error) {
	i, err := a.Z.Interval(level)
	if err != nil {
		return estimate.Interval{}, err
	}
	lo, hi := math.Sin(max(0, min(i.Lower, math.Pi/2))), math.Sin(max(0, min(i.Upper, math.Pi/2)))
	return estimate.Interval{Lower: lo * lo, Upper: hi * hi}, nil
}
