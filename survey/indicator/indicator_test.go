package indicator_test

import (
	"fmt"
	"math"
	"testing"

	"chengyin/survey"
	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
)

// resident returns the answers of a resident in the base, with changes given as
// pairs of question and answer.
func resident(changes ...any) questionnaire.Answers {
	a := questionnaire.Answers{"residence": "half_year", "age": "a40", "sex": "f"}
	for i := 0; i < len(changes); i += 2 {
		a[changes[i].(string)] = changes[i+1]
	}
	return a
}

var (
	outside  = indicator.Value{}
	unknown  = indicator.Value{DK: true}
	inBase   = func(y float64) indicator.Value { return indicator.Value{Y: y, OK: true} }
	activity = func(codes ...string) []string { return codes }
)

func TestDefault(t *testing.T) {
	d, r := questionnaire.Default(), indicator.Default()
	if r.Code != "two-rates" || r.Version != 1 || r.MinN != 10 {
		t.Errorf("got %s v%d with at least %d", r.Code, r.Version, r.MinN)
	}
	for _, c := range []struct {
		name      string
		answers   questionnaire.Answers
		indicator string
		want      indicator.Value
	}{
		{"knew", resident("q1", "know"), "awareness", inBase(100)},
		{"having heard is not knowing", resident("q1", "heard"), "awareness", inBase(0)},
		{"did not know", resident("q1", "unknown"), "awareness", inBase(0)},
		{"not answered", resident(), "awareness", outside},
		{"took part in something listed", resident("q6", "yes", "q7", activity("other", "donate")), "participation", inBase(100)},
		{"took no part", resident("q6", "no"), "participation", inBase(0)},
		{"cannot say", resident("q6", "dk"), "participation", unknown},
		{"took part in nothing listed", resident("q6", "yes", "q7", activity("other")), "participation", outside},
		{"took part, but did not say in what", resident("q6", "yes"), "participation", outside},
		{"an activity without having taken part does not count", resident("q6", "no", "q7", activity("donate")), "participation", inBase(0)},
		{"an activity alone does not count", resident("q7", activity("donate")), "participation", outside},
		{"very satisfied", resident("q18", "5"), "satisfaction", inBase(100)},
		{"fairly satisfied", resident("q18", "4"), "satisfaction", inBase(75)},
		{"neither", resident("q18", "3"), "satisfaction", inBase(50)},
		{"not very satisfied", resident("q18", "2"), "satisfaction", inBase(25)},
		{"not satisfied", resident("q18", "1"), "satisfaction", inBase(0)},
		{"cannot say how satisfied", resident("q18", "dk"), "satisfaction", unknown},
		{"fairly satisfied is in the top two", resident("q18", "4"), "satisfaction_top2", inBase(100)},
		{"neither is not in the top two", resident("q18", "3"), "satisfaction_top2", inBase(0)},
		{"a newcomer is not counted", resident("residence", "newcomer", "q1", "know"), "awareness", outside},
		{"a child is not counted", resident("age", "u18", "q1", "know"), "awareness", outside},
		{"whoever does not say how old is not counted as a child", questionnaire.Answers{"residence": "half_year", "q1": "know"}, "awareness", inBase(100)},
		{"nothing answered at all", questionnaire.Answers{}, "awareness", outside},
		{"an answer of the wrong type", resident("q1", 3.0), "awareness", outside},
	} {
		t.Run(c.name, func(t *testing.T) {
			values := r.Values(d, c.answers)
			if got := values[index(t, r, c.indicator)]; got != c.want {
				t.Errorf("%s: got %+v, want %+v", c.indicator, got, c.want)
			}
		})
	}
	if top2 := r.Indicators[index(t, r, "satisfaction_top2")]; top2.Companion != "satisfaction" {
		t.Errorf("the top two stand beside %q", top2.Companion)
	}
	for _, c := range []struct {
		answers questionnaire.Answers
		want    bool
	}{{resident(), true}, {resident("residence", "elsewhere"), false}, {resident("age", "u18"), false}, {questionnaire.Answers{"age": "a40"}, false}} {
		if got := r.InBase(d, c.answers); got != c.want {
			t.Errorf("%v: in the base is %t", c.answers, got)
		}
	}
}

