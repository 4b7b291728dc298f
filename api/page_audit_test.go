package api_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// kindsOf returns the kinds of the events by a person, the oldest first.
func (s *site) kindsOf(t *testing.T, login, kind string) []event.Event {
	t.Helper()
	var list []event.Event
	if err := s.DB.Read(t.Context()).Where("actor = ? AND kind = ?", login, kind).Order("seq").Find(&list).Error; err != nil {
		t.Fatal(err)
	}
	return list
}

func (s *site) record(t *testing.T, who survey.Actor, e event.Entry) {
	t.Helper()
	if err := s.DB.InTx(t.Context(), func(tx *store.Tx) error { return event.Write(tx, who, e) }); err != nil {
		t.Fatal(err)
	}
}

func TestAuditPage(t *testing.T) {
	s := newSite(t)
	auditor := s.as(t, "auditor", "auditor", survey.Everywhere)
	t.Run("an auditor finds what was done, in words", func(t *testing.T) {
		page(t, auditor, s.url+"/audit?lang=zh").want(t, 200, "审计记录", "新建二维码", "登录", "立即校验")
		page(t, auditor, s.url+"/audit?lang=en").want(t, 200, "Audit trail", "Codes made", "Verify now")
	})
	t.Run("a search narrows the list", func(t *testing.T) {
		for query, want := range map[string]bool{
			"kind=wave.created": true, "kind=wave.": true, "kind=score.published": false, "person=office": true, "person=nobody": false, "result=done": true, "result=failed": false,
			"object=" + s.Wave.ID: true, "object=x": false, "area=" + apptest.City: true, "area=" + apptest.North: false, "source=192.0.2.9": false, "from=2026-11-01": true, "from=2026-11-02": false,
			"to=2026-10-31": false, "to=2026-11-01": true,
		} {
			// The wave of the cast, which the office made in the city.
			r := call(t, auditor, "GET", s.url+"/api/v1/events?limit=1000&kind=wave.created&"+apiQuery(query), nil)
			if r.status != 200 || strings.Contains(r.body, `"wave.created"`) != want {
				t.Errorf("%s: %d %s", query, r.status, r.body)
			}
			p := page(t, auditor, s.url+"/audit?lang=en&object="+s.Wave.ID+"&"+query)
			if p.status != 200 || !strings.HasPrefix(query, "object") && !strings.HasPrefix(query, "area") && strings.Contains(p.body, `Wave made</a>`) != want {
				t.Errorf("page %s: %d", query, p.status)
			}
		}
	})
	t.Run("what is wrong in a search is named", func(t *testing.T) {
		for query, field := range map[string]string{"from=yesterday": "from", "area=99": "area", "cursor=x": "cursor"} {
			if r := call(t, auditor, "GET", s.url+"/audit?"+query, nil); r.status != 422 || !strings.Contains(r.body, `"path":"`+field+`"`) {
				t.Errorf("%s: %d %s", query, r.status, r.body)
			}
		}
	})
	t.Run("pages follow each other without loss", func(t *testing.T) {
		for i := range 7 {
			s.record(t, survey.As("pat", "office", apptest.City), event.Entry{Kind: "wave.created", Object: fmt.Sprint("many", i)})
		}
		seen, next := map[string]bool{}, ""
		for range 10 {
			r := call(t, auditor, "GET", s.url+"/api/v1/events?limit=3&person=pat"+next, nil)
			for _, m := range regexp.MustCompile(`"object":"(many\d)"`).FindAllStringSubmatch(r.body, -1) {
				if seen[m[1]] {
					t.Errorf("%s twice", m[1])
				}
				seen[m[1]] = true
			}
			c, more := r.field(t, "cursor").(string)
			if !more {
				break
			}
			next = "&cursor=" + c
		}
		if len(seen) != 7 {
			t.Fatal(seen)
		}
	})
	t.Run("one event is shown with all that is kept, and harmless", func(t *testing.T) {
		s.record(t, survey.As("pat", "office", apptest.City), event.Entry{Kind: "collector.revoked", Object: "shown", Payload: map[string]string{"why": "<script>alert(1)</script>"}})
		e := s.kindsOf(t, "pat", "collector.revoked")[0]
		p := page(t, auditor, s.url+"/audit/events/"+e.ID+"?lang=en")
		p.want(t, 200, "Code withdrawn", "shown", e.MAC, e.KeyID, e.ID)
		if strings.Contains(p.body, "<script>alert") {
			t.Error("a script got into the page")
		}
	})
	t.Run("verifying says that all is right, and is an event", func(t *testing.T) {
		p := post(t, auditor, s.url+"/audit/verify?lang=en", url.Values{})
		p.want(t, 200, "Verified:", "End of the chain")
		if n := len(s.kindsOf(t, "auditor", event.Verified)); n != 1 {
			t.Fatal(n)
		}
	})
	t.Run("verifying names the first row that is wrong", func(t *testing.T) {
		if err := s.DB.InTx(t.Context(), func(tx *store.Tx) error { return tx.Exec("UPDATE events SET actor = 'eve' WHERE seq = 3").Error }); err != nil {
			t.Fatal(err)
		}
		post(t, auditor, s.url+"/audit/verify?lang=en", url.Values{}).want(t, 200, "Not right from entry 3 on", "changed or moved")
		if list := s.kindsOf(t, "auditor", event.Verified); len(list) != 2 || list[1].Result != event.Failed {
			t.Fatal(list)
		}
	})
	t.Run("nobody else reads, verifies or exports", func(t *testing.T) {
		for _, role := range survey.RoleCodes() {
			if role == "auditor" {
				continue
			}
			c := s.as(t, "x-"+role, role, survey.Everywhere)
			for _, r := range []reply{call(t, c, "GET", s.url+"/audit", nil), call(t, c, "GET", s.url+"/api/v1/events", nil), post(t, c, s.url+"/audit/verify", nil),
				post(t, c, s.url+"/audit/export", url.Values{"format": {"csv"}})} {
				if r.status != 403 || strings.Contains(r.body, "wave.created") {
					t.Errorf("%s: %d", role, r.status)
				}
			}
		}
	})
}

