package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"chengyin/api"
	"chengyin/static"
	"chengyin/survey/app"
	"chengyin/survey/apptest"
	"chengyin/survey/questionnaire"
	"chengyin/survey/store/storetest"
)

// site is a running server with its World.
type site struct {
	*apptest.World
	url string
	log *bytes.Buffer
}

func newSite(t *testing.T) *site {
	t.Helper()
	return serving(t, apptest.New(t, storetest.DSN(t, "sqlite")))
}

// emptySite is an installation in which nobody has entered anything.
func emptySite(t *testing.T) *site {
	t.Helper()
	a, err := app.New(t.Context(), app.Config{Database: storetest.DSN(t, "sqlite"), Secret: []byte(strings.Repeat("s", 32)), CodeVersion: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.DB.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return serving(t, &apptest.World{App: a})
}

func serving(t *testing.T, w *apptest.World) *site {
	t.Helper()
	return servingWith(t, w, func(*api.Deps) {})
}

// servingWith serves the World with other settings.
func servingWith(t *testing.T, w *apptest.World, change func(*api.Deps)) *site {
	t.Helper()
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{World: w, log: &bytes.Buffer{}}
	d := api.Deps{App: w.App, Static: st, PublicURL: "http://survey.example", Version: "test", Log: slog.New(slog.NewTextHandler(s.log, nil))}
	change(&d)
	server := httptest.NewServer(api.New(d).Handler())
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// reply is an answered request.
type reply struct {
	status int
	header http.Header
	body   string
}

// field returns a value of the JSON body.
func (r reply) field(t *testing.T, path ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no %v in %s", path, r.body)
		}
		v = m[p]
	}
	return v
}

// call sends a request; body is JSON, or nil.
func call(t *testing.T, client *http.Client, method, url string, body any, headers ...string) reply {
	t.Helper()
	var in io.Reader
	if s, ok := body.(string); ok {
		in = strings.NewReader(s)
	} else if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, url, in)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(raw)}
}

// anybody is a client without a session, that follows no redirects.
func anybody() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// as returns a client that is signed in.
func (s *site) as(t *testing.T, login, role, scope string) *http.Client {
	t.Helper()
	s.Person(t, login, role, scope)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := anybody()
	c.Jar = jar
	r := call(t, c, "POST", s.url+"/api/v1/session", map[string]string{"login": login, "password": apptest.Password})
	if r.status != 200 || r.field(t, "role") != role {
		t.Fatal(r)
	}
	return c
}

// submission returns a body with a new ticket, and the address to send it to.
func (s *site) submission(t *testing.T, code string, change questionnaire.Answers) (address string, body map[string]any) {
	t.Helper()
	r := call(t, anybody(), "POST", s.url+"/api/v1/collectors/"+code+"/tickets", nil)
	if r.status != http.StatusCreated {
		t.Fatal(r)
	}
	return s.url + "/api/v1/collectors/" + code + "/responses", map[string]any{
		"id": r.field(t, "id"), "ticket": r.field(t, "ticket"), "lang": "zh", "started_at": "2026-11-23T10:00:00+08:00", "answers": apptest.Answers(change),
	}
}

