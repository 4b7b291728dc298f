package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"chengyin/survey/apptest"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
)

// visited answers at the door of a household and returns the receipt's path.
func (r *resident) visited(household string) string {
	r.t.Helper()
	action, form := r.get("/q/" + r.w.Visits.Code + "?lang=zh").fill(apptest.Answers(questionnaire.Answers{"q19": "路灯"}))
	form.Set("household", household)
	sent := r.do(http.MethodPost, action, form)
	if sent.status != http.StatusSeeOther {
		r.t.Fatal(sent.status, sent.body)
	}
	path, _, _ := strings.Cut(sent.header.Get("Location"), "?")
	return path
}

// TestReportingWithoutScript: on their own phone, by links and one form, residents
// find the way from the receipt of a visit to what they have to say of it.
func TestReportingWithoutScript(t *testing.T) {
	r := newResident(t)
	path := r.visited("h1")
	for _, look := range []struct{ query, link, leads, who, thanks, kind string }{
		{"?lang=zh", "说说这次访问", "/report?lang=zh", "社区和上门的人看不到", "谢谢您告诉我们", "confirmed"},
		{"?lang=en&large=1", "Tell us about the visit", "/report?lang=en&amp;large=1", "The community and whoever came do not", "Thank you for telling us", "told_how"},
	} {
		r.get(path+look.query).must(t, 200, look.link, path+look.leads)
		ask := r.get(path + "/report" + look.query)
		ask.must(t, 200, look.who)
		if strings.Contains(ask.body, "<script") || ask.packed > 8<<10 || ask.header.Get("Set-Cookie") != "" {
			t.Errorf("a page of %d bytes, with a script or a cookie", ask.packed)
		}
		action, form := ask.fill(questionnaire.Answers{"kind": look.kind, "note": "电话13812345678"})
		sent := r.do(http.MethodPost, action, form)
		if to := sent.header.Get("Location"); sent.status != http.StatusSeeOther || to != path+"/reported"+look.query {
			t.Fatalf("%d to %q", sent.status, to)
		}
		thanks := r.get(sent.header.Get("Location"))
		thanks.must(t, 200, look.thanks, path)
	}
	if n := r.rows("resident_reports"); n != 2 {
		t.Errorf("%d reports", n)
	}
	t.Run("no page tells whether anything was reported", func(t *testing.T) {
		other := r.visited("h2")
		blank := func(p string) string {
			code := strings.TrimPrefix(p, "/r/")
			return strings.ReplaceAll(r.get(p+"/report?lang=zh").body, code, "CODE")
		}
		if blank(path) != blank(other) {
			t.Error("the page of a receipt with reports differs from that of one without")
		}
	})
	t.Run("looking writes nothing", func(t *testing.T) {
		before := r.rows("resident_reports") + r.rows("events") + r.rows("early_reports")
		for _, p := range []string{path, path + "/report", path + "/reported", "/r/AAAA-BBBB-CCCC", "/r/AAAA-BBBB-CCCC/report", "/r/AAAA-BBBB-CCCC/reported"} {
			r.get(p)
		}
		if after := r.rows("resident_reports") + r.rows("events") + r.rows("early_reports"); after != before {
			t.Errorf("%d rows were written", after-before)
		}
	})
	t.Run("what is wrong is said, and what was typed stays", func(t *testing.T) {
		p := r.do(http.MethodPost, path+"/report?lang=zh", url.Values{"note": {"路灯不亮"}})
		p.must(t, 422, "请从下面选一项", "路灯不亮", `role="alert"`)
		p = r.do(http.MethodPost, path+"/report?lang=zh", url.Values{"kind": {"watched"}, "note": {strings.Repeat("字", 201)}})
		p.must(t, 422, "最多写 200 个字", `value="watched" checked`)
		r.do(http.MethodPost, path+"/report", url.Values{"kind": {"watched"}, "note": {strings.Repeat("字", maxForm)}}).must(t, http.StatusRequestEntityTooLarge)
	})
	t.Run("another site cannot send one, an old browser can", func(t *testing.T) {
		form := url.Values{"kind": {"not_me"}}
		for _, h := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://elsewhere.example"}} {
			if p := r.do(http.MethodPost, path+"/report", form, h...); p.status != http.StatusForbidden {
				t.Errorf("%v: %d", h, p.status)
			}
		}
		if n := r.rows("resident_reports"); n != 2 {
			t.Errorf("%d reports", n)
		}
		if p := r.do(http.MethodPost, path+"/report", form); p.status != http.StatusSeeOther || r.rows("resident_reports") != 3 {
			t.Errorf("%d", p.status)
		}
	})
	t.Run("a scanned answer has nothing to report of", func(t *testing.T) {
		receipt := r.send(r.get("/q/"+r.poster()+"?lang=zh"), apptest.Answers(nil)).header.Get("Location")
		scan, _, _ := strings.Cut(receipt, "?")
		if strings.Contains(r.get(receipt).body, "/report") {
			t.Error("the receipt of a scan asks about a visit")
		}
		for _, p := range []reply{r.get(scan + "/report?lang=zh"), r.do(http.MethodPost, scan+"/report?lang=zh", url.Values{"kind": {"watched"}})} {
			if p.status != http.StatusSeeOther || p.header.Get("Location") != receipt {
				t.Errorf("%d to %q", p.status, p.header.Get("Location"))
			}
		}
	})
	t.Run("deleted answers take no more", func(t *testing.T) {
		r.do(http.MethodPost, path+"/delete", url.Values{})
		r.get(path+"/report").must(t, http.StatusGone)
		r.do(http.MethodPost, path+"/report", url.Values{"kind": {"watched"}}).must(t, http.StatusGone)
	})
}

