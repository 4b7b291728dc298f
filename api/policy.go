package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/fieldwork"
)

// policy says who may call a route. Services decide again, and narrow what comes
// back to the caller's places; a route that is missing here answers nobody.
type policy struct {
	// open to anybody: residents, and the machines that watch the server.
	open bool
	// may lists permissions of which the caller needs one. Without any, whoever is
	// signed in may call.
	may []survey.Permission
	// within says what in the address must lie in the caller's places; outside
	// them it does not exist. It is for the reader: the service enforces it.
	within string
	// unready lets people call who still have to choose a password or a second
	// factor: what they need for that, and to leave.
	unready bool
	// personal routes are for people in person: no token of another system calls them.
	personal bool
	// phone routes are for a worker's phone with its own token, and for nobody else;
	// locked ones even when the office has locked it.
	phone, locked bool
}

func needs(may ...survey.Permission) policy { return policy{may: may} }

// inPerson keeps the tokens of other systems out.
func (p policy) inPerson() policy {
	p.personal = true
	return p
}

// evenLocked lets a phone call that the office has locked.
func (p policy) evenLocked() policy {
	p.locked = true
	return p
}

func (p policy) in(what string) policy {
	p.within = what
	return p
}

var (
	anybody  = policy{open: true}
	signedIn = policy{}
	oneself  = policy{personal: true} // whoever is signed in, for their own account
	getReady = policy{personal: true, unready: true}
	phones   = policy{phone: true}
)

