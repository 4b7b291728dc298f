package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/sample"
)

type planJSON struct {
	ID        string      `json:"id"`
	Wave      string      `json:"wave"`
	Frame     string      `json:"frame"`
	Area      string      `json:"area"`
	Spec      sample.Spec `json:"spec"`
	CreatedAt time.Time   `json:"created_at"`
	DrawnAt   *time.Time  `json:"drawn_at"`
	Seed      string      `json:"seed" doc:"32 hexadecimal digits; empty before the draw"`
	Hash      string      `json:"hash" doc:"SHA-256 of what was drawn"`
}

func viewPlanJSON(p sample.Plan) (planJSON, error) {
	spec, err := p.ParseSpec()
	return planJSON{p.ID, p.WaveID, p.FrameID, p.AreaCode, spec, p.CreatedAt, p.DrawnAt, p.Seed, p.ResultHash}, err
}

type sizeJSON struct {
	Stratum    string  `json:"stratum" doc:"code of a place; empty of all"`
	PSUs       int     `json:"psus" doc:"in the list"`
	Homes      int     `json:"homes" doc:"in the list"`
	Draw       int     `json:"draw" doc:"PSUs to draw"`
	Certain    int     `json:"certain" doc:"of which are in every sample"`
	Small      int     `json:"small" doc:"PSUs of the list with fewer households than take and reserve"`
	Visits     float64 `json:"visits" doc:"expected households to visit"`
	Reserve    float64 `json:"reserve" doc:"expected households in reserve"`
	Interviews float64 `json:"interviews" doc:"expected"`
	Weights    float64 `json:"weights" doc:"1 + cv² of the weights"`
	Cluster    float64 `json:"cluster" doc:"1 + (b-1) roh"`
	Deff       float64 `json:"deff"`
	Margin     float64 `json:"margin" doc:"half the width of the interval of a proportion of one half"`
}

type sizesJSON struct {
	All    sizeJSON   `json:"all"`
	Strata []sizeJSON `json:"strata"`
	Needed int        `json:"needed" doc:"interviews for the margin aimed at"`
	Invite int        `json:"invite" doc:"households to be asked for them"`
	Enough int        `json:"enough" doc:"smallest number of PSUs that reaches the margin; 0 when none does"`
}

func viewSizesJSON(s sample.Sizes) sizesJSON {
	one := func(x sample.StratumSize) sizeJSON {
		return sizeJSON{x.Code, x.PSUs, x.Homes, x.Draw, x.Certain, x.Small, x.Visits, x.Reserve, x.Interviews, x.Weights, x.Cluster, x.Deff, x.Margin}
	}
	v := sizesJSON{All: one(s.All), Strata: []sizeJSON{}, Needed: s.Needed, Invite: s.Invite, Enough: s.Enough}
	for _, x := range s.Strata {
		v.Strata = append(v.Strata, one(x))
	}
	return v
}

type listPlansRequest struct {
	Wave string `query:"wave" doc:"id of a wave" maxLength:"36"`
}

type listPlansReply struct {
	Body struct {
		Plans []planJSON `json:"plans"`
	}
}

type newPlanBody struct {
	Wave  string      `json:"wave" maxLength:"36"`
	Frame string      `json:"frame" maxLength:"36"`
	Area  string      `json:"area" maxLength:"12"`
	Spec  sample.Spec `json:"spec"`
}

type newPlanRequest struct {
	Body *newPlanBody // a missing one is refused after the question who asks
}

func (r *newPlanRequest) plan() sample.NewPlan {
	if r.Body == nil {
		return sample.NewPlan{}
	}
	return sample.NewPlan{Wave: r.Body.Wave, Frame: r.Body.Frame, Area: r.Body.Area, Spec: r.Body.Spec}
}

type sizesReply struct{ Body sizesJSON }

type planReply struct {
	Body struct {
		planJSON
		Sizes sizesJSON `json:"sizes"`
	}
}

type drawRequest struct {
	ID   string    `path:"id" maxLength:"36"`
	Body *struct { // may be left out
		Seed    string `json:"seed,omitempty" doc:"up to 32 hexadecimal digits, fixed before the draw; made here when left out" maxLength:"64"`
		Replace bool   `json:"replace,omitempty" doc:"take back earlier draws for the same wave and place, at whose doors nobody has been"`
	}
}

type drawnReply struct{ Body planJSON }

type replayReply struct {
	Body struct {
		Same   bool   `json:"same"`
		Hash   string `json:"hash" doc:"of the draw made now"`
		Want   string `json:"want" doc:"of the draw made then"`
		Stored string `json:"stored" doc:"of the households as they are stored; empty when they were replaced"`
	}
}

type planHomesRequest struct {
	ID   string `path:"id" maxLength:"36"`
	Area string `query:"area" doc:"this place and everything below it" maxLength:"12"`
}

type planHomeJSON struct {
	ID          string  `json:"id"`
	Household   string  `json:"household"`
	Area        string  `json:"area"`
	Stratum     string  `json:"stratum"`
	PSU         string  `json:"psu"`
	Position    int     `json:"position"`
	Reserve     bool    `json:"reserve"`
	Probability float64 `json:"probability"`
	Building    string  `json:"building"`
	Unit        string  `json:"unit"`
	Room        string  `json:"room"`
	Adults      *int    `json:"adults" doc:"as the list says"`
	Picks       string  `json:"picks" doc:"which adult is asked of 1, 2 … 12"`
}

type planHomesReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Homes []planHomeJSON `json:"homes"`
	}
}

func (a *API) describePlans() {
	register(a, huma.Operation{
		OperationID: "list-plans", Method: http.MethodGet, Path: "/api/v1/plans", Tags: []string{"samples"},
		Summary: "Sampling plans in your places, the newest first", Security: staff, Errors: []int{http.StatusForbidden},
	}, func(ctx context.Context, in *listPlansRequest) (*listPlansReply, error) {
		list, err := a.Samples.Plans(ctx, actorOf(ctx), in.Wave)
		if err != nil {
			return nil, err
		}
		out := &listPlansReply{}
		out.Body.Plans = []planJSON{}
		for _, p := range list {
			v, err := viewPlanJSON(p)
			if err != nil {
				return nil, err
			}
			out.Body.Plans = append(out.Body.Plans, v)
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "preview-plan", Method: http.MethodPost, Path: "/api/v1/plans/preview", Tags: []string{"samples"}, DefaultStatus: http.StatusOK,
		Summary: "What a plan would give; nothing is stored", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *newPlanRequest) (*sizesReply, error) {
		s, err := a.Samples.Preview(ctx, actorOf(ctx), in.plan())
		if err != nil {
			return nil, err
		}
		return &sizesReply{viewSizesJSON(s)}, nil
	})
	register(a, huma.Operation{
		OperationID: "create-plan", Method: http.MethodPost, Path: "/api/v1/plans", Tags: []string{"samples"}, DefaultStatus: http.StatusCreated,
		Summary: "Keep a sampling plan", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *newPlanRequest) (*planReply, error) {
		p, err := a.Samples.Create(ctx, actorOf(ctx), in.plan())
		if err != nil {
			return nil, err
		}
		return a.planAnswer(ctx, p)
	})
	register(a, huma.Operation{
		OperationID: "read-plan", Method: http.MethodGet, Path: "/api/v1/plans/{id}", Tags: []string{"samples"},
		Summary: "A sampling plan, what it gives, its seed and result", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *thingRequest) (*planReply, error) {
		p, err := a.Samples.Plan(ctx, actorOf(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		return a.planAnswer(ctx, p)
	})
	register(a, huma.Operation{
		OperationID: "draw-plan", Method: http.MethodPost, Path: "/api/v1/plans/{id}/draw", Tags: []string{"samples"}, DefaultStatus: http.StatusOK,
		Summary: "Draw the households of a plan, once", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *drawRequest) (*drawnReply, error) {
		o := sample.DrawOptions{}
		if in.Body != nil {
			o = sample.DrawOptions{Seed: in.Body.Seed, Replace: in.Body.Replace}
		}
		p, err := a.Samples.Draw(ctx, actorOf(ctx), in.ID, o)
		if err != nil {
			return nil, err
		}
		v, err := viewPlanJSON(p)
		return &drawnReply{v}, err
	})
	register(a, huma.Operation{
		OperationID: "replay-plan", Method: http.MethodPost, Path: "/api/v1/plans/{id}/replay", Tags: []string{"samples"}, DefaultStatus: http.StatusOK,
		Summary: "Draw again from the same list and seed, and say whether it is the same", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *thingRequest) (*replayReply, error) {
		r, err := a.Samples.Replay(ctx, actorOf(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		out := &replayReply{}
		out.Body.Same, out.Body.Hash, out.Body.Want, out.Body.Stored = r.Same(), r.Hash, r.Want, r.Stored
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "list-plan-homes", Method: http.MethodGet, Path: "/api/v1/plans/{id}/homes", Tags: []string{"samples"},
		Summary: "The drawn households of a plan; each look is recorded", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, a.planHomesJSON)
}

func (a *API) planAnswer(ctx context.Context, p sample.Plan) (*planReply, error) {
	sizes, err := a.Samples.SizesOfPlan(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &planReply{}
	out.Body.Sizes = viewSizesJSON(sizes)
	out.Body.planJSON, err = viewPlanJSON(p)
	return out, err
}

func (a *API) planHomesJSON(ctx context.Context, in *planHomesRequest) (*planHomesReply, error) {
	p, err := a.Samples.Plan(ctx, actorOf(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	if in.Area != "" && !survey.Within(p.AreaCode, in.Area) {
		return nil, area.ErrNotFound
	}
	homes, err := a.Samples.ExportHomes(ctx, actorOf(ctx), p, in.Area)
	if err != nil {
		return nil, err
	}
	out := &planHomesReply{CacheControl: "no-store"}
	out.Body.Homes = []planHomeJSON{}
	for _, h := range homes {
		out.Body.Homes = append(out.Body.Homes, planHomeJSON{h.UnitID, h.Household, h.Home.AreaCode, h.Stratum, h.Home.PSU, h.Position, h.Reserve, h.Probability, h.Building, h.Home.Unit, h.Room, h.FrameAdults, h.Picks})
	}
	return out, nil
}
