package event

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/store"
)

// ErrNotFound means that there is no such event, or none that the actor sees.
var ErrNotFound = &survey.Error{Kind: survey.NotFound, Code: "event_not_found"}

// Kinds of events that the trail writes about its own use.
const (
	Verified = "audit.verified"
	Exported = "audit.exported"
)

// Service lets auditors read the trail.
type Service struct {
	db       *store.DB
	refusals refusals
}

// New returns the service on db.
func New(db *store.DB) *Service { return &Service{db: db} }

// Filter narrows a list. Zero fields do not.
type Filter struct {
	From, To time.Time // To is not part of it
	Person   string    // login
	Kind     string    // or all of a package: "account."
	Result   string
	Object   string
	Area     string // that place and everything below
	Source   string // network address
	After    Cursor // go on after this event
	Limit    int
}

// Cursor is the place of an event in a list, the newest first.
type Cursor struct {
	At time.Time
	ID string
}

// Next returns the cursor behind the event.
func (e Event) Next() Cursor { return Cursor{e.At, e.ID} }

// List returns the events that the actor may see, the newest first. Auditors of
// everything see all. An auditor of a district sees what happened to its places and
// what people who belong there did, wherever; what neither lies in a place nor was
// done by a person of the district, such as the platform's own doing, is not its
// own. Returns survey.ErrDenied to others.
func (s *Service) List(ctx context.Context, actor survey.Actor, f Filter) ([]Event, error) {
	if !actor.Can(survey.ReadAudit) {
		return nil, survey.ErrDenied
	}
	q := s.db.Read(ctx).Scopes(seenBy(actor), f.narrow)
	if f.After.ID != "" {
		q = q.Where("(events.at < ? OR (events.at = ? AND events.id < ?))", f.After.At, f.After.At, f.After.ID)
	}
	var list []Event
	if err := q.Order("events.at DESC, events.id DESC").Limit(f.Limit).Find(&list).Error; err != nil && !store.NotFound(err) {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return list, nil
}

// ByID returns the event. Returns ErrNotFound.
func (s *Service) ByID(ctx context.Context, actor survey.Actor, id string) (Event, error) {
	var e Event
	if !actor.Can(survey.ReadAudit) {
		return e, survey.ErrDenied
	}
	err := s.db.Read(ctx).Scopes(seenBy(actor)).Where("events.id = ?", id).Take(&e).Error
	if store.NotFound(err) {
		return Event{}, ErrNotFound
	}
	return e, err
}

// everything reports whether the actor reads the whole trail.
func everything(actor survey.Actor) bool { return actor.Sees(survey.ReadAudit, survey.Everywhere) }

// seenBy narrows a query to what the actor may see.
func seenBy(actor survey.Actor) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		if everything(actor) {
			return q
		}
		tops := actor.Places(survey.ReadAudit)
		blank := q.Session(&gorm.Session{NewDB: true})
		people := store.Within("accounts.area_code", tops)(blank.Table("accounts").Select("accounts.id"))
		return q.Where(store.Within("events.area_code", tops)(blank).Or("events.account_id IN (?)", people))
	}
}

func (f Filter) narrow(q *gorm.DB) *gorm.DB {
	for column, value := range map[string]string{"actor": f.Person, "result": f.Result, "object": f.Object, "source": f.Source} {
		if value != "" {
			q = q.Where("events."+column+" = ?", value)
		}
	}
	switch {
	case strings.HasSuffix(f.Kind, "."):
		q = q.Where("events.kind >= ? AND events.kind < ?", f.Kind, strings.TrimSuffix(f.Kind, ".")+"/")
	case f.Kind != "":
		q = q.Where("events.kind = ?", f.Kind)
	}
	if f.Area != "" {
		q = store.Within("events.area_code", []string{f.Area})(q)
	}
	if !f.From.IsZero() {
		q = q.Where("events.at >= ?", f.From)
	}
	if !f.To.IsZero() {
		q = q.Where("events.at < ?", f.To)
	}
	return q
}

// Verify walks the chain for an auditor and notes that it was asked for, and what
// it said. The chain is one, so auditors of a district walk all of it; of a wrong
// row outside their places they learn its number and nothing else.
func (s *Service) Verify(ctx context.Context, actor survey.Actor, known ...Point) (Report, error) {
	if !actor.Can(survey.ReadAudit) {
		return Report{}, survey.ErrDenied
	}
	r, err := Verify(ctx, s.db, known...)
	if err != nil {
		return r, err
	}
	e := Entry{Kind: Verified, Payload: map[string]any{"count": r.Count, "head": r.Head.String()}}
	if r.Bad != nil {
		e.Result, e.Payload = Failed, map[string]any{"count": r.Count, "what": r.Bad.What, "seq": r.Bad.Seq, "id": r.Bad.ID}
	}
	if err := s.db.InTx(ctx, func(tx *store.Tx) error { return Write(tx, actor, e) }); err != nil {
		return r, err
	}
	if r.Bad != nil && r.Bad.ID != "" {
		switch _, err := s.ByID(ctx, actor, r.Bad.ID); {
		case errors.Is(err, ErrNotFound):
			r.Bad = &Bad{What: r.Bad.What, Seq: r.Bad.Seq}
		case err != nil:
			return r, err
		}
	}
	return r, nil
}

// Count returns the number of events that are kept, the jobs, and how long the
// oldest of those that are due has waited.
func (s *Service) Count(ctx context.Context) (events int64, jobs Jobs, waited time.Duration, err error) {
	// The chain has no gaps, so its ends tell the number without counting.
	r := s.db.Read(ctx)
	var heads []head
	if err := r.Find(&heads).Error; err != nil {
		return 0, jobs, 0, fmt.Errorf("count events: %w", err)
	}
	if err := r.Model(&Event{}).Where("seq IS NULL").Count(&events).Error; err != nil {
		return 0, jobs, 0, fmt.Errorf("count events: %w", err)
	}
	for _, h := range heads {
		if h.Name == chain {
			events += h.Seq
		} else {
			events -= h.Seq
		}
	}
	now := s.db.Clock()()
	if jobs, err = CountJobs(r, now); err == nil && jobs.Waiting > 0 {
		waited = now.Sub(jobs.Oldest)
	}
	return events, jobs, waited, err
}

// KeyChanged is the kind of the event that says that from here on another key
// makes the codes of the chain.
const KeyChanged = "secret.changed"

// NoteKey writes that the secret was changed, when the chain was last written with
// another one.
func (s *Service) NoteKey(ctx context.Context) error {
	newest := newRing(s.db.ChainKeys()).newest.id
	var h []head
	if err := s.db.Read(ctx).Where("name = ? AND key_id <> ?", chain, newest).Find(&h).Error; err != nil || len(h) == 0 {
		return err
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		return Write(tx, survey.System, Entry{Kind: KeyChanged, Object: newest, Payload: map[string]string{"from": h[0].KeyID, "to": newest}})
	})
}
