package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/fieldwork"
	"chengyin/survey/questionnaire"
)

// maxBatch is the largest batch of records. It may take its time: the line in a
// stairwell is slow.
const maxBatch = 512 << 10

// byPhone marks an operation that only a phone's token can call.
var byPhone = []map[string][]string{{"phone": {}}}

type phoneKey struct{}

// phoneOf returns the phone that asks.
func phoneOf(ctx context.Context) fieldwork.On {
	on, _ := ctx.Value(phoneKey{}).(fieldwork.On)
	return on
}

type enrolRequest struct {
	Body struct {
		ID   string `json:"id" maxLength:"64" doc:"made once by the phone: a UUID"`
		Name string `json:"name" maxLength:"200" doc:"what kind of phone, in a few words"`
	}
}

type workerView struct {
	Login string `json:"login"`
	Name  string `json:"name"`
}

type enrolReply struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Phone      string     `json:"phone"`
		Token      string     `json:"token" doc:"send it as Authorization: Bearer; shown this once"`
		Key        string     `json:"key" doc:"of what the phone keeps: 32 bytes, base64url; the same each time the phone signs in"`
		LeaseUntil time.Time  `json:"lease_until"`
		ServerTime time.Time  `json:"server_time"`
		Worker     workerView `json:"worker"`
		SealKey    string     `json:"seal_key" doc:"answers are sealed to it: a point of P-256, uncompressed, base64url"`
		SignKey    string     `json:"sign_key" doc:"checks the signatures of receipts"`
		SignKeys   []string   `json:"sign_keys" doc:"sign_key, and those before it: a receipt is genuine when one of them says so"`
	}
}

type packRequest struct {
	IfNoneMatch string `header:"If-None-Match"`
}

type packReply struct {
	Status       int
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         *packBody
}

type packBody struct {
	ServerTime     time.Time                            `json:"server_time"`
	LeaseUntil     time.Time                            `json:"lease_until"`
	Worker         workerView                           `json:"worker"`
	SealKey        string                               `json:"seal_key"`
	SignKeys       []string                             `json:"sign_keys"`
	Waves          []packWaveView                       `json:"waves"`
	Questionnaires map[string]*questionnaire.Definition `json:"questionnaires" doc:"by id: every one of the waves"`
	Homes          []packHomeView                       `json:"homes"`
}

type packWaveView struct {
	ID            string      `json:"id"`
	Code          string      `json:"code"`
	Name          survey.Text `json:"name"`
	OpensAt       time.Time   `json:"opens_at"`
	ClosesAt      time.Time   `json:"closes_at"`
	Owner         survey.Text `json:"owner"`
	Contact       string      `json:"contact"`
	Questionnaire string      `json:"questionnaire"`
	Rules         rulesView   `json:"rules"`
}

type rulesView struct {
	Visits  int    `json:"visits" doc:"at most so many at a door"`
	Replace string `json:"replace" enum:"never,not_eligible,closed"`
	Select  string `json:"select" enum:"kish,birthday"`
}

type packHomeView struct {
	ID       string           `json:"id"`
	Wave     string           `json:"wave"`
	Area     string           `json:"area"`
	AreaName survey.Text      `json:"area_name"`
	PSU      string           `json:"psu"`
	Position int              `json:"position"`
	Reserve  bool             `json:"reserve"`
	Building string           `json:"building"`
	Unit     string           `json:"unit"`
	Room     string           `json:"room"`
	Adults   *int             `json:"adults" doc:"as the frame says; null when it does not"`
	Picks    string           `json:"picks" doc:"which adult is asked of 1, 2 … 12, as digits of base 36"`
	Rules    *rulesView       `json:"rules,omitempty" doc:"of its plan, where the wave has several plans with other rules"`
	Records  []packRecordView `json:"records" doc:"what came of visits there, whoever made them"`
}

type packRecordView struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
	Period  string    `json:"period" enum:"morning,afternoon,evening"`
	Weekend bool      `json:"weekend"`
	Mine    bool      `json:"mine"`
}

type syncRequest struct {
	Body struct {
		Phone   string    `json:"phone" maxLength:"64"`
		SentAt  time.Time `json:"sent_at" doc:"by the phone's clock; tells how far it is off"`
		Waiting int       `json:"waiting" minimum:"0" maximum:"1000000" doc:"records on the phone that were not sent yet, these too"`
		Records []struct {
			ID      string `json:"id" maxLength:"64" doc:"made once by the phone: a UUID"`
			Content string `json:"content" doc:"JSON text that is made once and never again"`
		} `json:"records" maxItems:"50"`
	}
}

