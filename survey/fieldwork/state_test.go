package fieldwork

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSharedCases runs the cases that the phone runs too.
func TestSharedCases(t *testing.T) {
	raw, err := os.ReadFile("testdata/states.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases struct {
		States []struct {
			Name    string
			Rules   Rules
			Records []Visit
			Want    State
		}
		Turns []struct {
			Name  string
			Rules Rules
			Homes []Standing
			Want  []string
		}
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases.States) < 20 || len(cases.Turns) < 10 {
		t.Fatalf("read %d and %d cases", len(cases.States), len(cases.Turns))
	}
	moments := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range cases.States {
		t.Run(c.Name, func(t *testing.T) {
			for range 5 {
				given := slices.Clone(c.Records)
				if got := StateOf(c.Records, c.Rules); !cmp.Equal(got, c.Want, moments) {
					t.Fatal(cmp.Diff(c.Want, got, moments))
				}
				if !cmp.Equal(given, c.Records, moments) {
					t.Fatal("the records were moved")
				}
				random.Shuffle(len(c.Records), func(i, j int) { c.Records[i], c.Records[j] = c.Records[j], c.Records[i] })
			}
		})
	}
	for _, c := range cases.Turns {
		t.Run(c.Name, func(t *testing.T) {
			if got := Turn(c.Homes, c.Rules); !slices.Equal(got, c.Want) {
				t.Fatalf("%v, not %v", got, c.Want)
			}
		})
	}
}

func TestPeriodOf(t *testing.T) {
	for at, want := range map[string]string{
		"2026-11-23T00:00:00+08:00": Morning, "2026-11-23T11:59:59+08:00": Morning, "2026-11-23T12:00:00+08:00": Afternoon,
		"2026-11-23T17:59:59+08:00": Afternoon, "2026-11-23T18:00:00+08:00": Evening, "2026-11-23T23:59:59+08:00": Evening,
		"2026-11-23T02:00:00Z": Morning, "2026-11-23T11:00:00Z": Evening, "2026-11-23T16:00:00Z": Morning,
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := PeriodOf(moment); got != want {
			t.Errorf("%s is %s, not %s", at, got, want)
		}
	}
	for at, want := range map[string]bool{
		"2026-11-27T15:59:59Z": false, "2026-11-27T16:00:00Z": true, // Saturday begins in China
		"2026-11-29T15:59:59Z": true, "2026-11-29T16:00:00Z": false,
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := PeriodOf(moment); got != want {
			t.Errorf("%s: weekend %v", at, got)
		}
	}
}

func TestReadRules(t *testing.T) {
	for spec, want := range map[string]Rules{
		`{"rules":{"visits":5,"replace":"never","select":"birthday"}}`: {Visits: 5, Replace: ReplaceNever, Select: SelectBirthday},
		`{"rules":{"visits":2}}`: {Visits: 2, Replace: ReplaceClosed, Select: SelectKish},
		`{"take":10}`:            UsualRules,
		`{"rules":{"visits":-1,"replace":"always","select":"the one who answers"}}`: UsualRules,
		`{"rules":7}`: UsualRules,
		``:            UsualRules,
	} {
		if got := ReadRules([]byte(spec)); got != want {
			t.Errorf("%s: %+v", spec, got)
		}
	}
}
