package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/event"
)

// auditKinds are the kinds of events that auditors search for, by package. A test
// finds those that are missing here.
var auditKinds = []string{
	"account.signed_in", "account.sign_in_failed", "account.locked", "account.signed_out", "account.sessions_revoked", "account.password_changed",
	"account.password_reset", "account.totp_enrolled", "account.totp_dropped", "account.totp_reset", "account.recovery_code_used",
	"account.recovery_codes_renewed", "account.identity_linked", "account.token_created", "account.token_first_used", "account.token_revoked",
	"account.created", "account.changed", "account.disabled", "account.enabled", "account.imported", "account.grant_asked",
	"account.grant_withdrawn", "account.grant_refused", "account.granted", "account.grant_ended", "account.policy_changed",
	"role.created", "role.changed", "role.removed",
	event.AccessRefused,
	"response.read", "response.exported", "response.erased", "report.received", "report.seen", "report.handled", "privacy.clock_changed", "privacy.erased",
	"wave.created", "questionnaire.published", "recipe.published", "score.published", "collector.created", "collector.revoked", "area.imported",
	"frame.imported", "plan.created", "sample.drawn", "sample.replaced", "sample.replayed", "sample.exported",
	event.Began, event.Verified, event.Exported, event.PruneAsked, event.Pruned, event.RetentionChanged, event.Doubted, event.KeyChanged, event.GaveUp,
	"field.assigned", "field.unassigned", "field.phone_enrolled", "field.phone_signed_out", "field.phone_locked", "field.phone_unlocked", "field.exported",
	"demo.begun", "demo.filled",
}

const auditRows = 50

// auditPage searches the trail.
type auditPage struct {
	shell
	In      auditForm
	Kinds   []option
	Results []option
	Query   string // of the form, for the buttons
	Rows    []auditRow
	More    string // address of the older ones
	All     bool   // this person reads the whole trail
	Report  *trailReport
}

type option struct {
	Value, Name string
	Current     bool
}

// auditForm is what is searched for, as it was typed.
type auditForm struct{ From, To, Person, Kind, Result, Object, Area, Source string }

type auditRow struct {
	At                               time.Time
	Kind, Code, Person, Via          string
	Object, Area, Result, ResultName string
	Source, Href                     string
}

// trailReport says what verifying found.
type trailReport struct {
	Right              bool
	Count, Older, Head string
	What, Seq, ID      string
	Kind               string
	At                 *time.Time
}

// readAudit reads the filter from an address or a form. Days are days of China.
func readAudit(q url.Values) (event.Filter, auditForm, error) {
	text := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	in := auditForm{text("from"), text("to"), text("person"), text("kind"), text("result"), text("object"), text("area"), text("source")}
	f := event.Filter{Person: in.Person, Kind: in.Kind, Result: in.Result, Object: in.Object, Area: in.Area, Source: in.Source, Limit: auditRows + 1}
	var wrong []survey.Field
	day := func(name, s string, after int) (t time.Time) {
		if s == "" {
			return t
		}
		t, err := time.ParseInLocation(time.DateOnly, s, static.China)
		if err != nil {
			wrong = append(wrong, survey.Field{Path: name, Code: "field_wrong"})
		}
		return t.AddDate(0, 0, after)
	}
	f.From, f.To = day("from", in.From, 0), day("to", in.To, 1)
	if in.Area != "" && (len(in.Area) != 12 || strings.Trim(in.Area, "0123456789") != "") {
		wrong = append(wrong, survey.Field{Path: "area", Code: "field_wrong"})
	}
	if len(wrong) > 0 {
		return f, in, survey.ErrInvalid.With(wrong...)
	}
	var err error
	f.After, err = readEventCursor(q.Get("cursor"))
	return f, in, err
}

// query writes the form as an address.
func (in auditForm) query() url.Values {
	q := url.Values{}
	for k, v := range map[string]string{"from": in.From, "to": in.To, "person": in.Person, "kind": in.Kind, "result": in.Result, "object": in.Object, "area": in.Area, "source": in.Source} {
		if v != "" {
			q.Set(k, v)
		}
	}
	return q
}

func (a *API) audit(c *gin.Context) error { return a.showAudit(c, nil) }

