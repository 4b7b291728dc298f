package main

import (
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chengyin/survey/response"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
)

// TestAnswersOutliveKills kills the server ten times while 32 clients submit. A
// client sends the same answers until it holds a receipt, as the page does. Then
// every receipt that was given is in the database, nothing is in it twice, and
// the tallies are what the answers add up to.
func TestAnswersOutliveKills(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { killTenTimes(t, storetest.DSN(t, dialect)) })
	}
}

func killTenTimes(t *testing.T, dsn string) {
	const clients, kills = 32, 10
	p := newProgram(t, dsn)
	office := p.signIn("office")
	wave := office.openWave().ID
	posters := office.posters(wave)
	before := stored(t, p)

	var (
		stop     atomic.Bool
		given    atomic.Int64 // receipts
		repeated atomic.Int64 // receipts of answers that were stored by an earlier try
		mu       sync.Mutex
		receipts = map[string]string{} // by id
		wg       sync.WaitGroup
	)
	for range clients {
		wg.Go(func() {
			c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
			for !stop.Load() {
				s, err := ticket(c, p.url(), posters[rand.IntN(len(posters))].Code)
				if err != nil {
					time.Sleep(5 * time.Millisecond) // the server is down
					continue
				}
				for deadline := time.Now().Add(time.Minute); ; {
					status, receipt := s.send(c, p.url())
					if receipt != "" && (status == http.StatusCreated || status == http.StatusOK) {
						mu.Lock()
						receipts[s.id] = receipt
						mu.Unlock()
						given.Add(1)
						if status == http.StatusOK {
							repeated.Add(1)
						}
						break
					}
					if status >= 400 && status < 500 || time.Now().After(deadline) {
						t.Errorf("answers %s: status %d and no receipt", s.id, status)
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	for range kills {
		have := given.Load()
		for deadline := time.Now().Add(20 * time.Second); given.Load() < have+200; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d receipts in 20 s after a restart", given.Load()-have)
				break
			}
		}
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		p.kill()
		p.start("serve")
	}
	stop.Store(true)
	wg.Wait()
	p.kill()

	a := p.open()
	ctx := t.Context()
	for id, receipt := range receipts {
		r, err := a.Responses.Receipt(ctx, receipt)
		if err != nil || r.ID != id {
			t.Fatalf("receipt %s of %s: %v %v", receipt, id, r.ID, err)
		}
	}
	after := stored(t, p)
	if after-before != int64(len(receipts)) {
		t.Errorf("%d answers are stored for %d receipts", after-before, len(receipts))
	}
	t.Logf("%d receipts over %d kills; %d of them were asked for again after their answers had been stored", len(receipts), kills, repeated.Load())

	kept, err := tally.Load(a.DB.Read(ctx), wave)
	if err != nil {
		t.Fatal(err)
	}
	recount, err := a.Responses.Recount(ctx, wave)
	if err != nil {
		t.Fatal(err)
	}
	compareTallies(t, kept, recount)
}

// stored returns how many answers are in the database.
func stored(t *testing.T, p *program) int64 {
	t.Helper()
	a := p.open()
	var n int64
	if err := a.DB.Read(t.Context()).Model(&response.Response{}).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// compareTallies reports cells that differ. Sums of weights may differ in their
// last digits, because they were added up in another order.
func compareTallies(t *testing.T, kept, recount []tally.Row) {
	t.Helper()
	want := map[tally.Key]tally.Row{}
	for _, r := range recount {
		want[r.Key()] = r
	}
	wrong := 0
	for _, k := range kept {
		r := want[k.Key()]
		delete(want, k.Key())
		same := k.N == r.N
		for _, pair := range [][2]float64{{k.D, r.D}, {k.DD, r.DD}, {k.DY, r.DY}, {k.DYY, r.DYY}, {k.DDY, r.DDY}, {k.DDYY, r.DDYY}, {k.DK, r.DK}} {
			same = same && math.Abs(pair[0]-pair[1]) <= 1e-9*(1+math.Abs(pair[1]))
		}
		if !same {
			wrong++
			t.Logf("stored %+v, the answers add up to %+v", k, r)
		}
	}
	if wrong > 0 || len(want) > 0 || len(kept) == 0 {
		t.Errorf("of %d tallies %d are wrong and %d are missing", len(kept), wrong, len(want))
	}
}
