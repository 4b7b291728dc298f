package static

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"sync/atomic"
	"time"
)

// page is a template with its family's layout and parts, for one language.
type page struct {
	template *template.Template
	longest  atomic.Int64
}

// size notes the length of a page as written and returns the longest so far, so
// that the next one needs no growing buffer.
func (p *page) size(n int) int {
	if longest := p.longest.Load(); int64(n) > longest {
		p.longest.Store(int64(n))
	}
	return int(p.longest.Load())
}

func parsePages(files fs.FS, b *built) (map[string]*page, error) {
	pages := map[string]*page{}
	names, err := fs.Glob(files, "templates/*/*.html")
	if err != nil {
		return nil, err
	}
	for _, lang := range Languages {
		for _, name := range names {
			if strings.HasPrefix(path.Base(name), "_") {
				continue
			}
			t := template.New(name).Option("missingkey=error").Funcs(funcs(b, lang))
			parts := []string{path.Join(path.Dir(name), "_*.html"), name}
			if t, err = t.ParseFS(files, parts...); err != nil {
				return nil, err
			}
			if t.Lookup("layout") == nil {
				return nil, fmt.Errorf("%s: nothing defines \"layout\"", name)
			}
			short := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
			pages[lang+" "+short] = &page{template: t}
		}
	}
	return pages, nil
}

// China is the time that people read, wherever the server stands. It has no
// summer time.
var China = time.FixedZone("Asia/Shanghai", 8*60*60)

// funcs are the functions of all templates:
//
//	t "key" "name" value …   words, with {name} replaced
//	lang                     the language of the page: zh, en
//	url "console.css"        the address of an asset
//	css "respond.css"        an asset to stand in the page, between the tags
//	js "respond.js"
//	icon "check"             a picture of the line height, for decoration
//	json value               for a <script type="application/json">
//	date time                2026-11-24 in China
//	dict "name" value …      several values for a template
func funcs(b *built, lang string) template.FuncMap {
	return template.FuncMap{
		"t":    func(key string, args ...any) string { return b.words.say(lang, key, args) },
		"lang": func() string { return lang },
		"url": func(name string) (string, error) {
			a, err := b.asset(name)
			if err != nil {
				return "", err
			}
			return a.url(), nil
		},
		"css": func(name string) (template.CSS, error) {
			a, err := b.asset(name)
			if err != nil {
				return "", err
			}
			return template.CSS(a.body), nil
		},
		"js": func(name string) (template.JS, error) {
			a, err := b.asset(name)
			if err != nil {
				return "", err
			}
			return template.JS(a.body), nil
		},
		"icon": icon,
		"json": func(v any) (template.JS, error) {
			raw, err := json.Marshal(v) // escapes <, > and &, so it cannot end the element
			return template.JS(raw), err
		},
		"hour": func(t time.Time) string {
			return t.In(China).Format("2006-01-02 15") + map[bool]string{true: " h", false: " 时"}[lang == "en"]
		},
		"moment": func(t time.Time) string { return t.In(China).Format(time.DateTime) },
		"date":   func(t time.Time) string { return t.In(China).Format(time.DateOnly) },
		"dict": func(pairs ...any) (map[string]any, error) {
			if len(pairs)%2 != 0 {
				return nil, fmt.Errorf("dict: a name without a value")
			}
			m := make(map[string]any, len(pairs)/2)
			for i := 0; i < len(pairs); i += 2 {
				name, ok := pairs[i].(string)
				if !ok {
					return nil, fmt.Errorf("dict: name %v is no text", pairs[i])
				}
				m[name] = pairs[i+1]
			}
			return m, nil
		},
	}
}

func (b *built) asset(name string) (*asset, error) {
	if a := b.assets[name]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("no asset %q", name)
}
