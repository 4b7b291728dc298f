package fieldwork_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/app"
	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/store/storetest"
)

func TestOtherContentIsKeptBesideTheFirst(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			first := f.interview(t, f.home(0), nil)
			was := f.accept(t, first)
			other := f.answeredAs(t, first.ID, f.home(0))
			var c map[string]any
			if err := json.Unmarshal([]byte(other.Content), &c); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(map[string]any{"answers": apptest.Answers(questionnaire.Answers{"q1": "unknown"})})
			if err != nil {
				t.Fatal(err)
			}
			if c["interview"].(map[string]any)["sealed"], err = fieldwork.Seal(f.phone.SealKey, first.ID, text); err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			other.Content = string(raw)
			got := f.take(t, other)[0]
			if got.Status != fieldwork.Conflict || got.Hash == was.Hash {
				t.Fatalf("%+v", got)
			}
			if again := f.take(t, other)[0]; again != got {
				t.Fatalf("%+v, before %+v", again, got)
			}
			if again := f.take(t, first)[0]; again != was {
				t.Fatalf("%+v, before %+v", again, was)
			}
			var rivals []fieldwork.Rival
			var answers []response.Rival
			if err := errors.Join(f.DB.Read(t.Context()).Find(&rivals).Error, f.DB.Read(t.Context()).Find(&answers).Error); err != nil {
				t.Fatal(err)
			}
			if len(rivals) != 1 || rivals[0].RecordID != first.ID || strings.Contains(rivals[0].Content, "sealed") {
				t.Fatalf("%+v", rivals)
			}
			if len(answers) != 1 || answers[0].ResponseID != first.ID || !strings.Contains(answers[0].Answers, "unknown") {
				t.Fatalf("%+v", answers)
			}
			if n := counted(t, f.World); n != 1 {
				t.Fatal(n)
			}
		})
	}
}

func TestPartsOfAnInterviewAreKeptAndNotCounted(t *testing.T) {
	f := newField(t, "sqlite")
	s := f.phone.Interview(t, f.Wave.ID, f.Wave.QuestionnaireID, f.home(0), f.ago(0), questionnaire.Answers{"residence": "half_year", "age": "a40"}, map[string]any{"outcome": fieldwork.BrokenOff})
	f.accept(t, s)
	r := f.response(t, s.ID)
	if r == nil || r.Status != response.Quarantined || r.Reason != "partial" || r.SampleUnitID != nil {
		t.Fatalf("%+v", r)
	}
	if h := f.stands(t, f.home(0)); h.Outcome != fieldwork.BrokenOff || h.IsOpen {
		t.Fatalf("%+v", h)
	}
	if n := counted(t, f.World); n != 0 {
		t.Fatal(n)
	}
	wrong := f.phone.Interview(t, f.Wave.ID, f.Wave.QuestionnaireID, f.home(1), f.ago(0), questionnaire.Answers{"residence": "moon"}, map[string]any{"outcome": fieldwork.BrokenOff})
	if r := f.take(t, wrong)[0]; r.Reason != fieldwork.AnswersInvalid {
		t.Fatalf("%+v", r)
	}
}

func TestMoreVisitsThanPlannedAreCountedAndOpenNothing(t *testing.T) {
	f := newField(t, "sqlite")
	for i := range 5 {
		f.accept(t, f.phone.Visit(f.Wave.ID, f.home(0), "2.24", f.ago(time.Duration(5-i)*time.Hour), nil))
		if h := f.stands(t, f.home(0)); h.Visits != i+1 || h.IsOpen != (i < 2) {
			t.Fatalf("%d: %+v", i, h)
		}
	}
	f.accept(t, f.interview(t, f.home(0), nil)) // somebody was home after all
	if h := f.stands(t, f.home(0)); h.Outcome != fieldwork.Interviewed || h.Visits != 6 {
		t.Fatalf("%+v", h)
	}
	f.accept(t, f.visit(f.home(0), fieldwork.Refused)) // and does not want to be asked again
	if h := f.stands(t, f.home(0)); h.Outcome != fieldwork.Interviewed {
		t.Fatalf("%+v", h)
	}
}

