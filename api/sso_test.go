package api_test

import (
	"crypto"
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
	nonce   string                      // of the last journey
	proof   string                      // its code challenge
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
		answer(rw, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(rw http.ResponseWriter, r *http.Request) {
		answer(rw, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", func(rw http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if id != "chengyin" || secret != "told-nobody" || r.FormValue("code") != "the code" || b64(sum[:]) != p.proof || r.FormValue("redirect_uri") != "http://survey.example/signin/sso/back" {
			http.Error(rw, `{"error":"invalid_grant"}`, http.StatusBadRequest)
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
	text := b64([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + b64(body)
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
				p.nonce, p.proof = q.Get("nonce"), q.Get("code_challenge")
				back := url.Values{"state": {q.Get("state")}, "code": {"the code"}}
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
				"another state": func(v url.Values) { v.Set("state", strings.Repeat("A", 32)) },
				"no state":      func(v url.Values) { v.Del("state") },
				"another code":  func(v url.Values) { v.Set("code", "a code of somebody else") },
				"only an error": func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") },
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
			t.Run("who comes back without having gone opens nothing", func(t *testing.T) {
				page(t, anybody(), server.URL+"/signin/sso/back?state=&code=the+code").want(t, http.StatusUnauthorized, `role="alert"`)
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
				if err := w.DB.Read(t.Context()).Table("identities").Count(&links).Error; err != nil || links != 1 {
					t.Fatal(links, err)
				}
			})
			t.Run("it makes no accounts and no grants", func(t *testing.T) {
				var accounts, grants int64
				r := w.DB.Read(t.Context())
				if err := r.Table("accounts").Count(&accounts).Error; err != nil || accounts != 3 {
					t.Error(accounts, err)
				}
				if err := r.Table("grants").Count(&grants).Error; err != nil || grants != 3 {
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
