package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"chengyin/survey/store/storetest"
)

// wechat is what the browser inside WeChat on an old Android phone calls itself.
const wechat = "Mozilla/5.0 (Linux; Android 8.0; DUK-AL20 Build/HUAWEIDUK-AL20; wv) AppleWebKit/537.36 (KHTML, like Gecko) " +
	"Version/4.0 Chrome/78.0.3904.62 XWEB/2853 MMWEBSDK/20210601 Mobile Safari/537.36 MicroMessenger/7.0.18.1740(0x2700123B) " +
	"Process/toolsmp WeChat/arm64 NetType/4G Language/zh_CN ABI/arm64"

// newBrowser starts Chromium, which ends with the test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	ctx, _ := newBrowserIn(t, t.TempDir())
	return ctx
}

// newBrowserIn starts Chromium on a profile, which outlives it. stop kills it.
func newBrowserIn(t *testing.T, profile string) (ctx context.Context, stop func()) {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		storetest.Missing(t, "no Chromium is installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true),
		chromedp.UserDataDir(profile))
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	t.Cleanup(cancel)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx, stop
}

// tab is a page of the browser, with its own cookies and storage.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func newTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context of its first step
		t.Fatalf("open a tab: %v", err)
	}
	return &tab{t, ctx}
}

// phone is a tab as WeChat shows it on a small phone.
func phone(t *testing.T, browser context.Context, scripts bool) *tab {
	t.Helper()
	p := newTab(t, browser)
	p.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch))
	call(p, emulation.SetUserAgentOverride.Method, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: wechat, AcceptLanguage: "zh-CN"})
		return err
	})
	call(p, emulation.SetScriptExecutionDisabled.Method, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
		return err
	})
	return p
}

// signedIn is a tab that carries an officer's session.
func signedIn(t *testing.T, browser context.Context, d *desk) *tab {
	t.Helper()
	p := newTab(t, browser)
	for _, k := range d.cookies() {
		call(p, "set cookie", func(ctx context.Context) error {
			_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: k.Name, Value: k.Value, URL: d.base})
			return err
		})
	}
	return p
}

// patience bounds a single step in the browser.
const patience = 30 * time.Second

func call(p *tab, what string, f func(context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := f(ctx); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	call(p, "browser", func(ctx context.Context) error { return chromedp.Do(ctx, steps...) })
}

func (p *tab) open(url string) {
	p.t.Helper()
	p.do(chromedp.Navigate(url))
	p.until(`location.protocol != 'about:' && document.readyState == 'complete'`)
}

// tap touches the middle of the element, which must not be covered by another.
// It asks for the place only, so it works on a page that may not run scripts.
func (p *tab) tap(css string) {
	p.t.Helper()
	at := eval[struct {
		X, Y    float64
		Problem string
	}](p, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q)
		if (!e) return {Problem: 'is not on the page'}
		e.scrollIntoView({block: 'center', behavior: 'instant'})
		const r = e.getBoundingClientRect(), X = r.x + r.width / 2, Y = r.y + r.height / 2
		const top = document.elementFromPoint(X, Y)
		if (!e.contains(top)) return {Problem: 'is covered by ' + (top ? top.outerHTML.slice(0, 200) : 'nothing; it cannot be seen')}
		return {X, Y, Problem: ''}
	})()`, css))
	if at.Problem != "" {
		p.t.Fatalf("tap: %s %s", css, at.Problem)
	}
	p.do(chromedp.MouseClickXY(at.X, at.Y))
}

// eval returns the value of a JavaScript expression.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	var out T
	call(p, expression, func(ctx context.Context) (err error) {
		out, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression))
		return err
	})
	return out
}

// text returns the text of the first element, "" when there is none.
func (p *tab) text(css string) string {
	p.t.Helper()
	return strings.TrimSpace(eval[string](p, fmt.Sprintf(`(document.querySelector(%q) || {textContent: ''}).textContent`, css)))
}

// until waits for a JavaScript condition. A page that is being replaced has
// none for a moment.
func (p *tab) until(condition string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) || p.ctx.Err() != nil {
			where, _ := chromedp.Run(p.ctx, chromedp.Location())
			body, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.body.innerText"))
			p.t.Fatalf("waited in vain for %s at %s: %v\n%s", condition, where, err, body)
		}
	}
}

// violation is a finding of axe-core.
type violation struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		Target  []any  `json:"target"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// accessible reports what axe-core finds serious or critical on the page.
func (p *tab) accessible() {
	p.t.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		storetest.Missing(p.t, "axe-core is not installed; npm ci")
	}
	p.do(chromedp.Evaluate[chromedp.Void](string(axe) + ";undefined"))
	var raw string
	call(p, "axe.run", func(ctx context.Context) (err error) {
		raw, err = chromedp.Run(ctx, chromedp.Evaluate[string](
			`axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))`,
			func(e *runtime.EvaluateParams) { chromedp.EvalAwaitPromise(e) }))
		return err
	})
	var found []violation
	if err := json.Unmarshal([]byte(raw), &found); err != nil {
		p.t.Fatal(err)
	}
	for _, v := range found {
		if v.Impact != "serious" && v.Impact != "critical" {
			continue
		}
		p.t.Errorf("%s: %s (%s)", v.Impact, v.Help, v.ID)
		for _, n := range v.Nodes {
			p.t.Logf("  %v %s", n.Target, n.Summary)
		}
	}
}

// evalLater returns what the promise of a JavaScript expression gives.
func evalLater[T any](p *tab, expression string) T {
	p.t.Helper()
	var out T
	call(p, expression, func(ctx context.Context) (err error) {
		out, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression, func(e *runtime.EvaluateParams) { chromedp.EvalAwaitPromise(e) }))
		return err
	})
	return out
}
