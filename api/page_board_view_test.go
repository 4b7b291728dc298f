package api

import (
	"slices"
	"strings"
	"testing"

	"chengyin/static"
	"chengyin/survey/area"
	"chengyin/survey/indicator"
	"chengyin/survey/score"
)

func names(rows []rowView) string {
	var out []string
	for _, r := range rows {
		out = append(out, r.Name)
	}
	return strings.Join(out, " ")
}

func TestRowsAreOrderedAsReadersExpect(t *testing.T) {
	rows := []rowView{
		{Code: "3", Name: "长江街道", value: map[string]float64{"awareness": 50}},
		{Code: "1", Name: "安和街道", value: map[string]float64{}},
		{Code: "2", Name: "百花街道", value: map[string]float64{"awareness": 90}},
		{Code: "4", Name: "镇江镇", value: map[string]float64{"awareness": 90}},
	}
	for _, c := range []struct {
		name, by string
		down     bool
		want     string
	}{
		{"by code", "", false, "安和街道 百花街道 长江街道 镇江镇"},
		{"by name as in a dictionary", "name", false, "安和街道 百花街道 长江街道 镇江镇"},
		{"by name, turned round", "name", true, "镇江镇 长江街道 百花街道 安和街道"},
		{"by value, withheld ones last, equal ones by code", "awareness", true, "百花街道 镇江镇 长江街道 安和街道"},
		{"by value upwards, withheld ones last", "awareness", false, "长江街道 百花街道 镇江镇 安和街道"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := slices.Clone(rows)
			sortRows(got, c.by, c.down)
			if names(got) != c.want {
				t.Errorf("got %s, want %s", names(got), c.want)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	for n, want := range map[int]string{0: "0", 1: "<5", 4: "<5", 5: "5", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) is %q, want %q", n, got, want)
		}
	}
	for v, want := range map[float64]string{0.51512: "0.515", 1: "1", 3.9449: "3.94", 211.4: "211", 13100.4: "13,100"} {
		if got := significant(v); got != want {
			t.Errorf("significant(%g) is %q, want %q", v, got, want)
		}
	}
	if got := group(-1234); got != "-1,234" {
		t.Error(got)
	}
}

// TestAFigureThatIsWithheldLeavesNoNumberBehind: whatever the score still holds.
func TestAFigureThatIsWithheldLeavesNoNumberBehind(t *testing.T) {
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	v := 83.25
	b := boardMaker{a: &API{static: st}, lang: "zh", recipe: indicator.Default()}
	s := score.Score{Indicator: "awareness", Mode: "visit", N: 8, Estimate: &v, SE: &v, Low: &v, High: &v, NEff: &v, Deff: &v, DKShare: &v, Reason: score.TooFew, Flags: score.SmallSample}
	f := b.figure(s)
	if f.Withheld != "样本不足（n<10）" || f.N != "8" || f.Estimate+f.Between+f.NEff+f.Deff+f.DK+string(f.Strip) != "" || f.Flags != nil {
		t.Errorf("%+v", f)
	}
	s.Reason, s.N = "", 4
	if f := b.figure(s); f.Withheld == "" || f.N != "<5" || f.Estimate != "" {
		t.Errorf("four answers without a reason: %+v", f)
	}
	s.N = 400
	if f := b.figure(s); f.Withheld != "" || f.Estimate != "83.2" || len(f.Flags) != 1 || !strings.Contains(string(f.Strip), "83.25%") {
		t.Errorf("%+v", f)
	}
}

func TestFlagsOfAllFiguresAreSaidOnce(t *testing.T) {
	small, wide := flagView{"small", "s"}, flagView{"wide", "w"}
	r := rowView{Figures: []figureView{
		{Estimate: "1", Flags: []flagView{small, wide}},
		{Withheld: "too few"},
		{Estimate: "2", Flags: []flagView{small}},
	}}
	r.gather()
	if len(r.Flags) != 1 || r.Flags[0] != small || len(r.Figures[0].Flags) != 1 || r.Figures[0].Flags[0] != wide || len(r.Figures[2].Flags) != 0 {
		t.Errorf("%+v", r)
	}
	none := rowView{Figures: []figureView{{Withheld: "too few"}}}
	none.gather()
	if none.Flags != nil {
		t.Error(none.Flags)
	}
}

func TestWhatWasJoinedIsWorded(t *testing.T) {
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	b := boardMaker{a: &API{static: st}, lang: "zh", at: whereabouts{place: area.Area{}}}
	places := map[string]string{"990102001001": "北社区", "990102001002": "南社区"}
	for in, want := range map[string]string{
		"990102001001+990102001002": "北社区 + 南社区",
		"a60+a70":                   "60–69岁 + 70岁及以上",
		"places to 9 digits":        "社区并到街道（镇）",
		"s1+s2":                     "s1 + s2",
	} {
		if got := b.joined(in, places); got != want {
			t.Errorf("%s is worded %q, want %q", in, got, want)
		}
	}
}
