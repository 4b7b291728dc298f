package weight

import (
	"fmt"

	"gorm.io/gorm"
)

// Load returns what is known of the drawn households of a wave, by PSU. Waves whose
// units came from elsewhere have none.
func Load(r *gorm.DB, wave string) ([]PSU, error) {
	var rows []struct {
		Stratum, PSU, Area, Outcome string
		Reserve, Visited            bool
		Open, Answered              bool
		N                           int
		Base                        float64
	}
	err := r.Raw(`SELECT u.stratum AS stratum, u.psu AS psu, MIN(u.area_code) AS area, COALESCE(f.outcome, '') AS outcome, h.reserve AS reserve,
		COALESCE(f.visits, 0) > 0 AS visited, COALESCE(f.is_open, TRUE) AS open, p.id IS NOT NULL AS answered, COUNT(*) AS n, SUM(h.base) AS base
		FROM sample_homes h JOIN sample_units u ON u.id = h.unit_id
		LEFT JOIN field_homes f ON f.unit_id = h.unit_id
		LEFT JOIN responses p ON p.sample_unit_id = h.unit_id AND p.status = 'counted'
		WHERE h.wave_id = ?
		GROUP BY u.stratum, u.psu, COALESCE(f.outcome, ''), h.reserve, COALESCE(f.visits, 0) > 0, COALESCE(f.is_open, TRUE), p.id IS NOT NULL
		ORDER BY 1, 2, 4, 5, 6, 7, 8`, wave).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load the field work of wave %s: %w", wave, err)
	}
	var out []PSU
	for _, x := range rows {
		if k := len(out) - 1; k < 0 || out[k].Stratum != x.Stratum || out[k].PSU != x.PSU {
			out = append(out, PSU{Stratum: x.Stratum, PSU: x.PSU, Area: x.Area})
		}
		p := &out[len(out)-1]
		p.Area = min(p.Area, x.Area)
		p.Add(Standing{Outcome: x.Outcome, Reserve: x.Reserve, Visited: x.Visited, Open: x.Open, Answered: x.Answered}, x.N, x.Base)
	}
	return out, nil
}

// Stamp returns a text that changes whenever the field work of a wave does. Records
// are only ever added, so with each the number of visits grows.
func Stamp(r *gorm.DB, wave string) (string, error) {
	var x struct{ Homes, Drawn, Visits, Open int64 }
	err := r.Raw(`SELECT COUNT(*) AS homes, (SELECT COUNT(*) FROM sample_homes WHERE wave_id = ?) AS drawn,
		COALESCE(SUM(visits), 0) AS visits, COALESCE(SUM(CASE WHEN is_open THEN 1 ELSE 0 END), 0) AS open
		FROM field_homes WHERE wave_id = ?`, wave, wave).Scan(&x).Error
	if err != nil {
		return "", fmt.Errorf("stamp of the field work of wave %s: %w", wave, err)
	}
	return fmt.Sprintf("%d drawn, %d homes, %d visits, %d open", x.Drawn, x.Homes, x.Visits, x.Open), nil
}
