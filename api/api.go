// Package api speaks HTTP: the JSON API, the residents' pages and the
// department's. It knows who is asking and what was asked; what may be done and
// what follows is decided below it.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/survey/account"
	"chengyin/survey/app"
	"chengyin/survey/area"
)

// Deps are what an API is made from.
type Deps struct {
	App       *app.App
	Static    *static.Static
	PublicURL string // what posters and links begin with, without a slash at the end
	Version   string
	Log       *slog.Logger
	Proxies   []netip.Prefix // whose X-Forwarded-For is believed
	SSO       SSO            // the city's single sign-on; without an issuer there is none
}

// API is the HTTP side of an App.
type API struct {
	*app.App
	static    *static.Static
	publicURL string
	version   string
	log       *slog.Logger
	huma      huma.API
	router    *gin.Engine
	handler   http.Handler
	metrics   *metrics
	deletions guesses
	reporting guesses // reports whose interview is not here
	plans     shelf[area.Plan]
	imports   shelf[account.ImportPlan]
	slips     shelf[[]account.Slip]
	proxies   []netip.Prefix
	sso       *sso // nil: none
	tokens    *pace
}

// New builds the API.
func New(d Deps) *API {
	gin.SetMode(gin.ReleaseMode)
	a := &API{App: d.App, static: d.Static, publicURL: d.PublicURL, version: d.Version, log: d.Log, metrics: newMetrics(trailFigures{d.App.Events}),
		proxies: d.Proxies, sso: newSSO(d.SSO, d.PublicURL), tokens: newPace()}
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	r.ContextWithFallback = true
	r.Use(a.request, a.recover, a.guard)
	a.huma = humagin.New(r, humaConfig(d.Version))
	a.router = r
	a.routes(r)
	a.handler = a.harden(a.protect(r))
	return a
}

// Handler returns the handler of all routes.
func (a *API) Handler() http.Handler { return a.handler }

// secure reports whether residents and staff reach the server by https.
func (a *API) secure() bool { return strings.HasPrefix(a.publicURL, "https://") }

func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig("Chengyin 城音", version)
	c.OpenAPIPath = "/openapi"
	c.DocsPath = ""    // its page would load scripts from elsewhere
	c.SchemasPath = "" // and answers carry no links to schemas
	c.CreateHooks = nil
	c.Info.Description = "Surveys of 知晓率, 参与率 and 满意度. Times are RFC 3339; estimates are on 0–100; errors are application/problem+json."
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "a person who has signed in; by https the name begins with __Host-"},
		"phone":   {Type: "http", Scheme: "bearer", Description: "a worker's phone that has signed in for field work"},
		"token":   {Type: "http", Scheme: "bearer", Description: "another system, for a part of what the token's owner may do"},
	}
	return c
}

// register adds an operation whose errors become problems in the reader's
// language.
func register[I, O any](a *API, op huma.Operation, h func(context.Context, *I) (*O, error)) {
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// requestTimeout is how long a request may take before the work for it is given
// up.
const requestTimeout = 20 * time.Second

// slowTimeout is the same for what a phone sends over a bad line.
const slowTimeout = 2 * time.Minute
