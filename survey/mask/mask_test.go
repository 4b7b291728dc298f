package mask_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"chengyin/survey/mask"
)

func TestText(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a mobile number":                      {"请打13812345678谢谢", "请打［电话］谢谢"},
		"with dashes":                          {"138-1234-5678", "［电话］"},
		"with spaces":                          {"电话 138 1234 5678。", "电话 ［电话］。"},
		"a space between all digits":           {"1 3 8 1 2 3 4 5 6 7 8", "［电话］"},
		"with dots":                            {"138.1234.5678", "［电话］"},
		"in full-width digits":                 {"１３８１２３４５６７８", "［电话］"},
		"in full-width digits and spaces":      {"１３８　１２３４　５６７８", "［电话］"},
		"in Chinese":                           {"一三八一二三四五六七八", "［电话］"},
		"in Chinese as one says it":            {"幺三八幺二三四五六七八", "［电话］"},
		"in formal Chinese":                    {"壹叁捌壹贰叁肆伍陆柒捌", "［电话］"},
		"half in Chinese":                      {"138一二三四5678", "［电话］"},
		"in circled digits":                    {"①③⑧①②③④⑤⑥⑦⑧", "［电话］"},
		"invisible characters between":         {"138\u200b1234\u200b5678", "［电话］"},
		"with the country":                     {"+86 138 1234 5678", "+［电话］"},
		"with 0086":                            {"008613812345678", "［电话］"},
		"two numbers":                          {"13812345678或15987654321", "［电话］或［电话］"},
		"two numbers with a space between":     {"13812345678 15987654321", "［电话］ ［电话］"},
		"after another number":                 {"3幢 138 1234 5678", "3幢 ［电话］"},
		"after a year":                         {"2026 138 1234 5678", "2026 ［电话］"},
		"a digit too many":                     {"138123456789", "［号码］"},
		"followed by a Chinese numeral":        {"13812345678一个人", "［电话］一个人"},
		"a landline":                           {"0571-88886666", "［电话］"},
		"a landline of seven":                  {"0570-8886666", "［电话］"},
		"a landline of Beijing":                {"(010)66668888", "(［电话］"},
		"a landline with spaces":               {"021 6666 8888", "［电话］"},
		"a local number after the word":        {"座机87654321", "座机［电话］"},
		"a local number in two halves":         {"联系电话：8765-4321", "联系电话：［电话］"},
		"an identity card":                     {"身份证11010519491231002X。", "身份证［证件号］。"},
		"an identity card with spaces":         {"110105 19491231 002X", "［证件号］"},
		"an identity card that ends in ×":      {"11010519491231002×", "［证件号］"},
		"an identity card in full width":       {"１１０１０５１９４９１２３１００２Ｘ", "［证件号］"},
		"an identity card in Chinese":          {"一一〇一〇五一九四九一二三一〇〇二X", "［证件号］"},
		"an identity card with a wrong check":  {"110105194912310021", "［号码］"},
		"an identity card of 15 digits":        {"130503670401001", "［证件号］"},
		"15 digits in groups":                  {"130503 670401 001", "［证件号］"},
		"a bank card":                          {"卡号6222021234567894", "卡号［卡号］"},
		"a bank card by four":                  {"6222 0212 3456 7890 123", "［卡号］"},
		"an e-mail":                            {"写信zhang.san@example.com.", "写信［邮箱］."},
		"an e-mail in full width":              {"ｚｓ＠ｅｘａｍｐｌｅ．ｃｏｍ", "［邮箱］"},
		"a WeChat name":                        {"加我微信：zhang_san88", "加我微信：［账号］"},
		"a WeChat name right after the word":   {"微信zhangsan", "微信［账号］"},
		"a WeChat name after vx":               {"vx zs123456", "vx ［账号］"},
		"a WeChat name after VX in full width": {"ＶＸ：ｚｓ１２３４５６", "ＶＸ：［账号］"},
		"a WeChat name after 号是":               {"微信号是abcdefg", "微信号是［账号］"},
		"a mobile as WeChat name":              {"微信13812345678", "微信［账号］"},
		"a QQ number":                          {"QQ 12345678", "QQ ［账号］"},
		"a plate":                              {"京A12345占道", "［车牌］占道"},
		"a plate with a dot":                   {"浙A·8K888", "［车牌］"},
		"a plate of an electric car":           {"苏AD12345乱停", "［车牌］乱停"},
		"several kinds":                        {"13812345678，微信zs12345，京A12345", "［电话］，微信［账号］，［车牌］"},
	} {
		t.Run(name, func(t *testing.T) {
			got, n := mask.Text(c.in)
			if got != c.want || n != strings.Count(c.want, "［") {
				t.Errorf("%q becomes %q (%d), not %q", c.in, got, n, c.want)
			}
		})
	}
}

