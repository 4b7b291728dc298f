package demo

import (
	"context"
	"fmt"

	"chengyin/survey"
	"chengyin/survey/app"
	"chengyin/survey/collector"
)

// describe finds in the database what the City names.
func describe(ctx context.Context, a *app.App, m made, t *town) (City, error) {
	c := City{
		Code: CityCode, District: DistrictCode, Size: m.Size, Logins: Logins(),
		Dictated: dictatedCode, Tiny: tinyCode, Merged: mergedCode, Successor: successorCode, town: t,
	}
	waves, err := a.Waves.All(ctx)
	if err != nil {
		return City{}, err
	}
	for _, w := range waves {
		switch w.Code {
		case t.times.codes[0]:
			c.Closed = w
		case t.times.codes[1]:
			c.Open = w
		}
	}
	for to, want := range map[*string]spot{
		&c.Resident:      {1, "990102001001", collector.Poster, 1},
		&c.Visit:         {1, "990102001001", collector.Visit, 1},
		&c.DeadPoster:    {1, deadCode, collector.Poster, 1},
		&c.RevokedPoster: {1, revokedCode, collector.Poster, 2},
		&c.ExpiredLink:   t.link(),
	} {
		found, err := a.Collectors.List(ctx, survey.System, collector.Filter{Wave: c.Open.ID, Area: want.area, Channel: want.channel})
		if err != nil {
			return City{}, err
		}
		for _, x := range found {
			if x.Slot == want.slot {
				*to = x.Code
			}
		}
		if *to == "" {
			return City{}, fmt.Errorf("the demo city has no %s %d in %s any more", want.channel, want.slot, want.area)
		}
	}
	c.Household, err = openHousehold(a.DB.Read(ctx), c.Open.ID, "990102001001")
	return c, err
}
