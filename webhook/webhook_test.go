package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "proof-of-the-portal"

// A site is a sandbox, a receiver of its notifications, and what came of them.
type site struct {
	t        *testing.T
	sandbox  *sandbox.Server
	client   *api.Client
	receiver *webhook.Receiver
	url      string

	mu         sync.Mutex
	handle     webhook.Handler // after it was counted
	events     []webhook.Event
	deliveries []webhook.Delivery
	posted     int
}

func newSite(t *testing.T, opts ...webhook.Option) *site {
	t.Helper()
	s := &site{t: t, handle: func(context.Context, webhook.Event) error { return nil }}
	s.sandbox = sandbox.Start(t, sandbox.WithProcessing(0, 50*time.Millisecond))
	var err error
	if s.client, err = api.New(s.sandbox.Key, s.sandbox.Secret, api.WithBaseURL(s.sandbox.URL)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.client.Close() })
	s.receiver, err = webhook.New(s.take, append([]webhook.Option{
		webhook.WithSecret("x-proof", secret, "an-older-proof"), webhook.WithClient(s.client), webhook.WithHook(s.note),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.receiver)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *site) take(ctx context.Context, e webhook.Event) error {
	s.mu.Lock()
	s.events = append(s.events, e)
	handle := s.handle
	s.mu.Unlock()
	return handle(ctx, e)
}

// end waits for a delivery that is told to the hook after the answer.
func (s *site) end(outcome webhook.Outcome) webhook.Delivery {
	for {
		s.mu.Lock()
		for _, d := range s.deliveries {
			if d.Outcome == outcome {
				s.mu.Unlock()
				return d
			}
		}
		s.mu.Unlock()
		runtime.Gosched()
	}
}

func (s *site) note(_ context.Context, d webhook.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries = append(s.deliveries, d)
}

// last returns the newest delivery, of which the hook is told right after the answer.
func (s *site) last() webhook.Delivery {
	s.t.Helper()
	for {
		s.mu.Lock()
		n := len(s.deliveries)
		if n >= s.posted {
			defer s.mu.Unlock()
			return s.deliveries[n-1]
		}
		s.mu.Unlock()
		runtime.Gosched()
	}
}

func (s *site) outcomes() []webhook.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []webhook.Outcome
	for _, d := range s.deliveries {
		all = append(all, d.Outcome)
	}
	return all
}

func (s *site) handled() []webhook.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// subscribe has the sandbox send to the receiver.
func (s *site) subscribe() {
	s.t.Helper()
	if err := s.sandbox.SetWebhook(sandbox.Webhook{URL: s.url, Header: "X-Proof", Value: secret}); err != nil {
		s.t.Fatal(err)
	}
}

// check creates a check and submits it.
func (s *site) check(email string) string {
	s.t.Helper()
	id := s.begin(email)
	if _, err := s.client.SubmitCheck(s.t.Context(), id); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *site) begin(email string) string {
	s.t.Helper()
	created, err := s.client.CreateCheck(s.t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: email, GroupID: s.sandbox.GroupID, Email: email,
		CheckTypes: []api.CheckType{api.CheckTypeEmailVerification}})
	if err != nil {
		s.t.Fatal(err)
	}
	return created.CheckID
}

func (s *site) search(name string) string {
	s.t.Helper()
	found, err := s.client.SearchWatchlists(s.t.Context(), api.SearchWatchlistsRequest{GroupID: s.sandbox.GroupID, BusinessName: name})
	if err != nil {
		s.t.Fatal(err)
	}
	return found.ID
}

// post sends a body with headers, in pairs.
func (s *site) post(body string, headers ...string) int {
	s.t.Helper()
	status, _ := s.send(http.MethodPost, body, append([]string{"X-Proof", secret}, headers...)...)
	return status
}

func (s *site) send(method, body string, headers ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	s.mu.Lock()
	s.posted++
	s.mu.Unlock()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode, string(answer)
}

func notification(about, id, status string) string {
	body, _ := json.Marshal(map[string]any{"statusMessage": map[string]string{"type": about, "id": id, "groupId": " g", "status": status}})
	return string(body)
}

