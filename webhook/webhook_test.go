package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/webhook"
)

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
		notification("OfflineCheck", check, "Completed"), notification("OfflineCheck", check, "Complete"), notification("livecheck",
			check, "COMPLETED"),
		notification("OfflineCheck", check, "Rejected"), notification("WatchlistSearch", check, "Failed"), notification("Unheard",
			check, "Completed"),
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
		{"JSON of a kind", "POST", good, pairs{"X-Proof", secret, "Content-Type", "application/vnd.aver+json; charset=utf-8"}, 204,
			webhook.Duplicate},
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
