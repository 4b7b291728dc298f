package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"chengyin/survey/store/storetest"
)

// TestPagesFitAPhone opens every page on a phone of 360 pixels, in both languages
// and in large type: none is wider than the phone, and no question runs under the
// button that reads it aloud.
func TestPagesFitAPhone(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	office := p.signIn("office")
	wave := office.openWave().ID
	codes := map[string]string{} // by channel
	var list struct {
		Collectors []struct{ Code, Channel string }
	}
	office.get("/api/v1/collectors?limit=1000&wave="+wave, &list)
	for _, c := range list.Collectors {
		codes[c.Channel] = c.Code
	}
	s, err := ticket(office.http, p.url(), codes["poster"])
	if err != nil {
		t.Fatal(err)
	}
	_, receipt := s.send(office.http, p.url())
	if receipt == "" || codes["visit"] == "" {
		t.Fatalf("receipt %q, codes %v", receipt, codes)
	}

	wide := func(t *testing.T, b *tab) {
		t.Helper()
		if w := eval[float64](b, `document.documentElement.scrollWidth`); w > 360 {
			t.Errorf("%v pixels wide", w)
		}
	}
	visitor := phone(t, browser, true)
	for _, look := range []string{"lang=zh", "lang=en", "lang=zh&large=1", "lang=en&large=1"} {
		for _, path := range []string{"/q/" + codes["poster"], "/q/" + codes["visit"], "/q/ZZZZZZZZZ", "/r/" + receipt, "/r/AAAA-BBBB-CCCC"} {
			t.Run(path+"?"+look, func(t *testing.T) {
				visitor.open(p.url() + path + "?" + look)
				wide(t, visitor)
				if !eval[bool](visitor, `!!document.querySelector('#send')`) {
					return
				}
				visitor.until(`document.querySelector('.listen')`)
				under := eval[string](visitor, `[...document.querySelectorAll('.q')].filter(q => {
					const b = q.querySelector('.listen'), text = document.createRange()
					if (!b || !q.offsetHeight) return false
					text.selectNodeContents(q.firstElementChild)
					const r = b.getBoundingClientRect()
					return [...text.getClientRects()].some(t => t.right > r.left + 1 && t.left < r.right && t.bottom > r.top && t.top < r.bottom)
				}).map(q => q.id).join(' ')`)
				if under != "" {
					t.Errorf("text runs under the button of %s", under)
				}
				visitor.tap("#send")
				visitor.until(`!document.querySelector('#problems').hidden`)
				wide(t, visitor)
			})
		}
	}

	desk := signedIn(t, browser, office)
	desk.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	const bad = `区划代码,年龄段,性别,人数,数据来源\n990102001001,20-29岁,女,-4,\n990102001001,18-29岁,男,412,\n`
	for _, lang := range []string{"zh", "en"} {
		pages := map[string]string{"/areas": "", "/areas?parent=990102002000": "", "/collectors?area=990102005000&wave=" + wave: "",
			"/areas?import": `const d = new DataTransfer()
				d.items.add(new File(['` + bad + `'], 'population.csv', {type: 'text/csv'}))
				const f = document.querySelector('input[type=file]')
				f.files = d.files
				document.querySelector('[name=kind][value=people]').checked = true
				f.form.submit()`}
		for _, area := range []string{"990100000000", "990102000000", "990102002000", "990102002001"} {
			pages[fmt.Sprintf("/board?wave=%s&area=%s", wave, area)] = ""
		}
		for path, act := range pages {
			t.Run(path+" "+lang, func(t *testing.T) {
				mark := "?"
				if strings.Contains(path, "?") {
					mark = "&"
				}
				desk.open(p.url() + path + mark + "lang=" + lang)
				if act != "" {
					eval[bool](desk, `(() => {`+act+`; return true})()`)
					desk.until(`document.querySelector('#plan .problem')`)
				}
				wide(t, desk)
			})
		}
	}
}
