package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/response"
)

const (
	sessionCookie  = "chengyin_session"
	languageCookie = "chengyin_lang"
	deviceCookie   = "chengyin_device" // a browser in which somebody has signed in before
	stepCookie     = "chengyin_step"   // between the two steps of signing in
	providerCookie = "chengyin_sso"    // on the way to the single sign-on and back
)

// info is what every request knows of itself.
type info struct {
	id   string
	lang string
	net  string // coarse network that it came from
}

type infoKey struct{}

func infoOf(ctx context.Context) info {
	i, _ := ctx.Value(infoKey{}).(info)
	if i.lang == "" {
		i.lang = "zh"
	}
	return i
}

// lang returns the language of the request: ?lang=, else the one chosen before,
// else the browser's, else Chinese.
func (a *API) lang(c *gin.Context) string { return infoOf(c.Request.Context()).lang }

func language(r *http.Request) string {
	if q := r.URL.Query().Get("lang"); q != "" {
		return static.Language(q)
	}
	if k, err := r.Cookie(languageCookie); err == nil && !ofResidents(r.URL.Path) {
		return static.Language(k.Value)
	}
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "en") {
		return "en"
	}
	return "zh"
}

// request gives each request an id, a language and a deadline, and writes a line
// about it when it is done: never its query, its body or who asked.
func (a *API) request(c *gin.Context) {
	start := time.Now()
	id := uuid.New().String()
	origin := a.origin(c.Request, id)
	ctx := context.WithValue(c.Request.Context(), infoKey{}, info{id: id, lang: language(c.Request), net: response.Net(origin.From)})
	ctx = context.WithValue(ctx, originKey{}, origin)
	if !streams(c.Request.URL.Path) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout(c.Request.URL.Path))
		defer cancel()
	}
	if !uploads(c.Request.URL.Path) {
		// A body that comes drop by drop must not hold the connection. Recorders of
		// tests have none to limit.
		_ = http.NewResponseController(c.Writer).SetReadDeadline(start.Add(timeout(c.Request.URL.Path)))
	}
	if t := timeout(c.Request.URL.Path); t > requestTimeout { // than the server gives others to be answered
		_ = http.NewResponseController(c.Writer).SetWriteDeadline(start.Add(t + requestTimeout))
	}
	c.Request = c.Request.WithContext(ctx)
	c.Header("X-Request-Id", id)
	c.Next()
	route := c.FullPath()
	took := time.Since(start)
	a.metrics.observe(c.Request.Method, route, c.Writer.Status(), took)
	a.noteRefusal(c)
	if c.Writer.Status() >= 500 || took > 2*time.Second && !streams(c.Request.URL.Path) {
		a.log.Warn("request", "method", c.Request.Method, "route", route, "status", c.Writer.Status(), "ms", took.Milliseconds(), "request_id", id)
	}
}

// streams reports whether the answer may go on for as long as the reader listens.
func streams(path string) bool {
	return path == "/board/events" || strings.HasSuffix(path, ".csv") || path == "/audit/export"
}

// uploads reports whether a file may come over a slow line.
func uploads(path string) bool { return strings.HasSuffix(path, "/import") }

// timeout returns how long a request may take.
func timeout(path string) time.Duration {
	if path == "/api/v1/field/sync" || strings.HasPrefix(path, "/api/v1/field/phones/") {
		return slowTimeout
	}
	return requestTimeout
}

// recover turns a panic into an internal error.
func (a *API) recover(c *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			a.log.Error("panic", "value", fmt.Sprint(p), "stack", string(debug.Stack()), "request_id", infoOf(c.Request.Context()).id)
			if !c.Writer.Written() {
				a.writeProblem(c, &survey.Error{Kind: survey.Internal, Code: "internal"})
			}
			c.Abort()
		}
	}()
	c.Next()
}

// protect refuses what other sites make a signed-in browser send. The residents'
// routes know no session, and old browsers send their forms without an origin.
func (a *API) protect(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	for _, open := range []string{"/q/{code}", "/Q/{code}", "/r/{receipt}/delete", "/api/v1/collectors/{code}/responses", "/api/v1/collectors/{code}/tickets"} {
		p.AddInsecureBypassPattern("POST " + open)
	}
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"type":"about:blank","title":%q,"status":403,"code":"cross_origin","request_id":""}`, a.static.T(language(r), "error.cross_origin"))
	}))
	return p.Handler(next)
}

// actor returns who is signed in; the zero Actor when nobody is.
func (a *API) actor(c *gin.Context) survey.Actor {
	return actorOf(c.Request.Context())
}

type actorKey struct{}

func withActor(ctx context.Context, who survey.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, who)
}

func actorOf(ctx context.Context) survey.Actor {
	who, _ := ctx.Value(actorKey{}).(survey.Actor)
	return who
}

// local reports whether the request comes from this machine and not through a
// proxy.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && net.ParseIP(host).IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}
