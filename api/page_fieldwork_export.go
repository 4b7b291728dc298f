package api

import (
	"bytes"
	"net/http"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/exchange"
	"chengyin/survey/wave"
)

// progressColumns are the headings of an exported table of progress: the keys of
// their words, in the order of exchange.Progress.
var progressColumns = []string{"place_code", "place", "building_code", "building", "drawn", "reserve", "opened", "due", "assigned", "visited", "contacted",
	"complete", "partial", "refused", "not_eligible", "other", "left", "again", "same_time", "waiting", "never_late"}

// exportFieldwork gives the table of progress as a file: counts by building, without
// any single household.
func (a *API) exportFieldwork(c *gin.Context) error {
	ctx, who, lang := c.Request.Context(), a.actor(c), a.lang(c)
	at, err := a.whereabouts(c, survey.ManageFieldwork)
	if err != nil {
		return err
	}
	if len(at.waves) == 0 {
		return wave.ErrNotFound
	}
	format, mime := c.Query("format"), "text/csv; charset=utf-8"
	switch format {
	case "", exchange.CSV:
		format = exchange.CSV
	case exchange.XLSX:
		mime = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	default:
		return survey.ErrInvalid.With(survey.Field{Path: "format", Code: "field_not_listed"})
	}
	w, err := a.Field.Work(ctx, who, at.wave, at.place.Code, nil)
	if err != nil {
		return err
	}
	tree, err := a.Areas.Tree(ctx, at.place.Code)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, x := range tree {
		names[x.Code] = x.Name().In(lang)
	}
	headings := make([]string, len(progressColumns))
	for i, key := range progressColumns {
		headings[i] = a.static.T(lang, "fieldwork.column."+key)
	}
	var file bytes.Buffer
	if err := exchange.Progress(w, headings, func(code string) string { return names[code] }, format, &file); err != nil {
		return err
	}
	if err := a.Field.HandedOut(ctx, who, at.wave, at.place.Code, "progress", w.Total.Drawn+w.Total.Reserve); err != nil {
		return err
	}
	hide(c)
	c.Header("Content-Disposition", `attachment; filename="fieldwork-`+at.place.Code+`.`+format+`"`)
	c.Data(http.StatusOK, mime, file.Bytes())
	return nil
}
