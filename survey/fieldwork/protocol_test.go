package fieldwork_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/app"
	"chengyin/survey/apptest"
	"chengyin/survey/fieldwork"
	"chengyin/survey/response"
	"chengyin/survey/sample"
	"chengyin/survey/store/storetest"
)

// TestProtocol lets phones and the server do everything that may happen to them, in
// any order: batches that are lost, repeated, reordered or sent twice at once, replies
// that are lost after the commit, servers that end between the two and come back,
// sometimes with a new secret, portals that answer in the server's place, two phones
// with one account, wrong clocks, households that change hands, a wave that ends.
// Whatever happens, no record is lost, none is there twice, every phone ends empty,
// each record has one receipt however often it is asked for, and the tallies, the
// weights and where households stand are what the accepted records add up to.
func TestProtocol(t *testing.T) {
	for dialect, checks := range map[string]int{"sqlite": 60, "mysql": 12} {
		if !slices.Contains(storetest.Dialects, dialect) {
			t.Fatalf("no dialect %s", dialect)
		}
		t.Run(dialect, func(t *testing.T) {
			usual := flag.Lookup("rapid.checks").Value.String()
			if usual == flag.Lookup("rapid.checks").DefValue {
				if err := flag.Set("rapid.checks", strconv.Itoa(checks)); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = flag.Set("rapid.checks", usual) })
			}
			s := &server{dsn: storetest.DSN(t, dialect), secrets: [][]byte{[]byte(strings.Repeat("s", 32))}, seen: map[string]int{}}
			s.World = apptest.New(t, s.dsn)
			workers := []survey.Actor{s.Person(t, "one", "worker", apptest.North), s.Person(t, "two", "worker", apptest.North)}
			rapid.Check(t, func(r *rapid.T) {
				m := newModel(t, r, s, workers)
				steps := rapid.IntRange(10, 50).Draw(r, "steps")
				for range steps {
					m.step(r)
				}
				m.finish(r)
			})
			for _, want := range append([]string{"accepted ", "conflict ", "quarantined late", "quarantined household_twice", "quarantined not_assigned", "quarantined reserve_early"}, fates...) {
				if s.seen[want] == 0 && dialect == "sqlite" {
					t.Errorf("%q did not happen", want)
				}
			}
			t.Log(s.seen)
		})
	}
}

// server is an App that may end and begin again.
type server struct {
	*apptest.World
	dsn     string
	secrets [][]byte // the newest first
	waves   int
	seen    map[string]int // receipts by status and reason, and what happened on the way
}

