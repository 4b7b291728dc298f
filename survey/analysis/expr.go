package analysis

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Expressions are those of R that a question about columns needs: arithmetic,
// comparison, logic and a few functions. They can do nothing else: there are no
// variables to set, no loops, no files.

// expr is a node of a parsed expression.
type expr struct {
	op   string // "num", "text", "name", "call", or an operator
	text string // of a name, a function or a literal
	x    float64
	arg  []*expr
}

const (
	longestExpression = 10000 // bytes
	deepestExpression = 100
)

// parseExpr reads an expression.
func parseExpr(s string) (*expr, error) {
	if len(s) > longestExpression {
		return nil, fmt.Errorf("an expression of %d bytes is too long", len(s))
	}
	tokens, err := scan(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	p := &parser{tokens: tokens}
	e, err := p.binary(0, 0)
	if err == nil && p.peek() != "" {
		err = fmt.Errorf("%q is not expected there", p.peek())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	return e, nil
}

// token is a word of an expression; kind is 'n'umber, 't'ext, 'i'dentifier or
// 'o'perator.
type token struct {
	kind byte
	text string
	x    float64
}

var operators = []string{"%in%", "%/%", "%%", "==", "!=", "<=", ">=", "&&", "||", "**",
	"+", "-", "*", "/", "^", "<", ">", "=", "&", "|", "!", "(", ")", ","}

func scan(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case unicode.IsSpace(r):
			i += size
		case r >= '0' && r <= '9' || r == '.' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			n := numberEnd(s[i:])
			x, err := strconv.ParseFloat(s[i:i+n], 64)
			if err != nil {
				return nil, fmt.Errorf("%q is no number", s[i:i+n])
			}
			out = append(out, token{'n', s[i : i+n], x})
			i += n
		case r == '"' || r == '\'' || r == '`':
			end := strings.IndexByte(s[i+1:], byte(r))
			if end < 0 {
				return nil, fmt.Errorf("a quote is not closed")
			}
			kind := byte('t')
			if r == '`' {
				kind = 'i'
			}
			out = append(out, token{kind, s[i+1 : i+1+end], 0})
			i += end + 2
		case unicode.IsLetter(r) || r == '_' || r == '.':
			n := nameEnd(s[i:])
			word := s[i : i+n]
			if word == "mod" && len(out) > 0 {
				out = append(out, token{'o', "%%", 0})
			} else {
				out = append(out, token{'i', word, 0})
			}
			i += n
		default:
			op := operator(s[i:])
			if op == "" {
				return nil, fmt.Errorf("%q is no operator", r)
			}
			out = append(out, token{'o', op, 0})
			i += len(op)
		}
	}
	return out, nil
}

func operator(s string) string {
	for _, op := range operators {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	return ""
}

// numberEnd returns the length of the number at the start of s.
func numberEnd(s string) int {
	i := 0
	digits := func() {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
	}
	digits()
	if i < len(s) && s[i] == '.' {
		i++
		digits()
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		mark := i
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		from := i
		if digits(); i == from {
			return mark
		}
	}
	return i
}

func nameEnd(s string) int {
	for i, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) && r != '_' && r != '.' {
			return i
		}
	}
	return len(s)
}

type parser struct {
	tokens []token
	at     int
}

// peek returns the text of the next token, "" at the end.
func (p *parser) peek() string {
	if p.at < len(p.tokens) {
		if t := p.tokens[p.at]; t.kind == 't' {
			return strconv.Quote(t.text)
		}
		return p.tokens[p.at].text
	}
	return ""
}

// op reports whether the next token is one of the operators and takes it.
func (p *parser) op(ops ...string) (string, bool) {
	if p.at < len(p.tokens) && p.tokens[p.at].kind == 'o' {
		for _, op := range ops {
			if p.tokens[p.at].text == op {
				p.at++
				return op, true
			}
		}
	}
	return "", false
}

