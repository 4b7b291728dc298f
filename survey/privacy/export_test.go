package privacy

import (
	"chengyin/survey"
	"chengyin/survey/store"
)

// NewOfBatch returns a service that erases n rows at a time.
func NewOfBatch(db *store.DB, now survey.Clock, keys Forgetter, n int) *Service {
	s := New(db, now, keys)
	s.batch = n
	return s
}
