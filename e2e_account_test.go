package main

import (
	"testing"

	"github.com/chromedp/chromedp"

	"chengyin/survey/store/storetest"
)

// TestAccountPagesFit opens the pages of signing in on a phone and on a desk, in
// both languages: none is wider than the screen, and all are accessible.
func TestAccountPagesFit(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	for login, paths := range map[string][]string{"office": {"/account", "/tokens"}, "secadmin": {"/security", "/sessions"}} {
		desk := signedIn(t, browser, p.signIn(login))
		for name, size := range map[string][2]int64{"phone": {360, 740}, "desk": {1440, 900}} {
			desk.do(chromedp.EmulateViewport(size[0], size[1]))
			for _, lang := range []string{"zh", "en"} {
				for _, path := range paths {
					desk.open(p.url() + path + "?lang=" + lang)
					if w := eval[float64](desk, `document.documentElement.scrollWidth`); w > float64(size[0]) {
						t.Errorf("%s in %s on a %s is %v pixels wide", path, lang, name, w)
					}
					desk.accessible()
				}
			}
			if login != "office" {
				continue
			}
			// A token is shown once, with its row below the form.
			desk.open(p.url() + "/tokens?lang=zh")
			eval[bool](desk, `(() => {document.querySelector('[name=name]').value = '市数据平台'; document.querySelector('[name=permission]').checked = true; return true})()`)
			desk.tap(`form[action="/tokens"] button`)
			desk.until(`/^cyt_[\w-]{43}$/.test(document.querySelector('.secret')?.textContent) && document.querySelector('tbody tr')`)
			if w := eval[float64](desk, `document.documentElement.scrollWidth`); w > float64(size[0]) {
				t.Errorf("the new token on a %s is %v pixels wide", name, w)
			}
			desk.accessible()
		}
	}
}
