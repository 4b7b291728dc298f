package response_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"chengyin/survey/apptest"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store"
)

// stored returns the row of a response.
func stored(t *testing.T, w *apptest.World, id string) response.Response {
	t.Helper()
	var r response.Response
	if err := w.DB.Read(ctx).Where("id = ?", id).Take(&r).Error; err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRespondentsClock(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		now := w.Clock()
		for name, started := range map[string]time.Time{
			"a time in China with nanoseconds": now.Add(-time.Minute + 123*time.Nanosecond).In(time.FixedZone("", 8*3600)),
			"the year 0":                       time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
			"the year 1":                       {},
			"beyond the year 9999":             time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -12*3600)),
		} {
			t.Run(name, func(t *testing.T) {
				in := filled(t, w, w.Posters[apptest.North].Code, nil)
				in.StartedAt = &started
				if _, _, err := w.Responses.Submit(ctx, in); err != nil {
					t.Fatal(err)
				}
				switch got := stored(t, w, in.ID).StartedAt; {
				case started.Year() != now.Year() && got != nil:
					t.Errorf("a clock that cannot be right is kept as %v", got)
				case started.Year() == now.Year() && (got == nil || !got.Equal(started.Truncate(time.Microsecond)) || got.Format("-0700") != "+0000"):
					t.Errorf("%v is kept as %v", started, got)
				}
			})
		}
	})
}

func TestCodesThatAreNone(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		t.Run("a household that nobody drew is kept in quarantine", func(t *testing.T) {
			for _, household := range []string{"", "三单元501", strings.Repeat("h", 2000)} {
				in := filled(t, w, w.Visits.Code, nil)
				in.Household = household
				if r, first, err := w.Responses.Submit(ctx, in); err != nil || !first || r.Status != response.Quarantined {
					t.Errorf("%.10q: %+v %v", household, r.Status, err)
				}
			}
		})
		t.Run("a receipt that is none is not found", func(t *testing.T) {
			for _, code := range []string{"", "张三李四", "AAAABBBBCCCC", strings.Repeat("Z", 1000), "AAAA-BBBB-CCC'"} {
				if _, err := w.Responses.Receipt(ctx, code); !errors.Is(err, response.ErrNoReceipt) {
					t.Errorf("%.20q: %v", code, err)
				}
			}
		})
		t.Run("a ticket for an id in other letters is the same response", func(t *testing.T) {
			in := filled(t, w, w.Posters[apptest.North].Code, nil)
			a, first, err := w.Responses.Submit(ctx, in)
			if err != nil || !first {
				t.Fatal(err)
			}
			in.ID = strings.ToUpper(in.ID)
			b, first, err := w.Responses.Submit(ctx, in)
			if err != nil || first || a.Code != b.Code {
				t.Fatal(a, b, first, err)
			}
		})
		t.Run("an id that is none is refused", func(t *testing.T) {
			in := filled(t, w, w.Posters[apptest.North].Code, nil)
			for _, id := range []string{"", "x", "张三", strings.Repeat("a", 36), "{" + in.ID + "}x"} {
				bad := in
				bad.ID = id
				if _, _, err := w.Responses.Submit(ctx, bad); !errors.Is(err, response.ErrTicket) {
					t.Errorf("%q: %v", id, err)
				}
			}
		})
	})
}

// TestGivingUpDoesNotDouble: whoever gives up waiting and sends again has one
// response, also when many do so at once.
func TestGivingUpDoesNotDouble(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		const people = 24
		var wg sync.WaitGroup
		for i := range people {
			in := filled(t, w, w.Posters[apptest.North].Code, questionnaire.Answers{"age": []string{"a18", "a70"}[i%2]})
			wg.Go(func() {
				hurry, cancel := context.WithTimeout(ctx, time.Duration(i%6)*time.Millisecond)
				defer cancel()
				_, _, gaveUp := w.Responses.Submit(hurry, in)
				receipt, first, err := w.Responses.Submit(ctx, in)
				if err != nil || receipt.Code == "" || gaveUp == nil && first {
					t.Errorf("person %d: %+v first=%v, %v after %v", i, receipt.Code, first, err, gaveUp)
				}
			})
		}
		wg.Wait()
		if n := count(t, w, "responses"); n != people {
			t.Errorf("%d responses are stored instead of %d", n, people)
		}
		recounted(t, w)
	})
}

