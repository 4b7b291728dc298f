package response

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"gorm.io/gorm/clause"

	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/event"
	"chengyin/survey/mask"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Report is what a resident says of the interview given at the door, by its receipt.
// It stands beside the answers, which are never changed by it, and neither those
// who interview nor their managers see it.
type Report struct {
	ID         string `gorm:"primaryKey"`
	ResponseID string // "" when the answers were deleted since
	WaveID     string
	AreaCode   string
	Kind       string
	Note       string // masked as any open text
	At         time.Time
	SeenAt     *time.Time
	SeenBy     string
	HandledAt  *time.Time
	HandledBy  string
	Word       string // what came of it, in the office's words
}

// TableName is resident_reports.
func (Report) TableName() string { return "resident_reports" }

// EarlyReport came before the interview that it is about: that is still on a phone
// without signal. It waits under a keyed hash of the receipt.
type EarlyReport struct {
	ReceiptHash   string `gorm:"primaryKey"`
	N             int    `gorm:"primaryKey"` // from 1 in the order in which they came
	ReceiptSealed string
	Kind          string
	Note          string
	At            time.Time
}

// TableName is early_reports.
func (EarlyReport) TableName() string { return "early_reports" }

// ReportKind is something that a resident may say, and the group that it is of.
type ReportKind struct{ Code, Group string }

// The groups of reports.
const (
	Confirmed = "confirmed" // it took place, and the answers are one's own
	Disputed  = "disputed"  // something is not right
	Pressure  = "pressure"  // somebody wanted other answers, or watched
)

// ReportKinds lists the kinds in the order in which residents read them. The words
// are in static/locale under "report.kind.CODE".
var ReportKinds = []ReportKind{
	{"confirmed", Confirmed},
	{"nobody_came", Disputed},
	{"not_me", Disputed},
	{"not_meant", Disputed},
	{"told_how", Pressure},
	{"watched", Pressure},
}

// ReportGroups lists the groups in the order in which people read them.
var ReportGroups = []string{Confirmed, Disputed, Pressure}

// The bounds of reports.
const (
	MostReports  = 5   // of one receipt
	LongestNote  = 200 // characters
	mostEarly    = 10_000
	triesOfEarly = MostReports + 1
)

// EarlyDays is how long a report waits for its interview.
const EarlyDays = 60

// Errors of reports.
var (
	// ErrNotVisit means that the receipt is not of an interview at the door.
	ErrNotVisit = &survey.Error{Kind: survey.Conflict, Code: "report_of_visits_only"}
	// ErrManyReports means that too many reports wait for their interviews.
	ErrManyReports = &survey.Error{Kind: survey.TooMany, Code: "reports_too_many"}
)

// WellFormed reports whether what was typed may be a receipt.
func WellFormed(code string) bool {
	code = collector.Normalise(code)
	return len(code) == receiptDigits && !strings.ContainsFunc(code, func(r rune) bool { return !strings.ContainsRune(alphabet, r) })
}

// Report keeps what a resident says of an interview, and reports whether the
// interview has arrived; a report that is earlier waits for it. The same said
// again changes nothing, and of one receipt no more than MostReports are kept: the
// caller is not told, since others than the resident may have read the receipt.
//
// Returns ErrNoReceipt for what is no receipt, survey.ErrInvalid that names the
// wrong field, ErrNotVisit, ErrErased and ErrManyReports.
func (s *Service) Report(ctx context.Context, code, kind, note string) (arrived bool, err error) {
	if !WellFormed(code) {
		return false, ErrNoReceipt
	}
	code, note = collector.Normalise(code), strings.TrimSpace(note)
	var wrong []survey.Field
	if !slices.ContainsFunc(ReportKinds, func(k ReportKind) bool { return k.Code == kind }) {
		wrong = append(wrong, survey.Field{Path: "kind", Code: "field_not_listed"})
	}
	if utf8.RuneCountInString(note) > LongestNote || !utf8.ValidString(note) {
		wrong = append(wrong, survey.Field{Path: "note", Code: "too_long", Args: map[string]any{"max": LongestNote}})
	}
	if len(wrong) > 0 {
		return false, survey.ErrInvalid.With(wrong...)
	}
	note, _ = mask.Text(strings.ReplaceAll(note, "\x00", ""))
	r, err := responseByReceipt(s.db.Read(ctx), code)
	if errors.Is(err, ErrNoReceipt) {
		if err := s.gone(ctx, s.receiptHashes(code), err); errors.Is(err, ErrErased) {
			return false, err
		}
		return false, s.reportEarly(ctx, code, kind, note)
	}
	if err != nil {
		return false, err
	}
	if r.Mode != collector.Visited {
		return true, ErrNotVisit
	}
	w, err := s.deps.Waves.ByID(ctx, r.WaveID)
	if err != nil {
		return true, err
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		// Whoever reports at the same time waits here, and so does a deletion.
		r, err := responseByReceipt(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), code)
		if err != nil {
			return err
		}
		return addReport(tx, w, Report{ResponseID: r.ID, AreaCode: r.AreaCode, Kind: kind, Note: note, At: tx.Now})
	})
	if errors.Is(err, ErrNoReceipt) { // it was deleted meanwhile
		return true, s.gone(ctx, s.receiptHashes(code), err)
	}
	return true, err
}

