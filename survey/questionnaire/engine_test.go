package questionnaire_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"pgregory.net/rapid"

	"chengyin/survey"
	"chengyin/survey/questionnaire"
)

const enginePath = "../../static/src/engine"

// oneCase is answers to a definition, and what both the server and the browser
// have to say about them.
type oneCase struct {
	Name       string              `json:"name"`
	Definition string              `json:"definition"` // a name in the file, or "default"
	Answers    json.RawMessage     `json:"answers"`
	Seed       string              `json:"seed"`
	Visible    []string            `json:"visible"`
	Problems   []problem           `json:"problems"`
	Order      map[string][]string `json:"order"` // of the options, by question
}

type problem struct {
	Path string             `json:"path"`
	Code string             `json:"code"`
	Args map[string]float64 `json:"args,omitempty"`
}

// verdict is what one side says about a case.
type verdict struct {
	Visible  []string            `json:"visible"`
	Problems []problem           `json:"problems"`
	Order    map[string][]string `json:"order"`
}

// task is a case as the browser's side gets it.
type task struct {
	Definition *questionnaire.Definition `json:"definition"`
	Answers    json.RawMessage           `json:"answers"`
	Seed       string                    `json:"seed"`
}

func cases(t *testing.T) ([]oneCase, []task) {
	t.Helper()
	raw, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Definitions map[string]*questionnaire.Definition
		Cases       []oneCase
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	tasks := make([]task, len(file.Cases))
	for i, c := range file.Cases {
		d := file.Definitions[c.Definition]
		if c.Definition == "default" {
			d = questionnaire.Default()
		}
		if d == nil {
			t.Fatalf("%s: no definition %q", c.Name, c.Definition)
		}
		tasks[i] = task{d, c.Answers, c.Seed}
	}
	return file.Cases, tasks
}

func TestServerRunsTheCases(t *testing.T) {
	all, tasks := cases(t)
	for i, c := range all {
		t.Run(c.Name, func(t *testing.T) { c.compare(t, inGo(t, tasks[i])) })
	}
}

func TestBrowserRunsTheCases(t *testing.T) {
	all, tasks := cases(t)
	got := inNode(t, tasks)
	for i, c := range all {
		t.Run(c.Name, func(t *testing.T) { c.compare(t, got[i]) })
	}
}

func (c oneCase) compare(t *testing.T, got verdict) {
	t.Helper()
	if !reflect.DeepEqual(got.Visible, c.Visible) {
		t.Errorf("visible: got %v, want %v", got.Visible, c.Visible)
	}
	if !reflect.DeepEqual(got.Problems, c.Problems) {
		t.Errorf("problems: got %+v, want %+v", got.Problems, c.Problems)
	}
	for id, want := range c.Order {
		if !reflect.DeepEqual(got.Order[id], want) {
			t.Errorf("order of %s: got %v, want %v", id, got.Order[id], want)
		}
	}
}

// TestServerAndBrowserAgree compares both sides on definitions and answers that
// nobody thought of.
func TestServerAndBrowserAgree(t *testing.T) {
	tasks := make([]task, 3000)
	for i := range tasks {
		tasks[i] = tasksToDraw.Example(i)
	}
	got := inNode(t, tasks)
	codes := map[string]int{}
	for i, task := range tasks {
		want := inGo(t, task)
		if !reflect.DeepEqual(got[i], want) {
			text, _ := json.Marshal(task)
			t.Fatalf("%s\nserver:  %+v\nbrowser: %+v", text, want, got[i])
		}
		for _, p := range want.Problems {
			codes[p.Code]++
		}
	}
	for _, code := range answerCodes {
		if codes[code] == 0 {
			t.Errorf("no drawn case ended in %s", code)
		}
	}
}

