package screening

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
)

// newLedger returns a screening of one row.
func newLedger(t *testing.T) *Screening {
	t.Helper()
	client, err := api.New("key", "secret")
	if err != nil {
		t.Fatal(err)
	}
	db, err := SQLite(filepath.Join(t.TempDir(), "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), client, db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		_ = db.Close()
	})
	if _, err := s.Add(t.Context(), "people", Search, func(yield func(Row, error) bool) {
		yield(Row{Number: 1, FirstName: "Ana", LastName: "Sol"}, nil)
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// A row that two jobs have at once is claimed for one of them, within one commit as well.
func TestRowOfTwoJobsIsClaimedOnce(t *testing.T) {
	s := newLedger(t)
	w := &worker{s: s, stopping: t.Context(), finishing: t.Context(), recording: t.Context()}
	var rows sync.WaitGroup
	rows.Add(3)
	one := func() *task { return &task{entry{list: "people", number: 1, state: Waiting}, &rows} }
	if claimed := w.claim([]*task{one(), one(), one()}); len(claimed) != 1 {
		t.Fatalf("it was claimed %d times", len(claimed))
	}
	rows.Done()
	rows.Wait() // the others are over
}

// An outcome that is recorded once more, because nobody knows whether it was, changes nothing of the next claim of the row: otherwise it
// would be sent twice.
func TestLateOutcomeIsNotOfTheNextClaim(t *testing.T) {
	s := newLedger(t)
	take := func(name string, want bool) {
		t.Helper()
		c := &claim{list: "people", numbers: []int64{1}, worker: s.id, token: name}
		if err := s.ledger.claim(t.Context(), c); c.claimed[1] != want || err != nil {
			t.Errorf("claim %s: %v, %v", name, c.claimed, err)
		}
	}
	record := func(claim string, o outcome, want State) {
		t.Helper()
		if err := s.ledger.record(t.Context(), &note{list: "people", number: 1, token: claim, outcome: o}); err != nil {
			t.Error(err)
		}
		if st, err := s.Status(t.Context(), "people"); st.Rows[want] != 1 || err != nil {
			t.Errorf("after %s of claim %s: %v, %v", o.state, claim, st, err)
		}
	}
	take("first", true)
	record("first", outcome{state: Waiting}, Waiting)
	take("second", true)
	record("first", outcome{state: Waiting}, Sending)
	take("third", false)
	record("second", outcome{state: Unknown}, Unknown)
	if n, err := s.Repeat(t.Context(), "people", Unknown); n != 1 || err != nil {
		t.Error(n, err)
	}
	record("first", outcome{state: Done}, Waiting)
	record("second", outcome{state: Done}, Done) // it was not sent again yet: this is what came of it
	record("second", outcome{state: Sent}, Done) // in whatever order
}

// In a file that no other process works on, whoever was sending is dead, whatever the clock says now.
func TestBuryWhenTheClockWentBack(t *testing.T) {
	s := newLedger(t)
	if err := s.ledger.seen(t.Context(), "the one before"); err != nil {
		t.Fatal(err)
	}
	c := &claim{list: "people", numbers: []int64{1}, worker: "the one before", token: "a claim"}
	if err := s.ledger.claim(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ledger.update(t.Context(), `UPDATE aver_screening_worker SET seen_at = seen_at + 3600000`); err != nil {
		t.Fatal(err)
	}
	if dead, err := s.ledger.bury(t.Context(), deadAfter); len(dead) > 0 || err != nil {
		t.Errorf("%q, %v", dead, err)
	}
	if dead, err := s.ledger.bury(t.Context(), 0); len(dead) != 1 || err != nil {
		t.Errorf("%q, %v", dead, err)
	}
	if st, err := s.Status(t.Context(), "people"); st.Rows[Unknown] != 1 || err != nil {
		t.Errorf("%v, %v", st, err)
	}
}

// Nobody waits for a database that does not answer longer than they want to.
func TestDatabaseThatDoesNotAnswer(t *testing.T) {
	l := &ledger{changes: make(chan *change), ended: make(chan struct{})}
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-l.changes // and never a word of it
		leave()
	}()
	for range 2 { // when it has the change, and when it takes none
		if err := l.seen(ctx, "a worker"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	close(l.ended)
	if err := l.seen(context.Background(), "a worker"); !errors.Is(err, errEnded) {
		t.Error(err)
	}
}

// A change that the database refuses is refused alone.
func TestOneOfManyIsRefused(t *testing.T) {
	s := newLedger(t)
	begun, goOn := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 3)
	go func() {
		ended <- s.ledger.do(t.Context(), func(*sql.Tx) error {
			close(begun)
			<-goOn
			return nil
		})
	}()
	<-begun // what follows comes together
	bad := make(chan error, 1)
	var asked sync.WaitGroup
	asked.Go(func() {
		_, err := s.ledger.update(t.Context(), `UPDATE no_such_table SET a = 1`)
		bad <- err
	})
	for range 2 {
		asked.Go(func() { ended <- s.ledger.seen(t.Context(), newClaim()) })
	}
	time.AfterFunc(50*time.Millisecond, func() { close(goOn) })
	asked.Wait()
	for range 3 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := <-bad; err == nil {
		t.Error("what cannot be done was done")
	}
}

// What a transaction claimed that was undone is not claimed: another process may have the row since.
func TestClaimThatWasUndone(t *testing.T) {
	s := newLedger(t)
	try := func(c *claim, commit bool) {
		t.Helper()
		tx, err := s.ledger.db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		if err := errors.Join(s.ledger.dialect.claim(s.ledger, tx, c), end()); err != nil {
			t.Fatal(err)
		}
	}
	mine := &claim{list: "people", numbers: []int64{1}, worker: s.id, token: "mine", claimed: make(map[int64]bool)}
	theirs := &claim{list: "people", numbers: []int64{1}, worker: "another", token: "theirs", claimed: make(map[int64]bool)}
	try(mine, false)
	try(theirs, true)
	try(mine, true)
	if mine.claimed[1] || !theirs.claimed[1] {
		t.Errorf("mine: %v, theirs: %v", mine.claimed, theirs.claimed)
	}
}

// A caller that leaves before its change is made has nothing written to that it holds; the race detector tells.
func TestCallerThatLeavesBeforeItsChange(t *testing.T) {
	s := newLedger(t)
	only, err := s.ledger.db.Conn(t.Context()) // so that the change waits
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, leave)
	time.AfterFunc(100*time.Millisecond, func() { _ = only.Close() })
	if n, err := s.ledger.repeat(ctx, "people", 1, Waiting); n != 0 || !errors.Is(err, context.Canceled) {
		t.Error(n, err)
	}
	if err := s.ledger.seen(t.Context(), s.id); err != nil { // after it
		t.Error(err)
	}
}
