package score

import (
	"slices"
	"strings"

	"chengyin/survey/area"
)

// NWithheld marks a score whose number of answers is not told, because it would
// give away that of a neighbour with fewer than least answers; where there are
// none, it is not told from a few.
const NWithheld = "n_withheld"

// count identifies a number of answers of a place.
type count struct{ mode, indicator string }

// neighbours decides whose numbers of answers are withheld besides those below
// least. A number of 1 to 4 is never shown, but where it is the only one that is
// missing below a place it follows from the place's own number and the others'
// (complementary suppression; see Willenborg & de Waal 2001, Elements of
// Statistical Disclosure Control, ch. 6). So at least one more number is withheld,
// the smallest that will do, in all modes and for all indicators of its place. What
// is withheld below a place adds up to least or more: the sum follows, too, and is
// not to be that of a few people.
type neighbours struct {
	below map[string][]string // places directly below, by code
	keys  []count
	n     map[string]map[count]int
	hide  map[string]bool
	need  map[string]map[count]bool // of a withheld place: where its number must not follow from others
}

// withhold marks the scores of all places whose numbers of answers are withheld.
func withhold(scores []Score, areas []area.Area) {
	w := neighbours{below: map[string][]string{}, n: map[string]map[count]int{}, hide: map[string]bool{}, need: map[string]map[count]bool{}}
	for _, s := range scores {
		if w.n[s.AreaCode] == nil {
			w.n[s.AreaCode] = map[count]int{}
		}
		k := count{s.Mode, s.Indicator}
		w.n[s.AreaCode][k] = s.N
		if !slices.Contains(w.keys, k) {
			w.keys = append(w.keys, k)
		}
	}
	var parents []string
	for _, a := range areas {
		if a.ParentCode == nil || w.n[a.Code] == nil || w.n[*a.ParentCode] == nil {
			continue
		}
		if len(w.below[*a.ParentCode]) == 0 {
			parents = append(parents, *a.ParentCode)
		}
		w.below[*a.ParentCode] = append(w.below[*a.ParentCode], a.Code)
	}
	// From the bottom up, because a place whose number cannot be told after all is
	// one of those that its own neighbours must protect.
	slices.SortStableFunc(parents, func(a, b string) int { return w.depth(a) - w.depth(b) })
	for _, p := range parents {
		for again := true; again; {
			again = false
			for _, k := range w.keys {
				again = w.protect(p, k) || again
			}
		}
	}
	up := map[string]string{}
	for p, children := range w.below {
		for _, c := range children {
			up[c] = p
		}
	}
	for i := range scores {
		s := &scores[i]
		above := w.n[up[s.AreaCode]][count{s.Mode, s.Indicator}]
		switch {
		case s.N >= least && w.hide[s.AreaCode]:
		case s.N == 0 && above > 0 && above < least:
			// Who knew where nobody answered could count the others.
			if s.Reason == NoAnswers {
				s.Reason = TooFew
			}
		default:
			continue
		}
		flags := append(strings.Fields(s.Flags), NWithheld)
		slices.Sort(flags)
		s.Flags = strings.Join(flags, " ")
	}
}

// depth is how many levels lie below a place.
func (w *neighbours) depth(code string) int {
	d := 0
	for _, c := range w.below[code] {
		d = max(d, 1+w.depth(c))
	}
	return d
}

// much is more answers than any place has.
const much = 1 << 30

// between returns the least and the most that a reader knows a number to be, from
// what is shown of it and of the places below it.
func (w *neighbours) between(code string, k count, fewAbove bool) (low, high int) {
	n := w.n[code][k]
	few := n > 0 && n < least
	switch {
	case n == 0 && fewAbove, few && fewAbove:
		low, high = 0, least-1
	case few:
		low, high = 1, least-1
	case n > 0 && w.hide[code]:
		low, high = least, much
	default:
		return n, n
	}
	if len(w.below[code]) == 0 {
		return low, high
	}
	sumLow, sumHigh := 0, 0
	for _, c := range w.below[code] {
		l, h := w.between(c, k, few || n == 0 && fewAbove)
		sumLow, sumHigh = sumLow+l, min(much, sumHigh+h)
	}
	return max(low, sumLow), min(high, sumHigh)
}

// protect withholds one more number below a place when one that is withheld there
// would follow from the others. It reports whether it changed anything.
func (w *neighbours) protect(parent string, k count) bool {
	few := w.n[parent][k] < least
	if few || w.hide[parent] && w.need[parent][k] {
		return false // what adds up to an unknown number is unknown
	}
	hidden, sum, low, high, needed := 0, 0, 0, 0, false
	var spare string
	for _, c := range w.below[parent] {
		n := w.n[c][k]
		switch {
		case n == 0:
		case n < least, w.hide[c]:
			l, h := w.between(c, k, false)
			hidden, sum, low, high = hidden+1, sum+n, low+l, min(much, high+h)
			needed = needed || n < least || w.need[c][k]
		case spare == "" || n < w.n[spare][k]:
			spare = c
		}
	}
	switch {
	case !needed || hidden >= 2 && sum >= least && low < sum && sum < high:
		return false
	case spare != "":
		w.keep(spare)
	default:
		if w.need[parent] == nil {
			w.need[parent] = map[count]bool{}
		}
		w.need[parent][k] = true
		w.keep(parent)
	}
	return true
}

// keep withholds the numbers of a place, and below it as many that they do not
// add up to them.
func (w *neighbours) keep(code string) {
	w.hide[code] = true
	for again := true; again; {
		again = false
		for _, k := range w.keys {
			if w.n[code][k] == 0 || len(w.below[code]) == 0 {
				continue
			}
			open, smallest := true, ""
			for _, c := range w.below[code] {
				switch m := w.n[c][k]; {
				case m == 0:
				case m < least || w.hide[c]:
					open = false
				case smallest == "" || m < w.n[smallest][k] || m == w.n[smallest][k] && c < smallest:
					smallest = c
				}
			}
			if open && smallest != "" {
				w.keep(smallest)
				again = true
			}
		}
	}
}
