package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey/fieldwork"
)

type progressRequest struct {
	Wave string `path:"wave" doc:"id of the wave" maxLength:"36"`
	Area string `query:"area" doc:"this place and everything below it; otherwise all of your own" maxLength:"12"`
	Set  string `query:"e" doc:"share of the households of unknown eligibility that counts as eligible, 0 to 1; otherwise that among the known ones" maxLength:"20"`
}

type progressView struct {
	Drawn       int            `json:"drawn" doc:"to be visited by the plan"`
	Reserve     int            `json:"reserve"`
	Opened      int            `json:"opened" doc:"of the reserve, whose turn has come"`
	Due         int            `json:"due" doc:"drawn + opened"`
	Assigned    int            `json:"assigned"`
	Visited     int            `json:"visited"`
	Contacted   int            `json:"contacted"`
	Complete    int            `json:"complete"`
	Partial     int            `json:"partial"`
	Refused     int            `json:"refused"`
	NotEligible int            `json:"not_eligible"`
	Other       int            `json:"other" doc:"closed for another reason"`
	Left        int            `json:"left" doc:"to be visited, for the first time or again"`
	Unassigned  int            `json:"unassigned" doc:"of those: nobody has it"`
	CallBacks   map[string]int `json:"call_backs" doc:"again: visited at least twice; same_time: of those always at one time of day; waiting: visited and to be visited again; never_late: of those never in the evening and never at a weekend"`
}

func viewProgress(p fieldwork.Progress) progressView {
	return progressView{p.Drawn, p.Reserve, p.Opened, p.Due(), p.Assigned, p.Visited, p.Contacted, p.Complete, p.Partial, p.Refused, p.NotEligible, p.Other, p.Left, p.Unassigned,
		map[string]int{"again": p.CallBacks.Again, "same_time": p.CallBacks.SameDay, "waiting": p.CallBacks.Waiting, "never_late": p.CallBacks.NoLate}}
}

type buildingView struct {
	PSU  string `json:"psu"`
	Area string `json:"area" doc:"community"`
	Name string `json:"name"`
	progressView
}

type outcomeRatesView struct {
	Cases map[string]float64 `json:"cases" doc:"by AAPOR group: I, P, R, NC, O, UH, UO, NE"`
	E     *float64           `json:"e" doc:"null while nothing is known"`
	HowE  string             `json:"e_how" enum:"proportional,given"`
	Rates []outcomeRateView  `json:"rates"`
}

type outcomeRateView struct {
	Name    string   `json:"name"`
	Formula string   `json:"formula"`
	Value   *float64 `json:"value" doc:"0 to 1; null where there is nothing to divide by"`
}

func viewRates(r fieldwork.Rates) outcomeRatesView {
	v := outcomeRatesView{Cases: map[string]float64{}, E: r.E, HowE: r.HowE}
	for _, g := range groups {
		v.Cases[string(g)] = r.Cases[g]
	}
	for _, x := range r.List {
		v.Rates = append(v.Rates, outcomeRateView{x.Name, x.Formula, x.Value})
	}
	return v
}

type fieldworkReply struct {
	Body struct {
		Total     progressView   `json:"total"`
		Buildings []buildingView `json:"buildings"`
		Rates     struct {
			Unweighted outcomeRatesView `json:"unweighted"`
			Weighted   outcomeRatesView `json:"weighted" doc:"by the weight that a household was drawn with; the reserve shares that of its building"`
		} `json:"rates"`
	}
}

type householdsRequest struct {
	Wave string `path:"wave" maxLength:"36"`
	PSU  string `query:"psu" required:"true" maxLength:"200"`
}

type householdView struct {
	Unit     string      `json:"unit" doc:"id"`
	Door     string      `json:"door"`
	Position int         `json:"position"`
	Reserve  bool        `json:"reserve"`
	Due      bool        `json:"due"`
	Open     bool        `json:"open"`
	Outcome  string      `json:"outcome"`
	Visits   int         `json:"visits"`
	Worker   *holderView `json:"worker"`
}

type holderView struct {
	ID    string `json:"id"`
	Login string `json:"login"`
	Name  string `json:"name"`
}

type householdsReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Households []householdView `json:"households"`
	}
}

type assignRequest struct {
	Wave string `path:"wave" maxLength:"36"`
	Body struct {
		Units   []string `json:"units,omitempty" doc:"ids of households" maxItems:"5000"`
		PSU     string   `json:"psu,omitempty" doc:"or all of a building, without its reserve" maxLength:"200"`
		Account string   `json:"account" doc:"id of the worker" minLength:"1" maxLength:"36"`
	}
}

