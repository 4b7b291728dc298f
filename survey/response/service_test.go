package response_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
)

var ctx = context.Background()

// each runs the test on every database.
func each(t *testing.T, test func(t *testing.T, w *apptest.World)) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { test(t, apptest.New(t, storetest.DSN(t, dialect))) })
	}
}

// filled returns a submission with a new ticket.
func filled(t *testing.T, w *apptest.World, code string, change questionnaire.Answers) response.Submission {
	t.Helper()
	sheet, err := w.Responses.Open(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	return response.Submission{Code: code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Lang: "zh", Via: response.ViaAPI, Answers: apptest.Answers(change)}
}

// count returns how many rows a table has.
func count(t *testing.T, w *apptest.World, table string) (n int64) {
	t.Helper()
	if err := w.DB.Read(ctx).Table(table).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// recounted fails when the stored tallies are not what the answers say.
func recounted(t *testing.T, w *apptest.World) {
	t.Helper()
	want, err := w.Responses.Recount(ctx, w.Wave.ID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tally.Load(w.DB.Read(ctx), w.Wave.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows of tallies are stored, the answers give %d", len(got), len(want))
	}
	for i := range got {
		g, x := got[i], want[i]
		if g.Key() != x.Key() || g.N != x.N || g.Moves != x.Moves {
			t.Fatalf("row %d is %+v, the answers give %+v", i, g, x)
		}
		for k, pair := range [][2]float64{{g.D, x.D}, {g.DD, x.DD}, {g.DY, x.DY}, {g.DYY, x.DYY}, {g.DDY, x.DDY}, {g.DDYY, x.DDYY}, {g.DK, x.DK}} {
			if math.Abs(pair[0]-pair[1]) > 1e-9*math.Abs(pair[1]) {
				t.Fatalf("row %d sum %d is %v, the answers give %v", i, k, pair[0], pair[1])
			}
		}
	}
}

func TestExactlyOnce(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		in := filled(t, w, w.Posters[apptest.North].Code, nil)
		receipt, first, err := w.Responses.Submit(ctx, in)
		if err != nil || !first || receipt.Status != response.Counted {
			t.Fatal(receipt, first, err)
		}
		t.Run("a retry is the same response", func(t *testing.T) {
			again, first, err := w.Responses.Submit(ctx, in)
			if err != nil || first || again.Code != receipt.Code || !again.ReceivedAt.Equal(receipt.ReceivedAt) {
				t.Fatal(again, first, err)
			}
		})
		t.Run("other answers under the id are a conflict and are kept", func(t *testing.T) {
			other := in
			other.Answers = apptest.Answers(questionnaire.Answers{"q18": "1"})
			for range 2 {
				got, _, err := w.Responses.Submit(ctx, other)
				if !errors.Is(err, response.ErrDiffers) || got.Code != receipt.Code {
					t.Fatal(got, err)
				}
			}
			if n := count(t, w, "response_rivals"); n != 1 {
				t.Fatalf("%d rival answers are kept instead of 1", n)
			}
		})
		t.Run("the receipt finds the response however it is typed", func(t *testing.T) {
			for _, typed := range []string{receipt.Code, " " + receipt.Code[:4] + receipt.Code[5:]} {
				got, err := w.Responses.Receipt(ctx, typed)
				if err != nil || got.ID != receipt.ID {
					t.Fatal(got, err)
				}
			}
			if _, err := w.Responses.Receipt(ctx, "0000-0000-0000"); !errors.Is(err, response.ErrNoReceipt) {
				t.Fatal(err)
			}
		})
		if n := count(t, w, "responses"); n != 1 {
			t.Fatalf("%d responses are stored instead of 1", n)
		}
		recounted(t, w)
	})
}

func TestManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		// 60 people, each of whom taps four times at the same moment.
		const people, taps = 60, 4
		var wg sync.WaitGroup
		receipts := make([][taps]string, people)
		firsts := make([][taps]bool, people)
		for i := range people {
			area := apptest.North
			if i%2 == 0 {
				area = apptest.South
			}
			in := filled(t, w, w.Posters[area].Code, questionnaire.Answers{"q18": fmt.Sprint(1 + i%5), "age": []string{"a18", "a60"}[i%2]})
			for k := range taps {
				wg.Add(1)
				go func() {
					defer wg.Done()
					r, first, err := w.Responses.Submit(ctx, in)
					if err != nil {
						t.Errorf("person %d: %v", i, err)
					}
					receipts[i][k], firsts[i][k] = r.Code, first
				}()
			}
		}
		wg.Wait()
		for i := range people {
			n := 0
			for k := range taps {
				if firsts[i][k] {
					n++
				}
				if receipts[i][k] != receipts[i][0] || receipts[i][k] == "" {
					t.Errorf("person %d got receipts %v", i, receipts[i])
				}
			}
			if n != 1 {
				t.Errorf("person %d was told %d times to be the first", i, n)
			}
		}
		if n := count(t, w, "responses"); n != people {
			t.Fatalf("%d responses are stored instead of %d", n, people)
		}
		recounted(t, w)
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		north, south := w.Posters[apptest.North].Code, w.Posters[apptest.South].Code
		t.Run("every wrong answer is named", func(t *testing.T) {
			in := filled(t, w, north, questionnaire.Answers{"q18": "9", "sex": nil})
			_, _, err := w.Responses.Submit(ctx, in)
			var e *survey.Error
			if !errors.As(err, &e) || len(e.Fields) != 2 || e.Fields[0].Path != "sex" || e.Fields[1].Path != "q18" {
				t.Fatal(err)
			}
		})
		t.Run("a ticket is good for its id and collector only", func(t *testing.T) {
			a, b := filled(t, w, north, nil), filled(t, w, north, nil)
			a.Ticket = b.Ticket
			if _, _, err := w.Responses.Submit(ctx, a); !errors.Is(err, response.ErrTicket) {
				t.Fatal(err)
			}
			b.Code = south
			if _, _, err := w.Responses.Submit(ctx, b); !errors.Is(err, response.ErrTicket) {
				t.Fatal(err)
			}
			b.Ticket = ""
			if _, _, err := w.Responses.Submit(ctx, b); !errors.Is(err, response.ErrTicket) {
				t.Fatal(err)
			}
		})
		t.Run("an unknown code is not found", func(t *testing.T) {
			if _, err := w.Responses.Open(ctx, "ZZZZZZZZZ"); !errors.Is(err, collector.ErrNotFound) {
				t.Fatal(err)
			}
		})
		if n := count(t, w, "responses"); n != 0 {
			t.Fatalf("%d refused responses are stored", n)
		}
	})
}

