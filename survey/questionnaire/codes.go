package questionnaire

// What can be wrong with an answer. Check gives one code for each wrong answer.
const (
	CodeRequired        = "required"
	CodeUnknownQuestion = "unknown_question"
	CodeNotAsked        = "not_asked" // the other answers hide this question
	CodeWrongType       = "wrong_type"
	CodeUnknownOption   = "unknown_option"
	CodeDuplicateOption = "duplicate_option"
	CodeExclusive       = "exclusive"
	CodeTooFew          = "too_few"
	CodeTooMany         = "too_many"
	CodeOutOfRange      = "out_of_range"
	CodeNotInteger      = "not_integer"
	CodeTooLong         = "too_long"
)

// What can be wrong with a whole set of answers, before a question is looked at.
const (
	CodeMalformed = "malformed"
	CodeTooLarge  = "too_large"
)

// What else can be wrong with a definition.
const (
	CodeMissing        = "missing"
	CodeBadID          = "bad_id"
	CodeDuplicate      = "duplicate"
	CodeUnknownType    = "unknown_type"
	CodeUnknownSection = "unknown_section"
	CodeSectionOrder   = "section_order"
	CodeMisplaced      = "misplaced" // this type of question has no such setting
	CodeBadRange       = "bad_range"
	CodeBadDate        = "bad_date"
	CodeNotEarlier     = "not_earlier"
	CodeBadCondition   = "bad_condition"
	CodeTooDeep        = "too_deep"
	CodeDKNotLast      = "dk_not_last"
	CodeDKNotExclusive = "dk_not_exclusive"
)
