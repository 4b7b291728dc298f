package response

import "crypto/rand"

// NewReceipt returns a receipt's code for a slip that is printed before anybody has
// answered.
func NewReceipt() (string, error) {
	b := make([]byte, receiptDigits)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b), nil
}
