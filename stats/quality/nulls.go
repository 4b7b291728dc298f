package quality

import (
	"cmp"
	"fmt"
	"slices"

	"chengyin/stats"
	"chengyin/stats/sampling"
)

// GroupMatches compares the matching pairs of one group, an interviewer or a
// community, with what chance gives.
type GroupMatches struct {
	Group    int
	Rows     int
	Pairs    int     // pairs inside the group that match at the threshold or above
	Expected float64 // their mean over the permutations
	P        float64 // (1 + permutations with as many pairs or more) / (1 + permutations)
}

// Null is a supposition under which matches are chance.
type Null int

// LabelsExchangeable: it does not matter who interviewed whom. The groups are
// dealt out again among the rows, the answers stay as they are, so that people
// of one mind match as often as they do. The test is exact; what it finds is
// that matching rows keep company, whoever is at fault. AnswersIndependent: the
// items have nothing to do with each other inside a group. Each item's answers
// are dealt out again among the rows of the group. Real items do go together,
// so this is a lower bound of what chance gives, and a small P by itself proves
// nothing.
const (
	LabelsExchangeable Null = iota
	AnswersIndependent
)

// MatchTestOptions of MatchTest.
type MatchTestOptions struct {
	Null         Null
	Threshold    float64 // of a match; 0 means 0.85
	MinCommon    float64 // as in MatchOptions
	Permutations int     // 0 means 999
	// Block limits LabelsExchangeable to rows that might have had each other's
	// interviewer, those of one community say; nil is one block.
	Block []int
}

// MatchTest returns for each group, in ascending order, whether more pairs of
// its rows match than chance gives, from a seed that can be used again. The P
// are for one group; adjust them with rank.Adjust before pointing at any.
//
// It returns the errors of PercentMatch and a *stats.ValueError for a threshold
// outside (0, 1] or a number of permutations below 0, and panics when lengths
// differ or the null is unknown.
//
// See Simmons, Mercer, Schwarzer & Kennedy (2016), Stat. J. IAOS 32, 327-338;
// Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9(1), 39, for P.
func MatchTest(items [][]float64, group []int, seed sampling.Seed, opt MatchTestOptions) ([]GroupMatches, error) {
	n, err := checkItems(items)
	if err != nil {
		return nil, err
	}
	if len(group) != n || opt.Block != nil && len(opt.Block) != n {
		panic(fmt.Sprintf("quality: %d groups and %d blocks for %d rows", len(group), len(opt.Block), n))
	}
	if opt.Null != LabelsExchangeable && opt.Null != AnswersIndependent {
		panic(fmt.Sprintf("quality: unknown null %d", int(opt.Null)))
	}
	if opt.Threshold == 0 {
		opt.Threshold = 0.85
	}
	if opt.Permutations == 0 {
		opt.Permutations = 999
	}
	switch {
	case !(opt.Threshold > 0 && opt.Threshold <= 1):
		return nil, &stats.ValueError{What: "threshold of a match", Row: -1, Value: opt.Threshold, Why: "is not between 0 and 1"}
	case opt.Permutations < 0:
		return nil, &stats.ValueError{What: "number of permutations", Row: -1, Value: float64(opt.Permutations), Why: "is negative"}
	}
	t := &matchTest{items: items, group: slices.Clone(group), opt: opt, source: seed.Source()}
	members := byGroup(group, n)
	if len(group) == 0 {
		return nil, nil
	}
	t.place = make([]int, n) // of the row's group among the groups
	out := make([]GroupMatches, len(members))
	for g, rows := range members {
		out[g] = GroupMatches{Group: group[rows[0]], Rows: len(rows)}
		for _, i := range rows {
			t.place[i] = g
		}
	}
	count := t.labels
	if opt.Null == AnswersIndependent {
		count = t.answers
	}
	more, err := count(members, out)
	if err != nil {
		return nil, err
	}
	for g := range out {
		out[g].Expected /= float64(opt.Permutations)
		out[g].P = float64(1+more[g]) / float64(1+opt.Permutations)
	}
	return out, nil
}

type matchTest struct {
	items  [][]float64
	group  []int
	place  []int
	opt    MatchTestOptions
	source *sampling.Source
}

// matches reports whether the ratio reaches the threshold.
func (t *matchTest) matches(r ratio) bool { return r.value() >= t.opt.Threshold }

// tally enters one permutation.
func tally(out []GroupMatches, pairs, more []int) {
	for g, k := range pairs {
		out[g].Expected += float64(k)
		if k >= out[g].Pairs {
			more[g]++
		}
	}
}

// labels deals the groups out again.
func (t *matchTest) labels(_ [][]int, out []GroupMatches) ([]int, error) {
	p, err := newPlanes(t.items, &MatchOptions{MinCommon: t.opt.MinCommon})
	if err != nil {
		return nil, err
	}
	var matching [][2]int32
	p.pairs(nil, func(i, j int, r ratio) {
		if t.matches(r) {
			matching = append(matching, [2]int32{int32(i), int32(j)})
		}
	})
	count := func() []int {
		pairs := make([]int, len(out))
		for _, m := range matching {
			if g := t.place[m[0]]; g == t.place[m[1]] {
				pairs[g]++
			}
		}
		return pairs
	}
	for g, k := range count() {
		out[g].Pairs = k
	}
	blocks := byGroup(t.opt.Block, len(t.place))
	more := make([]int, len(out))
	for range t.opt.Permutations {
		for _, rows := range blocks {
			t.source.Shuffle(len(rows), func(i, j int) {
				t.place[rows[i]], t.place[rows[j]] = t.place[rows[j]], t.place[rows[i]]
			})
		}
		tally(out, count(), more)
	}
	return more, nil
}

