package response_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"chengyin/survey/app"
	"chengyin/survey/apptest"
	"chengyin/survey/collector"
	"chengyin/survey/response"
	"chengyin/survey/store/storetest"
)

func traceOf(t *testing.T, w *apptest.World, id string) (x response.Trace, ok bool) {
	t.Helper()
	var rows []response.Trace
	if err := w.DB.Read(ctx).Where("response_id = ?", id).Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		return x, false
	}
	return rows[0], true
}

func TestTraces(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		send := func(code, household, device string) response.Submission {
			in := filled(t, w, code, nil)
			in.Device, in.Household, in.Net = device, household, response.Net("203.0.113.77")
			if r, _, err := w.Responses.Submit(ctx, in); err != nil || r.Code == "" {
				t.Fatal(r, err)
			}
			return in
		}
		north, south := w.Posters[apptest.North].Code, w.Posters[apptest.South].Code
		var wg sync.WaitGroup // the first answers of a wave race for its key
		var ids [6]string
		for i := range ids {
			in := filled(t, w, []string{north, south}[i%2], nil)
			in.Device, in.Net, ids[i] = []string{"phone-a", "phone-b", "phone-c"}[i/2], "203.0.113.0/24", in.ID
			wg.Go(func() {
				if _, _, err := w.Responses.Submit(ctx, in); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		hashes := map[string]int{}
		for _, id := range ids {
			x, ok := traceOf(t, w, id)
			if !ok || len(x.DeviceHash) != 32 || x.SourceNet != "203.0.113.0/24" || strings.Contains(x.DeviceHash, "phone") {
				t.Fatalf("%+v", x)
			}
			hashes[x.DeviceHash]++
		}
		if len(hashes) != 3 || count(t, w, "wave_keys") != 1 {
			t.Errorf("three phones have the hashes %v, %d keys", hashes, count(t, w, "wave_keys"))
		}
		t.Run("answers without a token leave the network alone", func(t *testing.T) {
			if x, _ := traceOf(t, w, send(north, "", "").ID); x.DeviceHash != "" || x.SourceNet == "" {
				t.Errorf("%+v", x)
			}
		})
		t.Run("a token that is none of ours is not kept", func(t *testing.T) {
			if x, _ := traceOf(t, w, send(north, "", strings.Repeat("x", 65)).ID); x.DeviceHash != "" {
				t.Errorf("%+v", x)
			}
		})
		t.Run("an interviewer's tablet is not kept", func(t *testing.T) {
			if x, _ := traceOf(t, w, send(w.Visits.Code, "h1", "tablet").ID); x.DeviceHash != "" {
				t.Errorf("%+v", x)
			}
		})
		t.Run("late answers are not tied to a phone", func(t *testing.T) {
			in := filled(t, w, north, nil)
			in.Device = "phone-a"
			w.Advance(300 * time.Hour)
			if r, _, err := w.Responses.Submit(ctx, in); err != nil || r.Status != response.Quarantined {
				t.Fatal(r, err)
			}
			if x, _ := traceOf(t, w, in.ID); x.DeviceHash != "" {
				t.Errorf("%+v", x)
			}
		})
		t.Run("the key is not readable in the database", func(t *testing.T) {
			var k response.WaveKey
			if err := w.DB.Read(ctx).Take(&k).Error; err != nil || len(k.Sealed) != 2*(12+32+16) || k.KeyID == "" {
				t.Errorf("%+v %v", k, err)
			}
		})
	})
}

// TestKeysOfWavesFollowTheSecret: a new secret reads the keys that an older one has
// sealed and seals them again, so that the older can be done away with.
func TestKeysOfWavesFollowTheSecret(t *testing.T) {
	dsn := storetest.DSN(t, "sqlite")
	w := apptest.New(t, dsn)
	old := []byte(strings.Repeat("s", 32)) // the World's
	recent := []byte(strings.Repeat("n", 32))
	sealed := func(a *app.App) string {
		t.Helper()
		var k response.WaveKey
		if err := a.DB.Read(ctx).Take(&k).Error; err != nil {
			t.Fatal(err)
		}
		return k.Sealed
	}
	slot := 1
	send := func(a *app.App) (string, error) {
		t.Helper()
		slot++ // codes are signed with a secret, too: a poster of today's
		made, err := a.Collectors.Create(ctx, apptest.Office, w.Wave, []collector.Spec{{Area: apptest.North, Channel: collector.Poster, Slot: slot}})
		if err != nil {
			t.Fatal(err)
		}
		code := made[0].Code
		sheet, err := a.Responses.Open(ctx, code)
		if err != nil {
			t.Fatal(err)
		}
		in := response.Submission{Code: code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Answers: apptest.Answers(nil), Device: "phone-a"}
		if _, _, err = a.Responses.Submit(ctx, in); err != nil {
			return "", err
		}
		var x response.Trace
		if err := a.DB.Read(ctx).Where("response_id = ?", in.ID).Take(&x).Error; err != nil {
			t.Fatal(err)
		}
		return x.DeviceHash, nil
	}
	restart := func(secret []byte, older ...[]byte) *app.App {
		t.Helper()
		a, err := app.New(ctx, app.Config{Database: dsn, Secret: secret, Older: older, CodeVersion: "test", Clock: w.Clock})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Close() })
		return a
	}
	first, err := send(w.App)
	if err != nil {
		t.Fatal(err)
	}
	was := sealed(w.App)
	t.Run("a secret that does not know the older one cannot read the key", func(t *testing.T) {
		if _, err := send(restart(recent)); err == nil {
			t.Error("the key was read")
		}
		if sealed(w.App) != was {
			t.Error("the key was sealed again by one who cannot read it")
		}
	})
	t.Run("with the older one the phone keeps its hash, and the key is sealed again", func(t *testing.T) {
		if h, err := send(restart(recent, old)); err != nil || h != first || first == "" {
			t.Errorf("%q, not %q: %v", h, first, err)
		}
		if sealed(w.App) == was {
			t.Error("the key is still sealed with the older secret")
		}
	})
	t.Run("then the older one can be done away with", func(t *testing.T) {
		if h, err := send(restart(recent)); err != nil || h != first {
			t.Errorf("%q, not %q: %v", h, first, err)
		}
	})
	t.Run("a destroyed key is not sealed again", func(t *testing.T) {
		a := restart([]byte(strings.Repeat("l", 32)), recent)
		w.Advance(w.Wave.ClosesAt.Add(61 * 24 * time.Hour).Sub(w.Clock()))
		if err := a.Privacy.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if s := sealed(a); s != "" {
			t.Errorf("%q", s)
		}
	})
}

func TestNet(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24", "2001:db8:1:2:3:4:5:6": "2001:db8:1::/48",
		"fe80::1%eth0": "fe80::/48", "": "", "example.com": "", "203.0.113.77:80": "",
	} {
		if got := response.Net(in); got != want {
			t.Errorf("%s: %q, not %q", in, got, want)
		}
	}
}
