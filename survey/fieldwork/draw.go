package fieldwork

import (
	"fmt"

	"chengyin/survey/sample"
	"chengyin/survey/store"
)

// OpenHomes adds where the households of a draw stand: at the beginning. Those of the
// reserve are open too, and have their turn when Turn says so.
func OpenHomes(tx *store.Tx, units []sample.Unit, homes []sample.Home) error {
	out := make([]Home, len(units))
	for i, u := range units {
		out[i] = Home{UnitID: u.ID, WaveID: u.WaveID, AreaCode: u.AreaCode, Stratum: u.Stratum, PSU: u.PSU, Reserve: homes[i].Reserve, IsOpen: true, Outcome: NotVisited}
	}
	return saveHomes(tx, out)
}

// DropHomes forgets where households of a draw stand and who was to visit them.
// Returns sample.ErrVisited when a record of any of them has come in, whatever became
// of it.
func DropHomes(tx *store.Tx, units []string) error {
	for at := 0; at < len(units); at += 500 {
		part := units[at:min(at+500, len(units))]
		for _, table := range []string{"field_records", "responses"} {
			column := map[string]string{"field_records": "unit_id", "responses": "sample_unit_id"}[table]
			var n int64
			if err := tx.Table(table).Where(column+" IN ?", part).Limit(1).Count(&n).Error; err != nil {
				return fmt.Errorf("look for visits: %w", err)
			}
			if n > 0 {
				return sample.ErrVisited
			}
		}
		for _, model := range []any{&Home{}, &Assignment{}} {
			if err := tx.Where("unit_id IN ?", part).Delete(model).Error; err != nil {
				return fmt.Errorf("take households back: %w", err)
			}
		}
	}
	return nil
}
