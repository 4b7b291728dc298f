package api_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chengyin/api"
	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/apptest"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// cookie returns the value of a cookie that a reply sets, "" when it sets none.
func (r reply) cookie(name string) string {
	for _, k := range r.header.Values("Set-Cookie") {
		if rest, ok := strings.CutPrefix(k, name+"="); ok {
			value, _, _ := strings.Cut(rest, ";")
			return value
		}
	}
	return ""
}

// TestPlantedSessions: whoever can put a cookie into a browser before its owner
// signs in knows nothing of the session afterwards.
func TestPlantedSessions(t *testing.T) {
	s := newSite(t)
	s.Person(t, "ana", "office", apptest.City)
	s.Person(t, "attacker", "viewer", apptest.North)
	in := func(login string) map[string]string {
		return map[string]string{"login": login, "password": apptest.Password}
	}
	own := call(t, anybody(), "POST", s.url+"/api/v1/session", in("attacker")).cookie("chengyin_session")
	seen := []string{own}
	for name, planted := range map[string]string{"a made-up token": strings.Repeat("A", 43), "a session of the attacker's": own, "nonsense": "%00"} {
		for way, signIn := range map[string]func() reply{
			"by form": func() reply {
				return call(t, anybody(), "POST", s.url+"/signin", url.Values{"login": {"ana"}, "password": {apptest.Password}}.Encode(),
					"Accept", html, "Content-Type", "application/x-www-form-urlencoded", "Cookie", "chengyin_session="+planted)
			},
			"by program": func() reply {
				return call(t, anybody(), "POST", s.url+"/api/v1/session", in("ana"), "Cookie", "chengyin_session="+planted)
			},
		} {
			t.Run(name+" is not adopted "+way, func(t *testing.T) {
				r := signIn()
				token := r.cookie("chengyin_session")
				if len(token) != 43 || slices.Contains(seen, token) || token == planted {
					t.Fatalf("token %q: %+v", token, r)
				}
				seen = append(seen, token)
				if r := call(t, anybody(), "GET", s.url+"/api/v1/session", nil, "Cookie", "chengyin_session="+planted); r.status != http.StatusUnauthorized {
					t.Error("the planted one counts: ", r)
				}
				if r := call(t, anybody(), "GET", s.url+"/api/v1/session", nil, "Cookie", "chengyin_session="+token); r.status != 200 || r.field(t, "login") != "ana" {
					t.Error(r)
				}
			})
		}
	}
}

// TestAnswersDoNotTellWhoExists compares all of the answer, its headers too.
func TestAnswersDoNotTellWhoExists(t *testing.T) {
	s := newSite(t)
	for _, login := range []string{"ana", "gone", "coded"} {
		s.Person(t, login, "office", apptest.City)
	}
	s.enrolled(t, "coded")
	if err := s.Accounts.Disable(t.Context(), s.Person(t, "sys", "sysadmin", apptest.City), s.accountID(t, "gone")); err != nil {
		t.Fatal(err)
	}
	changing := regexp.MustCompile(`"request_id":"[^"]*"|value="[a-z]*" autocomplete="username"`)
	answer := func(asForm bool, login, password string) string {
		var r reply
		if asForm {
			r = post(t, anybody(), s.url+"/signin", url.Values{"login": {login}, "password": {password}})
		} else {
			r = call(t, anybody(), "POST", s.url+"/api/v1/session", map[string]string{"login": login, "password": password})
		}
		for _, name := range []string{"X-Request-Id", "Date", "Content-Length"} { // the login stands in the form again
			r.header.Del(name)
		}
		var headers []string
		for name, values := range r.header {
			headers = append(headers, fmt.Sprint(name, values))
		}
		slices.Sort(headers)
		return fmt.Sprint(r.status, headers, changing.ReplaceAllString(r.body, ""))
	}
	for _, asForm := range []bool{true, false} {
		want := answer(asForm, "ana", "wrong")
		if !strings.HasPrefix(want, "401 ") {
			t.Fatal(want)
		}
		for login, password := range map[string]string{"nobody": "wrong", "gone": apptest.Password, "coded": "wrong"} {
			if got := answer(asForm, login, password); got != want {
				t.Errorf("form %v: %s gets\n%s\nwant\n%s", asForm, login, got, want)
			}
		}
	}
}

