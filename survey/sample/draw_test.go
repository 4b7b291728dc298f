package sample_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chengyin/stats/sampling"
	"chengyin/survey"
	"chengyin/survey/sample"
)

var update = flag.Bool("update", false, "write the golden files")

// town is a frame of communities whose buildings have the sizes given.
func town(communities ...[]int) []sample.FrameHome {
	var out []sample.FrameHome
	for c, buildings := range communities {
		code := fmt.Sprintf("99010200%d00%d", 1+c/2, 1+c%2)
		for b, homes := range buildings {
			for i := range homes {
				h := sample.FrameHome{AreaCode: code, Building: fmt.Sprintf("%d栋", b+1), Unit: fmt.Sprint(1 + i%2), Room: fmt.Sprint(101 + i), Household: fmt.Sprintf("%s-%d-%d", code, b+1, i+1)}
				if i%3 != 0 {
					n := 1 + i%4
					h.Adults = &n
				}
				out = append(out, h)
			}
		}
	}
	return out
}

func plan(change func(*sample.Spec)) sample.Spec {
	s := sample.UsualSpec
	s.PSUs, s.Take, s.Reserve = 3, 4, 2
	change(&s)
	return s
}

var published = sampling.Seed{Hi: 0x0123456789abcdef, Lo: 0xfedcba9876543210}

// TestADrawIsTheSameOnEveryMachine pins what a published seed draws: another hash
// after a change of the program would mean that nobody can verify an old draw.
func TestADrawIsTheSameOnEveryMachine(t *testing.T) {
	frame := town([]int{12, 7, 30, 4, 9, 22}, []int{40, 3, 3, 8}, []int{5, 6}, []int{18, 18, 18, 18, 18})
	var b strings.Builder
	fmt.Fprintf(&b, "frame %s\n", sample.HashFrame(frame))
	for _, stratify := range sample.Stratifications {
		for _, stage := range sample.Stages {
			for _, method := range sample.Methods {
				for _, allocation := range sample.Allocations {
					spec := plan(func(s *sample.Spec) {
						s.Stratify, s.Stage, s.Method, s.Allocation = stratify, stage, method, allocation
						if allocation != sample.Fixed {
							s.PSUs = 9
						}
					})
					if stage == sample.Communities && stratify == sample.ByCommunity {
						continue
					}
					d, err := sample.Draw(frame, spec, published)
					if err != nil {
						t.Fatal(err)
					}
					fmt.Fprintf(&b, "%s %s %s %s %d %s\n", stratify, stage, method, allocation, len(d.Homes), d.Hash())
				}
			}
		}
	}
	const file = "testdata/draws.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the seed draws\n%swant\n%s", b.String(), want)
	}
	t.Run("the order of the frame does not count", func(t *testing.T) {
		spec := plan(func(*sample.Spec) {})
		first, err := sample.Draw(frame, spec, published)
		if err != nil {
			t.Fatal(err)
		}
		turned := slices.Clone(frame)
		slices.Reverse(turned)
		second, err := sample.Draw(turned, spec, published)
		if err != nil || first.Hash() != second.Hash() {
			t.Errorf("%v: %s and %s", err, first.Hash(), second.Hash())
		}
		if sample.HashFrame(turned) != sample.HashFrame(frame) {
			t.Error("the hash of the frame depends on its order")
		}
	})
}

// chiSquare fails when counts differ from what is expected more than once in a
// million samples by chance (Wilson and Hilferty).
func chiSquare(t *testing.T, what string, got, want []float64) {
	t.Helper()
	x, df := 0.0, -1.0
	for i := range got {
		if want[i] > 0 {
			x += (got[i] - want[i]) * (got[i] - want[i]) / want[i]
			df++
		} else if got[i] != 0 {
			t.Errorf("%s: %d came %g times and should never", what, i, got[i])
		}
	}
	z := (math.Cbrt(x/df) - (1 - 2/(9*df))) / math.Sqrt(2/(9*df))
	if z > 4.75 {
		t.Errorf("%s: chi-square %.1f at %g degrees of freedom, z = %.2f", what, x, df, z)
	}
	t.Logf("%s: chi-square %.1f at %g degrees of freedom, z = %.2f", what, x, df, z)
}

