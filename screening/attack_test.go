package screening_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/screening"
)

// teamArgs is a job of an application that has River in the same database.
type teamArgs struct{}

func (teamArgs) Kind() string { return "team" }

// An application that has River in the same database keeps its jobs and its leader: screening has tables of its own.
func TestApplicationHasRiverToo(t *testing.T) {
	address := postgres(t)
	s := newService(t)
	pool, err := pgxpool.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	withScreening(t, s, address, func(sc *screening.Screening) {
		add(t, sc, people(20))
		work(t, sc)
		driver := riverpgxv5.New(pool)
		migrator, err := rivermigrate.New(driver, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
			t.Fatal(err)
		}
		team, err := river.NewClient(driver, &river.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := team.Insert(t.Context(), teamArgs{}, nil); err != nil {
			t.Fatal(err)
		}
		add(t, sc, people(40))
		work(t, sc)
		var theirs, kinds int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE state = 'available'), count(DISTINCT kind) FROM public.river_job`).
			Scan(&theirs, &kinds); err != nil || theirs != 1 || kinds != 1 {
			t.Errorf("the application has %d jobs of %d kinds, %v", theirs, kinds, err)
		}
	})
}

// A list belongs to a check group: what a sandbox was asked is not taken for what the service was.
func TestListOfAnotherGroup(t *testing.T) {
	s := newService(t)
	file := filepath.Join(t.TempDir(), "people.db")
	withScreening(t, s, file, func(sc *screening.Screening) {
		add(t, sc, people(3))
		work(t, sc)
	})
	sc := open(t, s, file, screening.WithGroup("another group"))
	if _, err := sc.Add(t.Context(), "people", screening.Search, people(3)); err == nil || !strings.Contains(err.Error(), "another check group") {
		t.Errorf("%v", err)
	}
	if err := sc.Work(t.Context(), "people"); err == nil || !strings.Contains(err.Error(), "another check group") {
		t.Errorf("%v", err)
	}
	if err := sc.Work(t.Context(), "typo"); err == nil || !strings.Contains(err.Error(), "no list") {
		t.Errorf("%v", err)
	}
}

// A gateway that answers for the service, for a while, says nothing about the rows.
func TestGatewayInMaintenance(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := newService(t)
			s.fault = func(number int, _ string) string {
				if number > 5 && number < 12 {
					return fmt.Sprint(status)
				}
				return ""
			}
			sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithConcurrency(2))
			add(t, sc, people(30))
			work(t, sc)
			if once, more := s.counts(); once != 30 || len(more) > 0 || status == 0 || statusOf(t, sc) != "30 rows: 30 done; 3 with hits" {
				t.Errorf("%d once, %v: %s", once, more, statusOf(t, sc))
			}
		})
	}
}

func statusOf(t *testing.T, sc *screening.Screening) string {
	t.Helper()
	text, _, _ := strings.Cut(status(t, sc).String(), "; paused")
	return text
}

// One that answers 400 for good ends the work, although rows were taken before; what was found before stays in sight.
func TestServiceThatRefusesFromSomeRowOn(t *testing.T) {
	s := newService(t)
	s.fault = func(number int, _ string) string {
		if number > 300 {
			return "400"
		}
		return ""
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	add(t, sc, people(250))
	work(t, sc)
	add(t, sc, people(1000))
	if err := sc.Work(t.Context(), "people"); err == nil || !strings.Contains(err.Error(), "refuses every row") {
		t.Fatalf("%v", err)
	}
	st := status(t, sc)
	if st.Rows[screening.Refused] < 100 || st.Rows[screening.Refused] > 200 || st.Rows[screening.Waiting] < 450 {
		t.Errorf("%v", st)
	}
	if n, err := sc.Recheck(t.Context(), "people", 0); n != 300 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := sc.Work(t.Context(), "people"); err == nil {
		t.Error("it ended well")
	}
	again := status(t, sc)
	if again.Hits == 0 {
		t.Errorf("%v", again)
	}
	if n, err := sc.Recheck(t.Context(), "people", 0); n < 1 || err != nil { // those that had results are due still
		t.Errorf("%d, %v", n, err)
	}
	s.fault = func(int, string) string { return "" }
	if _, err := sc.Repeat(t.Context(), "people", screening.Refused); err != nil {
		t.Error(err)
	}
	work(t, sc)
	if st := status(t, sc); st.Rows[screening.Done] != 1000 {
		t.Errorf("%v", st)
	}
}

// What is forgotten is not in the file any more.
func TestPurgedIsGone(t *testing.T) {
	s := newService(t)
	file := filepath.Join(t.TempDir(), "people.db")
	sc := open(t, s, file)
	add(t, sc, people(300))
	work(t, sc)
	if n, err := sc.Purge(t.Context(), "people", ""); n != 300 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, name := range []string{file, file + "-wal"} {
		content, err := os.ReadFile(name)
		if n := strings.Count(string(content), "customer-"); n > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s holds %d people, %v", filepath.Base(name), n, err)
		}
	}
}

// A file that is removed while it is worked on is missed.
func TestFileThatIsRemoved(t *testing.T) {
	s := newService(t)
	file := filepath.Join(t.TempDir(), "people.db")
	sc := open(t, s, file)
	s.delay = 5 * time.Millisecond
	add(t, sc, people(10_000))
	var once atomic.Bool
	s.fault = func(number int, _ string) string {
		if number > 50 && once.CompareAndSwap(false, true) {
			_ = os.Remove(file)
		}
		return ""
	}
	if err := sc.Work(t.Context(), "people"); err == nil || !strings.Contains(err.Error(), "was removed or replaced") {
		t.Errorf("%v", err)
	}
}

// Work ends soon after it is to end, although the database does not answer.
func TestDatabaseThatIsGone(t *testing.T) {
	address, end := postgresThatEnds(t)
	s := newService(t)
	db, err := database(address)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := screening.New(t.Context(), s.client(t), db, screening.WithGroup(s.sandbox.GroupID))
	if err != nil {
		t.Fatal(err)
	}
	add(t, sc, people(5000))
	ctx, leave := context.WithCancel(t.Context())
	var once atomic.Bool
	s.fault = func(number int, _ string) string {
		if number > 100 && once.CompareAndSwap(false, true) {
			go func() {
				end()
				leave()
			}()
		}
		return ""
	}
	ended := make(chan error, 1)
	go func() { ended <- sc.Work(ctx, "people") }()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	case <-time.After(40 * time.Second):
		t.Fatal("it does not end")
	}
}

// A row that is marked to be sent again has nothing of before: what lags is waited for, and an older search is not taken for it.
func TestMarkedRowBeginsAnew(t *testing.T) {
	s := newService(t)
	client := s.client(t)
	created, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{
		GroupID: s.sandbox.GroupID, ThirdPartyIdentifier: "customer", Email: "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	faults := []string{"reset before", "reset before"}
	s.fault = func(number int, _ string) string {
		if number-2 < len(faults) { // the first was the check
			return faults[number-2]
		}
		return ""
	}
	var looks atomic.Int32
	s.lags = func(path string) bool { // the first look at what was performed
		return strings.Contains(path, "/watchlist/") && !strings.Contains(path, "getbycheckid") && looks.Add(1) == 1
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithMayLag(time.Second))
	add(t, sc, func(yield func(screening.Row, error) bool) {
		yield(screening.Row{Number: 1, FirstName: "Ana", LastName: "Sol", CheckID: created.CheckID}, nil)
	})
	for i, want := range []screening.State{screening.Unknown, screening.Unknown, screening.Done} {
		work(t, sc)
		if r := results(t, sc)[0]; r.State != want {
			t.Fatalf("%d: %s, %s", i, r.State, r.Reason)
		}
		if want == screening.Unknown {
			if err := sc.Mark(t.Context(), "people", 1, screening.Waiting); err != nil {
				t.Fatal(err)
			}
		}
	}
	if once, more := s.counts(); once != 1 || len(more) > 0 {
		t.Errorf("%d, %v", once, more)
	}
}

// Neither a row nor what came of it is in anything that is printed or logged.
func TestNothingPersonalIsPrinted(t *testing.T) {
	r := screening.Result{
		Row:   screening.Row{Number: 7, ID: "private", FirstName: "private", Email: "private@example.com"},
		State: screening.Sent, Link: "https://example.com/?accessCode=private",
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("result", "result", r, "pointer", &r, "row", r.Row)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("result", "result", r, "pointer", &r, "row", r.Row)
	for _, text := range []string{logged.String(), fmt.Sprint(r, &r, r.Row), fmt.Sprintf("%+v %#v %s %q %x %d", r, r, r, r, r, r)} {
		if strings.Contains(text, "private") || strings.Contains(text, "70726976617465") || !strings.Contains(text, "row 7 is sent") {
			t.Error(text)
		}
	}
}

// With another key nothing can be sent, and nothing is lost.
func TestWorkWithAnotherKey(t *testing.T) {
	s := newService(t)
	file := filepath.Join(t.TempDir(), "people.db")
	with := func(key string, do func(*screening.Screening)) {
		db, err := screening.SQLite(file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		sc, err := screening.New(t.Context(), s.client(t), db, screening.WithGroup(s.sandbox.GroupID),
			screening.WithKey([]byte(strings.Repeat(key, 32))))
		if err != nil {
			t.Fatal(err)
		}
		defer sc.Close()
		do(sc)
	}
	with("a", func(sc *screening.Screening) { add(t, sc, people(50)) })
	with("b", func(sc *screening.Screening) {
		if err := sc.Work(t.Context(), "people"); err == nil || !strings.Contains(err.Error(), "key is not the database's") {
			t.Errorf("%v", err)
		}
	})
	with("a", func(sc *screening.Screening) { work(t, sc) })
	if once, more := s.counts(); once != 50 || len(more) > 0 {
		t.Errorf("%d once, %v", once, more)
	}
}

// What cannot be read is told, and read later: without waiting the work ends.
func TestResultsThatCannotBeRead(t *testing.T) {
	for _, code := range []int{http.StatusBadRequest, http.StatusConflict, http.StatusServiceUnavailable} {
		s := newService(t)
		var mended atomic.Bool
		s.other = func(path string) int {
			if strings.HasSuffix(path, "/results") && !mended.Load() {
				return code
			}
			return 0
		}
		sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithoutWaiting())
		add(t, sc, people(3))
		work(t, sc)
		for _, r := range results(t, sc) {
			if r.State != screening.Sent || r.Reason == "" || r.ServiceID == "" {
				t.Errorf("%v: %q", r, r.Reason)
			}
		}
		mended.Store(true)
		until(t, func() bool {
			work(t, sc)
			return statusOf(t, sc) == "3 rows: 3 done; 1 with hits"
		})
	}
}

// A row that the service forbids, when it takes others, is one row's matter.
func TestForbiddenRow(t *testing.T) {
	s := newService(t)
	s.fault = func(_ int, name string) string {
		if name == "Person15" {
			return "403"
		}
		return ""
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithConcurrency(1))
	add(t, sc, people(30))
	work(t, sc)
	if st := status(t, sc); st.Rows[screening.Done] != 29 || st.Rows[screening.Refused] != 1 {
		t.Errorf("%v", st)
	}
}

// All wait when the service asks for it, for as long as can be meant.
func TestAllWaitWhenAsked(t *testing.T) {
	s := newService(t)
	s.fault = func(number int, _ string) string {
		if number > 50 {
			return "429 for a year"
		}
		return ""
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	add(t, sc, people(500))
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sc.Work(ctx, "people") }()
	until(t, func() bool { return !status(t, sc).PausedUntil.IsZero() })
	until(t, func() bool { return status(t, sc).Rows[screening.Sending] == 0 })
	if left := time.Until(status(t, sc).PausedUntil); left > 15*time.Minute || left < 14*time.Minute {
		t.Errorf("paused for %v", left)
	}
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := s.sent(); n > 50+16 { // what was under way
		t.Errorf("%d were sent", n)
	}
	if st := status(t, sc); st.Rows[screening.Waiting] < 450 || st.Rows[screening.Unknown] > 0 {
		t.Errorf("%v", st)
	}
}
