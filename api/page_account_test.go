package api_test

import (
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"chengyin/api"
	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/apptest"
	"chengyin/survey/store/storetest"
)

// rules changes the policy of signing in.
func (s *site) rules(t *testing.T, change func(*account.Policy)) {
	t.Helper()
	p, err := s.Accounts.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change(&p)
	if err := s.Accounts.SetPolicy(t.Context(), survey.System, p); err != nil {
		t.Fatal(err)
	}
}

// code is what the authenticator with the secret shows now.
func (s *site) code(t *testing.T, secret string) string {
	t.Helper()
	c, err := totp.GenerateCode(secret, s.Clock())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	typedSecret  = regexp.MustCompile(`<code>((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})</code>`)
	recoveryCode = regexp.MustCompile(`<code>([A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4})</code>`)
)

func TestWhoMustChangeThePasswordDoesThatFirst(t *testing.T) {
	s := newSite(t)
	c := s.as(t, "ana", "office", apptest.City)
	who := s.accountID(t, "ana")
	if err := s.Accounts.ResetPassword(t.Context(), survey.As("sys", "sysadmin", apptest.City), who, "Battery-Staple-1"); err != nil {
		t.Fatal(err)
	}
	if r := page(t, c, s.url+"/areas"); r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "/signin") {
		t.Fatal("the session before the reset goes on")
	}
	post(t, c, s.url+"/signin", url.Values{"login": {"ana"}, "password": {"Battery-Staple-1"}}).want(t, http.StatusSeeOther)
	t.Run("every page leads to the account, and programs are told why", func(t *testing.T) {
		for _, path := range []string{"/areas", "/board", "/tokens", "/people"} {
			if r := page(t, c, s.url+path); r.status != http.StatusSeeOther || r.header.Get("Location") != "/account" {
				t.Errorf("%s: %d %s", path, r.status, r.header.Get("Location"))
			}
		}
		r := call(t, c, "GET", s.url+"/api/v1/areas", nil)
		if r.status != http.StatusForbidden || r.field(t, "code") != "must_password" {
			t.Error(r.body)
		}
		if r := call(t, c, "DELETE", s.url+"/api/v1/tokens/x", nil); r.status != http.StatusForbidden {
			t.Error(r.body)
		}
		page(t, c, s.url+"/account").want(t, 200, "请先设置您自己的密码", `name="again"`, `!href="/areas"`)
	})
	t.Run("what is wrong is said beside the form", func(t *testing.T) {
		form := url.Values{"old": {"Battery-Staple-1"}, "password": {"Battery-Staple-2"}, "again": {"Battery-Staple-3"}}
		post(t, c, s.url+"/account/password", form).want(t, 422, "两次输入的新密码不一样", "!Battery")
		form.Set("again", "Battery-Staple-2")
		form.Set("old", "wrong")
		post(t, c, s.url+"/account/password", form).want(t, 422, "当前密码不对", "!Battery")
	})
	post(t, c, s.url+"/account/password", url.Values{"old": {"Battery-Staple-1"}, "password": {"Battery-Staple-2"}, "again": {"Battery-Staple-2"}}).want(t, http.StatusSeeOther)
	page(t, c, s.url+"/areas").want(t, 200)
	t.Run("programs change it, too", func(t *testing.T) {
		r := call(t, c, "PUT", s.url+"/api/v1/account/password", map[string]string{"old": "Battery-Staple-2", "password": "weak"})
		if r.status != 422 || !strings.Contains(r.body, `"path":"password"`) {
			t.Fatal(r.body)
		}
		if r = call(t, c, "PUT", s.url+"/api/v1/account/password", map[string]string{"old": "Battery-Staple-2", "password": "Battery-Staple-3"}); r.status != http.StatusNoContent {
			t.Fatal(r)
		}
		page(t, c, s.url+"/areas").want(t, 200)
	})
}