type sealedRequest struct {
	Phone string `path:"phone" maxLength:"64"`
	Body  struct {
		SentAt  time.Time `json:"sent_at"`
		Records []struct {
			ID   string `json:"id" maxLength:"64"`
			IV   string `json:"iv" maxLength:"64" doc:"12 bytes, base64url"`
			Data string `json:"data" doc:"the content under the phone's key with the id as additional data, base64url"`
		} `json:"records" maxItems:"50"`
	}
}

type resultView struct {
	ID         string `json:"id"`
	Hash       string `json:"hash" doc:"SHA-256 of the content, hexadecimal"`
	Status     string `json:"status" doc:"accepted, quarantined or conflict; empty when the record could not be stored this time"`
	Reason     string `json:"reason"`
	ReceivedAt string `json:"received_at" doc:"exactly as it is signed"`
	Signature  string `json:"signature" doc:"ECDSA P-256 with SHA-256, r and s, base64url; without one nothing is stored and the record is to be sent again"`
}

type syncReply struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		ServerTime time.Time    `json:"server_time"`
		Results    []resultView `json:"results" doc:"in the order of the records"`
	}
}

type phoneRequest struct {
	Phone string `path:"phone" maxLength:"64"`
}

func (a *API) describeField() {
	refusals := []int{http.StatusUnauthorized, http.StatusForbidden}
	register(a, huma.Operation{
		OperationID: "enrol-phone", Method: http.MethodPost, Path: "/api/v1/field/phones", Tags: []string{"field"}, Security: inPerson,
		Summary: "Sign this phone in for field work", DefaultStatus: http.StatusCreated, Errors: append(refusals, http.StatusConflict, http.StatusUnprocessableEntity),
		Description: "201 the first time, 200 for a phone that is known: it gets a new token and the key that it had.",
	}, a.enrolPhone)
	register(a, huma.Operation{
		OperationID: "get-field-pack", Method: http.MethodGet, Path: "/api/v1/field/pack", Tags: []string{"field"}, Security: byPhone,
		Summary: "All that a worker needs without signal", Errors: append(refusals, http.StatusNotModified),
	}, a.fieldPack)
	register(a, huma.Operation{
		OperationID: "sync-field-records", Method: http.MethodPost, Path: "/api/v1/field/sync", Tags: []string{"field"}, Security: byPhone,
		Summary: "Send records of visits and get their receipts", DefaultStatus: http.StatusOK, MaxBodyBytes: maxBatch, BodyReadTimeout: slowTimeout,
		Description: "A record with an id is never refused: what is wrong with it is kept as the reason of its quarantine. The same id and content get the same receipt. " +
			"A record is on the disk when its result has a signature that fits; anything else means that it has to be sent again.",
		Errors: append(refusals, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity),
	}, a.syncField)
	register(a, huma.Operation{
		OperationID: "sign-phone-out", Method: http.MethodDelete, Path: "/api/v1/field/phones/{phone}", Tags: []string{"field"}, Security: byPhone,
		Summary: "Sign this phone out", DefaultStatus: http.StatusNoContent, Errors: append(refusals, http.StatusNotFound),
	}, func(ctx context.Context, in *phoneRequest) (*struct{}, error) {
		return nil, a.Field.SignOut(ctx, phoneOf(ctx), in.Phone)
	})
	register(a, huma.Operation{
		OperationID: "hand-over-sealed-records", Method: http.MethodPost, Path: "/api/v1/field/phones/{phone}/sealed", Tags: []string{"field"}, Security: byPhone,
		Summary: "Hand over what a locked phone holds, unread", DefaultStatus: http.StatusOK, MaxBodyBytes: maxBatch, BodyReadTimeout: slowTimeout,
		Errors: append(refusals, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity),
	}, a.takeSealed)
}

func (a *API) enrolPhone(ctx context.Context, in *enrolRequest) (*enrolReply, error) {
	who := actorOf(ctx)
	e, err := a.Field.Enrol(ctx, who, in.Body.ID, in.Body.Name)
	if err != nil {
		return nil, err
	}
	out := &enrolReply{Status: http.StatusOK, CacheControl: "no-store"}
	if e.First {
		out.Status = http.StatusCreated
	}
	b := &out.Body
	if b.SignKeys, err = a.Field.SignKeys(); err != nil {
		return nil, err
	}
	b.Phone, b.Token, b.Key, b.SealKey, b.SignKey = e.Phone.ID, e.Token, base64.RawURLEncoding.EncodeToString(e.Key), a.Field.SealKey(), b.SignKeys[0]
	b.LeaseUntil, b.ServerTime, b.Worker = e.Phone.LeaseUntil.In(static.China), a.Clock().In(static.China), workerView{who.Login, who.Name}
	return out, nil
}

