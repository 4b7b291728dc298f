package fieldwork

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// keys are what one secret of the installation gives: the key that answers are
// sealed to, the key that receipts are signed with, and that of the phones' keys.
type keys struct {
	seal   *ecdh.PrivateKey
	sign   *ecdsa.PrivateKey
	phones []byte
}

// sealInfo is what the key of sealed answers is derived with.
const sealInfo = "chengyin field answers"

// newKeys derives the keys from a secret.
func newKeys(secret []byte) (k keys, err error) {
	k.phones = derive(secret, "field phones", 0)
	// A scalar must be below the order of the curve, which one in 2^32 is not.
	for i := byte(0); k.seal == nil; i++ {
		if k.seal, err = ecdh.P256().NewPrivateKey(derive(secret, "field answers", i)); err != nil && i == 255 {
			return k, err
		}
	}
	for i := byte(0); k.sign == nil; i++ {
		if k.sign, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), derive(secret, "field receipts", i)); err != nil && i == 255 {
			return k, err
		}
	}
	return k, nil
}

func derive(secret []byte, purpose string, i byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write(append([]byte(purpose), i))
	return m.Sum(nil)
}

// sealKey returns the public key to which answers are sealed, as a point.
func (k keys) sealKey() string { return encode(k.seal.PublicKey().Bytes()) }

// signKey returns the public key by which receipts are checked, as a point.
func (k keys) signKey() (string, error) {
	b, err := k.sign.PublicKey.Bytes()
	return encode(b), err
}

// receiptText is what the signature of a receipt is over.
func receiptText(r Result) []byte {
	return []byte(strings.Join([]string{"chengyin field receipt", r.ID, r.Hash, r.Status, r.Reason, r.ReceivedAt}, "\n"))
}

// signReceipt returns the signature of a receipt, r and s in 32 bytes each.
func (k keys) signReceipt(r Result) (string, error) {
	digest := sha256.Sum256(receiptText(r))
	x, y, err := ecdsa.Sign(rand.Reader, k.sign, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign receipt: %w", err)
	}
	b := make([]byte, 64)
	x.FillBytes(b[:32])
	y.FillBytes(b[32:])
	return encode(b), nil
}

const (
	pointSize = 65
	nonceSize = 12
)

var errSealed = errors.New("cannot be opened")

// Seal seals a text to a public key, as a phone does with answers: bound to the id
// of their record.
func Seal(sealKey, id string, text []byte) (string, error) {
	point, err := decode(sealKey)
	if err != nil {
		return "", err
	}
	to, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return "", err
	}
	once, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	g, err := sharedGCM(once, to)
	if err != nil {
		return "", err
	}
	out := append(once.PublicKey().Bytes(), make([]byte, nonceSize)...)
	if _, err := rand.Read(out[pointSize:]); err != nil {
		return "", err
	}
	return encode(g.Seal(out, out[pointSize:], text, []byte(id))), nil
}

// open opens what was sealed to this key under the id of a record.
func (k keys) open(id, sealed string) ([]byte, error) {
	b, err := decode(sealed)
	if err != nil || len(b) < pointSize+nonceSize {
		return nil, errSealed
	}
	once, err := ecdh.P256().NewPublicKey(b[:pointSize])
	if err != nil {
		return nil, errSealed
	}
	g, err := sharedGCM(k.seal, once)
	if err != nil {
		return nil, err
	}
	return g.Open(nil, b[pointSize:pointSize+nonceSize], b[pointSize+nonceSize:], []byte(id))
}

func sharedGCM(ours *ecdh.PrivateKey, theirs *ecdh.PublicKey) (cipher.AEAD, error) {
	shared, err := ours.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, shared, nil, sealInfo, 32)
	if err != nil {
		return nil, err
	}
	return gcm(key)
}

// newPhoneKey returns a new key for what a phone keeps.
func newPhoneKey() ([]byte, error) {
	key := make([]byte, 32)
	_, err := rand.Read(key)
	return key, err
}

// hide seals a phone's key for the database, bound to the phone.
func (k keys) hide(phone string, key []byte) (string, error) {
	g, err := gcm(k.phones)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return hex.EncodeToString(g.Seal(nonce, nonce, key, []byte(phone))), nil
}

// show opens a phone's key from the database.
func (k keys) show(phone, hidden string) ([]byte, error) {
	g, err := gcm(k.phones)
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(hidden)
	if err != nil || len(b) < nonceSize {
		return nil, errSealed
	}
	return g.Open(nil, b[:nonceSize], b[nonceSize:], []byte(phone))
}

// openOnPhone opens what a phone has encrypted with its own key under the id of a
// record.
func openOnPhone(key []byte, id, iv, data string) ([]byte, error) {
	g, err := gcm(key)
	if err != nil {
		return nil, err
	}
	nonce, err1 := decode(iv)
	b, err2 := decode(data)
	if err1 != nil || err2 != nil || len(nonce) != nonceSize {
		return nil, errSealed
	}
	return g.Open(nil, nonce, b, []byte(id))
}

func gcm(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}
