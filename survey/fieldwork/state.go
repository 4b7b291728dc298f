package fieldwork

import (
	"slices"
	"strings"
	"time"
)

// The times of day of a visit, and how Home.Periods adds them up.
const (
	Morning   = "morning"   // before 12
	Afternoon = "afternoon" // before 18
	Evening   = "evening"

	morningBit   = 1
	afternoonBit = 2
	eveningBit   = 4
	weekendBit   = 8
)

// China is the time that field work is done by.
var China = time.FixedZone("UTC+8", 8*60*60)

// PeriodOf returns the time of day, and whether it is a Saturday or Sunday.
func PeriodOf(t time.Time) (period string, weekend bool) {
	t = t.In(China)
	weekend = t.Weekday() == time.Saturday || t.Weekday() == time.Sunday
	switch {
	case t.Hour() < 12:
		return Morning, weekend
	case t.Hour() < 18:
		return Afternoon, weekend
	}
	return Evening, weekend
}

// Visit is what the state of a household follows from: an accepted record, without
// what was noted or answered.
type Visit struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
	Period  string    `json:"period"`
	Weekend bool      `json:"weekend"`
	Adults  *int      `json:"adults,omitempty"`
}

// State is where a household stands.
type State struct {
	Open    bool       `json:"open"` // to be visited (again)
	Outcome string     `json:"outcome"`
	Visits  int        `json:"visits"`
	Periods int        `json:"periods"`
	LastAt  *time.Time `json:"last_at"`
	Adults  *int       `json:"adults"`
}

// StateOf adds up the accepted records of a household, in whatever order they are
// given. A phone computes the same from the same cases (testdata/states.json).
//
// The outcome is the best that is known: an interview before one that was broken
// off late, then a refusal, then the last outcome that ends the visits; and while
// nothing ends them the last that tells most: that a household lives there before
// that somebody opened, before nothing.
func StateOf(visits []Visit, rules Rules) State {
	s := State{Open: rules.Visits > 0, Outcome: NotVisited}
	sorted := slices.Clone(visits)
	slices.SortFunc(sorted, func(a, b Visit) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	best := 0
	for _, v := range sorted {
		s.Visits++
		at := v.At
		s.LastAt = &at
		if v.Adults != nil {
			n := *v.Adults
			s.Adults = &n
		}
		switch v.Period {
		case Morning:
			s.Periods |= morningBit
		case Afternoon:
			s.Periods |= afternoonBit
		case Evening:
			s.Periods |= eveningBit
		}
		if v.Weekend {
			s.Periods |= weekendBit
		}
		o, _ := OutcomeOf(v.Outcome)
		if r := rank(o); r >= best {
			best, s.Outcome = r, v.Outcome
		}
	}
	s.Open = s.Visits < rules.Visits && best < final
	return s
}

// final is the least rank of an outcome that ends the visits.
const final = 5

// rank orders outcomes by what a household's state makes of them.
func rank(o Outcome) int {
	switch {
	case o.Group == Complete:
		return final + 3
	case o.Group == Partial:
		return final + 2
	case o.Code == Refused:
		return final + 1
	case !o.Again:
		return final
	case o.Group == NonContact:
		return 3
	case o.Group == UnknownPerson:
		return 2
	}
	return 1
}

// Standing is a household of a PSU as Turn looks at it.
type Standing struct {
	ID      string `json:"id"`
	Reserve bool   `json:"reserve"`
	Open    bool   `json:"open"`
	Outcome string `json:"outcome"`
}

// Turn returns the ids of the households of the reserve that may be visited. The
// homes are those of one PSU in the order of their positions. From the front of the
// reserve as many are opened as closed households may be replaced: of the first
// ones, and of the reserve that was opened so far.
func Turn(homes []Standing, rules Rules) []string {
	open := []string{}
	replaced := 0
	for _, h := range homes {
		if !h.Reserve && replaceable(h, rules) {
			replaced++
		}
	}
	for _, h := range homes {
		if !h.Reserve {
			continue
		}
		if len(open) >= replaced {
			break
		}
		open = append(open, h.ID)
		if replaceable(h, rules) {
			replaced++
		}
	}
	return open
}

// replaceable reports whether another household may be visited in the place of
// this one.
func replaceable(h Standing, rules Rules) bool {
	if h.Open || h.Outcome == NotVisited {
		return false
	}
	o, _ := OutcomeOf(h.Outcome)
	switch rules.Replace {
	case ReplaceClosed:
		return o.Group != Complete && o.Group != Partial
	case ReplaceNotEligible:
		return o.Group == NotEligible
	}
	return false
}
