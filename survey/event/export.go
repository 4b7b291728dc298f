package event

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"chengyin/survey"
	"chengyin/survey/store"
)

// The formats of an export.
const (
	CSV  = "csv"
	XLSX = "xlsx"
)

// mostRows is how many rows a sheet of Excel takes below its header.
const mostRows = 1<<20 - 1

// ErrTooManyRows means that a spreadsheet would not hold them all.
var ErrTooManyRows = &survey.Error{Kind: survey.Invalid, Code: "export_too_many"}

var columns = []string{"seq", "at", "kind", "result", "actor", "account_id", "via", "source", "request_id", "object", "area_code", "payload", "id", "key_id", "mac"}

func (e Event) cells() []string {
	seq := ""
	if e.Seq != nil {
		seq = strconv.FormatInt(*e.Seq, 10)
	}
	return []string{seq, e.At.UTC().Format(time.RFC3339Nano), e.Kind, e.Result, e.Actor, e.AccountID, e.Via, e.Source, e.RequestID, e.Object, e.AreaCode, e.Payload, e.ID, e.KeyID, e.MAC}
}

// Export writes the events that fit the filter, the newest first, page by page. It
// is itself an event, written before the first row leaves. Begin is called then: until
// then nothing was written to out.
func (s *Service) Export(ctx context.Context, actor survey.Actor, f Filter, format string, begin func(), out io.Writer) error {
	if !actor.Can(survey.ReadAudit) {
		return survey.ErrDenied
	}
	if format != CSV && format != XLSX {
		return survey.ErrInvalid.With(survey.Field{Path: "format", Code: "field_not_listed"})
	}
	f.Limit = 1000
	if f.To.IsZero() { // not the events that come meanwhile, such as this one
		f.To = s.db.Clock()()
	}
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		return Write(tx, actor, Entry{Kind: Exported, Area: f.Area, Payload: map[string]string{"format": format, "from": when(f.From), "to": when(f.To), "person": f.Person,
			"kind": f.Kind, "result": f.Result, "object": f.Object, "source": f.Source}})
	})
	if err != nil {
		return err
	}
	if format == XLSX {
		return s.exportXLSX(ctx, actor, f, begin, out)
	}
	begin()
	if _, err := io.WriteString(out, "\uFEFF"); err != nil {
		return err
	}
	c := csv.NewWriter(out)
	if err := c.Write(columns); err != nil {
		return err
	}
	err = s.each(ctx, actor, f, func(e Event) error {
		cells := e.cells()
		for i := range cells {
			cells[i] = harmless(cells[i])
		}
		return c.Write(cells)
	})
	c.Flush()
	if err == nil {
		err = c.Error()
	}
	return err
}

// exportXLSX keeps the rows in a temporary file: a workbook is written as a whole.
func (s *Service) exportXLSX(ctx context.Context, actor survey.Actor, f Filter, begin func(), out io.Writer) error {
	x := excelize.NewFile()
	defer x.Close()
	w, err := x.NewStreamWriter("Sheet1")
	if err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	row := 0
	put := func(cells []string) error {
		row++
		values := make([]any, len(cells))
		for i, c := range cells {
			values[i] = c // as texts, which Excel never computes
		}
		at, err := excelize.CoordinatesToCellName(1, row)
		if err != nil {
			return err
		}
		return w.SetRow(at, values)
	}
	if err := put(columns); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	err = s.each(ctx, actor, f, func(e Event) error {
		if row > mostRows {
			return ErrTooManyRows
		}
		return put(e.cells())
	})
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	begin()
	return x.Write(out)
}

// each calls do with every event of the filter, a page in memory at a time.
func (s *Service) each(ctx context.Context, actor survey.Actor, f Filter, do func(Event) error) error {
	for {
		list, err := s.List(ctx, actor, f)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := do(e); err != nil {
				return err
			}
		}
		if len(list) < f.Limit {
			return nil
		}
		f.After = list[len(list)-1].Next()
	}
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
