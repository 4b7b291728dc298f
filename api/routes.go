package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
)

// routes is every route of the server, grouped by who may call it; policy.go says
// so of each. Services decide what the caller may see.
func (a *API) routes(r *gin.Engine) {
	a.wordHuma()

	// Anybody: residents, and the machines that watch the server.
	for _, q := range []string{"/q/:code", "/Q/:code"} { // a QR code stores upper case more densely
		r.GET(q, a.do(a.respondPage))
		r.HEAD(q, a.do(a.respondPage))
		r.POST(q, a.do(a.respondForm))
	}
	r.GET("/q/:code/privacy", a.do(a.privacyPage))
	r.GET("/privacy", a.do(a.privacyPage))
	r.GET("/r/:receipt", a.do(a.receiptPage))
	r.GET("/r/:receipt/delete", a.do(a.deletePage))
	r.POST("/r/:receipt/delete", a.do(a.deleteForm))
	r.GET("/r/:receipt/report", a.do(a.reportPage))
	r.POST("/r/:receipt/report", a.do(a.reportForm))
	r.GET("/r/:receipt/reported", a.do(a.reportedPage))
	r.GET("/static/:hash/:name", a.do(a.asset))
	r.GET("/healthz", a.live)
	r.GET("/readyz", a.ready)
	r.GET("/metrics", a.showMetrics())
	a.fieldRoutes(r)
	a.describeResponses()
	a.describeSession()

	// Whoever is signed in.
	a.describeWaves()
	a.describeCollectors()
	a.describeAreas()
	a.describeScores()
	a.describePrivacy()
	a.describeResponseList()
	a.describeReports()
	a.describeExport()
	a.describeEvents()
	r.GET("/api/v1/waves/:wave/responses.csv", a.do(a.responsesCSV))
	a.describePeople()
	a.describeGrants()
	a.describeRoles()
	a.describeAccount()
	a.describeTokens()
	a.describeField()
	a.consoleRoutes(r)
	a.peopleRoutes(r)
	a.describeFieldwork()
	a.fieldworkRoutes(r)
	a.describeFrames()
	a.describePlans()
	a.samplingRoutes(r)

	r.NoRoute(a.do(func(c *gin.Context) error { return survey.ErrNotFound }))
	r.NoMethod(a.do(func(c *gin.Context) error { return survey.ErrNotFound }))
}

// staff marks an operation that needs a session or a token.
var staff = []map[string][]string{{"session": {}}, {"token": {}}}

// inPerson marks an operation that no token can call.
var inPerson = []map[string][]string{{"session": {}}}

// asset answers with a file whose address changes when it does.
func (a *API) asset(c *gin.Context) error {
	body, contentType, ok := a.static.Asset(c.Request.URL.Path)
	if !ok {
		return survey.ErrNotFound
	}
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	c.Data(http.StatusOK, contentType, body)
	return nil
}

func queryEscape(s string) string { return url.QueryEscape(s) }

// localPath returns next when it is a path of this server, else fallback: a link
// must not lead a person who signs in to another site.
func localPath(next, fallback string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") {
		return fallback
	}
	return next
}
