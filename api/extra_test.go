package api_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
)

// A capture tells of a success, and of a failure, what a result and an error do not.
func TestCapture(t *testing.T) {
	var calls atomic.Int64
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1)%2 == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answer(200, "application/json", theCheck, "X-Request-Id", "r-17", "X-Cost", "3")(w, r)
	}, api.WithBackoff(api.ExponentialBackoff(time.Microsecond, time.Microsecond)))
	capture := api.Capture{KeepRaw: true}
	if _, err := client.GetCheck(t.Context(), "c1", api.WithCapture(&capture)); err != nil {
		t.Fatal(err)
	}
	if capture.Status != 200 || capture.Attempts != 2 || capture.RequestID != "r-17" || capture.Header.Get("X-Cost") != "3" ||
		capture.Duration <= 0 ||
		capture.TokenWait <= 0 || capture.TokenWait > capture.Duration || string(capture.Raw()) != theCheck {
		t.Errorf("%v, raw %q, headers %v", &capture, capture.Raw(), capture.Header)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "capture", &capture)
	for _, text := range []string{fmt.Sprint(&capture), fmt.Sprintf("%+v %#v %s", &capture, &capture, &capture), logged.String()} {
		if strings.Contains(text, "customer") || strings.Contains(text, "X-Cost") {
			t.Errorf("the answer is printed: %s", text)
		}
	}

	// It is of the last call alone, failures too.
	if _, err := client.GetCheck(t.Context(), "c1", api.WithCapture(&capture), api.WithMaxAttempts(1)); err == nil {
		t.Fatal("no failure")
	}
	if capture.Status != 503 || capture.Attempts != 1 || capture.RequestID != "" || capture.Header.Get("X-Cost") != "" || !capture.KeepRaw {
		t.Errorf("of a failure: %v", &capture)
	}
	if _, err := client.GetCheck(t.Context(), "", api.WithCapture(&capture)); err == nil || capture.Status != 0 || capture.Attempts != 0 {
		t.Errorf("of what was not sent: %v, %v", &capture, err)
	}
	if _, err := client.GetCheck(t.Context(), "c1", api.WithCapture(nil)); err == nil {
		t.Error("nil is taken")
	}
	if _, err := api.New("key", "secret", api.WithCapture(&capture)); err == nil || !strings.Contains(err.Error(), "for a call") {
		t.Errorf("a client takes one: %v", err)
	}
}

// Headers and query values go with a call, unless they are the contract's or the client's own.
func TestHeaderAndQuery(t *testing.T) {
	var got *http.Request
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		answer(200, "application/json", theCheck)(w, r)
	}, api.WithHeader("x-tenant", "shop"), api.WithQuery("trace", "a b&c"))
	for _, id := range []string{"c1", "a/b"} {
		if _, err := client.GetCheck(t.Context(), id, api.WithHeader("X-Span", "7"), api.WithQuery("debug", "1")); err != nil {
			t.Fatal(err)
		}
		if got.Header.Get("X-Tenant") != "shop" || got.Header.Get("X-Span") != "7" || got.URL.Query().Get("trace") != "a b&c" ||
			got.URL.Query().Get("debug") != "1" {
			t.Errorf("headers %v, query %q", got.Header, got.URL.RawQuery)
		}
	}
	if _, err := client.GetCheck(t.Context(), "c1"); err != nil || got.Header.Get("X-Span") != "" || got.URL.Query().Has("debug") {
		t.Errorf("a call's own went with another: %v, %v", got.Header, err)
	}
	got = nil
	for name, value := range map[string]string{
		"authorization": "Bearer x", "User-Agent": "x", "host": "example.com", "Content-Length": "1", "cookie": "a=b", "": "x", "a b": "x", "ü": "x",
		"a:b": "x", "X-Ok": "a\r\nb", "X-Null": "a\x00b",
	} {
		if _, err := client.GetCheck(t.Context(), "c1", api.WithHeader(name, value)); !errors.Is(err, api.ErrInvalidRequest) {
			t.Errorf("%q: %q is taken: %v", name, value, err)
		}
	}
	if _, err := client.GetCheck(t.Context(), "c1", api.WithQuery("", "x")); !errors.Is(err, api.ErrInvalidRequest) {
		t.Errorf("a query value without a name is taken: %v", err)
	}
	if got != nil {
		t.Error("something was sent")
	}
}

