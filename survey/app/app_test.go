package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"chengyin/survey/app"
	"chengyin/survey/apptest"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/score"
	"chengyin/survey/store/storetest"
)

var ctx = context.Background()

func TestNew(t *testing.T) {
	secret := []byte(strings.Repeat("s", 16))
	t.Run("a short secret is refused", func(t *testing.T) {
		if _, err := app.New(ctx, app.Config{Database: storetest.DSN(t, "sqlite"), Secret: secret[:15]}); err == nil || !strings.Contains(err.Error(), "secret") {
			t.Fatal(err)
		}
	})
	t.Run("a database that is none is refused", func(t *testing.T) {
		if _, err := app.New(ctx, app.Config{Database: "x", Secret: secret}); err == nil {
			t.Fatal("opened")
		}
	})
	t.Run("the schema is left alone", func(t *testing.T) {
		a, err := app.New(ctx, app.Config{Database: storetest.DSN(t, "sqlite"), Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if have, _, err := a.DB.Version(ctx); err != nil || have != 0 {
			t.Fatal(have, err)
		}
	})
}

// TestScheduleFollowsTheAnswers: an answer is on the board within two seconds,
// without anybody asking for it.
func TestScheduleFollowsTheAnswers(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			running, stop := context.WithCancel(ctx)
			ended := make(chan error, 1)
			go func() { ended <- w.Run(running) }()
			defer stop()

			change := func(before string) string {
				t.Helper()
				for deadline := time.After(2 * time.Second); ; {
					run, changed := w.Scores.Watch(w.Wave.ID)
					if run != before {
						return run
					}
					select {
					case <-changed:
					case <-deadline:
						t.Fatal("nothing has changed for two seconds")
					}
				}
			}
			first := change("")
			sheet, err := w.Responses.Open(ctx, w.Posters[apptest.North].Code)
			if err != nil {
				t.Fatal(err)
			}
			in := response.Submission{Code: sheet.Collector.Code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Answers: apptest.Answers(questionnaire.Answers{"q1": "know"})}
			if _, _, err := w.Responses.Submit(ctx, in); err != nil {
				t.Fatal(err)
			}
			second := change(first)
			board, err := w.Scores.Scores(ctx, apptest.Office, score.Query{Wave: w.Wave.ID, Area: apptest.City, Indicator: "awareness", Mode: score.Combined})
			if err != nil || board.Run.ID != second || len(board.Scores) != 1 || board.Scores[0].N != 1 {
				t.Fatalf("%+v %v", board, err)
			}
			stop()
			select {
			case err := <-ended:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("the schedule goes on")
			}
		})
	}
}

// TestScheduleOutlivesTrouble: when the database is gone the schedule says so and
// goes on.
func TestScheduleOutlivesTrouble(t *testing.T) {
	var log bytes.Buffer
	a, err := app.New(ctx, app.Config{Database: storetest.DSN(t, "sqlite"), Secret: []byte(strings.Repeat("s", 16)), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	short, stop := context.WithTimeout(ctx, time.Second) // the schema was never made
	defer stop()
	if err := a.Run(short); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "refresh scores"); n < 2 {
		t.Errorf("it tried %d times:\n%s", n, log.String())
	}
}
