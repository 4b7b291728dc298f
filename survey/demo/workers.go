package demo

import (
	"context"
	"strconv"
	"time"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/app"
	"chengyin/survey/fieldwork"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// phone is what a worker of 听荷 does field work on.
type phone struct {
	login, name string
	waiting     int           // records that it had not sent when last seen
	seen        time.Duration // ago
}

// The phones of the demo. The worker's own is signed in by whoever looks at the
// demo; the other is what was in use before.
var phones = []phone{
	{"fang.yi", "Android · Chrome", 2, 20 * time.Hour},
	{"worker", "Android · 微信", 0, 50 * time.Hour},
}

// knockOn stores who was at which door, gives the households of 听荷 to its workers
// and signs their phones in.
func knockOn(ctx context.Context, a *app.App, f *field, waves [2]wave.Wave) error {
	accounts, err := actors(ctx, a)
	if err != nil {
		return err
	}
	on := map[string]string{}
	for _, p := range phones {
		on[p.login] = newID(chance(f.town.seed, "phone", p.login), f.town.times.opens[1])
		if err := enrol(ctx, a, accounts[p.login], on[p.login], p); err != nil {
			return err
		}
	}
	for i, w := range waves {
		var units []string
		var visits []fieldwork.Past
		for _, h := range f.households {
			if h.wave != i {
				continue
			}
			units = append(units, h.id)
			for _, k := range h.visits {
				v := fieldwork.Past{ID: k.id, Unit: h.id, Account: accounts["office"].Account, Outcome: k.outcome, At: k.at}
				if h.worker != "" {
					v.Account, v.Phone = accounts[h.worker].Account, on[h.worker]
				}
				if k.outcome == fieldwork.Interviewed {
					chosen, err := strconv.ParseInt(h.picks[h.adults-1:h.adults], 36, 8)
					if err != nil {
						return err
					}
					v.Adults, v.Chosen = h.adults, int(chosen)
				}
				visits = append(visits, v)
			}
		}
		if err := a.Field.Import(ctx, w.ID, w.QuestionnaireID, units, visits); err != nil {
			return err
		}
	}
	given := map[string]bool{}
	for _, h := range f.households {
		if h.worker == "" || given[h.psu] {
			continue
		}
		given[h.psu] = true
		in := fieldwork.Assigning{Wave: waves[h.wave].ID, PSU: h.psu, Account: accounts[h.worker].Account}
		if _, err := a.Field.Assign(ctx, accounts["community"], in); err != nil {
			return err
		}
	}
	return nil
}

// actors are those who take part in the field work, by login.
func actors(ctx context.Context, a *app.App) (map[string]survey.Actor, error) {
	out := map[string]survey.Actor{}
	people, err := a.Accounts.People(ctx, survey.As("sysadmin", "sysadmin", survey.Everywhere), account.PeopleFilter{Limit: 100})
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		role, place := "worker", doorCode
		switch p.Login {
		case "office":
			role, place = "office", CityCode
		case "community":
			role = "community"
		case "worker", "fang.yi":
		default:
			continue
		}
		who := survey.As(p.Login, role, place)
		who.Account = p.ID
		out[p.Login] = who
	}
	return out, nil
}

// enrol signs a phone in and lets it be last seen some time ago.
func enrol(ctx context.Context, a *app.App, who survey.Actor, id string, p phone) error {
	e, err := a.Field.Enrol(ctx, who, id, p.name)
	if err != nil {
		return err
	}
	on := fieldwork.On{Phone: e.Phone, Worker: who}
	if err := a.Field.Heard(ctx, &on, &p.waiting, nil); err != nil {
		return err
	}
	return a.DB.InTx(ctx, func(tx *store.Tx) error {
		return tx.Model(&fieldwork.Phone{}).Where("id = ?", id).Updates(map[string]any{"seen_at": tx.Now.Add(-p.seen), "created_at": tx.Now.Add(-p.seen - 240*time.Hour)}).Error
	})
}
