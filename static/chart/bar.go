package chart

import (
	"fmt"
	"html/template"
	"strings"
)

// Part is a piece of a bar.
type Part struct {
	Class string // chooses the colour in the style sheet
	Size  int
}

// barHeight is how high a bar is.
const barHeight = 10

// Bar draws pieces one behind the other over the full width; a bar without anything
// in it is empty. The label says in words what the picture shows.
func Bar(label string, parts ...Part) template.HTML {
	var b strings.Builder
	open(&b, "bar", label, barHeight)
	all := 0
	for _, p := range parts {
		all += p.Size
	}
	fmt.Fprintf(&b, `<rect class="empty" x="0" y="0" width="100%%" height="%d"/>`, barHeight)
	at := 0
	for _, p := range parts {
		if p.Size <= 0 {
			continue
		}
		from, to := 100*float64(at)/float64(all), 100*float64(at+p.Size)/float64(all)
		fmt.Fprintf(&b, `<rect class="%s" x="%.3f%%" y="0" width="%.3f%%" height="%d"/>`, template.HTMLEscapeString(p.Class), from, to-from, barHeight)
		at += p.Size
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}
