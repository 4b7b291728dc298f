package estimate_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"testing"

	"chengyin/stats/estimate"
	"chengyin/stats/internal/golden"
	"chengyin/stats/weighting"
)

// generated are the rows of case p35: 8 strata, 4800 PSUs, 120 communities,
// six ages, two sexes, a weight and three answers.
type generated struct {
	community, subdistrict, psu, age, sex []int
	w                                     []float64
	y                                     [3][]float64 // aware, participate, sat
}

// generatedRows makes the first n rows.
func generatedRows(n int) *generated { return generatedRange(0, n) }

// generatedRange makes n rows after the first from. All arithmetic is exact in
// whole numbers.
func generatedRange(from, n int) *generated {
	const m = 2147483647
	g := &generated{}
	u := func(i, k int) float64 {
		x := (uint64(i)*69069 + uint64(k)*40692001 + 20240601) % m
		for range 5 {
			x = (x*(x/1024+1) + 1013904223) % m
		}
		return float64(x) / m
	}
	yes := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	for i := from + 1; i <= from+n; i++ {
		c := int(120 * u(i, 1))
		age := int(6 * u(i, 3))
		g.community = append(g.community, c)
		g.subdistrict = append(g.subdistrict, c/15)
		g.psu = append(g.psu, 40*c+int(40*u(i, 2)))
		g.age = append(g.age, age)
		g.sex = append(g.sex, int(2*u(i, 4)))
		g.w = append(g.w, (100+math.Floor(900*u(i, 5)))/100)
		aware := yes(u(i, 6) < 0.3+0.4*float64(c)/119+0.02*float64(age))
		g.y[0] = append(g.y[0], aware)
		g.y[1] = append(g.y[1], yes(u(i, 7) < 0.2+0.3*aware))
		g.y[2] = append(g.y[2], math.Floor(101*(0.35*u(i, 8)+0.65*u(i, 9))))
	}
	return g
}

// margins returns the 120 + 6 + 2 margins with the table of 1440 classes.
func (g *generated) margins() (cat [][]int, margins []weighting.Margin) {
	community := weighting.Margin{Name: "community"}
	total := 0.0
	for c := range 120 {
		community.Categories = append(community.Categories, strconv.Itoa(c))
		community.Targets = append(community.Targets, float64(500+10*c))
		total += float64(500 + 10*c)
	}
	age := weighting.Margin{Name: "age", Categories: []string{"0", "1", "2", "3", "4", "5"}}
	for _, share := range []float64{.12, .19, .18, .19, .16, .16} {
		age.Targets = append(age.Targets, share*total)
	}
	sex := weighting.Margin{Name: "sex", Categories: []string{"0", "1"}, Targets: []float64{.52 * total, .48 * total}}
	for class := range 1440 {
		cat = append(cat, []int{class / 12, class / 2 % 6, class % 2})
	}
	return cat, []weighting.Margin{community, age, sex}
}

func (g *generated) class(i int) int { return g.community[i]*12 + g.age[i]*2 + g.sex[i] }

// cells adds the rows up; element says that rows are their own PSUs.
func (g *generated) cells(element bool) []estimate.Cell {
	at := map[[2]int]int{}
	var cells []estimate.Cell
	for i := range g.w {
		psu := g.psu[i]
		if element {
			psu = estimate.Element
		}
		key := [2]int{psu, g.class(i)}
		k, known := at[key]
		if !known {
			k = len(cells)
			at[key] = k
			cells = append(cells, estimate.Cell{Stratum: g.subdistrict[i], PSU: psu, Class: g.class(i), Leaf: g.community[i], Y: make([]estimate.Sums, 3)})
		}
		cells[k].All.Add(g.w[i], 0)
		for v := range g.y {
			cells[k].Y[v].Add(g.w[i], g.y[v][i])
		}
	}
	return cells
}

