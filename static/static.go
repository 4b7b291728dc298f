// Package static holds what people see: templates, style sheets, scripts and
// the words of both languages, all inside the program. Scripts are written in
// TypeScript and bundled in memory at start, so that nothing but Go is needed
// to build the platform and no bundle can be stale.
//
// What is found by its place needs no registration:
//
//	templates/FAMILY/PAGE.html   the page "FAMILY/PAGE"
//	templates/FAMILY/_*.html     its family's layout and parts
//	css/NAME.css                 the style sheet "NAME.css"
//	src/NAME/main.ts             the script "NAME.js"
//	locale/LANG/*.json           words by key, all files of a language together
package static

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
)

//go:embed all:templates css src locale
var embedded embed.FS

// Languages lists the languages, the one that is used by default first.
var Languages = []string{"zh", "en"}

// Language returns lang when it is one of ours, else the default.
func Language(lang string) string {
	for _, l := range Languages {
		if l == lang {
			return l
		}
	}
	return Languages[0]
}

// Static is everything, read and bundled.
type Static struct {
	files fs.FS
	dev   bool
	built atomic.Pointer[built]
}

// built is the outcome of one reading of the files.
type built struct {
	words  words
	assets map[string]*asset // by name: "console.css"
	pages  map[string]*page  // by language and name: "zh respond/form"
}

// New reads and bundles everything. With dev it reads the folder "static" of the
// working directory, and again for every page, so that a change is seen on reload.
func New(dev bool) (*Static, error) {
	s := &Static{files: embedded, dev: dev}
	if dev {
		s.files = os.DirFS("static")
	}
	return s, s.build()
}

func (s *Static) build() (err error) {
	b := new(built)
	if b.words, err = readWords(s.files); err != nil {
		return err
	}
	if b.assets, err = bundle(s.files); err != nil {
		return err
	}
	if b.pages, err = parsePages(s.files, b); err != nil {
		return err
	}
	s.built.Store(b)
	return nil
}

// Render writes a page ("respond/form") in a language. Nothing is written when
// the template fails half-way.
func (s *Static) Render(w io.Writer, name, lang string, data any) error {
	if s.dev {
		if err := s.build(); err != nil {
			return err
		}
	}
	p := s.built.Load().pages[Language(lang)+" "+name]
	if p == nil {
		return fmt.Errorf("no page %q", name)
	}
	var b bytes.Buffer
	b.Grow(p.size(0))
	if err := p.template.ExecuteTemplate(&b, "layout", data); err != nil {
		return fmt.Errorf("page %q: %w", name, err)
	}
	p.size(b.Len())
	_, err := w.Write(b.Bytes())
	return err
}

// T returns the words of a key in a language, with {name} replaced by args:
// names and values in turn, or one map[string]any. A key without words, which a
// test excludes for those written down, gives the key.
func (s *Static) T(lang, key string, args ...any) string {
	return s.built.Load().words.say(lang, key, args)
}

// Has reports whether a key has words in a language.
func (s *Static) Has(lang, key string) bool {
	_, ok := s.built.Load().words[Language(lang)][key]
	return ok
}

// Words returns the words of all keys with a prefix in a language.
func (s *Static) Words(lang, prefix string) map[string]string {
	out := map[string]string{}
	for key, text := range s.built.Load().words[Language(lang)] {
		if strings.HasPrefix(key, prefix) {
			out[key] = text
		}
	}
	return out
}

// Asset returns a file to be kept by browsers for ever, by its address as URL
// gives it: "/static/HASH/NAME". An address of an earlier version is unknown.
func (s *Static) Asset(address string) (body []byte, contentType string, ok bool) {
	for _, a := range s.built.Load().assets {
		if a.url() == address {
			return a.body, a.contentType, true
		}
	}
	return nil, "", false
}

// URL returns the address of an asset ("console.css"), which changes with its
// content; "" when there is none.
func (s *Static) URL(name string) string {
	if a := s.built.Load().assets[name]; a != nil {
		return a.url()
	}
	return ""
}

// Hash returns the source expression under which a Content-Security-Policy lets
// an asset stand in a page as it is: 'sha256-…'. "" when there is none.
func (s *Static) Hash(name string) string {
	if a := s.built.Load().assets[name]; a != nil {
		return a.hash
	}
	return ""
}
