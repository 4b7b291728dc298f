package fieldwork

import (
	"context"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/wave"
)

// Paper is a visit as somebody wrote it down on paper.
type Paper struct {
	ID      string // of the record, made with the form: a form that is sent twice is one record
	Unit    string
	At      time.Time // when the worker was at the door
	Outcome string
	Note    string
	Adults  int
	Chosen  int
	Mode    string
	Helper  string
	Dialect bool
	Lang    string
	Receipt string // the code on the slip that the resident tore off; "" for none
	Answers questionnaire.Answers
}

// Helpers are who may help a resident to answer.
var Helpers = []string{"family", "neighbour", "worker", "other"}

// Modes are the modes of an interview.
var Modes = []string{Asked, Self, Assisted}

// wrong returns what is wrong with the paper, by the name of its field. Answers are
// named "answers.ID".
func (p Paper) wrong(d *questionnaire.Definition, now time.Time) (out []survey.Field) {
	bad := func(path, code string, args map[string]any) {
		out = append(out, survey.Field{Path: path, Code: code, Args: args})
	}
	if p.At.IsZero() {
		bad("at", "field_missing", nil)
	} else if p.At.After(now) {
		bad("at", "field_in_future", nil)
	}
	o, known := OutcomeOf(p.Outcome)
	if !known || o.Code == NotVisited {
		bad("outcome", "field_not_listed", nil)
		return out
	}
	if utf8.RuneCountInString(p.Note) > longest {
		bad("note", "field_too_long", nil)
	}
	if o.Group != Complete && o.Group != Partial {
		return out
	}
	if p.Adults < 1 || p.Adults > mostAdults {
		bad("adults", "field_not_between", map[string]any{"min": 1, "max": mostAdults})
	} else if p.Chosen < 1 || p.Chosen > p.Adults {
		bad("chosen", "field_not_between", map[string]any{"min": 1, "max": p.Adults})
	}
	if !slices.Contains(Modes, p.Mode) {
		bad("mode", "field_not_listed", nil)
	}
	if p.Mode == Assisted && !slices.Contains(Helpers, p.Helper) {
		bad("helper", "field_not_listed", nil)
	}
	if p.Receipt != "" && !response.IsReceipt(p.Receipt) {
		bad("receipt", "field_wrong", nil)
	}
	if d.Stops(p.Answers) {
		bad("outcome", "field_too_young", nil)
		return out
	}
	for _, f := range d.Check(p.Answers) {
		if o.Code == BrokenOff && f.Code == questionnaire.CodeRequired {
			continue
		}
		bad("answers."+f.Path, f.Code, f.Args)
	}
	return out
}

// EnterPaper stores a visit that was written on paper, once, however often the form
// is sent. Returns survey.ErrDenied, ErrNotFound when the household lies in none of
// the places where the actor manages field work, and survey.ErrInvalid that names
// every wrong field, before anything is stored.
func (s *Service) EnterPaper(ctx context.Context, actor survey.Actor, w wave.Wave, in Paper) (Result, error) {
	h, err := s.Household(ctx, actor, w, in.Unit)
	if err != nil {
		return Result{}, err
	}
	d, err := s.deps.Questionnaires.ByID(ctx, w.QuestionnaireID)
	if err != nil {
		return Result{}, err
	}
	wrong := in.wrong(d, s.clock())
	if id, err := uuid.Parse(in.ID); err != nil {
		wrong = append(wrong, survey.Field{Path: "id", Code: "field_wrong"})
	} else {
		in.ID = id.String()
	}
	if len(wrong) > 0 {
		return Result{}, survey.ErrInvalid.With(wrong...)
	}
	text, err := s.paperContent(w, h, in)
	if err != nil {
		return Result{}, err
	}
	return s.Enter(ctx, actor, in.ID, text)
}

// paperContent writes a visit as a phone would have. The same visit gives the same
// bytes, so that a form that is sent again is known again.
func (s *Service) paperContent(w wave.Wave, h Household, in Paper) (string, error) {
	at := in.At.In(China)
	c := content{V: 1, Wave: w.ID, Home: h.UnitID, MadeAt: at, Outcome: in.Outcome, Note: in.Note}
	c.Period, c.Weekend = PeriodOf(at)
	if o, _ := OutcomeOf(in.Outcome); o.Group == Complete || o.Group == Partial {
		answers := append([]byte(`{"answers":`), append(in.Answers.Canonical(), '}')...)
		sealed, err := s.keys[0].sealAlike(in.ID, answers)
		if err != nil {
			return "", err
		}
		c.Interview = &interview{Questionnaire: w.QuestionnaireID, Lang: in.Lang, Mode: in.Mode, Dialect: in.Dialect, Adults: in.Adults, Chosen: in.Chosen,
			Select: h.Rules.Select, StartedAt: &at, Receipt: in.Receipt, Sealed: sealed}
		if in.Mode == Assisted {
			c.Interview.Helper = in.Helper
		}
	}
	text, err := json.Marshal(c)
	return string(text), err
}

// sealAlike seals a text to this key as a phone would, but with a passing key that
// follows from id and text: the same text gives the same bytes.
func (k keys) sealAlike(id string, text []byte) (string, error) {
	from := func(purpose string, i byte) []byte {
		m := hmac.New(sha256.New, k.phones)
		m.Write([]byte(purpose + "\x00" + id + "\x00"))
		m.Write([]byte{i})
		m.Write(text)
		return m.Sum(nil)
	}
	var once *ecdh.PrivateKey
	var err error
	for i := byte(0); once == nil; i++ { // a scalar must be below the order of the curve
		if once, err = ecdh.P256().NewPrivateKey(from("paper key", i)); err != nil && i == 255 {
			return "", err
		}
	}
	g, err := sharedGCM(once, k.seal.PublicKey())
	if err != nil {
		return "", err
	}
	out := append(once.PublicKey().Bytes(), from("paper nonce", 0)[:nonceSize]...)
	return encode(g.Seal(out, out[pointSize:], text, []byte(id))), nil
}
