package demo

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"chengyin/stats/sampling"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/fieldwork"
	"chengyin/survey/sample"
	"chengyin/survey/score"
	"chengyin/survey/tally"
	"chengyin/survey/weight"
)

// The figures of docs/methods/field-coverage.md: make coverage-field.
var (
	update        = flag.Bool("update", false, "write the tables of docs/methods/field-coverage.md")
	coverageWaves = flag.Int("waves", 24, "how many waves are drawn and interviewed")
)

const (
	fieldPage     = "../../docs/methods/field-coverage.md"
	publishedRuns = 400
	scansPerWave  = 3_000
)

// fieldSpec is the plan of the simulated waves: what a district would do, 200
// buildings and 1,200 homes.
var fieldSpec = sample.Spec{
	Stratify: sample.BySubdistrict, Stage: sample.Buildings, Method: sample.PPS, Allocation: sample.Proportional, PSUs: 200, Take: 6, Reserve: 6,
	Rules: sample.UsualRules, Expect: sample.Expect{Margin: 0.03, Level: 0.95, Roh: 0.05, Response: 0.6},
}

// The ways of coming to a figure, in the order of the table.
const (
	byVisits   = "visits"
	byBoth     = "combined"
	byRaking   = "visits without the factor"
	byInterns  = "visits, plain mean"
	byScans    = "scans"
	byScanners = "scans, plain mean"
)

var ways = []string{byVisits, byBoth, byRaking, byInterns, byScans, byScanners}

// trial is what a way comes to in one wave, by indicator.
type trial struct{ estimate, low, high float64 }

// try draws a wave, has its doors knocked on and some of its posters scanned, and
// returns what each way comes to.
func (x *residents) try(number int, people []area.Population, likely []float64) (map[string][]trial, fieldwave, error) {
	drawn, err := sample.Draw(x.frame, fieldSpec, sampling.Seed{Hi: x.town.seed, Lo: uint64(number)})
	if err != nil {
		return nil, fieldwave{}, err
	}
	r := chance(x.town.seed, "doors", strconv.Itoa(number))
	w, err := x.interviewers(r, drawn)
	if err != nil {
		return nil, w, err
	}
	out := map[string][]trial{}
	k := len(x.recipe.Indicators)
	y, yy, n := make([]float64, k), make([]float64, k), make([]float64, k)
	rows := slices.Clone(w.rows)
	for range scansPerWave {
		i, _ := slices.BinarySearch(likely, r.Float64()*likely[len(likely)-1])
		answers := x.answersOf(i)
		rows = append(rows, tally.Of(tally.Answer{Mode: collector.Scanned, AreaCode: x.placeOf(i).code, Answers: answers}, x.d, x.recipe)...)
		for v, a := range x.recipe.Values(x.d, answers) {
			if a.OK {
				y[v], yy[v], n[v] = y[v]+a.Y, yy[v]+a.Y*a.Y, n[v]+1
			}
		}
	}
	rows = tally.Merge(rows)
	factors, err := weight.Factors(w.psus, weight.Options{Ended: true})
	if err != nil {
		return nil, w, err
	}
	in := score.Input{Areas: x.areas(), Population: people, Recipe: x.recipe, Rows: rows, Field: factors}
	if err := x.district(in, out, map[string]string{collector.Visited: byVisits, score.Combined: byBoth, collector.Scanned: byScans}); err != nil {
		return nil, w, fmt.Errorf("wave %d: %w", number, err)
	}
	in.Field = weight.Result{}
	if err := x.district(in, out, map[string]string{collector.Visited: byRaking}); err != nil {
		return nil, w, fmt.Errorf("wave %d: %w", number, err)
	}
	for v := range k {
		out[byScanners] = append(out[byScanners], plain(y[v], yy[v], n[v]))
		out[byInterns] = append(out[byInterns], plain(w.plain[v], w.squares[v], w.n[v]))
	}
	return out, w, nil
}

// plain is the mean of n answers as if they were a simple random sample.
func plain(y, yy, n float64) trial {
	mean := y / n
	half := 1.96 * math.Sqrt((yy/n-mean*mean)/(n-1))
	return trial{mean, mean - half, mean + half}
}

// district adds the district's scores to those of the ways that their modes stand
// for.
func (x *residents) district(in score.Input, out map[string][]trial, ways map[string]string) error {
	scores, _, err := score.Compute(in)
	if err != nil {
		return err
	}
	for _, ind := range x.recipe.Indicators {
		for _, s := range scores {
			way := ways[s.Mode]
			if s.AreaCode != DistrictCode || s.Indicator != ind.Code || way == "" {
				continue
			}
			if s.Estimate == nil {
				return fmt.Errorf("%s of %s is withheld: %s", s.Indicator, s.Mode, s.Reason)
			}
			out[way] = append(out[way], trial{*s.Estimate, *s.Low, *s.High})
		}
	}
	return nil
}

// areas are the demo district and what lies in it.
func (x *residents) areas() []area.Area {
	return slices.DeleteFunc(slices.Clone(x.town.areas), func(a area.Area) bool { return !strings.HasPrefix(a.Code, "990102") })
}

