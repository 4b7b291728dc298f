package privacy_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/event"
	"chengyin/survey/privacy"
	"chengyin/survey/response"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
)

var ctx = context.Background()

const day = 24 * time.Hour

// town is a World with five answers: three from one phone, one from another, one
// without script.
type town struct {
	*apptest.World
	t   *testing.T
	ids []string
}

func newTown(t *testing.T, dialect string) *town {
	t.Helper()
	w := &town{World: apptest.New(t, storetest.DSN(t, dialect)), t: t}
	for _, device := range []string{"phone-a", "phone-a", "phone-a", "phone-b", ""} {
		sheet, err := w.Responses.Open(ctx, w.Posters[apptest.North].Code)
		if err != nil {
			t.Fatal(err)
		}
		in := response.Submission{Code: sheet.Collector.Code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Answers: apptest.Answers(nil), Device: device, Net: "203.0.113.0/24"}
		if _, _, err := w.Responses.Submit(ctx, in); err != nil {
			t.Fatal(err)
		}
		w.ids = append(w.ids, in.ID)
	}
	return w
}

func (w *town) sweep() {
	w.t.Helper()
	if err := w.Privacy.Sweep(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// after moves the clock to d after the wave's end.
func (w *town) after(d time.Duration) {
	w.Advance(w.Wave.ClosesAt.Add(d).Sub(w.Clock()))
}

func (w *town) traces(where string) (n int64) {
	w.t.Helper()
	if err := w.DB.Read(ctx).Model(&response.Trace{}).Where(where).Count(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

// proofs returns what the trail says of erasures of a class.
func (w *town) proofs(class privacy.Class) (out []privacy.Erasure) {
	w.t.Helper()
	var events []event.Event
	if err := w.DB.Read(ctx).Where("kind = ?", privacy.Erased).Order("seq").Find(&events).Error; err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		var p privacy.Erasure
		if err := json.Unmarshal([]byte(e.Payload), &p); err != nil {
			w.t.Fatal(err)
		}
		if p.Class == string(class) {
			out = append(out, p)
		}
	}
	return out
}

func digest(ids []string) string {
	ids = slices.Sorted(slices.Values(ids))
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n") + "\n"))
	return hex.EncodeToString(sum[:])
}

func each(t *testing.T, test func(t *testing.T, w *town)) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { test(t, newTown(t, dialect)) })
	}
}

func TestOnePhoneIsMarkedAndCounted(t *testing.T) {
	each(t, func(t *testing.T, w *town) {
		w.sweep()
		w.sweep()
		if n := w.traces("reason = 'device_repeat'"); n != 3 {
			t.Errorf("%d responses are marked instead of 3", n)
		}
		var counted int64
		if err := w.DB.Read(ctx).Model(&response.Response{}).Where("status = ?", response.Counted).Count(&counted).Error; err != nil || counted != 5 {
			t.Errorf("%d are counted: %v", counted, err)
		}
	})
}

func TestClocks(t *testing.T) {
	each(t, func(t *testing.T, w *town) {
		before, err := tally.Load(w.DB.Read(ctx), w.Wave.ID)
		if err != nil || len(before) == 0 {
			t.Fatal(err)
		}
		// Answers came on the first day; the wave ends ten days later.
		w.Advance(29 * day)
		w.sweep()
		if n := w.traces("source_net <> ''"); n != 5 {
			t.Errorf("after 29 days %d networks are left", n)
		}
		w.Advance(2 * day)
		w.sweep()
		w.sweep()
		if n := w.traces("source_net <> ''"); n != 0 {
			t.Errorf("after 31 days %d networks are left", n)
		}
		if p := w.proofs(privacy.Sources); len(p) != 1 || p[0].Items != 5 || p[0].IDsSHA256 != digest(w.ids) || p[0].Oldest == nil || p[0].Newest.Before(*p[0].Oldest) {
			t.Errorf("%+v", p)
		}
		if n := w.traces("1 = 1"); n != 4 {
			t.Errorf("%d traces are left; the one that tells nothing any more should be gone", n)
		}

		w.after(59 * day)
		w.sweep()
		if n := w.traces("device_hash <> ''"); n != 4 {
			t.Errorf("59 days after the end %d hashes are left", n)
		}
		w.after(60 * day)
		w.sweep()
		w.sweep()
		var key response.WaveKey
		if err := w.DB.Read(ctx).Take(&key).Error; err != nil || key.Sealed != "" || key.DestroyedAt == nil {
			t.Errorf("%+v %v", key, err)
		}
		if n := w.traces("device_hash <> ''"); n != 0 {
			t.Errorf("60 days after the end %d hashes are left", n)
		}
		if n := w.traces("reason = 'device_repeat'"); n != 3 {
			t.Errorf("%d marks are left for review instead of 3", n)
		}
		p := w.proofs(privacy.Devices)
		if len(p) != 2 || p[0].KeyID != key.KeyID || p[0].WaveID != w.Wave.ID || p[1].Items != 4 || p[1].IDsSHA256 != digest(w.ids[:4]) {
			t.Errorf("%+v", p)
		}

		w.after(729 * day)
		w.sweep()
		var n int64
		if w.DB.Read(ctx).Model(&response.Response{}).Count(&n); n != 5 {
			t.Errorf("729 days after the end %d answers are left", n)
		}
		w.after(730 * day)
		w.sweep()
		w.sweep()
		if w.DB.Read(ctx).Model(&response.Response{}).Count(&n); n != 0 || w.traces("1 = 1") != 0 {
			t.Errorf("730 days after the end %d answers and %d traces are left", n, w.traces("1 = 1"))
		}
		if p := w.proofs(privacy.Answers); len(p) != 1 || p[0].Items != 5 || p[0].IDsSHA256 != digest(w.ids) {
			t.Errorf("%+v", p)
		}
		after, err := tally.Load(w.DB.Read(ctx), w.Wave.ID)
		if err != nil || !slices.Equal(before, after) {
			t.Errorf("the tallies have changed: %v", err)
		}
	})
}

