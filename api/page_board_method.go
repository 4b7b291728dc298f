package api

import (
	"encoding/json"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"chengyin/static/chart"
	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/score"
)

// differBox sets visits beside scans, for the indicators for which both may be
// shown.
type differBox struct {
	VisitKey, ScanKey template.HTML
	Pairs             []differView
}

// differView sets visits beside scans.
type differView struct {
	Name, Visit, Scan  string
	VisitBetween       string
	ScanBetween        string
	VisitN, ScanN      string
	Difference, Saying string
	Strip, Axis        template.HTML
}

// methodView tells how the answers of a mode were weighted.
type methodView struct {
	Mode, N, Total, Deff, NEff, Factors, Worst string
	Collapsed                                  []string
	Elsewhere                                  int // how many more were joined out of the reader's sight
	Problem                                    bool
	Field                                      string // how those interviewed stand for the others
}

// differ sets the two modes beside each other. Returns nil when there is nothing
// to set side by side.
func (b *boardMaker) differ() *differBox {
	out := &differBox{VisitKey: chart.Key(collector.Visited, false), ScanKey: chart.Key(collector.Scanned, true)}
	for _, ind := range b.shown() {
		v, s := b.find(collector.Visited, ind.Code), b.find(collector.Scanned, ind.Code)
		vf, sf := b.figure(v), b.figure(s)
		if vf.Between == "" || sf.Between == "" || v.SE == nil || s.SE == nil {
			continue
		}
		unit := b.unit(ind)
		d := differView{Name: ind.Name.In(b.lang), Visit: vf.Estimate + unit, Scan: sf.Estimate + unit, VisitBetween: vf.Between, ScanBetween: sf.Between, VisitN: vf.N, ScanN: sf.N}
		// From the figures as they are printed, so that the reader can check it.
		diff := math.Round(*s.Estimate*10)/10 - math.Round(*v.Estimate*10)/10
		d.Difference = strconv.FormatFloat(math.Abs(diff), 'f', 1, 64)
		way := "higher"
		switch {
		case d.Difference == "0.0":
			way = "same"
		case diff < 0:
			way = "lower"
		}
		points := "console.points"
		if ind.Kind == indicator.Share {
			points = "console.percent_points"
		}
		d.Saying = b.t("console.differ."+way, "points", d.Difference+b.t(points))
		if math.Abs(*s.Estimate-*v.Estimate) <= 1.96*math.Hypot(*s.SE, *v.SE) {
			d.Saying += b.t("console.differ.chance")
		} else {
			d.Saying += b.t("console.differ.beyond")
		}
		d.Axis = chart.Axis()
		d.Strip = chart.Strip(b.t("console.differ.strip", "name", d.Name, "visit", d.Visit, "visit_between", vf.Between, "scan", d.Scan, "scan_between", sf.Between),
			chart.Mark{Class: collector.Visited, Name: b.t("console.mode.visit"), Value: *v.Estimate, Low: *v.Low, High: *v.High, ValueText: vf.Estimate, IntervalText: "[" + vf.Between + "]"},
			chart.Mark{Class: collector.Scanned, Name: b.t("console.mode.scan"), Value: *s.Estimate, Low: *s.Low, High: *s.High, ValueText: sf.Estimate, IntervalText: "[" + sf.Between + "]", Hollow: true})
		out.Pairs = append(out.Pairs, d)
	}
	if len(out.Pairs) == 0 {
		return nil
	}
	return out
}

// methods words how the answers of each mode were weighted.
func (b *boardMaker) methods(c *gin.Context) []methodView {
	var all []score.Weighting
	if err := json.Unmarshal([]byte(b.own.Run.Weighting), &all); err != nil {
		b.a.logFailure(c, err)
		return nil
	}
	names := map[string]string{}
	if tree, err := b.a.Areas.Tree(c.Request.Context(), b.at.wave.AreaCode); err == nil {
		for _, x := range tree {
			names[x.Code] = x.Name().In(b.lang)
		}
	}
	var out []methodView
	for _, w := range all {
		m := methodView{Mode: b.t("console.mode." + w.Mode), N: count(w.N), Problem: w.Problem != ""}
		if w.N >= smallest && w.Problem == "" {
			m.Total = group(int(math.Round(w.Total)))
			m.Deff = strconv.FormatFloat(w.KishDeff, 'f', 2, 64)
			m.NEff = group(int(math.Round(w.KishNEff)))
			m.Factors = significant(w.MinG) + " – " + significant(w.MedianG) + " – " + significant(w.MaxG)
			m.Worst = "<0.01%"
			if w.Worst >= 0.0001 {
				m.Worst = strconv.FormatFloat(100*w.Worst, 'f', 2, 64) + "%"
			}
			if f := w.Field; f != nil && f.Classes > 0 {
				m.Field = b.t("console.method.field", "mode", m.Mode, "rr3", percentOf(f.RR3), "e", percentOf(f.E),
					"cells", f.Cells, "classes", f.Classes, "least", significant(f.Smallest), "most", significant(f.Largest))
			}
			for _, joined := range w.Collapsed {
				if !inSight(b.a.actor(c), joined, names) {
					m.Elsewhere++
					continue
				}
				m.Collapsed = append(m.Collapsed, b.joined(joined, names))
			}
		}
		out = append(out, m)
	}
	return out
}

func percentOf(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + "%" }

// inSight reports whether the actor sees all places that were put together: that
// they were says that few people there answered.
func inSight(who survey.Actor, joined string, names map[string]string) bool {
	for _, p := range strings.Split(joined, "+") {
		if _, place := names[p]; place && !who.Sees(survey.SeeScores, p) {
			return false
		}
	}
	return true
}

// joined words what was put together before weighting: codes of places, age
// bands or strata with "+" between them.
func (b *boardMaker) joined(text string, names map[string]string) string {
	parts := strings.Split(text, "+")
	for i, p := range parts {
		if name, ok := names[p]; ok {
			parts[i] = name
		} else if key := "console.value." + p; b.a.static.Has(b.lang, key) {
			parts[i] = b.t(key)
		}
	}
	return strings.Join(parts, " + ")
}

// significant writes a factor in about three digits.
func significant(v float64) string {
	if v >= 100 {
		return group(int(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
