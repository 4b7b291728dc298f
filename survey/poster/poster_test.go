package poster

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	qrcode "github.com/skip2/go-qrcode"
)

func TestURL(t *testing.T) {
	for _, c := range []struct{ name, public, want string }{
		{"a host alone is written in upper case", "https://s.example", "HTTPS://S.EXAMPLE/Q/0000V9K2M"},
		{"a slash at the end changes nothing", "https://s.example/", "HTTPS://S.EXAMPLE/Q/0000V9K2M"},
		{"a port stays", "http://127.0.0.1:8080", "HTTP://127.0.0.1:8080/Q/0000V9K2M"},
		{"a path keeps its case", "https://s.example/City", "https://s.example/City/q/0000V9K2M"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := URL(c.public, "0000V9K2M"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	if got := Typed("https://s.example/", "0000V-9K2M"); got != "s.example/q/0000V-9K2M" {
		t.Errorf("typed address %q", got)
	}
}

func TestUpperCaseMakesASmallerCode(t *testing.T) {
	modules := func(content string) int {
		q, err := qrcode.New(content, qrcode.High)
		if err != nil {
			t.Fatal(err)
		}
		q.DisableBorder = true
		return len(q.Bitmap())
	}
	upper, lower := modules(URL("https://survey.example.gov.cn", "0000V9K2M")), modules("https://survey.example.gov.cn/q/0000V9K2M")
	if upper >= lower {
		t.Errorf("%d modules a side in upper case, %d in lower", upper, lower)
	}
}

func TestPNGReadsBack(t *testing.T) {
	content := URL("https://survey.example.gov.cn", "0000V9K2M")
	raw, err := PNG(content, 10)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Dx(); got != MinSize {
		t.Errorf("%d pixels a side, want the least, %d", got, MinSize)
	}
	scan(t, raw, content)
}

func TestSVGReadsBack(t *testing.T) {
	content := URL("https://survey.example.gov.cn", "0000V9K2M")
	svg, err := SVG(content)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(svg, "<title>"+content+"</title>") {
		t.Error("nothing says what the picture holds to those who cannot see it")
	}
	var b bytes.Buffer
	if err := png.Encode(&b, raster(t, svg, 8)); err != nil {
		t.Fatal(err)
	}
	scan(t, b.Bytes(), content)
}

func TestContentCannotLeaveItsPlace(t *testing.T) {
	svg, err := SVG(`https://s.example/?a=1&b=<script>`)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(svg, "<script") || !strings.Contains(svg, "&amp;b=") {
		t.Errorf("content became markup: %.300s", svg)
	}
}

// raster draws the rectangles of the SVG's path.
func raster(t *testing.T, svg string, scale int) image.Image {
	t.Helper()
	box := regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"`).FindStringSubmatch(svg)
	if box == nil || box[1] != box[2] {
		t.Fatalf("no square viewBox: %.120s", svg)
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	side := number(box[1]) * scale
	img := image.NewGray(image.Rect(0, 0, side, side))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	runs := regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(svg, -1)
	if len(runs) == 0 {
		t.Fatal("the path is empty")
	}
	for _, r := range runs {
		x, y, w := number(r[1]), number(r[2]), number(r[3])
		for py := y * scale; py < (y+1)*scale; py++ {
			for px := x * scale; px < (x+w)*scale; px++ {
				img.SetGray(px, py, color.Gray{})
			}
		}
	}
	return img
}

// scan reads the picture with zbarimg, a reader of somebody else's making.
func scan(t *testing.T, picture []byte, want string) {
	t.Helper()
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("zbarimg is not installed")
		}
		t.Skip("zbarimg is not installed (Debian: zbar-tools)")
	}
	file := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(zbar, "--quiet", "--raw", file).Output()
	if err != nil {
		t.Fatalf("zbarimg: %v", err)
	}
	if got := strings.TrimSpace(string(out)); got != want {
		t.Errorf("scanned %q, want %q", got, want)
	}
}
