package screening_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/screening"
)

// A service is a sandbox that counts the searches it performs, by the last name, and has some go wrong.
type service struct {
	*httptest.Server
	sandbox *sandbox.Sandbox
	fault   func(number int, name string) string // of a last name, or the email of a check: "", or what goes wrong: see the cases of ServeHTTP
	delay   time.Duration                        // of each search
	other   func(path string) int                // the status of everything else; nil, or 0, for what the sandbox says
	lags    func(path string) bool               // what is read is not there yet; nil for never

	mu       sync.Mutex
	searches map[string]int
	number   int
}

func newService(t testing.TB, opts ...sandbox.Option) *service {
	t.Helper()
	sb, err := sandbox.New(append(opts, sandbox.WithProcessing(0, 0))...)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{sandbox: sb, searches: make(map[string]int), fault: func(int, string) string { return "" }}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && s.lags != nil && s.lags(r.URL.Path) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/watchlist/search") && !strings.HasSuffix(r.URL.Path, "/check/create") {
		if s.other != nil {
			if status := s.other(r.URL.Path); status != 0 {
				w.WriteHeader(status)
				return
			}
		}
		s.sandbox.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // half a request, of a process that was killed: there is nobody to search for
	}
	var person struct{ LastName, Email string }
	_ = json.Unmarshal(body, &person)
	s.mu.Lock()
	s.number++
	fault := s.fault(s.number, cmp.Or(person.LastName, person.Email))
	s.mu.Unlock()
	time.Sleep(s.delay)
	switch fault {
	case "429", "429 for a year":
		w.Header().Set("Retry-After", map[string]string{"429": "0", "429 for a year": "31536000"}[fault])
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case "400", "403", "404", "405", "410", "503":
		status, _ := strconv.Atoi(fault)
		w.WriteHeader(status)
		return
	case "reset before":
		panic(http.ErrAbortHandler)
	}
	if person.LastName != "" {
		s.mu.Lock()
		s.searches[person.LastName]++
		s.mu.Unlock()
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if fault == "reset after" {
		s.sandbox.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	s.sandbox.ServeHTTP(w, r)
}

func (s *service) client(t testing.TB) *api.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return s.clientOf(t, transport)
}

func (s *service) clientOf(t testing.TB, transport http.RoundTripper) *api.Client {
	t.Helper()
	client, err := api.New(s.sandbox.Key, s.sandbox.Secret, api.WithBaseURL(s.URL+"/api"), api.WithHTTPClient(&http.Client{Transport: transport}),
		api.WithRecoveryWindow(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// sent returns how many searches were sent.
func (s *service) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

// counts returns how many names were searched once, and which more often.
func (s *service) counts() (once int, more []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, n := range s.searches {
		if n == 1 {
			once++
		} else {
			more = append(more, fmt.Sprintf("%s: %d", name, n))
		}
	}
	return once, more
}

func open(t *testing.T, s *service, file string, opts ...screening.Option) *screening.Screening {
	t.Helper()
	db, err := screening.SQLite(file)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := screening.New(t.Context(), s.client(t), db, append([]screening.Option{screening.WithGroup(s.sandbox.GroupID)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sc.Close()
		_ = db.Close()
	})
	return sc
}

// people returns made-up rows.
func people(n int) iter.Seq2[screening.Row, error] {
	return func(yield func(screening.Row, error) bool) {
		for i := range n {
			row := screening.Row{Number: int64(i + 1), ID: fmt.Sprint("customer-", i+1), FirstName: "Maria", LastName: fmt.Sprintf("Person%d", i+1)}
			if i%10 == 0 {
				row.LastName += "+hits-2"
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func add(t *testing.T, sc *screening.Screening, rows iter.Seq2[screening.Row, error]) screening.Added {
	t.Helper()
	added, err := sc.Add(t.Context(), "people", screening.Search, rows)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func status(t *testing.T, sc *screening.Screening) screening.Status {
	t.Helper()
	st, err := sc.Status(t.Context(), "people")
	if err != nil {
		t.Fatal(err)
	}
	return st
}