// accountID returns the id of the account with that login.
func (s *site) accountID(t *testing.T, login string) string {
	t.Helper()
	var id string
	if err := s.DB.Read(t.Context()).Table("accounts").Where("login = ?", login).Pluck("id", &id).Error; err != nil || id == "" {
		t.Fatal(login, err)
	}
	return id
}

func TestAdministratorsSetUpASecondFactorFirst(t *testing.T) {
	s := newSite(t)
	c := s.as(t, "sec", "secadmin", apptest.City)
	s.rules(t, func(p *account.Policy) { p.AdminsNeedCode = true })
	if r := page(t, c, s.url+"/security"); r.status != http.StatusSeeOther || r.header.Get("Location") != "/account" {
		t.Fatal(r.status, r.header.Get("Location"))
	}
	if r := call(t, c, "GET", s.url+"/api/v1/security-policy", nil); r.status != http.StatusForbidden || r.field(t, "code") != "must_totp" {
		t.Fatal(r.body)
	}
	r := page(t, c, s.url+"/account")
	r.want(t, 200, "请先启用", "<svg", "otpauth://totp/Chengyin:sec")
	found := typedSecret.FindStringSubmatch(r.body)
	if found == nil {
		t.Fatal("no secret to type")
	}
	secret := strings.ReplaceAll(found[1], " ", "")
	post(t, c, s.url+"/account/totp", url.Values{"code": {"000000"}}).want(t, 422, "验证码不对")
	r = post(t, c, s.url+"/account/totp", url.Values{"code": {s.code(t, secret)}})
	r.want(t, 200, "恢复码", "!"+secret)
	recovery := recoveryCode.FindAllStringSubmatch(r.body, -1)
	if len(recovery) != 10 {
		t.Fatal(recovery)
	}
	page(t, c, s.url+"/security").want(t, 200)
	page(t, c, s.url+"/account").want(t, 200, "!"+recovery[0][1], "!"+found[1])

	form := url.Values{"login": {"sec"}, "password": {apptest.Password}, "next": {"/security"}}
	t.Run("the next sign-in asks for the code in a second step", func(t *testing.T) {
		s.Advance(time.Minute)
		b := newBrowser(t)
		r := post(t, b, s.url+"/signin", form)
		r.want(t, 200, `action="/signin/code"`, `name="code"`, `value="/security"`, "!"+`name="password"`)
		page(t, b, s.url+"/security").want(t, http.StatusSeeOther)
		post(t, b, s.url+"/signin/code", url.Values{"code": {"000000"}, "next": {"/security"}}).want(t, 401, `role="alert"`, `action="/signin/code"`)
		r = post(t, b, s.url+"/signin/code", url.Values{"code": {s.code(t, secret)}, "next": {"/security"}})
		if r.status != http.StatusSeeOther || r.header.Get("Location") != "/security" {
			t.Fatal(r)
		}
		page(t, b, s.url+"/security").want(t, 200)
	})
	t.Run("the second step without the first leads back to the first", func(t *testing.T) {
		post(t, newBrowser(t), s.url+"/signin/code", url.Values{"code": {s.code(t, secret)}}).want(t, 401, `name="password"`, `role="alert"`)
	})
	t.Run("programs are asked by a code of their own", func(t *testing.T) {
		s.Advance(time.Minute)
		in := map[string]string{"login": "sec", "password": apptest.Password}
		if r := call(t, anybody(), "POST", s.url+"/api/v1/session", in); r.status != 401 || r.field(t, "code") != "totp_needed" || r.header.Get("Set-Cookie") != "" {
			t.Fatal(r)
		}
		in["code"] = s.code(t, secret)
		if r := call(t, anybody(), "POST", s.url+"/api/v1/session", in); r.status != 200 {
			t.Fatal(r)
		}
		if r := call(t, anybody(), "POST", s.url+"/api/v1/session", in); r.status != 401 || r.field(t, "code") != "totp_wrong" {
			t.Fatal("the same code again: ", r)
		}
		in["code"] = recovery[0][1]
		if r := call(t, anybody(), "POST", s.url+"/api/v1/session", in); r.status != 200 {
			t.Fatal(r)
		}
	})
	t.Run("who needs it cannot turn it off", func(t *testing.T) {
		s.Advance(time.Minute)
		post(t, c, s.url+"/account/totp/drop", url.Values{"code": {s.code(t, secret)}}).want(t, 409, "必须使用动态验证码")
	})
	t.Run("new recovery codes take a code", func(t *testing.T) {
		post(t, c, s.url+"/account/recovery", url.Values{"code": {"000000"}}).want(t, 422, "验证码不对")
		r := post(t, c, s.url+"/account/recovery", url.Values{"code": {s.code(t, secret)}})
		if r.want(t, 200); len(recoveryCode.FindAllString(r.body, -1)) != 10 || strings.Contains(r.body, recovery[1][1]) {
			t.Fatal(r.body)
		}
	})
}

