package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"chengyin/survey/app"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/store/storetest"
)

// street is a poster in a community of the demo city, with everybody who has to
// do with it.
type street struct {
	t       *testing.T
	browser context.Context
	p       *program
	a       *app.App
	office  *desk
	wave    string
	poster  collectorReply
	link    string // what a phone reads off the poster
}

// newStreet finds a community whose figures are shown and move with one answer.
func newStreet(t *testing.T) *street {
	t.Helper()
	s := &street{t: t, browser: newBrowser(t), p: newProgram(t, storetest.DSN(t, "sqlite"))}
	s.a = s.p.open()
	s.office = s.p.signIn("office")
	s.wave = s.office.openWave().ID
	for _, c := range s.office.posters(s.wave) {
		if f := s.office.scanned(s.wave, c.Area, "awareness"); f.Estimate != nil && *f.N < 60 {
			s.poster = c
			break
		}
	}
	if s.poster.Code == "" {
		t.Fatal("no poster hangs in a community with a figure from scans")
	}
	s.link = s.scan()
	return s
}

// scan takes the picture of the poster's code and reads it as a phone would.
func (s *street) scan() string {
	s.t.Helper()
	if _, err := exec.LookPath("zbarimg"); err != nil {
		storetest.Missing(s.t, "zbarimg is not installed")
	}
	reply, err := s.office.http.Get(s.p.url() + "/collectors/" + s.poster.Code + "/qr.png")
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	png, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK || reply.Header.Get("Content-Type") != "image/png" {
		s.t.Fatalf("the picture of the code: %s %s %v", reply.Status, reply.Header.Get("Content-Type"), err)
	}
	file := filepath.Join(s.t.TempDir(), "poster.png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		s.t.Fatal(err)
	}
	out, err := exec.Command("zbarimg", "--quiet", "--raw", file).Output()
	if err != nil {
		s.t.Fatalf("zbarimg: %v", err)
	}
	link := strings.TrimSpace(string(out))
	if !strings.EqualFold(link, s.p.url()+"/q/"+s.poster.Code) {
		s.t.Fatalf("the poster leads to %q", link)
	}
	return link
}

// along returns the link as it reads when the phone's network is the line.
func (s *street) along(l *line) string {
	u, err := url.Parse(s.link)
	if err != nil {
		s.t.Fatal(err)
	}
	u.Scheme, u.Host = "http", l.addr()
	return u.String()
}

// figures is what an officer sees of the community.
type figures struct {
	n         int
	awareness string
}

// board opens the board of the community, scans only.
func (s *street) board() *tab {
	s.t.Helper()
	b := signedIn(s.t, s.browser, s.office)
	b.open(s.p.url() + "/board?mode=scan&wave=" + s.wave + "&area=" + s.poster.Area)
	b.until(`document.querySelector('[data-testid=estimate]')`)
	return b
}

func (s *street) read(b *tab) figures {
	s.t.Helper()
	cell := func(field, indicator string) string {
		return b.text(fmt.Sprintf("[data-field=%s][data-area='%s'][data-indicator=%s]", field, s.poster.Area, indicator))
	}
	n, err := strconv.Atoi(cell("n", "awareness"))
	if err != nil {
		s.t.Fatalf("n on the board: %v", err)
	}
	return figures{n, cell("estimate", "awareness")}
}

// stored returns how many answers the database holds.
func (s *street) stored() int64 {
	s.t.Helper()
	var n int64
	if err := s.a.DB.Read(s.t.Context()).Model(&response.Response{}).Count(&n).Error; err != nil {
		s.t.Fatal(err)
	}
	return n
}

// answer taps an answer to every question that must be answered but one, tries
// to send, reads what is wrong beside it, and puts it right.
func (s *street) answer(r *tab, know string) {
	s.t.Helper()
	const forgotten = "q18"
	taps := map[string]string{"residence": "half_year", "age": "a40", "sex": "f", "q1": know, forgotten: "1"}
	for _, q := range questionnaire.Default().Questions {
		if !q.Required || q.ShowIf != nil || q.ID == forgotten {
			continue
		}
		if taps[q.ID] == "" {
			taps[q.ID] = q.Options[0].Code
		}
		r.tap(option(q.ID, taps[q.ID]))
	}
	r.tap("#send")
	const beside = "fieldset:has(input[name=" + forgotten + "]) .error"
	r.until(`(document.querySelector('` + beside + `') || {}).textContent && document.querySelector('#problems').offsetHeight > 0`)
	if wrong := eval[int](r, `[...document.querySelectorAll('fieldset .error')].filter(e => e.textContent).length`); wrong != 1 {
		s.t.Errorf("%d questions are marked, one was forgotten", wrong)
	}
	r.tap(option(forgotten, taps[forgotten]))
}

func option(question, code string) string {
	return fmt.Sprintf("label:has(input[name=%q][value=%q])", question, code)
}

