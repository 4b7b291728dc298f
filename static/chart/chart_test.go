package chart

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestPicturesAreAsTheyWere(t *testing.T) {
	pictures := map[string]string{
		"strip.svg": string(Strip("知晓率 83.1", Mark{Class: "combined", Name: "合成", Value: 83.14, Low: 79.1, High: 86.6, ValueText: "83.1", IntervalText: "79.1–86.6"})),
		"pair.svg": string(Strip("满意度",
			Mark{Class: "visit", Value: 71, Low: 66, High: 76},
			Mark{Class: "scan", Value: 78, Low: 77, High: 79, Hollow: true})),
		"axis.svg": string(Axis()),
		"key.svg":  string(Key("scan", true)),
	}
	for name, got := range pictures {
		file := "testdata/" + name
		if *update {
			if err := os.WriteFile(file, []byte(got+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got+"\n"); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestNumbersOutsideTheAxisAreDrawnAtItsEnds(t *testing.T) {
	got := string(Strip("x", Mark{Value: 140, Low: -3, High: math.Inf(1)}))
	if strings.Contains(got, "140") || strings.Contains(got, "-3") || strings.Contains(got, "Inf") {
		t.Errorf("a number outside 0..100 is in the picture: %s", got)
	}
	if !strings.Contains(got, `cx="100%"`) || !strings.Contains(got, `x1="0%" x2="100%"`) {
		t.Errorf("dot and interval are not at the ends: %s", got)
	}
}

func TestAnAbsentMarkLeavesItsLineEmpty(t *testing.T) {
	got := string(Strip("x", Mark{Absent: true, Value: 12.5, ValueText: "12.5"}, Mark{Value: 40, NoInterval: true}))
	if strings.Contains(got, "12.5") {
		t.Errorf("a withheld number is in the picture: %s", got)
	}
	if strings.Count(got, "<circle") != 1 || strings.Contains(got, "whisker") || !strings.Contains(got, `cy="27"`) {
		t.Errorf("want one dot without interval on the second line: %s", got)
	}
}

func TestWordsCannotLeaveTheirPlace(t *testing.T) {
	evil := `"><script>alert(1)</script>`
	got := string(Strip(evil, Mark{Class: evil, Name: evil, ValueText: evil, IntervalText: evil, Value: 1}))
	if strings.Contains(got, "<script") {
		t.Fatalf("words became markup: %s", got)
	}
	d := xml.NewDecoder(strings.NewReader(got))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not well-formed: %v in %s", err, got)
		}
	}
}
