package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/sandbox"
)

// A listener keeps what is sent to it.
type listener struct {
	*httptest.Server
	t      *testing.T
	answer int

	mu       sync.Mutex
	received []string // type, ID, group and status
	headers  []string
	more     *sync.Cond
}

func listen(t *testing.T) *listener {
	l := &listener{t: t, answer: http.StatusNoContent}
	l.more = sync.NewCond(&l.mu)
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := contract.CheckWebhook(r); err != nil {
		l.t.Error(err)
	}
	body, err := io.ReadAll(r.Body)
	var n struct {
		StatusMessage struct{ Type, ID, GroupID, Status string }
	}
	if json.Unmarshal(body, &n) != nil || r.Method != http.MethodPost {
		l.t.Errorf("%s %q, %v", r.Method, body, err)
	}
	m := n.StatusMessage
	l.mu.Lock()
	l.received = append(l.received, strings.Join([]string{m.Type, m.ID, m.GroupID, m.Status}, "|"))
	l.headers = append(l.headers, r.Header.Get("X-Proof"))
	l.more.Broadcast()
	l.mu.Unlock()
	w.WriteHeader(l.answer)
}

// had returns what came, sorted, once everything that is due was sent.
func (l *listener) had(sb *sandbox.Server) []string {
	l.t.Helper()
	if err := sb.Delivered(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(slices.Values(l.received))
}

func emailCheck(t *testing.T, sb *sandbox.Server, client *api.Client, email string) string {
	t.Helper()
	created := must(client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: email, GroupID: sb.GroupID, Email: email,
		CheckTypes: []api.CheckType{api.CheckTypeEmailVerification}}))(t)
	must(client.SubmitCheck(t.Context(), created.CheckID))(t)
	return created.CheckID
}

func TestNotificationsAreSent(t *testing.T) {
	l := listen(t)
	sb, client := start(t, sandbox.WithWebhook(sandbox.Webhook{URL: l.URL, Header: "X-Proof", Value: "proof"}),
		sandbox.WithProcessing(0, 50*time.Millisecond))
	done := emailCheck(t, sb, client, "a@example.com")
	rejected := emailCheck(t, sb, client, "b+rejected@example.com")
	emailCheck(t, sb, client, "c+canceled@example.com")
	slow := emailCheck(t, sb, client, "d+slow@example.com")
	search := must(client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: sb.GroupID, BusinessName: "b"}))(t).ID
	failed := must(client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: sb.GroupID, BusinessName: "b+error"}))(t).ID
	enrolled := must(client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "e", GroupID: sb.GroupID,
		Email: "e@example.com"}))(t)
	resp := must(http.Post(enrolled.URL, "", nil))(t)
	resp.Body.Close()
	must(client.WaitForCheck(t.Context(), slow, api.WithPollInterval(5*time.Millisecond, 5*time.Millisecond)))(t)
	must(client.GetCheck(t.Context(), slow))(t) // who looks sends nothing again

	line := func(about, id, status string) string {
		return strings.Join([]string{about, id, sb.GroupID, status}, "|")
	}
	want := []string{
		line("LiveCheck", enrolled.CheckID, "Completed"),
		line("OfflineCheck", done, "Completed"),
		line("OfflineCheck", rejected, "Rejected"),
		line("OfflineCheck", slow, "Completed"),
		line("WatchlistSearch", failed, "Failed"),
		line("WatchlistSearch", search, "Completed"),
	}
	slices.Sort(want)
	if got := l.had(sb); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if slices.ContainsFunc(l.headers, func(h string) bool { return h != "proof" }) {
		t.Errorf("headers %q", l.headers)
	}
	for _, d := range sb.Deliveries() {
		if d.Answer != 204 || d.Error != "" || d.Duration <= 0 || d.ID == "" || d.About == "" || time.Since(d.Time) > time.Minute {
			t.Errorf("%+v", d)
		}
	}
}

// A check that nobody looks at is notified of too.
func TestNotificationOfACheckThatNobodyLooksAt(t *testing.T) {
	sent := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(sent) }))
	defer srv.Close()
	sb, client := start(t, sandbox.WithWebhook(sandbox.Webhook{URL: srv.URL}), sandbox.WithProcessing(20*time.Millisecond, 0))
	emailCheck(t, sb, client, "a@example.com")
	select {
	case <-sent:
	case <-t.Context().Done():
	}
}

