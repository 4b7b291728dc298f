package api

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/survey/area"
	"chengyin/survey/sample"
)

type frameView struct {
	ID        string    `json:"id"`
	Area      string    `json:"area" doc:"smallest place that contains all households"`
	Name      string    `json:"name"`
	Source    string    `json:"source" doc:"file it came from"`
	Homes     int       `json:"homes"`
	Hash      string    `json:"hash" doc:"SHA-256 of the sorted content"`
	CreatedAt time.Time `json:"created_at"`
}

func viewFrame(f sample.Frame) frameView {
	return frameView{f.ID, f.AreaCode, f.Name, f.Source, f.Homes, f.Hash, f.CreatedAt}
}

type framesReply struct {
	Body struct {
		Frames []frameView `json:"frames"`
	}
}

type thingRequest struct {
	ID string `path:"id" maxLength:"64"`
}

type frameReply struct {
	Body struct {
		frameView
		Communities []frameCommunityView `json:"communities" doc:"in your places"`
	}
}

type frameCommunityView struct {
	Area      string `json:"area"`
	Buildings int    `json:"buildings"`
	Homes     int    `json:"homes"`
	Known     int    `json:"known" doc:"households whose number of adults is known"`
	Adults    int    `json:"adults" doc:"in those"`
}

type importFrameRequest struct {
	Filename string `query:"filename" doc:"name of the file, which ends in .xlsx or .csv" maxLength:"200" required:"true"`
	RawBody  []byte `contentType:"application/octet-stream" doc:"CSV or XLSX"`
}

// importFrameReply leads to where one can ask how far the import is.
type importFrameReply struct {
	Location string `header:"Location"`
	Body     struct {
		ID string `json:"id"`
	}
}

type frameImportReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		ID       string           `json:"id"`
		Stage    string           `json:"stage" enum:"reading,checked,storing,stored,failed"`
		Done     int              `json:"done" doc:"rows"`
		All      int              `json:"all" doc:"rows; 0 while it is not known"`
		Rows     int              `json:"rows"`
		Good     int              `json:"good" doc:"households that can be imported"`
		Bad      int              `json:"bad" doc:"rows with a problem"`
		Total    int              `json:"total" doc:"of problems"`
		Problems []rowProblemView `json:"problems" doc:"the first 1,000"`
		Frame    *frameView       `json:"frame" doc:"once it is stored"`
		Error    *frameErrorView  `json:"error" doc:"why it failed"`
	}
}

type frameErrorView struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type confirmFrameRequest struct {
	ID   string    `path:"id" maxLength:"64"`
	Body *struct { // a missing one is refused after the question who asks
		Name string `json:"name,omitempty" doc:"of the file when left out" maxLength:"400"`
		Skip bool   `json:"skip,omitempty" doc:"leave out the wrong rows"`
	}
}

func (a *API) describeFrames() {
	register(a, huma.Operation{
		OperationID: "list-frames", Method: http.MethodGet, Path: "/api/v1/frames", Tags: []string{"samples"},
		Summary: "Lists of households in your places, the newest first", Security: staff, Errors: []int{http.StatusForbidden},
	}, func(ctx context.Context, _ *struct{}) (*framesReply, error) {
		list, err := a.Samples.Frames(ctx, actorOf(ctx))
		if err != nil {
			return nil, err
		}
		out := &framesReply{}
		out.Body.Frames = []frameView{}
		for _, f := range list {
			out.Body.Frames = append(out.Body.Frames, viewFrame(f))
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "read-frame", Method: http.MethodGet, Path: "/api/v1/frames/lists/{id}", Tags: []string{"samples"},
		Summary: "A list of households by community", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *thingRequest) (*frameReply, error) {
		f, err := a.Samples.Frame(ctx, actorOf(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		places, err := a.Samples.FramePlaces(ctx, actorOf(ctx), f)
		if err != nil {
			return nil, err
		}
		out := &frameReply{}
		out.Body.frameView, out.Body.Communities = viewFrame(f), []frameCommunityView{}
		for _, p := range places {
			out.Body.Communities = append(out.Body.Communities, frameCommunityView{p.AreaCode, p.Buildings, p.Homes, p.Known, p.Adults})
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "import-frame", Method: http.MethodPost, Path: "/api/v1/frames/import", Tags: []string{"samples"}, DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxFrame, BodyReadTimeout: slowTimeout,
		Summary: "Read and check a list of households; nothing is stored until it is confirmed", Security: staff,
		Errors: []int{http.StatusForbidden, http.StatusConflict, http.StatusTooManyRequests, http.StatusRequestEntityTooLarge},
	}, func(ctx context.Context, in *importFrameRequest) (*importFrameReply, error) {
		id, err := a.Samples.BeginImport(ctx, actorOf(ctx), filepath.Base(in.Filename), in.RawBody)
		if err != nil {
			return nil, err
		}
		out := &importFrameReply{Location: "/api/v1/frames/imports/" + id}
		out.Body.ID = id
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "read-frame-import", Method: http.MethodGet, Path: "/api/v1/frames/imports/{id}", Tags: []string{"samples"},
		Summary: "How far an import is, and what is wrong with the list", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *thingRequest) (*frameImportReply, error) {
		s, err := a.Samples.ImportState(actorOf(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		out := &frameImportReply{CacheControl: "no-store"}
		b := &out.Body
		b.ID, b.Stage, b.Done, b.All, b.Problems = s.ID, s.Stage, s.Done, s.All, []rowProblemView{}
		if s.Import != nil {
			b.Rows, b.Good, b.Bad, b.Total, b.Problems = s.Import.Rows, s.Import.Good, s.Import.Bad, s.Import.Total, a.viewSampleProblems(ctx, s.Import.Problems)
		}
		if s.Stage == sample.Stored {
			v := viewFrame(s.Frame)
			b.Frame = &v
		}
		if s.Err != nil {
			said := a.problem(ctx, s.Err)
			b.Error = &frameErrorView{said.Code, said.Title}
		}
		return out, nil
	})
	register(a, huma.Operation{
		OperationID: "confirm-frame-import", Method: http.MethodPost, Path: "/api/v1/frames/imports/{id}", Tags: []string{"samples"}, DefaultStatus: http.StatusAccepted,
		Summary: "Store the list that was checked", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *confirmFrameRequest) (*importFrameReply, error) {
		name, skip := "", false
		if in.Body != nil {
			name, skip = in.Body.Name, in.Body.Skip
		}
		if err := a.Samples.ConfirmImport(ctx, actorOf(ctx), in.ID, name, skip); err != nil {
			return nil, err
		}
		out := &importFrameReply{Location: "/api/v1/frames/imports/" + in.ID}
		out.Body.ID = in.ID
		return out, nil
	})
}

func (a *API) viewSampleProblems(ctx context.Context, list []area.RowProblem) []rowProblemView {
	lang := infoOf(ctx).lang
	out := []rowProblemView{}
	for _, p := range list {
		out = append(out, rowProblemView{Sheet: p.Sheet, Row: p.Row, Column: p.Column, Code: p.Code, Message: a.static.T(lang, "import."+p.Code)})
	}
	return out
}
