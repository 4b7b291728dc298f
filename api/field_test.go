package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/static"
	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/response"
)

// stair is a site with a drawn PSU, a worker who was given it, and a phone.
type stair struct {
	*site
	drawn  apptest.Drawn
	worker *http.Client
	phone  *apptest.FieldPhone
}

func newStair(t *testing.T, take int) *stair {
	t.Helper()
	s := &stair{site: newSite(t)}
	s.drawn = s.Draw(t, apptest.North, take, 1, fieldwork.UsualRules)
	s.worker = s.as(t, "worker", "worker", apptest.North)
	_, who, err := s.Accounts.SignIn(t.Context(), "worker", apptest.Password)
	if err != nil {
		t.Fatal(err)
	}
	s.Give(t, s.drawn, who)
	s.phone = &apptest.FieldPhone{ID: uuid.NewString()}
	s.enrol(t, http.StatusCreated)
	return s
}

// enrol signs the phone in by HTTP.
func (s *stair) enrol(t *testing.T, want int) reply {
	t.Helper()
	r := call(t, s.worker, "POST", s.url+"/api/v1/field/phones", map[string]string{"id": s.phone.ID, "name": "Chrome, Android"})
	if r.status != want {
		t.Fatal(r)
	}
	if want < 300 {
		s.phone.Token, s.phone.SealKey = r.field(t, "token").(string), r.field(t, "seal_key").(string)
		s.phone.SignKeys = nil
		for _, k := range r.field(t, "sign_keys").([]any) {
			s.phone.SignKeys = append(s.phone.SignKeys, k.(string))
		}
	}
	return r
}

// call calls a route with the phone's token.
func (s *stair) call(t *testing.T, method, path string, body any, headers ...string) reply {
	t.Helper()
	return call(t, anybody(), method, s.url+path, body, append(headers, "Authorization", "Bearer "+s.phone.Token)...)
}

// batch is the body of a sync.
func (s *stair) batch(sent ...fieldwork.Sent) map[string]any {
	records := []map[string]string{}
	for _, x := range sent {
		records = append(records, map[string]string{"id": x.ID, "content": x.Content})
	}
	return map[string]any{"phone": s.phone.ID, "sent_at": s.Clock().Format(time.RFC3339Nano), "waiting": len(sent), "records": records}
}

func (s *stair) visit(i int, outcome string) fieldwork.Sent {
	return s.phone.Visit(s.Wave.ID, s.drawn.Homes[i].UnitID, outcome, s.Clock(), nil)
}

// results reads a reply to a sync.
func results(t *testing.T, r reply) []fieldwork.Result {
	t.Helper()
	var out []fieldwork.Result
	for _, x := range r.field(t, "results").([]any) {
		m := x.(map[string]any)
		text := func(name string) string { s, _ := m[name].(string); return s }
		out = append(out, fieldwork.Result{ID: text("id"), Hash: text("hash"), Status: text("status"), Reason: text("reason"), ReceivedAt: text("received_at"), Signature: text("signature")})
	}
	return out
}

