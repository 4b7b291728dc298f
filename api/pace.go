package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"chengyin/survey"
)

var errTooMany = &survey.Error{Kind: survey.TooMany, Code: "too_many"}

// Another system may send so many requests a second, and so many at once.
const (
	tokenRate  = 20
	tokenBurst = 100
	maxPaces   = 10_000
)

// pace bounds how often each token is used on this server.
type pace struct {
	mu    sync.Mutex
	paces map[string]*rate.Limiter
	begun time.Time
}

func newPace() *pace { return &pace{paces: map[string]*rate.Limiter{}, begun: time.Now()} }

// allow reports whether the token may be used now. What is known of tokens is
// forgotten from time to time, so that made-up ones take no room for long.
func (p *pace) allow(token string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.paces) >= maxPaces || time.Since(p.begun) > time.Hour {
		p.paces, p.begun = map[string]*rate.Limiter{}, time.Now()
	}
	l := p.paces[token]
	if l == nil {
		l = rate.NewLimiter(tokenRate, tokenBurst)
		p.paces[token] = l
	}
	return l.Allow()
}
