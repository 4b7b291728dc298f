package account_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/area"
)

const people = "登录名,姓名,所属地区,角色,负责范围\n" +
	"zhou,周映荷,990102001000,镇街管理员,\n" +
	"xu,许望舒,地方3,Community manager,990102001001\n" +
	"shen,沈岚,地方2,unit,S1\n"

func (d *desk) plan(t *testing.T, who survey.Actor, file string) account.ImportPlan {
	t.Helper()
	p, err := d.PlanImport(ctx, who, "people.csv", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestImportOfPeople(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		p := d.plan(t, sys, people)
		if p.New != 3 || p.Bad != 0 || len(p.Problems) != 0 || len(p.Known) != 0 {
			t.Fatalf("%+v", p)
		}
		if list, err := d.People(ctx, sys, account.PeopleFilter{Text: "zhou"}); err != nil || len(list) != 0 {
			t.Fatal("a dry run stores", list, err)
		}
		slips, err := d.ImportPeople(ctx, sys, p, false)
		if err != nil || len(slips) != 3 || slips[0].Login != "zhou" || slips[0].Role != "镇街管理员" || slips[1].Area != "地方3" {
			t.Fatal(slips, err)
		}
		_, who, err := d.SignIn(ctx, "zhou", slips[0].Password)
		if err != nil || len(who.Grants) != 0 {
			t.Fatal("what an import asks for is not granted", who, err)
		}
		waiting, err := d.Waiting(ctx, sec)
		if err != nil || len(waiting) != 3 || waiting[0].AreaCode != riverside || *waiting[2].UnitCode != "S1" {
			t.Fatal(waiting, err)
		}
		t.Run("the same file again makes nobody twice", func(t *testing.T) {
			p := d.plan(t, sys, people)
			if p.New != 0 || len(p.Known) != 3 || p.Known[1].Row != 3 || p.Bad != 0 {
				t.Fatalf("%+v", p)
			}
			slips, err := d.ImportPeople(ctx, sys, p, false)
			if err != nil || len(slips) != 0 {
				t.Fatal(slips, err)
			}
		})
		t.Run("a plan that has become stale is refused", func(t *testing.T) {
			p := d.plan(t, sys, people+"late,晚来,地方3,viewer,\n")
			d.add(t, "late", north, "", "", "")
			_, err := d.ImportPeople(ctx, sys, p, false)
			want(t, err, area.ErrImportStale)
		})
	})
}

func TestImportNamesEveryBadRow(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		p := d.plan(t, sysEast, "登录名,姓名,所属地区,角色,负责范围\n"+
			"good,好,地方3,viewer,\n"+
			"good,又,地方3,viewer,\n"+
			"中文,=cmd,990103001000,king,S2\n"+
			",,,,地方9\n"+
			"adm,管,990102000000,sysadmin,S1\n"+
			"office,占,地方3,viewer,\n")
		var got []string
		for _, x := range p.Problems {
			got = append(got, strings.Join([]string{string(rune('0' + x.Row)), x.Column, x.Code}, " "))
		}
		expect := []string{"3 login login_twice",
			"4 login login_wrong", "4 name name_wrong", "4 area place_unknown", "4 role role_unknown", "4 scope place_unknown",
			"5 login login_missing", "5 name name_missing", "5 area place_unknown", "5 role role_unknown", "5 scope place_unknown",
			"6 scope unit_administrator"}
		if !slices.Equal(got, expect) || p.New != 1 || p.Bad != 4 || len(p.Known) != 1 {
			t.Fatalf("%q\n%q\n%+v", got, expect, p)
		}
		_, err := d.ImportPeople(ctx, sysEast, p, false)
		want(t, err, area.ErrImportProblems)
		slips, err := d.ImportPeople(ctx, sysEast, p, true)
		if err != nil || len(slips) != 1 || slips[0].Login != "good" {
			t.Fatal(slips, err)
		}
	})
}

func TestImportReadsWorkbooksAndBoundsThem(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.town(t)
		f := excelize.NewFile()
		for i, row := range [][]any{{"login", "name", "area", "role"}, {"zhou", "周", 990102001000, "viewer"}, {"bad", "坏", 1, "viewer"}} {
			cell, err := excelize.CoordinatesToCellName(1, i+1)
			want(t, err, nil)
			want(t, f.SetSheetRow("Sheet1", cell, &row), nil)
		}
		var b bytes.Buffer
		want(t, f.Write(&b), nil)
		p, err := d.PlanImport(ctx, sys, "p.xlsx", &b)
		if err != nil || p.New != 1 || p.Bad != 1 || p.Problems[0].Sheet != "Sheet1" || p.Problems[0].Row != 3 {
			t.Fatalf("%+v %v", p, err)
		}
		_, err = d.PlanImport(ctx, sys, "p.csv", strings.NewReader("login,name,area,role\n"+strings.Repeat("a,b,c,d\n", 501)))
		want(t, err, account.ErrImportMany)
		_, err = d.PlanImport(ctx, sec, "p.csv", strings.NewReader(people))
		want(t, err, survey.ErrDenied)
		p = d.plan(t, sys, string(account.ImportTemplate()))
		if p.New != 1 || p.Bad != 0 {
			t.Fatalf("the template cannot be imported: %+v", p)
		}
	})
}
