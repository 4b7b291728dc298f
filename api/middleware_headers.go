package api

import "net/http"

// headers are sent with every answer, also with refusals and with what is not
// found; a handler that needs another rule sets its own: pages their policy,
// files that never change their life in caches.
//
// The policy for the referrer is same-origin, not no-referrer: under the latter
// browsers post forms with "Origin: null", and those too old to send
// Sec-Fetch-Site could not be told from a foreign site.
var headers = map[string]string{
	"X-Content-Type-Options":       "nosniff",
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

// spare are the headers that the page with the questions goes without: it opens
// nothing, embeds nothing and runs only our own script, which its policy names by
// its hash, and its 8 KB are for a phone on a weak network.
var spare = []string{"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy"}

// lighten takes the spare headers off an answer.
func lighten(h http.Header) {
	h.Del("X-Request-Id") // nothing went wrong
	for _, name := range spare {
		h.Del(name)
	}
}

// onlyHTTPS tells browsers to come by https for two years, also to names below
// ours. Browsers ignore it where they came by http.
const onlyHTTPS = "max-age=63072000; includeSubDomains"

// harden sends the headers.
func (a *API) harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for name, value := range headers {
			h.Set(name, value)
		}
		if a.secure() {
			h.Set("Strict-Transport-Security", onlyHTTPS)
		}
		next.ServeHTTP(w, r)
	})
}
