package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"chengyin/survey/apptest"
	"chengyin/survey/collector"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store/storetest"
	"chengyin/survey/wave"
)

// interviewed lets some households of the demo city answer at the door and returns
// the receipts of theirs.
func interviewed(t *testing.T, p *program, w string, n int) (receipts []string, community string) {
	t.Helper()
	a, ctx := p.open(), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var visits []collector.Collector
	must(a.DB.Read(ctx).Where("wave_id = ? AND channel = ? AND area_code LIKE '990102%'", w, collector.Visit).Order("area_code").Find(&visits).Error)
	var of wave.Wave
	of, err := a.Waves.ByID(ctx, w)
	must(err)
	q, err := a.Questionnaires.ByID(ctx, of.QuestionnaireID)
	must(err)
	answers := apptest.AnswersTo(q, nil)
	for _, v := range visits {
		var homes []sample.Unit
		must(a.DB.Read(ctx).Where("wave_id = ? AND area_code = ? AND id NOT IN (SELECT sample_unit_id FROM responses WHERE sample_unit_id IS NOT NULL)", w, v.AreaCode).Limit(n).Find(&homes).Error)
		if len(homes) < n {
			continue
		}
		for _, h := range homes {
			sheet, err := a.Responses.Open(ctx, v.Code)
			must(err)
			r, _, err := a.Responses.Submit(ctx, response.Submission{Code: v.Code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Lang: "zh", Via: response.ViaAPI, Answers: answers, Household: h.Household})
			must(err)
			receipts = append(receipts, r.Code)
		}
		return receipts, v.AreaCode
	}
	t.Fatalf("no community of %d has %d households left", len(visits), n)
	return nil, ""
}

// TestReportsFromAPhoneToTheOffice: residents without JavaScript say how the visit
// was; the office reads it and says what came of it. Every page fits and is
// accessible.
func TestReportsFromAPhoneToTheOffice(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	office := p.signIn("office")
	w := office.openWave().ID
	receipts, community := interviewed(t, p, w, 5)

	resident := phone(t, browser, false)
	for i, look := range []string{"lang=zh", "lang=en", "lang=zh&large=1", "lang=en&large=1"} {
		at := "/r/" + receipts[i]
		resident.within(t, "a resident with "+look, func(resident *tab) {
			looks := func(path string) {
				resident.open(p.url() + path + "?" + look)
				if wide := eval[float64](resident, `document.documentElement.scrollWidth`); wide > 360 {
					resident.t.Errorf("%s is %v pixels wide", path, wide)
				}
				watch := phone(resident.t, browser, true) // axe-core needs scripts
				watch.open(p.url() + path + "?" + look)
				watch.fits(360)
			}
			looks("/r/AAAA-BBBB-CCCC")
			looks("/r/AAAA-BBBB-CCCC/report")
			looks(at)
			resident.tap(`a[href*="/report?"]`)
			resident.until(`document.querySelector('[name=kind]')`)
			looks(at + "/report")
			resident.tap(fmt.Sprintf(`label:nth-of-type(%d) span`, i+2))
			resident.until(fmt.Sprintf(`document.querySelectorAll('[name=kind]')[%d].checked`, i+1))
			resident.tap("button.go")
			resident.until(`location.pathname.indexOf('/reported') > 0 && document.querySelector('.lead')`)
			looks(at + "/reported")
		})
	}

	desk := signedIn(t, browser, office)
	list := "/reports?wave=" + w + "&area=" + community
	for name, size := range sizes {
		desk.do(chromedp.EmulateViewport(size[0], size[1]))
		for _, lang := range []string{"zh", "en"} {
			desk.within(t, fmt.Sprintf("the office in %s on a %s", lang, name), func(desk *tab) {
				desk.open(p.url() + list + "&lang=" + lang)
				desk.until(`document.querySelectorAll('tr[id^="r-"]').length == 4`)
				desk.fits(size[0])
			})
		}
	}
	desk.within(t, "the office says what came of a report", func(desk *tab) {
		desk.open(p.url() + list + "&state=new&lang=zh")
		eval[bool](desk, `(() => {document.querySelector('[name=word]').value = '已回访核实'; return true})()`)
		desk.tap(`button[value=handled]`)
		desk.until(`document.querySelector('.done') && document.querySelectorAll('tr[id^="r-"]').length == 3`)
		desk.open(p.url() + list + "&state=handled&lang=zh")
		desk.until(`document.querySelector('tr[id^="r-"]')?.textContent.includes('已回访核实')`)
	})
}
