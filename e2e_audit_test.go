package main

import (
	"testing"

	"github.com/chromedp/chromedp"

	"chengyin/survey/store/storetest"
)

// TestAuditPagesFit opens the auditor's pages on a phone and on a desk, in both
// languages: none is wider than the screen, and all are accessible.
func TestAuditPagesFit(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	desk := signedIn(t, browser, p.signIn("auditor"))
	for name, size := range map[string][2]int64{"phone": {360, 740}, "desk": {1440, 900}} {
		desk.do(chromedp.EmulateViewport(size[0], size[1]))
		for _, lang := range []string{"zh", "en"} {
			fits := func(page string) {
				t.Helper()
				if w := eval[float64](desk, `document.documentElement.scrollWidth`); w > float64(size[0]) {
					t.Errorf("%s in %s on a %s is %v pixels wide", page, lang, name, w)
				}
				desk.accessible()
			}
			desk.open(p.url() + "/audit?lang=" + lang)
			fits("the list")
			desk.tap(`form[action^="/audit/verify"] button`)
			desk.until(`document.querySelector('.done')`)
			fits("what verifying found")
			desk.open(p.url() + "/audit?kind=collector.created&lang=" + lang)
			desk.tap(`tbody th a`)
			desk.until(`document.querySelector('.facts-table')`)
			fits("an event")
		}
	}
}
