package sample

import (
	"chengyin/survey"
)

// What the strata of a plan are.
const (
	ByCommunity   = "community"
	BySubdistrict = "subdistrict"
	Whole         = "whole" // the place of the plan as one stratum
)

// Stratifications lists them.
var Stratifications = []string{ByCommunity, BySubdistrict, Whole}

// What is drawn first, within a stratum.
const (
	Buildings   = "building"  // what the frame calls a building: a house, a block, an estate
	Entrances   = "entrance"  // a building's entrance, the frame's unit
	Communities = "community" // whole communities; the strata are then larger than those
)

// Stages lists them.
var Stages = []string{Buildings, Entrances, Communities}

// How PSUs are drawn within a stratum.
const (
	PPS   = "pps"   // the more households, the more likely
	Equal = "equal" // each PSU as likely as another
)

// Methods lists them.
var Methods = []string{PPS, Equal}

// How PSUs are divided among the strata.
const (
	Fixed        = "fixed"        // the same number in each
	Proportional = "proportional" // as the households
	Root         = "root"         // as the square root of the households, between the two
)

// Allocations lists them.
var Allocations = []string{Fixed, Proportional, Root}

// Spec is what a sampling plan says: what Draw follows, the rules of visiting, and
// what was expected when it was made.
type Spec struct {
	Stratify   string `json:"stratify"`
	Stage      string `json:"stage"`
	Method     string `json:"method"`
	Allocation string `json:"allocation"`
	PSUs       int    `json:"psus"`    // in each stratum when Fixed, else in all
	Take       int    `json:"take"`    // households visited in a PSU
	Reserve    int    `json:"reserve"` // households held in reserve in a PSU
	Rules      Rules  `json:"rules"`
	Expect     Expect `json:"expect"`
}

// Expect are the assumptions under which a plan's precision is worked out. The
// draw does not depend on them.
type Expect struct {
	Margin   float64 `json:"margin"`   // half the width of the interval aimed at, 0.05 for 5 points
	Level    float64 `json:"level"`    // of that interval
	Roh      float64 `json:"roh"`      // likeness within a PSU
	Response float64 `json:"response"` // share of the households that give an interview
}

// UsualSpec is what a new plan begins with. A likeness of 0.07 is in the middle of
// what attitudes show within buildings and villages.
var UsualSpec = Spec{
	Stratify: ByCommunity, Stage: Buildings, Method: PPS, Allocation: Fixed, PSUs: 4, Take: 8, Reserve: 4,
	Rules: UsualRules, Expect: Expect{Margin: 0.05, Level: 0.95, Roh: 0.07, Response: 0.6},
}

// Limits of what a plan may ask for.
const (
	mostPSUs    = 100_000
	mostTake    = 500
	mostReserve = 500
	mostVisits  = 20
)

// Check returns survey.ErrInvalid that names every wrong field.
func (s Spec) Check() error {
	var wrong []survey.Field
	listed := func(path, value string, of []string) {
		for _, x := range of {
			if x == value {
				return
			}
		}
		wrong = append(wrong, survey.Field{Path: path, Code: "field_not_listed"})
	}
	within := func(path string, value, low, high float64) {
		if !(value >= low && value <= high) {
			wrong = append(wrong, survey.Field{Path: path, Code: "field_out_of_range", Args: map[string]any{"min": low, "max": high}})
		}
	}
	listed("stratify", s.Stratify, Stratifications)
	listed("stage", s.Stage, Stages)
	listed("method", s.Method, Methods)
	listed("allocation", s.Allocation, Allocations)
	if s.Stage == Communities && s.Stratify == ByCommunity {
		wrong = append(wrong, survey.Field{Path: "stage", Code: "plan_stage_within"})
	}
	within("psus", float64(s.PSUs), fewest, mostPSUs)
	within("take", float64(s.Take), 1, mostTake)
	within("reserve", float64(s.Reserve), 0, mostReserve)
	within("rules.visits", float64(s.Rules.Visits), 1, mostVisits)
	listed("rules.replace", s.Rules.Replace, Replacements)
	listed("rules.select", s.Rules.Select, Selections)
	within("expect.margin", s.Expect.Margin, 0.001, 0.5)
	within("expect.level", s.Expect.Level, 0.5, 0.999)
	within("expect.roh", s.Expect.Roh, 0, 1)
	within("expect.response", s.Expect.Response, 0.01, 1)
	if len(wrong) > 0 {
		return survey.ErrInvalid.With(wrong...)
	}
	return nil
}
