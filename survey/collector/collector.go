// Package collector keeps the codes behind which answers are collected: one for
// each wave, area, channel and slot, such as the third poster of a community.
package collector

import (
	"time"

	"chengyin/survey"
	"chengyin/survey/wave"
)

// The channels, and the mode of answering that each belongs to.
const (
	Poster = "poster"
	WeChat = "wechat"
	Unit   = "unit"
	Visit  = "visit"
)

// Channels lists the channels.
var Channels = []string{Poster, WeChat, Unit, Visit}

// The modes of answering.
const (
	Scanned = "scan"  // self-selected: whoever scans the code
	Visited = "visit" // a drawn household
)

// Collector is a code and the place that its answers are counted for.
type Collector struct {
	ID         string `gorm:"primaryKey"`
	Number     int64
	Code       string
	WaveID     string
	AreaCode   string
	UnitCode   *string
	Channel    string
	Slot       int
	Place      string // where it hangs, for the people who look after it
	ExpiresAt  *time.Time
	RevokedAt  *time.Time
	RevokedWhy string
	CreatedAt  time.Time
}

// Mode returns Visited for the channel of interviewers, Scanned for all others.
func (c Collector) Mode() string {
	if c.Channel == Visit {
		return Visited
	}
	return Scanned
}

// State is whether a collector takes answers, and why not.
type State string

// The states of a collector.
const (
	Open    State = "open"
	NotYet  State = "not_yet"
	Closed  State = "closed"
	Expired State = "expired"
	Revoked State = "revoked"
)

// StateAt returns the collector's state in its wave.
func (c Collector) StateAt(w wave.Wave, now time.Time) State {
	switch {
	case c.RevokedAt != nil && !now.Before(*c.RevokedAt):
		return Revoked
	case !w.Started(now):
		return NotYet
	case w.Over(now):
		return Closed
	case c.ExpiresAt != nil && !now.Before(*c.ExpiresAt):
		return Expired
	}
	return Open
}

// Errors of this package.
var (
	// ErrNotFound means that there is no such code, or none that the actor sees.
	ErrNotFound = &survey.Error{Kind: survey.NotFound, Code: "collector_not_found"}
	// ErrSlotTaken means that the wave has a collector for the area, channel and
	// slot already.
	ErrSlotTaken = &survey.Error{Kind: survey.Conflict, Code: "collector_slot_taken"}
)
