package static

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/evanw/esbuild/pkg/api"
)

func TestAssets(t *testing.T) {
	s := load(t)
	for _, name := range []string{"respond.css", "respond.js", "early.js"} {
		address := s.URL(name)
		if !strings.HasPrefix(address, "/static/") || !strings.HasSuffix(address, "/"+name) {
			t.Errorf("%s is at %q", name, address)
		}
		body, kind, ok := s.Asset(address)
		if !ok || len(body) == 0 || !strings.Contains(kind, "charset=utf-8") {
			t.Errorf("%s: %d bytes of %q", name, len(body), kind)
		}
		if !strings.HasPrefix(s.Hash(name), "'sha256-") {
			t.Errorf("%s: hash %q", name, s.Hash(name))
		}
	}
	if _, _, ok := s.Asset("/static/000000000000/respond.css"); ok {
		t.Error("an address of another version is answered")
	}
	if s.URL("nothing.css") != "" || s.Hash("nothing.css") != "" {
		t.Error("what is not there has an address")
	}
}

// TestResidentScriptIsOldJavaScript looks for what a WebView of 2017 cannot
// read, by asking for that language once more: nothing may be left to change.
func TestResidentScriptIsOldJavaScript(t *testing.T) {
	s := load(t)
	for _, name := range []string{"respond.js", "early.js"} {
		body, _, _ := s.Asset(s.URL(name))
		options := api.TransformOptions{MinifyWhitespace: true, Charset: api.CharsetUTF8, Target: api.ESNext}
		as := api.Transform(string(body), options)
		options.Target = api.ES2015
		old := api.Transform(string(body), options)
		if len(old.Errors) > 0 || !bytes.Equal(as.Code, old.Code) {
			t.Errorf("%s is newer than ES2015: %v", name, old.Errors)
		}
		for _, word := range []string{"AbortController", "fetch(", ".replaceAll(", ".flat(", ".at(", "Object.entries", "structuredClone", "globalThis"} {
			if bytes.Contains(body, []byte(word)) {
				t.Errorf("%s uses %s", name, word)
			}
		}
	}
	css, _, _ := s.Asset(s.URL("respond.css"))
	for _, word := range []string{":has(", "gap:", "inset:", "@layer", "clamp(", ":is(", ":where(", "min(", "max("} {
		if bytes.Contains(css, []byte(word)) {
			t.Errorf("respond.css uses %s", word)
		}
	}
}

func TestBundleSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"a file that is not there", `import './other'`, `"./other": no such file`},
		{"a package", `import 'left-pad'`, "only relative paths"},
		{"a slip of the pen", "let a = ;\n", "src/x/main.ts:1"},
	} {
		files := fstest.MapFS{"src/x/main.ts": {Data: []byte(c.script)}}
		if _, err := bundle(files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestPageThatFailsHalfwayWritesNothing(t *testing.T) {
	s := load(t)
	var b bytes.Buffer
	if err := s.Render(&b, "respond/form", "zh", struct{}{}); err == nil || b.Len() > 0 {
		t.Errorf("%v, and %d bytes written", err, b.Len())
	}
	if err := s.Render(&b, "respond/nothing", "zh", nil); err == nil || !strings.Contains(err.Error(), "respond/nothing") {
		t.Errorf("a page that is not there: %v", err)
	}
}

// TestDevelopmentShowsChanges edits a template and a script between two pages.
func TestDevelopmentShowsChanges(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join("static", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("locale/zh/a.json", `{"hello": "你好，{who}"}`)
	write("templates/x/_layout.html", `{{define "layout"}}{{template "main" .}}<script>{{js "x.js"}}</script>{{end}}`)
	write("templates/x/page.html", `{{define "main"}}<p>{{t "hello" "who" .}}</p>{{end}}`)
	write("src/x/main.ts", `document.title = 'a' as string`)
	s, err := New(true)
	if err != nil {
		t.Fatal(err)
	}
	page := func() string {
		t.Helper()
		var b bytes.Buffer
		if err := s.Render(&b, "x/page", "zh", "<我>"); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got, want := page(), "<p>你好，&lt;我&gt;</p><script>(()=>{document.title=\"a\";})();\n</script>"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	first := s.Hash("x.js")
	write("templates/x/page.html", `{{define "main"}}<b>{{t "hello" "who" .}}</b>{{end}}`)
	write("src/x/main.ts", `document.title = 'b'`)
	if got := page(); !strings.HasPrefix(got, "<b>") || !strings.Contains(got, `"b"`) {
		t.Errorf("after the change: %q", got)
	}
	if s.Hash("x.js") == first {
		t.Error("the hash of the script has not changed")
	}
}