func TestSubmit(t *testing.T) {
	s := newSite(t)
	code := s.Posters[apptest.North].Code
	url, body := s.submission(t, code, nil)
	first := call(t, anybody(), "POST", url, body)
	if first.status != 201 || first.field(t, "status") != "counted" || first.field(t, "id") != body["id"] {
		t.Fatal(first)
	}
	again := call(t, anybody(), "POST", url, body)
	if again.status != 200 || again.body != first.body {
		t.Fatal(again)
	}
	body["answers"] = apptest.Answers(questionnaire.Answers{"q1": "unknown"})
	differs := call(t, anybody(), "POST", url, body)
	if differs.status != 409 || differs.field(t, "code") != "response_differs" || differs.field(t, "receipt") != first.field(t, "receipt") {
		t.Fatal(differs)
	}
	if ct := differs.header.Get("Content-Type"); !strings.HasPrefix(ct, "application/problem+json") {
		t.Fatal(ct)
	}

	for _, c := range []struct {
		name   string
		change func(map[string]any)
		status int
		code   string
		path   string
	}{
		{"two wrong answers", func(b map[string]any) {
			b["answers"] = apptest.Answers(questionnaire.Answers{"q1": "maybe", "sex": nil})
		}, 422, "answers_invalid", "answers.sex"},
		{"an answer of the wrong type", func(b map[string]any) { b["answers"] = map[string]any{"q1": map[string]any{"x": 1}} }, 422, "answers_invalid", "answers.q1"},
		{"no answers", func(b map[string]any) { delete(b, "answers") }, 422, "invalid", "answers"},
		{"answers that are no object", func(b map[string]any) { b["answers"] = 7 }, 422, "invalid", "answers"},
		{"a forged ticket", func(b map[string]any) { b["ticket"] = strings.Repeat("A", 64) }, 422, "ticket_invalid", "ticket"},
		{"no ticket", func(b map[string]any) { delete(b, "ticket") }, 422, "invalid", "ticket"},
		{"another id", func(b map[string]any) { b["id"] = "0192f0c1-0000-7000-8000-000000000000" }, 422, "ticket_invalid", "ticket"},
		{"an id that is none", func(b map[string]any) { b["id"] = "x" }, 422, "ticket_invalid", "ticket"},
		{"a time that is none", func(b map[string]any) { b["started_at"] = "yesterday" }, 422, "invalid", "started_at"},
		{"a field that there is not", func(b map[string]any) { b["score"] = 100 }, 422, "invalid", "score"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, body := s.submission(t, code, nil)
			c.change(body)
			for _, lang := range static.Languages {
				r := call(t, anybody(), "POST", url, body, "Accept-Language", lang)
				if r.status != c.status || r.field(t, "code") != c.code || !strings.Contains(r.body, `"path":"`+c.path+`"`) || r.field(t, "request_id") == "" {
					t.Fatal(lang, r)
				}
				for _, f := range r.field(t, "errors").([]any) {
					m := f.(map[string]any)
					if msg, _ := m["message"].(string); msg == "" || strings.HasPrefix(msg, "field.") {
						t.Errorf("%s: no words for %v", lang, m)
					}
				}
				if title, _ := r.field(t, "title").(string); title == "" || strings.HasPrefix(title, "error.") {
					t.Errorf("%s: no words for %v", lang, r.body)
				}
			}
		})
	}
	for name, r := range map[string]reply{
		"unknown code":   call(t, anybody(), "POST", s.url+"/api/v1/collectors/ZZZZZZZZZ/tickets", nil),
		"unknown code 2": call(t, anybody(), "POST", s.url+"/api/v1/collectors/ZZZZZZZZZ/responses", body),
		"no such route":  call(t, anybody(), "GET", s.url+"/api/v1/nothing", nil),
	} {
		if r.status != 404 || r.field(t, "status") != 404.0 {
			t.Error(name, r)
		}
	}
	for name, in := range map[string]string{"no JSON": "{", "too large": `{"id":"` + strings.Repeat("x", 70<<10) + `"}`, "null": "null", "a list": "[]"} {
		r := call(t, anybody(), "POST", url, in)
		if r.status < 400 || r.status >= 500 || !strings.Contains(r.body, `"code"`) {
			t.Error(name, r)
		}
	}
	if s.log.Len() > 0 && strings.Contains(s.log.String(), "level=ERROR") {
		t.Error(s.log.String())
	}
}

