package storetest_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

func TestMain(m *testing.M) {
	if os.Getenv("STORETEST_CHILD") != "" {
		startAndWait()
	}
	os.Exit(m.Run())
}

// startAndWait is a test process of its own: it starts a server, says where,
// and never stops it.
func startAndWait() {
	s, err := storetest.StartServer(context.Background(), os.Getenv("STORETEST_CHILD"))
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(s.Addr())
	time.Sleep(time.Hour)
}

func TestEveryDatabaseIsFreshAndMigrated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		runtime.GC() // the server must outlive the garbage of starting it
		have, want, err := db.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if have != want || have == 0 {
			t.Errorf("schema %d, program %d", have, want)
		}
		var areas int64
		if err := db.Read(t.Context()).Table("areas").Count(&areas).Error; err != nil || areas != 0 {
			t.Errorf("areas: %d, %v", areas, err)
		}
		if durable, err := db.Durable(t.Context()); err != nil || !durable {
			t.Errorf("durable: %v, %v", durable, err)
		}
	})
}

func TestServerAndItsFilesGoWithTheProcessThatStartedIt(t *testing.T) {
	if err := storetest.HasServer(); err != nil {
		storetest.Missing(t, err)
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "STORETEST_CHILD="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	said.Scan()
	addr := said.Text()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("the child's server at %q: %v", addr, err)
	}
	c.Close()

	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		if len(left) == 0 && err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the kill: files %v, connection error %v", left, err)
		}
	}
}
