package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"chengyin/survey/analysis"
)

const estimateHelp = `Usage: chengyin estimate [--weights DIR] CASE.json …

Computes survey statistics from files: totals, means, proportions, ratios and
quantiles with standard errors and intervals under the sampling design, weighting
to population totals, replicates, small areas, comparisons, drivers, quality and
planning. It reads each case, answers its queries and prints one JSON document,
or with several cases a list of them.

A case is a JSON file. The smallest one that works on your own file:

  {"id": "my-survey",
   "data": {"hh": "answers.csv"},
   "designs": {"d": {"kind": "svydesign", "data": "hh",
                     "ids": ["building"], "strata": ["street"], "weights": "w"}},
   "queries": [{"name": "aware", "stat": "mean", "design": "d",
                "args": {"vars": ["aware"], "by": ["street"], "na_rm": true}}]}

The CSV file has a header, commas, UTF-8; an empty cell is missing. Its path is
relative to the case's folder, or, when that is called cases, to the one above.

  ids      the clusters drawn, largest first; [] when each row was drawn by itself
  strata   what was drawn from separately; leave it out when nothing was
  weights  how many people a row stands for; or probs, or fpc (population sizes);
           without any of them all rows count the same
  nest     true when cluster numbers start anew in every stratum
  vars     columns or expressions: "sat", "I(q1 - q2)", "sat >= 80", "factor(race)"
  by       a result for each group
  domain   only some rows: "age >= 60 & sex == 'F'", or {"var": "sex", "eq": "F"} with
           eq, ne, in, not_in, lt, le, gt, ge or na, joined by and, or, not
  na_rm    true leaves out rows without an answer, keeping the design
  deff     true adds the design effect

Further designs are made "from" another: poststratify, rake, calibrate, trim,
jackknife, replicates. docs/methods has every kind of design and statistic, with
formulas and examples.

A query that cannot be answered says why in the place of its result. What is wrong
with the data is said with file, row and column there and on standard error.

  --weights DIR   write the weights of every design to DIR/ID.DESIGN.weights.csv

Exit status: 0 done, 1 a case could not be read or its data are wrong, 2 wrong usage.
`

// estimate answers cases and prints the documents.
func estimate(ctx context.Context, env environment, args []string) error {
	f := flag.NewFlagSet("estimate", flag.ContinueOnError)
	f.Usage = func() { fmt.Fprint(f.Output(), estimateHelp) }
	dir := f.String("weights", "", "")
	files, err := parseMixed(f, env, args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		fmt.Fprintln(env.stderr, "chengyin estimate: name a case; --help shows one")
		return errUsage
	}
	var docs []*analysis.Document
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := analysis.Load(file)
		if err != nil {
			return err
		}
		docs = append(docs, analysis.Run(c))
	}
	if *dir != "" {
		for _, d := range docs {
			if err := writeWeights(*dir, d); err != nil {
				return err
			}
		}
	}
	if err := printDocuments(env.stdout, docs); err != nil {
		return err
	}
	var bad []error
	for i, d := range docs {
		for _, e := range d.Bad() {
			bad = append(bad, fmt.Errorf("%s: %w", files[i], e))
		}
	}
	return errors.Join(bad...)
}

// parseMixed reads flags before, between and after the files. --help goes to
// standard output, as it was asked for.
func parseMixed(f *flag.FlagSet, env environment, args []string) (files []string, err error) {
	f.SetOutput(io.Discard)
	for {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(env.stdout, estimateHelp)
			return nil, err
		}
		if err != nil {
			fmt.Fprintf(env.stderr, "chengyin estimate: %v; --help explains the command\n", err)
			return nil, errUsage
		}
		if f.NArg() == 0 {
			return files, nil
		}
		if done := len(args) - f.NArg(); done > 0 && args[done-1] == "--" {
			return append(files, f.Args()...), nil
		}
		files, args = append(files, f.Arg(0)), f.Args()[1:]
	}
}

// printDocuments prints one document, or a list of several, indented.
func printDocuments(w io.Writer, docs []*analysis.Document) error {
	var v any = docs
	if len(docs) == 1 {
		v = docs[0]
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", " "); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// writeWeights writes the weights of each design to a file of its own.
func writeWeights(dir string, d *analysis.Document) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, a := range d.Designs {
		if a.Err != nil {
			continue
		}
		if err := writeWeightsCSV(filepath.Join(dir, fileName(d.ID)+"."+fileName(a.Name)+".weights.csv"), a.Weights); err != nil {
			return err
		}
	}
	return nil
}

func writeWeightsCSV(path string, w []float64) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buffer := bufio.NewWriter(file)
	out := csv.NewWriter(buffer)
	if err := out.Write([]string{"row", "w"}); err != nil {
		return err
	}
	for k, x := range w {
		if err := out.Write([]string{strconv.Itoa(k + 1), strconv.FormatFloat(x, 'g', -1, 64)}); err != nil {
			return err
		}
	}
	out.Flush()
	return errors.Join(out.Error(), buffer.Flush())
}

// fileName keeps a name from leaving its folder.
func fileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '_'
		}
		return r
	}, name)
	if strings.Trim(safe, ".") == "" {
		return "_"
	}
	return safe
}
