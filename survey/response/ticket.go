package response

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A ticket is 16 bytes of id, 8 of the collector's number, 8 of the time in
// microseconds and 16 of a keyed signature. Giving one out writes nothing; it is
// used up by the unique key of the response's id.
const (
	ticketBody = 16 + 8 + 8
	ticketSize = ticketBody + 16
)

// ticketLife is how long answers may wait on a phone. Later ones are still kept,
// in quarantine.
const ticketLife = 30 * 24 * time.Hour

// newTicket returns a ticket for a new response to the collector.
func newTicket(key []byte, number int64, now time.Time) (Ticket, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Ticket{}, err
	}
	b := make([]byte, ticketBody, ticketSize)
	copy(b, id[:])
	binary.BigEndian.PutUint64(b[16:], uint64(number))
	binary.BigEndian.PutUint64(b[24:], uint64(now.UnixMicro()))
	b = append(b, sign(key, "ticket:", b)...)
	return Ticket{ID: id.String(), Token: base64.RawURLEncoding.EncodeToString(b)}, nil
}

// readTicket returns when the ticket was given. Returns ErrTicket when it was not
// given for this id and collector with one of the keys, or in the future.
func readTicket(keys [][]byte, token, id string, number int64, now time.Time) (issued time.Time, err error) {
	b, e := base64.RawURLEncoding.DecodeString(token)
	if e != nil || len(b) != ticketSize ||
		!slices.ContainsFunc(keys, func(key []byte) bool { return hmac.Equal(b[ticketBody:], sign(key, "ticket:", b[:ticketBody])) }) {
		return time.Time{}, ErrTicket
	}
	u, e := uuid.Parse(id)
	if e != nil || u != uuid.UUID(b[:16]) || binary.BigEndian.Uint64(b[16:]) != uint64(number) {
		return time.Time{}, ErrTicket
	}
	issued = time.UnixMicro(int64(binary.BigEndian.Uint64(b[24:]))).UTC()
	if issued.After(now.Add(5 * time.Minute)) {
		return time.Time{}, ErrTicket
	}
	return issued, nil
}

func sign(key []byte, purpose string, b []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(purpose))
	m.Write(b)
	return m.Sum(nil)[:16]
}

const receiptDigits = 12

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// receiptOf returns the receipt of a response: 60 keyed bits of its id, so that
// it is the same however often it is asked for, and cannot be guessed.
func receiptOf(key []byte, id string) string {
	v := binary.BigEndian.Uint64(sign(key, "receipt:", []byte(id)))
	b := make([]byte, receiptDigits)
	for i := range b {
		b[i] = alphabet[v&31]
		v >>= 5
	}
	return string(b)
}

// Pretty groups a receipt by four for reading aloud.
func Pretty(receipt string) string {
	var parts []string
	for len(receipt) > 4 {
		parts = append(parts, receipt[:4])
		receipt = receipt[4:]
	}
	return strings.Join(append(parts, receipt), "-")
}
