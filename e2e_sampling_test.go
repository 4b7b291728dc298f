package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"chengyin/survey/store/storetest"
)

// TestSamplingPages imports a list, plans and draws in a browser, and looks at each
// page on a phone and on a desk: none is wider than the screen, all are accessible.
// The list is of a community in which the demo city has drawn nobody.
func TestSamplingPages(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	var list strings.Builder
	list.WriteString("社区代码,楼栋,单元,房号,住户编号,成年人数\n")
	for i := range 300 {
		fmt.Fprintf(&list, "990102001004,%d栋,%d单元,%d,S-%d,2\n", 1+i/30, 1+i%3, 101+i, i)
	}
	file := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(file, []byte(list.String()+"123,1栋,,1,x,90\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	desk := signedIn(t, browser, p.signIn("office"))
	look := func(name string) {
		t.Helper()
		at := eval[string](desk, `location.pathname + location.search`)
		for size, wh := range sizes {
			desk.do(chromedp.EmulateViewport(wh[0], wh[1]))
			desk.open(p.url() + at)
			desk.within(t, name+" on a "+size, func(p *tab) { p.fits(wh[0]) })
		}
		desk.do(chromedp.EmulateViewport(1440, 900))
	}
	// press sends a form and waits for the page that comes after it.
	press := func(selector, until string) {
		t.Helper()
		desk.do(chromedp.Click(selector))
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if eval[bool](desk, fmt.Sprintf(`!!document.querySelector(%q)`, until)) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("after %s there is no %s: %s", selector, until, eval[string](desk, `document.querySelector('main').innerText`))
			}
		}
	}
	desk.open(p.url() + "/frames")
	desk.do(chromedp.SetUploadFiles(`input[type=file]`, []string{file}))
	press(`form[enctype] button`, `#plan .problem`)
	look("the dry run")
	press(`#plan form button`, `.done`)
	look("the stored list")
	desk.open(p.url() + "/frames")
	press(`main table a`, `.pairs-list`)
	look("the list")
	desk.open(p.url() + "/plans/new")
	press(`.planning button`, `#sizes table`)
	look("the preview")
	press(`#sizes form button`, `#draw input[name=seed]`)
	look("the plan")
	press(`#draw form button`, `#homes table, .problem[role=alert]`)
	if !eval[bool](desk, `!!document.querySelector('#homes')`) { // the demo city has drawn there
		t.Fatal(eval[string](desk, `document.querySelector('main').innerText`))
	}
	look("the drawn households")
	press(`#draw form button`, `.done[role=status]`)
	if said := eval[string](desk, `document.querySelector('.done').innerText`); !strings.Contains(said, eval[string](desk, `document.querySelector('#draw dd:last-of-type code').innerText`)) {
		t.Errorf("the replay says %q", said)
	}
}
