package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey"
	"chengyin/survey/account"
)

type grantView struct {
	ID        string      `json:"id"`
	Person    string      `json:"person" doc:"id"`
	Login     string      `json:"login"`
	Role      string      `json:"role"`
	RoleName  survey.Text `json:"role_name"`
	Place     *placeView  `json:"place" doc:"null for a unit"`
	Unit      *placeView  `json:"unit" doc:"null for a place"`
	State     string      `json:"state" enum:"asked,granted"`
	AskedBy   string      `json:"asked_by"`
	AskedAt   time.Time   `json:"asked_at"`
	GrantedBy string      `json:"granted_by"`
	GrantedAt *time.Time  `json:"granted_at"`
}

func viewGrant(g account.GrantView) grantView {
	v := grantView{ID: g.ID, Person: g.AccountID, Login: g.Login, Role: g.RoleCode, RoleName: g.Role, State: g.State(),
		AskedBy: g.AskedBy, AskedAt: g.AskedAt, GrantedBy: g.GrantedBy, GrantedAt: g.GrantedAt}
	if g.UnitCode != nil {
		v.Unit = &placeView{*g.UnitCode, g.UnitName}
	} else {
		v.Place = &placeView{g.AreaCode, g.Place}
	}
	return v
}

type grantsReply struct {
	Body struct {
		Grants []grantView `json:"grants"`
	}
}

type askRequest struct {
	Body struct {
		Person string `json:"person" doc:"id" maxLength:"36"`
		Role   string `json:"role" maxLength:"32"`
		Place  string `json:"place,omitempty" doc:"code of the place below which it shall count" maxLength:"12"`
		Unit   string `json:"unit,omitempty" doc:"code of a unit instead" maxLength:"32"`
	}
}

type askReply struct {
	Body struct {
		ID string `json:"id"`
	}
}

type grantRequest struct {
	ID string `path:"id" maxLength:"36"`
}

func (a *API) describeGrants() {
	refusals := []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict}
	register(a, huma.Operation{
		OperationID: "list-grants", Method: http.MethodGet, Path: "/api/v1/grants", Tags: []string{"grants"},
		Summary: "What waits to be granted", Security: staff, Errors: []int{http.StatusForbidden},
	}, func(ctx context.Context, _ *struct{}) (*grantsReply, error) {
		list, err := a.Accounts.Waiting(ctx, actorOf(ctx))
		out := &grantsReply{}
		out.Body.Grants = []grantView{}
		for _, g := range list {
			out.Body.Grants = append(out.Body.Grants, viewGrant(g))
		}
		return out, err
	})
	register(a, huma.Operation{
		OperationID: "ask-for-grant", Method: http.MethodPost, Path: "/api/v1/grants", Tags: []string{"grants"}, DefaultStatus: http.StatusCreated,
		Summary: "Ask for a role for a person", Security: staff, Errors: refusals,
	}, func(ctx context.Context, in *askRequest) (*askReply, error) {
		id, err := a.Accounts.Ask(ctx, actorOf(ctx), in.Body.Person, in.Body.Role, in.Body.Place, in.Body.Unit)
		out := &askReply{}
		out.Body.ID = id
		return out, err
	})
	register(a, huma.Operation{
		OperationID: "approve-grant", Method: http.MethodPost, Path: "/api/v1/grants/{id}/approve", Tags: []string{"grants"}, DefaultStatus: http.StatusNoContent,
		Summary: "Grant what somebody else has asked for", Security: staff, Errors: refusals,
	}, func(ctx context.Context, in *grantRequest) (*struct{}, error) {
		return nil, a.Accounts.Approve(ctx, actorOf(ctx), in.ID)
	})
	register(a, huma.Operation{
		OperationID: "end-grant", Method: http.MethodDelete, Path: "/api/v1/grants/{id}", Tags: []string{"grants"}, DefaultStatus: http.StatusNoContent,
		Summary: "End a grant and the person's sessions, or refuse one that waits", Security: staff, Errors: refusals,
	}, func(ctx context.Context, in *grantRequest) (*struct{}, error) {
		return nil, a.Accounts.End(ctx, actorOf(ctx), in.ID)
	})
}
