package fieldwork_test

import (
	"testing"
	"time"

	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/store/storetest"
)

// field is a World with a drawn PSU, a worker who was given it, and a phone.
type field struct {
	*apptest.World
	drawn apptest.Drawn
	phone *apptest.FieldPhone
}

func newField(t *testing.T, dialect string) *field {
	t.Helper()
	f := &field{World: apptest.New(t, storetest.DSN(t, dialect))}
	f.drawn = f.Draw(t, apptest.North, 4, 3, fieldwork.UsualRules)
	worker := f.Person(t, "worker", "worker", apptest.North)
	f.Give(t, f.drawn, worker)
	f.phone = f.Enrol(t, worker)
	return f
}

// take sends records and checks that each has its receipt.
func (f *field) take(t *testing.T, sent ...fieldwork.Sent) []fieldwork.Result {
	t.Helper()
	got, err := f.Field.Take(t.Context(), f.phone.On(t, f.Field), f.Clock().Add(f.phone.Off), sent)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range got {
		if !f.phone.Genuine(sent[i], r) {
			t.Fatalf("no receipt: %+v", r)
		}
	}
	return got
}

func (f *field) interview(t *testing.T, home int, change map[string]any) fieldwork.Sent {
	t.Helper()
	return f.phone.Interview(t, f.Wave.ID, f.Wave.QuestionnaireID, f.drawn.Homes[home].UnitID, f.Clock().Add(-time.Minute), apptest.Answers(nil), change)
}

func TestTakeStoresOnce(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			sent := f.interview(t, 0, nil)
			first := f.take(t, sent)[0]
			if first.Status != fieldwork.Accepted || first.Reason != "" {
				t.Fatal(first)
			}
			if again := f.take(t, sent)[0]; again != first {
				t.Fatalf("%+v, before %+v", again, first)
			}
		})
	}
}
