package analysis

func (r *run) hasGenerated() bool              { return false }
func (r *run) generated() *design              { return nil }
func (r *run) generatedRows(q *Query) any      { fail("this statistic is not offered"); return nil }
func (r *run) generatedEstimates(q *Query) any { fail("this statistic is not offered"); return nil }
