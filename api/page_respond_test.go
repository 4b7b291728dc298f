package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/store/storetest"
	"chengyin/survey/wave"
)

// resident is somebody with a phone in front of a poster.
type resident struct {
	t testing.TB
	w *apptest.World
	h http.Handler
}

func newResident(t testing.TB) *resident {
	t.Helper()
	w := apptest.New(t, storetest.DSN(t, "sqlite"))
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	a := New(Deps{App: w.App, Static: st, PublicURL: "http://127.0.0.1", Version: "test", Log: slog.New(slog.DiscardHandler)})
	return &resident{t, w, a.Handler()}
}

func (r *resident) poster() string { return r.w.Posters[apptest.North].Code }

// reply is a page as the browser sees it.
type reply struct {
	status int
	header http.Header
	body   string
	packed int // bytes of the body on the wire
}

func (r *resident) do(method, target string, form url.Values, header ...string) reply {
	r.t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Encoding", "gzip, deflate")
	req.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	r.h.ServeHTTP(rec, req)
	out := reply{rec.Code, rec.Header(), rec.Body.String(), rec.Body.Len()}
	if out.header.Get("Content-Encoding") == "gzip" && method != http.MethodHead {
		z, err := gzip.NewReader(rec.Body)
		if err != nil {
			r.t.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			r.t.Fatal(err)
		}
		out.body = string(plain)
	}
	return out
}

func (r *resident) get(target string) reply {
	r.t.Helper()
	return r.do(http.MethodGet, target, nil)
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)
	formAction  = regexp.MustCompile(`<form [^>]*action="([^"]*)"`)
	inPage      = regexp.MustCompile(`(?s)<(script|style)([^>]*)>(.*?)</(?:script|style)>`)
	tag         = regexp.MustCompile(`<[^>]*>`)
)