// apiQuery writes the days of the page's search as the times of the API.
func apiQuery(q string) string {
	name, day, _ := strings.Cut(q, "=")
	if t, err := time.ParseInLocation(time.DateOnly, day, static.China); err == nil {
		if name == "to" {
			t = t.AddDate(0, 0, 1)
		}
		return name + "=" + url.QueryEscape(t.Format(time.RFC3339))
	}
	if name == "kind" { // the kind is fixed already
		return "person=" + map[bool]string{true: "office", false: "nobody"}[strings.HasPrefix("wave.created", day)]
	}
	return q
}

// TestAuditScope: what an auditor of a district sees.
func TestAuditScope(t *testing.T) {
	s := newSite(t)
	inEast := s.Person(t, "ina", "office", apptest.East)
	outside := s.Person(t, "otto", "office", apptest.City)
	s.record(t, inEast, event.Entry{Kind: "wave.created", Object: "by-ours-anywhere"})
	s.record(t, outside, event.Entry{Kind: "wave.created", Object: "at-ours-by-others", Area: apptest.North})
	s.record(t, outside, event.Entry{Kind: "wave.created", Object: "elsewhere", Area: "990103001001"})
	s.record(t, outside, event.Entry{Kind: "wave.created", Object: "nowhere"})
	s.record(t, survey.System, event.Entry{Kind: event.Pruned, Object: "of-the-platform"})
	auditor := s.as(t, "aud-east", "auditor", apptest.East)
	r := call(t, auditor, "GET", s.url+"/api/v1/events?limit=1000", nil)
	for object, want := range map[string]bool{"by-ours-anywhere": true, "at-ours-by-others": true, "elsewhere": false, "nowhere": false, "of-the-platform": false} {
		if strings.Contains(r.body, object) != want {
			t.Errorf("%s is seen: %v", object, !want)
		}
	}
	t.Run("a filter does not widen it", func(t *testing.T) {
		for _, q := range []string{"object=elsewhere", "person=otto&object=nowhere", "area=" + apptest.City + "&object=elsewhere"} {
			if r := call(t, auditor, "GET", s.url+"/api/v1/events?"+q, nil); r.status != 200 || !strings.Contains(r.body, `"events":[]`) {
				t.Errorf("%s: %s", q, r.body)
			}
		}
	})
	t.Run("an event outside does not exist", func(t *testing.T) {
		var e event.Event
		if err := s.DB.Read(t.Context()).Where("object = ?", "elsewhere").Take(&e).Error; err != nil {
			t.Fatal(err)
		}
		if r := call(t, auditor, "GET", s.url+"/audit/events/"+e.ID, nil); r.status != 404 || strings.Contains(r.body, "otto") {
			t.Fatal(r)
		}
	})
	t.Run("of a wrong row outside only the number is told", func(t *testing.T) {
		post(t, auditor, s.url+"/audit/verify?lang=en", nil).want(t, 200, "Verified:")
		var e event.Event
		if err := s.DB.Read(t.Context()).Where("object = ?", "elsewhere").Take(&e).Error; err != nil {
			t.Fatal(err)
		}
		payload := func(p string) {
			t.Helper()
			if err := s.DB.InTx(t.Context(), func(tx *store.Tx) error { return tx.Exec("UPDATE events SET payload = ? WHERE id = ?", p, e.ID).Error }); err != nil {
				t.Fatal(err)
			}
		}
		payload("{}")
		r := post(t, auditor, s.url+"/audit/verify?lang=en", nil)
		payload(e.Payload)
		r.want(t, 200, "Not right from entry", "changed or moved")
		if strings.Contains(r.body, "/audit/events/"+e.ID) {
			t.Error("a row of others is named")
		}
	})
	t.Run("an export holds the same", func(t *testing.T) {
		r := post(t, auditor, s.url+"/audit/export", url.Values{"format": {"csv"}})
		if r.status != 200 || !strings.Contains(r.body, "by-ours-anywhere") || strings.Contains(r.body, "elsewhere") || strings.Contains(r.body, "nowhere") {
			t.Fatal(r.body)
		}
	})
}

