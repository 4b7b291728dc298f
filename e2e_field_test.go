package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store/storetest"
	"chengyin/survey/wave"
)

// stairwell is a worker of the demo city with a phone, the households that were
// given to them, and the line to the server, which can be cut.
type stairwell struct {
	t       *testing.T
	p       *program
	w       *apptest.World
	line    *lossyLine
	worker  survey.Actor
	profile string // of the phone's browser, on its disk
	browser context.Context
	stop    func()
	scripts string // run before those of every page
	tab     *tab
	drawn   []string // the households

	made map[string]string // outcomes of visits that the phone said were stored, by household; several are joined
	n    int               // how many
}

const workerArea = "990102001001"

func newStairwell(t *testing.T) *stairwell {
	t.Helper()
	s := &stairwell{t: t, profile: t.TempDir(), made: map[string]string{}}
	s.p = newProgram(t, storetest.DSN(t, "sqlite"))
	s.w = &apptest.World{App: s.p.open(), Wave: wave.Wave{ID: s.p.signIn("office").openWave().ID}}
	s.worker = s.person("worker")
	s.line = newLossyLine(t, s.p.addr)
	return s
}

func (s *stairwell) person(login string) survey.Actor {
	s.t.Helper()
	_, who, err := s.w.Accounts.SignIn(s.t.Context(), login, testPassword)
	if err != nil {
		s.t.Fatal(err)
	}
	return who
}

// draw draws and gives households to the worker.
func (s *stairwell) draw(take, reserve int, rules fieldwork.Rules) apptest.Drawn {
	s.t.Helper()
	d := s.w.Draw(s.t, workerArea, take, reserve, rules)
	s.w.Give(s.t, d, s.worker)
	for _, h := range d.Homes {
		s.drawn = append(s.drawn, h.UnitID)
	}
	return d
}

// turnOn starts the phone's browser on its profile and opens a tab.
func (s *stairwell) turnOn() {
	s.t.Helper()
	s.browser, s.stop = newBrowserIn(s.t, s.profile)
	s.tab = s.newTab()
}

// newTab opens another tab of the same browser, with what it has stored.
func (s *stairwell) newTab() *tab {
	s.t.Helper()
	ctx, cancel := chromedp.NewContext(s.browser)
	s.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		s.t.Fatalf("open a tab: %v", err)
	}
	p := &tab{s.t, ctx}
	p.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch))
	if s.scripts != "" {
		call(p, "add script", func(ctx context.Context) error {
			_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: s.scripts})
			return err
		})
	}
	return p
}

func (s *stairwell) url() string { return "http://" + s.line.addr() + "/field" }

// signIn signs the worker in through the pages, as on the first day.
func (s *stairwell) signIn(login, password string) {
	s.t.Helper()
	p := s.tab
	p.open(s.url() + "?lang=zh")
	p.until(`document.querySelector('#sign-in')`)
	p.tap("#sign-in")
	p.until(`document.querySelector('input[name=password]') || document.querySelector('#sync')`)
	if eval[bool](p, `!!document.querySelector('input[name=password]')`) {
		eval[bool](p, fmt.Sprintf(`(() => {
			document.querySelector('input[name=login]').value = %q
			document.querySelector('input[name=password]').value = %q
			document.querySelector('form.panel').requestSubmit()
			return true
		})()`, login, password))
	}
	p.until(`document.querySelector('[data-home]')`)
	evalLater[bool](p, `navigator.serviceWorker.ready.then(r => !!r.active)`)
}

// offline cuts the phone off by the browser's own switch.
func (s *stairwell) offline(p *tab, off bool) {
	s.t.Helper()
	call(p, "offline", func(ctx context.Context) error {
		if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{EmulateOfflineServiceWorker: &off,
			MatchedNetworkConditions: []*network.Conditions{{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}}})
		if err == nil {
			_, err = chromedp.Call(ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1})
		}
		return err
	})
}

func (s *stairwell) ready() {
	s.t.Helper()
	s.tab.until(`document.querySelector('#app[data-ready]')`)
}

// at opens a household.
func (s *stairwell) at(home string) {
	s.t.Helper()
	s.tab.until(fmt.Sprintf(`(location.hash = '#/home/%s', true)`, home))
	s.tab.until(fmt.Sprintf(`document.querySelector('main[data-door="%s"]')`, home))
	s.tab.until(`document.querySelector('[data-outcome], #undo, #close') || document.querySelector('main .card .lead')`)
}

