package main

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"chengyin/survey/store/storetest"
)

const benchClients = 32

// BenchmarkSubmit measures, in turns, submissions over HTTP to the program as a
// process of its own, each answered after its commit is on the disk, and bare
// INSERTs of a row of the same size on the same server. Both have 32 clients.
// The disk is a real one: the server's files lie in /var/tmp, not in memory.
func BenchmarkSubmit(b *testing.B) {
	server, err := storetest.StartServer(b.Context(), "/var/tmp")
	if errors.Is(err, storetest.ErrNoMariaDB) {
		storetest.Missing(b, err)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Stop)
	dsn, err := server.Create(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	p := newProgram(b, dsn)
	office := p.signIn("office")
	posters := office.posters(office.openWave().ID)
	a := p.open()
	if durable, err := a.DB.Durable(b.Context()); err != nil || !durable {
		b.Fatalf("commits are not durable: %v", err)
	}
	bare := bareTable(b, dsn)

	// Each holds a rate a round: the run with one call, which comes before the others
	// to warm up, is overwritten.
	var submits, inserts [3]float64
	for round := range 3 {
		b.Run(fmt.Sprintf("insert/%d", round+1), func(b *testing.B) {
			inserts[round] = measure(b, func() func(int) error { return bare })
		})
		b.Run(fmt.Sprintf("submit/%d", round+1), func(b *testing.B) {
			sent := make([]submission, b.N)
			for i := range sent {
				if sent[i], err = ticket(http.DefaultClient, p.url(), posters[i%len(posters)].Code); err != nil {
					b.Fatal(err)
				}
			}
			submits[round] = measure(b, func() func(int) error {
				w, err := dialWire(p.addr)
				return func(i int) error {
					if err != nil {
						return err
					}
					return w.submit(sent[i])
				}
			})
		})
	}
	var n int64
	if err := a.DB.Read(b.Context()).Table("responses").Where("via = ?", "api").Count(&n).Error; err != nil {
		b.Fatal(err)
	}
	s, i := median(submits[:]), median(inserts[:])
	fmt.Fprintf(os.Stdout, "%s: %d answers stored; median %.0f submissions/s, %.0f bare INSERTs/s, ratio %.2f\n", a.DB.Server(), n, s, i, s/i)
}

// measure spreads b.N calls over the clients and returns calls a second. Each
// client makes its own f.
func measure(b *testing.B, client func() (f func(i int) error)) float64 {
	b.Helper()
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for range benchClients {
		ready.Add(1)
		done.Go(func() {
			f := client()
			ready.Done()
			<-begin
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				start := time.Now()
				if err := f(i); err != nil {
					failed.Store(&err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	ready.Wait()
	b.ResetTimer()
	start := time.Now()
	close(begin)
	done.Wait()
	all := time.Since(start)
	b.StopTimer()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	slices.Sort(took)
	rate := float64(b.N) / all.Seconds()
	b.ReportMetric(rate, "per-s")
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "p99-ms")
	b.ReportMetric(0, "ns/op")
	return rate
}

// bareTable returns a function that stores one row of a response's size in a
// transaction of its own.
func bareTable(b *testing.B, dsn string) func(int) error {
	b.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		b.Fatal(err)
	}
	password, _ := u.User.Password()
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)%s", u.User.Username(), password, u.Host, u.Path))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(benchClients)
	db.SetMaxIdleConns(benchClients)
	if _, err := db.Exec("CREATE TABLE bare (id CHAR(36) CHARACTER SET ascii NOT NULL PRIMARY KEY, answers TEXT NOT NULL, received_at DATETIME(6) NOT NULL)"); err != nil {
		b.Fatal(err)
	}
	insert, err := db.Prepare("INSERT INTO bare VALUES (?, ?, ?)")
	if err != nil {
		b.Fatal(err)
	}
	answers := string(someAnswers().Canonical())
	answers += strings.Repeat(" ", max(0, 300-len(answers)))
	return func(int) error {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		_, err = insert.Exec(id.String(), answers, time.Now().UTC())
		return err
	}
}

// wire is an HTTP client that costs little, since it runs on the processors that
// are to be measured: one connection, requests written as they are.
type wire struct {
	conn net.Conn
	read *bufio.Reader
}

func dialWire(addr string) (*wire, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &wire{c, bufio.NewReader(c)}, nil
}

// submit sends the answers and waits for their receipt.
func (w *wire) submit(s submission) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST /api/v1/collectors/%s/responses HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", s.code, len(s.body))
	b.Write(s.body)
	if _, err := w.conn.Write(b.Bytes()); err != nil {
		return err
	}
	reply, err := http.ReadResponse(w.read, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(reply.Body)
	reply.Body.Close()
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusCreated || !bytes.Contains(body, []byte(`"receipt"`)) {
		return fmt.Errorf("%s: %s", reply.Status, body)
	}
	return nil
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}