func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := anybody()
	c.Jar = jar
	return c
}

func TestSecurityPage(t *testing.T) {
	s := newSite(t)
	c := s.as(t, "sec", "secadmin", survey.Everywhere)
	form := url.Values{"admins_need_code": {"1"}}
	p := account.DefaultPolicy
	for _, l := range account.Limits {
		form.Set(l.Name, "12")
		*p.Number(l.Name) = 12
	}
	form.Set("password_classes", "3")
	form.Set("failures", "4")
	p.PasswordClasses, p.Failures = 3, 4
	form.Set("idle_minutes", "31")
	post(t, c, s.url+"/security", form).want(t, 422, "只能在 10 到 30 之间", `value="31"`, `value="4"`)
	form.Set("idle_minutes", "x")
	post(t, c, s.url+"/security", form).want(t, 422, "只能在 10 到 30 之间")
	if now, err := s.Accounts.Policy(t.Context()); err != nil || now.Failures != 5 {
		t.Fatal(now, err)
	}
	form.Set("idle_minutes", "12")
	form.Del("admins_need_code")
	p.AdminsNeedCode = false
	post(t, c, s.url+"/security", form).want(t, http.StatusSeeOther)
	page(t, c, s.url+"/security?done=1").want(t, 200, "已保存", `name="failures" value="4"`)
	if now, err := s.Accounts.Policy(t.Context()); err != nil || now != p {
		t.Fatalf("%+v %v", now, err)
	}
	r := call(t, c, "GET", s.url+"/api/v1/security-policy", nil)
	if r.field(t, "failures") != 4.0 || r.field(t, "admins_need_code") != false {
		t.Fatal(r.body)
	}
	wrong := strings.Replace(r.body, `"failures":4`, `"failures":99`, 1)
	if r := call(t, c, "PUT", s.url+"/api/v1/security-policy", wrong); r.status != 422 || !strings.Contains(r.body, `"path":"failures"`) {
		t.Fatal(r.body)
	}
	page(t, c, s.url+"/security?lang=en").want(t, 200, "Security rules", "Kinds of characters")
}

