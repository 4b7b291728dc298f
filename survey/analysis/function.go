package analysis

func (r *run) function(q *Query) any         { fail("this statistic is not offered"); return nil }
func (r *run) functionInterval(q *Query) any { fail("this statistic is not offered"); return nil }
