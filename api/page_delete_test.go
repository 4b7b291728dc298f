package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chengyin/survey/apptest"
	"chengyin/survey/questionnaire"
)

func (r *resident) rows(table string) (n int64) {
	r.t.Helper()
	if err := r.w.DB.Read(r.t.Context()).Table(table).Count(&n).Error; err != nil {
		r.t.Fatal(err)
	}
	return n
}

// TestDeletingWithoutScript: a resident finds the way from the receipt to the
// deletion by links and one form.
func TestDeletingWithoutScript(t *testing.T) {
	r := newResident(t)
	page := r.get("/q/" + r.poster() + "?lang=zh")
	answers := apptest.Answers(questionnaire.Answers{"q19": "灯坏了，打13812345678"})
	sent := r.send(page, answers)
	if sent.status != http.StatusSeeOther {
		t.Fatal(sent.status)
	}
	receipt := sent.header.Get("Location")
	path, _, _ := strings.Cut(receipt, "?")
	if p := r.get(receipt); !strings.Contains(p.body, path+"/delete?lang=zh") {
		t.Fatalf("the receipt does not lead to the deletion: %s", p.body)
	}
	ask := r.get(path + "/delete?lang=zh")
	action, form := ask.fill(nil)
	if ask.status != 200 || r.rows("responses") != 1 || !strings.HasPrefix(action, path+"/delete") || strings.Contains(ask.body, "<script") {
		t.Fatalf("%d, %d responses, leads to %q", ask.status, r.rows("responses"), action)
	}
	if p := r.do(http.MethodPost, action, form); p.status != http.StatusSeeOther || p.header.Get("Location") != path+"?lang=zh" {
		t.Fatalf("%d to %q", p.status, p.header.Get("Location"))
	}
	if r.rows("responses") != 0 || r.rows("response_tombstones") != 1 {
		t.Errorf("%d responses, %d tombstones", r.rows("responses"), r.rows("response_tombstones"))
	}
	for _, again := range []reply{r.get(receipt), r.get(path + "/delete"), r.do(http.MethodPost, action, form), r.send(page, answers)} {
		if again.status != http.StatusGone || !strings.Contains(again.body, "已经删除") {
			t.Errorf("%d %s", again.status, tag.ReplaceAllString(again.body, " "))
		}
	}
	if r.rows("responses") != 0 {
		t.Error("a retry brought the answers back")
	}
}

func TestGuessingReceiptsEnds(t *testing.T) {
	r := newResident(t)
	receipt := r.send(r.get("/q/"+r.poster()), apptest.Answers(nil)).header.Get("Location")
	path, _, _ := strings.Cut(receipt, "?")
	for range guessesAllowed {
		if p := r.do(http.MethodPost, "/r/AAAA-BBBB-CCCC/delete", url.Values{}); p.status != http.StatusNotFound {
			t.Fatal(p.status)
		}
	}
	if p := r.do(http.MethodPost, path+"/delete", url.Values{}); p.status != http.StatusTooManyRequests {
		t.Errorf("%d after %d guesses", p.status, guessesAllowed)
	}
	r.w.Advance(guessesWindow)
	if p := r.do(http.MethodPost, path+"/delete", url.Values{}); p.status != http.StatusSeeOther {
		t.Errorf("%d after a while", p.status)
	}
}

func TestTooYoungWithoutScript(t *testing.T) {
	r := newResident(t)
	for lang, words := range map[string]string{"zh": "谢谢你来看看", "en": "Thank you for coming by"} {
		p := r.send(r.get("/q/"+r.poster()+"?lang="+lang), questionnaire.Answers{"age": "u14", "q19": "滑梯"})
		if p.status != http.StatusOK || !strings.Contains(p.body, words) || strings.Contains(p.body, "滑梯") {
			t.Errorf("%s: %d %s", lang, p.status, tag.ReplaceAllString(p.body, " "))
		}
	}
	for _, table := range []string{"responses", "response_traces", "tallies"} {
		if n := r.rows(table); n != 0 {
			t.Errorf("%d rows of %s are stored", n, table)
		}
	}
}

func TestPrivacyInFull(t *testing.T) {
	r := newResident(t)
	if err := r.w.Privacy.Set(t.Context(), apptest.Office, "devices", 45); err != nil {
		t.Fatal(err)
	}
	for lang, words := range map[string][]string{"zh": {"测试办", "社区居委会", "45天", "2年", "30天", "12345"}, "en": {"Test office", "45 days", "2 years", "30 days", "12345"}} {
		link := "/q/" + r.poster() + "/privacy?lang=" + lang
		if p := r.get("/q/" + r.poster() + "?lang=" + lang); !strings.Contains(p.body, link) {
			t.Errorf("%s: the notice does not lead to the full text", lang)
		}
		p := r.get(link)
		for _, w := range words {
			if p.status != 200 || !strings.Contains(p.body, w) || strings.Contains(p.body, "<script") {
				t.Errorf("%s: %d, lacks %q", lang, p.status, w)
			}
		}
	}
	if p := r.get("/privacy"); p.status != 200 || p.header.Get("Set-Cookie") != "" {
		t.Errorf("%d %v", p.status, p.header)
	}
	if p := r.get("/q/NONE/privacy"); p.status != http.StatusNotFound {
		t.Errorf("an unknown code: %d", p.status)
	}
}
