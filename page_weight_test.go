package main

import (
	"context"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// The resident's page on a link of the third generation: 400 kbit/s, 400 ms.
const (
	slowBytes = 400_000 / 8 // a second
	slowDelay = 400         // milliseconds
)

// TestPageWeight measures what the resident's page costs and holds it to a
// budget. "make page-weight" prints the figures.
func TestPageWeight(t *testing.T) {
	s := newStreet(t)
	phone(t, s.browser, true).open(s.link) // a phone has drawn Chinese before
	for _, page := range []struct{ name, query string }{{"zh", "?lang=zh"}, {"en", "?lang=en"}, {"large", "?large=1"}} {
		t.Run(page.name, func(t *testing.T) {
			r := phone(t, s.browser, true)
			var mu sync.Mutex
			var bytes, requests float64
			err := chromedp.Listen(r.ctx, func(ev any) {
				mu.Lock()
				defer mu.Unlock()
				switch ev := ev.(type) {
				case *network.EventRequestWillBeSent:
					if len(ev.Request.URL) < 5 || ev.Request.URL[:5] != "data:" {
						requests++
					}
				case *network.EventLoadingFinished:
					bytes += ev.EncodedDataLength
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			call(r, "slow network", func(ctx context.Context) error {
				_, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
					MatchedNetworkConditions: []*network.Conditions{{Latency: slowDelay, DownloadThroughput: slowBytes, UploadThroughput: slowBytes}},
				})
				return err
			})
			r.open(s.link + page.query)
			// The first question can be answered when it is painted and the script
			// has taken the form over.
			r.until(`performance.getEntriesByName('first-contentful-paint').length`)
			painted := eval[float64](r, `performance.getEntriesByName('first-contentful-paint')[0].startTime`)
			ready := max(painted, eval[float64](r, `performance.getEntriesByType('navigation')[0].domInteractive`))

			mu.Lock()
			defer mu.Unlock()
			t.Logf("%s: %.0f bytes on the wire, %.0f request(s), first question can be answered after %.2f s (painted after %.2f s) at 400 kbit/s, 400 ms", page.name, bytes, requests, ready/1e3, painted/1e3)
			if requests != 1 {
				t.Errorf("%.0f requests; everything should be in the page", requests)
			}
			if bytes > 8192 {
				t.Errorf("%.0f bytes, the head of the answer among them, are more than 8 KB", bytes)
			}
			if ready > 4000 {
				t.Errorf("%.2f s until the first question", ready/1e3)
			}
		})
	}
}