// TestReportingBeforeTheInterviewArrives: the receipt is in the resident's hand
// while the answers are still on a phone without signal.
func TestReportingBeforeTheInterviewArrives(t *testing.T) {
	r := newResident(t)
	const path = "/r/K7QX-2MPD-9ABC"
	r.get("/r/k7qx2mpd9abc?lang=zh").must(t, http.StatusNotFound, "还没有收到", "请过几天再看", path+"/report?lang=zh")
	r.get("/r/K7QX-2MPD?lang=zh").must(t, http.StatusNotFound, "没有找到这个回执号")
	if p := r.get("/r/K7QX-2MPD?lang=zh"); strings.Contains(p.body, "/report") {
		t.Error("half a receipt leads on")
	}
	ask := r.get(path + "/report?lang=zh")
	ask.must(t, 200, "还没有收到", "请过几天再看")
	action, form := ask.fill(questionnaire.Answers{"kind": "told_how"})
	r.do(http.MethodPost, action, form).must(t, http.StatusSeeOther)
	r.get(path+"/reported?lang=zh").must(t, 200, "谢谢您告诉我们")
	if r.rows("early_reports") != 1 || r.rows("resident_reports") != 0 {
		t.Error("the report does not wait")
	}
	for _, bad := range []string{"/r/x/report", "/r/x/reported", "/r/K7QX-2MPD-9AB~/report"} {
		r.get(bad).must(t, http.StatusNotFound)
	}
	t.Run("a network cannot fill what waits", func(t *testing.T) {
		for i := range guessesAllowed {
			r.do(http.MethodPost, fmt.Sprintf("/r/AAAA-BBBB-%04d/report", i), url.Values{"kind": {"watched"}})
		}
		if p := r.do(http.MethodPost, "/r/AAAA-CCCC-0000/report", url.Values{"kind": {"watched"}}); p.status != http.StatusTooManyRequests {
			t.Errorf("%d", p.status)
		}
		if n := r.rows("early_reports"); n != guessesAllowed {
			t.Errorf("%d wait", n)
		}
	})
}

func decode(t *testing.T, body string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}

