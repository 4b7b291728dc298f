package account_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/area"
	"chengyin/survey/store"
)

// The places of the tests: two districts of a city.
const (
	east      = "990102000000"
	riverside = "990102001000"
	north     = "990102001001"
	south     = "990102001002"
	west      = "990103000000"
	hill      = "990103001000"
	top       = "990103001001"
)

var places = []string{city, east, riverside, north, south, west, hill, top}

// The administrators of the city and of its east.
var (
	sys     = survey.As("sys", "sysadmin", city)
	sec     = survey.As("sec", "secadmin", city)
	sysEast = survey.As("sys.east", "sysadmin", east)
	secEast = survey.As("sec.east", "secadmin", east)
)

// town stores the places and a school in Riverside and one on the Hill.
func (d *desk) town(t *testing.T) {
	t.Helper()
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	var areas []area.Area
	for i, code := range places {
		level, err := area.LevelOf(code)
		if err != nil {
			t.Fatal(err)
		}
		a := area.Area{Code: code, Level: level, NameZH: fmt.Sprintf("地方%d", i), NameEN: fmt.Sprintf("Place %d", i), ValidFrom: day}
		if up := area.ParentOf(code); up != "" {
			a.ParentCode = &up
		}
		areas = append(areas, a)
	}
	units := []area.Unit{{Code: "S1", Kind: "school", NameZH: "河畔小学", AreaCode: riverside, ValidFrom: day}, {Code: "S2", Kind: "school", NameZH: "山上小学", AreaCode: hill, ValidFrom: day}}
	if err := area.New(d.db).Save(ctx, areas, units, nil); err != nil {
		t.Fatal(err)
	}
}

// add makes a person and returns their id.
func (d *desk) add(t *testing.T, login, home, role, place, unit string) string {
	t.Helper()
	m, err := d.Add(ctx, sys, account.NewPerson{Login: login, Name: login, AreaCode: home, Role: role, Place: place, Unit: unit})
	if err != nil {
		t.Fatal(login, err)
	}
	return m.ID
}

// asked returns the id of the grant of the person that waits.
func (d *desk) asked(t *testing.T, id string) string {
	t.Helper()
	p, err := d.Person(ctx, sys, id)
	if err != nil || len(p.Asked()) == 0 {
		t.Fatal(p, err)
	}
	return p.Asked()[0].ID
}

