package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"chengyin/survey/store/storetest"
)

// consolePages are what each demo sign-in opens. Other tests open the board, the
// codes and the places.
var consolePages = map[string][]string{
	"office":   {"/account", "/tokens", "/responses", "/privacy-centre", "/frames", "/plans", "/plans/new"},
	"sysadmin": {"/people", "/people?add=1", "/people/import", "/people/who?area=990102001001", "/grants", "/sessions"},
	"secadmin": {"/security", "/sessions", "/roles", "/grants"},
	"auditor":  {"/audit"},
}

// sizes are the screens on which pages are looked at.
var sizes = map[string][2]int64{"phone": {360, 740}, "desk": {1440, 900}}

// fits fails when the page that is open is wider than the screen, or when axe-core
// finds something.
func (p *tab) fits(width int64) {
	p.t.Helper()
	if w := eval[float64](p, `document.documentElement.scrollWidth`); w > float64(width) {
		p.t.Errorf("%v pixels wide, and the screen %v", w, width)
	}
	p.accessible()
}

// within runs a part of the test in the tab.
func (p *tab) within(t *testing.T, name string, part func(p *tab)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { part(&tab{t, p.ctx}) })
}

// TestConsolePagesFit opens the pages of the console on a phone and on a desk, in
// both languages: none is wider than the screen, and all are accessible.
func TestConsolePagesFit(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	for login, paths := range consolePages {
		desk := signedIn(t, browser, p.signIn(login))
		if login == "sysadmin" { // a person's own page, too
			desk.open(p.url() + "/people")
			person := eval[string](desk, `[...document.querySelectorAll('main a')].map(a => a.getAttribute('href')).find(h => /^\/people\/[0-9a-f-]{36}$/.test(h)) || ''`)
			if person == "" {
				t.Fatal("no person is listed")
			}
			paths = append(paths, person)
		}
		for name, size := range sizes {
			desk.do(chromedp.EmulateViewport(size[0], size[1]))
			for _, lang := range []string{"zh", "en"} {
				for _, path := range paths {
					desk.within(t, fmt.Sprintf("%s %s in %s on a %s", login, path, lang, name), func(desk *tab) {
						mark := "?"
						if strings.Contains(path, "?") {
							mark = "&"
						}
						desk.open(p.url() + path + mark + "lang=" + lang)
						at, _, _ := strings.Cut(path, "?")
						if !eval[bool](desk, fmt.Sprintf(`location.pathname == %q && performance.getEntriesByType('navigation')[0].responseStatus == 200`, at)) {
							desk.t.Fatal("the page did not open: ", desk.text("body"))
						}
						desk.fits(size[0])
					})
				}
			}
			if login != "office" {
				continue
			}
			desk.within(t, "a token, which is shown once, on a "+name, func(desk *tab) {
				desk.open(p.url() + "/tokens?lang=zh")
				eval[bool](desk, `(() => {document.querySelector('[name=name]').value = '市数据平台'; document.querySelector('[name=permission]').checked = true; return true})()`)
				desk.tap(`form[action="/tokens"] button`)
				desk.until(`/^cyt_[\w-]{43}$/.test(document.querySelector('.secret')?.textContent) && document.querySelector('tbody tr')`)
				desk.fits(size[0])
			})
		}
	}
}

// TestSecondFactorInABrowser goes the way of somebody who sets up a second factor
// and signs in with it: the secret is read from the page, and each page fits.
func TestSecondFactorInABrowser(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	for lang, login := range map[string]string{"zh": "office", "en": "viewer"} {
		desk := signedIn(t, browser, p.signIn(login))
		visitor := newTab(t, browser)
		all := func(b *tab, what string) {
			t.Helper()
			for name, size := range sizes {
				b.do(chromedp.EmulateViewport(size[0], size[1]))
				b.within(t, fmt.Sprintf("%s in %s on a %s", what, lang, name), func(b *tab) { b.fits(size[0]) })
			}
		}
		desk.open(p.url() + "/account?lang=" + lang)
		secret := strings.ReplaceAll(desk.text(".enrol code"), " ", "")
		code, err := totp.GenerateCode(secret, time.Now())
		if err != nil {
			t.Fatalf("secret %q: %v", secret, err)
		}
		eval[bool](desk, fmt.Sprintf(`(() => {document.querySelector('form[action="/account/totp"] [name=code]').value = %q; return true})()`, code))
		desk.tap(`form[action="/account/totp"] button`)
		desk.until(`document.querySelectorAll('.recovery li').length == 10`)
		all(desk, "recovery codes")
		recovery := desk.text(".recovery li code")

		visitor.open(p.url() + "/signin?lang=" + lang)
		eval[bool](visitor, fmt.Sprintf(`(() => {document.querySelector('[name=login]').value = %q; document.querySelector('[name=password]').value = %q; return true})()`, login, testPassword))
		visitor.tap(`form[action="/signin"] button`)
		visitor.until(`document.querySelector('form[action="/signin/code"]')`)
		if said := visitor.text("html"); !strings.Contains(said, map[string]string{"zh": "第二步", "en": "Second step"}[lang]) {
			t.Error(said)
		}
		all(visitor, "the step of the code")
		enter := func(code string) {
			t.Helper()
			eval[bool](visitor, fmt.Sprintf(`(() => {document.querySelector('[name=code]').value = %q; return true})()`, code))
			visitor.tap(`form[action="/signin/code"] button`)
		}
		enter(code) // used up by setting it up
		visitor.until(`document.querySelector('[role=alert]')`)
		all(visitor, "a wrong code")
		enter(recovery)
		visitor.until(`location.pathname == '/board'`)
	}
}