// addReport stores a report unless it is said already or there are enough. Its event
// tells neither what was said nor of which community: whoever audits a part of the
// wave may be close to those who interviewed.
func addReport(tx *store.Tx, w wave.Wave, r Report) error {
	if r.ResponseID != "" {
		var before []Report
		if err := tx.Where("response_id = ?", r.ResponseID).Limit(MostReports).Find(&before).Error; err != nil {
			return err
		}
		if len(before) >= MostReports || slices.ContainsFunc(before, func(x Report) bool { return x.Kind == r.Kind && x.Note == r.Note }) {
			return nil
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	r.ID, r.WaveID = id.String(), w.ID
	if err := tx.Create(&r).Error; err != nil {
		return fmt.Errorf("keep a report: %w", err)
	}
	return event.Write(tx, Respondent, event.Entry{Kind: "report.received", Object: r.ID, Area: w.AreaCode, Payload: map[string]string{"wave": w.ID}})
}

// reportEarly keeps a report whose interview has not arrived. The key of the table
// decides which number it has among those of its receipt.
func (s *Service) reportEarly(ctx context.Context, code, kind, note string) error {
	hashes := s.earlyHashes(code)
	sealed, err := seal(s.earlyKey(0), hashes[0], []byte(code))
	if err != nil {
		return err
	}
	for range triesOfEarly {
		err = s.db.InTx(ctx, func(tx *store.Tx) error {
			var before []EarlyReport
			if err := tx.Where("receipt_hash IN ?", hashes).Limit(MostReports).Find(&before).Error; err != nil {
				return err
			}
			if len(before) >= MostReports || slices.ContainsFunc(before, func(x EarlyReport) bool { return x.Kind == kind && x.Note == note }) {
				return nil
			}
			if len(before) == 0 {
				var all int64
				if err := tx.Model(&EarlyReport{}).Count(&all).Error; err != nil {
					return err
				}
				if all >= mostEarly {
					return ErrManyReports
				}
			}
			return tx.Create(&EarlyReport{ReceiptHash: hashes[0], N: len(before) + 1, ReceiptSealed: sealed, Kind: kind, Note: note, At: tx.Now}).Error
		})
		if !store.IsDuplicate(err) {
			break
		}
	}
	return err
}

// TakeUpReports brings the reports that were earlier than their interviews to those
// that have arrived since. It may run at any time and in several processes.
func (s *Service) TakeUpReports(ctx context.Context) error {
	var waiting []EarlyReport
	if err := s.db.Read(ctx).Select("receipt_hash, receipt_sealed").Where("n = 1").Find(&waiting).Error; err != nil {
		return err
	}
	for part := range slices.Chunk(waiting, 500) {
		receipts, hashes := make([]string, 0, len(part)), map[string]string{}
		for _, x := range part {
			receipt, err := s.unsealEarly(x)
			if err != nil {
				continue // by a secret that is gone: it goes when its time is over
			}
			receipts, hashes[receipt] = append(receipts, receipt), x.ReceiptHash
		}
		var arrived []Response
		if err := s.db.Read(ctx).Select("id, wave_id, area_code, mode, receipt").Where("receipt IN ?", receipts).Find(&arrived).Error; err != nil {
			return err
		}
		for _, r := range arrived {
			if err := s.takeUp(ctx, hashes[r.Receipt], r); err != nil {
				return err
			}
			delete(hashes, r.Receipt)
		}
		if err := s.takeUpErased(ctx, hashes); err != nil {
			return err
		}
	}
	return nil
}

// takeUp brings what waits under the hash to the response. What says something of a
// scanned answer has no meaning and goes.
func (s *Service) takeUp(ctx context.Context, hash string, r Response) error {
	w, err := s.deps.Waves.ByID(ctx, r.WaveID)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		var held []Response
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Select("id").Where("id = ?", r.ID).Find(&held).Error; err != nil {
			return err
		}
		if len(held) == 0 && r.ID != "" {
			return nil // it was deleted meanwhile: the next look finds its tombstone
		}
		early, err := earlyOf(tx, hash)
		if err != nil {
			return err
		}
		for _, x := range early {
			if r.Mode != collector.Visited {
				break
			}
			if err := addReport(tx, w, Report{ResponseID: r.ID, AreaCode: r.AreaCode, Kind: x.Kind, Note: x.Note, At: x.At}); err != nil {
				return err
			}
		}
		return tx.Where("receipt_hash = ?", hash).Delete(&EarlyReport{}).Error
	})
}

