package analysis

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// value is a column of an expression: numbers, or texts. One of length 1 stands
// for the same value in every row.
type value struct {
	x       []float64 // NaN is missing
	s       []string  // "" is missing; nil for numbers
	logical bool      // numbers 0 and 1 that stand for FALSE and TRUE
	set     bool      // what c() made
}

func (v value) isText() bool { return v.s != nil }

func (v value) rows() int {
	if v.isText() {
		return len(v.s)
	}
	return len(v.x)
}

// at and textAt return a row of a value that may stand for all rows.
func (v value) at(k int) float64 {
	if len(v.x) == 1 {
		return v.x[0]
	}
	return v.x[k]
}

func (v value) textAt(k int) string {
	if !v.isText() {
		x := v.at(k)
		if math.IsNaN(x) {
			return ""
		}
		if v.logical {
			return map[bool]string{false: "FALSE", true: "TRUE"}[x != 0]
		}
		return number(x)
	}
	if len(v.s) == 1 {
		return v.s[0]
	}
	return v.s[k]
}

// column makes a value of a frame's column.
func (f *Frame) column(name string) value {
	if f.isNumber(name) {
		return value{x: f.numbers(name)}
	}
	return value{s: f.text(name)}
}

// names finds the value of a name. The second result is false for an unknown one.
type names func(name string) (value, bool)

// columns looks names up in a frame.
func (f *Frame) names(name string) (value, bool) {
	if !f.has(name) {
		return value{}, false
	}
	return f.column(name), true
}

// evaluate computes an expression for rows rows.
func (e *expr) evaluate(look names, rows int) (value, error) {
	switch e.op {
	case "num":
		return value{x: []float64{e.x}}, nil
	case "text":
		return value{s: []string{e.text}}, nil
	case "name":
		if v, ok := look(e.text); ok {
			return v, nil
		}
		switch e.text {
		case "TRUE":
			return value{x: []float64{1}, logical: true}, nil
		case "FALSE":
			return value{x: []float64{0}, logical: true}, nil
		case "NA":
			return value{x: []float64{math.NaN()}}, nil
		case "Inf":
			return value{x: []float64{math.Inf(1)}}, nil
		case "pi":
			return value{x: []float64{math.Pi}}, nil
		}
		return value{}, fmt.Errorf("there is no column %q", e.text)
	case "call":
		return e.call(look, rows)
	}
	arg := make([]value, len(e.arg))
	for i, a := range e.arg {
		v, err := a.evaluate(look, rows)
		if err != nil && (e.op == "==" || e.op == "!=" || e.op == "%in%") && a.op == "name" && i == 1 {
			v, err = value{s: []string{a.text}}, nil // stype == E, without quotes
		}
		if err != nil {
			return value{}, err
		}
		arg[i] = v
	}
	if e.op == "%in%" {
		return within(arg[0], arg[1]), nil
	}
	n, err := common(arg)
	if err != nil {
		return value{}, err
	}
	switch e.op {
	case "==", "!=", "<", "<=", ">", ">=":
		return compare(e.op, arg[0], arg[1], n), nil
	}
	for _, v := range arg {
		if v.isText() {
			return value{}, fmt.Errorf("%q needs numbers, not text", strings.ReplaceAll(e.op, "neg", "-"))
		}
	}
	out := value{x: make([]float64, n), logical: e.op == "!" || e.op == "&" || e.op == "|"}
	for k := range n {
		if len(arg) == 1 {
			out.x[k] = unary(e.op, arg[0].at(k))
		} else {
			out.x[k] = binary(e.op, arg[0].at(k), arg[1].at(k))
		}
	}
	return out, nil
}

// common returns the number of rows that the values have together.
func common(arg []value) (int, error) {
	n := 1
	for _, v := range arg {
		if m := v.rows(); m != 1 {
			if n != 1 && n != m {
				return 0, fmt.Errorf("columns of %d and %d rows do not go together", n, m)
			}
			n = m
		}
		if v.set && v.rows() != 1 {
			return 0, errors.New("a list made with c() belongs after %in%")
		}
	}
	return n, nil
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unary(op string, a float64) float64 {
	if op == "neg" {
		return -a
	}
	if math.IsNaN(a) {
		return a
	}
	return truth(a == 0)
}

func binary(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "^":
		if math.IsNaN(a) || math.IsNaN(b) {
			return math.NaN()
		}
		return math.Pow(a, b)
	case "%/%":
		return math.Floor(a / b)
	case "%%":
		return a - b*math.Floor(a/b)
	case "&": // FALSE and anything is FALSE, missing or not
		switch {
		case a == 0 || b == 0:
			return 0
		case math.IsNaN(a) || math.IsNaN(b):
			return math.NaN()
		}
		return 1
	case "|":
		switch {
		case a != 0 && !math.IsNaN(a), b != 0 && !math.IsNaN(b):
			return 1
		case math.IsNaN(a) || math.IsNaN(b):
			return math.NaN()
		}
		return 0
	}
	return math.NaN()
}

