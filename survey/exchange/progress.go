package exchange

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"

	"chengyin/survey/fieldwork"
)

// The formats of a table of progress.
const (
	CSV  = "csv"
	XLSX = "xlsx"
)

// Progress writes how far the work is as a table with a row for each building, in
// which no household is told apart. The headings are given, one for each column:
// code and name of the place, code and name of the building, and the counts of
// fieldwork.Progress in their order. No cell is ever taken for a formula.
func Progress(w fieldwork.Work, headings []string, nameOf func(place string) string, format string, out io.Writer) error {
	rows := [][]string{headings}
	for _, b := range w.Buildings {
		row := []string{b.AreaCode, nameOf(b.AreaCode), b.PSU, b.Name}
		for _, n := range []int{b.Drawn, b.Reserve, b.Opened, b.Due(), b.Assigned, b.Visited, b.Contacted, b.Complete, b.Partial, b.Refused, b.NotEligible, b.Other, b.Left,
			b.CallBacks.Again, b.CallBacks.SameDay, b.CallBacks.Waiting, b.CallBacks.NoLate} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	if format == XLSX {
		return workbook(rows, 4, out)
	}
	if _, err := io.WriteString(out, "\uFEFF"); err != nil {
		return err
	}
	c := csv.NewWriter(out)
	for _, row := range rows {
		for i := range row {
			row[i] = harmless(row[i])
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// workbook writes a table as XLSX: the first columns as texts, which Excel never
// computes, the others as numbers.
func workbook(rows [][]string, texts int, out io.Writer) error {
	x := excelize.NewFile()
	defer x.Close()
	w, err := x.NewStreamWriter("Sheet1")
	if err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	for i, row := range rows {
		cells := make([]any, len(row))
		for j, text := range row {
			cells[j] = text
			if n, err := strconv.Atoi(text); err == nil && j >= texts && i > 0 {
				cells[j] = n
			}
		}
		at, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			return err
		}
		if err := w.SetRow(at, cells); err != nil {
			return fmt.Errorf("write workbook: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return x.Write(out)
}
