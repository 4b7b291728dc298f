package api_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"chengyin/survey/apptest"
)

func TestAreasPage(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	page(t, ana, s.url+"/areas").want(t, 200, "测试市", "东区", "3,012", "行业单位", `type="file"`, "/areas/template/people.csv")
	page(t, ana, s.url+"/areas?parent="+apptest.Riverside).want(t, 200, "北社区", "1,506", "50.0%", "/areas?parent="+apptest.City)
	page(t, ana, s.url+"/areas?parent="+apptest.North).want(t, 200, "不再分设")
	page(t, ana, s.url+"/areas?parent=990199000000").want(t, 404)
	page(t, s.as(t, "vi", "viewer", apptest.City), s.url+"/areas").want(t, 200, "东区", `!type="file"`)
	page(t, s.as(t, "river", "subdistrict", apptest.Riverside), s.url+"/areas").want(t, 200, "<h1>河畔街道</h1>", "!/areas?parent="+apptest.City)
	page(t, s.as(t, "sy", "sysadmin", apptest.City), s.url+"/areas").want(t, 403)

	r := page(t, ana, s.url+"/areas/template/people.csv")
	r.want(t, 200, "人数")
	page(t, ana, s.url+"/areas/template/people.exe").want(t, 404)
	page(t, ana, s.url+"/areas/template/nothing.csv").want(t, 404)
}

