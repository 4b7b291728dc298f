package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/exchange"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
)

// maxSubmission is far more than the longest questionnaire takes.
const maxSubmission = 64 << 10

type ticketRequest struct {
	Code string `path:"code" doc:"code of the collector, as printed on the poster" example:"7KX2M4QTN"`
}

type ticketView struct {
	ID            string            `json:"id" doc:"id of the response: send it with the answers, and again with every retry"`
	Ticket        string            `json:"ticket" doc:"binds the id to the collector and the time"`
	Questionnaire questionnaireView `json:"questionnaire"`
}

// questionnaireView is a questionnaire as one response sees it.
type questionnaireView struct {
	ID        string                  `json:"id"`
	Code      string                  `json:"code"`
	Version   int                     `json:"version"`
	Title     survey.Text             `json:"title"`
	Notice    survey.Text             `json:"notice" doc:"to be read before question 1"`
	Thanks    survey.Text             `json:"thanks"`
	Form      *questionnaire.Form     `json:"form" doc:"header of a filed statistical survey; null when it is none"`
	Sections  []questionnaire.Section `json:"sections"`
	Questions []askedView             `json:"questions"`
}

type askedView struct {
	ID       string                 `json:"id"`
	Section  string                 `json:"section"`
	Type     questionnaire.Type     `json:"type" enum:"single,multiple,scale,number,text"`
	Text     survey.Text            `json:"text"`
	Hint     *survey.Text           `json:"hint"`
	Required bool                   `json:"required"`
	Options  []questionnaire.Option `json:"options" doc:"in the order in which this response is to see them; empty for numbers and texts"`
	Min      *float64               `json:"min" doc:"number: its value; multiple: how many are chosen; null: no limit"`
	Max      *float64               `json:"max" doc:"as min; text: its length in characters"`
	Integer  bool                   `json:"integer" doc:"number without a fraction"`
	ShowIf   *questionnaire.Cond    `json:"show_if" doc:"null when always shown"`
}

func viewQuestionnaire(sheet response.Sheet) questionnaireView {
	d := sheet.Questionnaire
	v := questionnaireView{
		ID: sheet.Wave.QuestionnaireID, Code: d.Code, Version: d.Version, Title: d.Title, Notice: d.Notice, Thanks: d.Thanks, Form: d.Form,
		Sections: d.Sections, Questions: make([]askedView, len(d.Questions)),
	}
	for i := range d.Questions {
		q := &d.Questions[i]
		v.Questions[i] = askedView{
			ID: q.ID, Section: q.Section, Type: q.Type, Text: q.Text, Hint: q.Hint, Required: q.Required,
			Options: append([]questionnaire.Option{}, d.OptionsFor(q, sheet.Ticket.ID)...), Min: q.Min, Max: q.Max, Integer: q.Integer, ShowIf: q.ShowIf,
		}
	}
	return v
}

type ticketReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         ticketView
}

type submitRequest struct {
	Code string `path:"code" doc:"code of the collector"`
	Body struct {
		ID        string                `json:"id" doc:"from the ticket" maxLength:"64"`
		Ticket    string                `json:"ticket" maxLength:"200"`
		Lang      string                `json:"lang,omitempty" doc:"language the questions were read in" enum:"zh,en"`
		Via       string                `json:"via,omitempty" doc:"page when sent by the resident's page" enum:"page,api"`
		StartedAt *time.Time            `json:"started_at,omitempty" doc:"by the respondent's clock"`
		Household string                `json:"household,omitempty" doc:"of a visit: the drawn household" maxLength:"64"`
		Device    string                `json:"device,omitempty" doc:"random token that the client keeps: tells repeated answers of one phone, kept as a keyed hash for a while" maxLength:"64"`
		Answers   questionnaire.Answers `json:"answers" doc:"question id to option code, list of codes, number or text; a question not asked is absent"`
	}
}

type receiptBody struct {
	Receipt    string    `json:"receipt" example:"K7QX-2MPD-9ABC"`
	ID         string    `json:"id"`
	ReceivedAt time.Time `json:"received_at"`
	Status     string    `json:"status" enum:"counted,quarantined"`
}

type submitReply struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Body         receiptBody
}

func viewReceipt(r response.Receipt) receiptBody {
	return receiptBody{Receipt: r.Code, ID: r.ID, ReceivedAt: r.ReceivedAt.In(static.China), Status: r.Status}
}

