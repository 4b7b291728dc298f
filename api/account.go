package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey/account"
)

type selfReply struct{ Body personView }

type passwordRequest struct {
	Body struct {
		Old      string `json:"old" maxLength:"200"`
		Password string `json:"password" maxLength:"200"`
	}
}

type sessionChange struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

type sessionView struct {
	ID     string    `json:"id"`
	Began  time.Time `json:"began_at"`
	Seen   time.Time `json:"seen_at"`
	Source string    `json:"source" doc:"network address that it began at"`
	Agent  string    `json:"agent" doc:"what it began with"`
	This   bool      `json:"this" doc:"the one that asks"`
}

type sessionsRequest struct {
	Cookie string `header:"Cookie" hidden:"true"`
}

type sessionsReply struct {
	Body struct {
		Sessions []sessionView `json:"sessions"`
	}
}

type policyReply struct{ Body account.Policy }

func (a *API) describeAccount() {
	register(a, huma.Operation{
		OperationID: "get-session", Method: http.MethodGet, Path: "/api/v1/session", Tags: []string{"session"}, Security: staff,
		Summary: "Who is signed in", Errors: []int{http.StatusUnauthorized},
	}, func(ctx context.Context, in *struct{}) (*selfReply, error) {
		return &selfReply{viewPerson(actorOf(ctx))}, nil
	})
	register(a, huma.Operation{
		OperationID: "change-password", Method: http.MethodPut, Path: "/api/v1/account/password", Tags: []string{"session"}, Security: inPerson,
		Summary: "Change one's own password; all sessions end and a new one begins", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}, func(ctx context.Context, in *passwordRequest) (*sessionChange, error) {
		token, err := a.Accounts.ChangePassword(ctx, actorOf(ctx), in.Body.Old, in.Body.Password, originOf(ctx))
		if err != nil {
			return nil, err
		}
		return &sessionChange{a.cookie(sessionCookie, token, 0)}, nil
	})
	register(a, huma.Operation{
		OperationID: "list-sessions", Method: http.MethodGet, Path: "/api/v1/account/sessions", Tags: []string{"session"}, Security: inPerson,
		Summary: "One's own sessions", Errors: []int{http.StatusUnauthorized},
	}, func(ctx context.Context, in *sessionsRequest) (*sessionsReply, error) {
		token := a.cookieOf(&http.Request{Header: http.Header{"Cookie": {in.Cookie}}}, sessionCookie)
		list, err := a.Accounts.Sessions(ctx, actorOf(ctx), token, false)
		if err != nil {
			return nil, err
		}
		out := &sessionsReply{}
		out.Body.Sessions = make([]sessionView, len(list))
		for i, s := range list {
			out.Body.Sessions[i] = sessionView{s.ID, s.Began, s.Seen, s.Source, s.Agent, s.This}
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "revoke-sessions", Method: http.MethodDelete, Path: "/api/v1/account/sessions", Tags: []string{"session"}, Security: inPerson,
		Summary: "End all of one's own sessions, this one too", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusUnauthorized},
	}, func(ctx context.Context, in *struct{}) (*sessionChange, error) {
		if err := a.Accounts.RevokeOwn(ctx, actorOf(ctx), ""); err != nil {
			return nil, err
		}
		return &sessionChange{a.cookie(sessionCookie, "", 0)}, nil
	})
	register(a, huma.Operation{
		OperationID: "get-security-policy", Method: http.MethodGet, Path: "/api/v1/security-policy", Tags: []string{"security"}, Security: inPerson,
		Summary: "The rules of signing in", Errors: []int{http.StatusUnauthorized, http.StatusForbidden},
	}, func(ctx context.Context, in *struct{}) (*policyReply, error) {
		p, err := a.Accounts.Policy(ctx)
		return &policyReply{p}, err
	})
	register(a, huma.Operation{
		OperationID: "set-security-policy", Method: http.MethodPut, Path: "/api/v1/security-policy", Tags: []string{"security"}, Security: inPerson,
		Summary: "Change the rules of signing in", Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *policyReply) (*policyReply, error) {
		return in, a.Accounts.SetPolicy(ctx, actorOf(ctx), in.Body)
	})
}
