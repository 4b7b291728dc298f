package api

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// What 国办函〔2026〕12号 and the brief of field work rule out. Words are compared
// whole: "position", a place in an order, is none of them.
var (
	// asks are the ways in which a page asks a phone for where it is, for a picture,
	// a sound or the people it knows.
	asks = regexp.MustCompile(`(?i)geolocation|getCurrentPosition|watchPosition|getUserMedia|mediaDevices|ImageCapture|DeviceMotion|DeviceOrientation|navigator\.contacts|\bcapture\s*=\s*["'a-z>]|accept\s*[=:]\s*["'](image|video|audio)`)
	// watches are what a shape would be called that follows or compares workers.
	watches = strings.Fields("lat latitude lng lon longitude geo gps geohash location locations coordinate coordinates track trace photo photos picture image video audio selfie checkin checkins attendance " +
		"rank ranks ranking leaderboard target targets quota quotas goal goals speed pace best worst bonus points")
	// Someone is what tells who a worker is; results are what must not stand beside it.
	someone = strings.Fields("account worker workers interviewer login")
	results = strings.Fields("complete completed interviews refused refusals partial contacted visited rate rates successes failures")
	// spoken are words that nobody may read on the phone.
	spoken = map[string]*regexp.Regexp{
		"zh": regexp.MustCompile(`排名|名次|排行|打卡|签到|定位|拍照|上传照片|考核|积分|任务量|目标|指标|还差`),
		"en": regexp.MustCompile(`(?i)\b(rank\w*|leader\w*|check(ed)?[- ]?in|geolocation|photo\w*|target\w*|quota\w*|goal\w*|score\w*|points)\b`),
	}
)

// parts splits a name into its words: "IDsOfPhones" and "last_seen" alike.
func parts(name string) []string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// watching returns what is wrong with the names of a shape.
func watching(names []string) (found []string) {
	var who, what string
	for _, name := range names {
		for _, w := range parts(name) {
			switch {
			case slices.Contains(watches, w):
				found = append(found, name)
			case slices.Contains(someone, w):
				who = name
			case slices.Contains(results, w):
				what = name
			}
		}
	}
	if who != "" && what != "" {
		found = append(found, who+" beside "+what)
	}
	return found
}