func TestPhoneSignsInAndOut(t *testing.T) {
	s := newStair(t, 2)
	first := s.phone.Token
	again := s.enrol(t, http.StatusOK)
	if again.field(t, "token") == first || again.header.Get("Cache-Control") != "no-store" || again.field(t, "worker", "login") != "worker" ||
		again.field(t, "sign_key") != s.phone.SignKeys[0] || len(again.field(t, "key").(string)) != 43 {
		t.Fatal(again)
	}
	if r := call(t, anybody(), "GET", s.url+"/api/v1/field/pack", nil, "Authorization", "Bearer "+first); r.status != 401 || r.field(t, "code") != "phone_unknown" {
		t.Fatal(r)
	}
	office := s.as(t, "boss", "office", apptest.City)
	for name, r := range map[string]reply{
		"the office":                     call(t, office, "POST", s.url+"/api/v1/field/phones", map[string]string{"id": uuid.NewString(), "name": ""}),
		"a phone that signs in by token": s.call(t, "POST", "/api/v1/field/phones", map[string]string{"id": uuid.NewString(), "name": ""}),
	} {
		if r.status != 403 && r.status != 401 {
			t.Error(name, r)
		}
	}
	for name, body := range map[string]any{"no id": map[string]string{"name": "x"}, "an id that is none": map[string]string{"id": "x", "name": "x"}, "a long name": map[string]string{"id": uuid.NewString(), "name": strings.Repeat("x", 150)}, "no JSON": "{"} {
		for _, lang := range static.Languages {
			r := call(t, s.worker, "POST", s.url+"/api/v1/field/phones", body, "Accept-Language", lang)
			if r.status != 422 && r.status != 400 || !strings.Contains(r.body, `"message":"`) || strings.Contains(r.body, `"message":"field.`) {
				t.Error(name, lang, r)
			}
		}
	}
	// The token is for the phone's routes only, and these for it only.
	for _, path := range []string{"/api/v1/session", "/api/v1/waves", "/api/v1/people", "/board", "/account"} {
		if r := s.call(t, "GET", path, nil); r.status != 401 && r.status != 303 {
			t.Error(path, r)
		}
	}
	for _, route := range []string{"GET /api/v1/field/pack", "POST /api/v1/field/sync", "DELETE /api/v1/field/phones/" + s.phone.ID, "POST /api/v1/field/phones/" + s.phone.ID + "/sealed"} {
		method, path, _ := strings.Cut(route, " ")
		for name, c := range map[string]*http.Client{"nobody": anybody(), "the worker's session": s.worker} {
			if r := call(t, c, method, s.url+path, nil); r.status != 401 || r.field(t, "code") != "phone_unknown" {
				t.Error(name, route, r)
			}
		}
	}
	if r := s.call(t, "DELETE", "/api/v1/field/phones/"+uuid.NewString(), nil); r.status != 404 {
		t.Fatal(r)
	}
	if r := s.call(t, "DELETE", "/api/v1/field/phones/"+s.phone.ID, nil); r.status != 204 {
		t.Fatal(r)
	}
	if r := s.call(t, "GET", "/api/v1/field/pack", nil); r.status != 401 {
		t.Fatal(r)
	}
	if r := s.enrol(t, http.StatusOK); r.field(t, "key") != again.field(t, "key") {
		t.Fatal("another key")
	}
}

func TestPackByHTTP(t *testing.T) {
	s := newStair(t, 3)
	first := s.call(t, "GET", "/api/v1/field/pack", nil)
	tag := first.header.Get("ETag")
	if first.status != 200 || tag == "" || len(first.field(t, "homes").([]any)) != 4 || first.field(t, "worker", "login") != "worker" || first.field(t, "questionnaires", s.Wave.QuestionnaireID) == nil {
		t.Fatal(first)
	}
	home := first.field(t, "homes").([]any)[0].(map[string]any)
	for _, name := range []string{"id", "wave", "area", "area_name", "psu", "position", "reserve", "building", "unit", "room", "adults", "picks", "records"} {
		if _, ok := home[name]; !ok {
			t.Errorf("no %s in %v", name, home)
		}
	}
	s.Advance(time.Minute)
	if r := s.call(t, "GET", "/api/v1/field/pack", nil, "If-None-Match", `"x", W/`+tag); r.status != 304 || r.body != "" || r.header.Get("ETag") != tag {
		t.Fatal(r)
	}
	if r := s.call(t, "POST", "/api/v1/field/sync", s.batch(s.visit(0, "2.24"))); r.status != 200 {
		t.Fatal(r)
	}
	changed := s.call(t, "GET", "/api/v1/field/pack", nil, "If-None-Match", tag)
	if changed.status != 200 || changed.header.Get("ETag") == tag || !strings.Contains(changed.body, `"outcome":"2.24"`) || !strings.Contains(changed.body, `"mine":true`) {
		t.Fatal(changed)
	}
}

