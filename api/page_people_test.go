package api_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/apptest"
)

// first returns the first group of the pattern in the page.
func first(t *testing.T, r reply, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(r.body)
	if m == nil {
		t.Fatalf("no %s in %.2000s", pattern, r.body)
	}
	return m[1]
}

func TestAPersonIsMadeAskedForAndGranted(t *testing.T) {
	s := newSite(t)
	sys, sec := s.as(t, "sy", "sysadmin", apptest.City), s.as(t, "se", "secadmin", apptest.City)

	r := post(t, sys, s.url+"/people", url.Values{"login": {"zhou"}, "name": {"周映荷"}, "area": {"河畔街道"}, "role": {"subdistrict"}, "scope": {""}})
	r.want(t, 200, "zhou", "密码只在这一页显示一次")
	if r.header.Get("Cache-Control") != "no-store" {
		t.Error("a page with a password is kept")
	}
	password := first(t, r, `class="secret">([^<]+)<`)
	id := first(t, r, `href="/people/([^"]+)"`)
	page(t, sys, s.url+"/people/"+id).want(t, 200, "周映荷", "待授权", "目前看不到任何测评数据", "!"+password)
	page(t, sys, s.url+"/people?q=周").want(t, 200, "周映荷", "河畔街道", "镇街管理员")
	page(t, sys, s.url+"/people?q=nobody").want(t, 200, "没有符合条件的人员", "!周映荷")

	r = page(t, sec, s.url+"/grants")
	r.want(t, 200, "周映荷", "镇街管理员", "批准所选")
	grant := first(t, r, `name="grant" value="([^"]+)"`)
	page(t, sys, s.url+"/grants").want(t, 200, "周映荷", "撤回申请", "!批准所选")
	post(t, sys, s.url+"/grants/approve", url.Values{"grant": {grant}}).want(t, 403)
	post(t, sec, s.url+"/grants/approve", url.Values{}).want(t, 422, "请先勾选")
	post(t, sec, s.url+"/grants/approve", url.Values{"grant": {grant}}).want(t, 200, "已批准 1 项", "没有等待批准的申请")
	post(t, sec, s.url+"/grants/approve", url.Values{"grant": {grant}}).want(t, 404)

	t.Run("what the person sees is said in words", func(t *testing.T) {
		page(t, sec, s.url+"/people/"+id).want(t, 200, "河畔街道（含 2 个社区）", "看得分", "看不到：答卷内容、答卷文件、审计记录", "看板、二维码、", "收回权限", "!申请角色")
		page(t, sec, s.url+"/people/"+id, "Accept-Language", "en").want(t, 200, "Riverside (communities: 2)", "Does not see: answers, files of answers, the audit trail.")
		page(t, sec, s.url+"/people/who?area=北社区").want(t, 200, "谁能看到北社区", "周映荷", "镇街管理员")
	})
	t.Run("the one-time password opens, and only once for the form of changing it", func(t *testing.T) {
		_, who, err := s.Accounts.SignIn(context.Background(), "zhou", password)
		if err != nil || who.Must != "password" || !who.Sees(survey.SeeScores, apptest.North) {
			t.Fatal(who, err)
		}
	})
	t.Run("wrong fields are said beside the form, which keeps what was typed", func(t *testing.T) {
		post(t, sys, s.url+"/people", url.Values{"login": {"zhou"}, "name": {"别人"}, "area": {apptest.North}}).want(t, 409, "这个登录名已被使用", `value="别人"`)
		post(t, sys, s.url+"/people", url.Values{"login": {"x"}, "name": {"别人"}, "area": {"没有的地方"}}).want(t, 422, "所属地区：", `value="没有的地方"`)
		post(t, sys, s.url+"/people/"+id+"/grants", url.Values{"role": {"secadmin"}, "scope": {apptest.City}}).want(t, 409, "不同的人担任")
		post(t, sys, s.url+"/people/"+id, url.Values{"name": {""}, "area": {apptest.North}}).want(t, 422, "姓名：")
	})
	t.Run("moved, disabled, enabled, given another password", func(t *testing.T) {
		post(t, sys, s.url+"/people/"+id, url.Values{"name": {"周荷"}, "area": {apptest.North + " 北社区"}}).want(t, 303)
		post(t, sys, s.url+"/people/"+id+"/disable", nil).want(t, 303)
		page(t, sys, s.url+"/people/"+id).want(t, 200, "周荷", "已停用", "恢复使用", "所属地区 北社区")
		page(t, sys, s.url+"/people?state=active").want(t, 200, "!周荷")
		post(t, sys, s.url+"/people/"+id+"/enable", nil).want(t, 303)
		post(t, sys, s.url+"/people/"+id+"/password", nil).want(t, 200, "密码已重置", `class="secret"`, "!"+password)
	})
	t.Run("the last security administrator stays", func(t *testing.T) {
		people, err := s.Accounts.People(context.Background(), survey.As("sys", "sysadmin", apptest.City), account.PeopleFilter{Text: "se"})
		if err != nil || len(people) != 1 {
			t.Fatal(people, err)
		}
		post(t, sec, s.url+"/grants/"+people[0].Active()[0].ID+"/end", nil).want(t, 409, "请先给另一个人授权")
	})
	t.Run("those outside find nobody", func(t *testing.T) {
		west := s.as(t, "sy.west", "sysadmin", "990103000000")
		for _, path := range []string{"/people/" + id, "/people/who?area=" + apptest.North, "/people?area=" + apptest.North} {
			page(t, west, s.url+path).want(t, 404, "!周荷")
		}
		page(t, west, s.url+"/people").want(t, 200, "!周荷", "!北社区", "!zhou")
		call(t, west, "GET", s.url+"/api/v1/people/"+id, nil).want(t, 404, "person_not_found")
		call(t, west, "GET", s.url+"/api/v1/people/places?q=北", nil).want(t, 200, `"places":[]`)
	})
}

