package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/webhook"
)

func TestManyAtOnceAreHandledOnce(t *testing.T) {
	s := newSite(t)
	var checks []string
	for i := range 10 {
		checks = append(checks, s.check(fmt.Sprintf("p%d@example.com", i)))
	}
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			w := httptest.NewRecorder()
			req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(notification("LiveCheck", checks[i%len(checks)], "Completed")))
			req.Header.Set("X-Proof", secret)
			if s.receiver.ServeHTTP(w, req); w.Code != 204 {
				t.Errorf("%d", w.Code)
			}
		})
	}
	wg.Wait()
	if n := len(s.handled()); n != len(checks) {
		t.Errorf("%d events of %d checks", n, len(checks))
	}
}

// An asked counts the looks at a client.
type asked struct {
	webhook.Client
	looks []string
}

func (a *asked) GetCheck(ctx context.Context, id string, opts ...api.CallOption) (*api.Check, error) {
	a.looks = append(a.looks, "check")
	return a.Client.GetCheck(ctx, id, opts...)
}

func (a *asked) GetWatchlistSearch(ctx context.Context, id string, opts ...api.CallOption) (*api.WatchlistSearch, error) {
	a.looks = append(a.looks, "search")
	return a.Client.GetWatchlistSearch(ctx, id, opts...)
}

// What the type says is looked at first, and what is there not asked for again.
func TestStateIsReadOnce(t *testing.T) {
	s := newSite(t)
	a := &asked{Client: s.client}
	r, err := webhook.New(s.take, webhook.WithoutSecret(), webhook.WithClient(a))
	if err != nil {
		t.Fatal(err)
	}
	check, search := s.check("a@example.com"), s.search("b")
	for _, body := range []string{notification("OfflineCheck", check, "Completed"), notification("watchlistSEARCH", search, "Completed"),
		notification("Unheard", search, "Completed")} {
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	}
	if want := []string{"check", "search", "check", "search"}; !slices.Equal(a.looks, want) {
		t.Errorf("%q", a.looks)
	}
}

// A refusing client answers every look with a status.
type refusing struct {
	honest
	status int
	class  error
}

func (r refusing) GetCheck(context.Context, string, ...api.CallOption) (*api.Check, error) {
	return nil, &api.Error{Class: r.class, Status: r.status}
}

// Of what the service refuses, only what says that nothing can have the ID means that nothing has it.
func TestRefusedLooks(t *testing.T) {
	for status, want := range map[int]webhook.Outcome{
		400: webhook.Unknown, 422: webhook.Unknown, 404: webhook.Unknown, 405: webhook.Unconfirmed, 451: webhook.Unconfirmed,
		401: webhook.Unconfirmed,
		403: webhook.Unconfirmed, 429: webhook.Unconfirmed,
	} {
		class := map[int]error{404: api.ErrNotFound, 401: api.ErrUnauthorized, 403: api.ErrForbidden, 429: api.ErrRateLimited}[status]
		if class == nil {
			class = api.ErrInvalidRequest
		}
		var got webhook.Outcome
		r, err := webhook.New(func(context.Context, webhook.Event) error { return nil }, webhook.WithoutSecret(),
			webhook.WithClient(refusing{status: status, class: class}), webhook.WithHook(func(_ context.Context,
				d webhook.Delivery) {
				got = d.Outcome
			}))
		if err != nil {
			t.Fatal(err)
		}
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/",
			strings.NewReader(notification("LiveCheck", "c2", "Completed"))))
		if got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

func TestServiceThatIsAway(t *testing.T) {
	s := newSite(t)
	id := s.check("a@example.com")
	if err := s.sandbox.SetFaults(sandbox.Faults{Rate: 1, Kinds: []sandbox.Fault{sandbox.Fault503}}); err != nil {
		t.Fatal(err)
	}
	body := notification("OfflineCheck", id, "Completed")
	if status := s.post(body); status != 503 || len(s.handled()) != 0 || s.last().Outcome != webhook.Unconfirmed {
		t.Errorf("%d, %v", status, s.outcomes())
	}
	if err := s.sandbox.SetFaults(sandbox.Faults{}); err != nil {
		t.Fatal(err)
	}
	if status := s.post(body); status != 204 || len(s.handled()) != 1 {
		t.Errorf("%d, %v", status, s.outcomes())
	}
}

func TestWaitsEndWithANotification(t *testing.T) {
	s := newSite(t)
	s.subscribe()
	id := s.begin("a@example.com")
	seen := make(chan struct{}, 10)
	go func() {
		<-seen
		s.check("other@example.com") // which concerns nobody
		if _, err := s.client.SubmitCheck(t.Context(), id); err != nil {
			t.Error(err)
		}
	}()
	check, err := s.client.WaitForCheck(t.Context(), id, s.receiver.Wake(), api.WithPollInterval(time.Hour, time.Hour),
		api.WithProgress(func(string) { seen <- struct{}{} }))
	if err != nil || check.Status != api.CheckStatusCompleted {
		t.Errorf("%v, %v", check, err)
	}
	if len(seen) != 1 {
		t.Errorf("%d looks", len(seen)+1)
	}
}

