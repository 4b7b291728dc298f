package static

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// words are the texts by language and key.
type words map[string]map[string]string

func readWords(files fs.FS) (words, error) {
	all := words{}
	for _, lang := range Languages {
		all[lang] = map[string]string{}
		names, err := fs.Glob(files, path.Join("locale", lang, "*.json"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			raw, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, err
			}
			var file map[string]string
			if err := json.Unmarshal(raw, &file); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			for key, text := range file {
				if _, twice := all[lang][key]; twice {
					return nil, fmt.Errorf("%s: key %q is in another file already", name, key)
				}
				all[lang][key] = text
			}
		}
	}
	return all, nil
}

func (w words) say(lang, key string, args []any) string {
	text, ok := w[Language(lang)][key]
	if !ok {
		return key
	}
	if len(args) == 0 || !strings.Contains(text, "{") {
		return text
	}
	var pairs []string
	if named, ok := args[0].(map[string]any); ok {
		for name, value := range named {
			pairs = append(pairs, "{"+name+"}", fmt.Sprint(value))
		}
	} else {
		for i := 0; i+1 < len(args); i += 2 {
			pairs = append(pairs, fmt.Sprintf("{%v}", args[i]), fmt.Sprint(args[i+1]))
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
