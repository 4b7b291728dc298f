// Package config reads the settings: command-line flags over environment over a
// file over defaults. Only main reads it; the others are given plain values.
package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
)

// Config is every setting.
type Config struct {
	Database     string `yaml:"database"`      // sqlite:PATH or mysql://USER:PASS@HOST:PORT/NAME
	Listen       string `yaml:"listen"`        // HOST:PORT
	PublicURL    string `yaml:"public_url"`    // what posters and links begin with
	Secret       string `yaml:"secret"`        // keys codes, tickets and receipts; several with commas, the newest first
	SecretFile   string `yaml:"secret_file"`   // where the secret is kept when it is not set
	DemoPassword string `yaml:"demo_password"` // of all demo sign-ins
	// Whose X-Forwarded-For is believed: addresses and networks, with commas.
	TrustedProxies string `yaml:"trusted_proxies"`
	// The city's single sign-on, an OpenID provider; without an issuer there is none.
	OIDCIssuer       string `yaml:"oidc_issuer"`
	OIDCClientID     string `yaml:"oidc_client_id"`
	OIDCClientSecret string `yaml:"oidc_client_secret"`
	OIDCLoginClaim   string `yaml:"oidc_login_claim"` // that holds the login name
	Dev              bool   `yaml:"dev"`              // read templates and scripts from the folder static
}

// Default returns the settings of a program that was told nothing.
func Default() Config {
	return Config{
		Database: "sqlite:data/chengyin.db",
		Listen:   "127.0.0.1:8080",

		OIDCLoginClaim: "preferred_username",
	}
}

// option is one setting: its names on every level and how to set it.
type option struct {
	flag, env, usage string
	secret           bool
	value            func(*Config) *string
}

var options = []option{
	{"database", "CHENGYIN_DATABASE", "`address` of the database: sqlite:PATH or mysql://USER:PASS@HOST:PORT/NAME", false, func(c *Config) *string { return &c.Database }},
	{"listen", "CHENGYIN_LISTEN", "`host:port` to listen on", false, func(c *Config) *string { return &c.Listen }},
	{"public-url", "CHENGYIN_PUBLIC_URL", "`URL` that residents reach the server by", false, func(c *Config) *string { return &c.PublicURL }},
	{"", "CHENGYIN_SECRET", "", true, func(c *Config) *string { return &c.Secret }},
	{"secret-file", "CHENGYIN_SECRET_FILE", "`file` that keeps a generated secret", false, func(c *Config) *string { return &c.SecretFile }},
	{"", "CHENGYIN_DEMO_PASSWORD", "", true, func(c *Config) *string { return &c.DemoPassword }},
	{"trusted-proxies", "CHENGYIN_TRUSTED_PROXIES", "`addresses` of proxies whose X-Forwarded-For is believed, with commas", false, func(c *Config) *string { return &c.TrustedProxies }},
	{"oidc-issuer", "CHENGYIN_OIDC_ISSUER", "`URL` of the single sign-on (OpenID Connect)", false, func(c *Config) *string { return &c.OIDCIssuer }},
	{"oidc-client-id", "CHENGYIN_OIDC_CLIENT_ID", "`name` that the single sign-on knows this program by", false, func(c *Config) *string { return &c.OIDCClientID }},
	{"", "CHENGYIN_OIDC_CLIENT_SECRET", "", true, func(c *Config) *string { return &c.OIDCClientSecret }},
	{"oidc-login-claim", "CHENGYIN_OIDC_LOGIN_CLAIM", "`claim` of the single sign-on that holds the login name", false, func(c *Config) *string { return &c.OIDCLoginClaim }},
}

// Bind adds the settings' flags to a flag set. Call Load after it was parsed.
func Bind(f *flag.FlagSet) *Flags {
	b := &Flags{set: f, values: map[string]*string{}}
	f.StringVar(&b.file, "config", "", "YAML `file` with settings")
	f.BoolVar(&b.dev, "dev", false, "read templates and scripts from the folder static, for work on them")
	for _, o := range options {
		if o.flag != "" {
			b.values[o.flag] = f.String(o.flag, "", o.usage+" ("+o.env+")")
		}
	}
	return b
}

// Flags are settings on the command line.
type Flags struct {
	set    *flag.FlagSet
	file   string
	dev    bool
	values map[string]*string
}

