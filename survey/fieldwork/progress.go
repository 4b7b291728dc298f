package fieldwork

import (
	"math/bits"
	"slices"
	"strings"

	"chengyin/survey"
	"chengyin/survey/sample"
)

// Progress counts the households of a place by where they stand. Those that are
// due are the drawn ones and the opened ones of the reserve:
//
//	Drawn + Opened = Complete + Partial + Refused + NotEligible + Other + Left
type Progress struct {
	Drawn       int // to be visited by the plan
	Reserve     int // kept for when one of those is closed
	Opened      int // of the reserve, whose turn has come
	Assigned    int // due, and somebody has it
	Visited     int // due, and somebody was at the door
	Contacted   int // somebody of the household was met
	Complete    int
	Partial     int
	Refused     int
	NotEligible int
	Other       int // closed for another reason: nobody home as often as planned, no common language
	Left        int // to be visited, for the first time or again
	Unassigned  int // of those: nobody has it
	CallBacks   CallBacks
}

// CallBacks says at which times of day households were visited again. A door that
// is tried at one time of day only says little of who lives behind it.
type CallBacks struct {
	Again   int // due, and visited at least twice
	SameDay int // of those: always at the same time of day
	Waiting int // visited, and to be visited again
	NoLate  int // of those: never in the evening and never at a weekend
}

// Due is how many households are to be worked on.
func (p Progress) Due() int { return p.Drawn + p.Opened }

// Closed is how many of them are finished.
func (p Progress) Closed() int { return p.Due() - p.Left }

// Add returns the sum of both.
func (p Progress) Add(q Progress) Progress {
	return Progress{
		Drawn: p.Drawn + q.Drawn, Reserve: p.Reserve + q.Reserve, Opened: p.Opened + q.Opened, Assigned: p.Assigned + q.Assigned, Visited: p.Visited + q.Visited,
		Contacted: p.Contacted + q.Contacted, Complete: p.Complete + q.Complete, Partial: p.Partial + q.Partial, Refused: p.Refused + q.Refused,
		NotEligible: p.NotEligible + q.NotEligible, Other: p.Other + q.Other, Left: p.Left + q.Left, Unassigned: p.Unassigned + q.Unassigned,
		CallBacks: CallBacks{p.CallBacks.Again + q.CallBacks.Again, p.CallBacks.SameDay + q.CallBacks.SameDay, p.CallBacks.Waiting + q.CallBacks.Waiting, p.CallBacks.NoLate + q.CallBacks.NoLate},
	}
}

// Building is how far the work is in a PSU, which mostly is a building.
type Building struct {
	PSU      string
	AreaCode string
	Name     string // "" where the frame tells none
	Progress
	counts, weighed Counts
}

// Work is how far the work is in a place, with the outcome rates of its households:
// each counting once, and each with the weight that it was drawn by.
type Work struct {
	Total     Progress
	Buildings []Building // by place, then in the order of their codes
	Plain     Rates
	Weighted  Rates
}

// Within adds up what lies in a place.
func (w Work) Within(code string) Progress {
	var out Progress
	for _, b := range w.Buildings {
		if survey.Within(code, b.AreaCode) {
			out = out.Add(b.Progress)
		}
	}
	return out
}

// Household is a drawn household as those see it who manage the field work.
type Household struct {
	UnitID, AreaCode, Stratum, PSU string
	PlanID                         string // "" of units that came from elsewhere
	Code                           string // of the household in the frame
	Reserve                        bool
	Position                       int
	Base                           float64
	Building, Unit, Room           string
	AccountID, Login, Worker       string // who has it; "" when nobody has
	Outcome                        string
	Open                           bool
	Visits, Periods                int
	Adults                         *int
	Turn                           bool   // of the reserve, and to be visited now
	Rules                          Rules  // of its plan
	picks                          string // as they were drawn
}

// Due reports whether the household is to be worked on: drawn to be visited, or of
// the reserve with its turn come, or visited already.
func (h Household) Due() bool { return !h.Reserve || h.Turn || h.Visits > 0 }

// Door names the door in a few words.
func (h Household) Door() string {
	var parts []string
	for _, p := range []string{h.Building, h.Unit, h.Room} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return h.Code
	}
	return strings.Join(parts, " ")
}