func TestAnInterviewBeforeARefusalIsCountedWhicheverComesFirst(t *testing.T) {
	f := newField(t, "sqlite")
	f.accept(t, f.phone.Visit(f.Wave.ID, f.home(0), fieldwork.Refused, f.ago(time.Minute), nil))
	f.accept(t, f.phone.Interview(t, f.Wave.ID, f.Wave.QuestionnaireID, f.home(0), f.ago(time.Hour), apptest.Answers(nil), nil))
	if h := f.stands(t, f.home(0)); h.Outcome != fieldwork.Interviewed || h.Visits != 2 {
		t.Fatalf("%+v", h)
	}
}

func TestTheReserveIsVisitedInItsTurn(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			// In one batch, whatever its order: what closes the first comes before.
			closed := f.phone.Visit(f.Wave.ID, f.home(0), "4.61", f.ago(time.Hour), nil)
			next := f.phone.Visit(f.Wave.ID, f.home(4), "2.24", f.ago(time.Minute), nil)
			got := f.take(t, next, closed)
			if got[0].Status != fieldwork.Accepted || got[1].Status != fieldwork.Accepted {
				t.Fatalf("%+v", got)
			}
			if r := f.take(t, f.visit(f.home(5), "2.24"))[0]; r.Reason != fieldwork.ReserveEarly {
				t.Fatalf("%+v", r)
			}
			f.accept(t, f.interview(t, f.home(4), nil))
			f.accept(t, f.visit(f.home(1), fieldwork.Refused))
			f.accept(t, f.interview(t, f.home(5), nil))
			if n := counted(t, f.World); n != 2 {
				t.Fatal(n)
			}
			// Given to somebody else, it is not the worker's any more.
			f.accept(t, f.visit(f.home(2), fieldwork.Refused))
			other := f.Person(t, "other", "worker", apptest.North)
			if _, err := f.Field.Assign(t.Context(), apptest.Office, fieldwork.Assigning{Wave: f.Wave.ID, Units: []string{f.home(6)}, Account: other.Account}); err != nil {
				t.Fatal(err)
			}
			if r := f.take(t, f.visit(f.home(6), "2.24"))[0]; r.Reason != fieldwork.NotAssigned {
				t.Fatalf("%+v", r)
			}
			f.phone = f.Enrol(t, other)
			f.accept(t, f.visit(f.home(6), "2.24"))
		})
	}
}

func TestDeletionByReceiptLeavesTheVisit(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			s := f.interview(t, f.home(0), nil)
			first := f.accept(t, s)
			if err := f.Responses.Erase(t.Context(), f.response(t, s.ID).Receipt); err != nil {
				t.Fatal(err)
			}
			if n := counted(t, f.World); n != 0 || f.response(t, s.ID) != nil {
				t.Fatal(n)
			}
			if again := f.take(t, s)[0]; again != first || f.response(t, s.ID) != nil {
				t.Fatalf("%+v", again)
			}
			if h := f.stands(t, f.home(0)); h.Outcome != fieldwork.Interviewed || h.IsOpen {
				t.Fatalf("%+v", h)
			}
			if r := f.take(t, f.interview(t, f.home(0), nil))[0]; r.Reason != fieldwork.HouseholdTwice {
				t.Fatalf("%+v", r)
			}
			var texts []string
			if err := f.DB.Read(t.Context()).Model(&fieldwork.Record{}).Pluck("content", &texts).Error; err != nil {
				t.Fatal(err)
			}
			for _, text := range texts {
				if strings.Contains(text, "sealed") {
					t.Error(text)
				}
			}
		})
	}
}

func TestATakenReceiptGivesWay(t *testing.T) {
	f := newField(t, "sqlite")
	first := f.interview(t, f.home(0), nil)
	f.accept(t, first)
	receipt := f.response(t, first.ID).Receipt
	for i, given := range []any{receipt, "short", "K7QX2MPD9ABI", ""} {
		s := f.interview(t, f.home(i%3+1), map[string]any{"receipt": given})
		if i == 3 {
			s = f.interview(t, f.home(0), map[string]any{"receipt": given, "outcome": fieldwork.BrokenOff})
		}
		got := f.take(t, s)[0]
		r := f.response(t, s.ID)
		if r == nil || r.Receipt == receipt || !response.IsReceipt(r.Receipt) {
			t.Fatalf("%v: %+v", given, r)
		}
		if given == any(receipt) && (got.Status != fieldwork.Accepted || got.Reason != fieldwork.ReceiptReplaced) {
			t.Fatalf("%+v", got)
		}
	}
	if err := f.Responses.Erase(t.Context(), receipt); err != nil {
		t.Fatal(err)
	}
	f.Draw(t, apptest.North, 1, 0, fieldwork.UsualRules)
	d := f.Draw(t, apptest.North, 1, 0, fieldwork.UsualRules)
	f.Give(t, d, f.worker)
	s := f.interview(t, d.Homes[0].UnitID, map[string]any{"receipt": receipt}) // that of deleted answers
	if got := f.accept(t, s); got.Reason != fieldwork.ReceiptReplaced || f.response(t, s.ID).Receipt == receipt {
		t.Fatalf("%+v", got)
	}
}