// enrolled gives a person a second factor and returns its secret. The code of now
// is used up.
func (s *site) enrolled(t *testing.T, login string) (secret string) {
	t.Helper()
	who := survey.Actor{Account: s.accountID(t, login), Login: login}
	e, err := s.Accounts.Enrol(t.Context(), who)
	if err == nil {
		_, err = s.Accounts.ConfirmTOTP(t.Context(), who, s.code(t, e.Secret))
	}
	if err != nil {
		t.Fatal(err)
	}
	return e.Secret
}

// TestAttackersDoNotLockOfficersOut: locks hold where the guesses come from, and a
// proxy that is trusted tells where that is.
func TestAttackersDoNotLockOfficersOut(t *testing.T) {
	s := servingWith(t, apptest.New(t, storetest.DSN(t, "sqlite")), func(d *api.Deps) { d.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	s.Person(t, "ana", "office", apptest.City)
	s.rules(t, func(p *account.Policy) { p.Failures = 3 })
	try := func(c *http.Client, from, password string) reply {
		t.Helper()
		return call(t, c, "POST", s.url+"/api/v1/session", map[string]string{"login": "ana", "password": password}, "X-Forwarded-For", from)
	}
	const attacker, office = "198.51.100.7", "203.0.113.9"
	browser := newBrowser(t)
	if r := try(browser, office, apptest.Password); r.status != 200 {
		t.Fatal(r)
	}
	for range 3 {
		if r := try(anybody(), attacker, "wrong"); r.status != http.StatusUnauthorized {
			t.Fatal(r)
		}
	}
	if r := try(anybody(), attacker, apptest.Password); r.status != http.StatusTooManyRequests || r.field(t, "code") != "sign_in_locked" {
		t.Fatal(r)
	}
	if r := try(anybody(), "192.0.2.1, "+attacker, apptest.Password); r.status != http.StatusTooManyRequests {
		t.Error("who writes into X-Forwarded-For is another: ", r)
	}
	if r := try(anybody(), office, apptest.Password); r.status != 200 {
		t.Error("the officer elsewhere is locked out: ", r)
	}
	t.Run("many addresses together are bounded, too", func(t *testing.T) {
		judged := 3
		for i := range 100 {
			r := try(anybody(), fmt.Sprintf("192.0.2.%d", i+1), "wrong")
			if r.status == http.StatusTooManyRequests {
				break
			}
			judged++
		}
		if judged != 60 {
			t.Errorf("%d guesses were judged, want 60", judged)
		}
		if r := try(anybody(), "192.0.2.200", apptest.Password); r.status != http.StatusTooManyRequests {
			t.Error(r)
		}
		if r := try(anybody(), office, apptest.Password); r.status != 200 {
			t.Error("the officer at their own place: ", r)
		}
		if r := try(browser, "192.0.2.201", apptest.Password); r.status != 200 {
			t.Error("the officer's own browser at a new place: ", r)
		}
	})
}

func TestSessionsEndByTheRules(t *testing.T) {
	s := newSite(t)
	s.rules(t, func(p *account.Policy) { p.IdleMinutes, p.AbsoluteHours = 10, 1 })
	asks := func(c *http.Client) int { return call(t, c, "GET", s.url+"/api/v1/session", nil).status }
	ana := s.as(t, "ana", "office", apptest.City)
	s.Advance(9 * time.Minute)
	if got := asks(ana); got != 200 {
		t.Fatal(got)
	}
	s.Advance(10*time.Minute + time.Second)
	if got := asks(ana); got != http.StatusUnauthorized {
		t.Error("after ten minutes without use: ", got)
	}
	if r := page(t, ana, s.url+"/board?area="+apptest.North); r.header.Get("Location") != "/signin?next="+url.QueryEscape("/board?area="+apptest.North) {
		t.Error(r.header)
	}
	bo := s.as(t, "bo", "office", apptest.City)
	for range 7 {
		if got := asks(bo); got != 200 {
			t.Fatal(got)
		}
		s.Advance(8 * time.Minute)
	}
	if got := asks(bo); got != 200 { // 56 minutes
		t.Fatal(got)
	}
	s.Advance(5 * time.Minute)
	if got := asks(bo); got != http.StatusUnauthorized {
		t.Error("after an hour of use: ", got)
	}
}

// TestPowerEndsInFlight: who is signed in while a grant ends can do nothing with
// it from the next request on.
func TestPowerEndsInFlight(t *testing.T) {
	s := newSite(t)
	list := "/api/v1/collectors?wave=" + s.Wave.ID
	t.Run("a grant that is ended by an administrator ends the sessions, too", func(t *testing.T) {
		ana := s.as(t, "ana", "office", apptest.North)
		if r := call(t, ana, "GET", s.url+list, nil); r.status != 200 {
			t.Fatal(r)
		}
		var grant string
		if err := s.DB.Read(t.Context()).Table("grants").Where("account_id = ?", s.accountID(t, "ana")).Pluck("id", &grant).Error; err != nil {
			t.Fatal(err)
		}
		if err := s.Accounts.End(t.Context(), survey.As("sec", "secadmin", apptest.City), grant); err != nil {
			t.Fatal(err)
		}
		if r := call(t, ana, "GET", s.url+list, nil); r.status != http.StatusUnauthorized {
			t.Error(r)
		}
	})
	t.Run("a session that goes on has no power that was taken, and a token of its owner neither", func(t *testing.T) {
		bo := s.as(t, "bo", "office", apptest.City)
		r := call(t, bo, "POST", s.url+"/api/v1/tokens", map[string]any{"name": "x", "permissions": []string{"see_scores"}, "area": apptest.North, "days": 1})
		token := "Bearer " + r.field(t, "token").(string)
		asks := func(want int) {
			t.Helper()
			if r := call(t, bo, "GET", s.url+list, nil); r.status != want {
				t.Error("the session: ", r)
			}
			if r := call(t, anybody(), "GET", s.url+list, nil, "Authorization", token); r.status != want {
				t.Error("the token: ", r)
			}
		}
		asks(200)
		if err := s.DB.InTx(t.Context(), func(tx *store.Tx) error {
			return tx.Table("grants").Where("account_id = ?", s.accountID(t, "bo")).Update("ended_at", tx.Now).Error
		}); err != nil {
			t.Fatal(err)
		}
		asks(http.StatusForbidden)
	})
}

// TestRulesOfAllPlaces: the rules of signing in hold everywhere, so that who keeps
// one city reads them only.
func TestRulesOfAllPlaces(t *testing.T) {
	s := newSite(t)
	c := s.as(t, "sec", "secadmin", apptest.City)
	page(t, c, s.url+"/security").want(t, 200, "由管辖全部地区的安全管理员修改", `name="failures"`, "!"+`<button type="submit">保存`)
	before, err := s.Accounts.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for _, l := range account.Limits {
		form.Set(l.Name, "12")
	}
	form.Set("password_classes", "3")
	form.Set("failures", "4")
	post(t, c, s.url+"/security", form).want(t, http.StatusForbidden)
	r := call(t, c, "GET", s.url+"/api/v1/security-policy", nil)
	if r = call(t, c, "PUT", s.url+"/api/v1/security-policy", r.body); r.status != http.StatusForbidden {
		t.Error(r)
	}
	if now, err := s.Accounts.Policy(t.Context()); err != nil || now != before {
		t.Errorf("%+v %v", now, err)
	}
	ana := s.as(t, "ana", "office", apptest.City)
	page(t, ana, s.url+"/security").want(t, http.StatusForbidden)
}

func TestASecondFactorIsDropped(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	secret := s.enrolled(t, "ana")
	page(t, ana, s.url+"/account").want(t, 200, `formaction="/account/totp/drop"`, "还剩 10 个恢复码", "!"+`class="qr"`)
	post(t, ana, s.url+"/account/totp", url.Values{"code": {"000000"}}).want(t, http.StatusConflict, "已经启用动态验证码")
	post(t, ana, s.url+"/account/totp/drop", url.Values{"code": {s.code(t, secret)}}).want(t, 422, "验证码不对") // used up
	s.Advance(time.Minute)
	post(t, ana, s.url+"/account/totp/drop", url.Values{"code": {s.code(t, secret)}}).want(t, http.StatusSeeOther)
	page(t, ana, s.url+"/account").want(t, 200, `action="/account/totp"`, "!"+secret[:4]+" "+secret[4:8])
	post(t, newBrowser(t), s.url+"/signin", url.Values{"login": {"ana"}, "password": {apptest.Password}}).want(t, http.StatusSeeOther)
	if len(s.kindsOf(t, "ana", "account.totp_dropped")) != 1 {
		t.Error("it is not noted")
	}
}

func TestPasswordRulesInWords(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	other := newBrowser(t)
	post(t, other, s.url+"/signin", url.Values{"login": {"ana"}, "password": {apptest.Password}}).want(t, http.StatusSeeOther)
	change := func(lang, old, password string) reply {
		t.Helper()
		form := url.Values{"old": {old}, "password": {password}, "again": {password}}
		return post(t, ana, s.url+"/account/password?lang="+lang, form)
	}
	page(t, ana, s.url+"/account").want(t, 200, "至少 8 个字符", "至少 3 类", "最近 3 次")
	for _, x := range []struct{ password, zh, en string }{
		{"Ab1!", "至少", "8"},
		{"abcdefgh", "小写字母、大写字母、数字、符号中至少要有 3 类", "at least 3 of: small letters"},
		{"Ana-Office-1", "不能含有登录名", "must not contain the login name"},
		{"P@ssw0rd1", "太常见", "too common"},
		{apptest.Password, "最近用过", "used lately"},
	} {
		change("zh", apptest.Password, x.password).want(t, 422, `role="alert"`, x.zh)
		change("en", apptest.Password, x.password).want(t, 422, `role="alert"`, x.en)
	}
	change("zh", apptest.Password, "Battery-Staple-2").want(t, http.StatusSeeOther)
	change("zh", "Battery-Staple-2", apptest.Password).want(t, 422, "最近用过")
	if r := call(t, other, "GET", s.url+"/api/v1/session", nil); r.status != http.StatusUnauthorized {
		t.Error("the other session goes on: ", r)
	}
	page(t, ana, s.url+"/account").want(t, 200)
}

func TestOneOfOnesSessionsIsEnded(t *testing.T) {
	s := newSite(t)
	ana, bo, other := s.as(t, "ana", "office", apptest.City), s.as(t, "bo", "office", apptest.City), newBrowser(t)
	if r := call(t, other, "POST", s.url+"/api/v1/session", map[string]string{"login": "ana", "password": apptest.Password}, "User-Agent", "Mozilla/5.0 (X11; Linux) Firefox/140.0"); r.status != 200 {
		t.Fatal(r)
	}
	id := ""
	for _, x := range call(t, ana, "GET", s.url+"/api/v1/account/sessions", nil).field(t, "sessions").([]any) {
		if m := x.(map[string]any); m["agent"] == "Firefox, Linux" && m["this"] == false {
			id = m["id"].(string)
		}
	}
	if id == "" {
		t.Fatal("the other session is not listed")
	}
	form := url.Values{"session": {id}}
	post(t, bo, s.url+"/account/sessions/revoke", form).want(t, http.StatusNotFound)
	if r := call(t, other, "GET", s.url+"/api/v1/session", nil); r.status != 200 {
		t.Error("somebody else has ended it: ", r)
	}
	if r := post(t, ana, s.url+"/account/sessions/revoke", form); r.status != http.StatusSeeOther || r.header.Get("Location") != "/account#sessions" {
		t.Error(r)
	}
	if r := call(t, other, "GET", s.url+"/api/v1/session", nil); r.status != http.StatusUnauthorized {
		t.Error("it goes on: ", r)
	}
	page(t, ana, s.url+"/account").want(t, 200, "!Firefox")
}
