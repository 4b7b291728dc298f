package demo

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/app"
	"chengyin/survey/fieldwork"
	"chengyin/survey/sample"
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

// drawByPlan has the households of 听荷 drawn from a list of its addresses, as an
// office would: they are those that the field knows already, because the seed and
// the list are the same. It gives those interviewed their weights.
func drawByPlan(ctx context.Context, a *app.App, f *field, waves [2]wave.Wave) error {
	accounts, err := actors(ctx, a)
	if err != nil {
		return err
	}
	office := accounts["office"]
	var c *community
	for _, x := range f.town.communities {
		if x.code == doorCode {
			c = x
		}
	}
	var list bytes.Buffer
	list.WriteString("社区代码,楼栋,单元,房号,住户编号\n")
	for _, h := range f.town.frame(c) {
		fmt.Fprintf(&list, "%s,%s,%s,%s,%s\n", h.AreaCode, h.Building, h.Unit, h.Room, h.Household)
	}
	quiet := func(int, int) {}
	read, err := a.Samples.ReadFrame(ctx, office, "听荷社区住户.csv", &list, quiet)
	if err != nil {
		return err
	}
	frame, err := a.Samples.StoreFrame(ctx, office, read, "听荷社区住户", false, quiet)
	if err != nil {
		return err
	}
	plan, err := a.Samples.Create(ctx, office, sample.NewPlan{Wave: waves[1].ID, Frame: frame.ID, Area: doorCode, Spec: doorSpec})
	if err != nil {
		return err
	}
	if plan, err = a.Samples.Draw(ctx, office, plan.ID, sample.DrawOptions{Seed: f.town.doorSeed(1).String()}); err != nil {
		return err
	}
	homes, err := a.Samples.PlanHomes(ctx, plan, doorCode)
	if err != nil {
		return err
	}
	ids := map[string]string{}
	for _, h := range homes {
		ids[h.Household] = h.UnitID
	}
	return a.DB.InTx(ctx, func(tx *store.Tx) error {
		for i := range f.households {
			h := &f.households[i]
			if h.worker == "" {
				continue
			}
			if ids[h.household] == "" {
				return fmt.Errorf("household %s was not drawn", h.household)
			}
			h.id = ids[h.household]
			if !h.answered {
				continue
			}
			if err := tx.Model(&sample.Unit{}).Where("id = ?", h.id).Update("weight", h.weight).Error; err != nil {
				return err
			}
		}
		// It was all made before the wave opened.
		before := f.town.times.opens[1].Add(-48 * time.Hour)
		if err := tx.Model(&sample.Frame{}).Where("id = ?", frame.ID).Update("created_at", before).Error; err != nil {
			return err
		}
		return tx.Model(&sample.Plan{}).Where("id = ?", plan.ID).Updates(map[string]any{"created_at": before.Add(time.Hour), "drawn_at": before.Add(2 * time.Hour)}).Error
	})
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
