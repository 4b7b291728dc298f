package response

import (
	"context"

	"chengyin/survey/store"
)

// Item is a submission on its way to the disk.
type Item = item

// Prepare makes the item of a submission, as Submit does.
func (s *Service) Prepare(ctx context.Context, in Submission) (*Item, error) {
	f, err := s.behind(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	return s.prepare(ctx, f, in, now, now)
}

// Keep stores a batch, as a commit does.
func Keep(tx *store.Tx, batch ...*Item) error { return keep(tx, batch) }

// Result tells what became of an item.
func (it *item) Result() (stored Response, first bool, err error) { return it.stored, it.first, it.err }

// Receipt is the receipt that the submission will have.
func (it *item) Receipt() string { return it.sent.Receipt }
