package sample

// Rules are what a sampling plan says of visits.
type Rules struct {
	Visits  int    `json:"visits"`  // at most so many at a door, the first among them
	Replace string `json:"replace"` // ReplaceNever, ReplaceNotEligible, ReplaceClosed
	Select  string `json:"select"`  // SelectKish, SelectBirthday
}

// When a household of the reserve may be visited in the place of another, and how
// the adult is chosen.
const (
	ReplaceNever       = "never"
	ReplaceNotEligible = "not_eligible" // nobody lives there who may be asked
	ReplaceClosed      = "closed"       // closed without an interview, whatever the reason
	SelectKish         = "kish"
	SelectBirthday     = "birthday"
)

// Replacements and Selections list them.
var (
	Replacements = []string{ReplaceNever, ReplaceNotEligible, ReplaceClosed}
	Selections   = []string{SelectKish, SelectBirthday}
)

// UsualRules are those of a plan that says nothing, and of units without a plan.
var UsualRules = Rules{Visits: 3, Replace: ReplaceClosed, Select: SelectKish}
