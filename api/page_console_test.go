package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"chengyin/static"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/fieldwork"
	"chengyin/survey/score"
)

// html is what browsers ask for.
const html = "text/html,application/xhtml+xml"

// page opens a page as a browser does, in Chinese.
func page(t *testing.T, client *http.Client, url string, headers ...string) reply {
	t.Helper()
	return call(t, client, "GET", url, nil, append([]string{"Accept", html, "Accept-Language", "zh-CN"}, headers...)...)
}

// post sends a form as a browser does.
func post(t *testing.T, client *http.Client, address string, form url.Values) reply {
	t.Helper()
	return call(t, client, "POST", address, form.Encode(), "Accept", html, "Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "zh-CN")
}

// want checks status and text. A text that begins with "!" must not appear.
func (r reply) want(t *testing.T, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d: %.300s", r.status, status, r.body)
	}
	for _, s := range texts {
		if not, ok := strings.CutPrefix(s, "!"); ok {
			if strings.Contains(r.body, not) {
				t.Errorf("the page says %q", not)
			}
		} else if !strings.Contains(r.body, s) {
			t.Errorf("the page does not say %q", s)
		}
	}
}

func TestConsoleNeedsASession(t *testing.T) {
	s := newSite(t)
	code := s.Posters[apptest.North].Code
	for _, path := range []string{"/board", "/board/events?wave=x", "/collectors", "/sheets", "/areas", "/areas/template/people.csv",
		"/collectors/" + code + "/sheet", "/collectors/" + code + "/qr.png", "/collectors/" + code + "/qr.svg"} {
		r := page(t, anybody(), s.url+path)
		r.want(t, http.StatusSeeOther)
		if got, want := r.header.Get("Location"), "/signin?next="+url.QueryEscape(path); got != want {
			t.Errorf("%s leads to %s, want %s", path, got, want)
		}
		if r := call(t, anybody(), "GET", s.url+path, nil); r.status != http.StatusUnauthorized {
			t.Errorf("a program gets %d for %s", r.status, path)
		}
	}
	t.Run("a form that was sent after the session ended leads back to its page", func(t *testing.T) {
		r := call(t, anybody(), "POST", s.url+"/collectors", "", "Accept", html, "Referer", s.url+"/collectors?area="+apptest.North)
		r.want(t, http.StatusSeeOther)
		if got := r.header.Get("Location"); got != "/signin?next="+url.QueryEscape("/collectors?area="+apptest.North) {
			t.Error(got)
		}
		r = call(t, anybody(), "POST", s.url+"/collectors", "", "Accept", html, "Referer", "https://elsewhere.example/x")
		if got := r.header.Get("Location"); got != "/signin?next=%2F" {
			t.Error("another site's page: ", got)
		}
	})
}

