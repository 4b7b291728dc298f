package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/app"
	"chengyin/survey/area"
	"chengyin/survey/demo"
	"chengyin/survey/exchange"
	"chengyin/survey/score"
	"chengyin/survey/store/storetest"
	"chengyin/survey/wave"
)

// TestScoresEqualR computes the scores of the demo city's waves from the export
// that analysts get, with R's survey package, and compares every figure.
func TestScoresEqualR(t *testing.T) {
	if out, err := exec.Command("Rscript", "-e", "library(survey)").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("R with its package survey is needed: %v\n%s", err, out)
		}
		t.Skipf("R with its package survey is not installed: %v", err)
	}
	ctx := context.Background()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	a, err := app.New(ctx, app.Config{Database: storetest.DSN(t, "sqlite"), Secret: []byte(strings.Repeat("k", 32)), CodeVersion: "test",
		Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() }) // after the parallel subtests
	if err := a.DB.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Fill(ctx, a, demo.Options{Size: "small", Password: "demo password 1", Now: now}); err != nil {
		t.Fatal(err)
	}
	waves, err := a.Waves.All(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range waves {
		t.Run(w.Code, func(t *testing.T) {
			t.Parallel()
			compareWithR(t, a, w)
		})
	}
}

func compareWithR(t *testing.T, a *app.App, w wave.Wave) {
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := a.Scores.Refresh(ctx, w.ID)
	must(err)
	board, err := a.Scores.Scores(ctx, survey.System, score.Query{Wave: w.ID})
	must(err)
	recipe, err := a.Recipes.ByID(ctx, w.RecipeID)
	must(err)
	designs, err := score.Designs(a.DB.Read(ctx), w, recipe, a.Clock())
	must(err)

	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "responses.csv"))
	must(err)
	must(exchange.Responses(ctx, exchange.Deps{DB: a.DB, Questionnaires: a.Questionnaires, Recipes: a.Recipes}, survey.System, w, file))
	must(file.Close())
	var margins, places, indicators strings.Builder
	margins.WriteString("mode,margin,category,target\n")
	for mode, d := range designs {
		for _, m := range d.Margins() {
			for i, c := range m.Categories {
				fmt.Fprintf(&margins, "%s,%s,%s,%g\n", mode, m.Name, c, m.Targets[i])
			}
		}
	}
	areas, err := a.Areas.Tree(ctx, w.AreaCode)
	must(err)
	into := area.Successors(areas)
	places.WriteString("code,prefix\n")
	for _, x := range areas {
		if into[x.Code] == "" {
			fmt.Fprintf(&places, "%s,%s\n", x.Code, survey.Prefix(x.Code))
		}
	}
	indicators.WriteString("code,kind\n")
	for _, i := range board.Recipe.Indicators {
		fmt.Fprintf(&indicators, "%s,%s\n", i.Code, i.Kind)
	}
	for name, b := range map[string]*strings.Builder{"margins.csv": &margins, "places.csv": &places, "indicators.csv": &indicators} {
		must(os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o600))
	}
	if out, err := exec.Command("Rscript", "testdata/r/scores.R", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	raw, err := os.Open(filepath.Join(dir, "scores.csv"))
	must(err)
	defer raw.Close()
	rows, err := csv.NewReader(raw).ReadAll()
	must(err)
	type key struct{ mode, area, indicator string }
	want := map[key][]string{}
	for _, r := range rows[1:] {
		want[key{r[0], r[1], r[2]}] = r
	}
	// The wave has field work, so that its visits stand for others.
	stands := column(t, filepath.Join(dir, "responses.csv"), "weight_response")
	slices.Sort(stands)
	if stands = slices.Compact(stands); len(stands) < 5 || slices.Max(stands) < 1.2 {
		t.Errorf("a visit stands for %v households", stands)
	}
	shown, worst := 0, 0.0
	for _, s := range board.Scores {
		r, ok := want[key{s.Mode, s.AreaCode, s.Indicator}]
		if !ok {
			// The file does not tell communities with fewer than five answers apart.
			few := s.Level == area.Community && s.N < 5 && s.Reason == score.TooFew
			if s.Reason != score.NoAnswers && !few {
				t.Errorf("%s %s %s: R has no such figure, the board has %+v", s.Mode, s.AreaCode, s.Indicator, s)
			}
			continue
		}
		if n, err := strconv.Atoi(r[3]); err != nil || n != s.N {
			t.Errorf("%s %s %s: n is %d, R has %s", s.Mode, s.AreaCode, s.Indicator, s.N, r[3])
		}
		if s.Suppressed() {
			if s.N >= board.Recipe.MinN && r[6] != "NA" {
				t.Errorf("%s %s %s is withheld with n = %d", s.Mode, s.AreaCode, s.Indicator, s.N)
			}
			continue
		}
		shown++
		for i, got := range []*float64{s.Estimate, s.SE, s.Low, s.High, s.Deff} {
			x, err := strconv.ParseFloat(r[4+i], 64)
			must(err)
			d := math.Abs(*got-x) / math.Max(1, math.Abs(x))
			worst = math.Max(worst, d)
			if d > 1e-8 {
				t.Errorf("%s %s %s: %s is %.12g, R has %.12g", s.Mode, s.AreaCode, s.Indicator, rows[0][4+i], *got, x)
			}
		}
	}
	if shown < 100 {
		t.Errorf("only %d figures were compared", shown)
	}
	t.Logf("%d figures of 5 numbers equal R's; the largest difference is %.1e", shown, worst)
}

// column returns a column of numbers of a CSV file.
func column(t *testing.T, path, name string) (out []float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(rows[0], name)
	for _, r := range rows[1:] {
		x, err := strconv.ParseFloat(r[at], 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}
