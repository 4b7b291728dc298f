package exchange_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/exchange"
	"chengyin/survey/fieldwork"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/score"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

var ctx = context.Background()

const secretText = "=HYPERLINK(\"http://x\") 我叫张三"

// each runs the test on every database.
func each(t *testing.T, test func(t *testing.T, w *apptest.World)) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { test(t, apptest.New(t, storetest.DSN(t, dialect))) })
	}
}

func answer(w *apptest.World, c collector.Collector, household string, change questionnaire.Answers) (response.Receipt, error) {
	sheet, err := w.Responses.Open(ctx, c.Code)
	if err != nil {
		return response.Receipt{}, err
	}
	in := response.Submission{Code: c.Code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Via: response.ViaPage, Answers: apptest.Answers(change), Household: household}
	r, _, err := w.Responses.Submit(ctx, in)
	return r, err
}

// fill gives the wave 60 scans, 8 visits, and some that do not count.
func fill(t *testing.T, w *apptest.World) {
	t.Helper()
	must := func(_ response.Receipt, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	pick := func(i int, from ...string) string { return from[i%len(from)] }
	for i := range 60 {
		code := []string{apptest.North, apptest.South}[i*7%3%2]
		must(answer(w, w.Posters[code], "", questionnaire.Answers{
			"age": area.Ages[i%6], "sex": area.Sexes[i/6%2], "q1": pick(i*5, "know", "heard", "unknown"), "q18": pick(i*3, "5", "4", "2", "1", "dk"), "q6": pick(i*7, "yes", "no", "dk"), "q19": secretText,
		}))
	}
	for i, h := range w.Homes {
		must(answer(w, w.Visits, h.Household, questionnaire.Answers{"age": area.Ages[i%6], "sex": area.Sexes[i%2], "q1": pick(i, "know", "unknown", "know"), "q18": pick(i, "5", "3", "2")}))
	}
	must(answer(w, w.Posters[apptest.North], "", questionnaire.Answers{"residence": "newcomer"}))
	must(answer(w, w.Posters[apptest.North], "", questionnaire.Answers{"age": "u18"}))
	must(answer(w, w.Visits, "nobody's", nil)) // in quarantine
	if _, err := w.Scores.Refresh(ctx, w.Wave.ID); err != nil {
		t.Fatal(err)
	}
}

func deps(w *apptest.World) exchange.Deps {
	return exchange.Deps{DB: w.DB, Questionnaires: w.Questionnaires, Recipes: w.Recipes}
}

// table is a CSV file by column.
type table struct {
	header []string
	rows   []map[string]string
}

func export(t *testing.T, w *apptest.World, actor survey.Actor) (table, string) {
	t.Helper()
	var b bytes.Buffer
	if err := exchange.Responses(ctx, deps(w), actor, w.Wave, &b); err != nil {
		t.Fatal(err)
	}
	return parse(t, b.String()), b.String()
}

func parse(t *testing.T, raw string) table {
	t.Helper()
	body, found := strings.CutPrefix(raw, "\uFEFF")
	if !found {
		t.Error("the file has no byte order mark")
	}
	lines, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := table{header: lines[0]}
	for _, l := range lines[1:] {
		row := map[string]string{}
		for i, x := range l {
			row[out.header[i]] = x
		}
		out.rows = append(out.rows, row)
	}
	return out
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestFileReproducesTheBoard(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		fill(t, w)
		file, raw := export(t, w, apptest.Office)
		t.Run("the header names design, indicators and questions", func(t *testing.T) {
			want := "mode via lang date community stratum psu weight_base weight_response margin_place margin_age margin_sex in_base weight y_awareness"
			if got := strings.Join(file.header, " "); !strings.HasPrefix(got, want) || !strings.Contains(got, " residence age sex q1 q2_board ") || strings.Contains(got, "q19") {
				t.Error(got)
			}
		})
		t.Run("there is a row for every counted answer", func(t *testing.T) {
			in := 0
			for _, r := range file.rows {
				if r["in_base"] == "1" {
					in++
				} else if r["weight"] != "" || r["y_awareness"] != "" || r["margin_place"] != "" {
					t.Errorf("someone outside the base has a weight: %v", r)
				}
			}
			if len(file.rows) != 70 || in != 68 {
				t.Errorf("%d rows, %d in the base", len(file.rows), in)
			}
		})
		t.Run("weights times values are the figures of the board", func(t *testing.T) {
			board, err := w.Scores.Scores(ctx, apptest.Office, score.Query{Wave: w.Wave.ID})
			if err != nil {
				t.Fatal(err)
			}
			checked := map[string]int{}
			for _, s := range board.Scores {
				if s.Mode == score.Combined {
					continue
				}
				n, sum, weights := 0, 0.0, 0.0
				for _, r := range file.rows {
					if y := r["y_"+s.Indicator]; r["mode"] == s.Mode && y != "" && strings.HasPrefix(r["community"], survey.Prefix(s.AreaCode)) {
						n++
						sum += number(t, r["weight"]) * number(t, y)
						weights += number(t, r["weight"])
					}
				}
				if n != s.N {
					t.Errorf("%s %s %s: the file has %d answers and the board %d", s.AreaCode, s.Mode, s.Indicator, n, s.N)
				}
				if s.Estimate == nil {
					continue
				}
				checked[s.Mode]++
				if math.Abs(sum/weights-*s.Estimate) > 1e-9*100 {
					t.Errorf("%s %s %s: the file gives %v and the board %v", s.AreaCode, s.Mode, s.Indicator, sum/weights, *s.Estimate)
				}
			}
			if checked[collector.Scanned] < 10 {
				t.Errorf("only %v figures were compared", checked)
			}
		})
		t.Run("the weights add up to the population", func(t *testing.T) {
			sums := map[string]float64{}
			for _, r := range file.rows {
				if r["weight"] != "" {
					sums[r["mode"]] += number(t, r["weight"])
				}
			}
			for mode, s := range sums {
				if math.Abs(s-3012) > 1e-6 { // 2 × Σ over six bands of 2×(100+10i)+1
					t.Errorf("%s: %v", mode, s)
				}
			}
		})
		t.Run("a visit carries its design", func(t *testing.T) {
			psus := map[string]bool{}
			for _, r := range file.rows {
				switch r["mode"] {
				case collector.Visited:
					psus[r["psu"]] = true
					if r["stratum"] != apptest.North || number(t, r["weight_base"]) < 20 {
						t.Errorf("%v", r)
					}
				case collector.Scanned:
					if r["stratum"] != "scan" || r["psu"] != "" || r["weight_base"] != "1" {
						t.Errorf("%v", r)
					}
				}
			}
			if len(psus) != 2 || psus[""] {
				t.Errorf("%v", psus)
			}
		})
		t.Run("nobody can be told from it", func(t *testing.T) {
			var all []response.Response
			if err := w.DB.Read(ctx).Find(&all).Error; err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				for _, x := range []string{r.ID, r.Receipt, response.Pretty(r.Receipt), r.CollectorID, r.ReceivedAt.Format("15:04:05")} {
					if strings.Contains(raw, x) {
						t.Errorf("the file holds %s", x)
					}
				}
			}
			if strings.Contains(raw, "张三") || strings.Contains(raw, "HYPERLINK") {
				t.Error("the file holds free text")
			}
		})
	})
}

