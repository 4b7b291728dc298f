package analysis

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// mutant changes reference cases at random: bytes alone seldom leave a case that
// can be read.
type mutant struct {
	*rand.Rand
	specs  []map[string]any
	tables [][]byte
	pool   map[string][]any // values of settings by their key
}

func newMutants(t testing.TB) *mutant {
	m := &mutant{pool: map[string][]any{}}
	seedCases(t, func(spec, table []byte) {
		var c map[string]any
		if err := json.Unmarshal(spec, &c); err != nil {
			t.Fatal(err)
		}
		m.specs, m.tables = append(m.specs, c), append(m.tables, table)
		for _, s := range settingsOf(c) {
			for key, v := range s {
				if n, ok := v.(float64); !ok || n < 5000 { // so many generated rows take long
					m.pool[key] = append(m.pool[key], v)
				}
			}
		}
	})
	return m
}

// settingsOf lists the settings of designs and queries, in an order that does
// not depend on maps.
func settingsOf(c map[string]any) []map[string]any {
	var out []map[string]any
	designs, _ := c["designs"].(map[string]any)
	for _, name := range sortedKeys(designs) {
		out = append(out, designs[name].(map[string]any))
	}
	queries, _ := c["queries"].([]any)
	for _, q := range queries {
		if args, ok := q.(map[string]any)["args"].(map[string]any); ok {
			out = append(out, args)
		}
	}
	return out
}

func pick[T any](m *mutant, v []T) T { return v[m.IntN(len(v))] }

// make returns the case and the table of a number.
func (m *mutant) make(seed uint64) (spec, table []byte) {
	m.Rand = rand.New(rand.NewPCG(seed, 1))
	i := m.IntN(len(m.specs))
	b, _ := json.Marshal(m.specs[i])
	var c map[string]any
	_ = json.Unmarshal(b, &c)
	if q, _ := c["queries"].([]any); len(q) > 6 {
		from := m.IntN(len(q) - 5)
		c["queries"] = q[from : from+6]
	}
	settings := settingsOf(c)
	for range 1 + m.IntN(4) {
		m.change(pick(m, settings))
	}
	if m.IntN(8) == 0 {
		c["options"] = map[string]any{"survey.lonely.psu": pick(m, []any{"fail", "remove", "adjust", "average", "certainty", "x", 1.0})}
	}
	spec, _ = json.Marshal(c)
	return spec, m.changeTable(m.tables[i])
}

// change changes one setting, or adds one that another case has.
func (m *mutant) change(s map[string]any) {
	keys := sortedKeys(s)
	if len(keys) == 0 || m.IntN(6) == 0 {
		key := pick(m, sortedKeys(m.pool))
		s[key] = clone(pick(m, m.pool[key]))
		return
	}
	key := pick(m, keys)
	switch m.IntN(5) {
	case 0:
		delete(s, key)
	case 1:
		s[key] = clone(pick(m, wrong))
	case 2:
		s[key] = clone(pick(m, append(wrong[:1:1], m.pool[key]...)))
	default:
		s[key] = m.near(s[key])
	}
}

// near returns a value of the same type that is a little different.
func (m *mutant) near(v any) any {
	switch v := v.(type) {
	case float64:
		return pick(m, []any{-v, 0.0, v * 1e300, v / 1e300, v + 1, v / 2, "NaN"})
	case string:
		return pick(m, []any{v + "x", "I(" + v + ")", "factor(" + v + ")", v + " - " + v, "0*" + v, v + "/0", "sat", "subdistrict", "w", "age", "1", strings.ToUpper(v)})
	case bool:
		return !v
	case []any:
		if len(v) == 0 {
			return []any{1.0}
		}
		out := slices.Clone(v)
		switch m.IntN(4) {
		case 0:
			return out[:m.IntN(len(out))]
		case 1:
			return append(out, pick(m, v))
		case 2:
			return out[0]
		}
		at := m.IntN(len(out))
		out[at] = m.near(out[at])
		return out
	case map[string]any:
		if len(v) > 0 {
			key := pick(m, sortedKeys(v))
			v[key] = m.near(v[key])
		}
		return v
	}
	return clone(pick(m, wrong))
}

// clone copies a value, so that changing it leaves the original as it was.
func clone(v any) any {
	b, _ := json.Marshal(v)
	var out any
	_ = json.Unmarshal(b, &out)
	return out
}

// changeTable changes cells, or leaves few rows, or makes a column constant.
func (m *mutant) changeTable(table []byte) []byte {
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	rows := make([][]string, len(lines))
	for i, l := range lines {
		rows[i] = strings.Split(l, ",")
	}
	columns := len(rows[0])
	switch m.IntN(4) {
	case 0:
		rows = rows[:1+m.IntN(len(rows))]
	case 1:
		j := m.IntN(columns)
		for _, r := range rows[1:] {
			if len(r) == columns {
				r[j] = rows[1][j]
			}
		}
	case 2:
		for range m.IntN(8) {
			r := rows[m.IntN(len(rows))]
			r[m.IntN(len(r))] = pick(m, []string{"", "x", "-1", "NaN", "0", "1", "1e308", "1e-308", "Inf", `"a""b"`, " 2 ", "甲"})
		}
	}
	var b bytes.Buffer
	for _, r := range rows {
		b.WriteString(strings.Join(r, ",") + "\n")
	}
	return b.Bytes()
}

// FuzzSettings says of cases that can be read what FuzzCase says of all.
func FuzzSettings(f *testing.F) {
	m := newMutants(f)
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		spec, table := m.make(seed)
		if checkAnswers(t, spec, table); t.Failed() {
			t.Logf("%s\n%s", spec, table)
		}
	})
}

func TestMutantsAreTheSameEveryTime(t *testing.T) {
	m := newMutants(t)
	answered := 0
	for seed := range uint64(100) {
		spec, table := m.make(seed)
		again, same := m.make(seed)
		if !bytes.Equal(spec, again) || !bytes.Equal(table, same) {
			t.Fatalf("seed %d makes different cases", seed)
		}
		if doc := checkAnswers(t, spec, table); doc != nil {
			for _, a := range doc.Queries {
				if a.Err == nil {
					answered++
				}
			}
		}
	}
	if answered < 50 {
		t.Errorf("only %d queries of 100 mutants can be answered; they do not reach the statistics", answered)
	}
}
