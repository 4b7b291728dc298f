package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/app"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
	"chengyin/survey/wave"
)

// canary sings wherever a text of a person is taken for more than a text.
const canary = `'"><script>window.sung=1</script><img src onerror=sung=1>{{7}}`

// listen notes what the page's policy had to stop, from before the page's first
// line on.
const listen = `window.stopped = []; document.addEventListener('securitypolicyviolation', e => stopped.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample))`

// noPages are the addresses of policy.go that a browser does not show as a page.
var noPages = regexp.MustCompile(`^/(api/|static/|openapi|healthz|readyz|metrics|icon\.svg|favicon\.ico|board/events|collectors/:code/qr|areas/template/|people/import/template\.csv|frames/template\.csv|frames/imports/|plans/:id/homes/|fieldwork/export|field/|Q/|signin/sso)`)

// pageRoutes reads the addresses of pages out of the policies.
func pageRoutes(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("api/policy.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile(`"GET (/[^"]*)":`).FindAllStringSubmatch(string(raw), -1) {
		if !noPages.MatchString(m[1]) {
			out = append(out, m[1])
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d pages: %v", len(out), out)
	}
	return out
}

// TestCanary enters a script wherever a person can enter a text, and opens every
// page that may show it, as everybody who may see it: nothing runs, and nothing had
// to be stopped by the page's policy.
func TestCanary(t *testing.T) {
	browser := newBrowser(t)
	p := newProgram(t, storetest.DSN(t, "sqlite"))
	in := enterCanaries(t, p)

	people := map[string]*tab{"": newTab(t, browser)}
	for _, login := range []string{"office", "sysadmin", "secadmin", "auditor"} {
		people[login] = signedIn(t, browser, p.signIn(login))
	}
	for _, b := range people {
		call(b, "listen", func(ctx context.Context) error {
			_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: listen})
			return err
		})
	}
	shown := 0
	for _, route := range pageRoutes(t) {
		t.Run(route, func(t *testing.T) {
			seen := false
			for login, b := range people {
				for _, address := range in.addresses(t, route) {
					b.t = t
					b.open(p.url() + address)
					if eval[bool](b, `!!window.sung`) {
						t.Errorf("it sings at %s for %q", address, login)
					}
					if stopped := eval[[]string](b, `window.stopped || []`); len(stopped) > 0 {
						t.Errorf("the policy stopped %q at %s for %q", stopped, address, login)
					}
					if strings.Contains(eval[string](b, `document.body.innerText`), "<script>window.sung=1</script>") {
						seen = true
					}
				}
			}
			if seen {
				shown++
			}
		})
	}
	if shown < 8 {
		t.Errorf("only %d pages show what was entered", shown)
	}
}

// canaries are the things that carry one.
type canaries struct {
	wave, community, code, revoked, response, receipt, person, event, list, plan string
	building                                                                     drawnBuilding
}

// addresses fills in a route: as it is, and with the canary in whatever it reads.
func (in canaries) addresses(t *testing.T, route string) []string {
	t.Helper()
	path := route
	for name, v := range map[string]string{":code": in.code, ":receipt": in.receipt} {
		path = strings.Replace(path, name, v, 1)
	}
	switch {
	case strings.HasPrefix(route, "/responses/"):
		path = strings.Replace(path, ":id", in.response, 1)
	case strings.HasPrefix(route, "/people/"):
		path = strings.Replace(path, ":id", in.person, 1)
	case strings.HasPrefix(route, "/frames/lists/"):
		path = strings.Replace(path, ":id", in.list, 1)
	case strings.HasPrefix(route, "/plans/:id"):
		path = strings.Replace(path, ":id", in.plan, 1)
	case strings.HasPrefix(route, "/audit/"):
		path = strings.Replace(path, ":id", in.event, 1)
	}
	if strings.Contains(path, "/:") {
		t.Fatalf("nothing stands for a part of %s", path)
	}
	all := url.Values{}
	for _, name := range []string{"wave", "area", "parent", "mode", "status", "cursor", "lang", "large", "next", "q", "sort", "size", "household", "person", "kind", "from", "to", "object", "result", "source", "done", "place", "unit", "role", "state", "error", "error_description", "psu", "worker", "n", "reason", "e"} {
		all.Set(name, canary)
	}
	out := []string{path + "?lang=zh", path + "?" + all.Encode()}
	for _, name := range []string{"q", "place"} { // which another wrong value would hide
		out = append(out, path+"?"+url.Values{name: {canary}}.Encode())
	}
	if strings.Contains(route, ":code") { // in the address itself
		out = append(out, strings.Replace(route, ":code", url.PathEscape(strings.ReplaceAll(canary, "/", "")), 1))
	}
	switch route {
	case "/board", "/collectors", "/responses", "/reports", "/sheets", "/areas", "/people/who":
		q := url.Values{"wave": {in.wave}, "area": {in.community}}
		out = append(out, path+"?"+q.Encode(), path+"?lang=en&"+q.Encode(), path+"?parent="+in.community, path+"?area="+in.community[:9]+"000&wave="+in.wave)
	}
	for _, page := range in.building.pages() {
		if at, _, _ := strings.Cut(page, "?"); at == route {
			out = append(out, page)
		}
	}
	return out
}

// enterCanaries enters one into everything, by the services that the forms use.
func enterCanaries(t *testing.T, p *program) canaries {
	t.Helper()
	ctx := context.Background()
	a := p.open()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	office := p.signIn("office")
	c := canaries{wave: office.openWave().ID}
	district := survey.As("office", "office", "990102000000")
	w, err := a.Waves.ByID(ctx, c.wave)
	must(err)

	// Places and units, a poster and why it was withdrawn.
	tree, err := a.Areas.Tree(ctx, "990102000000")
	must(err)
	var place area.Area
	for _, x := range tree {
		if x.Level == area.Community && x.ValidTo == nil {
			place = x
			break
		}
	}
	place.NameZH, place.NameEN = canary, canary
	c.community = place.Code
	unit := area.Unit{Code: "CANARY", Kind: area.UnitKinds[0], NameZH: canary, NameEN: canary, AreaCode: place.Code, ValidFrom: place.ValidFrom}
	must(a.Areas.Save(ctx, []area.Area{place}, []area.Unit{unit}, nil))
	made, err := a.Collectors.Create(ctx, district, w, []collector.Spec{
		{Area: place.Code, Channel: collector.Poster, Slot: 901, Place: canary}, {Area: place.Code, Channel: collector.Poster, Slot: 902, Place: canary}})
	must(err)
	c.code, c.revoked = made[0].Code, made[1].Code
	must(a.Collectors.Revoke(ctx, district, c.revoked, canary))
	_, err = a.Waves.Create(ctx, survey.System, wave.Wave{Code: "canary", NameZH: canary, NameEN: canary, AreaCode: w.AreaCode, QuestionnaireID: w.QuestionnaireID, RecipeID: w.RecipeID,
		OpensAt: w.OpensAt.Add(-400 * 24 * time.Hour), ClosesAt: w.OpensAt.Add(-300 * 24 * time.Hour), OwnerZH: canary, OwnerEN: canary, Contact: canary})
	must(err)

	// Answers.
	for range 6 {
		s, err := ticket(http.DefaultClient, p.url(), c.code)
		must(err)
		var body map[string]any
		must(json.Unmarshal(s.body, &body))
		body["answers"].(map[string]any)["q19"] = canary
		s.body, err = json.Marshal(body)
		must(err)
		status, receipt := s.send(http.DefaultClient, p.url())
		if status != http.StatusCreated {
			t.Fatalf("the answer is refused: %d", status)
		}
		c.response, c.receipt = s.id, receipt
	}

	// What a resident reported of an interview, and what the office says of it.
	said, _ := interviewed(t, p, c.wave, 1)
	for _, kind := range []string{"watched", "not_meant"} {
		_, err = a.Responses.Report(ctx, said[0], kind, canary)
		must(err)
	}
	list, _, err := a.Responses.Reports(ctx, district, w, response.ReportFilter{})
	must(err)
	must(a.Responses.HandleReport(ctx, district, list[0].ID, response.ReportHandled, canary))

	// A building, its worker with a phone, notes of visits.
	c.building = drawBuilding(t, a, c.wave, c.community, canary)

	// The list of households that the demo city draws from.
	var plan sample.Plan
	must(a.DB.Read(ctx).Take(&plan).Error)
	c.list, c.plan = plan.FrameID, plan.ID
	must(a.DB.InTx(ctx, func(tx *store.Tx) error {
		return tx.Model(&sample.Frame{}).Where("id = ?", plan.FrameID).Updates(map[string]any{"name": canary, "source": canary}).Error
	}))

	// People, roles, tokens, and what was typed to sign in.
	sys, sec := actorNamed(t, a, "sysadmin"), actorNamed(t, a, "secadmin")
	person, err := a.Accounts.Add(ctx, sys, account.NewPerson{Login: "canary", Name: canary, AreaCode: place.Code, Role: "viewer"})
	must(err)
	c.person = person.ID
	must(a.Accounts.CreateRole(ctx, sec, survey.Role{Code: "canary", Name: survey.Text{ZH: canary, EN: canary}}))
	_, _, err = a.Accounts.CreateToken(ctx, actorNamed(t, a, "office"), account.NewAPIToken{Name: canary, Permissions: []survey.Permission{survey.SeeScores}, Area: place.Code, Days: 9})
	must(err)
	for _, login := range []string{canary, "office"} {
		form := url.Values{"login": {login}, "password": {canary}, "next": {canary}}
		r, err := http.NewRequest(http.MethodPost, p.url()+"/signin", strings.NewReader(form.Encode()))
		must(err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("User-Agent", canary)
		r.Header.Set("X-Forwarded-For", canary)
		reply, err := http.DefaultClient.Do(r)
		must(err)
		reply.Body.Close()
		if reply.StatusCode >= 500 {
			t.Fatal(reply.Status)
		}
	}
	must(a.DB.Read(ctx).Table("events").Where("kind = ?", "collector.revoked").Order("seq DESC").Limit(1).Pluck("id", &c.event).Error)
	if c.event == "" || c.response == "" {
		t.Fatalf("%+v", c)
	}
	return c
}

// actorNamed returns a demo person as the services see them.
func actorNamed(t *testing.T, a *app.App, login string) survey.Actor {
	t.Helper()
	_, who, err := a.Accounts.SignIn(context.Background(), login, testPassword)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", login, err))
	}
	return who
}
