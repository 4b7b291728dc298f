package tally_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
)

var (
	ctx        = context.Background()
	definition = questionnaire.Default()
	recipe     = indicator.Default()
)

// someAnswer draws an answer. Its weight is a multiple of 1/8, so that sums are
// exact and rows can be compared by ==.
func someAnswer(wave string) *rapid.Generator[tally.Answer] {
	return rapid.Custom(func(t *rapid.T) tally.Answer {
		pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
		a := tally.Answer{WaveID: wave, Mode: collector.Scanned, AreaCode: pick("area", apptest.North, apptest.South)}
		if rapid.Bool().Draw(t, "visited") {
			a.Mode = collector.Visited
			a.Unit = &sample.Unit{AreaCode: a.AreaCode, Stratum: pick("stratum", "s1", "s2"), PSU: pick("psu", "b1", "b2", ""), Weight: float64(rapid.IntRange(1, 4000).Draw(t, "weight")) / 8}
		}
		a.Answers = apptest.Answers(questionnaire.Answers{
			"residence": pick("residence", "half_year", "half_year", "half_year", "newcomer"),
			"age":       pick("age", "u18", "a18", "a30", "a60"), "sex": pick("sex", area.Sexes...),
			"q1": pick("q1", "know", "heard", "unknown"), "q6": pick("q6", "yes", "no", "dk"), "q18": pick("q18", "5", "4", "3", "2", "1", "dk"),
		})
		return a
	})
}

func rowsOf(answers []tally.Answer) []tally.Row {
	var rows []tally.Row
	for _, a := range answers {
		rows = append(rows, tally.Of(a, definition, recipe)...)
	}
	return rows
}

// shuffled draws an order of the answers.
func shuffled(t *rapid.T, answers []tally.Answer) []tally.Answer {
	return rapid.Permutation(answers).Draw(t, "order")
}

// batches draws a split of rows into parts that are moved one after another.
func batches(t *rapid.T, rows []tally.Row) [][]tally.Row {
	var out [][]tally.Row
	for len(rows) > 0 {
		n := rapid.IntRange(1, len(rows)).Draw(t, "batch")
		out = append(out, rows[:n])
		rows = rows[n:]
	}
	return out
}

func TestOrderAndBatchesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answers := rapid.SliceOfN(someAnswer("w"), 1, 40).Draw(t, "answers")
		want := tally.Merge(rowsOf(answers))
		var got []tally.Row
		for _, b := range batches(t, rowsOf(shuffled(t, answers))) {
			got = tally.Merge(append(got, tally.Merge(b)...))
		}
		if !slices.Equal(want, got) {
			t.Fatal(cmp.Diff(want, got))
		}
	})
}

func TestStoredRowsAreTheSumsInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := 0
		rapid.Check(t, func(t *rapid.T) {
			n++
			wave := fmt.Sprintf("wave-%d", n)
			answers := rapid.SliceOfN(someAnswer(wave), 0, 15).Draw(t, "answers")
			want := tally.Merge(rowsOf(answers))
			moved := int64(0)
			for _, b := range batches(t, rowsOf(shuffled(t, answers))) {
				if err := db.InTx(ctx, func(tx *store.Tx) error { return tally.Move(tx, b) }); err != nil {
					t.Fatal(err)
				}
				moved += int64(len(b))
			}
			got, err := tally.Load(db.Read(ctx), wave)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(want, got) {
				t.Fatal(cmp.Diff(want, got))
			}
			if moves, err := tally.Moves(db.Read(ctx), wave); err != nil || moves != moved {
				t.Fatalf("%d moves are counted instead of %d (%v)", moves, moved, err)
			}
		})
	})
}

func TestNegativeUndoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := 0
		rapid.Check(t, func(t *rapid.T) {
			n++
			wave := fmt.Sprintf("wave-%d", n)
			stay := rapid.SliceOfN(someAnswer(wave), 0, 6).Draw(t, "stay")
			leave := rapid.SliceOfN(someAnswer(wave), 1, 6).Draw(t, "leave")
			for _, rows := range [][]tally.Row{rowsOf(leave), rowsOf(stay), tally.Negative(rowsOf(leave))} {
				if err := db.InTx(ctx, func(tx *store.Tx) error { return tally.Move(tx, rows) }); err != nil {
					t.Fatal(err)
				}
			}
			got, err := tally.Load(db.Read(ctx), wave)
			if err != nil {
				t.Fatal(err)
			}
			want := map[tally.Key]tally.Row{}
			for _, r := range tally.Merge(rowsOf(stay)) {
				r.Moves = 0
				want[r.Key()] = r
			}
			for _, r := range got {
				x, stays := want[r.Key()]
				if r.Moves <= 0 {
					t.Fatalf("after %d moves: %+v", r.Moves, r)
				}
				r.Moves = 0
				if !stays {
					k := r.Key()
					x = tally.Row{WaveID: k.WaveID, Mode: k.Mode, Stratum: k.Stratum, PSU: k.PSU, AreaCode: k.AreaCode, Age: k.Age, Sex: k.Sex, Indicator: k.Indicator}
				}
				if r != x {
					t.Fatalf("%+v instead of %+v", r, x)
				}
				delete(want, r.Key())
			}
			if len(want) > 0 {
				t.Fatalf("rows are lost: %v", want)
			}
		})
	})
}

func TestMergeSortsAndKeepsItsInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rowsOf(rapid.SliceOfN(someAnswer("w"), 1, 20).Draw(t, "answers"))
		before := slices.Clone(rows)
		merged := tally.Merge(rows)
		if !slices.Equal(before, rows) {
			t.Fatal("the input was changed")
		}
		for i := 1; i < len(merged); i++ {
			a, b := merged[i-1].Key(), merged[i].Key()
			as := []string{a.WaveID, a.Mode, a.Stratum, a.PSU, a.AreaCode, a.Age, a.Sex, a.Indicator}
			bs := []string{b.WaveID, b.Mode, b.Stratum, b.PSU, b.AreaCode, b.Age, b.Sex, b.Indicator}
			if slices.Compare(as, bs) >= 0 {
				t.Fatalf("%v comes before %v", as, bs)
			}
		}
	})
}

// TestMoveAtTheSameTime: transactions that move the same rows in different orders
// lose nothing.
func TestMoveAtTheSameTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const movers, each = 6, 15
		var wg sync.WaitGroup
		for m := range movers {
			wg.Go(func() {
				for i := range each {
					var rows []tally.Row
					for k := range 4 {
						a := tally.Answer{WaveID: "w", Mode: collector.Scanned, AreaCode: []string{apptest.North, apptest.South}[(k+m+i)%2],
							Answers: apptest.Answers(questionnaire.Answers{"age": area.Ages[(k+m)%6]})}
						rows = append(rows, tally.Of(a, definition, recipe)...)
					}
					if err := db.InTx(ctx, func(tx *store.Tx) error { return tally.Move(tx, rows) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		rows, err := tally.Load(db.Read(ctx), "w")
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		for _, r := range rows {
			if r.Indicator == tally.Base {
				n += r.N
			}
		}
		if n != movers*each*4 {
			t.Fatalf("%d answers are counted instead of %d", n, movers*each*4)
		}
	})
}

// TestMoveManyRows needs more than one statement.
func TestMoveManyRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rows := make([]tally.Row, 950)
		for i := range rows {
			rows[i] = tally.Row{WaveID: "w", AreaCode: fmt.Sprintf("%012d", i), N: int64(i), D: 1.5, Moves: 1}
		}
		for range 2 {
			if err := db.InTx(ctx, func(tx *store.Tx) error { return tally.Move(tx, rows) }); err != nil {
				t.Fatal(err)
			}
		}
		got, err := tally.Load(db.Read(ctx), "w")
		if err != nil || len(got) != len(rows) {
			t.Fatal(len(got), err)
		}
		for i, r := range got {
			if r.N != 2*int64(i) || r.D != 3 || r.Moves != 2 {
				t.Fatalf("row %d is %+v", i, r)
			}
		}
		if err := db.InTx(ctx, func(tx *store.Tx) error { return tally.Move(tx, nil) }); err != nil {
			t.Fatal(err)
		}
		if moves, err := tally.Moves(db.Read(ctx), "nobody's"); err != nil || moves != 0 {
			t.Fatal(moves, err)
		}
	})
}

