package collector_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"chengyin/survey/collector"
)

var secret = []byte("a secret of thirty-two characters")

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func TestCodes(t *testing.T) {
	s := collector.NewSigner(secret)
	const last = 1<<25 - 1
	seen := map[string]bool{}
	for i := range int64(2000) {
		n := i
		if i >= 1000 {
			n = last - (i - 1000) // the largest numbers too
		}
		code := s.Code(n)
		if len(code) != 9 || strings.Trim(code, alphabet) != "" {
			t.Fatalf("the code of %d is %q", n, code)
		}
		if seen[code] {
			t.Fatalf("%q is the code of two numbers", code)
		}
		seen[code] = true
		if !s.Genuine(code) {
			t.Fatalf("%q is not known again", code)
		}
	}
	t.Run("codes of another secret are not genuine", func(t *testing.T) {
		other, wrong := collector.NewSigner([]byte("another secret of enough characters")), 0
		for n := range int64(2000) {
			if s.Genuine(other.Code(n)) {
				wrong++
			}
		}
		if wrong > 1 { // 0.002 are expected
			t.Errorf("%d of 2000 are", wrong)
		}
	})
	t.Run("any single wrong character is noticed", func(t *testing.T) {
		code, wrong := s.Code(12345), 0
		for i := range code {
			for _, c := range alphabet {
				if other := code[:i] + string(c) + code[i+1:]; other != code && s.Genuine(other) {
					wrong++
				}
			}
		}
		if wrong > 0 { // 279 tries, each passes with 1 in a million
			t.Errorf("%d of 279 were not", wrong)
		}
	})
	t.Run("of a hundred thousand guesses hardly one is genuine", func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		lucky := 0
		guess := make([]byte, 9)
		for range 100_000 {
			for i := range guess {
				guess[i] = alphabet[r.IntN(32)]
			}
			if s.Genuine(string(guess)) {
				lucky++
			}
		}
		if lucky > 2 { // 0.1 are expected
			t.Errorf("%d are", lucky)
		}
	})
	t.Run("what is no code is not genuine", func(t *testing.T) {
		for _, x := range []string{"", "A", s.Code(1) + "0", s.Code(1)[:8], "北京上", "\x00\x00\x00\x00\x00\x00\x00\x00\x00"} {
			if s.Genuine(x) {
				t.Errorf("%q is", x)
			}
		}
	})
}

func TestNormalise(t *testing.T) {
	for typed, want := range map[string]string{
		"7KX2M4QTN":                "7KX2M4QTN",
		"7kx2m-4qtn":               "7KX2M4QTN",
		" 7KX2M 4QTN ":             "7KX2M4QTN",
		"7kx2m_4q.tn":              "7KX2M4QTN",
		"OoIiLl":                   "001111",
		"":                         "",
		"北京":                       "北京",
		strings.Repeat("A", 10000): strings.Repeat("A", 65),
	} {
		if got := collector.Normalise(typed); got != want {
			t.Errorf("%q became %q instead of %q", typed, got, want)
		}
	}
}

func TestPretty(t *testing.T) {
	s := collector.NewSigner(secret)
	code := s.Code(777)
	if p := collector.Pretty(code); p != code[:5]+"-"+code[5:] || collector.Normalise(p) != code {
		t.Errorf("%q is shown as %q", code, p)
	}
	if p := collector.Pretty("odd"); p != "odd" {
		t.Error(p)
	}
}
