package account

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// importColumns are the columns of a list of people.
var importColumns = []area.Column{
	{Name: "login", Required: true, Headers: []string{"登录名", "账号", "用户名", "login", "account"}, Example: "zhouyh"},
	{Name: "name", Required: true, Headers: []string{"姓名", "名称", "显示名", "name"}, Example: "周映荷"},
	{Name: "area", Required: true, Headers: []string{"所属地区", "所属区划", "所属区划代码", "区划代码", "地区", "area", "home", "areacode"}, Example: "990102001000"},
	{Name: "role", Required: true, Headers: []string{"角色", "role"}, Example: "镇街管理员"},
	{Name: "scope", Headers: []string{"负责范围", "权限范围", "范围", "范围代码", "地区或单位代码", "scope", "place", "unit"}, Example: ""},
}

// ImportTemplate returns a CSV file with the headers and one example row.
func ImportTemplate() []byte { return area.TemplateOf(importColumns) }

// mostImported is how many people one file may add: making a password's hash is
// meant to be slow.
const mostImported = 500

// ErrImportMany means that a file has more people than are imported at once.
var ErrImportMany = &survey.Error{Kind: survey.TooLarge, Code: "people_import_many"}

// ImportPlan is what importing a list of people would do. It stores nothing.
type ImportPlan struct {
	File     string
	Rows     int
	New      int
	Known    []area.RowProblem // rows whose login is taken: they are left as they are
	Bad      int               // rows with a problem
	Problems []area.RowProblem
	Skipped  []string // sheets without headers that are known

	rows []area.Row
	make []NewPerson
}

// Slip is what a new person is handed, once.
type Slip struct {
	Login, Name, Password string
	Area, Role            string // as the file has them, by name
}

// PlanImport reads a CSV file or an Excel workbook with people and says what
// importing it would do. Returns survey.ErrDenied, ErrImportMany, or the errors of
// area.ReadRows; wrong rows are no error, they are the plan's problems.
func (s *Service) PlanImport(ctx context.Context, actor survey.Actor, filename string, r io.Reader) (ImportPlan, error) {
	if !actor.Can(survey.ManageAccounts) {
		return ImportPlan{}, survey.ErrDenied
	}
	rows, skipped, heads, err := area.ReadRows(ctx, r, importColumns)
	if err != nil {
		return ImportPlan{}, err
	}
	if len(rows) > mostImported {
		return ImportPlan{}, ErrImportMany.With(survey.Field{Path: "file", Code: "too_large", Args: map[string]any{"max": mostImported}})
	}
	p := ImportPlan{File: filename, Rows: len(rows), Skipped: skipped, rows: rows}
	err = s.db.Snapshot(ctx, func(r *gorm.DB) error { return p.check(r, actor) })
	p.Problems = append(heads, p.Problems...)
	return p, err
}

// ImportPeople makes the accounts of a plan with one-time passwords and asks for
// their roles, all of them or none. With skip, rows that are wrong are left out.
// Returns survey.ErrDenied, area.ErrImportProblems, or area.ErrImportStale when the
// plan would do something else now.
func (s *Service) ImportPeople(ctx context.Context, actor survey.Actor, p ImportPlan, skip bool) ([]Slip, error) {
	switch {
	case !actor.Can(survey.ManageAccounts):
		return nil, survey.ErrDenied
	case len(p.Problems) > 0 && !skip:
		return nil, area.ErrImportProblems
	}
	rules, err := s.Policy(ctx)
	if err != nil {
		return nil, err
	}
	slips, hashes := make([]Slip, len(p.make)), make([]string, len(p.make))
	var g errgroup.Group
	for i := range p.make {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			slips[i].Password = rules.oneTimePassword(p.make[i].Login)
			hashes[i] = hashPassword(slips[i].Password)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		now := ImportPlan{rows: p.rows}
		if err := now.check(tx.DB, actor); err != nil {
			return err
		}
		if !slices.Equal(now.make, p.make) || now.Bad != p.Bad {
			return area.ErrImportStale
		}
		roles, err := roleNames(tx.DB)
		if err != nil {
			return err
		}
		var codes []string
		for _, n := range p.make {
			codes = append(codes, n.AreaCode)
		}
		names, err := placeNames(tx.DB, codes)
		if err != nil {
			return err
		}
		for i, n := range p.make {
			if _, err := addPerson(tx, actor, n, hashes[i]); errors.Is(err, ErrLoginTaken) {
				return area.ErrImportStale.Because(err)
			} else if err != nil {
				return err
			}
			slips[i].Login, slips[i].Name, slips[i].Area, slips[i].Role = n.Login, n.Name, names[n.AreaCode].ZH, roles[n.Role].ZH
		}
		return event.Append(tx, actor, "account.imported", "", map[string]any{"file": p.File, "rows": len(p.rows), "new": len(p.make), "known": len(now.Known), "skipped": now.Bad})
	})
	if err != nil {
		return nil, err
	}
	return slips, nil
}