func index(t *testing.T, r *indicator.Recipe, code string) int {
	t.Helper()
	for i := range r.Indicators {
		if r.Indicators[i].Code == code {
			return i
		}
	}
	t.Fatalf("%s has no indicator %s", r.Code, code)
	return -1
}

func TestDontKnow(t *testing.T) {
	d := questionnaire.Default()
	half := 50.0
	for _, c := range []struct {
		name string
		in   indicator.Indicator
		want indicator.Value
	}{
		{"included it counts 0", indicator.Indicator{DK: indicator.Include, Items: items("q18", 0)}, indicator.Value{OK: true, DK: true}},
		{"included it counts what the recipe says", indicator.Indicator{DK: indicator.Include, Items: []indicator.Item{
			{Question: "q18", Scores: map[string]float64{"5": 100, "dk": 40}}}}, indicator.Value{Y: 40, OK: true, DK: true}},
		{"included at the gate it counts 0", indicator.Indicator{DK: indicator.Include, Items: []indicator.Item{
			{Question: "q7", AnyOf: []string{"donate"}, Gate: &indicator.Gate{Question: "q6", Pass: []string{"yes"}}}}}, indicator.Value{OK: true, DK: true}},
		{"excluded it leaves no trace", indicator.Indicator{DK: indicator.Exclude, Items: items("q18", 0)}, outside},
		{"kept apart it leaves the base", indicator.Indicator{DK: indicator.Separate, Items: items("q18", 0)}, unknown},
		{"the score for any other answer is not for don't know", indicator.Indicator{DK: indicator.Separate, Items: []indicator.Item{
			{Question: "q18", Scores: map[string]float64{"5": 100}, Else: &half}}}, unknown},
		{"among the items that have a score it does not count", indicator.Indicator{DK: indicator.Separate, Items: append(items("q18", 0), items("q9", 0)...)}, inBase(75)},
		{"included among others it counts", indicator.Indicator{DK: indicator.Include, Items: append(items("q18", 0), items("q9", 0)...)}, inBase(37.5)},
		{"of a choice of several", indicator.Indicator{DK: indicator.Separate, Items: []indicator.Item{{Question: "q4", AnyOf: []string{"volunteer"}}}}, unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &indicator.Recipe{Indicators: []indicator.Indicator{c.in}}
			if got := r.Values(d, resident("q18", "dk", "q9", "4", "q6", "dk", "q4", []string{"dk"}))[0]; got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func items(question string, weight float64) []indicator.Item {
	return []indicator.Item{{Question: question, Weight: weight, Scores: map[string]float64{"5": 100, "4": 75, "3": 50, "2": 25, "1": 0}}}
}

func TestCombine(t *testing.T) {
	d := questionnaire.Default()
	weighted := append(append(items("q9", 25), items("q16", 20)...), items("q14", 15)...)
	zero := 0.0
	verified := []indicator.Item{
		{Question: "q1", Scores: map[string]float64{"know": 100}, Else: &zero},
		{Question: "q3", Scores: map[string]float64{"efficiency": 100}, Else: &zero},
		{Question: "q4", AnyOf: []string{"volunteer", "lecture", "culture"}, NoneOf: []string{"marriage"}, Else: &zero},
	}
	either := append(items("q18", 0), items("q17", 0)...)
	for _, c := range []struct {
		name    string
		combine string
		items   []indicator.Item
		answers questionnaire.Answers
		want    indicator.Value
	}{
		{"weights", indicator.Average, weighted, resident("q9", "5", "q16", "3", "q14", "1"), inBase((25*100 + 20*50) / 60.0)},
		{"weights are renormalised over the items answered", indicator.Average, weighted, resident("q9", "5", "q14", "1"), inBase(25 * 100 / 40.0)},
		{"a don't know is renormalised away as well", indicator.Average, weighted, resident("q9", "5", "q16", "dk", "q14", "1"), inBase(25 * 100 / 40.0)},
		{"no item answered", indicator.Average, weighted, resident(), outside},
		{"claimed and right", indicator.All, verified, resident("q1", "know", "q3", "efficiency", "q4", []string{"volunteer", "lecture"}), inBase(100)},
		{"claimed and wrong", indicator.All, verified, resident("q1", "know", "q3", "harmony", "q4", []string{"volunteer"}), inBase(0)},
		{"the false option spoils it", indicator.All, verified, resident("q1", "know", "q3", "efficiency", "q4", []string{"volunteer", "marriage"}), inBase(0)},
		{"one wrong answer decides, whatever is missing", indicator.All, verified, resident("q1", "unknown"), inBase(0)},
		{"right so far is not yet right", indicator.All, verified, resident("q1", "know", "q3", "efficiency"), outside},
		{"right so far, and then unsure", indicator.All, verified, resident("q1", "know", "q3", "efficiency", "q4", []string{"dk"}), unknown},
		{"either", indicator.Any, either, resident("q18", "2", "q17", "5"), inBase(100)},
		{"neither", indicator.Any, either, resident("q18", "2", "q17", "3"), inBase(0)},
		{"one is enough, whatever is missing", indicator.Any, either, resident("q18", "5"), inBase(100)},
		{"one is unknown and the other not enough", indicator.Any, either, resident("q18", "3", "q17", "dk"), unknown},
		{"one is missing and the other not enough", indicator.Any, either, resident("q18", "3"), outside},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &indicator.Recipe{Indicators: []indicator.Indicator{{DK: indicator.Separate, Combine: c.combine, Items: c.items}}}
			got := r.Values(d, c.answers)[0]
			if math.Abs(got.Y-c.want.Y) > 1e-12 || got.OK != c.want.OK || got.DK != c.want.DK {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestTaizhou reproduces the composite index of the five-water survey of 2015
// (台州晚报, 27 November 2015): 认知 83.01, 参与 42.30, 支持 96.44, 信心 88.91,
// 满意 83.81; with weights 20, 20, 10, 10, 40 they gave 77.12.
func TestTaizhou(t *testing.T) {
	indices := []struct {
		id     string
		weight float64
		score  int // of 10,000 people, how many count 100
		spread int // prime to 10,000, so that these are other people for each index
	}{{"aware", 20, 8301, 1}, {"part", 20, 4230, 3}, {"support", 10, 9644, 7}, {"trust", 10, 8891, 9}, {"satisfied", 40, 8381, 11}}
	d := new(questionnaire.Definition)
	in := indicator.Indicator{Kind: indicator.Mean, DK: indicator.Separate}
	for _, x := range indices {
		d.Questions = append(d.Questions, questionnaire.Question{ID: x.id, Type: questionnaire.Single, Options: []questionnaire.Option{{Code: "yes"}, {Code: "no"}}})
		in.Items = append(in.Items, indicator.Item{Question: x.id, Weight: x.weight, Scores: map[string]float64{"yes": 100, "no": 0}})
	}
	r := &indicator.Recipe{Indicators: []indicator.Indicator{in}}
	sum := 0.0
	for i := range 10_000 {
		a := questionnaire.Answers{}
		for _, x := range indices {
			a[x.id] = "no"
			if i*x.spread%10_000 < x.score {
				a[x.id] = "yes"
			}
		}
		sum += r.Values(d, a)[0].Y
	}
	if got := fmt.Sprintf("%.2f", sum/10_000); got != "77.12" {
		t.Errorf("got %s, want 77.12", got)
	}
}

// TestJinchang reproduces 满意率 93.91 % of 2011: of 160 people 79.38 % were
// satisfied, 19.38 % basically and 1.25 % not. Counted as satisfied or not, the
// same answers would have given 98.75 %; awareness was 159 of 160, 99.38 %.
func TestJinchang(t *testing.T) {
	d, r := questionnaire.Default(), preset(t, "jinchang")
	sums := make([]float64, len(r.Indicators))
	for i := range 160 {
		a := resident("q1", "know", "q18", "5")
		switch {
		case i >= 158:
			a["q18"] = "1"
		case i >= 127:
			a["q18"] = "4"
		}
		if i == 0 {
			a["q1"] = "unknown"
		}
		for j, v := range r.Values(d, a) {
			if !v.OK {
				t.Fatalf("%v is not in the base of %s", a, r.Indicators[j].Code)
			}
			sums[j] += v.Y
		}
	}
	for code, want := range map[string]string{"awareness": "99.38", "satisfaction": "93.91", "satisfaction_top2": "98.75"} {
		if got := fmt.Sprintf("%.2f", math.Round(sums[index(t, r, code)]/160*100)/100); got != want {
			t.Errorf("%s: got %s, want %s", code, got, want)
		}
	}
}

func preset(t *testing.T, code string) *indicator.Recipe {
	t.Helper()
	for _, r := range indicator.Presets() {
		if r.Code == code {
			return r
		}
	}
	t.Fatalf("no preset %s", code)
	return nil
}

// TestPresets shows what sets the presets apart: the same answers, another
// figure.
func TestPresets(t *testing.T) {
	d := questionnaire.Default()
	codes := map[string]bool{indicator.Default().Code: true}
	for _, r := range append(indicator.Presets(), indicator.Default()) {
		if wrong := r.Fits(d); wrong != nil {
			t.Errorf("%s does not fit the default questionnaire: %v", r.Code, wrong)
		}
		if r != indicator.Default() && (codes[r.Code] || r.Source.Empty()) {
			t.Errorf("%s: a second one of this code, or no source", r.Code)
		}
		codes[r.Code] = true
	}
	if len(codes) != 12 { // A to L of those seen without the quiz of 安康, and the default
		t.Errorf("got %d recipes", len(codes))
	}
	mixed := resident("q1", "heard", "q6", "yes", "q7", activity("other"), "q8", "4", "q9", "5", "q10", "4", "q11", "dk", "q12", "1", "q13", "3",
		"q14", "2", "q15", "dk", "q16", "4", "q17", "5", "q18", "3", "q3", "efficiency")
	for _, c := range []struct {
		recipe, indicator string
		want              indicator.Value
	}{
		{"taizhou", "awareness", inBase(50)},
		{"taizhou", "participation", inBase(0)},
		{"taizhou", "composite", inBase((40*50 + 20*50 + 20*0 + 10*75) / 90.0)},
		{"shandong", "satisfaction", inBase((100 + 75 + 55 + 75 + 55 + 75) / 6.0)},
		{"jinchang", "satisfaction", inBase(75)},
		{"yingde", "satisfaction", inBase(100)},
		{"tongxiang", "awareness", inBase(0)},
		{"tongxiang", "heard", inBase(100)},
		{"tongxiang", "participation", inBase(100)},
		{"tongxiang", "satisfaction", outside},
		{"qingyuan", "awareness", inBase(100)},
		{"qingyuan", "participation", outside},
		{"garden-city", "satisfaction", inBase((25*95 + 20*84.5 + 15*64.5) / 60.0)},
		{"yaan", "awareness", inBase(0)},
		{"yaan", "awareness_verified", outside},
		{"yaan", "awareness_both", inBase(0)},
		{"changsha", "satisfaction", inBase(100)},
		{"changsha", "satisfaction_alone", inBase(0)},
		{"ningbo", "satisfaction", inBase((100 + 75 + 0 + 50 + 25 + 75) / 6.0)},
		{"beijing", "satisfaction", inBase(50)},
		{"two-rates", "satisfaction", inBase(50)},
	} {
		r := indicator.Default()
		if c.recipe != r.Code {
			r = preset(t, c.recipe)
		}
		got := r.Values(d, mixed)[index(t, r, c.indicator)]
		if math.Abs(got.Y-c.want.Y) > 1e-12 || got.OK != c.want.OK || got.DK != c.want.DK {
			t.Errorf("%s %s: got %+v, want %+v", c.recipe, c.indicator, got, c.want)
		}
	}
	if got := preset(t, "yaan").Values(d, resident("q1", "know", "q3", "dk"))[1]; got != (indicator.Value{OK: true, DK: true}) {
		t.Errorf("yaan: not being sure is not being right: got %+v", got)
	}
}

func fields(wrong []survey.Field) string {
	s := ""
	for _, f := range wrong {
		s += f.Path + ":" + f.Code + " "
	}
	return s
}
