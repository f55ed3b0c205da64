package screening_test

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/screening"
)

var (
	chaosRows  = flag.Int("rows", 3000, "how many rows TestKilledTimeAndAgain has")
	chaosEvery = flag.Duration("every", 700*time.Millisecond, "how often it kills a process, until nine tenths of the rows were sent")
)

// TestMain is a worker as well: the chaos starts it, and kills it.
func TestMain(m *testing.M) {
	if file := os.Getenv("AVER_SCREENING_CHILD"); file != "" {
		if err := child(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(file string) error {
	client, err := api.New(os.Getenv("AVER_API_KEY"), os.Getenv("AVER_API_SECRET"), api.WithBaseURL(os.Getenv("AVER_BASE_URL")),
		api.WithRecoveryWindow(200*time.Millisecond))
	if err != nil {
		return err
	}
	db, err := database(file)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := screening.New(context.Background(), client, db, screening.WithGroup(os.Getenv("AVER_GROUP_ID")), screening.WithoutWaiting())
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Work(context.Background(), "people")
}

// database opens a file, or a PostgreSQL when its address is one.
func database(address string) (*screening.Database, error) {
	if !strings.HasPrefix(address, "postgres:") {
		return screening.SQLite(address)
	}
	pool, err := pgxpool.New(context.Background(), address)
	if err != nil {
		return nil, err
	}
	return screening.Postgres(pool), nil
}

// Processes that are killed time and again, and a service of which a tenth of the answers go wrong: nobody is searched twice, nobody is
// lost, and of whom it is unknown it truly is.
func TestKilledTimeAndAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, address string, processes int, cut func()) {
		s := newService(t)
		ambiguous := unreliable(s)
		withScreening(t, s, address, func(sc *screening.Screening) { add(t, sc, people(*chaosRows)) })
		killed := chaos(t, s, address, processes, *chaosRows*9/10, cut)
		withScreening(t, s, address, func(sc *screening.Screening) { judge(t, s, sc, ambiguous, killed) })
	})
}

// The same of checks: everybody has one, and its link.
func TestChecksOfTheKilled(t *testing.T) {
	onBoth(t, func(t *testing.T, address string, processes int, cut func()) {
		s := newService(t)
		unreliable(s)
		n := *chaosRows
		withScreening(t, s, address, func(sc *screening.Screening) { addChecks(t, sc, persons(n)) })
		killed := chaos(t, s, address, processes, n*9/10, cut)
		withScreening(t, s, address, func(sc *screening.Screening) {
			client, all := s.client(t), results(t, sc)
			for _, r := range all {
				found, err := client.LookupChecks(t.Context(), api.LookupChecksRequest{Email: r.Row.Email})
				if err != nil || len(found) != 1 || r.State != screening.Sent || r.ServiceID != found[0].ID ||
					!strings.Contains(r.Link, r.ServiceID) {
					t.Errorf("%v is %s and has %d checks: %s, %v", r.Row, r.State, len(found), r.Reason, err)
				}
			}
			if t.Logf("%d rows, killed %d times: %v; none has two checks", n, killed, status(t, sc)); killed == 0 || len(all) != n {
				t.Errorf("%d rows, killed %d times", len(all), killed)
			}
		})
	})
}

// onBoth tests with each database, where several processes may share it with all of them and connections that are cut.
func onBoth(t *testing.T, test func(t *testing.T, address string, processes int, cut func())) {
	t.Run("SQLite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "people.db"), 1, func() {}) })
	t.Run("PostgreSQL", func(t *testing.T) {
		address := postgres(t)
		pool, err := pgxpool.New(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		test(t, address, 3, func() {
			_, _ = pool.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE pid <> pg_backend_pid() AND datname IS NOT NULL`)
		})
	})
}

// unreliable has a tenth of the answers go wrong. It tells of whom it is truly ambiguous whether the search was performed.
func unreliable(s *service) (ambiguous map[string]bool) {
	ambiguous = make(map[string]bool)
	answered := make(map[string]bool)
	s.fault = func(_ int, name string) string {
		h := fnv.New32a()
		_, _ = h.Write([]byte(name))
		kind := map[uint32]string{0: "503", 1: "429", 2: "reset before", 3: "reset after"}[h.Sum32()%40]
		if answered[name] { // the first time alone
			return ""
		}
		answered[name], ambiguous[name] = true, kind != "" && kind != "429"
		return kind
	}
	return ambiguous
}

// chaos has processes work on a database, and kills one at intervals, until so many rows were sent. It returns how often.
func chaos(t *testing.T, s *service, address string, processes, until int, cut func()) (killed int) {
	start := func() (*exec.Cmd, chan error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "AVER_SCREENING_CHILD="+address, "AVER_API_KEY="+s.sandbox.Key, "AVER_API_SECRET="+s.sandbox.Secret,
			"AVER_BASE_URL="+s.URL+"/api", "AVER_GROUP_ID="+s.sandbox.GroupID)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		return cmd, ended
	}
	running, ended := make([]*exec.Cmd, processes), make([]chan error, processes)
	for i := range running {
		running[i], ended[i] = start()
	}
	over := 0
	for turn := 0; over < processes; turn++ {
		i := turn % processes
		if running[i] == nil {
			continue
		}
		select {
		case err := <-ended[i]:
			if err != nil {
				t.Fatal(err)
			}
			running[i] = nil // nothing was left
			over++
		case <-time.After(*chaosEvery):
			if s.sent() >= until {
				continue
			}
			_ = running[i].Process.Kill()
			<-ended[i]
			if killed++; killed%3 == 0 {
				cut()
			}
			running[i], ended[i] = start()
		}
	}
	return killed
}

func withScreening(t *testing.T, s *service, address string, do func(*screening.Screening)) {
	t.Helper()
	db, err := database(address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sc, err := screening.New(t.Context(), s.client(t), db, screening.WithGroup(s.sandbox.GroupID))
	if err != nil {
		t.Fatal(err)
	}
	defer sc.Close()
	do(sc)
}

// judge compares what the ledger says with what the service did.
func judge(t *testing.T, s *service, sc *screening.Screening, ambiguous map[string]bool, killed int) {
	st := status(t, sc)
	once, more := s.counts()
	s.mu.Lock()
	defer s.mu.Unlock()
	byKill := 0 // unknown for no other reason
	for r, err := range sc.Results(t.Context(), "people") {
		if err != nil {
			t.Fatal(err)
		}
		performed, lied := s.searches[r.Row.LastName], ambiguous[r.Row.LastName]
		switch {
		case r.State == screening.Unknown && !lied:
			byKill++
		case r.State == screening.Unknown, r.State == screening.Done && performed == 1 && !lied:
		default:
			t.Errorf("%v is %s and was performed %d times: %s", r.Row, r.State, performed, r.Reason)
		}
	}
	t.Logf("%d rows, killed %d times: %v, %d of the unknown by a kill; the service performed %d searches once, %d more often",
		*chaosRows, killed, st, byKill, once, len(more))
	if len(more) > 0 || st.Total() != int64(*chaosRows) || st.Left() != 0 {
		t.Errorf("%v, %v", st, more)
	}
	if byKill > 100*killed { // 16 rows are under way, up to 64 are claimed, and the outcome of others is being committed
		t.Errorf("%d rows are unknown by %d kills", byKill, killed)
	}
	if killed == 0 {
		t.Error("nothing was killed; give more rows")
	}
}
