package mask

import (
	"strings"
	"time"
)

// group is a run of digits of one script with nothing between them.
type group struct {
	from, to int // in runes
	digits   string
	follows  bool // only a space, a dash or nothing stands between it and the one before
}

// longest is how many digits in a row nobody needs to name a year, a price or a
// house: a longer run is taken out, whatever it is.
const longest = 10

// numbers finds telephone, identity card and bank card numbers.
func numbers(t []rune) (out []span) {
	groups := groupsOf(t)
	for i := 0; i < len(groups); i++ {
		best, by := 0, ""
		digits := ""
		for j := i; j < len(groups) && (j == i || groups[j].follows) && len(digits) <= 24; j++ {
			digits += groups[j].digits
			if kind := kindOf(t, groups[i:j+1], digits); kind != "" {
				best, by = j+1, kind
			}
		}
		switch {
		case best > 0:
			out = append(out, span{groups[i].from, check(t, groups[best-1].to, by), by})
			i = best - 1
		case len(groups[i].digits) > longest:
			out = append(out, span{groups[i].from, check(t, groups[i].to, Card), Long})
		}
	}
	return out
}

// groupsOf returns the runs of digits of a text.
func groupsOf(t []rune) (out []group) {
	var last int // script of the run that is open
	gap := 9     // characters since the last digit, 9 when they separate
	for i, r := range t {
		d, script := digit(r)
		switch {
		case script == 0:
			last = 0
			if strings.ContainsRune(" \t\n-‐‑‒–—―_.·•~()\u200b\u200c\u200d\u2060\u00ad", r) && gap < 3 {
				gap++
			} else {
				gap = 9
			}
			continue
		case script == last:
			g := &out[len(out)-1]
			g.to, g.digits = i+1, g.digits+string(rune(d))
		default:
			out = append(out, group{from: i, to: i + 1, digits: string(rune(d)), follows: gap <= 3})
		}
		last, gap = script, 0
	}
	return out
}

// kindOf says what the digits of neighbouring groups are, "" when they may stay.
func kindOf(t []rune, groups []group, digits string) string {
	end := groups[len(groups)-1].to
	switch n := len(digits); {
	case n == 17 && end < len(t) && letterX(t, end) && identity18(digits+"X"), n == 18 && identity18(digits), n == 15 && identity15(digits):
		return Card
	case mobile(strings.TrimPrefix(strings.TrimPrefix(digits, "00"), "86")), mobile(digits):
		return Phone
	case landline(digits):
		return Phone
	case n >= 7 && n <= 9 && digits[0] >= '2' && !service(digits) && called(t, groups[0].from):
		return Phone
	case n >= 16 && n <= 19 && strings.ContainsRune("3456", rune(digits[0])) && (luhn(digits) || byFour(groups)):
		return Bank
	}
	return ""
}

// check returns where a number ends, with the X of an identity card.
func check(t []rune, end int, by string) int {
	if by == Card && end < len(t) && letterX(t, end) {
		return end + 1
	}
	return end
}

func letterX(t []rune, i int) bool {
	return strings.ContainsRune("xX×Ⅹ", t[i]) && (i+1 == len(t) || !ascii(t[i+1]))
}

// mobile: 11 digits that begin with 13 to 19.
func mobile(d string) bool { return len(d) == 11 && d[0] == '1' && d[1] >= '3' }

// landline: 0, two or three digits of the area, seven or eight of the line, and
// maybe an extension.
func landline(d string) bool {
	if len(d) < 10 || len(d) > 12 || d[0] != '0' {
		return false
	}
	if d[1] == '1' && d[2] == '0' || d[1] == '2' { // 010, 02x
		return len(d) == 11 && d[3] >= '2'
	}
	return d[1] >= '3' && len(d) >= 11 && d[4] >= '2'
}

// service reports whether a number is one that companies and offices print.
func service(d string) bool { return strings.HasPrefix(d, "400") || strings.HasPrefix(d, "800") }

// called reports whether the words just before a number say that one may call it.
func called(t []rune, at int) bool {
	before := strings.ToLower(string(t[max(0, at-8):at]))
	for _, cue := range []string{"电话", "座机", "致电", "拨打", "手机", "联系", "来电", "tel", "phone", "call"} {
		if strings.Contains(before, cue) {
			return true
		}
	}
	return false
}

// weights18 are those of the check digit of an identity card (GB 11643).
var weights18 = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

func identity18(d string) bool {
	sum := 0
	for i, w := range weights18 {
		sum += w * int(d[i]-'0')
	}
	return "10X98765432"[sum%11] == d[17] && d[0] != '0'
}

// identity15 is a card of before 1999: place, day of birth without the century,
// three digits.
func identity15(d string) bool {
	_, err := time.Parse("060102", d[6:12])
	return err == nil && d[0] >= '1' && d[0] <= '8'
}

func luhn(d string) bool {
	sum := 0
	for i := range len(d) {
		x := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if x *= 2; x > 9 {
				x -= 9
			}
		}
		sum += x
	}
	return sum%10 == 0
}

// byFour reports whether the digits stand in groups of four, as on a bank card.
func byFour(groups []group) bool {
	for i, g := range groups {
		if len(g.digits) > 4 || len(g.digits) < 4 && i < len(groups)-1 {
			return false
		}
	}
	return true
}
