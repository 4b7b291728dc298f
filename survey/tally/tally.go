// Package tally keeps the sums from which scores are computed. A row is a cell:
// a wave's answers of one mode, stratum, PSU, community, age band and sex, with
// the sums that an estimate and its standard error need for one indicator. The
// rows move in the transaction that stores an answer, so they always agree with
// the answers, and a score costs cells, however many answers there are.
package tally

import (
	"cmp"
	"slices"

	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/indicator"
	"chengyin/survey/questionnaire"
	"chengyin/survey/sample"
)

// Base is the Indicator of the row that counts everybody in the weighting base.
const Base = ""

// Row is a cell of one indicator. With d the design weight and y the value of an
// answer in 0..100, N is Σ1, D Σd, DD Σd², DY Σdy, DYY Σdy², DDY Σd²y, DDYY
// Σd²y², and DK is Σd over those who said that they do not know. Moves counts
// how often the row was moved; it never falls.
type Row struct {
	WaveID    string `gorm:"primaryKey"`
	Mode      string `gorm:"primaryKey"`
	Stratum   string `gorm:"primaryKey"`
	PSU       string `gorm:"primaryKey;column:psu"` // "": every answer is a PSU of its own
	AreaCode  string `gorm:"primaryKey"`
	Age       string `gorm:"primaryKey"`
	Sex       string `gorm:"primaryKey"`
	Indicator string `gorm:"primaryKey"`
	N         int64
	D         float64
	DD        float64 `gorm:"column:dd"`
	DY        float64 `gorm:"column:dy"`
	DYY       float64 `gorm:"column:dyy"`
	DDY       float64 `gorm:"column:ddy"`
	DDYY      float64 `gorm:"column:ddyy"`
	DK        float64 `gorm:"column:dk"`
	Moves     int64
}

// TableName is tallies.
func (Row) TableName() string { return "tallies" }

// Key is the primary key of a row.
type Key struct{ WaveID, Mode, Stratum, PSU, AreaCode, Age, Sex, Indicator string }

// Key returns the row's primary key.
func (r Row) Key() Key {
	return Key{r.WaveID, r.Mode, r.Stratum, r.PSU, r.AreaCode, r.Age, r.Sex, r.Indicator}
}

// Answer is a counted answer, and what decides which cell it falls into.
type Answer struct {
	WaveID   string
	Mode     string
	AreaCode string
	Unit     *sample.Unit // nil: self-selected, weight 1
	Answers  questionnaire.Answers
}

// Of returns the rows that the answer adds to: none when it lies outside the
// recipe's base or gives no age band or sex that the population table has.
func Of(a Answer, d *questionnaire.Definition, r *indicator.Recipe) []Row {
	age, _ := a.Answers["age"].(string)
	sex, _ := a.Answers["sex"].(string)
	if !slices.Contains(area.Ages, age) || !slices.Contains(area.Sexes, sex) || !r.InBase(d, a.Answers) {
		return nil
	}
	cell := Row{WaveID: a.WaveID, Mode: a.Mode, Stratum: collector.Scanned, AreaCode: a.AreaCode, Age: age, Sex: sex, Moves: 1}
	w := 1.0
	if a.Unit != nil {
		cell.Stratum, cell.PSU, cell.AreaCode, w = a.Unit.Stratum, a.Unit.PSU, a.Unit.AreaCode, a.Unit.Weight
	}
	base := cell
	base.N, base.D, base.DD = 1, w, w*w
	rows := []Row{base}
	for i, v := range r.Values(d, a.Answers) {
		row := cell
		row.Indicator = r.Indicators[i].Code
		if v.DK {
			row.DK = w
		}
		if v.OK {
			row.N, row.D, row.DD = 1, w, w*w
			row.DY, row.DYY = w*v.Y, w*v.Y*v.Y
			row.DDY, row.DDYY = w*w*v.Y, w*w*v.Y*v.Y
		}
		if v.OK || v.DK {
			rows = append(rows, row)
		}
	}
	return rows
}

// Negative returns the rows that take rows away again.
func Negative(rows []Row) []Row {
	out := slices.Clone(rows)
	for i := range out {
		r := &out[i]
		r.N, r.D, r.DD, r.DY, r.DYY, r.DDY, r.DDYY, r.DK = -r.N, -r.D, -r.DD, -r.DY, -r.DYY, -r.DDY, -r.DDYY, -r.DK
	}
	return out
}

// Merge adds up the rows of the same cell and sorts them by key, so that
// transactions which move the same cells take their locks in the same order.
func Merge(rows []Row) []Row {
	sums := make(map[Key]*Row, len(rows))
	out := make([]*Row, 0, len(rows))
	for _, r := range rows {
		s, ok := sums[r.Key()]
		if !ok {
			c := r
			sums[r.Key()] = &c
			out = append(out, &c)
			continue
		}
		s.N, s.D, s.DD, s.DY, s.DYY = s.N+r.N, s.D+r.D, s.DD+r.DD, s.DY+r.DY, s.DYY+r.DYY
		s.DDY, s.DDYY, s.DK, s.Moves = s.DDY+r.DDY, s.DDYY+r.DDYY, s.DK+r.DK, s.Moves+r.Moves
	}
	slices.SortFunc(out, func(a, b *Row) int { return compare(a.Key(), b.Key()) })
	merged := make([]Row, len(out))
	for i, r := range out {
		merged[i] = *r
	}
	return merged
}

func compare(a, b Key) int {
	return cmp.Or(cmp.Compare(a.WaveID, b.WaveID), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.Stratum, b.Stratum), cmp.Compare(a.PSU, b.PSU),
		cmp.Compare(a.AreaCode, b.AreaCode), cmp.Compare(a.Age, b.Age), cmp.Compare(a.Sex, b.Sex), cmp.Compare(a.Indicator, b.Indicator))
}
