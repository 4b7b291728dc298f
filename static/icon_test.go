package static

import (
	"io/fs"
	"regexp"
	"testing"
)

// TestEveryIconIsShown finds icons that no template shows any more.
func TestEveryIconIsShown(t *testing.T) {
	shown := map[string]bool{}
	call := regexp.MustCompile(`icon "(\w+)"`)
	err := fs.WalkDir(embedded, "templates", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(embedded, name)
		for _, m := range call.FindAllSubmatch(text, -1) {
			shown[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range shown {
		if _, err := icon(name); err != nil {
			t.Error(err)
		}
	}
	for name := range icons {
		if !shown[name] {
			t.Errorf("icon %q is shown nowhere", name)
		}
	}
}