func TestSyncByHTTP(t *testing.T) {
	s := newStair(t, 3)
	at := s.Clock()
	sent := []fieldwork.Sent{s.visit(0, "2.24"), s.phone.Interview(t, s.Wave.ID, s.Wave.QuestionnaireID, s.drawn.Homes[1].UnitID, at, apptest.Answers(nil), nil), {ID: uuid.NewString(), Content: "?"}}
	body := s.batch(sent...)
	body["sent_at"] = s.Clock().Add(72 * time.Hour).Format(time.RFC3339Nano)
	body["waiting"] = 9
	r := s.call(t, "POST", "/api/v1/field/sync", body)
	if r.status != 200 || r.header.Get("Cache-Control") != "no-store" {
		t.Fatal(r)
	}
	first := results(t, r)
	for i, x := range first {
		if !s.phone.Genuine(sent[i], x) {
			t.Fatal(x)
		}
	}
	if first[0].Status != "accepted" || first[1].Status != "accepted" || first[2].Reason != "malformed" {
		t.Fatal(first)
	}
	if again := results(t, s.call(t, "POST", "/api/v1/field/sync", s.batch(sent...))); fmt.Sprint(again) != fmt.Sprint(first) {
		t.Fatal(again)
	}
	var p fieldwork.Phone
	if err := s.DB.Read(t.Context()).Where("id = ?", s.phone.ID).Take(&p).Error; err != nil {
		t.Fatal(err)
	}
	if p.Waiting != 3 || p.OffsetMS < -5000 || p.OffsetMS > 5000 || p.SeenAt.Before(at) {
		t.Fatalf("%+v", p)
	}

	long := s.visit(0, "2.24")
	long.Content = strings.Repeat("x", 520<<10)
	many := make([]fieldwork.Sent, 51)
	for i := range many {
		many[i] = s.visit(0, "2.24")
	}
	with := func(change func(map[string]any)) map[string]any {
		b := s.batch(s.visit(0, "2.24"), s.visit(0, "2.24"))
		change(b)
		return b
	}
	for name, c := range map[string]struct {
		body   any
		status int
		path   string
	}{
		"a batch that is too large":     {s.batch(long), 413, ""},
		"too many records":              {s.batch(many...), 422, "records"},
		"a record with an id that none": {with(func(b map[string]any) { b["records"].([]map[string]string)[1]["id"] = "x" }), 422, "records[1].id"},
		"a record without an id":        {with(func(b map[string]any) { delete(b["records"].([]map[string]string)[1], "id") }), 422, "records[1].id"},
		"the id of nothing":             {with(func(b map[string]any) { b["records"].([]map[string]string)[0]["id"] = uuid.Nil.String() }), 422, "records[0].id"},
		"a time that is none":           {with(func(b map[string]any) { b["sent_at"] = "now" }), 422, "sent_at"},
		"fewer than nothing waiting":    {with(func(b map[string]any) { b["waiting"] = -1 }), 422, "waiting"},
		"another phone":                 {with(func(b map[string]any) { b["phone"] = uuid.NewString() }), 422, "phone"},
		"no JSON":                       {"{", 400, ""},
		"a list":                        {"[]", 422, ""},
	} {
		for _, lang := range static.Languages {
			r := s.call(t, "POST", "/api/v1/field/sync", c.body, "Accept-Language", lang)
			if r.status != c.status || c.path != "" && !strings.Contains(r.body, `"path":"`+c.path+`"`) || strings.Contains(r.body, `"message":"field.`) || strings.Contains(r.body, `"title":"error.`) {
				t.Error(name, lang, r)
			}
		}
	}
	var n int64
	if err := s.DB.Read(t.Context()).Model(&fieldwork.Record{}).Count(&n).Error; err != nil || n != 3 {
		t.Fatalf("%d records: what was answered as wrong is stored in part (%v)", n, err)
	}
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Error(s.log.String())
	}
}

