package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaver/aver-go/api"
)

var quick = api.WithBackoff(func(int) time.Duration { return time.Millisecond })

// twoLooks has the state be read twice before a call is sent again.
var twoLooks = api.WithRecoveryWindow(10 * time.Millisecond)

// A script answers the nth call of an operation with its nth handler, and goes on with the last. It counts the calls by
// method and path.
type script struct {
	mu    sync.Mutex
	calls []string
	steps map[string][]http.HandlerFunc
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api")
	s.mu.Lock()
	n := s.count(key)
	s.calls = append(s.calls, key)
	steps := s.steps[key]
	s.mu.Unlock()
	if len(steps) == 0 {
		answer(404, "application/json", `"not in the script"`)(w, r)
		return
	}
	steps[min(n, len(steps)-1)](w, r)
}

func (s *script) count(key string) int {
	n := 0
	for _, call := range s.calls {
		if call == key {
			n++
		}
	}
	return n
}

func (s *script) total(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count(key)
}

func ok(body string) http.HandlerFunc { return answer(200, "application/json", body) }

// reset breaks the connection after the request was read.
func reset(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func scripted(t *testing.T, steps map[string][]http.HandlerFunc, opts ...api.Option) (*api.Client, *script) {
	s := &script{steps: steps}
	return newClient(t, s.ServeHTTP, append([]api.Option{quick, twoLooks}, opts...)...), s
}

const (
	theCheck  = `{"id":"c1","groupId":"g","thirdPartyIdentifier":"p","status":"Created","checkTypes":["DocumentVerification"]}`
	submitted = `{"id":"c1","groupId":"g","thirdPartyIdentifier":"p","status":"AwaitingAutomation","checkTypes":[]}`
)

var createRequest = api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: "g", Email: "a@example.com"}

func TestReadsAreRepeated(t *testing.T) {
	for name, failure := range map[string]http.HandlerFunc{
		"500": answer(500, "", ""), "502": answer(502, "text/html", "<html>"), "503": answer(503, "", ""), "429": answer(429, "", ""),
		"reset": reset, "truncated": ok(`{"id":`), "HTML": answer(200, "text/html", "<html>"),
		"broken off": answer(200, "application/json", "{", "Content-Length", "99"),
	} {
		client, s := scripted(t, map[string][]http.HandlerFunc{"GET /check/c1": {failure, failure, ok(theCheck)}})
		if check, err := client.GetCheck(t.Context(), "c1"); err != nil || check.ID != "c1" || s.total("GET /check/c1") != 3 {
			t.Errorf("%s: %v, %v after %d calls", name, check, err, s.total("GET /check/c1"))
		}
		client, s = scripted(t, map[string][]http.HandlerFunc{"GET /check/c1": {failure}}, api.WithMaxAttempts(3))
		_, err := client.GetCheck(t.Context(), "c1")
		var e *api.Error
		calls := s.total("GET /check/c1")
		if name == "reset" {
			calls = 3 // net/http repeats a read by itself when a connection breaks that was used before
		}
		if !errors.As(err, &e) || e.Attempts != 3 || calls != 3 || !strings.Contains(err.Error(), "attempt 3") {
			t.Errorf("%s: %v after %d calls", name, err, calls)
		}
		if _, err := client.GetCheck(t.Context(), "c1", api.WithMaxAttempts(1)); !errors.As(err, &e) || e.Attempts != 1 {
			t.Errorf("%s: one attempt for a call: %v", name, err)
		}
	}
	for _, status := range []int{400, 403, 404, 409} {
		client, s := scripted(t, map[string][]http.HandlerFunc{"GET /check/c1": {answer(status, "", "")}})
		if _, err := client.GetCheck(t.Context(), "c1"); err == nil || s.total("GET /check/c1") != 1 {
			t.Errorf("%d: %d calls", status, s.total("GET /check/c1"))
		}
	}
}

func TestUploadsAreSentOnceUnlessTheyWereNotPerformed(t *testing.T) {
	const upload = "POST /check/c1/photodocument"
	do := func(c *api.Client) error {
		return c.AddPhotoDocument(t.Context(), "c1", api.AddPhotoDocumentRequest{FileName: "f", FileContent: "data:image/png;base64,AAAA"})
	}
	for name, failure := range map[string]http.HandlerFunc{
		"500": answer(500, "", ""), "503": answer(503, "", "", "Retry-After", "1"), "reset": reset, "truncated": ok(`"succ`),
		"HTML": answer(200, "text/html", "<html>"),
	} {
		client, s := scripted(t, map[string][]http.HandlerFunc{upload: {failure, ok(`"success"`)}})
		err := do(client)
		var e *api.Error
		if !errors.Is(err, api.ErrOutcomeUnknown) || errors.Is(err, api.ErrUnavailable) || errors.Is(err, api.ErrUnexpectedResponse) ||
			!errors.As(err, &e) || e.Retryable() || s.total(upload) != 1 || !strings.Contains(err.Error(), "it may have been performed") {
			t.Errorf("%s: %v after %d calls", name, err, s.total(upload))
		}
	}
	for _, wait := range []string{"1", "0", "Wed, 21 Oct 2015 07:28:00 GMT"} {
		client, s := scripted(t, map[string][]http.HandlerFunc{upload: {answer(429, "", "", "Retry-After", wait), ok(`"success"`)}})
		if err := do(client); err != nil || s.total(upload) != 2 {
			t.Errorf("429 with Retry-After: %s: %v after %d calls", wait, err, s.total(upload))
		}
	}
	client, s := scripted(t, map[string][]http.HandlerFunc{upload: {answer(429, "", ""), ok(`"success"`)}})
	if err := do(client); !errors.Is(err, api.ErrRateLimited) || s.total(upload) != 1 {
		t.Errorf("429 without Retry-After: %v after %d calls", err, s.total(upload))
	}
	client, s = scripted(t, map[string][]http.HandlerFunc{upload: {answer(400, "application/json", `"no face"`)}})
	if err := do(client); !errors.Is(err, api.ErrInvalidRequest) || errors.Is(err, api.ErrOutcomeUnknown) || s.total(upload) != 1 {
		t.Errorf("400: %v after %d calls", err, s.total(upload))
	}
}

