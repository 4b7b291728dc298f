package collector

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strings"
)

// alphabet is Crockford's base32 in upper case: no I, L, O, U. A QR code stores
// it in its dense alphanumeric mode.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// A code is 5 digits of the collector's number (33 million of them) and 4 digits
// of a keyed signature: one in a million guessed codes is formed right, and then
// must still exist.
const (
	numberDigits    = 5
	signatureDigits = 4
	maxNumber       = 1<<(5*numberDigits) - 1
)

// Signer makes codes and knows its own.
type Signer struct {
	keys [][]byte // the newest first
}

// NewSigner returns a signer that keys codes by secret and also knows those that
// it keyed by older ones.
func NewSigner(secret []byte, older ...[]byte) *Signer {
	return &Signer{keys: slices.Concat([][]byte{secret}, older)}
}

// Code returns the code of a collector's number.
func (s *Signer) Code(number int64) string {
	n := encode(uint64(number), numberDigits)
	return n + signature(s.keys[0], n)
}

// Genuine reports whether the normalised code carries the right signature.
func (s *Signer) Genuine(code string) bool {
	if len(code) != numberDigits+signatureDigits {
		return false
	}
	n := code[:numberDigits]
	return slices.ContainsFunc(s.keys, func(key []byte) bool { return hmac.Equal([]byte(code[numberDigits:]), []byte(signature(key, n))) })
}

func signature(key []byte, number string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("collector:" + number))
	sum := m.Sum(nil)
	return encode(uint64(sum[0])<<16|uint64(sum[1])<<8|uint64(sum[2]), signatureDigits)
}

func encode(v uint64, digits int) string {
	b := make([]byte, digits)
	for i := digits - 1; i >= 0; i-- {
		b[i] = alphabet[v&31]
		v >>= 5
	}
	return string(b)
}

// Normalise returns a code as it is stored, however a person typed it: lower
// case, hyphens and blanks, O for 0, I and L for 1.
func Normalise(typed string) string {
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch r {
		case '-', ' ', '_', '.':
		case 'O':
			b.WriteByte('0')
		case 'I', 'L':
			b.WriteByte('1')
		default:
			b.WriteRune(r)
		}
		if b.Len() > 64 {
			break
		}
	}
	return b.String()
}

// Pretty groups a code for reading aloud: "7KX2M-4QTN".
func Pretty(code string) string {
	if len(code) != numberDigits+signatureDigits {
		return code
	}
	return code[:numberDigits] + "-" + code[numberDigits:]
}
