package estimate_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"chengyin/stats/estimate"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// How often do 95 % intervals for proportions cover the truth? For simple random
// samples the answer is a sum over the possible counts; for others samples are
// drawn from a fixed seed. docs/methods/coverage.md shows the tables:
//
//	go test ./stats/estimate -run Coverage -update    writes them
//	go test ./stats/estimate -run '^$' -bench Coverage draws ten times as many

var update = flag.Bool("update", false, "write docs/methods/coverage.md anew")

const coveragePage = "../../docs/methods/coverage.md"

var (
	coverN = []int{15, 30, 100, 400}
	coverP = []float64{0.02, 0.1, 0.5, 0.9, 0.99}
)

// effect is the design effect of the designs that are not simple random.
const effect = 2.35

// drawn is what is known after a sample: the estimate, its variance and degrees
// of freedom, and the design effect that the whole wave of 2400 answers shows.
type drawn struct {
	p, v   float64
	n, df  int
	deff   float64
	chance float64
}

// rule makes an interval from it.
type rule func(d drawn) estimate.Interval

func published(d drawn) estimate.Interval {
	i, err := estimate.PublishedProportion(d.p, d.v, d.n, d.df, d.deff, 0.95)
	if err != nil {
		panic(err)
	}
	return i
}

// exactRule is the interval of the presentation standards of the NCHS, with the
// design effect borrowed below 8 degrees of freedom.
func exactRule(d drawn) estimate.Interval {
	i, err := estimate.Proportion(estimate.BetaCapped, d.p, d.v, d.n, float64(d.df), 0.95)
	if d.df < estimate.TrustedDF {
		i, err = estimate.Borrowed(d.p, d.v, d.n, d.deff, 0.95)
	}
	if err != nil {
		panic(err)
	}
	return i
}

// remember saves the work for samples that came before, as most do.
func remember(r rule) rule {
	known := map[drawn]estimate.Interval{}
	return func(d drawn) estimate.Interval {
		d.chance = 0
		i, ok := known[d]
		if !ok {
			i = r(d)
			if len(known) < 1<<16 {
				known[d] = i
			}
		}
		return i
	}
}

// cover returns how often each rule covers p.
func cover(p float64, samples func(func(drawn)), rules ...rule) []float64 {
	hit := make([]float64, len(rules))
	samples(func(d drawn) {
		for j, r := range rules {
			if i := r(d); i.Lower <= p && p <= i.Upper {
				hit[j] += d.chance
			}
		}
	})
	return hit
}

// simple gives every possible simple random sample with its chance.
func simple(n int, p float64) func(func(drawn)) {
	return func(each func(drawn)) {
		b := distuv.Binomial{N: float64(n), P: p}
		for x := range n + 1 {
			q := float64(x) / float64(n)
			each(drawn{p: q, v: q * (1 - q) / float64(n-1), n: n, df: n - 1, deff: 1, chance: b.Prob(float64(x))})
		}
	}
}