// A connection that could not be made carried no request.
func TestRefusedConnectionsAreRepeatedForEveryOperation(t *testing.T) {
	s := &script{steps: map[string][]http.HandlerFunc{
		"POST /watchlist/search": {ok(`{"id":"w1"}`)}, "POST /check/create": {ok(`{"checkId":"c1","thirdPartyIdentifier":"p","url":null}`)},
	}}
	srv := httptest.NewServer(exchanging(s.ServeHTTP))
	defer srv.Close()
	var refusals atomic.Int64
	var dialer net.Dialer
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if refusals.Add(-1) >= 0 {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		return dialer.DialContext(ctx, network, addr)
	}}
	client, err := api.New("key", "secret", api.WithBaseURL(srv.URL+"/api"), api.WithHTTPClient(&http.Client{Transport: transport}), quick)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	refusals.Store(1) // the exchange
	if found, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"}); err != nil ||
		found.ID != "w1" {
		t.Errorf("%v, %v", found, err)
	}
	refusals.Store(2)
	if created, err := client.CreateCheck(t.Context(), createRequest); err != nil || created.CheckID != "c1" {
		t.Errorf("%v, %v", created, err)
	}
	refusals.Store(2)
	if found, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"}); err != nil ||
		found.ID != "w1" {
		t.Errorf("%v, %v", found, err)
	}
	refusals.Store(1000)
	_, err = client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
	var e *api.Error
	if !errors.Is(err, api.ErrUnavailable) || errors.Is(err, api.ErrOutcomeUnknown) || !errors.As(err, &e) || e.Attempts != 4 ||
		!strings.Contains(err.Error(), "it was not performed") {
		t.Errorf("%v", err)
	}
	if s.total("POST /watchlist/search") != 2 || s.total("POST /check/create") != 1 {
		t.Errorf("calls: %v", s.calls)
	}
}

func TestCreateIsResolvedByLookingItUp(t *testing.T) {
	for name, failure := range map[string]http.HandlerFunc{
		"reset": reset, "500": answer(500, "", ""), "502": answer(502, "text/html", "x"), "truncated": ok(`{"checkId":"c`), "empty": ok(``),
		"no ID": ok(`{"url":null}`),
	} {
		t.Run(name+", performed", func(t *testing.T) {
			client, s := scripted(t, map[string][]http.HandlerFunc{
				"POST /check/create":        {failure, ok(`{"checkId":"another"}`)},
				"POST /checklookup":         {ok(`[]`), answer(503, "", ""), ok(`[` + theCheck + `]`)},
				"POST /check/c1/accesslink": {ok(`{"url":"https://example.com/fresh"}`)},
			})
			created, err := client.CreateCheck(t.Context(), createRequest)
			if err != nil || created.CheckID != "c1" || created.URL != "https://example.com/fresh" || created.ThirdPartyIdentifier != "p" ||
				s.total("POST /check/create") != 1 {
				t.Errorf("%v, %v, calls %v", created, err, s.calls)
			}
		})
		t.Run(name+", not performed", func(t *testing.T) {
			client, s := scripted(t, map[string][]http.HandlerFunc{
				"POST /check/create": {failure, ok(`{"checkId":"c2","thirdPartyIdentifier":"p","url":null}`)},
				"POST /checklookup":  {ok(`[]`)},
			})
			created, err := client.CreateCheck(t.Context(), createRequest)
			if err != nil || created.CheckID != "c2" || s.total("POST /check/create") != 2 || s.total("POST /checklookup") != 3 {
				t.Errorf("%v, %v, calls %v", created, err, s.calls)
			}
		})
	}
}

// The first create was slow, not lost: the second one runs into it.
func TestConflictAfterAnUnclearCreateIsResolved(t *testing.T) {
	client, _ := scripted(t, map[string][]http.HandlerFunc{
		"POST /check/create":        {reset, answer(409, "", "")},
		"POST /checklookup":         {ok(`[]`), ok(`[]`), ok(`[]`), ok(`[` + theCheck + `]`)},
		"POST /check/c1/accesslink": {answer(409, "", "")}, // submitted by now
	})
	if created, err := client.CreateCheck(t.Context(), createRequest); err != nil || created.CheckID != "c1" || created.URL != "" {
		t.Errorf("%v, %v", created, err)
	}
	client, s := scripted(t, map[string][]http.HandlerFunc{"POST /check/create": {answer(409, "", "")}})
	if _, err := client.CreateCheck(t.Context(), createRequest); !errors.Is(err, api.ErrConflict) || s.total("POST /checklookup") != 1 {
		t.Errorf("a conflict with an older check: %v", err)
	}
}

func TestOverridingCreateIsNeverRepeatedByGuess(t *testing.T) {
	request := createRequest
	request.OverrideThirdPartyIdentifier = true
	old := strings.Replace(theCheck, "c1", "c0", 1)
	tests := map[string]struct {
		after string
		want  string // the check's ID; empty for an unknown outcome
	}{
		"one new":     {`[` + old + `,` + theCheck + `]`, "c1"},
		"none new":    {`[` + old + `]`, ""},
		"several new": {`[` + theCheck + `,` + strings.Replace(theCheck, "c1", "c2", 1) + `]`, ""},
	}
	for name, tt := range tests {
		client, s := scripted(t, map[string][]http.HandlerFunc{
			"POST /check/create":        {reset, ok(`{"checkId":"another","thirdPartyIdentifier":"p","url":null}`)},
			"POST /checklookup":         {ok(`[` + old + `]`), ok(tt.after)},
			"POST /check/c1/accesslink": {ok(`{"url":"u"}`)},
		})
		created, err := client.CreateCheck(t.Context(), request)
		if s.total("POST /check/create") != 1 {
			t.Errorf("%s: %d creates", name, s.total("POST /check/create"))
		}
		if tt.want != "" && (err != nil || created.CheckID != tt.want) || tt.want == "" && !errors.Is(err, api.ErrOutcomeUnknown) {
			t.Errorf("%s: %v, %v", name, created, err)
		}
	}
	client, s := scripted(t, map[string][]http.HandlerFunc{"POST /checklookup": {answer(403, "", "")}})
	if _, err := client.CreateCheck(t.Context(), request); !errors.Is(err, api.ErrForbidden) || s.total("POST /check/create") != 0 ||
		!strings.Contains(err.Error(), "not performed") {
		t.Errorf("the state before cannot be read: %v", err)
	}
}

