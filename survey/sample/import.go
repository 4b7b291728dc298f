package sample

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"chengyin/survey"
	"chengyin/survey/area"
)

// FrameColumns are the columns of a list of households.
var FrameColumns = []area.Column{
	{Name: "community", Required: true, Headers: []string{"社区代码", "区划代码", "统计用区划代码", "社区区划代码", "community", "communitycode", "area", "areacode", "code"}, Example: "990102001001"},
	{Name: "building", Required: true, Headers: []string{"楼栋", "楼号", "楼栋号", "小区楼栋", "幢", "栋", "building", "estate"}, Example: "荷香苑3栋"},
	{Name: "entrance", Headers: []string{"单元", "单元号", "unit", "entrance"}, Example: "2单元"},
	{Name: "room", Headers: []string{"房号", "室", "门牌", "户号", "房间", "room", "door", "flat"}, Example: "501"},
	{Name: "household", Required: true, Headers: []string{"住户编号", "户编号", "住户id", "户id", "household", "householdid", "id"}, Example: "TH-3-2-501"},
	{Name: "adults", Headers: []string{"成年人数", "成人数", "18岁以上人数", "adults", "adultscount"}, Example: "2"},
}

// Limits of a list.
const (
	mostFrameBytes = 48 << 20
	mostFrameRows  = 500_000
	mostFrameCells = 12_000_000
	mostProblems   = 1000 // that are listed; all are counted
	longestText    = 100
	mostInHome     = 30 // adults
)

// Errors of importing lists.
var (
	ErrFrameTooLarge = &survey.Error{Kind: survey.TooLarge, Code: "frame_too_large"}
	ErrFrameProblems = &survey.Error{Kind: survey.Invalid, Code: "frame_problems"}
)

// Import is a list that was read and checked, and not stored yet.
type Import struct {
	File        string
	Rows        int // with anything in them, below the headers
	Good        int // households
	Bad         int // rows with a problem
	Communities int // of the good rows
	Buildings   int
	Adults      int               // households of which the number of adults is known
	Problems    []area.RowProblem // the first of them, in the order of the file
	Total       int               // of problems
	Skipped     []string          // sheets of the workbook without a header that is known

	homes []FrameHome
}

// MaySkip reports whether something is left to import without the bad rows.
func (p *Import) MaySkip() bool { return p.Good > 0 }

// FrameTemplate returns a CSV file with the headers and an example.
func FrameTemplate() []byte { return area.TemplateOf(FrameColumns) }

// Progress is told how far something is: done of all, all being 0 while it is not
// known.
type Progress func(done, all int)

// ReadFrame reads a list of households, a CSV file or an Excel workbook, and says
// what is wrong in it. It stores nothing. Returns survey.ErrDenied, ErrFrameTooLarge
// and the errors of area.Named and area.ReadRows; wrong rows are no error.
func (s *Service) ReadFrame(ctx context.Context, actor survey.Actor, filename string, r io.Reader, progress Progress) (*Import, error) {
	if !actor.Can(survey.ManageSamples) {
		return nil, survey.ErrDenied
	}
	r, err := area.Named(filename, r)
	if err != nil {
		return nil, err
	}
	rows, skipped, heads, err := area.ReadRowsWithin(ctx, r, FrameColumns, area.Limits{Bytes: mostFrameBytes, Rows: mostFrameRows, Cells: mostFrameCells, Progress: func(rows int) { progress(rows, 0) }})
	if errors.Is(err, area.ErrImportTooLarge) {
		return nil, ErrFrameTooLarge.Because(err)
	}
	if err != nil {
		return nil, err
	}
	places, err := area.TreeOf(s.db.Read(ctx), survey.Everywhere)
	if err != nil {
		return nil, err
	}
	c := &frameCheck{actor: actor, places: map[string]area.Area{}, seen: make(map[string]int, len(rows)), out: &Import{File: filepath.Base(filename), Rows: len(rows), Skipped: skipped}}
	c.out.Total, c.out.Problems = len(heads), heads
	for _, p := range places {
		c.places[p.Code] = p
	}
	c.check(rows, progress)
	return c.out, ctx.Err()
}

// frameCheck goes through the rows of a list.
type frameCheck struct {
	actor  survey.Actor
	places map[string]area.Area
	seen   map[string]int // row in which a household came first, in the order of the file
	out    *Import
	bad    bool // the present row
}

