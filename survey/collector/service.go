package collector

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Service makes, finds and revokes collectors.
type Service struct {
	db     *store.DB
	signer *Signer
}

// New returns the service on db; codes are signed with secret, and
// those that were signed with an older one stay genuine.
func New(db *store.DB, secret []byte, older ...[]byte) *Service {
	return &Service{db: db, signer: NewSigner(secret, older...)}
}

// ByCode finds a collector by its code, however it was typed. A code whose
// signature is wrong costs no look-up. Returns ErrNotFound.
func (s *Service) ByCode(ctx context.Context, code string) (Collector, error) {
	code = Normalise(code)
	if !s.signer.Genuine(code) {
		return Collector{}, ErrNotFound
	}
	return collectorByCode(s.db.Read(ctx), code)
}

// seeCollectors are the permissions of which any one shows collectors.
var seeCollectors = []survey.Permission{survey.ManageCollectors, survey.SeeScores}

// Seen finds a collector as ByCode does. One that the actor does not see is none.
func (s *Service) Seen(ctx context.Context, actor survey.Actor, code string) (Collector, error) {
	if !actor.CanAny(seeCollectors...) {
		return Collector{}, survey.ErrDenied
	}
	c, err := s.ByCode(ctx, code)
	if err != nil {
		return Collector{}, err
	}
	mine := c.UnitCode != nil && slices.Contains(actor.Units(seeCollectors...), *c.UnitCode)
	if !mine && !slices.ContainsFunc(seeCollectors, func(p survey.Permission) bool { return actor.Sees(p, c.AreaCode) }) {
		return Collector{}, ErrNotFound
	}
	return c, nil
}

// Filter narrows a list. Zero fields do not.
type Filter struct {
	Wave    string
	Area    string // and everything below
	Channel string
	After   int64 // number of the last collector of the page before
	Limit   int   // 0: 100
}

// List returns the collectors that the actor may see, by number.
func (s *Service) List(ctx context.Context, actor survey.Actor, f Filter) ([]Collector, error) {
	if !actor.CanAny(seeCollectors...) {
		return nil, survey.ErrDenied
	}
	if f.Limit <= 0 || f.Limit > 1000 {
		f.Limit = 100
	}
	return collectors(s.db.Read(ctx), actor.Places(seeCollectors...), actor.Units(seeCollectors...), f)
}

// Spec is what a new collector is for.
type Spec struct {
	Area      string
	Unit      *string
	Channel   string
	Slot      int
	Place     string
	ExpiresAt *time.Time
}

// Create makes collectors in the wave, all or none. Returns ErrSlotTaken, or
// survey.ErrInvalid that names the wrong field.
func (s *Service) Create(ctx context.Context, actor survey.Actor, w wave.Wave, specs []Spec) ([]Collector, error) {
	if !actor.Can(survey.ManageCollectors) {
		return nil, survey.ErrDenied
	}
	for _, p := range specs {
		switch {
		case !actor.Sees(survey.ManageCollectors, p.Area) || !survey.Within(w.AreaCode, p.Area):
			return nil, survey.ErrInvalid.With(survey.Field{Path: "area", Code: "area_outside"})
		case !slices.Contains(Channels, p.Channel):
			return nil, survey.ErrInvalid.With(survey.Field{Path: "channel", Code: "field_not_listed"})
		case p.Slot < 1 || p.Slot > 9999:
			return nil, survey.ErrInvalid.With(survey.Field{Path: "slot", Code: "field_out_of_range", Args: map[string]any{"min": 1, "max": 9999}})
		case len([]rune(p.Place)) > 200:
			return nil, survey.ErrInvalid.With(survey.Field{Path: "place", Code: "field_too_long", Args: map[string]any{"max": 200}})
		}
	}
	if slotTwice(specs) {
		return nil, ErrSlotTaken
	}
	// Somebody who makes collectors at the same time takes the same numbers, and
	// the database lets one of the two have them. The other takes the next ones.
	const tries = 50
	for i := 1; ; i++ {
		out, err := s.create(ctx, actor, w, specs)
		if i == tries || !errors.Is(err, ErrSlotTaken) {
			return out, err
		}
		if taken, e := slotTaken(s.db.Read(ctx), w.ID, specs); e != nil {
			return nil, e
		} else if taken {
			return nil, err
		}
	}
}

