package analysis

import (
	"bytes"
	"encoding/json"
	"math"

	"chengyin/stats"
)

// object is a JSON object in the order it was written: name, value, name, value.
type object []any

// MarshalJSON writes the object.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i+1 < len(o); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, sep := range []string{":", ""} {
			v, err := encode(o[i+j])
			if err != nil {
				return nil, err
			}
			b.Write(v)
			b.WriteString(sep)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal that leaves < and > as they are and knows the numbers
// that JSON does not.
func encode(v any) ([]byte, error) {
	switch x := v.(type) {
	case float64:
		return json.Marshal(num(x))
	case []float64:
		return json.Marshal(nums(x))
	case [][]float64:
		rows := make([][]num, len(x))
		for i, r := range x {
			rows[i] = nums(r)
		}
		return json.Marshal(rows)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// num is a number that may be "NaN" or "Inf" in JSON, as the cases write them.
type num float64

// MarshalJSON writes the number, or its name when it is not finite.
func (n num) MarshalJSON() ([]byte, error) {
	x := float64(n)
	switch {
	case math.IsNaN(x):
		return []byte(`"NaN"`), nil
	case math.IsInf(x, 1):
		return []byte(`"Inf"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-Inf"`), nil
	}
	return json.Marshal(x)
}

func nums(v []float64) []num {
	out := make([]num, len(v))
	for i, x := range v {
		out[i] = num(x)
	}
	return out
}

// MarshalJSON writes the document as "chengyin estimate" prints it.
func (d *Document) MarshalJSON() ([]byte, error) {
	designs := object{}
	for _, a := range d.Designs {
		if a.Err != nil {
			designs = append(designs, a.Name, object{"error", a.Err.Error()})
			continue
		}
		designs = append(designs, a.Name, object{"n", a.N, "n_psu", a.PSUs, "n_strata", a.Strata, "df", a.DF, "weights_summary", summary(a.Weights)})
	}
	queries := []object{}
	for _, a := range d.Queries {
		if a.Err != nil {
			queries = append(queries, object{"name", a.Name, "error", a.Err.Error()})
			continue
		}
		queries = append(queries, object{"name", a.Name, "result", a.Result})
	}
	return object{"id", d.ID, "designs", designs, "queries", queries}.MarshalJSON()
}

// summary describes weights.
func summary(w []float64) object {
	var sum, square float64
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range w {
		sum += x
		square += x * x
		lo, hi = min(lo, x), max(hi, x)
	}
	neff := math.NaN()
	if square > 0 {
		neff = stats.EffectiveSize(w)
	}
	return object{"n", len(w), "sum", sum, "sum_sq", square, "min", lo, "max", hi, "kish_deff", float64(len(w)) / neff, "kish_neff", neff}
}
