package indicator_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"chengyin/survey"
	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

func copyOfDefault(t *testing.T) *indicator.Recipe {
	t.Helper()
	raw, err := json.Marshal(indicator.Default())
	if err != nil {
		t.Fatal(err)
	}
	r, err := indicator.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The default recipe's indicators by place.
const (
	awareness = iota
	participation
	satisfaction
	top2
)

func TestValidate(t *testing.T) {
	some := 30.0
	for _, c := range []struct {
		name   string
		change func(r *indicator.Recipe)
		want   string
	}{
		{"nothing wrong", func(*indicator.Recipe) {}, ""},
		{"code", func(r *indicator.Recipe) { r.Code = "两率" }, "code:bad_id "},
		{"version", func(r *indicator.Recipe) { r.Version = -1 }, "version:out_of_range "},
		{"title", func(r *indicator.Recipe) { r.Title.ZH = "" }, "title.zh:missing "},
		{"a source in one language", func(r *indicator.Recipe) { r.Source.ZH = "某市" }, "source.en:missing "},
		{"a base that tests nothing", func(r *indicator.Recipe) { r.Base = &questionnaire.Cond{Question: "age"} }, "base:bad_condition "},
		{"no base is everybody", func(r *indicator.Recipe) { r.Base = nil }, ""},
		{"a negative least number", func(r *indicator.Recipe) { r.MinN = -1 }, "min_n:out_of_range "},
		{"no indicators", func(r *indicator.Recipe) { r.Indicators = nil }, "indicators:too_few "},
		{"an indicator twice", func(r *indicator.Recipe) { r.Indicators[participation].Code = "awareness" }, "indicators[1].code:duplicate "},
		{"an indicator's code", func(r *indicator.Recipe) { r.Indicators[awareness].Code = "A" }, "indicators[0].code:bad_id "},
		{"a companion of nobody", func(r *indicator.Recipe) { r.Indicators[top2].Companion = "happiness" }, "indicators[3].companion:unknown_indicator "},
		{"a companion of itself", func(r *indicator.Recipe) { r.Indicators[top2].Companion = "satisfaction_top2" }, "indicators[3].companion:unknown_indicator "},
		{"kind", func(r *indicator.Recipe) { r.Indicators[satisfaction].Kind = "rate" }, "indicators[2].kind:unknown_kind "},
		{"don't know", func(r *indicator.Recipe) { r.Indicators[satisfaction].DK = "" }, "indicators[2].dk:unknown_dk "},
		{"combination", func(r *indicator.Recipe) { r.Indicators[satisfaction].Combine = "some" }, "indicators[2].combine:unknown_combine "},
		{"no items", func(r *indicator.Recipe) { r.Indicators[satisfaction].Items = nil }, "indicators[2].items:too_few "},
		{"a negative weight", func(r *indicator.Recipe) { r.Indicators[satisfaction].Items[0].Weight = -1 }, "indicators[2].items[0].weight:out_of_range "},
		{"a weight that is no number", func(r *indicator.Recipe) { r.Indicators[satisfaction].Items[0].Weight = math.NaN() }, "indicators[2].items[0].weight:out_of_range "},
		{"more than 100", func(r *indicator.Recipe) { r.Indicators[satisfaction].Items[0].Scores["5"] = 101 }, "indicators[2].items[0].scores.5:out_of_range "},
		{"no number", func(r *indicator.Recipe) { r.Indicators[satisfaction].Items[0].Scores["5"] = math.NaN() }, "indicators[2].items[0].scores.5:out_of_range "},
		{"half a share", func(r *indicator.Recipe) { r.Indicators[awareness].Items[0].Scores["heard"] = 50 }, "indicators[0].items[0].scores.heard:not_share "},
		{"half a share for the others", func(r *indicator.Recipe) { r.Indicators[participation].Items[0].Else = &some }, "indicators[1].items[0].else:not_share "},
		{"a share of an average", func(r *indicator.Recipe) {
			r.Indicators[awareness].Items = append(r.Indicators[awareness].Items, r.Indicators[awareness].Items[0])
		}, "indicators[0].kind:not_share "},
		{"no scores", func(r *indicator.Recipe) { r.Indicators[awareness].Items[0].Scores = nil }, "indicators[0].items[0].scores:missing "},
		{"scores and a list", func(r *indicator.Recipe) { r.Indicators[awareness].Items[0].AnyOf = []string{"know"} }, "indicators[0].items[0].scores:misplaced "},
		{"a question's id", func(r *indicator.Recipe) { r.Indicators[awareness].Items[0].Question = "" }, "indicators[0].items[0].question:bad_id "},
		{"a gate that lets nobody pass", func(r *indicator.Recipe) { r.Indicators[participation].Items[0].Gate.Pass = nil }, "indicators[1].items[0].gate.pass:missing "},
		{"a gate that passes and settles", func(r *indicator.Recipe) { r.Indicators[participation].Items[0].Gate.Scores["yes"] = 100 }, "indicators[1].items[0].gate.scores.yes:duplicate "},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := copyOfDefault(t)
			c.change(r)
			if got := fields(r.Validate()); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFits(t *testing.T) {
	d := questionnaire.Default()
	for _, c := range []struct {
		name   string
		change func(r *indicator.Recipe)
		want   string
	}{
		{"nothing wrong", func(*indicator.Recipe) {}, ""},
		{"a base on no such option", func(r *indicator.Recipe) { r.Base = &questionnaire.Cond{Question: "age", In: []string{"a17"}} }, "base.in[0]:unknown_option "},
		{"a base on no such question", func(r *indicator.Recipe) { r.Base = &questionnaire.Cond{Question: "hukou", In: []string{"yes"}} }, "base.q:unknown_question "},
		{"no such question", func(r *indicator.Recipe) { r.Indicators[awareness].Items[0].Question = "q99" }, "indicators[0].items[0].question:unknown_question "},
		{"no such option", func(r *indicator.Recipe) { r.Indicators[awareness].Items[0].Scores["maybe"] = 0 }, "indicators[0].items[0].scores.maybe:unknown_option "},
		{"scores for a choice of several", func(r *indicator.Recipe) { r.Indicators[awareness].Items[0].Question = "q2" }, "indicators[0].items[0].question:wrong_type "},
		{"a list for a choice of one", func(r *indicator.Recipe) { r.Indicators[participation].Items[0].Question = "q1" }, "indicators[1].items[0].question:wrong_type "},
		{"no such activity", func(r *indicator.Recipe) { r.Indicators[participation].Items[0].AnyOf[0] = "poster" }, "indicators[1].items[0].any_of.poster:unknown_option "},
		{"no such gate", func(r *indicator.Recipe) { r.Indicators[participation].Items[0].Gate.Question = "q0" }, "indicators[1].items[0].gate.question:unknown_question "},
		{"no such way through the gate", func(r *indicator.Recipe) { r.Indicators[participation].Items[0].Gate.Pass[0] = "ja" }, "indicators[1].items[0].gate.pass.ja:unknown_option "},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := copyOfDefault(t)
			c.change(r)
			if got := fields(r.Fits(d)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for raw, want := range map[string]error{
		``: survey.ErrMalformed, `[]`: survey.ErrMalformed, `{"indicator":[]}`: survey.ErrMalformed, `{}`: survey.ErrInvalid,
		`{} {}`: survey.ErrMalformed, strings.Repeat(" ", 60_001): survey.ErrInvalid,
	} {
		if _, err := indicator.Parse([]byte(raw)); !errors.Is(err, want) {
			t.Errorf("%.20q: got %v, want %v", raw, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"code":"a","version":1,"title":{"zh":"a","en":"a"},"base":{"q":"age","in":["a40"]},"min_n":1,"indicators":[{"code":"a","name":{"zh":"a","en":"a"},
		"kind":"mean","dk":"include","items":[{"question":"q18","scores":{"5":100,"dk":1}},{"question":"q7","gate":{"question":"q6","pass":["yes"]},"any_of":["other"],"else":3}]}]}`))
	d := questionnaire.Default()
	answers := []questionnaire.Answers{resident("q18", "dk", "q6", "yes", "q7", activity("other")), resident("q18", "5", "q6", "no"), {}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := indicator.Parse(raw)
		if err != nil {
			return
		}
		for _, a := range answers {
			for i, v := range r.Values(d, a) {
				if !(v.Y >= 0 && v.Y <= 100) || !v.OK && v.Y != 0 {
					t.Fatalf("%s: %+v", r.Indicators[i].Code, v)
				}
				if r.Indicators[i].Kind == indicator.Share && v.Y != 0 && v.Y != 100 {
					t.Fatalf("a share is worth %v", v.Y)
				}
			}
		}
	})
}

func TestService(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := indicator.New(db, survey.SystemClock)
		ids := map[string]bool{}
		for _, r := range append(indicator.Presets(), indicator.Default()) {
			id, err := s.Publish(ctx, r)
			if err != nil || ids[id] {
				t.Fatalf("%s: got %s, %v", r.Code, id, err)
			}
			ids[id] = true
			again, err := s.Publish(ctx, r)
			if err != nil || again != id {
				t.Errorf("%s again: got %s, %v", r.Code, again, err)
			}
			got, err := s.ByID(ctx, id)
			if err != nil || !reflect.DeepEqual(got, r) {
				t.Errorf("%s: got %+v, %v", r.Code, got, err)
			}
		}
		changed := copyOfDefault(t)
		changed.MinN = 5
		if _, err := s.Publish(ctx, changed); !errors.Is(err, indicator.ErrPublished) {
			t.Errorf("other content: got %v, want a conflict", err)
		}
		changed.Version, changed.MinN = 2, -5
		if _, err := s.Publish(ctx, changed); !errors.Is(err, survey.ErrInvalid) {
			t.Errorf("a broken recipe: got %v, want invalid", err)
		}
		if _, err := s.ByID(ctx, "不存在"); !errors.Is(err, survey.ErrNotFound) {
			t.Errorf("no such id: got %v, want not found", err)
		}
		if list, err := s.List(ctx); err != nil || len(list) != len(ids) {
			t.Errorf("got %d, %v, want %d", len(list), err, len(ids))
		}
	})
}