// TestOneHouseholdManyTablets: interviewers who send the same household at once
// under different ids leave one counted response.
func TestOneHouseholdManyTablets(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		const tablets = 12
		var wg sync.WaitGroup
		var mu sync.Mutex
		status := map[string]int{}
		for i := range tablets {
			in := filled(t, w, w.Visits.Code, questionnaire.Answers{"q18": []string{"1", "5"}[i%2]})
			in.Household = "h3"
			wg.Go(func() {
				for range 2 { // each sends twice
					r, _, err := w.Responses.Submit(ctx, in)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					status[r.Status]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if status[response.Counted] != 2 || status[response.Quarantined] != 2*(tablets-1) {
			t.Errorf("%v", status)
		}
		if n := count(t, w, "responses"); n != tablets {
			t.Errorf("%d responses are stored instead of %d", n, tablets)
		}
		recounted(t, w)
	})
}

// TestRetryAfterTheEnd: a retry after the end gives the receipt of before.
func TestRetryAfterTheEnd(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		in := filled(t, w, w.Visits.Code, nil)
		in.Household = "h5"
		first, _, err := w.Responses.Submit(ctx, in)
		if err != nil || first.Status != response.Counted {
			t.Fatal(first, err)
		}
		w.Advance(300 * time.Hour)
		again, fresh, err := w.Responses.Submit(ctx, in)
		if err != nil || fresh || again.Status != response.Counted || again.Code != first.Code {
			t.Fatal(again, fresh, err)
		}
		recounted(t, w)
	})
}

func TestOrderOfEveryCountedTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		const n = 30
		for range n {
			if _, _, err := w.Responses.Submit(ctx, filled(t, w, w.Posters[apptest.North].Code, nil)); err != nil {
				t.Fatal(err)
			}
		}
		inversions, last, seen := 0, response.Response{}, 0
		err := response.EachCounted(w.DB.Read(ctx), w.Wave.ID, func(r response.Response, unit *sample.Unit) error {
			if seen > 0 && r.ReceivedAt.Before(last.ReceivedAt) {
				inversions++
			}
			last = r
			seen++
			return nil
		})
		if err != nil || seen != n {
			t.Fatal(seen, err)
		}
		if inversions < n/5 { // half are expected
			t.Errorf("of %d answers only %d come after a later one", n, inversions)
		}
	})
}

// TestATransactionThatRunsAgain: a batch that a deadlock undid is stored as if it
// had never run, also when another process has stored a part of it since.
func TestATransactionThatRunsAgain(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		item := func(in response.Submission) *response.Item {
			t.Helper()
			it, err := w.Responses.Prepare(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			return it
		}
		known, new, other := filled(t, w, w.Posters[apptest.North].Code, nil), filled(t, w, w.Posters[apptest.South].Code, nil), filled(t, w, w.Posters[apptest.South].Code, nil)
		changed := other
		changed.Answers = apptest.Answers(questionnaire.Answers{"q18": "1"})
		batch := []*response.Item{item(known), item(new), item(other)}
		runs := 0
		err := w.DB.InTx(ctx, func(tx *store.Tx) error {
			runs++
			if runs == 1 {
				if err := response.Keep(tx, batch...); err != nil {
					return err
				}
				return &mysql.MySQLError{Number: 1213, Message: "Deadlock found when trying to get lock"}
			}
			if err := response.Keep(tx, item(known), item(changed)); err != nil { // the other process
				return err
			}
			return response.Keep(tx, batch...)
		})
		if err != nil || runs != 2 {
			t.Fatal(runs, err)
		}
		for i, want := range []struct {
			first bool
			err   error
		}{{false, nil}, {true, nil}, {false, response.ErrDiffers}} {
			r, first, err := batch[i].Result()
			if first != want.first || !errors.Is(err, want.err) || r.Receipt == "" {
				t.Errorf("item %d: first %v, %v, receipt %q", i, first, err, r.Receipt)
			}
		}
		if n := count(t, w, "responses"); n != 3 {
			t.Errorf("%d responses are stored instead of 3", n)
		}
		recounted(t, w)
	})
}
