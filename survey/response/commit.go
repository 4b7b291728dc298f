package response

import (
	"context"
	"errors"
	"sync"
	"time"

	"chengyin/survey/store"
	"chengyin/survey/tally"
)

// item is one submission on its way to the disk.
type item struct {
	sent    Response
	tallies []tally.Row
	trace   Trace

	row    Response // sent, or what becomes of it in the transaction
	stored Response // what is on the disk under the id
	first  bool
	err    error
	done   chan struct{}
}

// committer gathers the submissions that arrive while a commit is under way and
// stores them together in the next: one wait for the disk serves them all. A
// lone submission waits for nobody.
type committer struct {
	db *store.DB

	mu      sync.Mutex
	waiting []*item
	leaders int
	limit   int // commits at the same time
}

const (
	batchSize     = 64
	commitTimeout = 15 * time.Second
)

func newCommitter(db *store.DB) *committer {
	c := &committer{db: db, limit: 1} // SQLite has one writer
	if db.Dialect() == store.MySQL {
		// While one batch waits for the disk others are sent; with more at once the
		// batches get smaller and wait for each other's tallies.
		c.limit = 3
	}
	return c
}

// put stores the item and returns what is on the disk under its id. Returns
// ErrDiffers when that has other answers, and ctx's error when ctx ends first: the
// answers may then be stored all the same, and asking again tells.
func (c *committer) put(ctx context.Context, it *item) (Response, error) {
	c.mu.Lock()
	c.waiting = append(c.waiting, it)
	lead := c.leaders < c.limit
	if lead {
		c.leaders++
	}
	c.mu.Unlock()
	if lead {
		go c.lead()
	}
	select {
	case <-it.done:
		return it.stored, it.err
	case <-ctx.Done():
		return Response{}, ctx.Err()
	}
}

// lead commits batch after batch until nobody waits.
func (c *committer) lead() {
	for {
		c.mu.Lock()
		n := min(batchSize, len(c.waiting))
		if n == 0 {
			c.leaders--
			c.mu.Unlock()
			return
		}
		batch := c.waiting[:n:n]
		c.waiting = c.waiting[n:]
		c.mu.Unlock()
		c.commit(batch)
		for _, it := range batch {
			close(it.done)
		}
	}
}

// commit stores the batch in one transaction; if that fails, each item in one of
// its own, so that nobody suffers from another's submission.
func (c *committer) commit(batch []*item) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	err := c.db.InTx(ctx, func(tx *store.Tx) error { return keep(tx, batch) })
	if err == nil {
		return
	}
	if len(batch) == 1 {
		batch[0].err = err
		return
	}
	for _, it := range batch {
		if err := c.db.InTx(ctx, func(tx *store.Tx) error { return keep(tx, []*item{it}) }); err != nil {
			it.err = err
		}
	}
}

// keep stores what is new in the batch, moves the tallies by it, and finds what
// was stored before. It may run again, so it sets every result anew.
func keep(tx *store.Tx, batch []*item) error {
	fresh := make([]*item, 0, len(batch))
	sent := map[string]bool{} // the same id twice in one batch: a double tap
	var again []*item
	for _, it := range batch {
		it.row, it.first, it.err, it.stored = it.sent, false, nil, Response{}
		if sent[it.sent.ID] {
			again = append(again, it)
			continue
		}
		sent[it.sent.ID] = true
		fresh = append(fresh, it)
	}
	err := insertResponses(tx, fresh)
	if store.IsDuplicate(err) {
		err = keepEach(tx, fresh)
	}
	if err != nil {
		return err
	}
	for _, it := range again {
		if err := keepAgain(tx, it); err != nil {
			return err
		}
	}
	if err := keepErased(tx, batch); err != nil {
		return err
	}
	if err := insertTraces(tx, batch); err != nil {
		return err
	}
	var moves []tally.Row
	for _, it := range batch {
		if it.first && it.stored.Status == Counted {
			moves = append(moves, it.tallies...)
		}
	}
	return tally.Move(tx, moves)
}

// keepErased takes out again what was stored under the id of a response that its
// respondent had deleted. It looks after the insert: a deletion that is under way
// holds the id until it ends, so its tombstone is seen now or the insert met the
// response itself.
func keepErased(tx *store.Tx, batch []*item) error {
	var ids []string
	for _, it := range batch {
		if it.first {
			ids = append(ids, it.row.ID)
		}
	}
	erased, err := erasedOf(tx.DB, ids)
	if err != nil || len(erased) == 0 {
		return err
	}
	var back []string
	for _, it := range batch {
		if erased[it.row.ID] {
			if it.first {
				back = append(back, it.row.ID)
			}
			it.first, it.stored, it.err = false, Response{}, ErrErased
		}
	}
	if err := tx.Where("response_id IN ?", back).Delete(&Rival{}).Error; err != nil { // a double tap with other answers
		return err
	}
	return tx.Where("id IN ?", back).Delete(&Response{}).Error
}

// keepEach stores item by item, because one of them is known.
func keepEach(tx *store.Tx, items []*item) error {
	for _, it := range items {
		err := insertResponses(tx, []*item{it})
		if !store.IsDuplicate(err) {
			if err != nil {
				return err
			}
			continue
		}
		if err := keepAgain(tx, it); err != nil {
			return err
		}
	}
	return nil
}

// keepAgain settles an item whose insert met a unique key: the id is known, or
// the household was interviewed under another id.
func keepAgain(tx *store.Tx, it *item) error {
	old, err := responseByID(tx.DB, it.row.ID)
	if errors.Is(err, errUnknown) && it.row.SampleUnitID != nil {
		it.row.SampleUnitID, it.row.Status, it.row.Reason = nil, Quarantined, "household_twice"
		return insertResponses(tx, []*item{it})
	}
	if err != nil {
		return err
	}
	it.stored = old
	if old.AnswersHash == it.row.AnswersHash {
		return nil
	}
	it.err = ErrDiffers
	return insertRival(tx, Rival{ResponseID: old.ID, AnswersHash: it.row.AnswersHash, Answers: it.row.Answers, Via: it.row.Via, ReceivedAt: tx.Now})
}