// TestHouseholdsAreDrawnAsOftenAsIsStated replays plans with 10,000 seeds.
func TestHouseholdsAreDrawnAsOftenAsIsStated(t *testing.T) {
	const draws = 10_000
	// 60 of 100 is certain by PPS; 2 and 3 are smaller than take; the second
	// community has no more buildings than are drawn.
	frame := town([]int{60, 10, 9, 2, 3, 8, 8}, []int{6, 4})
	for _, method := range sample.Methods {
		t.Run(method, func(t *testing.T) {
			spec := plan(func(s *sample.Spec) { s.Method, s.PSUs = method, 2 })
			at := map[string]int{}
			for i, h := range frame {
				at[h.Household] = i
			}
			visited, stated := make([]float64, len(frame)), make([]float64, len(frame))
			// Of each draw one household of each stratum, the first of one of its PSUs:
			// these are independent, as the chi-square wants them.
			single, expected := map[string][]float64{}, map[string][]float64{}
			picked := make([][]float64, sample.MostAdults)
			for n := range picked {
				picked[n] = make([]float64, n+1)
			}
			certain := 0
			for r := range draws {
				d, err := sample.Draw(frame, spec, published.For(fmt.Sprint(r)))
				if err != nil {
					t.Fatal(err)
				}
				chosen := map[string]bool{} // PSUs, one of each stratum
				for i, st := range d.Strata {
					if single[st.Code] == nil {
						single[st.Code], expected[st.Code] = make([]float64, len(frame)), make([]float64, len(frame))
					}
					of := slices.DeleteFunc(slices.Clone(d.PSUs), func(p sample.DrawnPSU) bool { return p.Stratum != st.Code })
					chosen[of[published.For(fmt.Sprint("one ", r, i)).Source().Below(uint64(st.Drawn))].ID] = true
				}
				psus := map[string]sample.DrawnPSU{}
				for _, p := range d.PSUs {
					psus[p.ID] = p
					if p.Certain && p.Homes == 60 {
						certain++
					}
				}
				for _, h := range d.Homes {
					i := at[h.Household]
					if stated[i] != 0 && stated[i] != h.Probability {
						t.Fatalf("household %d has the probabilities %g and %g", i, stated[i], h.Probability)
					}
					stated[i] = h.Probability
					if !h.Reserve {
						visited[i]++
					}
					if h.At == 1 && chosen[h.PSU] {
						single[h.Stratum][i]++
					}
					p := psus[h.PSU]
					expected[h.Stratum][i] = draws * p.Probability / 2 / float64(p.Homes) // two PSUs are drawn
					for n, c := range h.Picks {
						picked[n][strings.IndexRune("0123456789abc", c)-1]++
					}
				}
			}
			if wantCertain := map[string]int{sample.PPS: draws, sample.Equal: 0}[method]; certain != wantCertain {
				t.Errorf("the building of 60 was certain %d times, want %d", certain, wantCertain)
			}
			sum := 0.0
			for i, p := range stated {
				if p == 0 {
					t.Fatalf("household %d was never drawn", i)
				}
				sum += p
				if slack := 5 * math.Sqrt(p*(1-p)/draws); math.Abs(visited[i]/draws-p) > slack {
					t.Errorf("household %d was visited in %.4f of the draws, want %.4f", i, visited[i]/draws, p)
				}
			}
			for code, got := range single {
				chiSquare(t, "stratum "+code, got, expected[code])
			}
			for n := 1; n < sample.MostAdults; n++ {
				total := 0.0
				for _, c := range picked[n] {
					total += c
				}
				chiSquare(t, fmt.Sprintf("adult of %d", n+1), picked[n], slices.Repeat([]float64{total / float64(n+1)}, n+1))
			}
			size, err := sample.SizesOf(sample.ClustersOf(frame, spec.Stage), spec)
			if err != nil || math.Abs(size.All.Visits-sum) > 1e-9 {
				t.Errorf("the plan says that %g are visited, the probabilities add up to %g (%v)", size.All.Visits, sum, err)
			}
		})
	}
}

