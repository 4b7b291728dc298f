package event

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"chengyin/survey/store"
)

// Point is a place in the chain. Whoever notes the last one elsewhere can find out
// later whether it is still there.
type Point struct {
	Seq int64
	MAC string
}

func (p Point) String() string { return fmt.Sprintf("%d:%s", p.Seq, p.MAC) }

// ParsePoint reads what Point.String writes.
func ParsePoint(s string) (Point, error) {
	n, mac, _ := strings.Cut(s, ":")
	seq, err := strconv.ParseInt(n, 10, 64)
	if err != nil || seq < 1 || len(mac) != 64 || strings.Trim(mac, "0123456789abcdef") != "" {
		return Point{}, fmt.Errorf("%q is no place in the chain: write SEQ:MAC as verify prints it", s)
	}
	return Point{seq, mac}, nil
}

// What can be wrong with the trail.
const (
	Changed    = "changed"     // the row, or its place among the others
	Removed    = "removed"     // rows before this one are missing
	KeyUnknown = "key_unknown" // made with a key that this installation does not have
	Truncated  = "truncated"   // rows at the end are missing
	HeadWrong  = "head_wrong"  // the note of where the chain ends is missing or was changed
	CutWrong   = "cut_wrong"   // the note of where the chain begins was changed
	OlderWrong = "older_wrong" // not as many rows from before the chain as there were
	NotInChain = "not_in_chain"
)

// Bad is the first thing that is wrong. Of a row that is missing only Seq is known.
type Bad struct {
	What string
	Seq  int64
	ID   string
	At   time.Time
	Kind string
}

// Report is what a walk along the chain has found.
type Report struct {
	Count     int64 // events of the chain that are kept
	Older     int64 // events from before the chain
	Cut       Point // the last event that was removed after its time
	Head      Point
	Unchecked []Point // places that were noted and lie in what was removed after its time
	Bad       *Bad    // nil: all is as it was written
}

// batch is how many rows are held in memory at a time.
const batch = 2000

