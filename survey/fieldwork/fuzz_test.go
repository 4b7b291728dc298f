package fieldwork

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"chengyin/survey/mask"
)

// FuzzContent reads and stores what somebody made up.
func FuzzContent(f *testing.F) {
	for _, s := range []string{
		"", "null", "[]", "{}", `{"v":1}`, `{"interview":7}`, `{"interview":{"sealed":"AAAA"},"note":"13812345678"}`, `{"interview":{"sealed":1}}{}`,
		`{"v":1,"wave":"0192f0c1-0000-7000-8000-000000000001","home":"0192f0c1-0000-7000-8000-000000000002","made_at":"2026-11-23T19:02:11+08:00","outcome":"1.1",` +
			`"interview":{"questionnaire":"0192f0c1-0000-7000-8000-000000000003","lang":"zh","mode":"asked","adults":3,"select":"kish","chosen":2,"receipt":"K7QX2MPD9ABC","sealed":"AAAA"}}`,
		`{"made_at":"0000-00-00"}`, `{"made_at":"9999-12-31T23:59:59Z","note":"` + strings.Repeat("门", 300) + `"}`, "{\"note\":\"\xff\"}", `{"a":[[["13812345678"]]]}`,
		`{"wave":"13812345678","outcome":"13812345678","receipt":"138123456780","v":1e999}`, `{"note":"1","note":"13812345678"}`, `{"note":"13812345678","note":"1"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, fits := readContent(text)
		if fits {
			o, known := OutcomeOf(c.Outcome)
			if c.Interview != nil && (!known || o.Group != Complete && o.Group != Partial || c.Interview.Chosen > c.Interview.Adults) {
				t.Fatalf("fits: %+v", c)
			}
		}
		var object map[string]json.RawMessage
		isObject := json.Unmarshal([]byte(text), &object) == nil && object != nil
		for _, without := range []bool{false, true} {
			kept := stored(text, without)
			if utf8.ValidString(text) && !utf8.ValidString(kept) {
				t.Fatalf("%q became %q", text, kept)
			}
			again := stored(kept, without)
			if again != kept && isObject {
				t.Fatalf("%q, then %q", kept, again)
			}
			if isObject && !json.Valid([]byte(kept)) {
				t.Fatalf("%q became %q", text, kept)
			}
			var parts struct {
				Note      any
				Interview map[string]any
			}
			if json.Unmarshal([]byte(kept), &parts) == nil {
				if note, ok := parts.Note.(string); ok {
					if _, n := mask.Text(note); n > 0 {
						t.Fatalf("%q keeps %q", text, note)
					}
				}
			}
		}
	})
}

// FuzzSealed opens what somebody made up.
func FuzzSealed(f *testing.F) {
	k, err := newKeys([]byte("0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	const id = "0192f0c1-0000-7000-8000-000000000001"
	sealed, err := Seal(k.sealKey(), id, []byte(`{"answers":{}}`))
	if err != nil {
		f.Fatal(err)
	}
	if text, err := k.open(id, sealed); err != nil || string(text) != `{"answers":{}}` {
		f.Fatal(string(text), err)
	}
	for _, s := range []string{"", "AAAA", sealed, sealed[1:], sealed + "A", strings.Repeat("A", 200), "密"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		// Each process of the fuzzer seals anew, and may be given what another sealed.
		if text, err := k.open(id, s); err == nil && string(text) != `{"answers":{}}` {
			t.Fatalf("opened %q as %q", s, text)
		}
		if _, err := openOnPhone(k.phones, id, s, s); err == nil {
			t.Fatalf("opened %q", s)
		}
	})
}