// anyPlan is a frame and a plan of any kind.
func anyPlan(t *rapid.T) ([]sample.FrameHome, sample.Spec) {
	sizes := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(1, 25), 1, 8), 1, 5).Draw(t, "town")
	spec := plan(func(s *sample.Spec) {
		s.Stratify = rapid.SampledFrom(sample.Stratifications).Draw(t, "stratify")
		s.Stage = rapid.SampledFrom(sample.Stages).Draw(t, "stage")
		s.Method = rapid.SampledFrom(sample.Methods).Draw(t, "method")
		s.Allocation = rapid.SampledFrom(sample.Allocations).Draw(t, "allocation")
		s.PSUs = rapid.IntRange(2, 40).Draw(t, "psus")
		s.Take = rapid.IntRange(1, 12).Draw(t, "take")
		s.Reserve = rapid.IntRange(0, 12).Draw(t, "reserve")
		s.Rules.Replace = rapid.SampledFrom([]string{sample.ReplaceNever, sample.ReplaceNotEligible, sample.ReplaceClosed}).Draw(t, "replace")
		s.Expect.Response = rapid.Float64Range(0.05, 1).Draw(t, "response")
		s.Expect.Roh = rapid.Float64Range(0, 0.5).Draw(t, "roh")
	})
	return town(sizes...), spec
}

// TestPlansHoldForAnyFrame: whatever the frame and the plan, what is drawn is what
// was said before, and its weights add up.
func TestPlansHoldForAnyFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frame, spec := anyPlan(t)
		d, err := sample.Draw(frame, spec, sampling.Seed{Lo: rapid.Uint64().Draw(t, "seed")})
		size, sizeErr := sample.SizesOf(sample.ClustersOf(frame, spec.Stage), spec)
		if err != nil || sizeErr != nil {
			if !errors.Is(err, survey.ErrInvalid) || !errors.Is(sizeErr, survey.ErrInvalid) {
				t.Fatalf("%v and %v", err, sizeErr)
			}
			return
		}
		homes := map[string]bool{}
		byPSU := map[string][]sample.DrawnHome{}
		for _, h := range d.Homes {
			if homes[h.Household] || !(h.Probability > 0 && h.Probability <= 1) || len(h.Picks) != sample.MostAdults || h.Picks[0] != '1' {
				t.Fatalf("%+v", h)
			}
			homes[h.Household] = true
			byPSU[h.PSU] = append(byPSU[h.PSU], h)
		}
		if len(byPSU) != len(d.PSUs) || len(d.PSUs) != size.All.Draw || len(d.Strata) != len(size.Strata) {
			t.Fatalf("%d PSUs of households, %d drawn, %d planned", len(byPSU), len(d.PSUs), size.All.Draw)
		}
		sums := map[string]float64{}
		for _, p := range d.PSUs {
			of := byPSU[p.ID]
			if len(of) != p.Take+p.Reserve || p.Take != min(spec.Take, p.Homes) || p.Reserve != min(spec.Reserve, p.Homes-p.Take) {
				t.Fatalf("%+v has %d households", p, len(of))
			}
			for i, h := range of {
				if h.At != i+1 || h.Reserve != (i >= p.Take) || h.Stratum != p.Stratum {
					t.Fatalf("%+v is number %d of %+v", h, i+1, p)
				}
				if !h.Reserve {
					sums[p.Stratum] += h.Base()
				}
			}
		}
		margins := 0.0
		for i, s := range size.Strata {
			if s.Code != d.Strata[i].Code || s.Draw != d.Strata[i].Drawn || s.Draw < min(2, s.PSUs) || s.Draw > s.PSUs || s.Lonely != (s.Draw == 1) {
				t.Fatalf("%+v and %+v", s, d.Strata[i])
			}
			// With PPS the weights know the number of households exactly; with equal
			// probabilities when all are drawn.
			if spec.Method == sample.PPS || s.Draw == s.PSUs {
				if math.Abs(sums[s.Code]-float64(s.Homes)) > 1e-6*float64(s.Homes) {
					t.Fatalf("stratum %s of %d households weighs %g", s.Code, s.Homes, sums[s.Code])
				}
			}
			if !(s.Margin >= 0) || s.Weights < 1 || s.Cluster < 1 || s.Interviews > s.Visits+s.Reserve+1e-9 || s.Visits > float64(s.Homes)+1e-9 {
				t.Fatalf("%+v", s)
			}
			share := float64(s.Homes) / float64(size.All.Homes)
			margins += share * share * s.Margin * s.Margin
		}
		if math.Abs(size.All.Margin-math.Sqrt(margins)) > 1e-12 {
			t.Fatalf("the margin of all is %g, of the parts %g", size.All.Margin, math.Sqrt(margins))
		}
		if size.Enough > 0 {
			spec.PSUs = size.Enough
			if again, err := sample.SizesOf(sample.ClustersOf(frame, spec.Stage), spec); err != nil || again.All.Margin > spec.Expect.Margin {
				t.Fatalf("%d PSUs were to be enough: %+v, %v", size.Enough, again.All, err)
			}
		}
	})
}