// TestVisitsReproduceTheBoard needs enough visits for a figure of their own.
func TestVisitsReproduceTheBoard(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		homes := w.Homes[:0]
		for i := range 40 {
			h := w.Homes[0]
			h.ID, h.Household, h.PSU, h.Weight = fmt.Sprintf("00000000-0000-7000-8000-%012d", i), fmt.Sprintf("v%d", i), fmt.Sprintf("p%d", i%6), 3.7+float64(i%7)
			h.AreaCode = []string{apptest.North, apptest.South}[i%2]
			h.Stratum = h.AreaCode
			homes = append(homes, h)
		}
		if err := w.Samples.Add(ctx, homes); err != nil {
			t.Fatal(err)
		}
		// In every building of South half of those drawn refused, in North none.
		err := w.DB.InTx(ctx, func(tx *store.Tx) error {
			for i, h := range homes {
				if err := tx.Create(&sample.Home{UnitID: h.ID, WaveID: h.WaveID, AreaCode: h.AreaCode, PSU: h.PSU, Position: i + 1, Probability: 0.5, Base: 2}).Error; err != nil {
					return err
				}
				if h.AreaCode != apptest.South {
					continue
				}
				h.ID, h.Household = "x"+h.ID[1:], h.Household+"x"
				refused := fieldwork.Home{UnitID: h.ID, WaveID: h.WaveID, AreaCode: h.AreaCode, Stratum: h.Stratum, PSU: h.PSU, Outcome: "2.11", Visits: 1}
				if err := tx.Create(&h).Error; err != nil {
					return err
				}
				if err := tx.Create(&sample.Home{UnitID: h.ID, WaveID: h.WaveID, AreaCode: h.AreaCode, PSU: h.PSU, Position: 100 + i, Probability: 0.5, Base: 2}).Error; err != nil {
					return err
				}
				if err := tx.Create(&refused).Error; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range homes {
			if _, err := answer(w, w.Visits, h.Household, questionnaire.Answers{"age": area.Ages[i/2%6], "sex": area.Sexes[i/3%2], "q1": []string{"know", "heard", "unknown"}[i*5%3], "q18": []string{"5", "4", "1", "dk"}[i*3%4]}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Scores.Refresh(ctx, w.Wave.ID); err != nil {
			t.Fatal(err)
		}
		board, err := w.Scores.Scores(ctx, apptest.Office, score.Query{Wave: w.Wave.ID, Mode: collector.Visited})
		if err != nil {
			t.Fatal(err)
		}
		file, _ := export(t, w, apptest.Office)
		for _, r := range file.rows {
			want := map[string]string{apptest.North: "1", apptest.South: "2"}[r["community"]]
			if r["mode"] == collector.Visited && r["weight_response"] != want {
				t.Errorf("in %s a visit stands for %s, want %s", r["community"], r["weight_response"], want)
			}
		}
		compared := 0
		for _, s := range board.Scores {
			if s.Estimate == nil {
				continue
			}
			sum, weights := 0.0, 0.0
			for _, r := range file.rows {
				if y := r["y_"+s.Indicator]; y != "" && strings.HasPrefix(r["community"], survey.Prefix(s.AreaCode)) {
					sum += number(t, r["weight"]) * number(t, y)
					weights += number(t, r["weight"])
				}
			}
			compared++
			if math.Abs(sum/weights-*s.Estimate) > 1e-9*100 {
				t.Errorf("%s %s: the file gives %v and the board %v", s.AreaCode, s.Indicator, sum/weights, *s.Estimate)
			}
		}
		if compared < 10 {
			t.Errorf("only %d figures of visits were compared", compared)
		}
	})
}

// TestFileIsOfOneMoment: answers that come in while the file is written are not
// in it, or its weights would add up to nothing.
func TestFileIsOfOneMoment(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		// More answers than are read at once, so that some are read late.
		many := make([]response.Imported, 3500)
		for i := range many {
			many[i] = response.Imported{Code: w.Posters[[]string{apptest.North, apptest.South}[i%2]].Code, ID: uuid.NewString(), IssuedAt: w.Clock(), ReceivedAt: w.Clock(),
				Answers: apptest.Answers(questionnaire.Answers{"age": area.Ages[i/2%6], "sex": area.Sexes[i/12%2]})}
		}
		w.Advance(time.Second)
		if err := w.Responses.Import(ctx, many); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		calls := 0
		err := exchange.Responses(ctx, deps(w), apptest.Office, w.Wave, writerFunc(func(p []byte) (int, error) {
			calls++
			if calls == 2 { // the byte order mark was the first
				for range 20 {
					if _, err := answer(w, w.Posters[apptest.South], "", questionnaire.Answers{"age": "a70", "sex": "m", "q1": "know"}); err != nil {
						t.Error(err)
					}
				}
			}
			return b.Write(p)
		}))
		if err != nil || calls < 3 {
			t.Fatal(calls, err)
		}
		rows, sum := parse(t, b.String()).rows, 0.0
		for _, r := range rows {
			sum += number(t, r["weight"])
		}
		if len(rows) != len(many) || math.Abs(sum-3012) > 1e-6 {
			t.Errorf("the weights of %d answers add up to %v people of 3012", len(rows), sum)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWithoutWeightsTheBaseIsStillTold(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		for range 6 { // men of 18 only and women of 60 only: no weights meet both margins
			for _, x := range [][2]string{{"a18", "m"}, {"a60", "f"}} {
				if _, err := answer(w, w.Posters[apptest.North], "", questionnaire.Answers{"age": x[0], "sex": x[1], "q1": "know"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		file, _ := export(t, w, apptest.Office)
		if len(file.rows) != 12 {
			t.Fatal(len(file.rows))
		}
		for _, r := range file.rows {
			if r["in_base"] != "1" || r["weight"] != "" || r["y_awareness"] != "100" {
				t.Errorf("in_base %s, weight %q, y %q", r["in_base"], r["weight"], r["y_awareness"])
			}
		}
	})
}

func TestWhoMayTakeTheFile(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		fill(t, w)
		t.Run("roles that see no answers are denied and get nothing", func(t *testing.T) {
			for _, role := range []string{"", "viewer", "community", "subdistrict", "auditor", "sysadmin"} {
				var b bytes.Buffer
				err := exchange.Responses(ctx, deps(w), survey.As("x", role, apptest.City), w.Wave, &b)
				if !errors.Is(err, survey.ErrDenied) || b.Len() > 0 {
					t.Errorf("%s: %v, %d bytes", role, err, b.Len())
				}
			}
		})
		t.Run("nobody gets another place's answers", func(t *testing.T) {
			file, _ := export(t, w, survey.As("south", "office", apptest.South))
			if len(file.rows) == 0 {
				t.Fatal("no rows")
			}
			for _, r := range file.rows {
				if r["community"] != apptest.South {
					t.Errorf("a row of %s", r["community"])
				}
			}
		})
		t.Run("it is noted who took what", func(t *testing.T) {
			var actors []string
			if err := w.DB.Read(ctx).Table("events").Where("kind = ? AND object = ?", "response.exported", w.Wave.ID).Pluck("actor", &actors).Error; err != nil || fmt.Sprint(actors) != "[south]" {
				t.Error(actors, err)
			}
		})
		t.Run("a reader who goes away ends it", func(t *testing.T) {
			gone := errors.New("gone")
			err := exchange.Responses(ctx, deps(w), apptest.Office, w.Wave, writerFunc(func([]byte) (int, error) { return 0, gone }))
			if !errors.Is(err, gone) {
				t.Error(err)
			}
			if err := exchange.Responses(ctx, deps(w), apptest.Office, w.Wave, io.Discard); err != nil {
				t.Error(err)
			}
		})
	})
}

// TestFewAnswersOfACommunity: where fewer than five answered, the file says
// neither where exactly nor when.
func TestFewAnswersOfACommunity(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		send := func(place string, n int) {
			t.Helper()
			for i := range n {
				if _, err := answer(w, w.Posters[place], "", questionnaire.Answers{"age": area.Ages[i%6], "sex": area.Sexes[i%2]}); err != nil {
					t.Fatal(err)
				}
			}
		}
		places := func() map[string]int {
			t.Helper()
			file, _ := export(t, w, apptest.Office)
			seen := map[string]int{}
			for _, r := range file.rows {
				seen[r["community"]]++
				if (r["date"] == "") != (r["community"] == apptest.Riverside+"-1") {
					t.Errorf("%s has the date %q", r["community"], r["date"])
				}
				for column, v := range r {
					if v == apptest.South && seen[apptest.South] == 0 {
						t.Errorf("%s says %s", column, v)
					}
				}
			}
			return seen
		}
		send(apptest.North, 9)
		send(apptest.South, 4)
		if got := places(); got[apptest.North] != 9 || got[apptest.Riverside+"-1"] != 4 || len(got) != 2 {
			t.Errorf("with 4 in South: %v", got)
		}
		send(apptest.South, 1)
		if got := places(); got[apptest.North] != 9 || got[apptest.South] != 5 || len(got) != 2 {
			t.Errorf("with 5 in South: %v", got)
		}
	})
}

// TestFewAnswersOfMergedCommunities: answers of communities that are one now count
// together.
func TestFewAnswersOfMergedCommunities(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		for place, n := range map[string]int{apptest.North: 3, apptest.South: 4} {
			for i := range n {
				if _, err := answer(w, w.Posters[place], "", questionnaire.Answers{"age": area.Ages[i], "sex": area.Sexes[i%2]}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := answer(w, w.Posters[apptest.South], "", questionnaire.Answers{"age": "u18"}); err != nil { // outside the base
			t.Fatal(err)
		}
		merge(t, w, apptest.South, apptest.North)
		file, raw := export(t, w, apptest.Office)
		if len(file.rows) != 8 || strings.Contains(raw, apptest.South) {
			t.Errorf("%d rows, or South is named", len(file.rows))
		}
		for _, r := range file.rows {
			if r["community"] != apptest.North || r["date"] == "" {
				t.Errorf("a row of %q on %q", r["community"], r["date"])
			}
		}
	})
}

// merge lets one community go up in another.
func merge(t *testing.T, w *apptest.World, from, into string) {
	t.Helper()
	gone, err := w.Areas.ByCode(ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	ended := w.Clock().Truncate(24 * time.Hour)
	gone.ValidTo, gone.SuccessorCode = &ended, &into
	if err := w.Areas.Save(ctx, []area.Area{gone}, nil, nil); err != nil {
		t.Fatal(err)
	}
}