// compare compares numbers as numbers and everything else as text by byte; a
// text that is a number compares with numbers.
func compare(op string, a, b value, n int) value {
	a, b = alike(a, b), alike(b, a)
	out := value{x: make([]float64, n), logical: true}
	for k := range n {
		var less, more, missing bool
		if a.isText() || b.isText() {
			x, y := a.textAt(k), b.textAt(k)
			less, more, missing = x < y, x > y, x == "" || y == ""
		} else {
			x, y := a.at(k), b.at(k)
			less, more, missing = x < y, x > y, math.IsNaN(x) || math.IsNaN(y)
		}
		if missing {
			out.x[k] = math.NaN()
			continue
		}
		yes := false
		switch op {
		case "==":
			yes = !less && !more
		case "!=":
			yes = less || more
		case "<":
			yes = less
		case "<=":
			yes = !more
		case ">":
			yes = more
		case ">=":
			yes = !less
		}
		out.x[k] = truth(yes)
	}
	return out
}

// alike turns a single text into a number where it meets a column of numbers.
func alike(a, b value) value {
	if a.isText() && len(a.s) == 1 && !b.isText() && !b.logical {
		if x, err := strconv.ParseFloat(a.s[0], 64); err == nil {
			return value{x: []float64{x}}
		}
	}
	return a
}

// within is %in%: a missing value is in the list only if the list has one.
func within(a, list value) value {
	out := value{x: make([]float64, a.rows()), logical: true}
	in := map[string]bool{}
	for k := range list.rows() {
		in[list.textAt(k)] = true
	}
	for k := range out.x {
		out.x[k] = truth(in[a.textAt(k)])
	}
	return out
}

// functions of one number.
var plain = map[string]func(float64) float64{
	"abs": math.Abs, "sqrt": math.Sqrt, "exp": math.Exp, "log": math.Log, "log10": math.Log10, "log2": math.Log2, "log1p": math.Log1p,
	"expm1": math.Expm1, "floor": math.Floor, "ceiling": math.Ceil, "trunc": math.Trunc, "round": math.RoundToEven,
	"sin": math.Sin, "cos": math.Cos, "tan": math.Tan, "asin": math.Asin, "acos": math.Acos, "atan": math.Atan, "sign": sign,
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// functions are the names that may stand before a bracket.
var functions = func() map[string]bool {
	f := map[string]bool{}
	for name := range plain {
		f[name] = true
	}
	for _, name := range []string{"I", "factor", "as.factor", "as.numeric", "as.integer", "as.character", "is.na", "ifelse", "pmin", "pmax", "c"} {
		f[name] = true
	}
	return f
}()

func (e *expr) call(look names, rows int) (value, error) {
	arg := make([]value, len(e.arg))
	for i, a := range e.arg {
		v, err := a.evaluate(look, rows)
		if err != nil {
			return value{}, err
		}
		arg[i] = v
	}
	need := func(n int) error {
		if len(arg) != n {
			return fmt.Errorf("%s() takes %d values, not %d", e.text, n, len(arg))
		}
		return nil
	}
	switch e.text {
	case "c":
		out := value{set: true, s: []string{}}
		for _, v := range arg {
			if v.rows() != 1 {
				return value{}, errors.New("c() takes single values")
			}
			out.s = append(out.s, v.textAt(0))
		}
		return out, nil
	case "ifelse", "pmin", "pmax":
		return e.choose(arg)
	}
	if err := need(1); err != nil {
		return value{}, err
	}
	v := arg[0]
	switch e.text {
	case "I":
		return v, nil
	case "factor", "as.factor", "as.character":
		out := value{s: make([]string, v.rows())}
		for k := range out.s {
			out.s[k] = v.textAt(k)
		}
		return out, nil
	case "is.na":
		out := value{x: make([]float64, v.rows()), logical: true}
		for k := range out.x {
			out.x[k] = truth(v.textAt(k) == "")
		}
		return out, nil
	}
	if v.isText() {
		return value{}, fmt.Errorf("%s() needs numbers, not text", e.text)
	}
	f := plain[e.text]
	out := value{x: make([]float64, len(v.x))}
	for k, x := range v.x {
		switch {
		case f != nil:
			out.x[k] = f(x)
		case e.text == "as.integer":
			out.x[k] = math.Trunc(x)
		default:
			out.x[k] = x
		}
	}
	return out, nil
}

// choose is ifelse, pmin and pmax.
func (e *expr) choose(arg []value) (value, error) {
	if e.text == "ifelse" && len(arg) != 3 || len(arg) == 0 {
		return value{}, fmt.Errorf("%s() does not take %d values", e.text, len(arg))
	}
	for _, v := range arg {
		if v.isText() {
			return value{}, fmt.Errorf("%s() needs numbers, not text", e.text)
		}
	}
	n, err := common(arg)
	if err != nil {
		return value{}, err
	}
	out := value{x: make([]float64, n)}
	for k := range out.x {
		best := arg[0].at(k)
		switch {
		case e.text == "ifelse" && math.IsNaN(best):
		case e.text == "ifelse" && best != 0:
			best = arg[1].at(k)
		case e.text == "ifelse":
			best = arg[2].at(k)
		default:
			for _, v := range arg[1:] {
				if e.text == "pmin" {
					best = math.Min(best, v.at(k))
				} else {
					best = math.Max(best, v.at(k))
				}
			}
		}
		out.x[k] = best
	}
	return out, nil
}
