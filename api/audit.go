package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/event"
)

// noteRefusal writes into the trail that a person who is signed in was refused: may
// not, or asked for something that to them does not exist. Requests of others are
// counted only, or anybody could fill the trail.
func (a *API) noteRefusal(c *gin.Context) {
	route, status := c.Request.Method+" "+c.FullPath(), c.Writer.Status()
	if p, declared := policies[route]; !declared || p.open {
		return
	}
	who := a.actor(c)
	if who.Nobody() {
		a.metrics.refusals.WithLabelValues("anonymous").Inc()
		return
	}
	object := askedFor(c)
	if status != http.StatusForbidden && (status != http.StatusNotFound || object == "") {
		return
	}
	a.metrics.refusals.WithLabelValues("person").Inc()
	if err := a.Events.Refuse(c.Request.Context(), who, event.Refusal{Route: route, Object: object, Status: status}); err != nil {
		a.log.Error("note a refusal", "request_id", infoOf(c.Request.Context()).id, "err", err)
	}
}

// scoped are the parameters of an address that name something in a place.
var scoped = []string{"wave", "area", "parent", "unit", "code", "account"}

// askedFor returns what the address names: the first of its path, or of its query.
func askedFor(c *gin.Context) string {
	if len(c.Params) > 0 {
		return c.Params[0].Value
	}
	for _, name := range scoped {
		if v := c.Query(name); v != "" {
			return v
		}
	}
	return ""
}

// trailFigures are the figures of the trail and of the jobs, read when they are
// asked for.
type trailFigures struct{ events *event.Service }

var (
	eventsKept  = prometheus.NewDesc("chengyin_events", "Events in the audit trail.", nil, nil)
	jobsWaiting = prometheus.NewDesc("chengyin_jobs_waiting", "Jobs that are due and not done.", nil, nil)
	jobsFailed  = prometheus.NewDesc("chengyin_jobs_given_up", "Jobs that failed as often as they may.", nil, nil)
	jobsOldest  = prometheus.NewDesc("chengyin_jobs_oldest_seconds", "For how long the oldest job that is due has waited.", nil, nil)
)

func (f trailFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{eventsKept, jobsWaiting, jobsFailed, jobsOldest} {
		ch <- d
	}
}

func (f trailFigures) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	n, jobs, waited, err := f.events.Count(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(eventsKept, err)
		return
	}
	for d, v := range map[*prometheus.Desc]float64{eventsKept: float64(n), jobsWaiting: float64(jobs.Waiting), jobsFailed: float64(jobs.Failed), jobsOldest: waited.Seconds()} {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
}

type eventsRequest struct {
	From   time.Time `query:"from" doc:"not before this time"`
	To     time.Time `query:"to" doc:"before this time"`
	Person string    `query:"person" doc:"login" maxLength:"64"`
	Kind   string    `query:"kind" doc:"kind of event, or all of a package: account." maxLength:"64"`
	Result string    `query:"result" enum:"done,refused,failed"`
	Object string    `query:"object" doc:"id of what it happened to" maxLength:"64"`
	Area   string    `query:"area" doc:"12-digit code: this place and everything below it" maxLength:"12"`
	Source string    `query:"source" doc:"network address" maxLength:"64"`
	Cursor string    `query:"cursor" doc:"of the page before" maxLength:"128"`
	Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type eventView struct {
	ID      string          `json:"id"`
	Seq     *int64          `json:"seq" doc:"place in the chain; null for events from before it"`
	At      time.Time       `json:"at"`
	Kind    string          `json:"kind"`
	Person  string          `json:"person" doc:"login"`
	Account string          `json:"account"`
	Via     string          `json:"via"`
	Source  string          `json:"source"`
	Request string          `json:"request"`
	Object  string          `json:"object"`
	Area    string          `json:"area"`
	Result  string          `json:"result"`
	Payload json.RawMessage `json:"payload"`
	Key     string          `json:"key" doc:"name of the key that made the code"`
	MAC     string          `json:"mac" doc:"code that ties the event to the one before it"`
}

type eventsReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Events []eventView `json:"events"`
		Cursor *string     `json:"cursor" doc:"of the next page; null on the last"`
	}
}

func (a *API) describeEvents() {
	register(a, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/api/v1/events", Tags: []string{"audit"},
		Summary: "The audit trail, the newest first", Security: staff, Errors: []int{http.StatusForbidden, http.StatusUnprocessableEntity},
		Description: "For auditors. An auditor of a district sees what happened to its places and what people who belong there did.",
	}, func(ctx context.Context, in *eventsRequest) (*eventsReply, error) {
		f := event.Filter{From: in.From, To: in.To, Person: in.Person, Kind: in.Kind, Result: in.Result, Object: in.Object, Area: in.Area, Source: in.Source, Limit: in.Limit}
		var err error
		if f.After, err = readEventCursor(in.Cursor); err != nil {
			return nil, err
		}
		list, err := a.Events.List(ctx, actorOf(ctx), f)
		if err != nil {
			return nil, err
		}
		out := &eventsReply{CacheControl: "no-store"}
		out.Body.Events = make([]eventView, len(list))
		for i, e := range list {
			out.Body.Events[i] = eventView{e.ID, e.Seq, e.At.In(static.China), e.Kind, e.Actor, e.AccountID, e.Via, e.Source, e.RequestID, e.Object, e.AreaCode, e.Result,
				json.RawMessage(e.Payload), e.KeyID, e.MAC}
		}
		if len(list) == in.Limit {
			next := writeEventCursor(list[len(list)-1].Next())
			out.Body.Cursor = &next
		}
		return out, nil
	})
}

func writeEventCursor(c event.Cursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.At.UnixMicro(), 10) + " " + c.ID))
}

func readEventCursor(s string) (event.Cursor, error) {
	if s == "" {
		return event.Cursor{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	at, id, ok := strings.Cut(string(b), " ")
	n, e := strconv.ParseInt(at, 10, 64)
	if err != nil || e != nil || !ok || id == "" || len(id) > 36 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return event.Cursor{}, survey.ErrInvalid.With(survey.Field{Path: "cursor", Code: "field_not_listed"})
	}
	return event.Cursor{At: time.UnixMicro(n).UTC(), ID: id}, nil
}