func TestSessionsPages(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	other := newBrowser(t)
	if r := call(t, other, "POST", s.url+"/api/v1/session", map[string]string{"login": "ana", "password": apptest.Password}, "User-Agent", "Mozilla/5.0 (Windows NT 10.0) Chrome/130"); r.status != 200 {
		t.Fatal(r)
	}
	page(t, ana, s.url+"/account").want(t, 200, "Chrome, Windows", "127.0.0.1", "本机")
	t.Run("one's own are ended with one click", func(t *testing.T) {
		if r := post(t, ana, s.url+"/account/sessions/revoke", nil); r.status != http.StatusSeeOther || r.header.Get("Location") != "/signin" {
			t.Fatal(r)
		}
		for _, c := range []*http.Client{ana, other} {
			if r := call(t, c, "GET", s.url+"/api/v1/session", nil); r.status != 401 {
				t.Error(r.body)
			}
		}
	})
	t.Run("a person's page offers it, also when the person is not signed in", func(t *testing.T) {
		s.Person(t, "cy", "viewer", apptest.North)
		for login, role := range map[string]string{"sys2": "sysadmin", "sec2": "secadmin"} {
			c := s.as(t, login, role, apptest.Riverside)
			page(t, c, s.url+"/people/"+s.accountID(t, "cy")).want(t, 200, `action="/sessions/revoke"`, `value="`+s.accountID(t, "cy")+`"`, "重置动态验证码")
			page(t, c, s.url+"/people/"+s.accountID(t, login)).want(t, 200, `!action="/sessions/revoke"`)
		}
	})
	t.Run("administrators end a person's, and their second factor", func(t *testing.T) {
		bo := s.as(t, "bo", "viewer", apptest.North)
		sys := s.as(t, "sys", "sysadmin", apptest.Riverside)
		page(t, sys, s.url+"/sessions").want(t, 200, "bo", "!<code>ana</code>")
		for _, totp := range []string{"", "1"} {
			post(t, sys, s.url+"/sessions/revoke", url.Values{"account": {s.accountID(t, "ana")}, "totp": {totp}}).want(t, 404)
		}
		post(t, sys, s.url+"/sessions/revoke", url.Values{"account": {s.accountID(t, "bo")}}).want(t, http.StatusSeeOther)
		if r := call(t, bo, "GET", s.url+"/api/v1/session", nil); r.status != 401 {
			t.Error(r.body)
		}
		post(t, sys, s.url+"/sessions/revoke", url.Values{"account": {s.accountID(t, "bo")}, "totp": {"1"}}).want(t, http.StatusSeeOther)
	})
}

