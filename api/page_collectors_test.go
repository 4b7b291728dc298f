package api_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"chengyin/survey/apptest"
	"chengyin/survey/collector"
	"chengyin/survey/store/storetest"
)

func TestCollectorsPage(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	north := s.Posters[apptest.North]
	list := s.url + "/collectors?wave=" + s.Wave.ID + "&area=" + apptest.Riverside

	t.Run("counts codes by place above, lists them in a subdistrict", func(t *testing.T) {
		page(t, ana, s.url+"/collectors").want(t, 200, "东区", "打印", "!"+collector.Pretty(north.Code))
		page(t, ana, list).want(t, 200, collector.Pretty(north.Code), "东门", "使用中", "/collectors/"+north.Code+"/sheet", "/collectors/"+north.Code+"/qr.png", "/sheets?")
	})
	t.Run("those who only look get no forms", func(t *testing.T) {
		page(t, s.as(t, "vi", "viewer", apptest.City), list).want(t, 200, "东门", `!action="/collectors`)
	})
	t.Run("new posters go on from the last number, revoked ones included", func(t *testing.T) {
		r := post(t, ana, list, url.Values{"area": {apptest.North}, "count": {"2"}, "place": {"南门"}})
		r.want(t, 303)
		post(t, ana, s.url+"/collectors/"+north.Code+"/revoke", url.Values{"why": {"贴错了"}}).want(t, 303)
		post(t, ana, list, url.Values{"area": {apptest.North}, "count": {"1"}, "place": {"南门"}}).want(t, 303)
		all, err := s.Collectors.List(t.Context(), apptest.Office, collector.Filter{Wave: s.Wave.ID, Area: apptest.North, Channel: collector.Poster})
		if err != nil {
			t.Fatal(err)
		}
		var slots []int
		for _, k := range all {
			slots = append(slots, k.Slot)
		}
		if fmt.Sprint(slots) != "[1 2 3 4]" {
			t.Errorf("numbers %v", slots)
		}
	})
	for _, c := range []struct {
		name   string
		form   url.Values
		status int
		text   string
	}{
		{"no number", url.Values{"area": {apptest.North}}, 422, `role="alert"`},
		{"too many", url.Values{"area": {apptest.North}, "count": {"51"}}, 422, `role="alert"`},
		{"no community", url.Values{"area": {apptest.Riverside}, "count": {"1"}}, 422, `role="alert"`},
		{"a community elsewhere", url.Values{"area": {"990299001001"}, "count": {"1"}}, 422, `role="alert"`},
		{"too long a text keeps what was typed", url.Values{"area": {apptest.South}, "count": {"3"}, "place": {strings.Repeat("门", 201)}}, 422, strings.Repeat("门", 201)},
	} {
		t.Run("refuses "+c.name, func(t *testing.T) {
			post(t, ana, list, c.form).want(t, c.status, c.text, "!field.", "!error.")
		})
	}
	t.Run("revoking needs a reason, and shows it", func(t *testing.T) {
		south := s.Posters[apptest.South]
		post(t, ana, s.url+"/collectors/"+south.Code+"/revoke", url.Values{"why": {"  "}}).want(t, 422)
		page(t, ana, list).want(t, 200, "/collectors/"+south.Code+"/revoke")
		post(t, ana, s.url+"/collectors/"+south.Code+"/revoke", url.Values{"why": {"被雨淋坏"}}).want(t, 303)
		page(t, ana, list).want(t, 200, "停用原因：被雨淋坏", "已停用", "!/collectors/"+south.Code+"/revoke", "!/collectors/"+south.Code+"/sheet")
	})
	t.Run("nobody manages what is not theirs", func(t *testing.T) {
		viewer := s.as(t, "vera", "viewer", apptest.City)
		post(t, viewer, list, url.Values{"area": {apptest.North}, "count": {"1"}}).want(t, 403)
		post(t, viewer, s.url+"/collectors/"+s.Visits.Code+"/revoke", url.Values{"why": {"x"}}).want(t, 403)
		south := s.as(t, "sun", "community", apptest.South)
		post(t, south, s.url+"/collectors", url.Values{"area": {apptest.North}, "count": {"1"}}).want(t, 422)
		post(t, south, s.url+"/collectors/"+s.Visits.Code+"/revoke", url.Values{"why": {"x"}}).want(t, 404)
	})
	t.Run("a form from another site is refused", func(t *testing.T) {
		r := call(t, ana, "POST", list, url.Values{"area": {apptest.North}, "count": {"1"}}.Encode(),
			"Content-Type", "application/x-www-form-urlencoded", "Origin", "https://elsewhere.example", "Accept", html)
		r.want(t, 403)
	})
}

