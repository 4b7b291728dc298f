package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey"
	"chengyin/survey/account"
)

type signInRequest struct {
	Body struct {
		Login    string `json:"login" maxLength:"64"`
		Password string `json:"password" maxLength:"200"`
		Code     string `json:"code,omitempty" maxLength:"40" doc:"of the second factor, or a recovery code; without it the problem totp_needed asks for one"`
	}
}

type personView struct {
	Login string     `json:"login"`
	Name  string     `json:"name"`
	Role  string     `json:"role" doc:"the first of the roles"`
	Area  string     `json:"area" doc:"code of the highest place below which this person sees anything"`
	Roles []roleView `json:"roles" doc:"what this person may do where"`
	Must  string     `json:"must,omitempty" doc:"what has to be done before anything else: password or totp"`
}

type roleView struct {
	Role string `json:"role"`
	Area string `json:"area" doc:"code of the place below which the role counts; empty for a role on a unit"`
	Unit string `json:"unit" doc:"code of the unit; empty for a role on places"`
}

func viewPerson(who survey.Actor) personView {
	v := personView{Login: who.Login, Name: who.Name, Area: who.Home(), Must: who.Must, Roles: make([]roleView, len(who.Grants))}
	if roles := who.Roles(); len(roles) > 0 {
		v.Role = roles[0]
	}
	for i, g := range who.Grants {
		v.Roles[i] = roleView{g.Role, g.Area, g.Unit}
	}
	return v
}

type signInReply struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      personView
}

type signOutRequest struct {
	Cookie string `header:"Cookie" hidden:"true"`
}

type signOutReply struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (a *API) describeSession() {
	register(a, huma.Operation{
		OperationID: "sign-in", Method: http.MethodPost, Path: "/api/v1/session", Tags: []string{"session"},
		Summary: "Sign in", DefaultStatus: http.StatusOK, Errors: []int{http.StatusUnauthorized, http.StatusTooManyRequests},
	}, func(ctx context.Context, in *signInRequest) (*signInReply, error) {
		e, err := a.Accounts.Enter(ctx, account.Try{Login: in.Body.Login, Password: in.Body.Password, Code: in.Body.Code, Origin: originOf(ctx)})
		if err != nil {
			return nil, err
		}
		return &signInReply{[]http.Cookie{a.cookie(sessionCookie, e.Token, 0), a.cookie(deviceCookie, e.Device, deviceSeconds)}, viewPerson(e.Who)}, nil
	})
	register(a, huma.Operation{
		OperationID: "sign-out", Method: http.MethodDelete, Path: "/api/v1/session", Tags: []string{"session"},
		Summary: "Sign out", DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *signOutRequest) (*signOutReply, error) {
		if err := a.Accounts.SignOut(ctx, a.cookieOf(&http.Request{Header: http.Header{"Cookie": {in.Cookie}}}, sessionCookie)); err != nil {
			return nil, err
		}
		return &signOutReply{a.cookie(sessionCookie, "", 0)}, nil
	})
}

// deviceSeconds is how long a browser keeps the mark of somebody who has signed
// in.
const deviceSeconds = 90 * 24 * 60 * 60