func TestAuditExport(t *testing.T) {
	s := newSite(t)
	auditor := s.as(t, "auditor", "auditor", survey.Everywhere)
	const formula = "=cmd|' /C calc'!A0"
	for range 2300 { // more than two pages
		s.record(t, survey.As("pat", "office", apptest.City), event.Entry{Kind: "wave.created", Object: formula})
	}
	export := func(format string) reply {
		t.Helper()
		return post(t, auditor, s.url+"/audit/export?person=pat", url.Values{"format": {format}})
	}
	t.Run("CSV holds every event once, without formulas", func(t *testing.T) {
		r := export("csv")
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(r.body, "\uFEFF"))).ReadAll()
		if err != nil || len(rows) != 2301 || rows[0][0] != "seq" || rows[1][9] != "'"+formula {
			t.Fatal(len(rows), err)
		}
	})
	t.Run("Excel holds the same as texts", func(t *testing.T) {
		r := export("xlsx")
		x, err := excelize.OpenReader(bytes.NewReader([]byte(r.body)))
		if err != nil {
			t.Fatal(err, r.status)
		}
		defer x.Close()
		rows, err := x.GetRows("Sheet1")
		f, _ := x.GetCellFormula("Sheet1", "J2")
		if err != nil || len(rows) != 2301 || rows[1][9] != formula || f != "" {
			t.Fatal(len(rows), err, f)
		}
	})
	t.Run("another format is refused", func(t *testing.T) {
		if r := export("pdf"); r.status != 422 || strings.Contains(r.header.Get("Content-Disposition"), "attachment") {
			t.Fatal(r)
		}
	})
	if list := s.kindsOf(t, "auditor", event.Exported); len(list) != 2 || !strings.Contains(list[0].Payload, `"person":"pat"`) {
		t.Error(list)
	}
}

