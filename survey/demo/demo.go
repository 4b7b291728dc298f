// Package demo fills an empty database with the fictional city 云澜市 (Yunlan):
// its places and people, two waves, their codes, a drawn sample and thousands of
// answers. The people of the city are simulated, so what is true of them is
// known, and what the platform says of them can be compared with it. How they
// are made is written in docs/methods/demo-city.md.
package demo

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"chengyin/survey"
	"chengyin/survey/wave"
)

// The codes of the city and of the district that is made in full.
const (
	CityCode     = "990100000000"
	DistrictCode = "990102000000"
)

// The sizes of the demo.
const (
	Small = "small" // 2,000 answers
	Full  = "full"  // 60,000 answers
)

// Options say which demo is wanted.
type Options struct {
	Size     string    // Small or Full; "": Small
	Password string    // of all sign-ins
	Seed     uint64    // 0: the usual city
	Now      time.Time // zero: the App's clock. The waves lie around it
}

// usualSeed makes the city that the documentation shows.
const usualSeed = 20_261_124

// City describes the filled database.
type City struct {
	Code     string
	District string
	Size     string
	Closed   wave.Wave // the wave of the quarter before
	Open     wave.Wave // the wave in the field
	Logins   []string
	Fresh    bool // this call has filled it, with the password given

	Resident  string // code of a poster that takes answers
	Visit     string // code of interviewers that takes answers
	Household string // drawn behind Visit, and not interviewed yet

	Dictated  string // community whose scans were dictated in the open wave
	Tiny      string // community with four answers in the open wave
	Merged    string // community that was merged between the waves
	Successor string // the neighbour it was merged into

	DeadPoster    string // hangs, but nobody scanned it in the open wave
	RevokedPoster string
	ExpiredLink   string // its last answers came too late

	town *town
}

// Errors of Fill, for whoever starts the server.
var (
	ErrNotEmpty   = errors.New("the database holds something else than the demo city; name an empty database for the demo")
	ErrUnfinished = errors.New("filling the demo city was interrupted; remove this database and start again with an empty one")
)

// Logins are the demo's sign-ins.
func Logins() []string {
	out := make([]string, len(people))
	for i, p := range people {
		out[i] = p.login
	}
	return out
}

// people sign in. The unit is an enterprise's officer; the three administrators
// see neither scores nor answers.
var people = []struct{ login, name, scope string }{
	{"office", "区创城办 林知远", CityCode},
	{"subdistrict", "汀澜街道 周映荷", "990102001000"},
	{"community", "听荷社区 许望舒", "990102001001"},
	{"worker", "听荷社区网格员 何晴", "990102001001"},
	{"unit", "区属单位联络员 沈岚", DistrictCode},
	{"viewer", "市创建办 顾澄", CityCode},
	{"sysadmin", "系统管理员", survey.Everywhere},
	{"secadmin", "安全管理员", survey.Everywhere},
	{"auditor", "审计管理员", survey.Everywhere}, // of what the platform does by itself, too
}

// chance returns the random numbers for one purpose. Each purpose has its own,
// so that a change in one leaves the others as they are.
func chance(seed uint64, purpose ...string) *rand.Rand {
	h := fnv.New64a()
	for _, p := range purpose {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// timetable is when the two waves are in the field.
type timetable struct {
	codes  [2]string
	names  [2]survey.Text
	opens  [2]time.Time
	closes [2]time.Time
	merged time.Time // the day of the merger, between the waves
}

// local is the city's time.
var local = time.FixedZone("CST", 8*3600)

// timetableAt lays the waves around now: the first ended 60 days ago, the second
// opened 12 days ago and ends in 18.
func timetableAt(now time.Time) timetable {
	y, m, d := now.In(local).Date()
	at := func(days, hour int) time.Time { return time.Date(y, m, d+days, hour, 0, 0, 0, local).UTC() }
	t := timetable{
		opens:  [2]time.Time{at(-90, 8), at(-12, 8)},
		closes: [2]time.Time{at(-60, 22), at(18, 22)},
		merged: time.Date(y, m, d-45, 0, 0, 0, 0, time.UTC),
	}
	opened := t.opens[1].In(local)
	year, quarter := opened.Year(), (int(opened.Month())-1)/3
	t.codes[1], t.names[1] = named(year, quarter)
	if quarter--; quarter < 0 {
		year, quarter = year-1, 3
	}
	t.codes[0], t.names[0] = named(year, quarter)
	return t
}
