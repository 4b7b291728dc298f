package questionnaire

// OptionsFor returns the question's options in the order shown to the response
// with the id seed. Options that turn trade places among themselves; those
// marked Fixed, and "don't know", keep theirs. The same seed always gives the
// same order, in Go and in the browser, so that it can be reconstructed when
// the answers are analysed. The seed is ASCII.
//
// The order is a Fisher-Yates shuffle driven by xorshift32 (Marsaglia 2003,
// Xorshift RNGs, J. Statistical Software 8(14)), started from the 32-bit FNV-1a
// hash of seed and question id: shifts and one multiplication in uint32, which
// JavaScript can do without rounding.
func (d *Definition) OptionsFor(q *Question, seed string) []Option {
	options := append([]Option(nil), q.Options...)
	if !q.Rotate {
		return options
	}
	var places []int
	for i, o := range options {
		if !o.Fixed && !o.DontKnow {
			places = append(places, i)
		}
	}
	x := fnv1a(seed + q.ID)
	for i := len(places) - 1; i > 0; i-- {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		j := int(x % uint32(i+1))
		options[places[i]], options[places[j]] = options[places[j]], options[places[i]]
	}
	return options
}

// fnv1a returns the 32-bit FNV-1a hash of s, 1 in place of 0, from which
// xorshift would never move.
func fnv1a(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return max(h, 1)
}
