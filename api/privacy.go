package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/static"
	"chengyin/survey/privacy"
)

type clockView struct {
	Class   string       `json:"class" enum:"devices,sources,answers,visits,frames,reports,phones,sessions,audit,aggregates"`
	Days    *int         `json:"days" doc:"how long it is kept; null: for good"`
	Min     int          `json:"min"`
	Max     int          `json:"max" doc:"0: no upper bound"`
	Fixed   bool         `json:"fixed" doc:"this clock is not changed here"`
	Rows    *int64       `json:"rows" doc:"in the caller's places; null: not for this reader, or 1 to 4"`
	Few     bool         `json:"few" doc:"there are 1 to 4: how many is not told"`
	Next    *time.Time   `json:"next_erasure"`
	Total   int64        `json:"erased" doc:"items so far"`
	Erasure *erasureView `json:"last_erasure"`
}

type erasureView struct {
	At     time.Time  `json:"at"`
	Wave   string     `json:"wave"`
	Count  int        `json:"count"`
	Oldest *time.Time `json:"oldest"`
	Newest *time.Time `json:"newest"`
	Key    string     `json:"key_destroyed"`
	Digest string     `json:"ids_sha256" doc:"SHA-256 over the sorted ids, each with a line feed"`
}

type privacyReply struct {
	Body struct {
		MayChange bool        `json:"may_change"`
		Classes   []clockView `json:"classes"`
		Deletions *struct {
			All    int64 `json:"all"`
			Recent int64 `json:"last_30_days"`
		} `json:"deletions" doc:"by residents with their receipt; null: not for this reader"`
	}
}

type clockRequest struct {
	Class string    `path:"class" enum:"devices,sources,answers,visits,frames,reports,phones,sessions,audit,aggregates"`
	Body  *struct { // a missing one is refused after the question who asks
		Days int `json:"days"`
	}
}

func (a *API) describePrivacy() {
	register(a, huma.Operation{
		OperationID: "privacy", Method: http.MethodGet, Path: "/api/v1/privacy", Tags: []string{"privacy"},
		Summary: "What is kept of residents, until when, and the proof of the last erasure", Security: staff, Errors: []int{http.StatusForbidden},
	}, func(ctx context.Context, _ *struct{}) (*privacyReply, error) {
		o, err := a.Privacy.Overview(ctx, actorOf(ctx))
		if err != nil {
			return nil, err
		}
		out := &privacyReply{}
		out.Body.MayChange = o.MayChange
		for _, s := range o.States {
			out.Body.Classes = append(out.Body.Classes, viewClock(s))
		}
		if d := o.Deletions; d != nil {
			out.Body.Deletions = &struct {
				All    int64 `json:"all"`
				Recent int64 `json:"last_30_days"`
			}{d.All, d.Recent}
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "set-clock", Method: http.MethodPut, Path: "/api/v1/privacy/{class}", Tags: []string{"privacy"}, DefaultStatus: http.StatusNoContent,
		Summary: "Change how long a class of data is kept", Security: staff, Errors: []int{http.StatusForbidden, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *clockRequest) (*struct{}, error) {
		days := -1
		if in.Body != nil {
			days = in.Body.Days
		}
		return nil, a.Privacy.Set(ctx, actorOf(ctx), privacy.Class(in.Class), days)
	})
}

func viewClock(s privacy.State) clockView {
	v := clockView{Class: string(s.Class), Min: s.Min, Max: s.Max, Fixed: s.Fixed, Rows: s.Rows, Few: s.Few, Total: s.Total}
	if s.Class != privacy.Aggregates {
		v.Days = &s.Days
	}
	v.Next = inChina(s.Next)
	if e := s.Last; e != nil {
		v.Erasure = &erasureView{At: e.At.In(static.China), Wave: e.WaveID, Count: e.Items, Oldest: inChina(e.Oldest), Newest: inChina(e.Newest), Key: e.KeyID, Digest: e.IDsSHA256}
	}
	return v
}

func inChina(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.In(static.China)
	return &u
}
