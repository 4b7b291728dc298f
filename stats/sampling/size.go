package sampling

import (
	"math"

	"chengyin/stats"
)

// Plan is what a sample for a proportion has to achieve.
type Plan struct {
	Margin       float64 // half the width of the interval, 0.05 for +- 5 points
	P            float64 // the proportion expected; 0.5 when nothing is known
	Population   float64 // people in the place; +Inf when it does not matter
	Deff         float64 // design effect; 1 is a simple random sample
	ResponseRate float64 // share of the invited who answer
	Level        float64 // of the interval, 0.95 as a rule
}

// Need is how many people a plan needs.
type Need struct {
	N0     float64 // answers, were the population endless
	Exact  float64 // answers, for this population
	N      int     // answers, whole
	Invite int     // people to be asked; may exceed the population, and then the plan fails
}

// mostPeople bounds whole answers: what float64 still counts one by one.
const mostPeople = 1 << 53

// Size returns how many answers, and how many invitations, a proportion needs,
//
//	n0 = deff z^2 p (1-p) / e^2,  n = n0 / (1 + (n0-1)/N),  invite = n / response rate
//
// with z the normal quantile of (1 + level)/2, both rounded up. It is the
// inverse of Margin. Invitations make up for the number of those who do not
// answer, not for their being different.
//
// It returns a *stats.ValueError that names the part of the plan outside its
// range: margin and design effect > 0, 0 <= p <= 1, population >= 1, 0 < response
// rate <= 1, 0 < level < 1, or a size beyond counting.
//
// See Cochran (1977), Sampling Techniques, 3rd ed., 4.4; Kish (1965), Survey
// Sampling, 8.2.
func Size(p Plan) (Need, error) {
	if err := check(
		limit{"margin of error", p.Margin, p.Margin > 0 && !math.IsInf(p.Margin, 1), "is not positive"},
		limit{"proportion", p.P, p.P >= 0 && p.P <= 1, "is not between 0 and 1"},
		limit{"population", p.Population, p.Population >= 1, "is below 1"},
		limit{"design effect", p.Deff, p.Deff > 0 && !math.IsInf(p.Deff, 1), "is not positive"},
		limit{"response rate", p.ResponseRate, p.ResponseRate > 0 && p.ResponseRate <= 1, "is not between 0 and 1"},
		limit{"level", p.Level, p.Level > 0 && p.Level < 1, "is not between 0 and 1"},
	); err != nil {
		return Need{}, err
	}
	z := stats.NormalQuantile((1 + p.Level) / 2)
	n := Need{N0: p.Deff * z * z * p.P * (1 - p.P) / (p.Margin * p.Margin)}
	n.Exact = n.N0
	if n.N0 > 0 && !math.IsInf(p.Population, 1) {
		n.Exact = n.N0 / (1 + (n.N0-1)/p.Population)
	}
	whole := roundUp(n.Exact)
	invite := roundUp(whole / p.ResponseRate)
	if !(invite < mostPeople) {
		return Need{}, &stats.ValueError{What: "number of invitations", Row: -1, Value: invite, Why: "is beyond counting"}
	}
	n.N, n.Invite = int(whole), int(invite)
	return n, nil
}

// roundUp rounds up, but not over the noise of a product that should be whole.
func roundUp(x float64) float64 { return math.Ceil(x - 1e-9) }

// Margin returns half the width of the interval that n answers give for the
// proportion p,
//
//	z sqrt(deff p (1-p)/n (N-n)/(N-1))
//
// without the last factor for an endless population (+Inf), and 0 when everybody
// answers. It returns a *stats.ValueError for n < 1 or n > N and for the parts
// that Size refuses.
//
// See Cochran (1977), 4.4.
func Margin(n int, p, population, deff, level float64) (float64, error) {
	x := float64(n)
	if err := check(
		limit{"number of answers", x, n >= 1, "is below 1"},
		limit{"proportion", p, p >= 0 && p <= 1, "is not between 0 and 1"},
		limit{"population", population, population >= x, "is below the number of answers"},
		limit{"design effect", deff, deff > 0 && !math.IsInf(deff, 1), "is not positive"},
		limit{"level", level, level > 0 && level < 1, "is not between 0 and 1"},
	); err != nil {
		return 0, err
	}
	v := deff * p * (1 - p) / x
	switch {
	case population == x:
		return 0, nil
	case !math.IsInf(population, 1):
		v *= (population - x) / (population - 1)
	}
	return stats.NormalQuantile((1+level)/2) * math.Sqrt(v), nil
}

// Change is a difference between two waves that a plan has to find.
type Change struct {
	P1, P2  float64 // proportions of the waves
	Power   float64 // chance to find it, 0.8 as a rule
	Alpha   float64 // chance of an alarm without it, two-sided, 0.05 as a rule
	Deff    float64 // design effect of either wave
	Overlap float64 // share of the respondents who are in both
	Rho     float64 // correlation of their two answers
}

