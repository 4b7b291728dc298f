package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chengyin/survey"
	"chengyin/survey/account"
)

func TestDefaultRolesAreThoseOfTheMigration(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		roles, err := d.Roles(ctx, sec)
		want(t, err, nil)
		var have, expect []string
		for _, r := range roles {
			have = append(have, fmt.Sprint(r.Code, r.Name, r.Permissions, r.Default))
		}
		for _, r := range survey.DefaultRoles {
			expect = append(expect, fmt.Sprint(r.Code, r.Name, r.Permissions, true))
		}
		if !slices.Equal(have, expect) {
			t.Errorf("the database has\n%s\nthe program\n%s", strings.Join(have, "\n"), strings.Join(expect, "\n"))
		}
	})
}

func TestRolesOfTheCitysOwn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		d.administered(t)
		posters := survey.Role{Code: "posters", Name: survey.Text{ZH: "海报员", EN: "Poster keeper"}, Permissions: []survey.Permission{survey.ManageCollectors}}
		want(t, d.CreateRole(ctx, sec, posters), nil)
		want(t, d.CreateRole(ctx, sec, posters), account.ErrRoleTaken)

		t.Run("only who looks after all places changes roles", func(t *testing.T) {
			other := posters
			other.Code = "other"
			for _, who := range []survey.Actor{sys, secEast, survey.As("o", "office", city)} {
				want(t, d.CreateRole(ctx, who, other), survey.ErrDenied)
				want(t, d.ChangeRole(ctx, who, "posters", account.RoleChange{}), survey.ErrDenied)
				want(t, d.RemoveRole(ctx, who, "posters"), survey.ErrDenied)
			}
		})
		t.Run("wrong fields are named", func(t *testing.T) {
			for path, r := range map[string]survey.Role{
				"code": {Code: "Bad Code", Name: posters.Name}, "name.zh": {Code: "x1"}, "name.en": {Code: "x1", Name: survey.Text{ZH: "甲", EN: "=x"}},
				"permissions": {Code: "x1", Name: posters.Name, Permissions: []survey.Permission{"fly"}},
			} {
				err := d.CreateRole(ctx, sec, r)
				if e, ok := err.(*survey.Error); !ok || len(e.Fields) != 1 || e.Fields[0].Path != path {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
		t.Run("duties do not meet in a role", func(t *testing.T) {
			for _, p := range [][]survey.Permission{{survey.ManageAccounts, survey.ManageGrants}, {survey.ReadAudit, survey.SeeScores}} {
				want(t, d.CreateRole(ctx, sec, survey.Role{Code: "mixed", Name: posters.Name, Permissions: p}), account.ErrSeparation)
				want(t, d.ChangeRole(ctx, sec, "posters", account.RoleChange{Permissions: &p}), account.ErrSeparation)
			}
		})
		t.Run("the platform's roles stay", func(t *testing.T) {
			want(t, d.ChangeRole(ctx, sec, "office", account.RoleChange{Permissions: &[]survey.Permission{}}), account.ErrRoleDefault)
			want(t, d.RemoveRole(ctx, sec, "viewer"), account.ErrRoleDefault)
			want(t, d.RemoveRole(ctx, sec, "nothing"), account.ErrRoleNotFound)
		})

		m, err := d.Add(ctx, sys, account.NewPerson{Login: "he", Name: "he", AreaCode: north, Role: "posters"})
		want(t, err, nil)
		d.approved(t, m.ID)
		token, who, err := d.SignIn(ctx, "he", m.Password)
		if err != nil || !who.Sees(survey.ManageCollectors, north) {
			t.Fatal(who, err)
		}
		t.Run("a change counts at once and ends the sessions of those who hold it", func(t *testing.T) {
			want(t, d.ChangeRole(ctx, sec, "posters", account.RoleChange{Permissions: &[]survey.Permission{survey.SeeScores, survey.ManageCollectors}}), nil)
			_, err := d.Actor(ctx, token)
			want(t, err, survey.ErrUnauthorized)
			if _, who, err = d.SignIn(ctx, "he", m.Password); err != nil || !who.Sees(survey.SeeScores, north) {
				t.Fatal(who, err)
			}
			var said string
			if err := d.db.Read(ctx).Table("events").Where("kind = ?", "role.changed").Pluck("payload", &said).Error; err != nil ||
				!strings.Contains(said, `"before":{"name_en":"Poster keeper","name_zh":"海报员","permissions":"manage_collectors"}`) ||
				!strings.Contains(said, `"permissions":"see_scores manage_collectors"`) {
				t.Fatal(said, err)
			}
		})
		t.Run("a change that would give a holder two duties is refused", func(t *testing.T) {
			x, err := d.Ask(ctx, sys, m.ID, "viewer", north, "")
			want(t, err, nil)
			want(t, d.Approve(ctx, sec, x), nil)
			want(t, d.ChangeRole(ctx, sec, "posters", account.RoleChange{Permissions: &[]survey.Permission{survey.ReadAudit}}), account.ErrSeparation)
		})
		t.Run("a role that was given stays", func(t *testing.T) {
			want(t, d.RemoveRole(ctx, sec, "posters"), account.ErrRoleInUse)
			spare := posters
			spare.Code = "spare"
			want(t, d.CreateRole(ctx, sec, spare), nil)
			want(t, d.RemoveRole(ctx, sec, "spare"), nil)
			want(t, d.RemoveRole(ctx, sec, "spare"), account.ErrRoleNotFound)
		})
		t.Run("the last who grants cannot lose it with a role", func(t *testing.T) {
			own := survey.Role{Code: "own_sec", Name: survey.Text{ZH: "安全"}, Permissions: []survey.Permission{survey.ManageGrants}}
			want(t, d.CreateRole(ctx, sec, own), nil)
			id := d.add(t, "own", city, "own_sec", city, "")
			d.approved(t, id)
			people, err := d.People(ctx, sec, account.PeopleFilter{Text: "sec1"})
			if err != nil || len(people) != 1 {
				t.Fatal(people, err)
			}
			want(t, d.End(ctx, sec, people[0].Active()[0].ID), nil)
			want(t, d.ChangeRole(ctx, sec, "own_sec", account.RoleChange{Permissions: &[]survey.Permission{survey.ManageSecurity}}), account.ErrLastAdministrator)
		})
	})
}
