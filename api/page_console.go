package api

import "github.com/gin-gonic/gin"

// consoleRoutes are the department's pages.
func (a *API) consoleRoutes(r *gin.Engine) {}

// errorPage tells a person what went wrong.
func (a *API) errorPage(c *gin.Context, p *Problem) {
	c.String(p.Status, "%s\n", p.Title)
}
