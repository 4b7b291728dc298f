package score

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"chengyin/stats/estimate"
	"chengyin/survey/area"
	"chengyin/survey/indicator"
)

// figure is an estimate before it is decided whether it may be shown.
type figure struct {
	mode, method string
	n            int
	p, v         float64 // estimate and variance on 0..1
	neff, deff   float64
	df           float64 // of the interval
	lo, hi       float64
	dk           float64
	ok, interval bool
	reason       string // when not ok
	flags        []string
	whole        float64 // design effect of the whole sample
}

func (f *figure) flag(s string) {
	if f.ok && !slices.Contains(f.flags, s) {
		f.flags = append(f.flags, s)
	}
}

// settle fills in precision and interval. Below estimate.TrustedDF degrees of
// freedom the variance is at least the one that the whole sample's design effect
// gives, because a few PSUs can agree by chance.
func (f *figure) settle(m estimate.CellMean, ind indicator.Indicator) {
	srs := m.VarSRS / 1e4
	if f.v < agree {
		f.v = 0
	}
	if srs < agree {
		srs = 0
	}
	f.df = float64(m.DF)
	if m.DF < estimate.TrustedDF && m.N > 1 {
		f.df = float64(m.N - 1)
		f.v = estimate.BorrowedVariance(f.v, srs, f.whole)
		f.flag(Borrowed)
	}
	f.v = min(f.v, 0.25) // no estimate between 0 and 1 varies more
	if srs > 0 {
		f.deff = f.v / srs
		f.neff = float64(f.n) / f.deff
	} else {
		f.deff = max(1, f.whole)
		f.neff = float64(f.n) / f.deff
	}
	var i estimate.Interval
	var err error
	if ind.Kind == indicator.Share {
		i, err = estimate.PublishedProportion(f.p, f.v, f.n, m.DF, f.whole, level)
		f.method += "+wilson"
	} else if f.p == 0 || f.p == 1 {
		i, err = estimate.Borrowed(f.p, f.v, f.n, f.whole, level)
		f.method += "+beta"
	} else {
		i, err = estimate.BoundedMean(f.p, f.v, f.n, f.df, level)
		f.method += "+logit"
	}
	if err == nil {
		f.lo, f.hi, f.interval = i.Lower, i.Upper, true
	}
}

// combine puts the two samples together by their estimated mean squared errors
// (estimate.Composite). A sample of fewer than least answers is left out.
//
// The variance is that of the visits plus the squared distance by which the scans
// moved the estimate. The composite's own mean squared error would promise too
// much: its weight is estimated from the same two figures, and where the scans
// are biased by one or two standard errors of the visits, intervals from it cover
// the truth in half of all cases only.
func combine(visit, scan figure, ind indicator.Indicator) figure {
	usable := func(f figure) bool { return f.ok && f.n >= least && f.interval }
	switch {
	case usable(visit) && usable(scan):
	case usable(visit) || visit.ok && !scan.ok:
		f := visit
		f.mode, f.method, f.flags = Combined, "visit_only:"+visit.method, slices.Clone(visit.flags)
		return f
	case usable(scan) || scan.ok:
		f := scan
		f.mode, f.method, f.flags = Combined, "scan_only:"+scan.method, slices.Clone(scan.flags)
		return f
	default:
		f := visit
		if scan.reason == NotWeighed {
			f = scan // somebody did answer
		}
		f.mode = Combined
		return f
	}
	f := figure{mode: Combined, ok: true, n: visit.n + scan.n, method: "composite"}
	c, err := estimate.Composite(visit.p, visit.doubt(), scan.p, scan.doubt())
	if err != nil {
		return figure{mode: Combined, reason: NotWeighed}
	}
	moved := c.Estimate - visit.p
	f.p, f.v = share(c.Estimate), min(visit.doubt()+moved*moved, 0.25)
	f.dk = c.WeightProb*visit.dk + (1-c.WeightProb)*scan.dk
	f.df = min(visit.df, scan.df)
	f.whole = max(visit.whole, scan.whole)
	if slices.Contains(visit.flags, Borrowed) {
		f.flag(Borrowed)
	}
	srs := f.p * (1 - f.p) / float64(f.n)
	if ind.Kind != indicator.Share {
		// the spread of the answers, as each sample saw it
		srs = (c.WeightProb*visit.doubt()*visit.neff + (1-c.WeightProb)*scan.doubt()*scan.neff) / float64(f.n)
	}
	f.deff, f.neff = max(1, f.whole), float64(f.n)/max(1, f.whole)
	if srs > 0 && f.v > 0 {
		f.deff = f.v / srs
		f.neff = float64(f.n) / f.deff
	}
	var i estimate.Interval
	if f.p == 0 || f.p == 1 || f.v == 0 {
		i, err = estimate.Borrowed(f.p, f.v, f.n, f.whole, level)
		f.method += "+beta"
	} else {
		i, err = estimate.BoundedMean(f.p, f.v, f.n, f.df, level)
		f.method += "+logit"
	}
	if err == nil {
		f.lo, f.hi, f.interval = i.Lower, i.Upper, true
	}
	return f
}

// doubt returns the variance of the figure, and where all answers agree, so that
// there is none, the one that a proportion of a yes and a no more would have.
func (f figure) doubt() float64 {
	if f.v > 0 {
		return f.v
	}
	n := float64(f.n)
	p := (n*f.p + 1) / (n + 2)
	return max(1, f.whole) * p * (1 - p) / n
}

// score decides what of the figure may be shown.
func (f figure) score(a area.Area, ind indicator.Indicator, minN int) Score {
	s := Score{AreaCode: a.Code, Indicator: ind.Code, Mode: f.mode, Level: a.Level, N: f.n, Method: f.method, Reason: f.reason}
	if f.ok && (f.n < max(minN, least) || !f.interval) {
		s.Reason = TooFew
	}
	if s.Reason != "" {
		return s
	}
	s.Estimate, s.SE, s.Low, s.High = percent(f.p), percent(math.Sqrt(f.v)), percent(f.lo), percent(f.hi)
	s.NEff, s.Deff, s.DF, s.DKShare = number(f.neff), number(f.deff), number(f.df), percent(f.dk)
	if f.n < 30 {
		f.flag(SmallSample)
	}
	if f.hi-f.lo > 0.30 {
		f.flag(Wide)
	}
	slices.SortFunc(f.flags, cmp.Compare[string])
	s.Flags = strings.Join(f.flags, " ")
	return s
}

// What rounding leaves where it should leave nothing: of a variance when all
// answers agree, and of a weighted mean beside 0 and 1. It must not count,
// because what is certain is treated differently from what is almost certain.
const (
	agree = 1e-15
	edge  = 1e-10
)

// share takes the rounding of a weighted mean off at 0 and 1.
func share(x float64) float64 {
	switch {
	case x < edge:
		return 0
	case x > 1-edge:
		return 1
	}
	return x
}

func percent(x float64) *float64 { return number(100 * x) }

func number(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
