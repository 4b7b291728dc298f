// Package poster makes the QR codes of collectors. A code on a lamp post is dirty,
// scratched and read from two metres away, so everything here serves large
// modules and a high level of error correction.
package poster

import (
	"fmt"
	"html"
	"net/url"
	"strings"

	qrcode "github.com/skip2/go-qrcode"
)

// The limits of a PNG's size in pixels a side. The lower one leaves each module
// five pixels.
const (
	MinSize     = 256
	MaxSize     = 2400
	DefaultSize = 1024
)

// URL returns what the QR code of a collector holds. A public address without a
// path is written in upper case, which QR codes store in two thirds of the room;
// the server answers to both. A path may tell cases apart and is left as it is.
func URL(publicURL, code string) string {
	base := strings.TrimRight(publicURL, "/")
	u, err := url.Parse(base)
	if err == nil && u.Host != "" && u.Path == "" && u.RawQuery == "" && u.User == nil {
		return strings.ToUpper(base) + "/Q/" + strings.ToUpper(code)
	}
	return base + "/q/" + code
}

// Typed returns the address as a person types it: without the scheme.
func Typed(publicURL, code string) string {
	base := strings.TrimRight(publicURL, "/")
	if _, rest, ok := strings.Cut(base, "://"); ok {
		base = rest
	}
	return base + "/q/" + code
}

func encode(content string) (*qrcode.QRCode, error) {
	q, err := qrcode.New(content, qrcode.High)
	if err != nil {
		return nil, fmt.Errorf("qr code: %w", err)
	}
	return q, nil
}

// PNG returns the QR code of content, size pixels a side with its quiet zone.
// Sizes outside of the limits are brought to them.
func PNG(content string, size int) ([]byte, error) {
	q, err := encode(content)
	if err != nil {
		return nil, err
	}
	return q.PNG(min(max(size, MinSize), MaxSize))
}

// SVG returns the QR code of content with its quiet zone, one unit a module, and
// content as its title for those who cannot see it. It is one path of rows, so
// that no hairlines show between modules on paper.
func SVG(content string) (string, error) {
	q, err := encode(content)
	if err != nil {
		return "", err
	}
	bits := q.Bitmap()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %[1]d" shape-rendering="crispEdges" role="img"><title>%s</title><rect width="%[1]d" height="%[1]d" fill="#fff"/><path fill="#000" d="`,
		len(bits), html.EscapeString(content))
	for y, row := range bits {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			end := x
			for end < len(row) && row[end] {
				end++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%[3]dz", x, y, end-x)
			x = end
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}
