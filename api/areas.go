package api

import (
	"context"
	"net/http"
	"slices"

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
// them; without a parent, the actor's own places, or the cities for those who see
// everything.
func (a *API) seenAreas(ctx context.Context, who survey.Actor, parent string) ([]area.Area, error) {
	if tops := who.Places(); parent == "" && !slices.Contains(tops, survey.Everywhere) {
		own := make([]area.Area, 0, len(tops))
		for _, code := range tops {
			top, err := a.Areas.ByCode(ctx, code)
			if err != nil {
				return nil, err
			}
			own = append(own, top)
		}
		return own, nil
	}
	if parent != "" {
		if !slices.ContainsFunc(who.Places(), func(top string) bool { return survey.Within(top, parent) }) {
			return nil, area.ErrNotFound
		}
		if _, err := a.Areas.ByCode(ctx, parent); err != nil {
			return nil, err
		}
	}
	return a.Areas.Children(ctx, parent)
}
