package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"chengyin/static"
	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

var update = flag.Bool("update", false, "write docs/authorization.md anew")

// west is a district beside the cast's East: whose people see nothing of East.
const west = "990103000000"

// matrix is a server with a person of every role in East and one in West, and one
// of each thing that an address can name, all in East.
type matrix struct {
	*apptest.World
	url     string
	server  *API
	log     *bytes.Buffer
	client  *http.Client      // follows no redirects
	cookies map[string]string // by role and "in" or "out"
	names   map[string]string // what stands for a parameter of an address, by route prefix or name
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	ctx := context.Background()
	m := &matrix{World: apptest.New(t, storetest.DSN(t, "sqlite")), cookies: map[string]string{}, log: &bytes.Buffer{}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	city := apptest.City
	must(m.Areas.Save(ctx, []area.Area{{Code: west, Level: area.District, ParentCode: &city, NameZH: "西区", NameEN: "West", ValidFrom: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}}, nil, nil))
	var ids []string
	for range 6 {
		sheet, err := m.Responses.Open(ctx, m.Posters[apptest.North].Code)
		must(err)
		_, _, err = m.Responses.Submit(ctx, response.Submission{Code: sheet.Collector.Code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Lang: "zh", Via: response.ViaPage, Answers: apptest.Answers(nil)})
		must(err)
		ids = append(ids, sheet.Ticket.ID)
	}
	must(m.Scores.RefreshStale(ctx))
	for _, role := range survey.RoleCodes() {
		for where, scope := range map[string]string{"in": apptest.East, "out": west} {
			login := role + "." + where
			must(m.Accounts.Create(ctx, survey.System, account.NewAccount{Login: login, Name: login, Role: role, AreaCode: scope, Password: apptest.Password}))
			token, _, err := m.Accounts.SignIn(ctx, login, apptest.Password)
			must(err)
			m.cookies[login] = token
		}
	}
	sys := survey.As("sys", "sysadmin", apptest.City)
	pam, err := m.Accounts.Add(ctx, sys, account.NewPerson{Login: "pam", Name: "Pam", AreaCode: apptest.North, Role: "viewer"})
	must(err)
	waiting, err := m.Accounts.Waiting(ctx, sys)
	must(err)
	must(m.Accounts.CreateRole(ctx, survey.As("sec", "secadmin", apptest.City), survey.Role{Code: "spare", Name: survey.Text{ZH: "备用"}}))
	var made event.Event // of pam, who belongs to North
	must(m.DB.Read(ctx).Where("kind = ? AND object = ?", "account.created", pam.ID).Take(&made).Error)
	// The token is in East, where the office of West has no business.
	office, err := m.Accounts.Actor(ctx, m.cookies["office.in"])
	must(err)
	_, token, err := m.Accounts.CreateToken(ctx, office, account.NewAPIToken{Name: "x", Permissions: []survey.Permission{survey.SeeScores}, Area: apptest.North, Days: 1})
	must(err)
	viewer, err := m.Accounts.Actor(ctx, m.cookies["viewer.in"])
	must(err)
	bodies["POST /sessions/revoke"] = "account=" + viewer.Account
	said := response.Report{ID: ids[1], WaveID: m.Wave.ID, AreaCode: apptest.North, Kind: "watched", At: m.Clock()}
	must(m.DB.InTx(ctx, func(tx *store.Tx) error { return tx.Create(&said).Error }))
	worker, err := m.Accounts.Actor(ctx, m.cookies["worker.in"])
	must(err)
	const phone = "0192f0c1-0000-7000-8000-000000000009"
	_, err = m.Field.Enrol(ctx, worker, phone, "x")
	must(err)
	bodies["POST /fieldwork/building"] = "do=all&account=" + worker.Account
	bodies["POST /api/v1/waves/:wave/fieldwork/assignments"] = `{"psu":"` + m.Homes[0].PSU + `","account":"` + worker.Account + `"}`
	frame, plan := m.draw(t)
	m.names = map[string]string{
		"/frames/imports/:id": frame.ID, "/api/v1/frames/imports/:id": frame.ID, "/frames/lists/:id": frame.ID, "/api/v1/frames/lists/:id": frame.ID,
		"/plans/:id": plan.ID, "/api/v1/plans/:id": plan.ID, "/plans/:id/homes/:file": "list.csv",
		"/reports/:id": said.ID, "/api/v1/reports/:id": said.ID,
		"/fieldwork/phones/:phone": phone, "/api/v1/fieldwork/phones/:phone": phone,
		":token": token.ID,
		":wave":  m.Wave.ID, ":code": m.Posters[apptest.North].Code, ":receipt": "AAAA-BBBB-CCCC", ":file": "places.csv", ":hash": "0", ":name": "x", ":class": "devices", ":phone": "0192f0c1-0000-7000-8000-000000000001",
		"/people/:id": pam.ID, "/api/v1/people/:id": pam.ID, "/grants/:id": waiting[0].ID, "/api/v1/grants/:id": waiting[0].ID,
		"/roles/:code": "spare", "/api/v1/roles/:code": "spare",
		"/audit/events/:id": made.ID,
		"/responses/:id":    ids[0], "/api/v1/responses/:id": ids[0],
	}
	st, err := static.New(false)
	must(err)
	a := New(Deps{App: m.App, Static: st, PublicURL: "http://localhost", Version: "test", Log: slog.New(slog.NewTextHandler(m.log, nil))})
	m.server = a
	server := httptest.NewServer(a.Handler())
	t.Cleanup(server.Close)
	m.url = server.URL
	m.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return m
}

// draw stores a list of households of North and draws from it.
func (m *matrix) draw(t *testing.T) (sample.Frame, sample.Plan) {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	list := "社区代码,楼栋,房号,住户编号\n"
	for i := range 60 {
		list += fmt.Sprintf("%s,%d栋,%d,m%d\n", apptest.North, 1+i/10, 101+i, i)
	}
	read, err := m.Samples.ReadFrame(ctx, apptest.Office, "list.csv", strings.NewReader(list), func(int, int) {})
	must(err)
	frame, err := m.Samples.StoreFrame(ctx, apptest.Office, read, "", false, func(int, int) {})
	must(err)
	in := sample.NewPlan{Wave: m.Wave.ID, Frame: frame.ID, Area: apptest.North, Spec: sample.UsualSpec}
	plan, err := m.Samples.Create(ctx, apptest.Office, in)
	must(err)
	plan, err = m.Samples.Draw(ctx, apptest.Office, plan.ID, sample.DrawOptions{})
	must(err)
	body, err := json.Marshal(map[string]any{"wave": in.Wave, "frame": in.Frame, "area": in.Area, "spec": in.Spec})
	must(err)
	bodies["POST /api/v1/plans"], bodies["POST /api/v1/plans/preview"] = string(body), string(body)
	bodies["POST /plans"] = "wave=" + in.Wave + "&frame=" + in.Frame + "&area=" + in.Area
	return frame, plan
}

// address fills in the parameters of a route, and narrows what can be narrowed to
// North, which lies in East.
func (m *matrix) address(t *testing.T, method, route string) string {
	t.Helper()
	out := route
	for _, part := range strings.Split(route, "/") {
		if !strings.HasPrefix(part, ":") {
			continue
		}
		upTo := route[:strings.Index(route, part)+len(part)]
		v := cmp.Or(m.names[upTo], m.names[part])
		if v == "" {
			t.Fatalf("%s %s: the matrix has nothing that stands for %s; add it to newMatrix", method, route, part)
		}
		out = strings.Replace(out, part, v, 1)
	}
	var query []string
	for _, what := range strings.Split(policies[method+" "+route].within, ", ") {
		switch {
		case what == "wave" && !strings.Contains(route, ":wave"):
			query = append(query, "wave="+m.Wave.ID)
		case what == "psu":
			query = append(query, "psu="+m.Homes[0].PSU)
		case what == "unit":
			query = append(query, "unit="+m.Homes[0].ID)
		case what == "area" || what == "parent":
			query = append(query, what+"="+apptest.North)
		}
	}
	if len(query) > 0 {
		out += "?" + strings.Join(query, "&")
	}
	return out
}

// bodies are sent where an empty one would be refused before anybody looks for
// what the address names.
var bodies = map[string]string{
	"POST /collectors/:code/revoke": "why=x",
	"POST /collectors":              "area=" + apptest.North + "&count=1",
	"POST /tokens":                  "name=x&days=1&permission=see_scores&area=" + apptest.North,
	"POST /reports/:id":             "state=seen",
	"PUT /api/v1/reports/:id":       `{"state":"seen"}`,
	"POST /audit/export":            "format=csv",
	"POST /people/:id":              "name=Pam&area=" + apptest.North,
	"POST /people/:id/grants":       "role=viewer&scope=" + apptest.South,
	"PATCH /api/v1/people/:id":      `{"name":"Pam"}`,
	"PATCH /api/v1/roles/:code":     `{"name":{"zh":"备用","en":""}}`,
	"POST /api/v1/roles":            `{"code":"other","name":{"zh":"其他","en":""},"permissions":[]}`,
}

// call returns the status that a person gets at a route; login "" is nobody.
func (m *matrix) call(t *testing.T, login, method, route string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, m.url+m.address(t, method, route), strings.NewReader(bodies[method+" "+route]))
	if err != nil {
		t.Fatal(err)
	}
	if login != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: m.cookies[login]})
	}
	if method != http.MethodGet && method != http.MethodHead {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.HasPrefix(route, "/api/") {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	resp, err := m.client.Do(r) // returns at the head, so that streams do not keep it
	if err != nil {
		t.Fatalf("%s at %s %s: %v", login, method, route, err)
	}
	resp.Body.Close()
	if login != "" && strings.Contains(route, "sessions") && method != http.MethodGet {
		// The call may have ended sessions that the next ones need.
		for _, x := range []string{login, "viewer.in"} {
			if m.cookies[x], _, err = m.Accounts.SignIn(ctx, x, apptest.Password); err != nil {
				t.Fatal(err)
			}
		}
	}
	if resp.StatusCode >= 500 {
		t.Errorf("%s at %s %s: %d", login, method, route, resp.StatusCode)
	}
	return resp.StatusCode
}

// verdict says in the table what a status means for the person.
func verdict(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "401"
	case http.StatusForbidden:
		return "403"
	case http.StatusNotFound:
		return "404"
	}
	return "✓"
}

