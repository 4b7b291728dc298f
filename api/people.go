package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/area"
)

// managedView is a person as those see it who manage people.
type managedView struct {
	ID        string      `json:"id"`
	Login     string      `json:"login"`
	Name      string      `json:"name"`
	Area      placeView   `json:"area" doc:"where the person belongs"`
	Disabled  bool        `json:"disabled"`
	CreatedAt time.Time   `json:"created_at"`
	Grants    []grantView `json:"grants" doc:"that count or wait, as far as they lie in your places or above them"`
}

type placeView struct {
	Code string      `json:"code"`
	Name survey.Text `json:"name"`
}

func viewManaged(p account.Person) managedView {
	v := managedView{ID: p.ID, Login: p.Login, Name: p.Name, Area: placeView{p.AreaCode, p.Area}, Disabled: p.Disabled, CreatedAt: p.CreatedAt, Grants: []grantView{}}
	for _, g := range p.Grants {
		v.Grants = append(v.Grants, viewGrant(g))
	}
	return v
}

type peopleRequest struct {
	Text   string `query:"q" doc:"a part of login or name" maxLength:"100"`
	Area   string `query:"area" doc:"home in this place or below" maxLength:"12"`
	Role   string `query:"role" doc:"holds this role or waits for it" maxLength:"32"`
	State  string `query:"state" enum:"active,disabled"`
	Cursor string `query:"cursor" maxLength:"100"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type peopleReply struct {
	Body struct {
		People []managedView `json:"people"`
		Cursor *string       `json:"cursor" doc:"of the next page; null on the last"`
	}
}

type personRequest struct {
	ID string `path:"id" maxLength:"36"`
}

type personReply struct{ Body managedView }

type newPersonRequest struct {
	Body struct {
		Login string `json:"login" maxLength:"64"`
		Name  string `json:"name" maxLength:"100"`
		Area  string `json:"area" doc:"code of the place where the person belongs" maxLength:"12"`
		Role  string `json:"role,omitempty" doc:"to be asked for; counts when somebody else has granted it" maxLength:"32"`
		Place string `json:"place,omitempty" doc:"where the role shall count; the home when left out" maxLength:"12"`
		Unit  string `json:"unit,omitempty" doc:"a unit instead of a place" maxLength:"32"`
	}
}

// passwordReply is told once and kept nowhere.
type passwordReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		ID       string `json:"id"`
		Login    string `json:"login"`
		Password string `json:"password" doc:"works once; it is not shown again"`
	}
}

func viewMade(m account.Made) *passwordReply {
	out := &passwordReply{CacheControl: "no-store"}
	out.Body.ID, out.Body.Login, out.Body.Password = m.ID, m.Login, m.Password
	return out
}

type changePersonRequest struct {
	ID   string `path:"id" maxLength:"36"`
	Body struct {
		Name     *string `json:"name,omitempty" maxLength:"100"`
		Area     *string `json:"area,omitempty" maxLength:"12"`
		Disabled *bool   `json:"disabled,omitempty"`
	}
}

type placesReply struct {
	Body struct {
		Places []areaView `json:"places"`
	}
}

type sightView struct {
	Permission  survey.Permission `json:"permission"`
	Places      []seenPlaceView   `json:"places"`
	Units       []placeView       `json:"units"`
	Communities int               `json:"communities"`
}

type seenPlaceView struct {
	placeView
	Communities int `json:"communities"`
}

type sightReply struct {
	Body struct {
		Sees  []sightView `json:"sees" doc:"as far as it lies in your places or above them"`
		Pages []string    `json:"pages"`
	}
}

type seersReply struct {
	Body struct {
		People []seerView `json:"people"`
	}
}

type seerView struct {
	ID          string              `json:"id"`
	Login       string              `json:"login"`
	Name        string              `json:"name"`
	Permissions []survey.Permission `json:"permissions"`
}

type importPeopleRequest struct {
	Apply   bool   `query:"apply" doc:"make the accounts; otherwise only say what would happen"`
	Skip    bool   `query:"skip" doc:"leave out wrong rows"`
	RawBody []byte `contentType:"application/octet-stream" doc:"CSV or XLSX"`
}

type importPeopleReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Rows     int               `json:"rows"`
		New      int               `json:"new"`
		Known    []rowProblemView  `json:"known" doc:"rows whose login is taken; they are left as they are"`
		Problems []rowProblemView  `json:"problems"`
		Made     []importSlipsView `json:"made"`
	}
}

type rowProblemView struct {
	Sheet   string `json:"sheet"`
	Row     int    `json:"row"`
	Column  string `json:"column"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type importSlipsView struct {
	Login    string `json:"login"`
	Name     string `json:"name"`
	Password string `json:"password"`
}

func (a *API) describePeople() {
	register(a, huma.Operation{
		OperationID: "list-people", Method: http.MethodGet, Path: "/api/v1/people", Tags: []string{"people"},
		Summary: "People whose home lies in your places", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *peopleRequest) (*peopleReply, error) {
		after, err := base64.RawURLEncoding.DecodeString(in.Cursor)
		if err != nil {
			return nil, survey.ErrInvalid.With(survey.Field{Path: "cursor", Code: "field_not_listed"})
		}
		list, err := a.Accounts.People(ctx, actorOf(ctx), account.PeopleFilter{Text: in.Text, Area: in.Area, Role: in.Role, State: in.State, After: string(after), Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		out := &peopleReply{}
		out.Body.People = []managedView{}
		for _, p := range list {
			out.Body.People = append(out.Body.People, viewManaged(p))
		}
		if len(list) == in.Limit {
			next := base64.RawURLEncoding.EncodeToString([]byte(list[len(list)-1].Login))
			out.Body.Cursor = &next
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "add-person", Method: http.MethodPost, Path: "/api/v1/people", Tags: []string{"people"}, DefaultStatus: http.StatusCreated,
		Summary: "Make an account with a one-time password and ask for its role", Security: staff, Errors: []int{http.StatusForbidden, http.StatusConflict},
	}, func(ctx context.Context, in *newPersonRequest) (*passwordReply, error) {
		b := in.Body
		m, err := a.Accounts.Add(ctx, actorOf(ctx), account.NewPerson{Login: b.Login, Name: b.Name, AreaCode: b.Area, Role: b.Role, Place: b.Place, Unit: b.Unit})
		if err != nil {
			return nil, err
		}
		return viewMade(m), nil
	})
	register(a, huma.Operation{
		OperationID: "get-person", Method: http.MethodGet, Path: "/api/v1/people/{id}", Tags: []string{"people"},
		Summary: "A person", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *personRequest) (*personReply, error) {
		p, err := a.Accounts.Person(ctx, actorOf(ctx), in.ID)
		return &personReply{viewManaged(p)}, err
	})
	register(a, huma.Operation{
		OperationID: "change-person", Method: http.MethodPatch, Path: "/api/v1/people/{id}", Tags: []string{"people"},
		Summary: "Rename, move, disable or enable a person", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *changePersonRequest) (*personReply, error) {
		who := actorOf(ctx)
		if err := a.Accounts.Change(ctx, who, in.ID, account.PersonChange{Name: in.Body.Name, AreaCode: in.Body.Area}); err != nil {
			return nil, err
		}
		if d := in.Body.Disabled; d != nil {
			change := a.Accounts.Enable
			if *d {
				change = a.Accounts.Disable
			}
			if err := change(ctx, who, in.ID); err != nil {
				return nil, err
			}
		}
		p, err := a.Accounts.Person(ctx, who, in.ID)
		return &personReply{viewManaged(p)}, err
	})
	register(a, huma.Operation{
		OperationID: "reset-password", Method: http.MethodPost, Path: "/api/v1/people/{id}/password", Tags: []string{"people"},
		Summary: "Give a person a new one-time password and end their sessions", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *personRequest) (*passwordReply, error) {
		m, err := a.Accounts.NewPassword(ctx, actorOf(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		return viewMade(m), nil
	})
	a.describeSight()
}

func (a *API) describeSight() {
	register(a, huma.Operation{
		OperationID: "find-places", Method: http.MethodGet, Path: "/api/v1/people/places", Tags: []string{"people"},
		Summary: "Places of yours by code or name, to choose from", Security: staff, Errors: []int{http.StatusForbidden},
	}, func(ctx context.Context, in *struct {
		Text string `query:"q" maxLength:"100"`
	}) (*placesReply, error) {
		list, err := a.Accounts.FindPlaces(ctx, actorOf(ctx), strings.TrimSpace(in.Text), 50)
		out := &placesReply{}
		out.Body.Places = []areaView{}
		for _, x := range list {
			out.Body.Places = append(out.Body.Places, areaView{x.Code, x.Name(), x.Level, x.ParentCode})
		}
		return out, err
	})
	register(a, huma.Operation{
		OperationID: "what-person-sees", Method: http.MethodGet, Path: "/api/v1/people/{id}/sight", Tags: []string{"people"},
		Summary: "What a person may do where", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *personRequest) (*sightReply, error) {
		v, err := a.Accounts.View(ctx, actorOf(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		out := &sightReply{}
		out.Body.Sees, out.Body.Pages = []sightView{}, []string{}
		for _, s := range v.Sights {
			x := sightView{Permission: s.Permission, Communities: s.Communities, Places: []seenPlaceView{}, Units: []placeView{}}
			for _, p := range s.Places {
				x.Places = append(x.Places, seenPlaceView{placeView{p.Code, p.Name}, p.Communities})
			}
			for _, u := range s.Units {
				x.Units = append(x.Units, placeView{u.Code, u.Name})
			}
			out.Body.Sees = append(out.Body.Sees, x)
		}
		for _, n := range navigation {
			if v.As.CanAny(n.may...) {
				out.Body.Pages = append(out.Body.Pages, "/"+n.section)
			}
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "who-sees-place", Method: http.MethodGet, Path: "/api/v1/people/who", Tags: []string{"people"},
		Summary: "Who of your people may do anything in a place", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *struct {
		Area string `query:"area" required:"true" maxLength:"12"`
	}) (*seersReply, error) {
		list, err := a.Accounts.WhoSees(ctx, actorOf(ctx), in.Area)
		out := &seersReply{}
		out.Body.People = []seerView{}
		for _, x := range list {
			out.Body.People = append(out.Body.People, seerView{x.Person.ID, x.Person.Login, x.Person.Name, x.Permissions})
		}
		return out, err
	})
	register(a, huma.Operation{
		OperationID: "import-people", Method: http.MethodPost, Path: "/api/v1/people/import", Tags: []string{"people"}, MaxBodyBytes: maxUpload,
		Summary: "Make accounts from a spreadsheet, or say what is wrong with it", Security: staff, Errors: []int{http.StatusForbidden, http.StatusRequestEntityTooLarge},
	}, a.importPeopleJSON)
}

func (a *API) importPeopleJSON(ctx context.Context, in *importPeopleRequest) (*importPeopleReply, error) {
	who, lang := actorOf(ctx), infoOf(ctx).lang
	plan, err := a.Accounts.PlanImport(ctx, who, "api", bytes.NewReader(in.RawBody))
	if err != nil {
		return nil, err
	}
	out := &importPeopleReply{CacheControl: "no-store"}
	out.Body.Rows, out.Body.New, out.Body.Made = plan.Rows, plan.New, []importSlipsView{}
	view := func(list []area.RowProblem) []rowProblemView {
		rows := []rowProblemView{}
		for _, x := range list {
			rows = append(rows, rowProblemView{x.Sheet, x.Row, x.Column, x.Code, a.importWords(lang, x.Code)})
		}
		return rows
	}
	out.Body.Known, out.Body.Problems = view(plan.Known), view(plan.Problems)
	if !in.Apply {
		return out, nil
	}
	slips, err := a.Accounts.ImportPeople(ctx, who, plan, in.Skip)
	for _, s := range slips {
		out.Body.Made = append(out.Body.Made, importSlipsView{s.Login, s.Name, s.Password})
	}
	return out, err
}

// importWords says what is wrong with a cell of a list of people.
func (a *API) importWords(lang, code string) string {
	if a.static.Has(lang, "people.import."+code) {
		return a.static.T(lang, "people.import."+code)
	}
	return a.static.T(lang, "import."+code)
}