// Only a check that agrees with the request in all that can be read, and was not there before, is taken for the one that
// was asked for. Otherwise nobody knows.
func TestCheckThatDiffersIsNotTakenForOurs(t *testing.T) {
	list := func(check string) http.HandlerFunc { return ok(`[` + check + `]`) }
	request := createRequest
	request.CheckTypes = []api.CheckType{api.CheckTypeDocumentVerification, api.CheckTypeWatchlist}
	ours := strings.Replace(theCheck, `["DocumentVerification"]`, `["watchlist","DocumentVerification","Watchlist"]`, 1)
	tests := map[string]struct {
		lookups []http.HandlerFunc // before, after, and by the email
		want    string             // in the error; empty for success
	}{
		"agrees":                             {[]http.HandlerFunc{ok(`[]`), list(ours)}, ""},
		"another group":                      {[]http.HandlerFunc{ok(`[]`), list(strings.Replace(ours, `"g"`, `"other"`, 1))}, "another groupId"},
		"other check types":                  {[]http.HandlerFunc{ok(`[]`), list(theCheck)}, "another checkTypes"},
		"another email":                      {[]http.HandlerFunc{ok(`[]`), list(ours), ok(`[]`)}, "another email"},
		"a status not known":                 {[]http.HandlerFunc{ok(`[]`), list(strings.Replace(ours, "Created", "Pondering", 1))}, "another status"},
		"submitted":                          {[]http.HandlerFunc{ok(`[]`), list(strings.Replace(ours, "Created", "InReview", 1))}, "another status"},
		"email cannot be had":                {[]http.HandlerFunc{ok(`[]`), list(ours), answer(403, "", "")}, "by its email failed"},
		"two of them":                        {[]http.HandlerFunc{ok(`[]`), list(ours + "," + strings.Replace(ours, "c1", "c2", 1))}, "2 new checks"},
		"the state before could not be read": {[]http.HandlerFunc{answer(403, "", ""), list(ours)}, "nobody knows whether it was before"},
	}
	for name, tt := range tests {
		client, s := scripted(t, map[string][]http.HandlerFunc{
			"POST /check/create": {answer(503, "", ""), ok(`{"checkId":"another"}`)}, "POST /checklookup": tt.lookups,
			"POST /check/c1/accesslink": {ok(`{"url":"u"}`)},
		})
		created, err := client.CreateCheck(t.Context(), request)
		switch {
		case s.total("POST /check/create") != 1:
			t.Errorf("%s: calls %v", name, s.calls)
		case tt.want == "" && (err != nil || created.CheckID != "c1"):
			t.Errorf("%s: %v, %v", name, created, err)
		case tt.want != "" && (!errors.Is(err, api.ErrOutcomeUnknown) || errors.Is(err, api.ErrConflict) || !strings.Contains(err.Error(), tt.want) ||
			created != nil):
			t.Errorf("%s: %v, %v", name, created, err)
		}
	}
}

// A check that was there before keeps another with its identifier from being created: that is a conflict, not an unknown
// outcome, and never a success.
func TestCheckThatWasThereBeforeIsAConflict(t *testing.T) {
	for name, old := range map[string]string{"untouched": theCheck, "of another group": strings.Replace(theCheck, `"g"`, `"other"`, 1)} {
		client, s := scripted(t, map[string][]http.HandlerFunc{"POST /check/create": {answer(503, "", "")}, "POST /checklookup": {ok(`[` + old + `]`)}})
		created, err := client.CreateCheck(t.Context(), createRequest)
		if !errors.Is(err, api.ErrConflict) || errors.Is(err, api.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "check c1") ||
			created != nil ||
			s.total("POST /check/create") != 1 {
			t.Errorf("%s: %v, %v", name, created, err)
		}
	}
}

// A plan without lookups can create checks all the same; what cannot be recovered is unknown.
func TestCreateWorksWithoutLookups(t *testing.T) {
	for _, status := range []int{403, 404, 503} {
		client, s := scripted(t, map[string][]http.HandlerFunc{
			"POST /check/create": {ok(`{"checkId":"c1","thirdPartyIdentifier":"p","url":null}`), reset}, "POST /checklookup": {answer(status, "", "")},
		})
		if created, err := client.CreateCheck(t.Context(), createRequest); err != nil || created.CheckID != "c1" {
			t.Errorf("%d: %v, %v", status, created, err)
		}
		if _, err := client.CreateCheck(t.Context(), createRequest); !errors.Is(err, api.ErrOutcomeUnknown) || s.total("POST /check/create") != 2 {
			t.Errorf("%d: %v, calls %v", status, err, s.calls)
		}
	}
}

// The service reports a conflict as 500; the check in the way is an old one.
func TestOldCheckIsNotTakenForANewOne(t *testing.T) {
	client, s := scripted(t, map[string][]http.HandlerFunc{
		"POST /check/create": {answer(500, "", "")},
		"POST /checklookup":  {ok(`[` + strings.Replace(theCheck, "Created", "Rejected", 1) + `]`)},
	})
	_, err := client.CreateCheck(t.Context(), createRequest)
	var e *api.Error
	if !errors.Is(err, api.ErrConflict) || !errors.As(err, &e) || e.Operation != "createCheck" || e.Attempts != 1 ||
		s.total("POST /check/create") != 1 {
		t.Errorf("%v", err)
	}
}

// What a charged operation answers behind a redirect says nothing about whether it was performed.
func TestChargedOperationsFollowNoRedirect(t *testing.T) {
	const search = "POST /watchlist/search"
	for _, then := range []http.HandlerFunc{answer(401, "", ""), answer(429, "", "", "Retry-After", "1"), answer(404, "", ""),
		ok(`{"id":"w1","status":"Completed"}`)} {
		client, s := scripted(t, map[string][]http.HandlerFunc{
			search: {func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/api/watchlist/w1", http.StatusSeeOther)
			}},
			"GET /watchlist/w1": {then},
		})
		_, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
		if !errors.Is(err, api.ErrOutcomeUnknown) || s.total(search) != 1 || s.total("GET /watchlist/w1") != 0 {
			t.Errorf("%v, calls %v", err, s.calls)
		}
	}
	client, _ := scripted(t, map[string][]http.HandlerFunc{
		"GET /check/c1": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/api/check/c2", http.StatusFound) }},
		"GET /check/c2": {ok(theCheck)},
	})
	if check, err := client.GetCheck(t.Context(), "c1"); err != nil || check.ID != "c1" {
		t.Errorf("a read within the origin: %v, %v", check, err)
	}
}

// The service needs longer than a proxy or an HTTP client waits: a second submit would run beside the first.
func TestSlowSubmitIsNotSentAgain(t *testing.T) {
	const submit = "GET /check/c1/submit"
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	impatient := api.WithHTTPClient(&http.Client{Timeout: 60 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}})
	client, s := scripted(t, map[string][]http.HandlerFunc{submit: {hang}, "GET /check/c1": {ok(theCheck)}}, impatient)
	_, err := client.SubmitCheck(t.Context(), "c1")
	if !errors.Is(err, api.ErrOutcomeUnknown) || s.total(submit) != 1 || s.total("GET /check/c1") != 2 {
		t.Errorf("%v, calls %v", err, s.calls)
	}
	client, s = scripted(t, map[string][]http.HandlerFunc{
		submit: {hang}, "GET /check/c1": {ok(theCheck), ok(theCheck), ok(submitted)}, "GET /check/c1/results": {ok(submitted)},
	}, impatient, api.WithRecoveryWindow(time.Second))
	if done, err := client.SubmitCheck(t.Context(), "c1"); err != nil || done.Status != api.CheckStatusAwaitingAutomation || s.total(submit) != 1 {
		t.Errorf("%v, %v, calls %v", done, err, s.calls)
	}
	client, s = scripted(t, map[string][]http.HandlerFunc{submit: {hang}}, api.WithAttemptTimeout(time.Millisecond),
		api.WithTimeout(60*time.Millisecond))
	start := time.Now()
	if _, err := client.SubmitCheck(t.Context(), "c1"); !errors.Is(err, api.ErrOutcomeUnknown) || time.Since(start) < 50*time.Millisecond ||
		s.total(submit) != 1 {
		t.Errorf("the attempt timeout cut it: %v after %v", err, time.Since(start))
	}
}