func TestWhatStays(t *testing.T) {
	for _, s := range []string{
		"", "停车难", "2026年11月25日", "2018-2019-2020-2021年都这样", "2018 2019 2020 2021", "从2024.01.15到2024.12.31", "20240501", "停车费3000元，涨到12000元",
		"每月150元、200元、3000元", "3幢2单元1501室", "12345热线没人接", "打12345、110、119", "95588", "400-123-4567", "电话400-123-4567", "打12345678次都没用",
		"一二三四楼都漏水", "三五八路口", "二〇二六年十一月", "一九九八年建的小区", "1号楼、3号楼、15号楼、17号楼", "8:00-18:30", "08:30—11:30 13:30—17:30", "50%到100%",
		"微信群里没人管", "公众号", "WeChat group is useless", "微信公众号和QQ群", "wechat please", "经A栋", "新A区有3个", "@物业", "a@b", "北纬30.2741", "第2026-0123号", "G60高速", "1-2-3-4", "10 20 30 40 50 60",
		"电话费1500", "13 15 17 19 21号", "XX路123弄45号678室", "3.1415926", "1000000000",
	} {
		if got, n := mask.Text(s); got != s || n != 0 {
			t.Errorf("%q becomes %q (%d)", s, got, n)
		}
	}
}

// digitsOf writes a number as people do: style says in which digits, sep what
// stands after every few of them.
func digitsOf(number string, style, every int, sep string) string {
	alphabets := []string{"0123456789", "０１２３４５６７８９", "〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖"}
	alphabet := []rune(alphabets[style%len(alphabets)])
	var b strings.Builder
	for i, r := range number {
		if i > 0 && every > 0 && i%every == 0 {
			b.WriteString(sep)
		}
		if r == 'X' {
			b.WriteRune('X')
			continue
		}
		b.WriteRune(alphabet[r-'0'])
	}
	return b.String()
}

// FuzzText: however a number is written, and in whatever words it stands, it does
// not survive; and a text without digits, @ or the name of a service is unchanged.
func FuzzText(f *testing.F) {
	f.Add("请打", "谢谢", uint64(13812345678), uint8(0), uint8(0), uint8(0))
	f.Add("", "", uint64(15987654321), uint8(1), uint8(3), uint8(1))
	f.Add("电话", "12", uint64(0), uint8(2), uint8(4), uint8(2))
	f.Add("a@", "微信", uint64(99999999999), uint8(3), uint8(1), uint8(3))
	f.Fuzz(func(t *testing.T, before, after string, seed uint64, style, every, sep uint8) {
		if !utf8.ValidString(before) || !utf8.ValidString(after) {
			return
		}
		bare := func(s string) string {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune("0123456789０１２３４５６７８９〇○零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺@＠", r) || r >= 0x2460 && r <= 0x24ff || r > 0x1d000 || r >= 0x660 && r <= 0x6f9 {
					return -1
				}
				return r
			}, s)
		}
		before, after = bare(before), bare(after)
		phone := "1" + string(rune('3'+seed%7)) + pad(seed, 9)
		card := identity(seed)
		for _, number := range []string{phone, card} {
			for _, s := range []string{"", " ", "-", "－", "  ", "—"}[:1+int(sep)%6] {
				written := digitsOf(number, int(style), int(every)%6, s)
				text := before + "，" + written + "，" + after
				got, n := mask.Text(text)
				if n == 0 || strings.Contains(plainDigits(got), strings.TrimSuffix(number, "X")) {
					t.Fatalf("%q becomes %q", text, got)
				}
				if again, _ := mask.Text(text); again != got {
					t.Fatalf("%q becomes %q and then %q", text, got, again)
				}
			}
		}
		words := before + after
		if lower := strings.ToLower(words); !strings.ContainsAny(lower, "信wqv扣ｖｗｑＶＷＱ") && !strings.ContainsAny(words, "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼") {
			if got, n := mask.Text(words); got != words || n != 0 {
				t.Fatalf("%q becomes %q", words, got)
			}
		}
	})
}

func pad(seed uint64, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(seed%10)
		seed = seed*6364136223846793005 + 1442695040888963407
		seed ^= seed >> 29
	}
	return string(b)
}

// identity makes the number of an identity card that nobody has.
func identity(seed uint64) string {
	d := "990102" + "19" + string(rune('5'+seed%5)) + string(rune('0'+seed%10)) + "0101" + pad(seed, 3)
	sum := 0
	for i, w := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += w * int(d[i]-'0')
	}
	return d + string("10X98765432"[sum%11])
}

// plainDigits returns the digits of a text, whatever they are written in.
func plainDigits(s string) string {
	var b strings.Builder
	for _, r := range s {
		for _, alphabet := range []string{"0123456789", "０１２３４５６７８９", "〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖"} {
			if i := strings.IndexRune(alphabet, r); i >= 0 {
				b.WriteByte('0' + byte(utf8.RuneCountInString(alphabet[:i])))
			}
		}
	}
	return b.String()
}
