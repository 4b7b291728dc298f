package sample

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"chengyin/stats/sampling"
	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/event"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// seedOf reads a seed that somebody typed, up to 32 hexadecimal digits, or makes one.
func seedOf(typed string) (sampling.Seed, error) {
	typed = strings.ToLower(strings.Join(strings.Fields(typed), ""))
	if typed == "" {
		b := make([]byte, 16)
		rand.Read(b)
		typed = hex.EncodeToString(b)
	}
	if len(typed) < 32 {
		typed = strings.Repeat("0", 32-len(typed)) + typed
	}
	seed, err := sampling.ParseSeed(typed)
	if err != nil {
		return seed, survey.ErrInvalid.With(survey.Field{Path: "seed", Code: "plan_seed"})
	}
	return seed, nil
}

// redraw computes a plan's draw from the stored list.
func (s *Service) redraw(ctx context.Context, p Plan, seed sampling.Seed) (Drawn, error) {
	spec, err := p.ParseSpec()
	if err != nil {
		return Drawn{}, err
	}
	f, err := frameByID(s.db.Read(ctx), p.FrameID)
	if err != nil {
		return Drawn{}, err
	}
	frame, err := homesOf(s.db.Read(ctx), p.FrameID, survey.Everywhere)
	if err != nil {
		return Drawn{}, err
	}
	if len(frame) < f.Homes {
		return Drawn{}, ErrFrameErased
	}
	if HashFrame(frame) != f.Hash {
		return Drawn{}, ErrFrameChanged
	}
	frame = slices.DeleteFunc(frame, func(h FrameHome) bool { return !survey.Within(p.AreaCode, h.AreaCode) })
	return Draw(frame, spec, seed)
}

// DrawOptions say how to draw a plan.
type DrawOptions struct {
	Seed string // up to 32 hexadecimal digits; "": made here
	// Replace takes back earlier draws for the same wave in the place of the plan,
	// when nobody has been at their doors.
	Replace bool
}

// Draw draws the households of a plan and stores them, all or none: the units with
// their weights, where they are, the order of the reserve, where they stand in field
// work, and a code for visits in each community. It writes the event "sample.drawn"
// with the seed and the hash of the result, and "sample.replaced" for each draw that
// it takes back.
//
// Returns survey.ErrDenied, ErrPlanNotFound, ErrPlanDrawn, ErrDrawnBefore, ErrVisited,
// ErrHouseholdTwice, ErrFrameChanged and what the function Draw returns.
func (s *Service) Draw(ctx context.Context, actor survey.Actor, id string, o DrawOptions) (Plan, error) {
	p, err := s.Plan(ctx, actor, id)
	if err != nil {
		return p, err
	}
	if p.DrawnAt != nil {
		return p, ErrPlanDrawn
	}
	w, err := s.deps.Waves.ByID(ctx, p.WaveID)
	if err != nil {
		return p, err
	}
	if w.Over(s.db.Clock()()) {
		return p, survey.ErrInvalid.With(survey.Field{Path: "wave", Code: "plan_wave_over"})
	}
	seed, err := seedOf(o.Seed)
	if err != nil {
		return p, err
	}
	drawn, err := s.redraw(ctx, p, seed)
	if err != nil {
		return p, err
	}
	p.Seed, p.DrawnBy, p.ResultHash = seed.String(), actor.Account, drawn.Hash()
	units, homes, err := drawn.rows(p)
	if err != nil {
		return p, err
	}
	// Somebody who makes codes at the same time may take the same numbers; the other
	// then takes the next ones.
	const tries = 20
	for i := 1; ; i++ {
		err = s.db.InTx(ctx, func(tx *store.Tx) error { return s.store(tx, actor, w, p, drawn, units, homes, o.Replace) })
		if i == tries || !errors.Is(err, collector.ErrSlotTaken) {
			break
		}
	}
	if err != nil {
		return p, err
	}
	return s.Plan(ctx, actor, id)
}

// rows are what a draw adds to the tables.
func (d Drawn) rows(p Plan) ([]Unit, []Home, error) {
	units, homes := make([]Unit, len(d.Homes)), make([]Home, len(d.Homes))
	for i, h := range d.Homes {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, nil, err
		}
		units[i] = Unit{ID: id.String(), WaveID: p.WaveID, AreaCode: h.AreaCode, Stratum: h.Stratum, PSU: h.PSU, Household: h.Household, Weight: h.Base()}
		homes[i] = Home{UnitID: id.String(), WaveID: p.WaveID, PlanID: p.ID, AreaCode: h.AreaCode, PSU: h.PSU, Position: h.At, Reserve: h.Reserve,
			Probability: h.Probability, Base: h.Base(), FrameAdults: h.Adults, Building: h.Building, Unit: h.FrameHome.Unit, Room: h.Room, Picks: h.Picks}
	}
	return units, homes, nil
}

