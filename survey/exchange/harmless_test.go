package exchange

import "testing"

func TestTextsDoNotBecomeFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"know":                "know",
		"-5":                  "-5",
		"-1e-05":              "-1e-05",
		"=1+1":                "'=1+1",
		"=cmd|' /C calc'!A0":  "'=cmd|' /C calc'!A0",
		"+86 10":              "'+86 10",
		"-2+3+cmd|' /C x'!A0": "'-2+3+cmd|' /C x'!A0",
		"@SUM(A1)":            "'@SUM(A1)",
		"\t=1":                "'\t=1",
		"\r=1":                "'\r=1",
		"\n=1":                "'\n=1",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q became %q instead of %q", in, got, want)
		}
	}
}
