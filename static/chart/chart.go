// Package chart draws estimates with their intervals as SVG: dots with whiskers
// on a common axis from 0 to 100. It needs no script, and prints.
//
// Places along the axis are percentages of the picture's width, so that a strip
// fills whatever room the page gives it and dots stay round. Colours come from
// the page's style sheet by class, because a page's policy allows no style in
// elements.
package chart

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Mark is a dot with its interval. Numbers are on 0..100.
type Mark struct {
	Class          string // "visit", "scan", "combined": chooses colour and shape in the style sheet
	Name           string // what it is, for the label
	Value          float64
	Low, High      float64
	NoInterval     bool // only the dot
	ValueText      string
	IntervalText   string
	Hollow, Absent bool // Absent keeps the line free: there is nothing to show
}

// Height of a line, its middle, and the gridlines of all strips.
const lineHeight = 18

var grid = []int{0, 25, 50, 75, 100}

// Strip draws one line per mark over light gridlines. The label says in words
// what the picture shows.
func Strip(label string, marks ...Mark) template.HTML {
	var b strings.Builder
	height := lineHeight * max(1, len(marks))
	open(&b, "strip", label, height)
	for _, g := range grid {
		fmt.Fprintf(&b, `<line class="grid" x1="%d%%" x2="%[1]d%%" y1="0" y2="%d"/>`, g, height)
	}
	for i, m := range marks {
		if m.Absent {
			continue
		}
		draw(&b, m, lineHeight*i+lineHeight/2)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

func draw(b *strings.Builder, m Mark, y int) {
	class := "mark"
	if m.Class != "" {
		class += " " + template.HTMLEscapeString(m.Class)
	}
	fmt.Fprintf(b, `<g class="%s">`, class)
	if title := strings.Join(words(m.Name, m.ValueText, m.IntervalText), " "); title != "" {
		fmt.Fprintf(b, `<title>%s</title>`, template.HTMLEscapeString(title))
	}
	x := at(m.Value)
	if !m.NoInterval {
		low, high := at(m.Low), at(m.High)
		fmt.Fprintf(b, `<line class="whisker" x1="%s" x2="%s" y1="%d" y2="%[3]d"/>`, low, high, y)
		fmt.Fprintf(b, `<line class="whisker" x1="%s" x2="%[1]s" y1="%d" y2="%d"/>`, low, y-4, y+4)
		fmt.Fprintf(b, `<line class="whisker" x1="%s" x2="%[1]s" y1="%d" y2="%d"/>`, high, y-4, y+4)
	}
	shape := "dot"
	if m.Hollow {
		shape = "dot hollow"
	}
	fmt.Fprintf(b, `<circle class="%s" cx="%s" cy="%d" r="4.5"/></g>`, shape, x, y)
}

// Axis draws the numbers of the gridlines, to stand above strips of the same
// width.
func Axis() template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="axis" width="100%" height="14" aria-hidden="true" focusable="false">`)
	for _, g := range grid {
		anchor := "middle"
		switch g {
		case 0:
			anchor = "start"
		case 100:
			anchor = "end"
		}
		fmt.Fprintf(&b, `<text x="%d%%" y="11" text-anchor="%s">%[1]d</text>`, g, anchor)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// Key draws one mark without an axis, for a legend.
func Key(class string, hollow bool) template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="strip key" width="28" height="18" aria-hidden="true" focusable="false">`)
	draw(&b, Mark{Class: class, Value: 50, Low: 8, High: 92, Hollow: hollow}, lineHeight/2)
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

func open(b *strings.Builder, class, label string, height int) {
	fmt.Fprintf(b, `<svg class="%s" width="100%%" height="%d" role="img" aria-label="%s" focusable="false">`, class, height, template.HTMLEscapeString(label))
}

// at places a number on the axis. What lies outside is drawn at the end.
func at(v float64) string {
	if math.IsNaN(v) {
		v = 0
	}
	v = math.Round(min(max(v, 0), 100)*100) / 100
	return strconv.FormatFloat(v, 'f', -1, 64) + "%"
}

func words(all ...string) []string {
	var out []string
	for _, w := range all {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}