// A middleware sees each attempt without an identifier, the first one outermost.
func TestMiddleware(t *testing.T) {
	var calls atomic.Int64
	var seen []string
	note := func(name string) api.Middleware {
		return func(ctx context.Context, a api.Attempt, next func(context.Context) api.AttemptResult) api.AttemptResult {
			seen = append(seen, fmt.Sprintf("%s %s %s %s %d", name, a.Operation, a.Method, a.Path, a.Number))
			r := next(context.WithValue(ctx, seenKey{}, name))
			seen = append(seen, fmt.Sprintf("%s %d %v", name, r.Status, r.Err != nil))
			return r
		}
	}
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answer(200, "application/json", theCheck)(w, r)
	}, api.WithMiddleware(note("outer")), api.WithMiddleware(note("inner")), api.WithBackoff(api.ExponentialBackoff(1, 1)))
	if _, err := client.GetCheck(t.Context(), "private-id"); err != nil {
		t.Fatal(err)
	}
	want := "outer getCheck GET /check/{id} 1,inner getCheck GET /check/{id} 1,inner 503 true,outer 503 true," +
		"outer getCheck GET /check/{id} 2,inner getCheck GET /check/{id} 2,inner 200 false,outer 200 false"
	if got := strings.Join(seen, ","); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

type seenKey struct{}

// A middleware that does not make the attempt ends the call; one that makes it twice, late or without a context cannot do harm.
func TestMiddlewareThatMisbehaves(t *testing.T) {
	errOpen := errors.New("the breaker is open")
	late := make(chan func(context.Context) api.AttemptResult, 1)
	for name, tt := range map[string]struct {
		m     api.Middleware
		calls int64
		err   error
	}{
		"refuses": {func(context.Context, api.Attempt, func(context.Context) api.AttemptResult) api.AttemptResult {
			return api.AttemptResult{Err: errOpen}
		}, 0, errOpen},
		"forgets": {func(context.Context, api.Attempt, func(context.Context) api.AttemptResult) api.AttemptResult {
			return api.AttemptResult{}
		}, 0, nil},
		"twice": {func(ctx context.Context, _ api.Attempt, next func(context.Context) api.AttemptResult) api.AttemptResult {
			r := next(ctx)
			if again := next(ctx); again.Err == nil {
				r.Status = -1
			}
			return r
		}, 1, nil},
		"late": {func(_ context.Context, _ api.Attempt, next func(context.Context) api.AttemptResult) api.AttemptResult {
			late <- next
			return api.AttemptResult{}
		}, 0, nil},
		"elsewhere": {func(ctx context.Context, _ api.Attempt, next func(context.Context) api.AttemptResult) api.AttemptResult {
			var r api.AttemptResult
			var wg sync.WaitGroup
			wg.Go(func() { r = next(ctx) })
			wg.Wait()
			return r
		}, 1, nil},
		"without a context": {func(_ context.Context, _ api.Attempt, next func(context.Context) api.AttemptResult) api.AttemptResult {
			return next(nil) //nolint:staticcheck // on purpose
		}, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				answer(200, "application/json", theCheck)(w, r)
			}, api.WithMiddleware(tt.m))
			_, err := client.GetCheck(t.Context(), "c1")
			if name == "late" {
				if r := (<-late)(t.Context()); r.Err == nil {
					t.Error("it was made after the call")
				}
			}
			if calls.Load() != tt.calls || (err == nil) != (tt.calls == 1) || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("%d calls, %v", calls.Load(), err)
			}
			var failure *api.Error
			if err != nil && (!errors.As(err, &failure) || failure.Class != nil || !strings.Contains(err.Error(), "it was not performed")) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	if _, err := api.New("key", "secret", api.WithMiddleware(nil)); err == nil {
		t.Error("nil is taken")
	}
}
