package area

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"chengyin/survey"
)

// How much is read at most. A province has 200,000 committees at the utmost.
const (
	mostBytes    = 20 << 20
	mostUnzipped = 256 << 20
	mostRows     = 200_000
	mostColumns  = 64
	mostParts    = 2_000     // of a workbook: sheets, styles, pictures
	mostCells    = 4_000_000 // with the empty ones on the left of a filled one
)

// Limits bound what is read of a file that somebody uploads.
type Limits struct {
	Bytes int // of the file
	Rows  int // with anything in them
	Cells int // with the empty ones on the left of a filled one
	// Progress, when there is one, is told now and then how many rows were read.
	Progress func(rows int)
}

// usual are the limits of sheets of places and people.
var usual = Limits{Bytes: mostBytes, Rows: mostRows, Cells: mostCells}

func (l Limits) tell(rows int) {
	if l.Progress != nil && rows%1000 == 0 {
		l.Progress(rows)
	}
}

// page is a sheet as it stands in the file.
type page struct {
	name     string
	rows     []line
	date1904 bool // this workbook counts days from 1904
}

// Named fails when the name of a file says something else than its first bytes:
// only .xlsx and .csv are read, and each must be what it is called. The reader that
// comes back still has the whole file.
func Named(filename string, r io.Reader) (io.Reader, error) {
	first := make([]byte, 4)
	n, err := io.ReadFull(r, first)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read import file: %w", err)
	}
	zipped := bytes.Equal(first[:n], zipMark)
	switch extension := strings.ToLower(filepath.Ext(filename)); {
	case extension == ".xlsx" && zipped, extension == ".csv" && !zipped:
		return io.MultiReader(bytes.NewReader(first[:n]), r), nil
	case extension == ".xlsx", extension == ".csv":
		return nil, ErrImportName
	}
	return nil, ErrImportFormat
}

// zipMark begins a workbook.
var zipMark = []byte("PK\x03\x04")

// readBook reads all sheets of a workbook, or the one of a CSV file. What the
// file is shows in its first bytes; see Named for its name.
func readBook(ctx context.Context, r io.Reader, most Limits) ([]page, error) {
	raw, err := io.ReadAll(io.LimitReader(r, int64(most.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("read import file: %w", err)
	}
	switch {
	case len(raw) > most.Bytes:
		return nil, tooMuch("bytes", most.Bytes)
	case bytes.HasPrefix(raw, zipMark):
		return readWorkbook(ctx, raw, most)
	case bytes.HasPrefix(raw, []byte("\xd0\xcf\x11\xe0")): // .xls, or a workbook with a password
		return nil, ErrImportFormat
	}
	return readCSV(ctx, raw, most)
}

func tooMuch(what string, limit int) error {
	return ErrImportTooLarge.With(survey.Field{Path: what, Code: "too_large", Args: map[string]any{"max": limit}})
}

// readWorkbook reads an XLSX file. The library may panic on a file that was made
// to break it; such a file is unreadable.
func readWorkbook(ctx context.Context, raw []byte, most Limits) (book []page, err error) {
	defer func() {
		if p := recover(); p != nil {
			book, err = nil, ErrImportUnreadable.Because(fmt.Errorf("workbook: %v", p))
		}
	}()
	parts, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, ErrImportUnreadable.Because(err)
	}
	if len(parts.File) > mostParts {
		return nil, tooMuch("parts", mostParts)
	}
	f, err := excelize.OpenReader(bytes.NewReader(raw), excelize.Options{
		UnzipSizeLimit: mostUnzipped, UnzipXMLSizeLimit: mostUnzipped, RawCellValue: true,
	})
	if err != nil {
		return nil, ErrImportUnreadable.Because(err)
	}
	defer f.Close()
	props, err := f.GetWorkbookProps()
	if err != nil {
		return nil, ErrImportUnreadable.Because(err)
	}
	date1904 := props.Date1904 != nil && *props.Date1904
	filled, cells := 0, 0
	for _, name := range f.GetSheetList() {
		p := page{name: name, date1904: date1904}
		rows, err := f.Rows(name)
		if err != nil {
			return nil, ErrImportUnreadable.Because(err)
		}
		for number := 1; rows.Next(); number++ {
			row, err := rows.Columns(excelize.Options{RawCellValue: true})
			if err != nil {
				rows.Close()
				return nil, ErrImportUnreadable.Because(err)
			}
			cells += 1 + len(row)
			if row = trimmed(row); len(row) > 0 {
				filled++
				p.rows = append(p.rows, line{number, row})
			}
			if filled > most.Rows+headerRows || cells > most.Cells {
				rows.Close()
				return nil, tooMuch("rows", most.Rows)
			}
			most.tell(filled)
			if number%1000 == 0 && ctx.Err() != nil {
				rows.Close()
				return nil, ctx.Err()
			}
		}
		if err := errors.Join(rows.Error(), rows.Close()); err != nil {
			return nil, ErrImportUnreadable.Because(err)
		}
		book = append(book, p)
	}
	return book, nil
}

// trimmed returns a copy of the first columns of a row without the empty cells at
// its end.
func trimmed(row []string) []string {
	row = row[:min(len(row), mostColumns)]
	for len(row) > 0 && strings.TrimSpace(row[len(row)-1]) == "" {
		row = row[:len(row)-1]
	}
	if len(row) == 0 {
		return nil
	}
	return append([]string(nil), row...)
}

// readCSV reads text in UTF-8, in UTF-16 with its mark, or else in GB18030, which
// is what Excel in Chinese writes. Cells are separated by comma, semicolon or tab.
func readCSV(ctx context.Context, raw []byte, most Limits) ([]page, error) {
	text, err := decoded(raw)
	if err != nil {
		return nil, err
	}
	if strings.ContainsRune(text, 0) {
		return nil, ErrImportFormat
	}
	c := csv.NewReader(strings.NewReader(text))
	c.Comma, c.FieldsPerRecord, c.ReuseRecord = separator(text), -1, true
	var p page
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return []page{p}, nil
		}
		if err != nil {
			var at *csv.ParseError
			if errors.As(err, &at) {
				return nil, ErrImportUnreadable.Because(err).With(survey.Field{Path: fmt.Sprintf("row %d", at.StartLine), Code: "import_quotes"})
			}
			return nil, ErrImportUnreadable.Because(err)
		}
		number, _ := c.FieldPos(0)
		if row = trimmed(row); len(row) > 0 {
			p.rows = append(p.rows, line{number, row})
		}
		if len(p.rows) > most.Rows+headerRows {
			return nil, tooMuch("rows", most.Rows)
		}
		most.tell(len(p.rows))
		if number%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

func decoded(raw []byte) (string, error) {
	switch {
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		raw = raw[3:]
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
		out, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(raw)
		if err != nil {
			return "", ErrImportUnreadable.Because(err)
		}
		return string(out), nil
	}
	if utf8.Valid(raw) {
		return string(raw), nil
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(raw)
	if err != nil {
		return "", ErrImportUnreadable.Because(err)
	}
	if bytes.ContainsRune(out, utf8.RuneError) {
		return "", ErrImportFormat
	}
	return string(out), nil
}

// separator is the one that the first filled line has most of.
func separator(text string) rune {
	line, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n \t"), "\n")
	best, most := ',', strings.Count(line, ",")
	for _, s := range []rune{'\t', ';', '，'} {
		if n := strings.Count(line, string(s)); n > most {
			best, most = s, n
		}
	}
	return best
}