func TestLockedPhoneByHTTP(t *testing.T) {
	s := newStair(t, 2)
	if err := s.Field.Lock(t.Context(), apptest.Office, s.phone.ID); err != nil {
		t.Fatal(err)
	}
	for _, r := range []reply{s.call(t, "GET", "/api/v1/field/pack", nil), s.call(t, "POST", "/api/v1/field/sync", s.batch(s.visit(0, "2.24"))),
		s.call(t, "DELETE", "/api/v1/field/phones/"+s.phone.ID, nil), s.enrol(t, http.StatusForbidden)} {
		if r.status != 403 || r.field(t, "code") != "phone_locked" {
			t.Fatal(r)
		}
	}
	body := map[string]any{"sent_at": s.Clock(), "records": []map[string]string{{"id": uuid.NewString(), "iv": "AAAA", "data": "AAAA"}}}
	if r := s.call(t, "POST", "/api/v1/field/phones/"+uuid.NewString()+"/sealed", body); r.status != 404 {
		t.Fatal(r)
	}
	r := s.call(t, "POST", "/api/v1/field/phones/"+s.phone.ID+"/sealed", body)
	if r.status != 200 {
		t.Fatal(r)
	}
	if got := results(t, r); len(got) != 1 || got[0].Reason != fieldwork.SealedUnreadable || !s.phone.Signed(got[0]) {
		t.Fatal(got)
	}
}

// badLine passes connections on with 100 ms each way; each piece of up to 8 kB that
// passes is lost with a chance of 5 %, and the connection with it: on the way there
// as well as on the way back, after the server has committed.
type badLine struct {
	listener net.Listener
	to       string
	lost     atomic.Int64
	mu       sync.Mutex
	random   *rand.Rand
}

func newBadLine(t *testing.T, to string) *badLine {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &badLine{listener: l, to: to, random: rand.New(rand.NewPCG(5, 200))}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c)
		}
	}()
	return b
}

func (b *badLine) serve(phone net.Conn) {
	server, err := net.Dial("tcp", b.to)
	if err != nil {
		phone.Close()
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { b.pass(server, phone) })
	wg.Go(func() { b.pass(phone, server) })
	wg.Wait()
}

func (b *badLine) pass(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 8<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			time.Sleep(100 * time.Millisecond)
			b.mu.Lock()
			lost := b.random.IntN(20) == 0
			b.mu.Unlock()
			if lost {
				b.lost.Add(1)
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func TestFiveHundredRecordsOverABadLine(t *testing.T) {
	const count = 500
	s := newStair(t, count)
	line := newBadLine(t, strings.TrimPrefix(s.url, "http://"))
	c := &http.Client{Timeout: 30 * time.Second}
	var outbox []fieldwork.Sent
	for i := range count {
		outbox = append(outbox, s.phone.Interview(t, s.Wave.ID, s.Wave.QuestionnaireID, s.drawn.Homes[i].UnitID, s.Clock(), apptest.Answers(nil), nil))
	}
	tries, failed := 0, 0
	for deadline := time.Now().Add(5 * time.Minute); len(outbox) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d records are left after %d tries", len(outbox), tries)
		}
		tries++
		n := min(20, len(outbox))
		got, err := s.post(c, "http://"+line.listener.Addr().String(), outbox[:n])
		if err != nil {
			failed++
			continue
		}
		for i, r := range results(t, got) {
			if !s.phone.Genuine(outbox[i], r) || r.Status != fieldwork.Accepted {
				t.Fatal(r)
			}
		}
		outbox = outbox[n:]
	}
	t.Logf("%d tries, %d failed, %d pieces lost", tries, failed, line.lost.Load())
	if failed == 0 {
		t.Error("the line was good")
	}
	var records, answers int64
	if err := s.DB.Read(t.Context()).Model(&fieldwork.Record{}).Count(&records).Error; err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Read(t.Context()).Model(&response.Response{}).Where("status = ?", response.Counted).Count(&answers).Error; err != nil {
		t.Fatal(err)
	}
	if records != count || answers != count {
		t.Errorf("%d records and %d answers of %d", records, answers, count)
	}
}

// post sends a batch; an error means that there is no whole reply.
func (s *stair) post(c *http.Client, base string, batch []fieldwork.Sent) (reply, error) {
	raw, err := json.Marshal(s.batch(batch...))
	if err != nil {
		return reply{}, err
	}
	req, err := http.NewRequest("POST", base+"/api/v1/field/sync", bytes.NewReader(raw))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.phone.Token)
	resp, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}
