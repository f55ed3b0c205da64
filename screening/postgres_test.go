package screening_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/goaver/aver-go/screening"
)

// postgres starts a PostgreSQL of its own, on a socket in a temporary folder, and returns its address. Without one on this machine the
// test is skipped, unless AVER_POSTGRES is set.
func postgres(t testing.TB) string {
	t.Helper()
	address, _ := postgresThatEnds(t)
	return address
}

// postgresThatEnds returns its end as well, for a test that needs one before its own.
func postgresThatEnds(t testing.TB) (address string, end func()) {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		if os.Getenv("AVER_POSTGRES") != "" {
			t.Fatal("there is no PostgreSQL; install the package postgresql")
		}
		t.Skip("there is no PostgreSQL here; make test-all installs one")
	}
	programs := found[len(found)-1]
	folder, err := os.MkdirTemp("", "aver-pg-") // short, for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	var as *syscall.SysProcAttr
	if os.Getuid() == 0 { // it refuses to run as root
		other, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(other.Uid)
		gid, _ := strconv.Atoi(other.Gid)
		if err := os.Chown(folder, uid, gid); err != nil {
			t.Fatal(err)
		}
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(programs, "initdb"), "-D", data, "-U", "aver", "-A", "trust", "-E", "UTF8", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = as, folder
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := exec.Command(filepath.Join(programs, "postgres"), "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=200")
	server.SysProcAttr, server.Dir = as, folder
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		_ = server.Process.Signal(syscall.SIGINT) // at once
		_ = server.Wait()
	})
	t.Cleanup(end)
	address = fmt.Sprintf("postgres:///postgres?user=aver&host=%s", url.QueryEscape(folder))
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		conn, err := pgx.Connect(context.Background(), address)
		if err == nil {
			_ = conn.Close(context.Background())
			return address, end
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatal(err)
		}
	}
}

// On PostgreSQL several workers share the rows.
func TestWorkersShareADatabase(t *testing.T) {
	address := postgres(t)
	s := newService(t)
	const n, workers = 1000, 3
	withScreening(t, s, address, func(sc *screening.Screening) { add(t, sc, people(n)) })
	ended := make(chan error, workers)
	for range workers {
		go func() {
			db, err := database(address)
			if err == nil {
				defer db.Close()
				var sc *screening.Screening
				if sc, err = screening.New(t.Context(), s.client(t), db, screening.WithGroup(s.sandbox.GroupID)); err == nil {
					defer sc.Close()
					err = sc.Work(t.Context(), "people")
				}
			}
			ended <- err
		}()
	}
	for range workers {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	withScreening(t, s, address, func(sc *screening.Screening) {
		once, more := s.counts()
		if st := status(t, sc); st.Rows[screening.Done] != n || once != n || len(more) > 0 {
			t.Errorf("%v; %d once, %v", st, once, more)
		}
	})
}

// A worker that joins takes its share within 5 seconds.
func TestWorkerThatJoins(t *testing.T) {
	address := postgres(t)
	s := newService(t)
	s.delay = 20 * time.Millisecond
	withScreening(t, s, address, func(sc *screening.Screening) { add(t, sc, people(50_000)) })
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var workers sync.WaitGroup
	defer workers.Wait()
	start := func() *atomic.Int64 {
		sent := new(atomic.Int64)
		workers.Go(func() {
			db, err := database(address)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			sc, err := screening.New(ctx, s.clientOf(t, &counting{sent: sent}), db, screening.WithGroup(s.sandbox.GroupID))
			if err != nil {
				t.Error(err)
				return
			}
			defer sc.Close()
			if err := sc.Work(ctx, "people"); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
		return sent
	}
	first := start()
	until(t, func() bool { return first.Load() > 200 })
	second, joined := start(), time.Now()
	until(t, func() bool { return second.Load() > 0 })
	before, then := first.Load(), second.Load()
	until(t, func() bool { return second.Load()-then > 500 })
	took := time.Since(joined)
	share := float64(second.Load()-then) / float64(second.Load()-then+first.Load()-before)
	t.Logf("%.0f %% within %v", share*100, took)
	if took > 5*time.Second || share < 0.4 {
		t.Errorf("%.0f %% within %v", share*100, took)
	}
	leave()
}

// A counting counts the searches that are sent through it.
type counting struct{ sent *atomic.Int64 }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/watchlist/search") {
		c.sent.Add(1)
	}
	return http.DefaultTransport.RoundTrip(r)
}