func TestStaffRoutes(t *testing.T) {
	s := newSite(t)
	url, body := s.submission(t, s.Posters[apptest.North].Code, questionnaire.Answers{"q19": "=cmd|' /C calc'!A0"})
	if r := call(t, anybody(), "POST", url, body); r.status != 201 {
		t.Fatal(r)
	}
	if err := s.Scores.RefreshStale(t.Context()); err != nil {
		t.Fatal(err)
	}
	wave := s.Wave.ID
	routes := []string{
		"/api/v1/waves", "/api/v1/waves/" + wave, "/api/v1/collectors?wave=" + wave, "/api/v1/areas?parent=" + apptest.Riverside,
		"/api/v1/waves/" + wave + "/scores?level=community&mode=combined", "/api/v1/waves/" + wave + "/responses.csv",
	}
	t.Run("nobody gets in without signing in", func(t *testing.T) {
		for _, route := range routes {
			if r := call(t, anybody(), "GET", s.url+route, nil); r.status != 401 || r.field(t, "code") != "unauthorized" {
				t.Error(route, r)
			}
		}
	})
	office := s.as(t, "office", "office", apptest.City)
	t.Run("the office sees everything", func(t *testing.T) {
		for _, route := range routes {
			if r := call(t, office, "GET", s.url+route, nil); r.status != 200 {
				t.Error(route, r)
			}
		}
		r := call(t, office, "GET", s.url+routes[4], nil)
		list := r.field(t, "scores").([]any)
		if len(list) == 0 {
			t.Fatal(r)
		}
		for _, x := range list {
			m := x.(map[string]any)
			if m["suppressed"] != true || m["estimate"] != nil || m["ci"] != nil || m["reason"] == nil {
				t.Errorf("a score of one answer is shown: %v", m)
			}
			if n := m["n"]; n != nil && n != 0.0 {
				t.Errorf("a cell of %v is shown", n)
			}
		}
	})
	t.Run("the export has a row per answer and no free text", func(t *testing.T) {
		r := call(t, office, "GET", s.url+routes[5], nil)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(r.body, "\uFEFF"))).ReadAll()
		if err != nil || len(rows) != 2 || strings.Contains(r.body, "calc") || strings.Contains(r.body, body["id"].(string)) {
			t.Fatal(err, r.body)
		}
	})
	t.Run("another community does not exist for a community", func(t *testing.T) {
		south := s.as(t, "south", "community", apptest.South)
		for route, status := range map[string]int{
			"/api/v1/areas?parent=" + apptest.North:                          404,
			"/api/v1/waves/" + wave + "/scores?parent=" + apptest.Riverside:  404,
			"/api/v1/waves/" + wave + "/responses.csv":                       403,
			"/api/v1/waves/" + wave + "/scores?level=city":                   200,
			"/api/v1/collectors?wave=" + wave + "&area=" + apptest.Riverside: 200,
		} {
			r := call(t, south, "GET", s.url+route, nil)
			if r.status != status || strings.Contains(r.body, apptest.North) {
				t.Error(route, r)
			}
		}
	})
	t.Run("who signs out is out", func(t *testing.T) {
		if r := call(t, office, "DELETE", s.url+"/api/v1/session", nil); r.status != 204 {
			t.Fatal(r)
		}
		if r := call(t, office, "GET", s.url+"/api/v1/waves", nil); r.status != 401 {
			t.Fatal(r)
		}
	})
}

func TestSignIn(t *testing.T) {
	s := newSite(t)
	s.Person(t, "ana", "viewer", apptest.City)
	try := func(login, password string) reply {
		return call(t, anybody(), "POST", s.url+"/api/v1/session", map[string]string{"login": login, "password": password})
	}
	wrong, nobody := try("ana", "wrong"), try("nobody", "wrong")
	if wrong.status != 401 || nobody.status != 401 || wrong.field(t, "title") != nobody.field(t, "title") {
		t.Fatal(wrong, nobody)
	}
	for range 4 {
		try("ana", "wrong")
	}
	if r := try("ana", apptest.Password); r.status != 429 {
		t.Fatal("not locked after five failures", r)
	}
	s.Advance(11 * 60 * 1e9)
	r := try("ana", apptest.Password)
	if r.status != 200 {
		t.Fatal(r)
	}
	k := r.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(k, want) {
			t.Errorf("the cookie %q lacks %s", k, want)
		}
	}
	t.Run("another site cannot make a browser send", func(t *testing.T) {
		r := call(t, anybody(), "POST", s.url+"/api/v1/session", map[string]string{"login": "ana", "password": apptest.Password}, "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site")
		if r.status != 403 || r.field(t, "code") != "cross_origin" {
			t.Fatal(r)
		}
	})
}

func TestMachineRoutes(t *testing.T) {
	s := newSite(t)
	for route, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ready", "/openapi.json": `"openapi":"3.1.0"`, "/metrics": "go_goroutines",
	} {
		if r := call(t, anybody(), "GET", s.url+route, nil); r.status != 200 || !strings.Contains(r.body, want) {
			t.Error(route, r.status, want)
		}
	}
	if r := call(t, anybody(), "GET", s.url+"/metrics", nil, "X-Forwarded-For", "203.0.113.9"); r.status != 404 {
		t.Error("metrics are shown to the outside", r.status)
	}
}
