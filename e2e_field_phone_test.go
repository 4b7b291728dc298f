package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// lateClock makes the phone's clock go three days ahead.
const lateClock = `(() => {
	const Real = Date, off = 3 * 864e5
	window.Date = class extends Real {
		constructor(...a) { a.length ? super(...a) : super(Real.now() + off) }
		static now() { return Real.now() + off }
	}
})()`

// TestWorkerWithTwoTabs makes thirty visits in two tabs by turns, both of which send
// at once, and tries to visit one household in both.
func TestWorkerWithTwoTabs(t *testing.T) {
	s := newStairwell(t)
	first, second := s.draw(20, 6, fieldwork.UsualRules), s.draw(6, 0, fieldwork.UsualRules)
	s.turnOn()
	s.signIn("worker", testPassword)
	s.p.kill()
	one, two := s.tab, s.newTab()
	for _, p := range []*tab{one, two} {
		s.tab = p
		s.tab.open(s.url())
		s.ready()
	}
	shared := second.Homes[5].UnitID
	s.tab = one
	s.begin(shared, "asked", 2)
	s.tab = two
	s.tab.until(fmt.Sprintf(`(location.hash = '#/home/%s', /另一个页面/.test(document.querySelector('main').textContent))`, shared))
	if eval[bool](two, `!!document.querySelector('[data-outcome], #start, #refuse')`) {
		t.Error("a household that is open in one tab can be visited in another")
	}
	s.tab = one
	s.fill(1)
	s.finish(shared)
	s.day(first, second, func(n int) {
		s.tab.until(`(location.hash = '#/', document.querySelector('#results'))`) // lets go of the household
		if s.tab = one; n%2 == 0 {
			s.tab = two
		}
	})
	s.line.drop(3)
	s.p.start("serve")
	for _, p := range []*tab{one, two} {
		p.until(`(location.hash = '#/', document.querySelector('#sync-now'))`)
	}
	for _, p := range []*tab{one, two} {
		eval[bool](p, `(document.querySelector('#sync-now').click(), true)`)
	}
	s.sent(one)
	s.sent(two)
	t.Logf("the line lost %d answers of %d", s.line.lost(), s.line.answers())
	s.settled()
}

// TestWorkerWithAWrongClock makes thirty visits on a phone that is three days ahead,
// in a wave that asks whoever has the next birthday.
func TestWorkerWithAWrongClock(t *testing.T) {
	s := newStairwell(t)
	rules := fieldwork.UsualRules
	rules.Select = fieldwork.SelectBirthday
	first, second := s.draw(20, 6, rules), s.draw(6, 0, rules)
	s.scripts = lateClock
	s.turnOn()
	s.signIn("worker", testPassword)
	s.p.kill()
	s.tab.open(s.url())
	s.ready()
	s.day(first, second, nil)
	s.line.drop(3)
	s.p.start("serve")
	s.tab.until(`(location.hash = '#/', document.querySelector('#sync-now'))`)
	s.sent(s.tab)
	s.settled()
	var r fieldwork.Record
	if err := s.w.DB.Read(t.Context()).Take(&r, "unit_id IN ?", s.drawn).Error; err != nil {
		t.Fatal(err)
	}
	if off := time.Duration(r.OffsetMS) * time.Millisecond; off < 72*time.Hour-time.Minute || off > 72*time.Hour+time.Minute {
		t.Errorf("the offset of the clock is %v", off)
	}
}

// in lets a subtest report what goes wrong.
func (s *stairwell) in(t *testing.T) { s.t, s.tab.t = t, t }

// phone returns what the server has of the worker's phone.
func (s *stairwell) phone() fieldwork.Phone {
	s.t.Helper()
	var p fieldwork.Phone
	if err := s.w.DB.Read(s.t.Context()).Order("seen_at DESC").Take(&p, "account_id = ?", s.worker.Account).Error; err != nil {
		s.t.Fatal(err)
	}
	return p
}

