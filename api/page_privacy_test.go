package api

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"chengyin/static"
	"chengyin/survey/apptest"
	"chengyin/survey/privacy"
)

// TestEveryClassOfDataIsExplained: a class has its words in both languages, stands in
// the privacy centre and, when it is about residents, in their text.
func TestEveryClassOfDataIsExplained(t *testing.T) {
	r := newResident(t)
	r.w.Person(t, "ana", "office", apptest.City)
	token, _, err := r.w.Accounts.SignIn(t.Context(), "ana", apptest.Password)
	if err != nil {
		t.Fatal(err)
	}
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range static.Languages {
		centre := r.do(http.MethodGet, "/privacy-centre?lang="+lang, nil, "Cookie", sessionCookie+"="+token)
		centre.must(t, 200)
		centre.body = html.UnescapeString(centre.body)
		text := r.get("/privacy?lang=" + lang)
		text.body = html.UnescapeString(text.body)
		text.must(t, 200, st.T(lang, "privacy.visit"))
		for _, rule := range privacy.Rules {
			key := "privacy." + string(rule.Class)
			for _, k := range []string{key, key + ".what", key + ".basis", "console.privacy.class." + string(rule.Class)} {
				if !st.Has(lang, k) {
					t.Errorf("%s: no words for %s", lang, k)
				}
			}
			if rule.Days > 0 && !st.Has(lang, key+".until") {
				t.Errorf("%s: no words for %s", lang, key+".until")
			}
			if !strings.Contains(centre.body, `id="`+string(rule.Class)+`"`) || !strings.Contains(centre.body, st.T(lang, "console.privacy.class."+string(rule.Class))) {
				t.Errorf("%s: the privacy centre lacks %s", lang, rule.Class)
			}
			if staff := rule.Class == privacy.Sessions || rule.Class == privacy.Phones; strings.Contains(text.body, st.T(lang, key+".what")) == staff {
				t.Errorf("%s: the text for residents has %s: %t", lang, rule.Class, !staff)
			}
		}
	}
}
