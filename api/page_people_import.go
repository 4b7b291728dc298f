package api

import (
	"bytes"
	"encoding/csv"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/area"
)

// importPeoplePage takes a list of people and shows what it would do.
type importPeoplePage struct {
	shell
	Problem string
	Plan    *peoplePlan
}

type peoplePlan struct {
	Token, File           string
	Rows, New, Known, Bad int
	Problems, Taken       []problemRow
	Skipped               []string
	Wrong, Nothing        bool
}

func (a *API) peopleImport(c *gin.Context) error {
	return a.showPeopleImport(c, http.StatusOK, importPeoplePage{})
}

func (a *API) showPeopleImport(c *gin.Context, status int, p importPeoplePage) error {
	p.shell = a.newShell(c, "people", a.static.T(a.lang(c), "people.import.title"), nil)
	return a.writeConsole(c, status, "console/people_import", p)
}

func (a *API) peopleTemplate(c *gin.Context) error {
	c.Header("Content-Disposition", `attachment; filename="chengyin-accounts.csv"`)
	c.Data(http.StatusOK, "text/csv; charset=utf-8", account.ImportTemplate())
	return nil
}

// planPeople reads an uploaded list. Nothing is stored until it is confirmed.
func (a *API) planPeople(c *gin.Context) error {
	who, lang := a.actor(c), a.lang(c)
	refuse := func(err error) error { return a.refusePeople(c, err) }
	return takeUpload(c, maxUpload, area.ErrImportTooLarge, "field_missing", refuse, func(name string, sheet io.Reader) error {
		plan, err := a.Accounts.PlanImport(c.Request.Context(), who, name, sheet)
		if err != nil {
			return refuse(err)
		}
		v := &peoplePlan{File: plan.File, Rows: plan.Rows, New: plan.New, Known: len(plan.Known), Bad: plan.Bad, Skipped: plan.Skipped,
			Problems: a.problemRows(lang, plan.Problems), Taken: a.problemRows(lang, plan.Known), Wrong: len(plan.Problems) > 0, Nothing: plan.New == 0}
		if plan.New > 0 {
			v.Token = a.imports.keep(who.Account, plan, a.Clock())
		}
		return a.showPeopleImport(c, http.StatusOK, importPeoplePage{Plan: v})
	})
}

func (a *API) problemRows(lang string, list []area.RowProblem) []problemRow {
	var out []problemRow
	for _, p := range list {
		row := problemRow{Sheet: p.Sheet, Row: p.Row, What: a.importWords(lang, p.Code), Value: p.Value}
		if p.Column != "" {
			row.Column = a.static.T(lang, "people.import.column."+p.Column)
		}
		out = append(out, row)
	}
	return out
}

func (a *API) refusePeople(c *gin.Context, err error) error {
	status, said, err := a.said(c, err)
	if err != nil {
		return err
	}
	return a.showPeopleImport(c, status, importPeoplePage{Problem: said})
}

// applyPeople makes the accounts of the plan that was shown.
func (a *API) applyPeople(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	who := a.actor(c)
	plan, ok := a.imports.take(who.Account, form.Get("plan"), a.Clock())
	if !ok {
		return a.refusePeople(c, area.ErrImportStale)
	}
	slips, err := a.Accounts.ImportPeople(c.Request.Context(), who, plan, form.Get("skip") != "")
	if err != nil {
		return a.refusePeople(c, err)
	}
	return a.showSlips(c, slips, "people.slips.imported", "/people")
}

// slipsPage hands out passwords, once.
type slipsPage struct {
	shell
	Heading string
	Slips   []account.Slip
	Token   string
	Back    string
	Address string
}

func (a *API) showSlips(c *gin.Context, slips []account.Slip, heading, back string) error {
	p := slipsPage{Heading: a.static.T(a.lang(c), heading, "n", len(slips)), Slips: slips, Back: back, Address: a.publicURL + "/signin"}
	if len(slips) > 1 {
		p.Token = a.slips.keep(a.actor(c).Account, slips, a.Clock())
	}
	p.shell = a.newShell(c, "people", p.Heading, nil)
	return a.writeConsole(c, http.StatusOK, "console/slips", p)
}

// slipsCSV hands out the same passwords as a file, once.
func (a *API) slipsCSV(c *gin.Context) error {
	form, err := a.form(c)
	if err != nil {
		return err
	}
	lang := a.lang(c)
	slips, ok := a.slips.take(a.actor(c).Account, form.Get("slips"), a.Clock())
	if !ok {
		return survey.ErrNotFound
	}
	var b bytes.Buffer
	b.WriteString("\ufeff") // without it Excel takes the file for GBK
	w := csv.NewWriter(&b)
	head := make([]string, 0, 5)
	for _, column := range []string{"login", "password", "name", "area", "role"} {
		head = append(head, a.static.T(lang, "people.slips."+column))
	}
	rows := [][]string{head}
	for _, s := range slips {
		rows = append(rows, []string{harmless(s.Login), harmless(s.Password), harmless(s.Name), harmless(s.Area), harmless(s.Role)})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	hide(c)
	c.Header("Content-Disposition", `attachment; filename="chengyin-slips.csv"`)
	c.Data(http.StatusOK, "text/csv; charset=utf-8", b.Bytes())
	return nil
}

// harmless is a text that a spreadsheet does not run as a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// chinaTime is a time as people read it.
func chinaTime(t time.Time) string { return t.In(static.China).Format("2006-01-02 15:04") }
