package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey"
	"chengyin/survey/account"
)

type fullRoleView struct {
	Code        string              `json:"code"`
	Name        survey.Text         `json:"name"`
	Permissions []survey.Permission `json:"permissions"`
	Default     bool                `json:"default" doc:"of the platform: it cannot be changed"`
	Holders     int                 `json:"holders" doc:"of the people in your places"`
}

type rolesReply struct {
	Body struct {
		Roles []fullRoleView `json:"roles"`
	}
}

type newRoleRequest struct {
	Body struct {
		Code        string              `json:"code" maxLength:"32"`
		Name        survey.Text         `json:"name"`
		Permissions []survey.Permission `json:"permissions" maxItems:"50" nullable:"false"`
	}
}

type changeRoleRequest struct {
	Code string `path:"code" maxLength:"32"`
	Body struct {
		Name        *survey.Text         `json:"name,omitempty"`
		Permissions *[]survey.Permission `json:"permissions,omitempty" maxItems:"50"`
	}
}

type roleRequest struct {
	Code string `path:"code" maxLength:"32"`
}

func (a *API) describeRoles() {
	refusals := []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict}
	register(a, huma.Operation{
		OperationID: "list-roles", Method: http.MethodGet, Path: "/api/v1/roles", Tags: []string{"roles"},
		Summary: "Roles and what they let people do", Security: staff, Errors: []int{http.StatusForbidden},
	}, func(ctx context.Context, _ *struct{}) (*rolesReply, error) {
		list, err := a.Accounts.Roles(ctx, actorOf(ctx))
		out := &rolesReply{}
		out.Body.Roles = []fullRoleView{}
		for _, r := range list {
			if r.Permissions == nil {
				r.Permissions = []survey.Permission{}
			}
			out.Body.Roles = append(out.Body.Roles, fullRoleView{r.Code, r.Name, r.Permissions, r.Default, r.Holders})
		}
		return out, err
	})
	register(a, huma.Operation{
		OperationID: "create-role", Method: http.MethodPost, Path: "/api/v1/roles", Tags: []string{"roles"}, DefaultStatus: http.StatusNoContent,
		Summary: "Add a role of the city's own", Security: staff, Errors: refusals,
	}, func(ctx context.Context, in *newRoleRequest) (*struct{}, error) {
		return nil, a.Accounts.CreateRole(ctx, actorOf(ctx), survey.Role{Code: in.Body.Code, Name: in.Body.Name, Permissions: in.Body.Permissions})
	})
	register(a, huma.Operation{
		OperationID: "change-role", Method: http.MethodPatch, Path: "/api/v1/roles/{code}", Tags: []string{"roles"}, DefaultStatus: http.StatusNoContent,
		Summary: "Rename a role or change what it lets people do; ends the sessions of those who hold it", Security: staff, Errors: refusals,
	}, func(ctx context.Context, in *changeRoleRequest) (*struct{}, error) {
		return nil, a.Accounts.ChangeRole(ctx, actorOf(ctx), in.Code, account.RoleChange{Name: in.Body.Name, Permissions: in.Body.Permissions})
	})
	register(a, huma.Operation{
		OperationID: "remove-role", Method: http.MethodDelete, Path: "/api/v1/roles/{code}", Tags: []string{"roles"}, DefaultStatus: http.StatusNoContent,
		Summary: "Remove a role that nobody was ever given", Security: staff, Errors: refusals,
	}, func(ctx context.Context, in *roleRequest) (*struct{}, error) {
		return nil, a.Accounts.RemoveRole(ctx, actorOf(ctx), in.Code)
	})
}
