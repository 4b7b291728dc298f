package sample

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"chengyin/stats/sampling"
	"chengyin/survey"
)

// ErrEmptyFrame means that the frame has no household in the place of the plan.
var ErrEmptyFrame = &survey.Error{Kind: survey.Invalid, Code: "frame_empty"}

// Drawn is a draw: the same for the same households, spec and seed on every
// machine.
type Drawn struct {
	Strata []DrawnStratum // by code
	PSUs   []DrawnPSU     // by stratum, in the frame's order
	Homes  []DrawnHome    // by PSU and position
}

// DrawnStratum says how many of a stratum's PSUs were drawn.
type DrawnStratum struct {
	Code  string
	PSUs  int // in the frame
	Homes int // in the frame
	Drawn int // PSUs
}

// DrawnPSU is a PSU that was drawn.
type DrawnPSU struct {
	ID          string
	Stratum     string
	Homes       int // in the frame
	Take        int // of which are visited
	Reserve     int
	Probability float64 // that the PSU is drawn
	Certain     bool    // it is in every sample
}

// DrawnHome is a household that was drawn.
type DrawnHome struct {
	FrameHome
	Stratum     string
	PSU         string
	At          int // from 1 in the random order of the PSU
	Reserve     bool
	Probability float64 // that its PSU is drawn, and then that it is among those to be visited
	Picks       string  // which adult is asked of 1, 2 … 12, as digits of base 36
}

// Base returns the household's design weight.
func (h DrawnHome) Base() float64 { return 1 / h.Probability }

// MostAdults is up to how many adults of a household one is picked.
const MostAdults = 12

// Draw draws PSUs in each stratum, then households in each PSU. The order of the
// frame does not count, since it is sorted first. Each stratum, PSU and household
// has chance of its own: the seed of its name.
//
// A PSU is drawn with probability n M_i / \sum M (PPS: randomised systematic, the
// certain ones aside) or n/N (equal). Within it the households are put in random
// order; the first take are visited, the next are the reserve. A household's
// probability is that of its PSU times min(take, M_i)/M_i, the same for visited and
// reserve. A PSU with fewer households than take is visited as a whole.
//
// Returns survey.ErrInvalid for a spec that Check refuses or that asks for fewer
// PSUs than the strata need, and ErrEmptyFrame.
func Draw(frame []FrameHome, spec Spec, seed sampling.Seed) (Drawn, error) {
	frame = sorted(frame)
	clusters := ClustersOf(frame, spec.Stage)
	strata, err := allocate(clusters, spec)
	if err != nil {
		return Drawn{}, err
	}
	starts := make([]int, len(clusters)) // of each cluster in the frame
	for i := 1; i < len(clusters); i++ {
		starts[i] = starts[i-1] + clusters[i-1].Homes
	}
	var d Drawn
	for _, s := range strata {
		d.Strata = append(d.Strata, DrawnStratum{Code: s.code, PSUs: len(s.clusters), Homes: s.homes, Drawn: s.draw})
		picked, err := s.pick(spec.Method, seed.For("stratum "+s.code))
		if err != nil {
			return Drawn{}, err
		}
		for _, i := range picked {
			c := clusters[s.clusters[i]]
			p := DrawnPSU{ID: c.id(), Stratum: s.code, Homes: c.Homes, Probability: s.prob[i], Certain: s.prob[i] == 1}
			p.Take, p.Reserve = spec.within(c.Homes)
			d.PSUs = append(d.PSUs, p)
			homes := frame[starts[s.clusters[i]]:][:c.Homes]
			d.Homes = append(d.Homes, p.order(homes, seed)...)
		}
	}
	return d, nil
}

// within returns how many of a PSU's households are visited and held in reserve.
func (s Spec) within(homes int) (take, reserve int) {
	take = min(s.Take, homes)
	return take, min(s.Reserve, homes-take)
}

// order puts a PSU's households in random order and returns those that are drawn.
func (p DrawnPSU) order(homes []FrameHome, seed sampling.Seed) []DrawnHome {
	at := make([]int, len(homes))
	for i := range at {
		at[i] = i
	}
	seed.For("psu "+p.ID).Source().Shuffle(len(at), func(i, j int) { at[i], at[j] = at[j], at[i] })
	prob := p.Probability
	if p.Take < p.Homes {
		prob = prob * float64(p.Take) / float64(p.Homes)
	}
	out := make([]DrawnHome, p.Take+p.Reserve)
	for i := range out {
		h := homes[at[i]]
		out[i] = DrawnHome{FrameHome: h, Stratum: p.Stratum, PSU: p.ID, At: i + 1, Reserve: i >= p.Take, Probability: prob, Picks: picks(seed, h.Household)}
	}
	return out
}

