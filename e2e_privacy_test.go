package main

import (
	"testing"

	"github.com/chromedp/chromedp"

	"chengyin/survey/response"
)

// TestChildrenAndChangesOfMind goes two ways that leave nothing behind: somebody
// younger than 14 who begins to answer, and somebody who takes the answers back with
// the receipt. Both with the page's script and without.
func TestChildrenAndChangesOfMind(t *testing.T) {
	s := newStreet(t)
	for name, scripts := range map[string]bool{"with the script": true, "without JavaScript": false} {
		t.Run("whoever is younger than 14 is asked nothing, "+name, func(t *testing.T) {
			s.t = t
			before := s.stored()
			r := phone(t, s.browser, scripts)
			r.open(s.link)
			r.tap(option("residence", "half_year"))
			r.tap(option("age", "u14"))
			if !scripts {
				r.tap("#send")
			}
			r.until(`document.body.textContent.includes('只请14岁及以上的人回答') && !document.querySelector('#send')`)
			// 0 is what is left of a draft that was dropped.
			if kept := eval[string](r, `Object.values(localStorage).filter(v => v != '0').join(' ')`); kept != "" {
				t.Errorf("the phone keeps %q", kept)
			}
			if n := s.stored(); n != before {
				t.Errorf("%d answers were stored", n-before)
			}
			for what, size := range sizes {
				r.do(chromedp.EmulateViewport(size[0], size[1]))
				if w := eval[float64](r, `document.documentElement.scrollWidth`); w > float64(size[0]) {
					t.Errorf("on a %s it is %v pixels wide", what, w)
				}
			}
		})
		t.Run("answers are deleted with the receipt, "+name, func(t *testing.T) {
			s.t = t
			before := s.stored()
			r := phone(t, s.browser, scripts)
			r.open(s.link)
			s.answer(r, "know")
			r.tap("#send")
			got := s.receipt(r)
			if n := s.stored(); n != before+1 {
				t.Fatalf("%d answers were stored", n-before)
			}
			r.tap(`a[href*="/delete"]`)
			r.until(`document.querySelector('form[action*="/delete"] button')`)
			if n := s.stored(); n != before+1 {
				t.Fatal("looking at the page has deleted the answers")
			}
			r.tap(`form[action*="/delete"] button`)
			r.until(`document.body.textContent.includes('这份答卷已经删除')`)
			if n := s.stored(); n != before {
				t.Errorf("%d answers are left", n-before)
			}
			var stones int64
			if err := s.a.DB.Read(t.Context()).Model(&response.Tombstone{}).Where("response_id = ?", got.ID).Count(&stones).Error; err != nil || stones != 1 {
				t.Errorf("%d tombstones, %v", stones, err)
			}
			r.open(s.p.url() + "/r/" + got.Code)
			r.until(`document.body.textContent.includes('这份答卷已经删除')`)
		})
	}
}