func TestWhatIdentifiesIsNotStored(t *testing.T) {
	f := newField(t, "sqlite")
	s := f.phone.Visit(f.Wave.ID, f.home(0), "2.24", f.ago(0), map[string]any{"note": "门铃坏了，打13812345678", "appointment": "2026-11-24T19:30:00+08:00", "extra": map[string]any{"x": []string{"身份证11010519491231002X"}}})
	got := f.accept(t, s)
	sum := sha256.Sum256([]byte(s.Content))
	rec := f.record(t, s.ID)
	if got.Hash != hex.EncodeToString(sum[:]) || rec.Hash != got.Hash {
		t.Fatal("the hash is not that of what was sent")
	}
	if strings.Contains(rec.Content, "13812345678") || strings.Contains(rec.Content, "11010519491231002X") || !strings.Contains(rec.Content, "门铃坏了") ||
		!strings.Contains(rec.Content, f.home(0)) || !strings.Contains(rec.Content, "2026-11-24T19:30:00+08:00") {
		t.Fatal(rec.Content)
	}
	if again := f.take(t, s)[0]; again != got {
		t.Fatalf("%+v", again)
	}
	plain := f.phone.Visit(f.Wave.ID, f.home(1), "2.24", f.ago(0), map[string]any{"note": "门铃坏了 <1>"})
	f.accept(t, plain)
	if rec := f.record(t, plain.ID); rec.Content != plain.Content {
		t.Fatalf("%s\n%s", rec.Content, plain.Content)
	}
	// A name that stands there twice hides nothing.
	twice := f.phone.Visit(f.Wave.ID, f.home(1), "2.24", f.ago(0), nil)
	twice.Content = strings.Replace(twice.Content, `"note":""`, `"note":"13812345678","note":""`, 1)
	f.take(t, twice)
	torn := fieldwork.Sent{ID: uuid.NewString(), Content: `{"note":"打13812345678`}
	f.take(t, torn)
	for _, id := range []string{twice.ID, torn.ID} {
		if rec := f.record(t, id); strings.Contains(rec.Content, "13812345678") {
			t.Fatal(rec.Content)
		}
	}
}

func TestAWrongClockIsPutRight(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			for i, off := range []time.Duration{-72 * time.Hour, 72 * time.Hour, -56 * 365 * 24 * time.Hour, 5 * time.Hour} {
				f.phone.Off = off
				at := f.ago(2 * time.Hour)
				s := f.phone.Visit(f.Wave.ID, f.home(i), "2.24", at, nil)
				f.accept(t, s)
				rec := f.record(t, s.ID)
				if d := rec.MadeAt.Sub(at).Abs(); d > 3*time.Second {
					t.Errorf("%v: off by %v", off, d)
				}
				if d := (time.Duration(rec.OffsetMS)*time.Millisecond - off).Abs(); d > 3*time.Second {
					t.Errorf("%v: measured %d ms", off, rec.OffsetMS)
				}
			}
			f.phone.Off = 0
			s := f.phone.Visit(f.Wave.ID, f.home(0), "2.24", f.Clock().Add(48*time.Hour), nil) // the clock was put back since
			f.accept(t, s)
			if rec := f.record(t, s.ID); rec.MadeAt.After(rec.ReceivedAt) {
				t.Error("a visit in the future")
			}
		})
	}
}

