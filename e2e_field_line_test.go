package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// lossyLine is the network between a phone and the server: it loses every n-th
// answer to a phone after the server has given it, from the first on. Where the
// server is away, so is the line.
type lossyLine struct {
	server *httptest.Server
	to     string
	client http.Client

	mu      sync.Mutex
	every   int
	n, gone int
}

func newLossyLine(t *testing.T, to string) *lossyLine {
	t.Helper()
	l := &lossyLine{to: to, client: http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	l.server = httptest.NewServer(l)
	t.Cleanup(l.server.Close)
	return l
}

func (l *lossyLine) addr() string { return strings.TrimPrefix(l.server.URL, "http://") }

// drop makes the line lose every n-th answer from now on.
func (l *lossyLine) drop(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.every, l.n, l.gone = n, 0, 0
}

func (l *lossyLine) lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gone
}

func (l *lossyLine) answers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func (l *lossyLine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+l.to+r.RequestURI, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	out.Header, out.Host, out.ContentLength = r.Header.Clone(), r.Host, r.ContentLength
	reply, err := l.client.Do(out)
	if err != nil {
		panic(http.ErrAbortHandler) // hangs up
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if strings.HasPrefix(r.URL.Path, "/api/v1/field/") && l.loses() {
		panic(http.ErrAbortHandler)
	}
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(reply.StatusCode)
	_, _ = w.Write(body) // the phone may have hung up
}

func (l *lossyLine) loses() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.every == 0 {
		return false
	}
	l.n++
	if l.n%l.every != 1 {
		return false
	}
	l.gone++
	return true
}