// picks says which of 1, 2 … MostAdults adults is asked, each as likely as another.
func picks(seed sampling.Seed, household string) string {
	r := seed.For("adult " + household).Source()
	out := make([]byte, 0, MostAdults)
	for n := uint64(1); n <= MostAdults; n++ {
		out = strconv.AppendUint(out, 1+r.Below(n), 36)
	}
	return string(out)
}

// Hash returns the SHA-256 of what was drawn: a line for each household with its
// stratum, PSU, position, whether it is of the reserve, its probability, its id and
// its picks.
func (d Drawn) Hash() string {
	h := sha256.New()
	for _, x := range d.Homes {
		fmt.Fprintf(h, "%s\t%s\t%d\t%t\t%s\t%s\t%s\n", x.Stratum, x.PSU, x.At, x.Reserve, strconv.FormatFloat(x.Probability, 'g', -1, 64), x.Household, x.Picks)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// stratum is a stratum of a plan with its PSUs.
type stratum struct {
	code     string
	clusters []int // places in the list of clusters
	size     []int64
	homes    int
	draw     int // PSUs to draw
	prob     []float64
	pps      *sampling.Inclusion // nil when equal
}

// stratumOf returns the code of the stratum of a community.
func (s Spec) stratumOf(code, top string) string {
	switch s.Stratify {
	case ByCommunity:
		return code
	case BySubdistrict:
		return code[:9] + "000"
	}
	return top
}

// allocate divides the clusters into strata and says of each how many of them are
// drawn, and how likely each is.
func allocate(clusters []Cluster, spec Spec) ([]stratum, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	if len(clusters) == 0 {
		return nil, ErrEmptyFrame
	}
	strata := stratify(clusters, spec)
	if err := divide(strata, spec); err != nil {
		return nil, err
	}
	for h := range strata {
		s := &strata[h]
		if spec.Method == Equal {
			s.prob = slices.Repeat([]float64{float64(s.draw) / float64(len(s.clusters))}, len(s.clusters))
			continue
		}
		var err error
		if s.pps, err = sampling.InclusionProbabilities(s.size, s.draw); err != nil {
			return nil, fmt.Errorf("draw stratum %s: %w", s.code, err)
		}
		s.prob = s.pps.Prob
	}
	return strata, nil
}

func stratify(clusters []Cluster, spec Spec) []stratum {
	codes := make([]string, len(clusters))
	for i, c := range clusters {
		codes[i] = c.AreaCode
	}
	top := Smallest(codes)
	var out []stratum
	for i, c := range clusters {
		code := spec.stratumOf(c.AreaCode, top)
		if len(out) == 0 || out[len(out)-1].code != code {
			out = append(out, stratum{code: code})
		}
		s := &out[len(out)-1]
		s.clusters, s.size = append(s.clusters, i), append(s.size, int64(c.Homes))
		s.homes += c.Homes
	}
	return out
}

// fewest PSUs of a stratum give its figures a standard error.
const fewest = 2

// divide sets how many PSUs are drawn in each stratum: never more than there are,
// and two at least where there are two.
func divide(strata []stratum, spec Spec) error {
	size, most := make([]float64, len(strata)), make([]int, len(strata))
	least, all := 0, 0
	for h, s := range strata {
		size[h], most[h] = float64(s.homes), len(s.clusters)
		least, all = least+min(fewest, most[h]), all+most[h]
	}
	switch spec.Allocation {
	case Fixed:
		for h := range strata {
			strata[h].draw = min(spec.PSUs, most[h])
		}
		return nil
	case Root:
		size = sampling.PowerSizes(size, 0.5) // a square root, which is the same on every machine
	}
	n, err := sampling.AllocateWhole(min(spec.PSUs, all), size, most, fewest)
	var few *sampling.AllocationError
	if errors.As(err, &few) {
		return survey.ErrInvalid.With(survey.Field{Path: "psus", Code: "plan_too_few_psus", Args: map[string]any{"least": least, "strata": len(strata)}})
	}
	if err != nil {
		return fmt.Errorf("divide PSUs: %w", err)
	}
	for h := range strata {
		strata[h].draw = n[h]
	}
	return nil
}

// pick draws the stratum's PSUs and returns their places among its clusters.
func (s stratum) pick(method string, seed sampling.Seed) ([]int, error) {
	if method == PPS {
		return s.pps.RandomSystematic(seed).Units, nil
	}
	drawn, err := sampling.Simple(seed, len(s.clusters), s.draw)
	if err != nil {
		return nil, fmt.Errorf("draw stratum %s: %w", s.code, err)
	}
	return drawn.Units, nil
}
