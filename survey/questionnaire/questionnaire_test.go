package questionnaire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"chengyin/survey"
	"chengyin/survey/questionnaire"
)

// testDefinition returns a definition with one section "s" and the questions.
func testDefinition(t *testing.T, questions string) *questionnaire.Definition {
	t.Helper()
	d, err := questionnaire.Parse(wrapped(questions))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wrapped(questions string) []byte {
	return []byte(`{"code":"test","version":1,"title":{"zh":"题","en":"t"},"notice":{"zh":"告","en":"n"},"thanks":{"zh":"谢","en":"t"},
		"sections":[{"id":"s","title":{"zh":"部","en":"s"}},{"id":"s2","title":{"zh":"部","en":"s"}}],"questions":` + questions + `}`)
}

const (
	words   = `"text":{"zh":"问","en":"q"},"required":false`
	options = `"options":[{"code":"a","text":{"zh":"一","en":"a"}},{"code":"b","text":{"zh":"二","en":"b"}}]`
	first   = `{"id":"q1","section":"s","type":"single",` + words + `,` + options + `,"show_if":null},`
)

// question writes one question behind the single choice q1.
func question(rest string) string {
	return "[" + first + `{"section":"s",` + words + `,` + rest + `}]`
}

func TestValidate(t *testing.T) {
	long := strings.Repeat("字", 501)
	for _, c := range []struct{ name, questions, want string }{
		{"a plain question", question(`"id":"q2","type":"text"`), ""},
		{"a condition on an earlier question", question(`"id":"q2","type":"text","show_if":{"any":[{"q":"q1","in":["a"]},{"not":{"q":"q1","answered":true}}]}`), ""},
		{"no questions", `[]`, "questions:too_few"},
		{"an id with a capital", question(`"id":"Q2","type":"text"`), "questions[1].id:bad_id"},
		{"an id beginning with a digit", question(`"id":"2q","type":"text"`), "questions[1].id:bad_id"},
		{"an id that is not ASCII", question(`"id":"q２","type":"text"`), "questions[1].id:bad_id"},
		{"an id of 33 characters", question(`"id":"` + strings.Repeat("q", 33) + `","type":"text"`), "questions[1].id:bad_id"},
		{"the id that JavaScript has already", question(`"id":"constructor","type":"text"`), "questions[1].id:bad_id"},
		{"an id twice", question(`"id":"q1","type":"text"`), "questions[1].id:duplicate"},
		{"no such section", `[{"id":"q2","section":"x","type":"text",` + words + `}]`, "questions[0].section:unknown_section"},
		{"back to an earlier section", `[{"id":"q1","section":"s2","type":"text",` + words + `},{"id":"q2","section":"s","type":"text",` + words + `}]`, "questions[1].section:section_order"},
		{"no such type", question(`"id":"q2","type":"date"`), "questions[1].type:unknown_type"},
		{"a text in one language", `[{"id":"q1","section":"s","type":"text","text":{"zh":"问","en":" "},"required":false}]`, "questions[0].text.en:missing"},
		{"a text that is too long", `[{"id":"q1","section":"s","type":"text","text":{"zh":"` + long + `","en":"q"},"required":false}]`, "questions[0].text.zh:too_long"},
		{"an empty hint", question(`"id":"q2","type":"text","hint":{"zh":"","en":"h"}`), "questions[1].hint.zh:missing"},
		{"a choice of one", question(`"id":"q2","type":"single","options":[{"code":"a","text":{"zh":"一","en":"a"}}]`), "questions[1].options:too_few"},
		{"a choice without options", question(`"id":"q2","type":"scale"`), "questions[1].options:too_few"},
		{"an option twice", question(`"id":"q2","type":"single","options":[{"code":"a","text":{"zh":"一","en":"a"}},{"code":"a","text":{"zh":"二","en":"b"}}]`), "questions[1].options[1].code:duplicate"},
		{"an option without a code", question(`"id":"q2","type":"single","options":[{"code":"","text":{"zh":"一","en":"a"}},{"code":"a","text":{"zh":"二","en":"b"}}]`), "questions[1].options[0].code:bad_id"},
		{"don't know not last", question(`"id":"q2","type":"single","options":[{"code":"dk","dk":true,"text":{"zh":"一","en":"a"}},{"code":"a","text":{"zh":"二","en":"b"}}]`), "questions[1].options[0].dk:dk_not_last"},
		{"don't know beside others", question(`"id":"q2","type":"multiple","options":[{"code":"a","text":{"zh":"一","en":"a"}},{"code":"dk","dk":true,"text":{"zh":"二","en":"b"}}]`), "questions[1].options[1].exclusive:dk_not_exclusive"},
		{"exclusive where only one is chosen", question(`"id":"q2","type":"single","options":[{"code":"a","exclusive":true,"text":{"zh":"一","en":"a"}},{"code":"b","text":{"zh":"二","en":"b"}}]`), "questions[1].options[0].exclusive:misplaced"},
		{"options of a text", question(`"id":"q2","type":"text",` + options), "questions[1].options:misplaced"},
		{"a turned scale", question(`"id":"q2","type":"scale","rotate":true,` + options), "questions[1].rotate:misplaced"},
		{"a whole text", question(`"id":"q2","type":"text","integer":true`), "questions[1].integer:misplaced"},
		{"a number without limits", question(`"id":"q2","type":"number"`), "questions[1].min:missing questions[1].max:missing"},
		{"limits the wrong way round", question(`"id":"q2","type":"number","min":2,"max":1`), "questions[1].max:bad_range"},
		{"limits out of sight", question(`"id":"q2","type":"number","min":0,"max":1e10`), "questions[1].max:bad_range"},
		{"more to choose than there is", question(`"id":"q2","type":"multiple","max":3,` + options), "questions[1].max:bad_range"},
		{"fewer than the least", question(`"id":"q2","type":"multiple","min":2,"max":1,` + options), "questions[1].max:bad_range"},
		{"half a choice", question(`"id":"q2","type":"multiple","min":0.5,` + options), "questions[1].max:bad_range"},
		{"a least length", question(`"id":"q2","type":"text","min":1`), "questions[1].min:misplaced"},
		{"a text of any length", question(`"id":"q2","type":"text","max":2001`), "questions[1].max:bad_range"},
		{"limits of a single choice", question(`"id":"q2","type":"single","min":1,"max":1,` + options), "questions[1].min:misplaced questions[1].max:misplaced"},
		{"a condition on a later question", `[{"id":"q0","section":"s","type":"text",` + words + `,"show_if":{"q":"q1","answered":true}},` + strings.TrimSuffix(first, ",") + `]`, "questions[0].show_if.q:not_earlier"},
		{"a condition on itself", question(`"id":"q2","type":"text","show_if":{"q":"q2","answered":true}`), "questions[1].show_if.q:not_earlier"},
		{"a condition on no such option", question(`"id":"q2","type":"text","show_if":{"q":"q1","in":["a","z"]}`), "questions[1].show_if.in[1]:unknown_option"},
		{"an empty condition", question(`"id":"q2","type":"text","show_if":{}`), "questions[1].show_if:bad_condition"},
		{"a condition without a test", question(`"id":"q2","type":"text","show_if":{"q":"q1"}`), "questions[1].show_if:bad_condition"},
		{"an empty list of conditions", question(`"id":"q2","type":"text","show_if":{"all":[]}`), "questions[1].show_if:bad_condition"},
		{"two kinds of condition in one", question(`"id":"q2","type":"text","show_if":{"q":"q1","answered":true,"not":{"q":"q1","in":["a"]}}`), "questions[1].show_if:bad_condition"},
		{"a range of a choice", question(`"id":"q2","type":"text","show_if":{"q":"q1","gte":1}`), "questions[1].show_if:bad_condition"},
		{"no list of options", question(`"id":"q2","type":"text","show_if":{"q":"q1","in":[]}`), "questions[1].show_if.in:bad_condition"},
		{"a condition too deep", question(`"id":"q2","type":"text","show_if":` + strings.Repeat(`{"not":`, 6) + `{"q":"q1","answered":true}` + strings.Repeat("}", 6)), "questions[1].show_if.not.not.not.not.not:too_deep"},
		{"all that is wrong at once", `[{"id":"A","section":"x","type":"text",` + words + `},{"id":"B","section":"s","type":"y",` + words + `}]`,
			"questions[0].id:bad_id questions[0].section:unknown_section questions[1].id:bad_id questions[1].type:unknown_type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := questionnaire.Parse(wrapped(c.questions))
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *survey.Error
			if !errors.As(err, &e) || e.Code != survey.ErrInvalid.Code || codes(e.Fields) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestValidateTheHead(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *questionnaire.Definition)
		want   string
	}{
		{"nothing wrong", func(*questionnaire.Definition) {}, ""},
		{"code", func(d *questionnaire.Definition) { d.Code = "Civility" }, "code:bad_id"},
		{"version", func(d *questionnaire.Definition) { d.Version = 0 }, "version:out_of_range"},
		{"title", func(d *questionnaire.Definition) { d.Title.EN = "" }, "title.en:missing"},
		{"a notice nobody reads", func(d *questionnaire.Definition) { d.Notice.ZH = strings.Repeat("字", 151) }, "notice.zh:too_long"},
		{"a question called like a field of the page", func(d *questionnaire.Definition) { d.Questions[len(d.Questions)-1].ID = "ticket" }, fmt.Sprintf("questions[%d].id:bad_id", len(questionnaire.Default().Questions)-1)},
		{"an English notice nobody reads", func(d *questionnaire.Definition) { d.Notice.EN = strings.Repeat("x", 151) }, "notice.en:too_long"},
		{"a notice of just 150", func(d *questionnaire.Definition) { d.Notice.ZH = strings.Repeat("字", 150) }, ""},
		{"no thanks", func(d *questionnaire.Definition) { d.Thanks = survey.Text{} }, "thanks.zh:missing thanks.en:missing"},
		{"a form without a date", func(d *questionnaire.Definition) {
			d.Form = &questionnaire.Form{Number: "1", Authority: survey.Text{ZH: "局", EN: "Bureau"}, Approval: "2", ValidUntil: "2027-02-30"}
		}, "form.valid_until:bad_date"},
		{"an empty form", func(d *questionnaire.Definition) { d.Form = new(questionnaire.Form) },
			"form.number:missing form.authority.zh:missing form.authority.en:missing form.approval:missing form.valid_until:bad_date"},
		{"a section twice", func(d *questionnaire.Definition) { d.Sections[1].ID = "about" }, "sections[1].id:duplicate"},
		{"no sections", func(d *questionnaire.Definition) { d.Sections, d.Questions = nil, nil }, "sections:too_few questions:too_few"},
		{"101 questions", func(d *questionnaire.Definition) {
			d.Questions = slices.Repeat(d.Questions[:1], 101)
		}, "questions:too_many"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := copyOfDefault(t)
			c.change(d)
			got := codes(d.Validate())
			if c.name == "a section twice" { // its questions lose their section as well
				got, _, _ = strings.Cut(got, " ")
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func copyOfDefault(t *testing.T) *questionnaire.Definition {
	t.Helper()
	raw, err := json.Marshal(questionnaire.Default())
	if err != nil {
		t.Fatal(err)
	}
	d, err := questionnaire.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		want      error
	}{
		{"nothing", ``, survey.ErrMalformed},
		{"null", `null`, survey.ErrInvalid},
		{"a misspelt setting", string(wrapped(question(`"id":"q2","type":"text","showif":null`))), survey.ErrMalformed},
		{"two objects", string(wrapped(question(`"id":"q2","type":"text"`))) + `{}`, survey.ErrMalformed},
		{"a mountain", strings.Repeat(" ", 60_001), survey.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := questionnaire.Parse([]byte(c.raw)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestDefault(t *testing.T) {
	d := questionnaire.Default()
	if n := utf8.RuneCountInString(d.Notice.ZH); n > 150 {
		t.Errorf("the notice has %d characters", n)
	}
	for _, forbidden := range []string{"100%", "满分", "达标", "目标", "争创", "荣誉", "光荣"} {
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), forbidden) {
			t.Errorf("residents read %q, which tells them what is hoped for", forbidden)
		}
	}
	want := map[string]string{"residence": "half_year newcomer elsewhere", "age": "a18 a30 a40 a50 a60 a70 u18 u14", "sex": "m f",
		"q1": "know heard unknown", "q3": "prosperity harmony integrity efficiency dk", "q6": "yes no dk",
		"q7": "volunteer cleanup traffic donate sorting council other"}
	for i := 8; i <= 18; i++ {
		want[fmt.Sprintf("q%d", i)] = "5 4 3 2 1 dk"
	}
	ids := []string{"residence", "age", "sex"}
	for i := 1; i <= 19; i++ {
		ids = append(ids, fmt.Sprintf("q%d", i))
	}
	optional := []string{"q2", "q7", "q19"}
	for i, q := range d.Questions {
		if i >= len(ids) || q.ID != ids[i] {
			t.Fatalf("question %d is %s", i, q.ID)
		}
		if q.Required == slices.Contains(optional, q.ID) {
			t.Errorf("%s: required is %t", q.ID, q.Required)
		}
		var got []string
		for _, o := range q.Options {
			got = append(got, o.Code)
		}
		if w, ok := want[q.ID]; ok && strings.Join(got, " ") != w {
			t.Errorf("%s: got options %v, want %s", q.ID, got, w)
		}
		if utf8.RuneCountInString(q.Text.ZH) > 40 {
			t.Errorf("%s: %d characters are too long for a question", q.ID, utf8.RuneCountInString(q.Text.ZH))
		}
	}
	if len(d.Questions) != len(ids) {
		t.Errorf("got %d questions, want %d", len(d.Questions), len(ids))
	}
}

// TestRotationIsFair counts, over many responses, where each option of q3 ends
// up: every one of the 24 orders as often as the others.
func TestRotationIsFair(t *testing.T) {
	d := questionnaire.Default()
	q := d.Question("q3")
	const n = 24_000
	seen := map[string]int{}
	for i := range n {
		var order []string
		for _, o := range d.OptionsFor(q, fmt.Sprintf("0192f0c1-7a3e-7cc2-9b1d-%012x", i)) {
			order = append(order, o.Code)
		}
		if order[4] != "dk" {
			t.Fatalf("don't know is at another place: %v", order)
		}
		seen[strings.Join(order, " ")]++
	}
	chi2 := 0.0
	for _, count := range seen {
		chi2 += float64((count-n/24)*(count-n/24)) / (n / 24)
	}
	if len(seen) != 24 || chi2 > 49.73 { // the 99.9 % point of chi-squared with 23 degrees of freedom
		t.Errorf("%d orders, chi-squared %.1f", len(seen), chi2)
	}
	if q.Options[0].Code != "prosperity" {
		t.Error("the definition itself was turned")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(wrapped(question(`"id":"q2","type":"number","min":0,"max":9,"show_if":{"any":[{"q":"q1","in":["a"]}]}`)))
	f.Add([]byte(`{"questions":[{"options":[{}],"show_if":{"not":{}}}]}`))
	answers := questionnaire.Answers{"q1": "a", "q2": 3.0, "q3": []string{"x"}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := questionnaire.Parse(raw)
		if err != nil {
			return
		}
		shown := d.Visible(answers)
		for _, wrong := range d.Check(answers) {
			if wrong.Code == questionnaire.CodeRequired && !slices.Contains(shown, wrong.Path) {
				t.Fatalf("%s is required but not shown", wrong.Path)
			}
		}
		for i := range d.Questions {
			if q := &d.Questions[i]; len(d.OptionsFor(q, "seed")) != len(q.Options) {
				t.Fatalf("%s: an option got lost", q.ID)
			}
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := questionnaire.Parse(text); err != nil && len(text) <= 60_000 {
			t.Fatalf("%s does not survive being written: %v", text, err)
		}
	})
}
