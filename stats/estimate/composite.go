package estimate

import "chengyin/stats"

// CompositeMean is an estimate put together from a probability and a
// nonprobability sample.
type CompositeMean struct {
	Estimate   float64
	WeightProb float64 // share of the probability estimate, 0 to 1
	Bias2      float64 // estimated squared bias of the nonprobability estimate
	MSE        float64 // estimated mean squared error of Estimate
}

// Composite combines an unbiased estimate from a probability sample with one
// from a nonprobability sample of the same population by the estimated mean
// squared error,
//
//	bias^2 = max(0, (y_n - y_p)^2 - v_p - v_n)
//	weight = (v_n + bias^2) / (v_p + v_n + bias^2)
//	y      = weight y_p + (1 - weight) y_n
//	MSE    = v_p (v_n + bias^2) / (v_p + v_n + bias^2)
//
// so the nonprobability sample counts as long as it does not disagree. When
// both variances are 0 the probability estimate is the answer. It returns a
// *stats.ValueError when a number is not finite or a variance negative.
//
// See Elliott & Haviland (2007), Surv. Methodol. 33, 211-215.
func Composite(prob, varProb, nonprob, varNonprob float64) (CompositeMean, error) {
	for _, x := range []struct {
		what string
		v    float64
		sq   bool
	}{{"probability estimate", prob, false}, {"variance of the probability estimate", varProb, true},
		{"nonprobability estimate", nonprob, false}, {"variance of the nonprobability estimate", varNonprob, true}} {
		switch {
		case !stats.IsFinite(x.v):
			return CompositeMean{}, &stats.ValueError{What: x.what, Row: -1, Value: x.v, Why: "is not finite"}
		case x.sq && x.v < 0:
			return CompositeMean{}, &stats.ValueError{What: x.what, Row: -1, Value: x.v, Why: "is negative"}
		}
	}
	off := nonprob - prob
	c := CompositeMean{Bias2: max(0, off*off-varProb-varNonprob), WeightProb: 1}
	if all := varProb + varNonprob + c.Bias2; all > 0 {
		c.WeightProb = (varNonprob + c.Bias2) / all
	}
	c.Estimate = c.WeightProb*prob + (1-c.WeightProb)*nonprob
	c.MSE = c.WeightProb * varProb
	return c, nil
}
