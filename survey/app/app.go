// Package app builds every service of the platform and runs what happens without
// anybody asking.
package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/event"
	"chengyin/survey/fieldwork"
	"chengyin/survey/indicator"
	"chengyin/survey/privacy"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/score"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Config is what an App is made from.
type Config struct {
	Database    string   // "sqlite:PATH" or "mysql://USER:PASS@HOST:PORT/NAME"
	Secret      []byte   // keys codes, tickets and receipts
	Older       [][]byte // secrets that were in use before, the newest first: what they signed stays genuine
	CodeVersion string   // written into every run of scores
	Clock       survey.Clock
	Log         *slog.Logger
}

// App is every service on one database.
type App struct {
	DB    *store.DB
	Clock survey.Clock
	Log   *slog.Logger

	Events         *event.Service
	Worker         *event.Worker // does what follows events
	Accounts       *account.Service
	Areas          *area.Service
	Questionnaires *questionnaire.Service
	Recipes        *indicator.Service
	Waves          *wave.Service
	Samples        *sample.Service
	Collectors     *collector.Service
	Responses      *response.Service
	Field          *fieldwork.Service
	Scores         *score.Service
	Privacy        *privacy.Service
}

// New opens the database and builds the services. It does not migrate.
func New(ctx context.Context, c Config) (*App, error) {
	if c.Clock == nil {
		c.Clock = survey.SystemClock
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for _, s := range slices.Concat([][]byte{c.Secret}, c.Older) {
		if len(s) < 16 {
			return nil, fmt.Errorf("a secret has %d bytes; it needs at least 16", len(s))
		}
	}
	o := store.Options{Clock: c.Clock, ChainKey: chainKey(c.Secret)}
	for _, s := range c.Older {
		o.OlderChainKeys = append(o.OlderChainKeys, chainKey(s))
	}
	db, err := store.Open(ctx, c.Database, o)
	if err != nil {
		return nil, err
	}
	a := &App{DB: db, Clock: c.Clock, Log: c.Log}
	a.Events = event.New(db)
	a.Worker = event.NewWorker(db, c.Log, a.follows())
	a.Accounts = account.New(db, c.Clock, c.Secret, c.Older...)
	a.Areas = area.New(db)
	a.Questionnaires = questionnaire.New(db, c.Clock)
	a.Recipes = indicator.New(db, c.Clock)
	a.Waves = wave.New(db)
	a.Collectors = collector.New(db, c.Secret, c.Older...)
	a.Samples = sample.New(db, sample.Deps{Waves: a.Waves, Collectors: a.Collectors, Open: fieldwork.OpenHomes, Drop: fieldwork.DropHomes})
	a.Responses = response.New(db, c.Clock, c.Secret, response.Deps{
		Areas: a.Areas, Questionnaires: a.Questionnaires, Recipes: a.Recipes, Waves: a.Waves, Collectors: a.Collectors, Samples: a.Samples, Older: c.Older,
	})
	a.Field, err = fieldwork.New(db, c.Clock, c.Secret, fieldwork.Deps{
		Questionnaires: a.Questionnaires, Waves: a.Waves, Responses: a.Responses, Older: c.Older,
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	a.Scores = score.New(db, c.Clock, score.Deps{Areas: a.Areas, Recipes: a.Recipes, Waves: a.Waves}, c.CodeVersion)
	a.Privacy = privacy.New(db, c.Clock, a.Responses)
	return a, nil
}

func chainKey(secret []byte) []byte { return derive(secret, "chain of events") }

// derive returns the key for one purpose.
func derive(secret []byte, purpose string) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(purpose))
	return m.Sum(nil)
}

// Close closes the database.
func (a *App) Close() error { return a.DB.Close() }
