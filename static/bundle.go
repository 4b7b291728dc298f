package static

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// asset is a minified style sheet or script.
type asset struct {
	name        string
	body        []byte
	contentType string
	hash        string // 'sha256-…', for a policy
	version     string
}

func (a *asset) url() string { return "/static/" + a.version + "/" + a.name }

func newAsset(name, contentType string, body []byte) *asset {
	sum := sha256.Sum256(body)
	return &asset{
		name: name, body: body, contentType: contentType,
		hash:    "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		version: hex.EncodeToString(sum[:6]),
	}
}

// targets are the languages that scripts are turned into. The resident's page
// has to run in the WebViews of 2017; offices have browsers of a later day.
var targets = map[string]api.Target{"early": api.ES2015, "respond": api.ES2015}

const otherTarget = api.ES2018

// cssEngines are the browsers that style sheets are written down for.
var cssEngines = []api.Engine{{Name: api.EngineChrome, Version: "57"}, {Name: api.EngineSafari, Version: "10.1"}}

func bundle(files fs.FS) (map[string]*asset, error) {
	assets := map[string]*asset{}
	scripts, err := fs.Glob(files, "src/*/main.ts")
	if err != nil {
		return nil, err
	}
	sheets, err := fs.Glob(files, "css/*.css")
	if err != nil {
		return nil, err
	}
	for _, entry := range append(scripts, sheets...) {
		name, contentType := path.Base(entry), "text/css; charset=utf-8"
		options := api.BuildOptions{
			EntryPoints: []string{entry}, Bundle: true, Write: false, LogLevel: api.LogLevelSilent,
			MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
			Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone, Plugins: []api.Plugin{from(files)},
		}
		if family := path.Base(path.Dir(entry)); strings.HasSuffix(entry, ".ts") {
			name, contentType = family+".js", "text/javascript; charset=utf-8"
			options.Format = api.FormatIIFE
			options.Target = otherTarget
			if t, ok := targets[family]; ok {
				options.Target = t
			}
		} else {
			options.Engines = cssEngines
		}
		result := api.Build(options)
		if len(result.Errors) > 0 {
			return nil, fmt.Errorf("bundle %s: %w", entry, messages(result.Errors))
		}
		assets[name] = newAsset(name, contentType, result.OutputFiles[0].Contents)
	}
	return assets, nil
}

func messages(list []api.Message) error {
	var all []error
	for _, m := range list {
		if m.Location == nil {
			all = append(all, errors.New(m.Text))
			continue
		}
		all = append(all, fmt.Errorf("%s:%d: %s", m.Location.File, m.Location.Line, m.Text))
	}
	return errors.Join(all...)
}

// from lets esbuild read files instead of the disk. Scripts import each other by
// relative paths without an extension; there are no packages to import.
func from(files fs.FS) api.Plugin {
	return api.Plugin{Name: "files", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(in api.OnResolveArgs) (api.OnResolveResult, error) {
			name := path.Clean(in.Path) // esbuild puts ./ before an entry that the working directory has, too
			if in.Kind != api.ResolveEntryPoint {
				if !strings.HasPrefix(in.Path, ".") {
					return api.OnResolveResult{}, fmt.Errorf("import %q: only relative paths are imported", in.Path)
				}
				name = path.Join(path.Dir(in.Importer), in.Path)
			}
			for _, candidate := range []string{name, name + ".ts", path.Join(name, "index.ts")} {
				if info, err := fs.Stat(files, candidate); err == nil && !info.IsDir() {
					return api.OnResolveResult{Path: candidate, Namespace: "files"}, nil
				}
			}
			return api.OnResolveResult{}, fmt.Errorf("import %q: no such file", in.Path)
		})
		build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "files"}, func(in api.OnLoadArgs) (api.OnLoadResult, error) {
			raw, err := fs.ReadFile(files, in.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			text, loader := string(raw), api.LoaderTS
			switch path.Ext(in.Path) {
			case ".css":
				loader = api.LoaderCSS
			case ".json":
				loader = api.LoaderJSON
			}
			return api.OnLoadResult{Contents: &text, Loader: loader}, nil
		})
	}}
}
