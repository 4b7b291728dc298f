package area

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/width"
)

// sheet is a table whose columns are known.
type sheet struct {
	name     string
	columns  map[string]int // our name -> where it stands
	rows     []line
	date1904 bool
}

// line is a row with something in it.
type line struct {
	number int // as a spreadsheet numbers it
	cells  []string
}

// column is a column of a kind and the headers it may have, in lower case and
// without blanks. The first is the one of the template.
type column struct {
	name     string
	required bool
	headers  []string
	example  string
}

var headers = map[Kind][]column{
	Places: {
		{"code", true, []string{"区划代码", "统计用区划代码", "代码", "行政区划代码", "编码", "code", "areacode"}, "990102001001"},
		{"name", true, []string{"名称", "区划名称", "地名", "name", "namezh", "name(zh)"}, "听荷社区"},
		{"name_en", false, []string{"英文名称", "英文名", "nameen", "englishname", "name(en)"}, "Tinghe Community"},
		{"level", false, []string{"级别", "层级", "level"}, "社区(村)"},
		{"valid_from", false, []string{"启用日期", "设立日期", "生效日期", "validfrom", "from"}, "2021-01-01"},
		{"valid_to", false, []string{"撤销日期", "停用日期", "失效日期", "validto", "to"}, ""},
		{"successor", false, []string{"并入代码", "并入区划代码", "继任代码", "successor", "successorcode"}, ""},
	},
	Units: {
		{"code", true, []string{"单位代码", "代码", "编码", "code", "unitcode"}, "S001"},
		{"kind", true, []string{"单位类别", "类别", "类型", "kind", "type"}, "学校"},
		{"name", true, []string{"单位名称", "名称", "name", "namezh", "name(zh)"}, "听荷小学"},
		{"name_en", false, []string{"英文名称", "英文名", "nameen", "englishname", "name(en)"}, "Tinghe Primary School"},
		{"area", true, []string{"所在区划代码", "区划代码", "所在地代码", "area", "areacode"}, "990102001001"},
		{"parent", false, []string{"主管单位代码", "上级单位代码", "上级代码", "parent", "parentcode"}, ""},
		{"valid_from", false, []string{"启用日期", "设立日期", "生效日期", "validfrom", "from"}, "2021-01-01"},
		{"valid_to", false, []string{"撤销日期", "停用日期", "失效日期", "validto", "to"}, ""},
	},
	People: {
		{"area", true, []string{"区划代码", "社区代码", "统计用区划代码", "代码", "area", "areacode", "code"}, "990102001001"},
		{"age", true, []string{"年龄段", "年龄", "年龄组", "age", "ageband"}, "18-29岁"},
		{"sex", true, []string{"性别", "sex", "gender"}, "男"},
		{"persons", true, []string{"人数", "人口数", "人口", "persons", "count", "population"}, "412"},
		{"source", false, []string{"数据来源", "来源", "source"}, "第七次全国人口普查"},
	},
}

// Template returns a CSV file with the headers of the kind and one example row.
// It begins with a byte order mark, without which Excel takes it for GBK.
func Template(kind Kind) []byte { return template(headers[kind]) }

func template(columns []column) []byte {
	var head, row []string
	for _, c := range columns {
		head, row = append(head, c.headers[0]), append(row, c.example)
	}
	return []byte("\ufeff" + strings.Join(head, ",") + "\r\n" + strings.Join(row, ",") + "\r\n")
}

// headerRows is how far down the headers may stand, below titles and notes.
const headerRows = 10