// press presses what must be there within patience.
func (s *stairwell) press(css string) {
	s.t.Helper()
	s.tab.until(fmt.Sprintf(`(e => e && !e.disabled && !e.getAttribute('aria-disabled') && (e.click(), true))(document.querySelector(%q))`, css))
}

// noted waits until the household's page shows the outcome of a visit.
func (s *stairwell) noted(home, outcome string) {
	s.t.Helper()
	s.made[home] = strings.TrimSpace(s.made[home] + " " + outcome)
	s.n++
	want := len(strings.Fields(s.made[home]))
	s.tab.until(fmt.Sprintf(`document.querySelector('main[data-door="%s"]') && document.querySelectorAll('.history li').length == %d`, home, want))
}

// visit notes a visit without an interview.
func (s *stairwell) visit(home, outcome string) {
	s.t.Helper()
	s.at(home)
	s.press(fmt.Sprintf(`[data-outcome="%s"]`, outcome))
	s.press("#note-save")
	s.noted(home, outcome)
}

// begin goes as far as the questions.
func (s *stairwell) begin(home, mode string, adults int) {
	s.t.Helper()
	s.at(home)
	s.press("#start")
	s.press("#agreed")
	s.press(fmt.Sprintf(`[data-adults="%d"]`, adults))
	s.tab.until(`document.querySelector('#is-home, [data-next]')`)
	if eval[bool](s.tab, `!!document.querySelector('[data-next="2"]')`) {
		s.press(`[data-next="2"]`)
	}
	s.press("#is-home")
	s.press(fmt.Sprintf(`input[name=mode][value=%s]`, mode))
	if mode == "assisted" {
		s.press(`input[name=helper][value=family]`)
	}
	s.press("#begin")
	s.tab.until(`document.querySelector('#send')`)
}

// fill answers questions as far as share of them.
func (s *stairwell) fill(share float64) {
	s.t.Helper()
	eval[bool](s.tab, fmt.Sprintf(`(() => {
		const first = {residence: 'half_year', age: 'a40'}
		for (let round = 0; round < 3; round++) {
			const all = [...document.querySelectorAll('.q')].filter(q => !q.hidden)
			all.forEach((q, i) => {
				if (i >= all.length * %f || q.querySelector(':checked')) return
				const id = q.id.slice(2), o = q.querySelector(first[id] ? 'input[value=' + first[id] + ']' : 'input')
				if (o && o.type != 'text') o.click()
			})
		}
		return true
	})()`, share))
}

// interview carries one out. It returns the receipt's number.
func (s *stairwell) interview(home, mode string, adults int) string {
	s.t.Helper()
	s.begin(home, mode, adults)
	s.fill(1)
	return s.finish(home)
}

func (s *stairwell) finish(home string) string {
	s.t.Helper()
	s.press("#send")
	s.tab.until(`document.querySelector('#receipt')`)
	code := s.tab.text("#receipt")
	s.press("#close")
	s.noted(home, "1.1")
	return code
}

// breakOff ends an interview half-way, with a share of the questions answered.
func (s *stairwell) breakOff(home, mode string, share float64, outcome string) {
	s.t.Helper()
	s.begin(home, mode, 2)
	s.fill(share)
	s.press("#stop")
	s.press("#stop-yes")
	if mode == "self" || outcome == "1.2" {
		s.press("#close")
	}
	s.noted(home, outcome)
}

// refuse notes a refusal, which stands when the worker goes on.
func (s *stairwell) refuse(home string, afterConsent bool) {
	s.t.Helper()
	s.at(home)
	if afterConsent {
		s.press("#start")
		s.tab.until(`document.querySelector('#agreed')`)
	}
	s.press("#refuse")
	s.tab.until(`document.querySelector('#undo')`)
	s.tab.until(`(location.hash = '#/', document.querySelector('#results'))`)
	s.tab.until(fmt.Sprintf(`(location.hash = '#/home/%s', true)`, home))
	s.noted(home, "2.11")
}

