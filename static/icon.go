package static

import (
	"fmt"
	"html/template"
)

// icons are drawn on a field of 24 by 24 with a line of 2, in the colour of the
// text around them.
var icons = map[string]string{
	"alert":    `<path d="M12 3 2 20h20zM12 10v4M12 17v.01"/>`,
	"board":    `<path d="M4 4v16h16M8 16v-4M12 16V8M16 16v-6"/>`,
	"check":    `<path d="m5 13 4 4L19 7"/>`,
	"close":    `<path d="M6 6l12 12M18 6 6 18"/>`,
	"code":     `<path d="M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 18h2v2h-2z"/>`,
	"down":     `<path d="m6 9 6 6 6-6"/>`,
	"door":     `<path d="M6 21V4h12v17M3 21h18M14 12v.01"/>`,
	"download": `<path d="M12 4v11M7 11l5 5 5-5M5 20h14"/>`,
	"key":      `<circle cx="8" cy="12" r="4"/><path d="M12 12h9M18 12v4"/>`,
	"out":      `<path d="M10 4H5v16h5M14 8l4 4-4 4M18 12H9"/>`,
	"place":    `<path d="M12 21s7-6.5 7-11a7 7 0 0 0-14 0c0 4.5 7 11 7 11z"/><circle cx="12" cy="10" r="2.5"/>`,
	"plus":     `<path d="M12 5v14M5 12h14"/>`,
	"print":    `<path d="M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z"/>`,
	"right":    `<path d="m9 6 6 6-6 6"/>`,
	"search":   `<circle cx="11" cy="11" r="6"/><path d="m20 20-4.5-4.5"/>`,
	"lock":     `<rect x="5" y="10" width="14" height="11" rx="2"/><path d="M8 10V7a4 4 0 0 1 8 0v3M12 14v3"/>`,
	"user":     `<circle cx="12" cy="8" r="4"/><path d="M4 21c1-5 4-7 8-7s7 2 8 7"/>`,
}

// icon returns a picture for decoration: the words beside it say what it means.
func icon(name string) (template.HTML, error) {
	paths, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("no icon %q", name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" width="1em" height="1em" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">` + paths + `</svg>`), nil
}
