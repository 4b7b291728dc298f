package rank_test

import (
	"math"
	"testing"

	"chengyin/stats/internal/golden"
	"chengyin/stats/rank"
)

func TestMain(m *testing.M) { golden.Main(m, "rank") }

// TestReferenceCase is case p27: R's p.adjust, and rank intervals of thirty
// communities whose satisfaction was measured with 5 to 30 answers each.
func TestReferenceCase(t *testing.T) {
	c := golden.Own(t, "p27-multiplicity-ranks")
	area := c.Frame(t, "area")
	n, s2, mean := area.Number(t, "n"), area.Number(t, "sat_s2"), area.Number(t, "sat_mean")
	var ss, df float64
	for i := range n {
		ss += (n[i] - 1) * s2[i]
		df += n[i] - 1
	}
	est := mean[:30]
	se := make([]float64, len(est))
	for i := range se {
		se[i] = math.Sqrt(ss / df / n[i])
	}
	c.Each(t, func(t *testing.T, q golden.Query) {
		switch q.Stat {
		case "p_adjust":
			a, ok := rank.AdjustmentNamed(q.Args["method"].(string))
			if !ok {
				t.Fatalf("no adjustment %v", q.Args["method"])
			}
			got, err := rank.Adjust(a, golden.Floats(t, q.Args["p"]))
			if err != nil {
				t.Fatal(err)
			}
			golden.CheckList(t, "p", got, q.Expected["values"], q.RelTol)
		case "rank_ci":
			opt := rank.Options{Level: q.Args["level"].(float64)}
			opt.Method = map[string]rank.Method{
				"kww_90": rank.KleinWrightWieczorek, "kww_95": rank.KleinWrightWieczorek,
				"pairs_tukey_95": rank.Tukey, "pairs_bonferroni_95": rank.BonferroniPairs,
				"pairs_marginal_95": rank.OneAtATime,
			}[q.Name]
			cmp, err := rank.Compare(est, se, opt)
			if err != nil {
				t.Fatal(err)
			}
			if crit, ok := q.Args["critical"]; ok {
				// R's qtukey stops its search at 1e-4.
				golden.Check(t, "critical value", cmp.Critical, crit, 1e-6)
			}
			var r, lo, hi []float64
			for _, iv := range cmp.Ranks() {
				r, lo, hi = append(r, float64(iv.Rank)), append(lo, float64(iv.Lower)), append(hi, float64(iv.Upper))
			}
			golden.CheckList(t, "rank", r, q.Expected["rank"], 0)
			golden.CheckList(t, "lower", lo, q.Expected["lower"], 0)
			golden.CheckList(t, "upper", hi, q.Expected["upper"], 0)
		case "information":
			golden.Check(t, "s2pool", ss/df, q.Expected["s2pool"], q.RelTol)
		default:
			t.Fatalf("nothing computes %s", q.Stat)
		}
	})
}
