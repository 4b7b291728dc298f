package event_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// trail writes the beginning and n events after it.
func trail(t *testing.T, db *store.DB, c *clock, n int) {
	t.Helper()
	for i := range n {
		c.advance(time.Second)
		must(t, db.InTx(t.Context(), func(tx *store.Tx) error {
			who := survey.As("ana", "office", survey.Everywhere)
			who.From, who.Request = "192.0.2.1", "r1"
			return event.Write(tx, who, event.Entry{Kind: "thing.done", Object: fmt.Sprint("o", i), Area: "990102001001", Payload: map[string]int{"n": i}})
		}))
	}
}

func verify(t *testing.T, db *store.DB, known ...event.Point) event.Report {
	t.Helper()
	r, err := event.Verify(t.Context(), db, known...)
	must(t, err)
	return r
}

// wants compares the first bad row.
func wants(t *testing.T, r event.Report, what string, seq int64) {
	t.Helper()
	if r.Bad == nil || r.Bad.What != what || r.Bad.Seq != seq {
		t.Errorf("%+v, want %s at %d", r.Bad, what, seq)
	}
}

func exec(t *testing.T, db *store.DB, sql ...string) {
	t.Helper()
	must(t, db.InTx(context.Background(), func(tx *store.Tx) error {
		for _, s := range sql {
			if err := tx.Exec(s).Error; err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestTampering does to a trail what somebody with the database's password, but
// without the key, could do. Each case undoes itself.
func TestTampering(t *testing.T) {
	const insert = `INSERT INTO events (id, seq, at, kind, actor, account_id, via, source, request_id, object, area_code, result, payload, key_id, mac) `
	each(t, func(t *testing.T, _ string, db *store.DB, c *clock) {
		exec(t, db, `INSERT INTO events (id, at, kind, actor, object, payload) VALUES ('old', '2025-01-01 00:00:00', 'a.b', '', '', '{}')`)
		trail(t, db, c, 9) // with the beginning: 1 to 10
		good := verify(t, db)
		if good.Bad != nil || good.Count != 10 || good.Older != 1 || good.Head.Seq != 10 {
			t.Fatalf("%+v %+v", good, good.Bad)
		}
		cases := []struct {
			name string
			sql  []string
			what string
			seq  int64
		}{
			{"the first row removed", []string{`DELETE FROM events WHERE seq = 1`}, event.Removed, 1},
			{"a row in the middle removed", []string{`DELETE FROM events WHERE seq = 5`}, event.Removed, 5},
			{"a row removed and the gap closed", []string{`DELETE FROM events WHERE seq = 5`, `UPDATE events SET seq = seq - 1 WHERE seq = 6`,
				`UPDATE events SET seq = seq - 1 WHERE seq = 7`, `UPDATE events SET seq = seq - 1 WHERE seq = 8`, `UPDATE events SET seq = seq - 1 WHERE seq = 9`,
				`UPDATE events SET seq = seq - 1 WHERE seq = 10`}, event.Changed, 5},
			{"two rows swapped", []string{`UPDATE events SET seq = -1 WHERE seq = 4`, `UPDATE events SET seq = 4 WHERE seq = 7`, `UPDATE events SET seq = 7 WHERE seq = -1`}, event.Changed, 4},
			{"a row put in between", []string{`UPDATE events SET seq = 11 WHERE seq = 10`, insert + `SELECT 'new', 10, at, kind, actor, account_id, via, source, request_id, object, area_code, result, payload, key_id, mac FROM events WHERE seq = 9`}, event.Changed, 10},
			{"a row added at the end", []string{insert + `SELECT 'new', 11, at, kind, actor, account_id, via, source, request_id, object, area_code, result, payload, key_id, mac FROM events WHERE seq = 10`}, event.Changed, 11},
			{"the end cut off", []string{`DELETE FROM events WHERE seq > 7`}, event.Truncated, 8},
			{"the end cut off and the note of it moved", []string{`DELETE FROM events WHERE seq > 7`, `UPDATE event_heads SET seq = 7, mac = (SELECT mac FROM events WHERE seq = 7)`}, event.HeadWrong, 7},
			{"the note of the end removed", []string{`DELETE FROM event_heads`}, event.HeadWrong, 10},
			{"the seal of the end changed", []string{`UPDATE event_heads SET seal = ''`}, event.HeadWrong, 10},
			{"the beginning passed off as removed after its time", []string{`DELETE FROM events WHERE seq <= 3`,
				`INSERT INTO event_heads (name, seq, mac, older, key_id, seal) SELECT 'cut', 3, 'x', 0, key_id, seal FROM event_heads`}, event.CutWrong, 3},
			{"a row from before the chain removed", []string{`DELETE FROM events WHERE seq IS NULL`}, event.OlderWrong, 0},
			{"a row from before the chain added", []string{`INSERT INTO events (id, at, kind, actor, object, payload) VALUES ('forged', '2025-01-02 00:00:00', 'a.b', '', '', '{}')`}, event.OlderWrong, 0},
		}
		for column, value := range map[string]string{
			"id": "'forged'", "at": "'2026-11-01 09:00:06.000001'", "kind": "'thing.undone'", "actor": "'bob'", "account_id": "'bob'", "via": "'command'", "source": "''",
			"request_id": "'r2'", "object": "'o1'", "area_code": "'990102001002'", "result": "'refused'", "payload": "'{}'",
			"mac": "'" + strings.Repeat("0", 64) + "'",
		} {
			cases = append(cases, struct {
				name string
				sql  []string
				what string
				seq  int64
			}{"another " + column, []string{`UPDATE events SET ` + column + ` = ` + value + ` WHERE seq = 6`}, event.Changed, 6})
		}
		cases = append(cases, struct {
			name string
			sql  []string
			what string
			seq  int64
		}{"another key_id", []string{`UPDATE events SET key_id = 'unknown' WHERE seq = 6`}, event.KeyUnknown, 6})
		for _, x := range cases {
			t.Run(x.name, func(t *testing.T) {
				keep(t, db)
				exec(t, db, x.sql...)
				r := verify(t, db)
				wants(t, r, x.what, x.seq)
				if r.Bad != nil && x.what == event.Changed && (r.Bad.ID == "" || r.Bad.At.IsZero() || r.Bad.Kind == "") {
					t.Errorf("%+v does not say which row", r.Bad)
				}
			})
		}
		if r := verify(t, db); r.Bad != nil {
			t.Fatalf("the cases left something behind: %+v", r.Bad)
		}
		t.Run("a place that was noted is found again", func(t *testing.T) {
			keep(t, db)
			trail(t, db, c, 3)
			p, err := event.ParsePoint(good.Head.String())
			must(t, err)
			if r := verify(t, db, p); r.Bad != nil || r.Head.Seq != 13 {
				t.Fatalf("%+v", r.Bad)
			}
			wants(t, verify(t, db, event.Point{Seq: 10, MAC: strings.Repeat("0", 64)}), event.NotInChain, 10)
			wants(t, verify(t, db, event.Point{Seq: 14, MAC: good.Head.MAC}), event.NotInChain, 14)
		})
		t.Run("an end that was moved is not hidden by writing on", func(t *testing.T) {
			keep(t, db)
			exec(t, db, `DELETE FROM events WHERE seq > 7`, `UPDATE event_heads SET seq = 7, mac = (SELECT mac FROM events WHERE seq = 7)`)
			trail(t, db, c, 2)
			wants(t, verify(t, db), event.HeadWrong, 8)
		})
	})
}

// keep puts the trail back as it is now when the test ends.
func keep(t *testing.T, db *store.DB) {
	t.Helper()
	var rows, heads []map[string]any
	must(t, db.Read(t.Context()).Table("events").Find(&rows).Error)
	must(t, db.Read(t.Context()).Table("event_heads").Find(&heads).Error)
	t.Cleanup(func() {
		exec(t, db, `DELETE FROM events`, `DELETE FROM event_heads`)
		must(t, db.InTx(context.Background(), func(tx *store.Tx) error {
			if err := tx.Table("events").Create(&rows).Error; err != nil {
				return err
			}
			return tx.Table("event_heads").Create(&heads).Error
		}))
	})
}

func TestParsePoint(t *testing.T) {
	for _, wrong := range []string{"", "7", "7:", "0:" + strings.Repeat("a", 64), "7:" + strings.Repeat("g", 64), "x:" + strings.Repeat("a", 64), "7:" + strings.Repeat("a", 63)} {
		if p, err := event.ParsePoint(wrong); err == nil {
			t.Errorf("%q is %v", wrong, p)
		}
	}
}

// TestWritersTogether: the chain of 32 that write at the same time has no gaps.
func TestWritersTogether(t *testing.T) {
	each(t, func(t *testing.T, dsn string, db *store.DB, c *clock) {
		other := open(t, dsn, c, key)
		var all sync.WaitGroup
		for i := range 32 {
			at := db
			if i%2 == 1 {
				at = other
			}
			all.Go(func() {
				for range 5 {
					if err := at.InTx(t.Context(), func(tx *store.Tx) error { return event.Append(tx, survey.System, "thing.done", fmt.Sprint(i), nil) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if r := verify(t, db); r.Bad != nil || r.Count != 1+32*5 || r.Head.Seq != r.Count {
			t.Fatalf("%+v %+v", r, r.Bad)
		}
	})
}

func TestKeysAreChanged(t *testing.T) {
	each(t, func(t *testing.T, dsn string, db *store.DB, c *clock) {
		trail(t, db, c, 3)
		noted := verify(t, db).Head
		second := []byte("another key, made on a later day")
		rotated := open(t, dsn, c, second, key)
		trail(t, rotated, c, 3)
		t.Run("the chain goes on from one key to the next", func(t *testing.T) {
			if r := verify(t, rotated, noted); r.Bad != nil || r.Count != 7 {
				t.Fatalf("%+v %+v", r, r.Bad)
			}
			var ids []string
			must(t, db.Read(t.Context()).Model(&event.Event{}).Order("seq").Pluck("key_id", &ids).Error)
			if ids[3] != event.KeyID(key) || ids[4] != event.KeyID(second) || ids[3] == ids[4] {
				t.Fatal(ids)
			}
		})
		t.Run("who lacks a key is told at which event", func(t *testing.T) {
			wants(t, verify(t, db), event.KeyUnknown, 5)
			wants(t, verify(t, open(t, dsn, c, second)), event.KeyUnknown, 1)
		})
		t.Run("writing without the older key raises a doubt that the key settles", func(t *testing.T) {
			third := []byte("a third key, without the others!")
			trail(t, open(t, dsn, c, third), c, 1)
			if !strings.Contains(kinds(t, db), event.Doubted) {
				t.Fatal(kinds(t, db))
			}
			if r := verify(t, open(t, dsn, c, third, second, key)); r.Bad != nil {
				t.Fatalf("%+v", r.Bad)
			}
		})
	})
}

func TestPrune(t *testing.T) {
	each(t, func(t *testing.T, _ string, db *store.DB, c *clock) {
		s := event.New(db)
		security := survey.As("sec", "secadmin", survey.Everywhere)
		t.Run("fewer than 180 days are refused", func(t *testing.T) {
			if err := s.SetRetention(t.Context(), security, event.LeastDays-1); survey.KindOf(err) != survey.Invalid {
				t.Fatal(err)
			}
			if err := s.SetRetention(t.Context(), survey.As("aud", "auditor", survey.Everywhere), 400); survey.KindOf(err) != survey.Denied {
				t.Fatal(err)
			}
			if days, err := event.Retention(db.Read(t.Context())); err != nil || days != event.DefaultDays {
				t.Fatal(days, err)
			}
			// Also when somebody writes it into the table.
			exec(t, db, `INSERT INTO event_timers (name, days) VALUES ('audit', 1)`)
			if days, err := event.Retention(db.Read(t.Context())); err != nil || days != event.LeastDays {
				t.Fatal(days, err)
			}
			exec(t, db, `DELETE FROM event_timers`)
		})
		exec(t, db, `INSERT INTO events (id, at, kind, actor, object, payload) VALUES ('old', '2025-01-01 00:00:00', 'a.b', '', '', '{}')`)
		trail(t, db, c, 20)
		noted := verify(t, db).Head
		must(t, s.SetRetention(t.Context(), security, 200))
		c.advance(199 * 24 * time.Hour)
		trail(t, db, c, 5)
		w := event.NewWorker(db, discard, map[string]event.Handler{event.PruneAsked: {Do: func(ctx context.Context, _ event.Event) error { return event.Prune(ctx, db) }}})
		round := func() event.Report {
			t.Helper()
			must(t, event.AskToPrune(t.Context(), db))
			must(t, w.Drain(t.Context()))
			return verify(t, db)
		}
		t.Run("only what is over its time goes", func(t *testing.T) {
			r := round()
			if r.Bad != nil || r.Older != 0 || r.Count != 21+1+5+2 || r.Cut.Seq != 0 {
				t.Fatalf("%+v %+v", r, r.Bad)
			}
		})
		t.Run("the chain is verified from where it was cut", func(t *testing.T) {
			c.advance(2 * 24 * time.Hour)
			r := round()
			if r.Bad != nil || r.Cut.Seq != 22 || r.Count != 5+2+2 {
				t.Fatalf("%+v %+v", r, r.Bad)
			}
			if again := round(); again.Head != r.Head {
				t.Fatal("asked twice in a day")
			}
		})
		t.Run("an older place cannot be checked any more, and that is said", func(t *testing.T) {
			if r := verify(t, db, noted); r.Bad != nil || len(r.Unchecked) != 1 {
				t.Fatalf("%+v %+v", r, r.Bad)
			}
		})
		t.Run("a cut that was moved is found", func(t *testing.T) {
			keep(t, db)
			exec(t, db, `DELETE FROM events WHERE seq = 23`, `UPDATE event_heads SET seq = 23 WHERE name = 'cut'`)
			wants(t, verify(t, db), event.CutWrong, 23)
		})
		t.Run("what is not as it was written is not removed", func(t *testing.T) {
			keep(t, db)
			exec(t, db, `UPDATE events SET actor = 'bob' WHERE seq = 24`)
			c.advance(400 * 24 * time.Hour)
			must(t, event.AskToPrune(t.Context(), db))
			must(t, w.Drain(t.Context()))
			wants(t, verify(t, db), event.Changed, 24)
			var why string
			must(t, db.Read(t.Context()).Table("event_jobs").Where("error <> ''").Pluck("error", &why).Error)
			if !strings.Contains(why, event.ErrTrailWrong.Error()) {
				t.Fatal(why)
			}
		})
	})
}

// TestPruneInBatches removes more than one transaction takes.
func TestPruneInBatches(t *testing.T) {
	c, dsn := newClock(), storetest.DSN(t, "sqlite")
	db := open(t, dsn, c, key)
	must(t, db.Migrate(t.Context()))
	must(t, db.InTx(t.Context(), func(tx *store.Tx) error {
		for i := range 4500 {
			if err := event.Append(tx, survey.System, "thing.done", fmt.Sprint(i), nil); err != nil {
				return err
			}
		}
		return nil
	}))
	c.advance(event.DefaultDays * 25 * time.Hour)
	must(t, event.Prune(t.Context(), db))
	// What is left are the events about the removals.
	if r := verify(t, db); r.Bad != nil || r.Cut.Seq != 4501 || kinds(t, db) != strings.TrimSpace(strings.Repeat(event.Pruned+" ", 3)) {
		t.Fatalf("%+v %+v %s", r, r.Bad, kinds(t, db))
	}
}