func TestGeneratedRows(t *testing.T) {
	c := loadCase(t, ownReference, "p35-generated-rows")
	g := generatedRows(20000)
	tally, err := estimate.NewTally(g.cells(false), 3, estimate.TallyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cat, margins := g.margins()
	raked, rep, err := tally.Rake(cat, margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d sweeps, margins off by %g", rep.Sweeps, rep.Worst)
	vars := []string{"aware", "participate", "sat"}
	for _, q := range c.Queries {
		golden.Ask(t, c.ID, q.Name, q.Stat, q.Note, func(t *testing.T) {
			switch q.Name {
			case "rows_1_to_5":
				for i, row := range q.Expected["rows"].([]any) {
					want := row.(map[string]any)
					got := map[string]float64{"community": float64(g.community[i]), "subdistrict": float64(g.subdistrict[i]), "psu": float64(g.psu[i]),
						"age": float64(g.age[i]), "sex": float64(g.sex[i]), "w": g.w[i], "aware": g.y[0][i], "participate": g.y[1][i], "sat": g.y[2][i]}
					for name, v := range want {
						checkNear(t, fmt.Sprint("row ", i, " ", name), got[name], v, q.RelTol)
					}
				}
			case "column_sums":
				ints := func(v []int) (sum float64) {
					for _, x := range v {
						sum += float64(x)
					}
					return sum
				}
				floats := func(v []float64) (sum float64) {
					for _, x := range v {
						sum += x
					}
					return sum
				}
				got := map[string]float64{"community": ints(g.community), "subdistrict": ints(g.subdistrict), "psu": ints(g.psu), "age": ints(g.age),
					"sex": ints(g.sex), "w": floats(g.w), "aware": floats(g.y[0]), "participate": floats(g.y[1]), "sat": floats(g.y[2])}
				for name, want := range q.Expected["values"].(map[string]any) {
					checkNear(t, name, got[name], want, q.RelTol)
				}
			case "weights":
				f := raked.Factor()
				for i, want := range q.Expected["first5"].([]any) {
					checkNear(t, fmt.Sprint("weight ", i), g.w[i]*f[g.class(i)], want, q.RelTol)
				}
				s := raked.Weights()
				for name, got := range map[string]float64{"n": float64(s.N), "sum": s.Sum, "sum_sq": s.SumSq, "kish_deff": s.KishDeff, "kish_neff": s.KishNeff} {
					checkNear(t, name, got, q.Expected[name], q.RelTol)
				}
			case "district":
				for v, row := range q.Expected["rows"].([]any) {
					want := row.(map[string]any)
					m, err := raked.Mean(v, nil)
					if err != nil {
						t.Fatal(err)
					}
					checkNear(t, vars[v], m.Estimate, want["estimate"], q.RelTol)
					checkNear(t, vars[v]+": SE", m.SE, want["se"], q.RelTol)
					checkNear(t, vars[v]+": df", float64(m.DesignDF), q.Expected["df"], 0)
				}
			case "communities":
				f := loadFrame(t, filepath.Join(c.dir, q.Expected["csv"].(string)))
				for v, name := range vars {
					est, _ := f.number(t, name)
					se, _ := f.number(t, "se_"+name)
					for k, community := range f.text(t, "community") {
						m, err := raked.Mean(v, func(leaf int) bool { return strconv.Itoa(leaf) == community })
						if err != nil {
							t.Fatal(err)
						}
						checkNear(t, name+" of "+community, m.Estimate, est[k], q.RelTol)
						checkNear(t, name+" of "+community+": SE", m.SE, se[k], q.RelTol)
					}
				}
			}
		})
	}
}

// TestHundredThousandRows compares with the numbers R gave for 1e5 rows.
func TestHundredThousandRows(t *testing.T) {
	g := generatedRows(100000)
	tally, err := estimate.NewTally(g.cells(false), 3, estimate.TallyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cat, margins := g.margins()
	raked, _, err := tally.Rake(cat, margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := func(leaf int) bool { return leaf == 0 }
	for v, want := range [][4]float64{
		{0.5872294837, 0.00172450315084, 0.340248287077, 0.0201665689661},
		{0.3739188885, 0.00178984020631, 0.293389832722, 0.0173638493851},
		{49.8070922546, 0.07820573712936, 51.7033003888, 0.748352050938},
	} {
		all, err := raked.Mean(v, nil)
		if err != nil {
			t.Fatal(err)
		}
		one, err := raked.Mean(v, first)
		if err != nil {
			t.Fatal(err)
		}
		checkNear(t, "mean", all.Estimate, want[0], 1e-9)
		checkNear(t, "SE", all.SE, want[1], 1e-9)
		checkNear(t, "mean of community 0", one.Estimate, want[2], 1e-9)
		checkNear(t, "SE of community 0", one.SE, want[3], 1e-9)
	}
}
