package screening

import (
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertest"
)

// What is left of a list is handed out in jobs of a hundred rows, once at a time; what is not due, or not of the list, is not.
func TestHandOut(t *testing.T) {
	s := newLedger(t)
	numbers := func(list string, all ...int64) {
		t.Helper()
		if _, err := s.Add(t.Context(), list, Search, func(yield func(Row, error) bool) {
			for _, n := range all {
				if !yield(Row{Number: n, FirstName: "Ana", LastName: "Sol"}, nil) {
					return
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	numbers("people", 100, 101, 350, 1_000_000)
	numbers("others", 201)
	c := &claim{list: "people", numbers: []int64{350}, worker: s.id, token: "a claim"}
	if err := s.ledger.claim(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	later := outcome{state: Sent, serviceID: "s1", lookAt: time.Now().Add(time.Hour).UnixMilli()}
	if err := s.ledger.record(t.Context(), &note{list: "people", number: 350, token: "a claim", outcome: later}); err != nil {
		t.Fatal(err)
	}
	jobs, err := s.db.engine(&river.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time they are there
		if err := s.handOut(t.Context(), jobs, "people", ""); err != nil {
			t.Fatal(err)
		}
		rivertest.RequireManyInserted(t.Context(), t, riversqlite.New(s.ledger.db), []rivertest.ExpectedJob{
			{Args: chunkArgs{"people", 1, 100, ""}}, {Args: chunkArgs{"people", 101, 200, ""}}, {Args: chunkArgs{"people", 999_901, 1_000_000, ""}},
		})
	}
	if err := s.handOut(t.Context(), jobs, "others", "the end of a worker"); err != nil {
		t.Fatal(err)
	}
	rivertest.RequireManyInserted(t.Context(), t, riversqlite.New(s.ledger.db), []rivertest.ExpectedJob{
		{Args: chunkArgs{"people", 1, 100, ""}}, {Args: chunkArgs{"people", 101, 200, ""}}, {Args: chunkArgs{"people", 999_901, 1_000_000, ""}},
		{Args: chunkArgs{"others", 201, 300, "the end of a worker"}, Opts: &rivertest.RequireInsertedOpts{Queue: queue, MaxAttempts: 25}},
	})
	if err := forget(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	rivertest.RequireNotInserted(t.Context(), t, riversqlite.New(s.ledger.db), chunkArgs{}, nil)
}

// The older a check is, the later it is looked at again.
func TestLater(t *testing.T) {
	s := newLedger(t)
	for age, want := range map[time.Duration]time.Duration{
		0: time.Minute, 3 * time.Minute: time.Minute, time.Hour: 15 * time.Minute, 24 * time.Hour: 6 * time.Hour, 400 * time.Hour: 6 * time.Hour,
	} {
		o := s.later(entry{sentAt: time.Now().Add(-age).UnixMilli()})
		if got := time.Until(time.UnixMilli(o.lookAt)); got < want-time.Second || got > want+time.Second || o.state != Sent {
			t.Errorf("one that is %v old is looked at in %v; want %v", age, got, want)
		}
	}
}

// Whatever the service says can be stored in any database.
func TestStorable(t *testing.T) {
	for text, want := range map[string]string{"a\x00b": "a\uFFFDb", "\xe9t\xe9": "\uFFFDt\uFFFD", "été": "été", "": ""} {
		if got := storable(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
