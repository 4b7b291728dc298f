// Package apptest gives tests a whole App on a throw-away database, with a small
// cast: the city Testing, its district East, the subdistrict Riverside with the
// communities North and South, an open wave, a poster in each community and a
// code for visits in North.
package apptest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/app"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
	"chengyin/survey/wave"
)

// The places of the cast.
const (
	City        = "990100000000"
	East        = "990102000000"
	Riverside   = "990102001000"
	North       = "990102001001"
	South       = "990102001002"
	Password    = "correct horse 1"
	OfficeLogin = "office"
)

// Tests on this cast are not about how slow signing in is.
func init() { account.Cost = account.HashCost{Passes: 1, Memory: 64} }

// Start is the time when a test begins: an hour after its wave opened.
var Start = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

// World is an App with its cast.
type World struct {
	*app.App
	Wave    wave.Wave
	Posters map[string]collector.Collector // by community
	Visits  collector.Collector            // in North
	Homes   []sample.Unit                  // drawn in North, two PSUs

	offset atomic.Int64
}

// Office may do everything in the city.
var Office = survey.As(OfficeLogin, "office", City)

// Advance moves the App's clock.
func (w *World) Advance(d time.Duration) { w.offset.Add(int64(d)) }

// Drain does what follows the events that were written, and what follows that, to
// the end.
func (w *World) Drain(t testing.TB) {
	t.Helper()
	if err := w.Worker.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// New returns a World on the database at dsn, which must be empty.
func New(t testing.TB, dsn string) *World {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w := &World{Posters: map[string]collector.Collector{}}
	began := time.Now()
	clock := func() time.Time {
		return Start.Add(time.Since(began) + time.Duration(w.offset.Load())).Truncate(time.Microsecond)
	}
	a, err := app.New(ctx, app.Config{Database: dsn, Secret: []byte(strings.Repeat("s", 32)), CodeVersion: "test", Clock: clock})
	must(err)
	t.Cleanup(func() { a.Close() })
	must(a.DB.Migrate(ctx))
	w.App = a
	// Tests that are about other things sign administrators in with a password.
	relaxed := account.DefaultPolicy
	relaxed.AdminsNeedCode = false
	must(a.Accounts.SetPolicy(ctx, survey.System, relaxed))

	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	places := []area.Area{
		{Code: City, Level: area.City, NameZH: "测试市", NameEN: "Testing"},
		{Code: East, Level: area.District, NameZH: "东区", NameEN: "East"},
		{Code: Riverside, Level: area.Subdistrict, NameZH: "河畔街道", NameEN: "Riverside"},
		{Code: North, Level: area.Community, NameZH: "北社区", NameEN: "North"},
		{Code: South, Level: area.Community, NameZH: "南社区", NameEN: "South"},
	}
	for i := range places {
		places[i].ValidFrom = day
		if p := area.ParentOf(places[i].Code); p != "" {
			places[i].ParentCode = &p
		}
	}
	var people []area.Population
	for _, c := range []string{North, South} {
		for i, age := range area.Ages {
			for j, sex := range area.Sexes {
				people = append(people, area.Population{AreaCode: c, Age: age, Sex: sex, Persons: 100 + 10*i + j, Source: "test"})
			}
		}
	}
	must(a.Areas.Save(ctx, places, nil, people))
	q, err := a.Questionnaires.Publish(ctx, questionnaire.Default())
	must(err)
	r, err := a.Recipes.Publish(ctx, indicator.Default())
	must(err)
	w.Wave, err = a.Waves.Create(ctx, Office, wave.Wave{Code: "2026-4", NameZH: "四季度", NameEN: "Fourth quarter", AreaCode: City, QuestionnaireID: q, RecipeID: r,
		OpensAt: Start.Add(-time.Hour), ClosesAt: Start.Add(240 * time.Hour), OwnerZH: "测试办", OwnerEN: "Test office", Contact: "社区居委会"})
	must(err)
	made, err := a.Collectors.Create(ctx, Office, w.Wave, []collector.Spec{
		{Area: North, Channel: collector.Poster, Slot: 1, Place: "东门"},
		{Area: South, Channel: collector.Poster, Slot: 1, Place: "西门"},
		{Area: North, Channel: collector.Visit, Slot: 1},
	})
	must(err)
	w.Posters[North], w.Posters[South], w.Visits = made[0], made[1], made[2]
	for i := range 8 {
		w.Homes = append(w.Homes, sample.Unit{ID: uuid.NewString(), WaveID: w.Wave.ID, AreaCode: North, Stratum: North,
			PSU: fmt.Sprintf("%s-b%d", North, i/4+1), Household: fmt.Sprintf("h%d", i+1), Weight: 20 + float64(i)})
	}
	must(a.Samples.Add(ctx, w.Homes))
	return w
}

// Answers returns right answers to the default questionnaire; change replaces
// some of them, and removes those that it gives as nil.
func Answers(change questionnaire.Answers) questionnaire.Answers {
	return AnswersTo(questionnaire.Default(), change)
}

// AnswersTo returns right answers to a questionnaire, changed as by Answers.
func AnswersTo(d *questionnaire.Definition, change questionnaire.Answers) questionnaire.Answers {
	a := questionnaire.Answers{"residence": "half_year", "age": "a40", "sex": "f"}
	for _, q := range d.Questions {
		if _, set := a[q.ID]; set || !q.Required || q.ShowIf != nil {
			continue
		}
		switch q.Type {
		case questionnaire.Multiple:
			a[q.ID] = []string{q.Options[0].Code}
		case questionnaire.Number:
			a[q.ID] = 1.0
		case questionnaire.Text:
			a[q.ID] = "text"
		default:
			a[q.ID] = q.Options[0].Code
		}
	}
	for id, v := range change {
		if v == nil {
			delete(a, id)
			continue
		}
		a[id] = v
	}
	return a
}

// Person gives an App a sign-in with Password.
func (w *World) Person(t testing.TB, login, role, scope string) survey.Actor {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Accounts.Create(context.Background(), survey.System, accountOf(login, role, scope)))
	_, who, err := w.Accounts.SignIn(context.Background(), login, Password)
	must(err)
	return who
}

func accountOf(login, role, scope string) account.NewAccount {
	return account.NewAccount{Login: login, Name: login, Role: role, AreaCode: scope, Password: Password}
}
