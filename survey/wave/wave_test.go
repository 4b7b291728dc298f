package wave_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/store/storetest"
	"chengyin/survey/wave"
)

var ctx = context.Background()

// each runs the test on every database.
func each(t *testing.T, test func(t *testing.T, w *apptest.World)) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { test(t, apptest.New(t, storetest.DSN(t, dialect))) })
	}
}

func TestOpen(t *testing.T) {
	opens := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	closes, early := opens.AddDate(0, 0, 20), opens.AddDate(0, 0, 5)
	planned := wave.Wave{OpensAt: opens, ClosesAt: closes}
	cut := wave.Wave{OpensAt: opens, ClosesAt: closes, ClosedAt: &early}
	const tick = time.Microsecond
	for _, x := range []struct {
		name                string
		w                   wave.Wave
		now                 time.Time
		started, open, over bool
	}{
		{"before it opens", planned, opens.Add(-tick), false, false, false},
		{"in the moment it opens", planned, opens, true, true, false},
		{"just before it closes", planned, closes.Add(-tick), true, true, false},
		{"in the moment it closes", planned, closes, true, false, true},
		{"just before it is closed by hand", cut, early.Add(-tick), true, true, false},
		{"closed by hand", cut, early, true, false, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.w.Started(x.now) != x.started || x.w.Open(x.now) != x.open || x.w.Over(x.now) != x.over {
				t.Errorf("started %v, open %v, over %v", x.w.Started(x.now), x.w.Open(x.now), x.w.Over(x.now))
			}
		})
	}
}

func TestCreate(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		good := w.Wave
		good.Code, good.OpensAt = "2027-1", w.Wave.OpensAt.AddDate(0, 3, 0)
		good.ClosesAt = good.OpensAt.AddDate(0, 1, 0)
		t.Run("a wave is read as it was made", func(t *testing.T) {
			made, err := w.Waves.Create(ctx, apptest.Office, good)
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.Waves.ByID(ctx, made.ID)
			if err != nil || got.Code != "2027-1" || got.Name().ZH != "四季度" || got.Owner().EN != "Test office" || got.ID == w.Wave.ID ||
				!got.OpensAt.Equal(good.OpensAt) || !got.ClosesAt.Equal(good.ClosesAt) || got.ClosedAt != nil || got.CreatedAt.IsZero() {
				t.Fatalf("%+v %v", got, err)
			}
		})
		t.Run("a code that is taken is a conflict", func(t *testing.T) {
			if _, err := w.Waves.Create(ctx, apptest.Office, good); !errors.Is(err, wave.ErrCodeTaken) {
				t.Fatal(err)
			}
		})
		t.Run("every wrong field is named", func(t *testing.T) {
			for paths, spoil := range map[string]func(*wave.Wave){
				"code name closes_at": func(x *wave.Wave) { x.Code, x.NameZH, x.ClosesAt = "", "", x.OpensAt },
				"code":                func(x *wave.Wave) { x.Code = "四季度" },
				"code ":               func(x *wave.Wave) { x.Code = strings.Repeat("a", 65) },
				"name":                func(x *wave.Wave) { x.NameZH = strings.Repeat("名", 201) },
				"name ":               func(x *wave.Wave) { x.NameEN = strings.Repeat("n", 201) },
				"owner":               func(x *wave.Wave) { x.OwnerZH = strings.Repeat("办", 201) },
				"contact":             func(x *wave.Wave) { x.Contact = strings.Repeat("电", 201) },
			} {
				bad := good
				bad.Code = "2027-2"
				spoil(&bad)
				_, err := w.Waves.Create(ctx, apptest.Office, bad)
				var e *survey.Error
				var got []string
				if errors.As(err, &e) {
					for _, f := range e.Fields {
						got = append(got, f.Path)
					}
				}
				if strings.Join(got, " ") != strings.TrimSpace(paths) {
					t.Errorf("%v instead of %s: %v", got, paths, err)
				}
			}
		})
		t.Run("only who manages waves of the place may", func(t *testing.T) {
			bad := good
			bad.Code = "2027-3"
			for _, who := range []survey.Actor{{}, survey.As("x", "viewer", apptest.City), survey.As("x", "community", apptest.North), survey.As("x", "office", apptest.East)} {
				if _, err := w.Waves.Create(ctx, who, bad); !errors.Is(err, survey.ErrDenied) {
					t.Errorf("%+v: %v", who, err)
				}
			}
		})
		t.Run("the newest comes first", func(t *testing.T) {
			list, err := w.Waves.All(ctx)
			if err != nil || len(list) != 2 || list[0].Code != "2027-1" {
				t.Fatal(list, err)
			}
		})
	})
}

func TestSeen(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		district := w.Wave
		district.Code, district.AreaCode = "east", apptest.East
		district, err := w.Waves.Create(ctx, apptest.Office, district)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			who            string
			scope          string
			city, district bool
		}{
			{"the city", apptest.City, true, true},
			{"the district", apptest.East, true, true},
			{"a community in it", apptest.North, true, true},
			{"another district of the city", "990103000000", true, false},
			{"another city", "990200000000", false, false},
			{"nobody", "", false, false},
		} {
			t.Run(x.who, func(t *testing.T) {
				who := survey.As("x", "viewer", x.scope)
				n := 0
				for id, may := range map[string]bool{w.Wave.ID: x.city, district.ID: x.district} {
					got, err := w.Waves.Seen(ctx, who, id)
					if may && (err != nil || got.ID != id) || !may && (!errors.Is(err, wave.ErrNotFound) || got.ID != "") {
						t.Errorf("%+v %v", got, err)
					}
					if may {
						n++
					}
				}
				if list, err := w.Waves.List(ctx, who); err != nil || len(list) != n {
					t.Errorf("%d waves are listed instead of %d (%v)", len(list), n, err)
				}
			})
		}
		t.Run("an id that is none is not found", func(t *testing.T) {
			for _, id := range []string{"", "x", "没有", strings.Repeat("a", 1000)} {
				if _, err := w.Waves.Seen(ctx, apptest.Office, id); !errors.Is(err, wave.ErrNotFound) {
					t.Errorf("%q: %v", id, err)
				}
			}
		})
	})
}