func (d *desk) approved(t *testing.T, id string) string {
	t.Helper()
	g := d.asked(t, id)
	if err := d.Approve(ctx, sec, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// administered gives the database two administrators who are people in it.
func (d *desk) administered(t *testing.T) (sysID, secID string) {
	t.Helper()
	sysID, secID = d.add(t, "sys1", city, "sysadmin", city, ""), d.add(t, "sec1", city, "secadmin", city, "")
	d.approved(t, sysID)
	d.approved(t, secID)
	return sysID, secID
}

func want(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || err == nil && want != nil {
		t.Fatalf("%v, want %v", err, want)
	}
}

func logins(people []account.Person) (out []string) {
	for _, p := range people {
		out = append(out, p.Login)
	}
	return out
}

// TestListsAgreeWithSees: for random grants of the reader and of everybody else,
// the lists return exactly what Sees says.
func TestListsAgreeWithSees(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		rng := rand.New(rand.NewPCG(7, 7))
		type person struct{ id, login, home string }
		var all []person
		ordinary := []string{"office", "subdistrict", "viewer", "worker"}
		for i := range 24 {
			p := person{login: fmt.Sprintf("p%02d", i), home: places[rng.IntN(len(places))]}
			p.id = d.add(t, p.login, p.home, ordinary[rng.IntN(4)], places[rng.IntN(len(places))], "")
			d.approved(t, p.id)
			if rng.IntN(2) == 0 {
				if _, err := d.Ask(ctx, sys, p.id, ordinary[rng.IntN(4)], places[rng.IntN(len(places))], ""); err == nil && rng.IntN(2) == 0 {
					d.approved(t, p.id)
				} else if err != nil && !errors.Is(err, account.ErrGranted) {
					t.Fatal(err)
				}
			}
			all = append(all, p)
		}
		whole, err := d.Waiting(ctx, sys)
		if err != nil || len(whole) == 0 {
			t.Fatal("nothing waits", err)
		}
		some := 0
		for range 40 {
			reader := survey.As("reader", []string{"sysadmin", "secadmin"}[rng.IntN(2)], places[rng.IntN(len(places))])
			more := survey.As("reader", reader.Grants[0].Role, places[rng.IntN(len(places))])
			reader.Grants = append(reader.Grants, more.Grants...)
			sees := func(code string) bool {
				return reader.Sees(survey.ManageAccounts, code) || reader.Sees(survey.ManageGrants, code)
			}
			var expect []string
			for _, p := range all {
				if _, err := d.Person(ctx, reader, p.id); sees(p.home) != (err == nil) || err != nil && !errors.Is(err, account.ErrPersonNotFound) {
					t.Fatalf("%s at %s for %v: %v", p.login, p.home, reader.Places(), err)
				}
				if sees(p.home) {
					expect = append(expect, p.login)
				}
			}
			if sees(city) { // the account that every test begins with
				expect = append([]string{"office"}, expect...)
			}
			got, err := d.People(ctx, reader, account.PeopleFilter{})
			if err != nil || !slices.Equal(logins(got), expect) {
				t.Fatalf("%v: %v, want %v, %v", reader.Places(), logins(got), expect, err)
			}
			some += len(got)
			waiting, err := d.Waiting(ctx, reader)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, g := range whole {
				if sees(g.Home) && sees(g.At()) {
					n++
				}
			}
			if len(waiting) != n {
				t.Fatalf("%d wait, want %d", len(waiting), n)
			}
			for _, code := range places {
				seers, err := d.WhoSees(ctx, reader, code)
				if !sees(code) {
					want(t, err, area.ErrNotFound)
					continue
				}
				var who []string
				for _, p := range got {
					v, err := d.View(ctx, reader, p.ID)
					if err != nil {
						t.Fatal(err)
					}
					if slices.ContainsFunc(survey.Permissions, func(x survey.Permission) bool { return v.As.Sees(x, code) }) {
						who = append(who, p.Login)
					}
				}
				var said []string
				for _, s := range seers {
					said = append(said, s.Person.Login)
				}
				if err != nil || !slices.Equal(said, who) {
					t.Fatalf("who sees %s: %v, want %v, %v", code, said, who, err)
				}
			}
			var found []string
			list, err := d.FindPlaces(ctx, reader, "", 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list {
				found = append(found, a.Code)
			}
			slices.Sort(found)
			if mine := slices.DeleteFunc(slices.Clone(places), func(c string) bool { return !sees(c) }); !slices.Equal(found, mine) {
				t.Fatalf("places %v, want %v", found, mine)
			}
		}
		if some == 0 {
			t.Fatal("no list had anybody in it")
		}
	})
}

func TestPeopleOutsideDoNotExist(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		d.administered(t)
		id := d.add(t, "xi", hill, "viewer", hill, "")
		g := d.approved(t, id)
		name, home := "新名", north
		for what, err := range map[string]error{
			"rename":   d.Change(ctx, sysEast, id, account.PersonChange{Name: &name}),
			"move":     d.Change(ctx, sysEast, id, account.PersonChange{AreaCode: &home}),
			"disable":  d.Disable(ctx, sysEast, id),
			"enable":   d.Enable(ctx, sysEast, id),
			"password": func() error { _, err := d.NewPassword(ctx, sysEast, id); return err }(),
			"ask":      func() error { _, err := d.Ask(ctx, sysEast, id, "viewer", north, ""); return err }(),
			"view":     func() error { _, err := d.View(ctx, secEast, id); return err }(),
		} {
			if !errors.Is(err, account.ErrPersonNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		want(t, d.End(ctx, secEast, g), account.ErrGrantNotFound)
		want(t, d.Approve(ctx, secEast, g), account.ErrGrantNotFound)
		_, err := d.People(ctx, sysEast, account.PeopleFilter{Area: hill})
		want(t, err, survey.ErrNotFound)
		t.Run("a place outside is answered as one that is not", func(t *testing.T) {
			for _, code := range []string{hill, city, "990199000000", "x", "一二"} {
				_, err := d.Add(ctx, sysEast, account.NewPerson{Login: "new", Name: "n", AreaCode: code})
				var e *survey.Error
				if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Path != "area" || e.Fields[0].Code != "field_not_listed" {
					t.Errorf("%s: %v", code, err)
				}
				_, err = d.Add(ctx, sysEast, account.NewPerson{Login: "new", Name: "n", AreaCode: north, Role: "viewer", Place: code})
				if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Path != "place" {
					t.Errorf("%s: %v", code, err)
				}
			}
			for _, unit := range []string{"S2", "S9", "学校"} {
				_, err := d.Add(ctx, sysEast, account.NewPerson{Login: "new", Name: "n", AreaCode: north, Role: "unit", Unit: unit})
				var e *survey.Error
				if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Path != "unit" {
					t.Errorf("%s: %v", unit, err)
				}
			}
		})
		t.Run("those without the permission are refused", func(t *testing.T) {
			for _, who := range []survey.Actor{survey.As("o", "office", city), survey.As("a", "auditor", city), {}} {
				_, err := d.People(ctx, who, account.PeopleFilter{})
				want(t, err, survey.ErrDenied)
				_, err = d.Waiting(ctx, who)
				want(t, err, survey.ErrDenied)
				_, err = d.Roles(ctx, who)
				want(t, err, survey.ErrDenied)
				want(t, d.Disable(ctx, who, id), survey.ErrDenied)
				want(t, d.End(ctx, who, g), survey.ErrDenied)
			}
			want(t, d.Disable(ctx, sec, id), survey.ErrDenied)
			want(t, d.Approve(ctx, sys, g), survey.ErrDenied)
		})
		t.Run("a grant elsewhere is not told, one above is", func(t *testing.T) {
			east := d.add(t, "eve", north, "viewer", hill, "")
			d.approved(t, east)
			if _, err := d.Ask(ctx, sys, east, "viewer", city, ""); err != nil {
				t.Fatal(err)
			}
			p, err := d.Person(ctx, sysEast, east)
			if err != nil || len(p.Grants) != 1 || p.Grants[0].AreaCode != city {
				t.Fatalf("%+v %v", p.Grants, err)
			}
			whole, err := d.People(ctx, sysEast, account.PeopleFilter{Role: "viewer"})
			if err != nil || !slices.Equal(logins(whole), []string{"eve"}) {
				t.Fatal(logins(whole), err)
			}
		})
	})
}

func TestSearchForPeople(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		for _, n := range [][2]string{{"zhou_1", "周映荷"}, {"ZhouX", "周一"}, {"li%", "李100%"}} {
			if _, err := d.Add(ctx, sys, account.NewPerson{Login: n[0], Name: n[1], AreaCode: north}); err != nil {
				t.Fatal(err)
			}
		}
		for text, expect := range map[string][]string{
			"zhou": {"ZhouX", "zhou_1"}, "u_": {"zhou_1"}, "%": {"li%"}, "映荷": {"zhou_1"}, "周": {"ZhouX", "zhou_1"}, "' OR 1=1 --": nil, "!": nil,
		} {
			got, err := d.People(ctx, sys, account.PeopleFilter{Text: text})
			if err != nil || !slices.Equal(logins(got), expect) {
				t.Errorf("%q: %v, want %v, %v", text, logins(got), expect, err)
			}
		}
		var paged []string
		for after := ""; ; {
			got, err := d.People(ctx, sys, account.PeopleFilter{After: after, Limit: 2})
			if err != nil {
				t.Fatal(err)
			}
			paged = append(paged, logins(got)...)
			if len(got) < 2 {
				break
			}
			after = got[1].Login
		}
		if !slices.Equal(paged, []string{"ZhouX", "li%", "office", "zhou_1"}) {
			t.Error(paged)
		}
	})
}

