package config_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chengyin/config"
)

// load reads the settings as the program does: a file, the environment, flags.
func load(t *testing.T, file string, env map[string]string, args ...string) (config.Config, error) {
	t.Helper()
	f := flag.NewFlagSet("test", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	flags := config.Bind(f)
	if file != "" {
		path := filepath.Join(t.TempDir(), "chengyin.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"-config", path}, args...)
	}
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags.Load(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

func TestLoad(t *testing.T) {
	t.Run("who sets nothing gets what works on one machine", func(t *testing.T) {
		c, err := load(t, "", nil)
		want := config.Config{Database: "sqlite:data/chengyin.db", Listen: "127.0.0.1:8080", PublicURL: "http://127.0.0.1:8080", SecretFile: "data/chengyin.db.key", OIDCLoginClaim: "preferred_username"}
		if err != nil || c != want {
			t.Fatalf("%+v %v", c, err)
		}
	})
	t.Run("a flag counts more than the environment, and that more than the file", func(t *testing.T) {
		const file = "database: sqlite:file.db\nlisten: 127.0.0.1:1\npublic_url: http://file\n"
		env := map[string]string{"CHENGYIN_LISTEN": "127.0.0.1:2", "CHENGYIN_PUBLIC_URL": "http://env/"}
		c, err := load(t, file, env, "-public-url", "http://flag/")
		if err != nil || c.Database != "sqlite:file.db" || c.Listen != "127.0.0.1:2" || c.PublicURL != "http://flag" {
			t.Fatalf("%+v %v", c, err)
		}
	})
	t.Run("every setting can come from the file", func(t *testing.T) {
		c, err := load(t, "database: mysql://u:p@h/n\nlisten: :80\npublic_url: https://wenming.example\nsecret: sixteen letters!!\nsecret_file: /etc/key\ndemo_password: open\ndev: true\n"+
			"trusted_proxies: 10.0.0.1\noidc_issuer: https://id.example\noidc_client_id: chengyin\noidc_client_secret: told nobody\noidc_login_claim: sub\n", nil)
		want := config.Config{Database: "mysql://u:p@h/n", Listen: ":80", PublicURL: "https://wenming.example", Secret: "sixteen letters!!", SecretFile: "/etc/key", DemoPassword: "open", Dev: true,
			TrustedProxies: "10.0.0.1", OIDCIssuer: "https://id.example", OIDCClientID: "chengyin", OIDCClientSecret: "told nobody", OIDCLoginClaim: "sub"}
		if err != nil || c != want {
			t.Fatalf("%+v %v", c, err)
		}
	})
	t.Run("every setting can come from the environment", func(t *testing.T) {
		c, err := load(t, "", map[string]string{"CHENGYIN_DATABASE": "mysql://u:p@h/n", "CHENGYIN_LISTEN": ":80", "CHENGYIN_PUBLIC_URL": "https://wenming.example",
			"CHENGYIN_SECRET": "sixteen letters!!", "CHENGYIN_SECRET_FILE": "/etc/key", "CHENGYIN_DEMO_PASSWORD": "open",
			"CHENGYIN_TRUSTED_PROXIES": "10.0.0.1", "CHENGYIN_OIDC_ISSUER": "https://id.example", "CHENGYIN_OIDC_CLIENT_ID": "chengyin", "CHENGYIN_OIDC_CLIENT_SECRET": "told nobody", "CHENGYIN_OIDC_LOGIN_CLAIM": "sub"})
		want := config.Config{Database: "mysql://u:p@h/n", Listen: ":80", PublicURL: "https://wenming.example", Secret: "sixteen letters!!", SecretFile: "/etc/key", DemoPassword: "open",
			TrustedProxies: "10.0.0.1", OIDCIssuer: "https://id.example", OIDCClientID: "chengyin", OIDCClientSecret: "told nobody", OIDCLoginClaim: "sub"}
		if err != nil || c != want {
			t.Fatalf("%+v %v", c, err)
		}
	})
	t.Run("proxies and the single sign-on can come from flags, and its secret cannot: a list of processes would show it", func(t *testing.T) {
		c, err := load(t, "trusted_proxies: 192.0.2.1\noidc_issuer: https://file.example\noidc_client_id: file\noidc_login_claim: file\n", map[string]string{"CHENGYIN_OIDC_CLIENT_SECRET": "told nobody"},
			"-trusted-proxies", "10.0.0.1", "-oidc-issuer", "https://id.example", "-oidc-client-id", "chengyin", "-oidc-login-claim", "sub")
		got := []string{c.TrustedProxies, c.OIDCIssuer, c.OIDCClientID, c.OIDCClientSecret, c.OIDCLoginClaim}
		if want := []string{"10.0.0.1", "https://id.example", "chengyin", "told nobody", "sub"}; err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q %v", got, err)
		}
		f := flag.NewFlagSet("", flag.ContinueOnError)
		config.Bind(f)
		f.VisitAll(func(x *flag.Flag) {
			if strings.HasSuffix(x.Name, "secret") {
				t.Errorf("-%s", x.Name)
			}
		})
	})
	t.Run("the file can be named by the environment", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte("listen: 127.0.0.1:7\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := load(t, "", map[string]string{"CHENGYIN_CONFIG": path}); err != nil || c.Listen != "127.0.0.1:7" {
			t.Fatalf("%+v %v", c, err)
		}
	})
	t.Run("an empty file sets nothing", func(t *testing.T) {
		if c, err := load(t, "# nothing yet\n", nil); err != nil || c.Listen != "127.0.0.1:8080" {
			t.Fatalf("%+v %v", c, err)
		}
	})
	t.Run("the key of a server's database lies in the working folder", func(t *testing.T) {
		if c, err := load(t, "", map[string]string{"CHENGYIN_DATABASE": "mysql://u:p@h/n"}); err != nil || c.SecretFile != "chengyin.key" {
			t.Fatalf("%+v %v", c, err)
		}
	})
}

func TestWrongSettings(t *testing.T) {
	for name, x := range map[string]struct {
		file string
		env  map[string]string
		says string
	}{
		"no engine":           {"", map[string]string{"CHENGYIN_DATABASE": "postgres://a"}, "CHENGYIN_DATABASE"},
		"no path":             {"", map[string]string{"CHENGYIN_DATABASE": "sqlite:"}, "CHENGYIN_DATABASE"},
		"no port":             {"", map[string]string{"CHENGYIN_LISTEN": "localhost"}, "CHENGYIN_LISTEN"},
		"no scheme":           {"", map[string]string{"CHENGYIN_PUBLIC_URL": "wenming.example"}, "CHENGYIN_PUBLIC_URL"},
		"another scheme":      {"", map[string]string{"CHENGYIN_PUBLIC_URL": "javascript://x"}, "CHENGYIN_PUBLIC_URL"},
		"a path in the URL":   {"", map[string]string{"CHENGYIN_PUBLIC_URL": "https://a.example/survey"}, "CHENGYIN_PUBLIC_URL"},
		"a short secret":      {"", map[string]string{"CHENGYIN_SECRET": "15 letters only"}, "CHENGYIN_SECRET"},
		"a proxy by its name": {"", map[string]string{"CHENGYIN_TRUSTED_PROXIES": "proxy.example"}, "CHENGYIN_TRUSTED_PROXIES"},
		"everybody a proxy":   {"", map[string]string{"CHENGYIN_TRUSTED_PROXIES": "127.0.0.1, 0.0.0.0/0"}, "CHENGYIN_TRUSTED_PROXIES"},
		"sign-on by http":     {"", map[string]string{"CHENGYIN_OIDC_ISSUER": "http://id.example", "CHENGYIN_OIDC_CLIENT_ID": "x"}, "CHENGYIN_OIDC_ISSUER"},
		"sign-on of nobody":   {"", map[string]string{"CHENGYIN_OIDC_ISSUER": "https://id.example"}, "CHENGYIN_OIDC_CLIENT_ID"},
		"sign-on by no claim": {"", map[string]string{"CHENGYIN_OIDC_ISSUER": "https://id.example", "CHENGYIN_OIDC_CLIENT_ID": "x", "CHENGYIN_OIDC_LOGIN_CLAIM": ""}, "CHENGYIN_OIDC_LOGIN_CLAIM"},
		"an unknown setting":  {"listn: :80\n", nil, "listn"},
		"no YAML":             {"listen: [\n", nil, "chengyin.yaml"},
		"a wrong kind":        {"dev: perhaps\n", nil, "Dev"},
		"a file that is gone": {"", map[string]string{"CHENGYIN_CONFIG": "/nowhere/chengyin.yaml"}, "/nowhere/chengyin.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, x.file, x.env)
			if err == nil || !strings.Contains(err.Error(), x.says) {
				t.Errorf("%v does not name %s", err, x.says)
			}
		})
	}
}

// TestErrorsKeepSecrets: what is wrong in a file is shown without the lines around
// it.
func TestErrorsKeepSecrets(t *testing.T) {
	for _, file := range []string{
		"database: mysql://u:hunter2hunter2@h/n\nlistn: x\nsecret: hunter2hunter2\n",
		"secret: hunter2hunter2\ndev: perhaps\ndemo_password: hunter2hunter2\n",
		"secret: hunter2hunter2\nlisten: [\n",
		"secret: [hunter2hunter2]\n",
		"secret: hunter2\n",
		"database: mysql:/u:hunter2@h/n\n",
	} {
		if _, err := load(t, file, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestDumpMasksSecrets(t *testing.T) {
	for name, c := range map[string]config.Config{
		"a server's password":                {Database: "mysql://office:hunter2@db.example:3306/chengyin", Listen: ":80"},
		"a password with signs":              {Database: "mysql://office:hunter2%40%2F@db.example/chengyin"},
		"a password that cannot be read":     {Database: "mysql://office:hunter2%zz@db.example/chengyin"},
		"a secret":                           {Secret: "hunter2hunter2hunter2"},
		"a secret that looks like a path":    {Secret: "sqlite:hunter2hunter2"},
		"a secret that looks like a URL":     {Secret: "https://a:b@hunter2hunter2/"},
		"the secret of the single sign-on":   {OIDCClientSecret: "hunter2"},
		"a demo password like a URL of none": {DemoPassword: "mysql://hunter2@x/hunter2"},
	} {
		t.Run(name, func(t *testing.T) {
			before := c
			var b bytes.Buffer
			if err := c.Dump(&b); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), "hunter2") || !strings.Contains(b.String(), "xxxxx") {
				t.Errorf("%s", b.String())
			}
			if c != before {
				t.Error("the settings themselves were masked")
			}
		})
	}
	t.Run("what is no secret is shown", func(t *testing.T) {
		var b bytes.Buffer
		c := config.Config{Database: "sqlite:data/chengyin.db", Listen: "127.0.0.1:8080", PublicURL: "https://a.example"}
		if err := c.Dump(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"database: sqlite:data/chengyin.db", "listen: 127.0.0.1:8080", "public_url: https://a.example", `secret: ""`} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%q is missing in\n%s", want, b.String())
			}
		}
	})
	t.Run("a masked server is still told", func(t *testing.T) {
		var b bytes.Buffer
		if err := (config.Config{Database: "mysql://office:hunter2@db.example:3306/chengyin"}).Dump(&b); err != nil || !strings.Contains(b.String(), "mysql://office:xxxxx@db.example:3306/chengyin") {
			t.Errorf("%s %v", b.String(), err)
		}
	})
}
