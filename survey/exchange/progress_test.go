package exchange_test

import (
	"bytes"
	"testing"

	"github.com/xuri/excelize/v2"

	"chengyin/survey/exchange"
	"chengyin/survey/fieldwork"
)

// TestProgressAsWorkbook: names stay texts whatever they begin with, counts are
// numbers.
func TestProgressAsWorkbook(t *testing.T) {
	w := fieldwork.Work{Buildings: []fieldwork.Building{{PSU: "12", AreaCode: "990102001001", Name: "=1+1", Progress: fieldwork.Progress{Drawn: 7, Left: 3}}}}
	headings := make([]string, 21)
	headings[0] = "place"
	var file bytes.Buffer
	if err := exchange.Progress(w, headings, func(string) string { return "@place" }, exchange.XLSX, &file); err != nil {
		t.Fatal(err)
	}
	x, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for cell, want := range map[string]string{"A1": "place", "A2": "990102001001", "B2": "@place", "C2": "12", "D2": "=1+1", "E2": "7", "Q2": "3"} {
		if got, err := x.GetCellValue("Sheet1", cell); err != nil || got != want {
			t.Errorf("%s is %q, %v", cell, got, err)
		}
		if f, err := x.GetCellFormula("Sheet1", cell); err != nil || f != "" {
			t.Errorf("%s computes %q, %v", cell, f, err)
		}
	}
	for cell, text := range map[string]bool{"A2": true, "C2": true, "D2": true, "E2": false, "Q2": false} {
		kind, err := x.GetCellType("Sheet1", cell)
		if is := kind == excelize.CellTypeInlineString || kind == excelize.CellTypeSharedString; err != nil || is != text {
			t.Errorf("%s is of type %v, %v", cell, kind, err)
		}
	}
}