func (c *frameCheck) wrong(r area.Row, column, code string) {
	c.bad = true
	c.note(r.Wrong(column, code))
}

func (c *frameCheck) note(p area.RowProblem) {
	if c.out.Total++; len(c.out.Problems) < mostProblems {
		c.out.Problems = append(c.out.Problems, p)
	}
}

// check looks at each row by itself, then at those that a building has several
// households without a room.
func (c *frameCheck) check(rows []area.Row, progress Progress) {
	homes, of := make([]FrameHome, 0, len(rows)), make([]int, 0, len(rows))
	in := map[Cluster]int{} // households of a building
	for i, r := range rows {
		if i%1000 == 0 {
			progress(i, len(rows))
		}
		c.bad = false
		h := c.row(i, r)
		if c.bad {
			c.out.Bad++
			continue
		}
		homes, of = append(homes, h), append(of, i)
		in[within(Buildings, h)]++
	}
	communities := map[string]bool{}
	for i, h := range homes {
		// A house of its own needs no room; one door of many does.
		if h.Room == "" && in[within(Buildings, h)] > 1 {
			c.out.Bad++
			c.wrong(rows[of[i]], "room", "room_missing")
			continue
		}
		c.out.homes = append(c.out.homes, h)
		communities[h.AreaCode] = true
		if h.Adults != nil {
			c.out.Adults++
		}
	}
	slices.SortFunc(c.out.homes, inOrder)
	for i := range c.out.homes {
		c.out.homes[i].Position = i + 1
	}
	c.out.Good, c.out.Communities, c.out.Buildings = len(c.out.homes), len(communities), len(ClustersOf(c.out.homes, Buildings))
	if c.out.Rows == 0 && c.out.Total == 0 {
		c.note(area.RowProblem{Row: 1, Code: "rows_missing"})
	}
	progress(len(rows), len(rows))
}

var householdID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/#-]{0,63}$`)

func (c *frameCheck) row(i int, r area.Row) FrameHome {
	h := FrameHome{AreaCode: r.Code("community"), Building: c.text(r, "building"), Unit: c.text(r, "entrance"), Room: c.text(r, "room"), Household: width.Narrow.String(r.Code("household"))}
	switch place, known := c.places[h.AreaCode]; {
	case h.AreaCode == "":
		c.wrong(r, "community", "code_missing")
	case !known:
		c.wrong(r, "community", "community_unknown")
	case place.Level != area.Community:
		c.wrong(r, "community", "no_community")
	case !c.actor.Sees(survey.ManageSamples, h.AreaCode):
		c.wrong(r, "community", "area_outside")
	}
	if h.Building == "" {
		c.wrong(r, "building", "building_missing")
	}
	switch first, again := c.seen[h.Household]; {
	case h.Household == "":
		c.wrong(r, "household", "household_missing")
	case !householdID.MatchString(h.Household):
		c.wrong(r, "household", "household_bad")
	case again:
		c.bad = true
		p := r.Wrong("household", "duplicate")
		p.Value += " (" + strconv.Itoa(first) + ")"
		c.note(p)
	default:
		c.seen[h.Household] = r.Number
	}
	if typed := r.Cell("adults"); typed != "" {
		n, err := strconv.ParseFloat(width.Narrow.String(typed), 64)
		if whole := int(n); err == nil && n >= 0 && n <= mostInHome && float64(whole) == n {
			h.Adults = &whole
		} else {
			c.wrong(r, "adults", "adults_bad")
		}
	}
	return h
}

// text returns a name or number of an address: full-width signs as ASCII, blanks
// once, so that a building has one name however it was typed.
func (c *frameCheck) text(r area.Row, column string) string {
	s := strings.Join(strings.Fields(width.Narrow.String(r.Cell(column))), " ")
	switch {
	case strings.ContainsAny(s[:min(1, len(s))], "=+-@"):
		c.wrong(r, column, "formula") // a spreadsheet that opens our lists would run it
	case !utf8.ValidString(s), strings.ContainsFunc(s, unprintable):
		c.wrong(r, column, "characters_bad")
	case utf8.RuneCountInString(s) > longestText:
		c.wrong(r, column, "name_too_long")
	}
	return s
}

func unprintable(c rune) bool {
	return unicode.IsControl(c) || c == utf8.RuneError || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}