func (a *API) showAudit(c *gin.Context, report *trailReport) error {
	who, lang := a.actor(c), a.lang(c)
	f, in, err := readAudit(c.Request.URL.Query())
	if err != nil {
		return err
	}
	list, err := a.Events.List(c.Request.Context(), who, f)
	if err != nil {
		return err
	}
	p := auditPage{In: in, Report: report, Query: in.query().Encode(), All: who.Sees(survey.ReadAudit, survey.Everywhere)}
	p.shell = a.newShell(c, "audit", a.static.T(lang, "console.nav.audit"), nil)
	if len(list) > auditRows {
		list = list[:auditRows]
		q := in.query()
		q.Set("cursor", writeEventCursor(list[len(list)-1].Next()))
		p.More = "/audit?" + q.Encode()
	}
	p.Kinds = append(p.Kinds, option{Name: a.static.T(lang, "console.audit.any"), Current: in.Kind == ""})
	for _, k := range auditKinds {
		p.Kinds = append(p.Kinds, option{k, a.kindName(lang, k), in.Kind == k})
	}
	p.Results = append(p.Results, option{Name: a.static.T(lang, "console.audit.any"), Current: in.Result == ""})
	for _, r := range []string{event.Done, event.Refused, event.Failed} {
		p.Results = append(p.Results, option{r, a.static.T(lang, "console.audit.result."+r), in.Result == r})
	}
	for _, e := range list {
		p.Rows = append(p.Rows, a.auditRow(lang, e))
	}
	return a.writeConsole(c, http.StatusOK, "console/audit", p)
}

func (a *API) auditRow(lang string, e event.Event) auditRow {
	r := auditRow{At: e.At, Kind: a.kindName(lang, e.Kind), Code: e.Kind, Person: e.Actor, Via: e.Via, Object: e.Object, Area: e.AreaCode, Result: e.Result, Source: e.Source, Href: "/audit/events/" + url.PathEscape(e.ID)}
	if key := "console.audit.via." + e.Via; e.Via != "" && a.static.Has(lang, key) {
		r.Via = a.static.T(lang, key)
	}
	if key := "console.audit.result." + e.Result; a.static.Has(lang, key) { // events from before the chain have none
		r.ResultName = a.static.T(lang, key)
	}
	return r
}

// kindName words a kind of event. A newer version may have written others.
func (a *API) kindName(lang, kind string) string {
	if key := "console.audit.kind." + kind; slices.Contains(auditKinds, kind) && a.static.Has(lang, key) {
		return a.static.T(lang, key)
	}
	return kind
}

// auditEventPage shows one event with all that is kept of it.
type auditEventPage struct {
	shell
	Row     auditRow
	Event   event.Event
	Seq     string
	Payload string
	Back    string
}

func (a *API) auditEvent(c *gin.Context) error {
	lang := a.lang(c)
	e, err := a.Events.ByID(c.Request.Context(), a.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	p := auditEventPage{Row: a.auditRow(lang, e), Event: e, Payload: e.Payload, Back: "/audit"}
	if e.Seq != nil {
		p.Seq = group(int(*e.Seq))
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, []byte(e.Payload), "", "  ") == nil {
		p.Payload = pretty.String()
	}
	p.shell = a.newShell(c, "audit", p.Row.Kind, nil)
	return a.writeConsole(c, http.StatusOK, "console/audit_event", p)
}

// verifyTrail walks the chain within the time of a request: a million events take
// some seconds. A longer trail is for the command.
func (a *API) verifyTrail(c *gin.Context) error {
	lang := a.lang(c)
	r, err := a.Events.Verify(c.Request.Context(), a.actor(c))
	if err != nil {
		return err
	}
	t := &trailReport{Right: r.Bad == nil, Count: group(int(r.Count)), Older: group(int(r.Older)), Head: r.Head.String()}
	if b := r.Bad; b != nil {
		t.What, t.Seq, t.ID = a.static.T(lang, "console.audit.bad."+b.What), group(int(b.Seq)), b.ID
		if b.ID != "" {
			t.At, t.Kind = &b.At, a.kindName(lang, b.Kind)
		}
	}
	return a.showAudit(c, t)
}

// exportTrail streams what the filter finds, as a file.
func (a *API) exportTrail(c *gin.Context) error {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxConsole)
	if err := c.Request.ParseForm(); err != nil {
		return survey.ErrMalformed.Because(err)
	}
	f, _, err := readAudit(c.Request.URL.Query())
	if err != nil {
		return err
	}
	f.After = event.Cursor{}
	format := c.Request.PostForm.Get("format")
	// A long export may take longer than an ordinary answer.
	if err := http.NewResponseController(c.Writer).SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	types := map[string]string{event.CSV: "text/csv; charset=utf-8", event.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
	begin := func() {
		c.Header("Content-Type", types[format])
		c.Header("Content-Disposition", `attachment; filename="audit-`+a.Clock().In(static.China).Format("20060102-150405")+"."+format+`"`)
		c.Header("Cache-Control", "no-store")
	}
	return a.Events.Export(c.Request.Context(), a.actor(c), f, format, begin, c.Writer)
}
