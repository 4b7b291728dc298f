package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey"
)

// hostile are texts that have broken programs.
var hostile = []string{
	"", " ", "0", "-1", "1e309", "NaN", "null", "true", "[]", "{}", "\x00", "a\x00b", "\r\nSet-Cookie: a=b", "\xff\xfe", "\u202e", "\U0001F600", "张三李四",
	"'", `"`, "'; DROP TABLE areas; --", "' OR '1'='1", "%", "_", `\`, "<script>alert(1)</script>", "{{.}}", "${7*7}", "=1+1", "@SUM(A1)", "-2+3|cmd",
	"../../../../etc/passwd", `..\..\windows`, "%2e%2e%2f", "//elsewhere.example", "https://elsewhere.example/", "javascript:alert(1)",
	"990102001001", "990102000000", "000000000000", "00000000-0000-0000-0000-000000000000", "2026-11-25T00:00:00Z", "9999-12-31T23:59:59+14:00", "0000-00-00",
	strings.Repeat("a", 300), strings.Repeat("长", 3000), strings.Repeat("[", 2000), strings.Repeat("9", 400),
}

// fuzzer makes requests for the routes of a server.
type fuzzer struct {
	*matrix
	r   *rand.Rand
	doc *huma.OpenAPI
}

func (f *fuzzer) text() string { return hostile[f.r.IntN(len(hostile))] }

// value makes a value that fits the schema, or, often, one that does not.
func (f *fuzzer) value(s *huma.Schema, depth int) any {
	if s != nil && s.Ref != "" {
		s = f.doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil || depth > 6 || f.r.IntN(8) == 0 {
		return []any{nil, true, 0, -1, 1e300, "x", f.text(), []any{}, map[string]any{"x": f.text()}, []any{[]any{[]any{}}}}[f.r.IntN(10)]
	}
	switch s.Type {
	case huma.TypeObject:
		out := map[string]any{}
		for name, p := range s.Properties {
			if f.r.IntN(8) != 0 {
				out[name] = f.value(p, depth+1)
			}
		}
		if f.r.IntN(6) == 0 || len(s.Properties) == 0 {
			out[f.text()] = f.text()
		}
		return out
	case huma.TypeArray:
		out := make([]any, f.r.IntN(4))
		for i := range out {
			out[i] = f.value(s.Items, depth+1)
		}
		return out
	case huma.TypeBoolean:
		return f.r.IntN(2) == 0
	case huma.TypeInteger:
		return []int64{0, 1, -1, 7, 100, 1 << 31, 1<<63 - 1, -1 << 63}[f.r.IntN(8)]
	case huma.TypeNumber:
		return []float64{0, 1, -1, 0.5, 1e18, -1e300}[f.r.IntN(6)]
	}
	if len(s.Enum) > 0 && f.r.IntN(3) != 0 {
		return s.Enum[f.r.IntN(len(s.Enum))]
	}
	return f.text()
}

// parameter makes a text for a place in the address.
func (f *fuzzer) parameter(s *huma.Schema) string {
	if v, ok := f.value(s, 0).(string); ok && f.r.IntN(3) != 0 {
		return v
	}
	return fmt.Sprint(f.text())
}

// body makes JSON, or something that is none.
func (f *fuzzer) body(s *huma.Schema) string {
	if f.r.IntN(10) == 0 {
		return []string{"", "{", "nul", "\x00", `{"a":1}{"b":2}`, strings.Repeat(`{"a":`, 5000), `{"id":"\ud800"}`, `[1,2`, `"x"`}[f.r.IntN(9)]
	}
	raw, err := json.Marshal(f.value(s, 0))
	if err != nil {
		return "{}"
	}
	return string(raw)
}

// path fills the parameters of a route: what exists, or anything else.
func (f *fuzzer) path(t *testing.T, method, route string) string {
	parts := strings.Split(route, "/")
	for i, p := range parts {
		if !strings.HasPrefix(p, ":") {
			continue
		}
		v := f.text()
		if f.r.IntN(2) == 0 {
			v = strings.Split(strings.Split(f.address(t, method, route), "?")[0], "/")[i]
		}
		if v == "" || v == "." || v == ".." {
			v = "x"
		}
		parts[i] = url.PathEscape(v)
	}
	return strings.Join(parts, "/")
}

// TestFuzzRoutes sends every route what its description allows and what it does
// not, as several people and as nobody: for a minute in CI, for some seconds
// elsewhere; FUZZ_SECONDS changes that. Nothing may fail on our side, and what is
// refused has to say why.
func TestFuzzRoutes(t *testing.T) {
	seconds := 4
	if os.Getenv("CI") == "true" {
		seconds = 60
	}
	if s := os.Getenv("FUZZ_SECONDS"); s != "" {
		if _, err := fmt.Sscan(s, &seconds); err != nil {
			t.Fatal(err)
		}
	}
	m := newMatrix(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	f := &fuzzer{matrix: m, r: rand.New(rand.NewPCG(seed, 1)), doc: m.server.huma.OpenAPI()}
	m.client.Timeout = 20 * time.Second
	var routes []string
	for route := range policies {
		switch {
		case strings.HasSuffix(route, "/board/events"): // goes on for as long as somebody listens
		case strings.Contains(route, "openapi"), strings.Contains(route, "/metrics"):
		default:
			routes = append(routes, route)
		}
	}
	slices.Sort(routes)
	sent, statuses := 0, map[string]map[int]int{}
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
		route := routes[sent%len(routes)]
		sent++
		status := f.once(t, route)
		if statuses[route] == nil {
			statuses[route] = map[int]int{}
		}
		statuses[route][status]++
		if t.Failed() && sent > 20 && countFailures > 20 {
			break
		}
	}
	if sent < len(routes) {
		t.Errorf("only %d requests for %d routes", sent, len(routes))
	}
	t.Logf("%d requests to %d routes in %d s", sent, len(routes), seconds)
	if strings.Contains(m.log.String(), "panic") {
		t.Errorf("something panicked:\n%s", m.log.String())
	}
}

var countFailures int

// once sends one request and judges the answer.
func (f *fuzzer) once(t *testing.T, route string) int {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	address := f.url + f.path(t, method, path)
	query := url.Values{}
	var body io.Reader
	contentType := ""
	op := operationOf(f.doc, method, path)
	switch {
	case op != nil:
		for _, p := range op.Parameters {
			if p.In == "query" && f.r.IntN(2) == 0 {
				query.Set(p.Name, f.parameter(p.Schema))
			}
		}
		if op.RequestBody != nil {
			for ct, media := range op.RequestBody.Content {
				contentType, body = ct, strings.NewReader(f.body(media.Schema))
			}
		}
	default:
		for _, name := range []string{"wave", "area", "parent", "mode", "status", "cursor", "lang", "next", "large", "size", "sort", "q"} {
			if f.r.IntN(5) == 0 {
				query.Set(name, f.text())
			}
		}
		if method == http.MethodPost {
			body, contentType = f.form(path)
		}
	}
	if f.r.IntN(12) == 0 {
		contentType = []string{"text/plain", "application/json", "multipart/form-data", "application/x-www-form-urlencoded", "x", ""}[f.r.IntN(6)]
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		return 0 // no client can send it
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if f.r.IntN(2) == 0 {
		r.Header.Set("Accept", "text/html")
	}
	who := []string{"", "office.in", "community.in", "sysadmin.in", "secadmin.in", "auditor.in", "office.out"}[f.r.IntN(7)]
	if who != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: f.cookies[who]})
	}
	resp, err := f.client.Do(r)
	if err != nil {
		t.Errorf("%s as %q: %v", r.URL, who, err)
		countFailures++
		return 0
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		t.Errorf("%s as %q: %v", r.URL, who, err)
		countFailures++
	}
	if why := wrongAnswer(resp, answer, strings.HasPrefix(path, "/api/")); why != "" {
		countFailures++
		t.Errorf("%s %s (%s) as %q: %d, %s\n%.600s", method, r.URL, contentType, who, resp.StatusCode, why, answer)
	}
	return resp.StatusCode
}

// wrongAnswer says what is wrong with an answer; "" when nothing is.
func wrongAnswer(resp *http.Response, body []byte, api bool) string {
	if resp.Header.Get("Set-Cookie") != "" && strings.Contains(resp.Header.Get("Set-Cookie"), "a=b") {
		return "a header was injected"
	}
	if to := resp.Header.Get("Location"); to != "" && !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		return "it leads to " + to
	}
	switch {
	case resp.StatusCode >= 500:
		return "our fault"
	case resp.StatusCode < 400 || !api:
		return ""
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") {
		return "no problem+json but " + resp.Header.Get("Content-Type")
	}
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Code == "" || p.Title == "" || p.Status != resp.StatusCode {
		return fmt.Sprintf("no problem: %+v %v", p, err)
	}
	if strings.HasPrefix(p.Title, "error.") {
		return "no words for " + p.Code
	}
	if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusUnprocessableEntity {
		return ""
	}
	if len(p.Errors) == 0 {
		return "it does not name the field"
	}
	for _, e := range p.Errors {
		if e.Path == "" || e.Code == "" || e.Message == "" || strings.HasPrefix(e.Message, "field.") {
			return fmt.Sprintf("a field without name or words: %+v", e)
		}
	}
	return ""
}

// form makes what a page's form may send.
func (f *fuzzer) form(path string) (io.Reader, string) {
	names := []string{"login", "password", "next", "code", "area", "count", "place", "why", "kind", "plan", "skip", "id", "ticket", "lang", "large", "q1", "q7", "age", "sex", "residence", "name", "role", "unit", "household", "email", "new", "again", "confirm", "token", "days", "min"}
	if strings.Contains(path, "import") && f.r.IntN(2) == 0 {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.WriteField("kind", []string{"places", "units", "population", f.text()}[f.r.IntN(4)])
		part, err := w.CreateFormFile("file", []string{"a.csv", "a.xlsx", "../../a.csv", "a"}[f.r.IntN(4)])
		if err == nil {
			_, _ = io.WriteString(part, []string{"", "code,name\n1,2\n", "PK\x03\x04", "\xef\xbb\xbf代码,名称\r\n990102001009,新社区\r\n", strings.Repeat("a,", 5000), f.text()}[f.r.IntN(6)])
		}
		_ = w.Close()
		return &b, w.FormDataContentType()
	}
	v := url.Values{}
	for _, n := range names {
		for range f.r.IntN(3) {
			v.Add(n, f.text())
		}
	}
	s := v.Encode()
	if f.r.IntN(15) == 0 {
		s += "&%zz=%"
	}
	return strings.NewReader(s), "application/x-www-form-urlencoded"
}

// operationOf finds what describes a route.
func operationOf(doc *huma.OpenAPI, method, route string) *huma.Operation {
	parts := strings.Split(route, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") {
			parts[i] = "{" + p[1:] + "}"
		}
	}
	item := doc.Paths[strings.Join(parts, "/")]
	if item == nil {
		return nil
	}
	return map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete, http.MethodPatch: item.Patch}[method]
}

// TestEveryOperationIsDescribed: what programs may call stands in the description,
// and what needs a session says so there.
func TestEveryOperationIsDescribed(t *testing.T) {
	m := newMatrix(t)
	doc := m.server.huma.OpenAPI()
	for route, p := range policies {
		method, path, _ := strings.Cut(route, " ")
		if !strings.HasPrefix(path, "/api/") {
			continue
		}
		op := operationOf(doc, method, path)
		if op == nil {
			t.Errorf("%s is not described", route)
			continue
		}
		if open := len(op.Security) == 0; open != p.open {
			t.Errorf("%s: open %v in the policy, %v in the description", route, p.open, open)
		}
	}
}

// TestNothingOfOthersById calls every described operation that names something by
// an id as the people of another district, with the ids of everything there is:
// what is not theirs does not exist (IDOR).
func TestNothingOfOthersById(t *testing.T) {
	m := newMatrix(t)
	tried := 0
	for route, p := range policies {
		method, path, _ := strings.Cut(route, " ")
		if p.open || !strings.Contains(path, "/:") || strings.Contains(path, ":file") {
			continue
		}
		wave := strings.Contains(path, ":wave") && !strings.Contains(p.within, "area") // a wave of the city is seen by every district in it
		for _, role := range survey.RoleCodes() {
			status := m.call(t, role+".out", method, path)
			tried++
			switch {
			case status == http.StatusForbidden || status == http.StatusNotFound:
			case wave && status == http.StatusOK:
			case p.phone && status == http.StatusUnauthorized: // a person's session is no phone's token
			default:
				t.Errorf("%s of another district gets %d at %s", role, status, route)
			}
		}
	}
	if tried < 5*len(survey.RoleCodes()) {
		t.Errorf("only %d tries", tried)
	}
}
