package quality

import (
	"fmt"
	"math"

	"chengyin/stats"
)

// ANOVA is the one-way analysis of variance by group, interviewers or buildings.
type ANOVA struct {
	K, N     int     // groups, answers
	N0       float64 // the load that counts for the ICC
	MSB, MSW float64 // mean squares between and within groups
	F, P     float64 // test of no difference between the groups
	ICC      float64 // intraclass correlation, may be negative
	MeanLoad float64 // \sum n_j^2 / N
	Deff     float64 // design effect of the groups, with a negative ICC as 0
}

// GroupError says why groups have no intraclass correlation.
type GroupError struct {
	Groups, N int
	Why       string
}

// Error says how many groups and answers there are and what they lack.
func (e *GroupError) Error() string {
	return fmt.Sprintf("quality: %s (%d groups, %d answers)", e.Why, e.Groups, e.N)
}

// ICC returns the part of the variance of y that lies between groups, by ANOVA,
//
//	icc  = (MSB - MSW) / (MSB + (n0-1) MSW),  n0 = (N - \sum n_j^2/N) / (k-1)
//	deff = 1 + (m-1) max(0, icc),             m = \sum n_j^2 / N
//
// It is the interviewers' rho, and by building the roh to plan with. An answer
// that is NaN or whose group is negative is missing. When every interviewer has
// an area to himself, what is found belongs to the areas as much as to him; only
// interviewers sent to places at random, or REML with the area as a second
// factor and interviewers in several areas, tell the two apart.
//
// It returns a *GroupError for fewer than two groups, when no group has two
// answers and when all answers are equal, and a *stats.ValueError for an
// infinite answer. It panics for unequal lengths.
//
// See Kish (1962), J. Am. Stat. Assoc. 57, 92-115; Donner & Koval (1980),
// Biometrics 36, 19-25; West & Blom (2017), J. Surv. Stat. Methodol. 5, 175-211.
func ICC(y []float64, group []int) (ANOVA, error) {
	rows, err := answered(y, group)
	if err != nil {
		return ANOVA{}, err
	}
	members := byGroup(pick(group, rows), len(rows))
	a := ANOVA{K: len(members), N: len(rows)}
	if a.N == 0 {
		return ANOVA{}, &GroupError{Why: "there are no answers"}
	}
	mean, ss := 0.0, 0.0
	for _, i := range rows {
		mean += y[i] / float64(a.N)
	}
	within, between, top := 0.0, 0.0, 0.0
	for _, g := range members {
		m := 0.0
		for _, t := range g {
			m += y[rows[t]] / float64(len(g))
		}
		for _, t := range g {
			d := y[rows[t]] - m
			within += d * d
			top = max(top, math.Abs(y[rows[t]]))
		}
		n := float64(len(g))
		between += n * (m - mean) * (m - mean)
		ss += n * n
	}
	n, k := float64(a.N), float64(a.K)
	noise := n * (1e-14 * top) * (1e-14 * top) // of sums that should be 0
	if within <= noise {
		within = 0
	}
	if between <= noise {
		between = 0
	}
	switch {
	case a.K < 2:
		return ANOVA{}, &GroupError{a.K, a.N, "one group has nothing to be compared with"}
	case a.N == a.K:
		return ANOVA{}, &GroupError{a.K, a.N, "no group has two answers"}
	case within+between == 0:
		return ANOVA{}, &GroupError{a.K, a.N, "all answers are equal"}
	case !stats.IsFinite(within + between):
		return ANOVA{}, &GroupError{a.K, a.N, "the answers spread beyond all bounds"}
	}
	a.MSB, a.MSW = between/(k-1), within/(n-k)
	a.F = a.MSB / a.MSW
	a.P = fSurvival(a.F, k-1, n-k)
	a.MeanLoad = ss / n
	a.N0 = (n - a.MeanLoad) / (k - 1)
	a.ICC = (a.MSB - a.MSW) / (a.MSB + (a.N0-1)*a.MSW)
	a.Deff = 1 + (a.MeanLoad-1)*max(0, a.ICC)
	return a, nil
}

// answered returns the rows with an answer and a group.
func answered(y []float64, group []int) ([]int, error) {
	if len(y) != len(group) {
		panic(fmt.Sprintf("quality: %d answers and %d groups", len(y), len(group)))
	}
	var rows []int
	for i, v := range y {
		if math.IsInf(v, 0) {
			return nil, &stats.ValueError{What: "answer", Row: i, Value: v, Why: "is not finite"}
		}
		if !math.IsNaN(v) && group[i] >= 0 {
			rows = append(rows, i)
		}
	}
	return rows, nil
}

func pick[T any](v []T, rows []int) []T {
	out := make([]T, len(rows))
	for t, i := range rows {
		out[t] = v[i]
	}
	return out
}
