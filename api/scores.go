package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/score"
)

type scoresRequest struct {
	Wave      string     `path:"wave" doc:"id of the wave"`
	Level     area.Level `query:"level" enum:"city,district,subdistrict,community"`
	Parent    string     `query:"parent" doc:"12-digit code: places below it" maxLength:"12"`
	Mode      string     `query:"mode" enum:"visit,scan,combined"`
	Indicator string     `query:"indicator" maxLength:"32"`
}

type scoreAreaView struct {
	Code  string      `json:"code"`
	Name  string      `json:"name"`
	Names survey.Text `json:"names"`
	Level area.Level  `json:"level"`
}

type scoreView struct {
	Area       scoreAreaView `json:"area"`
	Indicator  string        `json:"indicator"`
	Mode       string        `json:"mode"`
	N          *int          `json:"n" doc:"answers; null below 5, and where it would tell a neighbour's that is below 5 (flag n_withheld)"`
	NEff       *float64      `json:"n_eff"`
	Estimate   *float64      `json:"estimate" doc:"0 to 100"`
	SE         *float64      `json:"se"`
	CI         []float64     `json:"ci" doc:"95 % interval; null when suppressed"`
	Method     string        `json:"method"`
	Deff       *float64      `json:"deff"`
	DKShare    *float64      `json:"dk_share" doc:"share of don't know, 0 to 100"`
	Rank       []int         `json:"rank" doc:"null: this version gives no rank ranges"`
	Suppressed bool          `json:"suppressed"`
	Reason     *string       `json:"reason" doc:"why it is suppressed"`
	Flags      []string      `json:"flags"`
	Smoothed   *float64      `json:"smoothed" doc:"null: this version gives no small-area estimates"`
}

type scoresReply struct {
	Body struct {
		Wave   string    `json:"wave"`
		Run    string    `json:"run"`
		AsOf   time.Time `json:"as_of"`
		Recipe struct {
			Code    string `json:"code"`
			Version int    `json:"version"`
		} `json:"recipe"`
		InputHash   string      `json:"input_hash" doc:"identity of what the run was computed from"`
		CodeVersion string      `json:"code_version"`
		Scores      []scoreView `json:"scores"`
	}
}

func (a *API) describeScores() {
	register(a, huma.Operation{
		OperationID: "list-scores", Method: http.MethodGet, Path: "/api/v1/waves/{wave}/scores", Tags: []string{"scores"},
		Summary: "Weighted scores of the current run", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *scoresRequest) (*scoresReply, error) {
		b, err := a.Scores.Scores(ctx, actorOf(ctx), score.Query{Wave: in.Wave, Level: in.Level, Parent: in.Parent, Mode: in.Mode, Indicator: in.Indicator})
		if err != nil {
			return nil, err
		}
		out := &scoresReply{}
		o := &out.Body
		o.Wave, o.Run, o.AsOf = b.Wave.ID, b.Run.ID, b.Run.AsOf.In(static.China)
		o.Recipe.Code, o.Recipe.Version = b.Run.RecipeCode, b.Run.RecipeVersion
		o.InputHash, o.CodeVersion = b.Run.InputHash, b.Run.CodeVersion
		o.Scores = make([]scoreView, len(b.Scores))
		for i, s := range b.Scores {
			o.Scores[i] = viewScore(s, infoOf(ctx).lang)
		}
		return out, nil
	})
}

// smallest is the number of answers below which not even their number is told.
const smallest = 5

func viewScore(s score.Score, lang string) scoreView {
	v := scoreView{
		Area:      scoreAreaView{s.AreaCode, s.Area.Name().In(lang), s.Area.Name(), s.Level},
		Indicator: s.Indicator, Mode: s.Mode, NEff: s.NEff, Estimate: s.Estimate, SE: s.SE, Method: s.Method, Deff: s.Deff, DKShare: s.DKShare,
		Suppressed: s.Suppressed(), Flags: strings.Fields(s.Flags),
	}
	switch {
	case slices.Contains(v.Flags, score.NWithheld):
		v.NEff, v.Deff = nil, nil // their product is n
	case s.N >= smallest || s.N == 0:
		v.N = &s.N
	}
	if s.Low != nil && s.High != nil {
		v.CI = []float64{*s.Low, *s.High}
	}
	if s.Suppressed() {
		v.Reason = &s.Reason
	}
	return v
}
