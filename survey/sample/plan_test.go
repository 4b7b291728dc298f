package sample_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/collector"
	"chengyin/survey/event"
	"chengyin/survey/fieldwork"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
	"chengyin/survey/wave"
)

type (
	storeTx = store.Tx
	waveOf  = wave.Wave
)

func TestPlansAreDrawnOnce(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			must := func(t *testing.T, err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			p, err := w.Samples.ReadFrame(ctx, apptest.Office, "a.csv", bytes.NewReader(list(street(6))), quiet)
			must(t, err)
			frame, err := w.Samples.StoreFrame(ctx, apptest.Office, p, "", false, quiet)
			must(t, err)
			in := sample.NewPlan{Wave: w.Wave.ID, Frame: frame.ID, Area: apptest.Riverside, Spec: plan(func(*sample.Spec) {})}
			count := func(model any, where string, args ...any) (n int64) {
				t.Helper()
				must(t, w.DB.Read(ctx).Model(model).Where(where, args...).Count(&n).Error)
				return n
			}
			create := func(t *testing.T, in sample.NewPlan) sample.Plan {
				t.Helper()
				p, err := w.Samples.Create(ctx, apptest.Office, in)
				must(t, err)
				return p
			}
			t.Run("a preview says the sizes and stores nothing", func(t *testing.T) {
				s, err := w.Samples.Preview(ctx, apptest.Office, in)
				want, wantErr := sample.SizesOf(sample.ClustersOf(street(6), in.Spec.Stage), in.Spec)
				if d := cmp.Diff(want, s); err != nil || wantErr != nil || d != "" || s.All.Draw != 6 || math.Abs(s.All.Visits-24) > 1e-9 {
					t.Errorf("%v %v %s", err, wantErr, d)
				}
				if n := count(&sample.Plan{}, "1 = 1"); n != 0 {
					t.Errorf("%d plans", n)
				}
			})
			t.Run("plans for other places, waves and lists are refused", func(t *testing.T) {
				for want, change := range map[string]func(*sample.NewPlan){
					"frame_not_found":                 func(n *sample.NewPlan) { n.Frame = "x" },
					"wave_not_found":                  func(n *sample.NewPlan) { n.Wave = "x" },
					"invalid area:area_outside":       func(n *sample.NewPlan) { n.Area = "880000000000" },
					"frame_empty":                     func(n *sample.NewPlan) { n.Area = "990103000000" },
					"invalid take:field_out_of_range": func(n *sample.NewPlan) { n.Spec.Take = 0 },
				} {
					x := in
					change(&x)
					_, err := w.Samples.Preview(ctx, apptest.Office, x)
					_, err2 := w.Samples.Create(ctx, apptest.Office, x)
					if err == nil || err.Error() != want || err2 == nil || err2.Error() != want {
						t.Errorf("%v, %v, want %s", err, err2, want)
					}
				}
				if _, err := w.Samples.Preview(ctx, survey.As("x", "community", apptest.City), in); !errors.Is(err, survey.ErrDenied) {
					t.Error(err)
				}
			})
			first := create(t, in)
			t.Run("a plan that was not drawn cannot be replayed", func(t *testing.T) {
				if _, err := w.Samples.Replay(ctx, apptest.Office, first.ID); !errors.Is(err, sample.ErrPlanOpen) {
					t.Error(err)
				}
			})
			t.Run("a seed that is none is refused", func(t *testing.T) {
				for _, seed := range []string{"xyz", "0123456789abcdef0123456789abcdef0"} {
					if _, err := w.Samples.Draw(ctx, apptest.Office, first.ID, sample.DrawOptions{Seed: seed}); err == nil || err.Error() != "invalid seed:plan_seed" {
						t.Errorf("%s: %v", seed, err)
					}
				}
			})
			t.Run("a draw is stored with everything that follows", func(t *testing.T) {
				drawn, err := w.Samples.Draw(ctx, apptest.Office, first.ID, sample.DrawOptions{Seed: "2026 1123"})
				must(t, err)
				if drawn.Seed != "00000000000000000000000020261123" || drawn.DrawnAt == nil || drawn.DrawnBy != apptest.Office.Account || len(drawn.ResultHash) != 64 {
					t.Fatalf("%+v", drawn)
				}
				homes, err := w.Samples.PlanHomes(ctx, drawn, "")
				must(t, err)
				if len(homes) != 36 {
					t.Fatalf("%d households", len(homes))
				}
				sum := 0.0
				for _, h := range homes {
					if h.Weight != h.Base || h.Base != 1/h.Probability || h.Household == "" || h.Stratum != h.Unit.AreaCode || h.Home.PSU != h.Unit.PSU || h.Position < 1 || h.Position > 6 || h.Reserve != (h.Position > 4) {
						t.Errorf("%+v", h)
					}
					if !h.Reserve {
						sum += h.Base
					}
				}
				if math.Abs(sum-120) > 1e-9 {
					t.Errorf("the weights add up to %g of 120", sum)
				}
				if n := count(&fieldwork.Home{}, "wave_id = ? AND is_open AND outcome = ? AND visits = 0", w.Wave.ID, fieldwork.NotVisited); n != 36 {
					t.Errorf("%d stand at the beginning", n)
				}
				if n := count(&fieldwork.Home{}, "reserve"); n != 12 {
					t.Errorf("%d are of the reserve", n)
				}
				for _, code := range []string{apptest.North, apptest.South} {
					if n := count(&collector.Collector{}, "wave_id = ? AND area_code = ? AND channel = ? AND slot = 1", w.Wave.ID, code, collector.Visit); n != 1 {
						t.Errorf("%s has %d collectors for visits", code, n)
					}
				}
				north, err := w.Samples.PlanHomes(ctx, drawn, apptest.North)
				if err != nil || len(north) != 18 {
					t.Errorf("%d in North, %v", len(north), err)
				}
				var e event.Event
				must(t, w.DB.Read(ctx).Where("kind = ?", "sample.drawn").Take(&e).Error)
				var said struct{ Seed, Hash string }
				if err := json.Unmarshal([]byte(e.Payload), &said); err != nil || said.Seed != drawn.Seed || said.Hash != drawn.ResultHash || e.Object != drawn.ID || e.AreaCode != apptest.Riverside {
					t.Errorf("%+v", e)
				}
				if _, err := w.Samples.Draw(ctx, apptest.Office, first.ID, sample.DrawOptions{}); !errors.Is(err, sample.ErrPlanDrawn) {
					t.Errorf("drawn twice: %v", err)
				}
			})
			t.Run("a replay gives the same draw, and finds rows that were changed", func(t *testing.T) {
				r, err := w.Samples.Replay(ctx, apptest.Office, first.ID)
				if err != nil || !r.Same() || r.Stored != r.Want {
					t.Fatalf("%+v %v", r, err)
				}
				set := func(position int) {
					must(t, w.DB.InTx(ctx, func(tx *storeTx) error {
						return tx.Exec("UPDATE sample_homes SET position = ? WHERE plan_id = ? AND position = ?", position, first.ID, 107-position).Error
					}))
				}
				set(101) // 6 becomes 101
				if r, err := w.Samples.Replay(ctx, apptest.Office, first.ID); err != nil || r.Same() || r.Hash != r.Want {
					t.Errorf("%+v %v", r, err)
				}
				set(6)
				must(t, w.DB.InTx(ctx, func(tx *storeTx) error {
					return tx.Exec("UPDATE frame_homes SET room = 'x' WHERE frame_id = ? AND position = 1", frame.ID).Error
				}))
				if _, err := w.Samples.Replay(ctx, apptest.Office, first.ID); !errors.Is(err, sample.ErrFrameChanged) {
					t.Error(err)
				}
				must(t, w.DB.InTx(ctx, func(tx *storeTx) error {
					return tx.Exec("UPDATE frame_homes SET room = '101' WHERE frame_id = ? AND position = 1", frame.ID).Error
				}))
			})
			t.Run("it gives the same draw when the doors were forgotten, and says when the list was", func(t *testing.T) {
				numbers := map[string]string{}
				homes, err := w.Samples.PlanHomes(ctx, first, "")
				must(t, err)
				exec := func(sql string, args ...any) {
					t.Helper()
					must(t, w.DB.InTx(ctx, func(tx *storeTx) error { return tx.Exec(sql, args...).Error }))
				}
				for _, h := range homes {
					numbers[h.UnitID] = h.Household
					exec("UPDATE sample_units SET household = id WHERE id = ?", h.UnitID)
				}
				if r, err := w.Samples.Replay(ctx, apptest.Office, first.ID); err != nil || !r.Same() || r.Stored != r.Want {
					t.Errorf("%+v %v", r, err)
				}
				exec("UPDATE frames SET homes = homes + 1 WHERE id = ?", frame.ID)
				if _, err := w.Samples.Replay(ctx, apptest.Office, first.ID); !errors.Is(err, sample.ErrFrameErased) {
					t.Error(err)
				}
				exec("UPDATE frames SET homes = homes - 1 WHERE id = ?", frame.ID)
				for unit, household := range numbers {
					exec("UPDATE sample_units SET household = ? WHERE id = ?", household, unit)
				}
			})
			second := create(t, in)
			t.Run("another draw for the same wave and place is refused unless it shall replace the first", func(t *testing.T) {
				if _, err := w.Samples.Draw(ctx, apptest.Office, second.ID, sample.DrawOptions{}); !errors.Is(err, sample.ErrDrawnBefore) {
					t.Fatal(err)
				}
				inside := in
				inside.Area = apptest.North
				part := create(t, inside)
				if _, err := w.Samples.Draw(ctx, apptest.Office, part.ID, sample.DrawOptions{Replace: true}); !errors.Is(err, sample.ErrDrawnBefore) {
					t.Errorf("a part replaces the whole: %v", err)
				}
				got, err := w.Samples.Draw(ctx, apptest.Office, second.ID, sample.DrawOptions{Replace: true})
				must(t, err)
				if n := count(&sample.Home{}, "plan_id = ?", first.ID); n != 0 {
					t.Errorf("%d of the first are left", n)
				}
				if n, m := count(&sample.Home{}, "plan_id = ?", second.ID), count(&fieldwork.Home{}, "wave_id = ?", w.Wave.ID); n != 36 || m != 36 || got.Seed == "" {
					t.Errorf("%d and %d", n, m)
				}
				if n := count(&event.Event{}, "kind = 'sample.replaced' AND object = ?", first.ID); n != 1 {
					t.Errorf("%d events", n)
				}
				if r, err := w.Samples.Replay(ctx, apptest.Office, first.ID); err != nil || !r.Same() || r.Stored != "" {
					t.Errorf("the first replayed: %+v %v", r, err)
				}
			})
			t.Run("a draw is not replaced once somebody has been at a door", func(t *testing.T) {
				homes, err := w.Samples.PlanHomes(ctx, second, "")
				must(t, err)
				must(t, w.DB.InTx(ctx, func(tx *storeTx) error {
					return tx.Create(&fieldwork.Record{ID: uuid.NewString(), WaveID: w.Wave.ID, UnitID: homes[0].UnitID, AreaCode: homes[0].Unit.AreaCode, Via: fieldwork.ViaPaper, Outcome: "2.24",
						MadeAt: tx.Now, ReceivedAt: tx.Now, Hash: "h", Content: "{}", Status: fieldwork.Quarantined}).Error
				}))
				third := create(t, in)
				if _, err := w.Samples.Draw(ctx, apptest.Office, third.ID, sample.DrawOptions{Replace: true}); !errors.Is(err, sample.ErrVisited) {
					t.Fatal(err)
				}
				if n := count(&sample.Home{}, "plan_id = ?", second.ID); n != 36 {
					t.Errorf("%d are left", n)
				}
				if p, err := w.Samples.Plan(ctx, apptest.Office, third.ID); err != nil || p.DrawnAt != nil {
					t.Errorf("%+v %v", p, err)
				}
			})
			t.Run("a household that is drawn from elsewhere is not drawn again", func(t *testing.T) {
				other := street(1)
				other[0].Household = w.Homes[0].Household
				p, err := w.Samples.ReadFrame(ctx, apptest.Office, "a.csv", bytes.NewReader(list(other)), quiet)
				must(t, err)
				f, err := w.Samples.StoreFrame(ctx, apptest.Office, p, "", false, quiet)
				must(t, err)
				late, err := w.Waves.Create(ctx, apptest.Office, func() (x waveOf) {
					x = w.Wave
					x.Code = "2027-1"
					return x
				}())
				must(t, err)
				must(t, w.Samples.Add(ctx, []sample.Unit{{ID: uuid.NewString(), WaveID: late.ID, AreaCode: apptest.North, Stratum: "s", PSU: "p", Household: w.Homes[0].Household, Weight: 1}}))
				x := create(t, sample.NewPlan{Wave: late.ID, Frame: f.ID, Area: apptest.North, Spec: plan(func(s *sample.Spec) { s.Take = 10 })})
				if _, err := w.Samples.Draw(ctx, apptest.Office, x.ID, sample.DrawOptions{}); !errors.Is(err, sample.ErrHouseholdTwice) {
					t.Error(err)
				}
			})
			t.Run("plans of other places do not exist, and the list is of one's own", func(t *testing.T) {
				south := survey.As("south", "office", apptest.South)
				if _, err := w.Samples.Plan(ctx, south, first.ID); !errors.Is(err, sample.ErrPlanNotFound) {
					t.Error(err)
				}
				if _, err := w.Samples.Draw(ctx, south, second.ID, sample.DrawOptions{}); !errors.Is(err, sample.ErrPlanNotFound) {
					t.Error(err)
				}
				if got, err := w.Samples.Plans(ctx, south, ""); err != nil || len(got) != 0 {
					t.Errorf("%v %v", got, err)
				}
				if got, err := w.Samples.Plans(ctx, apptest.Office, w.Wave.ID); err != nil || len(got) != 4 {
					t.Errorf("%d %v", len(got), err)
				}
				if got, err := w.Samples.Plans(ctx, apptest.Office, "另一个"); err != nil || len(got) != 0 {
					t.Errorf("%d %v", len(got), err)
				}
			})
			t.Run("nothing is drawn for a wave that is over", func(t *testing.T) {
				fresh := create(t, in)
				w.Advance(1000 * 3600e9)
				if _, err := w.Samples.Draw(ctx, apptest.Office, fresh.ID, sample.DrawOptions{}); err == nil || err.Error() != "invalid wave:plan_wave_over" {
					t.Error(err)
				}
				if _, err := w.Samples.Create(ctx, apptest.Office, in); err == nil || err.Error() != "invalid wave:plan_wave_over" {
					t.Error(err)
				}
			})
		})
	}
}