// A Retry-After that does not fit must not keep the state from being read.
func TestStateIsReadEvenWhenThereIsNoTimeToWait(t *testing.T) {
	client, s := scripted(t, map[string][]http.HandlerFunc{
		"POST /check/create":        {answer(503, "", "", "Retry-After", "20")},
		"POST /checklookup":         {ok(`[]`), ok(`[` + theCheck + `]`)},
		"POST /check/c1/accesslink": {answer(500, "", "")}, // the check counts, not its link
	}, api.WithTimeout(5*time.Second), api.WithMaxAttempts(1), api.WithRecoveryWindow(time.Hour))
	if created, err := client.CreateCheck(t.Context(), createRequest); err != nil || created.CheckID != "c1" || created.URL != "" {
		t.Errorf("%v, %v, calls %v", created, err, s.calls)
	}
}

func TestUnresolvedOutcomeBelongsToNoOtherClass(t *testing.T) {
	client, _ := scripted(t, map[string][]http.HandlerFunc{"POST /check/create": {reset}, "POST /checklookup": {ok(`[]`), answer(503, "", "")}})
	_, err := client.CreateCheck(t.Context(), createRequest)
	if !errors.Is(err, api.ErrOutcomeUnknown) || errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "looking the check up failed") {
		t.Errorf("%v", err)
	}
}

func TestSubmitIsResolvedByReadingTheStatus(t *testing.T) {
	const submit = "GET /check/c1/submit"
	for name, failure := range map[string]http.HandlerFunc{"reset": reset, "503": answer(503, "", ""), "truncated": ok(`{"stat`), "empty": ok("")} {
		client, s := scripted(t, map[string][]http.HandlerFunc{
			submit:                  {failure, ok(`"AwaitingAutomation"`)},
			"GET /check/c1":         {ok(submitted)},
			"GET /check/c1/results": {ok(strings.Replace(submitted, `"checkTypes"`, `"warnings":["Age"],"checkTypes"`, 1))},
		})
		done, err := client.SubmitCheck(t.Context(), "c1")
		if err != nil || done.Status != api.CheckStatusAwaitingAutomation || len(done.Warnings) != 1 || s.total(submit) != 1 {
			t.Errorf("%s, performed: %v, %v, %d submits", name, done, err, s.total(submit))
		}
		client, s = scripted(t, map[string][]http.HandlerFunc{submit: {failure, ok(`"AwaitingAutomation"`)}, "GET /check/c1": {ok(theCheck)}})
		if done, err := client.SubmitCheck(t.Context(), "c1"); err != nil || done.Status != api.CheckStatusAwaitingAutomation ||
			s.total(submit) != 2 {
			t.Errorf("%s, not performed: %v, %v, %d submits", name, done, err, s.total(submit))
		}
	}
	client, s := scripted(t, map[string][]http.HandlerFunc{submit: {reset},
		"GET /check/c1": {ok(strings.Replace(submitted, "AwaitingAutomation", "Pondering", 1))}})
	if _, err := client.SubmitCheck(t.Context(), "c1"); !errors.Is(err, api.ErrOutcomeUnknown) || s.total(submit) != 1 {
		t.Errorf("unknown status: %v, %d submits", err, s.total(submit))
	}
	client, s = scripted(t, map[string][]http.HandlerFunc{submit: {answer(503, "", "")},
		"GET /check/c1": {ok(strings.Replace(submitted, "AwaitingAutomation", "Canceled", 1))}})
	if _, err := client.SubmitCheck(t.Context(), "c1"); !errors.Is(err, api.ErrOutcomeUnknown) || s.total(submit) != 1 ||
		!strings.Contains(err.Error(), "canceled") {
		t.Errorf("a canceled check: %v, %d submits", err, s.total(submit))
	}
	client, s = scripted(t, map[string][]http.HandlerFunc{submit: {answer(400, "application/json", `{"message":"photo missing"}`)}})
	if _, err := client.SubmitCheck(t.Context(), "c1"); !errors.Is(err, api.ErrInvalidRequest) || s.total(submit) != 1 {
		t.Errorf("incomplete: %v, %d submits", err, s.total(submit))
	}
}

// net/http repeats a GET by itself when a connection that was used before breaks. Submitting is a GET that costs money.
func TestNetHTTPDoesNotRepeatASubmit(t *testing.T) {
	client, s := scripted(t, map[string][]http.HandlerFunc{
		"GET /check/c1":        {ok(submitted)},
		"GET /check/c1/submit": {reset},
	})
	if _, err := client.GetCheck(t.Context(), "c1"); err != nil { // now the connection was used before
		t.Fatal(err)
	}
	if done, err := client.SubmitCheck(t.Context(), "c1"); err != nil || done.Status != api.CheckStatusAwaitingAutomation {
		t.Errorf("%v, %v", done, err)
	}
	if n := s.total("GET /check/c1/submit"); n != 1 {
		t.Errorf("submitted %d times", n)
	}
}

