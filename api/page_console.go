package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/area"
)

// consoleRoutes are the department's pages.
func (a *API) consoleRoutes(r *gin.Engine) {
	r.GET("/", a.do(a.home))
	r.GET("/icon.svg", a.do(a.icon))
	r.GET("/favicon.ico", a.do(a.icon))
	r.GET("/signin", a.do(a.signInPage))
	r.POST("/signin", a.do(a.signInForm))
	r.POST("/signin/code", a.do(a.codeForm))
	r.GET("/signin/sso", a.do(a.goToProvider))
	r.GET("/signin/sso/back", a.do(a.backFromProvider))
	r.POST("/signout", a.do(a.signOutForm))
	r.GET("/account", a.do(a.account))
	r.POST("/account/password", a.do(a.changePassword))
	r.POST("/account/totp", a.do(a.confirmTOTP))
	r.POST("/account/totp/drop", a.do(a.dropTOTP))
	r.POST("/account/recovery", a.do(a.renewRecovery))
	r.POST("/account/sessions/revoke", a.do(a.revokeOwn))
	r.GET("/security", a.do(a.security))
	r.POST("/security", a.do(a.setSecurity))
	r.GET("/sessions", a.do(a.sessions))
	r.POST("/sessions/revoke", a.do(a.revokeSessions))
	r.GET("/tokens", a.do(a.tokensPage))
	r.POST("/tokens", a.do(a.createToken))
	r.POST("/tokens/:token/revoke", a.do(a.revokeToken))
	r.GET("/board", a.do(a.board))
	r.GET("/board/events", a.do(a.boardEvents))
	r.GET("/collectors", a.do(a.collectors))
	r.POST("/collectors", a.do(a.createCollectors))
	r.POST("/collectors/:code/revoke", a.do(a.revokeCollector))
	r.GET("/collectors/:code/sheet", a.do(a.sheet))
	r.GET("/collectors/:code/qr.png", a.do(a.qrPNG))
	r.GET("/collectors/:code/qr.svg", a.do(a.qrSVG))
	r.GET("/sheets", a.do(a.sheets))
	r.GET("/responses", a.do(a.responses))
	r.GET("/responses/:id", a.do(a.response))
	r.GET("/reports", a.do(a.reports))
	r.POST("/reports/:id", a.do(a.handleReport))
	r.GET("/privacy-centre", a.do(a.privacyCentre))
	r.POST("/privacy-centre/:class", a.do(a.setClock))
	r.GET("/audit", a.do(a.audit))
	r.GET("/audit/events/:id", a.do(a.auditEvent))
	r.POST("/audit/verify", a.do(a.verifyTrail))
	r.POST("/audit/export", a.do(a.exportTrail))
	r.GET("/areas", a.do(a.areas))
	r.GET("/areas/template/:file", a.do(a.importTemplate))
	r.POST("/areas/import", a.do(a.planImport))
	r.POST("/areas/import/apply", a.do(a.applyImport))
}

// cameFrom returns the path of the page that a form stood on, fallback when the
// browser does not tell or it was on another site.
func cameFrom(r *http.Request, fallback string) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host {
		return fallback
	}
	return localPath(u.RequestURI(), fallback)
}

