package score_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/score"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
	"chengyin/survey/wave"
)

// second returns another service on the same database, as another process has.
func second(w *apptest.World, codeVersion string) *score.Service {
	return score.New(w.DB, w.Clock, score.Deps{Areas: w.Areas, Recipes: w.Recipes, Waves: w.Waves}, codeVersion)
}

func current(t *testing.T, w *apptest.World) score.Run {
	t.Helper()
	var runs []score.Run
	if err := w.DB.Read(ctx).Where("wave_id = ? AND is_current", w.Wave.ID).Find(&runs).Error; err != nil || len(runs) != 1 {
		t.Fatalf("%d runs are current (%v)", len(runs), err)
	}
	return runs[0]
}

func TestEveryChangeMakesANewRun(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			for i := range 12 {
				answer(t, w, w.Posters[apptest.North], "", questionnaire.Answers{"age": area.Ages[i%6], "sex": area.Sexes[i/6%2]})
			}
			refresh(t, w)
			person := func(age, sex string, n int) area.Population {
				return area.Population{AreaCode: apptest.North, Age: age, Sex: sex, Persons: n, Source: "test"}
			}
			south, err := w.Areas.ByCode(ctx, apptest.South)
			if err != nil {
				t.Fatal(err)
			}
			ended, to := w.Clock().Truncate(24*time.Hour), apptest.North
			south.ValidTo, south.SuccessorCode = &ended, &to
			for _, x := range []struct {
				what  string
				areas []area.Area
				pop   []area.Population
			}{
				{"people move to another age band and their number stays", nil, []area.Population{person("a18", "m", 90), person("a30", "m", 120)}},
				{"a community is merged", []area.Area{south}, nil},
			} {
				t.Run(x.what, func(t *testing.T) {
					before := current(t, w)
					if err := w.Areas.Save(ctx, x.areas, nil, x.pop); err != nil {
						t.Fatal(err)
					}
					if !refresh(t, w) {
						t.Fatal("the scores are not computed anew")
					}
					if after := current(t, w); after.InputHash == before.InputHash || after.ID == before.ID {
						t.Fatalf("%+v became %+v", before, after)
					}
					if refresh(t, w) {
						t.Fatal("they are computed again although nothing has changed since")
					}
				})
			}
			t.Run("a new version of the program computes anew", func(t *testing.T) {
				if changed, err := second(w, "next").Refresh(ctx, w.Wave.ID); err != nil || !changed {
					t.Fatal(changed, err)
				}
				if run := current(t, w); run.CodeVersion != "next" {
					t.Fatal(run.CodeVersion)
				}
			})
		})
	}
}

// TestRefreshFromTwoProcesses: answers come in while two processes refresh. In
// the end there is one current run and it holds every answer.
func TestRefreshFromTwoProcesses(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			services := []*score.Service{w.Scores, second(w, "test")}
			var done atomic.Bool
			var wg sync.WaitGroup
			for _, s := range services {
				wg.Go(func() {
					for !done.Load() {
						if err := s.RefreshStale(ctx); err != nil {
							t.Error(err)
						}
						if b, err := s.Scores(ctx, apptest.Office, score.Query{Wave: w.Wave.ID}); err == nil && len(b.Scores) == 0 {
							t.Error("a reader found a run without scores")
						} else if err != nil && !errors.Is(err, score.ErrNoRun) {
							t.Error(err)
						}
					}
				})
			}
			const answers = 40
			for i := range answers {
				answer(t, w, w.Posters[apptest.North], "", questionnaire.Answers{"age": area.Ages[i%6], "sex": area.Sexes[i/6%2]})
			}
			done.Store(true)
			wg.Wait()
			for _, s := range services {
				if err := s.RefreshStale(ctx); err != nil {
					t.Fatal(err)
				}
			}
			run := current(t, w)
			for i, s := range services {
				if known, _ := s.Watch(w.Wave.ID); known != run.ID {
					t.Errorf("process %d knows of run %s instead of %s", i, known, run.ID)
				}
			}
			if s := scores(t, w, "awareness", collector.Scanned)[apptest.City]; s.N != answers {
				t.Errorf("the current run has %d answers instead of %d", s.N, answers)
			}
			var runs, orphans int64
			if err := w.DB.Read(ctx).Model(&score.Run{}).Count(&runs).Error; err != nil || runs > 5 {
				t.Errorf("%d runs are kept (%v)", runs, err)
			}
			if err := w.DB.Read(ctx).Raw("SELECT COUNT(*) FROM scores WHERE run_id NOT IN (SELECT id FROM score_runs)").Scan(&orphans).Error; err != nil || orphans != 0 {
				t.Errorf("%d scores belong to no run (%v)", orphans, err)
			}
		})
	}
}