func TestRecheckIsANewRun(t *testing.T) {
	l := listen(t)
	sb, client := start(t, sandbox.WithWebhook(sandbox.Webhook{URL: l.URL, Types: []string{"RecurringWatchlistSearch"}}))
	id := must(client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: sb.GroupID, BusinessName: "b+hits-1"}))(t).ID
	seen := map[api.Timestamp]bool{must(client.GetWatchlistSearch(t.Context(), id))(t).LastRecheckDate: true}
	for run := 1; run <= 3; run++ {
		if err := sb.Recheck(id, 2); err != nil {
			t.Fatal(err)
		}
		results := must(client.GetWatchlistSearchResults(t.Context(), id))(t)
		if len(results.WatchlistResults) != 1+2*run || seen[results.LastRecheckDate] {
			t.Errorf("run %d: %d hits at %s", run, len(results.WatchlistResults), results.LastRecheckDate)
		}
		seen[results.LastRecheckDate] = true
	}
	if got := l.had(sb); len(got) != 3 || !strings.HasPrefix(got[0], "RecurringWatchlistSearch|"+id) {
		t.Errorf("%q", got)
	}
	if err := sb.Recheck(id, math.MaxInt); err != nil || len(must(client.GetWatchlistSearchResults(t.Context(), id))(t).WatchlistResults) < 7 {
		t.Errorf("%v", err)
	}
	if sb.Recheck("x", 1) == nil || sb.Recheck(id, -1) == nil {
		t.Error("a recheck of nothing was made")
	}
}

func TestQuirksOfNotifications(t *testing.T) {
	l := listen(t)
	sb, client := start(t, sandbox.WithWebhook(sandbox.Webhook{URL: l.URL}), sandbox.WithQuirks(sandbox.QuirkComplete, sandbox.QuirkGroupBlank))
	id := emailCheck(t, sb, client, "a@example.com")
	if got, want := l.had(sb), "OfflineCheck|"+id+"| "+sb.GroupID+"|Complete"; len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFaultsOfNotifications(t *testing.T) {
	for kind, want := range map[sandbox.NotificationFault]string{
		sandbox.NotificationLost:      "0 0",
		sandbox.NotificationDoubled:   "10 0",
		sandbox.NotificationReordered: "5 0",
		sandbox.NotificationDelayed:   "5 0",
		sandbox.NotificationForged:    "5 5",
		sandbox.NotificationDripped:   "5 0",
		sandbox.NotificationLeft:      "5 0",
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			sb, client := start(t, sandbox.WithWebhook(sandbox.Webhook{URL: l.URL, Header: "X-Proof", Value: "proof",
				Faults: sandbox.NotificationFaults{Rate: 1, Seed: 7, Kinds: []sandbox.NotificationFault{kind}}}))
			truth := make(map[string]bool)
			for i := range 5 {
				id := emailCheck(t, sb, client, fmt.Sprintf("p%d@example.com", i))
				truth[strings.Join([]string{"OfflineCheck", id, sb.GroupID, "Completed"}, "|")] = true
			}
			isTrue, lies := 0, 0
			l.had(sb)
			l.mu.Lock()
			defer l.mu.Unlock()
			for kind == sandbox.NotificationLeft && len(l.received) < 5 { // who left does not know when it was heard
				l.more.Wait()
			}
			for _, line := range l.received {
				if truth[line] {
					isTrue++
				} else {
					lies++
				}
			}
			if got := fmt.Sprint(isTrue, lies); got != want {
				t.Errorf("%s true and false, want %s: %q", got, want, l.received)
			}
			if n := sb.NotificationFaultCounts()[kind]; n != 5 {
				t.Errorf("%d faults", n)
			}
		})
	}
}

func TestNotificationsStayOnThisComputer(t *testing.T) {
	for _, url := range []string{"http://example.com/", "https://10.0.0.1/hook", "http://[2001:db8::1]/",
		"ftp://127.0.0.1/", "127.0.0.1:80", "http://u:p@127.0.0.1/",
		"http://localhost.example.com/"} {
		if _, err := sandbox.New(sandbox.WithWebhook(sandbox.Webhook{URL: url})); err == nil {
			t.Errorf("%s was accepted", url)
		}
	}
	if _, err := sandbox.New(sandbox.WithWebhook(sandbox.Webhook{URL: "https://example.com/", AnyHost: true})); err != nil {
		t.Error(err)
	}
	for _, w := range []sandbox.Webhook{
		{URL: "http://127.0.0.1/", Types: []string{"Unheard"}}, {URL: "http://127.0.0.1/", Faults: sandbox.NotificationFaults{Rate: 2}},
		{URL: "http://127.0.0.1/", Faults: sandbox.NotificationFaults{Kinds: []sandbox.NotificationFault{"x"}}},
		{URL: "http://127.0.0.1/", Header: "a b"}, {URL: "http://127.0.0.1/", Header: "A", Value: "x\r\nB: y"}, {URL: "http://127.0.0.1/",
			Value: "x"},
	} {
		if _, err := sandbox.New(sandbox.WithWebhook(w)); err == nil {
			t.Errorf("%+v was accepted", w)
		}
	}
}