func TestEventCarriesTheStateOfTheService(t *testing.T) {
	s := newSite(t)
	s.subscribe()
	check, rejected, search := s.check("a@example.com"), s.check("b+FacialVerificationFailed@example.com"), s.search("Harbor Ltd+hits-2")
	if err := s.sandbox.Delivered(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		check:    "Completed check/" + check + "/Completed",
		rejected: "Rejected check/" + rejected + "/Rejected",
		search:   "Completed search/" + search + "/Completed/",
	}
	for _, e := range s.handled() {
		status := ""
		switch {
		case e.Check != nil:
			status = string(e.Check.Status)
		case e.Search != nil:
			status = string(e.Search.Status)
		}
		if got := status + " " + e.Key(); got != want[e.ID] || !e.Final() || e.Unknown || e.Webhook != "statusChanged" || e.Notification == nil ||
			e.GroupID != s.sandbox.GroupID || !e.Type.Valid() || !e.Claimed.Valid() {
			t.Errorf("%v: %s, want %s", e, got, want[e.ID])
		}
		delete(want, e.ID)
	}
	if len(want) > 0 {
		t.Errorf("not handled: %v", want)
	}
}

// A repetition, another type, another status and another letter case are the same outcome; a search that ran again is another.
func TestOneOutcomeIsHandledOnce(t *testing.T) {
	s := newSite(t)
	check, search := s.check("a@example.com"), s.search("b")
	for _, body := range []string{
		notification("OfflineCheck", check, "Completed"), notification("OfflineCheck", check, "Complete"), notification("livecheck", check, "COMPLETED"),
		notification("OfflineCheck", check, "Rejected"), notification("WatchlistSearch", check, "Failed"), notification("Unheard", check, "Completed"),
		notification("WatchlistSearch", search, "Completed"), notification("RecurringWatchlistSearch", search, "Failed"),
	} {
		if status := s.post(body); status != 204 {
			t.Errorf("%s: %d", body, status)
		}
	}
	if got := s.handled(); len(got) != 2 || got[0].Check == nil || got[1].Search == nil {
		t.Fatalf("%v", got)
	}
	for range 2 {
		if err := s.sandbox.Recheck(search, 1); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			s.post(notification("RecurringWatchlistSearch", search, "Completed"))
		}
	}
	if got := s.handled(); len(got) != 4 || got[2].Key() == got[3].Key() {
		t.Errorf("%v", got)
	}
}

