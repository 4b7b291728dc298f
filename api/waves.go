package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/wave"
)

type waveView struct {
	ID       string      `json:"id"`
	Code     string      `json:"code"`
	Name     survey.Text `json:"name"`
	Area     string      `json:"area" doc:"code of the place that is surveyed"`
	OpensAt  time.Time   `json:"opens_at"`
	ClosesAt time.Time   `json:"closes_at"`
	State    string      `json:"state" enum:"not_yet,open,closed"`
}

func (a *API) viewWave(w wave.Wave) waveView {
	now := a.Clock()
	v := waveView{ID: w.ID, Code: w.Code, Name: w.Name(), Area: w.AreaCode, OpensAt: w.OpensAt.In(static.China), ClosesAt: w.ClosesAt.In(static.China), State: "open"}
	if !w.Started(now) {
		v.State = "not_yet"
	} else if w.Over(now) {
		v.State = "closed"
	}
	return v
}

type wavesReply struct {
	Body struct {
		Waves []waveView `json:"waves"`
	}
}

type waveRequest struct {
	Wave string `path:"wave" doc:"id of the wave"`
}

type waveReply struct{ Body waveView }

func (a *API) describeWaves() {
	register(a, huma.Operation{
		OperationID: "list-waves", Method: http.MethodGet, Path: "/api/v1/waves", Tags: []string{"waves"},
		Summary: "Waves that this person may see, the newest first", Security: staff,
	}, func(ctx context.Context, _ *struct{}) (*wavesReply, error) {
		list, err := a.Waves.List(ctx, actorOf(ctx))
		if err != nil {
			return nil, err
		}
		out := &wavesReply{}
		out.Body.Waves = make([]waveView, len(list))
		for i, w := range list {
			out.Body.Waves[i] = a.viewWave(w)
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "wave", Method: http.MethodGet, Path: "/api/v1/waves/{wave}", Tags: []string{"waves"},
		Summary: "A wave", Security: staff, Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *waveRequest) (*waveReply, error) {
		w, err := a.Waves.Seen(ctx, actorOf(ctx), in.Wave)
		if err != nil {
			return nil, err
		}
		return &waveReply{a.viewWave(w)}, nil
	})
}
