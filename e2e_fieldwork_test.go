package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/app"
	"chengyin/survey/fieldwork"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
	"chengyin/survey/wave"
)

// drawnBuilding is a building that field work has begun in.
type drawnBuilding struct {
	wave, area, psu, phone string
	units                  []string
}

// drawBuilding stores a building of twelve households with a reserve of three, gives
// it to a worker with a phone, and enters visits of every sort. Texts are what people
// could type.
func drawBuilding(t *testing.T, a *app.App, waveID, area, name string) drawnBuilding {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w, err := a.Waves.ByID(ctx, waveID)
	must(err)
	b := drawnBuilding{wave: waveID, area: area, psu: "psu-" + uuid.NewString()[:8], phone: uuid.NewString()}
	must(a.DB.InTx(ctx, func(tx *store.Tx) error {
		for i := range 15 {
			u := sample.Unit{ID: uuid.NewString(), WaveID: waveID, AreaCode: area, Stratum: area, PSU: b.psu, Household: fmt.Sprintf("%s-%d", b.psu, i+1), Weight: 25}
			if err := tx.Create(&u).Error; err != nil {
				return err
			}
			h := sample.Home{UnitID: u.ID, WaveID: waveID, PlanID: "plan", AreaCode: area, PSU: b.psu, Position: i + 1, Reserve: i >= 12, Probability: .04, Base: 25,
				Building: name, Unit: fmt.Sprintf("%d单元", 1+i%3), Room: fmt.Sprint(101 + 100*i), Picks: "121342516273"}
			if err := tx.Create(&h).Error; err != nil {
				return err
			}
			b.units = append(b.units, u.ID)
		}
		return nil
	}))
	office := survey.As("office", "office", "990102000000")
	must(a.Accounts.Create(ctx, survey.System, account.NewAccount{Login: "w" + b.psu, Name: name, Role: "worker", AreaCode: area, Password: testPassword}))
	worker := actorNamed(t, a, "w"+b.psu)
	_, err = a.Field.Assign(ctx, office, fieldwork.Assigning{Wave: waveID, Units: b.units[:10], Account: worker.Account})
	must(err)
	_, err = a.Field.Enrol(ctx, worker, b.phone, name)
	must(err)
	enterVisits(t, a, w, office, b, name)
	return b
}