func inGo(t *testing.T, task task) verdict {
	t.Helper()
	a, wrong := questionnaire.ParseAnswers(task.Answers)
	if wrong != nil {
		t.Fatalf("%s: %v", task.Answers, wrong)
	}
	d := task.Definition
	v := verdict{Visible: d.Visible(a), Problems: []problem{}, Order: map[string][]string{}}
	for _, f := range d.Check(a) {
		v.Problems = append(v.Problems, toProblem(t, f))
	}
	for i := range d.Questions {
		q := &d.Questions[i]
		order := []string{}
		for _, o := range d.OptionsFor(q, task.Seed) {
			order = append(order, o.Code)
		}
		v.Order[q.ID] = order
	}
	return v
}

// toProblem goes through JSON, as a problem does on its way to the browser.
func toProblem(t *testing.T, f survey.Field) problem {
	t.Helper()
	raw, err := json.Marshal(f.Args)
	if err != nil {
		t.Fatal(err)
	}
	p := problem{Path: f.Path, Code: f.Code}
	if err := json.Unmarshal(raw, &p.Args); err != nil {
		t.Fatal(err)
	}
	return p
}

// runner reads tasks and writes verdicts.
const runner = `
import { readFileSync, writeFileSync } from 'node:fs'
import { check, optionsFor, visible } from './index'
const tasks = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const verdicts = tasks.map(({ definition, answers, seed }) => {
	const order = {}
	for (const q of definition.questions) order[q.id] = optionsFor(q, seed).map((o) => o.code)
	return { visible: visible(definition, answers), problems: check(definition, answers), order }
})
writeFileSync(process.argv[3], JSON.stringify(verdicts))
`

// inNode runs the engine as the browser gets it: bundled, minified, ES2015.
func inNode(t *testing.T, tasks []task) []verdict {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("node is needed to run the engine's TypeScript: ", err)
		}
		t.Skip("node is not installed, so the engine's TypeScript cannot be run")
	}
	dir := t.TempDir()
	script, in, out := filepath.Join(dir, "run.js"), filepath.Join(dir, "in.json"), filepath.Join(dir, "out.json")
	text, err := json.Marshal(tasks)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{script: bundle(t, runner, api.PlatformNode, api.FormatCommonJS), in: text} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if output, err := exec.CommandContext(t.Context(), node, script, in, out).CombinedOutput(); err != nil {
		t.Fatalf("node: %v\n%s", err, output)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []verdict
	if err := json.Unmarshal(raw, &verdicts); err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != len(tasks) {
		t.Fatalf("got %d verdicts on %d tasks", len(verdicts), len(tasks))
	}
	return verdicts
}

func bundle(t *testing.T, entry string, platform api.Platform, format api.Format) []byte {
	t.Helper()
	dir, err := filepath.Abs(enginePath)
	if err != nil {
		t.Fatal(err)
	}
	result := api.Build(api.BuildOptions{
		Stdin:  &api.StdinOptions{Contents: entry, ResolveDir: dir, Loader: api.LoaderTS},
		Bundle: true, Platform: platform, Format: format, Target: api.ES2015,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		External: []string{"node:fs"},
	})
	if len(result.Errors) > 0 {
		t.Fatal(result.Errors)
	}
	return result.OutputFiles[0].Contents
}

// TestEngineIsSmall guards the resident's page, into which the engine is
// inlined and which has to arrive whole over a poor connection.
func TestEngineIsSmall(t *testing.T) {
	js := bundle(t, `import { check, optionsFor, visible } from './index'; window.engine = [check, optionsFor, visible]`, api.PlatformBrowser, api.FormatIIFE)
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(js); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes minified, %d compressed", len(js), packed.Len())
	if packed.Len() > 1600 {
		t.Errorf("the engine is %d bytes minified and compressed, more than 1600", packed.Len())
	}
}

var tasksToDraw = rapid.Custom(func(t *rapid.T) task {
	d := drawDefinition(t)
	text, err := json.Marshal(drawAnswers(t, d))
	if err != nil {
		panic(err)
	}
	return task{d, text, rapid.StringMatching(`[0-9a-f-]{0,40}`).Draw(t, "seed")}
})