func TestAPersonIsManaged(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		m, err := d.Add(ctx, sys, account.NewPerson{Login: "he", Name: "何晴", AreaCode: north})
		want(t, err, nil)
		if len(m.Password) < 12 {
			t.Fatal(m.Password)
		}
		signed := func(password string) string {
			t.Helper()
			token, _, err := d.SignIn(ctx, "he", password)
			want(t, err, nil)
			return token
		}
		ends := func(token string, want bool) {
			t.Helper()
			if _, err := d.Actor(ctx, token); errors.Is(err, survey.ErrUnauthorized) != want {
				t.Fatal(err)
			}
		}
		token := signed(m.Password)
		ends(token, false)
		again, err := d.NewPassword(ctx, sys, m.ID)
		want(t, err, nil)
		ends(token, true)
		if again.Password == m.Password {
			t.Fatal("the same password again")
		}
		d.refused(t, "he", m.Password, account.ErrSignIn)
		token = signed(again.Password)
		want(t, d.Disable(ctx, sys, m.ID), nil)
		ends(token, true)
		d.refused(t, "he", again.Password, account.ErrSignIn)
		want(t, d.Enable(ctx, sys, m.ID), nil)
		signed(again.Password)
		name, home := "何晴晴", riverside
		want(t, d.Change(ctx, sys, m.ID, account.PersonChange{Name: &name, AreaCode: &home}), nil)
		p, err := d.Person(ctx, sys, m.ID)
		if err != nil || p.Name != name || p.AreaCode != riverside || p.Area.EN != "Place 2" {
			t.Fatalf("%+v %v", p, err)
		}
		bad := "=1+1"
		if err := d.Change(ctx, sys, m.ID, account.PersonChange{Name: &bad}); survey.KindOf(err) != survey.Invalid {
			t.Fatal(err)
		}
		_, err = d.Add(ctx, sysEast, account.NewPerson{Login: "office", Name: "x", AreaCode: north})
		want(t, err, account.ErrLoginTaken)
		var changed string
		if err := d.db.Read(ctx).Table("events").Where("kind = ?", "account.changed").Pluck("payload", &changed).Error; err != nil ||
			!strings.Contains(changed, `"before":{"area":"`+north+`","name":"何晴"}`) || !strings.Contains(changed, `"after":{"area":"`+riverside) {
			t.Fatal(changed, err)
		}
	})
}

