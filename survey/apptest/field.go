package apptest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/fieldwork"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
	"chengyin/survey/store"
)

// Drawn is a PSU of an area as a draw leaves it.
type Drawn struct {
	Plan  string
	PSU   string
	Homes []sample.Home // by position: those to be visited, then the reserve
}

// Draw draws take households of a new PSU in the area and as many in reserve, by a
// plan with these rules. Each has two adults by the frame, and a probability of 1/40.
func (w *World) Draw(t testing.TB, area string, take, reserve int, rules fieldwork.Rules) Drawn {
	t.Helper()
	plan, frame := uuid.NewString(), uuid.NewString()
	d := Drawn{Plan: plan, PSU: area + "-" + plan[:8]}
	spec, err := json.Marshal(map[string]any{"rules": rules})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	adults := 2
	var units []sample.Unit
	for i := range take + reserve {
		u := sample.Unit{ID: uuid.NewString(), WaveID: w.Wave.ID, AreaCode: area, Stratum: area, PSU: d.PSU, Household: fmt.Sprintf("%s-%d", d.PSU, i), Weight: 80}
		units = append(units, u)
		d.Homes = append(d.Homes, sample.Home{UnitID: u.ID, WaveID: w.Wave.ID, PlanID: plan, AreaCode: area, PSU: d.PSU, Position: i + 1, Reserve: i >= take,
			Probability: 1.0 / 40, Base: 40, FrameAdults: &adults, Building: "1号楼", Unit: "1单元", Room: fmt.Sprintf("%d室", 101+i), Picks: "112233445566"})
	}
	must(w.Samples.Add(context.Background(), units))
	must(w.DB.InTx(context.Background(), func(tx *store.Tx) error {
		if err := tx.Table("frames").Create(map[string]any{"id": frame, "area_code": City, "name": "f", "source": "test", "homes": len(units), "hash": strings.Repeat("0", 64), "imported_by": frame, "created_at": tx.Now}).Error; err != nil {
			return err
		}
		if err := tx.Table("sample_plans").Create(map[string]any{"id": plan, "wave_id": w.Wave.ID, "frame_id": frame, "area_code": City, "spec": string(spec), "seed": "1", "created_by": frame,
			"created_at": tx.Now, "drawn_at": tx.Now, "drawn_by": frame, "result_hash": ""}).Error; err != nil {
			return err
		}
		return tx.Create(&d.Homes).Error
	}))
	return d
}

// Give assigns the PSU's households, not its reserve, to a worker.
func (w *World) Give(t testing.TB, d Drawn, worker survey.Actor) {
	t.Helper()
	if _, err := w.Field.Assign(context.Background(), survey.System, fieldwork.Assigning{Wave: w.Wave.ID, PSU: d.PSU, Account: worker.Account}); err != nil {
		t.Fatal(err)
	}
}

// FieldPhone is a worker's phone as far as records go.
type FieldPhone struct {
	ID       string
	Token    string
	Key      []byte
	SealKey  string
	SignKeys []string
	Off      time.Duration // its clock minus the server's
}

// Enrol signs a new phone of the worker in.
func (w *World) Enrol(t testing.TB, worker survey.Actor) *FieldPhone {
	t.Helper()
	p := &FieldPhone{ID: uuid.NewString()}
	p.SignIn(t, w.Field, worker)
	return p
}

// SignIn signs the phone in, again too.
func (p *FieldPhone) SignIn(t testing.TB, s *fieldwork.Service, worker survey.Actor) {
	t.Helper()
	e, err := s.Enrol(context.Background(), worker, p.ID, "test")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.SignKeys()
	if err != nil {
		t.Fatal(err)
	}
	p.Token, p.Key, p.SealKey, p.SignKeys = e.Token, e.Key, s.SealKey(), keys
}

// On returns the phone as the service sees it.
func (p *FieldPhone) On(t testing.TB, s *fieldwork.Service) fieldwork.On {
	t.Helper()
	on, err := s.Asks(context.Background(), p.Token, account.Origin{From: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return on
}

// Visit returns a record without answers, made at the time of the server's clock;
// change may replace parts of its content.
func (p *FieldPhone) Visit(wave, home, outcome string, at time.Time, change map[string]any) fieldwork.Sent {
	c := map[string]any{"v": 1, "wave": wave, "home": home, "made_at": at.Add(p.Off).Format(time.RFC3339Nano), "outcome": outcome, "period": "evening", "note": ""}
	return record(uuid.NewString(), c, change)
}

// Interview returns a record with answers: one of two adults was asked, the first,
// as Draw's picks say. change may replace parts of the interview.
func (p *FieldPhone) Interview(t testing.TB, wave, questionnaireID, home string, at time.Time, answers questionnaire.Answers, change map[string]any) fieldwork.Sent {
	t.Helper()
	id := uuid.NewString()
	text, err := json.Marshal(map[string]any{"answers": answers})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := fieldwork.Seal(p.SealKey, id, text)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]any{"questionnaire": questionnaireID, "lang": "zh", "mode": "asked", "dialect": true, "adults": 2, "select": "kish", "chosen": 1,
		"started_at": at.Add(p.Off - 10*time.Minute).Format(time.RFC3339), "ended_at": at.Add(p.Off).Format(time.RFC3339), "receipt": NewReceipt(), "sealed": sealed}
	for k, v := range change {
		in[k] = v
	}
	c := map[string]any{"v": 1, "wave": wave, "home": home, "made_at": at.Add(p.Off).Format(time.RFC3339Nano), "outcome": fieldwork.Interviewed, "period": "evening", "interview": in}
	if o, ok := change["outcome"]; ok {
		c["outcome"] = o
		delete(in, "outcome")
	}
	return record(id, c, nil)
}

func record(id string, c, change map[string]any) fieldwork.Sent {
	for k, v := range change {
		c[k] = v
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return fieldwork.Sent{ID: id, Content: string(text)}
}

// NewReceipt makes a receipt as a phone does.
func NewReceipt() string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	b := make([]byte, 12)
	for i := range b {
		b[i] = alphabet[rand.IntN(32)]
	}
	return string(b)
}

// Genuine reports whether a result is a receipt for the record: its hash is the
// content's and a key of the server signed it.
func (p *FieldPhone) Genuine(sent fieldwork.Sent, r fieldwork.Result) bool {
	sum := sha256.Sum256([]byte(sent.Content))
	return r.ID == sent.ID && r.Hash == hex.EncodeToString(sum[:]) && p.Signed(r)
}

// Signed reports whether a key that the phone knows signed the result.
func (p *FieldPhone) Signed(r fieldwork.Result) bool {
	digest := sha256.Sum256([]byte(strings.Join([]string{"chengyin field receipt", r.ID, r.Hash, r.Status, r.Reason, r.ReceivedAt}, "\n")))
	sig, err := base64.RawURLEncoding.DecodeString(r.Signature)
	if err != nil || len(sig) != 64 {
		return false
	}
	for _, k := range p.SignKeys {
		point, err := base64.RawURLEncoding.DecodeString(k)
		if err != nil {
			continue
		}
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err == nil && ecdsa.Verify(pub, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
			return true
		}
	}
	return false
}