// policies holds every route of the server.
var policies = map[string]policy{
	// residents
	"GET /q/:code":                            anybody,
	"HEAD /q/:code":                           anybody,
	"POST /q/:code":                           anybody,
	"GET /Q/:code":                            anybody,
	"HEAD /Q/:code":                           anybody,
	"POST /Q/:code":                           anybody,
	"GET /q/:code/privacy":                    anybody,
	"GET /privacy":                            anybody,
	"GET /r/:receipt":                         anybody,
	"GET /r/:receipt/delete":                  anybody,
	"POST /r/:receipt/delete":                 anybody,
	"GET /r/:receipt/report":                  anybody,
	"POST /r/:receipt/report":                 anybody,
	"GET /r/:receipt/reported":                anybody,
	"POST /api/v1/collectors/:code/tickets":   anybody,
	"POST /api/v1/collectors/:code/responses": anybody,

	// the worker's page: the same for everybody; the API knows who asks
	"GET /field":                      anybody,
	"GET /field/sw.js":                anybody,
	"GET /field/manifest.webmanifest": anybody,
	"GET /field/icon-192.png":         anybody,
	"GET /field/icon-512.png":         anybody,

	// machines
	"GET /static/:hash/:name": anybody,
	"GET /icon.svg":           anybody,
	"GET /favicon.ico":        anybody,
	"GET /healthz":            anybody,
	"GET /readyz":             anybody,
	"GET /metrics":            anybody, // answers this machine only
	"GET /openapi.json":       anybody,
	"GET /openapi.yaml":       anybody,
	"GET /openapi-3.0.json":   anybody,
	"GET /openapi-3.0.yaml":   anybody,

	// signing in
	"GET /":                  anybody,
	"GET /signin":            anybody,
	"POST /signin":           anybody,
	"POST /signout":          anybody,
	"POST /api/v1/session":   anybody,
	"DELETE /api/v1/session": anybody,
	"POST /signin/code":      anybody,
	"GET /signin/sso":        anybody,
	"GET /signin/sso/back":   anybody,

	// one's own account
	"GET /account":                    getReady,
	"POST /account/password":          getReady,
	"POST /account/totp":              getReady,
	"POST /account/totp/drop":         oneself,
	"POST /account/recovery":          oneself,
	"POST /account/sessions/revoke":   getReady,
	"GET /api/v1/session":             signedIn,
	"PUT /api/v1/account/password":    getReady,
	"GET /api/v1/account/sessions":    oneself,
	"DELETE /api/v1/account/sessions": getReady,

	// signing in of others
	"GET /security":               needs(survey.ManageSecurity).inPerson(),
	"POST /security":              needs(survey.ManageSecurity).inPerson(),
	"GET /api/v1/security-policy": needs(survey.ManageSecurity).inPerson(),
	"PUT /api/v1/security-policy": needs(survey.ManageSecurity).inPerson(),
	"GET /sessions":               needs(survey.ManageAccounts, survey.ManageSecurity).in("sessions").inPerson(),
	"POST /sessions/revoke":       needs(survey.ManageAccounts, survey.ManageSecurity).in("account").inPerson(),

	// other systems
	"GET /tokens":                  needs(survey.ManageTokens).in("tokens").inPerson(),
	"POST /tokens":                 needs(survey.ManageTokens).in("area").inPerson(),
	"POST /tokens/:token/revoke":   needs(survey.ManageTokens).in("token").inPerson(),
	"GET /api/v1/tokens":           needs(survey.ManageTokens).in("tokens").inPerson(),
	"POST /api/v1/tokens":          needs(survey.ManageTokens).in("area").inPerson(),
	"DELETE /api/v1/tokens/:token": needs(survey.ManageTokens).in("token").inPerson(),

	// figures, posters, places
	"GET /api/v1/waves":                     signedIn.in("waves"),
	"GET /api/v1/waves/:wave":               signedIn.in("wave"),
	"GET /api/v1/areas":                     signedIn.in("parent"),
	"GET /api/v1/collectors":                needs(survey.ManageCollectors, survey.SeeScores).in("collectors"),
	"GET /api/v1/waves/:wave/scores":        needs(survey.SeeScores).in("wave, parent"),
	"GET /api/v1/waves/:wave/responses.csv": needs(survey.ExportResponses).in("wave"),
	"GET /api/v1/waves/:wave/responses":     needs(survey.SeeResponses).in("wave, area"),
	"GET /api/v1/responses/:id":             needs(survey.ReadAnswers).in("id"),
	"GET /responses":                        needs(survey.SeeResponses).in("wave, area"),
	"GET /responses/:id":                    needs(survey.ReadAnswers).in("id"),
	"GET /reports":                          needs(survey.ReadReports).in("wave, area").inPerson(),
	"POST /reports/:id":                     needs(survey.ReadReports).in("id").inPerson(),
	"GET /api/v1/reports":                   needs(survey.ReadReports).in("wave, area").inPerson(),
	"PUT /api/v1/reports/:id":               needs(survey.ReadReports).in("id").inPerson(),
	"GET /board":                            signedIn.in("wave, area"), // tells those without figures why
	"GET /board/events":                     needs(survey.SeeScores).in("wave"),
	"GET /collectors":                       needs(survey.ManageCollectors, survey.SeeScores).in("wave, area"),
	"POST /collectors":                      needs(survey.ManageCollectors).in("area"),
	"POST /collectors/:code/revoke":         needs(survey.ManageCollectors).in("code"),
	"GET /collectors/:code/sheet":           needs(survey.ManageCollectors, survey.SeeScores).in("code"),
	"GET /collectors/:code/qr.png":          needs(survey.ManageCollectors, survey.SeeScores).in("code"),
	"GET /collectors/:code/qr.svg":          needs(survey.ManageCollectors, survey.SeeScores).in("code"),
	"GET /sheets":                           needs(survey.ManageCollectors, survey.SeeScores).in("wave, area"),
	"GET /audit":                            needs(survey.ReadAudit).in("area"),
	"GET /audit/events/:id":                 needs(survey.ReadAudit).in("id"),
	"POST /audit/verify":                    needs(survey.ReadAudit),
	"POST /audit/export":                    needs(survey.ReadAudit).in("area"),
	"GET /api/v1/events":                    needs(survey.ReadAudit).in("area"),
	"GET /areas":                            needs(survey.SeeScores, survey.ManageAreas).in("parent"),
	"GET /privacy-centre":                   needs(survey.ManagePrivacy, survey.ManageSecurity).in("rows"),
	"POST /privacy-centre/:class":           needs(survey.ManagePrivacy),
	"GET /api/v1/privacy":                   needs(survey.ManagePrivacy, survey.ManageSecurity).in("rows"),
	"PUT /api/v1/privacy/:class":            needs(survey.ManagePrivacy),
	"GET /areas/template/:file":             needs(survey.ManageAreas),
	"POST /areas/import":                    needs(survey.ManageAreas).in("rows"),
	"POST /areas/import/apply":              needs(survey.ManageAreas).in("rows"),

	// a worker's phone
	"POST /api/v1/field/phones":               needs(survey.Interview).inPerson(),
	"GET /api/v1/field/pack":                  phones.in("homes"),
	"POST /api/v1/field/sync":                 phones,
	"DELETE /api/v1/field/phones/:phone":      phones.in("phone"),
	"POST /api/v1/field/phones/:phone/sealed": phones.in("phone").evenLocked(),

	// the work from door to door
	"GET /fieldwork":                                   needs(survey.ManageFieldwork).in("wave, area"),
	"GET /fieldwork/export":                            needs(survey.ManageFieldwork).in("wave, area"),
	"GET /fieldwork/building":                          needs(survey.ManageFieldwork).in("wave, psu"),
	"POST /fieldwork/building":                         needs(survey.ManageFieldwork).in("wave, psu"),
	"GET /fieldwork/review":                            needs(survey.ManageFieldwork).in("wave, area"),
	"POST /fieldwork/phones/:phone/lock":               needs(survey.ManageFieldwork).in("phone"),
	"POST /fieldwork/phones/:phone/unlock":             needs(survey.ManageFieldwork).in("phone"),
	"GET /fieldwork/list":                              needs(survey.ManageFieldwork).in("wave, psu"),
	"GET /fieldwork/questionnaire":                     needs(survey.ManageFieldwork).in("wave, psu"),
	"GET /fieldwork/paper":                             needs(survey.ManageFieldwork).in("wave, unit"),
	"POST /fieldwork/paper":                            needs(survey.ManageFieldwork).in("wave, unit"),
	"GET /api/v1/waves/:wave/fieldwork":                needs(survey.ManageFieldwork).in("wave, area"),
	"GET /api/v1/waves/:wave/fieldwork/households":     needs(survey.ManageFieldwork).in("wave, psu"),
	"POST /api/v1/waves/:wave/fieldwork/assignments":   needs(survey.ManageFieldwork).in("wave, psu"),
	"DELETE /api/v1/waves/:wave/fieldwork/assignments": needs(survey.ManageFieldwork).in("wave, psu"),
	"GET /api/v1/waves/:wave/fieldwork/review":         needs(survey.ManageFieldwork).in("wave, area"),
	"GET /api/v1/fieldwork/phones":                     needs(survey.ManageFieldwork).in("phones"),
	"POST /api/v1/fieldwork/phones/:phone/lock":        needs(survey.ManageFieldwork).in("phone"),
	"POST /api/v1/fieldwork/phones/:phone/unlock":      needs(survey.ManageFieldwork).in("phone"),
	// lists of households, sampling plans, draws
	"GET /frames":                     needs(survey.ManageSamples).in("frames"),
	"POST /frames/import":             needs(survey.ManageSamples).in("rows"),
	"GET /frames/template.csv":        needs(survey.ManageSamples),
	"GET /frames/imports/:id":         needs(survey.ManageSamples).in("one's own"),
	"POST /frames/imports/:id":        needs(survey.ManageSamples).in("rows"),
	"GET /frames/lists/:id":           needs(survey.ManageSamples).in("id"),
	"GET /plans":                      needs(survey.ManageSamples).in("plans"),
	"GET /plans/new":                  needs(survey.ManageSamples).in("frames"),
	"POST /plans":                     needs(survey.ManageSamples).in("frame, place"),
	"GET /plans/:id":                  needs(survey.ManageSamples).in("id"),
	"POST /plans/:id/draw":            needs(survey.ManageSamples).in("id"),
	"POST /plans/:id/replay":          needs(survey.ManageSamples).in("id"),
	"GET /plans/:id/homes/:file":      needs(survey.ManageSamples).in("id"),
	"GET /api/v1/frames":              needs(survey.ManageSamples).in("frames"),
	"POST /api/v1/frames/import":      needs(survey.ManageSamples).in("rows"),
	"GET /api/v1/frames/imports/:id":  needs(survey.ManageSamples).in("one's own"),
	"POST /api/v1/frames/imports/:id": needs(survey.ManageSamples).in("rows"),
	"GET /api/v1/frames/lists/:id":    needs(survey.ManageSamples).in("id"),
	"GET /api/v1/plans":               needs(survey.ManageSamples).in("plans"),
	"POST /api/v1/plans":              needs(survey.ManageSamples).in("frame, place"),
	"POST /api/v1/plans/preview":      needs(survey.ManageSamples).in("frame, place"),
	"GET /api/v1/plans/:id":           needs(survey.ManageSamples).in("id"),
	"POST /api/v1/plans/:id/draw":     needs(survey.ManageSamples).in("id"),
	"POST /api/v1/plans/:id/replay":   needs(survey.ManageSamples).in("id"),
	"GET /api/v1/plans/:id/homes":     needs(survey.ManageSamples).in("id"),

	// people, what they may do, roles
	"GET /people":                      needs(survey.ManageAccounts, survey.ManageGrants).in("area"),
	"POST /people":                     needs(survey.ManageAccounts).in("area, place, unit"),
	"GET /people/who":                  needs(survey.ManageAccounts, survey.ManageGrants).in("area"),
	"GET /people/import":               needs(survey.ManageAccounts),
	"POST /people/import":              needs(survey.ManageAccounts).in("rows"),
	"POST /people/import/apply":        needs(survey.ManageAccounts).in("rows"),
	"GET /people/import/template.csv":  needs(survey.ManageAccounts),
	"POST /people/slips":               needs(survey.ManageAccounts),
	"GET /people/:id":                  needs(survey.ManageAccounts, survey.ManageGrants).in("id"),
	"POST /people/:id":                 needs(survey.ManageAccounts).in("id, area"),
	"POST /people/:id/disable":         needs(survey.ManageAccounts).in("id"),
	"POST /people/:id/enable":          needs(survey.ManageAccounts).in("id"),
	"POST /people/:id/password":        needs(survey.ManageAccounts).in("id"),
	"POST /people/:id/grants":          needs(survey.ManageAccounts).in("id, place, unit"),
	"GET /grants":                      needs(survey.ManageAccounts, survey.ManageGrants).in("grants"),
	"POST /grants/approve":             needs(survey.ManageGrants).in("grants"),
	"POST /grants/:id/end":             needs(survey.ManageAccounts, survey.ManageGrants).in("id"),
	"GET /roles":                       needs(survey.ManageSecurity),
	"POST /roles":                      needs(survey.ManageSecurity).in("all places"),
	"POST /roles/:code":                needs(survey.ManageSecurity).in("all places"),
	"POST /roles/:code/remove":         needs(survey.ManageSecurity).in("all places"),
	"GET /api/v1/people":               needs(survey.ManageAccounts, survey.ManageGrants).in("area"),
	"POST /api/v1/people":              needs(survey.ManageAccounts).in("area, place, unit"),
	"GET /api/v1/people/places":        needs(survey.ManageAccounts, survey.ManageGrants).in("places"),
	"GET /api/v1/people/who":           needs(survey.ManageAccounts, survey.ManageGrants).in("area"),
	"POST /api/v1/people/import":       needs(survey.ManageAccounts).in("rows"),
	"GET /api/v1/people/:id":           needs(survey.ManageAccounts, survey.ManageGrants).in("id"),
	"PATCH /api/v1/people/:id":         needs(survey.ManageAccounts).in("id, area"),
	"POST /api/v1/people/:id/password": needs(survey.ManageAccounts).in("id"),
	"GET /api/v1/people/:id/sight":     needs(survey.ManageAccounts, survey.ManageGrants).in("id"),
	"GET /api/v1/grants":               needs(survey.ManageAccounts, survey.ManageGrants).in("grants"),
	"POST /api/v1/grants":              needs(survey.ManageAccounts).in("person, place, unit"),
	"POST /api/v1/grants/:id/approve":  needs(survey.ManageGrants).in("id"),
	"DELETE /api/v1/grants/:id":        needs(survey.ManageAccounts, survey.ManageGrants).in("id"),
	"GET /api/v1/roles":                needs(survey.ManageAccounts, survey.ManageGrants, survey.ManageSecurity),
	"POST /api/v1/roles":               needs(survey.ManageSecurity).in("all places"),
	"PATCH /api/v1/roles/:code":        needs(survey.ManageSecurity).in("all places"),
	"DELETE /api/v1/roles/:code":       needs(survey.ManageSecurity).in("all places"),
}