// TestAuthorization calls every route as every role inside its place, outside of
// it and as nobody, and compares with the table that people read.
func TestAuthorization(t *testing.T) {
	m := newMatrix(t)
	var routes []string
	for route := range policies {
		routes = append(routes, route)
	}
	// What only reads comes first, so that it finds everything as it was made.
	order := []string{"HEAD", "GET", "PUT", "PATCH", "POST", "DELETE"}
	slices.SortFunc(routes, func(a, b string) int {
		am, ap, _ := strings.Cut(a, " ")
		bm, bp, _ := strings.Cut(b, " ")
		return cmp.Or(slices.Index(order, am)-slices.Index(order, bm), strings.Compare(ap, bp))
	})
	rows := map[string][]string{}
	for _, route := range routes {
		p := policies[route]
		if p.open {
			continue
		}
		method, path, _ := strings.Cut(route, " ")
		nobody := m.call(t, "", method, path)
		if nobody != http.StatusUnauthorized {
			t.Errorf("%s: nobody gets %d", route, nobody)
		}
		row := []string{verdict(nobody)}
		for _, role := range survey.RoleCodes() {
			out := verdict(m.call(t, role+".out", method, path))
			in := verdict(m.call(t, role+".in", method, path))
			if in == out {
				row = append(row, in)
			} else {
				row = append(row, in+" / "+out)
			}
			if out == "✓" && in != "✓" {
				t.Errorf("%s: %s may do outside its place what it may not do inside", route, role)
			}
		}
		rows[route] = row
	}
	got := authorizationPage(routes, rows)
	const file = "../docs/authorization.md"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		for i, l := range strings.Split(got, "\n") {
			if old := strings.Split(string(want), "\n"); i >= len(old) || old[i] != l {
				t.Errorf("docs/authorization.md, line %d, should be\n%s", i+1, l)
			}
		}
		t.Error("who may do what has changed: read the difference, then make golden")
	}
}

