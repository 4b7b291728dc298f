package response_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
)

func TestList(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		send := func(place string, n int) {
			t.Helper()
			for range n {
				if _, _, err := w.Responses.Submit(ctx, filled(t, w, w.Posters[place].Code, questionnaire.Answers{"q18": "5"})); err != nil {
					t.Fatal(err)
				}
				w.Advance(time.Second)
			}
		}
		send(apptest.North, 12)
		send(apptest.South, 4)
		list := func(who survey.Actor, f response.ListFilter) []response.Arrival {
			t.Helper()
			got, _, err := w.Responses.List(ctx, who, w.Wave, f)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		t.Run("the newest come first and pages neither repeat nor leave out", func(t *testing.T) {
			for _, size := range []int{1, 5, 7, 16} {
				seen, last := map[string]bool{}, time.Time{}
				f := response.ListFilter{Limit: size}
				for {
					got, more, err := w.Responses.List(ctx, apptest.Office, w.Wave, f)
					if err != nil && !(errors.Is(err, response.ErrFew) && size < response.Fewest) {
						t.Fatal(err)
					}
					for _, x := range got {
						if seen[x.ID] || !last.IsZero() && x.ReceivedAt.After(last) {
							t.Fatalf("pages of %d: %s comes again or too late", size, x.ID)
						}
						seen[x.ID], last = true, x.ReceivedAt
					}
					if !more {
						break
					}
					f.Before = &response.Mark{At: got[len(got)-1].ReceivedAt, ID: got[len(got)-1].ID}
				}
				if len(seen) != 16 && size >= response.Fewest {
					t.Errorf("pages of %d hold %d of 16", size, len(seen))
				}
			}
		})
		t.Run("a community sees its own and nothing of its neighbour's", func(t *testing.T) {
			north := survey.As("north", "community", apptest.North)
			for _, x := range list(north, response.ListFilter{}) {
				if x.AreaCode != apptest.North {
					t.Errorf("north sees %s", x.AreaCode)
				}
			}
			if n := len(list(north, response.ListFilter{})); n != 12 {
				t.Errorf("north sees %d of its 12", n)
			}
			for _, outside := range []string{apptest.South, apptest.Riverside, "990102001003", "x"} {
				if _, _, err := w.Responses.List(ctx, north, w.Wave, response.ListFilter{Area: outside}); !errors.Is(err, area.ErrNotFound) {
					t.Errorf("%s: %v", outside, err)
				}
			}
		})
		t.Run("of places with fewer than five only the subdistrict is told", func(t *testing.T) {
			at := map[string]int{}
			for _, x := range list(apptest.Office, response.ListFilter{}) {
				at[x.AreaCode]++
				if (x.Collector == "") != (x.AreaCode == apptest.Riverside) {
					t.Errorf("%s came through %q", x.AreaCode, x.Collector)
				}
			}
			if at[apptest.North] != 12 || at[apptest.Riverside] != 4 || len(at) != 2 {
				t.Error(at)
			}
		})
		t.Run("fewer than five are not listed", func(t *testing.T) {
			south := survey.As("south", "community", apptest.South)
			if _, _, err := w.Responses.List(ctx, south, w.Wave, response.ListFilter{}); !errors.Is(err, response.ErrFew) {
				t.Error(err)
			}
			send(apptest.South, 1)
			if n := len(list(south, response.ListFilter{})); n != 5 {
				t.Errorf("south sees %d of its 5", n)
			}
		})
		t.Run("who may not see responses is denied", func(t *testing.T) {
			for _, role := range []string{"viewer", "worker", "unit", "sysadmin", "secadmin", "auditor"} {
				if _, _, err := w.Responses.List(ctx, survey.As("x", role, apptest.City), w.Wave, response.ListFilter{}); !errors.Is(err, survey.ErrDenied) {
					t.Errorf("%s: %v", role, err)
				}
			}
		})
		t.Run("filters narrow", func(t *testing.T) {
			if n := len(list(apptest.Office, response.ListFilter{Mode: "visit"})); n != 0 {
				t.Errorf("%d visits", n)
			}
			if n := len(list(apptest.Office, response.ListFilter{Status: response.Counted, Area: apptest.North})); n != 12 {
				t.Errorf("%d counted in north", n)
			}
		})
	})
}

func TestRead(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		in := filled(t, w, w.Posters[apptest.North].Code, questionnaire.Answers{"q18": "5"})
		if _, _, err := w.Responses.Submit(ctx, in); err != nil {
			t.Fatal(err)
		}
		o, err := w.Responses.Read(ctx, apptest.Office, in.ID)
		if err != nil || fmt.Sprint(o.Answers["q18"]) != "5" || o.Area.Code != apptest.North {
			t.Fatalf("%+v %v", o, err)
		}
		var kinds []string
		if err := w.DB.Read(ctx).Table("events").Where("object = ?", in.ID).Pluck("kind", &kinds).Error; err != nil || len(kinds) != 1 || kinds[0] != "response.read" {
			t.Errorf("noted: %v %v", kinds, err)
		}
		elsewhere := survey.As("e", "office", "990103000000")
		for _, id := range []string{in.ID, "", "x", "张三", "00000000-0000-0000-0000-000000000000"} {
			if _, err := w.Responses.Read(ctx, elsewhere, id); !errors.Is(err, response.ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
		for _, role := range []string{"subdistrict", "community", "viewer", "worker", "auditor", "sysadmin", "secadmin"} {
			if _, err := w.Responses.Read(ctx, survey.As("x", role, apptest.City), in.ID); !errors.Is(err, survey.ErrDenied) {
				t.Errorf("%s: %v", role, err)
			}
		}
	})
}
