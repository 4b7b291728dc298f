package golden

import (
	"math"
	"os"
	"testing"
)

// TestEveryCaseHasAHome: with Main in the tests of the packages, it makes sure
// that go test ./stats/... compares every query of every case, and survey/analysis
// those that join several packages.
func TestEveryCaseHasAHome(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for i, folder := range folders(dir) {
		number, queries, by := 0, 0, map[string]int{}
		for id, names := range cases(folder) {
			number++
			queries += len(names)
			used[id] = true
			if homes[id] == "" {
				t.Errorf("no package answers case %s", id)
			}
			by[homes[id]] += len(names)
			seen := map[string]bool{}
			for _, name := range names {
				if seen[name] {
					t.Errorf("case %s has two queries %s", id, name)
				}
				seen[name] = true
			}
		}
		t.Logf("%d queries in %d cases: %v", queries, number, by)
		if want := []int{288, 349}[i]; queries != want {
			t.Errorf("%d queries, want %d", queries, want)
		}
	}
	if len(folders(dir)) < 2 {
		OutsideDir(t)
	}
	for id := range homes {
		if !used[id] {
			t.Errorf("case %s does not exist", id)
		}
	}
}

// TestAMissingQueryIsFound shows that settle can fail.
func TestAMissingQueryIsFound(t *testing.T) {
	ledger.Lock()
	defer ledger.Unlock()
	before := answered
	defer func() { answered = before }()
	answered = map[[2]string]outcome{}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders(dir) {
		for id, names := range cases(folder) {
			for _, name := range names {
				answered[[2]string{id, name}] = compared
			}
		}
	}
	if settle("rank") != 0 {
		t.Error("what is all compared is missed")
	}
	for key := range answered {
		if key[0] == "p27-multiplicity-ranks" {
			delete(answered, key)
			break
		}
	}
	if settle("rank") != 1 {
		t.Error("what is not compared is not missed")
	}
}

func TestNear(t *testing.T) {
	for _, c := range []struct {
		got, want, rel float64
		near           bool
	}{
		{1, 1, 0, true}, {100, 100.001, 1e-4, true}, {100, 100.1, 1e-4, false}, {1e-10, 0, 0, true}, {1e-8, 0, 0, false},
		{math.NaN(), math.NaN(), 1, true}, {math.NaN(), 1, 1, false}, {1, math.NaN(), 1, false},
		{math.Inf(1), math.Inf(1), 0, true}, {math.Inf(-1), math.Inf(1), 1, false}, {2 + 1e-9, 2, 0, false},
	} {
		if Near(c.got, c.want, c.rel) != c.near {
			t.Errorf("%g near %g within %g: want %v", c.got, c.want, c.rel, c.near)
		}
	}
}
