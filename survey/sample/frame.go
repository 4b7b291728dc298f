package sample

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"chengyin/survey"
)

// Frame is a version of the list of households of a place. It never changes:
// importing again makes another.
type Frame struct {
	ID         string `gorm:"primaryKey"`
	AreaCode   string // smallest place that contains all households
	Name       string
	Source     string // file it came from
	Homes      int
	Hash       string // of the sorted content; "" while it is being imported
	ImportedBy string
	CreatedAt  time.Time
}

// TableName is frames.
func (Frame) TableName() string { return "frames" }

// FrameHome is a household of a frame.
type FrameHome struct {
	FrameID   string `gorm:"primaryKey"`
	Household string `gorm:"primaryKey"`
	AreaCode  string // community
	Building  string
	Unit      string
	Room      string
	Adults    *int
	Position  int // in the sorted frame, from 1
}

// TableName is frame_homes.
func (FrameHome) TableName() string { return "frame_homes" }

// inOrder is the order of a frame: by bytes, so that it is the same everywhere.
func inOrder(a, b FrameHome) int {
	return cmp.Or(cmp.Compare(a.AreaCode, b.AreaCode), cmp.Compare(a.Building, b.Building), cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Room, b.Room), cmp.Compare(a.Household, b.Household))
}

// sorted returns the households in order; the frame itself when it is.
func sorted(frame []FrameHome) []FrameHome {
	if slices.IsSortedFunc(frame, inOrder) {
		return frame
	}
	frame = slices.Clone(frame)
	slices.SortFunc(frame, inOrder)
	return frame
}

// HashFrame returns the SHA-256 of the sorted content: a line for each household,
// its fields apart by tabs.
func HashFrame(frame []FrameHome) string {
	h := sha256.New()
	var line []byte
	for _, x := range sorted(frame) {
		line = line[:0]
		for _, s := range []string{x.AreaCode, x.Building, x.Unit, x.Room, x.Household, adultsText(x.Adults)} {
			line = append(append(line, s...), '\t')
		}
		line[len(line)-1] = '\n'
		h.Write(line)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func adultsText(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// Smallest returns the smallest place that contains all communities of the codes.
func Smallest(codes []string) string {
	if len(codes) == 0 {
		return survey.Everywhere
	}
	top := codes[0]
	for _, n := range []int{12, 9, 6, 4, 2, 0} {
		top = top[:n] + survey.Everywhere[n:]
		if !slices.ContainsFunc(codes, func(c string) bool { return !survey.Within(top, c) }) {
			break
		}
	}
	return top
}

// Cluster is what a plan may draw as a whole or in part: the households of a
// building, an entrance or a community.
type Cluster struct {
	AreaCode string // community
	Building string // "" of a community
	Unit     string // "" unless it is an entrance
	Homes    int
	Adults   int // in those households whose adults the frame knows
	Known    int // how many these are
	Squares  int // their adults squared, added up
}

// id returns the PSU's id in the wave. The name of a building is hashed: ids are
// short and in ASCII, and the name is kept beside them.
func (c Cluster) id() string {
	if c.Building == "" {
		return c.AreaCode
	}
	name := sha256.Sum256([]byte(c.Building + "\x00" + c.Unit))
	return c.AreaCode + "-" + hex.EncodeToString(name[:6])
}

// within returns the cluster that a household lies in at a stage.
func within(stage string, h FrameHome) Cluster {
	c := Cluster{AreaCode: h.AreaCode}
	switch stage {
	case Buildings:
		c.Building = h.Building
	case Entrances:
		c.Building, c.Unit = h.Building, h.Unit
	}
	return c
}

func (c Cluster) same(d Cluster) bool {
	return c.AreaCode == d.AreaCode && c.Building == d.Building && c.Unit == d.Unit
}

func (c *Cluster) add(d Cluster) {
	c.Homes += d.Homes
	c.Adults += d.Adults
	c.Known += d.Known
	c.Squares += d.Squares
}

// one is a household as a cluster, to be added up.
func one(h FrameHome) Cluster {
	c := Cluster{Homes: 1}
	if h.Adults != nil {
		c.Adults, c.Known, c.Squares = *h.Adults, 1, *h.Adults**h.Adults
	}
	return c
}

// ClustersOf returns the clusters of a frame at a stage, in its order.
func ClustersOf(frame []FrameHome, stage string) []Cluster {
	var out []Cluster
	for _, h := range sorted(frame) {
		in := within(stage, h)
		if len(out) == 0 || !out[len(out)-1].same(in) {
			out = append(out, in)
		}
		out[len(out)-1].add(one(h))
	}
	return out
}

// fold joins clusters of entrances to those of a larger stage.
func fold(entrances []Cluster, stage string) []Cluster {
	var out []Cluster
	for _, c := range entrances {
		in := within(stage, FrameHome{AreaCode: c.AreaCode, Building: c.Building, Unit: c.Unit})
		if len(out) == 0 || !out[len(out)-1].same(in) {
			out = append(out, in)
		}
		out[len(out)-1].add(c)
	}
	return out
}