func TestCallerWhoLeavesLearnsWhetherItMayHaveBeenPerformed(t *testing.T) {
	entered := make(chan struct{}, 1)
	hang := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		entered <- struct{}{}
		<-r.Context().Done()
	}
	client, s := scripted(t, map[string][]http.HandlerFunc{"POST /check/create": {hang}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	_, err := client.CreateCheck(ctx, createRequest)
	if !errors.Is(err, api.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may have been performed") {
		t.Errorf("%v", err)
	}
	_, err = client.CreateCheck(ctx, createRequest)
	if errors.Is(err, api.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "was not performed") ||
		s.total("POST /check/create") != 1 {
		t.Errorf("%v", err)
	}
}

func TestAttemptTimeoutLeavesTimeForAnotherAttempt(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	client, s := scripted(t, map[string][]http.HandlerFunc{"GET /check/c1": {hang, ok(theCheck)}}, api.WithAttemptTimeout(30*time.Millisecond))
	if check, err := client.GetCheck(t.Context(), "c1"); err != nil || check.ID != "c1" || s.total("GET /check/c1") != 2 {
		t.Errorf("%v, %v", check, err)
	}
}

// memory answers every request of a client in a synctest bubble; the exchange works.
func memory(h func(*http.Request) *http.Response) api.Option {
	return api.WithHTTPClient(&http.Client{Transport: exchangingTransport(func(r *http.Request) (*http.Response, error) {
		resp := h(r)
		resp.Request = r
		return resp, nil
	})})
}

func respond(status int, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func inBubble(t *testing.T, h func(*http.Request) *http.Response, opts ...api.Option) *api.Client {
	t.Helper()
	client, err := api.New("key", "secret", append(opts, memory(h))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestRetryAfterIsHonouredAndCapped(t *testing.T) {
	for _, tt := range []struct {
		header string
		want   time.Duration
	}{{"7", 7 * time.Second}, {"3600", 30 * time.Second}, {"99999999999", 30 * time.Second}, {"DATE", 9 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			header := tt.header
			if header == "DATE" {
				header = time.Now().Add(tt.want).UTC().Format(http.TimeFormat)
			}
			calls := 0
			client := inBubble(t, func(*http.Request) *http.Response {
				if calls++; calls == 1 {
					return respond(503, "", "Retry-After", header)
				}
				return respond(200, theCheck)
			})
			start := time.Now()
			if _, err := client.GetCheck(t.Context(), "c1"); err != nil || time.Since(start) != tt.want {
				t.Errorf("%s: %v after %v", tt.header, err, time.Since(start))
			}
		})
	}
}

func TestCallEndsWithinItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := inBubble(t, func(*http.Request) *http.Response { return respond(503, "", "Retry-After", "20") }, api.WithMaxAttempts(100))
		start := time.Now()
		_, err := client.GetCheck(t.Context(), "c1") // 60 seconds by default
		if !errors.Is(err, api.ErrUnavailable) || time.Since(start) != 40*time.Second {
			t.Errorf("%v after %v: the third pause would end after the call", err, time.Since(start))
		}
	})
}

func TestExponentialBackoffGrowsToItsLimit(t *testing.T) {
	backoff := api.ExponentialBackoff(100*time.Millisecond, 5*time.Second)
	for retry, ceiling := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 6: 3200 * time.Millisecond,
		7: 5 * time.Second, 1000: 5 * time.Second} {
		var longest time.Duration
		for range 2000 {
			pause := backoff(retry)
			if pause < 0 || pause >= ceiling {
				t.Fatalf("retry %d: %v", retry, pause)
			}
			longest = max(longest, pause)
		}
		if longest < ceiling*8/10 {
			t.Errorf("retry %d: at most %v of %v", retry, longest, ceiling)
		}
	}
	if api.ExponentialBackoff(0, 0)(1) != 0 {
		t.Error("no back-off")
	}
}

func TestWaitForCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []*http.Response{
			respond(200, theCheck), respond(200, strings.Replace(theCheck, "Created", "Pondering", 1)), respond(500, ""),
			respond(200, strings.Replace(theCheck, "Created", "rejected", 1)),
		}
		var pauses []time.Duration
		last := time.Now()
		client := inBubble(t, func(*http.Request) *http.Response {
			pauses = append(pauses, time.Since(last))
			last = time.Now()
			next := answers[0]
			answers = answers[1:]
			return next
		}, api.WithMaxAttempts(1))
		var seen []string
		check, err := client.WaitForCheck(t.Context(), "c1", api.WithPollInterval(time.Second, 2*time.Second),
			api.WithProgress(func(s string) { seen = append(seen, s) }))
		if err != nil || check.Status != "rejected" || fmt.Sprint(seen) != "[Created Pondering rejected]" {
			t.Errorf("%v, %v, saw %v", check, err, seen)
		}
		for i, limit := range []time.Duration{0, time.Second, 1500 * time.Millisecond, 2 * time.Second} {
			if pauses[i] > limit || pauses[i] < limit*8/10 {
				t.Errorf("pause %d is %v, want up to %v", i, pauses[i], limit)
			}
		}
	})
}

func TestWaitReturnsWhatWasLastSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := inBubble(t, func(*http.Request) *http.Response { return respond(200, submitted) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		check, err := client.WaitForCheck(ctx, "c1")
		if !errors.Is(err, context.DeadlineExceeded) || check == nil || check.Status != api.CheckStatusAwaitingAutomation ||
			!strings.Contains(err.Error(), "AwaitingAutomation") {
			t.Errorf("%v, %v", check, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := inBubble(t, func(*http.Request) *http.Response {
			if calls++; calls == 1 {
				return respond(200, submitted)
			}
			return respond(503, "")
		}, api.WithMaxAttempts(1))
		check, err := client.WaitForCheck(t.Context(), "c1")
		if !errors.Is(err, api.ErrUnavailable) || check == nil || calls != 6 {
			t.Errorf("an outage: %v, %v after %d calls", check, err, calls)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		client := inBubble(t, func(*http.Request) *http.Response { return respond(404, "") })
		if check, err := client.WaitForCheck(t.Context(), "c1"); !errors.Is(err, api.ErrNotFound) || check != nil {
			t.Errorf("%v, %v", check, err)
		}
		if _, err := client.WaitForCheck(t.Context(), "c1", nil, api.WithPollInterval(2, 1)); !errors.Is(err, api.ErrInvalidRequest) {
			t.Errorf("a bad interval: %v", err)
		}
	})
}

// A check that was seen may be gone for a moment, behind a replica that lags. Options of calls concern each look.
func TestWaitTakesCallOptionsAndOutlivesANotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := inBubble(t, func(*http.Request) *http.Response {
			switch calls++; calls {
			case 2, 3:
				return respond(404, "")
			case 4:
				return respond(200, strings.Replace(theCheck, "Created", "Completed", 1))
			}
			return respond(200, theCheck)
		})
		check, err := client.WaitForCheck(t.Context(), "c1")
		if err != nil || !check.Status.Is(api.CheckStatusCompleted) || calls != 4 {
			t.Errorf("%v, %v after %d calls", check, err, calls)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := inBubble(t, func(*http.Request) *http.Response {
			calls++
			return respond(503, "")
		})
		if _, err := client.WaitForCheck(t.Context(), "c1", api.WithMaxAttempts(1)); !errors.Is(err, api.ErrUnavailable) || calls != 5 {
			t.Errorf("%v after %d calls, want 5 looks of one attempt", err, calls)
		}
		if _, err := client.WaitForCheck(t.Context(), "c1", api.WithMaxAttempts(0)); !errors.Is(err, api.ErrInvalidRequest) || calls != 5 {
			t.Errorf("a bad option: %v after %d calls", err, calls)
		}
	})
}

func TestWaitForWatchlistSearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := inBubble(t, func(*http.Request) *http.Response {
			calls++
			status := "Running"
			if calls == 3 {
				status = "failed"
			}
			return respond(200, `{"id":"w1","searchType":"Text","status":"`+status+`"}`)
		})
		search, err := client.WaitForWatchlistSearch(t.Context(), "w1")
		if err != nil || !search.Status.Is(api.WatchlistStatusFailed) || calls != 3 {
			t.Errorf("%v, %v after %d calls", search, err, calls)
		}
	})
}

