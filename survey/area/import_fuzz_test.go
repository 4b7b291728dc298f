package area_test

import (
	"archive/zip"
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

// FuzzSheet puts anything in the place of a workbook's sheet.
func FuzzSheet(f *testing.F) {
	raw, err := os.ReadFile("testdata/plain.xlsx")
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{
		`<row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c><c r="B1" t="inlineStr"><is><t>name</t></is></c></row>`,
		`<row r="9"><c r="A9" t="s"><v>-1</v></c><c r="B9" t="d"><v>1e999</v></c></row>`,
		`<row r="0"><c r="ZZZZ0"><f>1/0</f><v></v></c></row><mergeCell ref="A1:XFD1048576"/>`,
	} {
		f.Add([]byte(`<worksheet><sheetData>` + body + `</sheetData></worksheet>`))
	}
	s := area.New(storetest.SQLite(f))
	f.Fuzz(func(t *testing.T, sheet []byte) {
		in, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		out := zip.NewWriter(&file)
		for _, part := range in.File {
			if part.Name != "xl/worksheets/sheet1.xml" {
				if err := out.Copy(part); err != nil {
					t.Fatal(err)
				}
				continue
			}
			w, err := out.Create(part.Name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(sheet); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Plan(t.Context(), office, area.Places, "file.xlsx", &file); err != nil && survey.KindOf(err) == survey.Internal {
			t.Fatal(err)
		}
	})
}
