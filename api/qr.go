package api

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"chengyin/survey"
	"chengyin/survey/collector"
	"chengyin/survey/poster"
)

// seenCollector returns the collector that the address names. One outside the
// actor's place is none.
func (a *API) seenCollector(c *gin.Context) (collector.Collector, error) {
	return a.Collectors.Seen(c.Request.Context(), a.actor(c), c.Param("code"))
}

// qrPNG answers with the code's picture, size pixels a side.
func (a *API) qrPNG(c *gin.Context) error {
	k, err := a.seenCollector(c)
	if err != nil {
		return err
	}
	size := poster.DefaultSize
	if s := c.Query("size"); s != "" {
		if size, err = strconv.Atoi(s); err != nil {
			return survey.ErrInvalid.With(survey.Field{Path: "size", Code: "out_of_range", Args: map[string]any{"min": poster.MinSize, "max": poster.MaxSize}})
		}
	}
	body, err := poster.PNG(poster.URL(a.publicURL, k.Code), size)
	if err != nil {
		return err
	}
	return sendPicture(c, k, "image/png", "png", body)
}

func (a *API) qrSVG(c *gin.Context) error {
	k, err := a.seenCollector(c)
	if err != nil {
		return err
	}
	svg, err := poster.SVG(poster.URL(a.publicURL, k.Code))
	if err != nil {
		return err
	}
	return sendPicture(c, k, "image/svg+xml; charset=utf-8", "svg", []byte(svg))
}

// sendPicture names the file after place and poster, as it lies in a folder of
// downloads afterwards.
func sendPicture(c *gin.Context, k collector.Collector, contentType, ext string, body []byte) error {
	c.Header("Content-Disposition", fmt.Sprintf("inline; filename=%q", fmt.Sprintf("%s-%s-%d.%s", k.AreaCode, k.Channel, k.Slot, ext)))
	c.Data(http.StatusOK, contentType, body)
	return nil
}