func TestReportsPage(t *testing.T) {
	r := newResident(t)
	var paths []string
	for i := range 5 {
		paths = append(paths, r.visited(fmt.Sprintf("h%d", i+1)))
	}
	for i, kind := range []string{"confirmed", "told_how", "not_me"} {
		r.do(http.MethodPost, paths[i]+"/report", url.Values{"kind": {kind}, "note": {"<b>话</b>"}}).must(t, http.StatusSeeOther)
	}
	as := func(login, role, place string) []string {
		r.w.Person(t, login, role, place)
		token, _, err := r.w.Accounts.SignIn(t.Context(), login, apptest.Password)
		if err != nil {
			t.Fatal(err)
		}
		return []string{"Cookie", sessionCookie + "=" + token, "Accept-Language", "zh-CN"}
	}
	office, below := as("ana", "office", apptest.East), as("mo", "community", apptest.North)
	list := r.do(http.MethodGet, "/reports", nil, office...)
	list.must(t, 200, "有人要求我怎样回答", "有人来过，但不是我答的", "北社区", "待看", "&lt;b&gt;话&lt;/b&gt;", "说受影响", `aria-current="page"`)
	for _, never := range []string{"路灯", "h1", "h2", strings.TrimPrefix(paths[0], "/r/")} {
		if strings.Contains(tag.ReplaceAllString(list.body, " "), " "+never+" ") {
			t.Errorf("the list tells %q", never)
		}
	}
	if p := r.do(http.MethodGet, "/reports", nil, below...); p.status != http.StatusForbidden {
		t.Errorf("a community manager gets %d", p.status)
	}
	if p := r.do(http.MethodGet, "/board", nil, below...); strings.Contains(p.body, `href="/reports`) {
		t.Error("the community is shown the way to the reports")
	}
	var rows []response.Report
	if err := r.w.DB.Read(t.Context()).Order("at DESC").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	action := "/reports/" + rows[0].ID + "?kind=disputed&lang=zh"
	r.do(http.MethodPost, action, url.Values{"state": {"handled"}}, office...).must(t, 422, "没有记下", "缺少这一项")
	if p := r.do(http.MethodPost, action, url.Values{"state": {"handled"}, "word": {"已回访"}}, office...); p.status != http.StatusSeeOther || p.header.Get("Location") != "/reports?done=1&kind=disputed" {
		t.Errorf("%d to %s", p.status, p.header.Get("Location"))
	}
	p := r.do(http.MethodGet, "/reports?done=1&kind=disputed", nil, office...)
	p.must(t, 200, "已记下", "已办", "已回访")
	if strings.Contains(p.body, "有人要求我怎样回答") {
		t.Error("the filter lets another kind through")
	}
	if p := r.do(http.MethodPost, action, url.Values{"state": {"seen"}}, below...); p.status != http.StatusForbidden {
		t.Errorf("a community manager gets %d", p.status)
	}
	t.Run("programs of people in person get the same", func(t *testing.T) {
		var got struct {
			Reports []struct {
				Kind, Said, State, Word, Area string
				Response                      *string
			}
			Communities []struct{ Interviews, Confirmed, Disputed, Pressure int }
			Cursor      *string
		}
		p := r.do(http.MethodGet, "/api/v1/reports?limit=2&wave="+r.w.Wave.ID, nil, office...)
		decode(t, p.body, &got)
		if len(got.Reports) != 2 || got.Cursor == nil || got.Reports[0].State != "handled" || got.Reports[0].Word != "已回访" || got.Reports[0].Kind != "disputed" || got.Reports[0].Said != "not_me" || got.Reports[0].Response == nil {
			t.Fatalf("%s", p.body)
		}
		if len(got.Communities) != 1 || got.Communities[0].Interviews != 5 || got.Communities[0].Pressure != 1 {
			t.Errorf("%s", p.body)
		}
		p = r.do(http.MethodGet, "/api/v1/reports?limit=2&wave="+r.w.Wave.ID+"&cursor="+*got.Cursor, nil, office...)
		got.Cursor = nil
		decode(t, p.body, &got)
		if len(got.Reports) != 1 || got.Reports[0].Kind != "confirmed" || got.Cursor != nil {
			t.Errorf("%s", p.body)
		}
		for _, part := range []string{"路灯", "answers", "account", "login", "household"} {
			if strings.Contains(p.body, part) {
				t.Errorf("the list tells %q", part)
			}
		}
		status := []int{}
		for _, target := range []string{"kind=x", "state=x", "area=" + west, "cursor=x", "limit=0"} {
			status = append(status, r.do(http.MethodGet, "/api/v1/reports?wave="+r.w.Wave.ID+"&"+target, nil, office...).status)
		}
		if !slices.Equal(status, []int{422, 422, 404, 422, 422}) {
			t.Error(status)
		}
	})
}