// Verify walks the chain on one view of the database and finds the first row that
// was changed, removed, inserted or moved, also at its end. Known are places that
// were noted before and must still be there.
func Verify(ctx context.Context, db *store.DB, known ...Point) (Report, error) {
	var r Report
	err := db.Snapshot(ctx, func(q *gorm.DB) (err error) {
		r, err = verify(ctx, q, newRing(db.ChainKeys()), known)
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("verify the trail: %w", err)
	}
	return r, nil
}

func verify(ctx context.Context, q *gorm.DB, keys ring, known []Point) (Report, error) {
	var r Report
	var heads []head
	if err := q.Find(&heads).Error; err != nil {
		return r, err
	}
	var end, begin *head
	for i := range heads {
		switch heads[i].Name {
		case chain:
			end = &heads[i]
		case cut:
			begin = &heads[i]
		}
	}
	if err := q.Model(&Event{}).Where("seq IS NULL").Count(&r.Older).Error; err != nil {
		return r, err
	}
	missing := map[int64]string{}
	for _, p := range known {
		missing[p.Seq] = p.MAC
	}
	older, removedOlder := int64(0), int64(0)
	if begin != nil {
		if !keys.sealed(*begin) {
			r.Bad = &Bad{What: CutWrong, Seq: begin.Seq}
			return r, nil
		}
		r.Cut, removedOlder = Point{begin.Seq, begin.MAC}, begin.Older
		for _, p := range known {
			if p.Seq < begin.Seq {
				delete(missing, p.Seq)
				r.Unchecked = append(r.Unchecked, p)
			}
		}
	}
	var pruned *Event
	w := walker{keys: keys, last: r.Cut}
	if mac, ok := missing[r.Cut.Seq]; ok && mac == r.Cut.MAC {
		delete(missing, r.Cut.Seq)
	}
	err := w.walk(ctx, q, 0, func(e Event) {
		switch e.Kind {
		case Began:
			var p struct{ Before int64 }
			if json.Unmarshal([]byte(e.Payload), &p) == nil {
				older = p.Before - removedOlder
			}
		case Pruned:
			pruned = &e
		}
		if mac, ok := missing[*e.Seq]; ok && mac == e.MAC {
			delete(missing, *e.Seq)
		}
	})
	r.Count, r.Head, r.Bad = w.count, w.last, w.bad
	if err != nil || r.Bad != nil {
		return r, err
	}
	r.Bad = atTheEnds(r, keys, end, begin, pruned)
	if r.Bad == nil && r.Count+r.Cut.Seq > 0 && r.Older != older {
		r.Bad = &Bad{What: OlderWrong, Seq: 0}
	}
	for _, p := range known {
		if _, lost := missing[p.Seq]; lost && r.Bad == nil {
			r.Bad = &Bad{What: NotInChain, Seq: p.Seq}
		}
	}
	return r, nil
}

// atTheEnds compares the notes of where the chain begins and ends with the chain.
func atTheEnds(r Report, keys ring, end, begin *head, pruned *Event) *Bad {
	switch {
	case end == nil && r.Head.Seq > 0:
		return &Bad{What: HeadWrong, Seq: r.Head.Seq}
	case end == nil:
		return nil
	case end.Seq > r.Head.Seq:
		return &Bad{What: Truncated, Seq: r.Head.Seq + 1}
	case end.Seq < r.Head.Seq || end.MAC != r.Head.MAC || !keys.sealed(*end):
		return &Bad{What: HeadWrong, Seq: r.Head.Seq}
	}
	if begin == nil {
		return nil
	}
	// The last removal is told in the chain, so an earlier note put back is found.
	var told removal
	if pruned == nil || json.Unmarshal([]byte(pruned.Payload), &told) != nil || told.Through != begin.Seq || told.MAC != begin.MAC {
		return &Bad{What: CutWrong, Seq: begin.Seq}
	}
	return nil
}

// walker goes along the chain.
type walker struct {
	keys  ring
	last  Point
	count int64
	bad   *Bad
}

// walk goes on from the last point, through the event of that number or, with 0,
// to the end. It stops at the first event that is wrong.
func (w *walker) walk(ctx context.Context, q *gorm.DB, through int64, each func(Event)) error {
	for w.bad == nil {
		rows, err := chainAfter(ctx, q, w.last.Seq, through)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, e := range rows {
			if w.bad = w.check(e); w.bad != nil {
				return nil
			}
			w.last, w.count = Point{*e.Seq, e.MAC}, w.count+1
			each(e)
		}
	}
	return nil
}

func (w *walker) check(e Event) *Bad {
	bad := func(what string) *Bad { return &Bad{What: what, Seq: *e.Seq, ID: e.ID, At: e.At, Kind: e.Kind} }
	if *e.Seq != w.last.Seq+1 {
		return &Bad{What: Removed, Seq: w.last.Seq + 1}
	}
	k, known := w.keys.all[e.KeyID]
	if !known {
		return bad(KeyUnknown)
	}
	if e.mac(k.key, w.last.MAC) != e.MAC {
		return bad(Changed)
	}
	if e.Kind == Doubted {
		// Somebody had moved the end, unless it was sealed with a key that was only
		// missing at that time.
		var d doubt
		if json.Unmarshal([]byte(e.Payload), &d) != nil || d.Seq != w.last.Seq || d.MAC != w.last.MAC ||
			!w.keys.sealed(head{Name: chain, Seq: d.Seq, MAC: d.MAC, KeyID: d.KeyID, Seal: d.Seal}) {
			return bad(HeadWrong)
		}
	}
	return nil
}

// chainAfter reads the next rows of the chain. It scans them by hand: a million
// rows are read in a few seconds.
func chainAfter(ctx context.Context, q *gorm.DB, seq, through int64) ([]Event, error) {
	q = q.WithContext(ctx).Model(&Event{}).Select("seq, id, at, kind, actor, account_id, via, source, request_id, object, area_code, result, payload, key_id, mac").
		Where("seq > ?", seq)
	if through > 0 {
		q = q.Where("seq <= ?", through)
	}
	rows, err := q.Order("seq").Limit(batch).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Event
	for rows.Next() {
		var e Event
		err := rows.Scan(&e.Seq, &e.ID, &e.At, &e.Kind, &e.Actor, &e.AccountID, &e.Via, &e.Source, &e.RequestID, &e.Object, &e.AreaCode, &e.Result, &e.Payload, &e.KeyID, &e.MAC)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
