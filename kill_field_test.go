package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/response"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
)

// TestVisitsOutliveKills kills the server four times while eight phones send what
// their workers noted at the doors. A phone sends a record until it holds a receipt
// with a genuine signature. Then every record is in the database, once and with that
// receipt, every interview is counted once with its weight, and the tallies are what
// the answers add up to.
func TestVisitsOutliveKills(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { killWhilePhonesSend(t, storetest.DSN(t, dialect)) })
	}
}

func killWhilePhonesSend(t *testing.T, dsn string) {
	const phones, kills, homes = 8, 4, 300
	p := newProgram(t, dsn)
	a := p.open()
	ctx := t.Context()
	wave, err := a.Waves.ByID(ctx, p.signIn("office").openWave().ID)
	if err != nil {
		t.Fatal(err)
	}
	w := &apptest.World{App: a, Wave: wave}
	var place struct{ Code string }
	if err := a.DB.Read(ctx).Table("areas").Where("level = ?", "community").Order("code").Take(&place).Error; err != nil {
		t.Fatal(err)
	}
	var (
		stop     atomic.Bool
		given    atomic.Int64 // receipts
		mu       sync.Mutex
		receipts = map[string]fieldwork.Result{}
		seen     = map[string]bool{} // households that were interviewed
		wg       sync.WaitGroup
	)
	for i := range phones {
		login := fmt.Sprintf("door%d", i)
		if err := a.Accounts.Create(ctx, survey.System, account.NewAccount{Login: login, Name: login, Role: "worker", AreaCode: place.Code, Password: testPassword}); err != nil {
			t.Fatal(err)
		}
		_, who, err := a.Accounts.SignIn(ctx, login, testPassword)
		if err != nil {
			t.Fatal(err)
		}
		d := w.Draw(t, place.Code, homes, 0, fieldwork.UsualRules)
		w.Give(t, d, who)
		phone := w.Enrol(t, who)
		wg.Go(func() {
			c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
			next := 0
			for !stop.Load() && next < homes {
				var batch []fieldwork.Sent
				for range 1 + rand.IntN(8) {
					if next == homes {
						break
					}
					home := d.Homes[next].UnitID
					next++
					if next%4 == 0 {
						batch = append(batch, phone.Visit(wave.ID, home, "2.24", time.Now(), nil))
						continue
					}
					mu.Lock()
					seen[home] = true
					mu.Unlock()
					batch = append(batch, phone.Interview(t, wave.ID, wave.QuestionnaireID, home, time.Now(), someAnswers(), nil))
				}
				for deadline := time.Now().Add(2 * time.Minute); len(batch) > 0; {
					if time.Now().After(deadline) {
						t.Errorf("%d records have no receipt", len(batch))
						return
					}
					results, err := sendVisits(c, p.url(), phone, batch)
					if err != nil {
						time.Sleep(10 * time.Millisecond) // the server is down
						continue
					}
					var left []fieldwork.Sent
					for j, r := range results {
						if !phone.Genuine(batch[j], r) {
							left = append(left, batch[j])
							continue
						}
						mu.Lock()
						receipts[r.ID] = r
						mu.Unlock()
						given.Add(1)
					}
					batch = left
				}
			}
		})
	}
	for range kills {
		have := given.Load()
		for deadline := time.Now().Add(30 * time.Second); given.Load() < have+100; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d receipts in 30 s after a restart", given.Load()-have)
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

	a = p.open()
	db := a.DB.Read(ctx)
	var records []fieldwork.Record
	if err := db.Where("wave_id = ? AND account_id IN (SELECT id FROM accounts WHERE login LIKE 'door%')", wave.ID).Find(&records).Error; err != nil {
		t.Fatal(err)
	}
	if len(records) != len(receipts) {
		t.Errorf("%d records are stored for %d receipts", len(records), len(receipts))
	}
	interviews := 0
	for _, x := range records {
		if r := receipts[x.ID]; r.Signature != x.Signature || r.Hash != x.Hash || r.Status != x.Status {
			t.Fatalf("record %+v has the receipt %+v", x, r)
		}
		if x.Status != fieldwork.Accepted {
			t.Errorf("record %s: %s %s", x.ID, x.Status, x.Reason)
		}
		if x.Outcome == fieldwork.Interviewed {
			interviews++
		}
	}
	var counted, weighed int64
	if err := db.Model(&response.Response{}).Where("wave_id = ? AND via = ? AND status = ? AND id IN (SELECT id FROM field_records WHERE account_id IN (SELECT id FROM accounts WHERE login LIKE 'door%'))",
		wave.ID, response.ViaField, response.Counted).Count(&counted).Error; err != nil {
		t.Fatal(err)
	}
	if err := db.Table("sample_units").Joins("JOIN field_records ON field_records.unit_id = sample_units.id").
		Where("field_records.wave_id = ? AND field_records.outcome = ? AND sample_units.weight = ?", wave.ID, fieldwork.Interviewed, 40*2).Count(&weighed).Error; err != nil {
		t.Fatal(err)
	}
	if counted != int64(interviews) || weighed < int64(interviews) || interviews != len(seen) {
		t.Errorf("%d interviews at %d doors, %d are counted, %d have their weight", interviews, len(seen), counted, weighed)
	}
	t.Logf("%d receipts over %d kills", len(receipts), kills)
	kept, err := tally.Load(db, wave.ID)
	if err != nil {
		t.Fatal(err)
	}
	recount, err := a.Responses.Recount(ctx, wave.ID)
	if err != nil {
		t.Fatal(err)
	}
	compareTallies(t, kept, recount)
}

// sendVisits sends records as a phone does.
func sendVisits(c *http.Client, base string, phone *apptest.FieldPhone, batch []fieldwork.Sent) ([]fieldwork.Result, error) {
	type record struct {
		ID      string `json:"id"`
		Content string `json:"content"`
	}
	records := make([]record, len(batch))
	for i, s := range batch {
		records[i] = record(s)
	}
	body, err := json.Marshal(map[string]any{"phone": phone.ID, "sent_at": time.Now().Add(phone.Off), "waiting": len(batch), "records": records})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, base+"/api/v1/field/sync", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+phone.Token)
	reply, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	var out struct {
		Results []struct {
			ID, Hash, Status, Reason, Signature string
			ReceivedAt                          string `json:"received_at"`
		}
	}
	if err := json.NewDecoder(reply.Body).Decode(&out); err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusOK || len(out.Results) != len(batch) {
		return nil, fmt.Errorf("status %d, %d results: %s", reply.StatusCode, len(out.Results), strings.TrimSpace(reply.Status))
	}
	results := make([]fieldwork.Result, len(out.Results))
	for i, r := range out.Results {
		results[i] = fieldwork.Result{ID: r.ID, Hash: r.Hash, Status: r.Status, Reason: r.Reason, ReceivedAt: r.ReceivedAt, Signature: r.Signature}
	}
	return results, nil
}