// likely adds up how likely each resident is to scan.
func (x *residents) likely() []float64 {
	out, sum := make([]float64, len(x.people)), 0.0
	for i, p := range x.people {
		sum += scanner(int(p.cell), p.know)
		out[i] = sum
	}
	return out
}

// tried is what a way comes to for an indicator in many waves.
type tried struct{ covered, bias, spread, half float64 }

// repeat tries many waves and returns what the ways come to, by indicator, and the
// mean number of households by outcome.
func (x *residents) repeat(t testing.TB, waves int) (map[string][]tried, map[string]float64) {
	t.Helper()
	people := slices.DeleteFunc(x.town.populationRows(), func(p area.Population) bool { return !strings.HasPrefix(p.AreaCode, "990102") })
	likely := x.likely()
	all, doors := make([]map[string][]trial, waves), make([]fieldwave, waves)
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for p := range workers {
		wait.Go(func() {
			for i := p; i < waves && !t.Failed(); i += workers {
				var err error
				if all[i], doors[i], err = x.try(i, people, likely); err != nil {
					t.Error(err)
				}
				doors[i].rows = nil
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	n := float64(waves)
	outcomes := map[string]float64{}
	for _, w := range doors {
		for code, c := range w.outcomes {
			outcomes[code] += float64(c) / n
		}
	}
	out := map[string][]tried{}
	for _, way := range ways {
		for v, truth := range x.truth {
			var s tried
			for _, w := range all {
				r := w[way][v]
				if r.low <= truth && truth <= r.high {
					s.covered += 100 / n
				}
				s.bias += (r.estimate - truth) / n
				s.spread += (r.estimate - truth) * (r.estimate - truth) / n
				s.half += (r.high - r.low) / 2 / n
			}
			s.spread = math.Sqrt(s.spread - s.bias*s.bias)
			out[way] = append(out[way], s)
		}
	}
	return out, outcomes
}

// tables words what came out.
func (x *residents) tables(got map[string][]tried, outcomes map[string]float64, waves int) string {
	var b strings.Builder
	b.WriteString("| way | indicator | truth | coverage, % | bias | standard deviation | mean half width |\n|---|---|---:|---:|---:|---:|---:|\n")
	for _, way := range ways {
		for v, ind := range x.recipe.Indicators {
			g := got[way][v]
			fmt.Fprintf(&b, "| %s | %s | %.2f | %.1f | %+.2f | %.2f | %.2f |\n", way, ind.Code, x.truth[v], g.covered, g.bias, g.spread, g.half)
		}
	}
	fmt.Fprintf(&b, "\n| outcome | households a wave, mean of %d |\n|---|---:|\n", waves)
	counts := fieldwork.Counts{}
	for _, o := range fieldwork.Outcomes {
		if outcomes[o.Code] > 0 {
			fmt.Fprintf(&b, "| %s | %.1f |\n", o.Code, outcomes[o.Code])
			counts[o.Group] += outcomes[o.Code]
		}
	}
	if r := fieldwork.RatesOf(counts, nil).Value("RR3"); r != nil {
		fmt.Fprintf(&b, "\nRR3 %.1f %%\n", 100**r)
	}
	return b.String()
}

// TestFieldCoverage draws waves, sends interviewers through the rules of the field,
// weighs and scores them as the platform does, and looks how often the district's
// interval contains what is true of its residents. With -waves 400 it holds the
// tables of the page to what comes out.
func TestFieldCoverage(t *testing.T) {
	x := settleAll(newTown(usualSeed, timetableAt(now)), 1)
	waves := *coverageWaves
	got, outcomes := x.repeat(t, waves)
	tables := x.tables(got, outcomes, waves)
	t.Logf("%d adults at %d addresses\n%s", len(x.people), len(x.homes), tables)
	// Three standard errors beside 93 to 97 %.
	slack := 300 * math.Sqrt(0.95*0.05/float64(waves))
	if waves >= publishedRuns {
		slack = 0
	}
	for v, ind := range x.recipe.Indicators {
		visits, scans := got[byVisits][v], got[byScanners][v]
		if visits.covered < 93-slack || visits.covered > 97+slack {
			t.Errorf("%s: the interval of the visits contains the truth in %.1f %% of waves", ind.Code, visits.covered)
		}
		if far := 3 * visits.spread / math.Sqrt(float64(waves)); math.Abs(visits.bias) > 0.4+far {
			t.Errorf("%s: visits are off by %+.2f on average", ind.Code, visits.bias)
		}
		if scans.covered > 60 || scans.bias < 1 {
			t.Errorf("%s: the plain mean of the scans is off by %+.2f only, and its interval contains the truth in %.1f %% of waves", ind.Code, scans.bias, scans.covered)
		}
	}
	if waves < publishedRuns {
		return
	}
	page, err := os.ReadFile(fieldPage)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = "<!-- tables: make coverage-field -->\n", "<!-- end of tables -->\n"
	head, rest, ok1 := strings.Cut(string(page), from)
	old, tail, ok2 := strings.Cut(rest, to)
	switch {
	case !ok1 || !ok2:
		t.Fatal("the page has no place for the tables")
	case old == tables:
	case *update:
		if err := os.WriteFile(fieldPage, []byte(head+from+tables+to+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has other tables", fieldPage)
	}
}