func TestSheets(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	north, south := s.Posters[apptest.North], s.Posters[apptest.South]
	sheet := page(t, ana, s.url+"/collectors/"+north.Code+"/sheet")
	sheet.want(t, 200, "文明城市创建居民问卷", "测试办", "北社区", "海报编号", collector.Pretty(north.Code), "survey.example/q/"+collector.Pretty(north.Code),
		"社区居委会", "不记名", "<svg", "lang=\"en\"", "!console.sheet")
	if n := strings.Count(sheet.body, `class="sheet"`); n != 1 {
		t.Errorf("%d sheets", n)
	}
	all := page(t, ana, s.url+"/sheets?wave="+s.Wave.ID+"&area="+apptest.Riverside)
	all.want(t, 200, collector.Pretty(north.Code), collector.Pretty(south.Code), "!"+collector.Pretty(s.Visits.Code))
	post(t, ana, s.url+"/collectors/"+south.Code+"/revoke", url.Values{"why": {"x"}}).want(t, 303)
	page(t, ana, s.url+"/sheets?wave="+s.Wave.ID+"&area="+apptest.Riverside).want(t, 200, collector.Pretty(north.Code), "!"+collector.Pretty(south.Code))
	page(t, s.as(t, "sun", "community", apptest.South), s.url+"/sheets").want(t, 200, "!"+collector.Pretty(north.Code))
}

func TestQRPictures(t *testing.T) {
	s := newSite(t)
	ana := s.as(t, "ana", "office", apptest.City)
	code := s.Posters[apptest.North].Code
	r := page(t, ana, s.url+"/collectors/"+strings.ToLower(code)+"/qr.png?size=400")
	r.want(t, 200)
	img, err := png.Decode(strings.NewReader(r.body))
	if err != nil || img.Bounds().Dx() != 400 || r.header.Get("Content-Type") != "image/png" {
		t.Fatal(err, r.header)
	}
	if got := r.header.Get("Content-Disposition"); got != `inline; filename="`+apptest.North+`-poster-1.png"` {
		t.Error(got)
	}
	page(t, ana, s.url+"/collectors/"+code+"/qr.png?size=big").want(t, 422)
	page(t, ana, s.url+"/collectors/"+code+"/qr.png?size=99999").want(t, 200)
	page(t, ana, s.url+"/collectors/ZZZZZZZZZ/qr.png").want(t, 404)
	svg := page(t, ana, s.url+"/collectors/"+code+"/qr.svg")
	svg.want(t, 200, "<svg ", "viewBox")
	if svg.header.Get("Content-Type") != "image/svg+xml; charset=utf-8" {
		t.Error(svg.header)
	}

	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		storetest.Missing(t, "zbarimg is not installed")
	}
	file := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(file, []byte(r.body), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(zbar, "--quiet", "--raw", file).Output()
	if want := "HTTP://SURVEY.EXAMPLE/Q/" + code; err != nil || string(bytes.TrimSpace(out)) != want {
		t.Errorf("scanned %q, %v; want %s", out, err, want)
	}
	if path := regexp.MustCompile(`/Q/.*`).FindString(string(bytes.TrimSpace(out))); path != "" {
		page(t, anybody(), s.url+path).want(t, 200, "北社区")
	}
}
