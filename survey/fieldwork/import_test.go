package fieldwork_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/store/storetest"
)

func TestPastVisitsAreTakenAsTheyAre(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			ctx := context.Background()
			at := apptest.Start.Add(-20 * time.Minute)
			visit := func(unit, outcome string, at time.Time) fieldwork.Past {
				return fieldwork.Past{ID: uuid.NewString(), Unit: unit, Account: "someone", Outcome: outcome, At: at}
			}
			stored := func() (homes []fieldwork.Home, records []fieldwork.Record) {
				t.Helper()
				if err := errors.Join(w.DB.Read(ctx).Order("unit_id").Find(&homes).Error, w.DB.Read(ctx).Order("made_at").Find(&records).Error); err != nil {
					t.Fatal(err)
				}
				return homes, records
			}
			units := []string{w.Homes[0].ID, w.Homes[1].ID, w.Homes[2].ID}
			t.Run("a visit to a household of elsewhere stores nothing", func(t *testing.T) {
				wrong := []fieldwork.Past{visit(units[0], "2.11", at), visit(w.Homes[3].ID, "2.11", at)}
				if err := w.Field.Import(ctx, w.Wave.ID, w.Wave.QuestionnaireID, units, wrong); !errors.Is(err, fieldwork.ErrNotFound) {
					t.Error(err)
				}
				if err := w.Field.Import(ctx, w.Wave.ID, w.Wave.QuestionnaireID, []string{uuid.NewString()}, nil); !errors.Is(err, fieldwork.ErrNotFound) {
					t.Error(err)
				}
				if homes, records := stored(); len(homes) != 0 || len(records) != 0 {
					t.Errorf("%d homes, %d records", len(homes), len(records))
				}
			})
			t.Run("an interview without adults is refused", func(t *testing.T) {
				if err := w.Field.Import(ctx, w.Wave.ID, w.Wave.QuestionnaireID, units, []fieldwork.Past{visit(units[0], fieldwork.Interviewed, at)}); err == nil {
					t.Error("it was stored")
				}
			})
			t.Run("each household stands where its visits put it, and the others wait", func(t *testing.T) {
				past := []fieldwork.Past{visit(units[0], "2.24", at), visit(units[0], "2.11", at.Add(time.Minute)), visit(units[1], "2.24", at)}
				past[2].Phone = uuid.NewString()
				if err := w.Field.Import(ctx, w.Wave.ID, w.Wave.QuestionnaireID, units, past); err != nil {
					t.Fatal(err)
				}
				homes, records := stored()
				if len(homes) != 3 || len(records) != 3 {
					t.Fatalf("%d homes, %d records", len(homes), len(records))
				}
				for _, h := range homes {
					want := map[string]fieldwork.Home{units[0]: {Outcome: "2.11", Visits: 2}, units[1]: {Outcome: "2.24", Visits: 1, IsOpen: true}, units[2]: {Outcome: fieldwork.NotVisited, IsOpen: true}}[h.UnitID]
					if h.Outcome != want.Outcome || h.Visits != want.Visits || h.IsOpen != want.IsOpen || h.Stratum != apptest.North {
						t.Errorf("%+v", h)
					}
				}
				for _, x := range records {
					via := fieldwork.ViaPaper
					if x.PhoneID != "" {
						via = fieldwork.ViaPhone
					}
					if x.Status != fieldwork.Accepted || x.Via != via || !x.ReceivedAt.Equal(x.MadeAt) || x.Signature == "" || x.AreaCode != apptest.North {
						t.Errorf("%+v", x)
					}
				}
			})
		})
	}
}
