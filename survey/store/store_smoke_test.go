package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"chengyin/survey/store"
)

func TestFresh(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "a b.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 2 {
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	have, want, err := db.Version(ctx)
	if err != nil || have != want || want == 0 {
		t.Fatal(have, want, err)
	}
}