// answers deals each item's answers out again inside the groups.
func (t *matchTest) answers(members [][]int, out []GroupMatches) ([]int, error) {
	items := make([][]float64, len(t.items))
	for j, x := range t.items {
		items[j] = slices.Clone(x)
	}
	count := func() ([]int, error) {
		p, err := newPlanes(items, &MatchOptions{MinCommon: t.opt.MinCommon})
		if err != nil {
			return nil, err
		}
		pairs := make([]int, len(out))
		p.pairs(t.group, func(i, _ int, r ratio) {
			if t.matches(r) {
				pairs[t.place[i]]++
			}
		})
		return pairs, nil
	}
	pairs, err := count()
	if err != nil {
		return nil, err
	}
	for g, k := range pairs {
		out[g].Pairs = k
	}
	more := make([]int, len(out))
	for range t.opt.Permutations {
		for _, x := range items {
			for _, rows := range members {
				t.source.Shuffle(len(rows), func(i, j int) {
					x[rows[i]], x[rows[j]] = x[rows[j]], x[rows[i]]
				})
			}
		}
		if pairs, err = count(); err != nil {
			return nil, err
		}
		tally(out, pairs, more)
	}
	return more, nil
}

// Reason is why a row is doubted; reasons add up as a set.
type Reason uint8

// A straight line shows in the long string and in the IRV, which are therefore
// one reason.
const (
	Straight Reason = 1 << iota // a long run of one answer, or no spread at all
	Fast                        // answered in a fraction of the usual time
	Unusual                     // an unlikely combination of answers
	Copied                      // nearly the same answers as another row
)

// Count returns how many reasons are in the set.
func (r Reason) Count() int {
	n := 0
	for ; r != 0; r &= r - 1 {
		n++
	}
	return n
}

// Review reports whether a person should look at the row: two independent
// reasons. One is chance too often.
func (r Reason) Review() bool { return r.Count() >= 2 }

// Thresholds of Flag.
type Thresholds struct {
	LongString int     // a run this long or longer
	Speed      float64 // a duration over the median below this
	D2P        float64 // a Mahalanobis p-value below this
	Match      float64 // a share of equal answers this high or higher
}

// UsualThresholds are those of the literature for k items: three quarters of
// the items in one run, half the median time, p < 0.001 and 85 % equal answers.
func UsualThresholds(k int) Thresholds {
	return Thresholds{LongString: max(1, (3*k+3)/4), Speed: 0.5, D2P: 0.001, Match: 0.85}
}

// Indices are the signs of careless or copied answers of each row.
type Indices struct {
	LongString []int
	IRV        []float64
	Distances  Distances
	Matches    Matches
	Speed      []float64 // nil without durations
	Median     float64   // duration; 0 without durations
}

// Examine computes all indices of the rows. Items are in the order asked, not
// reversed; duration may be nil. It returns the errors of LongString, IRV,
// Mahalanobis, PercentMatch and Speed, and panics when lengths differ.
func Examine(items [][]float64, duration []float64, opt MatchOptions) (Indices, error) {
	n, err := checkItems(items)
	if err != nil {
		return Indices{}, err
	}
	if duration != nil && len(duration) != n {
		panic(fmt.Sprintf("quality: %d durations for %d rows", len(duration), n))
	}
	var x Indices
	if x.LongString, err = LongString(items); err != nil {
		return Indices{}, err
	}
	if x.IRV, err = IRV(items); err != nil {
		return Indices{}, err
	}
	if x.Distances, err = Mahalanobis(items); err != nil {
		return Indices{}, err
	}
	if x.Matches, err = PercentMatch(items, opt); err != nil {
		return Indices{}, err
	}
	if duration != nil {
		x.Speed, x.Median, err = Speed(duration)
	}
	return x, err
}

// Flag returns the reasons to doubt each row. What is not known (NaN) is no
// reason.
func (x Indices) Flag(t Thresholds) []Reason {
	out := make([]Reason, len(x.LongString))
	for i := range out {
		if x.LongString[i] >= t.LongString || x.IRV[i] == 0 {
			out[i] |= Straight
		}
		if x.Speed != nil && x.Speed[i] < t.Speed {
			out[i] |= Fast
		}
		if x.Distances.P[i] < t.D2P {
			out[i] |= Unusual
		}
		if x.Matches.Share[i] >= t.Match {
			out[i] |= Copied
		}
	}
	return out
}

// ByGroup counts the rows of each group for which flagged is true, groups in
// ascending order. It panics when lengths differ.
func ByGroup(group []int, flagged []bool) []GroupCount {
	if len(group) != len(flagged) {
		panic(fmt.Sprintf("quality: %d groups for %d rows", len(group), len(flagged)))
	}
	at := map[int]*GroupCount{}
	for i, g := range group {
		c := at[g]
		if c == nil {
			c = &GroupCount{Group: g}
			at[g] = c
		}
		c.Rows++
		if flagged[i] {
			c.Flagged++
		}
	}
	out := make([]GroupCount, 0, len(at))
	for _, c := range at {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b GroupCount) int { return cmp.Compare(a.Group, b.Group) })
	return out
}

// GroupCount is how many rows of a group are flagged.
type GroupCount struct{ Group, Rows, Flagged int }
