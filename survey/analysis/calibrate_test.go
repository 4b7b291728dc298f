package analysis_test

import (
	"math"
	"path/filepath"
	"testing"

	"chengyin/survey/analysis"
)

// TestBoundedRaking has numbers of R's survey 4.1-1: calibrate(svydesign(ids =
// ~building, strata = ~subdistrict, weights = ~w, data = hh), ~sex + adults,
// c(123604, 66000, 300000), calfun = "raking", bounds = …, epsilon = 1e-11).
func TestBoundedRaking(t *testing.T) {
	c, err := analysis.Parse([]byte(`{"data": {"hh": "syn_hh.csv"}, "designs": {
		"d": {"data": "hh", "ids": ["building"], "strata": ["subdistrict"], "weights": "w"},
		"both": {"kind": "calibrate", "from": "d", "columns": ["(Intercept)", "sexM", "adults"], "totals": [123604, 66000, 300000], "calfun": "raking", "bounds": [0.85, 1.25]},
		"upper": {"kind": "calibrate", "from": "d", "columns": ["(Intercept)", "sexM", "adults"], "totals": [123604, 66000, 300000], "calfun": "raking", "bounds": ["-Inf", 1.15]},
		"narrow": {"kind": "calibrate", "from": "d", "columns": ["(Intercept)", "sexM", "adults"], "totals": [123604, 66000, 300000], "calfun": "raking", "bounds": [0.95, 1.05]},
		"open": {"kind": "calibrate", "from": "d", "columns": ["(Intercept)"], "totals": [123604], "calfun": "logit", "bounds": [0.5, "Inf"]}},
		"queries": [{"stat": "mean", "design": "both", "args": {"vars": "aware"}}, {"stat": "mean", "design": "upper", "args": {"vars": "aware"}},
			{"stat": "g_weights", "design": "both"}, {"stat": "g_weights", "design": "upper"}, {"stat": "weights", "design": "both"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c.Folder = filepath.Join(own, "data")
	doc := analysis.Run(c)
	got := decode(t, doc)
	for i, w := range []map[string]any{
		{"rows": []any{map[string]any{"estimate": 0.483985928236054, "se": 0.024009966937615}}},
		{"rows": []any{map[string]any{"estimate": 0.4828803333538492, "se": 0.0237406888602491}}},
		{"min": 0.85, "max": 1.25},
		{"min": 0.651082017161775, "max": 1.15},
		{"sum": 123604.0, "sum_sq": 24472605.8368615},
	} {
		x := checker{rel: 1e-9}
		x.compare("", w, got.Queries[i].Result)
		x.report(t)
	}
	for name, why := range map[string]string{"narrow": "weighting: margins not met", "open": `calfun logit needs two finite "bounds"`} {
		if said, _ := got.Designs[name]["error"].(string); len(said) < len(why) || said[:len(why)] != why {
			t.Errorf("design %s: %q, want %q", name, said, why)
		}
	}
	for _, w := range doc.Designs[1].Weights {
		if math.IsNaN(w) {
			t.Fatal("a weight is missing")
		}
	}
}

// TestCalibrationAfterCalibration has numbers of R's survey 4.1-1: calibrate(x,
// ~adults, c(123604, 300000)) after x <- calibrate(d, ~sex, c(123604, 66000),
// calfun = "raking"), which is also postStratify(d, ~sex).
func TestCalibrationAfterCalibration(t *testing.T) {
	c, err := analysis.Parse([]byte(`{"data": {"hh": "syn_hh.csv"}, "designs": {
		"d": {"data": "hh", "ids": ["building"], "strata": ["subdistrict"], "weights": "w"},
		"sex": {"kind": "calibrate", "from": "d", "columns": ["(Intercept)", "sexM"], "totals": [123604, 66000], "calfun": "raking"},
		"post": {"kind": "poststratify", "from": "d", "margins": [{"vars": ["sex"], "cells": [{"sex": "F", "total": 57604}, {"sex": "M", "total": 66000}]}]},
		"adults": {"kind": "calibrate", "from": "sex", "columns": ["(Intercept)", "adults"], "totals": [123604, 300000]},
		"adults2": {"kind": "calibrate", "from": "post", "columns": ["(Intercept)", "adults"], "totals": [123604, 300000]}},
		"queries": [{"stat": "mean", "design": "adults", "args": {"vars": "aware"}}, {"stat": "mean", "design": "adults2", "args": {"vars": "aware"}},
			{"stat": "weights", "design": "adults"}, {"stat": "total", "design": "adults", "args": {"vars": ["sex", "adults"]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c.Folder = filepath.Join(own, "data")
	got := decode(t, analysis.Run(c))
	mean := map[string]any{"rows": []any{map[string]any{"estimate": 0.4829669070709415, "se": 0.0238562278440031}}}
	for i, w := range []map[string]any{mean, mean, {"sum_sq": 24366406.0520501}} {
		x := checker{rel: 1e-9}
		x.compare("", w, got.Queries[i].Result)
		x.report(t)
	}
	x := checker{rel: 1e-4} // R printed five digits
	x.compare("", map[string]any{"rows": []any{
		map[string]any{"estimate": 57066.0, "se": 342.52}, map[string]any{"estimate": 66538.0, "se": 332.67}, map[string]any{"estimate": 300000.0, "se": 353.34},
	}}, got.Queries[3].Result)
	x.report(t)
}