// takeUpErased finds those whose answers arrived and were deleted by receipt before
// anybody looked: what was reported counts all the same.
func (s *Service) takeUpErased(ctx context.Context, hashes map[string]string) error {
	for receipt, hash := range hashes {
		stone, err := tombstoneByReceipt(s.db.Read(ctx), s.receiptHashes(receipt))
		if errors.Is(err, ErrNoReceipt) {
			continue
		}
		if err != nil {
			return err
		}
		w, err := s.deps.Waves.ByID(ctx, stone.WaveID)
		if err != nil {
			return err
		}
		if err := s.takeUp(ctx, hash, Response{WaveID: w.ID, AreaCode: w.AreaCode, Mode: collector.Visited}); err != nil {
			return err
		}
	}
	return nil
}

// TakeUpWithout brings what waits under a receipt to the place of an interview that
// came without answers that could be kept: what was reported of it counts.
func (s *Service) TakeUpWithout(tx *store.Tx, receipt string, w wave.Wave, area string) error {
	for _, hash := range s.earlyHashes(collector.Normalise(receipt)) {
		early, err := earlyOf(tx, hash)
		if err != nil {
			return err
		}
		for _, x := range early {
			if err := addReport(tx, w, Report{AreaCode: area, Kind: x.Kind, Note: x.Note, At: x.At}); err != nil {
				return err
			}
		}
		if err := tx.Where("receipt_hash = ?", hash).Delete(&EarlyReport{}).Error; err != nil {
			return err
		}
	}
	return nil
}

// earlyOf returns what waits under a hash in its order, and holds it.
func earlyOf(tx *store.Tx, hash string) (out []EarlyReport, err error) {
	err = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("receipt_hash = ?", hash).Order("n").Find(&out).Error
	return out, err
}

// earlyHashes returns what an early report may stand under: by the present secret
// first, then by older ones.
func (s *Service) earlyHashes(receipt string) []string {
	out := make([]string, len(s.keys))
	for i, key := range s.keys {
		m := hmac.New(sha256.New, key)
		m.Write([]byte("reported receipt:" + receipt))
		out[i] = hex.EncodeToString(m.Sum(nil))
	}
	return out
}

func (s *Service) earlyKey(i int) []byte {
	m := hmac.New(sha256.New, s.keys[i])
	m.Write([]byte("receipts of early reports"))
	return m.Sum(nil)
}

func (s *Service) unsealEarly(x EarlyReport) (receipt string, err error) {
	for i := range s.keys {
		var raw []byte
		if raw, err = unseal(s.earlyKey(i), x.ReceiptHash, x.ReceiptSealed); err == nil {
			return string(raw), nil
		}
	}
	return "", err
}