func TestGranting(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		id := d.add(t, "he", north, "viewer", north, "")
		g := d.asked(t, id)
		who := func() survey.Actor {
			t.Helper()
			m, err := d.NewPassword(ctx, sys, id)
			want(t, err, nil)
			_, a, err := d.SignIn(ctx, "he", m.Password)
			want(t, err, nil)
			return a
		}
		if a := who(); a.Can(survey.SeeScores) {
			t.Fatal("what was only asked for counts")
		}
		t.Run("nobody grants what they asked for, or to themselves", func(t *testing.T) {
			both := sec
			both.Login = "sys"
			want(t, d.Approve(ctx, both, g), account.ErrOwnGrant)
			self := sec
			self.Account = id
			want(t, d.Approve(ctx, self, g), account.ErrOwnGrant)
			self = sys
			self.Account = id
			_, err := d.Ask(ctx, self, id, "viewer", south, "")
			want(t, err, account.ErrOwnGrant)
		})
		t.Run("it is asked for and granted once", func(t *testing.T) {
			_, err := d.Ask(ctx, sys, id, "viewer", north, "")
			want(t, err, account.ErrGranted)
			want(t, d.Approve(ctx, sec, g), nil)
			want(t, d.Approve(ctx, sec, g), account.ErrGrantNotFound)
			_, err = d.Ask(ctx, sys, id, "viewer", north, "")
			want(t, err, account.ErrGranted)
		})
		if a := who(); !a.Sees(survey.SeeScores, north) || a.Sees(survey.SeeScores, south) {
			t.Fatal(a)
		}
		t.Run("a unit's grant sees no places", func(t *testing.T) {
			u, err := d.Ask(ctx, sys, id, "unit", "", "S1")
			want(t, err, nil)
			want(t, d.Approve(ctx, secEast, u), nil)
			if a := who(); !slices.Equal(a.Units(), []string{"S1"}) || a.Sees(survey.SeeScores, riverside) {
				t.Fatal(a)
			}
		})
		t.Run("ending it ends the sessions at once", func(t *testing.T) {
			m, err := d.NewPassword(ctx, sys, id)
			want(t, err, nil)
			token, _, err := d.SignIn(ctx, "he", m.Password)
			want(t, err, nil)
			want(t, d.End(ctx, sys, g), survey.ErrDenied)
			want(t, d.End(ctx, sec, g), nil)
			_, err = d.Actor(ctx, token)
			want(t, err, survey.ErrUnauthorized)
			want(t, d.End(ctx, sec, g), account.ErrGrantNotFound)
		})
		t.Run("who asked may take it back, who grants may refuse it", func(t *testing.T) {
			x, err := d.Ask(ctx, sys, id, "viewer", north, "")
			want(t, err, nil)
			other := survey.As("other", "sysadmin", city)
			want(t, d.End(ctx, other, x), survey.ErrDenied)
			want(t, d.End(ctx, sys, x), nil)
			x, err = d.Ask(ctx, sys, id, "viewer", north, "")
			want(t, err, nil)
			want(t, d.End(ctx, sec, x), nil)
			kinds := d.events(t)
			if !slices.Contains(kinds, "account.grant_withdrawn") || !slices.Contains(kinds, "account.grant_refused") || !slices.Contains(kinds, "account.grant_ended") {
				t.Fatal(kinds)
			}
		})
	})
}

