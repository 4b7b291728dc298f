package response_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"chengyin/survey/apptest"
	"chengyin/survey/response"
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
