package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"chengyin/survey/apptest"
)

// households is a list of North and South, six buildings of eight each; the first
// room of North is named to run as a formula when a spreadsheet opens it.
func households() string {
	var b strings.Builder
	b.WriteString("社区代码,楼栋,单元,房号,住户编号,成年人数\n")
	for _, code := range []string{apptest.North, apptest.South} {
		for i := range 48 {
			fmt.Fprintf(&b, "%s,%d栋,%d,%d,%s-%d,%d\n", code, 1+i/8, 1+i%2, 101+i, code[9:], i, 1+i%3)
		}
	}
	return b.String()
}

// settled follows the page of an import until it no longer renews itself.
func settled(t *testing.T, client *http.Client, address string) reply {
	t.Helper()
	for range 200 {
		if r := page(t, client, address); r.header.Get("Refresh") == "" {
			return r
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the import does not end")
	return reply{}
}

func TestSamplingFromListToDraw(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	page(t, ana, s.url+"/plans").want(t, 200, "抽样方案", "还没有抽样方案")
	page(t, ana, s.url+"/plans/new").want(t, 200, "要先有住户名单")
	page(t, ana, s.url+"/frames").want(t, 200, "住户名单", `type="file"`, "/frames/template.csv")
	page(t, ana, s.url+"/frames/template.csv").want(t, 200, "社区代码,楼栋,单元,房号,住户编号,成年人数")
	for _, role := range []string{"subdistrict", "community", "worker", "viewer"} {
		page(t, s.as(t, role, role, apptest.City), s.url+"/plans").want(t, 403)
	}

	upload(t, ana, s.url+"/frames/import", "", "list.xls", households()).want(t, 422, "文件格式不支持")
	upload(t, ana, s.url+"/frames/import", "", "", "").want(t, 422, "请先选择要上传的文件")
	r := upload(t, ana, s.url+"/frames/import", "", "list.csv", households()+"123,1栋,1,1,x,1\n")
	r.want(t, 303)
	at := s.url + r.header.Get("Location")
	settled(t, ana, at).want(t, 200, "list.csv", "97", "社区代码不存在", `<td class="number">98</td>`, "跳过", `name="skip"`)
	post(t, ana, at, url.Values{}).want(t, 422, "未导入任何内容")
	post(t, ana, at, url.Values{"skip": {"1"}, "name": {"一季度名单"}}).want(t, 303)
	stored := settled(t, ana, at)
	stored.want(t, 200, "已导入 96 户", "/plans/new?frame=")
	frame := regexp.MustCompile(`/frames/lists/([0-9a-f-]{36})`).FindStringSubmatch(stored.body)[1]
	page(t, ana, s.url+"/frames").want(t, 200, "一季度名单", "河畔街道", "96")
	page(t, ana, s.url+"/frames/lists/"+frame).want(t, 200, "北社区", "南社区", "2.00", "list.csv")
	page(t, ana, s.url+"/frames/lists/x").want(t, 404)
	page(t, ana, s.url+"/frames/imports/x").want(t, 404)

	q := url.Values{"wave": {s.Wave.ID}, "frame": {frame}, "area": {apptest.Riverside}, "psus": {"3"}, "take": {"4"}, "reserve": {"2"}, "preview": {"1"}}
	page(t, ana, s.url+"/plans/new?"+q.Encode()).want(t, 200, "北社区", "南社区", "设计效应", "24", "预计误差大于目标 ±5.0 个百分点", "全部抽取也达不到", "保存方案")
	q.Set("margin", "30")
	page(t, ana, s.url+"/plans/new?"+q.Encode()).want(t, 200, "预计误差在目标 ±30.0 个百分点以内")
	for field, value := range map[string]string{"psus": "1", "take": "many", "roh": "-1", "stage": "community", "margin": "NaN"} {
		bad := url.Values{}
		for k, v := range q {
			bad[k] = v
		}
		bad.Set(field, value)
		page(t, ana, s.url+"/plans/new?"+bad.Encode()).want(t, 422, `role="alert"`, "!保存方案")
		post(t, ana, s.url+"/plans", bad).want(t, 422, `role="alert"`)
	}
	made := post(t, ana, s.url+"/plans", q)
	made.want(t, 303)
	plan := s.url + made.header.Get("Location")
	page(t, ana, plan).want(t, 200, "待抽样", "种子", "四季度 · 河畔街道")
	page(t, ana, plan+"/homes/list.csv").want(t, 409)
	post(t, ana, plan+"/replay", nil).want(t, 409, "还没有抽样")
	post(t, ana, plan+"/draw", url.Values{"seed": {"zz"}}).want(t, 422, "十六进制")
	post(t, ana, plan+"/draw", url.Values{"seed": {"7 12 19"}}).want(t, 303)
	page(t, ana, plan).want(t, 200, "00000000000000000000000000071219", "抽中的住户", "北社区", "备用", "!待抽样")
	page(t, ana, plan+"?area="+apptest.South).want(t, 200, "<h3>南社区</h3>")
	post(t, ana, plan+"/draw", nil).want(t, 409, "已经抽过")
	post(t, ana, plan+"/replay", nil).want(t, 200, "复核一致")
	page(t, ana, s.url+"/plans").want(t, 200, "四季度", "一季度名单")

	second := post(t, ana, s.url+"/plans", q)
	post(t, ana, s.url+second.header.Get("Location")+"/draw", nil).want(t, 409, "已经抽过样")
	post(t, ana, s.url+second.header.Get("Location")+"/draw", url.Values{"replace": {"1"}}).want(t, 303)
	page(t, ana, plan).want(t, 200, "已被后来的抽样替换")
	plan = s.url + second.header.Get("Location")

	page(t, ana, plan+"/homes/list.csv").want(t, 200, "\ufeff社区,楼栋,单元,房号,住户编号,次序,类别,成年人数", "备用")
	page(t, ana, plan+"/homes/list.csv?area="+apptest.North).want(t, 200, "北社区", "!南社区")
	page(t, ana, plan+"/homes/list.csv?area=880000000000").want(t, 404)
	page(t, ana, plan+"/homes/list.exe").want(t, 404)
	book := page(t, ana, plan+"/homes/list.xlsx")
	f, err := excelize.OpenReader(bytes.NewReader([]byte(book.body)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("Sheet1")
	if err != nil || len(rows) != 37 || rows[0][0] != "社区" || rows[1][0] != "北社区" {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	page(t, s.as(t, "aud", "auditor", apptest.City), s.url+"/audit?kind=sample.drawn").want(t, 200, "抽取住户")

	west := s.as(t, "so", "office", apptest.South)
	page(t, west, plan).want(t, 404)
	page(t, west, s.url+"/frames/lists/"+frame).want(t, 404)
	page(t, west, s.url+"/plans").want(t, 200, "!四季度")
	in := call(t, ana, "GET", plan, nil, "Accept", html, "Accept-Language", "en").body
	for _, want := range []string{"Drawn households", "Verify the draw", "reserve", "Design effect"} {
		if !strings.Contains(in, want) {
			t.Errorf("the English page lacks %q", want)
		}
	}
}

func TestSamplingByProgram(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	do := func(method, path, body string, status int, out any) {
		t.Helper()
		kind := "application/json"
		if strings.Contains(path, "filename=") {
			kind = "application/octet-stream"
		}
		r := call(t, ana, method, s.url+path, body, "Content-Type", kind, "Accept-Language", "en")
		r.want(t, status)
		if out != nil {
			if err := json.Unmarshal([]byte(r.body), out); err != nil {
				t.Fatalf("%s %s: %v in %s", method, path, err, r.body)
			}
		}
	}
	var job struct{ ID string }
	do("POST", "/api/v1/frames/import?filename=list.csv", households()+",1栋,1,1,x,1\n", 202, &job)
	type state struct {
		Stage     string
		Good, Bad int
		Problems  []struct {
			Row          int
			Column, Code string
			Message      string
		}
		Frame *struct {
			ID, Hash string
			Homes    int
		}
		Error *struct{ Code, Message string }
	}
	until := func(stage string) (x state) {
		t.Helper()
		for range 200 {
			if do("GET", "/api/v1/frames/imports/"+job.ID, "", 200, &x); x.Stage == stage {
				return x
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("it is %s, not %s", x.Stage, stage)
		return x
	}
	x := until("checked")
	if x.Good != 96 || x.Bad != 1 || len(x.Problems) != 1 || x.Problems[0].Row != 98 || x.Problems[0].Column != "community" || x.Problems[0].Message != "The community code is missing." {
		t.Errorf("%+v", x)
	}
	do("POST", "/api/v1/frames/imports/"+job.ID, `{}`, 422, nil)
	do("POST", "/api/v1/frames/imports/"+job.ID, `{"skip":true,"name":"list"}`, 202, nil)
	x = until("stored")
	if x.Frame == nil || x.Frame.Homes != 96 || len(x.Frame.Hash) != 64 {
		t.Fatalf("%+v", x)
	}
	do("GET", "/api/v1/frames", "", 200, nil)
	do("GET", "/api/v1/frames/lists/"+x.Frame.ID, "", 200, nil)
	body := func(psus int) string {
		return fmt.Sprintf(`{"wave":%q,"frame":%q,"area":%q,"spec":{"stratify":"community","stage":"building","method":"pps","allocation":"fixed","psus":%d,"take":4,"reserve":2,
			"rules":{"visits":3,"replace":"closed","select":"birthday"},"expect":{"margin":0.05,"level":0.95,"roh":0.07,"response":0.6}}}`, s.Wave.ID, x.Frame.ID, apptest.Riverside, psus)
	}
	var sizes struct {
		All struct {
			Draw           int
			Visits, Margin float64
		}
		Strata []struct{ Stratum string }
	}
	do("POST", "/api/v1/plans/preview", body(3), 200, &sizes)
	if sizes.All.Draw != 6 || len(sizes.Strata) != 2 || !(sizes.All.Margin > 0) {
		t.Errorf("%+v", sizes)
	}
	do("POST", "/api/v1/plans/preview", body(1), 422, nil)
	do("POST", "/api/v1/plans", `{}`, 422, nil)
	var plan struct{ ID, Seed, Hash string }
	do("POST", "/api/v1/plans", body(3), 201, &plan)
	do("POST", "/api/v1/plans/"+plan.ID+"/replay", "", 409, nil)
	do("POST", "/api/v1/plans/"+plan.ID+"/draw", `{"seed":"x"}`, 422, nil)
	do("POST", "/api/v1/plans/"+plan.ID+"/draw", `{"seed":"abc"}`, 200, &plan)
	if plan.Seed != strings.Repeat("0", 29)+"abc" || len(plan.Hash) != 64 {
		t.Errorf("%+v", plan)
	}
	do("POST", "/api/v1/plans/"+plan.ID+"/draw", "", 409, nil)
	var replay struct{ Same bool }
	do("POST", "/api/v1/plans/"+plan.ID+"/replay", "", 200, &replay)
	if !replay.Same {
		t.Error("the replay is another")
	}
	var homes struct {
		Homes []struct {
			Household   string
			Probability float64
		}
	}
	do("GET", "/api/v1/plans/"+plan.ID+"/homes", "", 200, &homes)
	if len(homes.Homes) != 36 || homes.Homes[0].Probability != 0.25 {
		t.Errorf("%d households: %+v", len(homes.Homes), homes.Homes[0])
	}
	do("GET", "/api/v1/plans/"+plan.ID+"/homes?area="+apptest.South, "", 200, &homes)
	if len(homes.Homes) != 18 {
		t.Errorf("%d households in South", len(homes.Homes))
	}
	do("GET", "/api/v1/plans?wave="+s.Wave.ID, "", 200, nil)
	do("GET", "/api/v1/plans/x", "", 404, nil)
}
