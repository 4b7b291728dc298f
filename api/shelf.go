package api

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"
)

// shelf keeps something that a person was shown until they come back for it: a dry
// run that waits to be confirmed, passwords that may be taken away once. Each thing
// belongs to the account that put it there, and there is one for an account:
// putting another forgets the one before.
type shelf[T any] struct {
	mu   sync.Mutex
	kept map[string]shelved[T] // by account
}

type shelved[T any] struct {
	token string
	thing T
	until time.Time
}

// shelfLife is how long things wait.
const shelfLife = 15 * time.Minute

func (p *shelf[T]) keep(account string, thing T, now time.Time) (token string) {
	b := make([]byte, 18)
	rand.Read(b)
	token = base64.RawURLEncoding.EncodeToString(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[string]shelved[T]{}
	}
	for who, k := range p.kept {
		if !now.Before(k.until) {
			delete(p.kept, who)
		}
	}
	p.kept[account] = shelved[T]{token, thing, now.Add(shelfLife)}
	return token
}

// take hands out a thing once.
func (p *shelf[T]) take(account, token string, now time.Time) (thing T, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.kept[account]
	if !ok || k.token != token || !now.Before(k.until) {
		return thing, false
	}
	delete(p.kept, account)
	return k.thing, true
}