func TestTokensPage(t *testing.T) {
	s := newSite(t)
	c := s.as(t, "ana", "office", apptest.City)
	form := url.Values{"name": {"市数据平台"}, "area": {apptest.Riverside}, "days": {"30"}, "permission": {"see_scores", "manage_collectors"}}
	bad := url.Values{"name": {"市数据平台"}, "area": {"110000000000"}, "days": {"9999"}}
	post(t, c, s.url+"/tokens", bad).want(t, 422, "有效天数", "只能在 1 到 366 之间", "地方", `value="市数据平台"`)
	r := post(t, c, s.url+"/tokens", form)
	token := regexp.MustCompile(`cyt_[A-Za-z0-9_-]{43}`).FindString(r.body)
	if r.want(t, 200, "只显示这一次"); token == "" {
		t.Fatal(r.body)
	}
	page(t, c, s.url+"/tokens").want(t, 200, "!"+token, "市数据平台", "查看测评结果")
	bearer := func(method, path string) reply {
		t.Helper()
		return call(t, anybody(), method, s.url+path, nil, "Authorization", "Bearer "+token)
	}
	t.Run("another system does with it what it is for, and nothing else", func(t *testing.T) {
		if r := bearer("GET", "/api/v1/session"); r.status != 200 || r.field(t, "area") != apptest.Riverside {
			t.Fatal(r)
		}
		if r := bearer("GET", "/api/v1/collectors?wave="+s.Wave.ID); r.status != 200 || !strings.Contains(r.body, s.Posters[apptest.North].Code) {
			t.Fatal(r)
		}
		for _, x := range [][2]string{{"GET", "/api/v1/waves/" + s.Wave.ID + "/responses.csv"}, {"GET", "/api/v1/tokens"}, {"GET", "/api/v1/people"}, {"GET", "/api/v1/security-policy"},
			{"PUT", "/api/v1/account/password"}, {"DELETE", "/api/v1/account/sessions"}, {"GET", "/api/v1/account/sessions"}, {"GET", "/board"}, {"GET", "/account"}, {"POST", "/tokens"}} {
			if r := bearer(x[0], x[1]); r.status != http.StatusForbidden {
				t.Errorf("%s %s: %d", x[0], x[1], r.status)
			}
		}
	})
	t.Run("with a wrong token nobody falls back on a session", func(t *testing.T) {
		for _, header := range []string{"Bearer cyt_x", "bearer cyt_x", "Bearer", "Bearer "} {
			if r := call(t, c, "GET", s.url+"/api/v1/session", nil, "Authorization", header); r.status != 401 {
				t.Errorf("%q: %v", header, r)
			}
		}
	})
	t.Run("too many requests at once are put off, however the header is written", func(t *testing.T) {
		var last reply
		for i := range 300 {
			scheme := []string{"Bearer", "bearer", "BEARER"}[i%3]
			last = call(t, anybody(), "GET", s.url+"/api/v1/session", nil, "Authorization", scheme+strings.Repeat(" ", i+1)+token)
			if last.status != 200 {
				break
			}
		}
		if last.status != http.StatusTooManyRequests || last.field(t, "code") != "too_many" {
			t.Fatal(last)
		}
	})
	t.Run("revoked, it is nobody's", func(t *testing.T) {
		id := regexp.MustCompile(`/tokens/([0-9a-f-]{36})/revoke`).FindStringSubmatch(page(t, c, s.url+"/tokens").body)
		post(t, c, s.url+"/tokens/"+id[1]+"/revoke", nil).want(t, http.StatusSeeOther)
		page(t, c, s.url+"/tokens").want(t, 200, "已吊销")
		time.Sleep(100 * time.Millisecond) // the pace lets one through again
		if r := bearer("GET", "/api/v1/session"); r.status != 401 {
			t.Fatal(r)
		}
	})
	t.Run("its beginning, first use and end are in the audit trail, and it is not", func(t *testing.T) {
		for _, kind := range []string{"account.token_created", "account.token_first_used", "account.token_revoked"} {
			list := s.kindsOf(t, "ana", kind)
			if len(list) != 1 || list[0].AreaCode != apptest.Riverside || !strings.Contains(list[0].Payload, "市数据平台") || strings.Contains(list[0].Payload, token) {
				t.Errorf("%s: %+v", kind, list)
			}
		}
	})
	t.Run("programs make and revoke them, too", func(t *testing.T) {
		r := call(t, c, "POST", s.url+"/api/v1/tokens", map[string]any{"name": "x", "permissions": []string{"see_scores"}, "area": apptest.North, "days": 1})
		if r.status != 201 || !strings.HasPrefix(r.field(t, "token").(string), "cyt_") || r.field(t, "state") != "open" {
			t.Fatal(r)
		}
		id := r.field(t, "id").(string)
		if r := call(t, c, "GET", s.url+"/api/v1/tokens", nil); r.status != 200 || !strings.Contains(r.body, id) || strings.Contains(r.body, "cyt_") {
			t.Fatal(r)
		}
		if r := call(t, c, "DELETE", s.url+"/api/v1/tokens/"+id, nil); r.status != http.StatusNoContent {
			t.Fatal(r)
		}
	})
}

