package weighting_test

import (
	"errors"
	"math"
	"testing"

	"chengyin/stats/weighting"

	"pgregory.net/rapid"
)

func TestTrim(t *testing.T) {
	w := []float64{1, 2, 3, 14}
	out, n, err := weighting.Trim(w, 0, 8, false)
	if err != nil || n != 1 || out[0] != 3 || out[1] != 4 || out[2] != 5 || out[3] != 8 || w[3] != 14 {
		t.Errorf("trimmed to %v, %d cut, %v", out, n, err)
	}
	if out, n, err = weighting.Trim(w, 0, 20, true); err != nil || n != 0 || out[3] != 14 {
		t.Errorf("nothing to trim gives %v, %d cut, %v", out, n, err)
	}
	var full *weighting.TrimError
	if _, _, err := weighting.Trim(w, 0, 4, true); !errors.As(err, &full) {
		t.Errorf("error is %v", err)
	}
}

func TestTrimKeepsTheSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SliceOfN(rapid.Float64Range(0, 100), 1, 40).Draw(t, "w")
		lower, upper := rapid.Float64Range(0, 20).Draw(t, "lower"), rapid.Float64Range(30, 90).Draw(t, "upper")
		out, _, err := weighting.Trim(w, lower, upper, true)
		var full *weighting.TrimError
		if errors.As(err, &full) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		a, b := 0.0, 0.0
		for i := range w {
			a += w[i]
			b += out[i]
			if out[i] < lower || out[i] > upper {
				t.Fatalf("weight %v is outside", out[i])
			}
		}
		if math.Abs(a-b) > 1e-9*(1+a) {
			t.Fatalf("sum %v becomes %v", a, b)
		}
	})
}
