package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chengyin/survey"
)

// metrics are the figures that /metrics shows.
type metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.HistogramVec
	submissions *prometheus.CounterVec
	refusals    *prometheus.CounterVec
}

func newMetrics(trail prometheus.Collector) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chengyin_request_seconds", Help: "Time to answer a request.", Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10},
		}, []string{"method", "route", "status"}),
		submissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chengyin_submissions_total", Help: "Submissions by outcome: counted, quarantined, repeated, differs, refused.",
		}, []string{"outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chengyin_refusals_total", Help: "Requests to the department's routes that were refused: to a person who is signed in, to anybody else.",
		}, []string{"who"}),
	}
	m.registry.MustRegister(m.requests, m.submissions, m.refusals, trail, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(method, route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// showMetrics answers this machine only: a collector runs beside the server.
func (a *API) showMetrics() gin.HandlerFunc {
	h := promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{})
	return func(c *gin.Context) {
		if !local(c.Request) {
			a.writeProblem(c, survey.ErrNotFound)
			return
		}
		h.ServeHTTP(c.Writer, c.Request)
	}
}

// live says that the process answers.
func (a *API) live(c *gin.Context) { c.String(http.StatusOK, "ok\n") }

// ready says that the database answers and has the schema of this version.
func (a *API) ready(c *gin.Context) {
	have, want, err := a.DB.Version(c.Request.Context())
	if err != nil || have != want {
		c.String(http.StatusServiceUnavailable, "not ready\n")
		return
	}
	c.String(http.StatusOK, "ready\n")
}
