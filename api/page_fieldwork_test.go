package api_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// fieldSite is a site in which a building of North and one of South were drawn.
type fieldSite struct {
	*site
	doors         map[string]string // unit's id by "building/position"
	worker, south survey.Actor
}

const formulaName = "=HYPERLINK(1)"

func newFieldSite(t *testing.T, dialect string) *fieldSite {
	t.Helper()
	f := &fieldSite{site: serving(t, apptest.New(t, storetest.DSN(t, dialect))), doors: map[string]string{}}
	f.worker, f.south = f.Person(t, "wen", "worker", apptest.North), f.Person(t, "xia", "worker", apptest.South)
	for psu, place := range map[string]string{"N9": apptest.North, "S9": apptest.South} {
		err := f.DB.InTx(t.Context(), func(tx *store.Tx) error {
			for i := range 5 {
				u := sample.Unit{ID: uuid.NewString(), WaveID: f.Wave.ID, AreaCode: place, Stratum: place, PSU: psu, Household: fmt.Sprintf("%s-%d", psu, i+1), Weight: 10}
				if err := tx.Create(&u).Error; err != nil {
					return err
				}
				h := sample.Home{UnitID: u.ID, WaveID: f.Wave.ID, PlanID: "plan", AreaCode: place, PSU: psu, Position: i + 1, Reserve: i >= 4, Probability: .1, Base: 10,
					Building: map[string]string{"N9": formulaName, "S9": "南楼"}[psu], Room: fmt.Sprint(501 + i), Picks: "121111111111"}
				if err := tx.Create(&h).Error; err != nil {
					return err
				}
				f.doors[fmt.Sprintf("%s/%d", psu, i+1)] = u.ID
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	f.Advance(24 * time.Hour)
	return f
}

// posted sends a form as a page does.
func posted(t *testing.T, c *http.Client, address string, form url.Values) reply {
	t.Helper()
	return call(t, c, "POST", address, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
}

func (f *fieldSite) address(path string, query ...string) string {
	q := url.Values{"wave": {f.Wave.ID}}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	return f.url + path + "?" + q.Encode()
}

func bothDialects(t *testing.T, test func(t *testing.T, f *fieldSite)) {
	for _, dialect := range []string{"sqlite", "mysql"} {
		t.Run(dialect, func(t *testing.T) { test(t, newFieldSite(t, dialect)) })
	}
}

// paperOf is a filled form.
func paperOf(change func(url.Values)) url.Values {
	form := url.Values{"visit.id": {uuid.NewString()}, "visit.at": {"2026-11-01T19:30"}, "visit.outcome": {"1.1"}, "visit.adults": {"2"}, "visit.chosen": {"2"}, "visit.mode": {"asked"},
		"visit.receipt": {"k7qx-2mpd-9abc"}}
	for id, v := range apptest.Answers(nil) {
		switch v := v.(type) {
		case string:
			form.Set(id, v)
		case []string:
			form[id] = v
		default:
			form.Set(id, fmt.Sprint(v))
		}
	}
	if change != nil {
		change(form)
	}
	return form
}

// TestFieldworkPages goes the way of a community's manager: assigns a building,
// enters what came back on paper, and reads how far the work is.
func TestFieldworkPages(t *testing.T) {
	bothDialects(t, func(t *testing.T, f *fieldSite) {
		nora := f.as(t, "nora", "community", apptest.North)
		page := func(path string, query ...string) reply {
			t.Helper()
			r := call(t, nora, "GET", f.address(path, query...), nil, "Accept", "text/html", "Accept-Language", "en")
			if r.status != 200 {
				t.Fatal(path, r)
			}
			return r
		}
		building := f.address("/fieldwork/building", "psu", "N9")
		if r := page("/fieldwork/building", "psu", "N9"); strings.Count(r.body, `name="unit"`) != 4 || !strings.Contains(r.body, "wen") || strings.Contains(r.body, "xia") {
			t.Error("the building, its worker and nobody else's:", r.body)
		}
		for name, c := range map[string]struct {
			form   url.Values
			status int
			said   string
		}{
			"nobody to assign to":       {url.Values{"do": {"all"}}, 422, "Choose a worker."},
			"nothing ticked":            {url.Values{"do": {"some"}, "account": {f.worker.Account}}, 422, "Tick at least one household."},
			"nothing to do":             {url.Values{"unit": {f.doors["N9/1"]}}, 422, ""},
			"a worker of the neighbour": {url.Values{"do": {"all"}, "account": {f.south.Account}}, 422, ""},
			"a household of another":    {url.Values{"do": {"some"}, "account": {f.worker.Account}, "unit": {f.doors["S9/1"]}}, 404, ""},
			"all of the building":       {url.Values{"do": {"all"}, "account": {f.worker.Account}}, 303, ""},
		} {
			t.Run(name, func(t *testing.T) {
				r := call(t, nora, "POST", building, c.form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Accept-Language", "en")
				if r.status != c.status || !strings.Contains(r.body, c.said) {
					t.Error(r)
				}
			})
		}
		if r := page("/fieldwork/building", "psu", "N9", "done", "assigned", "n", "4"); !strings.Contains(r.body, "4 households were assigned.") {
			t.Error(r.body)
		}
		if r := page("/fieldwork/building", "psu", "N9", "done", "<i>", "n", "x"); strings.Contains(r.body, "<i>") {
			t.Error(r.body)
		}
		if r := posted(t, nora, building, url.Values{"do": {"back"}, "unit": {f.doors["N9/4"]}}); r.status != 303 || !strings.Contains(r.header.Get("Location"), "done=unassigned&n=1") {
			t.Error(r)
		}

		// What came back on paper.
		paper := f.address("/fieldwork/paper", "unit", f.doors["N9/1"])
		if r := page("/fieldwork/paper", "unit", f.doors["N9/1"]); !regexp.MustCompile(`name="visit.id" value="[0-9a-f-]{36}"`).MatchString(r.body) || !strings.Contains(r.body, "2→2") {
			t.Error(r.body)
		}
		wrong := paperOf(func(form url.Values) { form.Set("visit.adults", "20"); form.Del("sex"); form.Set("q1", "maybe") })
		if r := call(t, nora, "POST", paper, wrong.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html"); r.status != 422 ||
			!strings.Contains(r.body, `href="#f-adults"`) || !strings.Contains(r.body, `href="#f-sex"`) || !strings.Contains(r.body, `href="#f-q1"`) ||
			!strings.Contains(r.body, `value="`+wrong.Get("visit.id")+`"`) || !strings.Contains(r.body, `value="k7qx-2mpd-9abc"`) {
			t.Error("the form comes back as it was, with what is wrong:", r)
		}
		right := paperOf(nil)
		for range 2 {
			if r := posted(t, nora, paper, right); r.status != 303 || !strings.Contains(r.header.Get("Location"), "done=accepted") {
				t.Fatal(r)
			}
		}
		for _, x := range []struct{ door, outcome, done string }{{"N9/2", "2.11", "accepted"}, {"N9/2", "2.24", "reason=after_refusal"}, {"N9/3", "2.24", "accepted"}} {
			form := url.Values{"visit.id": {uuid.NewString()}, "visit.at": {"2026-11-01T19:40"}, "visit.outcome": {x.outcome}, "visit.note": {"=1+1"}}
			if x.outcome == "2.24" {
				form.Set("visit.at", "2026-11-01T20:40")
			}
			if r := posted(t, nora, f.address("/fieldwork/paper", "unit", f.doors[x.door]), form); r.status != 303 || !strings.Contains(r.header.Get("Location"), x.done) {
				t.Fatal(x, r)
			}
		}
		var kept struct{ Records, Answers int64 }
		if err := f.DB.Read(t.Context()).Raw("SELECT (SELECT COUNT(*) FROM field_records) AS records, (SELECT COUNT(*) FROM responses WHERE status = 'counted') AS answers").Scan(&kept).Error; err != nil || kept.Records != 4 || kept.Answers != 1 {
			t.Errorf("%+v, %v", kept, err)
		}

		// 4 drawn and 1 reserve opened by the refusal, beside the eight of the cast.
		r := page("/fieldwork", "area", apptest.North)
		for _, want := range []string{"Field work", formulaName, "RR1", "I / (D &#43; UH &#43; UO)", "7.7%", "0 of 0 opened", "1 of 1 opened", "Some records are not counted"} {
			if !strings.Contains(r.body, want) {
				t.Errorf("no %q on the page", want)
			}
		}
		if strings.Contains(r.body, "501") || strings.Contains(r.body, "NaN") {
			t.Error("the page tells of single households:", r.body)
		}
		if r := page("/fieldwork/review"); !strings.Contains(r.body, "visited after a refusal") || !strings.Contains(r.body, "502") || strings.Contains(r.body, "=1+1") {
			t.Error(r.body)
		}
		for _, lang := range []string{"zh", "en"} {
			list := page("/fieldwork/list", "psu", "N9", "lang", lang)
			if strings.Contains(list.body, "501") || !strings.Contains(list.body, "503") || !strings.Contains(list.body, "505") {
				t.Error("the list has those to be visited, the opened reserve too, and no others:", list.body)
			}
			sheets := page("/fieldwork/questionnaire", "psu", "N9", "lang", lang)
			var told int64
			if err := f.DB.Read(t.Context()).Table("events").Where("kind = 'field.exported' AND area_code = ?", apptest.North).Count(&told).Error; err != nil || told < 2 {
				t.Errorf("%d events tell of what was printed, %v", told, err)
			}
			codes := regexp.MustCompile(`<code>([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})</code>`).FindAllStringSubmatch(sheets.body, -1)
			if len(codes) != 6 || codes[0][1] != codes[1][1] || codes[0][1] == codes[2][1] {
				t.Errorf("receipts %v", codes)
			}
			if blank := page("/fieldwork/questionnaire", "area", apptest.North, "lang", lang); strings.Count(blank.body, "<article") != 1 {
				t.Error(blank.body)
			}
		}
		if r := page("/fieldwork/list", "area", apptest.North, "worker", f.worker.Account); !strings.Contains(r.body, "503") || strings.Contains(r.body, "504") {
			t.Error("the list of a worker:", r.body)
		}

		t.Run("the table as a file holds no formula and no household", func(t *testing.T) {
			r := page("/fieldwork/export", "area", apptest.North, "format", "csv")
			rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(r.body, "\uFEFF"))).ReadAll()
			if err != nil || len(rows) != 4 || rows[0][0] != "Place code" {
				t.Fatal(rows, err)
			}
			at := slices.IndexFunc(rows, func(row []string) bool { return row[2] == "N9" })
			if at < 0 || rows[at][3] != "'"+formulaName || strings.Join(rows[at][4:], ",") != "4,1,1,5,4,3,2,1,0,1,0,0,3,0,0,1,0" {
				t.Error(rows)
			}
			if x := page("/fieldwork/export", "area", apptest.North, "format", "xlsx"); !strings.HasPrefix(x.body, "PK") || !strings.Contains(x.header.Get("Content-Disposition"), ".xlsx") {
				t.Error(x.header)
			}
			if r := call(t, nora, "GET", f.address("/fieldwork/export", "format", "pdf"), nil); r.status != 422 {
				t.Error(r)
			}
		})
		for _, path := range []string{"/fieldwork?e=2&wave=" + f.Wave.ID, "/fieldwork?e=NaN&wave=" + f.Wave.ID, "/fieldwork/review?cursor=%21&wave=" + f.Wave.ID} {
			if r := call(t, nora, "GET", f.url+path, nil, "Accept", "text/html"); r.status != 422 {
				t.Error(path, r.status)
			}
		}
		if strings.Contains(f.log.String(), "level=ERROR") {
			t.Error(f.log)
		}
	})
}

// TestFieldworkOfTheNeighbour: what lies in South does not exist for North, and no
// count tells of it.
func TestFieldworkOfTheNeighbour(t *testing.T) {
	bothDialects(t, func(t *testing.T, f *fieldSite) {
		nora, office := f.as(t, "nora", "community", apptest.North), f.as(t, "ora", "office", apptest.East)
		api := f.url + "/api/v1/waves/" + f.Wave.ID + "/fieldwork"
		if r := call(t, office, "POST", api+"/assignments", map[string]any{"psu": "S9", "account": f.south.Account}); r.status != 200 || r.field(t, "changed") != 4.0 {
			t.Fatal(r)
		}
		for _, path := range []string{
			f.address("/fieldwork", "area", apptest.South), f.address("/fieldwork", "area", apptest.Riverside), f.address("/fieldwork/export", "area", apptest.South),
			f.address("/fieldwork/building", "psu", "S9"), f.address("/fieldwork/list", "psu", "S9"), f.address("/fieldwork/list", "area", apptest.South),
			f.address("/fieldwork/questionnaire", "psu", "S9"), f.address("/fieldwork/questionnaire", "unit", f.doors["S9/1"]), f.address("/fieldwork/paper", "unit", f.doors["S9/1"]),
			f.address("/fieldwork/review", "area", apptest.South), api + "?area=" + apptest.South, api + "/households?psu=S9", api + "/review?area=" + apptest.South,
		} {
			theirs := call(t, nora, "GET", path, nil)
			none := call(t, nora, "GET", strings.NewReplacer("S9", "S0", apptest.South, "990102001009", f.doors["S9/1"], uuid.Nil.String()).Replace(path), nil)
			if theirs.status != 404 || none.status != 404 {
				t.Errorf("%s: %d, and what there is not %d", path, theirs.status, none.status)
			}
			if r := call(t, office, "GET", path, nil, "Accept", "text/html"); r.status != 200 {
				t.Errorf("the office at %s: %d %s", path, r.status, r.body)
			}
		}
		if r := call(t, nora, "DELETE", api+"/assignments?psu=S9", nil); r.status != 404 {
			t.Error(r)
		}
		if r := call(t, nora, "DELETE", api+"/assignments?unit="+f.doors["N9/1"]+"&unit="+f.doors["S9/1"], nil); r.status != 404 {
			t.Error(r)
		}
		if r := posted(t, nora, f.address("/fieldwork/paper", "unit", f.doors["S9/1"]), paperOf(nil)); r.status != 404 {
			t.Error(r)
		}
		own := call(t, nora, "GET", api, nil)
		all := call(t, office, "GET", api, nil)
		if own.field(t, "total", "drawn") != 12.0 || own.field(t, "total", "assigned") != 0.0 || strings.Contains(own.body, "S9") || strings.Contains(own.body, apptest.South) {
			t.Error(own.body)
		}
		if all.field(t, "total", "drawn") != 16.0 || all.field(t, "total", "assigned") != 4.0 {
			t.Error(all.body)
		}
		if r := call(t, office, "DELETE", api+"/assignments?unit="+f.doors["S9/1"]+"&unit="+f.doors["S9/2"], nil); r.status != 200 || r.field(t, "changed") != 2.0 {
			t.Error(r)
		}

		// A phone in South is locked by whoever manages South.
		id := uuid.NewString()
		if _, err := f.Field.Enrol(t.Context(), f.south, id, "<b>phone</b>"); err != nil {
			t.Fatal(err)
		}
		if r := call(t, nora, "GET", f.url+"/api/v1/fieldwork/phones", nil); r.status != 200 || strings.Contains(r.body, id) {
			t.Error(r)
		}
		for _, do := range []string{"lock", "unlock"} {
			if r := posted(t, nora, f.url+"/fieldwork/phones/"+id+"/"+do, nil); r.status != 404 {
				t.Error(do, r)
			}
			if r := call(t, nora, "POST", f.url+"/api/v1/fieldwork/phones/"+id+"/"+do, nil); r.status != 404 {
				t.Error(do, r)
			}
		}
		if r := posted(t, office, f.url+"/fieldwork/phones/"+id+"/lock", nil); r.status != 303 || r.header.Get("Location") != "/fieldwork#phones" {
			t.Error(r)
		}
		if r := call(t, office, "GET", f.address("/fieldwork"), nil, "Accept", "text/html", "Accept-Language", "en"); !strings.Contains(r.body, `<span class="state revoked">locked</span>`) || strings.Contains(r.body, "<b>phone</b>") {
			t.Error(r.body)
		}
		if r := call(t, office, "POST", f.url+"/api/v1/fieldwork/phones/"+id+"/unlock", nil); r.status != 204 {
			t.Error(r)
		}
		if r := call(t, office, "GET", f.url+"/api/v1/fieldwork/phones", nil); !strings.Contains(r.body, `"locked_at":null`) {
			t.Error(r.body)
		}
	})
}

// TestFieldworkAPI reads rates and what waits for review, a page at a time.
func TestFieldworkAPI(t *testing.T) {
	bothDialects(t, func(t *testing.T, f *fieldSite) {
		nora := f.as(t, "nora", "community", apptest.North)
		who := survey.As("nora", "community", apptest.North)
		api := f.url + "/api/v1/waves/" + f.Wave.ID + "/fieldwork"
		none := call(t, nora, "GET", api+"?area="+apptest.North, nil)
		rates := none.field(t, "rates", "unweighted", "rates").([]any)
		if len(rates) != 9 || none.field(t, "rates", "unweighted", "e") != nil || rates[4].(map[string]any)["value"] != nil || rates[0].(map[string]any)["value"] != 0.0 {
			t.Error(none.body)
		}
		for range 3 {
			if _, err := f.Field.EnterPaper(t.Context(), who, f.Wave, fieldwork.Paper{ID: uuid.NewString(), Unit: f.doors["N9/5"], At: apptest.Start, Outcome: "2.24"}); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]bool{}
		cursor := ""
		for range 3 {
			r := call(t, nora, "GET", api+"/review?limit=1"+cursor, nil)
			list := r.field(t, "records").([]any)
			if r.status != 200 || len(list) != 1 || list[0].(map[string]any)["reason"] != "reserve_early" {
				t.Fatal(r)
			}
			seen[list[0].(map[string]any)["id"].(string)] = true
			next, more := r.field(t, "cursor").(string)
			if more != (len(seen) < 3) {
				t.Error(r)
			}
			cursor = "&cursor=" + next
		}
		if len(seen) != 3 {
			t.Error(seen)
		}
		if r := call(t, nora, "GET", api+"?e=0.5", nil); r.status != 200 || r.field(t, "rates", "weighted", "e_how") != "given" {
			t.Error(r)
		}
		for path, code := range map[string]int{"?e=1.5": 422, "?e=x": 422, "/review?cursor=x": 422, "/review?limit=0": 422, "/households": 422, "/households?psu=%00": 404} {
			if r := call(t, nora, "GET", api+path, nil); r.status != code {
				t.Error(path, r)
			}
		}
		for _, body := range []string{`{"account":"` + f.worker.Account + `"}`, `{"units":["x"],"account":"` + f.worker.Account + `"}`, `{"psu":"N9","account":"x"}`, `{}`, `[]`} {
			if r := call(t, nora, "POST", api+"/assignments", body); r.status != 404 && r.status != 422 {
				t.Error(body, r)
			}
		}
	})
}
