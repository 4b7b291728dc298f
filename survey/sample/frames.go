package sample

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// ErrFrameNotFound means that there is no such list, or none that the actor sees.
var ErrFrameNotFound = &survey.Error{Kind: survey.NotFound, Code: "frame_not_found"}

// Frames returns the lists that lie in the actor's places, the newest first.
func (s *Service) Frames(ctx context.Context, actor survey.Actor) ([]Frame, error) {
	if !actor.Can(survey.ManageSamples) {
		return nil, survey.ErrDenied
	}
	return framesIn(s.db.Read(ctx), actor.Places(survey.ManageSamples))
}

// Frame returns one of them. Returns ErrFrameNotFound.
func (s *Service) Frame(ctx context.Context, actor survey.Actor, id string) (Frame, error) {
	if !actor.Can(survey.ManageSamples) {
		return Frame{}, survey.ErrDenied
	}
	f, err := frameByID(s.db.Read(ctx), id)
	if err == nil && !actor.Sees(survey.ManageSamples, f.AreaCode) {
		return Frame{}, ErrFrameNotFound
	}
	return f, err
}

// FramePlace is a community of a list.
type FramePlace struct {
	AreaCode  string
	Buildings int
	Homes     int
	Known     int // households of which the number of adults is known
	Adults    int // in those
}

// FramePlaces returns the communities of a list that lie in the actor's places, by
// code.
func (s *Service) FramePlaces(ctx context.Context, actor survey.Actor, f Frame) ([]FramePlace, error) {
	clusters, err := clustersOf(s.db.Read(ctx), f.ID, survey.Everywhere)
	if err != nil {
		return nil, err
	}
	var out []FramePlace
	for _, c := range fold(clusters, Buildings) {
		if !actor.Sees(survey.ManageSamples, c.AreaCode) {
			continue
		}
		if len(out) == 0 || out[len(out)-1].AreaCode != c.AreaCode {
			out = append(out, FramePlace{AreaCode: c.AreaCode})
		}
		p := &out[len(out)-1]
		p.Buildings, p.Homes, p.Known, p.Adults = p.Buildings+1, p.Homes+c.Homes, p.Known+c.Known, p.Adults+c.Adults
	}
	return out, nil
}

// storeBatch is how many households one transaction adds: between two of them
// answers of residents are stored.
const storeBatch = 2000

// abandoned is after how long a list that is not complete was given up.
const abandoned = time.Hour

// StoreFrame stores a list that was read, as a new version with the event
// "frame.imported". It is there for others when all of it is. Returns
// survey.ErrDenied, ErrFrameProblems when rows are wrong and are not to be skipped or
// no right one is left, and survey.ErrInvalid that names the wrong field.
func (s *Service) StoreFrame(ctx context.Context, actor survey.Actor, p *Import, name string, skipBad bool, progress Progress) (Frame, error) {
	name = strings.TrimSpace(name)
	switch {
	case !actor.Can(survey.ManageSamples):
		return Frame{}, survey.ErrDenied
	case p.Total > 0 && !skipBad, p.Good == 0:
		return Frame{}, ErrFrameProblems
	case name == "":
		name = p.File
	}
	if utf8.RuneCountInString(name) > longestText || strings.ContainsFunc(name, unprintable) {
		return Frame{}, survey.ErrInvalid.With(survey.Field{Path: "name", Code: "field_too_long", Args: map[string]any{"max": longestText}})
	}
	source := []rune(p.File)
	f := Frame{Name: name, Source: string(source[:min(len(source), longestText)]), Homes: p.Good, ImportedBy: actor.Account}
	hash := HashFrame(p.homes)
	var codes []string
	for i, h := range p.homes {
		if i == 0 || p.homes[i-1].AreaCode != h.AreaCode {
			codes = append(codes, h.AreaCode)
		}
		if !actor.Sees(survey.ManageSamples, h.AreaCode) { // rights may have changed since it was read
			return Frame{}, survey.ErrDenied
		}
	}
	f.AreaCode = Smallest(codes)
	if !actor.Sees(survey.ManageSamples, f.AreaCode) {
		f.AreaCode = actor.Home(survey.ManageSamples)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Frame{}, err
	}
	f.ID = id.String()
	if err := s.clearAbandoned(ctx); err != nil {
		return Frame{}, err
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		f.CreatedAt = tx.Now
		if err := tx.Create(&f).Error; err != nil {
			return fmt.Errorf("store frame: %w", err)
		}
		return nil
	})
	if err != nil {
		return Frame{}, err
	}
	for at := 0; at < len(p.homes); at += storeBatch {
		progress(at, len(p.homes))
		batch := p.homes[at:min(at+storeBatch, len(p.homes))]
		if err := s.db.InTx(ctx, func(tx *store.Tx) error { return insertFrameHomes(tx, f.ID, batch) }); err != nil {
			return Frame{}, err // what is there is cleared by the next import
		}
	}
	f.Hash = hash
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.Model(&Frame{}).Where("id = ?", f.ID).Update("hash", hash).Error; err != nil {
			return fmt.Errorf("complete frame: %w", err)
		}
		return event.Write(tx, actor, event.Entry{Kind: "frame.imported", Object: f.ID, Area: f.AreaCode, Payload: map[string]any{
			"file": f.Source, "homes": f.Homes, "skipped": p.Bad, "hash": hash,
		}})
	})
	progress(len(p.homes), len(p.homes))
	return f, err
}

// clearAbandoned removes lists whose import never ended, a part in each
// transaction.
func (s *Service) clearAbandoned(ctx context.Context) error {
	old, err := abandonedFrames(s.db.Read(ctx), s.db.Clock()().Add(-abandoned))
	if err != nil {
		return err
	}
	for _, f := range old {
		for more := true; more; {
			err := s.db.InTx(ctx, func(tx *store.Tx) (err error) {
				more, err = removeFrameHomes(tx, f)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
