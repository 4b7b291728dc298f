package fieldwork

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"chengyin/survey/sample"
	"chengyin/survey/store"
)

// Past is a visit that took place before its record came here, such as one of a
// wave that was kept elsewhere.
type Past struct {
	ID      string // UUID; of an interview, that of its response, which is here already
	Unit    string
	Account string // of whoever was at the door
	Phone   string // "": it was written on paper
	Outcome string
	Adults  int // of an interview
	Chosen  int
	At      time.Time
}

// Import stores visits of households of a wave, and where all the households of
// units stand, those too that nobody has visited. It is for a database that is being
// filled: the visits are accepted as they are and counted as received when they were
// made. All is stored or nothing. Returns ErrNotFound when a visit is to none of the
// units, or a unit is not of the wave.
func (s *Service) Import(ctx context.Context, waveID, questionnaire string, units []string, visits []Past) error {
	records := make([]Record, len(visits))
	byUnit := map[string][]Record{}
	for i, v := range visits {
		var err error
		if records[i], err = s.pastRecord(waveID, questionnaire, v); err != nil {
			return err
		}
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		clear(byUnit)
		var homes []Home
		areas, rules := map[string]string{}, map[string]Rules{}
		for part := range slices.Chunk(units, 500) {
			var found []sample.Unit
			if err := tx.Where("wave_id = ? AND id IN ?", waveID, part).Find(&found).Error; err != nil {
				return fmt.Errorf("load households: %w", err)
			}
			drawn, err := withHomes(tx.DB, found)
			if err != nil {
				return err
			}
			for _, d := range drawn {
				areas[d.unit.ID], rules[d.unit.ID] = d.unit.AreaCode, UsualRules
				if d.home != nil {
					if rules[d.unit.ID], err = s.rulesOf(tx.DB, d.home.PlanID); err != nil {
						return err
					}
				}
				homes = append(homes, homeFrom(d, State{}))
			}
		}
		if len(homes) < len(units) {
			return ErrNotFound
		}
		for i := range records {
			x := &records[i]
			area, known := areas[x.UnitID]
			if !known {
				return ErrNotFound
			}
			x.AreaCode = area
			byUnit[x.UnitID] = append(byUnit[x.UnitID], *x)
		}
		for i := range homes {
			h := &homes[i]
			st := StateOf(visitsOf(byUnit[h.UnitID]), rules[h.UnitID])
			h.IsOpen, h.Outcome, h.Visits, h.Periods, h.LastAt, h.Adults = st.Open, st.Outcome, st.Visits, st.Periods, st.LastAt, st.Adults
		}
		if len(records) > 0 {
			if err := tx.CreateInBatches(records, 200).Error; err != nil {
				return fmt.Errorf("store past visits: %w", err)
			}
		}
		return saveHomes(tx, homes)
	})
}

// pastRecord writes a visit as a phone would have.
func (s *Service) pastRecord(waveID, questionnaire string, v Past) (Record, error) {
	period, weekend := PeriodOf(v.At)
	c := content{V: 1, Wave: waveID, Home: v.Unit, MadeAt: v.At.In(China), Outcome: v.Outcome, Period: period, Weekend: weekend}
	x := Record{ID: v.ID, WaveID: waveID, UnitID: v.Unit, AccountID: v.Account, PhoneID: v.Phone, Via: ViaPaper, Outcome: v.Outcome,
		MadeAt: v.At, ReceivedAt: v.At, Status: Accepted}
	if v.Phone != "" {
		x.Via = ViaPhone
	}
	if v.Outcome == Interviewed {
		c.Interview = &interview{Questionnaire: questionnaire, Lang: "zh", Mode: Asked, Adults: v.Adults, Select: SelectKish, Chosen: v.Chosen}
		x.Adults, x.ResponseID = &v.Adults, &v.ID
	}
	if !c.fits() {
		return x, fmt.Errorf("past visit %s: its parts do not agree", v.ID)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return x, err
	}
	sum := sha256.Sum256(text)
	x.Content, x.Hash = string(text), hex.EncodeToString(sum[:])
	receipt, err := s.receipt(arrival{id: x.ID, hash: x.Hash}, x.Status, "", x.ReceivedAt)
	x.Signature = receipt.Signature
	return x, err
}
