package api_test

import (
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chengyin/survey/apptest"
)

// TestFieldPageIsWhole fetches what a phone keeps, as its service worker does: from
// the page to the last picture, by whoever asks.
func TestFieldPageIsWhole(t *testing.T) {
	s := newSite(t)
	page := call(t, anybody(), http.MethodGet, s.url+"/field", nil)
	if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s", page.status, page.header)
	}
	policy := page.header.Get("Content-Security-Policy")
	for _, rule := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "worker-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, rule) {
			t.Errorf("the policy %q lacks %s", policy, rule)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
	if worker := call(t, s.as(t, "ana", "worker", apptest.North), http.MethodGet, s.url+"/field", nil); worker.body != page.body {
		t.Error("the page differs by who asks")
	}

	sw := call(t, anybody(), http.MethodGet, s.url+"/field/sw.js", nil)
	if sw.status != http.StatusOK || sw.header.Get("Service-Worker-Allowed") != "/field" || sw.header.Get("Cache-Control") != "no-store" ||
		!strings.Contains(sw.header.Get("Content-Security-Policy"), "connect-src 'self'") {
		t.Fatalf("the service worker: %d %v", sw.status, sw.header)
	}
	var assets struct {
		Version, Page string
		Files         []string
	}
	line, _, _ := strings.Cut(sw.body, "\n")
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(line, "self.assets="), ";")), &assets); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if assets.Page != "/field" || len(assets.Version) != 16 || len(assets.Files) < 3 {
		t.Errorf("%+v", assets)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.body, -1) {
		if m[1] != "/field/manifest.webmanifest" && !slices.Contains(assets.Files, m[1]) {
			t.Errorf("the page needs %s, which the service worker does not keep", m[1])
		}
	}
	for _, file := range assets.Files {
		if r := call(t, anybody(), http.MethodGet, s.url+file, nil); r.status != http.StatusOK {
			t.Errorf("%s: %d", file, r.status)
		}
	}

	var manifest struct {
		Scope    string
		StartURL string `json:"start_url"`
		Display  string
		Icons    []struct{ Src, Sizes string }
	}
	m := call(t, anybody(), http.MethodGet, s.url+"/field/manifest.webmanifest", nil)
	if err := json.Unmarshal([]byte(m.body), &manifest); err != nil || manifest.StartURL != "/field" || manifest.Scope != "/field" || manifest.Display != "standalone" || len(manifest.Icons) != 2 {
		t.Fatalf("%s %v", m.body, err)
	}
	for _, icon := range manifest.Icons {
		r := call(t, anybody(), http.MethodGet, s.url+icon.Src, nil)
		size, err := png.DecodeConfig(strings.NewReader(r.body))
		if err != nil || icon.Sizes != fmt.Sprintf("%dx%d", size.Width, size.Height) {
			t.Errorf("%s is %+v, %v", icon.Src, size, err)
		}
	}
}
