package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey"
	"chengyin/survey/account"
)

type tokenView struct {
	ID          string              `json:"id"`
	Name        string              `json:"name" doc:"which system it is for"`
	Owner       string              `json:"owner" doc:"login of the person whom it speaks for"`
	Permissions []survey.Permission `json:"permissions"`
	Area        string              `json:"area" doc:"code of the place below which it counts"`
	State       string              `json:"state" enum:"open,expired,revoked"`
	CreatedAt   time.Time           `json:"created_at"`
	ExpiresAt   time.Time           `json:"expires_at"`
	UsedAt      *time.Time          `json:"used_at" doc:"last use, to the minute; null before the first"`
}

func (a *API) viewToken(t account.APIToken, owner string) tokenView {
	return tokenView{t.ID, t.Name, owner, t.May(), t.AreaCode, t.State(a.Clock()), t.CreatedAt, t.ExpiresAt, t.UsedAt}
}

type tokensReply struct {
	Body struct {
		Tokens []tokenView `json:"tokens"`
	}
}

type createTokenRequest struct {
	Body struct {
		Name        string              `json:"name" maxLength:"100"`
		Permissions []survey.Permission `json:"permissions" maxItems:"20"`
		Area        string              `json:"area" maxLength:"12"`
		Days        int                 `json:"days" doc:"until it expires; a year at most"`
	}
}

type createTokenReply struct {
	Body struct {
		tokenView
		Token string `json:"token" doc:"shown this once; send it as Authorization: Bearer"`
	}
}

type tokenRequest struct {
	Token string `path:"token" maxLength:"64"`
}

func (a *API) describeTokens() {
	register(a, huma.Operation{
		OperationID: "list-tokens", Method: http.MethodGet, Path: "/api/v1/tokens", Tags: []string{"tokens"}, Security: inPerson,
		Summary: "Tokens of other systems", Errors: []int{http.StatusUnauthorized, http.StatusForbidden},
	}, func(ctx context.Context, in *struct{}) (*tokensReply, error) {
		list, err := a.Accounts.Tokens(ctx, actorOf(ctx))
		if err != nil {
			return nil, err
		}
		out := &tokensReply{}
		out.Body.Tokens = make([]tokenView, len(list))
		for i, t := range list {
			out.Body.Tokens[i] = a.viewToken(t.APIToken, t.Login)
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: "/api/v1/tokens", Tags: []string{"tokens"}, Security: inPerson,
		Summary: "Let another system do a part of what one may do oneself", DefaultStatus: http.StatusCreated,
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *createTokenRequest) (*createTokenReply, error) {
		who := actorOf(ctx)
		token, t, err := a.Accounts.CreateToken(ctx, who, account.NewAPIToken{Name: in.Body.Name, Permissions: in.Body.Permissions, Area: in.Body.Area, Days: in.Body.Days})
		if err != nil {
			return nil, err
		}
		out := &createTokenReply{}
		out.Body.tokenView, out.Body.Token = a.viewToken(t, who.Login), token
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "revoke-token", Method: http.MethodDelete, Path: "/api/v1/tokens/{token}", Tags: []string{"tokens"}, Security: inPerson,
		Summary: "Revoke a token", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *tokenRequest) (*struct{}, error) {
		return nil, a.Accounts.RevokeToken(ctx, actorOf(ctx), in.Token)
	})
}
