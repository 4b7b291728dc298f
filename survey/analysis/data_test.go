package analysis_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chengyin/survey/analysis"
)

// write makes the files of a case and returns the path of a.json.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "a.json")
}

// answer runs a case and returns the errors of its designs and queries by name.
func answer(t *testing.T, files map[string]string) (*analysis.Document, map[string]string) {
	t.Helper()
	c, err := analysis.Load(write(t, files))
	if err != nil {
		t.Fatal(err)
	}
	doc, said := analysis.Run(c), map[string]string{}
	for _, d := range doc.Designs {
		if d.Err != nil {
			said[d.Name] = d.Err.Error()
		}
	}
	for _, q := range doc.Queries {
		if q.Err != nil {
			said[q.Name] = q.Err.Error()
		}
	}
	return doc, said
}

const meanOfY = `{"data":{"d":"d.csv"},"designs":{"s":{"kind":"svydesign","data":"d","ids":["b"],"strata":["h"],"weights":"w"}},
	"queries":[{"name":"m","stat":"mean","design":"s","args":{"vars":["y"]}}]}`

func TestWrongDataIsNamedByFileRowAndColumn(t *testing.T) {
	const head, good = "h,b,w,y\n", "A,1,2,3\nA,2,2,4\nB,3,1,5\nB,4,1,6\n"
	for what, x := range map[string]struct{ table, want string }{
		"a row with too few cells":      {head + good + "B,5,1\n", `d.csv, row 5: has 3 cells, the header 4`},
		"a row with too many cells":     {head + good + "B,5,1,2,3\n", `d.csv, row 5: has 5 cells, the header 4`},
		"a quote that is not closed":    {head + good + "B,\"5,1,2\n", `d.csv, row 5: `},
		"an empty file":                 {"", `d.csv: has no header line`},
		"a column twice":                {"h,b,w,w,y\n", `d.csv, column w: is in the header twice`},
		"a column that is missing":      {"h,b,v,y\n" + good, `d.csv, column w: there is no such column; the file has h, b, v, y`},
		"a negative weight":             {head + good + "B,5,-2,2\n", `d.csv, row 5, column w: a weight of -2 is negative`},
		"a missing weight":              {head + good + "B,5,,2\n", `d.csv, row 5, column w: the number is missing`},
		"text in place of a weight":     {head + good + "B,5,two,2\n", `d.csv, row 5, column w: "two" is no number`},
		"NaN in place of a weight":      {head + good + "B,5,NaN,2\n", `d.csv, row 5, column w: "NaN" is no number`},
		"a number beyond all":           {head + good + "B,5,1,1e999\n", `d.csv, row 5, column y: "1e999" is no number`},
		"an infinite answer":            {head + good + "B,5,1,-Inf\n", `d.csv, row 5, column y: "-Inf" is no number`},
		"text among numbers":            {head + good + "B,5,1,five\n", `d.csv, row 5, column y: "five" is no number`},
		"an answer that is missing":     {head + good + "B,5,1,\n", `d.csv, row 5, column y: the answer is missing`},
		"a stratum that is missing":     {head + good + ",5,1,2\n", `d.csv, row 5, column h: the value is missing`},
		"a table saved in GBK":          {head + good + "\xb3\xc7,5,1,2\n", `d.csv, row 5, column h: is not UTF-8; save the file as CSV UTF-8`},
		"a header saved in GBK":         {"\xb3\xc7,b,w,y\n" + good, `d.csv: is not UTF-8; save the file as CSV UTF-8`},
		"numbers too large to add":      {head + "A,1,1e308,3\nA,2,1e308,4\nB,3,1,5\nB,4,1,6\n", `the numbers in y or the weights are too large to add up`},
		"a header without rows":         {head, `nobody in the domain has an answer`},
		"a single row":                  {head + "A,1,2,3\n", `only one unit at stage 1 in stratum A`},
		"a byte order mark and CR LF":   {"\ufeff" + strings.ReplaceAll(head+good, "\n", "\r\n"), ""},
		"a new line inside quotes":      {head + strings.ReplaceAll(good, "A", "\"A\n1\""), ""},
		"an empty line between rows":    {head + strings.Replace(good, "\n", "\n\n", 1), ""},
		"spaces around names and cells": {" h , b,w ,y\n" + strings.ReplaceAll(good, ",", ", "), ""},
	} {
		t.Run(what, func(t *testing.T) {
			_, said := answer(t, map[string]string{"a.json": meanOfY, "d.csv": x.table})
			if got := said["m"]; !strings.Contains(got, x.want) || (x.want == "") != (got == "") {
				t.Errorf("said %q, want %q", got, x.want)
			}
		})
	}
	for what, path := range map[string]string{"a file that is not there": "none.csv", "a folder": ".", "a device": os.DevNull} {
		t.Run(what, func(t *testing.T) {
			doc, said := answer(t, map[string]string{"a.json": strings.Replace(meanOfY, "d.csv", path, 1)})
			if len(doc.Bad()) != 1 || !strings.Contains(said["m"], path+": ") {
				t.Errorf("%v, %q", doc.Bad(), said["m"])
			}
		})
	}
}