// home leads people who type the bare address to the page that is their work.
func (a *API) home(c *gin.Context) error {
	to := "/board"
	if who, err := a.whoAsks(c); err == nil {
		for _, n := range navigation {
			if who.CanAny(n.may...) {
				to = "/" + n.section
				break
			}
		}
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// navigation lists the sections of the console in their order, each for those who
// have one of the permissions.
var navigation = []struct {
	section string
	may     []survey.Permission
}{
	{"board", []survey.Permission{survey.SeeScores}},
	{"collectors", []survey.Permission{survey.ManageCollectors, survey.SeeScores}},
	{"responses", []survey.Permission{survey.SeeResponses}},
	{"fieldwork", []survey.Permission{survey.ManageFieldwork}},
	{"reports", []survey.Permission{survey.ReadReports}},
	{"areas", []survey.Permission{survey.SeeScores, survey.ManageAreas}},
	{"plans", []survey.Permission{survey.ManageSamples}},
	{"privacy-centre", []survey.Permission{survey.ManagePrivacy, survey.ManageSecurity}},
	{"people", []survey.Permission{survey.ManageAccounts, survey.ManageGrants}},
	{"grants", []survey.Permission{survey.ManageAccounts, survey.ManageGrants}},
	{"roles", []survey.Permission{survey.ManageSecurity}},
	{"audit", []survey.Permission{survey.ReadAudit}},
	{"sessions", []survey.Permission{survey.ManageAccounts, survey.ManageSecurity}},
	{"security", []survey.Permission{survey.ManageSecurity}},
	{"tokens", []survey.Permission{survey.ManageTokens}},
}

// roleNames names what the person is.
func roleNames(who survey.Actor, lang string) string {
	var names []string
	for _, g := range who.Grants {
		if name := g.Name.In(lang); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " · ")
}

// mark is the product's sign: voices of different height, side by side.
const mark = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b6e6e"/><path d="M8 13v6M12 9v14M16 12v8M20 7v18M24 13v6" stroke="#fff" stroke-width="2.2" stroke-linecap="round"/></svg>`

func (a *API) icon(c *gin.Context) error {
	c.Header("Cache-Control", "public, max-age=86400")
	c.Data(http.StatusOK, "image/svg+xml; charset=utf-8", []byte(mark))
	return nil
}

// shell is what every page of the console has around its content.
type shell struct {
	Title    string // of the window, before the product's name
	Section  string // the entry of the navigation that is current
	Nav      []navLink
	Who      string // who is signed in; "" when nobody is
	Role     string
	LangLink string // this page in the other language
	Live     bool   // the page follows what happens
	RunID    string // which figures the page shows
	Events   string // address of the events that tell of newer figures
	Fragment bool   // only the content is wanted
	Contact  string // whom to turn to, in the footer
	Version  string
	SignIn   bool // nobody is signed in, and the page is no sign-in page
}

type navLink struct {
	Name, Href string
	Section    string // in the navigation: the section that it leads to
	Current    bool
}

// fragmentHeader asks for, and marks, a page without its shell.
const fragmentHeader = "X-Fragment"

// newShell fills in a shell for the request. Place and wave travel through the
// navigation, so that the other pages open at the same place.
func (a *API) newShell(c *gin.Context, section, title string, keep url.Values) shell {
	lang, who := a.lang(c), a.actor(c)
	s := shell{
		Title: title, Section: section, LangLink: otherLanguage(c.Request.URL, lang),
		Fragment: c.GetHeader(fragmentHeader) == "1", Version: a.version,
	}
	if who.Nobody() {
		return s
	}
	s.Who, s.Role = who.Name, roleNames(who, lang)
	if who.Must != "" {
		return s // nothing else answers yet
	}
	for _, n := range navigation {
		if !who.CanAny(n.may...) {
			continue
		}
		href := "/" + n.section
		if len(keep) > 0 {
			href += "?" + keep.Encode()
		}
		s.Nav = append(s.Nav, navLink{Name: a.static.T(lang, "console.nav."+n.section), Href: href, Section: n.section, Current: n.section == section})
	}
	return s
}

// otherLanguage returns the address of the same page in the other language.
func otherLanguage(u *url.URL, lang string) string {
	q := u.Query()
	q.Set("lang", "en")
	if lang == "en" {
		q.Set("lang", "zh")
	}
	return u.Path + "?" + q.Encode()
}

// writeConsole writes a page of the console. Its policy lets the browser fetch
// nothing but our own style, script and pictures.
func (a *API) writeConsole(c *gin.Context, status int, name string, data any) error {
	lang := a.lang(c)
	var page bytes.Buffer
	if err := a.static.Render(&page, name, lang, data); err != nil {
		return err
	}
	if q := c.Query("lang"); q != "" {
		http.SetCookie(c.Writer, &http.Cookie{
			Name: languageCookie, Value: static.Language(q), Path: "/", MaxAge: 365 * 24 * 60 * 60, SameSite: http.SameSiteLaxMode, Secure: a.secure(),
		})
	}
	hide(c)
	h := c.Writer.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", consolePolicy)
	h.Set("Vary", "Accept-Encoding, Accept-Language, Cookie, "+fragmentHeader)
	if c.GetHeader(fragmentHeader) == "1" {
		h.Set(fragmentHeader, "1")
	}
	body, coding := pack(c.Request, page.Bytes())
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Writer.WriteHeader(status)
	_, err := c.Writer.Write(body)
	return err
}

const consolePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// messagePage is a page that only says something.
type messagePage struct {
	shell
	Heading string
	Text    string
	Fields  []string // what exactly is wrong
	Back    *navLink
	Request string // number under which the log knows more
}

// errorPage tells a person what went wrong, and shows the way back to those who
// are signed in, also at addresses that ask nobody to be.
func (a *API) errorPage(c *gin.Context, p *Problem) {
	lang := a.lang(c)
	if a.actor(c).Nobody() && !ofResidents(c.Request.URL.Path) {
		if who, err := a.whoAsks(c); err == nil {
			c.Request = c.Request.WithContext(withActor(c.Request.Context(), who))
		}
	}
	v := messagePage{Heading: p.Title, Request: p.RequestID}
	v.shell = a.newShell(c, "", p.Title, nil)
	v.SignIn = v.Who == ""
	if key := "console.error." + strconv.Itoa(p.Status); a.static.Has(lang, key) {
		v.Text = a.static.T(lang, key)
	}
	for _, f := range p.Errors {
		v.Fields = append(v.Fields, f.Message)
	}
	if v.Who != "" {
		v.Back = &navLink{Name: a.static.T(lang, "console.back"), Href: cameFrom(c.Request, "/")}
	}
	if err := a.writeConsole(c, p.Status, "console/message", v); err != nil {
		a.logFailure(c, err)
		c.String(p.Status, "%s\n", p.Title)
	}
}

// takeUpload opens the file of a form, most bytes of it in all, and gives take its
// name and what is in it. What the person can mend goes to refuse: a file that is too
// large, missing (with that code), or of a name that is no list's.
func takeUpload(c *gin.Context, most int64, tooLarge error, missing string, refuse func(error) error, take func(name string, list io.Reader) error) error {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most)
	file, err := c.FormFile("file")
	var beyond *http.MaxBytesError
	switch {
	case errors.As(err, &beyond):
		return refuse(tooLarge)
	case errors.Is(err, http.ErrMissingFile):
		return refuse(survey.ErrInvalid.With(survey.Field{Path: "file", Code: missing}))
	case err != nil:
		return survey.ErrMalformed.Because(err)
	}
	r, err := file.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	list, err := area.Named(file.Filename, r)
	if err != nil {
		return refuse(err)
	}
	return take(filepath.Base(file.Filename), list)
}
