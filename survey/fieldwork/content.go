package fieldwork

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"chengyin/survey/mask"
	"chengyin/survey/response"
)

// longest is how many characters a note has at most; the most adults of a
// household that the draw has a pick for.
const (
	longest    = 200
	mostAdults = 12
)

// content is a record as the phone wrote it.
type content struct {
	V           int        `json:"v"`
	Wave        string     `json:"wave"`
	Home        string     `json:"home"`
	MadeAt      time.Time  `json:"made_at"`
	Outcome     string     `json:"outcome"`
	Period      string     `json:"period,omitempty"`
	Weekend     bool       `json:"weekend,omitempty"`
	Note        string     `json:"note,omitempty"`
	Appointment *time.Time `json:"appointment,omitempty"`
	Interview   *interview `json:"interview,omitempty"`
}

// interview is what a record holds besides when the visit ended with answers.
type interview struct {
	Questionnaire string     `json:"questionnaire"`
	Lang          string     `json:"lang"`
	Mode          string     `json:"mode"`
	Helper        string     `json:"helper,omitempty"`
	Dialect       bool       `json:"dialect,omitempty"`
	Adults        int        `json:"adults"`
	Select        string     `json:"select"`
	Chosen        int        `json:"chosen"`
	StartedAt     *time.Time `json:"started_at,omitempty"`
	EndedAt       *time.Time `json:"ended_at,omitempty"`
	Receipt       string     `json:"receipt,omitempty"`
	Sealed        string     `json:"sealed,omitempty"`
}

// The modes of an interview.
const (
	Asked    = "asked"    // the worker asks
	Self     = "self"     // the resident fills in
	Assisted = "assisted" // the resident fills in with somebody's help
)

// readContent reads a record. The second value is false when it cannot be read or
// contradicts itself; what could be read is returned all the same.
func readContent(text string) (content, bool) {
	var c content
	dec := json.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&c); err != nil {
		return loose(text), false
	}
	if _, err := dec.Token(); err != io.EOF {
		return c, false
	}
	return c, c.fits()
}

// loose reads of a record whose parts do not all fit what can be used: an
// interview that a mistake stands beside must not be lost for it.
func loose(text string) content {
	var parts map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &parts) != nil {
		return content{}
	}
	var c content
	for name, to := range map[string]any{"wave": &c.Wave, "home": &c.Home, "made_at": &c.MadeAt, "outcome": &c.Outcome, "interview": &c.Interview} {
		if raw, ok := parts[name]; ok {
			_ = json.Unmarshal(raw, to) // what does not fit stays as it was
		}
	}
	return c
}

// fits reports whether the parts of a record agree.
func (c content) fits() bool {
	switch {
	case c.V != 1, c.MadeAt.Year() < 1900, c.MadeAt.Year() > 2200, utf8.RuneCountInString(c.Note) > longest:
		return false
	}
	o, known := OutcomeOf(c.Outcome)
	if c.Interview == nil {
		return !known || o.Group != Complete && o.Group != Partial
	}
	i := c.Interview
	return known && (o.Group == Complete || o.Group == Partial) &&
		i.Adults >= 1 && i.Adults <= mostAdults && i.Chosen >= 1 && i.Chosen <= i.Adults &&
		(i.Select == SelectKish || i.Select == SelectBirthday) && (i.Mode == Asked || i.Mode == Self || i.Mode == Assisted)
}

// stored returns a record as it is kept: texts without what identifies people, and
// without the sealed answers when they are kept as a response, whose deletion must
// not leave a copy. Nothing else is touched; a record with nothing to take out is
// kept byte by byte.
func stored(text string, withoutAnswers bool) string {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var parts map[string]any
	err := dec.Decode(&parts)
	if err == nil {
		_, err = dec.Token()
	}
	if err != io.EOF {
		masked, _ := mask.Text(text)
		return strings.ToValidUTF8(masked, "\uFFFD")
	}
	changed := false
	if sheet, ok := parts["interview"].(map[string]any); ok && withoutAnswers {
		if _, ok := sheet["sealed"]; ok {
			delete(sheet, "sealed")
			changed = true
		}
	}
	changed = veil(parts) || changed
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(parts); err != nil {
		panic("fieldwork: what was JSON is none: " + err.Error())
	}
	tidied := strings.TrimSuffix(b.String(), "\n")
	if !changed && tokens(text) == tokens(tidied) {
		return text
	}
	return tidied // or a name stood there twice, of which only the last was looked at
}

// tokens counts the parts of a JSON text.
func tokens(text string) (n int) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	for {
		if _, err := dec.Token(); err != nil {
			return n
		}
		n++
	}
}

// coded are the parts of a record that are no words of anybody's: digits in them
// tell nothing of a person.
var coded = map[string]bool{
	"wave": true, "home": true, "questionnaire": true, "made_at": true, "started_at": true, "ended_at": true, "appointment": true, "outcome": true,
	"receipt": true, "sealed": true, "data": true, "iv": true,
}

// veil masks the texts below v and reports whether it changed any.
func veil(v map[string]any) (changed bool) {
	for name, part := range v {
		masked, did := veiled(name, part)
		if did {
			v[name], changed = masked, true
		}
	}
	return changed
}

func veiled(name string, part any) (any, bool) {
	switch part := part.(type) {
	case string:
		if coded[name] && isCode(name, part) {
			return part, false
		}
		masked, n := mask.Text(part)
		return masked, n > 0
	case []any:
		changed := false
		for i, x := range part {
			masked, did := veiled(name, x)
			if did {
				part[i], changed = masked, true
			}
		}
		return part, changed
	case map[string]any:
		return part, veil(part)
	}
	return part, false
}

// isCode reports whether a text is what its name promises, so that nobody writes
// something else there.
func isCode(name, text string) bool {
	switch name {
	case "wave", "home", "questionnaire":
		return uuid.Validate(text) == nil
	case "made_at", "started_at", "ended_at", "appointment":
		_, err := time.Parse(time.RFC3339, text)
		return err == nil
	case "outcome":
		_, known := OutcomeOf(text)
		return known
	case "sealed", "data", "iv":
		_, err := decode(text)
		return err == nil
	case "receipt":
		return response.IsReceipt(text)
	}
	return false
}