// A 401 says that nothing was performed, even when it comes twice.
func TestTokenRefusedTwiceByChance(t *testing.T) {
	refuse := answer(401, "", "")
	const search = "POST /watchlist/search"
	s := &script{steps: map[string][]http.HandlerFunc{search: {refuse, refuse, ok(`{"id":"w1"}`)}}}
	srv := httptest.NewServer(exchanging(s.ServeHTTP))
	defer srv.Close()
	client, err := api.New("key", "secret", api.WithBaseURL(srv.URL+"/api"), quick)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	found, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
	if err != nil || found.ID != "w1" || s.total(search) != 3 {
		t.Errorf("%v, %v after %d calls", found, err, s.total(search))
	}
}

// When the token is refused and the exchange fails, the call was not performed and may be sent again.
func TestExchangeFailsAfterA401(t *testing.T) {
	const search = "POST /watchlist/search"
	var exchanges atomic.Int64
	s := &script{steps: map[string][]http.HandlerFunc{search: {answer(401, "", ""), ok(`{"id":"w1"}`)}}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/auth/token"):
			s.ServeHTTP(w, r)
		case exchanges.Add(1) == 2:
			w.WriteHeader(503)
		default:
			ok(fmt.Sprintf(`{"token":"token-%d"}`, exchanges.Load()))(w, r)
		}
	}))
	defer srv.Close()
	client, err := api.New("key", "secret", api.WithBaseURL(srv.URL+"/api"), quick)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	found, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
	if err != nil || found.ID != "w1" || s.total(search) != 2 || exchanges.Load() != 3 {
		t.Errorf("%v, %v after %d calls and %d exchanges", found, err, s.total(search), exchanges.Load())
	}
}

func TestRequestTimeoutOfTheServiceIsUnclear(t *testing.T) {
	client, s := scripted(t, map[string][]http.HandlerFunc{"POST /watchlist/search": {answer(408, "", "")}})
	_, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
	if !errors.Is(err, api.ErrOutcomeUnknown) || s.total("POST /watchlist/search") != 1 {
		t.Errorf("%v", err)
	}
}

func TestUploadsAreNotCutByTheAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(r *http.Request) *http.Response {
			select {
			case <-time.After(50 * time.Second):
				return respond(200, `"success"`)
			case <-r.Context().Done():
				return respond(503, "")
			}
		}
		client := inBubble(t, slow)
		start := time.Now()
		err := client.AddPhotoDocument(t.Context(), "c1", api.AddPhotoDocumentRequest{FileName: "f", FileContent: "data:image/png;base64,AAAA"})
		if err != nil || time.Since(start) != 50*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// What happens after an unclear attempt that was found not performed decides what is known in the end.
func TestFailureAfterAnUnclearAttempt(t *testing.T) {
	tests := map[string]struct {
		second http.HandlerFunc
		class  error
	}{
		"400":   {answer(400, "application/json", `"exists already"`), api.ErrOutcomeUnknown},
		"403":   {answer(403, "", ""), api.ErrOutcomeUnknown},
		"409":   {answer(409, "", ""), api.ErrOutcomeUnknown},
		"429":   {answer(429, "", ""), api.ErrOutcomeUnknown},
		"reset": {reset, api.ErrOutcomeUnknown},
	}
	for name, tt := range tests {
		client, _ := scripted(t, map[string][]http.HandlerFunc{"POST /check/create": {reset, tt.second}, "POST /checklookup": {ok(`[]`)}},
			api.WithMaxAttempts(2))
		_, err := client.CreateCheck(t.Context(), createRequest)
		var e *api.Error
		if !errors.Is(err, tt.class) || !errors.As(err, &e) || e.Retryable() {
			t.Errorf("%s: %v", name, err)
		}
		client, _ = scripted(t, map[string][]http.HandlerFunc{ // and then it can be seen
			"POST /check/create": {reset, tt.second}, "POST /checklookup": {ok(`[]`), ok(`[]`), ok(`[]`), ok(`[` + theCheck + `]`)},
			"POST /check/c1/accesslink": {ok(`{"url":"u"}`)},
		})
		if created, err := client.CreateCheck(t.Context(), createRequest); err != nil || created.CheckID != "c1" {
			t.Errorf("%s, seen late: %v, %v", name, created, err)
		}
	}
}

func TestLookupThatReturnsOthersIsNotTrusted(t *testing.T) {
	client, _ := scripted(t, map[string][]http.HandlerFunc{
		"POST /check/create": {reset, ok(`{"checkId":"c2","thirdPartyIdentifier":"p","url":null}`)},
		"POST /checklookup":  {ok(`[` + strings.Replace(theCheck, `"p"`, `"somebody else"`, 1) + `]`)},
	})
	if created, err := client.CreateCheck(t.Context(), createRequest); err != nil || created.CheckID != "c2" {
		t.Errorf("%v, %v", created, err)
	}
}

func TestCallerWhoLeavesWhileTheStateIsRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client, _ := scripted(t, map[string][]http.HandlerFunc{
		"POST /check/create": {reset},
		"POST /checklookup": {ok(`[]`), func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			cancel()
			<-r.Context().Done()
		}},
	})
	_, err := client.CreateCheck(ctx, createRequest)
	if !errors.Is(err, api.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestWaitForgivesFailuresThatAreNotInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := inBubble(t, func(*http.Request) *http.Response {
			switch calls++; {
			case calls == 20:
				return respond(200, strings.Replace(theCheck, "Created", "Completed", 1))
			case calls%3 == 0:
				return respond(200, theCheck)
			}
			return respond(503, "")
		}, api.WithMaxAttempts(1))
		if check, err := client.WaitForCheck(t.Context(), "c1"); err != nil || check.Status != api.CheckStatusCompleted {
			t.Errorf("%v, %v after %d calls", check, err, calls)
		}
	})
}