// receipt waits for the receipt and returns what the server knows of it.
func (s *street) receipt(r *tab) response.Receipt {
	s.t.Helper()
	r.until(`location.pathname.indexOf('/r/') == 0 && document.querySelector('.receipt')`)
	code := r.text(".receipt")
	got, err := s.a.Responses.Receipt(s.t.Context(), code)
	if err != nil {
		s.t.Fatalf("receipt %q: %v", code, err)
	}
	if got.Status != response.Counted || got.Area.Code != s.poster.Area {
		s.t.Errorf("receipt %+v", got)
	}
	return got
}

// TestResident goes the whole way from the poster in the street to the figure on
// the officer's screen.
func TestResident(t *testing.T) {
	s := newStreet(t)
	board := s.board()

	// send answers and sees the figures move; the board may take two seconds.
	send := func(t *testing.T, r *tab, send func()) {
		t.Helper()
		s.t, board.t = t, t
		stored, before := s.stored(), s.read(board)
		s.answer(r, "unknown")
		if n := s.stored(); n != stored {
			t.Errorf("%d answers were stored before they were right", n-stored)
		}
		seen := make(chan time.Time, 1)
		go func() {
			moved := fmt.Sprintf(`document.querySelector("[data-field=n][data-area='%s'][data-indicator=awareness]").textContent.trim() == '%d'`, s.poster.Area, before.n+1)
			for start := time.Now(); time.Since(start) < patience; time.Sleep(20 * time.Millisecond) {
				if yes, err := chromedp.Run(board.ctx, chromedp.Evaluate[bool](moved)); err == nil && yes {
					seen <- time.Now()
					return
				}
			}
			close(seen)
		}()
		send()
		got := s.receipt(r)
		at, moved := <-seen
		if !moved {
			t.Fatalf("the board still shows %+v", s.read(board))
		}
		after, took := s.read(board), at.Sub(got.ReceivedAt)
		t.Logf("on the board after %v: n %d to %d, awareness %s to %s", took.Round(time.Millisecond), before.n, after.n, before.awareness, after.awareness)
		if after.awareness == before.awareness {
			t.Errorf("one more who does not know leaves awareness at %s", after.awareness)
		}
		if took > 2*time.Second {
			t.Errorf("the board took %v", took)
		}
		if n := s.stored(); n != stored+1 {
			t.Errorf("%d answers were stored", n-stored)
		}
	}

	t.Run("answers on a phone", func(t *testing.T) {
		r := phone(t, s.browser, true)
		r.open(s.link)
		send(t, r, func() { r.tap("#send") })
	})
	t.Run("answers without JavaScript", func(t *testing.T) {
		r := phone(t, s.browser, false)
		r.open(s.link)
		if eval[bool](r, `document.documentElement.classList.contains('js')`) {
			t.Fatal("scripts run")
		}
		send(t, r, func() { r.tap("#send") })
	})
	t.Run("is cut off while sending", func(t *testing.T) {
		l := newLine(t, s.p.addr)
		r := phone(t, s.browser, true)
		r.open(s.along(l))
		send(t, r, func() {
			l.arm()
			r.tap("#send")
			select {
			case <-l.cut:
			case <-time.After(patience):
				t.Fatal("no answers were sent")
			}
			r.until(`document.querySelector('#status').textContent`)
			t.Logf("the page says %q", r.text("#status"))
			time.Sleep(1500 * time.Millisecond) // it tries again, in vain
			l.restore()
		})
	})
}

// TestPagesAreAccessible lets axe-core look at what residents and officers see.
func TestPagesAreAccessible(t *testing.T) {
	s := newStreet(t)
	look := func(name string, open func(t *testing.T) *tab) {
		t.Run(name, func(t *testing.T) {
			s.t = t
			open(t).accessible()
		})
	}
	for _, query := range []string{"?lang=zh", "?lang=en", "?large=1"} {
		look("questions "+query, func(t *testing.T) *tab {
			r := phone(t, s.browser, true)
			r.open(s.link + query)
			return r
		})
	}
	look("questions with what is wrong", func(t *testing.T) *tab {
		r := phone(t, s.browser, true)
		r.open(s.link)
		r.tap("#send")
		r.until(`document.querySelector('.error').textContent`)
		return r
	})
	look("receipt", func(t *testing.T) *tab {
		r := phone(t, s.browser, true)
		r.open(s.link)
		s.answer(r, "know")
		r.tap("#send")
		s.receipt(r)
		return r
	})
	for _, path := range []string{"/board", "/board?mode=scan&lang=en", "/collectors", "/areas"} {
		look(path, func(t *testing.T) *tab {
			b := signedIn(t, s.browser, s.office)
			b.open(s.p.url() + path)
			return b
		})
	}
	look("/signin", func(t *testing.T) *tab {
		b := newTab(t, s.browser)
		b.open(s.p.url() + "/signin")
		return b
	})
}