func TestRefusalsAreEvents(t *testing.T) {
	s := newSite(t)
	refused := func(login string) (out []string) {
		for _, e := range s.kindsOf(t, login, event.AccessRefused) {
			if e.Result != event.Refused || e.Source == "" || e.RequestID == "" {
				t.Errorf("%+v", e)
			}
			out = append(out, e.Object+" "+e.Payload)
		}
		return out
	}
	t.Run("what a person may not do", func(t *testing.T) {
		viewer := s.as(t, "vera", "viewer", apptest.North)
		for range 5 {
			call(t, viewer, "GET", s.url+"/api/v1/waves/"+s.Wave.ID+"/responses.csv", nil)
		}
		if list := refused("vera"); len(list) != 1 || !strings.Contains(list[0], s.Wave.ID) || !strings.Contains(list[0], `"status":403`) {
			t.Fatal(list)
		}
		s.Advance(2 * time.Minute)
		call(t, viewer, "GET", s.url+"/api/v1/waves/"+s.Wave.ID+"/responses.csv", nil)
		if list := refused("vera"); len(list) != 2 || !strings.Contains(list[1], `"repeated":4`) {
			t.Fatal(list)
		}
	})
	t.Run("what to a person does not exist", func(t *testing.T) {
		north := s.as(t, "nora", "community", apptest.North)
		call(t, north, "GET", s.url+"/collectors/"+s.Posters[apptest.South].Code+"/sheet", nil)
		call(t, north, "GET", s.url+"/api/v1/areas?parent="+apptest.South, nil)
		call(t, north, "GET", s.url+"/nothing/here", nil)
		if list := refused("nora"); len(list) != 2 || !strings.HasPrefix(list[0], s.Posters[apptest.South].Code) || !strings.HasPrefix(list[1], apptest.South) {
			t.Fatal(list)
		}
	})
	t.Run("somebody who tries one id after the other does not flood the trail", func(t *testing.T) {
		north := s.as(t, "nils", "community", apptest.North)
		for i := range 100 {
			call(t, north, "GET", s.url+fmt.Sprintf("/api/v1/areas?parent=9901030%05d", i), nil)
		}
		if n := len(refused("nils")); n != 60 {
			t.Fatal(n)
		}
	})
	t.Run("strangers are counted, not written down", func(t *testing.T) {
		var before, after int64
		s.DB.Read(t.Context()).Model(&event.Event{}).Count(&before)
		for range 3 {
			call(t, anybody(), "GET", s.url+"/api/v1/events", nil)
		}
		s.DB.Read(t.Context()).Model(&event.Event{}).Count(&after)
		if before != after {
			t.Fatal(after - before)
		}
		r := call(t, anybody(), "GET", s.url+"/metrics", nil)
		for _, want := range []string{`chengyin_refusals_total{who="anonymous"} 3`, fmt.Sprintf("chengyin_events %d", after), "chengyin_jobs_waiting 0", "chengyin_jobs_oldest_seconds 0"} {
			if !strings.Contains(r.body, want) {
				t.Errorf("%q is missing in the metrics", want)
			}
		}
	})
}

// TestEveryKindOfEventHasWords reads the kinds out of the source of the services.
func TestEveryKindOfEventHasWords(t *testing.T) {
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	files, _ := filepath.Glob("../survey/*/*.go")
	more, _ := filepath.Glob("*.go")
	written := regexp.MustCompile(`(?:event\.Append\([^"\n]*|Kind: +|(?:kind|[A-Z][A-Za-z]+|begun|filled) +:?= +|kind, [a-zA-Z.]+ = )"([a-z]+\.[a-z_]+)"`)
	for _, f := range slices.Concat(files, more) {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") || !bytes.Contains(raw, []byte("event")) {
			continue
		}
		for _, m := range written.FindAllStringSubmatch(string(raw), -1) {
			kinds[m[1]] = true
		}
	}
	if len(kinds) < 20 {
		t.Fatalf("found only %d kinds: %v", len(kinds), kinds)
	}
	site := newSite(t)
	choices := page(t, site.as(t, "auditor", "auditor", survey.Everywhere), site.url+"/audit")
	for k := range kinds {
		if !strings.Contains(choices.body, `<option value="`+k+`"`) {
			t.Errorf("%s cannot be searched for (auditKinds)", k)
		}
		for _, lang := range static.Languages {
			if !st.Has(lang, "console.audit.kind."+k) {
				t.Errorf("%s: no words for events of the kind %s (static/locale/%s/audit.json, and auditKinds)", lang, k, lang)
			}
		}
	}
}