func TestTheThreeAdministratorsAreSeparate(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		id := d.add(t, "he", city, "", "", "")
		ask := func(role string) (string, error) { return d.Ask(ctx, sys, id, role, city, "") }
		g, err := ask("sysadmin")
		want(t, err, nil)
		for _, role := range []string{"secadmin", "auditor", "office", "worker"} {
			_, err := ask(role)
			want(t, err, account.ErrSeparation)
		}
		want(t, d.End(ctx, sec, g), nil)

		t.Run("two grants at the same time do not meet in one person", func(t *testing.T) {
			for i := range 5 {
				id := d.add(t, fmt.Sprintf("r%d", i), city, "", "", "")
				// Past the rule of asking, as an older version may have left them.
				grants := []account.Grant{
					{ID: fmt.Sprintf("a%d", i), AccountID: id, RoleCode: "sysadmin", AreaCode: city, AskedBy: "x", AskedAt: time.Unix(1, 0)},
					{ID: fmt.Sprintf("b%d", i), AccountID: id, RoleCode: "auditor", AreaCode: city, AskedBy: "x", AskedAt: time.Unix(1, 0)},
				}
				if err := d.db.InTx(ctx, func(tx *store.Tx) error { return tx.Create(&grants).Error }); err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				errs := make([]error, 2)
				for k, g := range grants {
					all.Go(func() { errs[k] = d.Approve(ctx, sec, g.ID) })
				}
				all.Wait()
				if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), account.ErrSeparation) {
					t.Fatal(errs)
				}
			}
		})
	})
}

func TestSomebodyRemainsWhoManages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		sysID, secID := d.administered(t)
		p, err := d.Person(ctx, sec, secID)
		want(t, err, nil)
		last := p.Active()[0].ID
		want(t, d.End(ctx, sec, last), account.ErrLastAdministrator)
		want(t, d.Disable(ctx, sys, sysID), account.ErrLastAdministrator)
		want(t, d.Disable(ctx, sys, secID), account.ErrLastAdministrator)
		t.Run("one who looks after a part is not enough", func(t *testing.T) {
			d.approved(t, d.add(t, "sec2", east, "secadmin", east, ""))
			want(t, d.End(ctx, sec, last), account.ErrLastAdministrator)
		})
		t.Run("of two, both cannot go at the same time", func(t *testing.T) {
			second := d.approved(t, d.add(t, "sec3", city, "secadmin", city, ""))
			var all sync.WaitGroup
			errs := make([]error, 2)
			for k, g := range []string{last, second} {
				all.Go(func() { errs[k] = d.End(ctx, sec, g) })
			}
			all.Wait()
			if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), account.ErrLastAdministrator) {
				t.Fatal(errs)
			}
		})
	})
}
