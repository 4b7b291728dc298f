package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/app"
	"chengyin/survey/collector"
	"chengyin/survey/event"
	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// The events that a filled database begins and ends with.
const (
	begun  = "demo.begun"
	filled = "demo.filled"
)

// made is what the events remember: enough to make the same city again.
type made struct {
	Size string    `json:"size"`
	Seed uint64    `json:"seed"`
	Now  time.Time `json:"now"`
}

// Fill makes the demo city in an empty database, through the same services as
// everybody. On a database that Fill has filled before it changes nothing and
// describes the city that is there. Returns ErrNotEmpty, ErrUnfinished, or
// survey.ErrInvalid when the options are wrong.
func Fill(ctx context.Context, a *app.App, o Options) (City, error) {
	if o.Size == "" {
		o.Size = Small
	}
	if o.Seed == 0 {
		o.Seed = usualSeed
	}
	if o.Now.IsZero() {
		o.Now = a.Clock()
	}
	m := made{Size: o.Size, Seed: o.Seed, Now: o.Now.UTC().Truncate(time.Microsecond)}
	p, ok := plans[m.Size]
	if !ok {
		return City{}, survey.ErrInvalid.With(survey.Field{Path: "size", Code: "unknown_option"})
	}
	before, err := madeBefore(a.DB.Read(ctx))
	switch {
	case err == nil:
		return describe(ctx, a, before, newTown(before.Seed, timetableAt(before.Now)))
	case !errors.Is(err, errEmpty):
		return City{}, err
	}
	if len([]rune(o.Password)) < 8 {
		return City{}, survey.ErrInvalid.With(survey.Field{Path: "password", Code: "too_short", Args: map[string]any{"min": 8}})
	}
	if err := note(ctx, a, begun, m); err != nil {
		return City{}, err
	}
	t := newTown(m.Seed, timetableAt(m.Now))
	if err := fill(ctx, a, t, newField(t, p, m.Now), o.Password); err != nil {
		return City{}, fmt.Errorf("fill the demo city: %w", err)
	}
	if err := note(ctx, a, filled, m); err != nil {
		return City{}, err
	}
	city, err := describe(ctx, a, m, t)
	city.Fresh = true
	return city, err
}

func note(ctx context.Context, a *app.App, kind string, m made) error {
	return a.DB.InTx(ctx, func(tx *store.Tx) error { return event.Append(tx, survey.System, kind, CityCode, m) })
}

// fill writes the city from the top: places, sign-ins, waves, codes, the drawn
// households, and at last the answers.
func fill(ctx context.Context, a *app.App, t *town, f *field, password string) error {
	if err := a.Areas.Save(ctx, t.areas, t.units, t.populationRows()); err != nil {
		return err
	}
	if err := signIns(ctx, a, password); err != nil {
		return err
	}
	waves, err := makeWaves(ctx, a, t)
	if err != nil {
		return err
	}
	codes, err := makeCollectors(ctx, a, t, waves)
	if err != nil {
		return err
	}
	if err := addSample(ctx, a, f, waves); err != nil {
		return err
	}
	if err := drawByPlan(ctx, a, f, waves); err != nil {
		return err
	}
	rows := make([]response.Imported, len(f.sheets))
	for i, s := range f.sheets {
		rows[i] = response.Imported{
			Code: codes[s.spot], ID: s.id, Lang: s.lang, Via: s.via, Answers: s.answers, Household: s.household,
			IssuedAt: s.issued, StartedAt: &f.sheets[i].started, ReceivedAt: s.received,
		}
	}
	if err := a.Responses.Import(ctx, rows); err != nil {
		return err
	}
	return knockOn(ctx, a, f, waves)
}