// TestOlderInputsDoNotReplaceNewer: a process that took longer must not put its
// older figures in the place of newer ones.
func TestOlderInputsDoNotReplaceNewer(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			refresh(t, w)
			newer := current(t, w)
			save := func(asOf time.Time) (saved bool) {
				run := newer
				run.ID, run.AsOf = "01980000-0000-7000-8000-000000000001", asOf
				if err := w.DB.InTx(ctx, func(tx *store.Tx) (err error) {
					saved, err = score.SaveRun(tx, run, nil)
					return err
				}); err != nil {
					t.Fatal(err)
				}
				return saved
			}
			if save(newer.AsOf.Add(-time.Second)) || current(t, w).ID != newer.ID {
				t.Fatal("older figures replaced newer ones")
			}
			if !save(newer.AsOf.Add(time.Second)) || current(t, w).ID == newer.ID {
				t.Fatal("newer figures did not replace older ones")
			}
		})
	}
}

func TestRefreshStaleLooksWhereSomethingCanHappen(t *testing.T) {
	w := apptest.New(t, storetest.DSN(t, "sqlite"))
	later := w.Wave
	later.Code, later.OpensAt = "later", w.Clock().AddDate(0, 1, 0)
	later.ClosesAt = later.OpensAt.AddDate(0, 1, 0)
	later, err := w.Waves.Create(ctx, apptest.Office, later)
	if err != nil {
		t.Fatal(err)
	}
	stale := func() {
		t.Helper()
		if err := w.Scores.RefreshStale(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stale()
	t.Run("a wave that has not opened has empty scores", func(t *testing.T) {
		if _, err := w.Scores.Current(ctx, later.ID); err != nil {
			t.Fatal(err)
		}
	})
	w.Advance(300 * time.Hour) // the wave is over, but answers can still be taken out
	stale()
	t.Run("a wave that is over is looked at now and then", func(t *testing.T) {
		before := current(t, w)
		if err := w.Areas.Save(ctx, nil, nil, []area.Population{{AreaCode: apptest.North, Age: "a18", Sex: "m", Persons: 1}}); err != nil {
			t.Fatal(err)
		}
		stale()
		if current(t, w).ID != before.ID {
			t.Fatal("at once")
		}
		w.Advance(time.Minute)
		stale()
		if current(t, w).ID == before.ID {
			t.Fatal("never")
		}
	})
}

func TestQueriesThatFindNothing(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			refresh(t, w)
			for _, q := range []score.Query{{Indicator: "知晓率"}, {Indicator: "none,知"}, {Mode: "扫"}, {Level: "市"}, {Indicator: "none"}, {Area: "990102001009"}} {
				q.Wave = w.Wave.ID
				if b, err := w.Scores.Scores(ctx, apptest.Office, q); err != nil || len(b.Scores) != 0 {
					t.Errorf("%+v: %d scores, %v", q, len(b.Scores), err)
				}
			}
			for q, want := range map[score.Query]error{{Wave: "没有"}: wave.ErrNotFound, {Wave: w.Wave.ID, Parent: "北"}: area.ErrNotFound, {Wave: w.Wave.ID, Area: "110000000000"}: area.ErrNotFound} {
				if _, err := w.Scores.Scores(ctx, apptest.Office, q); !errors.Is(err, want) {
					t.Errorf("%+v: %v", q, err)
				}
			}
			if _, err := w.Scores.Publish(ctx, survey.As("x", "viewer", apptest.City), w.Wave.ID); !errors.Is(err, survey.ErrDenied) {
				t.Error(err)
			}
			if _, err := w.Scores.Refresh(ctx, "没有"); !errors.Is(err, wave.ErrNotFound) {
				t.Error(err)
			}
		})
	}
}
