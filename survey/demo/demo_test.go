package demo

import (
	"bytes"
	"context"
	"testing"
	"time"

	"chengyin/survey/app"
	"chengyin/survey/store/storetest"
)

var now = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

// newApp opens an App on a fresh database at the time now.
func newApp(t testing.TB, dialect string) *app.App {
	t.Helper()
	a, err := app.New(t.Context(), app.Config{
		Database: storetest.DSN(t, dialect), Secret: bytes.Repeat([]byte("k"), 32), CodeVersion: "test", Clock: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.DB.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFillSmall(t *testing.T) {
	a := newApp(t, "sqlite")
	began := time.Now()
	city, err := Fill(t.Context(), a, Options{Password: "correct horse 1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(began), city.Resident, city.Household)
	began = time.Now()
	if err := a.Scores.RefreshStale(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Log("scores", time.Since(began))
}