// These are timeouts, whoever reports them: the service may still be at work, and its state may lag.
func TestTimeoutsAreLookedAtAndNeverSentAgain(t *testing.T) {
	const submit = "GET /check/c1/submit"
	halfABody := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	impatient := api.WithHTTPClient(&http.Client{Timeout: 60 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}})
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		opts   []api.Option
	}{
		"504": {answer(504, "", ""), nil}, "408": {answer(408, "", ""), nil}, "522": {answer(522, "", ""), nil},
		"524":                             {answer(524, "text/html", "<html>"), nil},
		"the client's, within the answer": {halfABody, []api.Option{impatient}},
	} {
		client, s := scripted(t, map[string][]http.HandlerFunc{submit: {tt.answer}, "GET /check/c1": {ok(theCheck)}}, tt.opts...)
		if _, err := client.SubmitCheck(t.Context(), "c1"); !errors.Is(err, api.ErrOutcomeUnknown) || s.total(submit) != 1 ||
			s.total("GET /check/c1") != 2 {
			t.Errorf("%s: %v, calls %v", name, err, s.calls)
		}
		client, s = scripted(t, map[string][]http.HandlerFunc{
			submit: {tt.answer}, "GET /check/c1": {ok(theCheck), ok(submitted)}, "GET /check/c1/results": {ok(submitted)},
		}, tt.opts...)
		if done, err := client.SubmitCheck(t.Context(), "c1"); err != nil || done.Status != api.CheckStatusAwaitingAutomation ||
			s.total(submit) != 1 {
			t.Errorf("%s, seen late: %v, %v, calls %v", name, done, err, s.calls)
		}
		client, s = scripted(t, map[string][]http.HandlerFunc{"POST /check/create": {tt.answer}, "POST /checklookup": {ok(`[]`)}}, tt.opts...)
		if _, err := client.CreateCheck(t.Context(), createRequest); !errors.Is(err, api.ErrOutcomeUnknown) || s.total("POST /check/create") != 1 {
			t.Errorf("%s: %v, calls %v", name, err, s.calls)
		}
	}
}

// An HTTP client that gives up for a reason of its own, even one that hides a timeout, says nothing about the service.
func TestClientThatGivesUpByItselfIsATimeout(t *testing.T) {
	const submit = "GET /check/c1/submit"
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, give := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"a timeout": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 20*time.Millisecond)
		},
		"a cancellation": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		for _, hide := range []bool{false, true} {
			client, s := scripted(t, map[string][]http.HandlerFunc{submit: {hang}, "GET /check/c1": {ok(theCheck)}},
				api.WithTransportWrapper(func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						if !strings.HasSuffix(r.URL.Path, "/submit") {
							return next.RoundTrip(r)
						}
						ctx, cancel := give(r.Context())
						defer cancel()
						resp, err := next.RoundTrip(r.WithContext(ctx))
						if err != nil && hide {
							err = fmt.Errorf("gave up: %v", err)
						}
						return resp, err
					})
				}))
			_, err := client.SubmitCheck(t.Context(), "c1")
			if !errors.Is(err, api.ErrOutcomeUnknown) || s.total(submit) != 1 || s.total("GET /check/c1") != 2 {
				t.Errorf("%s, hidden %v: %v, calls %v", name, hide, err, s.calls)
			}
		}
	}
}

// Before another submit the state has been read for the whole window, which is longer than it may lag.
func TestStateIsReadForTheWholeWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var submits, looks int
		var performed time.Time
		lag := 4 * time.Second
		client := inBubble(t, func(r *http.Request) *http.Response {
			if strings.HasSuffix(r.URL.Path, "/submit") {
				if submits++; submits == 1 {
					performed = time.Now()
				}
				return respond(502, "")
			}
			looks++
			if time.Since(performed) < lag {
				return respond(200, theCheck)
			}
			return respond(200, submitted)
		})
		if done, err := client.SubmitCheck(t.Context(), "c1"); err != nil || done.Status != api.CheckStatusAwaitingAutomation || submits != 1 ||
			looks > 12 {
			t.Errorf("%v, %v: %d submits, %d looks", done, err, submits, looks)
		}
		submits, looks, lag = 0, 0, time.Hour
		start := time.Now()
		_, err := client.SubmitCheck(t.Context(), "c1", api.WithMaxAttempts(2))
		if !errors.Is(err, api.ErrOutcomeUnknown) || submits != 2 || time.Since(start) < 2*api.DefaultRecoveryWindow {
			t.Errorf("%v: %d submits in %v", err, submits, time.Since(start))
		}
		submits = 0
		_, err = client.SubmitCheck(t.Context(), "c1", api.WithTimeout(api.DefaultRecoveryWindow-time.Second))
		if !errors.Is(err, api.ErrOutcomeUnknown) || submits != 1 || !strings.Contains(err.Error(), "no time to go on looking") {
			t.Errorf("no time for the window: %v, %d submits", err, submits)
		}
		submits, looks = 0, 0
		_, err = client.SubmitCheck(t.Context(), "c1", api.WithMaxAttempts(1), api.WithRecoveryWindow(0))
		if !errors.Is(err, api.ErrOutcomeUnknown) || submits != 1 || looks != 1 {
			t.Errorf("no window: %v, %d submits, %d looks", err, submits, looks)
		}
		if _, err = client.SubmitCheck(t.Context(), "c1", api.WithRecoveryWindow(-1)); !errors.Is(err, api.ErrInvalidRequest) {
			t.Errorf("a negative window: %v", err)
		}
	})
}

// A transport that tries again by itself: the first connection carried the request, the second is refused.
func TestWhatWasSentOnceWasSent(t *testing.T) {
	const search = "POST /watchlist/search"
	var dials atomic.Int64
	var dialer net.Dialer
	base := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1)%2 == 0 {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		return dialer.DialContext(ctx, network, addr)
	}}
	retrying := roundTripper(func(r *http.Request) (*http.Response, error) { // as retryablehttp does, with the body in memory
		if !strings.HasSuffix(r.URL.Path, "/search") {
			dials.Store(0)
			return base.RoundTrip(r)
		}
		dials.Store(0)
		content, _ := io.ReadAll(r.Body)
		var resp *http.Response
		var err error
		for range 2 {
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(strings.NewReader(string(content)))
			if resp, err = base.RoundTrip(again); err == nil {
				return resp, nil
			}
		}
		return nil, err
	})
	client, s := scripted(t, map[string][]http.HandlerFunc{search: {reset}}, api.WithHTTPClient(&http.Client{Transport: retrying}))
	_, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
	if !errors.Is(err, api.ErrOutcomeUnknown) || s.total(search) != 1 || strings.Contains(err.Error(), "not performed") {
		t.Errorf("%v, %d searches", err, s.total(search))
	}
}

// A transport that tells net/http's trace nothing, as one for HTTP/3 or a detached context does, and falls back to another:
// what was read of the body counts.
func TestDeliveryThatNoTraceSawWasSent(t *testing.T) {
	delivering := &http.Transport{DisableKeepAlives: true}
	refusing := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}}
	falling := roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Body == nil || strings.HasSuffix(r.URL.Path, "/token") {
			return delivering.RoundTrip(r)
		}
		content, _ := io.ReadAll(r.Body)
		detached := r.Clone(context.Background())
		detached.Body, detached.ContentLength = io.NopCloser(strings.NewReader(string(content))), int64(len(content))
		if resp, err := delivering.RoundTrip(detached); err == nil {
			return resp, nil
		}
		again := r.Clone(r.Context())
		again.Body, again.ContentLength = io.NopCloser(strings.NewReader(string(content))), int64(len(content))
		return refusing.RoundTrip(again)
	})
	const search, submit = "POST /watchlist/search", "GET /check/c1/submit"
	client, s := scripted(t, map[string][]http.HandlerFunc{search: {reset}, submit: {reset}, "GET /check/c1": {ok(submitted)},
		"GET /check/c1/results": {reset}},
		api.WithHTTPClient(&http.Client{Transport: falling}))
	if _, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"}); !errors.Is(err,
		api.ErrOutcomeUnknown) || s.total(search) != 1 {
		t.Errorf("%v, %d searches", err, s.total(search))
	}
	if done, err := client.SubmitCheck(t.Context(), "c1"); err != nil || done.Status != api.CheckStatusAwaitingAutomation || s.total(submit) != 1 {
		t.Errorf("%v, %v, %d submits", done, err, s.total(submit))
	}
}