// TestNothingIsErasedWithoutProof: when the trail cannot be written, the data and
// the key stay, and go with the next sweep that can.
func TestNothingIsErasedWithoutProof(t *testing.T) {
	triggers := map[string]string{
		"sqlite": "CREATE TRIGGER no_proof BEFORE INSERT ON events WHEN NEW.kind = 'privacy.erased' BEGIN SELECT RAISE(ABORT, 'the trail is broken'); END",
		"mysql": "CREATE TRIGGER no_proof BEFORE INSERT ON events FOR EACH ROW BEGIN IF NEW.kind = 'privacy.erased' " +
			"THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the trail is broken'; END IF; END",
	}
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := newTown(t, dialect)
			do := func(sql string) {
				t.Helper()
				if err := w.DB.InTx(ctx, func(tx *store.Tx) error { return tx.Exec(sql).Error }); err != nil {
					t.Fatal(err)
				}
			}
			rows := func() (n [5]int64) {
				t.Helper()
				for i, table := range []string{"responses", "response_traces WHERE device_hash <> ''", "response_traces WHERE source_net <> ''",
					"wave_keys WHERE sealed <> ''", "privacy_erasures"} {
					if err := w.DB.Read(ctx).Raw("SELECT COUNT(*) FROM " + table).Scan(&n[i]).Error; err != nil {
						t.Fatal(err)
					}
				}
				return n
			}
			before := rows()
			if before != [5]int64{5, 4, 5, 1, 0} {
				t.Fatal(before)
			}
			w.after(731 * day) // everything is past its time
			do(triggers[dialect])
			if err := w.Privacy.Sweep(ctx); err == nil {
				t.Error("the sweep does not say that it failed")
			}
			if got := rows(); got != before {
				t.Errorf("without proof %v is left of %v", got, before)
			}
			do("DROP TRIGGER no_proof")
			w.sweep()
			w.sweep()
			if got := rows(); got[0]+got[1]+got[2]+got[3] != 0 || got[4] < 3 {
				t.Errorf("with proof %v is left", got)
			}
		})
	}
}

func TestErasingInBatches(t *testing.T) {
	w := newTown(t, "sqlite")
	s := privacy.NewOfBatch(w.DB, w.Clock, w.Responses, 2)
	w.Advance(31 * day)
	if err := s.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	items, p := 0, w.proofs(privacy.Sources)
	for _, x := range p {
		items += x.Items
	}
	if len(p) != 3 || items != 5 || w.traces("source_net <> ''") != 0 {
		t.Errorf("%d proofs of %d items", len(p), items)
	}
}

func TestSet(t *testing.T) {
	each(t, func(t *testing.T, w *town) {
		for name, c := range map[string]struct {
			actor survey.Actor
			class privacy.Class
			days  int
			want  error
		}{
			"the office may within the bounds":   {apptest.Office, privacy.Devices, 45, nil},
			"too short is refused":               {apptest.Office, privacy.Devices, 29, survey.ErrInvalid},
			"too long is refused":                {apptest.Office, privacy.Devices, 91, survey.ErrInvalid},
			"answers stay two years":             {apptest.Office, privacy.Answers, 729, survey.ErrInvalid},
			"networks stay a month at most":      {apptest.Office, privacy.Sources, 31, survey.ErrInvalid},
			"the trail's clock is not set here":  {apptest.Office, privacy.Audit, 10, survey.ErrInvalid},
			"figures have no clock":              {apptest.Office, privacy.Aggregates, 10, survey.ErrInvalid},
			"there is no such class":             {apptest.Office, "names", 10, survey.ErrInvalid},
			"a manager may not":                  {survey.As("m", "community", apptest.North), privacy.Devices, 45, survey.ErrDenied},
			"the security administrator may not": {survey.As("s", "secadmin", apptest.City), privacy.Devices, 45, survey.ErrDenied},
			"a part of the city may not":         {survey.As("d", "office", apptest.East), privacy.Devices, 45, survey.ErrDenied},
		} {
			t.Run(name, func(t *testing.T) {
				if err := w.Privacy.Set(ctx, c.actor, c.class, c.days); !errors.Is(err, c.want) {
					t.Errorf("%v", err)
				}
			})
		}
		if d, err := w.Privacy.Days(ctx); err != nil || d[privacy.Devices] != 45 || d[privacy.Answers] != 730 {
			t.Errorf("%v %v", d, err)
		}
		var e event.Event
		if err := w.DB.Read(ctx).Where("kind = ?", "privacy.clock_changed").Take(&e).Error; err != nil || e.Actor != apptest.OfficeLogin || e.Payload != `{"from":"60","to":"45"}` {
			t.Errorf("%+v %v", e, err)
		}
		w.after(46 * day)
		w.sweep()
		if n := w.traces("device_hash <> ''"); n != 0 {
			t.Errorf("the changed clock is not followed: %d hashes are left", n)
		}
	})
}

