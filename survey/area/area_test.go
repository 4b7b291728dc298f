package area_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"chengyin/survey/area"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

func TestCodesTellTheirPlaceInTheTree(t *testing.T) {
	for _, c := range []struct {
		code   string
		level  area.Level
		parent string
	}{
		{"990100000000", area.City, ""},
		{"990102000000", area.District, "990100000000"},
		{"990102001000", area.Subdistrict, "990102000000"},
		{"990102100000", area.Subdistrict, "990102000000"}, // a town
		{"990110000000", area.District, "990100000000"},
		{"990102001001", area.Community, "990102001000"},
		{"990102001200", area.Community, "990102001000"},   // a village, whose code ends in zeros
		{"990100003000", area.Subdistrict, "990100000000"}, // of a city without districts
	} {
		if level, err := area.LevelOf(c.code); err != nil || level != c.level {
			t.Errorf("level of %s is %q, err %v, want %q", c.code, level, err, c.level)
		}
		if parent := area.ParentOf(c.code); parent != c.parent {
			t.Errorf("parent of %s is %q, want %q", c.code, parent, c.parent)
		}
	}
	for _, code := range []string{"", "000000000000", "990000000000", "99010200100", "9901020010011", "99010200100x", "９９０１０２００１００１"} {
		if level, err := area.LevelOf(code); err == nil {
			t.Errorf("%q has level %q", code, level)
		}
	}
}

func TestLevelsFollowEachOther(t *testing.T) {
	for i, l := range area.Levels {
		want := area.Level("")
		if i+1 < len(area.Levels) {
			want = area.Levels[i+1]
		}
		if got := l.Below(); got != want {
			t.Errorf("below %s is %q, want %q", l, got, want)
		}
	}
}

func TestSuccessorsFollowChains(t *testing.T) {
	ended := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	merged := func(code, into string) area.Area { return area.Area{Code: code, ValidTo: &ended, SuccessorCode: &into} }
	got := area.Successors([]area.Area{merged("a", "b"), merged("b", "c"), {Code: "c"}, {Code: "d", ValidTo: &ended}, merged("x", "y"), merged("y", "x")})
	if got["a"] != "c" || got["b"] != "c" || got["c"] != "" || got["d"] != "" {
		t.Errorf("successors %v", got)
	}
	if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, []string{"a", "b", "x", "y"}) {
		t.Errorf("places that were merged away: %q", keys) // those of a circle lead somewhere, in finite time
	}
}

func TestPlacesAreReadAsATree(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), area.New(db)
		apply(t, s, area.Places, places)
		apply(t, s, area.Places, "code,name\n990103000000,别区\n")
		apply(t, s, area.Units, "code,kind,name,area\nE1,enterprise,厂,990102001001\nE2,enterprise,店,990103000000\n")
		apply(t, s, area.People, "area,age,sex,persons\n990102001001,a18,f,3\n990102001002,a18,f,4\n")
		codes := func(list []area.Area, err error) []string {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, a := range list {
				out = append(out, a.Code)
			}
			return out
		}
		if got := codes(s.Children(ctx, "")); !slices.Equal(got, []string{"990100000000"}) {
			t.Errorf("cities %q", got)
		}
		if got := codes(s.Children(ctx, "990102001000")); !slices.Equal(got, []string{"990102001001"}) {
			t.Errorf("standing communities %q", got)
		}
		if got := codes(s.Tree(ctx, "990102000000")); !slices.Equal(got, []string{"990102000000", "990102001000", "990102001001", "990102001002"}) {
			t.Errorf("tree %q", got)
		}
		if _, err := s.ByCode(ctx, "990102001003"); !errors.Is(err, area.ErrNotFound) {
			t.Errorf("a place that is not there: %v", err)
		}
		if units, err := s.Units(ctx, "990102000000"); err != nil || len(units) != 1 || units[0].Code != "E1" {
			t.Errorf("units of the district %+v, err %v", units, err)
		}
		if people, err := s.Population(ctx, "990102001000"); err != nil || len(people) != 2 || people[0].Persons+people[1].Persons != 7 {
			t.Errorf("population of the subdistrict %+v, err %v", people, err)
		}
	})
}

func TestSaveIsAllOrNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := area.New(db)
		up := "990100000000"
		good := area.Area{Code: up, Level: area.City, NameZH: "云澜市", ValidFrom: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)}
		nobody := []area.Population{{AreaCode: "990102001001", Age: "a18", Sex: "f", Persons: 1}}
		if err := s.Save(t.Context(), []area.Area{good}, nil, nobody); err == nil {
			t.Fatal("people were stored in a place that does not exist")
		}
		if _, err := s.ByCode(t.Context(), up); !errors.Is(err, area.ErrNotFound) {
			t.Errorf("the city was stored all the same: %v", err)
		}
	})
}