// What a service answers to the second try of a transport says nothing about the first, which was performed.
func TestRefusalOfASecondTryIsUnclear(t *testing.T) {
	const search, submit = "POST /watchlist/search", "GET /check/c1/submit"
	for name, second := range map[string]http.HandlerFunc{
		"429": answer(429, "", "", "Retry-After", "0"), "409": answer(409, "", ""), "400": answer(400, "", ""), "401": answer(401, "", ""),
		"404": answer(404, "", ""), "403": answer(403, "", ""),
	} {
		base := &http.Transport{DisableKeepAlives: true}
		retrying := roundTripper(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/search") && !strings.HasSuffix(r.URL.Path, "/submit") {
				return base.RoundTrip(r)
			}
			content, _ := io.ReadAll(r.Body)
			for {
				again := r.Clone(r.Context())
				again.Body, again.ContentLength = io.NopCloser(strings.NewReader(string(content))), int64(len(content))
				if resp, err := base.RoundTrip(again); err == nil {
					return resp, nil
				}
			}
		})
		client, s := scripted(t, map[string][]http.HandlerFunc{
			search: {reset, second, ok(`{"id":"another"}`)}, submit: {reset, second, ok(`"AwaitingAutomation"`)},
			"GET /check/c1": {ok(theCheck), ok(submitted)}, "GET /check/c1/results": {ok(submitted)},
		}, api.WithHTTPClient(&http.Client{Transport: retrying}))
		if _, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"}); !errors.Is(err,
			api.ErrOutcomeUnknown) || s.total(search) != 2 {
			t.Errorf("%s: %v, %d searches", name, err, s.total(search))
		}
		if done, err := client.SubmitCheck(t.Context(), "c1"); err != nil || done.Status != api.CheckStatusAwaitingAutomation ||
			s.total(submit) != 2 {
			t.Errorf("%s: %v, %v, %d submits", name, done, err, s.total(submit))
		}
	}
}

// A 401 settles what was sent with the refused token; that the next connection is refused changes nothing.
func TestRefusedTokenAndThenNoConnection(t *testing.T) {
	const search = "POST /watchlist/search"
	var refuse atomic.Bool
	var dialer net.Dialer
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if refuse.Load() {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		return dialer.DialContext(ctx, network, addr)
	}}
	var serial atomic.Int64
	exchanging := roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			return respond(200, fmt.Sprintf(`{"token":"token-%d"}`, serial.Add(1))), nil
		}
		return transport.RoundTrip(r)
	})
	client, s := scripted(t, map[string][]http.HandlerFunc{search: {func(w http.ResponseWriter, r *http.Request) {
		refuse.Store(true)
		answer(401, "", "")(w, r)
	}}}, api.WithHTTPClient(&http.Client{Transport: exchanging}), api.WithMaxAttempts(1))
	_, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
	if !errors.Is(err, api.ErrUnavailable) || errors.Is(err, api.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "not performed") ||
		s.total(search) != 1 {
		t.Errorf("%v, %d searches", err, s.total(search))
	}
}

// A plain method with a large image is no better off than a streamed one.
func TestSuccessBeforeTheWholeRequestIsNone(t *testing.T) {
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1000)
		ok(`"success"`)(w, r)
	}, quick)
	request := api.AddPhotoDocumentRequest{FileName: "f", FileContent: "data:image/png;base64," + strings.Repeat("A", 16<<20)}
	if err := client.AddPhotoDocument(t.Context(), "c1", request); !errors.Is(err, api.ErrOutcomeUnknown) ||
		!strings.Contains(err.Error(), "before it had the whole request") {
		t.Errorf("%v", err)
	}
}

// Behind 101 there is a connection, which net/http ends neither with the context nor with the time.
func TestSwitchingProtocolsDoesNotHang(t *testing.T) {
	client, _ := scripted(t, map[string][]http.HandlerFunc{"GET /check/c1": {func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_ = buffered.Flush()
		_, _ = io.Copy(io.Discard, conn) // until the client hangs up
	}}})
	if _, err := client.GetCheck(t.Context(), "c1", api.WithTimeout(time.Minute)); !errors.Is(err, api.ErrUnexpectedResponse) {
		t.Errorf("%v", err)
	}
}

func TestCallerWhoLeavesDuringAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{429, 503} {
			ctx, cancel := context.WithCancel(t.Context())
			client := inBubble(t, func(*http.Request) *http.Response {
				time.AfterFunc(time.Second, cancel)
				return respond(status, `"private"`, "Retry-After", "10")
			})
			start := time.Now()
			_, err := client.GetCheck(ctx, "private")
			var e *api.Error
			if !errors.Is(err, context.Canceled) || errors.Is(err, api.ErrRateLimited) || errors.Is(err, api.ErrUnavailable) ||
				time.Since(start) != time.Second ||
				!errors.As(err, &e) || e.Status != status || e.Retryable() || strings.Contains(err.Error(), "private") {
				t.Errorf("%d: %v after %v", status, err, time.Since(start))
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		client := inBubble(t, func(*http.Request) *http.Response {
			time.AfterFunc(time.Second, cancel)
			return respond(429, "", "Retry-After", "10")
		})
		_, err := client.SearchWatchlists(ctx, api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
		if !errors.Is(err, context.Canceled) || errors.Is(err, api.ErrOutcomeUnknown) || errors.Is(err, api.ErrRateLimited) {
			t.Errorf("%v", err)
		}
	})
}

// One bad answer to the exchange, which asks for a day, must not lock the client out.
func TestExchangeThatAsksForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exchanges := 0
		client, err := api.New("key", "secret", api.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response,
			error) {
			if !strings.HasSuffix(r.URL.Path, "/auth/token") {
				return respond(200, theCheck), nil
			}
			if exchanges++; exchanges == 1 {
				return respond(503, "", "Retry-After", "86400"), nil
			}
			return respond(200, `{"token":"opaque"}`), nil
		})}))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		start := time.Now()
		if _, err := client.GetCheck(t.Context(), "c1"); err != nil || time.Since(start) > 40*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
