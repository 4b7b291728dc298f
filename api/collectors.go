package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/collector"
)

type collectorsRequest struct {
	Wave    string `query:"wave" doc:"id of the wave"`
	Area    string `query:"area" doc:"this place and everything below it"`
	Channel string `query:"channel" enum:"poster,wechat,unit,visit"`
	Cursor  string `query:"cursor" doc:"of the page before" maxLength:"64"`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type collectorView struct {
	Code    string `json:"code"`
	Wave    string `json:"wave"`
	Area    string `json:"area"`
	Channel string `json:"channel"`
	Mode    string `json:"mode"`
	Slot    int    `json:"slot"`
	Place   string `json:"place"`
	Revoked bool   `json:"revoked"`
	URL     string `json:"url"`

	ExpiresAt *time.Time `json:"expires_at" doc:"when the code stops before its wave; null: it does not"`
}

type collectorsReply struct {
	Body struct {
		Collectors []collectorView `json:"collectors"`
		Cursor     *string         `json:"cursor" doc:"of the next page; null on the last"`
	}
}

func (a *API) describeCollectors() {
	register(a, huma.Operation{
		OperationID: "list-collectors", Method: http.MethodGet, Path: "/api/v1/collectors", Tags: []string{"collectors"},
		Summary: "Codes with area and channel", Security: staff, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *collectorsRequest) (*collectorsReply, error) {
		after, err := readCursor(in.Cursor)
		if err != nil {
			return nil, err
		}
		who := actorOf(ctx)
		if in.Wave != "" {
			if _, err := a.Waves.Seen(ctx, who, in.Wave); err != nil {
				return nil, err
			}
		}
		list, err := a.Collectors.List(ctx, who, collector.Filter{Wave: in.Wave, Area: in.Area, Channel: in.Channel, After: after, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		out := &collectorsReply{}
		out.Body.Collectors = make([]collectorView, len(list))
		for i, c := range list {
			v := collectorView{Code: c.Code, Wave: c.WaveID, Area: c.AreaCode, Channel: c.Channel, Mode: c.Mode(), Slot: c.Slot,
				Place: c.Place, Revoked: c.RevokedAt != nil, URL: a.publicURL + "/q/" + c.Code}
			if c.ExpiresAt != nil {
				at := c.ExpiresAt.In(static.China)
				v.ExpiresAt = &at
			}
			out.Body.Collectors[i] = v
		}
		if len(list) == in.Limit {
			next := writeCursor(list[len(list)-1].Number)
			out.Body.Cursor = &next
		}
		return out, nil
	})
}

func writeCursor(n int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("n" + strconv.FormatInt(n, 10)))
}

func readCursor(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil && len(b) > 1 && b[0] == 'n' {
		if n, err := strconv.ParseInt(string(b[1:]), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, survey.ErrInvalid.With(survey.Field{Path: "cursor", Code: "field_not_listed"})
}