func (s *Service) create(ctx context.Context, actor survey.Actor, w wave.Wave, specs []Spec) ([]Collector, error) {
	var out []Collector
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := known(tx, specs); err != nil {
			return err
		}
		last, err := lastNumber(tx, len(specs))
		if err != nil {
			return err
		}
		out = make([]Collector, len(specs))
		for i, p := range specs {
			id, err := uuid.NewV7()
			if err != nil {
				return err
			}
			n := last + 1 + int64(i)
			out[i] = Collector{ID: id.String(), Number: n, Code: s.signer.Code(n), WaveID: w.ID, AreaCode: p.Area, UnitCode: p.Unit,
				Channel: p.Channel, Slot: p.Slot, Place: p.Place, ExpiresAt: p.ExpiresAt, CreatedAt: tx.Now}
		}
		if err := insertCollectors(tx, out); err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "collector.created", Object: w.ID, Area: common(specs), Payload: map[string]int{"count": len(out)}})
	})
	return out, err
}

// common returns the smallest place that contains all places of the specs, as an
// auditor looks for it.
func common(specs []Spec) string {
	if len(specs) == 0 {
		return ""
	}
	top := specs[0].Area
	for _, n := range []int{12, 9, 6, 4, 2, 0} {
		top = top[:min(n, len(top))] + strings.Repeat("0", 12-min(n, len(top)))
		if !slices.ContainsFunc(specs, func(p Spec) bool { return !survey.Within(top, p.Area) }) {
			break
		}
	}
	return top
}

// Revoke ends a collector: answers to it are kept in quarantine from now on.
// Revoking again changes nothing. Returns ErrNotFound, or survey.ErrInvalid when
// the reason is too long.
func (s *Service) Revoke(ctx context.Context, actor survey.Actor, code, why string) error {
	if !actor.Can(survey.ManageCollectors) {
		return survey.ErrDenied
	}
	if len([]rune(why)) > 200 {
		return survey.ErrInvalid.With(survey.Field{Path: "why", Code: "field_too_long", Args: map[string]any{"max": 200}})
	}
	c, err := s.ByCode(ctx, code)
	if err != nil {
		return err
	}
	if !actor.Sees(survey.ManageCollectors, c.AreaCode) {
		return ErrNotFound
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		changed, err := revoke(tx, c.ID, why)
		if err != nil || !changed {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "collector.revoked", Object: c.ID, Area: c.AreaCode, Payload: map[string]string{"why": why}})
	})
}

// FieldSlot is the slot of a collector that stands for field work and was never
// hung up anywhere.
const FieldSlot = 9999

// OfVisits returns the collector that answers given at the doors of a community
// belong to: its first one for visits. Where there is none, one is made that has
// expired before anybody could scan it.
func (s *Service) OfVisits(ctx context.Context, w wave.Wave, area string) (Collector, error) {
	find := func() (Collector, error) { return collectorOfVisits(s.db.Read(ctx), w.ID, area) }
	c, err := find()
	if !errors.Is(err, ErrNotFound) {
		return c, err
	}
	before := w.OpensAt
	made, err := s.Create(ctx, survey.System, w, []Spec{{Area: area, Channel: Visit, Slot: FieldSlot, ExpiresAt: &before}})
	if errors.Is(err, ErrSlotTaken) { // somebody was faster
		return find()
	}
	if err != nil {
		return Collector{}, err
	}
	return made[0], nil
}

// EnsureVisits makes the collector for visits of a wave in the communities that have
// none: the one behind which answers given at the door are stored. Returns
// ErrSlotTaken when somebody was faster; the transaction can be run again.
func (s *Service) EnsureVisits(tx *store.Tx, actor survey.Actor, w wave.Wave, communities []string) error {
	have, err := visitsIn(tx, w.ID)
	if err != nil {
		return err
	}
	var out []Collector
	last, err := lastNumber(tx, len(communities))
	if err != nil {
		return err
	}
	var specs []Spec
	for _, code := range communities {
		if have[code] {
			continue
		}
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		last++
		specs = append(specs, Spec{Area: code})
		out = append(out, Collector{ID: id.String(), Number: last, Code: s.signer.Code(last), WaveID: w.ID, AreaCode: code, Channel: Visit, Slot: 1, CreatedAt: tx.Now})
	}
	if len(out) == 0 {
		return nil
	}
	if err := insertCollectors(tx, out); err != nil {
		return err
	}
	return event.Write(tx, actor, event.Entry{Kind: "collector.created", Object: w.ID, Area: common(specs), Payload: map[string]int{"count": len(out)}})
}