// signIns makes the accounts; hashing their passwords is the work, so they are
// made at the same time.
func signIns(ctx context.Context, a *app.App, password string) error {
	// Whoever looks at the demo city has one password and no authenticator, and many
	// look at the same time under the same names.
	rules := account.DefaultPolicy
	rules.AdminsNeedCode, rules.PasswordDays, rules.Sessions = false, 0, 200
	if err := a.Accounts.SetPolicy(ctx, survey.System, rules); err != nil {
		return err
	}
	g, all := errgroup.WithContext(ctx)
	for _, p := range people {
		g.Go(func() error {
			return a.Accounts.Create(all, survey.System, account.NewAccount{Login: p.login, Name: p.name, Role: p.login, AreaCode: p.scope, Password: password})
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return more(ctx, a)
}

// more are the people of the town besides those who sign in to try the platform:
// they have passwords that nobody knows. What the last three are to do waits for
// the security administrator.
func more(ctx context.Context, a *app.App) error {
	sys, sec := survey.As("sysadmin", "sysadmin", survey.Everywhere), survey.As("secadmin", "secadmin", survey.Everywhere)
	people, err := a.Accounts.People(ctx, sys, account.PeopleFilter{Limit: 100})
	if err != nil {
		return err
	}
	for _, p := range people { // as whom they were made, so that the trail names accounts that are there
		switch p.Login {
		case sys.Login:
			sys.Account = p.ID
		case sec.Login:
			sec.Account = p.ID
		}
	}
	for _, p := range townspeople {
		m, err := a.Accounts.Add(ctx, sys, p.NewPerson)
		if err != nil {
			return err
		}
		if p.waits {
			continue
		}
		made, err := a.Accounts.Person(ctx, sys, m.ID)
		if err != nil {
			return err
		}
		for _, g := range made.Asked() {
			if err := a.Accounts.Approve(ctx, sec, g.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func makeWaves(ctx context.Context, a *app.App, t *town) (out [2]wave.Wave, err error) {
	q, err := a.Questionnaires.Publish(ctx, questionnaire.Default())
	if err != nil {
		return out, err
	}
	r, err := a.Recipes.Publish(ctx, indicator.Default())
	if err != nil {
		return out, err
	}
	for i := range out {
		out[i], err = a.Waves.Create(ctx, survey.System, wave.Wave{
			Code: t.times.codes[i], NameZH: t.times.names[i].ZH, NameEN: t.times.names[i].EN, AreaCode: CityCode, QuestionnaireID: q, RecipeID: r,
			OpensAt: t.times.opens[i], ClosesAt: t.times.closes[i],
			OwnerZH: "云澜市创建文明城市工作办公室", OwnerEN: "Yunlan Civility Office", Contact: "000-5550126",
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// makeCollectors returns the codes of all spots.
func makeCollectors(ctx context.Context, a *app.App, t *town, waves [2]wave.Wave) (map[spot]string, error) {
	codes := map[spot]string{}
	for i, w := range waves {
		var spots []spot
		for _, c := range t.standing(i) {
			spots = append(spots, t.spots(i, c)...)
		}
		specs := make([]collector.Spec, len(spots))
		for j, s := range spots {
			specs[j] = collector.Spec{Area: s.area, Channel: s.channel, Slot: s.slot, Place: t.place(s, j)}
			if s == t.link() {
				end := t.linkEnds()
				specs[j].ExpiresAt = &end
			}
		}
		created, err := a.Collectors.Create(ctx, survey.System, w, specs)
		if err != nil {
			return nil, err
		}
		for j, c := range created {
			codes[spots[j]] = c.Code
		}
	}
	revoked := codes[spot{1, revokedCode, collector.Poster, 2}]
	return codes, a.Collectors.Revoke(ctx, survey.System, revoked, "海报被覆盖，已换新张贴点")
}

// place says where the n-th collector hangs.
func (t *town) place(s spot, n int) string {
	switch s.channel {
	case collector.Visit:
		return "入户访问"
	case collector.WeChat:
		if s == t.link() {
			return "街道公众号推文(三天有效)"
		}
		return "街道公众号菜单"
	}
	list := places[s.slot-1]
	if s.area[9] == '2' {
		list = villagePlaces[s.slot-1]
	}
	return list[n%len(list)]
}

func addSample(ctx context.Context, a *app.App, f *field, waves [2]wave.Wave) error {
	var units []sample.Unit
	var homes []sample.Home
	for _, h := range f.households {
		if h.worker != "" {
			continue // drawn by a plan
		}
		units = append(units, sample.Unit{ID: h.id, WaveID: waves[h.wave].ID, AreaCode: h.area, Stratum: h.area, PSU: h.psu, Household: h.household, Weight: h.weight})
		homes = append(homes, sample.Home{UnitID: h.id, WaveID: waves[h.wave].ID, AreaCode: h.area, PSU: h.psu, Position: h.at, Reserve: h.reserve,
			Probability: 1 / h.base, Base: h.base, Building: h.address.building, Unit: h.address.unit, Room: h.address.room, Picks: h.picks})
	}
	if err := a.Samples.Add(ctx, units); err != nil {
		return err
	}
	return a.Samples.AddHomes(ctx, homes)
}
