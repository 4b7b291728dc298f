// Package response takes answers in, each exactly once. The unique key of the
// response's id decides, the answer is on the disk before its receipt is given,
// and answers are never changed afterwards.
package response

import (
	"time"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/wave"
)

// The status of a response.
const (
	Counted     = "counted"
	Quarantined = "quarantined" // kept, not counted, for the reason given
)

// The ways a response comes in by.
const (
	ViaPage = "page" // the resident's page with its script
	ViaForm = "form" // the same page without JavaScript
	ViaAPI  = "api"
)

// Response is a stored submission.
type Response struct {
	ID              string `gorm:"primaryKey"`
	WaveID          string
	CollectorID     string
	AreaCode        string
	SampleUnitID    *string
	QuestionnaireID string
	Mode            string
	Via             string
	Lang            string
	Answers         string // canonical JSON
	AnswersHash     string
	Masked          int // items that were taken out of open texts before they were stored
	Status          string
	Reason          string // why it is in quarantine
	Receipt         string
	IssuedAt        time.Time  // the ticket's
	StartedAt       *time.Time // by the respondent's clock
	ReceivedAt      time.Time
}

// Rival is another set of answers that was sent under the id of a response. It
// is kept for review and never counted.
type Rival struct {
	ResponseID  string `gorm:"primaryKey"`
	AnswersHash string `gorm:"primaryKey"`
	Answers     string
	Via         string
	ReceivedAt  time.Time
	ReviewedAt  *time.Time
}

// TableName is response_rivals.
func (Rival) TableName() string { return "response_rivals" }

// Receipt is what the respondent keeps.
type Receipt struct {
	Code       string // "K7QX-2MPD-9ABC"
	ID         string
	ReceivedAt time.Time
	Status     string
	Mode       string
	Wave       wave.Wave
	Area       area.Area
}

// Sheet is all that a page needs to ask the questions of a collector.
type Sheet struct {
	Collector     collector.Collector
	State         collector.State
	Wave          wave.Wave
	Area          area.Area
	Questionnaire *questionnaire.Definition
	Ticket        Ticket
}

// Ticket binds the id of a response to a collector and a time.
type Ticket struct {
	ID    string
	Token string
}

// Submission is what a respondent sends.
type Submission struct {
	Code      string // the collector's
	ID        string
	Ticket    string
	Lang      string
	Via       string
	StartedAt *time.Time
	Answers   questionnaire.Answers
	Household string // of a visit: the drawn household
	Device    string // the phone's random token; kept only as a keyed hash, for a while
	Net       string // where it came from, as Net gives it; kept for a while
}

// Tombstone stands where a response was that its respondent had deleted, so that
// sending it again does not bring it back.
type Tombstone struct {
	ResponseID  string `gorm:"primaryKey"`
	ReceiptHash string
	WaveID      string
	ErasedAt    time.Time
}

// TableName is response_tombstones.
func (Tombstone) TableName() string { return "response_tombstones" }

// Errors of this package.
var (
	// ErrDiffers means that the id is known with other answers. The first stand;
	// the others are kept for review.
	ErrDiffers = &survey.Error{Kind: survey.Conflict, Code: "response_differs"}
	// ErrTicket means that the ticket was not given for this id and collector.
	ErrTicket = &survey.Error{Kind: survey.Invalid, Code: "ticket_invalid", Fields: []survey.Field{{Path: "ticket", Code: "ticket_invalid"}}}
	// ErrWrongAnswers names every question that is answered wrongly.
	ErrWrongAnswers = &survey.Error{Kind: survey.Invalid, Code: "answers_invalid"}
	// ErrTooYoung means that somebody younger than 14 filled the questions in.
	// Nothing is kept of it.
	ErrTooYoung = &survey.Error{Kind: survey.Denied, Code: "too_young"}
	// ErrErased means that the respondent had the answers deleted.
	ErrErased = &survey.Error{Kind: survey.Gone, Code: "response_erased"}
	// ErrNoReceipt means that there is no such receipt.
	ErrNoReceipt = &survey.Error{Kind: survey.NotFound, Code: "receipt_not_found"}
)
