package fieldwork_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"chengyin/survey/fieldwork"
)

// onPhone reads the cases, lets the phone's rules judge them, and writes what they
// say.
const onPhone = `
import { readFileSync, writeFileSync } from 'node:fs'
import { stateOf, turn } from './state'
const { cases, outcomes } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
writeFileSync(process.argv[3], JSON.stringify({
	states: cases.states.map((c) => stateOf(c.records, c.rules, outcomes)),
	turns: cases.turns.map((c) => turn(c.homes, c.rules, outcomes)),
}))
`

// TestPhoneRunsTheCases runs testdata/states.json by the rules of the worker's page,
// as a phone gets them.
func TestPhoneRunsTheCases(t *testing.T) {
	raw, err := os.ReadFile("testdata/states.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases struct {
		States []struct {
			Name string
			Want json.RawMessage
		}
		Turns []struct {
			Name string
			Want []string
		}
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	type outcome struct {
		Code  string `json:"code"`
		Group string `json:"group"`
		Again bool   `json:"again"`
	}
	var outcomes []outcome
	for _, o := range fieldwork.Outcomes {
		outcomes = append(outcomes, outcome{o.Code, string(o.Group), o.Again})
	}
	task, err := json.Marshal(map[string]any{"cases": json.RawMessage(raw), "outcomes": outcomes})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		States []json.RawMessage
		Turns  [][]string
	}
	if err := json.Unmarshal(inNode(t, onPhone, task), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.States) != len(cases.States) || len(got.Turns) != len(cases.Turns) {
		t.Fatalf("%d of %d states, %d of %d turns", len(got.States), len(cases.States), len(got.Turns), len(cases.Turns))
	}
	for i, c := range cases.States {
		t.Run(c.Name, func(t *testing.T) {
			if got, want := plain(t, got.States[i]), plain(t, c.Want); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	for i, c := range cases.Turns {
		t.Run(c.Name, func(t *testing.T) {
			if len(got.Turns[i]) != len(c.Want) || len(c.Want) > 0 && !reflect.DeepEqual(got.Turns[i], c.Want) {
				t.Errorf("got %v, want %v", got.Turns[i], c.Want)
			}
		})
	}
}

// plain reads a state with its time as a moment, however it is written.
func plain(t *testing.T, raw json.RawMessage) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	if at, ok := m["last_at"].(string); ok {
		when, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		m["last_at"] = when.UTC().Format(time.RFC3339Nano)
	}
	return m
}

// inNode bundles a script that stands beside the page's and runs it on a task.
func inNode(t *testing.T, script string, task []byte) []byte {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("node is needed to run the phone's TypeScript: ", err)
		}
		t.Skip("node is not installed, so the phone's TypeScript cannot be run")
	}
	beside, err := filepath.Abs("../../static/src/field")
	if err != nil {
		t.Fatal(err)
	}
	result := api.Build(api.BuildOptions{
		Stdin:  &api.StdinOptions{Contents: script, ResolveDir: beside, Loader: api.LoaderTS},
		Bundle: true, Platform: api.PlatformNode, Format: api.FormatCommonJS, Target: api.ES2018,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, External: []string{"node:fs", "node:crypto"},
	})
	if len(result.Errors) > 0 {
		t.Fatal(result.Errors)
	}
	dir := t.TempDir()
	program, in, out := filepath.Join(dir, "run.js"), filepath.Join(dir, "in.json"), filepath.Join(dir, "out.json")
	for name, content := range map[string][]byte{program: result.OutputFiles[0].Contents, in: task} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, err := exec.CommandContext(t.Context(), node, program, in, out).CombinedOutput(); err != nil {
		t.Fatalf("node: %v\n%s", err, said)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