func (s *Service) store(tx *store.Tx, actor survey.Actor, w wave.Wave, p Plan, drawn Drawn, units []Unit, homes []Home, replace bool) error {
	if err := markDrawn(tx, p); err != nil {
		return err
	}
	before, err := plansDrawn(tx, p.WaveID, p.AreaCode)
	if err != nil {
		return err
	}
	for _, old := range before {
		if !replace || !survey.Within(p.AreaCode, old.AreaCode) {
			return ErrDrawnBefore
		}
		gone, err := unitsOfPlan(tx.DB, old.ID)
		if err != nil {
			return err
		}
		if err := s.deps.Drop(tx, gone); err != nil {
			return err
		}
		if err := removeDraw(tx, gone); err != nil {
			return err
		}
		err = event.Write(tx, actor, event.Entry{Kind: "sample.replaced", Object: old.ID, Area: old.AreaCode, Payload: map[string]any{"wave": p.WaveID, "homes": len(gone), "hash": old.ResultHash, "by": p.ID}})
		if err != nil {
			return err
		}
	}
	err = insertUnits(tx, units)
	if err == nil {
		err = insertHomes(tx, homes)
	}
	if store.IsDuplicate(err) {
		return ErrHouseholdTwice.Because(err)
	}
	if err != nil {
		return err
	}
	if err := s.deps.Open(tx, units, homes); err != nil {
		return err
	}
	var communities []string
	for _, u := range units {
		communities = append(communities, u.AreaCode)
	}
	slices.Sort(communities)
	if err := s.deps.Collectors.EnsureVisits(tx, actor, w, slices.Compact(communities)); err != nil {
		return err
	}
	return event.Write(tx, actor, event.Entry{Kind: "sample.drawn", Object: p.ID, Area: p.AreaCode, Payload: map[string]any{
		"wave": p.WaveID, "frame": p.FrameID, "seed": p.Seed, "hash": p.ResultHash, "psus": len(drawn.PSUs), "homes": len(homes),
	}})
}

// Replayed says what drawing again from the stored list, plan and seed gave.
type Replayed struct {
	Hash   string // of the draw made now
	Want   string // of the draw that was made then
	Stored string // of the households as they are stored; "" when the draw was replaced
}

// Same reports whether the draw is what its seed gives, and what is stored is that
// draw.
func (r Replayed) Same() bool {
	return r.Hash == r.Want && (r.Stored == "" || r.Stored == r.Want)
}

// Replay draws a plan again from the stored list and seed, and stores nothing but
// the event "sample.replayed". Returns ErrPlanOpen for a plan that was not drawn,
// ErrFrameChanged, ErrFrameErased and what Plan returns.
func (s *Service) Replay(ctx context.Context, actor survey.Actor, id string) (Replayed, error) {
	p, err := s.Plan(ctx, actor, id)
	if err != nil {
		return Replayed{}, err
	}
	if p.DrawnAt == nil {
		return Replayed{}, ErrPlanOpen
	}
	seed, err := sampling.ParseSeed(p.Seed)
	if err != nil {
		return Replayed{}, fmt.Errorf("seed of plan %s: %w", p.ID, err)
	}
	drawn, err := s.redraw(ctx, p, seed)
	if err != nil {
		return Replayed{}, err
	}
	stored, err := homesOfPlan(s.db.Read(ctx), p.ID, "")
	if err != nil {
		return Replayed{}, err
	}
	r := Replayed{Hash: drawn.Hash(), Want: p.ResultHash}
	if len(stored) > 0 {
		r.Stored = hashStored(stored, drawn)
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		return event.Write(tx, actor, event.Entry{Kind: "sample.replayed", Object: p.ID, Area: p.AreaCode, Payload: map[string]any{"same": r.Same(), "hash": r.Hash}})
	})
	return r, err
}

// hashStored is the hash of a draw made up from stored rows, in the order of the
// draw; rows that it does not have come last. A row whose household was forgotten
// when its time was over stands for whoever the draw has at its place.
func hashStored(stored []PlanHome, drawn Drawn) string {
	type seat struct {
		psu string
		at  int
	}
	place, seats := make(map[string]int, len(drawn.Homes)), make(map[seat]string, len(drawn.Homes))
	for i, h := range drawn.Homes {
		place[h.Household], seats[seat{h.PSU, h.At}] = i+1, h.Household
	}
	for i, h := range stored {
		if who := seats[seat{h.Home.PSU, h.Position}]; h.Household == h.UnitID && who != "" {
			stored[i].Household = who
		}
	}
	at := func(h PlanHome) int {
		if i := place[h.Household]; i > 0 {
			return i
		}
		return len(place) + 1
	}
	slices.SortStableFunc(stored, func(a, b PlanHome) int { return cmp.Compare(at(a), at(b)) })
	var d Drawn
	for _, h := range stored {
		d.Homes = append(d.Homes, DrawnHome{FrameHome: FrameHome{Household: h.Household}, Stratum: h.Stratum, PSU: h.Home.PSU, At: h.Position, Reserve: h.Reserve, Probability: h.Probability, Picks: h.Picks})
	}
	return d.Hash()
}