// uploadPeople sends a list to be checked.
func uploadPeople(t *testing.T, s *site, client *http.Client, content string) reply {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	f, err := w.CreateFormFile("file", "people.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return call(t, client, "POST", s.url+"/people/import", b.String(), "Content-Type", w.FormDataContentType(), "Accept", html, "Accept-Language", "zh-CN")
}

func TestPeopleAreImported(t *testing.T) {
	s := newSite(t)
	sys := s.as(t, "sy", "sysadmin", apptest.City)
	page(t, sys, s.url+"/people/import").want(t, 200, `type="file"`)
	page(t, sys, s.url+"/people/import/template.csv").want(t, 200, "登录名", "负责范围")
	const list = "登录名,姓名,所属地区,角色\nhe,何晴,北社区,社区工作者\nxu,许望舒,南社区,社区管理员\nsy,占用,南社区,viewer\n"
	r := uploadPeople(t, s, sys, list+"bad,,没有,国王\n")
	r.want(t, 200, "共有 3 处错误", "没有姓名", "没有这个角色", "国王", "跳过有误的行", "已有账号")
	page(t, sys, s.url+"/people").want(t, 200, "!何晴")
	plan := planOf(r)
	other := s.as(t, "sy2", "sysadmin", apptest.City)
	post(t, other, s.url+"/people/import/apply", url.Values{"plan": {plan}, "skip": {"1"}}).want(t, 409)
	r = post(t, sys, s.url+"/people/import/apply", url.Values{"plan": {plan}, "skip": {"1"}})
	r.want(t, 200, "已开通 2 个账号", "何晴", "许望舒", "下载密码单")
	password := first(t, r, `class="secret">([^<]+)<`)
	token := first(t, r, `name="slips" value="([^"]+)"`)
	post(t, other, s.url+"/people/slips", url.Values{"slips": {token}}).want(t, 404)
	file := post(t, sys, s.url+"/people/slips", url.Values{"slips": {token}})
	file.want(t, 200, "he,"+password+",何晴,北社区,社区工作者")
	if file.header.Get("Cache-Control") != "no-store" || !strings.Contains(file.header.Get("Content-Disposition"), "attachment") {
		t.Error(file.header)
	}
	post(t, sys, s.url+"/people/slips", url.Values{"slips": {token}}).want(t, 404)
	uploadPeople(t, s, sys, list).want(t, 200, "没有可以入库的内容", "3 个登录名已被使用")
	uploadPeople(t, s, sys, "\x89PNG\r\n\x1a\n\x00\x00").want(t, 422)
	page(t, s.as(t, "se", "secadmin", apptest.City), s.url+"/grants").want(t, 200, "何晴", "许望舒")
}

func TestRolesPage(t *testing.T) {
	s := newSite(t)
	sec, east := s.as(t, "se", "secadmin", apptest.City), s.as(t, "se.east", "secadmin", apptest.East)
	page(t, sec, s.url+"/roles").want(t, 200, "系统管理员", "系统自带", `name="name_zh"`)
	page(t, east, s.url+"/roles").want(t, 200, "系统管理员", `!name="name_zh"`)
	form := url.Values{"code": {"posters"}, "name_zh": {"海报员"}, "name_en": {"Poster keeper"}, "may": {"manage_collectors"}}
	post(t, east, s.url+"/roles", form).want(t, 403)
	post(t, sec, s.url+"/roles", form).want(t, 303)
	post(t, sec, s.url+"/roles", form).want(t, 409, "这个角色代码已被使用", `value="海报员"`)
	page(t, sec, s.url+"/roles").want(t, 200, "海报员", "删除这个角色")
	post(t, sec, s.url+"/roles/posters", url.Values{"name_zh": {"海报管理员"}, "may": {"manage_collectors", "read_audit"}}).want(t, 409, "不同的人担任")
	post(t, sec, s.url+"/roles/posters", url.Values{"name_zh": {"海报管理员"}, "may": {"manage_collectors"}}).want(t, 303)
	post(t, sec, s.url+"/roles/office", url.Values{"name_zh": {"改名"}}).want(t, 409, "系统自带的角色不能")
	call(t, sec, "GET", s.url+"/api/v1/roles", nil).want(t, 200, `"code":"posters"`, "海报管理员")
	post(t, sec, s.url+"/roles/posters/remove", nil).want(t, 303)
	page(t, sec, s.url+"/roles").want(t, 200, "!海报管理员")
}

func TestPeopleAsJSON(t *testing.T) {
	s := newSite(t)
	sys, sec := s.as(t, "sy", "sysadmin", apptest.City), s.as(t, "se", "secadmin", apptest.City)
	made := call(t, sys, "POST", s.url+"/api/v1/people", map[string]any{"login": "he", "name": "何晴", "area": apptest.North, "role": "viewer"})
	made.want(t, 201, `"password":"Cy-`)
	id := made.field(t, "id").(string)
	call(t, sys, "POST", s.url+"/api/v1/people", map[string]any{"login": "x", "name": "何", "area": "990109000000"}).want(t, 422, `"path":"area"`)
	r := call(t, sec, "GET", s.url+"/api/v1/grants", nil)
	r.want(t, 200, `"login":"he"`, `"state":"asked"`)
	grant := first(t, r, `"grants":\[\{"id":"([^"]+)"`)
	call(t, sys, "POST", s.url+"/api/v1/grants/"+grant+"/approve", nil).want(t, 403)
	call(t, sec, "POST", s.url+"/api/v1/grants/"+grant+"/approve", nil).want(t, 204)
	call(t, sec, "GET", s.url+"/api/v1/people/"+id+"/sight", nil).want(t, 200, `"permission":"see_scores"`, `"communities":1`, `"pages":["/board"`)
	call(t, sec, "GET", s.url+"/api/v1/people/who?area="+apptest.North, nil).want(t, 200, `"login":"he"`)
	call(t, sys, "GET", s.url+"/api/v1/people?limit=1", nil).want(t, 200, `"login":"he"`, `"cursor":"aGU"`)
	call(t, sys, "GET", s.url+"/api/v1/people?limit=1&cursor=aGU", nil).want(t, 200, "!何晴")
	call(t, sys, "PATCH", s.url+"/api/v1/people/"+id, map[string]any{"name": "何晴晴", "disabled": true}).want(t, 200, "何晴晴", `"disabled":true`)
	call(t, sys, "POST", s.url+"/api/v1/grants", map[string]any{"person": id, "role": "viewer", "place": apptest.North}).want(t, 409, "grant_exists")
	call(t, sec, "DELETE", s.url+"/api/v1/grants/"+grant, nil).want(t, 204)
	call(t, sec, "DELETE", s.url+"/api/v1/grants/"+grant, nil).want(t, 404)
	const list = "login,name,area,role\nxu,Xu,990102001001,viewer\n"
	call(t, sys, "POST", s.url+"/api/v1/people/import", list, "Content-Type", "application/octet-stream").want(t, 200, `"new":1`, `"made":[]`)
	call(t, sys, "POST", s.url+"/api/v1/people/import?apply=true", list, "Content-Type", "application/octet-stream").want(t, 200, `"login":"xu"`, `"password":"Cy-`)
	call(t, sys, "POST", s.url+"/api/v1/people/import?apply=true", list, "Content-Type", "application/octet-stream").want(t, 200, `"new":0`, `"made":[]`, "login_known")
	call(t, sys, "POST", s.url+"/api/v1/people/import?apply=true", list+"y,,1,viewer\n", "Content-Type", "application/octet-stream").want(t, 422, "import_problems")
}
