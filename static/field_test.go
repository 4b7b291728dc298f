package static

import (
	"bytes"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

var (
	phoneKey    = regexp.MustCompile(`'(phone\.[a-z_.]*[a-z_])'`)
	phonePrefix = regexp.MustCompile(`'(phone\.[a-z_.]*\.)' \+`)
)

// TestPhoneUsesKnownKeys reads every key that the scripts of the worker's page name,
// and looks for those that none of them names.
func TestPhoneUsesKnownKeys(t *testing.T) {
	s := load(t)
	names, err := fs.Glob(embedded, "src/field/*.ts")
	if err != nil || len(names) < 10 {
		t.Fatal(names, err)
	}
	used, prefixes := map[string]bool{"phone.title": true, "phone.opening": true, "phone.opening_text": true}, []string{}
	for _, name := range names {
		raw, err := fs.ReadFile(embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range phoneKey.FindAllSubmatch(raw, -1) {
			used[string(m[1])] = true
			if !s.Has("zh", string(m[1])) {
				t.Errorf("%s: %s has no words", name, m[1])
			}
		}
		for _, m := range phonePrefix.FindAllSubmatch(raw, -1) {
			prefixes = append(prefixes, string(m[1]))
		}
	}
	for key := range s.Words("zh", "phone.") {
		known := used[key] || strings.HasSuffix(key, "_text") && used[strings.TrimSuffix(key, "_text")]
		for _, p := range prefixes {
			known = known || strings.HasPrefix(key, p)
		}
		if !known {
			t.Errorf("nothing says %s", key)
		}
	}
}

// TestPhoneScriptIsOldEnough asks for the JavaScript of the phones that workers have
// once more: nothing may be left to change.
func TestPhoneScriptIsOldEnough(t *testing.T) {
	s := load(t)
	for _, name := range []string{"field.js", "fieldsw.js"} {
		body, _, _ := s.Asset(s.URL(name))
		options := api.TransformOptions{MinifyWhitespace: true, Charset: api.CharsetUTF8, Target: api.ESNext}
		as := api.Transform(string(body), options)
		options.Target = api.ES2018
		old := api.Transform(string(body), options)
		if len(old.Errors) > 0 || !bytes.Equal(as.Code, old.Code) {
			t.Errorf("%s is newer than ES2018: %v", name, old.Errors)
		}
		for _, word := range []string{".replaceAll(", ".flat(", ".at(", "structuredClone", "globalThis", "allSettled", ".replaceChildren(", "fromEntries", "geolocation", "getUserMedia"} {
			if bytes.Contains(body, []byte(word)) {
				t.Errorf("%s uses %s", name, word)
			}
		}
	}
	css, _, _ := s.Asset(s.URL("field.css"))
	for _, word := range []string{":has(", "gap:", "inset:", "@layer", "clamp(", ":is(", ":where(", "min(", "max("} {
		if bytes.Contains(css, []byte(word)) {
			t.Errorf("field.css uses %s", word)
		}
	}
}