// guard lets through whom the policy of the route lets call it. Others are
// refused as programs or people expect it; what nobody declared is refused to
// everybody.
func (a *API) guard(c *gin.Context) {
	route := c.FullPath()
	if route == "" {
		return // answered as not found
	}
	p, declared := policies[c.Request.Method+" "+route]
	switch {
	case !declared:
		a.log.Error("a route has no policy", "method", c.Request.Method, "route", route)
		a.refuse(c, survey.ErrDenied)
		return
	case p.open:
		return
	case p.phone:
		a.guardPhone(c, p)
		return
	}
	who, err := a.whoAsks(c)
	if survey.KindOf(err) == survey.Unauthorized && err != nil {
		a.askToSignIn(c, err)
		return
	}
	if err != nil {
		a.refuse(c, err)
		return
	}
	c.Request = c.Request.WithContext(withActor(c.Request.Context(), who))
	switch {
	case who.Via == "token" && (p.personal || !strings.HasPrefix(route, "/api/")):
		a.refuse(c, survey.ErrDenied)
	case who.Must != "" && !p.unready:
		a.askToGetReady(c, who)
	case len(p.may) > 0 && !who.CanAny(p.may...):
		a.refuse(c, survey.ErrDenied)
	}
}

// guardPhone lets a worker's phone through, which nothing but its own token tells.
func (a *API) guardPhone(c *gin.Context, p policy) {
	ctx := c.Request.Context()
	token, sent := bearer(c.GetHeader("Authorization"))
	switch {
	case !sent:
		a.refuse(c, fieldwork.ErrPhoneUnknown)
		return
	case !a.tokens.allow(token):
		a.refuse(c, errTooMany)
		return
	}
	on, err := a.Field.Asks(ctx, token, originOf(ctx))
	if err == nil && on.Locked && !p.locked {
		err = fieldwork.ErrPhoneLocked
	}
	if err != nil {
		a.refuse(c, err)
		return
	}
	c.Request = c.Request.WithContext(context.WithValue(withActor(ctx, on.Worker), phoneKey{}, on))
}

