// Package analysis runs the statistics on files: it reads a case (a JSON file
// that names CSV files, sampling designs and questions), answers every question
// with the packages of stats and returns a document that can be printed. It is
// what "chengyin estimate" does.
//
// Whatever is wrong with a design or a question is said beside it and stops
// nothing else. What is wrong with the data is a *DataError, which names the
// file, the row and the column.
package analysis

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"chengyin/stats/smallarea"
)

// Document holds the answers to a case.
type Document struct {
	ID      string
	Designs []DesignAnswer
	Queries []Answer
}

// DesignAnswer describes a design, or says why it could not be made.
type DesignAnswer struct {
	Name    string
	N       int // rows
	PSUs    int
	Strata  int
	DF      int // PSUs less strata, over rows of weight above 0
	Weights []float64
	Err     error
}

// Answer is the result of a query, ready for encoding/json, or its error.
type Answer struct {
	Name   string
	Result any
	Err    error
}

// Load reads a case from a file. Paths in it are relative to the folder above
// cases/ when the file lies in a folder of that name, and to its own folder
// otherwise.
func Load(path string) (*Case, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	own := filepath.Dir(full)
	c.Folder = own
	if filepath.Base(own) == "cases" {
		c.Folder = filepath.Dir(own)
	}
	if c.ID == "" {
		c.ID = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	return c, nil
}

// Run answers a case.
func Run(c *Case) *Document { return answerAll(c, c.read) }

// read reads a data file of the case.
func (c *Case) read(path string) (*Frame, error) {
	full := filepath.FromSlash(path)
	if !filepath.IsAbs(full) {
		full = filepath.Join(c.Folder, full)
	}
	return ReadFrame(full, path)
}

func answerAll(c *Case, read func(path string) (*Frame, error)) *Document {
	r := &run{c: c, read: read, frames: map[string]*Frame{}, designs: map[string]*design{}, made: map[string]error{}}
	doc := &Document{ID: c.ID}
	for _, name := range c.Designs.Names {
		a := DesignAnswer{Name: name}
		a.Err = guard(func() {
			d := r.design(name)
			a.N, a.PSUs, a.Strata, a.DF, a.Weights = d.f.Rows, d.psus, d.strata, d.df(), d.weights()
		})
		doc.Designs = append(doc.Designs, a)
	}
	for i := range c.Queries {
		a := Answer{Name: c.Queries[i].Name}
		r.at = i
		a.Err = guard(func() { a.Result = r.query(&c.Queries[i]) })
		if a.Err != nil {
			a.Result = nil
		}
		doc.Queries = append(doc.Queries, a)
	}
	return doc
}

// Bad returns what is wrong with the data of the case, each fault once.
func (d *Document) Bad() []*DataError {
	var out []*DataError
	add := func(err error) {
		if bad := dataError(err); bad != nil && !slices.ContainsFunc(out, func(e *DataError) bool { return *e == *bad }) {
			out = append(out, bad)
		}
	}
	for _, a := range d.Designs {
		add(a.Err)
	}
	for _, a := range d.Queries {
		add(a.Err)
	}
	return out
}

// run is a case at work.
type run struct {
	c       *Case
	read    func(path string) (*Frame, error)
	frames  map[string]*Frame // by path
	designs map[string]*design
	made    map[string]error // why a design could not be made; nil while it is being made
	at      int              // the query being answered
	models  map[string]*smallarea.Model
	planned map[string]string // definitions of an allocation
	rows    *design           // generated, see generated.go
}

// fault carries an error up to guard. A case is a tree of small steps any of
// which can find something wrong with the reader's file; an error returned
// through each of them would hide what they do.
type fault struct{ error }

func fail(format string, args ...any) { panic(fault{fmt.Errorf(format, args...)}) }

// must stops at an error.
func must(err error) {
	if err != nil {
		panic(fault{err})
	}
}

// try is must for a function with a result.
func try[T any](v T, err error) T {
	must(err)
	return v
}

// guard runs f and returns the error that stopped it. Anything else that panics
// is a mistake in this program, which is said with its place, so that one bad
// query does not take the others with it.
func guard(f func()) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case fault:
			err = x.error
		default:
			err = fmt.Errorf("this is a mistake in chengyin, please report it: %v at %s", x, place())
		}
	}()
	f()
	return nil
}

// place names the line that panicked.
func place() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") {
			for _, l := range lines[i+2:] {
				if l = strings.TrimSpace(l); strings.Contains(l, "/chengyin/") || strings.Contains(l, ".go:") && !strings.Contains(l, "/runtime/") {
					l, _, _ = strings.Cut(l, " ")
					return filepath.Base(filepath.Dir(l)) + "/" + filepath.Base(l)
				}
			}
		}
	}
	return "an unknown place"
}

// frame reads a CSV file of the case.
func (r *run) frame(path string) *Frame {
	if f := r.frames[path]; f != nil {
		return f
	}
	f := try(r.read(path))
	r.frames[path] = f
	return f
}

// data returns the table that the case calls by a name.
func (r *run) data(name string) *Frame {
	path, ok := r.c.Data.At[name]
	if !ok {
		fail("there is no data %q; the case has %s", name, listed(r.c.Data.Names))
	}
	return r.frame(path)
}

// listed joins names for a message.
func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if len(names) > 30 {
		return strings.Join(names[:30], ", ") + fmt.Sprintf(" and %d more", len(names)-30)
	}
	return strings.Join(names, ", ")
}
