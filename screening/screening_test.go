package screening_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/screening"
)

func TestEverybodyIsSearchedOnce(t *testing.T) {
	s := newService(t)
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	const n = 500
	if added := add(t, sc, people(n)); added != (screening.Added{New: n}) {
		t.Errorf("%+v", added)
	}
	if added := add(t, sc, people(n)); added != (screening.Added{Before: n}) {
		t.Errorf("again: %+v", added)
	}
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	if once, more := s.counts(); once != n || len(more) > 0 {
		t.Errorf("%d were searched once; %v", once, more)
	}
	if st := status(t, sc); st.Rows[screening.Done] != n || st.Hits != n/10 || st.Left() != 0 {
		t.Errorf("%v", st)
	}
	next := int64(1)
	for r, err := range sc.Results(t.Context(), "people") {
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if (next-1)%10 == 0 {
			want = 2
		}
		if r.Row.Number != next || r.Row.ID != fmt.Sprint("customer-", next) || r.ServiceID == "" || len(r.Results.WatchlistResults) != want {
			t.Errorf("%v: %s with %d hits", r.Row, r.State, len(r.Results.WatchlistResults))
		}
		next++
	}
	if next != n+1 {
		t.Errorf("%d results", next-1)
	}
	if err := sc.Work(t.Context(), "people"); err != nil { // nothing is left
		t.Error(err)
	}
}

// What is refused for certain is sent again; what may have been performed never is by itself.
func TestFaults(t *testing.T) {
	s := newService(t)
	lost := make(map[string]bool)
	s.fault = func(number int, name string) string {
		switch number % 50 {
		case 1:
			return "429"
		case 2:
			lost[name] = true // it may have been performed before
			return "503"
		case 3:
			lost[name] = true
			return "reset before"
		case 4:
			lost[name] = true
			return "reset after"
		}
		return ""
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	const n = 100
	add(t, sc, people(n))
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	st := status(t, sc)
	if _, more := s.counts(); len(more) > 0 {
		t.Errorf("searched more than once: %v", more)
	}
	for r := range sc.Results(t.Context(), "people") {
		if want := lost[r.Row.LastName]; want != (r.State == screening.Unknown) {
			t.Errorf("%v is %s: %s", r.Row, r.State, r.Reason)
		}
	}
	if st.Rows[screening.Done]+st.Rows[screening.Unknown] != n || st.Rows[screening.Unknown] == 0 {
		t.Errorf("%v", st)
	}

	s.fault = func(int, string) string { return "" }
	first, done := slices.Collect(unknown(t, sc))[0], int64(1)
	for lost[nameOf(t, sc, done)] {
		done++
	}
	if err := sc.Mark(t.Context(), "people", first, screening.Refused); err != nil {
		t.Error(err)
	}
	if err := sc.Mark(t.Context(), "people", done, screening.Waiting); err == nil {
		t.Error("a row that is done was marked")
	}
	if err := sc.Mark(t.Context(), "people", first, screening.Done); err == nil {
		t.Error("a row was marked done")
	}
	repeated, err := sc.Repeat(t.Context(), "people", screening.Unknown)
	if err != nil || repeated != st.Rows[screening.Unknown]-1 {
		t.Errorf("%d, %v", repeated, err)
	}
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	if st := status(t, sc); st.Rows[screening.Done] != n-1 || st.Rows[screening.Refused] != 1 {
		t.Errorf("%v", st)
	}
}

func unknown(t *testing.T, sc *screening.Screening) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for r, err := range sc.Results(t.Context(), "people") {
			if err != nil {
				t.Fatal(err)
			}
			if r.State == screening.Unknown && !yield(r.Row.Number) {
				return
			}
		}
	}
}

