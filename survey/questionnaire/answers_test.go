package questionnaire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"chengyin/survey"
	"chengyin/survey/questionnaire"
)

func TestParseAnswers(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		want      questionnaire.Answers
		code      string
	}{
		{"the three types", `{"a":"x","b":["y","x"],"c":1.5}`, questionnaire.Answers{"a": "x", "b": []string{"y", "x"}, "c": 1.5}, ""},
		{"unanswered three ways", `{"a":null,"b":"","c":[]}`, questionnaire.Answers{}, ""},
		{"strange shapes are kept to be named", `{"a":true,"b":{"x":[1]},"c":[["x"]],"d":1e999}`,
			questionnaire.Answers{"a": questionnaire.Unfit{}, "b": questionnaire.Unfit{}, "c": questionnaire.Unfit{}, "d": questionnaire.Unfit{}}, ""},
		{"of a repeated key the last counts", `{"a":"x","a":"y"}`, questionnaire.Answers{"a": "y"}, ""},
		{"white space around the object", " {}\n", questionnaire.Answers{}, ""},
		{"broken surrogates", `{"a":"\ud800"}`, questionnaire.Answers{"a": "\uFFFD"}, ""},
		{"nothing", ``, nil, questionnaire.CodeMalformed},
		{"null", `null`, nil, questionnaire.CodeMalformed},
		{"a list", `[]`, nil, questionnaire.CodeMalformed},
		{"two objects", `{} {}`, nil, questionnaire.CodeMalformed},
		{"rubbish behind", `{}x`, nil, questionnaire.CodeMalformed},
		{"deep nesting", `{"a":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `}`, nil, questionnaire.CodeMalformed},
		{"a text without end", `{"a":"` + strings.Repeat("x", 70000) + `"}`, nil, questionnaire.CodeTooLarge},
		{"more answers than questions can be", manyAnswers(201), nil, questionnaire.CodeTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, wrong := questionnaire.ParseAnswers([]byte(c.raw))
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
			if c.code == "" && wrong != nil || c.code != "" && (len(wrong) != 1 || wrong[0].Code != c.code || wrong[0].Path != "answers") {
				t.Errorf("got %v, want %q", wrong, c.code)
			}
		})
	}
	if got, wrong := questionnaire.ParseAnswers([]byte(manyAnswers(200))); len(got) != 200 || wrong != nil {
		t.Errorf("200 answers: got %d, %v", len(got), wrong)
	}
}

func manyAnswers(n int) string {
	a := map[int]string{}
	for i := range n {
		a[i] = "x"
	}
	raw, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func TestCanonical(t *testing.T) {
	same := []string{
		`{"q1":"know","q2":["school","board"],"q19":"停车\n难 <b>","n":1}`,
		`{"n":1.0,"q19":" 停车\r\n难 <b>\u0000","q2":["board","school"],"q1":"know","q7":[],"q5":null,"q6":""}`,
	}
	const want = `{"n":1,"q1":"know","q19":"停车\n难 <b>","q2":["board","school"]}`
	for _, raw := range same {
		a, _ := questionnaire.ParseAnswers([]byte(raw))
		if got := string(a.Canonical()); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
	for _, raw := range []string{`{"q1":"know"}`, `{"q1":["know"]}`, `{"q1":"heard"}`, `{"q2":"know"}`, `{"q1":1}`, `{"q1":"1"}`} {
		a, _ := questionnaire.ParseAnswers([]byte(raw))
		if string(a.Canonical()) != raw {
			t.Errorf("%s: got %s", raw, a.Canonical())
		}
	}
	t.Run("the caller's answers stay as they are", func(t *testing.T) {
		a := questionnaire.Answers{"q2": []string{"school", "board"}}
		a.Canonical()
		if !reflect.DeepEqual(a["q2"], []string{"school", "board"}) {
			t.Errorf("got %v", a["q2"])
		}
	})
	t.Run("numbers that JSON cannot write do no harm", func(t *testing.T) {
		a := questionnaire.Answers{"a": math.NaN(), "b": math.Inf(1), "c": math.Copysign(0, -1), "d": make(chan int)}
		if got := string(a.Canonical()); got != `{"a":{},"b":{},"c":0,"d":{}}` {
			t.Errorf("got %s", got)
		}
	})
}

func TestAnswersReadFromALargerDocument(t *testing.T) {
	var in struct{ Answers questionnaire.Answers }
	if err := json.Unmarshal([]byte(`{"answers":{"q7":["volunteer"],"n":3}}`), &in); err != nil {
		t.Fatal(err)
	}
	if want := (questionnaire.Answers{"q7": []string{"volunteer"}, "n": 3.0}); !reflect.DeepEqual(in.Answers, want) {
		t.Errorf("got %#v, want %#v", in.Answers, want)
	}
	if err := json.Unmarshal([]byte(`{"answers":[]}`), &in); !errors.Is(err, survey.ErrMalformed) {
		t.Errorf("got %v, want malformed", err)
	}
}

func TestFromForm(t *testing.T) {
	d := testDefinition(t, `[
		{"id":"a","section":"s","type":"single","text":{"zh":"甲","en":"A"},"required":true,"options":[
			{"code":"yes","text":{"zh":"是","en":"yes"}},{"code":"no","text":{"zh":"否","en":"no"}}],"show_if":null},
		{"id":"b","section":"s","type":"multiple","text":{"zh":"乙","en":"B"},"required":true,"options":[
			{"code":"x","text":{"zh":"一","en":"x"}},{"code":"y","text":{"zh":"二","en":"y"}}],"show_if":{"q":"a","in":["yes"]}},
		{"id":"n","section":"s","type":"number","text":{"zh":"丙","en":"N"},"required":false,"min":-9,"max":99,"show_if":null},
		{"id":"t","section":"s","type":"text","text":{"zh":"丁","en":"T"},"required":false,"show_if":null}]`)
	for _, c := range []struct {
		name  string
		form  map[string][]string
		want  questionnaire.Answers
		codes string
	}{
		{"one, several, a number, a text", map[string][]string{"a": {"yes"}, "b": {"x", "y"}, "n": {"12.5"}, "t": {" 停车\r\n "}, "ticket": {"…"}, "lang": {"zh"}},
			questionnaire.Answers{"a": "yes", "b": []string{"x", "y"}, "n": 12.5, "t": "停车"}, ""},
		{"one of several is still a list", map[string][]string{"a": {"yes"}, "b": {"x"}}, questionnaire.Answers{"a": "yes", "b": []string{"x"}}, ""},
		{"answers to hidden questions are dropped without complaint", map[string][]string{"a": {"no"}, "b": {"x"}}, questionnaire.Answers{"a": "no"}, ""},
		{"empty fields are unanswered", map[string][]string{"a": {"no"}, "b": {""}, "n": {""}, "t": {" "}}, questionnaire.Answers{"a": "no"}, ""},
		{"digits of a Chinese keyboard", map[string][]string{"a": {"no"}, "n": {"－３．５"}}, questionnaire.Answers{"a": "no", "n": -3.5}, ""},
		{"no number", map[string][]string{"a": {"no"}, "n": {"two"}}, questionnaire.Answers{"a": "no", "n": "two"}, "n:wrong_type"},
		{"numbers only a program would write", map[string][]string{"a": {"no"}, "n": {"0x1p-2"}}, questionnaire.Answers{"a": "no", "n": "0x1p-2"}, "n:wrong_type"},
		{"no infinity", map[string][]string{"a": {"no"}, "n": {"inf"}}, questionnaire.Answers{"a": "no", "n": "inf"}, "n:wrong_type"},
		{"two values for one choice", map[string][]string{"a": {"yes", "no"}}, questionnaire.Answers{"a": []string{"yes", "no"}}, "a:wrong_type b:required"},
		{"not UTF-8", map[string][]string{"a": {"no"}, "t": {"\xff停"}}, questionnaire.Answers{"a": "no", "t": "\uFFFD停"}, ""},
		{"nothing", nil, questionnaire.Answers{}, "a:required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, wrong := questionnaire.FromForm(d, c.form)
			if wrong != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, %v, want %#v", got, wrong, c.want)
			}
			if said := codes(d.Check(got)); said != c.codes {
				t.Errorf("Check: got %q, want %q", said, c.codes)
			}
		})
	}
	t.Run("too much text", func(t *testing.T) {
		_, wrong := questionnaire.FromForm(d, map[string][]string{"t": {strings.Repeat("x", 70000)}})
		if codes(wrong) != "answers:too_large" {
			t.Errorf("got %v", wrong)
		}
	})
}

func TestPrune(t *testing.T) {
	d := questionnaire.Default()
	a := questionnaire.Answers{"q1": "unknown", "q2": []string{"board"}, "q6": "yes", "q7": []any{"volunteer"}, "q19": " x ", "zz": "y"}
	want := questionnaire.Answers{"q1": "unknown", "q6": "yes", "q7": []string{"volunteer"}, "q19": "x"}
	if got := d.Prune(a); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// codes writes fields as "path:code path:code".
func codes(wrong []survey.Field) string {
	var s []string
	for _, f := range wrong {
		s = append(s, f.Path+":"+f.Code)
	}
	return strings.Join(s, " ")
}

func FuzzParseAnswers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"q1":"know","q2":["board"],"q19":"x"}`, `{"a":1e999}`, `{"q7":[[]]}`, `null`, `{"q3":"\ud800"}`, `{"q19":"\u0000\u202e"}`} {
		f.Add([]byte(seed))
	}
	d := questionnaire.Default()
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, wrong := questionnaire.ParseAnswers(raw)
		if (a == nil) == (wrong == nil) {
			t.Fatalf("answers %v and problems %v", a, wrong)
		}
		first, said := a.Canonical(), codes(d.Check(a))
		again, wrong := questionnaire.ParseAnswers(first)
		if wrong != nil || !bytes.Equal(again.Canonical(), first) {
			t.Fatalf("%s is not canonical: %s", first, again.Canonical())
		}
		if got := codes(d.Check(again)); got != said {
			t.Fatalf("%q became %q", said, got)
		}
		if left := d.Prune(a); !reflect.DeepEqual(d.Prune(left), left) || !reflect.DeepEqual(d.Visible(left), d.Visible(a)) {
			t.Fatalf("pruning twice differs for %s", first)
		}
	})
}
