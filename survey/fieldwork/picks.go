package fieldwork

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"
)

// picksOf returns which adult is asked of 1, 2 … 12. Units that came from elsewhere
// have none drawn; theirs follow from their id, so that they are the same for
// everybody who asks.
func picksOf(d drawn) string {
	if d.home != nil && d.home.Picks != "" {
		return d.home.Picks
	}
	var b strings.Builder
	for n := 1; n <= mostAdults; n++ {
		h := sha256.Sum256([]byte("picks:" + d.unit.ID + ":" + strconv.Itoa(n)))
		b.WriteString(strconv.FormatUint(1+binary.BigEndian.Uint64(h[:])%uint64(n), 36))
	}
	return b.String()
}

// personDrawn reports whether the adult who was asked is the one that the draw or
// the birthday says. Of the birthday only the resident knows.
func personDrawn(in interview, rules Rules, picks string) bool {
	if in.Select != rules.Select {
		return false
	}
	if in.Select == SelectBirthday || in.Adults > len(picks) {
		return true
	}
	if in.Adults < 1 {
		return false
	}
	n, err := strconv.ParseUint(picks[in.Adults-1:in.Adults], 36, 8)
	return err == nil && int(n) == in.Chosen
}