// TestFieldworkKeepsTheFiveProhibitions: nothing that belongs to visits asks a phone
// for a position or a picture, has a check-in, compares workers or shows a target.
func TestFieldworkKeepsTheFiveProhibitions(t *testing.T) {
	t.Run("the words that are looked for are found", func(t *testing.T) {
		for _, bad := range []string{`navigator.geolocation.watchPosition(x)`, `<input type="file" capture="environment">`, `<input accept="image/*">`, `navigator.mediaDevices.getUserMedia({video: true})`} {
			if !asks.MatchString(bad) {
				t.Errorf("%s is let through", bad)
			}
		}
		for _, bad := range [][]string{{"ID", "LastLatitude"}, {"gps_track"}, {"WorkerRank"}, {"login", "name", "complete"}, {"AccountID", "RefusedVisits"}} {
			if len(watching(bad)) == 0 {
				t.Errorf("%q are let through", bad)
			}
		}
		if w := watching([]string{"AccountID", "UnitID", "position", "SeenAt", "outcome"}); len(w) > 0 {
			t.Errorf("%q are found", w)
		}
	})
	t.Run("no page asks a phone for where it is, for a picture or for a sound", func(t *testing.T) {
		files := 0
		for _, dir := range []string{"../static/src", "../static/templates"} {
			err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				raw, err := os.ReadFile(name)
				files++
				if hit := asks.Find(raw); hit != nil {
					t.Errorf("%s: %q", name, hit)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if files < 40 {
			t.Errorf("only %d files were read", files)
		}
	})
	t.Run("no browser would give it to them", func(t *testing.T) {
		r := newResident(t)
		for _, path := range []string{"/field", "/r/AAAA-BBBB-CCCC", "/r/AAAA-BBBB-CCCC/report", "/fieldwork"} {
			policy := r.get(path).header.Get("Permissions-Policy")
			for _, sense := range []string{"camera=()", "microphone=()", "geolocation=()"} {
				if !strings.Contains(policy, sense) {
					t.Errorf("%s allows what is not %s: %q", path, sense, policy)
				}
			}
		}
	})
	t.Run("no shape of visits follows or compares workers", func(t *testing.T) {
		shapes := 0
		var files []string
		for _, pattern := range []string{"field*.go", "page_field*.go", "report*.go", "page_report*.go", "../survey/fieldwork/*.go", "../survey/sample/*.go", "../survey/weight/*.go"} {
			found, err := filepath.Glob(pattern)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, found...)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				s, ok := n.(*ast.StructType)
				if !ok {
					return true
				}
				shapes++
				if found := watching(fieldsOf(s)); len(found) > 0 {
					t.Errorf("%s: %q", file, found)
				}
				return true
			})
		}
		if shapes < 40 {
			t.Errorf("only %d shapes were read", shapes)
		}
	})
	t.Run("no answer of the interface does", func(t *testing.T) {
		r := newResident(t)
		var doc struct {
			Paths      map[string]json.RawMessage
			Components struct {
				Schemas map[string]struct{ Properties map[string]json.RawMessage }
			}
		}
		decode(t, r.get("/openapi.json").body, &doc)
		reached, queue := map[string]bool{}, []string{}
		refs := regexp.MustCompile(`"#/components/schemas/(\w+)"`)
		follow := func(raw json.RawMessage) {
			for _, m := range refs.FindAllSubmatch(raw, -1) {
				if name := string(m[1]); !reached[name] {
					reached[name] = true
					queue = append(queue, name)
				}
			}
		}
		for path, item := range doc.Paths {
			if strings.Contains(path, "/field") || strings.Contains(path, "/report") {
				follow(item)
			}
		}
		for len(queue) > 0 {
			name := queue[0]
			queue = queue[1:]
			properties := doc.Components.Schemas[name].Properties
			if found := watching(slices.Collect(maps.Keys(properties))); len(found) > 0 {
				t.Errorf("%s: %q", name, found)
			}
			for _, p := range properties {
				follow(p)
			}
		}
		if len(reached) < 8 {
			t.Errorf("only %d shapes are reached", len(reached))
		}
	})
	t.Run("no table of visits has a column for it", func(t *testing.T) {
		files, err := filepath.Glob("../survey/store/migrations/sqlite/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		tables := 0
		about := regexp.MustCompile(`(?:CREATE|ALTER) TABLE (field_\w+|sample_\w+|frames|frame_homes|assignments|resident_reports|early_reports)\b`)
		column := regexp.MustCompile(`(?m)^\s+([a-z_]+) [A-Z]|ADD COLUMN ([a-z_]+)`)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !about.Match(raw) {
				continue
			}
			tables++
			var names []string
			for _, m := range column.FindAllStringSubmatch(string(raw), -1) {
				names = append(names, m[1]+m[2])
			}
			if found := watching(names); len(found) > 0 || len(names) == 0 {
				t.Errorf("%s: %q of %q", file, found, names)
			}
		}
		if tables < 10 {
			t.Errorf("only %d tables were read", tables)
		}
	})
	t.Run("nobody reads of a rank, a check-in or a target on the phone", func(t *testing.T) {
		for lang, never := range spoken {
			raw, err := os.ReadFile("../static/locale/" + lang + "/field.json")
			if err != nil {
				t.Fatal(err)
			}
			words := map[string]string{}
			decode(t, string(raw), &words)
			n := 0
			for key, text := range words {
				if !strings.HasPrefix(key, "phone.") {
					continue
				}
				n++
				if hit := never.FindString(text); hit != "" {
					t.Errorf("%s %s: %q in %q", lang, key, hit, text)
				}
			}
			if n < 50 {
				t.Errorf("%s: only %d words", lang, n)
			}
		}
	})
}

// fieldsOf returns the names of a struct's fields, and of their JSON and columns.
func fieldsOf(s *ast.StructType) (names []string) {
	for _, f := range s.Fields.List {
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
		if f.Tag != nil {
			if m := regexp.MustCompile(`json:"(\w+)`).FindStringSubmatch(f.Tag.Value); m != nil {
				names = append(names, m[1])
			}
		}
	}
	return names
}
