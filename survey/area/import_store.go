package area

import (
	"fmt"

	"gorm.io/gorm"
)

// everything is the place that contains all places.
const everything = "000000000000"

// knownBy reads what a file of the kind is compared with.
func knownBy(r *gorm.DB, kind Kind) (known, error) {
	k := known{areas: map[string]Area{}, units: map[string]Unit{}, people: map[Population]Population{}}
	areas, err := TreeOf(r, everything)
	if err != nil {
		return k, fmt.Errorf("read places: %w", err)
	}
	for _, a := range areas {
		k.areas[a.Code] = a
	}
	switch kind {
	case Units:
		list, err := units(r, everything)
		if err != nil {
			return k, fmt.Errorf("read units: %w", err)
		}
		for _, u := range list {
			k.units[u.Code] = u
		}
	case People:
		list, err := PopulationOf(r, everything)
		if err != nil {
			return k, fmt.Errorf("read population: %w", err)
		}
		for _, p := range list {
			k.people[Population{AreaCode: p.AreaCode, Age: p.Age, Sex: p.Sex}] = p
		}
	}
	return k, nil
}
