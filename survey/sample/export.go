package sample

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// ExportHomes returns what PlanHomes returns, for a file or a print, and writes the
// event "sample.exported".
func (s *Service) ExportHomes(ctx context.Context, actor survey.Actor, p Plan, place string) ([]PlanHome, error) {
	homes, err := s.PlanHomes(ctx, p, place)
	if err != nil {
		return nil, err
	}
	at := place
	if at == "" {
		at = p.AreaCode
	}
	return homes, s.db.InTx(ctx, func(tx *store.Tx) error {
		return event.Write(tx, actor, event.Entry{Kind: "sample.exported", Object: p.ID, Area: at, Payload: map[string]int{"homes": len(homes)}})
	})
}

// ListColumns are the columns of a list of drawn households.
var ListColumns = []string{"community", "building", "entrance", "room", "household", "order", "kind", "adults", "picks"}

// Wording turns a household into the words of a list: names of its community and of
// whether it is visited or held in reserve.
type Wording struct {
	Title     string
	Columns   []string // as ListColumns
	Community func(code string) string
	Visit     string
	Reserve   string
}

func (w Wording) row(h PlanHome) []string {
	kind := w.Visit
	if h.Reserve {
		kind = w.Reserve
	}
	return []string{w.Community(h.Home.AreaCode), h.Building, h.Home.Unit, h.Room, h.Household, strconv.Itoa(h.Position), kind, adultsText(h.FrameAdults), h.Picks}
}

// WriteCSV writes a list with a byte order mark, without which Excel takes it for
// GBK.
func WriteCSV(out io.Writer, homes []PlanHome, words Wording) error {
	if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	w.UseCRLF = true
	if err := w.Write(words.Columns); err != nil {
		return err
	}
	for _, h := range homes {
		row := words.row(h)
		for i := range row {
			row[i] = harmless(row[i])
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// WriteXLSX writes a list as a workbook to be printed: headers on each page, all
// cells texts, so that nothing is a formula.
func WriteXLSX(out io.Writer, homes []PlanHome, words Wording) error {
	f := excelize.NewFile()
	defer f.Close()
	const sheet = "Sheet1"
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Border: []excelize.Border{{Type: "bottom", Style: 1, Color: "000000"}}})
	if err != nil {
		return fmt.Errorf("style of the list: %w", err)
	}
	w, err := f.NewStreamWriter(sheet)
	if err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	for i, width := range []float64{18, 18, 10, 10, 22, 6, 10, 8, 16} {
		if err := w.SetColWidth(i+1, i+1, width); err != nil {
			return fmt.Errorf("write list: %w", err)
		}
	}
	cells := func(texts []string, style int) []any {
		row := make([]any, len(texts))
		for i, s := range texts {
			row[i] = excelize.Cell{Value: s, StyleID: style}
		}
		return row
	}
	if err := w.SetRow("A1", cells(words.Columns, bold)); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	for i, h := range homes {
		if err := w.SetRow("A"+strconv.Itoa(i+2), cells(words.row(h), 0)); err != nil {
			return fmt.Errorf("write list: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	landscape, fit, one, none := "landscape", true, 1, 0
	steps := []error{
		f.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &landscape, FitToWidth: &one, FitToHeight: &none}),
		f.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}),
		f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: sheet + "!$1:$1", Scope: sheet}),
		f.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{OddHeader: "&L" + strings.ReplaceAll(words.Title, "&", "&&"), OddFooter: "&C&P / &N"}),
	}
	for _, err := range steps {
		if err != nil {
			return fmt.Errorf("lay out list: %w", err)
		}
	}
	if _, err := f.WriteTo(out); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	return nil
}