// Whoever runs a sandbox can change and trigger notifications over HTTP, but a page of another site cannot.
func TestNotificationsOverHTTP(t *testing.T) {
	l := listen(t)
	sb, client := start(t)
	base := strings.TrimSuffix(sb.URL, "/api")
	do := func(method, path, body, origin string) (int, string) {
		t.Helper()
		req := must(http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body)))(t)
		req.Header.Set("Origin", origin)
		resp := must(http.DefaultClient.Do(req))(t)
		defer resp.Body.Close()
		return resp.StatusCode, string(must(io.ReadAll(resp.Body))(t))
	}
	if status, body := do("POST", "/sandbox/webhook/test", "", base); status != 400 || !strings.Contains(body, "no webhook") {
		t.Errorf("%d %s", status, body)
	}
	put := `{"url":"` + l.URL + `","header":"X-Proof","value":"proof"}`
	if status, _ := do("PUT", "/sandbox/webhook", put, "https://elsewhere.example.com"); status != 403 {
		t.Errorf("another site: %d", status)
	}
	if status, body := do("PUT", "/sandbox/webhook", put, base); status != 200 || strings.Contains(body, "proof\"") &&
		strings.Contains(body, "value") {
		t.Errorf("%d %s", status, body)
	}
	do("PUT", "/sandbox/webhook", `{"url":"`+l.URL+`","header":"X-Proof"}`, base) // the value stays
	if status, _ := do("PUT", "/sandbox/webhook", `{}{}`, base); status != 400 {
		t.Errorf("two values: %d", status)
	}
	if status, _ := do("PUT", "/sandbox/webhook", `{"url":"http://example.com/"}`, base); status != 400 {
		t.Errorf("another computer: %d", status)
	}
	if status, _ := do("PUT", "/sandbox/webhook", `{"anyHost":true}`, base); status != 400 {
		t.Errorf("an unknown property: %d", status)
	}
	search := must(client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: sb.GroupID, BusinessName: "b"}))(t).ID
	if status, body := do("POST", "/sandbox/webhook/test", "", base); status != 202 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := do("POST", "/sandbox/searches/"+search+"/recheck", `{"hits":3}`, base); status != 202 {
		t.Errorf("%d %s", status, body)
	}
	l.had(sb)
	_, body := do("GET", "/sandbox/deliveries", "", base)
	var all []sandbox.Delivery
	if err := json.Unmarshal([]byte(body), &all); err != nil || len(all) != 3 {
		t.Fatalf("%v: %s", err, body)
	}
	if status, _ := do("POST", "/sandbox/deliveries/"+all[0].ID+"/redeliver", "", base); status != 202 {
		t.Errorf("%d", status)
	}
	if status, _ := do("POST", "/sandbox/deliveries/99/redeliver", "", base); status != 400 {
		t.Errorf("%d", status)
	}
	got := l.had(sb)
	if len(got) != 4 || !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, all[0].Type+"|"+all[0].About) }) {
		t.Errorf("%q", got)
	}
	for _, header := range l.headers {
		if header != "proof" {
			t.Errorf("header %q", header)
		}
	}
}

// A receiver that does not answer holds nothing up, and ends with the server.
func TestReceiverThatDoesNotAnswer(t *testing.T) {
	stuck := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-stuck }))
	defer srv.Close()
	defer close(stuck)
	sb, err := sandbox.Listen(sandbox.WithWebhook(sandbox.Webhook{URL: srv.URL}))
	if err != nil {
		t.Fatal(err)
	}
	client := must(api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL)))(t)
	defer client.Close()
	for i := range 20 {
		emailCheck(t, sb, client, fmt.Sprintf("p%d@example.com", i))
	}
	if err := sb.Close(); err != nil {
		t.Error(err)
	}
}

// What is held back comes after the next one, which was answered by then.
func TestReorderedNotifications(t *testing.T) {
	l := listen(t)
	sb, client := start(t, sandbox.WithWebhook(sandbox.Webhook{URL: l.URL, Types: []string{},
		Faults: sandbox.NotificationFaults{Rate: 1, Kinds: []sandbox.NotificationFault{sandbox.NotificationReordered}}}))
	var ids []string
	for i := range 6 {
		created := enroll(t, sb, client, api.CreateCheckRequest{ThirdPartyIdentifier: fmt.Sprint(i),
			CheckTypes: []api.CheckType{api.CheckTypeEmailVerification}})
		ids = append(ids, created.CheckID)
	}
	for _, id := range ids { // one right after another: nothing is held for long
		must(client.SubmitCheck(t.Context(), id))(t)
	}
	l.had(sb)
	for i := 0; i < 6; i += 2 {
		first, second := -1, -1
		for at, line := range l.received {
			if strings.Contains(line, ids[i]) {
				first = at
			}
			if strings.Contains(line, ids[i+1]) {
				second = at
			}
		}
		if first < 0 || second < 0 || first < second {
			t.Errorf("%d came before %d", i, i+1)
		}
	}
}