func authorizationPage(routes []string, rows map[string][]string) string {
	var b strings.Builder
	b.WriteString(`# 谁可以做什么 · Who may do what

由 ` + "`make golden`" + ` 生成：逐个路由，以每种角色在辖区内、辖区外以及未登录时实际调用，结果写在这里；测试核对实际行为与此表一致。
Made by ` + "`make golden`" + `: every route was called as every role inside its place, outside of it and without signing in. A test holds the program to this table.

✓ 可用 allowed · 401 需登录 sign in first · 403 角色无此权限 not this role · 404 看不见的就不存在 what one may not see does not exist ·
"✓ / 404" 辖区内可用 / 辖区外不存在 inside the own place / outside of it. 列表类路由在辖区外给出的是空的或只含自己辖区的内容 lists show only what lies inside.

`)
	roles := survey.DefaultRoles
	b.WriteString("## 角色 · Roles\n\n| code | 名称 | name | permissions |\n|---|---|---|---|\n")
	for _, r := range roles {
		var p []string
		for _, x := range r.Permissions {
			p = append(p, string(x))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Code, r.Name.ZH, r.Name.EN, cmp.Or(strings.Join(p, ", "), "–"))
	}
	b.WriteString("\n## 需登录的路由 · Routes for people who are signed in\n\n| route | needs one of | within | nobody |")
	for _, r := range roles {
		b.WriteString(" " + r.Code + " |")
	}
	b.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", len(roles)) + "\n")
	var open []string
	for _, route := range routes {
		p := policies[route]
		if p.open {
			open = append(open, route)
			continue
		}
		var needs []string
		for _, x := range p.may {
			needs = append(needs, string(x))
		}
		if p.phone {
			needs = []string{"a phone's token"}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", route, cmp.Or(strings.Join(needs, ", "), "a session"), cmp.Or(p.within, "–"), strings.Join(rows[route], " | "))
	}
	b.WriteString("\n## 任何人可用的路由 · Routes for anybody\n\n居民作答、登录、机器监测。Residents, signing in, and the machines that watch the server.\n\n")
	for _, route := range open {
		fmt.Fprintf(&b, "- `%s`\n", route)
	}
	return b.String()
}
