package main

import (
	"log"
	"log/slog"
	"regexp"
	"strings"
)

// serverLog returns the log of net/http itself, which names the client in what it
// says of broken connections: residents' addresses do not belong in a log.
func serverLog(to *slog.Logger) *log.Logger { return log.New(addressless{to}, "", 0) }

type addressless struct{ to *slog.Logger }

// clientAddress is an address with a port, as net/http writes it.
var clientAddress = regexp.MustCompile(`\[[0-9A-Fa-f:.%\w]+\]:\d+|\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b`)

func (a addressless) Write(line []byte) (int, error) {
	a.to.Warn(strings.TrimSpace(clientAddress.ReplaceAllString(string(line), "a client")))
	return len(line), nil
}
