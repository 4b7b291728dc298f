package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey"
)

type signInRequest struct {
	Body struct {
		Login    string `json:"login" maxLength:"64"`
		Password string `json:"password" maxLength:"200"`
	}
}

type personView struct {
	Login string     `json:"login"`
	Name  string     `json:"name"`
	Role  string     `json:"role" doc:"the first of the roles"`
	Area  string     `json:"area" doc:"code of the highest place below which this person sees anything"`
	Roles []roleView `json:"roles" doc:"what this person may do where"`
}

type roleView struct {
	Role string `json:"role"`
	Area string `json:"area" doc:"code of the place below which the role counts; empty for a role on a unit"`
	Unit string `json:"unit" doc:"code of the unit; empty for a role on places"`
}

func viewPerson(who survey.Actor) personView {
	v := personView{Login: who.Login, Name: who.Name, Area: who.Home(), Roles: make([]roleView, len(who.Grants))}
	if roles := who.Roles(); len(roles) > 0 {
		v.Role = roles[0]
	}
	for i, g := range who.Grants {
		v.Roles[i] = roleView{g.Role, g.Area, g.Unit}
	}
	return v
}

type signInReply struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      personView
}

type signOutRequest struct {
	Session string `cookie:"chengyin_session"`
}

type signOutReply struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (a *API) describeSession() {
	register(a, huma.Operation{
		OperationID: "sign-in", Method: http.MethodPost, Path: "/api/v1/session", Tags: []string{"session"},
		Summary: "Sign in", DefaultStatus: http.StatusOK, Errors: []int{http.StatusUnauthorized, http.StatusTooManyRequests},
	}, func(ctx context.Context, in *signInRequest) (*signInReply, error) {
		token, who, err := a.Accounts.SignIn(ctx, in.Body.Login, in.Body.Password)
		if err != nil {
			return nil, err
		}
		return &signInReply{a.sessionCookie(token), viewPerson(who)}, nil
	})
	register(a, huma.Operation{
		OperationID: "sign-out", Method: http.MethodDelete, Path: "/api/v1/session", Tags: []string{"session"},
		Summary: "Sign out", DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *signOutRequest) (*signOutReply, error) {
		if err := a.Accounts.SignOut(ctx, in.Session); err != nil {
			return nil, err
		}
		return &signOutReply{a.sessionCookie("")}, nil
	})
}

// sessionCookie is the cookie of a session; with token "" it removes it.
func (a *API) sessionCookie(token string) http.Cookie {
	k := http.Cookie{Name: sessionCookie, Value: token, Path: "/", HttpOnly: true, Secure: a.secure(), SameSite: http.SameSiteLaxMode}
	if token == "" {
		k.MaxAge = -1
	}
	return k
}