// upload sends a file to be checked.
func upload(t *testing.T, client *http.Client, address, kind, name, content string) reply {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("kind", kind); err != nil {
		t.Fatal(err)
	}
	if name != "" {
		f, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return call(t, client, "POST", address, b.String(), "Content-Type", w.FormDataContentType(), "Accept", html, "Accept-Language", "zh-CN")
}

func planOf(r reply) string {
	if m := regexp.MustCompile(`name="plan" value="([^"]+)"`).FindStringSubmatch(r.body); m != nil {
		return m[1]
	}
	return ""
}

// TestUploadsAreWhatTheyAreCalled: both imports refuse a file whose name says
// another format than its content.
func TestUploadsAreWhatTheyAreCalled(t *testing.T) {
	s := newSite(t)
	ana, sys := s.as(t, "ana", "office", apptest.City), s.as(t, "sy", "sysadmin", apptest.City)
	const list = "登录名,姓名,所属地区,角色\nhe,何晴,北社区,社区工作者\n"
	for name, says := range map[string]string{"a.xlsx": "扩展名与内容不符", "a.exe": "文件格式不支持", "a": "文件格式不支持"} {
		upload(t, ana, s.url+"/areas/import", "people", name, goodPeople).want(t, 422, `role="alert"`, says, `!name="plan"`)
		upload(t, sys, s.url+"/people/import", "", name, list).want(t, 422, `role="alert"`, says, `!name="plan"`)
	}
	upload(t, ana, s.url+"/areas/import", "people", "A.CSV", goodPeople).want(t, 200, `name="plan"`)
	upload(t, sys, s.url+"/people/import", "", "A.CSV", list).want(t, 200, `name="plan"`)
}

const (
	goodPeople = "区划代码,年龄段,性别,人数\n990102001001,18-29岁,男,500\n990102001002,18-29岁,男,600\n"
	badPeople  = "区划代码,年龄段,性别,人数\n990102001001,18-29岁,男,-3\n990102001002,18-29岁,男,700\n"
)

func TestImportIsCheckedAndThenConfirmed(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	bo := s.as(t, "bo", "office", apptest.City)
	people := func() int {
		t.Helper()
		rows, err := s.Areas.Population(t.Context(), apptest.City)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range rows {
			n += r.Persons
		}
		return n
	}
	before := people()
	r := upload(t, ana, s.url+"/areas/import?parent="+apptest.East, "people", "people.csv", goodPeople)
	r.want(t, 200, "核对结果：people.csv（人口）", "确认导入")
	plan := planOf(r)
	if plan == "" || people() != before {
		t.Fatal("checking a file stored something, or gave no plan")
	}
	t.Run("nobody else confirms it", func(t *testing.T) {
		post(t, bo, s.url+"/areas/import/apply", url.Values{"plan": {plan}}).want(t, 409, `role="alert"`)
		post(t, ana, s.url+"/areas/import/apply", url.Values{"plan": {plan + "x"}}).want(t, 409)
	})
	t.Run("it is stored once", func(t *testing.T) {
		r := post(t, ana, s.url+"/areas/import/apply?parent="+apptest.East, url.Values{"plan": {plan}})
		r.want(t, http.StatusSeeOther)
		if got, want := people(), before+500+600-2*100; got != want {
			t.Errorf("%d people, want %d", got, want)
		}
		page(t, ana, s.url+r.header.Get("Location")).want(t, 200, "已导入：人口。", "东区")
		post(t, ana, s.url+"/areas/import/apply", url.Values{"plan": {plan}}).want(t, 409)
	})
	t.Run("bad rows are named and may be left out", func(t *testing.T) {
		r := upload(t, ana, s.url+"/areas/import", "people", "people.csv", badPeople)
		r.want(t, 200, "共有 1 处错误", `<td class="number">2</td>`, "人数", "-3", "跳过有误的行", "!import.")
		now := people()
		post(t, ana, s.url+"/areas/import/apply", url.Values{"plan": {planOf(r)}}).want(t, 422)
		if people() != now {
			t.Error("a file with bad rows was stored without a word about them")
		}
		r = upload(t, ana, s.url+"/areas/import", "people", "people.csv", badPeople)
		post(t, ana, s.url+"/areas/import/apply", url.Values{"plan": {planOf(r)}, "skip": {"1"}}).want(t, 303)
		if got := people(); got != now+100 {
			t.Errorf("%d people, want %d", got, now+100)
		}
	})
	t.Run("a plan is forgotten after a quarter of an hour", func(t *testing.T) {
		r := upload(t, ana, s.url+"/areas/import", "people", "people.csv", goodPeople)
		s.Advance(16 * time.Minute)
		post(t, ana, s.url+"/areas/import/apply", url.Values{"plan": {planOf(r)}}).want(t, 409)
	})
	t.Run("what is no table is refused beside the form", func(t *testing.T) {
		upload(t, ana, s.url+"/areas/import", "people", "a.xls", "\xd0\xcf\x11\xe0 an old workbook").want(t, 422, `role="alert"`, "!error.")
		upload(t, ana, s.url+"/areas/import", "people", "", "").want(t, 422, `role="alert"`, "!field.")
		upload(t, ana, s.url+"/areas/import", "nothing", "a.csv", goodPeople).want(t, 422, `role="alert"`, "!error.")
	})
	t.Run("it is for the office", func(t *testing.T) {
		river := s.as(t, "river", "subdistrict", apptest.Riverside)
		upload(t, river, s.url+"/areas/import", "people", "people.csv", goodPeople).want(t, 403)
		post(t, river, s.url+"/areas/import/apply", url.Values{"plan": {"x"}}).want(t, 403)
		page(t, river, s.url+"/areas/template/people.csv").want(t, 403)
	})
}

// TestAreasOfANewInstallation: before anything is there the first person must be
// able to import it.
func TestAreasOfANewInstallation(t *testing.T) {
	s := emptySite(t)
	const header = "区划代码,名称,英文名称,级别,启用日期,撤销日期,并入代码\n"
	all := s.as(t, "all", "office", "000000000000")
	page(t, all, s.url+"/areas").want(t, 200, "<h1>全部区划</h1>", "还没有区划", `type="file"`, "!/board?area")
	page(t, s.as(t, "district", "office", "990102000000"), s.url+"/areas").want(t, 200, "<h1>990102000000</h1>", "还没有区划")
	for _, path := range []string{"/board", "/collectors"} {
		page(t, all, s.url+path).want(t, 200)
	}

	r := upload(t, all, s.url+"/areas/import", "places", "places.csv", header+"990100000000,云澜市,Yunlan,市,2021-01-01,,\n990102000000,滨江新区,Binjiang,区县,2021-01-01,,\n")
	r.want(t, 200, "核对结果")
	done := post(t, all, s.url+"/areas/import/apply", url.Values{"plan": {planOf(r)}})
	done.want(t, http.StatusSeeOther)
	page(t, all, s.url+done.header.Get("Location")).want(t, 200, "云澜市")
	page(t, all, s.url+"/areas").want(t, 200, "<h1>云澜市</h1>", "滨江新区")

	r = upload(t, all, s.url+"/areas/import", "places", "places.csv", header+"980100000000,邻市,Neighbour,市,2021-01-01,,\n")
	post(t, all, s.url+"/areas/import/apply", url.Values{"plan": {planOf(r)}}).want(t, http.StatusSeeOther)
	page(t, all, s.url+"/areas").want(t, 200, "<h1>全部区划</h1>", "云澜市", "邻市")
	page(t, s.as(t, "ana", "office", "990100000000"), s.url+"/areas").want(t, 200, "<h1>云澜市</h1>", "!邻市")
}