func TestAClockThatHasLostTheCenturyLosesNothing(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			for i, sentAt := range []string{"0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"} {
				for _, made := range []string{"0001-01-01T00:00:00Z", "1899-12-31T00:00:00Z", "1970-01-01T00:00:00Z", "2199-01-01T00:00:00Z", "9999-12-31T23:59:59Z"} {
					clock, err := time.Parse(time.RFC3339, sentAt)
					if err != nil {
						t.Fatal(err)
					}
					s := f.phone.Visit(f.Wave.ID, f.home(i), "2.24", f.Clock(), map[string]any{"made_at": made})
					on := f.phone.On(t, f.Field)
					off := clock.Sub(f.Clock())
					if err := f.Field.Heard(t.Context(), &on, nil, &off); err != nil {
						t.Fatal(sentAt, err)
					}
					got, err := f.Field.Take(t.Context(), on, clock, []fieldwork.Sent{s})
					if err != nil || !f.phone.Genuine(s, got[0]) {
						t.Fatal(sentAt, made, got, err)
					}
					if rec := f.record(t, s.ID); rec.MadeAt.After(rec.ReceivedAt) {
						t.Errorf("%s, %s: made at %v", sentAt, made, rec.MadeAt)
					}
				}
			}
		})
	}
}

func TestAReceiptIsGenuineOnlyAsItWasSigned(t *testing.T) {
	f := newField(t, "sqlite")
	s := f.visit(f.home(0), "2.24")
	r := f.accept(t, s)
	for name, change := range map[string]func(*fieldwork.Result){
		"hash":       func(r *fieldwork.Result) { r.Hash = strings.Repeat("0", 64) },
		"status":     func(r *fieldwork.Result) { r.Status = fieldwork.Quarantined },
		"reason":     func(r *fieldwork.Result) { r.Reason = fieldwork.Late },
		"time":       func(r *fieldwork.Result) { r.ReceivedAt = "2026-11-01T09:00:00.000000Z" },
		"nothing":    func(r *fieldwork.Result) { r.Signature = "" },
		"a lie":      func(r *fieldwork.Result) { r.Signature = base64.RawURLEncoding.EncodeToString(make([]byte, 64)) },
		"too long":   func(r *fieldwork.Result) { r.Signature += "AA" },
		"another id": func(r *fieldwork.Result) { r.ID = uuid.NewString() },
	} {
		other := r
		change(&other)
		if f.phone.Genuine(s, other) {
			t.Errorf("with another %s it is genuine", name)
		}
	}
	stranger := newField(t, "sqlite") // the same secret: the same keys
	if !stranger.phone.Signed(r) {
		t.Error("the key does not follow from the secret alone")
	}
}

func TestSecretsAreRenewed(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			before := f.interview(t, f.home(0), nil)
			first := f.accept(t, before)
			waiting := f.interview(t, f.home(1), nil) // sealed to the old key
			sealed := f.onPhone(t, f.interview(t, f.home(2), nil))
			a, err := app.New(t.Context(), app.Config{Database: f.dsn, Secret: []byte(strings.Repeat("n", 32)), Older: [][]byte{[]byte(strings.Repeat("s", 32))}, CodeVersion: "test", Clock: f.Clock})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { a.Close() })
			f.App = a
			if again := f.take(t, before)[0]; again != first {
				t.Fatalf("%+v, before %+v", again, first)
			}
			got := f.send(t, waiting)[0]
			if got.Status != fieldwork.Accepted {
				t.Fatalf("%+v", got)
			}
			if f.phone.Genuine(waiting, got) {
				t.Fatal("the old key signed it")
			}
			keys, err := f.Field.SignKeys()
			if err != nil || len(keys) != 2 || keys[1] != f.phone.SignKeys[0] || keys[0] == keys[1] {
				t.Fatal(keys, err)
			}
			f.phone.SignKeys = keys // as the pack says
			if !f.phone.Genuine(waiting, got) || !f.phone.Genuine(before, first) {
				t.Fatal("no receipt")
			}
			if f.Field.SealKey() == f.phone.SealKey {
				t.Fatal("the key of answers stayed")
			}
			key := f.phone.Key
			f.phone.SignIn(t, f.Field, f.worker)
			if string(f.phone.Key) != string(key) {
				t.Fatal("the phone's key has changed: what waits on it is lost")
			}
			got2, err := f.Field.TakeSealed(t.Context(), f.phone.On(t, f.Field), f.Clock(), []fieldwork.SealedSent{sealed})
			if err != nil || got2[0].Reason != fieldwork.PhoneLocked || !f.phone.Signed(got2[0]) {
				t.Fatal(got2, err)
			}
			f.accept(t, f.interview(t, f.home(3), nil))
		})
	}
}

