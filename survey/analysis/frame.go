package analysis

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"chengyin/stats"
)

// DataError says where a data file is wrong.
type DataError struct {
	File   string
	Row    int // of the data, the first below the header is 1; 0 when it is not about a row
	Column string
	Why    string
}

// Error names file, row and column.
func (e *DataError) Error() string {
	s := e.File
	if e.Row > 0 {
		s += fmt.Sprintf(", row %d", e.Row)
	}
	if e.Column != "" {
		s += ", column " + e.Column
	}
	return s + ": " + e.Why
}

func dataError(err error) *DataError {
	var bad *DataError
	if errors.As(err, &bad) {
		return bad
	}
	return nil
}

// Frame is a table of text in which an empty cell is missing.
type Frame struct {
	Path  string // as the case calls it
	Rows  int
	Names []string // columns in order
	cells map[string][]string
	num   map[string]numeric
}

// numeric is a column read as numbers.
type numeric struct {
	v     []float64 // NaN where missing
	other int       // first row that holds text, NaN or an infinity, or -1
	text  int       // rows that hold text
	given int       // rows that hold something
}

// ReadFrame reads a CSV file (comma, header, UTF-8); name stands for it in
// messages.
func ReadFrame(path, name string) (*Frame, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&(os.ModeDir|os.ModeDevice) != 0 {
		return nil, &DataError{File: name, Why: "is no file"}
	}
	file, err := os.Open(path)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, &DataError{File: name, Why: "cannot be read: " + err.Error()}
	}
	defer file.Close()
	return readCSV(file, name)
}

// notUTF8 is said of files that spreadsheets have saved in GBK, for example.
const notUTF8 = "is not UTF-8; save the file as CSV UTF-8"

func readCSV(in io.Reader, name string) (*Frame, error) {
	b, err := io.ReadAll(in)
	if err != nil {
		return nil, &DataError{File: name, Why: err.Error()}
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		return nil, &DataError{File: name, Why: "has no header line"}
	}
	f := &Frame{Path: name, Names: slices.Clone(head), cells: map[string][]string{}, num: map[string]numeric{}}
	for i, h := range f.Names {
		f.Names[i] = strings.TrimSpace(h)
		if !utf8.ValidString(h) {
			return nil, &DataError{File: name, Why: notUTF8}
		}
		if _, twice := f.cells[f.Names[i]]; twice {
			return nil, &DataError{File: name, Column: f.Names[i], Why: "is in the header twice"}
		}
		f.cells[f.Names[i]] = nil
	}
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return f, nil
		}
		if errors.Is(err, csv.ErrFieldCount) {
			return nil, &DataError{File: name, Row: f.Rows + 1, Why: fmt.Sprintf("has %d cells, the header %d", len(rec), len(f.Names))}
		}
		if err != nil {
			return nil, &DataError{File: name, Row: f.Rows + 1, Why: err.Error()}
		}
		for i, s := range rec {
			if !utf8.ValidString(s) {
				return nil, &DataError{File: name, Row: f.Rows + 1, Column: f.Names[i], Why: notUTF8}
			}
			f.cells[f.Names[i]] = append(f.cells[f.Names[i]], strings.Clone(s))
		}
		f.Rows++
	}
}

// has reports whether there is such a column.
func (f *Frame) has(column string) bool {
	_, ok := f.cells[column]
	return ok
}

// text returns a column as it is written.
func (f *Frame) text(column string) []string {
	c, ok := f.cells[column]
	if !ok {
		panic(fault{&DataError{File: f.Path, Column: column, Why: "there is no such column; the file has " + listed(f.Names)}})
	}
	if c == nil {
		return []string{}
	}
	return c
}

// read returns a column as numbers, whatever else is in it.
func (f *Frame) read(column string) numeric {
	if n, ok := f.num[column]; ok {
		return n
	}
	cells := f.text(column)
	n := numeric{v: make([]float64, len(cells)), other: -1}
	for k, s := range cells {
		s = strings.TrimSpace(s)
		if s == "" {
			n.v[k] = math.NaN()
			continue
		}
		n.given++
		x, err := strconv.ParseFloat(s, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			n.text++
			x = math.NaN()
		}
		if !stats.IsFinite(x) && n.other < 0 {
			n.other = k
		}
		n.v[k] = x
	}
	f.num[column] = n
	return n
}

// isNumber reports whether a column holds numbers and nothing else. One without
// any value does.
func (f *Frame) isNumber(column string) bool { return f.read(column).text == 0 }

