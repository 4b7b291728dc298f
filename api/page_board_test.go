package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"chengyin/survey/apptest"
	"chengyin/survey/questionnaire"
)

// answer sends n answers to the poster of a community and refreshes the scores.
func (s *site) answer(t *testing.T, community string, n int, change questionnaire.Answers) {
	t.Helper()
	for range n {
		address, body := s.submission(t, s.Posters[community].Code, change)
		if r := call(t, anybody(), "POST", address, body); r.status != http.StatusCreated {
			t.Fatal(r)
		}
	}
	if err := s.Scores.RefreshStale(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// cell returns what stands in a field of the board; "" when there is none.
func (r reply) cell(area, indicator, field string) string {
	m := regexp.MustCompile(fmt.Sprintf(`data-area="%s" data-indicator="%s" data-field="%s">([^<]*)<`, area, indicator, field)).FindStringSubmatch(r.body)
	if m == nil {
		return ""
	}
	return m[1]
}

func TestBoardBeforeTheFirstAnswer(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	for name, prepare := range map[string]func(){
		"before the first run": func() {},
		"after an empty run": func() {
			if err := s.Scores.RefreshStale(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			prepare()
			page(t, ana, s.url+"/board").want(t, 200, "还没有答卷", "/collectors?", "data-events=", "!data-field", "!还没有人口底册")
		})
	}
	page(t, s.as(t, "vi", "viewer", apptest.City), s.url+"/board").want(t, 200, "还没有答卷")
}

func TestBoard(t *testing.T) {
	s := newSite(t)
	s.answer(t, apptest.North, 9, nil)
	s.answer(t, apptest.North, 9, questionnaire.Answers{"q1": "unknown"})
	s.answer(t, apptest.South, 3, nil)
	ana := s.as(t, "ana", "office", apptest.City)

	t.Run("shows the place and the places one level down", func(t *testing.T) {
		r := page(t, ana, s.url+"/board")
		r.want(t, 200, "测试市", "东区", "知晓率", "参与率", "满意度", "满意率", "95%置信区间", "有效样本量", "设计效应", "这些数字怎么来的")
		if got := r.cell(apptest.City, "awareness", "n"); got != "21" {
			t.Errorf("n of the city %q", got)
		}
		if got := r.cell(apptest.East, "awareness", "estimate"); !regexp.MustCompile(`^\d+\.\d$`).MatchString(got) {
			t.Errorf("estimate of the district %q", got)
		}
	})
	t.Run("links lead down and up again", func(t *testing.T) {
		r := page(t, ana, s.url+"/board?area="+apptest.Riverside)
		r.want(t, 200, "area="+apptest.North, "area="+apptest.East, "北社区", "南社区")
		r = page(t, ana, s.url+"/board?area="+apptest.North)
		r.want(t, 200, "北社区", "查看本社区的二维码", "!<tbody role")
		if got := r.cell(apptest.North, "awareness", "n"); got != "隐去" { // with the subdistrict's it would tell the neighbour's 3
			t.Errorf("n of the community %q", got)
		}
		if got := r.cell(apptest.North, "awareness", "estimate"); !regexp.MustCompile(`^\d+\.\d$`).MatchString(got) {
			t.Errorf("estimate of the community %q", got)
		}
	})
	t.Run("small cells are told nowhere", func(t *testing.T) {
		for _, path := range []string{"?area=" + apptest.Riverside, "?area=" + apptest.South, "?mode=visit", "?mode=scan&area=" + apptest.Riverside} {
			for _, header := range []string{"0", "1"} {
				r := page(t, ana, s.url+"/board"+path, "X-Fragment", header)
				r.want(t, 200)
				if bad := regexp.MustCompile(`data-field="n">[1-4]<`).FindString(r.body); bad != "" {
					t.Errorf("%s shows %s", path, bad)
				}
				if got := r.cell(apptest.South, "awareness", "estimate"); got != "" {
					t.Errorf("%s shows %s from three answers", path, got)
				}
			}
		}
		r := page(t, ana, s.url+"/board?area="+apptest.Riverside)
		r.want(t, 200, "样本不足（n&lt;10）")
		if got := r.cell(apptest.South, "awareness", "n"); got != "&lt;5" {
			t.Errorf("n of the small community: %q", got)
		}
	})
	t.Run("each mode says what it assumes", func(t *testing.T) {
		page(t, ana, s.url+"/board").want(t, 200, "合成：")
		page(t, ana, s.url+"/board?mode=scan").want(t, 200, "仅代表扫码者，模型推算")
		page(t, ana, s.url+"/board?mode=visit").want(t, 200, "入户：", "尚无答卷")
		page(t, ana, s.url+"/board?mode=other").want(t, 200, "合成：")
	})
	t.Run("places stand by code unless the reader asks otherwise, those without a figure last", func(t *testing.T) {
		for sort, first := range map[string]string{"": apptest.North, "-": apptest.South, "awareness": apptest.North, "-awareness": apptest.North, "name": apptest.North, "-name": apptest.South, "nonsense": apptest.North} {
			r := page(t, ana, s.url+"/board?area="+apptest.Riverside+"&sort="+sort)
			if m := regexp.MustCompile(`id="row-(\d+)"`).FindStringSubmatch(r.body); m == nil || m[1] != first {
				t.Errorf("sort=%s: first %v, want %s", sort, m, first)
			}
		}
	})
	t.Run("a fragment is the content alone", func(t *testing.T) {
		r := page(t, ana, s.url+"/board", "X-Fragment", "1")
		r.want(t, 200, "!<html", "!<header", `<main id="main"`)
		if r.header.Get("X-Fragment") != "1" || !strings.Contains(r.header.Get("Vary"), "X-Fragment") {
			t.Error(r.header)
		}
		page(t, ana, s.url+"/board").want(t, 200, `http-equiv="refresh"`)
	})
	t.Run("in English", func(t *testing.T) {
		page(t, ana, s.url+"/board?lang=en").want(t, 200, "Testing", "Awareness", "Design effect", "!console.board", "!console.mode")
		page(t, ana, s.url+"/board?lang=zh").want(t, 200, "!console.role", "!console.board")
	})
}

func TestBoardScopes(t *testing.T) {
	s := newSite(t)
	s.answer(t, apptest.North, 12, nil)
	river := s.as(t, "river", "subdistrict", apptest.Riverside)
	north := s.as(t, "north", "community", apptest.North)
	ana := s.as(t, "ana", "office", apptest.City)
	wave := s.Wave.ID
	for _, c := range []struct {
		name   string
		client *http.Client
		path   string
		status int
		texts  []string
	}{
		{"a subdistrict begins at itself", river, "/board", 200, []string{"<h1>河畔街道</h1>", "北社区", "!area=" + apptest.City}},
		{"a subdistrict does not see its district", river, "/board?area=" + apptest.East, 404, []string{"!data-field"}},
		{"nor the city", river, "/board?area=" + apptest.City, 404, []string{"!data-field"}},
		{"a community begins at itself", north, "/board", 200, []string{"<h1>北社区</h1>", "!南社区"}},
		{"a community does not see its neighbour", north, "/board?area=" + apptest.South, 404, []string{"!data-field"}},
		{"nor its neighbour's posters", north, "/collectors?area=" + apptest.South, 404, []string{"!" + s.Posters[apptest.South].Code}},
		{"nor one of them", north, "/collectors/" + s.Posters[apptest.South].Code + "/sheet", 404, nil},
		{"nor its picture", north, "/collectors/" + s.Posters[apptest.South].Code + "/qr.png", 404, nil},
		{"nor people elsewhere", north, "/areas?parent=" + apptest.Riverside, 404, nil},
		{"a place that there is not", ana, "/board?area=990199000000", 404, nil},
		{"a place of another city", ana, "/board?area=990200000000", 404, nil},
		{"a code that is none", ana, "/board?area=x%25", 404, nil},
		{"a wave that there is not", ana, "/board?wave=nothing", 404, nil},
		{"a wave by its id", ana, "/board?wave=" + wave, 200, []string{"四季度"}},
		{"events of a wave that there is not", ana, "/board/events?wave=nothing", 404, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			page(t, c.client, s.url+c.path).want(t, c.status, c.texts...)
		})
	}
	for role, text := range map[string]string{"sysadmin": "三员分立", "secadmin": "三员分立", "auditor": "三员分立", "worker": "不查看测评数据", "unit": "不查看测评数据"} {
		t.Run(role+" sees no figures, and why", func(t *testing.T) {
			client := s.as(t, role, role, apptest.City)
			page(t, client, s.url+"/board").want(t, 403, text, "!data-field", "!北社区")
			page(t, client, s.url+"/board/events?wave="+wave).want(t, 403)
			page(t, client, s.url+"/collectors").want(t, 403, "!"+s.Posters[apptest.North].Code)
		})
	}
}

func TestBoardEvents(t *testing.T) {
	s := newSite(t)
	s.answer(t, apptest.North, 1, nil)
	ana := s.as(t, "ana", "office", apptest.City)
	ctx, leave := context.WithTimeout(t.Context(), 10*time.Second)
	defer leave()
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/board/events?wave="+s.Wave.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := ana.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || ct != "text/event-stream; charset=utf-8" {
		t.Fatal(resp.Status, ct)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if run, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return run
			}
		}
		t.Fatal("the stream ended: ", lines.Err())
		return ""
	}
	first := next()
	if r := page(t, ana, s.url+"/board"); !strings.Contains(r.body, `data-run="`+first+`"`) {
		t.Error("the page does not show the run that the event names")
	}
	s.answer(t, apptest.North, 1, nil)
	second := next()
	if second == first {
		t.Error("the same run twice")
	}
	page(t, ana, s.url+"/board", "X-Fragment", "1").want(t, 200, `data-run="`+second+`"`)
	leave()
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			t.Errorf("after the reader has left: %q", lines.Text())
		}
	}
}
