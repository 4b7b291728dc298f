package golden

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// homes says which package of stats answers a case. A test of this package finds
// cases without a home, and Main queries that the package does not compare. The
// cases of "analysis" join what several packages do; the tests of
// survey/analysis answer them, as they do all others.
var homes = map[string]string{
	"p01-stratified-fpc": "estimate", "p02-cluster-one-stage": "estimate", "p03-cluster-two-stage": "estimate",
	"p04-nested-small-fpc": "estimate", "p05-two-stage-mu284": "estimate", "p06-nhanes-domains": "estimate",
	"p07-ratio-scd": "estimate", "p08-pps": "estimate", "p09-crowd": "estimate", "p10-hospital": "estimate",
	"p11-ci-proportion": "estimate", "p11-ci-table": "estimate", "p12-degenerate-domains": "estimate",
	"p13-quantiles": "estimate", "p14-poststratify": "estimate", "p15-rake-two-margins": "estimate",
	"p16-calibrate-bounds": "estimate", "p17-rake-district": "estimate", "p18-jackknife": "estimate",
	"p19-bootstrap-rao-wu": "estimate", "p20-fay-herriot-milk": "smallarea", "p21-fay-herriot-communities": "smallarea",
	"p22-beta-binomial": "smallarea", "p23-nonprob-propensity": "estimate", "p24-composite": "estimate",
	"p25-waves": "estimate", "p26-rao-scott": "estimate", "p27-multiplicity-ranks": "rank", "p28-key-drivers": "driver",
	"p29-reliability": "quality", "p30-answers": "quality", "p30-data-quality": "quality",
	"p31-interviewer-effect": "quality", "p32-planning": "sampling", "p33-end-to-end": "smallarea",
	"p34-qr-as-covariate": "smallarea", "p35-generated-rows": "estimate",
	"c01-lonely-fail": "analysis", "c01-lonely-remove": "analysis", "c01-lonely-certainty": "analysis", "c01-lonely-adjust": "analysis",
	"c01-lonely-average": "analysis", "c02-calibrated-again": "analysis", "c03-replicate-tests": "analysis", "c04-conditions": "analysis",
}

// The ledger of a test run: numbers compared by test, queries answered by case.
var (
	ledger   sync.Mutex
	numbers  = map[string]int{}
	answered = map[[2]string]outcome{}
)

type outcome int

const (
	compared outcome = 1 + iota
	information
)

// Count notes a comparison with a case in the running test.
func Count(t testing.TB) {
	ledger.Lock()
	defer ledger.Unlock()
	for name := t.Name(); ; {
		numbers[name]++
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return
		}
		name = name[:i]
	}
}

// Ask runs f as the subtest of a query. It fails when f compares nothing, or
// skips a query that R does not give for information only.
func Ask(t *testing.T, id, query, stat, note string, f func(t *testing.T)) {
	t.Helper()
	t.Run(query, func(t *testing.T) {
		defer func() {
			ledger.Lock()
			defer ledger.Unlock()
			switch optional := stat == "information" || strings.HasPrefix(note, "information only"); {
			case t.Failed():
			case numbers[t.Name()] > 0:
				answered[[2]string{id, query}] = compared
			case optional:
				answered[[2]string{id, query}] = information
			default:
				t.Error("nothing is compared")
			}
		}()
		f(t)
	})
}

// Each asks all queries of a case.
func (c *Case) Each(t *testing.T, f func(t *testing.T, q Query)) {
	t.Helper()
	for _, q := range c.Queries {
		Ask(t, c.ID, q.Name, q.Stat, q.Note, func(t *testing.T) { f(t, q) })
	}
}

// Main runs the tests of a package of stats and fails when they are all run and
// a query of the package's cases is neither compared nor for information.
func Main(m *testing.M, pkg string) {
	code := m.Run()
	all := true
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			all = false
		}
	}
	if all && code == 0 {
		code = settle(pkg)
	}
	os.Exit(code)
}

// settle says what was compared, and returns 1 when a query is missing.
func settle(pkg string) int {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	code := 0
	counts := map[outcome]int{}
	seen := map[string]bool{}
	for _, folder := range folders(dir) {
		for id, queries := range cases(folder) {
			if homes[id] != pkg || seen[id] {
				continue
			}
			seen[id] = true
			for _, q := range queries {
				o := answered[[2]string{id, q}]
				counts[o]++
				if o == 0 {
					fmt.Printf("FAIL: nothing compares query %s of case %s\n", q, id)
					code = 1
				}
			}
		}
	}
	if testing.Verbose() || code != 0 {
		fmt.Printf("%s: %d queries of %d cases compared, %d for information only\n", pkg, counts[compared], len(seen), counts[information])
	}
	return code
}

// folders are those with cases: the project's own and, where it lies, the one
// outside. The test runs in a package of stats.
func folders(dir string) []string {
	root := dir
	for filepath.Base(root) != "stats" && root != filepath.Dir(root) {
		root = filepath.Dir(root)
	}
	out := []string{filepath.Join(root, "testdata")}
	outside := os.Getenv("CHENGYIN_REFERENCE")
	if outside == "" {
		outside = filepath.Join(root, "..", "..", "shared", "reference", "stats")
	}
	if _, err := os.Stat(filepath.Join(outside, "cases")); err == nil {
		out = append(out, outside)
	}
	return out
}

// cases returns the names of the queries by case.
func cases(folder string) map[string][]string {
	out := map[string][]string{}
	files, err := filepath.Glob(filepath.Join(folder, "cases", "*.json"))
	if err != nil {
		panic(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		var c Case
		if err := json.Unmarshal(b, &c); err != nil {
			panic(fmt.Sprintf("%s: %v", path, err))
		}
		id := strings.TrimSuffix(filepath.Base(path), ".json")
		for _, q := range c.Queries {
			out[id] = append(out[id], q.Name)
		}
	}
	return out
}
