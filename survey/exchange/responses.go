// Package exchange writes the platform's data in the formats of other programs.
package exchange

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/event"
	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/score"
	"chengyin/survey/store"
	"chengyin/survey/wave"
)

// Deps are the services that an export reads.
type Deps struct {
	DB             *store.DB
	Questionnaires *questionnaire.Service
	Recipes        *indicator.Service
}

// china is the time that dates are written in.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

// Responses writes the counted answers of a wave as CSV (UTF-8 with BOM), a row
// each, as they come from the database: codes of answers, design columns and
// weights, all of the same moment, so that another program comes to the same
// figures. It is de-identified: no id, receipt, time of day or free text. Returns
// survey.ErrDenied to those who may not see answers.
//
// The design columns: stratum and psu (empty: the answer is its own), weight_base
// is the design weight, weight_response how many households of its building or
// community an interviewed one stands for (1 for scans), margin_* the category in each population margin, in_base
// whether the recipe counts the person, and weight the raked weight, empty
// outside the base and when the weighting failed. A community with fewer than five
// answers of the mode is called by its subdistrict and a number, without dates. y_* is the value of each indicator, empty where it has none.
func Responses(ctx context.Context, d Deps, actor survey.Actor, w wave.Wave, out io.Writer) error {
	if !actor.Can(survey.ExportResponses) {
		return survey.ErrDenied
	}
	q, err := d.Questionnaires.ByID(ctx, w.QuestionnaireID)
	if err != nil {
		return err
	}
	r, err := d.Recipes.ByID(ctx, w.RecipeID)
	if err != nil {
		return err
	}
	err = d.DB.InTx(ctx, func(tx *store.Tx) error {
		return event.Write(tx, actor, event.Entry{Kind: "response.exported", Object: w.ID, Area: actor.Home(survey.ExportResponses), Payload: map[string]string{"format": "csv"}})
	})
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, "\uFEFF"); err != nil {
		return err
	}
	c := csv.NewWriter(out)
	if err := c.Write(header(q, r)); err != nil {
		return err
	}
	err = d.DB.Snapshot(ctx, func(db *gorm.DB) error {
		designs, err := score.Designs(db, w, r, d.DB.Clock()())
		if err != nil {
			return err
		}
		names, err := placesOf(db, w.ID)
		if err != nil {
			return err
		}
		return response.EachCounted(db, w.ID, func(x response.Response, u *sample.Unit) error {
			if !actor.Sees(survey.ExportResponses, x.AreaCode) {
				return nil
			}
			row, err := line(x, u, q, r, designs[x.Mode], names)
			if err != nil {
				return err
			}
			return c.Write(row)
		})
	})
	if err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}

// fewest is how many answers of a community an export tells apart at least.
const fewest = 5

// places says what an export calls the communities: by the place that holds their
// results now, and those with few answers of a mode not at all.
type places struct {
	into map[string]string    // of those that were merged away
	few  map[[2]string]string // by mode and code
}

// now returns the community that holds the results of a community.
func (p places) now(code string) string { return cmp.Or(p.into[code], code) }

// named returns what the export calls a community or stratum.
func (p places) named(mode, code string) string {
	return cmp.Or(p.few[[2]string{mode, code}], code)
}

