// Package survey holds the few words that every part of the platform shares:
// an error with a kind and a code, who is acting, a text in two languages, a
// clock. It imports nothing of its own.
package survey

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Kind says what sort of trouble an Error is. Only package api knows which
// HTTP status belongs to it.
type Kind int

// The kinds of error that a caller can tell apart.
const (
	Internal     Kind = iota // not the caller's fault
	Malformed                // the request cannot be read
	Invalid                  // read, but one or more fields are wrong
	NotFound                 // no such thing, or none that this actor may see
	Conflict                 // it contradicts what is stored
	Denied                   // this actor may not do it
	Unauthorized             // nobody is signed in
	Gone                     // it was here once
	TooMany                  // too often in too short a time
	TooLarge                 // more than is accepted at once
)

// Error is what the platform says when it refuses. Code is stable and has
// words in every language of the catalogue; the cause is for the log only.
type Error struct {
	Kind   Kind
	Code   string
	Fields []Field
	cause  error
}

// Field is one wrong field. Path names it the way the reader sent it ("q7",
// "answers.q7", "row 12"); Code has words in the catalogue, into which Args go.
type Field struct {
	Path string
	Code string
	Args map[string]any
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	for _, f := range e.Fields {
		b.WriteString(" " + f.Path + ":" + f.Code)
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

// Unwrap returns the hidden cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an Error with the same code.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// Because returns a copy of e with the cause err.
func (e *Error) Because(err error) *Error {
	c := *e
	c.cause = err
	return &c
}

// With returns a copy of e that names the wrong fields.
func (e *Error) With(fields ...Field) *Error {
	c := *e
	c.Fields = append(slices.Clone(e.Fields), fields...)
	return &c
}

// KindOf returns the kind of err: Internal when it is not one of ours.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Errors that any part of the platform may return.
var (
	ErrInvalid      = &Error{Kind: Invalid, Code: "invalid"}
	ErrMalformed    = &Error{Kind: Malformed, Code: "malformed"}
	ErrDenied       = &Error{Kind: Denied, Code: "denied"}
	ErrUnauthorized = &Error{Kind: Unauthorized, Code: "unauthorized"}
	ErrNotFound     = &Error{Kind: NotFound, Code: "not_found"}
)

// Text is a text in the platform's two languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// In returns the text in lang ("zh" or "en"); Chinese where there is no other.
func (t Text) In(lang string) string {
	if lang == "en" && t.EN != "" {
		return t.EN
	}
	return t.ZH
}

// Empty reports whether there is no text in either language.
func (t Text) Empty() bool { return t.ZH == "" && t.EN == "" }

// Clock tells the time. Tests bring their own.
type Clock func() time.Time

// SystemClock is the machine's clock in UTC, in whole microseconds: the finest
// that every supported database keeps.
func SystemClock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
