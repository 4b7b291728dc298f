package smallarea_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"chengyin/stats/estimate"
	"chengyin/stats/internal/golden"
	"chengyin/stats/smallarea"
	"chengyin/stats/weighting"
)

// door is the door-to-door sample of a case with its design.
type door struct {
	*golden.Frame
	d *estimate.Design
}

// codes numbers the values of a column in sorted order.
func codes(t *testing.T, f *golden.Frame, name string) (code []int, values []string) {
	t.Helper()
	text := f.Text(t, name)
	values = slices.Compact(slices.Sorted(slices.Values(text)))
	for _, s := range text {
		i, _ := slices.BinarySearch(values, s)
		code = append(code, i)
	}
	return code, values
}

func loadDoor(t *testing.T, c *golden.Case) *door {
	t.Helper()
	f := c.Frame(t, "hh")
	unit, _ := codes(t, f, "building")
	stratum, names := codes(t, f, "subdistrict")
	d, err := estimate.NewDesign(estimate.Spec{Rows: f.Rows, Weight: f.Number(t, "w"),
		Stages: []estimate.Stage{{Unit: unit, Stratum: stratum, Names: names}}})
	if err != nil {
		t.Fatal(err)
	}
	return &door{f, d}
}

// rake rakes the sample to the margins of a design of the case.
func (o *door) rake(t *testing.T, c *golden.Case, name string) {
	t.Helper()
	var spec struct {
		From struct {
			File, Value string
			Vars        []string
		} `json:"margins_from"`
	}
	if err := json.Unmarshal(c.Designs[name], &spec); err != nil {
		t.Fatal(err)
	}
	census := c.CSV(t, spec.From.File)
	people := census.Number(t, spec.From.Value)
	cat, class := make([][]int, o.Rows), make([]int, o.Rows)
	var margins []weighting.Margin
	for _, v := range spec.From.Vars {
		code, values := codes(t, census, v)
		m := weighting.Margin{Name: v, Categories: values, Targets: make([]float64, len(values))}
		for k, c := range code {
			m.Targets[c] += people[k]
		}
		margins = append(margins, m)
		for k, s := range o.Text(t, v) {
			class[k] = k
			cat[k] = append(cat[k], slices.Index(values, s))
		}
	}
	d, _, err := o.d.Rake(class, cat, margins, weighting.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.d = d
}

// mean returns the estimate of a column over the rows with the value in the
// column by, or over all when by is "".
func (o *door) mean(t *testing.T, v, by, value string) estimate.Estimate {
	t.Helper()
	y := o.Number(t, v)
	in := make([]bool, len(y))
	for k := range in {
		in[k] = !math.IsNaN(y[k]) && (by == "" || o.Text(t, by)[k] == value)
	}
	l, err := o.d.Mean(y, in)
	if err != nil {
		t.Fatal(err)
	}
	return o.d.Estimate(l)
}

func TestFromRowsToTable(t *testing.T) {
	c := golden.Own(t, "p33-end-to-end")
	o := loadDoor(t, c)
	o.rake(t, c, "rk")
	c.Each(t, func(t *testing.T, q golden.Query) {
		switch q.Stat {
		case "published_rate":
			o.published(t, q)
		case "pipeline_sae":
			o.smoothed(t, c, q)
		default:
			t.Fatalf("statistic %q", q.Stat)
		}
	})
}

func (o *door) published(t *testing.T, q golden.Query) {
	for _, row := range q.Expected["rows"].([]any) {
		want := row.(map[string]any)
		v, by, value := "", "", ""
		if s, ok := want["var"].(string); ok {
			v = s
		} else {
			v, by = q.Args["var"].(string), golden.Strings(t, q.Args["by"])[0]
			value = want["by"].(map[string]any)[by].(string)
		}
		e := o.mean(t, v, by, value)
		df := e.DesignDF
		if by != "" {
			df = e.DF
			golden.Check(t, value+": df", float64(df), want["df"], 0)
		} else {
			golden.Check(t, v+": df", float64(df), q.Expected["df"], 0)
		}
		r, err := smallarea.PublishRate(e, df, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		label := v + " " + value
		golden.Check(t, label+": n", float64(r.N), want["n"], 0)
		golden.Check(t, label+": rate", r.Rate, want["estimate"], q.RelTol)
		golden.Check(t, label+": SE", r.SE, want["se"], q.RelTol)
		golden.CheckList(t, label+": exact interval", []float64{r.Interval.Lower, r.Interval.Upper}, want["kg_capped"], q.RelTol)
		if want["n_eff"] != nil {
			golden.Check(t, label+": effective n", r.NEff, want["n_eff"], q.RelTol)
		}
		if want["xlogit"] != nil {
			i, err := estimate.Proportion(estimate.Logit, e.Value, e.Var, e.N, float64(df), 0.95)
			if err != nil {
				t.Fatal(err)
			}
			golden.CheckList(t, label+": logit interval", []float64{i.Lower, i.Upper}, want["xlogit"], q.RelTol)
		}
		if wide := r.Interval.Width() >= 0.3; by == "" && r.Suppressed() || r.Suppressed() != wide {
			t.Errorf("%s has flags %v", label, r.Flags)
		}
	}
}

// smoothed makes the table of communities from rows.
func (o *door) smoothed(t *testing.T, c *golden.Case, q golden.Query) {
	com := c.Frame(t, "com")
	x1 := com.Number(t, "x1")
	all := o.mean(t, "aware", "", "")
	in := smallarea.RateInput{Rate: all.Value, Deff: all.DeffReplace, Covariates: []string{"1", "x1"},
		Benchmark: &smallarea.Target{Kind: smallarea.Ratio, Value: math.NaN()}}
	_, in.Names = codes(t, o.Frame, "community")
	for _, name := range in.Names {
		e := o.mean(t, "aware", "community", name)
		in.Direct, in.N = append(in.Direct, e.Value), append(in.N, e.N)
		in.X = append(in.X, []float64{1, x1[slices.Index(com.Text(t, "community"), name)]})
		in.Benchmark.Weight = append(in.Benchmark.Weight, e.SumW)
	}
	table, err := smallarea.SmoothRates(in)
	if err != nil {
		t.Fatal(err)
	}
	want := q.Expected
	golden.Check(t, "P", in.Rate, want["P"], q.RelTol)
	golden.Check(t, "design effect", in.Deff, want["deff"], q.RelTol)
	golden.Check(t, "A", table.Model.A, want["A"], q.RelTol)
	golden.CheckList(t, "beta", table.Model.Beta, want["beta"], q.RelTol)
	golden.Check(t, "target", table.Target, want["target"], q.RelTol)
	rows := want["rows"].([]any)
	if len(rows) != len(table.Rows) {
		t.Fatalf("%d rows, want %d", len(table.Rows), len(rows))
	}
	for i, r := range table.Rows {
		w := rows[i].(map[string]any)
		if r.Name != w["community"] {
			t.Fatalf("row %d is %s, want %s", i, r.Name, w["community"])
		}
		golden.Check(t, r.Name+": n", float64(r.N), w["n"], 0)
		golden.Check(t, r.Name+": direct", r.Direct, w["direct"], q.RelTol)
		golden.Check(t, r.Name+": D", r.D, w["D"], q.RelTol)
		golden.Check(t, r.Name+": EBLUP", r.Estimate, w["eblup"], q.RelTol)
		golden.Check(t, r.Name+": RMSE", r.RMSE(), w["rmse"], q.RelTol)
		golden.Check(t, r.Name+": figure", r.Rate, w["benchmarked"], q.RelTol)
		if !slices.Equal(r.Flags, []smallarea.Flag{smallarea.Modelled}) || !(r.Interval.Lower < r.Rate && r.Rate < r.Interval.Upper) {
			t.Errorf("%s: flags %v, interval %v", r.Name, r.Flags, r.Interval)
		}
	}
}

// TestScansAsCovariate models the door-to-door rates by those of the scans.
func TestScansAsCovariate(t *testing.T) {
	c := golden.Own(t, "p34-qr-as-covariate")
	o := loadDoor(t, c)
	c.Each(t, func(t *testing.T, q golden.Query) {
		if q.Stat != "information" {
			o.scansAsCovariate(t, c, q)
		}
	})
}

func (o *door) scansAsCovariate(t *testing.T, c *golden.Case, q golden.Query) {
	qr, com := c.Frame(t, "qr"), c.Frame(t, "com")
	scans, yes := map[string]float64{}, map[string]float64{}
	aware := qr.Number(t, "aware")
	for k, name := range qr.Text(t, "community") {
		scans[name]++
		yes[name] += aware[k]
	}
	all := o.mean(t, "aware", "", "")
	visited := o.Text(t, "community")
	in := smallarea.RateInput{Rate: all.Value, Deff: all.DeffReplace, Names: com.Text(t, "community")}
	for _, name := range in.Names {
		direct, n := math.NaN(), 0
		if slices.Contains(visited, name) {
			e := o.mean(t, "aware", "community", name)
			direct, n = e.Value, e.N
		}
		in.Direct, in.N = append(in.Direct, direct), append(in.N, n)
		in.X = append(in.X, []float64{1, yes[name] / scans[name]})
	}
	table, err := smallarea.SmoothRates(in)
	if err != nil {
		t.Fatal(err)
	}
	want := q.Expected
	golden.Check(t, "P", in.Rate, want["P"], q.RelTol)
	golden.Check(t, "design effect", in.Deff, want["deff"], q.RelTol)
	golden.Check(t, "A", table.Model.A, want["A"], q.RelTol)
	golden.CheckList(t, "beta", table.Model.Beta, want["beta"], q.RelTol)
	truth := com.Number(t, "true_aware")
	var bias, mse float64
	for i, r := range table.Rows {
		w := want["rows"].([]any)[i].(map[string]any)
		if r.Name != w["community"] {
			t.Fatalf("row %d is %s, want %s", i, r.Name, w["community"])
		}
		golden.Check(t, r.Name+": visits", float64(r.N), w["n_door"], 0)
		golden.Check(t, r.Name+": rate of the scans", in.X[i][1], w["qr_rate"], q.RelTol)
		golden.Check(t, r.Name+": rate", r.Rate, w["estimate"], q.RelTol)
		golden.Check(t, r.Name+": RMSE", r.RMSE(), w["rmse"], q.RelTol)
		if slices.Contains(r.Flags, smallarea.NoAnswers) != (r.N == 0) {
			t.Errorf("%s has flags %v", r.Name, r.Flags)
		}
		bias += (r.Rate - truth[i]) / float64(len(truth))
		mse += (r.Rate - truth[i]) * (r.Rate - truth[i]) / float64(len(truth))
	}
	golden.Check(t, "bias against the truth", bias, c.Queries[1].Expected["bias_model"], 1e-7)
	golden.Check(t, "RMSE against the truth", math.Sqrt(mse), c.Queries[1].Expected["rmse_model"], 1e-7)
	if !math.IsNaN(table.Target) {
		t.Errorf("a benchmark of %g nobody asked for", table.Target)
	}
}
