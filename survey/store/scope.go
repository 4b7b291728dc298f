package store

import (
	"strings"

	"gorm.io/gorm"

	"chengyin/survey"
)

// Within narrows a query to the rows whose column holds the code of a place in
// one of the subtrees below tops. Without tops there are none. The comparison is
// a range, so that an index on the column serves it.
func Within(column string, tops []string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		var either []string
		var args []any
		for _, top := range tops {
			if top == "" {
				continue
			}
			p := survey.Prefix(top)
			if len(p) == 12 { // a single place: rows of it can then come in another order by the index
				either, args = append(either, column+" = ?"), append(args, top)
				continue
			}
			either = append(either, column+" BETWEEN ? AND ?")
			args = append(args, p+strings.Repeat("0", 12-min(len(p), 12)), p+strings.Repeat("9", 12-min(len(p), 12)))
		}
		if len(either) == 0 {
			return q.Where("1 = 0")
		}
		return q.Where("("+strings.Join(either, " OR ")+")", args...)
	}
}