// fill returns where the form of a page goes and what it sends with the answers.
func (p reply) fill(answers questionnaire.Answers) (action string, form url.Values) {
	form = url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(p.body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	for id, v := range answers {
		switch v := v.(type) {
		case string:
			form.Set(id, v)
		case []string:
			form[id] = v
		}
	}
	return html.UnescapeString(formAction.FindStringSubmatch(p.body)[1]), form
}

func (r *resident) send(p reply, answers questionnaire.Answers) reply {
	r.t.Helper()
	action, form := p.fill(answers)
	return r.do(http.MethodPost, action, form)
}

func (p reply) must(t testing.TB, status int, parts ...string) {
	t.Helper()
	if p.status != status {
		t.Fatalf("status %d, want %d: %s", p.status, status, tag.ReplaceAllString(p.body, " "))
	}
	for _, part := range parts {
		if !strings.Contains(p.body, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}

func (r *resident) stored() (n int64) {
	r.t.Helper()
	if err := r.w.DB.Read(r.t.Context()).Table("responses").Count(&n).Error; err != nil {
		r.t.Fatal(err)
	}
	return n
}

// budget is what the page with the questions may weigh, compressed: 8 KB, less
// what the names of other places and owners may take more than these.
const budget = 8192 - 50

func TestQuestionsComeInOneSmallResponse(t *testing.T) {
	r := newResident(t)
	for _, c := range []struct{ query, lang string }{{"?lang=zh", "zh"}, {"?lang=en", "en"}, {"?lang=zh&large=1", "zh"}, {"?lang=en&large=1", "en"}} {
		t.Run(c.query, func(t *testing.T) {
			p := r.get("/q/" + r.poster() + c.query)
			p.must(t, 200, `action="/q/`+r.poster())
			t.Logf("%d bytes, %d packed", len(p.body), p.packed)
			if p.packed > budget {
				t.Errorf("%d bytes on the wire, more than %d", p.packed, budget)
			}
			for _, q := range questionnaire.Default().Questions {
				if !strings.Contains(p.body, html.EscapeString(q.Text.In(c.lang))) {
					t.Errorf("%s is not asked", q.ID)
				}
				for _, o := range q.Options {
					if !strings.Contains(p.body, `value="`+o.Code+`" name="`+q.ID+`"`) {
						t.Errorf("%s: no option %s", q.ID, o.Code)
					}
				}
			}
			page := inPage.ReplaceAllString(p.body, "")
			if m := regexp.MustCompile(`(?i)\ssrc=|href="(?:https?:)?//|<img|<iframe|@import|url\(`).FindString(page); m != "" {
				t.Errorf("the page asks for more: %q", m)
			}
			if large := strings.Contains(p.body, `class="large"`); large != strings.Contains(c.query, "large") {
				t.Errorf("large type: %v", large)
			}
			for _, m := range regexp.MustCompile(`<a href="(/q/[^"]*)"`).FindAllStringSubmatch(p.body, -1) {
				u, err := url.Parse(html.UnescapeString(m[1]))
				if err != nil || u.Query().Get("lang") == "" {
					t.Errorf("link %q: %v", m[1], err)
				}
			}
		})
	}
}

func TestPagesAllowOnlyTheirOwnScripts(t *testing.T) {
	r := newResident(t)
	first := r.get("/q/" + r.poster())
	receipt := r.send(first, apptest.Answers(nil)).header.Get("Location")
	for _, target := range []string{"/q/" + r.poster(), "/q/ABCDE", receipt} {
		p := r.get(target)
		policy := p.header.Get("Content-Security-Policy")
		found := inPage.FindAllStringSubmatch(p.body, -1)
		if len(found) == 0 {
			t.Fatalf("%s: no style", target)
		}
		for _, m := range found {
			sum := sha256.Sum256([]byte(m[3]))
			if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(m[2], "application/json") && !strings.Contains(policy, hash) {
				t.Errorf("%s: the policy lacks the hash of a %s", target, m[1])
			}
		}
		for _, part := range []string{"default-src 'none'", "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s", target, part)
			}
		}
		for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff", "Content-Encoding": "gzip", "Vary": "Accept-Encoding, Accept-Language"} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
	if p := r.do(http.MethodGet, "/q/"+r.poster(), nil, "Accept-Encoding", "gzip, deflate, br"); p.header.Get("Content-Encoding") != "br" || !strings.Contains(unbrotlied(t, p.body), "<form") {
		t.Errorf("a browser that takes brotli gets %q", p.header.Get("Content-Encoding"))
	}
	if p := r.do(http.MethodGet, "/q/"+r.poster(), nil, "Accept-Encoding", "gzip;q=0"); p.header.Get("Content-Encoding") != "" || !strings.Contains(p.body, "<form") {
		t.Errorf("a phone that cannot unpack gets %q", p.header.Get("Content-Encoding"))
	}
}

func TestLookingAtAPageWritesNothing(t *testing.T) {
	r := newResident(t)
	tables, err := r.w.DB.Read(t.Context()).Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	rows := func() (n int64) {
		for _, table := range tables {
			var some int64
			if err := r.w.DB.Read(t.Context()).Table(table).Count(&some).Error; err != nil {
				t.Fatal(err)
			}
			n += some
		}
		return n
	}
	before := rows()
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, target := range []string{"/q/" + r.poster(), "/Q/" + strings.ToLower(r.poster()), "/q/ABCDE"} {
			r.do(method, target, nil)
		}
	}
	if after := rows(); after != before {
		t.Errorf("%d rows were written", after-before)
	}
	if p := r.do(http.MethodHead, "/q/"+r.poster(), nil); p.status != 200 || p.packed != 0 {
		t.Errorf("HEAD: %d with %d bytes", p.status, p.packed)
	}
}

func TestFormWithoutScript(t *testing.T) {
	r := newResident(t)
	target := "/q/" + r.poster() + "?lang=zh&large=1"
	page := r.get(target)
	t.Run("brings a receipt", func(t *testing.T) {
		p := r.send(page, apptest.Answers(nil))
		to := p.header.Get("Location")
		if p.status != 303 || !strings.HasPrefix(to, "/r/") || !strings.HasSuffix(to, "?lang=zh&large=1") {
			t.Fatalf("%d to %q", p.status, to)
		}
		code := strings.TrimPrefix(strings.Split(to, "?")[0], "/r/")
		r.get(to).must(t, 200, code, "北社区", "测试办", `class="large"`, "2026年11月1日 17:00")
		typed := strings.ToLower(strings.ReplaceAll(code, "-", ""))
		r.get("/r/"+typed+"?lang=en").must(t, 200, code, "Your receipt number", "North")
	})
	t.Run("sent twice is one response", func(t *testing.T) {
		if p := r.send(page, apptest.Answers(nil)); p.status != 303 {
			t.Errorf("status %d", p.status)
		}
		if n := r.stored(); n != 1 {
			t.Errorf("%d responses are stored", n)
		}
	})
	t.Run("sent again with other answers says which stand", func(t *testing.T) {
		p := r.send(page, apptest.Answers(questionnaire.Answers{"q18": "1"}))
		p.must(t, 409, "以第一次提交的答卷为准", "/r/")
		if n := r.stored(); n != 1 {
			t.Errorf("%d responses are stored", n)
		}
	})
	t.Run("comes back with its answers and everything that is wrong", func(t *testing.T) {
		fresh := r.get(target)
		p := r.send(fresh, apptest.Answers(questionnaire.Answers{"q18": nil, "q4": []string{"volunteer", "dk"}, "q19": strings.Repeat("车", 201) + "<b>"}))
		p.must(t, 422, `href="#q-q18"`, `href="#q-q4"`, `href="#q-q19"`, `id="e-q18"`, `id="e-q4"`, `id="e-q19"`, "&lt;b&gt;</textarea>",
			`value="know" name="q1" checked`, `value="volunteer" name="q4" checked`, `class="large"`)
		if strings.Contains(p.body, "checked") && strings.Contains(p.body, `value="heard" name="q1" checked`) {
			t.Error("an answer nobody gave is checked")
		}
		again, form := p.fill(nil)
		_, first := fresh.fill(nil)
		if form.Get("id") != first.Get("id") || form.Get("ticket") != first.Get("ticket") || again == "" {
			t.Error("the id has changed")
		}
		if p := r.send(p, apptest.Answers(nil)); p.status != 303 {
			t.Errorf("put right, it is answered by %d", p.status)
		}
	})
	t.Run("with a ticket that is not ours gets another and keeps the answers", func(t *testing.T) {
		forged := r.get(target)
		action, form := forged.fill(apptest.Answers(nil))
		old := form.Get("ticket")
		form.Set("ticket", "x"+old[1:])
		p := r.do(http.MethodPost, action, form)
		p.must(t, 422, "已为您换了新的", `value="know" name="q1" checked`)
		if _, next := p.fill(nil); next.Get("id") == form.Get("id") {
			t.Error("the id is the same")
		}
		if p := r.send(p, apptest.Answers(nil)); p.status != 303 {
			t.Errorf("sent again, it is answered by %d", p.status)
		}
	})
	t.Run("does not ask for what the other answers hide", func(t *testing.T) {
		before := r.stored()
		p := r.send(r.get(target), apptest.Answers(questionnaire.Answers{"q6": "no", "q7": []string{"cleanup"}}))
		if p.status != 303 || r.stored() != before+1 {
			t.Errorf("status %d, %d stored", p.status, r.stored()-before)
		}
	})
	t.Run("that is far too large is refused in words", func(t *testing.T) {
		r.send(r.get(target), questionnaire.Answers{"q19": strings.Repeat("x", maxForm)}).must(t, 413, "没有读懂")
	})
}

func TestVisitPageAsksForTheHousehold(t *testing.T) {
	r := newResident(t)
	if p := r.get("/q/" + r.poster()); strings.Contains(p.body, `name="household"`) {
		t.Error("a poster asks for a household")
	}
	page := r.get("/q/" + r.w.Visits.Code + "?household=h3")
	page.must(t, 200, `name="household" value="h3"`)
	action, form := page.fill(apptest.Answers(nil))
	form.Set("household", "h3")
	to := r.do(http.MethodPost, action, form).header.Get("Location")
	r.get(to).must(t, 200, "已收录")
	form.Set("household", "h4")
	r.do(http.MethodPost, action, form).must(t, 409)
}

func TestPagesOfCodesThatTakeNoAnswers(t *testing.T) {
	r := newResident(t)
	open := r.get("/q/" + r.poster())
	if err := r.w.Collectors.Revoke(t.Context(), apptest.Office, r.w.Posters[apptest.South].Code, "wet"); err != nil {
		t.Fatal(err)
	}
	r.w.Advance(2 * time.Second) // how long a revocation may take to be noticed
	r.get("/q/"+r.w.Posters[apptest.South].Code).must(t, 200, "已经停用", "南社区", "测试办", "社区居委会")
	r.get("/q/ABCDE?lang=en").must(t, 404, "could not find this survey")
	r.get("/r/ABCD-EFGH-JKMN").must(t, 404, "没有找到这个回执号")

	r.w.Advance(-3 * time.Hour)
	r.get("/q/"+r.poster()).must(t, 200, "还没有开始", "2026年11月1日 16:00")

	r.w.Advance(300 * time.Hour)
	closed := r.get("/q/" + r.poster())
	closed.must(t, 200, "已经结束", "2026年11月11日", "测试办")
	if strings.Contains(closed.body, "<form") {
		t.Error("a closed survey asks questions")
	}
	to := r.send(open, apptest.Answers(nil)).header.Get("Location")
	r.get(to).must(t, 200, "核对后再统计") // a late answer is kept
}

func TestTroubleIsToldWithoutDetails(t *testing.T) {
	r := newResident(t)
	if err := r.w.Close(); err != nil {
		t.Fatal(err)
	}
	p := r.get("/q/" + r.poster())
	p.must(t, 503, "暂时打不开", p.header.Get("X-Request-Id"))
	if regexp.MustCompile(`(?i)sql|database|goroutine|\.go:`).MatchString(inPage.ReplaceAllString(p.body, "")) {
		t.Error("the page tells what is behind it")
	}
}

// sheet is what a page is made of, with names that try to break out of it.
func sheet(d *questionnaire.Definition, name string) response.Sheet {
	return response.Sheet{
		Collector: collector.Collector{Code: "00001FYA1", Slot: 3, Channel: collector.Poster}, State: collector.Open,
		Wave:          wave.Wave{NameZH: name, OwnerZH: name, Contact: name, ClosesAt: apptest.Start},
		Area:          area.Area{Code: apptest.North, NameZH: name},
		Questionnaire: d, Ticket: response.Ticket{ID: "01a20bcc-e3d5-7819-bbdf-81b5cc2375d8", Token: "t"},
	}
}

func render(t testing.TB, st *static.Static, page string, data any) string {
	t.Helper()
	var b bytes.Buffer
	if err := st.Render(&b, page, "zh", data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestNamesCannotBreakOutOfThePage(t *testing.T) {
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	const canary = `</script></style></title><script>alert(1)</script>" onload='x' {{.}} <!--` // in a script's data the quote comes as \"
	d := *questionnaire.Default()
	d.Questions = append([]questionnaire.Question{{
		ID: "canary", Section: d.Sections[0].ID, Type: questionnaire.Single, Text: survey.Text{ZH: canary}, Hint: &survey.Text{ZH: canary},
		Options: []questionnaire.Option{{Code: "a", Text: survey.Text{ZH: canary}}},
		ShowIf:  &questionnaire.Cond{Question: "sex", In: []string{canary}},
	}}, d.Questions...)
	d.Title, d.Notice, d.Thanks = survey.Text{ZH: canary}, survey.Text{ZH: canary}, survey.Text{ZH: canary}
	s := sheet(&d, canary)
	in := filled{Household: canary, Message: canary, Answers: questionnaire.Answers{"q19": canary}}
	for name, page := range map[string]string{
		"form":    render(t, st, "respond/form", newFormView(st, s, look{Lang: "zh"}, in)),
		"state":   render(t, st, "respond/state", sheetState(st, s, look{Lang: "zh"})),
		"receipt": render(t, st, "respond/receipt", newReceiptView(response.Receipt{Code: canary, Wave: s.Wave}, &d, s.Area, look{Lang: "zh"})),
	} {
		if strings.Contains(page, "<script>alert") || strings.Contains(page, "</script></style>") || strings.Contains(strings.ReplaceAll(page, `\"`, ""), `" onload='x'`) {
			t.Errorf("%s: a name has become part of the page", name)
		}
		if !strings.Contains(page, "alert(1)") {
			t.Errorf("%s: the name is not on the page at all", name)
		}
	}
}

func TestConditionsAreSaidInWords(t *testing.T) {
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	d := questionnaire.Default()
	for _, c := range []struct {
		name string
		cond questionnaire.Cond
		want string
	}{
		{"one question", questionnaire.Cond{Question: "q1", In: []string{"know", "heard"}}, "“" + d.Question("q1").Text.ZH + "”选了“" + d.Question("q1").Options[0].Text.ZH + "”或“" + d.Question("q1").Options[1].Text.ZH + "”才需回答。"},
		{"more than that", questionnaire.Cond{Question: "q1", In: []string{"know"}, Answered: &yes}, "与您情况相符时才需回答。"},
		{"a negation", questionnaire.Cond{Not: &questionnaire.Cond{Question: "q1", In: []string{"know"}}}, "与您情况相符时才需回答。"},
	} {
		if got := onlyIf(st, d, &c.cond, "zh"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func BenchmarkRespondPage(b *testing.B) {
	st, err := static.New(false)
	if err != nil {
		b.Fatal(err)
	}
	s := sheet(questionnaire.Default(), "北社区")
	b.Run("render", func(b *testing.B) {
		for b.Loop() {
			if err := st.Render(io.Discard, "respond/form", "zh", newFormView(st, s, look{Lang: "zh"}, filled{})); err != nil {
				b.Fatal(err)
			}
		}
	})
	page := []byte(render(b, st, "respond/form", newFormView(st, s, look{Lang: "zh"}, filled{})))
	b.Run("compress", func(b *testing.B) {
		for b.Loop() {
			b.SetBytes(int64(len(page)))
			gzipped(page)
		}
	})
}

func unbrotlied(t *testing.T, body string) string {
	t.Helper()
	page, err := io.ReadAll(brotli.NewReader(strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
