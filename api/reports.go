package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey/response"
)

type listReportsRequest struct {
	Wave   string `query:"wave" doc:"id of the wave" required:"true" maxLength:"36"`
	Area   string `query:"area" doc:"this place and everything below it" maxLength:"12"`
	Kind   string `query:"kind" enum:"confirmed,disputed,pressure"`
	State  string `query:"state" enum:"new,seen,handled"`
	Cursor string `query:"cursor" doc:"of the page before" maxLength:"128"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

type reportLine struct {
	ID       string    `json:"id"`
	Area     string    `json:"area" doc:"the subdistrict when the community gave fewer than 5 interviews"`
	Kind     string    `json:"kind" enum:"confirmed,disputed,pressure"`
	Said     string    `json:"said" doc:"what exactly" enum:"confirmed,nobody_came,not_me,not_meant,told_how,watched"`
	Note     string    `json:"note" doc:"numbers that tell who somebody is are masked"`
	At       time.Time `json:"at" doc:"to the hour"`
	State    string    `json:"state" enum:"new,seen,handled"`
	Word     string    `json:"word" doc:"what came of it"`
	Response *string   `json:"response" doc:"id of the interview; null when its answers were deleted or could not be kept"`
}

type reportCountView struct {
	Area       string `json:"area"`
	Interviews int64  `json:"interviews"`
	Confirmed  int64  `json:"confirmed"`
	Disputed   int64  `json:"disputed"`
	Pressure   int64  `json:"pressure"`
}

type listReportsReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Reports     []reportLine      `json:"reports"`
		Communities []reportCountView `json:"communities" doc:"with 5 or more interviews"`
		Cursor      *string           `json:"cursor" doc:"of the next page; null on the last"`
	}
}

type handleReportRequest struct {
	ID   string    `path:"id" maxLength:"36"`
	Body *struct { // a missing one is refused after the question who asks
		State string `json:"state" doc:"seen, or handled with a word"`
		Word  string `json:"word,omitempty"`
	}
}

func (a *API) describeReports() {
	register(a, huma.Operation{
		OperationID: "list-reports", Method: http.MethodGet, Path: "/api/v1/reports", Tags: []string{"reports"},
		Summary: "What residents say of the interviews they gave, the newest first, without answers", Security: inPerson,
		Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *listReportsRequest) (*listReportsReply, error) {
		who := actorOf(ctx)
		w, err := a.Waves.Seen(ctx, who, in.Wave)
		if err != nil {
			return nil, err
		}
		before, err := readMark(in.Cursor)
		if err != nil {
			return nil, err
		}
		list, more, err := a.Responses.Reports(ctx, who, w, response.ReportFilter{Area: in.Area, Group: in.Kind, State: in.State, Before: before, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		counts, err := a.Responses.ReportCounts(ctx, who, w, in.Area)
		if err != nil {
			return nil, err
		}
		out := &listReportsReply{CacheControl: "no-store"}
		out.Body.Reports, out.Body.Communities = make([]reportLine, len(list)), make([]reportCountView, len(counts))
		for i, r := range list {
			out.Body.Reports[i] = viewReport(r)
		}
		for i, c := range counts {
			out.Body.Communities[i] = reportCountView{c.AreaCode, c.Interviews, c.Confirmed, c.Disputed, c.Pressured}
		}
		if more {
			next := writeMark(list[len(list)-1].MarkOf())
			out.Body.Cursor = &next
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "handle-report", Method: http.MethodPut, Path: "/api/v1/reports/{id}", Tags: []string{"reports"}, DefaultStatus: http.StatusNoContent,
		Summary: "Note that a report was seen, or what came of it", Security: inPerson,
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *handleReportRequest) (*struct{}, error) {
		state, word := "", ""
		if in.Body != nil {
			state, word = in.Body.State, in.Body.Word
		}
		return nil, a.Responses.HandleReport(ctx, actorOf(ctx), in.ID, state, word)
	})
}

func viewReport(r response.Report) reportLine {
	v := reportLine{ID: r.ID, Area: r.AreaCode, Kind: r.Group(), Said: r.Kind, Note: r.Note, At: hour(r.At), State: r.State(), Word: r.Word}
	if r.ResponseID != "" {
		v.Response = &r.ResponseID
	}
	return v
}
