package api

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chengyin/survey/apptest"
)

// request sends one with a cookie and returns the answer with its body.
func (m *matrix) request(t *testing.T, login, method, address string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	if login != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: m.cookies[login]})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := m.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(raw)
}

// TestOtherSitesCannotAct: what changes something is refused when another site
// makes a signed-in browser send it (CSRF), at every route.
func TestOtherSitesCannotAct(t *testing.T) {
	m := newMatrix(t)
	tried := 0
	for route, p := range policies {
		method, path, _ := strings.Cut(route, " ")
		if method == http.MethodGet || method == http.MethodHead || p.open && !strings.Contains(path, "session") && !strings.Contains(path, "sign") {
			continue
		}
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://elsewhere.example"}, {"Origin", "null"}} {
			tried++
			resp, body := m.request(t, "office.in", method, m.url+m.address(t, method, path), strings.NewReader(""), headers...)
			var problem Problem
			if err := json.Unmarshal([]byte(body), &problem); err != nil || resp.StatusCode != http.StatusForbidden || problem.Code != "cross_origin" {
				t.Errorf("%s with %v: %d %.200s", route, headers, resp.StatusCode, body)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d tries", tried)
	}
}

// TestResidentsPagesKnowNoSession: they set no cookie and look the same to those
// who are signed in.
func TestResidentsPagesKnowNoSession(t *testing.T) {
	m := newMatrix(t)
	for _, path := range []string{"/q/" + m.Posters[apptest.North].Code, "/q/00000000", "/r/AAAA-BBBB-CCCC", "/r/AAAA-BBBB-CCCC/report", "/r/AAAA-BBBB-CCCC/reported"} {
		resp, _ := m.request(t, "office.in", http.MethodGet, m.url+path, nil, "Accept", "text/html")
		if c := resp.Header.Values("Set-Cookie"); len(c) > 0 {
			t.Errorf("%s sets %q", path, c)
		}
		if v := resp.Header.Get("Vary"); strings.Contains(v, "Cookie") {
			t.Errorf("%s varies by %q", path, v)
		}
	}
}

// endless is a body without an end; sent counts what was taken of it.
type endless struct {
	left int
	sent atomic.Int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range n {
		p[i] = 'a'
	}
	e.left -= n
	e.sent.Add(int64(n))
	return n, nil
}

// TestOversizeBodies: no route reads a body without an end.
func TestOversizeBodies(t *testing.T) {
	m := newMatrix(t)
	const size = 64 << 20
	for route, p := range policies {
		method, path, _ := strings.Cut(route, " ")
		if method == http.MethodGet || method == http.MethodHead {
			continue
		}
		who := "office.in"
		if p.open {
			who = ""
		}
		contentType := "application/x-www-form-urlencoded"
		switch {
		case strings.HasPrefix(path, "/api/"):
			contentType = "application/json"
		case strings.HasSuffix(path, "/import"):
			contentType = "multipart/form-data; boundary=x"
		}
		body := &endless{left: size}
		r, err := http.NewRequestWithContext(t.Context(), method, m.url+m.address(t, method, path), body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		if who != "" {
			r.AddCookie(&http.Cookie{Name: sessionCookie, Value: m.cookies[who]})
		}
		start := time.Now()
		resp, err := m.client.Do(r)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode >= 500 || resp.StatusCode < 300 && body.sent.Load() > 4<<20 {
				t.Errorf("%s answers a body of %d MB with %d", route, size>>20, resp.StatusCode)
			}
		} // otherwise the server closed the connection while the body was coming
		if body.sent.Load() >= size || time.Since(start) > 30*time.Second {
			t.Errorf("%s took %d MB in %v", route, body.sent.Load()>>20, time.Since(start))
		}
	}
}

// TestSQLMetacharacters: characters that mean something in SQL find nothing, and
// never more than there is without them.
func TestSQLMetacharacters(t *testing.T) {
	m := newMatrix(t)
	for _, s := range []string{"%", "_", "99010200____", "990102%", "' OR '1'='1", "'; DELETE FROM areas; --", `\`, "\x00", "990102001001'--", "９９０１０２００１００１"} {
		q := strings.NewReplacer("%", "%25", "'", "%27", " ", "%20", ";", "%3B", `\`, "%5C", "\x00", "%00").Replace(s)
		for _, path := range []string{"/api/v1/areas?parent=", "/api/v1/collectors?area=", "/api/v1/collectors?channel=", "/api/v1/waves/" + m.Wave.ID + "/scores?indicator=",
			"/api/v1/waves/" + m.Wave.ID + "/scores?parent=", "/api/v1/waves/" + m.Wave.ID + "/responses?area=", "/api/v1/waves/", "/api/v1/responses/"} {
			resp, body := m.request(t, "office.in", http.MethodGet, m.url+path+q, nil)
			switch {
			case resp.StatusCode >= 500:
				t.Errorf("%s%s: %d", path, s, resp.StatusCode)
			case resp.StatusCode == http.StatusOK && (strings.Contains(body, `"level"`) || strings.Contains(body, `"estimate"`) || strings.Contains(body, `"collector"`) || strings.Contains(body, `"url"`)):
				t.Errorf("%s%s finds %.200s", path, s, body)
			}
		}
	}
}

// TestPathTraversal: no address leads to a file of the machine.
func TestPathTraversal(t *testing.T) {
	m := newMatrix(t)
	for _, path := range []string{"/static/x/..%2f..%2f..%2fetc%2fpasswd", "/static/..%2f..%2fgo.mod/x", "/static/../go.mod", "/areas/template/..%2f..%2fgo.mod", "/areas/template/%2fetc%2fpasswd",
		"/areas/template/places.csv%00", `/static/x/..\..\go.mod`, "/static//etc/passwd"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = path
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: m.cookies["office.in"]})
		resp, err := m.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode == http.StatusOK || strings.Contains(string(body), "root:") || strings.Contains(string(body), "module chengyin") {
			t.Errorf("%s: %d %.100s %v", path, resp.StatusCode, body, err)
		}
	}
}
