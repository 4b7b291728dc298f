package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"chengyin/survey/apptest"
)

// TestSecurityHeaders: whatever a browser asks for, and whoever asks, the answer
// says how it may be used.
func TestSecurityHeaders(t *testing.T) {
	m := newMatrix(t)
	secure := New(Deps{App: m.App, Static: m.server.static, PublicURL: "https://voice.example", Version: "test", Log: m.server.log})
	server := httptest.NewServer(secure.Handler())
	t.Cleanup(server.Close)

	get := func(t *testing.T, base, method, address, login string, more ...string) (status int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, base+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if login != "" {
			r.AddCookie(&http.Cookie{Name: sessionCookie, Value: m.cookies[login]})
		}
		for i := 0; i < len(more); i += 2 {
			r.Header.Set(more[i], more[i+1])
		}
		p, err := m.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Body.Close()
		begin := make([]byte, 1)
		n, err := p.Body.Read(begin)
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		hardened(t, base == server.URL, address, n > 0, p)
		return p.StatusCode
	}

	for _, route := range m.server.router.Routes() {
		address := m.address(t, route.Method, route.Path)
		for _, base := range []string{m.url, server.URL} {
			for _, login := range []string{"", "office.in", "auditor.in"} {
				if route.Method == http.MethodPost && strings.HasPrefix(route.Path, "/signout") {
					continue // or the rest would be asked by nobody
				}
				get(t, base, route.Method, address, login)
				get(t, base, route.Method, address, login, "Accept", "text/html")
			}
		}
	}
	t.Run("a file that never changes may be kept, with the same rules", func(t *testing.T) {
		for _, name := range []string{"console.css", "console.js"} {
			if got := get(t, m.url, http.MethodGet, m.server.static.URL(name), ""); got != http.StatusOK {
				t.Errorf("%s: %d", name, got)
			}
		}
	})
	t.Run("what another site sends is refused with them", func(t *testing.T) {
		got := get(t, m.url, http.MethodPost, "/collectors", "office.in", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		if got != http.StatusForbidden {
			t.Error(got)
		}
	})
	t.Run("methods that nobody needs find nothing", func(t *testing.T) {
		for _, method := range []string{http.MethodTrace, "TRACK", http.MethodOptions, http.MethodPut, "PROPFIND"} {
			for _, address := range []string{"/signin", "/board", "/q/" + m.Posters[apptest.North].Code, "/nothing"} {
				if got := get(t, m.url, method, address, "office.in"); got != http.StatusNotFound {
					t.Errorf("%s %s: %d", method, address, got)
				}
			}
		}
	})
}

// hardened holds an answer to the rules for all answers.
func hardened(t *testing.T, https bool, address string, filled bool, p *http.Response) {
	t.Helper()
	what := p.Request.Method + " " + address
	one := func(name string) string {
		t.Helper()
		v := p.Header.Values(name)
		if len(v) != 1 {
			t.Errorf("%s: %d headers %s: %q", what, len(v), name, v)
			return ""
		}
		return v[0]
	}
	questions := p.StatusCode == http.StatusOK && (strings.HasPrefix(address, "/q/") || strings.HasPrefix(address, "/Q/")) && !strings.Contains(address[3:], "/")
	for name, value := range headers {
		if questions && slices.Contains(spare, name) {
			if got := p.Header.Get(name); got != "" {
				t.Errorf("%s: %s costs bytes", what, name)
			}
			continue
		}
		if got := one(name); name != "Cache-Control" && name != "Content-Security-Policy" && got != value {
			t.Errorf("%s: %s is %q, want %q", what, name, got, value)
		}
	}
	policy := one("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action '"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s: the policy %q lacks %s", what, policy, part)
		}
	}
	for _, loose := range []string{"unsafe", "*", "http:", "https:", "object-src"} {
		if strings.Contains(policy, loose) {
			t.Errorf("%s: the policy %q allows %s", what, policy, loose)
		}
	}
	unchanging := p.StatusCode == http.StatusOK && (strings.HasPrefix(address, "/static/") || slices.Contains([]string{"/icon.svg", "/favicon.ico", "/field/icon-192.png", "/field/icon-512.png"}, address))
	if kept := one("Cache-Control"); !unchanging && !slices.Contains(strings.Split(kept, ", "), "no-store") {
		t.Errorf("%s: caches may keep it: %q", what, kept)
	}
	if got := p.Header.Get("Strict-Transport-Security"); https != (got == onlyHTTPS) || !https && got != "" {
		t.Errorf("%s: Strict-Transport-Security is %q, https %v", what, got, https)
	}
	for _, leak := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
		if got := p.Header.Get(leak); got != "" {
			t.Errorf("%s: %s is %q", what, leak, got)
		}
	}
	if !filled {
		return
	}
	kind, args, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil {
		t.Errorf("%s: Content-Type %q: %v", what, p.Header.Get("Content-Type"), err)
	}
	if text := strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "xml"); text && !strings.EqualFold(args["charset"], "utf-8") {
		t.Errorf("%s: %q does not say how its characters are written", what, p.Header.Get("Content-Type"))
	}
}