// numbers returns a column of numbers, NaN where they are missing.
func (f *Frame) numbers(column string) []float64 {
	n := f.read(column)
	if n.other >= 0 {
		f.refuse(n.other, column, "%q is no number", f.text(column)[n.other])
	}
	return n.v
}

// complete returns a column of numbers none of which is missing.
func (f *Frame) complete(column string) []float64 {
	v := f.numbers(column)
	for k, x := range v {
		if math.IsNaN(x) {
			f.refuse(k, column, "the number is missing")
		}
	}
	return v
}

// refuse stops at a cell; row counts from 0.
func (f *Frame) refuse(row int, column, format string, args ...any) {
	panic(fault{&DataError{File: f.Path, Row: row + 1, Column: column, Why: fmt.Sprintf(format, args...)}})
}

// factor is a column as categories: numbers in order of size, texts by byte.
type factor struct {
	name   string
	code   []int // -1 where missing
	levels []string
}

// factor returns a column as categories. Numbers are written the shortest way.
func (f *Frame) factor(column string) factor {
	cells := f.text(column)
	out := factor{name: column, code: make([]int, len(cells))}
	if !f.isNumber(column) {
		return textFactor(column, cells)
	}
	v := f.numbers(column)
	var distinct []float64
	at := map[float64]int{}
	for _, x := range v {
		if _, known := at[x]; !known && !math.IsNaN(x) {
			at[x] = 0
			distinct = append(distinct, x)
		}
	}
	slices.Sort(distinct)
	for i, x := range distinct {
		at[x] = i
		out.levels = append(out.levels, number(x))
	}
	for k, x := range v {
		out.code[k] = -1
		if !math.IsNaN(x) {
			out.code[k] = at[x]
		}
	}
	return out
}

func textFactor(name string, cells []string) factor {
	out := factor{name: name, code: make([]int, len(cells))}
	seen := map[string]int{}
	for _, s := range cells {
		if _, known := seen[s]; !known && s != "" {
			seen[s] = 0
			out.levels = append(out.levels, s)
		}
	}
	slices.Sort(out.levels)
	for i, s := range out.levels {
		seen[s] = i
	}
	for k, s := range cells {
		out.code[k] = -1
		if s != "" {
			out.code[k] = seen[s]
		}
	}
	return out
}

// number writes a number as R does in the name of a level.
func number(x float64) string {
	if math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// index returns the level of that name, or -1; numbers match however written.
func (g factor) index(level string) int {
	if i := slices.Index(g.levels, level); i >= 0 {
		return i
	}
	if x, err := strconv.ParseFloat(level, 64); err == nil {
		return slices.Index(g.levels, number(x))
	}
	return -1
}

// complete returns a factor none of whose values is missing.
func (f *Frame) completeFactor(column string) factor {
	g := f.factor(column)
	for k, c := range g.code {
		if c < 0 {
			f.refuse(k, column, "the value is missing")
		}
	}
	return g
}

// cross numbers the combinations of several factors that occur, the first
// factor varying fastest, as R does; -1 where one of them is missing.
func cross(rows int, factors []factor) (code []int, cells [][]int) {
	type key string
	at := map[key]int{}
	code = make([]int, rows)
	var order []key
	members := map[key][]int{}
	for k := range rows {
		cell := make([]int, len(factors))
		b := make([]byte, 0, 8*len(factors))
		missing := false
		for i, g := range factors {
			cell[i] = g.code[k]
			missing = missing || cell[i] < 0
			b = strconv.AppendInt(append(b, ' '), int64(cell[i]), 10)
		}
		if missing {
			code[k] = -1
			continue
		}
		id, known := at[key(b)]
		if !known {
			id = len(order)
			at[key(b)] = id
			order = append(order, key(b))
			members[key(b)] = cell
		}
		code[k] = id
	}
	sorted := slices.Clone(order)
	slices.SortFunc(sorted, func(a, b key) int {
		x, y := members[a], members[b]
		for i := len(x) - 1; i >= 0; i-- {
			if c := cmp.Compare(x[i], y[i]); c != 0 {
				return c
			}
		}
		return 0
	})
	place := make([]int, len(order))
	for i, id := range sorted {
		place[at[id]] = i
		cells = append(cells, members[id])
	}
	for k, c := range code {
		if c >= 0 {
			code[k] = place[c]
		}
	}
	return code, cells
}