// TestSizes compares with numbers worked out by hand.
func TestSizes(t *testing.T) {
	spec := plan(func(s *sample.Spec) {
		s.Stratify, s.PSUs, s.Take, s.Reserve = sample.Whole, 10, 5, 0
		s.Rules.Replace = sample.ReplaceNever
		s.Expect = sample.Expect{Margin: 0.1, Level: 0.95, Roh: 0.05, Response: 0.8}
	})
	equal := make([]sample.Cluster, 50) // 50 buildings of 20 households
	for i := range equal {
		equal[i] = sample.Cluster{AreaCode: "990102001001", Building: fmt.Sprintf("%02d", i), Homes: 20}
	}
	near := func(t *testing.T, what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-4 {
			t.Errorf("%s is %.5f, want %.5f", what, got, want)
		}
	}
	t.Run("equal buildings have the textbook's design effect and margin", func(t *testing.T) {
		s, err := sample.SizesOf(equal, spec)
		if err != nil {
			t.Fatal(err)
		}
		// b = 4 interviews in a building: 1 + 3·0.05 = 1.15; 40 of 1000:
		// 1.96 √(1.15 · 0.25/40 · 960/999) = 0.16288.
		near(t, "visits", s.All.Visits, 50)
		near(t, "interviews", s.All.Interviews, 40)
		near(t, "weights", s.All.Weights, 1)
		near(t, "clusters", s.All.Cluster, 1.15)
		near(t, "deff", s.All.Deff, 1.15)
		near(t, "margin", s.All.Margin, 0.16288)
		// n0 = 1.15 · 3.8415 · 0.25/0.01 = 110.44; /(1 + 109.44/1000) = 99.55.
		if s.Needed != 100 || s.Invite != 125 {
			t.Errorf("%d interviews of %d households are needed", s.Needed, s.Invite)
		}
		if s.Enough != 25 { // 25 · 4 = 100
			t.Errorf("%d buildings are enough", s.Enough)
		}
	})
	t.Run("buildings of two sizes drawn with equal probability have unequal weights", func(t *testing.T) {
		two := slices.Clone(equal)
		for i := range 25 {
			two[i].Homes = 60
		}
		s := spec
		s.Method = sample.Equal
		x, err := sample.SizesOf(two, s)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "weights", x.All.Weights, 2*(60.*60+20*20)/(80*80)) // weights 60 and 20, as often
		s.Method = sample.PPS
		if x, err = sample.SizesOf(two, s); err != nil {
			t.Fatal(err)
		}
		near(t, "weights by PPS", x.All.Weights, 1)
	})
	t.Run("the adults that the frame knows widen the weights", func(t *testing.T) {
		some := slices.Clone(equal)
		some[0].Adults, some[0].Known, some[0].Squares = 30, 20, 50 // ten with one, ten with two
		x, err := sample.SizesOf(some, spec)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "weights", x.All.Weights, 20*50./900)
		near(t, "adults", x.All.Adults, 1500)
	})
	t.Run("a reserve makes up for those who do not answer, when the rules let it", func(t *testing.T) {
		s := spec
		s.Reserve, s.Rules.Replace = 2, sample.ReplaceClosed
		x, err := sample.SizesOf(equal, s)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "interviews", x.All.Interviews, 50) // 0.8 · 7 is more than 5
	})
	t.Run("when all buildings are drawn they have no cluster effect", func(t *testing.T) {
		s := spec
		s.PSUs = 90
		x, err := sample.SizesOf(equal, s)
		if err != nil || x.All.Certain != 50 || x.All.Draw != 50 {
			t.Fatalf("%+v %v", x.All, err)
		}
		near(t, "deff", x.All.Deff, 1)
		near(t, "margin", x.All.Margin, 1.959964*math.Sqrt(0.25/200*800/999))
	})
	t.Run("a margin that all buildings together do not reach is said to be out of reach", func(t *testing.T) {
		s := spec
		s.Expect.Margin = 0.001
		if x, err := sample.SizesOf(equal, s); err != nil || x.Enough != 0 {
			t.Fatalf("%d %v", x.Enough, err)
		}
	})
}

