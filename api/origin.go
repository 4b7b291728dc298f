package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/survey/account"
)

// sourceOf returns the network address that the request came from. What
// X-Forwarded-For says counts only when the connection is a trusted proxy's, and
// of it only what trusted proxies have written: the last address that is not one
// of them. Whatever a client wrote there itself stands before that.
func (a *API) sourceOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	if !a.trusts(host) {
		return host
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // nothing before it can be believed
		}
		host = hop.Unmap().WithZone("").String()
		if !a.trusts(host) {
			break
		}
	}
	return host
}

func (a *API) trusts(host string) bool {
	at, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range a.proxies {
		if p.Contains(at.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// ofResidents reports whether an address is a resident's: no cookie of the office is
// read there, and none is set.
func ofResidents(path string) bool {
	return strings.HasPrefix(path, "/q/") || strings.HasPrefix(path, "/Q/") || strings.HasPrefix(path, "/r/")
}

// cookieName is a cookie's name. By https browsers hold the prefix to what it
// promises: this host's alone, and never by plain http.
func (a *API) cookieName(name string) string {
	if a.secure() {
		return "__Host-" + name
	}
	return name
}

// cookie returns a cookie that scripts cannot read; with value "" it removes it.
//
// It is Lax and not Strict: who follows a link to the console from a message, or
// comes back from the city's single sign-on, would otherwise seem signed out. What
// Strict adds is covered: nothing changes by GET, and what other sites post is
// refused (see protect).
func (a *API) cookie(name, value string, seconds int) http.Cookie {
	k := http.Cookie{Name: a.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: a.secure(), SameSite: http.SameSiteLaxMode, MaxAge: seconds}
	if value == "" {
		k.MaxAge = -1
	}
	return k
}

// setCookie sends a cookie of cookie.
func (a *API) setCookie(c *gin.Context, name, value string, seconds int) {
	k := a.cookie(name, value, seconds)
	http.SetCookie(c.Writer, &k)
}

// cookieOf returns the value of one of our cookies, "" when there is none.
func (a *API) cookieOf(r *http.Request, name string) string {
	k, err := r.Cookie(a.cookieName(name))
	if err != nil {
		return ""
	}
	return k.Value
}

type originKey struct{}

// originOf returns where the request comes from, as signing in counts it.
func originOf(ctx context.Context) account.Origin {
	o, _ := ctx.Value(originKey{}).(account.Origin)
	return o
}

// origin returns where a request with this id comes from.
func (a *API) origin(r *http.Request, id string) account.Origin {
	o := account.Origin{From: a.sourceOf(r), Request: id}
	if !ofResidents(r.URL.Path) {
		o.Device, o.Session, o.Agent = a.cookieOf(r, deviceCookie), a.cookieOf(r, sessionCookie), agent(r.UserAgent())
	}
	return o
}

// agent says in a few words what a browser is: enough for people to know their own
// sessions again, and no more.
func agent(header string) string {
	first := func(names ...string) string {
		for i := 0; i+1 < len(names); i += 2 {
			if strings.Contains(header, names[i]) {
				return names[i+1]
			}
		}
		return ""
	}
	browser := first("MicroMessenger", "WeChat", "Edg", "Edge", "Firefox", "Firefox", "OPR", "Opera", "Chrome", "Chrome", "Safari", "Safari", "curl", "curl", "Go-http", "Go")
	system := first("HarmonyOS", "HarmonyOS", "Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS", "macOS", "Linux", "Linux")
	return strings.Trim(browser+", "+system, ", ")
}