func TestSignInPage(t *testing.T) {
	s := newSite(t)
	s.Person(t, "ana", "office", apptest.City)
	r := page(t, anybody(), s.url+"/signin?next=/areas")
	r.want(t, 200, `name="password"`, `value="/areas"`, "居民知晓率、参与率、满意度测评平台", "!"+apptest.Password)
	page(t, anybody(), s.url+"/signin?lang=en").want(t, 200, `<html lang="en">`, "Sign in")

	t.Run("a wrong password is said beside the form, in the reader's language", func(t *testing.T) {
		form := url.Values{"login": {"ana"}, "password": {"wrong password"}, "next": {"/areas"}}
		post(t, anybody(), s.url+"/signin", form).want(t, 401, `value="ana"`, `value="/areas"`, `role="alert"`, "!wrong password", "!sign_in_failed")
		r := call(t, anybody(), "POST", s.url+"/signin", form.Encode(), "Accept", html, "Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "en")
		r.want(t, 401, `role="alert"`, `<html lang="en">`, "!sign_in_failed")
		other := post(t, anybody(), s.url+"/signin", url.Values{"login": {"nobody"}, "password": {"wrong password"}})
		said := regexp.MustCompile(`(?s)role="alert".*?</p>`)
		if said.FindString(other.body) == "" || said.FindString(other.body) != said.FindString(post(t, anybody(), s.url+"/signin", form).body) {
			t.Error("the page tells whether there is such an account")
		}
	})
	for _, c := range []struct{ next, want string }{
		{"/collectors?area=" + apptest.North, "/collectors?area=" + apptest.North},
		{"", "/"},
		{"https://elsewhere.example/", "/"},
		{"//elsewhere.example/", "/"},
		{`/\elsewhere.example/`, "/"},
		{"javascript:alert(1)", "/"},
	} {
		t.Run(fmt.Sprintf("signing in with next=%q leads to %s", c.next, c.want), func(t *testing.T) {
			r := post(t, anybody(), s.url+"/signin", url.Values{"login": {"ana"}, "password": {apptest.Password}, "next": {c.next}})
			r.want(t, http.StatusSeeOther)
			if got := r.header.Get("Location"); got != c.want {
				t.Errorf("got %s", got)
			}
			if k := r.header.Get("Set-Cookie"); !strings.HasPrefix(k, "chengyin_session=") || !strings.Contains(k, "HttpOnly") || !strings.Contains(k, "SameSite=Lax") || strings.Contains(k, "Secure") {
				t.Errorf("cookie %q", k)
			}
		})
	}
	t.Run("whoever is signed in goes on, and after signing out does not", func(t *testing.T) {
		bo := s.as(t, "bo", "office", apptest.City)
		r := page(t, bo, s.url+"/signin?next=/areas")
		if r.status != 303 || r.header.Get("Location") != "/areas" {
			t.Fatal(r)
		}
		old := bo.Jar.Cookies(mustURL(t, s.url))[0]
		post(t, bo, s.url+"/signout", nil).want(t, http.StatusSeeOther)
		page(t, anybody(), s.url+"/board", "Cookie", old.Name+"="+old.Value).want(t, http.StatusSeeOther)
	})
}

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestLanguageIsRemembered(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	page(t, ana, s.url+"/areas").want(t, 200, `<html lang="zh-CN">`, "区划与人口", "测试市", `href="/areas?lang=en"`)
	page(t, ana, s.url+"/areas?lang=en").want(t, 200, `<html lang="en">`, "Places", "Testing")
	page(t, ana, s.url+"/areas").want(t, 200, `<html lang="en">`)
}

// TestPagesOfTheConsoleFetchNothingFromElsewhere: the policy of a page is strict,
// and the page keeps to it.
func TestPagesOfTheConsoleFetchNothingFromElsewhere(t *testing.T) {
	s := newSite(t)
	s.answer(t, apptest.North, 12, nil)
	ana := s.as(t, "ana", "office", apptest.City)
	for _, path := range []string{"/board", "/board?area=" + apptest.North, "/collectors?area=" + apptest.North, "/areas", "/signin", "/nothing",
		"/collectors/" + s.Posters[apptest.North].Code + "/sheet"} {
		client := ana
		if path == "/signin" {
			client = anybody()
		}
		r := page(t, client, s.url+path)
		if csp := r.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept by caches", path)
		}
		if bad := regexp.MustCompile(`(?i) style=| on[a-z]+=|<style|<script>|(src|href)="(https?:)?//`).FindString(r.body); bad != "" {
			t.Errorf("%s holds %q", path, bad)
		}
		for _, link := range regexp.MustCompile(`(?:src|href)="(/static/[^"]*|/icon.svg)"`).FindAllStringSubmatch(r.body, -1) {
			call(t, anybody(), "GET", s.url+link[1], nil).want(t, 200)
		}
	}
}