// waiting returns how many records the phone holds, read past the page.
func (s *stairwell) waiting(p *tab) int {
	s.t.Helper()
	return int(evalLater[float64](p, `new Promise((done, fail) => {
		const r = indexedDB.open('chengyin-field')
		r.onerror = () => fail(r.error)
		r.onsuccess = () => { const c = r.result.transaction('outbox').objectStore('outbox').count(); c.onsuccess = () => { r.result.close(); done(c.result) } }
	})`))
}

// day is thirty visits with every outcome, all ways of interviewing, call-backs and
// reserves. It calls between after each with how many were made.
func (s *stairwell) day(first, second apptest.Drawn, between func(n int)) {
	s.t.Helper()
	step := func() {
		if between != nil {
			between(s.n)
		}
	}
	next := 0
	home := func() string {
		next++
		return first.Homes[next-1].UnitID
	}
	for _, o := range fieldwork.Outcomes {
		switch o.Code {
		case "1.1":
			for i, mode := range []string{"asked", "self", "assisted"} {
				s.interview(home(), mode, 1+i)
				step()
			}
		case "1.2":
			s.breakOff(home(), "asked", 0.8, "1.2")
		case "2.11":
			s.refuse(home(), false)
			s.refuse(home(), true)
		case "2.12":
			s.breakOff(home(), "asked", 0.2, "2.12")
			s.breakOff(home(), "self", 0.9, "2.12")
		default:
			s.visit(home(), o.Code)
		}
		step()
	}
	for i, mode := range []string{"asked", "self", "assisted", "asked", "self"} {
		s.interview(second.Homes[i].UnitID, mode, 2+i)
		step()
	}
	// Somebody is there at the second visit; nobody at the second and third.
	byOutcome := map[string]string{}
	for home, o := range s.made {
		byOutcome[o] = home
	}
	s.interview(byOutcome["2.25"], "asked", 4)
	step()
	s.visit(byOutcome["2.24"], "2.24")
	step()
	s.visit(byOutcome["2.24"], "2.24")
	step()
	// Reserves, in their order.
	for _, h := range first.Homes {
		if h.Reserve && s.n < 30 {
			s.interview(h.UnitID, "asked", 2)
			step()
		}
	}
	if s.n != 30 {
		s.t.Fatalf("made %d visits", s.n)
	}
}

// sent presses the button until the page says that nothing waits, and looks.
func (s *stairwell) sent(p *tab) {
	s.t.Helper()
	p.until(`document.querySelector('#sync-now')`)
	for deadline := time.Now().Add(patience); !strings.HasPrefix(p.text("#sync-state"), "记录都已传到服务器"); time.Sleep(300 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the phone says %s", p.text("#sync-state"))
		}
		s.tab.until(`(e => !e || (e.click(), true))(document.querySelector('#sync-now'))`)
	}
	if got := s.waiting(p); got != 0 {
		s.t.Errorf("%d records are left on the phone", got)
	}
}

