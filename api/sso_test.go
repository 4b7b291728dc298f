package api_test

import (
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"chengyin/api"
	"chengyin/static"
	"chengyin/survey/apptest"
	"chengyin/survey/store/storetest"
)

// provider is a single sign-on of a city that signs what the test tells it.
type provider struct {
	*httptest.Server
	key     *rsa.PrivateKey
	subject string
	login   string
	spoil   func(claims map[string]any) // changes the statement before it is signed
	forged  bool                        // signs with a key that nobody published
	alg     string                      // "": RS256, as it should be
	silent  bool                        // gives no statement
	down    bool                        // answers nothing
	asked   int                         // how often it was asked for its addresses
	nonce   string                      // of the last journey
	proof   string                      // its code challenge
	code    string                      // that it waits for; each counts once
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newProvider(t *testing.T, w *apptest.World) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key, subject: "person-1", login: "ana"}
	answer := func(rw http.ResponseWriter, v any) {
		rw.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(rw).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(rw http.ResponseWriter, r *http.Request) {
		if p.asked++; p.down {
			http.Error(rw, "out of order", http.StatusServiceUnavailable)
			return
		}
		answer(rw, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(rw http.ResponseWriter, r *http.Request) {
		answer(rw, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", func(rw http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if id != "chengyin" || secret != "told-nobody" || p.code == "" || r.FormValue("code") != p.code || b64(sum[:]) != p.proof || r.FormValue("redirect_uri") != "http://survey.example/signin/sso/back" {
			http.Error(rw, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		p.code = ""
		if p.silent {
			answer(rw, map[string]any{"access_token": "x", "token_type": "Bearer"})
			return
		}
		now := w.Clock()
		claims := map[string]any{"iss": p.URL, "aud": "chengyin", "sub": p.subject, "preferred_username": p.login, "nonce": p.nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
		if p.spoil != nil {
			p.spoil(claims)
		}
		answer(rw, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": p.sign(t, claims)})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// sign returns the claims as a signed statement.
func (p *provider) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	alg := cmp.Or(p.alg, "RS256")
	text := b64([]byte(`{"alg":"`+alg+`","kid":"1"}`)) + "." + b64(body)
	switch alg {
	case "none":
		return text + "."
	case "HS256": // with what a client that believes the header would take for the key
		m := hmac.New(sha256.New, []byte("told-nobody"))
		m.Write([]byte(text))
		return text + "." + b64(m.Sum(nil))
	}
	key := p.key
	if p.forged {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64(signature)
}

func TestSingleSignOn(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			p := newProvider(t, w)
			st, err := static.New(false)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(api.New(api.Deps{App: w.App, Static: st, PublicURL: "http://survey.example", Version: "test", Log: slog.New(slog.DiscardHandler),
				SSO: api.SSO{Issuer: p.URL, ClientID: "chengyin", ClientSecret: "told-nobody"}}).Handler())
			t.Cleanup(server.Close)
			ana := w.Person(t, "ana", "office", apptest.City)
			w.Person(t, "gone", "office", apptest.City)

			// journey goes to the provider and comes back with what change makes of it.
			journey := func(t *testing.T, change func(back url.Values)) (reply, *http.Client) {
				t.Helper()
				jar, err := cookiejar.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				c := anybody()
				c.Jar = jar
				r := page(t, c, server.URL+"/signin/sso?next=/areas")
				to, err := url.Parse(r.header.Get("Location"))
				if r.status != http.StatusSeeOther || err != nil || !strings.HasPrefix(to.String(), p.URL+"/authorize?") {
					t.Fatal(r, err)
				}
				q := to.Query()
				if q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" || len(q.Get("state")) < 32 || len(q.Get("nonce")) < 32 || strings.Contains(to.String(), "told") {
					t.Fatal(to)
				}
				p.nonce, p.proof, p.code = q.Get("nonce"), q.Get("code_challenge"), rand.Text()
				back := url.Values{"state": {q.Get("state")}, "code": {p.code}}
				if change != nil {
					change(back)
				}
				return page(t, c, server.URL+"/signin/sso/back?"+back.Encode()), c
			}

			t.Run("the sign-in page offers it, and a person whom the provider knows is signed in", func(t *testing.T) {
				page(t, anybody(), server.URL+"/signin").want(t, 200, `href="/signin/sso?next=`, "统一身份认证")
				r, c := journey(t, nil)
				if r.status != http.StatusSeeOther || r.header.Get("Location") != "/areas" {
					t.Fatal(r)
				}
				page(t, c, server.URL+"/areas").want(t, 200)
				who := call(t, c, "GET", server.URL+"/api/v1/session", nil)
				if who.field(t, "login") != "ana" || who.field(t, "role") != "office" {
					t.Fatal(who.body)
				}
			})
			t.Run("the link to the subject counts, whatever the provider calls the person later", func(t *testing.T) {
				p.login = "gone"
				defer func() { p.login = "ana" }()
				_, c := journey(t, nil)
				if who := call(t, c, "GET", server.URL+"/api/v1/session", nil); who.field(t, "login") != "ana" {
					t.Fatal(who.body)
				}
			})
			refused := func(t *testing.T, change func(url.Values)) {
				t.Helper()
				r, c := journey(t, change)
				r.want(t, http.StatusUnauthorized, `role="alert"`)
				for _, k := range r.header.Values("Set-Cookie") {
					if strings.HasPrefix(k, "chengyin_session=") {
						t.Error(k)
					}
				}
				if again := call(t, c, "GET", server.URL+"/api/v1/session", nil); again.status != http.StatusUnauthorized {
					t.Error("signed in: ", again.body)
				}
			}
			for name, change := range map[string]func(url.Values){
				"another state":                func(v url.Values) { v.Set("state", strings.Repeat("A", 32)) },
				"no state":                     func(v url.Values) { v.Del("state") },
				"another code":                 func(v url.Values) { v.Set("code", "a code of somebody else") },
				"only an error":                func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") },
				"the proof of another browser": func(url.Values) { p.proof = b64(make([]byte, 32)) },
				"eleven minutes on the way":    func(url.Values) { w.Advance(11 * time.Minute) },
			} {
				t.Run(name+" opens nothing", func(t *testing.T) { refused(t, change) })
			}
			for name, spoil := range map[string]func(map[string]any){
				"another nonce":             func(c map[string]any) { c["nonce"] = strings.Repeat("A", 32) },
				"no nonce":                  func(c map[string]any) { delete(c, "nonce") },
				"another audience":          func(c map[string]any) { c["aud"] = "another program" },
				"another issuer":            func(c map[string]any) { c["iss"] = "https://id.example" },
				"an expired statement":      func(c map[string]any) { c["exp"] = w.Clock().Add(-time.Minute).Unix() },
				"a person unknown here":     func(c map[string]any) { c["sub"], c["preferred_username"] = "person-2", "nobody" },
				"a person without a name":   func(c map[string]any) { c["sub"] = "person-2"; delete(c, "preferred_username") },
				"a name that another holds": func(c map[string]any) { c["sub"] = "person-2" },
			} {
				t.Run(name+" opens nothing", func(t *testing.T) {
					p.spoil = spoil
					defer func() { p.spoil = nil }()
					refused(t, nil)
				})
			}
			t.Run("a statement that somebody else has signed opens nothing", func(t *testing.T) {
				p.forged = true
				defer func() { p.forged = false }()
				refused(t, nil)
			})
			for _, alg := range []string{"none", "HS256"} {
				t.Run("a statement with the algorithm "+alg+" opens nothing", func(t *testing.T) {
					p.alg = alg
					defer func() { p.alg = "" }()
					refused(t, nil)
				})
			}
			t.Run("no statement at all opens nothing", func(t *testing.T) {
				p.silent = true
				defer func() { p.silent = false }()
				refused(t, nil)
			})
			t.Run("the same way back a second time opens nothing, not even with the cookie kept", func(t *testing.T) {
				var again url.Values
				_, c := journey(t, func(v url.Values) { again = v })
				if who := call(t, c, "GET", server.URL+"/api/v1/session", nil); who.status != 200 {
					t.Fatal(who)
				}
				page(t, c, server.URL+"/signin/sso/back?"+again.Encode()).want(t, http.StatusUnauthorized, "统一身份认证没有完成")
				r := page(t, anybody(), server.URL+"/signin/sso?next=/areas")
				sealed := "chengyin_sso=" + r.cookie("chengyin_sso")
				q := mustURL(t, r.header.Get("Location")).Query()
				p.nonce, p.proof, p.code = q.Get("nonce"), q.Get("code_challenge"), rand.Text()
				back := server.URL + "/signin/sso/back?" + url.Values{"state": {q.Get("state")}, "code": {p.code}}.Encode()
				page(t, anybody(), back, "Cookie", sealed).want(t, http.StatusSeeOther)
				page(t, anybody(), back, "Cookie", sealed).want(t, http.StatusUnauthorized, "统一身份认证没有完成", "!chengyin_session")
			})
			t.Run("a second factor is asked for here, too", func(t *testing.T) {
				w.Person(t, "coded", "office", apptest.City)
				s := &site{World: w, url: server.URL}
				secret := s.enrolled(t, "coded")
				w.Advance(time.Minute)
				p.subject, p.login = "person-9", "coded"
				defer func() { p.subject, p.login = "person-1", "ana" }()
				r, c := journey(t, nil)
				r.want(t, 200, `action="/signin/code"`, `value="/areas"`)
				if r := call(t, c, "GET", server.URL+"/api/v1/session", nil); r.status != http.StatusUnauthorized {
					t.Fatal(r)
				}
				r = post(t, c, server.URL+"/signin/code", url.Values{"code": {s.code(t, secret)}, "next": {"/areas"}})
				if r.status != http.StatusSeeOther || r.header.Get("Location") != "/areas" {
					t.Fatal(r)
				}
				if r := call(t, c, "GET", server.URL+"/api/v1/session", nil); r.field(t, "login") != "coded" {
					t.Fatal(r)
				}
			})
			t.Run("who comes back without having gone opens nothing", func(t *testing.T) {
				page(t, anybody(), server.URL+"/signin/sso/back?state=&code=x").want(t, http.StatusUnauthorized, `role="alert"`)
			})
			t.Run("a disabled account stays closed and is not linked", func(t *testing.T) {
				gone := ""
				if err := w.DB.Read(t.Context()).Table("accounts").Where("login = ?", "gone").Pluck("id", &gone).Error; err != nil {
					t.Fatal(err)
				}
				sys := w.Person(t, "sys", "sysadmin", apptest.City)
				if err := w.Accounts.Disable(t.Context(), sys, gone); err != nil {
					t.Fatal(err)
				}
				p.spoil = func(c map[string]any) { c["sub"], c["preferred_username"] = "person-3", "gone" }
				refused(t, nil)
				if err := w.Accounts.Disable(t.Context(), sys, ana.Account); err != nil {
					t.Fatal(err)
				}
				p.spoil = nil
				refused(t, nil)
				var links int64
				if err := w.DB.Read(t.Context()).Table("identities").Count(&links).Error; err != nil || links != 2 { // ana and coded
					t.Fatal(links, err)
				}
			})
			t.Run("it makes no accounts and no grants", func(t *testing.T) {
				var accounts, grants int64
				r := w.DB.Read(t.Context())
				if err := r.Table("accounts").Count(&accounts).Error; err != nil || accounts != 4 {
					t.Error(accounts, err)
				}
				if err := r.Table("grants").Count(&grants).Error; err != nil || grants != 4 {
					t.Error(grants, err)
				}
			})
		})
	}
	t.Run("without a setting there is none", func(t *testing.T) {
		s := newSite(t)
		page(t, anybody(), s.url+"/signin").want(t, 200, "!/signin/sso")
		page(t, anybody(), s.url+"/signin/sso").want(t, 404)
		page(t, anybody(), s.url+"/signin/sso/back").want(t, 404)
	})
}

// TestProviderThatIsDown: people are told so on the page where they can sign in
// with a password, and do not wait for each other's attempts.
func TestProviderThatIsDown(t *testing.T) {
	w := apptest.New(t, storetest.DSN(t, "sqlite"))
	p := newProvider(t, w)
	p.down = true
	s := servingWith(t, w, func(d *api.Deps) { d.SSO = api.SSO{Issuer: p.URL, ClientID: "chengyin", ClientSecret: "told-nobody"} })
	for range 3 {
		page(t, anybody(), s.url+"/signin/sso?next=/areas").want(t, http.StatusUnauthorized, `role="alert"`, "统一身份认证暂时连不上", `name="password"`, `name="next" value="/areas"`)
	}
	page(t, anybody(), s.url+"/signin/sso?lang=en").want(t, http.StatusUnauthorized, "cannot be reached")
	if p.asked != 1 {
		t.Errorf("asked %d times within the pause", p.asked)
	}
	if said := s.log.String(); !strings.Contains(said, "single sign-on") || !strings.Contains(said, "503") || strings.Contains(said, "told-nobody") {
		t.Error(said)
	}
	p.down = false
	w.Advance(6 * time.Second)
	r := page(t, anybody(), s.url+"/signin/sso?next=/areas")
	if r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), p.URL) {
		t.Error("the provider is back: ", r)
	}
	p.Close()
	back := mustURL(t, r.header.Get("Location")).Query()
	page(t, anybody(), s.url+"/signin/sso/back?code=x&state="+back.Get("state"), "Cookie", "chengyin_sso="+r.cookie("chengyin_sso")).want(t, http.StatusUnauthorized, `role="alert"`, `name="next" value="/areas"`)
}
