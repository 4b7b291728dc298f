package analysis

import (
	"strconv"
	"strings"
)

// spelled returns a variable as R spells it in the name of a result, so that
// I(x>=.5) and I(x >= 0.5) are the same row. A column keeps its name, and what
// cannot be read stays as it is.
func (f *Frame) spelled(variable string) string {
	if f.has(variable) {
		return variable
	}
	tokens, err := scan(variable)
	if err != nil {
		return variable
	}
	var b strings.Builder
	operand := false // whether the last token ended one
	for i, t := range tokens {
		switch {
		case t.kind == 'n' || t.kind == 't' || t.kind == 'i':
			if operand {
				b.WriteByte(' ')
			}
			b.WriteString(t.spelled())
			operand = true
		case t.text == "(":
			b.WriteByte('(')
			operand = false
		case t.text == ")":
			b.WriteByte(')')
			operand = true
		case t.text == ",":
			b.WriteString(", ")
			operand = false
		case !operand && (t.text == "-" || t.text == "+" || t.text == "!"):
			b.WriteString(t.text)
		default:
			op := t.text
			if op == "**" {
				op = "^"
			}
			if !strings.Contains(" / ^ %% %/% ", " "+op+" ") && i > 0 {
				op = " " + op + " "
			}
			b.WriteString(op)
			operand = false
		}
	}
	return b.String()
}

func (t token) spelled() string {
	switch t.kind {
	case 'n':
		return shortest(t.x)
	case 't':
		return strconv.Quote(t.text)
	}
	if nameEnd(t.text) != len(t.text) { // it stood in back quotes
		return "`" + t.text + "`"
	}
	return t.text
}

// shortest writes a number as R does: without an exponent unless that is shorter.
func shortest(x float64) string {
	fixed, scientific := strconv.FormatFloat(x, 'f', -1, 64), strconv.FormatFloat(x, 'e', -1, 64)
	if len(fixed) <= len(scientific) {
		return fixed
	}
	return scientific
}