func (a *API) describeResponses() {
	register(a, huma.Operation{
		OperationID: "open-ticket", Method: http.MethodPost, Path: "/api/v1/collectors/{code}/tickets", Tags: []string{"respond"},
		Summary: "Get a ticket and the questions of a collector", DefaultStatus: http.StatusCreated,
		Description: "What a load of the page gets, for other clients. Nothing is written.",
		Errors:      []int{http.StatusNotFound, http.StatusGone},
	}, a.openTicket)
	register(a, huma.Operation{
		OperationID: "submit-response", Method: http.MethodPost, Path: "/api/v1/collectors/{code}/responses", Tags: []string{"respond"},
		Summary: "Submit answers, exactly once", DefaultStatus: http.StatusCreated, MaxBodyBytes: maxSubmission,
		Description: "201 with the receipt the first time, 200 with the same receipt when it is sent again, 409 when the id is known with other answers. " +
			"The answers are on the disk before the receipt is given.",
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusUnprocessableEntity},
	}, a.submitResponse)
}

// errNotOpen says why a collector takes no answers at the moment.
func errNotOpen(s collector.State) error {
	return &survey.Error{Kind: survey.Gone, Code: "collector_" + string(s)}
}

func (a *API) openTicket(ctx context.Context, in *ticketRequest) (*ticketReply, error) {
	sheet, err := a.Responses.Open(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	if sheet.State != collector.Open {
		return nil, errNotOpen(sheet.State)
	}
	return &ticketReply{"no-store", ticketView{ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Questionnaire: viewQuestionnaire(sheet)}}, nil
}

func (a *API) submitResponse(ctx context.Context, in *submitRequest) (*submitReply, error) {
	s := response.Submission{
		Code: in.Code, ID: in.Body.ID, Ticket: in.Body.Ticket, Lang: in.Body.Lang, Via: in.Body.Via,
		StartedAt: in.Body.StartedAt, Answers: in.Body.Answers, Household: in.Body.Household,
		Device: in.Body.Device, Net: infoOf(ctx).net,
	}
	if s.Via == "" {
		s.Via = response.ViaAPI
	}
	receipt, first, err := a.submit(ctx, s)
	if errors.Is(err, response.ErrDiffers) {
		p := a.problem(ctx, err)
		p.Receipt = receipt.Code
		return nil, p
	}
	if err != nil {
		var e *survey.Error
		if errors.As(err, &e) && errors.Is(err, response.ErrWrongAnswers) {
			c := *e
			c.Fields = nil
			for _, f := range e.Fields {
				f.Path = "answers." + f.Path
				c.Fields = append(c.Fields, f)
			}
			err = &c
		}
		return nil, err
	}
	reply := &submitReply{Status: http.StatusOK, CacheControl: "no-store", Body: viewReceipt(receipt)}
	if first {
		reply.Status = http.StatusCreated
	}
	return reply, nil
}

// submit stores the answers and counts what came of them.
func (a *API) submit(ctx context.Context, s response.Submission) (response.Receipt, bool, error) {
	receipt, first, err := a.Responses.Submit(ctx, s)
	outcome := "refused"
	switch {
	case errors.Is(err, response.ErrDiffers):
		outcome = "differs"
	case errors.Is(err, response.ErrErased):
		outcome = "erased"
	case err == nil && !first:
		outcome = "repeated"
	case err == nil:
		outcome = receipt.Status
	}
	a.metrics.submissions.WithLabelValues(outcome).Inc()
	return receipt, first, err
}

// describeExport puts the export, which is not JSON, into the description.
func (a *API) describeExport() {
	a.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "export-responses", Method: http.MethodGet, Path: "/api/v1/waves/{wave}/responses.csv", Tags: []string{"responses"},
		Summary: "De-identified answers, weights and design columns of a wave", Security: staff,
		Parameters: []*huma.Param{{Name: "wave", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}},
		Responses:  map[string]*huma.Response{"200": {Description: "CSV, UTF-8 with BOM", Content: map[string]*huma.MediaType{"text/csv": {}}}},
	})
}

// responsesCSV streams the de-identified answers of a wave.
func (a *API) responsesCSV(c *gin.Context) error {
	ctx := c.Request.Context()
	who := a.actor(c)
	if !who.Can(survey.ExportResponses) {
		return survey.ErrDenied
	}
	w, err := a.Waves.Seen(ctx, who, c.Param("wave"))
	if err != nil {
		return err
	}
	// A long export may take longer than an ordinary answer.
	if err := http.NewResponseController(c.Writer).SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Header("Content-Disposition", `attachment; filename="responses-`+fileName(w.Code)+`.csv"`)
	c.Header("Cache-Control", "no-store")
	deps := exchange.Deps{DB: a.DB, Questionnaires: a.Questionnaires, Recipes: a.Recipes}
	return exchange.Responses(ctx, deps, who, w, c.Writer)
}

// fileName keeps of a code what is safe in a file's name.
func fileName(code string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, code)
}
