package collector_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/collector"
	"chengyin/survey/store/storetest"
)

var ctx = context.Background()

// each runs the test on every database.
func each(t *testing.T, test func(t *testing.T, w *apptest.World)) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { test(t, apptest.New(t, storetest.DSN(t, dialect))) })
	}
}

func poster(area string, slot int) collector.Spec {
	return collector.Spec{Area: area, Channel: collector.Poster, Slot: slot, Place: "东门"}
}

func TestByCode(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		want := w.Posters[apptest.North]
		t.Run("a code is found however it is typed", func(t *testing.T) {
			for _, typed := range []string{want.Code, strings.ToLower(want.Code), collector.Pretty(want.Code), strings.ReplaceAll(strings.ReplaceAll(want.Code, "0", "o"), "1", "l")} {
				got, err := w.Collectors.ByCode(ctx, typed)
				if err != nil || got.ID != want.ID || got.AreaCode != apptest.North || got.Place != "东门" {
					t.Errorf("%q: %+v %v", typed, got, err)
				}
			}
		})
		t.Run("a genuine code that was never made is not found", func(t *testing.T) {
			s := collector.NewSigner([]byte(strings.Repeat("s", 32)))
			if _, err := w.Collectors.ByCode(ctx, s.Code(999)); !errors.Is(err, collector.ErrNotFound) {
				t.Error(err)
			}
		})
		t.Run("a forged code needs no database", func(t *testing.T) {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			if _, err := w.Collectors.ByCode(ended, want.Code); !errors.Is(err, context.Canceled) {
				t.Errorf("a genuine code was answered without asking: %v", err)
			}
			for _, forged := range []string{want.Code[:8] + "@", "000000000", "", "张三李四", strings.Repeat("Z", 1000)} {
				if _, err := w.Collectors.ByCode(ended, forged); !errors.Is(err, collector.ErrNotFound) {
					t.Errorf("%q: %v", forged, err)
				}
			}
		})
	})
}

