package fieldwork_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// homesEach is how many homes each building of a district has, those of the reserve
// among them.
const homesEach = 12

// district is a World whose East has so many buildings more, of which every home was
// visited twice.
func district(tb testing.TB, dialect string, buildings int) *apptest.World {
	tb.Helper()
	w := apptest.New(tb, storetest.DSN(tb, dialect))
	worker := w.Person(tb, "wen", "worker", apptest.East)
	err := w.DB.InTx(tb.Context(), func(tx *store.Tx) error {
		var units []sample.Unit
		var homes []sample.Home
		var given []fieldwork.Assignment
		var states []fieldwork.Home
		var records []fieldwork.Record
		for b := range buildings {
			place := []string{apptest.North, apptest.South}[b%2]
			psu := fmt.Sprintf("%s-p%d", place, b)
			for i := range homesEach {
				u := sample.Unit{ID: uuid.NewString(), WaveID: w.Wave.ID, AreaCode: place, Stratum: place, PSU: psu, Household: fmt.Sprintf("%s-%d", psu, i), Weight: 10}
				units = append(units, u)
				homes = append(homes, sample.Home{UnitID: u.ID, WaveID: u.WaveID, PlanID: "plan", AreaCode: place, PSU: psu, Position: i + 1, Reserve: i >= 9, Probability: .1, Base: 10,
					Building: fmt.Sprintf("%d号楼", b), Room: fmt.Sprint(i), Picks: "111111111111"})
				given = append(given, fieldwork.Assignment{UnitID: u.ID, WaveID: u.WaveID, AreaCode: place, AccountID: worker.Account, AssignedBy: "x", AssignedAt: tx.Now})
				states = append(states, fieldwork.Home{UnitID: u.ID, WaveID: u.WaveID, AreaCode: place, Stratum: place, PSU: psu, Reserve: i >= 9, IsOpen: i%3 == 0,
					Outcome: []string{"2.24", "1.1", "2.11"}[i%3], Visits: 2, Periods: 5})
				for range 2 {
					records = append(records, fieldwork.Record{ID: uuid.NewString(), WaveID: u.WaveID, UnitID: u.ID, AreaCode: place, AccountID: worker.Account, Via: fieldwork.ViaPhone,
						Outcome: "2.24", MadeAt: tx.Now, ReceivedAt: tx.Now, Hash: "h", Content: "{}", Status: fieldwork.Accepted})
				}
			}
		}
		for _, rows := range []any{units, homes, given, states, records} {
			if err := tx.CreateInBatches(rows, 200).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func TestWorkOfADistrict(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			const buildings = 10
			w := district(t, dialect, buildings)
			work, err := w.Field.Work(t.Context(), apptest.Office, w.Wave, apptest.East, nil)
			if err != nil {
				t.Fatal(err)
			}
			if work.Total.Drawn+work.Total.Reserve != buildings*homesEach+len(w.Homes) || len(work.Buildings) != buildings+2 {
				t.Fatalf("%+v", work.Total)
			}
		})
	}
}

// BenchmarkWork reads the progress of 3,000 households with 6,000 records.
func BenchmarkWork(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(dialect, func(b *testing.B) {
			w := district(b, dialect, 250)
			for b.Loop() {
				if _, err := w.Field.Work(b.Context(), apptest.Office, w.Wave, apptest.East, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