func TestQuarantine(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		status := func(t *testing.T, in response.Submission, want, reason string) {
			t.Helper()
			r, first, err := w.Responses.Submit(ctx, in)
			if err != nil || !first || r.Status != want {
				t.Fatal(r, first, err)
			}
			var got string
			if err := w.DB.Read(ctx).Table("responses").Where("id = ?", r.ID).Pluck("reason", &got).Error; err != nil || got != reason {
				t.Fatalf("the reason is %q instead of %q (%v)", got, reason, err)
			}
		}
		visit := func(household string) response.Submission {
			in := filled(t, w, w.Visits.Code, nil)
			in.Household = household
			return in
		}
		status(t, visit("h1"), response.Counted, "")
		status(t, visit("h1"), response.Quarantined, "household_twice")
		status(t, visit("nobody"), response.Quarantined, "household_unknown")
		early := filled(t, w, w.Posters[apptest.North].Code, nil)
		late := filled(t, w, w.Posters[apptest.South].Code, nil)
		missed := visit("h2")
		if err := w.Collectors.Revoke(ctx, apptest.Office, w.Posters[apptest.North].Code, "poster torn"); err != nil {
			t.Fatal(err)
		}
		w.Advance(2 * time.Second) // what is known of a code is a second old at most
		status(t, early, response.Quarantined, "revoked")
		w.Advance(300 * time.Hour)
		status(t, late, response.Quarantined, "late")
		status(t, missed, response.Quarantined, "late")
		if n := count(t, w, "responses"); n != 6 {
			t.Fatalf("%d responses are stored instead of 6", n)
		}
		recounted(t, w)
		sheet, err := w.Responses.Open(ctx, w.Posters[apptest.South].Code)
		if err != nil || sheet.State != collector.Closed || sheet.Ticket.ID != "" {
			t.Fatal(sheet.State, sheet.Ticket, err)
		}
	})
}