func TestCreate(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		all := func(t *testing.T) int {
			t.Helper()
			list, err := w.Collectors.List(ctx, apptest.Office, collector.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		before := all(t)
		t.Run("a slot is given once, and all or none are made", func(t *testing.T) {
			for _, specs := range [][]collector.Spec{
				{poster(apptest.North, 2), poster(apptest.North, 1)},
				{poster(apptest.North, 2), poster(apptest.South, 2), poster(apptest.North, 2)},
			} {
				if _, err := w.Collectors.Create(ctx, apptest.Office, w.Wave, specs); !errors.Is(err, collector.ErrSlotTaken) {
					t.Error(err)
				}
			}
			if n := all(t); n != before {
				t.Fatalf("%d collectors are there instead of %d", n, before)
			}
		})
		t.Run("the same slot of another channel is free", func(t *testing.T) {
			made, err := w.Collectors.Create(ctx, apptest.Office, w.Wave, []collector.Spec{{Area: apptest.North, Channel: collector.WeChat, Slot: 1}})
			if err != nil || len(made) != 1 || made[0].Mode() != collector.Scanned {
				t.Fatal(made, err)
			}
		})
		t.Run("places outside the actor's or the wave's are refused", func(t *testing.T) {
			north := survey.As("north", "community", apptest.North)
			if _, err := w.Collectors.Create(ctx, north, w.Wave, []collector.Spec{poster(apptest.South, 5)}); !errors.Is(err, survey.ErrInvalid) {
				t.Error(err)
			}
			if _, err := w.Collectors.Create(ctx, survey.System, w.Wave, []collector.Spec{poster("110101001001", 5)}); !errors.Is(err, survey.ErrInvalid) {
				t.Error(err)
			}
			if _, err := w.Collectors.Create(ctx, north, w.Wave, []collector.Spec{poster(apptest.North, 5)}); err != nil {
				t.Error(err)
			}
		})
		t.Run("a role that manages no collectors is denied", func(t *testing.T) {
			for _, role := range []string{"viewer", "auditor", "worker", ""} {
				who := survey.As("x", role, apptest.City)
				if _, err := w.Collectors.Create(ctx, who, w.Wave, []collector.Spec{poster(apptest.North, 6)}); !errors.Is(err, survey.ErrDenied) {
					t.Errorf("%s: %v", role, err)
				}
			}
		})
		t.Run("a wrong field is named", func(t *testing.T) {
			for path, spoil := range map[string]func(*collector.Spec){
				"area":    func(s *collector.Spec) { s.Area = "990102001999" },
				"unit":    func(s *collector.Spec) { unit := "u-9"; s.Unit = &unit },
				"channel": func(s *collector.Spec) { s.Channel = "pigeon" },
				"slot":    func(s *collector.Spec) { s.Slot = 0 },
				"place":   func(s *collector.Spec) { s.Place = strings.Repeat("门", 201) },
			} {
				bad := poster(apptest.North, 7)
				spoil(&bad)
				_, err := w.Collectors.Create(ctx, apptest.Office, w.Wave, []collector.Spec{bad})
				var e *survey.Error
				if !errors.As(err, &e) || e.Kind != survey.Invalid || e.Fields[0].Path != path {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
	})
}

// TestCreateAtTheSameTime: people who make collectors at once must not be told
// that a slot is taken which is free.
func TestCreateAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		const people, each = 6, 5
		var wg sync.WaitGroup
		for p := range people {
			wg.Go(func() {
				for i := range each {
					if _, err := w.Collectors.Create(ctx, apptest.Office, w.Wave, []collector.Spec{poster(apptest.North, 100*(p+1)+i), poster(apptest.South, 100*(p+1)+i)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		list, err := w.Collectors.List(ctx, apptest.Office, collector.Filter{})
		if err != nil || len(list) != 3+2*people*each {
			t.Fatalf("%d collectors (%v)", len(list), err)
		}
		for i, c := range list {
			if c.Number != int64(i+1) {
				t.Fatalf("collector %d has the number %d", i+1, c.Number)
			}
		}
	})
}

func TestRevoke(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		code := w.Posters[apptest.North].Code
		state := func() collector.State {
			c, err := w.Collectors.ByCode(ctx, code)
			if err != nil {
				t.Fatal(err)
			}
			return c.StateAt(w.Wave, w.Clock())
		}
		t.Run("only who manages the place may", func(t *testing.T) {
			south := survey.As("south", "community", apptest.South)
			if err := w.Collectors.Revoke(ctx, south, code, "x"); !errors.Is(err, collector.ErrNotFound) {
				t.Error(err)
			}
			viewer := survey.As("viewer", "viewer", apptest.City)
			if err := w.Collectors.Revoke(ctx, viewer, code, "x"); !errors.Is(err, survey.ErrDenied) {
				t.Error(err)
			}
			if s := state(); s != collector.Open {
				t.Fatal(s)
			}
		})
		t.Run("a reason that is too long is refused", func(t *testing.T) {
			if err := w.Collectors.Revoke(ctx, apptest.Office, code, strings.Repeat("坏", 201)); !errors.Is(err, survey.ErrInvalid) {
				t.Fatal(err)
			}
		})
		t.Run("revoking again changes nothing", func(t *testing.T) {
			if err := w.Collectors.Revoke(ctx, apptest.Office, strings.ToLower(code), "海报被撕"); err != nil || state() != collector.Revoked {
				t.Fatal(err, state())
			}
			first, err := w.Collectors.ByCode(ctx, code)
			if err != nil {
				t.Fatal(err)
			}
			w.Advance(time.Hour)
			if err := w.Collectors.Revoke(ctx, apptest.Office, code, "再撕"); err != nil {
				t.Fatal(err)
			}
			again, err := w.Collectors.ByCode(ctx, code)
			if err != nil || !again.RevokedAt.Equal(*first.RevokedAt) || again.RevokedWhy != "海报被撕" {
				t.Fatalf("%+v %v", again, err)
			}
			var events int64
			if err := w.DB.Read(ctx).Table("events").Where("kind = ?", "collector.revoked").Count(&events).Error; err != nil || events != 1 {
				t.Fatal(events, err)
			}
		})
		t.Run("a code that is not there is not found", func(t *testing.T) {
			if err := w.Collectors.Revoke(ctx, apptest.Office, "000000000", ""); !errors.Is(err, collector.ErrNotFound) {
				t.Fatal(err)
			}
		})
	})
}

func TestList(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		for i := range 20 {
			if _, err := w.Collectors.Create(ctx, apptest.Office, w.Wave, []collector.Spec{poster([]string{apptest.North, apptest.South}[i%2], 10+i)}); err != nil {
				t.Fatal(err)
			}
		}
		list := func(who survey.Actor, f collector.Filter) []collector.Collector {
			t.Helper()
			out, err := w.Collectors.List(ctx, who, f)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		t.Run("pages hold everything once", func(t *testing.T) {
			seen := map[int64]bool{}
			pages := 0
			for after := int64(0); ; pages++ {
				page := list(apptest.Office, collector.Filter{After: after, Limit: 5})
				if len(page) == 0 {
					break
				}
				for _, c := range page {
					if seen[c.Number] || c.Number <= after {
						t.Fatalf("number %d comes twice or out of order", c.Number)
					}
					seen[c.Number] = true
				}
				after = page[len(page)-1].Number
			}
			if len(seen) != 23 || pages != 5 {
				t.Fatalf("%d collectors on %d pages", len(seen), pages)
			}
		})
		t.Run("nobody sees another place's", func(t *testing.T) {
			south := survey.As("south", "community", apptest.South)
			for _, f := range []collector.Filter{{}, {Area: apptest.City}, {Area: apptest.North}, {Wave: w.Wave.ID}, {Area: "%"}} {
				for _, c := range list(south, f) {
					if c.AreaCode != apptest.South {
						t.Errorf("%+v shows a collector of %s", f, c.AreaCode)
					}
				}
			}
			if n := len(list(south, collector.Filter{})); n != 11 {
				t.Errorf("South sees %d", n)
			}
		})
		t.Run("filters narrow", func(t *testing.T) {
			for _, x := range []struct {
				f    collector.Filter
				want int
			}{
				{collector.Filter{}, 23}, {collector.Filter{Area: apptest.North}, 12}, {collector.Filter{Area: apptest.Riverside}, 23},
				{collector.Filter{Channel: collector.Visit}, 1}, {collector.Filter{Wave: w.Wave.ID}, 23}, {collector.Filter{Wave: "none"}, 0},
				{collector.Filter{Wave: "没有"}, 0}, {collector.Filter{Area: "没有"}, 0}, {collector.Filter{Limit: 7}, 7}, {collector.Filter{Limit: -1}, 23},
			} {
				if n := len(list(apptest.Office, x.f)); n != x.want {
					t.Errorf("%+v gives %d instead of %d", x.f, n, x.want)
				}
			}
		})
		t.Run("who may see nothing is denied", func(t *testing.T) {
			for _, who := range []survey.Actor{{}, survey.As("x", "auditor", apptest.City), survey.As("x", "worker", apptest.City)} {
				if _, err := w.Collectors.List(ctx, who, collector.Filter{}); !errors.Is(err, survey.ErrDenied) {
					t.Errorf("%+v: %v", who, err)
				}
			}
		})
		t.Run("who has no place sees nothing", func(t *testing.T) {
			if got, err := w.Collectors.List(ctx, survey.As("x", "office", ""), collector.Filter{}); len(got) != 0 {
				t.Error(len(got), err)
			}
		})
	})
}

func TestState(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		c, now := w.Posters[apptest.North], w.Clock()
		hour := now.Add(time.Hour)
		for _, x := range []struct {
			when   time.Time
			change func(*collector.Collector)
			want   collector.State
		}{
			{now, nil, collector.Open},
			{w.Wave.OpensAt.Add(-time.Microsecond), nil, collector.NotYet},
			{w.Wave.OpensAt, nil, collector.Open},
			{w.Wave.ClosesAt.Add(-time.Microsecond), nil, collector.Open},
			{w.Wave.ClosesAt, nil, collector.Closed},
			{hour.Add(-time.Microsecond), func(c *collector.Collector) { c.ExpiresAt = &hour }, collector.Open},
			{hour, func(c *collector.Collector) { c.ExpiresAt = &hour }, collector.Expired},
			{hour, func(c *collector.Collector) { c.RevokedAt = &hour }, collector.Revoked},
			{now, func(c *collector.Collector) { c.RevokedAt = &hour }, collector.Open},
		} {
			c := c
			if x.change != nil {
				x.change(&c)
			}
			if got := c.StateAt(w.Wave, x.when); got != x.want {
				t.Errorf("at %v it is %s instead of %s", x.when, got, x.want)
			}
		}
		if w.Visits.Mode() != collector.Visited || c.Mode() != collector.Scanned {
			t.Error(w.Visits.Mode(), c.Mode())
		}
	})
}