func TestRowsThatBreakTheContractAreNotSent(t *testing.T) {
	s := newService(t)
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	rows := []screening.Row{{Number: 1, FirstName: "Maria"}, {Number: 2, FirstName: "Maria", LastName: "Private"}, {Number: 3}}
	added := add(t, sc, func(yield func(screening.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	})
	if added != (screening.Added{New: 3, Invalid: 2}) {
		t.Errorf("%+v", added)
	}
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	if st := status(t, sc); st.Rows[screening.Done] != 1 || st.Rows[screening.Refused] != 2 {
		t.Errorf("%v", st)
	}
	for r := range sc.Results(t.Context(), "people") {
		if r.State == screening.Refused && !strings.Contains(r.Reason, "Name") {
			t.Errorf("%v: %s", r.Row, r.Reason)
		}
		if text := fmt.Sprintf("%v %+v %#v %s", r.Row, r.Row, r.Row, r.Row); strings.Contains(text, "Private") {
			t.Errorf("printed: %s", text)
		}
	}
	changed := people(1)
	if _, err := sc.Add(t.Context(), "people", screening.Search, changed); err == nil ||
		!strings.Contains(err.Error(), "row 1 of people is another than before") {
		t.Errorf("another list: %v", err)
	}
}

// A caller that leaves gets what is under way finished; what is not goes on the next time, in another process.
func TestInterruptedAndResumed(t *testing.T) {
	s := newService(t)
	file := filepath.Join(t.TempDir(), "people.db")
	const n = 300
	ctx, leave := context.WithCancel(t.Context())
	s.fault = func(number int, _ string) string {
		if number == 120 {
			leave()
		}
		return ""
	}
	withScreening(t, s, file, func(sc *screening.Screening) {
		add(t, sc, people(n))
		start := time.Now()
		if err := sc.Work(ctx, "people"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("it took %v to stop", took)
		}
		if st := status(t, sc); st.Rows[screening.Unknown] > 0 || st.Rows[screening.Sending] > 0 || st.Left() == 0 {
			t.Errorf("%v", st)
		}
	})
	sc := open(t, s, file)
	add(t, sc, people(n))
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	once, more := s.counts()
	if st := status(t, sc); st.Rows[screening.Done] != n || once != n || len(more) > 0 {
		t.Errorf("%v; %d once, %v", st, once, more)
	}
}

func TestCredentialsThatAreRefusedEndIt(t *testing.T) {
	s := newService(t)
	db, err := screening.SQLite(filepath.Join(t.TempDir(), "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	client, err := api.New("wrong", "wrong", api.WithBaseURL(s.URL+"/api"))
	if err != nil {
		t.Fatal(err)
	}
	sc, err := screening.New(t.Context(), client, db, screening.WithGroup(s.sandbox.GroupID))
	if err != nil {
		t.Fatal(err)
	}
	defer sc.Close()
	add(t, sc, people(10))
	if err := sc.Work(t.Context(), "people"); !errors.Is(err, api.ErrUnauthorized) {
		t.Errorf("%v", err)
	}
	if st := status(t, sc); st.Rows[screening.Waiting] != 10 {
		t.Errorf("%v", st)
	}
}

func TestKey(t *testing.T) {
	s := newService(t)
	file := filepath.Join(t.TempDir(), "people.db")
	key := make([]byte, 32)
	sc := open(t, s, file, screening.WithKey(key))
	add(t, sc, people(20))
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	if n := 0; true {
		for r, err := range sc.Results(t.Context(), "people") {
			if n++; err != nil || r.Row.FirstName != "Maria" || r.Results == nil {
				t.Errorf("%v: %v", r.Row, err)
			}
		}
	}
	other, err := screening.SQLite(file)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for want, opts := range map[string][]screening.Option{
		"give its key": nil, "not the database's": {screening.WithKey([]byte(strings.Repeat("k", 32)))},
	} {
		reader, err := screening.Read(other, opts...)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range reader.Results(t.Context(), "people") {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
		other, _ = screening.SQLite(file)
		defer other.Close()
	}
	if _, err := screening.New(t.Context(), s.client(t), other); !errors.Is(err, screening.ErrBusy) {
		t.Errorf("a second process: %v", err)
	}
}

// What was not asked for is not sent: neither another list, nor what is added and not worked on.
func TestListsAreApart(t *testing.T) {
	s := newService(t)
	sc := open(t, s, filepath.Join(t.TempDir(), "odd name?#%20é.db"))
	if _, err := sc.Add(t.Context(), "others", screening.Search, people(50)); err != nil {
		t.Fatal(err)
	}
	add(t, sc, people(20))
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	others, err := sc.Status(t.Context(), "others")
	if once, more := s.counts(); once != 20 || len(more) > 0 || err != nil || others.Rows[screening.Waiting] != 50 {
		t.Errorf("%d once, %v; the others: %v, %v", once, more, others, err)
	}
	if lists, err := sc.Lists(t.Context()); err != nil || !slices.Equal(lists, []string{"others", "people"}) {
		t.Errorf("%q, %v", lists, err)
	}
}

func TestNumbersAscend(t *testing.T) {
	s := newService(t)
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	for _, numbers := range [][]int64{{0}, {-1}, {1, 1}, {2, 1}} {
		_, err := sc.Add(t.Context(), fmt.Sprint(numbers), screening.Search, func(yield func(screening.Row, error) bool) {
			for _, n := range numbers {
				if !yield(screening.Row{Number: n, FirstName: "Ana", LastName: "Sol"}, nil) {
					return
				}
			}
		})
		if err == nil || !strings.Contains(err.Error(), "numbers begin with 1 and ascend") {
			t.Errorf("%v: %v", numbers, err)
		}
	}
}

// What is unknown is forgotten only by its name: added again, it would be sent again.
func TestPurge(t *testing.T) {
	s := newService(t)
	s.fault = func(number int, _ string) string {
		if number <= 2 {
			return "reset after"
		}
		return ""
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithConcurrency(1))
	add(t, sc, people(10))
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	lost := slices.Collect(unknown(t, sc))
	if n, err := sc.Purge(t.Context(), "people", ""); n != 8 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if st := status(t, sc); st.Rows[screening.Unknown] != 2 || st.Total() != 2 {
		t.Errorf("%v", st)
	}
	if n, err := sc.Purge(t.Context(), "people", fmt.Sprint("customer-", lost[0])); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func nameOf(t *testing.T, sc *screening.Screening, number int64) string {
	t.Helper()
	for r := range sc.Results(t.Context(), "people") {
		if r.Row.Number == number {
			return r.Row.LastName
		}
	}
	t.Fatalf("there is no row %d", number)
	return ""
}

// When the service takes no row at all, it is not the rows that are wrong: most of them are left as they are.
func TestServiceThatRefusesEveryRow(t *testing.T) {
	s := newService(t)
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithGroup("another group"))
	add(t, sc, people(500))
	err := sc.Work(t.Context(), "people")
	if !errors.Is(err, api.ErrInvalidRequest) || !strings.Contains(err.Error(), "refuses every row") || !strings.Contains(err.Error(), "groupId") {
		t.Errorf("%v", err)
	}
	st := status(t, sc)
	if st.Rows[screening.Waiting] < 400 || st.Rows[screening.Refused] < 20 {
		t.Errorf("%v", st)
	}
	if err := sc.Mark(t.Context(), "people", 1, screening.Waiting); err != nil {
		t.Error(err)
	}
}

// A search that was sent a moment ago, and cannot be read yet, is paid for: it is looked for again.
func TestSearchThatCannotBeReadAtOnce(t *testing.T) {
	s := newService(t)
	var mu sync.Mutex
	looked := make(map[string]bool)
	s.lags = func(path string) bool {
		mu.Lock()
		defer mu.Unlock()
		first := strings.Contains(path, "/watchlist/") && !looked[path]
		looked[path] = true
		return first && !strings.HasSuffix(path, "/results")
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	add(t, sc, people(10))
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
	if once, _ := s.counts(); once != 10 || status(t, sc).Rows[screening.Done] != 10 {
		t.Errorf("%d were sent; %v", once, status(t, sc))
	}
}

// A file has one Screening at a time, which may be followed by another.
func TestOneScreeningOfAFile(t *testing.T) {
	s := newService(t)
	db, err := screening.SQLite(filepath.Join(t.TempDir(), "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 2 {
		sc, err := screening.New(t.Context(), s.client(t), db, screening.WithGroup(s.sandbox.GroupID))
		if err != nil {
			t.Fatal(err)
		}
		add(t, sc, people(3))
		if _, err := screening.New(t.Context(), s.client(t), db); !errors.Is(err, screening.ErrBusy) {
			t.Errorf("a second one: %v", err)
		}
		if reader, err := screening.Read(db); err != nil || status(t, reader).Total() != 3 {
			t.Errorf("one that reads: %v", err)
		}
		work(t, sc)
		sc.Close()
		sc.Close()
	}
}

// What cannot be kept as it is is said before anything is sent.
func TestNamesAndIDsThatAreNoText(t *testing.T) {
	s := newService(t)
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	for _, list := range []string{"", "a\x00", "\xe9"} {
		if _, err := sc.Add(t.Context(), list, screening.Search, people(1)); err == nil || !strings.Contains(err.Error(), "no name for a list") {
			t.Errorf("%q: %v", list, err)
		}
	}
	if err := (screening.Row{ID: "\xe9", FirstName: "Ana", LastName: "Sol"}).Validate(screening.Search); err == nil {
		t.Error("an ID that is not UTF-8 is taken")
	}
}