// restart ends the server and begins it again, with what is on the disk.
func (s *server) restart(t *testing.T, renew bool) {
	t.Helper()
	clock := s.Clock
	if renew {
		s.secrets = append([][]byte{[]byte(uuid.NewString())}, s.secrets...)
	}
	if err := s.App.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(context.Background(), app.Config{Database: s.dsn, Secret: s.secrets[0], Older: s.secrets[1:], CodeVersion: "test", Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	s.App = a
}

// phone is a phone with its outbox: a record leaves it on a genuine receipt, and on
// nothing else.
type phone struct {
	*apptest.FieldPhone
	outbox []*waiting
	sent   []fieldwork.Sent // what has left it, to be sent again all the same
}

type waiting struct {
	fieldwork.Sent
	failed bool // set before it is sent, as long as there is no receipt
}

// model is what is known of a run.
type model struct {
	t        *testing.T
	server   *server
	workers  []survey.Actor
	phones   []*phone
	drawn    apptest.Drawn
	made     map[string]map[string]bool // by id, the hashes of its contents
	adults   map[string]int             // by id of an interview
	receipts map[string]fieldwork.Result
	closed   bool
}

func newModel(t *testing.T, r *rapid.T, s *server, workers []survey.Actor) *model {
	t.Helper()
	s.waves++
	w := s.Wave
	w.Code, w.OpensAt, w.ClosesAt, w.ClosedAt = fmt.Sprintf("w%d", s.waves), s.Clock().Add(-time.Hour), s.Clock().Add(240*time.Hour), nil
	made, err := s.Waves.Create(context.Background(), apptest.Office, w)
	if err != nil {
		t.Fatal(err)
	}
	s.Wave = made
	m := &model{t: t, server: s, workers: workers, made: map[string]map[string]bool{}, adults: map[string]int{}, receipts: map[string]fieldwork.Result{}}
	rules := fieldwork.UsualRules
	rules.Visits = rapid.IntRange(1, 4).Draw(r, "visits")
	m.drawn = s.Draw(t, apptest.North, 4, 3, rules)
	s.Give(t, m.drawn, workers[0])
	for _, worker := range []survey.Actor{workers[0], workers[0], workers[1]} {
		m.phones = append(m.phones, &phone{FieldPhone: s.Enrol(t, worker)})
	}
	return m
}

// make puts a record into a phone's outbox.
func (m *model) make(p *phone, s fieldwork.Sent) {
	if m.made[s.ID] == nil {
		m.made[s.ID] = map[string]bool{}
	}
	m.made[s.ID][hashOf(s.Content)] = true
	p.outbox = append(p.outbox, &waiting{Sent: s})
}

func (m *model) step(r *rapid.T) {
	p := m.phones[rapid.IntRange(0, 2).Draw(r, "phone")]
	at := func() time.Time {
		return m.server.Clock().Add(-time.Duration(rapid.IntRange(0, 3000).Draw(r, "made seconds ago")) * time.Second)
	}
	home := func() string { return m.drawn.Homes[rapid.IntRange(0, 6).Draw(r, "home")].UnitID }
	switch rapid.SampledFrom([]string{"visit", "interview", "interview", "send", "send", "send", "together", "change", "again", "clock", "assign", "close", "wait"}).Draw(r, "step") {
	case "visit":
		o := rapid.SampledFrom([]string{"2.24", "2.24", "4.61", fieldwork.Refused, "2.32", "3.17", "9.99"}).Draw(r, "outcome")
		m.make(p, p.Visit(m.server.Wave.ID, home(), o, at(), nil))
	case "interview":
		n := rapid.IntRange(1, 4).Draw(r, "adults")
		change := map[string]any{"adults": n, "chosen": (n + 1) / 2}
		if rapid.IntRange(0, 4).Draw(r, "broken off") == 0 {
			change["outcome"] = fieldwork.BrokenOff
		}
		s := p.Interview(m.t, m.server.Wave.ID, m.server.Wave.QuestionnaireID, home(), at(), apptest.Answers(nil), change)
		m.adults[s.ID] = n
		m.make(p, s)
	case "send":
		m.deliver(r, p, m.batch(r, p), rapid.SampledFrom(fates).Draw(r, "fate"))
	case "together":
		m.together(r)
	case "change":
		if len(m.made) == 0 || len(p.outbox) == 0 {
			return
		}
		// A phone that goes wrong: other content under an id that it has used.
		x := rapid.SampledFrom(p.outbox).Draw(r, "changed")
		var c map[string]any
		if err := json.Unmarshal([]byte(x.Content), &c); err != nil {
			m.t.Fatal(err)
		}
		c["note"] = rapid.SampledFrom([]string{"a", "b"}).Draw(r, "note")
		raw, err := json.Marshal(c)
		if err != nil {
			m.t.Fatal(err)
		}
		m.make(p, fieldwork.Sent{ID: x.ID, Content: string(raw)})
	case "again":
		if len(p.sent) > 0 { // what has its receipt is sent once more: a backup of the phone was put back
			s := rapid.SampledFrom(p.sent).Draw(r, "again")
			p.outbox = append(p.outbox, &waiting{Sent: s})
		}
	case "clock":
		p.Off = time.Duration(rapid.IntRange(-80, 80).Draw(r, "hours off")) * time.Hour
	case "assign":
		in := fieldwork.Assigning{Wave: m.server.Wave.ID, Units: []string{home()}, Account: rapid.SampledFrom([]string{"", m.workers[0].Account, m.workers[1].Account}).Draw(r, "to")}
		if _, err := m.server.Field.Assign(context.Background(), apptest.Office, in); err != nil {
			m.t.Fatal(err)
		}
	case "close":
		if !m.closed && rapid.IntRange(0, 3).Draw(r, "end") == 0 {
			m.closed = true
			m.server.Advance(241 * time.Hour)
		}
	case "wait":
		m.server.Advance(time.Duration(rapid.IntRange(1, 60).Draw(r, "minutes")) * time.Minute)
	}
}

// The fates of a batch.
var fates = []string{"arrives", "arrives", "never arrives", "reply lost", "server ends before the reply", "server ends and has a new secret", "portal answers", "reply torn"}

// batch takes some of what waits in any order, some of it twice.
func (m *model) batch(r *rapid.T, p *phone) []fieldwork.Sent {
	if len(p.outbox) == 0 {
		return nil
	}
	order := rapid.Permutation(p.outbox).Draw(r, "order")
	order = order[:rapid.IntRange(1, min(len(order), fieldwork.Most/2)).Draw(r, "of them")]
	var out []fieldwork.Sent
	for _, x := range order {
		x.failed = true
		out = append(out, x.Sent)
	}
	if rapid.Bool().Draw(r, "the first twice") {
		out = append(out, out[0])
	}
	return out
}

// deliver sends a batch and lets its fate happen.
func (m *model) deliver(r *rapid.T, p *phone, batch []fieldwork.Sent, fate string) {
	if len(batch) == 0 {
		return
	}
	if fate == "never arrives" {
		m.server.seen[fate]++
		return
	}
	m.server.seen[fate]++
	got := m.post(p, batch)
	switch fate {
	case "reply lost":
		return
	case "server ends before the reply", "server ends and has a new secret":
		m.server.restart(m.t, strings.HasSuffix(fate, "secret"))
		return
	case "portal answers": // 200, and something that looks like it
		for i := range got {
			got[i].Signature = strings.Repeat("A", 86)
		}
	case "reply torn":
		got = got[:len(got)/2]
	}
	m.read(r, p, got)
}

// post sends a batch to the server.
func (m *model) post(p *phone, batch []fieldwork.Sent) []fieldwork.Result {
	f := m.server.Field
	on, err := f.Asks(context.Background(), p.Token, account.Origin{})
	if err != nil {
		m.t.Error(err)
		return nil
	}
	got, err := f.Take(context.Background(), on, m.server.Clock().Add(p.Off), batch)
	if err != nil {
		m.t.Error(err)
	}
	return got
}

// read takes records with a genuine receipt out of the outbox. When no key fits, the
// phone fetches the keys that count now.
func (m *model) read(r *rapid.T, p *phone, got []fieldwork.Result) {
	keys, err := m.server.Field.SignKeys()
	if err != nil {
		m.t.Fatal(err)
	}
	for _, x := range got {
		if !p.Signed(x) {
			p.SignKeys = keys
		}
		for i := 0; i < len(p.outbox); i++ {
			s := p.outbox[i].Sent
			if !p.outbox[i].failed || !p.Genuine(s, x) {
				continue
			}
			key := x.ID + x.Hash
			if before, ok := m.receipts[key]; ok && before != x {
				r.Fatalf("two receipts of one record: %+v and %+v", before, x)
			}
			m.receipts[key] = x
			m.server.seen[x.Status+" "+x.Reason]++
			p.sent = append(p.sent, s)
			p.outbox = slices.Delete(p.outbox, i, i+1)
			i--
		}
	}
}

// together sends what waits on all phones at once, and the first phone's twice.
func (m *model) together(r *rapid.T) {
	batches := make([][]fieldwork.Sent, 4)
	for i, p := range m.phones {
		batches[i] = m.batch(r, p)
	}
	batches[3] = batches[0]
	got := make([][]fieldwork.Result, 4)
	var wg sync.WaitGroup
	for i, b := range batches {
		if len(b) > 0 {
			wg.Go(func() { got[i] = m.post(m.phones[i%3], b) })
		}
	}
	wg.Wait()
	for i := range got {
		m.read(r, m.phones[i%3], got[i])
	}
}

// finish lets every phone send the rest over a line that works, and looks at what is
// in the database.
func (m *model) finish(r *rapid.T) {
	ctx := context.Background()
	for _, p := range m.phones {
		for round := 0; len(p.outbox) > 0; round++ {
			if round > 20 {
				r.Fatalf("a phone does not get empty: %d left", len(p.outbox))
			}
			var batch []fieldwork.Sent
			for _, x := range p.outbox[:min(len(p.outbox), fieldwork.Most)] {
				x.failed = true
				batch = append(batch, x.Sent)
			}
			m.read(r, p, m.post(p, batch))
		}
	}
	db := m.server.DB.Read(ctx)
	var records []fieldwork.Record
	var rivals []fieldwork.Rival
	var responses []response.Response
	var homes []fieldwork.Home
	var units []sample.Unit
	for _, q := range []error{
		db.Where("wave_id = ?", m.server.Wave.ID).Find(&records).Error,
		db.Where("record_id IN (SELECT id FROM field_records WHERE wave_id = ?)", m.server.Wave.ID).Find(&rivals).Error,
		db.Where("wave_id = ?", m.server.Wave.ID).Find(&responses).Error,
		db.Where("wave_id = ?", m.server.Wave.ID).Find(&homes).Error,
		db.Where("wave_id = ?", m.server.Wave.ID).Find(&units).Error,
	} {
		if q != nil {
			m.t.Fatal(q)
		}
	}
	found := map[string]map[string]bool{}
	put := func(id, hash string) {
		if found[id] == nil {
			found[id] = map[string]bool{}
		}
		if found[id][hash] {
			r.Fatalf("%s is there twice", id)
		}
		found[id][hash] = true
	}
	for _, x := range records {
		put(x.ID, x.Hash)
	}
	for _, x := range rivals {
		put(x.RecordID, x.Hash)
	}
	if d := cmp.Diff(m.made, found); d != "" {
		r.Fatalf("what was made and what is there: %s", d)
	}
	m.checkCounted(r, records, responses, units)
	m.checkHomes(r, records, homes)
}

// checkCounted checks answers, weights and tallies.
func (m *model) checkCounted(r *rapid.T, records []fieldwork.Record, responses []response.Response, units []sample.Unit) {
	weights := map[string]float64{} // of the units that were interviewed
	for _, x := range records {
		if x.Status == fieldwork.Accepted && x.Outcome == fieldwork.Interviewed {
			if weights[x.UnitID] != 0 {
				r.Fatalf("household %s was interviewed twice", x.UnitID)
			}
			weights[x.UnitID] = 40 * float64(m.adults[x.ID])
		}
	}
	for _, u := range units {
		want, ok := weights[u.ID]
		if !ok {
			want = 80 // as it was drawn
		}
		if u.Weight != want {
			r.Fatalf("household %s weighs %v, not %v", u.ID, u.Weight, want)
		}
	}
	n := 0
	for _, x := range responses {
		if x.Status == response.Counted {
			n++
		}
		if m.adults[x.ID] == 0 {
			r.Fatalf("answers %s of no interview", x.ID)
		}
	}
	if len(responses) != len(m.adults) {
		r.Fatalf("%d interviews, answers of %d", len(m.adults), len(responses))
	}
	if n != len(weights) {
		r.Fatalf("%d answers are counted of %d interviews", n, len(weights))
	}
	if got := counted(m.t, m.server.World); got != int64(n) {
		r.Fatalf("the tallies count %d of %d", got, n)
	}
}

// checkHomes checks where households stand.
func (m *model) checkHomes(r *rapid.T, records []fieldwork.Record, homes []fieldwork.Home) {
	visits := map[string][]fieldwork.Visit{}
	for _, x := range records {
		if x.Status == fieldwork.Accepted {
			v := fieldwork.Visit{ID: x.ID, At: x.MadeAt, Outcome: x.Outcome, Adults: x.Adults}
			v.Period, v.Weekend = fieldwork.PeriodOf(x.MadeAt)
			visits[x.UnitID] = append(visits[x.UnitID], v)
		}
	}
	rules, err := m.server.Field.RulesOf(context.Background(), m.drawn.Plan)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, h := range homes {
		want := fieldwork.StateOf(visits[h.UnitID], rules)
		delete(visits, h.UnitID)
		got := fieldwork.State{Open: h.IsOpen, Outcome: h.Outcome, Visits: h.Visits, Periods: h.Periods, LastAt: h.LastAt, Adults: h.Adults}
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); d != "" {
			r.Fatalf("household %s: %s", h.UnitID, d)
		}
	}
	if len(visits) > 0 {
		r.Fatalf("households stand nowhere: %v", visits)
	}
}
