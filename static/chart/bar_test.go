package chart_test

import (
	"strings"
	"testing"

	"chengyin/static/chart"
)

func TestBar(t *testing.T) {
	got := string(chart.Bar(`3 of "4"`, chart.Part{Class: "complete", Size: 3}, chart.Part{Class: "closed"}, chart.Part{Class: "left", Size: 1}))
	for _, want := range []string{`aria-label="3 of &#34;4&#34;"`, `class="complete" x="0.000%" y="0" width="75.000%"`, `class="left" x="75.000%" y="0" width="25.000%"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "closed") {
		t.Error("a piece of nothing is drawn:", got)
	}
	if empty := string(chart.Bar("none")); strings.Count(empty, "<rect") != 1 || strings.Contains(empty, "NaN") {
		t.Error(empty)
	}
}
