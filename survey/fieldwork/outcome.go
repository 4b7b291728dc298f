package fieldwork

// Group is what an outcome counts as in response rates.
//
// See AAPOR (2023), Standard Definitions, in-person surveys of households.
type Group string

// The groups of outcomes.
const (
	Complete      Group = "I"
	Partial       Group = "P"
	Refusal       Group = "R"
	NonContact    Group = "NC"
	Other         Group = "O"
	UnknownHome   Group = "UH" // unknown whether a household lives there
	UnknownPerson Group = "UO" // unknown whether anybody there may be asked
	NotEligible   Group = "NE"
)

// Outcome is how a visit ended, by the code of the in-person household list.
type Outcome struct {
	Code  string
	Group Group
	Again bool // the door is tried again, as often as the plan says
}

// Outcomes that the rules name.
const (
	Interviewed = "1.1"
	BrokenOff   = "1.2" // with most questions answered
	Refused     = "2.11"
	// NotVisited is the outcome of a household at whose door nobody has been.
	NotVisited = "3.11"
)

// Outcomes lists the outcomes in the order in which a phone offers them. The words
// are in static/locale under "field.outcome.CODE".
var Outcomes = []Outcome{
	{Interviewed, Complete, false}, // interview
	{BrokenOff, Partial, false},    // broken off with most questions answered
	{Refused, Refusal, false},      // refused; respected for the whole wave
	{"2.12", Refusal, false},       // broken off
	{"2.24", NonContact, true},     // nobody home
	{"2.25", NonContact, true},     // the person to be asked is away
	{"2.23", NonContact, true},     // no way into the building
	{"2.32", Other, false},         // unable: ill, frail
	{"2.33", Other, false},         // no common language
	{"2.36", Other, false},         // something else
	{"3.17", UnknownHome, true},    // not safe or not possible to reach
	{"3.18", UnknownHome, false},   // no such address
	{"3.21", UnknownPerson, true},  // somebody opened, and did not say who lives there
	{"4.51", NotEligible, false},   // a business, an office
	{"4.61", NotEligible, false},   // vacant
	{"4.7", NotEligible, false},    // nobody there belongs to those who are asked
}

// OutcomeOf returns the outcome with that code.
func OutcomeOf(code string) (Outcome, bool) {
	for _, o := range Outcomes {
		if o.Code == code {
			return o, true
		}
	}
	return Outcome{Code: code, Group: UnknownHome, Again: true}, code == NotVisited
}
