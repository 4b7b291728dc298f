package area_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/store/storetest"
)

// FuzzPlan sends files that were made to break the reader. Whatever comes, the
// answer is a plan or one of our errors.
func FuzzPlan(f *testing.F) {
	for _, kind := range area.Kinds {
		f.Add(area.Template(kind))
	}
	f.Add([]byte(places))
	seeds, err := filepath.Glob("testdata/*.xlsx")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no workbooks in testdata: %v", err)
	}
	for _, name := range seeds {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	s := area.New(storetest.SQLite(f))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, kind := range area.Kinds {
			p, err := s.Plan(t.Context(), office, kind, "file", bytes.NewReader(raw))
			if err != nil && survey.KindOf(err) == survey.Internal {
				t.Fatalf("%s: %v", kind, err)
			}
			if err == nil && (p.New+p.Changed+p.Unchanged+p.Bad < p.Rows || p.Total < len(p.Problems)) {
				t.Fatalf("%s: the plan does not add up: %+v", kind, p)
			}
		}
	})
}
