package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/survey/fieldwork"
)

// fieldRoutes are the worker's page and what a phone needs to keep it. None of it
// knows who asks: what the page shows comes from the API, or from the phone.
func (a *API) fieldRoutes(r *gin.Engine) {
	r.GET("/field", a.do(a.fieldPage))
	r.GET("/field/sw.js", a.do(a.fieldWorker))
	r.GET("/field/manifest.webmanifest", a.do(a.fieldManifest))
	for _, size := range fieldIcons {
		r.GET(iconPath(size), a.do(func(c *gin.Context) error {
			c.Header("Cache-Control", "public, max-age=86400")
			c.Data(http.StatusOK, "image/png", fieldIcon(size))
			return nil
		}))
	}
}

// fieldIcons are the sizes that home screens ask for.
var fieldIcons = []int{192, 512}

func iconPath(size int) string { return fmt.Sprintf("/field/icon-%d.png", size) }

// fieldFiles are the assets of the page.
var fieldFiles = []string{"field.css", "field.js"}

// fieldData is what the page's script cannot know by itself.
type fieldData struct {
	Words    map[string]map[string]string `json:"words"` // by language, so that the phone changes it without signal
	Outcomes []outcomeView                `json:"outcomes"`
}

type outcomeView struct {
	Code  string `json:"code"`
	Group string `json:"group"`
	Again bool   `json:"again"`
}

// answerWords are the keys of what the page says of wrong answers.
var answerWords = []string{"required", "wrong_type", "unknown_option", "duplicate_option", "exclusive", "too_few", "too_many", "out_of_range", "not_integer", "too_long"}

func newFieldData(st *static.Static) fieldData {
	d := fieldData{Words: map[string]map[string]string{}}
	for _, lang := range static.Languages {
		words := st.Words(lang, "phone.")
		words["product.name"] = st.T(lang, "product.name")
		for key, text := range st.Words(lang, "field.outcome.") {
			words[key] = text
		}
		for _, code := range answerWords {
			words["field."+code] = st.T(lang, "field."+code)
		}
		d.Words[lang] = words
	}
	for _, o := range fieldwork.Outcomes {
		d.Outcomes = append(d.Outcomes, outcomeView{o.Code, string(o.Group), o.Again})
	}
	return d
}

// fieldShell returns the page, which is the same for everybody.
func (a *API) fieldShell() ([]byte, error) {
	var page bytes.Buffer
	err := a.static.Render(&page, "field/page", "zh", struct {
		Data      fieldData
		OpeningEN string
	}{newFieldData(a.static), a.static.T("en", "phone.opening_text")})
	return page.Bytes(), err
}

// fieldPolicy lets the page fetch from us only, and keep its own service worker.
const fieldPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (a *API) fieldPage(c *gin.Context) error {
	page, err := a.fieldShell()
	if err != nil {
		return err
	}
	hide(c)
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", fieldPolicy)
	h.Set("Vary", "Accept-Encoding")
	body, coding := pack(c.Request, page)
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	c.Data(http.StatusOK, "text/html; charset=utf-8", body)
	return nil
}

// fieldWorker is the service worker with the list of what it keeps. The list has a
// version that changes with any of it, so that phones fetch all of a newer one.
func (a *API) fieldWorker(c *gin.Context) error {
	page, err := a.fieldShell()
	if err != nil {
		return err
	}
	files := []string{iconPath(fieldIcons[0])}
	for _, name := range fieldFiles {
		files = append(files, a.static.URL(name))
	}
	sum := sha256.Sum256(append(page, fmt.Sprint(files)...))
	assets, err := json.Marshal(map[string]any{"version": hex.EncodeToString(sum[:8]), "page": "/field", "files": files})
	if err != nil {
		return err
	}
	script, _, _ := a.static.Asset(a.static.URL("fieldsw.js"))
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store") // browsers keep the worker themselves, and look for another at each visit
	h.Set("Service-Worker-Allowed", "/field")
	// The policy of the script is that of all the worker fetches.
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Data(http.StatusOK, "text/javascript; charset=utf-8", append([]byte("self.assets="+string(assets)+";\n"), script...))
	return nil
}

// fieldManifest lets a phone put the page on its home screen.
func (a *API) fieldManifest(c *gin.Context) error {
	type picture struct {
		Src     string `json:"src"`
		Sizes   string `json:"sizes"`
		Type    string `json:"type"`
		Purpose string `json:"purpose"`
	}
	var icons []picture
	for _, size := range fieldIcons {
		icons = append(icons, picture{iconPath(size), fmt.Sprintf("%dx%d", size, size), "image/png", "any maskable"})
	}
	lang := a.lang(c)
	raw, err := json.Marshal(map[string]any{
		"name": a.static.T(lang, "phone.title"), "short_name": a.static.T(lang, "phone.short_title"), "lang": lang,
		"id": "/field", "start_url": "/field", "scope": "/field", "display": "standalone", "orientation": "portrait",
		"background_color": "#f3f6f5", "theme_color": "#0b6e6e", "icons": icons,
	})
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store") // it follows the language
	c.Data(http.StatusOK, "application/manifest+json; charset=utf-8", raw)
	return nil
}

var icons sync.Map // pictures by size

// fieldIcon draws the product's sign as home screens want it, to the edges: voices
// of different height, side by side.
func fieldIcon(size int) []byte {
	if drawn, ok := icons.Load(size); ok {
		return drawn.([]byte)
	}
	ground, ink := color.NRGBA{0x0b, 0x6e, 0x6e, 0xff}, color.NRGBA{0xff, 0xff, 0xff, 0xff}
	picture := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{ground, ink})
	for i, half := range []int{3, 7, 4, 9, 3} { // of 32 units, around the middle
		x0, x1 := size*(7+4*i)/32, size*(9+4*i)/32
		for y := size * (16 - half) / 32; y < size*(16+half)/32; y++ {
			for x := x0; x < x1; x++ {
				picture.SetColorIndex(x, y, 1)
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		panic("api: a picture into memory: " + err.Error())
	}
	icons.Store(size, out.Bytes())
	return out.Bytes()
}
