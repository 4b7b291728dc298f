package sample

// Home is what was drawn about the household of a Unit: how likely it was to be
// drawn, whether it is one of the reserve, and where its door is. Units that came
// from elsewhere have none.
type Home struct {
	UnitID      string `gorm:"primaryKey"`
	WaveID      string
	PlanID      string
	AreaCode    string // community
	PSU         string `gorm:"column:psu"`
	Position    int    // from 1 in the random order of the PSU: the first are visited, the others are the reserve
	Reserve     bool
	Probability float64 // of the household: that its PSU is drawn, and then that it is among those to be visited
	Base        float64 // 1/Probability
	FrameAdults *int    // as the frame says
	Building    string
	Unit        string
	Room        string
	Picks       string // which adult is asked of 1, 2 … 12, as digits of base 36: "1213…"
}

// TableName is sample_homes.
func (Home) TableName() string { return "sample_homes" }