func (c Change) check() error {
	return check(
		limit{"first proportion", c.P1, c.P1 >= 0 && c.P1 <= 1, "is not between 0 and 1"},
		limit{"second proportion", c.P2, c.P2 >= 0 && c.P2 <= 1, "is not between 0 and 1"},
		limit{"difference of the proportions", c.P2 - c.P1, c.P1 != c.P2, "is nothing to be found"},
		limit{"power", c.Power, c.Power > 0 && c.Power < 1, "is not between 0 and 1"},
		limit{"alpha", c.Alpha, c.Alpha > 0 && c.Alpha < 1, "is not between 0 and 1"},
		limit{"design effect", c.Deff, c.Deff > 0 && !math.IsInf(c.Deff, 1), "is not positive"},
		limit{"overlap", c.Overlap, c.Overlap >= 0 && c.Overlap <= 1, "is not between 0 and 1"},
		limit{"correlation", c.Rho, c.Rho >= -1 && c.Rho <= 1, "is not between -1 and 1"},
	)
}

// spread is the variance of the difference for one respondent a wave.
func (c Change) spread() float64 {
	v1, v2 := c.P1*(1-c.P1), c.P2*(1-c.P2)
	return c.Deff * max(0, v1+v2-2*c.Overlap*c.Rho*math.Sqrt(v1*v2))
}

// ChangeSize returns the answers per wave that find the change,
//
//	n = deff (z_{1-alpha/2} + z_power)^2 [p1 q1 + p2 q2 - 2 P rho sqrt(p1 q1 p2 q2)] / (p1 - p2)^2
//
// rounded up and at least 1, with P the overlap. Asking the same people, or in
// the same buildings, is worth more than asking more people. It returns a
// *stats.ValueError that names the part outside its range; equal proportions
// are no change.
//
// See Kish (1965), 12.4; Cochran (1977), ch. 12.
func ChangeSize(c Change) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	z := stats.NormalQuantile(1-c.Alpha/2) + stats.NormalQuantile(c.Power)
	d := c.P1 - c.P2
	n := roundUp(c.spread() * z * z / (d * d))
	if !(n < mostPeople) {
		return 0, &stats.ValueError{What: "number of answers", Row: -1, Value: n, Why: "is beyond counting"}
	}
	return max(1, int(n)), nil
}

// ChangePower returns the chance that n answers per wave find the change, a
// two-sided test that counts either direction; the Power of c is not used.
// It returns a *stats.ValueError for n < 1 and for the parts that ChangeSize
// refuses.
func ChangePower(n int, c Change) (float64, error) {
	c.Power = 0.5
	if err := c.check(); err != nil {
		return 0, err
	}
	if n < 1 {
		return 0, &stats.ValueError{What: "number of answers", Row: -1, Value: float64(n), Why: "is below 1"}
	}
	z := stats.NormalQuantile(1 - c.Alpha/2)
	d := math.Abs(c.P1-c.P2) / math.Sqrt(c.spread()/float64(n))
	below := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	return below(d-z) + below(-d-z), nil
}

// PlannedDeff is a design effect before the survey.
type PlannedDeff struct {
	Cluster float64 // of interviewing in clusters
	Total   float64 // with that of the weights
}

// PlanDeff returns the design effect to plan with,
//
//	cluster = 1 + (b-1) roh,  total = weights * cluster
//
// for b interviews per cluster, roh the likeness within clusters from the last
// wave (the ICC by building), and weights = 1 + cv^2 of the weights (1 for equal
// ones). It returns a *stats.ValueError for weights < 1, b < 1, roh outside
// [-1, 1] or a cluster effect that is not positive.
//
// See Kish (1965), 5.4; Gabler, Haeder & Lahiri (1999), Surv. Methodol. 25,
// 105-106.
func PlanDeff(weights, b, roh float64) (PlannedDeff, error) {
	d := PlannedDeff{Cluster: 1 + (b-1)*roh}
	d.Total = weights * d.Cluster
	return d, check(
		limit{"design effect of the weights", weights, weights >= 1 && !math.IsInf(weights, 1), "is below 1"},
		limit{"interviews per cluster", b, b >= 1 && !math.IsInf(b, 1), "is below 1"},
		limit{"likeness within clusters", roh, roh >= -1 && roh <= 1, "is not between -1 and 1"},
		limit{"design effect of the clusters", d.Cluster, d.Cluster > 0, "is not positive"},
		limit{"design effect", d.Total, !math.IsInf(d.Total, 1), "is not finite"},
	)
}

// limit is a number, whether it may be so, and what is wrong if not.
type limit struct {
	what  string
	value float64
	ok    bool
	why   string
}

func check(limits ...limit) error {
	for _, l := range limits {
		if math.IsNaN(l.value) {
			return &stats.ValueError{What: l.what, Row: -1, Value: l.value, Why: "is not finite"}
		}
		if !l.ok {
			return &stats.ValueError{What: l.what, Row: -1, Value: l.value, Why: l.why}
		}
	}
	return nil
}
