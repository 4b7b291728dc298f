package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"chengyin/survey"
)

// statuses is the one place that knows which status a kind of error has.
var statuses = map[survey.Kind]int{
	survey.Internal:     http.StatusInternalServerError,
	survey.Malformed:    http.StatusBadRequest,
	survey.Invalid:      http.StatusUnprocessableEntity,
	survey.NotFound:     http.StatusNotFound,
	survey.Conflict:     http.StatusConflict,
	survey.Denied:       http.StatusForbidden,
	survey.Unauthorized: http.StatusUnauthorized,
	survey.Gone:         http.StatusGone,
	survey.TooMany:      http.StatusTooManyRequests,
	survey.TooLarge:     http.StatusRequestEntityTooLarge,
}

// Problem is an error as RFC 9457 writes it.
type Problem struct {
	Type      string         `json:"type" doc:"about:blank, or an address of the kind of problem"`
	Title     string         `json:"title" doc:"what is wrong, in the reader's language"`
	Status    int            `json:"status"`
	Code      string         `json:"code" doc:"stable name of the problem"`
	Errors    []ProblemField `json:"errors,omitempty" doc:"every wrong field"`
	Receipt   string         `json:"receipt,omitempty" doc:"receipt of the answers that were stored first"`
	RequestID string         `json:"request_id"`
}

// ProblemField is one wrong field.
type ProblemField struct {
	Path    string `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (p *Problem) Error() string  { return p.Code }
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is what huma sends a Problem as.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// problem words an error for the reader. One that is not ours is logged here,
// once, and told as an internal error.
func (a *API) problem(ctx context.Context, err error) *Problem {
	info := infoOf(ctx)
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var e *survey.Error
	switch {
	case errors.As(err, &e):
	case errors.Is(err, context.Canceled):
		e = &survey.Error{Kind: survey.Internal, Code: "canceled"}
	default:
		a.log.Error("request failed", "request_id", info.id, "err", err)
		e = &survey.Error{Kind: survey.Internal, Code: "internal"}
	}
	p = &Problem{Type: "about:blank", Status: statuses[e.Kind], Code: e.Code, Title: a.static.T(info.lang, "error."+e.Code), RequestID: info.id}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, ProblemField{Path: f.Path, Code: f.Code, Message: a.static.T(info.lang, "field."+f.Code, f.Args)})
	}
	return p
}

// writeProblem answers with an error outside of huma.
func (a *API) writeProblem(c *gin.Context, err error) {
	p := a.problem(c.Request.Context(), err)
	body, e := json.Marshal(p)
	if e != nil {
		c.Status(http.StatusInternalServerError)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Data(p.Status, p.ContentType(""), body)
}

// do makes a handler of one that returns errors: a problem for programs, a page
// for people.
func (a *API) do(h func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		err := h(c)
		if err == nil {
			return
		}
		c.Abort()
		if c.Writer.Written() {
			a.log.Error("request failed after the answer began", "request_id", infoOf(c.Request.Context()).id, "err", err)
			return
		}
		if strings.HasPrefix(c.Request.URL.Path, "/api/") || !strings.Contains(c.GetHeader("Accept"), "text/html") {
			a.writeProblem(c, err)
			return
		}
		a.errorPage(c, a.problem(c.Request.Context(), err))
	}
}

// huma's own refusals, of requests that do not fit the description, go through
// the same words.
func (a *API) wordHuma() {
	huma.NewErrorWithContext = func(hc huma.Context, status int, msg string, errs ...error) huma.StatusError {
		e := &survey.Error{Kind: survey.Malformed, Code: "malformed"}
		for kind, s := range statuses {
			if s == status {
				e.Kind = kind
			}
		}
		switch e.Kind {
		case survey.Invalid:
			e.Code = "invalid"
		case survey.TooLarge:
			e.Code = "too_large"
		case survey.Internal:
			e.Code = "internal"
		}
		for _, err := range errs {
			var known *Problem
			if errors.As(err, &known) {
				return known
			}
			var d huma.ErrorDetailer
			if errors.As(err, &d) {
				detail := d.ErrorDetail()
				e.Fields = append(e.Fields, fieldOf(detail.Location, detail.Message))
			}
		}
		if len(e.Fields) == 0 && (status == http.StatusBadRequest || status == http.StatusUnprocessableEntity) {
			e.Fields = []survey.Field{{Path: "body", Code: "field_unreadable"}} // no JSON at all
		}
		ctx := context.Background()
		if hc != nil {
			ctx = hc.Context()
		}
		p := a.problem(ctx, e)
		p.Status = status
		return p
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return huma.NewErrorWithContext(nil, status, msg, errs...)
	}
}

// fieldOf turns a refusal of huma's into a field: the code is told by how the
// message begins.
func fieldOf(location, message string) survey.Field {
	for _, part := range []string{"body.", "query.", "path.", "header."} {
		location = strings.TrimPrefix(location, part)
	}
	f := survey.Field{Path: location, Code: "field_wrong"}
	var name string
	switch {
	case strings.HasPrefix(message, "expected required property "):
		fmt.Sscanf(message, "expected required property %s", &name)
		f.Path, f.Code = strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(f.Path, "body"), ".")+"."+name, "."), "field_missing"
	case message == "required query parameter is missing", message == "required path parameter is missing":
		f.Code = "field_missing"
	case strings.HasPrefix(message, "unexpected property"):
		f.Code = "field_unknown"
	case strings.HasPrefix(message, "expected length <="):
		f.Code = "field_too_long"
	case strings.HasPrefix(message, "expected length >="), strings.HasPrefix(message, "expected object with at least"):
		f.Code = "field_missing"
	case strings.HasPrefix(message, "expected value to be one of"):
		f.Code = "field_not_listed"
	case strings.HasPrefix(message, "expected number"):
		f.Code = "field_out_of_range"
	}
	if f.Path == "" { // a property without a name
		f.Path = "body"
	}
	return f
}