// TestWhereRequestsComeFrom: what a client writes into X-Forwarded-For itself
// counts for nothing.
func TestWhereRequestsComeFrom(t *testing.T) {
	w := apptest.New(t, storetest.DSN(t, "sqlite"))
	w.Person(t, "ana", "office", apptest.City)
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, proxies, header, want string
	}{
		{"without trusted proxies the connection counts", "", "203.0.113.9", "127.0.0.1"},
		{"a connection that is no proxy's is believed nothing", "10.0.0.0/8", "203.0.113.9", "127.0.0.1"},
		{"a proxy says who came", "127.0.0.1/32", "203.0.113.9", "203.0.113.9"},
		{"what the client wrote stands before what the proxy wrote", "127.0.0.1/32", "198.51.100.1, 203.0.113.9", "203.0.113.9"},
		{"proxies behind each other are passed over", "127.0.0.1/32,10.0.0.0/8", "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"},
		{"what is no address ends it", "127.0.0.1/32,10.0.0.0/8", "203.0.113.9, <script>, 10.1.2.3", "10.1.2.3"},
		{"a proxy that says nothing is who came", "127.0.0.1/32", "", "127.0.0.1"},
		{"an IPv4 address in IPv6 is itself", "127.0.0.1/32", "::ffff:203.0.113.9", "203.0.113.9"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var proxies []netip.Prefix
			for _, p := range strings.FieldsFunc(x.proxies, func(r rune) bool { return r == ',' }) {
				proxies = append(proxies, netip.MustParsePrefix(p))
			}
			server := httptest.NewServer(api.New(api.Deps{App: w.App, Static: st, PublicURL: "http://survey.example", Version: "test", Log: slog.New(slog.DiscardHandler), Proxies: proxies}).Handler())
			defer server.Close()
			var headers []string
			if x.header != "" {
				headers = []string{"X-Forwarded-For", x.header}
			}
			if r := call(t, anybody(), "POST", server.URL+"/api/v1/session", map[string]string{"login": "ana", "password": apptest.Password}, headers...); r.status != 200 {
				t.Fatal(r)
			}
			var got string
			if err := w.DB.Read(t.Context()).Table("events").Where("kind = ?", "account.signed_in").Order("seq DESC").Limit(1).Pluck("source", &got).Error; err != nil || got != x.want {
				t.Errorf("%s, want %s: %v", got, x.want, err)
			}
		})
	}
}

func TestCookiesByHTTPS(t *testing.T) {
	w := apptest.New(t, storetest.DSN(t, "sqlite"))
	w.Person(t, "ana", "office", apptest.City)
	st, err := static.New(false)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.New(api.Deps{App: w.App, Static: st, PublicURL: "https://survey.example", Version: "test", Log: slog.New(slog.DiscardHandler)}).Handler())
	defer server.Close()
	r := call(t, anybody(), "POST", server.URL+"/api/v1/session", map[string]string{"login": "ana", "password": apptest.Password})
	var names []string
	session := ""
	for _, k := range r.header.Values("Set-Cookie") {
		name, rest, _ := strings.Cut(k, "=")
		names = append(names, name)
		for _, part := range []string{"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(rest, part) {
				t.Errorf("%s without %s", k, part)
			}
		}
		if strings.Contains(rest, "Domain") {
			t.Error(k)
		}
		if name == "__Host-chengyin_session" {
			session, _, _ = strings.Cut(rest, ";")
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"__Host-chengyin_device", "__Host-chengyin_session"}) {
		t.Fatal(names)
	}
	if r := call(t, anybody(), "GET", server.URL+"/api/v1/session", nil, "Cookie", "__Host-chengyin_session="+session); r.status != 200 {
		t.Error(r)
	}
	if r := call(t, anybody(), "GET", server.URL+"/api/v1/session", nil, "Cookie", "chengyin_session="+session); r.status != 401 {
		t.Error("a cookie that plain http could have set counts: ", r)
	}
	t.Run("residents' pages read none of the office's cookies", func(t *testing.T) {
		path := server.URL + "/q/" + w.Posters[apptest.North].Code
		r := call(t, anybody(), "GET", path, nil, "Accept", html, "Accept-Language", "zh-CN", "Cookie", "chengyin_lang=en; __Host-chengyin_session="+session)
		r.want(t, 200, `<html lang="zh-CN"`)
		if len(r.header.Values("Set-Cookie")) != 0 {
			t.Error(r.header)
		}
		missing := call(t, anybody(), "GET", server.URL+"/q/00000000", nil, "Accept", html, "Cookie", "__Host-chengyin_session="+session)
		missing.want(t, 404, "!ana", "!/signout")
	})
}