// Load puts the settings together and checks them. Env looks up the environment.
func (b *Flags) Load(env func(string) (string, bool)) (Config, error) {
	c := Default()
	file := b.file
	if file == "" {
		file, _ = env("CHENGYIN_CONFIG")
	}
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return c, fmt.Errorf("config file: %w", err)
		}
		d := yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict())
		read := c
		if err := d.Decode(&read); err != nil && !errors.Is(err, io.EOF) {
			// Without the lines around it, which may hold a secret.
			return c, fmt.Errorf("config file %s: %s", file, yaml.FormatError(err, false, false))
		}
		if read != (Config{}) { // a file of comments only
			c = read
		}
	}
	for _, o := range options {
		if v, ok := env(o.env); ok {
			*o.value(&c) = v
		}
	}
	b.set.Visit(func(f *flag.Flag) {
		for _, o := range options {
			if o.flag == f.Name {
				*o.value(&c) = *b.values[o.flag]
			}
		}
		if f.Name == "dev" {
			c.Dev = b.dev
		}
	})
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Listen
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if c.SecretFile == "" {
		c.SecretFile = "chengyin.key"
		if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
			c.SecretFile = path + ".key" // beside the database that it belongs to
		}
	}
	return c, c.Validate()
}

// Validate returns an error that names the setting and what to do.
func (c Config) Validate() error {
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok && path == "" || !ok && !strings.HasPrefix(c.Database, "mysql://") {
		return errors.New("CHENGYIN_DATABASE: write sqlite:PATH or mysql://USER:PASS@HOST:PORT/NAME")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return errors.New("CHENGYIN_LISTEN: write HOST:PORT, such as 127.0.0.1:8080")
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.Path != "" {
		return errors.New("CHENGYIN_PUBLIC_URL: write http://HOST or https://HOST, without a path")
	}
	for _, s := range strings.Split(c.Secret, ",") {
		if c.Secret != "" && len(strings.TrimSpace(s)) < 16 {
			return errors.New("CHENGYIN_SECRET: write at least 16 characters, or several secrets of that length with commas between them, the newest first; or leave it out to have one generated")
		}
	}
	if _, err := c.Proxies(); err != nil {
		return err
	}
	return c.checkOIDC()
}

// Proxies returns the networks of TrustedProxies.
func (c Config) Proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range strings.Split(c.TrustedProxies, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			at, e := netip.ParseAddr(text)
			if e != nil {
				return nil, errors.New("CHENGYIN_TRUSTED_PROXIES: write addresses or networks with commas between them, such as 127.0.0.1,10.0.0.0/8")
			}
			p = netip.PrefixFrom(at, at.BitLen())
		}
		if p.Bits() == 0 {
			return nil, errors.New("CHENGYIN_TRUSTED_PROXIES: name your proxies; whoever may be anybody's proxy can pretend any address")
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// checkOIDC returns what is wrong with the settings of the single sign-on.
func (c Config) checkOIDC() error {
	if c.OIDCIssuer == "" {
		return nil
	}
	u, err := url.Parse(c.OIDCIssuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return errors.New("CHENGYIN_OIDC_ISSUER: write the https address that the provider calls its issuer")
	}
	if c.OIDCClientID == "" {
		return errors.New("CHENGYIN_OIDC_CLIENT_ID: write the name that the provider knows this program by")
	}
	if c.OIDCLoginClaim == "" {
		return errors.New("CHENGYIN_OIDC_LOGIN_CLAIM: write which claim holds the login name, such as preferred_username")
	}
	return nil
}

func loopback(host string) bool {
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.IsLoopback()
}

// Dump writes the settings as YAML, secrets masked.
func (c Config) Dump(w io.Writer) error {
	for _, o := range options {
		if v := o.value(&c); o.secret && *v != "" {
			*v = "xxxxx"
		}
	}
	c.Database = withoutPassword(c.Database)
	out, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// withoutPassword masks the password in the address of a database, or all of an
// address in which it cannot be found.
func withoutPassword(dsn string) string {
	if dsn == "" || strings.HasPrefix(dsn, "sqlite:") {
		return dsn
	}
	u, err := url.Parse(dsn)
	if err != nil || u.User == nil {
		return "xxxxx"
	}
	return u.Redacted()
}
