// Package account knows the people who sign in, checks their passwords and keeps
// their sessions.
package account

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"chengyin/survey"
)

// Account is a person who may sign in.
type Account struct {
	ID           string `gorm:"primaryKey"`
	Login        string
	Name         string
	Role         string // that the account was made with; its grants say what it may do
	AreaCode     string // where the person belongs, which decides who may manage the account
	PasswordHash string
	PasswordAt   *time.Time // when it was chosen; nil: with the account
	MustChange   bool       // the password was chosen by somebody else
	TOTPSecret   string     `gorm:"column:totp_secret"` // sealed; "" when no second factor was begun
	TOTPSince    *time.Time `gorm:"column:totp_since"`  // nil until the first code
	TOTPStep     int64      `gorm:"column:totp_step"`   // the last that was used
	Failures     int        // as versions before counted them; now sign_in_tries does
	DisabledAt   *time.Time
	CreatedAt    time.Time
}

// Errors of signing in.
var (
	// ErrSignIn does not tell which of the two was wrong.
	ErrSignIn = &survey.Error{Kind: survey.Unauthorized, Code: "sign_in_failed"}
	ErrLocked = &survey.Error{Kind: survey.TooMany, Code: "sign_in_locked"}
	// ErrTemporaryOver means that the password is right, but was for the first use
	// only, and nobody has used it for a week.
	ErrTemporaryOver = &survey.Error{Kind: survey.Unauthorized, Code: "sign_in_temporary_over"}
)

// HashCost is what a password's argon2id hash takes.
type HashCost struct {
	Passes uint32
	Memory uint32 // KiB
}

// Usual is the OWASP minimum of two passes over 19 MiB; about 30 ms.
var Usual = HashCost{2, 19 * 1024}

// Cost is what new hashes take. A test of something else lowers it before it begins.
var Cost = Usual

const (
	argonThreads = 1
	argonKey     = 32
)

// hashing bounds the memory that many sign-ins at once may take.
var hashing = make(chan struct{}, 4)

// hashed counts the hashes that were made: what a sign-in takes is told by that,
// and not by a clock, which other work on the machine disturbs.
var hashed atomic.Int64

// hashPassword returns the PHC string of the password.
func hashPassword(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, Cost.Memory, Cost.Passes, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(derive(password, salt, Cost.Passes, Cost.Memory, argonThreads)))
}

func derive(password string, salt []byte, passes, memory uint32, threads uint8) []byte {
	hashing <- struct{}{}
	hashed.Add(1)
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, passes, memory, threads, argonKey)
}

// passwordMatches reports whether the password has the PHC string hash.
func passwordMatches(hash, password string) bool {
	var version int
	var memory, passes uint32
	var threads uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &threads); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil {
		return false
	}
	return subtle.ConstantTimeCompare(derive(password, salt, passes, memory, threads), want) == 1
}

// newToken returns a session token of 256 random bits.
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func tokenHash(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}
