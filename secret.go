package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"chengyin/config"
	"chengyin/survey/app"
)

// secretsOf returns the secrets, the newest first: those that are set, or those in
// the file, or a new one that is written there. Posters in the street are signed
// with them, so each must be kept as long as something hangs that it signed.
func secretsOf(c config.Config) ([][]byte, error) {
	if c.Secret != "" {
		return split(c.Secret, ","), nil
	}
	secrets, err := readSecrets(c.SecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		s, err := newSecret(c.SecretFile)
		return [][]byte{s}, err
	}
	return secrets, err
}

// configOf is what an App is made from.
func configOf(c config.Config) (app.Config, error) {
	secrets, err := secretsOf(c)
	if err != nil {
		return app.Config{}, err
	}
	return app.Config{Database: c.Database, Secret: secrets[0], Older: secrets[1:], CodeVersion: codeVersion()}, nil
}

// readSecrets reads a file of secrets, one a line. It refuses one that others than
// its owner may read: then the secrets are none.
func readSecrets(file string) ([][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	i, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	if mode := i.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("others may read the secret in %s (mode %04o): run \"chmod 600 %s\", and \"chengyin secret rotate\" if somebody may have read it", file, mode, file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	secrets := split(string(b), "\n")
	if len(secrets) == 0 {
		secrets = [][]byte{nil}
	}
	for _, s := range secrets {
		if len(s) < 16 {
			return nil, fmt.Errorf("a secret in %s has fewer than 16 characters: restore the file, or remove it to have a new one made (posters that hang will then be unknown)", file)
		}
	}
	return secrets, nil
}

// split returns the parts that are not blank.
func split(s, by string) (out [][]byte) {
	for _, x := range strings.Split(s, by) {
		if x = strings.TrimSpace(x); x != "" {
			out = append(out, []byte(x))
		}
	}
	return out
}

func newSecret(file string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return nil, fmt.Errorf("keep secret: %w", err)
	}
	s := randomSecret()
	return s, writeSecrets(file, [][]byte{s})
}

func randomSecret() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return []byte(hex.EncodeToString(b))
}

// writeSecrets writes a file that must not be there, for its owner only.
func writeSecrets(file string, secrets [][]byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keep secret: %w", err)
	}
	for _, s := range secrets {
		if err == nil {
			_, err = fmt.Fprintf(f, "%s\n", s)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("keep secret: %w", err)
	}
	return nil
}

// secretCommand puts a new secret in front of those in the file.
func secretCommand(_ context.Context, env environment, args []string) error {
	if len(args) == 0 || args[0] != "rotate" {
		fmt.Fprintln(env.stderr, "usage: chengyin secret rotate [FLAGS]")
		return errUsage
	}
	f := flag.NewFlagSet("secret rotate", flag.ContinueOnError)
	settings := config.Bind(f)
	if err := parse(f, env, args[1:]); err != nil {
		return err
	}
	c, err := settings.Load(env.lookup)
	if err != nil {
		return err
	}
	if c.Secret != "" {
		return errors.New("the secret is set by CHENGYIN_SECRET or the config file: put a new one in front of it there, with a comma between them")
	}
	secrets, err := readSecrets(c.SecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no secret in %s yet; the first start makes one", c.SecretFile)
	}
	if err != nil {
		return err
	}
	secrets = append([][]byte{randomSecret()}, secrets...)
	// The whole new file takes the place of the old one at once.
	next := c.SecretFile + ".new"
	if err := writeSecrets(next, secrets); err != nil {
		return err
	}
	if err := os.Rename(next, c.SecretFile); err != nil {
		return fmt.Errorf("keep secret: %w", err)
	}
	_, err = fmt.Fprintf(env.stdout, "%s holds %d secrets now, the new one first. Restart every server with a copy of the file; keep older secrets as long as posters or receipts hang that they signed.\n", c.SecretFile, len(secrets))
	return err
}