func TestOf(t *testing.T) {
	scan := func(change questionnaire.Answers) tally.Answer {
		return tally.Answer{WaveID: "w", Mode: collector.Scanned, AreaCode: apptest.North, Answers: apptest.Answers(change)}
	}
	find := func(rows []tally.Row, indicator string) tally.Row {
		for _, r := range rows {
			if r.Indicator == indicator {
				return r
			}
		}
		return tally.Row{}
	}
	t.Run("who is outside the base or gives no known age or sex is in no row", func(t *testing.T) {
		for _, change := range []questionnaire.Answers{{"residence": "elsewhere"}, {"residence": "newcomer"}, {"age": "u18"}, {"age": "a99"}, {"age": nil}, {"sex": "x"}, {"sex": nil}, {"age": 3.0}} {
			if rows := tally.Of(scan(change), definition, recipe); len(rows) != 0 {
				t.Errorf("%v: %+v", change, rows)
			}
		}
	})
	t.Run("a scan weighs 1 and stands in the stratum of scans", func(t *testing.T) {
		rows := tally.Of(scan(questionnaire.Answers{"q1": "know"}), definition, recipe)
		r := find(rows, "awareness")
		want := tally.Row{WaveID: "w", Mode: "scan", Stratum: "scan", AreaCode: apptest.North, Age: "a40", Sex: "f", Indicator: "awareness",
			N: 1, D: 1, DD: 1, DY: 100, DYY: 10000, DDY: 100, DDYY: 10000, Moves: 1}
		if d := cmp.Diff(want, r); d != "" {
			t.Error(d)
		}
		if b := find(rows, tally.Base); b.N != 1 || b.D != 1 || b.DD != 1 || b.DY != 0 {
			t.Errorf("%+v", b)
		}
	})
	t.Run("a visit weighs what its household does and stands where that was drawn", func(t *testing.T) {
		a := scan(questionnaire.Answers{"q18": "4"})
		a.Mode, a.Unit = collector.Visited, &sample.Unit{AreaCode: apptest.South, Stratum: "s", PSU: "p", Weight: 2.5}
		r := find(tally.Of(a, definition, recipe), "satisfaction")
		want := tally.Row{WaveID: "w", Mode: "visit", Stratum: "s", PSU: "p", AreaCode: apptest.South, Age: "a40", Sex: "f", Indicator: "satisfaction",
			N: 1, D: 2.5, DD: 6.25, DY: 2.5 * 75, DYY: 2.5 * 75 * 75, DDY: 6.25 * 75, DDYY: 6.25 * 75 * 75, Moves: 1}
		if d := cmp.Diff(want, r); d != "" {
			t.Error(d)
		}
	})
	t.Run("who does not know is counted as such and has no value", func(t *testing.T) {
		r := find(tally.Of(scan(questionnaire.Answers{"q18": "dk"}), definition, recipe), "satisfaction")
		if r.DK != 1 || r.N != 0 || r.D != 0 || r.DY != 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("no sum is anything but a number", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			for _, r := range tally.Of(someAnswer("w").Draw(t, "answer"), definition, recipe) {
				for _, x := range []float64{r.D, r.DD, r.DY, r.DYY, r.DDY, r.DDYY, r.DK} {
					if math.IsNaN(x) || x < 0 || math.IsInf(x, 0) {
						t.Fatalf("%+v", r)
					}
				}
				if r.DY > 100*r.D || r.DYY > 100*r.DY || r.Moves != 1 {
					t.Fatalf("%+v", r)
				}
			}
		})
	})
}
