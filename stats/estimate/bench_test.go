package estimate_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"chengyin/stats/estimate"
	"chengyin/stats/weighting"
)

// The whole job of a wave on the generated rows of the reference cases: 8
// strata, 4800 PSUs, raking to 120 + 6 + 2 margins, three indicators for the
// district and for 120 communities, each with the standard error of the raked
// estimate. R needs some 900 CPU seconds for it at 1e6 rows (docs/methods).
//
//	go test ./stats/estimate -run '^$' -bench 'Wave' -benchmem
//
// At 1e5 rows the figures have to be those that R printed, to its last digit. On a
// machine that is busy with other things cpu-ms, the processor time of a job on
// all cores together, says more than the time on the clock.

// packed are generated rows in little memory, as a program would hold them.
type packed struct {
	community, subdistrict, age, sex []uint8
	psu                              []uint16
	w                                []float64
	y                                [][3]float32
}

func pack(n int) *packed {
	p := &packed{}
	const step = 100000
	for from := 0; from < n; from += step {
		g := generatedRange(from, min(step, n-from))
		for i := range g.w {
			p.community = append(p.community, uint8(g.community[i]))
			p.subdistrict = append(p.subdistrict, uint8(g.subdistrict[i]))
			p.age, p.sex = append(p.age, uint8(g.age[i])), append(p.sex, uint8(g.sex[i]))
			p.psu, p.w = append(p.psu, uint16(g.psu[i])), append(p.w, g.w[i])
			p.y = append(p.y, [3]float32{float32(g.y[0][i]), float32(g.y[1][i]), float32(g.y[2][i])})
		}
	}
	return p
}

// collect adds the rows up to cells.
func (p *packed) collect() []estimate.Cell {
	c := estimate.NewCollector(3)
	y := make([]float64, 3)
	for i, w := range p.w {
		for v, x := range p.y[i] {
			y[v] = float64(x)
		}
		community := int(p.community[i])
		c.Add(int(p.subdistrict[i]), int(p.psu[i]), community*12+int(p.age[i])*2+int(p.sex[i]), community, w, y)
	}
	return c.Cells()
}

// wave does the whole job from cells and returns the district's figures.
func wave(b testing.TB, cells []estimate.Cell, cat [][]int, margins []weighting.Margin) [3]estimate.CellMean {
	tally, err := estimate.NewTally(cells, 3, estimate.TallyOptions{})
	if err != nil {
		b.Fatal(err)
	}
	raked, _, err := tally.Rake(cat, margins, weighting.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var out [3]estimate.CellMean
	for v := range out {
		if out[v], err = raked.Mean(v, nil); err != nil {
			b.Fatal(err)
		}
	}
	for _, communities := range raked.MeansBy(120, func(leaf int) int { return leaf }) {
		for _, m := range communities {
			if !(m.SE > 0) {
				b.Fatal("a community without a standard error")
			}
		}
	}
	return out
}

// peak returns the largest resident set of the process in MiB, 0 where the
// system does not tell.
func peak() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}

// cpu returns the processor time of this process in seconds, 0 where the system
// does not tell.
func cpu() float64 {
	b, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

// likeR compares the district at 1e5 rows with what R printed.
func likeR(b *testing.B, m [3]estimate.CellMean) {
	for v, want := range [][2]float64{{0.5872294837, 0.00172450315084}, {0.3739188885, 0.00178984020631}, {49.8070922546, 0.07820573712936}} {
		// Half of the last digit printed: 1e-10 of the means, 1e-14 of the errors.
		if d := m[v].Estimate - want[0]; d > 5.1e-11 || d < -5.1e-11 {
			b.Errorf("mean %d is %.13g, in R %.13g", v, m[v].Estimate, want[0])
		}
		if d := m[v].SE/want[1] - 1; d > 1e-11 || d < -1e-11 {
			b.Errorf("error %d is %.13g, in R %.13g", v, m[v].SE, want[1])
		}
	}
}

func BenchmarkWave(b *testing.B) {
	cat, margins := (&generated{}).margins()
	for _, n := range []int{5000, 100000, 1000000, 5000000} {
		var rows *packed
		b.Run(fmt.Sprintf("from %d rows", n), func(b *testing.B) {
			if rows == nil {
				rows = pack(n)
				runtime.GC()
				debug.FreeOSMemory()
			}
			var m [3]estimate.CellMean
			before := cpu()
			for b.Loop() {
				m = wave(b, rows.collect(), cat, margins)
			}
			b.ReportMetric(1000*(cpu()-before)/float64(b.N), "cpu-ms")
			if n == 100000 {
				likeR(b, m)
			}
			b.ReportMetric(m[0].Estimate, "aware")
			b.ReportMetric(m[0].SE*1e6, "aware-SE-e6")
			b.ReportMetric(peak(), "peak-MiB")
		})
		b.Run(fmt.Sprintf("from cells of %d rows", n), func(b *testing.B) {
			if rows == nil {
				rows = pack(n)
			}
			cells := rows.collect()
			runtime.GC()
			var m [3]estimate.CellMean
			before := cpu()
			for b.Loop() {
				m = wave(b, cells, cat, margins)
			}
			b.ReportMetric(1000*(cpu()-before)/float64(b.N), "cpu-ms")
			if n == 100000 {
				likeR(b, m)
			}
			b.ReportMetric(float64(len(cells)), "cells")
		})
	}
}
