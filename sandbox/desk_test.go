package sandbox_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// sit sends a form of the desk, and returns the page that follows.
func sit(t *testing.T, b *browser, sb *sandbox.Server, form string, pairs ...string) *browser {
	t.Helper()
	values := make(url.Values)
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	desk := strings.TrimSuffix(sb.URL, "api")
	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, desk+"sandbox/desk/"+form, strings.NewReader(values.Encode())))(t)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", strings.TrimSuffix(desk, "/"))
	return b.do(req)
}

// A check that waits is decided at the desk, and the application hears of it.
func TestDeskDecides(t *testing.T) {
	l := listen(t)
	sb, client := start(t, sandbox.WithWebhook(sandbox.Webhook{URL: l.URL}))
	first, second := emailCheck(t, sb, client, "a+wait@example.com"), emailCheck(t, sb, client, "b+wait@example.com")
	if got := status(t, client, first); got != api.CheckStatusInReview {
		t.Fatalf("%s", got)
	}
	if got := l.had(sb); len(got) != 0 {
		t.Errorf("%q", got)
	}
	b := newBrowser(t)
	if page := b.open(strings.TrimSuffix(sb.URL, "api")).page; !strings.Contains(page, first) || strings.Count(page, ">Complete<") != 2 {
		t.Errorf("%s", page)
	}
	sit(t, b, sb, "decide", "id", first, "status", "Completed")
	if b.status != 200 || strings.Count(b.page, ">Complete<") != 1 || !strings.Contains(b.page, "<b class=\"Completed\">") {
		t.Errorf("%d %s", b.status, b.page)
	}
	if err := sb.Decide(second, "Rejected"); err != nil {
		t.Error(err)
	}
	got := l.had(sb)
	if len(got) != 2 || !slices.ContainsFunc(got, func(line string) bool {
		return strings.Contains(line, first) &&
			strings.HasSuffix(line, "Completed")
	}) ||
		!slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, second) && strings.HasSuffix(line, "Rejected") }) {
		t.Errorf("%q", got)
	}
	open := create(t, sb, client, "open", "c@example.com")
	for id, status := range map[string]string{first: "Rejected", open: "Completed", "nothing": "Completed", second: "InReview"} {
		if sb.Decide(id, status) == nil {
			t.Errorf("%s was decided as %s", id, status)
		}
	}
}

func TestDeskChangesWhatTheSandboxDoes(t *testing.T) {
	l := listen(t)
	sb, client := start(t)
	search := must(client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: sb.GroupID, BusinessName: "Harbor <Ltd>"}))(t).ID
	b := newBrowser(t)
	wants := func(status int, piece string) {
		t.Helper()
		if b.status != status || !strings.Contains(b.page, piece) {
			t.Errorf("%d, want %d and %q:\n%s", b.status, status, piece, b.page)
		}
	}
	sit(t, b, sb, "test")
	wants(422, "there is no webhook")
	sit(t, b, sb, "webhook", "url", "http://example.com/", "rate", "0")
	wants(422, "not one of this computer")
	sit(t, b, sb, "webhook", "url", l.URL, "header", "X-Proof", "value", "a secret", "rate", "0")
	wants(200, l.URL)
	sit(t, b, sb, "webhook", "url", l.URL, "header", "X-Proof", "value", "", "rate", "0") // the value stays
	sit(t, b, sb, "test")
	sit(t, b, sb, "recheck", "id", search, "hits", "3")
	wants(200, "Harbor &lt;Ltd&gt;")
	sit(t, b, sb, "recheck", "id", search, "hits", "many")
	wants(422, "no whole number")
	if got := l.had(sb); len(got) != 2 || slices.Contains(l.headers, "") {
		t.Errorf("%q %q", got, l.headers)
	}
	sit(t, b, sb, "redeliver", "id", sb.Deliveries()[0].ID)
	if got := l.had(sb); len(got) != 3 {
		t.Errorf("%q", got)
	}
	if strings.Contains(b.open(strings.TrimSuffix(sb.URL, "api")).page, "a secret") {
		t.Error("the desk shows the secret")
	}

	sit(t, b, sb, "faults", "rate", "0", "next", "1", "operation", "getWatchlistSearch", "status", "403", "spare", "yes")
	wants(200, "getWatchlistSearch")
	if _, err := client.GetWatchlistSearch(t.Context(), search); err == nil {
		t.Error("no fault")
	}
	for _, pairs := range [][]string{{"rate", "2"}, {"rate", "x"}, {"next", "x"}, {"operation", "x"}, {"kind", "x"}} {
		sit(t, b, sb, "faults", pairs...)
		wants(422, `role="alert"`)
	}
	sit(t, b, sb, "faults", "off", "yes")
	sit(t, b, sb, "quirks", "quirk", "submitString", "quirk", "organiationId")
	wants(200, `value="submitString" checked`)
	id := create(t, sb, client, "q", "q@example.com")
	if _, answer := call(t, "GET", sb.URL+"/check/"+id, "Bearer "+exchange(t, sb), "", ""); !strings.Contains(answer, "organiationId") {
		t.Errorf("no quirk: %s", answer)
	}
	sit(t, b, sb, "quirks")
	if _, answer := call(t, "GET", sb.URL+"/check/"+id, "Bearer "+exchange(t, sb), "", ""); strings.Contains(answer, "organiationId") {
		t.Errorf("a quirk: %s", answer)
	}
	sit(t, b, sb, "nothing")
	if b.status != 400 {
		t.Errorf("%d", b.status)
	}
}

// The page hears of what happens, and the stream ends with the server.
func TestDeskHearsOfChanges(t *testing.T) {
	sb, client := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := must(http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(sb.URL, "api")+"sandbox/events", nil))(t)
	resp := must(http.DefaultClient.Do(req))(t)
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if version, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return version
			}
		}
		return ""
	}
	first := next()
	create(t, sb, client, "p", "p@example.com")
	if second := next(); first == "" || second == "" || second == first {
		t.Errorf("%q, %q", first, second)
	}
	if err := sb.Close(); err != nil {
		t.Error(err)
	}
	if last := next(); last != "" {
		t.Errorf("%q", last)
	}
}

// A page whose name was made to lead here changes nothing.
func TestDeskUnderAnotherName(t *testing.T) {
	sb, _ := start(t)
	desk := strings.TrimSuffix(sb.URL, "api")
	for host, want := range map[string]int{"": 200, "localhost": 200, "[::1]:80": 200, "evil.example.com": 403, "127.0.0.1.evil.example.com:80": 403} {
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, desk, nil))(t)
		req.Host = host
		resp := must(http.DefaultClient.Do(req))(t)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: %d, want %d", host, resp.StatusCode, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