// askToGetReady leads people who still have to choose a password or a second
// factor to where they do; programs get 403 with a code that says which.
func (a *API) askToGetReady(c *gin.Context, who survey.Actor) {
	if !wantsPage(c.Request) {
		a.refuse(c, &survey.Error{Kind: survey.Denied, Code: "must_" + who.Must})
		return
	}
	c.Abort()
	c.Redirect(http.StatusSeeOther, "/account")
}

// whoAsks returns who sent the request: a person with a session, or another system
// with a token. Returns survey.ErrUnauthorized when it is nobody.
func (a *API) whoAsks(c *gin.Context) (survey.Actor, error) {
	ctx := c.Request.Context()
	if token, ok := bearer(c.GetHeader("Authorization")); ok {
		if !a.tokens.allow(token) {
			return survey.Actor{}, errTooMany
		}
		return a.Accounts.TokenActor(ctx, token, originOf(ctx))
	}
	who, err := a.Accounts.Actor(ctx, a.cookieOf(c.Request, sessionCookie))
	if err != nil {
		return survey.Actor{}, err
	}
	who.From, who.Request = originOf(ctx).From, infoOf(ctx).id
	return who, nil
}

// bearer returns the token of an Authorization header, and whether one is sent at
// all: then it counts, and no cookie beside it. The scheme may be in any letters
// (RFC 9110, 11.1). Blanks around the token are none of it, so that one token has
// one pace.
func bearer(header string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(header), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// refuse ends the request with an error, as a page for people.
func (a *API) refuse(c *gin.Context, err error) {
	c.Abort()
	if wantsPage(c.Request) {
		a.errorPage(c, a.problem(c.Request.Context(), err))
		return
	}
	a.writeProblem(c, err)
}

// askToSignIn leads people to the sign-in page and back to where they were, or to
// the page whose form they sent; programs get 401.
func (a *API) askToSignIn(c *gin.Context, err error) {
	if !wantsPage(c.Request) {
		c.Abort()
		a.writeProblem(c, err)
		return
	}
	next := c.Request.URL.RequestURI()
	if c.Request.Method != http.MethodGet {
		next = cameFrom(c.Request, "/")
	}
	c.Abort()
	c.Redirect(http.StatusSeeOther, "/signin?next="+queryEscape(next))
}

// wantsPage reports whether a person's browser asks for a page.
func wantsPage(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}