func TestPlansSayWhatIsWrong(t *testing.T) {
	frame := town([]int{5, 5, 5}, []int{5, 5, 5})
	for want, change := range map[string]func(*sample.Spec){
		"stratify:field_not_listed":          func(s *sample.Spec) { s.Stratify = "x" },
		"stage:field_not_listed":             func(s *sample.Spec) { s.Stage = "" },
		"stage:plan_stage_within":            func(s *sample.Spec) { s.Stage = sample.Communities },
		"method:field_not_listed":            func(s *sample.Spec) { s.Method = "PPS" },
		"allocation:field_not_listed":        func(s *sample.Spec) { s.Allocation = "neyman" },
		"psus:field_out_of_range":            func(s *sample.Spec) { s.PSUs = 1 },
		"psus:plan_too_few_psus":             func(s *sample.Spec) { s.Allocation = sample.Proportional },
		"take:field_out_of_range":            func(s *sample.Spec) { s.Take = 0 },
		"reserve:field_out_of_range":         func(s *sample.Spec) { s.Reserve = -1 },
		"rules.visits:field_out_of_range":    func(s *sample.Spec) { s.Rules.Visits = 0 },
		"rules.replace:field_not_listed":     func(s *sample.Spec) { s.Rules.Replace = "always" },
		"rules.select:field_not_listed":      func(s *sample.Spec) { s.Rules.Select = "first" },
		"expect.margin:field_out_of_range":   func(s *sample.Spec) { s.Expect.Margin = math.NaN() },
		"expect.level:field_out_of_range":    func(s *sample.Spec) { s.Expect.Level = 1 },
		"expect.roh:field_out_of_range":      func(s *sample.Spec) { s.Expect.Roh = -0.1 },
		"expect.response:field_out_of_range": func(s *sample.Spec) { s.Expect.Response = 0 },
	} {
		spec := plan(change)
		_, err := sample.Draw(frame, spec, published)
		_, err2 := sample.SizesOf(sample.ClustersOf(frame, spec.Stage), spec)
		for _, err := range []error{err, err2} {
			var e *survey.Error
			if !errors.As(err, &e) || len(e.Fields) == 0 || e.Fields[0].Path+":"+e.Fields[0].Code != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
	if _, err := sample.Draw(nil, sample.UsualSpec, published); !errors.Is(err, sample.ErrEmptyFrame) {
		t.Errorf("nothing: %v", err)
	}
}
