package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestBoardMovesUnderTheReadersEyes: new figures come into the page without
// taking away what the reader is at.
func TestBoardMovesUnderTheReadersEyes(t *testing.T) {
	s := newStreet(t)
	above := s.poster.Area[:6] + "000000"
	b := signedIn(t, s.browser, s.office)
	b.open(s.p.url() + "/board?wave=" + s.wave + "&area=" + above)
	n := fmt.Sprintf(`document.querySelector("[data-field=n][data-area='%s'][data-indicator=awareness]").textContent`, above)
	before := eval[string](b, n)
	eval[bool](b, `(() => {
		window.sameDocument = true
		window.failed = 0
		addEventListener('error', () => failed++)
		document.querySelector('#method').open = true
		document.querySelector('tbody tr:nth-child(2) th a').focus()
		scrollTo(0, 300)
		return true
	})()`)
	reader := `JSON.stringify([window.sameDocument, failed, document.querySelector('#method').open, document.activeElement.textContent, scrollY])`
	was := eval[string](b, reader)

	r := phone(t, s.browser, true)
	r.open(s.link)
	s.answer(r, "know")
	r.tap("#send")
	s.receipt(r)
	b.until(n + " != '" + before + "'")
	if is := eval[string](b, reader); is != was {
		t.Errorf("the reader was at %s and is at %s", was, is)
	}
	if run := eval[bool](b, `!!document.querySelector('main[data-run]') && !document.querySelector('main.stale')`); !run {
		t.Error("the page says that it is out of date")
	}

	t.Run("a page without a script reloads itself", func(t *testing.T) {
		p := signedIn(t, s.browser, s.office)
		p.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
		call(p, emulation.SetScriptExecutionDisabled.Method, func(ctx context.Context) error {
			_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			return err
		})
		p.open(s.p.url() + "/board?wave=" + s.wave + "&area=" + above)
		if got := eval[string](p, `document.querySelector('meta[http-equiv=refresh]').content`); got != "10" {
			t.Errorf("after %q seconds", got)
		}
		if wide := eval[float64](p, `document.documentElement.scrollWidth`); wide > 360 {
			t.Errorf("the board is %v pixels wide on a phone of 360", wide)
		}
	})
}
