package screening_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/screening"
	"github.com/goaver/aver-go/webhook"
)

// persons returns made-up rows for checks; every other one has an ID.
func persons(n int) iter.Seq2[screening.Row, error] {
	return func(yield func(screening.Row, error) bool) {
		for i := range n {
			row := screening.Row{Number: int64(i + 1), Email: fmt.Sprintf("person%d@example.com", i+1)}
			if i%2 == 0 {
				row.ID = fmt.Sprint("customer-", i+1)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func addChecks(t *testing.T, sc *screening.Screening, rows iter.Seq2[screening.Row, error]) screening.Added {
	t.Helper()
	added, err := sc.Add(t.Context(), "people", screening.Check, rows)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func results(t *testing.T, sc *screening.Screening) []screening.Result {
	t.Helper()
	var all []screening.Result
	for r, err := range sc.Results(t.Context(), "people") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func work(t *testing.T, sc *screening.Screening) {
	t.Helper()
	if err := sc.Work(t.Context(), "people"); err != nil {
		t.Fatal(err)
	}
}

// ofEmails is a check that its person is done with when it is submitted.
var ofEmails = screening.WithCheck(api.CreateCheckRequest{CheckTypes: []api.CheckType{api.CheckTypeEmailVerification}})

// often has checks looked at again and again.
var often = screening.WithPolling(20*time.Millisecond, 20*time.Millisecond)

// A check is created once, its link handed out, and what became of it read when its person is done.
func TestChecks(t *testing.T) {
	s := newService(t)
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithKey(make([]byte, 32)), screening.WithoutWaiting(), often)
	const n = 40
	addChecks(t, sc, persons(n))
	work(t, sc)
	links, ids := make(map[string]bool), make(map[string]bool)
	for _, r := range results(t, sc) {
		if r.State != screening.Sent || r.Kind != screening.Check || !strings.Contains(r.Link, r.ServiceID) {
			t.Errorf("%v is %s: %s", r.Row, r.State, r.Reason)
		}
		if r.Row.ID != "" && !slices.Equal(s.sandbox.ChecksOf(r.Row.ID), []string{r.ServiceID}) {
			t.Errorf("%v: %v", r.Row, s.sandbox.ChecksOf(r.Row.ID))
		}
		links[r.Link], ids[r.ServiceID] = true, true
	}
	if len(links) != n || len(ids) != n {
		t.Errorf("%d links to %d checks", len(links), len(ids))
	}
	work(t, sc)
	if r := results(t, sc)[0]; r.Check == nil || r.Check.Status != api.CheckStatusCreated || r.Link == "" || !r.At.IsZero() {
		t.Errorf("after a look: %+v", r.Check)
	}
}

// What is done is read, whatever became of it.
func TestChecksThatAreDone(t *testing.T) {
	s := newService(t)
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), ofEmails, often)
	rows := []screening.Row{
		{Number: 1, ID: "fine", Email: "fine@example.com"}, {Number: 2, ID: "rejected", Email: "a+rejected@example.com"},
		{Number: 3, ID: "warned", Email: "a+country@example.com"}, {Number: 4, ID: "nobody", Email: "no email"}, {Number: 5, ID: "none"},
	}
	added := addChecks(t, sc, func(yield func(screening.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	})
	client := s.client(t)
	ended := make(chan error, 1)
	go func() { ended <- sc.Work(t.Context(), "people") }()
	for _, id := range []string{"fine", "rejected", "warned"} {
		until(t, func() bool { return len(s.sandbox.ChecksOf(id)) == 1 })
		if _, err := client.SubmitCheck(t.Context(), s.sandbox.ChecksOf(id)[0]); err != nil {
			t.Error(err)
		}
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if st := status(t, sc); added.Invalid != 2 || st.Rows[screening.Done] != 3 || st.Rows[screening.Refused] != 2 || st.Hits != 1 {
		t.Errorf("%+v, %v", added, st)
	}
	for _, r := range results(t, sc) {
		switch done := r.State == screening.Done && !r.At.IsZero() && r.Link == "" && r.Check != nil; {
		case r.Row.ID == "fine" && (!done || r.Check.Status != api.CheckStatusCompleted || r.Check.CheckResults == nil),
			r.Row.ID == "rejected" && (!done || r.Check.Status != api.CheckStatusRejected),
			r.Row.ID == "warned" && (!done || len(r.Check.Warnings) != 1),
			r.Row.ID == "none" && (r.State != screening.Refused || !strings.Contains(r.Reason, "email")):
			t.Errorf("%s is %s: %s, %+v", r.Row.ID, r.State, r.Reason, r.Check)
		}
	}
}

func until(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to that")
		}
	}
}

// With notifications nobody needs to look: those of the service, over HTTP.
func TestNotificationsBringOutcomes(t *testing.T) {
	var sc *screening.Screening
	receiver, err := webhook.New(func(ctx context.Context, event webhook.Event) error { return sc.Notify(ctx, event.ID) },
		webhook.WithSecret("Authorization", "proof"))
	if err != nil {
		t.Fatal(err)
	}
	here := httptest.NewServer(receiver)
	defer here.Close()
	s := newService(t, sandbox.WithWebhook(sandbox.Webhook{URL: here.URL, Header: "Authorization", Value: "proof"}))
	sc = open(t, s, filepath.Join(t.TempDir(), "people.db"), ofEmails, screening.WithPolling(time.Hour, time.Hour))
	const n = 20
	addChecks(t, sc, persons(n))
	ended := make(chan error, 1)
	go func() { ended <- sc.Work(t.Context(), "people") }()
	until(t, func() bool { return status(t, sc).Rows[screening.Sent] == n })
	client := s.client(t)
	for _, r := range results(t, sc) {
		if _, err := client.SubmitCheck(t.Context(), r.ServiceID); err != nil {
			t.Error(err)
		}
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if st := status(t, sc); st.Rows[screening.Done] != n {
		t.Errorf("%v", st)
	}
	for _, id := range []string{"another", results(t, sc)[0].ServiceID} {
		if err := sc.Notify(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if err := sc.Notify(t.Context(), ""); err == nil {
		t.Error("no ID is taken for one")
	}
}

// Whatever goes wrong, a person has one check; one that exists is taken, unless it is another person's.
func TestChecksAreCreatedOnce(t *testing.T) {
	s := newService(t)
	s.fault = func(number int, _ string) string {
		return map[int]string{1: "reset after", 2: "reset before", 3: "503", 4: "429"}[number%8]
	}
	client := s.client(t)
	there, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{
		GroupID: s.sandbox.GroupID, ThirdPartyIdentifier: "customer-1", Email: "person1@example.com"})
	for err != nil {
		there, err = client.CreateCheck(t.Context(), api.CreateCheckRequest{
			GroupID: s.sandbox.GroupID, ThirdPartyIdentifier: "customer-1", Email: "person1@example.com"})
	}
	other, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{
		GroupID: s.sandbox.GroupID, ThirdPartyIdentifier: "customer-3", Email: "another@example.com"})
	for err != nil {
		other, err = client.CreateCheck(t.Context(), api.CreateCheckRequest{
			GroupID: s.sandbox.GroupID, ThirdPartyIdentifier: "customer-3", Email: "another@example.com"})
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithoutWaiting())
	const n = 20
	addChecks(t, sc, persons(n))
	work(t, sc)
	for _, r := range results(t, sc) {
		switch {
		case r.Row.ID == "customer-1" && (r.State != screening.Sent || r.ServiceID != there.CheckID || r.Link == "" || r.Link == there.URL),
			r.Row.ID == "customer-3" && (r.State != screening.Refused || r.ServiceID == other.CheckID),
			r.Row.ID != "customer-3" && (r.State != screening.Sent || r.Link == ""):
			t.Errorf("%s is %s: %s", r.Row.ID, r.State, r.Reason)
		case r.Row.ID != "" && len(s.sandbox.ChecksOf(r.Row.ID)) != 1:
			t.Errorf("%s has %d checks", r.Row.ID, len(s.sandbox.ChecksOf(r.Row.ID)))
		}
	}
	if all, err := client.LookupChecks(t.Context(), api.LookupChecksRequest{Email: "person2@example.com"}); err != nil || len(all) != 1 {
		t.Errorf("%d checks of somebody without an ID, %v", len(all), err)
	}

	// The same file, in a database that knows nothing of it: nobody has a second check.
	sc = open(t, s, filepath.Join(t.TempDir(), "again.db"), screening.WithoutWaiting())
	addChecks(t, sc, persons(n))
	work(t, sc)
	for i := range n {
		found, err := client.LookupChecks(t.Context(), api.LookupChecksRequest{Email: fmt.Sprintf("person%d@example.com", i+1)})
		if want := 1; err != nil || len(found) != want && i != 2 {
			t.Errorf("%d checks, %v", len(found), err)
		}
	}
}

// A search of a check of which nobody knows whether it was performed is found by the check, and not sent again.
func TestSearchOfACheckIsReadBack(t *testing.T) {
	s := newService(t)
	client := s.client(t)
	var rows []screening.Row
	for i := range 3 {
		created, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{
			GroupID: s.sandbox.GroupID, ThirdPartyIdentifier: fmt.Sprint("customer-", i), Email: "a@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, screening.Row{Number: int64(i + 1), FirstName: "Ana", LastName: fmt.Sprint("Sol", i), CheckID: created.CheckID})
	}
	s.fault = func(_ int, name string) string {
		return map[string]string{"Sol0": "reset after", "Sol1": "reset before"}[name]
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithMayLag(3*time.Second))
	add(t, sc, func(yield func(screening.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	})
	work(t, sc)
	all := results(t, sc)
	for i, want := range []screening.State{screening.Done, screening.Unknown, screening.Done} {
		if all[i].State != want || want == screening.Done && all[i].Results == nil {
			t.Errorf("%v is %s: %s", all[i].Row, all[i].State, all[i].Reason)
		}
	}
	if once, more := s.counts(); once != 2 || len(more) > 0 {
		t.Errorf("%d were searched once; %v", once, more)
	}
}

// What is older than a time is searched again; until then the results stay.
func TestRecheck(t *testing.T) {
	s := newService(t)
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	const n = 30
	add(t, sc, people(n))
	work(t, sc)
	if again, err := sc.Recheck(t.Context(), "people", time.Hour); again != 0 || err != nil {
		t.Errorf("%d, %v", again, err)
	}
	if _, err := sc.Recheck(t.Context(), "people", -1); err == nil {
		t.Error("a negative age is taken")
	}
	before := results(t, sc)
	if again, err := sc.Recheck(t.Context(), "people", 0); again != n || err != nil {
		t.Errorf("%d, %v", again, err)
	}
	for i, r := range results(t, sc) {
		if r.State != screening.Waiting || r.Results == nil || r.At != before[i].At || r.ServiceID != before[i].ServiceID {
			t.Errorf("%v is %s of %v", r.Row, r.State, r.At)
		}
	}
	s.fault = func(number int, _ string) string {
		if number == n+1 {
			return "reset after"
		}
		return ""
	}
	work(t, sc)
	st := status(t, sc)
	if once, more := s.counts(); once != 0 || len(more) != n || st.Rows[screening.Done] != n-1 || st.Rows[screening.Unknown] != 1 {
		t.Errorf("%d were searched once, %d more often; %v", once, len(more), st)
	}
	for i, r := range results(t, sc) {
		switch {
		case r.State == screening.Unknown && (r.Results == nil || r.At != before[i].At):
			t.Errorf("%v lost its results", r.Row)
		case r.State == screening.Done && (!r.At.After(before[i].At) || r.ServiceID == before[i].ServiceID):
			t.Errorf("%v has its old results", r.Row)
		}
	}
}

func TestWrongOptions(t *testing.T) {
	s := newService(t)
	for want, opt := range map[string]screening.Option{
		"overrideThirdPartyIdentifier": screening.WithCheck(api.CreateCheckRequest{OverrideThirdPartyIdentifier: true}),
		"those of its row":             screening.WithCheck(api.CreateCheckRequest{Email: "a@example.com"}),
		"want 0 < least ≤ most":        screening.WithPolling(2, 1),
	} {
		db, err := screening.SQLite(filepath.Join(t.TempDir(), "people.db"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := screening.New(t.Context(), s.client(t), db, opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		_ = db.Close()
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"))
	add(t, sc, people(1))
	if _, err := sc.Add(t.Context(), "people", screening.Check, persons(1)); err == nil || !strings.Contains(err.Error(), "of kind") {
		t.Errorf("a list of two kinds: %v", err)
	}
	if _, err := sc.Add(t.Context(), "other", "checks", persons(1)); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a kind that is none: %v", err)
	}
}

// The link of a check that exists is made once the service makes it.
func TestLinkIsNotLost(t *testing.T) {
	s := newService(t)
	created, err := s.client(t).CreateCheck(t.Context(), api.CreateCheckRequest{
		GroupID: s.sandbox.GroupID, ThirdPartyIdentifier: "customer-1", Email: "person1@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	s.other = func(path string) int {
		if strings.HasSuffix(path, "/accesslink") && asked.Add(1) <= 5 {
			return http.StatusServiceUnavailable
		}
		return 0
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithoutWaiting())
	addChecks(t, sc, persons(1))
	work(t, sc)
	if r := results(t, sc)[0]; r.State != screening.Sent || r.ServiceID != created.CheckID || r.Link == "" || asked.Load() != 6 {
		t.Errorf("%v, after %d links: %s", r, asked.Load(), r.Reason)
	}
}

// A check that is refused, and cannot be looked up, is refused.
func TestRefusedCheckThatCannotBeLookedUp(t *testing.T) {
	s := newService(t)
	s.fault = func(int, string) string { return "400" }
	s.other = func(path string) int {
		if strings.HasSuffix(path, "/checklookup") {
			return http.StatusBadRequest
		}
		return 0
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithoutWaiting())
	addChecks(t, sc, persons(3))
	work(t, sc)
	if st := status(t, sc); st.Rows[screening.Refused] != 3 {
		t.Errorf("%v", st)
	}
}

// The search of before is not taken for one of which nobody knows whether it was performed.
func TestOldSearchIsNotTakenForTheNewOne(t *testing.T) {
	s := newService(t)
	created, err := s.client(t).CreateCheck(t.Context(), api.CreateCheckRequest{
		GroupID: s.sandbox.GroupID, ThirdPartyIdentifier: "customer", Email: "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	sc := open(t, s, filepath.Join(t.TempDir(), "people.db"), screening.WithMayLag(time.Second))
	add(t, sc, func(yield func(screening.Row, error) bool) {
		yield(screening.Row{Number: 1, FirstName: "Ana", LastName: "Sol", CheckID: created.CheckID}, nil)
	})
	work(t, sc)
	before := results(t, sc)[0]
	if n, err := sc.Recheck(t.Context(), "people", 0); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	s.fault = func(int, string) string { return "reset before" }
	work(t, sc)
	if r := results(t, sc)[0]; before.State != screening.Done || r.State != screening.Unknown || r.Results == nil || r.At != before.At {
		t.Errorf("%v, then %v: %s", before, r, r.Reason)
	}
}
