package demo

import (
	"math"
	"strings"

	"chengyin/survey"
)

// The model of one adult. Whether somebody knows of the campaign depends on age,
// sex, community and building; whether they took part and how content they are
// depends on that too. Age runs from 18–29 to 70 and over.
var (
	awareByAge   = [6]float64{-0.05, 0.15, 0.20, 0.10, -0.20, -0.65}
	joinsByAge   = [6]float64{-0.15, 0.00, 0.05, 0.10, 0.20, -0.35}
	contentByAge = [6]float64{0.25, 0.10, 0.00, -0.08, -0.15, -0.20}
	unsureByAge  = [6]float64{0.02, 0.02, 0.02, 0.02, 0.04, 0.06} // cannot say how content
)

const (
	unsureJoined = 0.015 // cannot say whether they took part
	otherOnly    = 0.03  // of those who took part: in nothing that is listed
)

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// knows is the chance that an adult of the cell knows of the campaign.
func (c *community) knows(wave int, b building, cell int) float64 {
	x := 0.95 + awareByAge[cell/2] + c.aware[wave] + b.effect
	if cell%2 == 1 {
		x += 0.12
	}
	return logistic(x)
}

// joined is the chance of having taken part, among those who can say.
func (c *community) joined(wave, cell int, know bool) float64 {
	x := -0.95 + joinsByAge[cell/2] + c.joins[wave]
	if cell%2 == 1 {
		x += 0.20
	}
	if know {
		x += 0.90
	}
	return logistic(x)
}

// contentment is the chance behind each of the four steps of the five-point
// scale: the expected score is 100 times this.
func (c *community) contentment(wave, cell int, know bool) float64 {
	x := 1.15 + contentByAge[cell/2] + c.content[wave]
	if know {
		x += 0.15
	}
	return logistic(x)
}

// sums are what a rate is made of: its numerator and its base.
type sums struct{ y, n float64 }

// truths sums the model over everybody who lives in the community, each building
// holding its share of every cell.
func (c *community) truths(wave int) map[string]sums {
	var aware, joined, content, top2 sums
	for cell, persons := range c.persons {
		know := 0.0
		for _, b := range c.built {
			know += float64(b.homes) / float64(c.homes) * c.knows(wave, b, cell)
		}
		n := float64(persons)
		aware.y, aware.n = aware.y+n*know, aware.n+n
		for _, k := range []bool{true, false} {
			m := n * know
			if !k {
				m = n * (1 - know)
			}
			yes := c.joined(wave, cell, k)
			listed := yes * (1 - otherOnly)
			joined.y += m * (1 - unsureJoined) * listed
			joined.n += m * (1 - unsureJoined) * (listed + 1 - yes)
			sure := m * (1 - unsureByAge[cell/2])
			p := c.contentment(wave, cell, k)
			content.y, content.n = content.y+sure*p, content.n+sure
			top2.y, top2.n = top2.y+sure*(4*p*p*p*(1-p)+p*p*p*p), top2.n+sure
		}
	}
	return map[string]sums{"awareness": aware, "participation": joined, "satisfaction": content, "satisfaction_top2": top2}
}

// Truth returns what the indicator of the default recipe truly is, on 0..100, in
// the place with that code at the time of the wave: the mean over all adults who
// live there, however few of them answered. A place that was merged away has
// none; its people belong to its successor.
func (c City) Truth(code, indicator, waveID string) (float64, bool) {
	wave := 1
	switch waveID {
	case c.Open.ID:
	case c.Closed.ID:
		wave = 0
	default:
		return 0, false
	}
	return c.town.truth(code, indicator, wave)
}

func (t *town) truth(code, indicator string, wave int) (float64, bool) {
	prefix := survey.Prefix(code)
	var all sums
	for _, c := range t.communities {
		if strings.HasPrefix(t.home(c.code), prefix) {
			s := c.truths(wave)[indicator]
			all.y, all.n = all.y+s.y, all.n+s.n
		}
	}
	return 100 * all.y / all.n, all.n > 0
}