func TestErrorPages(t *testing.T) {
	s := newSite(t)
	page(t, anybody(), s.url+"/nothing").want(t, 404, "<h1>", "登录", "!error.", `<html lang="zh-CN">`)
	page(t, s.as(t, "ana", "office", apptest.City), s.url+"/nothing?lang=en").want(t, 404, "Sign out", "!error.", "Request <code>")
	page(t, s.as(t, "wu", "worker", apptest.North), s.url+"/areas").want(t, 403, "没有", "!error.", "退出")
	if r := call(t, anybody(), "GET", s.url+"/nothing", nil); r.field(t, "code") != "not_found" {
		t.Error("a program gets", r)
	}
}

// TestEveryWordOfTheConsoleIsThere looks for keys in templates, and for those
// that are put together from codes.
func TestEveryWordOfTheConsoleIsThere(t *testing.T) {
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, pattern := range []string{"../static/templates/console/*.html", "page_*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal("no files ", pattern, err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`"(console\.[a-z0-9_.]*[a-z0-9_])"`).FindAllStringSubmatch(string(raw), -1) {
				if ext := filepath.Ext(m[1]); ext != ".css" && ext != ".js" {
					keys = append(keys, m[1])
				}
			}
		}
	}
	if len(keys) < 100 {
		t.Fatalf("found %d keys", len(keys))
	}
	for _, r := range []string{"late", "not_yet", "revoked", "expired", "ticket_stale", "household_unknown", "household_twice", "partial", "conflict"} {
		keys = append(keys, "console.responses.reason."+r)
	}
	for _, r := range fieldwork.Reasons {
		keys = append(keys, "console.responses.reason."+r)
	}
	for _, k := range []string{"status.counted", "status.quarantined", "via.page", "via.form", "via.api", "via.field", "lang.zh", "lang.en"} {
		keys = append(keys, "console.responses."+k)
	}
	for _, l := range area.Levels {
		keys = append(keys, "console.level."+string(l))
	}
	for _, m := range score.Modes {
		keys = append(keys, "console.mode."+m, "console.mode."+m+".note")
	}
	for _, f := range []string{score.SmallSample, score.Wide, score.Borrowed, score.ModelBased, score.NWithheld} {
		keys = append(keys, "console.flag."+f, "console.flag."+f+".why")
	}
	for _, w := range []string{score.TooFew, score.NoAnswers, score.NotWeighed} {
		keys = append(keys, "console.withheld."+w)
	}
	for _, c := range collector.Channels {
		keys = append(keys, "console.channel."+c)
	}
	for _, x := range []collector.State{collector.Open, collector.NotYet, collector.Closed, collector.Expired, collector.Revoked} {
		keys = append(keys, "console.state."+string(x))
	}
	for _, k := range area.UnitKinds {
		keys = append(keys, "console.unit."+k)
	}
	for _, k := range area.Kinds {
		keys = append(keys, "console.import.why."+string(k), "import.kind."+string(k))
	}
	for _, a := range append(append([]string{}, area.Ages...), area.Sexes...) {
		keys = append(keys, "console.value."+a)
	}
	for _, x := range []string{"not_yet", "open", "closed"} {
		keys = append(keys, "console.wave."+x)
	}
	for _, x := range []string{"higher", "lower", "same", "chance", "beyond"} {
		keys = append(keys, "console.differ."+x)
	}
	for _, lang := range static.Languages {
		for _, k := range keys {
			if !st.Has(lang, k) {
				t.Errorf("%s: no words for %s", lang, k)
			}
		}
	}
}

// TestChineseWordsHaveChinesePunctuation: half-width marks between Chinese
// characters look like a slip of the keyboard to those who read official papers.
func TestChineseWordsHaveChinesePunctuation(t *testing.T) {
	raw, err := os.ReadFile("../static/locale/zh/console.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, slip := range regexp.MustCompile(`\p{Han}[,:;?!(]|[,;?!)]\p{Han}`).FindAllString(string(raw), -1) {
		t.Errorf("%q", slip)
	}
}
