package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"chengyin/survey/app"
	"chengyin/survey/apptest"
	"chengyin/survey/questionnaire"
)

// TestMain lets the test binary be the program as well: tests start it as a
// process of its own, which they can kill.
func TestMain(m *testing.M) {
	switch os.Getenv("CHENGYIN_TEST_PROGRAM") {
	case "leashed":
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // ends with the process of the test
			os.Exit(1)
		}()
		main()
	case "plain":
		main()
	}
	os.Exit(m.Run())
}

const (
	testSecret   = "a secret that only the tests know"
	testPassword = "correct horse battery"
)

// program is the program as a process of its own on a database, at an address
// that it keeps over restarts.
type program struct {
	t    testing.TB
	addr string
	dsn  string

	cmd   *exec.Cmd
	leash io.Closer
	said  *bytes.Buffer
}

// newProgram starts the server with the demo city.
func newProgram(t testing.TB, dsn string) *program {
	t.Helper()
	p := &program{t: t, addr: freeAddr(t), dsn: dsn}
	t.Cleanup(p.kill)
	p.start("serve", "--demo")
	return p
}

// freeAddr returns an address of this machine that nobody listens on.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (p *program) url() string { return "http://" + p.addr }

// command prepares the program to be run with these arguments.
func (p *program) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "CHENGYIN_TEST_PROGRAM=plain", "CHENGYIN_CONFIG=", "CHENGYIN_DATABASE="+p.dsn, "CHENGYIN_LISTEN="+p.addr,
		"CHENGYIN_PUBLIC_URL=", "CHENGYIN_SECRET="+testSecret, "CHENGYIN_DEMO_PASSWORD="+testPassword)
	return cmd
}

// start runs the server and waits until it answers.
func (p *program) start(args ...string) {
	p.t.Helper()
	p.said = &bytes.Buffer{}
	p.cmd = p.command(args...)
	p.cmd.Env = append(p.cmd.Env, "CHENGYIN_TEST_PROGRAM=leashed")
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	leash, err := p.cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.leash = leash
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		reply, err := http.Get(p.url() + "/readyz")
		if err == nil {
			reply.Body.Close()
			if reply.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			p.kill()
			p.t.Fatalf("the server does not answer: %v\n%s", err, p.said)
		}
	}
}

// kill ends the server at once, as a power cut would.
func (p *program) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended by itself
	_ = p.cmd.Wait()         // its status is that it was killed
	p.leash.Close()
	p.cmd = nil
}

// open opens the program's database beside it.
func (p *program) open() *app.App {
	p.t.Helper()
	a, err := app.New(context.Background(), app.Config{Database: p.dsn, Secret: []byte(testSecret), CodeVersion: codeVersion()})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { a.Close() })
	return a
}

// desk is an officer's HTTP client.
type desk struct {
	t    testing.TB
	base string
	http *http.Client
}

// signIn signs a demo person in.
func (p *program) signIn(login string) *desk {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	d := &desk{p.t, p.url(), &http.Client{Jar: jar, Timeout: 30 * time.Second}}
	body := fmt.Sprintf(`{"login":%q,"password":%q}`, login, testPassword)
	reply, err := d.http.Post(p.url()+"/api/v1/session", "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(reply.Body)
		p.t.Fatalf("sign in as %s: %s %s", login, reply.Status, said)
	}
	return d
}

// get fills out with the JSON at path.
func (d *desk) get(path string, out any) {
	d.t.Helper()
	reply, err := d.http.Get(d.base + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		d.t.Fatalf("GET %s: %s %v %s", path, reply.Status, err, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		d.t.Fatalf("GET %s: %v: %s", path, err, body)
	}
}

// cookies returns the session as a browser must send it.
func (d *desk) cookies() []*http.Cookie {
	u, err := url.Parse(d.base)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.http.Jar.Cookies(u)
}

type waveReply struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

type collectorReply struct {
	Code, Area, Channel, Mode, URL string
	Revoked                        bool
}

// openWave returns the wave of the demo city that takes answers.
func (d *desk) openWave() waveReply {
	d.t.Helper()
	var reply struct{ Waves []waveReply }
	d.get("/api/v1/waves", &reply)
	for _, w := range reply.Waves {
		if w.State == "open" {
			return w
		}
	}
	d.t.Fatalf("no open wave in %+v", reply)
	return waveReply{}
}

// posters returns the codes of a wave that hang and take answers.
func (d *desk) posters(wave string) []collectorReply {
	d.t.Helper()
	var reply struct{ Collectors []collectorReply }
	d.get("/api/v1/collectors?channel=poster&limit=1000&wave="+wave, &reply)
	var out []collectorReply
	for _, c := range reply.Collectors {
		if !c.Revoked {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		d.t.Fatalf("no posters in %+v", reply)
	}
	return out
}

type scoreReply struct {
	N        *int
	Estimate *float64
}

// scanned returns a community's score from scans.
func (d *desk) scanned(wave, area, indicator string) scoreReply {
	d.t.Helper()
	var reply struct {
		Scores []struct {
			scoreReply
			Area struct{ Code string }
		}
	}
	d.get("/api/v1/waves/"+wave+"/scores?level=community&mode=scan&indicator="+indicator+"&parent="+area[:9]+"000", &reply)
	for _, s := range reply.Scores {
		if s.Area.Code == area {
			return s.scoreReply
		}
	}
	d.t.Fatalf("no score of %s among %d", area, len(reply.Scores))
	return scoreReply{}
}

// someAnswers returns right answers of somebody.
func someAnswers() questionnaire.Answers {
	pick := func(from ...string) string { return from[rand.IntN(len(from))] }
	return apptest.Answers(questionnaire.Answers{
		"age": pick("a18", "a30", "a40", "a50", "a60", "a70"), "sex": pick("m", "f"),
		"q1": pick("know", "heard", "unknown"), "q18": pick("5", "4", "3", "2", "1", "dk"),
	})
}

// submission is what a client sends, and sends again until it has a receipt.
type submission struct {
	code, id string
	body     []byte
}

// ticket asks for one at a collector and fills in answers.
func ticket(c *http.Client, base, code string) (submission, error) {
	reply, err := c.Post(base+"/api/v1/collectors/"+code+"/tickets", "application/json", nil)
	if err != nil {
		return submission{}, err
	}
	defer reply.Body.Close()
	var t struct{ ID, Ticket string }
	if err := json.NewDecoder(reply.Body).Decode(&t); err != nil || reply.StatusCode != http.StatusCreated {
		return submission{}, fmt.Errorf("ticket: %s %w", reply.Status, err)
	}
	body, err := json.Marshal(map[string]any{"id": t.ID, "ticket": t.Ticket, "lang": "zh", "answers": someAnswers()})
	return submission{code, t.ID, body}, err
}

// send sends the answers once. Status 0 means that no answer came.
func (s submission) send(c *http.Client, base string) (status int, receipt string) {
	reply, err := c.Post(base+"/api/v1/collectors/"+s.code+"/responses", "application/json", bytes.NewReader(s.body))
	if err != nil {
		return 0, ""
	}
	defer reply.Body.Close()
	var r struct{ Receipt string }
	if err := json.NewDecoder(reply.Body).Decode(&r); err != nil {
		return 0, ""
	}
	return reply.StatusCode, r.Receipt
}
