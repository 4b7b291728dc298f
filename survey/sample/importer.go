package sample

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"sync/atomic"
	"time"

	"chengyin/survey"
)

// The stages of an import that runs by itself.
const (
	Reading = "reading" // the file
	Checked = "checked" // waits for the officer
	Storing = "storing"
	Stored  = "stored"
	Failed  = "failed"
)

// ErrImportNotFound means that there is no such import, or that it is too long ago.
var ErrImportNotFound = &survey.Error{Kind: survey.NotFound, Code: "frame_import_not_found"}

// ErrImportBusy means that enough imports are running.
var ErrImportBusy = &survey.Error{Kind: survey.TooMany, Code: "frame_import_busy"}

// ErrImportStage means that the import does not wait for a decision.
var ErrImportStage = &survey.Error{Kind: survey.Conflict, Code: "frame_import_stage"}

// ImportState is how far an import is.
type ImportState struct {
	ID        string
	Stage     string
	File      string
	Done, All int     // rows; All is 0 while it is not known
	Import    *Import // once checked
	Frame     Frame   // once stored
	Err       error   // when it failed
}

// Limits of imports that run by themselves. A file waits in memory, so there are few.
const (
	mostJobs   = 8
	mostAtWork = 2
	jobLife    = 30 * time.Minute // since it last moved by somebody's hand
	jobTime    = 10 * time.Minute // for reading, or storing
)

// jobs are the imports of this process, one for an account.
type jobs struct {
	mu   sync.Mutex
	kept map[string]*job // by account
}

type job struct {
	id, account, file string
	stop              context.CancelFunc
	until             time.Time
	done, all         atomic.Int64

	mu    sync.Mutex
	stage string
	read  *Import
	frame Frame
	err   error
}

func (j *job) progress(done, all int) {
	j.done.Store(int64(done))
	j.all.Store(int64(all))
}

func (j *job) state() ImportState {
	j.mu.Lock()
	defer j.mu.Unlock()
	return ImportState{ID: j.id, Stage: j.stage, File: j.file, Done: int(j.done.Load()), All: int(j.all.Load()), Import: j.read, Frame: j.frame, Err: j.err}
}

func (j *job) atWork() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stage == Reading || j.stage == Storing
}

// cancel ends what is going on.
func (j *job) cancel() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stop()
}

// end notes the stage that comes after work, or what went wrong.
func (j *job) end(stage string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stage, j.err = stage, err; err != nil {
		j.stage = Failed
	}
}

// BeginImport reads and checks a list without keeping the caller waiting, and returns
// how to ask for it. An earlier import of the same account that waits is forgotten.
// Returns survey.ErrDenied, ErrImportStage when one of theirs is being stored, and
// ErrImportBusy.
func (s *Service) BeginImport(ctx context.Context, actor survey.Actor, filename string, raw []byte) (string, error) {
	if !actor.Can(survey.ManageSamples) {
		return "", survey.ErrDenied
	}
	b := make([]byte, 18)
	rand.Read(b)
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), jobTime)
	j := &job{id: base64.RawURLEncoding.EncodeToString(b), account: actor.Account, file: filename, stage: Reading, stop: stop}
	if err := s.keep(j); err != nil {
		stop()
		return "", err
	}
	go func() {
		defer stop()
		p, err := s.ReadFrame(ctx, actor, filename, bytes.NewReader(raw), j.progress)
		j.mu.Lock()
		j.read = p
		j.mu.Unlock()
		j.end(Checked, err)
	}()
	return j.id, nil
}

func (s *Service) keep(j *job) error {
	now := s.db.Clock()()
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	if s.jobs.kept == nil {
		s.jobs.kept = map[string]*job{}
	}
	busy := 0
	for who, k := range s.jobs.kept {
		switch {
		case who == j.account && k.state().Stage == Storing:
			return ErrImportStage
		case who == j.account:
			k.cancel()
			delete(s.jobs.kept, who)
		case k.atWork():
			busy++
		case !now.Before(k.until):
			delete(s.jobs.kept, who)
		}
	}
	if busy >= mostAtWork || len(s.jobs.kept) >= mostJobs {
		return ErrImportBusy
	}
	j.until = now.Add(jobLife)
	s.jobs.kept[j.account] = j
	return nil
}

func (s *Service) job(actor survey.Actor, id string) (*job, error) {
	if !actor.Can(survey.ManageSamples) {
		return nil, survey.ErrDenied
	}
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	j := s.jobs.kept[actor.Account]
	if j == nil || j.id != id || !s.db.Clock()().Before(j.until) && !j.atWork() {
		return nil, ErrImportNotFound
	}
	return j, nil
}

// ImportState says how far an import of the actor is. Returns ErrImportNotFound.
func (s *Service) ImportState(actor survey.Actor, id string) (ImportState, error) {
	j, err := s.job(actor, id)
	if err != nil {
		return ImportState{}, err
	}
	return j.state(), nil
}

// ConfirmImport stores a list that was checked, without keeping the caller waiting.
// Returns ErrImportNotFound, ErrImportStage unless it waits for that, and
// ErrFrameProblems when rows are wrong and are not to be skipped.
func (s *Service) ConfirmImport(ctx context.Context, actor survey.Actor, id, name string, skipBad bool) error {
	j, err := s.job(actor, id)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.stage != Checked:
		return ErrImportStage
	case j.read.Total > 0 && !skipBad, j.read.Good == 0:
		return ErrFrameProblems
	}
	j.stage = Storing
	j.progress(0, j.read.Good)
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), jobTime)
	j.stop = stop
	go func() {
		defer stop()
		f, err := s.StoreFrame(ctx, actor, j.read, name, skipBad, j.progress)
		j.mu.Lock()
		if j.frame = f; err == nil {
			j.read.homes = nil // the memory
		}
		j.mu.Unlock()
		j.end(Stored, err)
	}()
	return nil
}