func TestReconcileBringsWhatWasMissed(t *testing.T) {
	s := newSite(t)
	missed, handled, open, search := s.check("a@example.com"), s.check("b@example.com"), s.begin("c@example.com"), s.search("d")
	s.post(notification("OfflineCheck", handled, "Completed"))
	err := s.receiver.Reconcile(t.Context(), missed, handled, open, search, "made-up", missed)
	if !errors.Is(err, webhook.ErrUnknown) || strings.Count(err.Error(), "made-up") != 1 || strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("%v", err)
	}
	got := make(map[string]int)
	for _, e := range s.handled() {
		got[e.ID]++
	}
	if len(got) != 3 || got[missed] != 1 || got[handled] != 1 || got[search] != 1 {
		t.Errorf("%v", got)
	}
	if s.post(notification("OfflineCheck", missed, "Completed")); len(s.handled()) != 3 {
		t.Error("what was reconciled came again")
	}

	s.handle = func(context.Context, webhook.Event) error { panic("private") }
	if err := s.receiver.Reconcile(t.Context(), s.check("e@example.com")); err == nil || strings.Contains(err.Error(), "private") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.receiver.Reconcile(ctx, missed, search); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := s.receiver.Reconcile(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWithoutAClientTheNotificationIsBelieved(t *testing.T) {
	var events []webhook.Event
	r, err := webhook.New(func(_ context.Context, e webhook.Event) error { events = append(events, e); return nil }, webhook.WithoutSecret())
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		notification("LiveCheck", "c1", "Complete"), notification("livecheck", "c1", "COMPLETED"), notification("LiveCheck", "c1", "Rejected"),
		notification("RecurringWatchlistSearch", "w1", "Completed"), notification("RecurringWatchlistSearch", "w1", "Completed"),
		notification("Unheard", "x1", "Completed"), notification("Unheard", "x1", "Completed"),
	} {
		w := httptest.NewRecorder()
		if r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))); w.Code != 204 {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
	var keys []string
	for _, e := range events {
		keys = append(keys, e.Key())
	}
	if want := []string{"LiveCheck/c1/Completed", "LiveCheck/c1/Rejected", "", "", "", ""}; !slices.Equal(keys, want) {
		t.Errorf("%q", keys)
	}
	if err := r.Reconcile(t.Context(), "c1"); err == nil {
		t.Error("states were read without a client")
	}
}

func TestOptionsAreRefused(t *testing.T) {
	handle := func(context.Context, webhook.Event) error { return nil }
	for name, opts := range map[string][]webhook.Option{
		"no secret":           {},
		"both":                {webhook.WithSecret("A", "b"), webhook.WithoutSecret()},
		"an empty secret":     {webhook.WithSecret("A", "")},
		"an empty previous":   {webhook.WithSecret("A", "b", "")},
		"a blank":             {webhook.WithSecret("A", " b")},
		"a line break":        {webhook.WithSecret("A", "b\r\nc")},
		"no name":             {webhook.WithSecret("", "b")},
		"a secret twice":      {webhook.WithSecret("A", "b"), webhook.WithSecret("A", "c")},
		"a header of HTTP":    {webhook.WithSecret("transfer-encoding", "b")},
		"a client of nothing": {webhook.WithoutSecret(), webhook.WithClient((*asked)(nil))},
		"a name with a colon": {webhook.WithSecret("A:", "b")},
		"the host":            {webhook.WithSecret("host", "b")},
		"a nil client":        {webhook.WithoutSecret(), webhook.WithClient((*api.Client)(nil))},
		"no client":           {webhook.WithoutSecret(), webhook.WithClient(nil)},
		"no store":            {webhook.WithoutSecret(), webhook.WithSeen(nil)},
		"no time":             {webhook.WithoutSecret(), webhook.WithTimeout(0)},
		"less than no time":   {webhook.WithoutSecret(), webhook.WithTimeout(-1)},
	} {
		if _, err := webhook.New(handle, opts...); err == nil || !strings.HasPrefix(err.Error(), "webhook: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := webhook.New(nil, webhook.WithoutSecret()); err == nil {
		t.Error("a nil handler was accepted")
	}
	r, err := webhook.New(handle, nil, webhook.WithSecret("A", secret))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", r, r, r, r); strings.Contains(text, secret) || strings.Contains(text, "secrets") {
		t.Error(text)
	}
}