// tables finds the columns of each sheet. A sheet in which no row looks like
// headers is skipped, such as a page of notes, unless it is the only one.
func tables(columns []column, book []page) (found []sheet, skipped []string, wrong []RowProblem) {
	for _, p := range book {
		best, at, twice := -1, map[string]int(nil), []RowProblem(nil)
		for i := 0; i < min(headerRows, len(p.rows)); i++ {
			have, double := headersOf(columns, p.rows[i].cells)
			if len(have) >= 2 && len(have) > len(at) {
				best, at, twice = i, have, double
			}
		}
		if best < 0 {
			skipped = append(skipped, p.name)
			continue
		}
		for _, t := range twice {
			t.Sheet, t.Row = p.name, p.rows[best].number
			wrong = append(wrong, t)
		}
		missing := false
		for _, c := range columns {
			if _, ok := at[c.name]; c.required && !ok {
				missing = true
				wrong = append(wrong, RowProblem{Sheet: p.name, Row: p.rows[best].number, Column: c.name, Code: "column_missing"})
			}
		}
		if missing {
			continue
		}
		found = append(found, sheet{name: p.name, columns: at, rows: p.rows[best+1:], date1904: p.date1904})
	}
	if len(found) == 0 && len(wrong) == 0 {
		wrong = append(wrong, RowProblem{Row: 1, Code: "header_missing"})
	}
	return found, skipped, wrong
}

// headersOf returns which of the columns the row names, and those that it
// names twice.
func headersOf(columns []column, row []string) (have map[string]int, twice []RowProblem) {
	have = map[string]int{}
	for i, cell := range row {
		h := strings.NewReplacer(" ", "", "_", "", "\n", "", "（", "(", "）", ")", "*", "").Replace(strings.ToLower(tidyCell(cell)))
		for _, c := range columns {
			if !slices.Contains(c.headers, h) {
				continue
			}
			if _, again := have[c.name]; again {
				twice = append(twice, RowProblem{Column: c.name, Code: "column_twice", Value: short(cell)})
			} else {
				have[c.name] = i
			}
		}
	}
	return have, twice
}

// get returns the tidied cell of a column, "" when it is empty or there is none.
func (s sheet) get(l line, column string) string {
	i, ok := s.columns[column]
	if !ok || i >= len(l.cells) {
		return ""
	}
	return tidyCell(l.cells[i])
}

func (s sheet) has(column string) bool {
	_, ok := s.columns[column]
	return ok
}

// tidyCell drops what does not show: the byte order mark, joiners, white space at
// the ends, and the apostrophe that keeps a number a text.
func tidyCell(c string) string {
	c = strings.Map(func(r rune) rune {
		switch r {
		case '\ufeff', '\u200b', '\u200c', '\u200d', '\u2060':
			return -1
		case '\u00a0', '\u3000':
			return ' '
		}
		return r
	}, c)
	return strings.TrimPrefix(strings.TrimSpace(c), "'")
}

// narrow turns full-width digits and signs into those of ASCII.
func narrow(s string) string { return strings.TrimSpace(width.Narrow.String(s)) }

// short is a cell as a problem shows it.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 50 {
		return string(r[:50]) + "…"
	}
	return s
}

// digits returns a code as digits, also where a spreadsheet has made a number of
// it: 9.90102001001E+11, 990102001001.0.
func digits(s string) string {
	s = narrow(s)
	if strings.Trim(s, "0123456789") == "" || !strings.ContainsAny(s, ".eE") {
		return s
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil && v > 0 && v < 1e15 && v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return s
}

var dates = []string{"2006-1-2", "2006/1/2", "2006.1.2", "20060102", "2006年1月2日", "2006-1-2 15:04:05", "2006/1/2 15:04:05", "2006-01-02T15:04:05Z07:00"}

var serial = regexp.MustCompile(`^[0-9]{5}(\.[0-9]+)?$`)

// date reads a day, however it is written; of a spreadsheet also the number of a
// day. Ok is false when it is none, or lies outside 1949 to 2100.
func (s sheet) date(cell string) (t time.Time, ok bool) {
	cell = narrow(cell)
	if serial.MatchString(cell) {
		n, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return t, false
		}
		if t, err = excelize.ExcelDateToTime(n, s.date1904); err != nil {
			return t, false
		}
		t, ok = day(t), true
	}
	for _, layout := range dates {
		if ok {
			break
		}
		if x, err := time.Parse(layout, cell); err == nil {
			t, ok = day(x), true
		}
	}
	return t, ok && t.Year() >= 1949 && t.Year() <= 2100
}

// day is midnight, by UTC, of the date that t shows.
func day(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