func (a *API) fieldPack(ctx context.Context, in *packRequest) (*packReply, error) {
	on := phoneOf(ctx)
	if err := a.Field.Heard(ctx, &on, nil, nil); err != nil {
		return nil, err
	}
	p, err := a.Field.Pack(ctx, on.Worker)
	if err != nil {
		return nil, err
	}
	body := &packBody{Worker: workerView{on.Worker.Login, on.Worker.Name}, SealKey: a.Field.SealKey(), Questionnaires: p.Questionnaires,
		Waves: []packWaveView{}, Homes: []packHomeView{}}
	if body.SignKeys, err = a.Field.SignKeys(); err != nil {
		return nil, err
	}
	for _, w := range p.Waves {
		v := packWaveView{ID: w.Wave.ID, Code: w.Wave.Code, Name: w.Wave.Name(), OpensAt: w.Wave.OpensAt.In(static.China), ClosesAt: w.Wave.ClosesAt.In(static.China),
			Owner: w.Wave.Owner(), Contact: w.Wave.Contact, Questionnaire: w.Wave.QuestionnaireID}
		v.Rules = rulesView{w.Rules.Visits, w.Rules.Replace, w.Rules.Select}
		body.Waves = append(body.Waves, v)
	}
	for _, h := range p.Homes {
		v := packHomeView{ID: h.ID, Wave: h.Wave, Area: h.Area, AreaName: h.AreaName, PSU: h.PSU, Position: h.Position, Reserve: h.Reserve,
			Building: h.Building, Unit: h.Unit, Room: h.Room, Adults: h.Adults, Picks: h.Picks, Records: []packRecordView{}}
		if h.Rules != nil {
			v.Rules = &rulesView{h.Rules.Visits, h.Rules.Replace, h.Rules.Select}
		}
		for _, r := range h.Records {
			v.Records = append(v.Records, packRecordView{r.ID, r.At.In(static.China), r.Outcome, r.Period, r.Weekend, r.Mine})
		}
		body.Homes = append(body.Homes, v)
	}
	raw, err := json.Marshal(body) // before what changes each time
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	out := &packReply{Status: http.StatusOK, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`, CacheControl: "no-store"}
	for _, tag := range strings.Split(in.IfNoneMatch, ",") {
		if strings.TrimPrefix(strings.TrimSpace(tag), "W/") == out.ETag {
			out.Status = http.StatusNotModified
			return out, nil
		}
	}
	body.ServerTime, body.LeaseUntil = a.Clock().In(static.China), on.Phone.LeaseUntil.In(static.China)
	out.Body = body
	return out, nil
}

func (a *API) syncField(ctx context.Context, in *syncRequest) (*syncReply, error) {
	on := phoneOf(ctx)
	if !strings.EqualFold(in.Body.Phone, on.Phone.ID) {
		return nil, survey.ErrInvalid.With(survey.Field{Path: "phone", Code: "field_wrong"})
	}
	offset := in.Body.SentAt.Sub(a.Clock())
	if err := a.Field.Heard(ctx, &on, &in.Body.Waiting, &offset); err != nil {
		return nil, err
	}
	sent := make([]fieldwork.Sent, len(in.Body.Records))
	for i, r := range in.Body.Records {
		sent[i] = fieldwork.Sent{ID: r.ID, Content: r.Content}
	}
	results, err := a.Field.Take(ctx, on, in.Body.SentAt, sent)
	return a.viewResults(ctx, results), err
}

func (a *API) takeSealed(ctx context.Context, in *sealedRequest) (*syncReply, error) {
	on := phoneOf(ctx)
	if !strings.EqualFold(in.Phone, on.Phone.ID) {
		return nil, fieldwork.ErrNoPhone
	}
	offset := in.Body.SentAt.Sub(a.Clock())
	if err := a.Field.Heard(ctx, &on, nil, &offset); err != nil {
		return nil, err
	}
	sent := make([]fieldwork.SealedSent, len(in.Body.Records))
	for i, r := range in.Body.Records {
		sent[i] = fieldwork.SealedSent{ID: r.ID, IV: r.IV, Data: r.Data}
	}
	results, err := a.Field.TakeSealed(ctx, on, in.Body.SentAt, sent)
	return a.viewResults(ctx, results), err
}

// viewResults shows what became of records. That one could not be stored is logged
// here, because the others have their receipts all the same.
func (a *API) viewResults(ctx context.Context, results []fieldwork.Result) *syncReply {
	out := &syncReply{CacheControl: "no-store"}
	out.Body.ServerTime, out.Body.Results = a.Clock().In(static.China), make([]resultView, len(results))
	for i, r := range results {
		out.Body.Results[i] = resultView{r.ID, r.Hash, r.Status, r.Reason, r.ReceivedAt, r.Signature}
		if r.Failed != nil {
			a.log.Error("field record not stored", "request_id", infoOf(ctx).id, "err", r.Failed)
		}
	}
	return out
}
