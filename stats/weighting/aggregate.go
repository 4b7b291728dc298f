package weighting

import "fmt"

// ClusterMean is how the auxiliaries of a cluster are averaged. It makes no
// difference where all rows of a cluster have the same design weight.
type ClusterMean int

const (
	// WeightedMean takes \sum d x / \sum d, so that the totals hold exactly.
	WeightedMean ClusterMean = iota
	// PlainMean takes \sum x / m and \sum d / m over the m rows, as
	// aggregate.stage of R's survey does. With unequal design weights inside
	// clusters it is the sums of these averages that meet the totals, and the
	// sums over the rows miss them.
	PlainMean
)

// Clustered is a calibration with equal factors inside clusters.
type Clustered struct {
	W []float64 // calibrated weight of each row
	// X and Q are the averages of the cluster, per row: the auxiliaries and the
	// variance column (nil without) whose residuals make the variance. Rows of
	// a cluster share one slice.
	X [][]float64
	Q []float64
	D []float64 // average design weight of the cluster with PlainMean, otherwise nil
}

// CalibrateClusters is Calibrate with the same factor g for all rows of a
// cluster, a household say, so that persons and household have one weight: the
// auxiliaries (and q) of a row are replaced by the average of its cluster. The
// cluster of row k is cluster[k], any number. Clusters without weight keep it
// at 0. It panics and returns errors as Calibrate does.
//
// See Lemaitre & Dufour (1987), Surv. Methodol. 13, 199-207.
func CalibrateClusters(d []float64, x [][]float64, cluster []int, totals []float64, how ClusterMean, opt CalibrateOptions) (Clustered, Report, error) {
	if len(cluster) != len(d) {
		panic(fmt.Sprintf("weighting: %d weights but %d clusters", len(d), len(cluster)))
	}
	if err := checkCalibration(d, x, totals, opt); err != nil {
		return Clustered{}, Report{}, err
	}
	at := map[int]int{} // number of each cluster
	home := make([]int, len(d))
	var sum, share, q []float64
	var mean [][]float64
	for k, c := range cluster {
		i, known := at[c]
		if !known {
			i = len(sum)
			at[c] = i
			sum, share, q = append(sum, 0), append(share, 0), append(q, 0)
			mean = append(mean, make([]float64, len(totals)))
		}
		home[k] = i
		sum[i] += d[k]
		s := 1.0
		if how == WeightedMean {
			s = d[k]
		}
		share[i] += s
		for j, v := range x[k] {
			mean[i][j] += s * v
		}
		if opt.Q != nil {
			q[i] += s * opt.Q[k]
		}
	}
	for i, s := range share {
		if s == 0 {
			q[i] = 1
			continue // no weight
		}
		q[i] /= s
		for j := range mean[i] {
			mean[i][j] /= s
		}
	}
	out := Clustered{W: make([]float64, len(d)), X: make([][]float64, len(d))}
	if opt.Q != nil {
		opt.Q, out.Q = q, make([]float64, len(d))
	}
	w, rep, err := Calibrate(sum, mean, totals, opt)
	if err != nil {
		return Clustered{}, rep, err
	}
	if how == PlainMean {
		out.D = make([]float64, len(d))
	}
	for k, i := range home {
		out.X[k] = mean[i]
		if out.D != nil {
			out.D[k] = sum[i] / share[i]
		}
		if sum[i] > 0 {
			out.W[k] = d[k] * (w[i] / sum[i])
		}
		if out.Q != nil {
			out.Q[k] = q[i]
		}
	}
	return out, rep, nil
}