// buildings draws samples of n answers, b in a building, that lie in a wave of
// 2400. The chance of yes differs between buildings (beta-binomial) so much that
// the design effect is 2.35.
func buildings(r *rand.Rand, samples, n, b int, p float64) func(func(drawn)) {
	rho := (effect - 1) / float64(b-1)
	alpha, beta := p*(1/rho-1), (1-p)*(1/rho-1)
	upTo := map[int][]float64{} // distribution functions by size of the building
	dist := func(size int) []float64 {
		f, ok := upTo[size]
		if !ok {
			sum, k := 0.0, float64(size)
			for x := range size + 1 {
				x := float64(x)
				sum += math.Exp(mathext.Lbeta(x+alpha, k-x+beta) - mathext.Lbeta(alpha, beta) - math.Log(k+1) - mathext.Lbeta(x+1, k-x+1))
				f = append(f, sum)
			}
			upTo[size] = f
		}
		return f
	}
	homes := (n + b - 1) / b
	size, yes := make([]int, homes), make([]float64, homes)
	for i := range n {
		size[i%homes]++
	}
	const wave = 2400
	return func(each func(drawn)) {
		for range samples {
			var sum, all, squares float64
			for i, k := range size {
				f, u := dist(k), r.Float64()
				x := 0
				for x < k && u >= f[x] {
					x++
				}
				yes[i] = float64(x)
				sum += yes[i]
				squares += yes[i] * yes[i]
			}
			all = sum
			// The buildings of the rest of the wave by their number of yes.
			f, rest, below := dist(b), float64(wave/b-homes), 0.0
			for x, upper := range f {
				k := rest
				if share := (upper - below) / (1 - below); x < b && share < 1 {
					k = distuv.Binomial{N: rest, P: share, Src: r}.Rand()
				}
				all += k * float64(x)
				squares += k * float64(x*x)
				rest, below = rest-k, upper
			}
			q := sum / float64(n)
			v := 0.0
			for i, x := range yes {
				e := x - float64(size[i])*q
				v += e * e
			}
			v *= float64(homes) / float64(homes-1) / float64(n*n)
			d := drawn{p: q, v: v, n: n, df: homes - 1, deff: 1, chance: 1 / float64(samples)}
			if w := all / wave; w > 0 && w < 1 {
				d.deff = (squares - wave*float64(b)*w*w) / wave / (w * (1 - w))
			}
			each(d)
		}
	}
}

// weighted draws single persons with weights whose Kish effect is 2.35.
func weighted(r *rand.Rand, samples, n int, p float64) func(func(drawn)) {
	w, y := make([]float64, n), make([]float64, n)
	sigma := math.Sqrt(math.Log(effect))
	return func(each func(drawn)) {
		for range samples {
			var sum, yes float64
			for i := range w {
				w[i], y[i] = math.Exp(sigma*r.NormFloat64()), 0
				if r.Float64() < p {
					y[i] = 1
				}
				sum += w[i]
				yes += w[i] * y[i]
			}
			q, v := yes/sum, 0.0
			for i := range w {
				e := w[i] * (y[i] - q) / sum
				v += e * e
			}
			each(drawn{p: q, v: v * float64(n) / float64(n-1), n: n, df: n - 1, deff: effect, chance: 1 / float64(samples)})
		}
	}
}

// possible reports whether any interval whose limits rise with the number of yes
// covers p in 93 to 97 of 100 simple random samples: the samples whose interval
// covers p are then a run of counts.
func possible(n int, p float64) bool {
	b := distuv.Binomial{N: float64(n), P: p}
	for from := range n + 1 {
		sum := 0.0
		for x := from; x <= n && sum <= 0.97; x++ {
			if sum += b.Prob(float64(x)); sum >= 0.93 && sum <= 0.97 {
				return true
			}
		}
	}
	return false
}

// cellCoverage is a line of the first table.
type cellCoverage struct {
	n               int
	p               float64
	simple, cluster [2]float64 // published, exact
	possible        bool
}

func coverageCells(samples int) []cellCoverage {
	var out []cellCoverage
	for _, n := range coverN {
		for _, p := range coverP {
			draw := func(samples int) func(func(drawn)) {
				return buildings(rand.New(rand.NewPCG(20240601, uint64(n)*1000+uint64(p*100))), samples, n, 5, p)
			}
			c := cellCoverage{n: n, p: p, possible: possible(n, p)}
			copy(c.simple[:], cover(p, simple(n, p), published, exactRule))
			c.cluster[0] = cover(p, draw(samples), remember(published))[0]
			c.cluster[1] = cover(p, draw(samples/5), remember(exactRule))[0] // which takes long
			out = append(out, c)
		}
	}
	return out
}

func inBand(x float64) bool { return x >= 0.93 && x <= 0.97 }

