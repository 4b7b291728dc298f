package area

import (
	"context"
	"io"
)

// Column is a column of a sheet that another package imports, with the headers it
// may have, in lower case and without blanks. The first is the one of the template.
type Column struct {
	Name     string
	Required bool
	Headers  []string
	Example  string
}

// Row is a filled row of a sheet.
type Row struct {
	Sheet  string // "" in a CSV file
	Number int    // as a spreadsheet numbers it
	cell   func(column string) string
}

// Cell returns the tidied cell of a column, "" when it is empty or there is none.
func (r Row) Cell(column string) string { return r.cell(column) }

// Code returns a cell that holds digits, also where a spreadsheet has made a
// number of them.
func (r Row) Code(column string) string { return digits(r.cell(column)) }

// Wrong returns a problem of the row.
func (r Row) Wrong(column, code string) RowProblem {
	return RowProblem{Sheet: r.Sheet, Row: r.Number, Column: column, Code: code, Value: short(r.cell(column))}
}

// ReadRows reads a CSV file or an Excel workbook under the limits of Plan: its
// rows, the sheets without headers that are known, and what is wrong with the
// headers. Returns ErrImportFormat, ErrImportUnreadable or ErrImportTooLarge.
func ReadRows(ctx context.Context, r io.Reader, columns []Column) (rows []Row, skipped []string, wrong []RowProblem, err error) {
	return ReadRowsWithin(ctx, r, columns, usual)
}

// ReadRowsWithin is ReadRows under other limits.
func ReadRowsWithin(ctx context.Context, r io.Reader, columns []Column, most Limits) (rows []Row, skipped []string, wrong []RowProblem, err error) {
	book, err := readBook(ctx, r, most)
	if err != nil {
		return nil, nil, nil, err
	}
	sheets, skipped, wrong := tables(own(columns), book)
	for _, s := range sheets {
		for _, l := range s.rows {
			rows = append(rows, Row{Sheet: s.name, Number: l.number, cell: func(column string) string { return s.get(l, column) }})
		}
	}
	return rows, skipped, wrong, nil
}

// TemplateOf is Template of other columns.
func TemplateOf(columns []Column) []byte { return template(own(columns)) }

func own(columns []Column) []column {
	out := make([]column, len(columns))
	for i, c := range columns {
		out[i] = column{c.Name, c.Required, c.Headers, c.Example}
	}
	return out
}
