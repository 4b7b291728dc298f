package sample

import (
	"encoding/json"
	"fmt"
	"time"
)

// Plan is a sampling plan for a wave and a place, and its draw.
type Plan struct {
	ID         string `gorm:"primaryKey"`
	WaveID     string
	FrameID    string
	AreaCode   string
	Spec       string // JSON of a Spec
	Seed       string // 32 hexadecimal digits; "" until it is known
	CreatedBy  string
	CreatedAt  time.Time
	DrawnAt    *time.Time
	DrawnBy    string
	ResultHash string // of what was drawn
}

// TableName is sample_plans.
func (Plan) TableName() string { return "sample_plans" }

// ParseSpec reads what a plan stores.
func (p Plan) ParseSpec() (Spec, error) {
	var s Spec
	if err := json.Unmarshal([]byte(p.Spec), &s); err != nil {
		return s, fmt.Errorf("read the spec of plan %s: %w", p.ID, err)
	}
	return s, nil
}