// dump returns all that the page's databases hold, with bytes as characters.
func (s *stairwell) dump() string {
	s.t.Helper()
	return evalLater[string](s.tab, `(async () => {
		const show = v => {
			if (v instanceof ArrayBuffer) v = new Uint8Array(v)
			if (v instanceof Uint8Array) return new TextDecoder().decode(v)
			if (v instanceof CryptoKey) return 'key ' + v.extractable
			return v && typeof v == 'object' ? Object.keys(v).map(k => k + '=' + show(v[k])).join(' ') : String(v)
		}
		const wait = r => new Promise((done, fail) => { r.onsuccess = () => done(r.result); r.onerror = () => fail(r.error) })
		const db = await wait(indexedDB.open('chengyin-field'))
		let out = ''
		for (const name of db.objectStoreNames) for (const v of await wait(db.transaction(name).objectStore(name).getAll())) out += name + ': ' + show(v) + '\n'
		db.close()
		return out + Object.keys(localStorage).map(k => k + '=' + localStorage[k]).join('\n')
	})()`)
}

// secret tells which of these texts the phone holds in the clear: in its databases, or,
// with the browser killed, anywhere on its disk.
func (s *stairwell) secret(texts ...string) {
	s.t.Helper()
	held := s.dump()
	if !strings.Contains(held, "outbox: ") || !strings.Contains(held, "pack: ") {
		s.t.Fatalf("the databases hold %q", held)
	}
	for _, text := range texts {
		if strings.Contains(held, text) {
			s.t.Errorf("the phone's databases tell %q", text)
		}
	}
	if strings.Contains(held, "key true") {
		s.t.Error("a key can be taken out")
	}
}

func (s *stairwell) secretOnDisk(texts ...string) {
	s.t.Helper()
	files := 0
	err := filepath.WalkDir(s.profile, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, text := range texts {
			wide := make([]byte, 0, 2*len(text))
			for _, r := range text {
				wide = append(wide, byte(r), byte(r>>8))
			}
			if bytes.Contains(raw, []byte(text)) || bytes.Contains(raw, wide) {
				s.t.Errorf("%s tells %q", path, text)
			}
		}
		return nil
	})
	if err != nil || files < 20 {
		s.t.Fatalf("%d files, %v", files, err)
	}
}

// quota bounds what the page may store; 0 lifts that.
func (s *stairwell) quota(size float64) {
	s.t.Helper()
	call(s.tab, "quota", func(ctx context.Context) error {
		q := storage.OverrideQuotaForOriginParams{Origin: "http://" + s.line.addr()}
		if size > 0 {
			q.QuotaSize = &size
		}
		_, err := chromedp.Call(ctx, storage.OverrideQuotaForOrigin, q)
		return err
	})
}