func TestWhatIsNotTrueIsNotHandled(t *testing.T) {
	s := newSite(t)
	open := s.begin("a@example.com")
	for body, want := range map[string]int{
		notification("OfflineCheck", open, "Completed"):                                    503, // it may be true in a moment
		notification("LiveCheck", open, "Rejected"):                                        503,
		notification("LiveCheck", "00000000-0000-4000-8000-000000000000", "Completed"):     204, // the test message of the portal
		notification("WatchlistSearch", "no-id/../check", "Completed"):                     204,
		notification("LiveCheck", "..", "Completed"):                                       204,
		notification("LiveCheck", strings.Repeat("9", 257), "Completed"):                   400,
		notification("LiveCheck", "a\x00\n\u202e", "Completed"):                            204,
		`{"statusMessage":{"type":"LiveCheck","id":"` + open + `"}}`:                       204, // it claims nothing
		`{"statusMessage":{"type":"","id":"` + open + `","status":"Something","x":[1,2]}}`: 204,
	} {
		before := len(s.handled())
		if status := s.post(body); status != want {
			t.Errorf("%s: %d, want %d", body, status, want)
		}
		for _, e := range s.handled()[before:] {
			if e.Final() || e.Check == nil || e.Check.Status != api.CheckStatusCreated {
				t.Errorf("%s: %v", body, e)
			}
		}
	}
	if _, err := s.client.SubmitCheck(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	if status := s.post(notification("OfflineCheck", open, "Completed")); status != 204 || !s.handled()[len(s.handled())-1].Final() {
		t.Errorf("what is true now: %d, %v", status, s.handled())
	}
}

func TestUnknownReachesTheHandlerOnRequest(t *testing.T) {
	s := newSite(t, webhook.WithUnknown())
	for range 2 {
		if status := s.post(notification("LiveCheck", "made-up", "Completed")); status != 204 {
			t.Errorf("%d", status)
		}
	}
	got := s.handled()
	if len(got) != 2 || !got[0].Unknown || got[0].Final() || got[0].Check != nil || got[0].Key() != "" || got[0].ID != "made-up" {
		t.Errorf("%v", got)
	}
}

func TestWhatIsNoNotificationIsRefused(t *testing.T) {
	s := newSite(t)
	id := s.check("a@example.com")
	good := notification("OfflineCheck", id, "Completed")
	type pairs = []string
	for _, tt := range []struct {
		name, method, body string
		headers            pairs
		status             int
		outcome            webhook.Outcome
	}{
		{"no header", "POST", good, pairs{}, 401, webhook.Unauthorized},
		{"another header", "POST", good, pairs{"Authorization", secret}, 401, webhook.Unauthorized},
		{"a longer value", "POST", good, pairs{"X-Proof", secret + "x"}, 401, webhook.Unauthorized},
		{"a shorter value", "POST", good, pairs{"X-Proof", secret[1:]}, 401, webhook.Unauthorized},
		{"a scheme", "POST", good, pairs{"X-Proof", "Bearer " + secret}, 401, webhook.Unauthorized},
		{"another case", "POST", good, pairs{"X-Proof", strings.ToUpper(secret)}, 401, webhook.Unauthorized},
		{"GET", "GET", "", pairs{"X-Proof", secret}, 405, webhook.Invalid},
		{"PUT", "PUT", good, pairs{"X-Proof", secret}, 405, webhook.Invalid},
		{"a form", "POST", good, pairs{"X-Proof", secret, "Content-Type", "application/x-www-form-urlencoded"}, 415, webhook.Invalid},
		{"a malformed type", "POST", good, pairs{"X-Proof", secret, "Content-Type", ";"}, 415, webhook.Invalid},
		{"nothing", "POST", "", pairs{"X-Proof", secret}, 400, webhook.Invalid},
		{"no JSON", "POST", "private", pairs{"X-Proof", secret}, 400, webhook.Invalid},
		{"another object", "POST", `{"private":1}`, pairs{"X-Proof", secret}, 400, webhook.Invalid},
		{"half of it", "POST", good[:len(good)/2], pairs{"X-Proof", secret}, 400, webhook.Invalid},
		{"too large", "POST", strings.Repeat(" ", 64<<10) + good, pairs{"X-Proof", secret}, 413, webhook.Invalid},
		{"deep", "POST", strings.Repeat(`{"statusMessage":`, 3000), pairs{"X-Proof", secret}, 400, webhook.Invalid},
		{"the previous secret", "POST", good, pairs{"X-Proof", "an-older-proof"}, 204, webhook.Handled},
		{"JSON of a kind", "POST", good, pairs{"X-Proof", secret, "Content-Type", "application/vnd.aver+json; charset=utf-8"}, 204, webhook.Duplicate},
		{"as large as may be", "POST", strings.Repeat(" ", 64<<10-len(good)) + good, pairs{"X-Proof", secret}, 204, webhook.Duplicate},
	} {
		status, answer := s.send(tt.method, tt.body, tt.headers...)
		if last := s.last().Outcome; status != tt.status || last != tt.outcome || strings.Contains(answer, "private") {
			t.Errorf("%s: %d %q, %s; want %d, %s", tt.name, status, answer, last, tt.status, tt.outcome)
		}
	}
}

// A body that nobody may send is not read.
func TestBodyIsNotReadWithoutTheHeader(t *testing.T) {
	r, err := webhook.New(func(context.Context, webhook.Event) error { return nil }, webhook.WithSecret("X-Proof", secret))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", untouchable{t}))
	if w.Code != 401 || w.Header().Get("Connection") != "close" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	req := httptest.NewRequest(http.MethodPost, "/", untouchable{t})
	req.Header.Set("X-Proof", secret)
	req.ContentLength = 64<<10 + 1
	w = httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if w.Code != 413 {
		t.Errorf("a large body: %d", w.Code)
	}
	req = httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
	req.Header["X-Proof"] = []string{secret, secret}
	w = httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if w.Code != 401 {
		t.Errorf("the header twice: %d", w.Code)
	}
}

type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// What a handler did not do comes again; what it did does not.
func TestHandlerThatFails(t *testing.T) {
	s := newSite(t)
	body := notification("OfflineCheck", s.check("a@example.com"), "Completed")
	for name, fail := range map[string]webhook.Handler{
		"error": func(context.Context, webhook.Event) error { return errors.New("the database is away") },
		"panic": func(context.Context, webhook.Event) error { panic("private") },
		"abort": func(context.Context, webhook.Event) error { panic(http.ErrAbortHandler) },
		"exit":  func(context.Context, webhook.Event) error { runtime.Goexit(); return nil },
	} {
		s.mu.Lock()
		s.handle = fail
		s.mu.Unlock()
		status := s.post(body)
		last := s.last()
		if status != 500 || last.Outcome != webhook.Failed || last.Err == nil || strings.Contains(fmt.Sprint(last), "private") {
			t.Errorf("%s: %d, %v", name, status, last)
		}
	}
	s.mu.Lock()
	s.handle = func(context.Context, webhook.Event) error { return nil }
	s.mu.Unlock()
	if first, second := s.post(body), s.post(body); first != 204 || second != 204 || len(s.handled()) != 5 {
		t.Errorf("%d, %d, %d events", first, second, len(s.handled()))
	}
}

// A handler that is late has the sender try again, and its success counts all the same.
func TestHandlerThatIsLate(t *testing.T) {
	s := newSite(t, webhook.WithTimeout(50*time.Millisecond))
	end := make(chan struct{})
	s.handle = func(ctx context.Context, _ webhook.Event) error {
		<-ctx.Done()
		<-end
		return nil
	}
	body := notification("OfflineCheck", s.check("a@example.com"), "Completed")
	if late, busy := s.post(body), s.post(body); late != 503 || busy != 503 {
		t.Errorf("%d, %d", late, busy)
	}
	close(end)
	for s.post(body) != 204 { // until the first one has ended
		runtime.Gosched()
	}
	if len(s.handled()) != 1 {
		t.Errorf("%d events", len(s.handled()))
	}
	if d := s.end(webhook.Handled); d.Status != 0 || d.Event.ID == "" { // what it did in the end
		t.Errorf("%v", d)
	}
}

// The handler goes on when the sender leaves, which has no way to say that it did not mean it.
func TestSenderThatLeaves(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.handle = func(ctx context.Context, _ webhook.Event) error {
		cancel() // as the server does when the connection breaks
		return ctx.Err()
	}
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(notification("OfflineCheck", s.check("a@example.com"), "Completed")))
	req.Header.Set("X-Proof", secret)
	s.receiver.ServeHTTP(httptest.NewRecorder(), req.WithContext(ctx))
	if got := s.outcomes(); len(got) != 1 || got[0] != webhook.Handled {
		t.Errorf("%v", got)
	}
}

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
		400: webhook.Unknown, 422: webhook.Unknown, 404: webhook.Unknown, 405: webhook.Unconfirmed, 451: webhook.Unconfirmed, 401: webhook.Unconfirmed,
		403: webhook.Unconfirmed, 429: webhook.Unconfirmed,
	} {
		class := map[int]error{404: api.ErrNotFound, 401: api.ErrUnauthorized, 403: api.ErrForbidden, 429: api.ErrRateLimited}[status]
		if class == nil {
			class = api.ErrInvalidRequest
		}
		var got webhook.Outcome
		r, err := webhook.New(func(context.Context, webhook.Event) error { return nil }, webhook.WithoutSecret(),
			webhook.WithClient(refusing{status: status, class: class}), webhook.WithHook(func(_ context.Context, d webhook.Delivery) { got = d.Outcome }))
		if err != nil {
			t.Fatal(err)
		}
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(notification("LiveCheck", "c2", "Completed"))))
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
