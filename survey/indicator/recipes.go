package indicator

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"sync"

	"chengyin/survey"
)

//go:embed definitions/two-rates-v1.json presets/*.json
var files embed.FS

// Parse reads a recipe and validates it. Returns survey.ErrMalformed when raw
// is not one JSON object with known fields, survey.ErrInvalid with the wrong
// fields when it breaks a rule.
func Parse(raw []byte) (*Recipe, error) {
	if len(raw) > maxRecipeBytes {
		return nil, survey.ErrInvalid.With(tooLarge)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	r := new(Recipe)
	if err := dec.Decode(r); err != nil {
		return nil, survey.ErrMalformed.Because(fmt.Errorf("read recipe: %w", err))
	}
	if dec.More() {
		return nil, survey.ErrMalformed.Because(fmt.Errorf("read recipe: more than one object"))
	}
	if wrong := r.Validate(); len(wrong) > 0 {
		return nil, survey.ErrInvalid.With(wrong...)
	}
	return r, nil
}

var (
	loadDefault = sync.OnceValue(func() *Recipe { return load("definitions/two-rates-v1.json") })
	loadPresets = sync.OnceValue(func() []*Recipe {
		names, err := fs.Glob(files, "presets/*.json")
		if err != nil {
			panic("indicator: " + err.Error())
		}
		presets := make([]*Recipe, len(names))
		for i, name := range names {
			presets[i] = load(name)
		}
		return presets
	})
)

func load(name string) *Recipe {
	raw, err := files.ReadFile(name)
	if err != nil {
		panic("indicator: " + err.Error())
	}
	r, err := Parse(raw)
	if err != nil {
		panic("indicator: the built-in recipe " + name + ": " + err.Error())
	}
	return r
}

// Default returns the recipe "two-rates": awareness, participation and
// satisfaction of residents of half a year and longer, 18 and older. It is
// shared: read it, do not change it.
func Default() *Recipe { return loadDefault() }

// Presets returns the ways of counting seen elsewhere, over the default
// questionnaire, as far as its questions allow. Each names its source. They are
// shared: read them, do not change them.
func Presets() []*Recipe { return append([]*Recipe(nil), loadPresets()...) }