// TestWorkersPhone is about what a phone keeps from others.
func TestWorkersPhone(t *testing.T) {
	s := newStairwell(t)
	d := s.draw(12, 0, fieldwork.UsualRules)
	other := s.w.Draw(t, workerArea, 3, 0, fieldwork.UsualRules)
	s.w.Give(t, other, s.w.Person(t, "second", "worker", workerArea))
	for _, h := range other.Homes {
		s.drawn = append(s.drawn, h.UnitID)
	}
	s.turnOn()
	s.signIn("worker", testPassword)
	s.offline(s.tab, true)
	s.visit(d.Homes[0].UnitID, "2.24")
	s.interview(d.Homes[1].UnitID, "asked", 2)
	s.begin(d.Homes[2].UnitID, "asked", 2)
	s.fill(0.6)
	s.tab.until(`document.querySelector('#saved').textContent`)
	s.tab.until(`(location.hash = '#/', document.querySelector('#results'))`)

	t.Run("nothing on it can be read", func(t *testing.T) {
		s.in(t)
		s.secret("1号楼", "102室", "half_year", "a40", "2.24", "何晴", "worker", "cyp_")
	})
	t.Run("a full disk loses nothing, and says so", func(t *testing.T) {
		s.in(t)
		home := d.Homes[3].UnitID
		// The browser asks how much space is left when the page opens the database anew,
		// and for a while believes what it heard.
		s.tab.do(chromedp.Navigate("about:blank"))
		time.Sleep(3 * time.Second)
		s.quota(1)
		s.tab.open(s.url())
		s.ready()
		s.at(home)
		s.press(`[data-outcome="4.61"]`)
		s.tab.until(`document.querySelector('textarea[name=note]')`)
		eval[bool](s.tab, `(document.querySelector('textarea[name=note]').value = '西侧门禁坏', true)`)
		s.press("#note-save")
		s.tab.until(`/存储空间满了/.test(document.querySelector('#trouble').textContent)`)
		if eval[string](s.tab, `document.querySelector('textarea[name=note]').value`) != "西侧门禁坏" {
			t.Error("what was written is not on the screen any more")
		}
		if n := s.waiting(s.tab); n != 2 {
			t.Errorf("%d records wait", n)
		}
		// The file has what waits and what could not be stored.
		got := evalLater[string](s.tab, `new Promise(done => {
			const real = URL.createObjectURL
			URL.createObjectURL = b => { new Response(b).text().then(done); return real.call(URL, b) }
			document.querySelector('#export').click()
		})`)
		if strings.Count(got, `"iv"`) != 3 || strings.Contains(got, "门禁") {
			t.Errorf("the file is %s", got)
		}
		s.quota(0)
		s.press("#note-save")
		s.noted(home, "4.61")
		if n := s.waiting(s.tab); n != 3 {
			t.Errorf("%d records wait", n)
		}
		// Taking the file back in doubles nothing.
		s.tab.until(`(location.hash = '#/phone', document.querySelector('#import'))`)
		eval[bool](s.tab, fmt.Sprintf(`(() => {
			const d = new DataTransfer(), i = document.querySelector('#import')
			d.items.add(new File([%q], 'x.json', {type: 'application/json'}))
			i.files = d.files
			i.dispatchEvent(new Event('change'))
			return true
		})()`, got))
		s.tab.until(`/已导入 [01] 条/.test(document.querySelector('main').textContent)`)
	})
	t.Run("a refusal can be taken back for a moment", func(t *testing.T) {
		s.in(t)
		home := d.Homes[4].UnitID
		s.at(home)
		s.press("#refuse")
		s.press("#undo")
		s.tab.until(`document.querySelector('#start')`)
		if n := s.waiting(s.tab); n < 3 || n > 4 {
			t.Errorf("%d records wait", n)
		}
	})
	t.Run("a refusal counts when the page goes away on it", func(t *testing.T) {
		s.in(t)
		home := d.Homes[4].UnitID
		before := s.waiting(s.tab)
		s.at(home)
		s.press("#refuse")
		s.tab.until(`document.querySelector('#undo')`)
		s.tab.open(s.url())
		s.ready()
		s.at(home)
		s.noted(home, "2.11")
		if n := s.waiting(s.tab); n != before+1 {
			t.Errorf("%d records wait", n)
		}
	})
	t.Run("children are not asked, and nothing of them is kept", func(t *testing.T) {
		s.in(t)
		s.begin(d.Homes[5].UnitID, "self", 2)
		s.press(`input[name=age][value=u14]`)
		s.tab.until(`/不满14岁/.test(document.querySelector('main').textContent) && document.querySelector('[data-adults]')`)
		s.tab.until(`(location.hash = '#/', document.querySelector('#results'))`)
	})

	waiting := s.waiting(s.tab)
	t.Run("signing out leaves ciphertext only", func(t *testing.T) {
		s.in(t)
		s.tab.until(`(location.hash = '#/phone', document.querySelector('#sign-out'))`)
		s.press("#sign-out")
		s.tab.until(fmt.Sprintf(`/还有 %d 条记录没有传完/.test(document.querySelector('main').textContent)`, waiting))
		s.press("#sign-out-yes") // without signal
		s.tab.until(`document.querySelector('#sign-in')`)
		s.offline(s.tab, false)
		if held := s.dump(); strings.Contains(held, "key ") || strings.Contains(held, "pack: ") || strings.Count(held, "outbox: ") != waiting {
			t.Errorf("the phone holds %q", held)
		}
	})
	t.Run("another account sees nothing of the first", func(t *testing.T) {
		s.in(t)
		s.signIn("second", apptest.Password)
		if n := eval[float64](s.tab, `document.querySelectorAll('[data-home]').length`); n != 3 {
			t.Errorf("%v households", n)
		}
		s.visit(other.Homes[0].UnitID, "2.24")
		s.tab.until(`(location.hash = '#/', document.querySelector('#sync-now'))`)
		for deadline := time.Now().Add(patience); s.waiting(s.tab) != waiting; time.Sleep(200 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d records wait, %d of them the first account's", s.waiting(s.tab), waiting)
			}
			s.press("#sync-now")
		}
		s.tab.until(`(location.hash = '#/phone', document.querySelector('#sign-out'))`)
		s.press("#sign-out")
		s.press("#sign-out-yes")
		s.tab.until(`document.querySelector('#sign-in')`)
	})
	t.Run("the first account finds all of it again", func(t *testing.T) {
		s.in(t)
		s.signIn("worker", testPassword)
		s.sent(s.tab)
		s.at(d.Homes[2].UnitID)
		s.press("#start")
		s.tab.until(`document.querySelector('#send')`)
		if n := eval[float64](s.tab, `document.querySelectorAll('.q :checked').length`); n < 5 {
			t.Errorf("%v answers of the draft", n)
		}
		s.fill(1)
		s.finish(d.Homes[2].UnitID)
		s.tab.until(`(location.hash = '#/', document.querySelector('#sync-now'))`)
		s.sent(s.tab)
		s.settled()
	})
	t.Run("a phone that the server does not know keeps its data", func(t *testing.T) {
		s.in(t)
		s.offline(s.tab, true)
		s.visit(d.Homes[6].UnitID, "2.24")
		id := s.phone().ID
		if err := s.w.DB.InTx(t.Context(), func(tx *store.Tx) error {
			return tx.Exec("UPDATE field_phones SET token_hash = ? WHERE id = ?", "gone", id).Error
		}); err != nil {
			t.Fatal(err)
		}
		s.offline(s.tab, false)
		s.tab.until(`(location.hash = '#/', document.querySelector('#results'))`)
		s.tab.until(`(e => !e || (e.click(), false))(document.querySelector('#sync-now')) && /重新登录/.test(document.querySelector('#sync-state').textContent)`)
		if n := eval[float64](s.tab, `document.querySelectorAll('[data-home]').length`); n == 0 {
			t.Error("no households")
		}
		s.tab.open(s.url() + "?signed=1") // still signed in: as the sign-in page would send on
		s.tab.until(`document.querySelector('#sync-now')`)
		s.sent(s.tab)
	})
	t.Run("a locked phone hands over what it cannot read any more", func(t *testing.T) {
		s.in(t)
		s.offline(s.tab, true)
		s.visit(d.Homes[7].UnitID, "2.25")
		s.interview(d.Homes[8].UnitID, "self", 2)
		if err := s.w.Field.Lock(t.Context(), survey.System, s.phone().ID); err != nil {
			t.Fatal(err)
		}
		s.offline(s.tab, false)
		s.tab.until(`(location.hash = '#/', document.querySelector('#results'))`)
		s.press("#sync-now")
		s.tab.until(`document.querySelector('#locked-waiting') && /都已交给/.test(document.querySelector('#locked-waiting').textContent)`)
		if held := s.dump(); strings.Contains(held, "key ") || strings.Contains(held, "pack: ") || strings.Contains(held, "outbox: ") {
			t.Errorf("the phone holds %q", held)
		}
		var kept []fieldwork.Record
		if err := s.w.DB.Read(t.Context()).Find(&kept, "reason = ? AND unit_id IN ?", fieldwork.PhoneLocked, s.drawn).Error; err != nil || len(kept) != 2 {
			t.Errorf("%d records of the locked phone, %v", len(kept), err)
		}
		s.tab.accessible()
	})
	s.in(t)
	s.stop()
	time.Sleep(200 * time.Millisecond) // the last of its processes
	s.secretOnDisk("101室", "102室", "西侧门禁坏")
}

// TestWorkersPageSaysWhyNot opens it where it cannot work.
func TestWorkersPageSaysWhyNot(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	w := phone(t, browser, true)
	w.open(p.url() + "/field")
	w.until(`/在浏览器里打开/.test(document.body.textContent)`)
	w.accessible()
}
