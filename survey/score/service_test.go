package score_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/score"
	"chengyin/survey/store/storetest"
)

var ctx = context.Background()

// answer submits one response.
func answer(t *testing.T, w *apptest.World, c collector.Collector, household string, change questionnaire.Answers) {
	t.Helper()
	sheet, err := w.Responses.Open(ctx, c.Code)
	if err != nil {
		t.Fatal(err)
	}
	in := response.Submission{Code: c.Code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Answers: apptest.Answers(change), Household: household}
	if _, _, err := w.Responses.Submit(ctx, in); err != nil {
		t.Fatal(err)
	}
}

// scores returns the scores of one indicator and mode by place.
func scores(t *testing.T, w *apptest.World, indicator, mode string) map[string]score.Score {
	t.Helper()
	b, err := w.Scores.Scores(ctx, apptest.Office, score.Query{Wave: w.Wave.ID, Indicator: indicator, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]score.Score{}
	for _, s := range b.Scores {
		out[s.AreaCode] = s
	}
	return out
}

func refresh(t *testing.T, w *apptest.World) bool {
	t.Helper()
	changed, err := w.Scores.Refresh(ctx, w.Wave.ID)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestScores(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			t.Run("before the first refresh there is no run", func(t *testing.T) {
				if _, err := w.Scores.Current(ctx, w.Wave.ID); !errors.Is(err, score.ErrNoRun) {
					t.Fatal(err)
				}
			})
			t.Run("nobody has answered", func(t *testing.T) {
				refresh(t, w)
				for code, s := range scores(t, w, "awareness", score.Combined) {
					if s.Reason != score.NoAnswers || s.Estimate != nil || s.N != 0 {
						t.Fatalf("%s: %+v", code, s)
					}
				}
			})
			for i := range 24 {
				know := []string{"know", "unknown"}[i%2]
				age := area.Ages[i%6]
				answer(t, w, w.Posters[apptest.North], "", questionnaire.Answers{"q1": know, "age": age, "sex": area.Sexes[i/6%2], "q18": fmt.Sprint(1 + i%5)})
			}
			for i := range 4 {
				answer(t, w, w.Posters[apptest.South], "", questionnaire.Answers{"q1": "know", "age": area.Ages[i], "sex": area.Sexes[i%2]})
			}
			t.Run("a refresh follows the answers, and only when there are new ones", func(t *testing.T) {
				if !refresh(t, w) {
					t.Fatal("not refreshed after new answers")
				}
				if refresh(t, w) {
					t.Fatal("refreshed although nothing changed")
				}
			})
			t.Run("the two communities are estimated and the small one is withheld", func(t *testing.T) {
				s := scores(t, w, "awareness", collector.Scanned)
				north := s[apptest.North]
				if north.N != 24 || north.Estimate == nil || *north.Estimate < 30 || *north.Estimate > 70 || *north.Low >= *north.Estimate || *north.High <= *north.Estimate {
					t.Fatalf("%+v", north)
				}
				if south := s[apptest.South]; south.Reason != score.TooFew || south.Estimate != nil || south.SE != nil || south.Low != nil {
					t.Fatalf("%+v", south)
				}
				// Both communities have as many people, and all in South know.
				if d := s[apptest.East]; d.N != 28 || *d.Estimate <= *north.Estimate {
					t.Fatalf("%+v", d)
				}
			})
			t.Run("someone outside the base changes nothing", func(t *testing.T) {
				before := *scores(t, w, "awareness", score.Combined)[apptest.East].Estimate
				answer(t, w, w.Posters[apptest.North], "", questionnaire.Answers{"residence": "elsewhere", "q1": "know"})
				answer(t, w, w.Posters[apptest.North], "", questionnaire.Answers{"age": "u18", "q1": "know"})
				if refresh(t, w) {
					t.Fatal("refreshed")
				}
				if after := *scores(t, w, "awareness", score.Combined)[apptest.East].Estimate; after != before {
					t.Fatal(before, after)
				}
			})
			t.Run("visits are weighted by their design and combined with the scans", func(t *testing.T) {
				for i, h := range w.Homes {
					answer(t, w, w.Visits, h.Household, questionnaire.Answers{"q1": []string{"know", "unknown"}[i/4], "age": area.Ages[i%6], "sex": area.Sexes[i%2]})
				}
				refresh(t, w)
				visit := scores(t, w, "awareness", collector.Visited)[apptest.Riverside]
				both := scores(t, w, "awareness", score.Combined)[apptest.Riverside]
				if visit.N != 8 || visit.Reason != score.TooFew {
					t.Fatalf("%+v", visit)
				}
				if both.N != 36 || both.Method != "composite+logit" || both.Estimate == nil {
					t.Fatalf("%+v", both)
				}
			})
			t.Run("what an actor may not see does not exist", func(t *testing.T) {
				see := func(who survey.Actor, q score.Query) error {
					q.Wave = w.Wave.ID
					b, err := w.Scores.Scores(ctx, who, q)
					for _, s := range b.Scores {
						if !who.Sees(survey.SeeScores, s.AreaCode) {
							t.Errorf("%s sees %s", who.Login, s.AreaCode)
						}
					}
					return err
				}
				south := survey.As("south", "community", apptest.South)
				if err := see(south, score.Query{}); err != nil {
					t.Fatal(err)
				}
				if err := see(south, score.Query{Parent: apptest.Riverside}); !errors.Is(err, area.ErrNotFound) {
					t.Fatal(err)
				}
				if err := see(survey.As("auditor", "auditor", apptest.City), score.Query{}); !errors.Is(err, survey.ErrDenied) {
					t.Fatal(err)
				}
			})
			t.Run("a published run stays with what it was made from", func(t *testing.T) {
				run, err := w.Scores.Publish(ctx, apptest.Office, w.Wave.ID)
				if err != nil || len(run.InputHash) != 64 || run.RecipeCode != "two-rates" || run.RecipeVersion != 1 || run.CodeVersion != "test" {
					t.Fatal(run, err)
				}
				for i := range 5 {
					answer(t, w, w.Posters[apptest.South], "", questionnaire.Answers{"age": area.Ages[i]})
					refresh(t, w)
				}
				var runs, kept int64
				if err := w.DB.Read(ctx).Model(&score.Run{}).Count(&runs).Error; err != nil {
					t.Fatal(err)
				}
				if err := w.DB.Read(ctx).Model(&score.Score{}).Where("run_id = ?", run.ID).Count(&kept).Error; err != nil {
					t.Fatal(err)
				}
				if runs != 4 || kept == 0 {
					t.Fatalf("%d runs, %d scores of the published one", runs, kept)
				}
			})
		})
	}
}

func TestWatch(t *testing.T) {
	w := apptest.New(t, storetest.DSN(t, "sqlite"))
	refresh(t, w)
	run, changed := w.Scores.Watch(w.Wave.ID)
	answer(t, w, w.Posters[apptest.North], "", nil)
	if err := w.Scores.RefreshStale(ctx); err != nil {
		t.Fatal(err)
	}
	<-changed
	if next, _ := w.Scores.Watch(w.Wave.ID); next == run || next == "" {
		t.Fatalf("run %q became %q", run, next)
	}
}
