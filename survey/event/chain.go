package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"chengyin/survey/store"
)

// head is an end of the chain: the last event, under the name chain, or the last
// one that was removed after its time, under the name cut. The seal keeps others
// than the platform from moving it.
type head struct {
	Name  string `gorm:"primaryKey"`
	Seq   int64
	MAC   string `gorm:"column:mac"`
	Older int64  // of the cut: how many events from before the chain have been removed
	KeyID string
	Seal  string
}

func (head) TableName() string { return "event_heads" }

const (
	chain = "chain"
	cut   = "cut"
)

// Doubted is the kind of the event that says that the end of the chain carried a
// wrong seal when the next event was written. Its payload is what was found.
const Doubted = "audit.doubted"

type doubt struct {
	Seq   int64  `json:"seq"`
	MAC   string `json:"mac"`
	KeyID string `json:"key"`
	Seal  string `json:"seal"`
}

// chainKey is a key with the name that is written beside what it made.
type chainKey struct {
	id  string
	key []byte
}

// ring holds the keys of the chain.
type ring struct {
	newest chainKey
	all    map[string]chainKey
}

func newRing(keys [][]byte) ring {
	r := ring{all: map[string]chainKey{}}
	for i, k := range keys {
		x := chainKey{id: KeyID(k), key: k}
		r.all[x.id] = x
		if i == 0 {
			r.newest = x
		}
	}
	if len(keys) == 0 {
		r.newest = chainKey{id: KeyID(nil)}
		r.all[r.newest.id] = r.newest
	}
	return r
}

// KeyID returns the name of a key of the chain, which tells nothing of the key.
func KeyID(key []byte) string { return code(key, "name of the key")[:16] }

// seal ties the place of an end to the newest key.
func (r ring) seal(h *head) {
	h.KeyID = r.newest.id
	h.Seal = h.code(r.newest.key)
}

// sealed reports whether one of the keys has sealed the end.
func (r ring) sealed(h head) bool {
	k, known := r.all[h.KeyID]
	return known && hmac.Equal([]byte(h.Seal), []byte(h.code(k.key)))
}

func (h head) code(key []byte) string { return code(key, h.Name, h.Seq, h.MAC, h.Older) }

// mac returns the code that ties the event to the one before it. Without the key
// nobody can make one.
func (e Event) mac(key []byte, before string) string {
	var seq int64
	if e.Seq != nil {
		seq = *e.Seq
	}
	return code(key, before, seq, e.ID, e.At.UnixMicro(), e.Kind, e.Actor, e.AccountID, e.Via, e.Source, e.RequestID, e.Object, e.AreaCode, e.Result, e.Payload, e.KeyID)
}

// code returns the keyed hash of texts and numbers.
func code(key []byte, of ...any) string {
	text, err := json.Marshal(of)
	if err != nil {
		panic("event: " + err.Error()) // texts and numbers can always be written
	}
	m := hmac.New(sha256.New, key)
	m.Write(text)
	return hex.EncodeToString(m.Sum(nil))
}

func saveHead(tx *store.Tx, h head) error {
	return tx.Model(&head{}).Where("name = ?", h.Name).
		Updates(map[string]any{"seq": h.Seq, "mac": h.MAC, "older": h.Older, "key_id": h.KeyID, "seal": h.Seal}).Error
}
