package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/webhook"
)

// Who sends half a request is answered in time, and the connection is closed.
func TestSenderWhoIsSlow(t *testing.T) {
	r, err := webhook.New(func(context.Context, webhook.Event) error { return nil }, webhook.WithSecret("X-Proof", secret),
		webhook.WithTimeout(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(r)
	defer srv.Close()
	for request, want := range map[string]int{
		"POST / HTTP/1.1\r\nHost: a\r\nX-Proof: " + secret + "\r\nContent-Length: 300\r\n\r\n{\"status":                    400,
		"GET / HTTP/1.1\r\nHost: a\r\nX-Proof: " + secret + "\r\nContent-Length: 300\r\n\r\n{":                             405,
		"POST / HTTP/1.1\r\nHost: a\r\nX-Proof: " + secret + "\r\nContent-Type: text/html\r\nContent-Length: 300\r\n\r\n{": 415,
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n{":                                                       401,
		"POST / HTTP/1.1\r\nHost: a\r\nX-Proof: " + secret + "\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n":            400,
		"POST / HTTP/1.1\r\nHost: a\r\nX-Proof: " + secret + "\r\nContent-Length: 70000\r\n\r\n{":                          413,
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, request)
		reader := bufio.NewReader(conn)
		resp, err := http.ReadResponse(reader, nil)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%q: %v, %v", request, resp, err)
		} else {
			_, _ = io.Copy(io.Discard, resp.Body)
		}
		if _, err := reader.ReadByte(); err != io.EOF && !strings.Contains(fmt.Sprint(err), "reset") {
			t.Errorf("%q: the connection stays: %v", request, err)
		}
		conn.Close()
	}
}

// A client does anything.
type odd struct{ look func() (*api.Check, error) }

func (o odd) GetCheck(context.Context, string, ...api.CallOption) (*api.Check, error) {
	return o.look()
}

func (o odd) GetWatchlistSearch(context.Context, string, ...api.CallOption) (*api.WatchlistSearch, error) {
	return nil, &api.Error{Class: api.ErrForbidden, Status: 403}
}

func TestOddClients(t *testing.T) {
	for name, tt := range map[string]struct {
		look func() (*api.Check, error)
		want webhook.Outcome
	}{
		"panics":        {func() (*api.Check, error) { panic("very private") }, webhook.Unconfirmed},
		"nothing":       {func() (*api.Check, error) { return nil, nil }, webhook.Unconfirmed},
		"a plain error": {func() (*api.Check, error) { return nil, errors.New("no") }, webhook.Unconfirmed},
		"not there, and the key may not read searches": {func() (*api.Check, error) {
			return nil, &api.Error{Class: api.ErrNotFound,
				Status: 404}
		}, webhook.Unknown},
		"an attempt that a checker refused": {func() (*api.Check, error) {
			return nil, &api.Error{Class: api.ErrInvalidRequest, Attempts: 1}
		}, webhook.Unconfirmed},
	} {
		var got webhook.Delivery
		r, err := webhook.New(func(context.Context, webhook.Event) error { return nil }, webhook.WithoutSecret(), webhook.WithClient(odd{tt.look}),
			webhook.WithHook(func(_ context.Context, d webhook.Delivery) { got = d }))
		if err != nil {
			t.Fatal(err)
		}
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/",
			strings.NewReader(notification("LiveCheck", "c1", "Completed"))))
		if got.Outcome != tt.want || strings.Contains(fmt.Sprint(got, got.Err), "private") {
			t.Errorf("%s: %v", name, got)
		}
	}
	r, err := webhook.New(func(context.Context, webhook.Event) error { return nil }, webhook.WithoutSecret(),
		webhook.WithClient(odd{func() (*api.Check, error) { runtime.Goexit(); return nil, nil }}))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Reconcile(t.Context(), "c1"); err == nil {
		t.Error("a look that ended its goroutine is no error")
	}
}

// The page of a proxy does not say that nothing has the ID.
func TestProxyThatSaysNotFound(t *testing.T) {
	for body, want := range map[string]int{`{"message":"No check has this ID."}`: 204, "": 204, "\n <html><h1>404</h1>": 503} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/auth/token") {
				_, _ = io.WriteString(w, `{"token":"opaque"}`)
				return
			}
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, body)
		}))
		client, err := api.New("key", "secret", api.WithBaseURL(srv.URL))
		if err != nil {
			t.Fatal(err)
		}
		r, err := webhook.New(func(context.Context, webhook.Event) error { return nil }, webhook.WithoutSecret(), webhook.WithClient(client))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(notification("LiveCheck", "c1", "Completed"))))
		if w.Code != want {
			t.Errorf("%q: %d, want %d", body, w.Code, want)
		}
		_ = client.Close()
		srv.Close()
	}
}

// A failing store claims although it says otherwise.
type failing struct{ begun, ended string }

func (f *failing) Begin(_ context.Context, _, claim string) (webhook.State, error) {
	f.begun = claim
	return 0, errors.New("the private database is away")
}

func (f *failing) End(ctx context.Context, _, claim string, handled bool) error {
	if f.ended = claim; handled || ctx.Err() != nil {
		f.ended = "handled, or too late"
	}
	return nil
}

func TestStoreThatFails(t *testing.T) {
	store := &failing{}
	var got webhook.Delivery
	r, err := webhook.New(func(context.Context, webhook.Event) error { t.Error("it was handled"); return nil }, webhook.WithoutSecret(),
		webhook.WithClient(honest{}), webhook.WithSeen(store), webhook.WithHook(func(_ context.Context, d webhook.Delivery) { got = d }))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(notification("LiveCheck", "c1", "Completed"))))
	if w.Code != 503 || got.Outcome != webhook.Unconfirmed || store.begun == "" || store.begun != store.ended {
		t.Errorf("%d, %v, %+v", w.Code, got, store)
	}
	if text := fmt.Sprint(got); strings.Contains(text, "private") || !strings.Contains(text, "errorString") {
		t.Errorf("printed as %s", text)
	}
}

// Nobody forges a line of a log.
func TestEventsPrintInOneLine(t *testing.T) {
	var got webhook.Delivery
	r, err := webhook.New(func(context.Context, webhook.Event) error { return nil }, webhook.WithoutSecret(),
		webhook.WithHook(func(_ context.Context, d webhook.Delivery) { got = d }))
	if err != nil {
		t.Fatal(err)
	}
	evil := "a\n\x1b[31m\u202e" + strings.Repeat("b", 200)
	r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(notification(evil, evil, evil))))
	if text := fmt.Sprintf("%v %+v", got, got.Event); strings.ContainsAny(text, "\n\x1b\u202e") || len(text) > 2000 || got.Event.ID == "" {
		t.Errorf("%q", text)
	}
}