type unassignRequest struct {
	Wave  string   `path:"wave" maxLength:"36"`
	Units []string `query:"unit,explode" doc:"ids of households" maxItems:"500"`
	PSU   string   `query:"psu" doc:"or all of a building, without its reserve" maxLength:"200"`
}

type assignReply struct {
	Body struct {
		Changed int `json:"changed" doc:"how many households changed hands"`
	}
}

type managedPhoneView struct {
	ID         string     `json:"id"`
	Worker     holderView `json:"worker"`
	Name       string     `json:"name"`
	SeenAt     time.Time  `json:"seen_at"`
	LeaseUntil time.Time  `json:"lease_until"`
	Waiting    int        `json:"waiting" doc:"records that it had not sent when it was last seen"`
	OffsetMS   int64      `json:"offset_ms" doc:"its clock minus the server's"`
	LockedAt   *time.Time `json:"locked_at"`
	SignedOut  *time.Time `json:"signed_out_at"`
}

type phonesReply struct {
	Body struct {
		Phones []managedPhoneView `json:"phones"`
	}
}

type lockRequest struct {
	Phone string `path:"phone" maxLength:"36"`
}

type doubtsRequest struct {
	Wave   string `path:"wave" maxLength:"36"`
	Area   string `query:"area" maxLength:"12"`
	Cursor string `query:"cursor" doc:"of the page before" maxLength:"300"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

type doubtView struct {
	ID         string    `json:"id"`
	Status     string    `json:"status" enum:"quarantined,conflict"`
	Reason     string    `json:"reason"`
	Outcome    string    `json:"outcome"`
	Via        string    `json:"via"`
	Area       string    `json:"area"`
	Unit       string    `json:"unit"`
	Door       string    `json:"door" doc:"empty when the household is unknown"`
	Worker     string    `json:"worker" doc:"login"`
	MadeAt     time.Time `json:"made_at"`
	ReceivedAt time.Time `json:"received_at"`
}

type doubtsReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Records []doubtView `json:"records"`
		Cursor  *string     `json:"cursor" doc:"of the next page; null on the last"`
	}
}

// describeFieldwork registers what programs of the office may ask of the work from
// door to door.
func (a *API) describeFieldwork() {
	tags := []string{"fieldwork"}
	failures := []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity}
	register(a, huma.Operation{
		OperationID: "fieldwork", Method: http.MethodGet, Path: "/api/v1/waves/{wave}/fieldwork", Tags: tags, Security: staff, Errors: failures,
		Summary: "How far the work is, by building, with outcome rates by the AAPOR formulas",
	}, func(ctx context.Context, in *progressRequest) (*fieldworkReply, error) {
		who := actorOf(ctx)
		w, err := a.Waves.Seen(ctx, who, in.Wave)
		if err != nil {
			return nil, err
		}
		e, err := readE(in.Set)
		if err != nil {
			return nil, err
		}
		work, err := a.Field.Work(ctx, who, w, in.Area, e)
		if err != nil {
			return nil, err
		}
		out := &fieldworkReply{}
		out.Body.Total, out.Body.Buildings = viewProgress(work.Total), []buildingView{}
		for _, b := range work.Buildings {
			out.Body.Buildings = append(out.Body.Buildings, buildingView{b.PSU, b.AreaCode, b.Name, viewProgress(b.Progress)})
		}
		out.Body.Rates.Unweighted, out.Body.Rates.Weighted = viewRates(work.Plain), viewRates(work.Weighted)
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "fieldwork-households", Method: http.MethodGet, Path: "/api/v1/waves/{wave}/fieldwork/households", Tags: tags, Security: staff, Errors: failures,
		Summary: "The households of a building in the order of the draw",
	}, func(ctx context.Context, in *householdsRequest) (*householdsReply, error) {
		who := actorOf(ctx)
		w, err := a.Waves.Seen(ctx, who, in.Wave)
		if err != nil {
			return nil, err
		}
		homes, err := a.Field.Households(ctx, who, w, in.PSU)
		if err != nil {
			return nil, err
		}
		out := &householdsReply{CacheControl: "no-store"}
		for _, h := range homes {
			v := householdView{Unit: h.UnitID, Door: h.Door(), Position: h.Position, Reserve: h.Reserve, Due: h.Due(), Open: h.Open, Outcome: h.Outcome, Visits: h.Visits}
			if h.AccountID != "" {
				v.Worker = &holderView{h.AccountID, h.Login, h.Worker}
			}
			out.Body.Households = append(out.Body.Households, v)
		}
		return out, nil
	})
	assign := func(ctx context.Context, in fieldwork.Assigning) (*assignReply, error) {
		who := actorOf(ctx)
		if _, err := a.Waves.Seen(ctx, who, in.Wave); err != nil {
			return nil, err
		}
		n, err := a.Field.Assign(ctx, who, in)
		if err != nil {
			return nil, err
		}
		out := &assignReply{}
		out.Body.Changed = n
		return out, nil
	}
	register(a, huma.Operation{
		OperationID: "assign-households", Method: http.MethodPost, Path: "/api/v1/waves/{wave}/fieldwork/assignments", Tags: tags, Security: staff, Errors: failures,
		DefaultStatus: http.StatusOK, Summary: "Gives households to a worker, also those that somebody else had",
	}, func(ctx context.Context, in *assignRequest) (*assignReply, error) {
		return assign(ctx, fieldwork.Assigning{Wave: in.Wave, Units: in.Body.Units, PSU: in.Body.PSU, Account: in.Body.Account})
	})
	register(a, huma.Operation{
		OperationID: "unassign-households", Method: http.MethodDelete, Path: "/api/v1/waves/{wave}/fieldwork/assignments", Tags: tags, Security: staff, Errors: failures,
		DefaultStatus: http.StatusOK, Summary: "Takes households back",
	}, func(ctx context.Context, in *unassignRequest) (*assignReply, error) {
		return assign(ctx, fieldwork.Assigning{Wave: in.Wave, Units: in.Units, PSU: in.PSU})
	})
	register(a, huma.Operation{
		OperationID: "fieldwork-review", Method: http.MethodGet, Path: "/api/v1/waves/{wave}/fieldwork/review", Tags: tags, Security: staff, Errors: failures,
		Summary: "Records that are kept and not counted, the newest first, with the reason and without answers",
	}, func(ctx context.Context, in *doubtsRequest) (*doubtsReply, error) {
		who := actorOf(ctx)
		w, err := a.Waves.Seen(ctx, who, in.Wave)
		if err != nil {
			return nil, err
		}
		before, err := readDoubtMark(in.Cursor)
		if err != nil {
			return nil, err
		}
		list, more, err := a.Field.Doubts(ctx, who, w, in.Area, before, in.Limit)
		if err != nil {
			return nil, err
		}
		out := &doubtsReply{CacheControl: "no-store"}
		out.Body.Records = []doubtView{}
		for _, d := range list {
			out.Body.Records = append(out.Body.Records, doubtView{d.ID, d.Status, d.Reason, d.Outcome, d.Via, d.AreaCode, d.UnitID, d.Door(), d.Login, d.MadeAt, d.ReceivedAt})
		}
		if more {
			next := writeDoubtMark(list[len(list)-1].Mark())
			out.Body.Cursor = &next
		}
		return out, nil
	})
	a.describePhones(tags, failures)
}

// describePhones registers the phones of field work as their office sees them.
func (a *API) describePhones(tags []string, failures []int) {
	register(a, huma.Operation{
		OperationID: "fieldwork-phones", Method: http.MethodGet, Path: "/api/v1/fieldwork/phones", Tags: tags, Security: staff, Errors: failures,
		Summary: "The phones of the workers of your places: when each was last heard of, and what waits on it",
	}, func(ctx context.Context, _ *struct{}) (*phonesReply, error) {
		list, err := a.Field.Phones(ctx, actorOf(ctx))
		if err != nil {
			return nil, err
		}
		out := &phonesReply{}
		out.Body.Phones = []managedPhoneView{}
		for _, p := range list {
			out.Body.Phones = append(out.Body.Phones, managedPhoneView{p.ID, holderView{p.AccountID, p.Login, p.Worker}, p.Name, p.SeenAt, p.LeaseUntil, p.Waiting, p.OffsetMS, p.LockedAt, p.SignedOutAt})
		}
		return out, nil
	})
	for name, do := range map[string]func(context.Context, *lockRequest) error{
		"lock":   func(ctx context.Context, in *lockRequest) error { return a.Field.Lock(ctx, actorOf(ctx), in.Phone) },
		"unlock": func(ctx context.Context, in *lockRequest) error { return a.Field.Unlock(ctx, actorOf(ctx), in.Phone) },
	} {
		register(a, huma.Operation{
			OperationID: name + "-phone", Method: http.MethodPost, Path: "/api/v1/fieldwork/phones/{phone}/" + name, Tags: tags, Security: staff, Errors: failures,
			DefaultStatus: http.StatusNoContent,
			Summary:       map[string]string{"lock": "Locks a phone: it forgets its key, and what waits on it still reaches us", "unlock": "Lets a phone sign in again"}[name],
		}, func(ctx context.Context, in *lockRequest) (*struct{}, error) { return nil, do(ctx, in) })
	}
}
