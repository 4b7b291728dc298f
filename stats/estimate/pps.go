package estimate

import (
	"fmt"
	"math"

	"chengyin/stats"
)

// setProbabilities takes the inclusion probabilities of the units of stage i,
// for the variance
//
//	V = \sum_h n_h/(n_h-1) \sum_i (1-\pi_hi) (t_hi - \bar t_h)^2
//
// of units drawn without replacement with unequal probabilities \pi, in which
// t_hi = \sum w_k u_k as always. It needs no joint probabilities, is close to
// the exact variance of fixed-size designs of high entropy, and is the one of
// simple random sampling when all \pi are n_h/N_h. A \pi of 1 adds nothing.
//
// See Brewer (2002), Combined Survey Sampling Inference, equation 9.14; Brewer
// & Donadio (2003), Surv. Methodol. 29, 189-196; pps = "brewer" of R's survey.
func (d *Design) setProbabilities(l *level, st Stage, i int) error {
	l.prob = make([]float64, len(l.home))
	for h := range l.strata {
		l.strata[h].fpc = 0
		l.strata[h].share = d.share(i, l.strata[h].parent)
	}
	for k, p := range st.Size {
		if !(p > 0) || p > 1 {
			return &stats.ValueError{What: fmt.Sprintf("inclusion probability at stage %d", i+1), Row: k, Value: p, Why: "is not above 0 and at most 1"}
		}
		u := l.unit[k]
		if q := l.prob[u]; q > 0 && math.Abs(p-q) > 1e-9*q {
			return &DesignError{Stage: i + 1, Stratum: l.strata[l.home[u]].name,
				Why: fmt.Sprintf("inclusion probabilities %g and %g of unit %d", q, p, l.code[u])}
		}
		if l.prob[u] == 0 {
			l.prob[u] = p
		}
		h := &l.strata[l.home[u]]
		h.fpc = max(h.fpc, 1-l.prob[u])
	}
	return nil
}
