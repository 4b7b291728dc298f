package sample_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"

	"chengyin/survey/sample"
)

// TestListsRunNothing: whatever an address says, a spreadsheet that opens the list
// takes it for a text.
func TestListsRunNothing(t *testing.T) {
	var homes []sample.PlanHome
	for _, evil := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "1栋"} {
		homes = append(homes, sample.PlanHome{Unit: sample.Unit{Household: "h"}, Home: sample.Home{Building: evil, Unit: evil, Room: evil, Position: 1, Reserve: evil == "1栋", Picks: "121"}})
	}
	words := sample.Wording{Title: "R&D", Columns: sample.ListColumns, Visit: "走访", Reserve: "备用", Community: func(string) string { return "=社区" }}
	var b bytes.Buffer
	if err := sample.WriteCSV(&b, homes, words); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b.Bytes(), []byte("\ufeff")))).ReadAll()
	if err != nil || len(rows) != 7 {
		t.Fatal(rows, err)
	}
	for _, row := range rows[1:] {
		for _, cell := range row {
			if cell != "" && bytes.ContainsAny([]byte(cell[:1]), "=+-@\t") {
				t.Errorf("a cell says %q", cell)
			}
		}
	}
	if got := rows[6]; !slices.Equal(got[1:], []string{"1栋", "1栋", "1栋", "h", "1", "备用", "", "121"}) {
		t.Errorf("%q", got)
	}
	b.Reset()
	if err := sample.WriteXLSX(&b, homes, words); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range homes {
		for _, column := range []string{"A", "B", "I"} {
			at := column + string(rune('2'+i))
			formula, err := f.GetCellFormula("Sheet1", at)
			kind, err2 := f.GetCellType("Sheet1", at)
			if err != nil || err2 != nil || formula != "" || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
				t.Errorf("%s is %v %q %v %v", at, kind, formula, err, err2)
			}
		}
	}
	if got, err := f.GetCellValue("Sheet1", "B2"); err != nil || got != "=1+1" {
		t.Errorf("%q %v", got, err)
	}
}
