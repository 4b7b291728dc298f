package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"chengyin/config"
)

// secretOf returns the secret: the one that is set, or the one in the file, or a
// new one that is written there. Posters in the street are signed with it, so it
// must be kept as long as they hang.
func secretOf(c config.Config) ([]byte, error) {
	if c.Secret != "" {
		return []byte(c.Secret), nil
	}
	b, err := os.ReadFile(c.SecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		return newSecret(c.SecretFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	s := strings.TrimSpace(string(b))
	if len(s) < 16 {
		return nil, fmt.Errorf("the secret in %s has fewer than 16 characters: restore the file, or remove it to have a new one made (posters that hang will then be unknown)", c.SecretFile)
	}
	return []byte(s), nil
}

func newSecret(file string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return nil, fmt.Errorf("keep secret: %w", err)
	}
	b := make([]byte, 32)
	rand.Read(b)
	s := hex.EncodeToString(b)
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep secret: %w", err)
	}
	if _, err = f.WriteString(s + "\n"); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("keep secret: %w", err)
	}
	return []byte(s), nil
}
