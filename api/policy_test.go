package api

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"chengyin/static"
	"chengyin/survey/apptest"
	"chengyin/survey/store/storetest"
)

// TestEveryRouteHasAPolicy: a route that nobody declared answers nobody, and a
// policy of a route that is gone would mislead its reader.
func TestEveryRouteHasAPolicy(t *testing.T) {
	w := apptest.New(t, storetest.DSN(t, "sqlite"))
	s, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	a := New(Deps{App: w.App, Static: s, PublicURL: "http://localhost", Version: "test", Log: slog.New(slog.DiscardHandler)})
	var served []string
	for _, r := range a.router.Routes() {
		served = append(served, r.Method+" "+r.Path)
		if _, declared := policies[r.Method+" "+r.Path]; !declared {
			t.Errorf("%s %s has no policy", r.Method, r.Path)
		}
	}
	if len(served) < 30 {
		t.Fatalf("only %d routes: %s", len(served), strings.Join(served, ", "))
	}
	for route := range policies {
		if !slices.Contains(served, route) {
			t.Errorf("there is a policy for %s, which is no route", route)
		}
	}
}
