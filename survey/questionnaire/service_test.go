package questionnaire_test

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"chengyin/survey"
	"chengyin/survey/questionnaire"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

func TestService(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := questionnaire.New(db, survey.SystemClock)
		d := copyOfDefault(t)
		id, err := s.Publish(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		t.Run("the same content has the same id", func(t *testing.T) {
			if again, err := s.Publish(ctx, copyOfDefault(t)); err != nil || again != id {
				t.Errorf("got %s, %v, want %s", again, err, id)
			}
		})
		t.Run("other content under the same version is a conflict", func(t *testing.T) {
			other := copyOfDefault(t)
			other.Questions[3].Text.ZH = "您听说过吗?"
			if _, err := s.Publish(ctx, other); !errors.Is(err, questionnaire.ErrPublished) || survey.KindOf(err) != survey.Conflict {
				t.Errorf("got %v, want a conflict", err)
			}
			other.Version++
			next, err := s.Publish(ctx, other)
			if err != nil || next == id {
				t.Errorf("a new version: got %s, %v", next, err)
			}
		})
		t.Run("a definition that breaks a rule is not stored", func(t *testing.T) {
			bad := copyOfDefault(t)
			bad.Version, bad.Questions[0].ID = bad.Version+2, "A"
			if _, err := s.Publish(ctx, bad); !errors.Is(err, survey.ErrInvalid) {
				t.Errorf("got %v, want invalid", err)
			}
		})
		t.Run("what was stored comes back", func(t *testing.T) {
			fresh := questionnaire.New(db, survey.SystemClock)
			got, err := fresh.ByID(ctx, id)
			if err != nil || !reflect.DeepEqual(got, d) {
				t.Fatalf("got %+v, %v", got, err)
			}
			if again, _ := fresh.ByID(ctx, id); again != got {
				t.Error("read a second time")
			}
			list, err := fresh.List(ctx)
			if err != nil || len(list) != 2 || list[0].Version != d.Version+1 || list[1].ID != id || list[1].PublishedAt.IsZero() {
				t.Errorf("got %v, %v", list, err)
			}
		})
		t.Run("no such id", func(t *testing.T) {
			for _, id := range []string{"", "0192f0c1-0000-7000-8000-000000000000", strings.Repeat("城", 500)} {
				if _, err := s.ByID(ctx, id); !errors.Is(err, survey.ErrNotFound) {
					t.Errorf("%.10s: got %v, want not found", id, err)
				}
			}
		})
		t.Run("publishing at the same time gives one version", func(t *testing.T) {
			ids := make([]string, 8)
			var group sync.WaitGroup
			for i := range ids {
				same := copyOfDefault(t)
				same.Code = "another"
				group.Go(func() {
					var err error
					if ids[i], err = s.Publish(ctx, same); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			for _, id := range ids {
				if id == "" || id != ids[0] {
					t.Errorf("got %v", ids)
				}
			}
		})
	})
}
