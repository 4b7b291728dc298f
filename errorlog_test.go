package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestServerLogNamesNobody(t *testing.T) {
	for _, line := range []string{
		"http: TLS handshake error from 203.0.113.77:51544: EOF",
		"http: panic serving [2001:db8::1:2]:443: nil map",
		"http: panic serving [fe80::1%eth0]:443: nil map",
	} {
		var said bytes.Buffer
		serverLog(slog.New(slog.NewTextHandler(&said, nil))).Print(line)
		if got := said.String(); !strings.Contains(got, "a client: ") || strings.Contains(got, "203.0.113") || strings.Contains(got, "2001:db8") || strings.Contains(got, "fe80") {
			t.Errorf("%s: %s", line, got)
		}
	}
}