func TestWhatIsWrongWithOneQueryStopsNoOther(t *testing.T) {
	const table = "h,b,w,y\nA,1,2,3\nA,2,2,4\nB,3,1,5\nB,4,1,6\n"
	ok := `{"name":"ok","stat":"mean","design":"s","args":{"vars":["y"]}}`
	for what, x := range map[string]struct{ design, query, want string }{
		"an unknown statistic":            {"", `{"name":"q","stat":"median_of_means","design":"s"}`, `statistic "median_of_means" is not known`},
		"an unknown kind of design":       {`{"kind":"magic","data":"d"}`, ``, `design kind "magic" is not known`},
		"a design that is a list":         {`[1]`, ``, `a design has to be an object, not [1]`},
		"a design made from itself":       {`{"kind":"trim","from":"z"}`, ``, `design "z" is made from itself`},
		"a design made from none":         {`{"kind":"trim","from":"y"}`, ``, `there is no design "y"`},
		"a query that is a number":        {"", `7`, `a query has to be an object, not 7`},
		"settings that are a list":        {"", `{"name":"q","stat":"mean","design":"s","args":[1]}`, `"args" has to be an object, not array`},
		"a statistic that is a number":    {"", `{"name":"q","stat":5,"design":"s"}`, `"stat" has to be text, not number`},
		"no design":                       {"", `{"name":"q","stat":"mean","args":{"vars":"y"}}`, `the query names no "design"`},
		"groups where there are none":     {"", `{"name":"q","stat":"variance","design":"s","args":{"vars":"y","by":"h"}}`, `statistic variance takes no "by"`},
		"a domain where there is none":    {"", `{"name":"q","stat":"weights","design":"s","args":{"domain":"y > 3"}}`, `statistic weights takes no "domain"`},
		"a condition that is no domain":   {"", `{"name":"q","stat":"mean","design":"s","args":{"vars":"y","domain":{"var":"h","like":"A"}}}`, `a domain is an expression`},
		"a group of people that is empty": {"", `{"name":"q","stat":"mean","design":"s","args":{"vars":"y","domain":{"var":"y","gt":100}}}`, `nobody in the domain has an answer`},
		"a sample beyond counting":        {"", `{"name":"q","stat":"allocation","args":{"n":1e12,"size":[1,2],"N":[1e15,1e15],"min":2}}`, `too large to allocate in whole numbers`},
	} {
		t.Run(what, func(t *testing.T) {
			if x.design == "" {
				x.design = `{"kind":"svydesign","data":"d","ids":[],"weights":"w"}`
			}
			if x.query == "" {
				x.query = `{"name":"q","stat":"mean","design":"z","args":{"vars":"y"}}`
			}
			_, said := answer(t, map[string]string{"d.csv": table, "a.json": `{"data":{"d":"d.csv"},"designs":{"z":` + x.design +
				`,"s":{"kind":"svydesign","data":"d","ids":["b"],"strata":["h"],"weights":"w"}},"queries":[` + x.query + `,` + ok + `]}`})
			if got := said["q"] + said["query_1"]; !strings.Contains(got, x.want) {
				t.Errorf("said %q, want %q", got, x.want)
			}
			if said["ok"] != "" {
				t.Errorf("the next query says %q", said["ok"])
			}
		})
	}
}

func TestTextInPlaceOfANumberWithoutRows(t *testing.T) {
	_, said := answer(t, map[string]string{"d.csv": "g,y\n", "a.json": `{"data":{"d":"d.csv"},"queries":[
		{"name":"q","stat":"icc_anova","args":{"data":"d","y":"factor(y)","group":"g"}}]}`})
	if got := said["q"]; got != "factor(y) is text, not a number" {
		t.Errorf("said %q", got)
	}
}

func TestWrongCase(t *testing.T) {
	for what, x := range map[string]struct{ text, want string }{
		"no JSON":             {"{\n\"id\": x", "a.json: line 2: invalid character 'x'"},
		"a list":              {"[]", "a.json: has to be an object, not array"},
		"a design twice":      {`{"designs":{"s":{},"s":{}}}`, `a.json: "s" comes twice`},
		"data that are a row": {`{"data":{"d":1},"designs":{"s":{}}}`, `a.json: "d": has to be text, not number`},
		"nothing to do":       {`{"data":{}}`, "a.json: the case has neither designs nor queries"},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := analysis.Load(write(t, map[string]string{"a.json": x.text}))
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("said %v, want %s", err, x.want)
			}
		})
	}
}

func TestRowsWithoutWeightsCountTheSame(t *testing.T) {
	doc, said := answer(t, map[string]string{"d.csv": "g,y\n10,1\n9,2\n10,3\n,4\n",
		"a.json": `{"data":{"d":"d.csv"},"designs":{"s":{"data":"d"}},"queries":[{"stat":"total","design":"s","args":{"vars":["y"],"by":["g"]}}]}`})
	out, err := json.Marshal(doc)
	if err != nil || len(said) > 0 {
		t.Fatal(err, said)
	}
	// svyby(~y, ~g, svydesign(ids = ~1, data = d), svytotal): 9 before 10.
	nine, ten := strings.Index(string(out), `"by":{"g":"9"},"n":1,"sum_w":1`), strings.Index(string(out), `"by":{"g":"10"},"n":2,"sum_w":2`)
	if nine < 0 || ten < nine {
		t.Errorf("%s", out)
	}
}
