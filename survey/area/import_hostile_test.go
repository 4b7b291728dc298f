package area_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/store/storetest"
)

// spoiled returns a right workbook in which some parts are replaced, and others
// added.
func spoiled(t *testing.T, parts map[string]func(io.Writer)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for cell, v := range map[string]string{"A1": "代码", "B1": "名称", "A2": "990109000000", "B2": "新区"} {
		if err := f.SetCellStr("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	plain, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	in, err := zip.NewReader(bytes.NewReader(plain.Bytes()), int64(plain.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	put := func(name string, write func(io.Writer)) {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		write(part)
	}
	for _, p := range in.File {
		if write, replaced := parts[p.Name]; replaced {
			put(p.Name, write)
			delete(parts, p.Name)
			continue
		}
		put(p.Name, func(part io.Writer) {
			r, err := p.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := io.Copy(part, r); err != nil {
				t.Fatal(err)
			}
		})
	}
	for name, write := range parts {
		put(name, write)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestHostileWorkbooks: files that were made to eat memory, time or other files
// are refused or read as what they say, within bounds.
func TestHostileWorkbooks(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	zeros := func(mb int) func(io.Writer) {
		return func(w io.Writer) {
			block := bytes.Repeat([]byte("<c><v>0</v></c>"), 1<<16)
			for n := 0; n < mb<<20; n += len(block) {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}
	}
	text := func(s string) func(io.Writer) { return func(w io.Writer) { _, _ = io.WriteString(w, s) } }
	laughs := `<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a "ha">`
	for i, c := range "bcdefghijk" {
		laughs += fmt.Sprintf(`<!ENTITY %c "%s">`, c, strings.Repeat(fmt.Sprintf("&%c;", "abcdefghij"[i]), 10))
	}
	laughs += `]><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&k;</t></si></sst>`
	outside := `<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&x;</t></si></sst>`
	for name, file := range map[string][]byte{
		"a sheet that unzips to 280 MB":      spoiled(t, map[string]func(io.Writer){"xl/worksheets/sheet1.xml": zeros(280)}),
		"another part that unzips to 280 MB": spoiled(t, map[string]func(io.Writer){"xl/media/image1.png": zeros(280)}),
		"a billion laughs":                   spoiled(t, map[string]func(io.Writer){"xl/sharedStrings.xml": text(laughs)}),
		"a file of the machine as an entity": spoiled(t, map[string]func(io.Writer){"xl/sharedStrings.xml": text(outside)}),
		"parts with names that climb":        spoiled(t, map[string]func(io.Writer){"../../../../tmp/chengyin-climbed": text("x"), "/etc/chengyin-climbed": text("x"), `..\climbed`: text("x")}),
		"a zip in a zip":                     spoiled(t, map[string]func(io.Writer){"xl/worksheets/sheet1.xml": text("PK\x03\x04 no sheet")}),
		"no zip after the first bytes":       append([]byte("PK\x03\x04"), bytes.Repeat([]byte{0xff}, 1000)...),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			p, err := s.Plan(t.Context(), office, area.Places, "f.xlsx", bytes.NewReader(file))
			runtime.ReadMemStats(&after)
			var e *survey.Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("refused without words: %v", err)
			}
			if said := fmt.Sprintf("%+v %v", p, err); strings.Contains(said, "root:") || strings.Contains(said, "hahahaha") {
				t.Errorf("it was expanded: %.200s", said)
			}
			if took := time.Since(start); took > 60*time.Second {
				t.Errorf("it took %v", took)
			}
			if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > 2500 {
				t.Errorf("it took %d MB", grown)
			}
		})
	}
}

// TestWorkbooksOfManyParts: the number of parts is bounded before any is unpacked.
func TestWorkbooksOfManyParts(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	parts := func(n int) []byte {
		more := map[string]func(io.Writer){}
		for i := range n {
			more[fmt.Sprintf("xl/media/image%d.png", i)] = func(io.Writer) {}
		}
		return spoiled(t, more)
	}
	if _, err := s.Plan(t.Context(), office, area.Places, "f.xlsx", bytes.NewReader(parts(100))); err != nil {
		t.Errorf("a workbook with a hundred pictures: %v", err)
	}
	if _, err := s.Plan(t.Context(), office, area.Places, "f.xlsx", bytes.NewReader(parts(2_000))); !errors.Is(err, area.ErrImportTooLarge) {
		t.Errorf("a workbook with thousands of parts: %v", err)
	}
}

// TestFilesAreWhatTheyAreCalled: a file whose name says another format than its
// content is refused, and one that is what it says is handed on whole.
func TestFilesAreWhatTheyAreCalled(t *testing.T) {
	book := string(spoiled(t, nil))
	for _, c := range []struct {
		name, content string
		want          error
	}{
		{"places.csv", "code,name\n", nil},
		{"PLACES.CSV", "a", nil},
		{"empty.csv", "", nil},
		{"places.xlsx", book, nil},
		{"places.csv", book, area.ErrImportName},
		{"places.xlsx", "code,name\n", area.ErrImportName},
		{"places.xls", book, area.ErrImportFormat},
		{"places.csv.exe", "code,name\n", area.ErrImportFormat},
		{"places", "code,name\n", area.ErrImportFormat},
	} {
		r, err := area.Named(c.name, strings.NewReader(c.content))
		if !errors.Is(err, c.want) {
			t.Errorf("%s with %.9q: %v, want %v", c.name, c.content, err, c.want)
		}
		if err != nil {
			continue
		}
		if all, err := io.ReadAll(r); err != nil || string(all) != c.content {
			t.Errorf("%s: %d of %d bytes came through: %v", c.name, len(all), len(c.content), err)
		}
	}
}