// levels of binary operators, loosest first, as in R. A single = means ==.
var precedence = [][]string{
	{"|", "||"}, {"&", "&&"}, {"!"}, {"==", "!=", "<", "<=", ">", ">=", "="},
	{"+", "-"}, {"*", "/"}, {"%%", "%/%", "%in%"},
}

var same = map[string]string{"||": "|", "&&": "&", "=": "==", "**": "^"}

func canonical(op string) string {
	if c, ok := same[op]; ok {
		return c
	}
	return op
}

var errDeep = errors.New("the expression is nested too deeply")

func (p *parser) binary(level, depth int) (*expr, error) {
	if depth > deepestExpression {
		return nil, errDeep
	}
	if level == len(precedence) {
		return p.unary(depth)
	}
	if precedence[level][0] == "!" {
		if _, ok := p.op("!"); ok {
			e, err := p.binary(level, depth+1)
			return &expr{op: "!", arg: []*expr{e}}, err
		}
		return p.binary(level+1, depth)
	}
	left, err := p.binary(level+1, depth)
	for n := 0; err == nil; n++ {
		if n > longestExpression {
			return nil, errDeep
		}
		op, ok := p.op(precedence[level]...)
		if !ok {
			// "4 n" and "P (1-P)" are products.
			if level != len(precedence)-2 || !p.factorNext() {
				break
			}
			op = "*"
		}
		var right *expr
		if right, err = p.binary(level+1, depth+1); err == nil {
			left = &expr{op: canonical(op), arg: []*expr{left, right}}
		}
	}
	return left, err
}

// factorNext reports whether what follows could be multiplied without a sign: a
// name or an opening bracket, but not a number, which would hide a lost operator.
func (p *parser) factorNext() bool {
	if p.at >= len(p.tokens) {
		return false
	}
	t := p.tokens[p.at]
	return t.kind == 'i' || t.kind == 'o' && t.text == "("
}

func (p *parser) unary(depth int) (*expr, error) {
	if depth > deepestExpression {
		return nil, errDeep
	}
	if op, ok := p.op("-", "+"); ok {
		e, err := p.unary(depth + 1)
		if op == "+" {
			return e, err
		}
		return &expr{op: "neg", arg: []*expr{e}}, err
	}
	left, err := p.primary(depth)
	if err != nil {
		return nil, err
	}
	if _, ok := p.op("^", "**"); ok {
		right, err := p.unary(depth + 1)
		return &expr{op: "^", arg: []*expr{left, right}}, err
	}
	return left, nil
}

func (p *parser) primary(depth int) (*expr, error) {
	if p.at >= len(p.tokens) {
		return nil, errors.New("something is missing at the end")
	}
	t := p.tokens[p.at]
	switch {
	case t.kind == 'n':
		p.at++
		return &expr{op: "num", x: t.x, text: t.text}, nil
	case t.kind == 't':
		p.at++
		return &expr{op: "text", text: t.text}, nil
	case t.kind == 'i':
		p.at++
		_, known := functions[t.text]
		if !known {
			return &expr{op: "name", text: t.text}, nil
		}
		if _, ok := p.op("("); !ok {
			return &expr{op: "name", text: t.text}, nil
		}
		arg, err := p.arguments(depth)
		return &expr{op: "call", text: t.text, arg: arg}, err
	case t.text == "(":
		p.at++
		e, err := p.binary(0, depth+1)
		if err != nil {
			return nil, err
		}
		if _, ok := p.op(")"); !ok {
			return nil, errors.New("a bracket is not closed")
		}
		return e, nil
	}
	return nil, fmt.Errorf("%q is not expected there", p.peek())
}

// arguments reads what stands between brackets, the first of which is read.
func (p *parser) arguments(depth int) ([]*expr, error) {
	var out []*expr
	if _, ok := p.op(")"); ok {
		return nil, nil
	}
	for {
		e, err := p.binary(0, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		if _, ok := p.op(","); ok {
			continue
		}
		if _, ok := p.op(")"); ok {
			return out, nil
		}
		return nil, errors.New("a bracket is not closed")
	}
}