// onPhone encrypts a record as the phone keeps it.
func (f *field) onPhone(t *testing.T, s fieldwork.Sent) fieldwork.SealedSent {
	t.Helper()
	b, err := aes.NewCipher(f.phone.Key)
	if err != nil {
		t.Fatal(err)
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, 12)
	if _, err := rand.Read(iv); err != nil {
		t.Fatal(err)
	}
	return fieldwork.SealedSent{ID: s.ID, IV: base64.RawURLEncoding.EncodeToString(iv), Data: base64.RawURLEncoding.EncodeToString(g.Seal(nil, iv, []byte(s.Content), []byte(s.ID)))}
}

func TestALockedPhoneHandsOverWhatItHolds(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			sent := f.visit(f.home(0), "2.24")
			before := f.accept(t, sent)
			in := f.interview(t, f.home(1), nil)
			if err := f.Field.Lock(t.Context(), apptest.Office, f.phone.ID); err != nil {
				t.Fatal(err)
			}
			on := f.phone.On(t, f.Field)
			if !on.Locked {
				t.Fatal("it is not locked")
			}
			if _, err := f.Field.Take(t.Context(), on, f.Clock(), []fieldwork.Sent{in}); !errors.Is(err, fieldwork.ErrPhoneLocked) {
				t.Fatal(err)
			}
			if _, err := f.Field.Enrol(t.Context(), f.worker, f.phone.ID, "x"); !errors.Is(err, fieldwork.ErrPhoneLocked) {
				t.Fatal(err)
			}
			torn := f.onPhone(t, f.interview(t, f.home(2), nil))
			torn.Data = "AAAA" + torn.Data
			list := []fieldwork.SealedSent{f.onPhone(t, in), f.onPhone(t, sent), torn, {ID: uuid.NewString(), IV: "", Data: "?"}}
			got, err := f.Field.TakeSealed(t.Context(), on, f.Clock(), list)
			if err != nil {
				t.Fatal(err)
			}
			if got[0].Reason != fieldwork.PhoneLocked || !f.phone.Genuine(in, got[0]) {
				t.Fatalf("%+v", got[0])
			}
			if got[1] != before { // it was stored before
				t.Fatalf("%+v", got[1])
			}
			for _, r := range got[2:] {
				if r.Reason != fieldwork.SealedUnreadable || !f.phone.Signed(r) {
					t.Fatalf("%+v", r)
				}
			}
			if again, err := f.Field.TakeSealed(t.Context(), on, f.Clock(), list); err != nil || again[0] != got[0] || again[2] != got[2] {
				t.Fatal(again, err)
			}
			if r := f.response(t, in.ID); r == nil || r.Status != response.Quarantined || r.Reason != fieldwork.PhoneLocked {
				t.Fatalf("%+v", r)
			}
			if n := counted(t, f.World); n != 0 {
				t.Fatal(n)
			}
			if err := f.Field.Unlock(t.Context(), apptest.Office, f.phone.ID); err != nil {
				t.Fatal(err)
			}
			f.phone.SignIn(t, f.Field, f.worker)
			f.accept(t, f.interview(t, f.home(2), nil))
		})
	}
}

func TestPaperIsEnteredByWhoLooksAfterThePlace(t *testing.T) {
	f := newField(t, "sqlite")
	north := survey.As("north", "community", apptest.North)
	s := f.interview(t, f.home(0), nil)
	for name, who := range map[string]survey.Actor{"a worker": f.worker, "nobody": {}, "somebody of South": survey.As("south", "community", apptest.South)} {
		if r, err := f.Field.Enter(t.Context(), who, s.ID, s.Content); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r, err := f.Field.Enter(t.Context(), north, s.ID, s.Content)
	if err != nil || r.Status != fieldwork.Accepted || !f.phone.Genuine(s, r) {
		t.Fatal(r, err)
	}
	if rec := f.record(t, s.ID); rec.Via != fieldwork.ViaPaper || rec.PhoneID != "" {
		t.Fatalf("%+v", rec)
	}
	if n := counted(t, f.World); n != 1 {
		t.Fatal(n)
	}
	own, err := f.Field.Enter(t.Context(), north, uuid.NewString(), f.visit(f.Homes[0].ID, "2.24").Content) // assigned to nobody
	if err != nil || own.Status != fieldwork.Accepted {
		t.Fatal(own, err)
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
