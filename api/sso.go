package api

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"

	"chengyin/survey"
	"chengyin/survey/account"
)

// SSO is the city's single sign-on, an OpenID provider. It says who somebody is;
// what that person may do is decided here alone.
type SSO struct {
	Issuer, ClientID, ClientSecret string
	Claim                          string // that holds the login name; "": preferred_username
}

// sso talks to the provider. Its addresses and keys are fetched when the first
// person asks, so that the server starts while the provider is down.
type sso struct {
	SSO
	back string // where the provider sends people

	mu       sync.Mutex
	provider *oidc.Provider
	failed   error // why the provider could not be reached, until retry
	retry    time.Time
}

func newSSO(c SSO, publicURL string) *sso {
	if c.Issuer == "" {
		return nil
	}
	if c.Claim == "" {
		c.Claim = "preferred_username"
	}
	return &sso{SSO: c, back: publicURL + "/signin/sso/back"}
}

var (
	// errProvider means that the provider did not say who the person is.
	errProvider = &survey.Error{Kind: survey.Unauthorized, Code: "sign_in_provider"}
	// errProviderDown means that it could not be asked.
	errProviderDown = &survey.Error{Kind: survey.Unauthorized, Code: "sign_in_provider_down"}
)

// providerTimeout bounds what the provider may make people wait.
const providerTimeout = 8 * time.Second

// providerClient follows no redirects: the secret goes to no other address.
var providerClient = &http.Client{
	Timeout:       providerTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// pause is for how long a provider that could not be reached is not asked again:
// people who come one after another would otherwise wait for each other's attempts.
const pause = 5 * time.Second

// ready returns the provider and its client's settings.
func (s *sso) ready(ctx context.Context, now survey.Clock) (*oidc.Provider, *oauth2.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider == nil && now().Before(s.retry) {
		return nil, nil, s.failed
	}
	if s.provider == nil {
		// The provider outlives the request, because it fetches new keys later.
		p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), providerClient), s.Issuer)
		if err != nil {
			s.failed, s.retry = errProviderDown.Because(err), now().Add(pause)
			return nil, nil, s.failed
		}
		s.provider = p
	}
	return s.provider, &oauth2.Config{ClientID: s.ClientID, ClientSecret: s.ClientSecret, Endpoint: s.provider.Endpoint(), RedirectURL: s.back, Scopes: []string{oidc.ScopeOpenID, "profile"}}, nil
}

// journey is what a browser carries, sealed, to the provider and back.
type journey struct {
	State, Nonce, Verifier, Next string
	Until                        time.Time
}

const journeyLife = 10 * time.Minute

func random() string {
	b := make([]byte, 24)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// goToProvider sends a person to the single sign-on.
func (a *API) goToProvider(c *gin.Context) error {
	if a.sso == nil {
		return survey.ErrNotFound
	}
	next := localPath(c.Query("next"), "/")
	_, client, err := a.sso.ready(c.Request.Context(), a.Clock)
	if err != nil {
		return a.notRecognised(c, next, err)
	}
	j := journey{State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), Next: next, Until: a.Clock().Add(journeyLife)}
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	a.setCookie(c, providerCookie, a.Accounts.Seal("single sign-on", string(text)), int(journeyLife.Seconds()))
	c.Redirect(http.StatusSeeOther, client.AuthCodeURL(j.State, oidc.Nonce(j.Nonce), oauth2.S256ChallengeOption(j.Verifier)))
	return nil
}

// backFromProvider opens a session for whom the provider has recognised.
func (a *API) backFromProvider(c *gin.Context) error {
	if a.sso == nil {
		return survey.ErrNotFound
	}
	ctx := c.Request.Context()
	j, ok := a.journeyOf(c)
	a.setCookie(c, providerCookie, "", 0) // each journey counts once
	if !ok || subtle.ConstantTimeCompare([]byte(j.State), []byte(c.Query("state"))) != 1 {
		return a.notRecognised(c, "/", errProvider)
	}
	issuer, subject, login, err := a.sso.recognise(ctx, a.Clock, j, c.Query("code"))
	if err != nil {
		return a.notRecognised(c, j.Next, err)
	}
	e, err := a.Accounts.EnterAs(ctx, issuer, subject, login, originOf(ctx))
	return a.entered(c, signInPage{Next: j.Next}, e, err)
}

func (a *API) journeyOf(c *gin.Context) (j journey, ok bool) {
	text, ok := a.Accounts.Unseal("single sign-on", a.cookieOf(c.Request, providerCookie))
	if !ok || json.Unmarshal([]byte(text), &j) != nil {
		return j, false
	}
	return j, j.State != "" && a.Clock().Before(j.Until)
}

// notRecognised says on the sign-in page that the single sign-on has failed, and
// keeps where the person wanted to go. Why is for the log.
func (a *API) notRecognised(c *gin.Context, next string, err error) error {
	a.log.Warn("single sign-on", "err", err, "request_id", infoOf(c.Request.Context()).id)
	said := errProvider
	if errors.Is(err, errProviderDown) {
		said = errProviderDown
	}
	return a.entered(c, signInPage{Next: next}, account.Entry{}, said)
}

// recognise exchanges the provider's code for the signed statement of who the
// person is, and checks its signature, issuer, audience, time and nonce.
func (s *sso) recognise(ctx context.Context, now survey.Clock, j journey, code string) (issuer, subject, login string, err error) {
	provider, client, err := s.ready(ctx, now)
	if err != nil {
		return "", "", "", err
	}
	ctx = oidc.ClientContext(ctx, providerClient)
	token, err := client.Exchange(ctx, code, oauth2.VerifierOption(j.Verifier))
	if err != nil {
		return "", "", "", errProvider.Because(fmt.Errorf("exchange the code: %w", err))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: s.ClientID, Now: now}).Verify(ctx, raw)
	if err != nil {
		return "", "", "", errProvider.Because(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(j.Nonce)) != 1 {
		return "", "", "", errProvider.Because(errors.New("the nonce is another"))
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return "", "", "", errProvider.Because(err)
	}
	login, _ = claims[s.Claim].(string)
	return id.Issuer, id.Subject, login, nil
}
