package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey"
	"chengyin/survey/area"
)

type areasRequest struct {
	Parent string `query:"parent" doc:"12-digit code; without it, the place at the top of what this person sees" maxLength:"12"`
}

type areaView struct {
	Code   string      `json:"code"`
	Name   survey.Text `json:"name"`
	Level  area.Level  `json:"level"`
	Parent *string     `json:"parent"`
}

type areasReply struct {
	Body struct {
		Areas []areaView `json:"areas"`
	}
}

func (a *API) describeAreas() {
	register(a, huma.Operation{
		OperationID: "list-areas", Method: http.MethodGet, Path: "/api/v1/areas", Tags: []string{"areas"},
		Summary: "Places directly below a place", Security: staff, Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *areasRequest) (*areasReply, error) {
		list, err := a.seenAreas(ctx, actorOf(ctx), in.Parent)
		if err != nil {
			return nil, err
		}
		out := &areasReply{}
		out.Body.Areas = make([]areaView, len(list))
		for i, x := range list {
			out.Body.Areas[i] = areaView{x.Code, x.Name(), x.Level, x.ParentCode}
		}
		return out, nil
	})
}

// seenAreas returns the places directly below parent as far as the actor sees
// them; without a parent, the actor's own place, or the cities for those who see
// everything.
func (a *API) seenAreas(ctx context.Context, who survey.Actor, parent string) ([]area.Area, error) {
	if parent == "" && survey.Prefix(who.Scope) != "" {
		own, err := a.Areas.ByCode(ctx, who.Scope)
		return []area.Area{own}, err
	}
	if parent != "" {
		if !who.Sees(parent) {
			return nil, area.ErrNotFound
		}
		if _, err := a.Areas.ByCode(ctx, parent); err != nil {
			return nil, err
		}
	}
	return a.Areas.Children(ctx, parent)
}
