package main

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// line is the network between a phone and the server. It can be told to break at
// the worst moment: when the answers have reached the server and its reply is on
// the way back.
type line struct {
	to string
	l  net.Listener

	mu     sync.Mutex
	armed  bool
	sent   bool // the answers have gone to the server
	broken bool
	open   map[net.Conn]bool
	cut    chan struct{} // closed when the line breaks
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &line{to: to, l: l, open: map[net.Conn]bool{}, cut: make(chan struct{})}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		p.hangUp()
	})
	return p
}

func (p *line) addr() string { return p.l.Addr().String() }

// arm makes the line break at the reply to the next answers.
func (p *line) arm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = true
}

// restore lets the line work again.
func (p *line) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = false
}

func (p *line) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

func (p *line) serve(phone net.Conn) {
	defer phone.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	if p.broken {
		p.mu.Unlock()
		return
	}
	p.open[phone], p.open[server] = true, true
	p.mu.Unlock()
	go func() {
		p.pass(server, phone, func(b []byte) bool {
			if p.armed && bytes.Contains(b, []byte("POST ")) && bytes.Contains(b, []byte("/responses")) {
				p.sent = true
			}
			return true
		})
		server.Close()
	}()
	p.pass(phone, server, func([]byte) bool {
		if p.armed && p.sent {
			p.armed, p.broken = false, true
			close(p.cut)
			return false
		}
		return true
	})
}

// pass carries bytes from one side to the other as long as may says so.
func (p *line) pass(to io.Writer, from io.Reader, may func([]byte) bool) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			p.mu.Lock()
			goOn := may(b[:n])
			p.mu.Unlock()
			if !goOn {
				p.hangUp()
				return
			}
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
