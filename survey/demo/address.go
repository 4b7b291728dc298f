package demo

import (
	"fmt"
	"strings"
)

// address is where a household lives.
type address struct{ building, unit, room string }

// perEstate is how many buildings bear the name of an estate.
const perEstate = 12

// estates are how the estates of a community are called, after its name.
var estates = []string{"花园", "新村", "雅苑", "佳园", "公寓", "名邸", "小区", "南里", "北里", "东苑"}

// named returns the name of a community without what kind it is.
func (t *town) named(code string) string {
	for _, a := range t.areas {
		if a.Code == code {
			return strings.TrimSuffix(strings.TrimSuffix(a.NameZH, "社区"), "村")
		}
	}
	return ""
}

// at returns where the n-th door of building b is, both from 0. A building is a
// house with entrances of two flats a floor; in a village, a group of houses.
func (c *community) at(name string, b, homes, n int) address {
	if c.village {
		return address{fmt.Sprintf("%s村%d组", name, b+1), "", fmt.Sprintf("%d号", n+1)}
	}
	entrances := max(1, (homes+21)/22) // of eleven floors at most
	each := (homes + entrances - 1) / entrances
	return address{
		fmt.Sprintf("%s%s%d号楼", name, estates[b/perEstate%len(estates)], b%perEstate+1),
		fmt.Sprintf("%d单元", n/each+1),
		fmt.Sprintf("%d0%d", n%each/2+1, n%each%2+1),
	}
}
