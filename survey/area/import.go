package area

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// Kind is what a sheet lists.
type Kind string

// The kinds of sheets that can be imported.
const (
	Places Kind = "places"
	Units  Kind = "units"
	People Kind = "people" // population by age and sex
)

// Kinds lists the kinds in the order in which a new city imports them.
var Kinds = []Kind{Places, Units, People}

// Plan is what an import would do: a dry run, with everything that is wrong in
// the file.
type Plan struct {
	Kind      Kind
	File      string
	Rows      int // with anything in them, below the headers
	New       int
	Changed   int
	Unchanged int
	Bad       int          // rows with a problem
	Problems  []RowProblem // the first of them, in the order of the file
	Total     int          // of problems
	Skipped   []string     // sheets of the workbook without a header that is known

	sheets []sheet
	done   outcome
}

// RowProblem is one wrong cell. Code has words under "import.<code>".
type RowProblem struct {
	Sheet  string // "" in a CSV file
	Row    int    // as a spreadsheet numbers them, from 1
	Column string // our name of the column; words under "import.column.<name>"
	Code   string
	Value  string // what stands in the cell, shortened
}

// ImportOptions say how to apply a plan.
type ImportOptions struct {
	SkipBad bool // import the good rows of a file that has bad ones
}

// mostProblems is how many problems a plan lists; it counts them all.
const mostProblems = 1000

// Errors of importing.
var (
	ErrImportKind       = &survey.Error{Kind: survey.Invalid, Code: "import_kind"}
	ErrImportFormat     = &survey.Error{Kind: survey.Invalid, Code: "import_format"}     // neither CSV nor XLSX
	ErrImportName       = &survey.Error{Kind: survey.Invalid, Code: "import_name"}       // the name says another format than the content
	ErrImportUnreadable = &survey.Error{Kind: survey.Invalid, Code: "import_unreadable"} // damaged
	ErrImportTooLarge   = &survey.Error{Kind: survey.TooLarge, Code: "import_too_large"}
	ErrImportProblems   = &survey.Error{Kind: survey.Invalid, Code: "import_problems"}
	ErrImportStale      = &survey.Error{Kind: survey.Conflict, Code: "import_stale"}
)

// outcome is what checking a file gives: the rows to store, parents first, and
// what is wrong.
type outcome struct {
	areas  []Area
	units  []Unit
	people []Population

	rows, fresh, changed, same, bad int
	problems                        []RowProblem
	total                           int
}

// known is what the database holds before the import.
type known struct {
	areas  map[string]Area
	units  map[string]Unit
	people map[Population]Population // by key: the fields but persons and source
}

// Plan reads a CSV file (UTF-8 or GB18030) or an Excel workbook and says what
// importing it would do. It stores nothing. Returns survey.ErrDenied,
// ErrImportKind, ErrImportFormat, ErrImportUnreadable or ErrImportTooLarge; wrong
// rows are no error, they are the plan's problems.
func (s *Service) Plan(ctx context.Context, actor survey.Actor, kind Kind, filename string, r io.Reader) (Plan, error) {
	if !actor.Can(survey.ManageAreas) {
		return Plan{}, survey.ErrDenied
	}
	if !slices.Contains(Kinds, kind) {
		return Plan{}, ErrImportKind
	}
	book, err := readBook(ctx, r, usual)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Kind: kind, File: filename}
	var heads []RowProblem
	p.sheets, p.Skipped, heads = tables(headers[kind], book)
	err = s.db.Snapshot(ctx, func(r *gorm.DB) error {
		have, err := knownBy(r, kind)
		if err != nil {
			return err
		}
		p.done = check(kind, p.sheets, have, actor, s.db.Clock()())
		return nil
	})
	if err != nil {
		return Plan{}, err
	}
	o := p.done
	p.Rows, p.New, p.Changed, p.Unchanged, p.Bad = o.rows, o.fresh, o.changed, o.same, o.bad
	p.Total = o.total + len(heads)
	p.Problems = append(heads, o.problems...)
	p.Problems = p.Problems[:min(len(p.Problems), mostProblems)]
	return p, nil
}

// Apply stores the plan, all of it or nothing, with the event "area.imported".
// Returns survey.ErrDenied, ErrImportProblems when rows are wrong and are not to
// be skipped, and ErrImportStale when the database has changed since the plan was
// made so that it would do something else now.
func (s *Service) Apply(ctx context.Context, actor survey.Actor, p Plan, o ImportOptions) error {
	switch {
	case !actor.Can(survey.ManageAreas):
		return survey.ErrDenied
	case p.Total > 0 && !o.SkipBad, len(p.sheets) == 0:
		return ErrImportProblems
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		have, err := knownBy(tx.DB, p.Kind)
		if err != nil {
			return err
		}
		now := check(p.Kind, p.sheets, have, actor, tx.Now)
		if now.fresh != p.New || now.changed != p.Changed || now.bad != p.Bad {
			return ErrImportStale
		}
		if now.fresh+now.changed > 0 {
			if err := save(tx, now.areas, now.units, now.people); err != nil {
				return err
			}
		}
		return event.Write(tx, actor, event.Entry{Kind: "area.imported", Object: string(p.Kind), Area: actor.Home(survey.ManageAreas), Payload: map[string]any{
			"file": p.File, "rows": p.Rows, "new": p.New, "changed": p.Changed, "skipped": p.Bad,
		}})
	})
}

// check is the rule of importing: what the sheets would do to what is known.
func check(kind Kind, sheets []sheet, have known, actor survey.Actor, now time.Time) outcome {
	c := &checker{have: have, actor: actor, today: day(now)}
	switch kind {
	case Places:
		c.places(sheets)
	case Units:
		c.sectorUnits(sheets)
	case People:
		c.population(sheets)
	}
	slices.SortStableFunc(c.found, func(a, b located) int {
		return cmp.Or(cmp.Compare(a.sheet, b.sheet), cmp.Compare(a.Row, b.Row))
	})
	c.out.total = len(c.found)
	badRows := map[[2]int]bool{}
	for i, f := range c.found {
		badRows[[2]int{f.sheet, f.Row}] = true
		if i < mostProblems {
			c.out.problems = append(c.out.problems, f.RowProblem)
		}
	}
	c.out.bad = len(badRows)
	return c.out
}
