// Package mask takes out of open texts what tells who somebody is or how to reach
// them: telephone, identity card, bank card and plate numbers, e-mail and WeChat
// addresses. It looks at what people type on phones: full-width digits, digits in
// Chinese, spaces and dashes between them. What it leaves are years, prices, house
// numbers and hotlines.
package mask

import (
	"slices"
	"strings"
)

// What stands in the place of what was taken out.
const (
	Phone   = "［电话］"
	Card    = "［证件号］"
	Bank    = "［卡号］"
	Long    = "［号码］"
	Mail    = "［邮箱］"
	Account = "［账号］"
	Plate   = "［车牌］"
)

// span is a part of the text, in runes, and what takes its place.
type span struct {
	from, to int
	by       string
}

// Text returns the text without what identifies people, and how many items were
// taken out. The same text always gives the same result.
func Text(s string) (masked string, items int) {
	runes := []rune(s)
	plain := make([]rune, len(runes))
	for i, r := range runes {
		plain[i] = narrow(r)
	}
	spans := slices.Concat(mails(plain), accounts(plain), plates(plain), numbers(plain))
	if len(spans) == 0 {
		return s, 0
	}
	slices.SortStableFunc(spans, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	at := 0
	for _, x := range spans {
		if x.to <= at {
			continue // inside of what is gone already
		}
		if x.from < at {
			at = x.to // overlaps it: the rest goes, too
			continue
		}
		out.WriteString(string(runes[at:x.from]))
		out.WriteString(x.by)
		at = x.to
		items++
	}
	out.WriteString(string(runes[at:]))
	return out.String(), items
}

// narrow returns the ASCII character that a full-width one stands for.
func narrow(r rune) rune {
	switch {
	case r >= 0xff01 && r <= 0xff5e:
		return r - 0xff01 + '!'
	case r == 0x3000, r == 0xa0, r == 0x2002, r == 0x2003, r == 0x2009, r == 0x202f:
		return ' '
	}
	return r
}

// chinese are the digits as they are written in Chinese.
var chinese = map[rune]byte{
	'〇': '0', '○': '0', '零': '0', '一': '1', '二': '2', '三': '3', '四': '4', '五': '5', '六': '6', '七': '7', '八': '8', '九': '9',
	'壹': '1', '贰': '2', '叁': '3', '肆': '4', '伍': '5', '陆': '6', '柒': '7', '捌': '8', '玖': '9', '幺': '1',
}

// digit returns the digit that a character is, and the script that it is of.
func digit(r rune) (d byte, script int) {
	if r >= '0' && r <= '9' {
		return byte(r), 1
	}
	if c, ok := chinese[r]; ok {
		return c, 2
	}
	for _, block := range []struct {
		zero   rune
		script int
	}{{0x2460 - 1, 3}, {0x0660, 4}, {0x06f0, 5}, {0x1d7ce, 6}, {0x1d7d8, 6}, {0x1d7e2, 6}, {0x1d7ec, 6}, {0x1d7f6, 6}} { // ① …, Arabic, mathematical
		if r > block.zero && r <= block.zero+9 || r == block.zero && block.script != 3 {
			return '0' + byte(r-block.zero), block.script
		}
	}
	if r == '⓪' {
		return '0', 3
	}
	return 0, 0
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func ascii(r rune) bool { return letter(r) || r >= '0' && r <= '9' }

// mails finds e-mail addresses.
func mails(t []rune) (out []span) {
	word := func(r rune) bool { return ascii(r) || strings.ContainsRune("._%+-", r) }
	for i, r := range t {
		if r != '@' {
			continue
		}
		from, to := i, i+1
		for from > 0 && word(t[from-1]) {
			from--
		}
		for to < len(t) && word(t[to]) {
			to++
		}
		for to > i && (t[to-1] == '.' || t[to-1] == '-') { // the end of the sentence
			to--
		}
		if from < i && slices.Contains(t[i+1:max(to, i+1)], '.') {
			out = append(out, span{from, to, Mail})
		}
	}
	return out
}

// cues are the words after which an account's name follows.
var cues = []string{"微信号", "微信", "威信", "薇信", "wechat", "weixin", "v信", "vx", "wx", "qq号", "qq", "扣扣"}

// accounts finds the names of WeChat and QQ accounts, which can be told by the word
// before them only.
func accounts(t []rune) (out []span) {
	lower := make([]rune, len(t))
	for i, r := range t {
		lower[i] = r
		if r >= 'A' && r <= 'Z' {
			lower[i] = r + 'a' - 'A'
		}
	}
	for i := 0; i < len(lower); i++ {
		for _, cue := range cues {
			word := []rune(cue)
			if i+len(word) > len(lower) || !slices.Equal(lower[i:i+len(word)], word) || letter(word[0]) && i > 0 && ascii(lower[i-1]) {
				continue
			}
			at, sure := i+len(word), false
			for at < len(lower) && strings.ContainsRune(" \t:：-号是为加我", lower[at]) {
				sure = sure || strings.ContainsRune(":：号是为", lower[at])
				at++
			}
			end, digits := at, false
			for end < len(lower) && (ascii(lower[end]) || lower[end] == '_' || lower[end] == '-') {
				digits = digits || lower[end] == '_' || lower[end] >= '0' && lower[end] <= '9'
				end++
			}
			joined := at == i+len(word) && !letter(word[len(word)-1])
			if n := end - at; n >= 5 && n <= 24 && (sure || digits || joined) {
				out = append(out, span{at, end, Account})
				i = end - 1
			}
			break
		}
	}
	return out
}

const provinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

// plates finds the plates of cars: a province, a letter, five or six characters.
func plates(t []rune) (out []span) {
	for i := 0; i+1 < len(t); i++ {
		if !strings.ContainsRune(provinces, t[i]) || !letter(t[i+1]) {
			continue
		}
		at := i + 2
		for at < len(t) && at < i+4 && strings.ContainsRune(" ·・.-", t[at]) {
			at++
		}
		end, digits := at, 0
		for end < len(t) && ascii(t[end]) {
			if t[end] <= '9' {
				digits++
			}
			end++
		}
		if n := end - at; (n == 5 || n == 6) && digits >= 2 {
			out = append(out, span{i, end, Plate})
			i = end - 1
		}
	}
	return out
}
