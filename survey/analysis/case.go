package analysis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Case is a file of designs and queries.
type Case struct {
	ID      string
	Folder  string         `json:"-"` // that paths are relative to
	Options map[string]any // R's options: survey.lonely.psu
	Data    Named[string]  // paths of CSV files by name
	Designs Named[Args]
	Queries []Query

	wrong map[string]error // designs that are no objects
}

// Query is one question.
type Query struct {
	Name, Stat, Design string
	Args               Args

	wrong error // why it could not be read
}

// Args are the settings of a design or a query.
type Args map[string]any

// Named are things by name, in the order of the file.
type Named[T any] struct {
	Names []string
	At    map[string]T
}

// UnmarshalJSON reads a JSON object and refuses a name that comes twice.
func (n *Named[T]) UnmarshalJSON(b []byte) error {
	n.At = map[string]T{}
	if string(bytes.TrimSpace(b)) == "null" {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("%.40s is no object of names", b)
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		name := t.(string)
		var v T
		if err := dec.Decode(&v); err != nil {
			return fmt.Errorf("%q: %w", name, plainly(err))
		}
		if _, twice := n.At[name]; twice {
			return fmt.Errorf("%q comes twice", name)
		}
		n.Names, n.At[name] = append(n.Names, name), v
	}
	return nil
}

// Parse reads a case. What is expected of a reference case is not read. A design
// or query of the wrong type is an error of its own, not of the case.
func Parse(b []byte) (*Case, error) {
	var in struct {
		ID      string
		Options map[string]any
		Data    Named[string]
		Designs Named[json.RawMessage]
		Queries []json.RawMessage
	}
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), &in); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(b[:min(int(syntax.Offset), len(b))], []byte("\n")), err)
		}
		return nil, plainly(err)
	}
	if len(in.Queries) == 0 && len(in.Designs.Names) == 0 {
		return nil, errors.New("the case has neither designs nor queries")
	}
	c := &Case{ID: in.ID, Options: in.Options, Data: in.Data, wrong: map[string]error{}}
	c.Designs = Named[Args]{Names: in.Designs.Names, At: map[string]Args{}}
	for name, raw := range in.Designs.At {
		var a Args
		if err := json.Unmarshal(raw, &a); err != nil {
			c.wrong[name] = fmt.Errorf("a design has to be an object, not %.40s", raw)
		}
		c.Designs.At[name] = a
	}
	for i, raw := range in.Queries {
		q := parseQuery(raw)
		if q.Name == "" {
			q.Name = fmt.Sprintf("query_%d", i+1)
		}
		c.Queries = append(c.Queries, q)
	}
	return c, nil
}

// parseQuery reads a query field by field, so that a wrong one is answered under
// its name.
func parseQuery(raw []byte) (q Query) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil || in == nil {
		q.wrong = fmt.Errorf("a query has to be an object, not %.40s", raw)
		return q
	}
	for _, field := range []struct {
		name string
		into any
	}{{"name", &q.Name}, {"stat", &q.Stat}, {"design", &q.Design}, {"args", &q.Args}} {
		v, ok := in[field.name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(v, field.into); err != nil {
			q.wrong = fmt.Errorf("%q %w", field.name, plainly(err))
		}
	}
	return q
}

// plainly says which type was expected in the words of JSON instead of Go's.
func plainly(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	want := map[reflect.Kind]string{reflect.String: "text", reflect.Map: "an object", reflect.Struct: "an object", reflect.Slice: "a list"}[wrong.Type.Kind()]
	if wrong.Field == "" {
		return fmt.Errorf("has to be %s, not %s", want, wrong.Value)
	}
	return fmt.Errorf("%q has to be %s, not %s", strings.ToLower(wrong.Field), want, wrong.Value)
}

// has reports whether a setting is there and not null.
func (a Args) has(key string) bool { return a[key] != nil }

// text returns a setting that has to be text, "" when it is absent.
func (a Args) text(key string) string {
	switch v := a[key].(type) {
	case nil:
		return ""
	case string:
		return v
	case []any: // R writes one element as a list
		if s, ok := oneText(v); ok {
			return s
		}
	}
	fail("%q has to be text, not %s", key, shown(a[key]))
	return ""
}

func oneText(v []any) (string, bool) {
	if len(v) != 1 {
		return "", false
	}
	s, ok := v[0].(string)
	return s, ok
}

// texts returns a list of texts; a single text is a list of one.
func (a Args) texts(key string) []string {
	switch v := a[key].(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case []any:
		out := make([]string, len(v))
		for i, x := range v {
			switch x := x.(type) {
			case string:
				out[i] = x
			case float64:
				out[i] = strconv.FormatFloat(x, 'f', -1, 64)
			default:
				fail("%q has to list texts, not %s", key, shown(x))
			}
		}
		return out
	}
	fail("%q has to list texts, not %s", key, shown(a[key]))
	return nil
}

// number returns a setting that has to be a number.
func (a Args) number(key string) float64 {
	if !a.has(key) {
		fail("%q is missing", key)
	}
	x, ok := asNumber(a[key])
	if !ok {
		fail("%q has to be a number, not %s", key, shown(a[key]))
	}
	return x
}

// numberOr is number with a value for when it is absent.
func (a Args) numberOr(key string, otherwise float64) float64 {
	if !a.has(key) {
		return otherwise
	}
	return a.number(key)
}

// numbers returns a list of numbers; null is NaN.
func (a Args) numbers(key string) []float64 {
	v, ok := a[key].([]any)
	if !ok {
		if x, single := asNumber(a[key]); single {
			return []float64{x}
		}
		if a[key] == nil {
			fail("%q is missing", key)
		}
		fail("%q has to list numbers, not %s", key, shown(a[key]))
	}
	out := make([]float64, len(v))
	for i, e := range v {
		if e == nil {
			out[i] = math.NaN()
			continue
		}
		x, ok := asNumber(e)
		if !ok {
			fail("%q has to list numbers, not %s", key, shown(e))
		}
		out[i] = x
	}
	return out
}

// flag returns a setting that is true or false; absent is false.
func (a Args) flag(key string) bool {
	switch v := a[key].(type) {
	case nil:
		return false
	case bool:
		return v
	}
	fail("%q has to be true or false, not %s", key, shown(a[key]))
	return false
}

// asNumber reads a number or one of "Inf", "-Inf", "NaN".
func asNumber(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case string:
		switch x {
		case "Inf":
			return math.Inf(1), true
		case "-Inf":
			return math.Inf(-1), true
		case "NaN":
			return math.NaN(), true
		}
	case []any:
		if len(x) == 1 {
			return asNumber(x[0])
		}
	}
	return 0, false
}

// shown is a setting as a message shows it.
func shown(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(b) > 60 {
		return string(b[:57]) + "..."
	}
	return string(b)
}
