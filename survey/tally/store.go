package tally

import (
	"fmt"
	"strings"

	"gorm.io/gorm"

	"chengyin/survey/store"
)

const columns = "wave_id, mode, stratum, psu, area_code, age, sex, indicator, n, d, dd, dy, dyy, ddy, ddyy, dk, moves"

// sums are the columns that a move adds to.
var sums = []string{"n", "d", "dd", "dy", "dyy", "ddy", "ddyy", "dk", "moves"}

// Move adds rows to the tallies in the transaction that stores their answers.
func Move(tx *store.Tx, rows []Row) error {
	rows = Merge(rows)
	const most = 200 // rows a statement; SQLite takes 32,766 values
	for len(rows) > 0 {
		n := min(most, len(rows))
		if err := tx.Exec(statement(tx.Dialector.Name(), n), values(rows[:n])...).Error; err != nil {
			return fmt.Errorf("move tallies: %w", err)
		}
		rows = rows[n:]
	}
	return nil
}

// Back takes the rows of one answer out of the tallies again, in the transaction
// that removes it. A sum over nobody is exactly zero afterwards, whatever rounding
// would have left of it.
func Back(tx *store.Tx, rows []Row) error {
	if err := Move(tx, Negative(rows)); err != nil {
		return err
	}
	for _, r := range Merge(rows) {
		err := tx.Exec("UPDATE tallies SET d=0, dd=0, dy=0, dyy=0, ddy=0, ddyy=0 WHERE wave_id=? AND mode=? AND stratum=? AND psu=? AND area_code=? AND age=? AND sex=? AND indicator=? AND n=0",
			r.WaveID, r.Mode, r.Stratum, r.PSU, r.AreaCode, r.Age, r.Sex, r.Indicator).Error
		if err != nil {
			return fmt.Errorf("move tallies back: %w", err)
		}
	}
	return nil
}

func statement(dialect string, rows int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO tallies (" + columns + ") VALUES ")
	one := "(" + strings.Repeat("?,", 16) + "?)"
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(one)
	}
	old, added := "", "VALUES(%s)"
	if dialect == "sqlite" {
		b.WriteString(" ON CONFLICT (wave_id, mode, stratum, psu, area_code, age, sex, indicator) DO UPDATE SET ")
		old, added = "tallies.", "excluded.%s"
	} else {
		b.WriteString(" ON DUPLICATE KEY UPDATE ")
	}
	for i, c := range sums {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c + "=" + old + c + "+" + fmt.Sprintf(added, c))
	}
	return b.String()
}

func values(rows []Row) []any {
	out := make([]any, 0, 17*len(rows))
	for _, r := range rows {
		out = append(out, r.WaveID, r.Mode, r.Stratum, r.PSU, r.AreaCode, r.Age, r.Sex, r.Indicator,
			r.N, r.D, r.DD, r.DY, r.DYY, r.DDY, r.DDYY, r.DK, r.Moves)
	}
	return out
}

// Load returns the rows of a wave by key, those that have become empty too.
func Load(r *gorm.DB, wave string) ([]Row, error) {
	var out []Row
	err := r.Where("wave_id = ?", wave).Order("wave_id, mode, stratum, psu, area_code, age, sex, indicator").Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("load tallies: %w", err)
	}
	return out, nil
}

// Moves returns how often the tallies of a wave were moved: a number that grows
// with every change that another transaction can see, and that needs no row
// which all submissions would have to lock.
func Moves(r *gorm.DB, wave string) (int64, error) {
	var n int64
	err := r.Model(&Row{}).Where("wave_id = ?", wave).Select("COALESCE(SUM(moves), 0)").Scan(&n).Error
	return n, err
}
