package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/collector"
)

// keys returns the keys of a JSON object.
func keys(t *testing.T, x any) []string {
	t.Helper()
	m, ok := x.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", x)
	}
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

func wantKeys(t *testing.T, what string, x any, want ...string) {
	t.Helper()
	have := keys(t, x)
	for _, k := range want {
		if !slices.Contains(have, k) {
			t.Errorf("%s has no %q: %q", what, k, have)
		}
	}
}

// TestShapes: clients read these keys, and null where there is nothing to say.
func TestShapes(t *testing.T) {
	s := newSite(t)
	north := s.Posters[apptest.North].Code
	t.Run("a ticket carries the questionnaire as this response is to see it", func(t *testing.T) {
		r := call(t, anybody(), "POST", s.url+"/api/v1/collectors/"+north+"/tickets", nil)
		if r.status != http.StatusCreated {
			t.Fatal(r)
		}
		q := r.field(t, "questionnaire").(map[string]any)
		if q["id"] != s.Wave.QuestionnaireID || q["version"] == nil {
			t.Errorf("questionnaire %v version %v", q["id"], q["version"])
		}
		for _, x := range q["questions"].([]any) {
			m := x.(map[string]any)
			wantKeys(t, "question "+m["id"].(string), m, "id", "type", "required", "options", "min", "max", "show_if")
			options, ok := m["options"].([]any)
			if !ok || (m["type"] == "text") != (len(options) == 0) {
				t.Errorf("options of %v: %v", m["id"], m["options"])
			}
			for _, o := range options {
				wantKeys(t, "option", o, "code", "text")
			}
		}
	})
	t.Run("options that turn come in the order of the response", func(t *testing.T) {
		orders := map[string]bool{}
		for range 40 {
			r := call(t, anybody(), "POST", s.url+"/api/v1/collectors/"+north+"/tickets", nil)
			for _, x := range r.field(t, "questionnaire").(map[string]any)["questions"].([]any) {
				if m := x.(map[string]any); m["id"] == "q3" {
					order, _ := json.Marshal(m["options"])
					orders[string(order)] = true
					options := m["options"].([]any)
					if last := options[len(options)-1].(map[string]any); last["code"] != "dk" {
						t.Fatalf("don't know is not last: %s", order)
					}
				}
			}
		}
		if len(orders) < 3 {
			t.Errorf("%d orders in 40 tickets", len(orders))
		}
	})
	office := s.as(t, "office", "office", apptest.City)
	t.Run("a score has every key even when it is withheld", func(t *testing.T) {
		url, body := s.submission(t, north, nil)
		if r := call(t, anybody(), "POST", url, body); r.status != 201 {
			t.Fatal(r)
		}
		if err := s.Scores.RefreshStale(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := call(t, office, "GET", s.url+"/api/v1/waves/"+s.Wave.ID+"/scores", nil)
		var all map[string]any
		if err := json.Unmarshal([]byte(r.body), &all); err != nil {
			t.Fatal(err)
		}
		wantKeys(t, "the reply", all, "wave", "run", "as_of", "recipe", "scores")
		wantKeys(t, "the recipe", all["recipe"], "code", "version")
		for _, x := range all["scores"].([]any) {
			wantKeys(t, "a score", x, "area", "indicator", "mode", "n", "n_eff", "estimate", "se", "ci", "method", "deff", "rank", "suppressed", "smoothed", "reason")
			wantKeys(t, "an area", x.(map[string]any)["area"], "code", "name", "level")
			if m := x.(map[string]any); m["rank"] != nil || m["smoothed"] != nil {
				t.Errorf("a withheld score has a rank or a model's figure: %v", m)
			}
		}
	})
	t.Run("a code says when it ends", func(t *testing.T) {
		at := time.Date(2026, 11, 24, 15, 30, 0, 0, time.UTC)
		made, err := s.Collectors.Create(t.Context(), survey.System, s.Wave, []collector.Spec{
			{Area: apptest.North, Channel: collector.WeChat, Slot: 1, Place: "公众号", ExpiresAt: &at}})
		if err != nil {
			t.Fatal(err)
		}
		r := call(t, office, "GET", s.url+"/api/v1/collectors?wave="+s.Wave.ID+"&area="+apptest.North, nil)
		found := 0
		for _, x := range r.field(t, "collectors").([]any) {
			m := x.(map[string]any)
			wantKeys(t, "a code", m, "code", "area", "channel", "expires_at")
			switch {
			case m["code"] == made[0].Code && m["expires_at"] == "2026-11-24T23:30:00+08:00":
				found++
			case m["code"] == north && m["expires_at"] == nil:
				found++
			}
		}
		if found != 2 {
			t.Error(r.body)
		}
	})
	t.Run("problems have one type whoever refuses", func(t *testing.T) {
		for _, path := range []string{"/api/v1/nothing", "/api/v1/waves/x", "/api/v1/waves/" + s.Wave.ID + "/scores?level=x"} {
			r := call(t, office, "GET", s.url+path, nil)
			if got := r.header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("%s: %d %s", path, r.status, got)
			}
			wantKeys(t, path, mustJSON(t, r.body), "type", "title", "status", "code", "request_id")
		}
	})
}

func mustJSON(t *testing.T, text string) any {
	t.Helper()
	var x any
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return x
}
