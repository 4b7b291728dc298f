package response

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm/clause"

	"chengyin/survey/collector"
	"chengyin/survey/store"
)

// Trace is what is known for a short time of how a response came in. It serves to
// doubt, never to find somebody, and nobody's answers are refused for it.
type Trace struct {
	ResponseID string `gorm:"primaryKey"`
	WaveID     string
	DeviceHash string // keyed with the wave's key; "" when unknown or erased
	SourceNet  string // the network's address, "203.0.113.0/24"; "" when unknown or erased
	Reason     string // what a reviewer should look at; "" when nothing
	ReceivedAt time.Time
}

// TableName is response_traces.
func (Trace) TableName() string { return "response_traces" }

// DeviceRepeat is the reason of responses that came from one phone. A household
// may share one, so they are counted all the same.
const DeviceRepeat = "device_repeat"

// WaveKey is the key of the device hashes of a wave, sealed with the
// installation's secret. When it is destroyed, nobody can link a phone to them.
type WaveKey struct {
	WaveID      string `gorm:"primaryKey"`
	KeyID       string
	Sealed      string // nonce and AES-GCM of the key, as hex; "" when destroyed
	CreatedAt   time.Time
	DestroyedAt *time.Time
}

// TableName is wave_keys.
func (WaveKey) TableName() string { return "wave_keys" }

// Net returns the network of an address, coarse enough to be nobody's: 256
// addresses of IPv4, /48 of IPv6; "" of what is no address.
func Net(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// longestDevice bounds a token. Longer ones are not ours.
const longestDevice = 64

// trace returns what is kept of how the answers came in. The token of the phone
// goes no further than here. Interviewers hand one tablet to many people, so of
// visits the device tells nothing; neither is it kept of late answers, when the
// key may be gone.
func (s *Service) trace(ctx context.Context, f fieldwork, in Submission, r Response) (Trace, error) {
	t := Trace{ResponseID: r.ID, WaveID: r.WaveID, SourceNet: in.Net, ReceivedAt: r.ReceivedAt}
	if in.Device == "" || len(in.Device) > longestDevice || r.Mode == collector.Visited || !f.wave.Open(r.ReceivedAt) {
		return t, nil
	}
	key, err := s.waveKey(ctx, f.wave.ID)
	if err != nil || key == nil {
		return t, err
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(in.Device))
	t.DeviceHash = hex.EncodeToString(m.Sum(nil)[:16])
	return t, nil
}

// waveKey returns the key of a wave, which the first answer makes; nil when it was
// destroyed.
func (s *Service) waveKey(ctx context.Context, wave string) ([]byte, error) {
	s.mu.Lock()
	key, ok := s.waveKeys[wave]
	s.mu.Unlock()
	if ok {
		return key, nil
	}
	row, err := waveKeyOf(s.db.Read(ctx), wave)
	if store.NotFound(err) {
		row, err = s.newWaveKey(ctx, wave)
	}
	if err != nil {
		return nil, fmt.Errorf("key of wave %s: %w", wave, err)
	}
	if row.Sealed == "" {
		return nil, nil
	}
	if key, err = s.open(ctx, row); err != nil {
		return nil, fmt.Errorf("key of wave %s: %w", wave, err)
	}
	s.mu.Lock()
	s.waveKeys[wave] = key
	s.mu.Unlock()
	return key, nil
}

// newWaveKey makes a key, or returns the one that somebody made meanwhile.
func (s *Service) newWaveKey(ctx context.Context, wave string) (row WaveKey, err error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return row, err
	}
	sealed, err := seal(sealing(s.keys[0]), wave, key)
	if err != nil {
		return row, err
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) (err error) {
		k := WaveKey{WaveID: wave, KeyID: uuid.NewString(), Sealed: sealed, CreatedAt: tx.Now}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&k).Error; err != nil {
			return err
		}
		row, err = waveKeyOf(tx.DB, wave)
		return err
	})
	return row, err
}

// Forget drops the key of a wave from memory: it has been destroyed.
func (s *Service) Forget(wave string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.waveKeys[wave])
	delete(s.waveKeys, wave)
}

// open unseals a key. One that is sealed with an older secret is sealed with the
// present one at once, so that the older can be done away with.
func (s *Service) open(ctx context.Context, row WaveKey) (key []byte, err error) {
	for i, secret := range s.keys {
		if key, err = unseal(sealing(secret), row.WaveID, row.Sealed); err != nil {
			continue
		}
		if i == 0 {
			return key, nil
		}
		sealed, err := seal(sealing(s.keys[0]), row.WaveID, key)
		if err != nil {
			return nil, err
		}
		return key, s.db.InTx(ctx, func(tx *store.Tx) error { // unless it was destroyed meanwhile
			return tx.Model(&WaveKey{}).Where("wave_id = ? AND sealed = ?", row.WaveID, row.Sealed).Update("sealed", sealed).Error
		})
	}
	return nil, err
}

func sealing(secret []byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("keys of waves"))
	return m.Sum(nil)
}

// seal encrypts a wave's key, bound to the wave.
func seal(with []byte, wave string, key []byte) (string, error) {
	g, err := gcm(with)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, g.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return hex.EncodeToString(g.Seal(nonce, nonce, key, []byte(wave))), nil
}

func unseal(with []byte, wave, sealed string) ([]byte, error) {
	g, err := gcm(with)
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(sealed)
	if err != nil || len(b) < g.NonceSize() {
		return nil, fmt.Errorf("the sealed key is damaged")
	}
	return g.Open(nil, b[:g.NonceSize()], b[g.NonceSize():], []byte(wave))
}

func gcm(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}
