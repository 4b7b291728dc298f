package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/response"
)

type listResponsesRequest struct {
	Wave   string `path:"wave" doc:"id of the wave"`
	Area   string `query:"area" doc:"this place and everything below it" maxLength:"12"`
	Mode   string `query:"mode" enum:"visit,scan"`
	Status string `query:"status" enum:"counted,quarantined"`
	Cursor string `query:"cursor" doc:"of the page before" maxLength:"128"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

type arrivalView struct {
	ID         string    `json:"id"`
	Area       string    `json:"area"`
	Collector  string    `json:"collector" doc:"code"`
	Mode       string    `json:"mode"`
	Via        string    `json:"via"`
	Lang       string    `json:"lang"`
	Status     string    `json:"status"`
	Reason     string    `json:"reason" doc:"why it is in quarantine"`
	ReceivedAt time.Time `json:"received_at" doc:"to the hour"`
}

type listResponsesReply struct {
	Body struct {
		Responses []arrivalView `json:"responses"`
		Cursor    *string       `json:"cursor" doc:"of the next page; null on the last"`
	}
}

type openResponseRequest struct {
	ID string `path:"id" doc:"id of the response"`
}

type openResponseReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		arrivalView
		Wave    string         `json:"wave"`
		Answers map[string]any `json:"answers"`
	}
}

func viewArrival(x response.Arrival) arrivalView {
	return arrivalView{x.ID, x.AreaCode, x.Collector, x.Mode, x.Via, x.Lang, x.Status, x.Reason, hour(x.ReceivedAt)}
}

// hour is how exactly the office learns when an answer came: the minute could tell
// a neighbour who gave it.
func hour(t time.Time) time.Time { return t.In(static.China).Truncate(time.Hour) }

func (a *API) describeResponseList() {
	register(a, huma.Operation{
		OperationID: "list-responses", Method: http.MethodGet, Path: "/api/v1/waves/{wave}/responses", Tags: []string{"responses"},
		Summary: "What came in and what became of it, the newest first, without answers", Security: staff,
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *listResponsesRequest) (*listResponsesReply, error) {
		who := actorOf(ctx)
		w, err := a.Waves.Seen(ctx, who, in.Wave)
		if err != nil {
			return nil, err
		}
		before, err := readMark(in.Cursor)
		if err != nil {
			return nil, err
		}
		list, more, err := a.Responses.List(ctx, who, w, response.ListFilter{Area: in.Area, Mode: in.Mode, Status: in.Status, Before: before, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		out := &listResponsesReply{}
		out.Body.Responses = make([]arrivalView, len(list))
		for i, x := range list {
			out.Body.Responses[i] = viewArrival(x)
		}
		if more {
			next := writeMark(markOf(list[len(list)-1]))
			out.Body.Cursor = &next
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "response", Method: http.MethodGet, Path: "/api/v1/responses/{id}", Tags: []string{"responses"},
		Summary: "A single response with its answers; that it was read stays in the audit trail", Security: staff,
		Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *openResponseRequest) (*openResponseReply, error) {
		o, err := a.Responses.Read(ctx, actorOf(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		out := &openResponseReply{CacheControl: "no-store"}
		out.Body.arrivalView, out.Body.Wave, out.Body.Answers = viewArrival(o.Arrival), o.Wave.ID, o.Answers
		return out, nil
	})
}

// markOf is the place of an arrival in the list.
func markOf(x response.Arrival) response.Mark { return response.Mark{At: x.ReceivedAt, ID: x.ID} }

// writeMark and readMark turn a place in the list into an opaque cursor and back.
func writeMark(x response.Mark) string {
	return base64.RawURLEncoding.EncodeToString([]byte(x.At.UTC().Format(time.RFC3339Nano) + " " + x.ID))
}

func readMark(s string) (*response.Mark, error) {
	if s == "" {
		return nil, nil
	}
	wrong := survey.ErrInvalid.With(survey.Field{Path: "cursor", Code: "field_wrong"})
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, wrong
	}
	at, id, ok := strings.Cut(string(raw), " ")
	t, err := time.Parse(time.RFC3339Nano, at)
	if !ok || err != nil || t.Year() < 2000 || t.Year() > 9999 || len(id) != 36 || strings.ContainsFunc(id, func(r rune) bool { return r < '-' || r > 'z' }) {
		return nil, wrong
	}
	return &response.Mark{At: t.UTC(), ID: id}, nil
}