func roleNames(r *gorm.DB) (map[string]survey.Text, error) {
	var rows []role
	if err := r.Find(&rows).Error; err != nil {
		return nil, err
	}
	out := map[string]survey.Text{}
	for _, x := range rows {
		out[x.Code] = survey.Text{ZH: x.NameZH, EN: x.NameEN}
	}
	return out, nil
}

// gazetteer finds the actor's places and units by code and by name.
type gazetteer struct {
	places map[string]bool
	named  map[string][]string // codes by name in either language
	units  map[string]bool
	roles  map[string]role // by code and by name
	taken  map[string]bool
}

func newGazetteer(r *gorm.DB, actor survey.Actor, rows []area.Row) (gazetteer, error) {
	g := gazetteer{places: map[string]bool{}, named: map[string][]string{}, units: map[string]bool{}, roles: map[string]role{}, taken: map[string]bool{}}
	tops := actor.Places(survey.ManageAccounts)
	var places []area.Area
	var units []area.Unit
	var roles []role
	err := errors.Join(
		r.Scopes(store.Within("code", tops)).Find(&places).Error,
		r.Scopes(store.Within("area_code", tops)).Find(&units).Error,
		r.Find(&roles).Error,
	)
	if err != nil {
		return g, err
	}
	for _, x := range places {
		g.places[x.Code] = true
		for _, name := range []string{x.NameZH, strings.ToLower(x.NameEN)} {
			if name != "" && !slices.Contains(g.named[name], x.Code) {
				g.named[name] = append(g.named[name], x.Code)
			}
		}
	}
	for _, u := range units {
		g.units[u.Code] = true
	}
	for _, x := range roles {
		for _, key := range []string{x.NameEN, x.NameZH, x.Code} { // the code last: no name hides it
			if key != "" {
				g.roles[strings.ToLower(key)] = x
			}
		}
	}
	var logins []string
	for _, row := range rows {
		if l := row.Cell("login"); isASCII(l) {
			logins = append(logins, l)
		}
	}
	for some := range slices.Chunk(logins, 500) {
		var taken []string
		if err := r.Model(&Account{}).Where("login IN ?", some).Pluck("login", &taken).Error; err != nil {
			return g, err
		}
		for _, l := range taken {
			g.taken[l] = true
		}
	}
	return g, nil
}

// place returns the code of a place that is written as a code or a name; a
// problem's code when there is none or more than one.
func (g gazetteer) place(digits, text string) (code, wrong string) {
	if g.places[digits] {
		return digits, ""
	}
	switch codes := g.named[strings.ToLower(text)]; len(codes) {
	case 0:
		return "", "place_unknown"
	case 1:
		return codes[0], ""
	}
	return "", "place_ambiguous"
}

// check finds what is wrong with the rows and what they would make.
func (p *ImportPlan) check(r *gorm.DB, actor survey.Actor) error {
	g, err := newGazetteer(r, actor, p.rows)
	if err != nil {
		return err
	}
	first := map[string]bool{}
	for _, row := range p.rows {
		var wrong []area.RowProblem
		say := func(column, code string) { wrong = append(wrong, row.Wrong(column, code)) }
		n := NewPerson{Login: row.Cell("login"), Name: row.Cell("name")}
		switch {
		case len(loginWrong(n.Login)) > 0:
			say("login", "login_"+strings.TrimPrefix(loginWrong(n.Login)[0].Code, "field_"))
		case first[n.Login]:
			say("login", "login_twice")
		case g.taken[n.Login]:
			p.Known = append(p.Known, row.Wrong("login", "login_known"))
			first[n.Login] = true
			continue
		}
		first[n.Login] = true
		if bad := nameWrong("name", n.Name); len(bad) > 0 {
			say("name", "name_"+strings.TrimPrefix(bad[0].Code, "field_"))
		}
		var code string
		if n.AreaCode, code = g.place(row.Code("area"), row.Cell("area")); code != "" {
			say("area", code)
		}
		x, ok := g.roles[strings.ToLower(row.Cell("role"))]
		if n.Role = x.Code; !ok {
			say("role", "role_unknown")
		}
		duties, _ := survey.Duties(x.permissions())
		switch scope := row.Cell("scope"); {
		case scope == "":
			n.Place = n.AreaCode
		case g.units[scope] && len(duties) > 0:
			say("scope", "unit_administrator")
		case g.units[scope]:
			n.Unit = scope
		default:
			if n.Place, code = g.place(row.Code("scope"), scope); code != "" {
				say("scope", code)
			}
		}
		if len(wrong) > 0 {
			p.Bad++
			p.Problems = append(p.Problems, wrong...)
			continue
		}
		p.make = append(p.make, n)
	}
	p.New = len(p.make)
	return nil
}
