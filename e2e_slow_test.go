package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"chengyin/survey/store/storetest"
)

// TestSlowRequestsAreCut: clients that send their head or their body drop by drop
// (slowloris) are cut off, and others are served meanwhile.
func TestSlowRequestsAreCut(t *testing.T) {
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	const clients = 40
	long := map[string]time.Duration{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	drip := func(what, head, drop string, most time.Duration) {
		for range clients {
			wg.Go(func() {
				c, err := net.Dial("tcp", p.addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				start := time.Now()
				go func() {
					_, err := fmt.Fprint(c, head)
					for err == nil {
						time.Sleep(500 * time.Millisecond)
						_, err = fmt.Fprint(c, drop)
					}
				}()
				_ = c.SetReadDeadline(start.Add(most + 15*time.Second))
				r := bufio.NewReader(c)
				for err == nil { // an answer may come before the end
					_, err = r.ReadByte()
				}
				if e, late := err.(net.Error); late && e.Timeout() {
					t.Errorf("%s is still served after %v", what, time.Since(start))
				}
				mu.Lock()
				long[what] = max(long[what], time.Since(start))
				mu.Unlock()
			})
		}
	}
	drip("a head that does not end", "GET /q/x HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n", 12*time.Second)
	drip("a form that does not end", "POST /signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\nlogin=", "a", 25*time.Second)
	drip("JSON that does not end", "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"login\":\"", "a", 25*time.Second)
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		start := time.Now()
		reply, err := http.Get(p.url() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if took := time.Since(start); reply.StatusCode != http.StatusOK || took > 2*time.Second {
			t.Errorf("others are answered %d after %v", reply.StatusCode, took)
		}
	}
	wg.Wait()
	for what, took := range long {
		t.Logf("%s: cut after %v", what, took.Round(100*time.Millisecond))
	}
}