// Picks says which adult is asked of 1, 2 … 12, as digits of base 36.
func (h Household) Picks() string {
	return picksOf(drawn{unit: sample.Unit{ID: h.UnitID}, home: &sample.Home{Picks: h.picks}})
}

// Late reports whether somebody was at the door in an evening or at a weekend.
func (h Household) Late() bool { return h.Periods&(eveningBit|weekendBit) != 0 }

// SamePeriod reports whether all visits were at the same time of day.
func (h Household) SamePeriod() bool {
	return bits.OnesCount(uint(h.Periods&(morningBit|afternoonBit|eveningBit))) <= 1
}

// group is what the household counts as.
func (h Household) group() Group {
	o, _ := OutcomeOf(h.Outcome)
	return o.Group
}

// takeTurns marks the households of the reserve that may be visited. The homes are
// of one PSU, in the order of their positions.
func takeTurns(homes []Household, rules Rules) {
	standing := make([]Standing, len(homes))
	for i, h := range homes {
		standing[i] = Standing{ID: h.UnitID, Reserve: h.Reserve, Open: h.Open, Outcome: h.Outcome}
	}
	turn := map[string]bool{}
	for _, id := range Turn(standing, rules) {
		turn[id] = true
	}
	for i := range homes {
		homes[i].Turn, homes[i].Rules = turn[homes[i].UnitID], rules
	}
}

// buildingOf counts the households of one PSU, whose turns are taken.
func buildingOf(homes []Household) Building {
	b := Building{PSU: homes[0].PSU, AreaCode: homes[0].AreaCode, Name: homes[0].Building, counts: Counts{}, weighed: Counts{}}
	take := 0.0 // the sum of the weights of the drawn ones
	// Who has a household of a PSU may visit the reserve that nobody was given.
	held := slices.ContainsFunc(homes, func(h Household) bool { return h.AccountID != "" })
	for _, h := range homes {
		if h.Building != b.Name {
			b.Name = "" // an estate of several buildings
		}
		if h.Reserve {
			b.Reserve++
		} else {
			b.Drawn++
			take += h.Base
		}
		if !h.Due() {
			continue
		}
		if h.Reserve {
			b.Opened++
		}
		b.count(h, h.AccountID != "" || h.Reserve && held)
		b.counts[h.group()]++
	}
	// The reserve stands for the same households of the building as the drawn ones,
	// so all that were worked on share the weight of these.
	for g, n := range b.counts {
		b.weighed[g] = n * take / float64(max(1, b.Due()))
	}
	return b
}

func (p *Progress) count(h Household, held bool) {
	if held {
		p.Assigned++
	}
	if h.Visits > 0 {
		p.Visited++
	}
	g := h.group()
	switch g {
	case Complete, Partial, Refusal, Other:
		p.Contacted++
	}
	switch {
	case h.Open:
		p.Left++
		if !held {
			p.Unassigned++
		}
	case g == Complete:
		p.Complete++
	case g == Partial:
		p.Partial++
	case g == Refusal:
		p.Refused++
	case g == NotEligible:
		p.NotEligible++
	default:
		p.Other++
	}
	if h.Visits >= 2 {
		p.CallBacks.Again++
		if h.SamePeriod() {
			p.CallBacks.SameDay++
		}
	}
	if h.Open && h.Visits > 0 {
		p.CallBacks.Waiting++
		if !h.Late() {
			p.CallBacks.NoLate++
		}
	}
}

// workOf adds up households, which are in the order of place, PSU and position, by
// the rules of their plans.
func workOf(homes []Household, rules map[string]Rules, e *float64) Work {
	var w Work
	plain, weighed := Counts{}, Counts{}
	for from := 0; from < len(homes); {
		to := from
		for to < len(homes) && homes[to].PSU == homes[from].PSU {
			to++
		}
		takeTurns(homes[from:to], rules[homes[from].PlanID])
		b := buildingOf(homes[from:to])
		w.Buildings = append(w.Buildings, b)
		w.Total = w.Total.Add(b.Progress)
		for g, n := range b.counts {
			plain[g] += n
		}
		for g, n := range b.weighed {
			weighed[g] += n
		}
		from = to
	}
	w.Plain, w.Weighted = RatesOf(plain, e), RatesOf(weighed, e)
	return w
}