// placesOf finds the communities with few answers. The export calls each by its
// subdistrict and a number: they stay apart, as the standard errors need them, and
// no one can tell which is which. One that was merged away and had few of its own
// is not named as a stratum either.
func placesOf(r *gorm.DB, wave string) (places, error) {
	var areas []area.Area
	if err := r.Where("successor_code IS NOT NULL").Find(&areas).Error; err != nil {
		return places{}, fmt.Errorf("read merged communities: %w", err)
	}
	out := places{into: area.Successors(areas), few: map[[2]string]string{}}
	var rows []struct {
		Mode, AreaCode string
		N              int
	}
	err := r.Table("responses").Select("mode, area_code, COUNT(*) AS n").Where("wave_id = ? AND status = ?", wave, response.Counted).
		Group("mode, area_code").Scan(&rows).Error
	if err != nil {
		return places{}, fmt.Errorf("count answers by community: %w", err)
	}
	n := map[[2]string]int{}
	for _, x := range rows {
		n[[2]string{x.Mode, out.now(x.AreaCode)}] += x.N
		if out.into[x.AreaCode] != "" {
			n[[2]string{x.Mode, x.AreaCode}] += x.N
		}
	}
	last := map[string]int{}
	for _, k := range slices.SortedFunc(maps.Keys(n), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		mode, code := k[0], k[1]
		if n[k] >= fewest || len(survey.Prefix(code)) != 12 {
			continue // enough, or no community
		}
		up := code[:9] + "000"
		last[mode+up]++
		out.few[k] = fmt.Sprintf("%s-%d", up, last[mode+up])
	}
	return out, nil
}

func header(q *questionnaire.Definition, r *indicator.Recipe) []string {
	h := []string{"mode", "via", "lang", "date", "community", "stratum", "psu", "weight_base", "weight_response", "margin_place", "margin_age", "margin_sex", "in_base", "weight"}
	for _, ind := range r.Indicators {
		h = append(h, "y_"+ind.Code)
	}
	for _, x := range q.Questions {
		switch x.Type {
		case questionnaire.Text:
		case questionnaire.Multiple:
			for _, o := range x.Options {
				h = append(h, x.ID+"_"+o.Code)
			}
		default:
			h = append(h, x.ID)
		}
	}
	return h
}

func line(x response.Response, u *sample.Unit, q *questionnaire.Definition, r *indicator.Recipe, design score.Design, names places) ([]string, error) {
	answers, wrong := questionnaire.ParseAnswers([]byte(x.Answers))
	if len(wrong) > 0 {
		return nil, survey.ErrInvalid.With(wrong...)
	}
	stratum, psu, weight := collector.Scanned, "", 1.0
	if u != nil {
		stratum, psu, weight = u.Stratum, u.PSU, u.Weight
	}
	stands := design.Stands(stratum, psu)
	age, _ := answers["age"].(string)
	sex, _ := answers["sex"].(string)
	inBase, margins, raked := "0", []string{"", "", ""}, ""
	community := names.now(x.AreaCode)
	values := make([]indicator.Value, len(r.Indicators))
	if slices.Contains(area.Ages, age) && slices.Contains(area.Sexes, sex) && r.InBase(q, answers) {
		inBase, values = "1", r.Values(q, answers)
		if cell, ok := design.Cell(x.AreaCode, stratum, age, sex); ok {
			margins, raked = cell.Margins, number(weight*stands*cell.Factor)
			stratum, community = cell.Stratum, cell.Area
		}
	}
	day := x.ReceivedAt.In(china).Format(time.DateOnly)
	if names.named(x.Mode, community) != community {
		day = ""
	}
	community, stratum = names.named(x.Mode, community), names.named(x.Mode, stratum)
	row := []string{x.Mode, x.Via, x.Lang, day, community, stratum, psu, number(weight), number(stands)}
	row = append(append(row, margins...), inBase, raked)
	for _, v := range values {
		if v.OK {
			row = append(row, number(v.Y))
		} else {
			row = append(row, "")
		}
	}
	for _, x := range q.Questions {
		chosen := questionnaire.Chosen(answers[x.ID])
		switch x.Type {
		case questionnaire.Text:
		case questionnaire.Multiple:
			for _, o := range x.Options {
				switch {
				case answers[x.ID] == nil:
					row = append(row, "")
				case slices.Contains(chosen, o.Code):
					row = append(row, "1")
				default:
					row = append(row, "0")
				}
			}
		case questionnaire.Number:
			if v, ok := answers[x.ID].(float64); ok {
				row = append(row, number(v))
			} else {
				row = append(row, "")
			}
		default:
			row = append(row, strings.Join(chosen, " "))
		}
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return row, nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return "'" + s
		}
	}
	return s
}
