// Package fieldwork is the work from door to door: who visits which household, what
// came of each visit, and how it gets from a phone without signal into the
// database, each record once.
package fieldwork

import (
	"time"

	"chengyin/survey"
	"chengyin/survey/sample"
)

// Assignment gives a household to whoever visits it.
type Assignment struct {
	UnitID     string `gorm:"primaryKey"`
	WaveID     string
	AreaCode   string
	AccountID  string
	AssignedBy string
	AssignedAt time.Time
}

// TableName is assignments.
func (Assignment) TableName() string { return "assignments" }

// Phone is a browser in which a worker has signed in for field work.
type Phone struct {
	ID          string `gorm:"primaryKey"` // made by the phone
	AccountID   string
	Name        string // what kind of phone, in a few words
	TokenHash   string
	KeySealed   string // the key of what the phone keeps, sealed with the installation's secret
	CreatedAt   time.Time
	SeenAt      time.Time
	LeaseUntil  time.Time // until then the phone works without signal
	Waiting     int       // records that it had not sent yet when last seen
	OffsetMS    int64     `gorm:"column:offset_ms"` // its clock minus ours
	LockedAt    *time.Time
	LockedBy    string
	SignedOutAt *time.Time
}

// TableName is field_phones.
func (Phone) TableName() string { return "field_phones" }

// The status of a record.
const (
	Accepted    = "accepted"
	Quarantined = "quarantined" // kept, not counted, for the reason given
	Conflict    = "conflict"    // the id is known with other content: both are kept
)

// The ways a record comes in by.
const (
	ViaPhone = "phone"
	ViaPaper = "paper"
)

// Record is a visit as it was sent. It is never changed.
type Record struct {
	ID         string `gorm:"primaryKey"` // made by the phone
	WaveID     string // as sent
	UnitID     string // as sent
	AreaCode   string
	AccountID  string
	PhoneID    string // "" of paper
	Via        string
	Outcome    string
	Adults     *int
	MadeAt     time.Time // by the phone's clock, put right by OffsetMS
	OffsetMS   int64     `gorm:"column:offset_ms"`
	ReceivedAt time.Time
	Hash       string // SHA-256 of Content
	Content    string // the bytes that were sent; answers in it are sealed
	Status     string
	Reason     string // why it is in quarantine
	ResponseID *string
	Signature  string
}

// TableName is field_records.
func (Record) TableName() string { return "field_records" }

// Rival is other content that came under the id of a record. It is kept for review.
type Rival struct {
	RecordID   string `gorm:"primaryKey"`
	Hash       string `gorm:"primaryKey"`
	Content    string
	PhoneID    string
	ReceivedAt time.Time
	ReviewedAt *time.Time
	Signature  string
}

// TableName is field_rivals.
func (Rival) TableName() string { return "field_rivals" }

// Home is where a drawn household stands: what its accepted records add up to. It
// is made anew from them in the transaction that stores one, so that it does not
// depend on the order in which they come.
type Home struct {
	UnitID   string `gorm:"primaryKey"`
	WaveID   string
	AreaCode string
	Stratum  string
	PSU      string `gorm:"column:psu"`
	Reserve  bool
	IsOpen   bool   // to be visited (again)
	Outcome  string // NotVisited at first
	Visits   int
	Periods  int // times of day at which somebody was there: 1 morning, 2 afternoon, 4 evening, 8 weekend, added up
	LastAt   *time.Time
	Adults   *int
}

// TableName is field_homes.
func (Home) TableName() string { return "field_homes" }

// Rules are what a sampling plan says of visits.
type Rules = sample.Rules

// When a household of the reserve may be visited in the place of another, and how
// the adult is chosen.
const (
	ReplaceNever       = sample.ReplaceNever
	ReplaceNotEligible = sample.ReplaceNotEligible
	ReplaceClosed      = sample.ReplaceClosed
	SelectKish         = sample.SelectKish
	SelectBirthday     = sample.SelectBirthday
)

// UsualRules are those of a plan that says nothing, and of units without a plan.
var UsualRules = sample.UsualRules

// Errors of this package.
var (
	// ErrPhoneUnknown means that the phone has to sign in.
	ErrPhoneUnknown = &survey.Error{Kind: survey.Unauthorized, Code: "phone_unknown"}
	// ErrPhoneLocked means that the office has locked the phone, or the account was
	// closed. The phone forgets its key.
	ErrPhoneLocked = &survey.Error{Kind: survey.Denied, Code: "phone_locked"}
	// ErrNotFound means that there is no such household, or none that the actor sees.
	ErrNotFound = &survey.Error{Kind: survey.NotFound, Code: "household_not_found"}
)