// coverageTables are the two tables of the page.
func coverageTables(cells []cellCoverage, samples int) string {
	var b strings.Builder
	mark := func(x float64, impossible bool) string {
		s := fmt.Sprintf("%.1f", 100*x)
		switch {
		case inBand(x):
			return s
		case impossible:
			return s + " †"
		}
		return s + " *"
	}
	b.WriteString("| n | p | deff 1 | deff 2.35 | deff 1, Korn–Graubard | deff 2.35, Korn–Graubard |\n|---:|---:|---:|---:|---:|---:|\n")
	for _, c := range cells {
		fmt.Fprintf(&b, "| %d | %g | %s | %s | %s | %s |\n", c.n, c.p, mark(c.simple[0], !c.possible), mark(c.cluster[0], false),
			mark(c.simple[1], !c.possible), mark(c.cluster[1], false))
	}
	b.WriteString("\n| design | n = 15 | n = 30 | n = 100 | n = 400 |\n|---|---:|---:|---:|---:|\n")
	for _, design := range []string{"10 answers a building", "unequal weights"} {
		fmt.Fprintf(&b, "| %s |", design)
		for _, n := range coverN {
			low, high := 1.0, 0.0
			for _, p := range coverP {
				r := rand.New(rand.NewPCG(20240602, uint64(n)*1000+uint64(p*100)))
				draw := buildings(r, samples/4, n, 10, p)
				if design == "unequal weights" {
					draw = weighted(r, samples/4, n, p)
				}
				c := cover(p, draw, published)[0]
				low, high = min(low, c), max(high, c)
			}
			fmt.Fprintf(&b, " %.1f–%.1f |", 100*low, 100*high)
		}
		b.WriteString("\n")
	}
	return b.String()
}

const coverageSamples = 10000

// TestCoverageOfProportions holds the published intervals to 93 to 97 %, and the
// page to what the program gives.
func TestCoverageOfProportions(t *testing.T) {
	cells := coverageCells(coverageSamples)
	slack := 3 * math.Sqrt(0.95*0.05/coverageSamples)
	for _, c := range cells {
		// One step of a simple random sample's coverage is 4 points here: without
		// the samples of no yes at all it would be 93.2.
		step := c.n == 30 && (c.p == 0.1 || c.p == 0.9)
		switch x := c.simple[0]; {
		case x < 0.93:
			t.Errorf("n = %d, p = %g: covered in %.4f of simple random samples", c.n, c.p, x)
		case x > 0.97 && c.possible && !step, step && x > 0.975:
			t.Errorf("n = %d, p = %g: covered in %.4f of simple random samples, too often", c.n, c.p, x)
		}
		if x := c.cluster[0]; x < 0.93-slack || x > 0.97+slack {
			t.Errorf("n = %d, p = %g: covered in %.4f of clustered samples", c.n, c.p, x)
		}
	}
	page, err := os.ReadFile(coveragePage)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = "<!-- tables: go test ./stats/estimate -run Coverage -update -->\n", "<!-- end of tables -->\n"
	head, rest, ok1 := strings.Cut(string(page), from)
	old, tail, ok2 := strings.Cut(rest, to)
	if !ok1 || !ok2 {
		t.Fatal("the page has no place for the tables")
	}
	tables := coverageTables(cells, coverageSamples)
	switch {
	case old == tables:
	case *update:
		if err := os.WriteFile(coveragePage, []byte(head+from+tables+to+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/methods/coverage.md has other tables than\n%s", tables)
	}
}

// BenchmarkCoverage draws ten times as many samples as the test.
func BenchmarkCoverage(b *testing.B) {
	for b.Loop() {
		low, high, outside := 1.0, 0.0, 0
		for _, c := range coverageCells(10 * coverageSamples) {
			low, high = min(low, c.cluster[0]), max(high, c.cluster[0])
			if !inBand(c.cluster[0]) {
				outside++
			}
			b.Logf("n = %d, p = %g: %.4f of simple random and %.4f of clustered samples", c.n, c.p, c.simple[0], c.cluster[0])
		}
		b.ReportMetric(low, "lowest")
		b.ReportMetric(high, "highest")
		b.ReportMetric(float64(outside), "cells-outside")
	}
}