// settled compares the database with what the phone was told it had stored.
func (s *stairwell) settled() {
	s.t.Helper()
	var records []fieldwork.Record
	if err := s.w.DB.Read(s.t.Context()).Where("unit_id IN ?", s.drawn).Order("made_at").Find(&records).Error; err != nil {
		s.t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range records {
		if r.Status != fieldwork.Accepted {
			s.t.Errorf("%s of %s is %s: %s", r.Outcome, r.UnitID, r.Status, r.Reason)
		}
		if off := r.OffsetMS; s.scripts == "" && math.Abs(float64(off)) > 60_000 {
			s.t.Errorf("the clock is off by %d ms", off)
		}
		if age := r.ReceivedAt.Sub(r.MadeAt); age < -5*time.Second || age > 10*time.Minute {
			s.t.Errorf("%s was made %v before it arrived", r.Outcome, age)
		}
		got[r.UnitID] = strings.TrimSpace(got[r.UnitID] + " " + r.Outcome)
	}
	if len(records) != s.n {
		s.t.Errorf("the database has %d records of %d visits", len(records), s.n)
	}
	for home, want := range s.made {
		if got[home] != want {
			s.t.Errorf("%s: %q, visited %q", home, got[home], want)
		}
	}
	var rivals int64
	if err := s.w.DB.Read(s.t.Context()).Model(&fieldwork.Rival{}).Count(&rivals).Error; err != nil || rivals != 0 {
		s.t.Errorf("%d rivals, %v", rivals, err)
	}
	interviews := 0
	for _, r := range records {
		if r.Outcome != "1.1" {
			continue
		}
		interviews++
		var unit sample.Unit
		var home sample.Home
		var kept []response.Response
		db := s.w.DB.Read(s.t.Context())
		if err := db.Take(&unit, "id = ?", r.UnitID).Error; err != nil {
			s.t.Fatal(err)
		}
		if err := db.Take(&home, "unit_id = ?", r.UnitID).Error; err != nil {
			s.t.Fatal(err)
		}
		if err := db.Find(&kept, "id = ?", r.ID).Error; err != nil {
			s.t.Fatal(err)
		}
		if r.Adults == nil || unit.Weight != home.Base*float64(*r.Adults) {
			s.t.Errorf("a household of %v adults weighs %v", r.Adults, unit.Weight)
		}
		if len(kept) != 1 || kept[0].Status != response.Counted {
			s.t.Errorf("the answers of %s are %+v", r.ID, kept)
		}
	}
	s.t.Logf("%d records, %d interviews, each once", len(records), interviews)
}

// restore brings the server back.
func (s *stairwell) restore() {
	s.t.Helper()
	s.p.start("serve")
}

// TestWorkerWithoutSignal is a day from door to door: the server is off, the browser
// is switched off line, the phone is killed in the middle of an interview, and when
// it comes back every third answer of the server is lost on the way.
func TestWorkerWithoutSignal(t *testing.T) {
	s := newStairwell(t)
	first, second := s.draw(20, 6, fieldwork.UsualRules), s.draw(6, 0, fieldwork.UsualRules)
	s.turnOn()
	s.signIn("worker", testPassword)
	s.p.kill()
	s.offline(s.tab, true)
	s.tab.open(s.url())
	s.ready()
	cold := eval[float64](s.tab, `performance.getEntriesByName('field-ready')[0].startTime`)
	t.Logf("the second visit is ready after %.0f ms, off line", cold)
	eval[bool](s.tab, `(e => (e.value = '1号楼', e.oninput(), true))(document.querySelector('#search'))`)
	for i, h := range first.Homes {
		if shown := eval[bool](s.tab, fmt.Sprintf(`!!document.querySelector('[data-home="%s"]')`, h.UnitID)); shown == h.Reserve {
			t.Errorf("household %d, of the reserve: %t, is shown: %t", i+1, h.Reserve, shown)
		}
	}

	s.day(first, second, func(n int) {
		if n != 15 {
			return
		}
		// The phone dies in the middle of an interview.
		home := second.Homes[5].UnitID
		s.begin(home, "self", 6)
		s.fill(0.5)
		answered := eval[float64](s.tab, `document.querySelectorAll('.q :checked').length`)
		s.tab.until(`document.querySelector('#saved').textContent`)
		time.Sleep(200 * time.Millisecond) // the last of them is being written
		s.stop()
		s.turnOn()
		s.offline(s.tab, true)
		began := time.Now()
		s.tab.open(s.url())
		s.ready()
		t.Logf("after the restart the phone is ready after %v, in all", time.Since(began))
		if got := eval[float64](s.tab, `document.querySelectorAll('.q :checked').length`); got != answered {
			t.Errorf("%v of %v answers are back: %s", got, answered, s.tab.text("main"))
		}
		if eval[bool](s.tab, `!!document.querySelector('.own-link, .back')`) {
			t.Error("the worker's pages are within reach while the resident has the phone")
		}
		s.press("#stop")
		s.press("#stop-yes")
		s.press("#close")
		s.noted(home, "2.12")
		if got := s.waiting(s.tab); got != s.n {
			t.Errorf("%d records wait of %d visits", got, s.n)
		}
	})
	if got := s.waiting(s.tab); got != 30 {
		t.Errorf("%d records wait", got)
	}
	s.line.drop(3)
	s.restore()
	s.offline(s.tab, false)
	s.tab.until(`(location.hash = '#/', document.querySelector('#sync-now'))`)
	s.sent(s.tab)
	t.Logf("the line lost %d answers of %d", s.line.lost(), s.line.answers())
	if s.line.lost() < 2 {
		t.Error("the line lost too little to show anything")
	}
	s.settled()
}
