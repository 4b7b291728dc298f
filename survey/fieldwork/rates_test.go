package fieldwork_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"chengyin/survey/fieldwork"
)

// near reports whether a rate has the value, to a relative 1e-12.
func near(r *float64, want float64) bool {
	return r != nil && math.Abs(*r-want) <= 1e-12*math.Max(1, math.Abs(want))
}

// TestRatesOfAWorkedTable follows 250 households by hand:
//
//	I 96, P 4, R 30, NC 18, O 12   so that D = 100 + 60 = 160
//	NE 40                          so that e = 160/200 = 0.8
//	UH 35, UO 15                   so that 50 are unknown, of which 40 count as eligible
func TestRatesOfAWorkedTable(t *testing.T) {
	c := fieldwork.Counts{fieldwork.Complete: 96, fieldwork.Partial: 4, fieldwork.Refusal: 30, fieldwork.NonContact: 18, fieldwork.Other: 12,
		fieldwork.NotEligible: 40, fieldwork.UnknownHome: 35, fieldwork.UnknownPerson: 15}
	r := fieldwork.RatesOf(c, nil)
	if !near(r.E, 0.8) || r.HowE != fieldwork.EProportional {
		t.Errorf("e = %v (%s)", r.E, r.HowE)
	}
	for name, want := range map[string]float64{
		"RR1": 96.0 / 210, "RR2": 100.0 / 210,
		"RR3": 96.0 / 200, "RR4": 0.5,
		"RR5": 0.6, "RR6": 0.625,
		"COOP1": 96.0 / 142, "REF1": 30.0 / 210, "CON1": 142.0 / 210,
	} {
		if !near(r.Value(name), want) {
			t.Errorf("%s = %v, by hand %v", name, r.Value(name), want)
		}
	}
	if len(r.List) != 9 || r.Value("RR7") != nil {
		t.Errorf("%d rates", len(r.List))
	}

	t.Run("a given e replaces the share among the known", func(t *testing.T) {
		e := 0.5
		r := fieldwork.RatesOf(c, &e)
		if !near(r.E, 0.5) || r.HowE != fieldwork.EGiven || !near(r.Value("RR3"), 96.0/185) || !near(r.Value("RR4"), 100.0/185) || !near(r.Value("RR1"), 96.0/210) {
			t.Errorf("%+v", r)
		}
		e = 0.9
		if !near(r.E, 0.5) {
			t.Error("e changes after the fact")
		}
	})
}

func TestRatesWithoutNumbers(t *testing.T) {
	half := 0.5
	for _, c := range []struct {
		name    string
		cases   fieldwork.Counts
		e       *float64
		numbers []string
	}{
		{"no cases at all", fieldwork.Counts{}, nil, nil},
		{"no cases and a given e", fieldwork.Counts{}, &half, nil},
		{"only households that are not eligible", fieldwork.Counts{fieldwork.NotEligible: 7}, nil, nil},
		{"nothing known, and so no e", fieldwork.Counts{fieldwork.UnknownHome: 7}, nil, []string{"RR1", "RR2", "REF1", "CON1"}},
		{"nothing known and a given e", fieldwork.Counts{fieldwork.UnknownHome: 7}, &half, []string{"RR1", "RR2", "RR3", "RR4", "REF1", "CON1"}},
		{"nobody was met", fieldwork.Counts{fieldwork.NonContact: 7}, nil, []string{"RR1", "RR2", "RR3", "RR4", "RR5", "RR6", "REF1", "CON1"}},
		{"none is eligible, some unknown: e is 0", fieldwork.Counts{fieldwork.NotEligible: 7, fieldwork.UnknownHome: 3}, nil, []string{"RR1", "RR2", "REF1", "CON1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, r := range fieldwork.RatesOf(c.cases, c.e).List {
				if r.Value == nil {
					continue
				}
				got = append(got, r.Name)
				if math.IsNaN(*r.Value) || math.IsInf(*r.Value, 0) {
					t.Errorf("%s is %v", r.Name, *r.Value)
				}
			}
			if len(got) != len(c.numbers) {
				t.Fatalf("numbers for %v, not for %v", got, c.numbers)
			}
			for i, name := range got {
				if name != c.numbers[i] {
					t.Errorf("numbers for %v, not for %v", got, c.numbers)
				}
			}
		})
	}
}

// TestRatesAreOrdered: with more of the unknown in the denominator a rate falls, and
// with partial interviews in the numerator it rises, whatever the counts.
func TestRatesAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := fieldwork.Counts{}
		for _, g := range []fieldwork.Group{fieldwork.Complete, fieldwork.Partial, fieldwork.Refusal, fieldwork.NonContact, fieldwork.Other, fieldwork.NotEligible, fieldwork.UnknownHome, fieldwork.UnknownPerson} {
			c[g] = float64(rapid.IntRange(0, 50).Draw(t, string(g)))
		}
		r := fieldwork.RatesOf(c, nil)
		for _, chain := range [][]string{{"RR1", "RR3", "RR5"}, {"RR2", "RR4", "RR6"}, {"RR1", "RR2"}, {"RR3", "RR4"}, {"RR5", "RR6"}, {"RR1", "CON1"}, {"REF1", "CON1"}} {
			last := -1.0
			for _, name := range chain {
				v := r.Value(name)
				if v == nil {
					continue
				}
				if *v < last-1e-12 || *v < 0 || *v > 1+1e-12 {
					t.Fatalf("%v: %s is %v after %v", chain, name, *v, last)
				}
				last = *v
			}
		}
		// A common weight changes nothing.
		w := fieldwork.Counts{}
		for g, n := range c {
			w[g] = n * 37.25
		}
		for _, x := range fieldwork.RatesOf(w, nil).List {
			if v := r.Value(x.Name); (v == nil) != (x.Value == nil) || v != nil && math.Abs(*v-*x.Value) > 1e-12 {
				t.Fatalf("%s: %v with weights of 37.25, %v without", x.Name, x.Value, v)
			}
		}
	})
}

func TestRatesRefuseNonsense(t *testing.T) {
	for name, f := range map[string]func(){
		"a count below nothing": func() { fieldwork.RatesOf(fieldwork.Counts{fieldwork.Complete: -1}, nil) },
		"a count of NaN":        func() { fieldwork.RatesOf(fieldwork.Counts{fieldwork.Complete: math.NaN()}, nil) },
		"an e above 1":          func() { e := 1.1; fieldwork.RatesOf(fieldwork.Counts{}, &e) },
		"an e of NaN":           func() { e := math.NaN(); fieldwork.RatesOf(fieldwork.Counts{}, &e) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it is taken")
				}
			}()
			f()
		})
	}
}