// enterVisits enters visits from paper, one of which comes again with other content.
func enterVisits(t *testing.T, a *app.App, w wave.Wave, office survey.Actor, b drawnBuilding, note string) {
	t.Helper()
	at := time.Now().Add(-40 * time.Hour)
	for i, outcome := range []string{"2.11", "2.24", "2.24", "4.61", "2.25", "3.18", "2.33"} {
		p := fieldwork.Paper{ID: uuid.NewString(), Unit: b.units[i], At: at.Add(time.Duration(i) * time.Hour), Outcome: outcome, Note: note}
		for again := range 1 + i%2 {
			p.ID, p.At = uuid.NewString(), p.At.Add(time.Duration(again)*time.Minute)
			if _, err := a.Field.EnterPaper(context.Background(), office, w, p); err != nil {
				t.Fatal(err)
			}
		}
		if i == 0 { // the same form with another note, and a visit after the refusal
			p.Note = "x"
			if _, err := a.Field.EnterPaper(context.Background(), office, w, p); err != nil {
				t.Fatal(err)
			}
			p.ID, p.At = uuid.NewString(), p.At.Add(time.Hour)
			if _, err := a.Field.EnterPaper(context.Background(), office, w, p); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// pages are the addresses of what a manager opens of the building.
func (b drawnBuilding) pages() []string {
	q := func(path string, more ...string) string {
		v := url.Values{"wave": {b.wave}}
		for i := 0; i+1 < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return path + "?" + v.Encode()
	}
	return []string{
		q("/fieldwork"), q("/fieldwork", "area", b.area), q("/fieldwork", "area", b.area, "e", "0.5"), q("/fieldwork/building", "psu", b.psu), q("/fieldwork/review", "area", b.area),
		q("/fieldwork/paper", "unit", b.units[10]), q("/fieldwork/list", "psu", b.psu), q("/fieldwork/list", "area", b.area), q("/fieldwork/questionnaire", "unit", b.units[10]),
	}
}

// TestFieldworkPagesFit opens what a manager of field work opens on a phone and on a
// desk, in both languages, and goes the way of a paper form.
func TestFieldworkPagesFit(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	office := p.signIn("office")
	b := drawBuilding(t, p.open(), office.openWave().ID, "990102001001", "听荷里一区12号楼（东侧门进）")
	desk := signedIn(t, browser, office)
	for name, size := range sizes {
		desk.do(chromedp.EmulateViewport(size[0], size[1]))
		for _, lang := range []string{"zh", "en"} {
			for _, path := range b.pages() {
				desk.within(t, path+" in "+lang+" on a "+name, func(desk *tab) {
					desk.open(p.url() + path + "&lang=" + lang)
					if !eval[bool](desk, `performance.getEntriesByType('navigation')[0].responseStatus == 200`) {
						desk.t.Fatal("the page did not open: ", desk.text("body"))
					}
					eval[bool](desk, `(() => {document.querySelectorAll('main details').forEach(d => d.open = true); return true})()`)
					desk.fits(size[0])
				})
			}
		}
	}
	t.Run("a form that was filled in wrongly names what is wrong, and then is stored once", func(t *testing.T) {
		desk := &tab{t, desk.ctx}
		desk.open(p.url() + b.pages()[5] + "&lang=en")
		fill := func(script string) { eval[bool](desk, `(() => {`+script+`; return true})()`) }
		fill(`document.querySelector('[name="visit.at"]').value = '2020-01-01T10:00'; document.querySelector('[name="visit.outcome"]').value = '1.1'`)
		desk.tap(`form.entry button[type=submit]`)
		desk.until(`document.querySelectorAll('[role=alert] a').length > 5`)
		desk.fits(1440)
		fill(`document.querySelector('[name="visit.outcome"]').value = '2.32'`)
		desk.tap(`form.entry button[type=submit]`)
		desk.until(`location.pathname == '/fieldwork/building' && document.querySelector('[role=status]')`)
		desk.fits(1440)
	})
	t.Run("a phone is locked after a second question", func(t *testing.T) {
		desk := &tab{t, desk.ctx}
		desk.open(p.url() + b.pages()[1] + "&lang=zh")
		desk.tap(`#phones tr:has(form[action*="` + b.phone + `"]) summary`)
		desk.tap(`#phones form[action*="` + b.phone + `"] button`)
		desk.until(`document.querySelector('#phones form[action="/fieldwork/phones/` + b.phone + `/unlock"]')`)
	})
}

// TestFieldworkOnPaper prints the list and the questionnaire: A4, the list on its
// side, and nothing of the screen's tools.
func TestFieldworkOnPaper(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	office := p.signIn("office")
	b := drawBuilding(t, p.open(), office.openWave().ID, "990102001001", "12号楼")
	desk := signedIn(t, browser, office)
	box := regexp.MustCompile(`/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]`)
	for _, c := range []struct {
		path      string
		landscape bool
		most      int // pages
	}{{b.pages()[6], true, 3}, {b.pages()[8], false, 4}} {
		for _, lang := range []string{"zh", "en"} {
			t.Run(c.path+" in "+lang, func(t *testing.T) {
				desk := &tab{t, desk.ctx}
				desk.open(p.url() + c.path + "&lang=" + lang)
				var pdf []byte
				call(desk, "print", func(ctx context.Context) (err error) {
					reply, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: new(true), PrintBackground: new(true)})
					pdf = reply.Data
					return err
				})
				pages := box.FindAllSubmatch(pdf, -1)
				if len(pages) == 0 || len(pages) > c.most {
					t.Fatalf("%d pages", len(pages))
				}
				for _, m := range pages {
					wide := bytes.HasPrefix(m[1], []byte("841")) && bytes.HasPrefix(m[2], []byte("59"))
					high := bytes.HasPrefix(m[1], []byte("59")) && bytes.HasPrefix(m[2], []byte("84"))
					if c.landscape && !wide || !c.landscape && !high {
						t.Errorf("a page of %s × %s", m[1], m[2])
					}
				}
			})
		}
	}
}