func TestOverview(t *testing.T) {
	each(t, func(t *testing.T, w *town) {
		w.sweep()
		state := func(o privacy.Overview, c privacy.Class) privacy.State {
			i := slices.IndexFunc(o.States, func(s privacy.State) bool { return s.Class == c })
			return o.States[i]
		}
		o, err := w.Privacy.Overview(ctx, apptest.Office)
		if err != nil || !o.MayChange || o.Deletions == nil || o.Deletions.Repeat != 3 {
			t.Fatalf("%+v %v", o, err)
		}
		for class, want := range map[privacy.Class]int64{privacy.Sources: 5, privacy.Answers: 5} {
			s := state(o, class)
			if s.Rows == nil || *s.Rows != want || s.Few || s.Next == nil || s.Last != nil {
				t.Errorf("%+v", s)
			}
		}
		if s := state(o, privacy.Devices); s.Rows != nil || !s.Few || s.Next == nil {
			t.Errorf("4 of something are told: %+v", s)
		}
		if got, want := *state(o, privacy.Devices).Next, w.Wave.ClosesAt.AddDate(0, 0, 60); !got.Equal(want) {
			t.Errorf("hashes go on %v, not %v", got, want)
		}
		if s := state(o, privacy.Aggregates); s.Next != nil || *s.Rows == 0 {
			t.Errorf("%+v", s)
		}
		t.Run("another place sees nothing of these", func(t *testing.T) {
			o, err := w.Privacy.Overview(ctx, survey.As("x", "office", apptest.South))
			if err != nil || o.MayChange || *state(o, privacy.Answers).Rows != 0 || o.Deletions.Repeat != 0 {
				t.Errorf("%+v %v", o, err)
			}
		})
		t.Run("the security administrator sees the clocks alone", func(t *testing.T) {
			o, err := w.Privacy.Overview(ctx, survey.As("s", "secadmin", apptest.City))
			if err != nil || o.MayChange || o.Deletions != nil || state(o, privacy.Answers).Rows != nil || state(o, privacy.Devices).Days != 60 {
				t.Errorf("%+v %v", o, err)
			}
		})
		t.Run("others see nothing", func(t *testing.T) {
			for _, role := range []string{"subdistrict", "community", "worker", "viewer", "sysadmin", "auditor"} {
				if _, err := w.Privacy.Overview(ctx, survey.As("x", role, apptest.City)); !errors.Is(err, survey.ErrDenied) {
					t.Errorf("%s: %v", role, err)
				}
			}
		})
		t.Run("an erasure is shown with its proof", func(t *testing.T) {
			var r response.Response
			if err := w.DB.Read(ctx).Take(&r).Error; err != nil {
				t.Fatal(err)
			}
			if err := w.Responses.Erase(ctx, r.Receipt); err != nil {
				t.Fatal(err)
			}
			w.Advance(31 * day)
			w.sweep()
			o, err := w.Privacy.Overview(ctx, apptest.Office)
			if err != nil || o.Deletions.All != 1 || o.Deletions.Recent != 0 || o.Deletions.Last == nil {
				t.Errorf("%+v %v", o.Deletions, err)
			}
			if s := state(o, privacy.Sources); s.Last == nil || s.Last.Items != 4 || s.Total != 4 || len(s.Last.IDsSHA256) != 64 || *s.Rows != 0 || s.Next != nil {
				t.Errorf("%+v", s)
			}
		})
		t.Run("the proofs of a wave are for those who answer for it", func(t *testing.T) {
			w.after(731 * day)
			w.sweep()
			w.sweep()
			for place, want := range map[string]bool{apptest.City: true, apptest.South: false} {
				o, err := w.Privacy.Overview(ctx, survey.As("x", "office", place))
				if s := state(o, privacy.Answers); err != nil || (s.Last != nil) != want || (s.Total > 0) != want {
					t.Errorf("%s: %+v %v", place, s, err)
				}
			}
		})
	})
}
