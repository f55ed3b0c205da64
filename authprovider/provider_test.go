package authprovider

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func request(t testing.TB, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

const checkURL = "http://localhost/api/check/c1"

func TestInterceptSetsWhatTheContractAsksFor(t *testing.T) {
	s := newService(t)
	p := s.provider(t)
	tests := map[string]string{
		checkURL:                              "Bearer ",
		"http://localhost/api/auth/token":     "Basic dGhlLWtleTp0aGUtc2VjcmV0",
		"http://localhost/api/auth/refresh":   "Bearer ",
		"http://localhost:80/api/check/c1":    "Bearer ",
		"HTTP://LOCALHOST/api/check/c1":       "Bearer ",
		"http://localhost/api/auth/tokens/c1": "Bearer ",
	}
	for url, want := range tests {
		req := request(t, url)
		if err := p.Intercept(t.Context(), req); err != nil || !strings.HasPrefix(req.Header.Get("Authorization"), want) {
			t.Errorf("%s: %.20q, %v", url, req.Header.Get("Authorization"), err)
		}
	}
	if exchanges, refreshes := s.counts(); exchanges != 1 || refreshes != 0 {
		t.Errorf("%d exchanges, %d refreshes", exchanges, refreshes)
	}
	post := request(t, "http://localhost/api/auth/token")
	post.Method = http.MethodPost // not the operation of the contract
	if err := p.Intercept(t.Context(), post); err != nil || !strings.HasPrefix(post.Header.Get("Authorization"), "Bearer ") {
		t.Errorf("POST: %.20q, %v", post.Header.Get("Authorization"), err)
	}
	bare := &http.Request{URL: request(t, checkURL).URL} // neither method nor header
	if err := p.Intercept(t.Context(), bare); err != nil || bare.Header.Get("Authorization") == "" {
		t.Errorf("%v, %v", bare.Header, err)
	}
}

func TestExceptionsWithPathParametersAndWithoutSecurity(t *testing.T) {
	op := operation{method: "GET", path: "/public/{id}/x", security: none}.under("/api/")
	for path, want := range map[string]bool{"/api/public/7/x": true, "/api/public/7/8/x": false, "/public/7/x": false, "/api/public/7/y": false} {
		if got := op.matches(&http.Request{Method: "GET", URL: request(t, "http://h"+path).URL}); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	s := newService(t)
	p := s.provider(t)
	p.exceptions = append(p.exceptions, op)
	req := request(t, "http://localhost/api/public/7/x")
	if err := p.Intercept(t.Context(), req); err != nil || req.Header.Get("Authorization") != "" {
		t.Errorf("an operation without security got %q, %v", req.Header, err)
	}
}

func TestInterceptRefusesOtherOrigins(t *testing.T) {
	s := newService(t)
	p := s.provider(t)
	for _, url := range []string{
		"https://localhost/api/check/c1",
		"http://localhost:81/api/check/c1",
		"http://localhost.example.com/api/check/c1",
		"http://127.0.0.1/api/check/c1",
		"http://user@evil.example/api/auth/token",
		"http://LOCALHOST\u0130/api/auth/token",
		"http://\u212Bocalhost/api/check/c1",
		"/api/check/c1",
	} {
		req := request(t, url)
		if err := p.Intercept(t.Context(), req); err == nil || len(req.Header) != 0 {
			t.Errorf("%s: %v, headers %v", url, err, req.Header)
		}
	}
	if exchanges, _ := s.counts(); exchanges != 0 {
		t.Errorf("%d exchanges for refused requests", exchanges)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	tests := []struct {
		key, secret, url, text string
	}{
		{"", "s", "", "API key is empty"},
		{"k", "", "", "API secret is empty"},
		{"k:x", "s", "", "colon"},
		{"k\n", "s", "", "API key contains a control character"},
		{"k", "s\x00", "", "API secret contains a control character"},
		{"k", "s\u0085", "", "API secret contains a control character"},
		{"k", "s", "http://app.goaver.com/api", "plain text"},
		{"k", "s", "http://10.0.0.1/api", "plain text"},
		{"k", "s", "ftp://app.goaver.com/api", "not https"},
		{"k", "s", "app.goaver.com/api", "names no host"},
		{"k", "s", "https://", "names no host"},
		{"k", "s", "https://u:p@app.goaver.com/api", "contains credentials"},
		{"k", "s", "https://app.goaver.com/api?x=1", "query"},
		{"k", "s", "https://app.goaver.com/api#x", "fragment"},
		{"k", "s", "https://a b/", "cannot be parsed"},
		{"k", "s", "https://app.goaver.com/a/../api", "dots"},
		{"k", "s", "https://app.goaver.com/api/.", "dots"},
		{"k", "s", "https://app.goaver.com//api", "empty segments"},
	}
	for _, tt := range tests {
		var opts []Option
		if tt.url != "" {
			opts = append(opts, WithBaseURL(tt.url))
		}
		_, err := New(tt.key, tt.secret, opts...)
		if err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("New(%q, %q, %q): %v", tt.key, tt.secret, tt.url, err)
		}
	}
	for _, url := range []string{"http://localhost:1/api", "http://127.0.0.1/api", "http://127.8.8.8/", "http://[::1]:80/api",
		"https://app.goaver.com", DefaultBaseURL} {
		p, err := New("k", "s=", WithBaseURL(url))
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		_ = p.Close()
	}
	if _, err := New("k", "s", WithLoopbackOnly()); err == nil || !strings.Contains(err.Error(), "no loopback address") {
		t.Errorf("production with WithLoopbackOnly: %v", err)
	}
	if p, err := New("k", "s", WithLoopbackOnly(), WithBaseURL("http://localhost:1")); err != nil {
		t.Error(err)
	} else {
		_ = p.Close()
	}
	for name, opt := range map[string]Option{"client": WithHTTPClient(nil), "margin": WithMargin(-1), "timeout": WithTimeout(0)} {
		if _, err := New("k", "s", opt); err == nil {
			t.Errorf("a bad %s was accepted", name)
		}
	}
}

// Any number of callers cause one exchange.
func TestStampedeCausesOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.latency = 100 * time.Millisecond
		p := s.provider(t)
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				if err := p.Intercept(t.Context(), request(t, checkURL)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if exchanges, _ := s.counts(); exchanges != 1 {
			t.Errorf("%d exchanges", exchanges)
		}
	})
}

func TestCancelledFirstCallerDisturbsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.latency = 100 * time.Millisecond
		p := s.provider(t)
		begin := time.Now()
		first, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := p.Warm(first); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the first caller got %v", err)
			}
			if waited := time.Since(begin); waited != 10*time.Millisecond {
				t.Errorf("the first caller left after %v", waited)
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() {
				if err := p.Warm(t.Context()); err != nil {
					t.Error(err)
				}
				if waited := time.Since(begin); waited != 100*time.Millisecond {
					t.Errorf("another caller waited for %v", waited)
				}
			})
		}
		wg.Wait()
		if exchanges, _ := s.counts(); exchanges != 1 {
			t.Errorf("%d exchanges", exchanges)
		}
	})
}

func TestDayOfTokensBlocksNobodyAfterTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.latency = 200 * time.Millisecond
		p := s.provider(t)
		if err := p.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(24 * time.Hour)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				req := request(t, checkURL)
				for time.Now().Before(end) {
					before := time.Now()
					token, err := p.Token(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					if err := p.Intercept(t.Context(), req); err != nil {
						t.Error(err)
						return
					}
					if waited := time.Since(before); waited != 0 {
						t.Errorf("a caller waited for %v", waited)
					}
					if !time.Now().Before(token.Expiry()) {
						t.Error("an expired token was served")
					}
					time.Sleep(5 * time.Second)
				}
			})
		}
		wg.Wait()
		// A token is stale 25 minutes after its exchange began, which the next 5-second tick finds: within 24 hours
		// that happens every 25 minutes and, because an exchange begins between ticks just once, 0.2 s later.
		exchanges, refreshes := s.counts()
		if exchanges != 1 || refreshes != int(24*time.Hour/(25*time.Minute)) {
			t.Errorf("%d exchanges, %d refreshes", exchanges, refreshes)
		}
		if s.most != 1 {
			t.Errorf("%d requests for tokens at once", s.most)
		}
	})
}

func TestStaleTokenIsServedWhileItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t, WithMargin(5*time.Minute))
		first := mustToken(t, p)
		time.Sleep(25*time.Minute - time.Nanosecond)
		s.set(func() { s.latency = time.Second })
		if mustToken(t, p); p.flight != nil {
			t.Error("renewed before the margin")
		}
		time.Sleep(time.Nanosecond)
		before := time.Now()
		if got := mustToken(t, p); got != first || time.Since(before) != 0 {
			t.Errorf("the stale token was not served at once")
		}
		time.Sleep(2 * time.Second)
		if got := mustToken(t, p); got == first {
			t.Error("the token was not renewed")
		}
		if exchanges, refreshes := s.counts(); exchanges != 1 || refreshes != 1 {
			t.Errorf("%d exchanges, %d refreshes", exchanges, refreshes)
		}
	})
}

func mustToken(t *testing.T, p *Provider) string {
	t.Helper()
	token, err := p.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token.Value()
}

// A token ages while the exchange is under way: what the service says about its life began with it.
func TestLifetimeBeginsWithTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.latency = 2 * time.Minute
		p := s.provider(t, WithTimeout(5*time.Minute))
		begin := time.Now()
		token, err := p.Token(t.Context())
		if err != nil || !token.Expiry().Equal(begin.Add(30*time.Minute)) || token.Lifetime() != 30*time.Minute {
			t.Errorf("expires %v after the beginning, %v", token.Expiry().Sub(begin), err)
		}
	})
}

func TestSuccessEndsTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		s.set(func() {
			s.answer = func(k EventKind, n int, w http.ResponseWriter) bool { return n <= 8 && refuse(503)(k, n, w) }
		})
		for range 8 {
			if _, err := p.Token(t.Context()); err == nil {
				t.Fatal("no error")
			}
			time.Sleep(time.Second)
		}
		mustToken(t, p)
		time.Sleep(26 * time.Minute)
		mustToken(t, p)
		synctest.Wait() // a refresh, at once
		if exchanges, refreshes := s.counts(); exchanges != 9 || refreshes != 1 {
			t.Errorf("%d exchanges, %d refreshes", exchanges, refreshes)
		}
	})
}

// The hook may use the provider: nothing is locked, and the outcome is settled.
func TestHookMayUseTheProvider(t *testing.T) {
	s := newService(t)
	got := make(chan error, 1)
	var p *Provider
	p = s.provider(t, WithHook(func(Event) {
		_, err := p.Token(context.Background())
		got <- err
	}))
	mustToken(t, p)
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestOrigins(t *testing.T) {
	for base, urls := range map[string]map[string]bool{
		"https://api.example.com/v1": {"https://API.example.com:443/x": true, "https://api.example.com/x": true, "https://api.example.com:80/x": false,
			"https://ap\u0130.example.com/x": false, "http://api.example.com:443/x": false},
		"http://[::1]:8080/api": {"http://[::1]:8080/x": true, "http://[::1]/x": false, "http://[::2]:8080/x": false},
		"http://localhost":      {"http://localhost:80/x": true, "http://localhost./x": false},
	} {
		o, _, err := parseBaseURL(base)
		if err != nil {
			t.Fatal(err)
		}
		for u, want := range urls {
			if got := o.is(request(t, u).URL); got != want {
				t.Errorf("%s is of the origin of %s: %v", u, base, got)
			}
		}
	}
}

func TestExpiredTokenIsNeverServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		first := mustToken(t, p)
		time.Sleep(30 * time.Minute)
		if second := mustToken(t, p); second == first {
			t.Error("the expired token was served")
		}
		if exchanges, refreshes := s.counts(); exchanges != 2 || refreshes != 0 {
			t.Errorf("%d exchanges, %d refreshes: a dead token cannot be refreshed", exchanges, refreshes)
		}
	})
}

func TestLifetimeShorterThanMargin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.ttl = 10 * time.Second
		p := s.provider(t, WithMargin(time.Hour))
		for range 100 { // ten seconds of calls
			mustToken(t, p)
			time.Sleep(100 * time.Millisecond)
		}
		if exchanges, refreshes := s.counts(); exchanges != 1 || refreshes != 1 {
			t.Errorf("%d exchanges, %d refreshes in ten seconds", exchanges, refreshes)
		}
	})
}

func TestRefreshRefusedFallsBackToTheExchange(t *testing.T) {
	for _, status := range []int{400, 401, 404, 302} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t)
			s.answer = func(kind EventKind, n int, w http.ResponseWriter) bool {
				return kind == Refresh && refuse(status)(kind, n, w)
			}
			p := s.provider(t)
			first := mustToken(t, p)
			time.Sleep(26 * time.Minute)
			mustToken(t, p)
			synctest.Wait()
			if second := mustToken(t, p); second == first {
				t.Errorf("%d: the token was not replaced", status)
			}
			if exchanges, refreshes := s.counts(); exchanges != 2 || refreshes != 1 || s.most != 1 {
				t.Errorf("%d: %d exchanges, %d refreshes, %d at once", status, exchanges, refreshes, s.most)
			}
		})
	}
}

func TestBrokenRefreshIsNotRepeatedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.answer = func(kind EventKind, n int, w http.ResponseWriter) bool {
			return kind == Refresh && refuse(500)(kind, n, w)
		}
		p := s.provider(t)
		first := mustToken(t, p)
		time.Sleep(26 * time.Minute)
		for range 10 {
			mustToken(t, p)
			time.Sleep(time.Second)
		}
		if mustToken(t, p) == first {
			t.Error("the token was not replaced")
		}
		if exchanges, refreshes := s.counts(); exchanges != 2 || refreshes != 1 {
			t.Errorf("%d exchanges, %d refreshes", exchanges, refreshes)
		}
	})
}

func TestOutageWhileTheTokenLivesHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		first := mustToken(t, p)
		s.set(func() { s.answer = refuse(503) })
		start := time.Now()
		for time.Since(start) < 30*time.Minute-time.Second { // every second until just before expiry
			before := time.Now()
			if mustToken(t, p) != first || time.Since(before) != 0 {
				t.Fatal("a caller was harmed")
			}
			time.Sleep(time.Second)
		}
		exchanges, refreshes := s.counts()
		// Five minutes of outage: pauses of 1, 2, 4, 8, 16, 32 and then 60 seconds.
		if tries := exchanges + refreshes - 1; tries < 8 || tries > 12 {
			t.Errorf("%d tries in five minutes", tries)
		}
		time.Sleep(2 * time.Second)
		var failure *Error
		if _, err := p.Token(t.Context()); !errors.As(err, &failure) || failure.Status != 503 {
			t.Errorf("after expiry: %v", err)
		}
		s.set(func() { s.answer = nil })
		time.Sleep(time.Second)
		if mustToken(t, p) == first {
			t.Error("the expired token came back")
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.answer = refuse(429, "Retry-After", "20")
		p := s.provider(t)
		for range 19 {
			var failure *Error
			if _, err := p.Token(t.Context()); !errors.As(err, &failure) || failure.RetryAfter <= 0 || failure.RetryAfter > 20*time.Second {
				t.Fatalf("%v", err)
			}
			time.Sleep(time.Second)
		}
		if exchanges, _ := s.counts(); exchanges != 1 {
			t.Errorf("%d exchanges within the time that the service asked for", exchanges)
		}
		s.set(func() { s.answer = nil })
		time.Sleep(2 * time.Second)
		mustToken(t, p)
	})
}

func TestOutageIsSharedByConcurrentCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.latency, s.answer = 100*time.Millisecond, refuse(500)
		p := s.provider(t)
		begin := time.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := p.Token(t.Context()); err == nil {
					t.Error("no error")
				}
				if waited := time.Since(begin); waited != 100*time.Millisecond {
					t.Errorf("a caller waited for %v", waited)
				}
			})
		}
		wg.Wait()
		if exchanges, _ := s.counts(); exchanges != 1 {
			t.Errorf("%d exchanges", exchanges)
		}
	})
}

func TestWrongCredentialsAreRememberedBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.answer = refuse(401)
		p := s.provider(t)
		for range 95 { // 9.5 seconds
			var failure *Error
			if _, err := p.Token(t.Context()); !errors.As(err, &failure) || failure.Status != 401 {
				t.Fatalf("%v", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if exchanges, _ := s.counts(); exchanges != 1 {
			t.Errorf("%d exchanges in ten seconds", exchanges)
		}
		s.set(func() { s.answer = nil }) // the key is enabled
		time.Sleep(time.Second)
		mustToken(t, p)
	})
}

func TestPassingFailureIsSharedForAMomentOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.answer = func(kind EventKind, n int, w http.ResponseWriter) bool { return n == 1 && refuse(502)(kind, n, w) }
		p := s.provider(t)
		for range 10 {
			if _, err := p.Token(t.Context()); err == nil {
				t.Fatal("no error")
			}
			time.Sleep(9 * time.Millisecond)
		}
		time.Sleep(10 * time.Millisecond)
		mustToken(t, p)
	})
}

// Without a token and with a service that fails at once, callers must not call it back to back.
func TestFailingServiceIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.answer = refuse(503)
		p := s.provider(t)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for range 1000 { // ten seconds
					_, _ = p.Token(t.Context())
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		if exchanges, _ := s.counts(); exchanges > 15 || exchanges < 10 {
			t.Errorf("%d exchanges in ten seconds", exchanges)
		}
	})
}

// The token is refused, or expires, while a failing refresh is under way: the exchange must be tried.
func TestFailingRefreshDoesNotKeepCallersFromTheExchange(t *testing.T) {
	for name, lose := range map[string]func(*Provider, string){
		"refused": func(p *Provider, old string) { p.invalidate(old) },
		"expired": func(*Provider, string) { time.Sleep(4 * time.Minute) },
	} {
		for _, status := range []int{500, 429} {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				p := s.provider(t, WithTimeout(10*time.Minute))
				old := mustToken(t, p)
				time.Sleep(26 * time.Minute)
				s.set(func() {
					s.answer = func(kind EventKind, n int, w http.ResponseWriter) bool {
						if kind == Exchange {
							return false
						}
						time.Sleep(4*time.Minute + time.Second)
						return refuse(status, "Retry-After", "60")(kind, n, w)
					}
				})
				mustToken(t, p)
				synctest.Wait()
				lose(p, old)
				if got := mustToken(t, p); got == old {
					t.Errorf("%s, %d: the lost token was served", name, status)
				}
			})
		}
	}
}

func TestHungRefreshLeavesTimeForTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t, WithTimeout(10*time.Second))
		old := mustToken(t, p)
		time.Sleep(30*time.Minute - 3*time.Second)
		s.set(func() {
			s.answer = func(kind EventKind, _ int, _ http.ResponseWriter) bool {
				if kind == Refresh {
					time.Sleep(time.Minute)
				}
				return false
			}
		})
		mustToken(t, p) // begins to renew it, in vain
		time.Sleep(3 * time.Second)
		start := time.Now()
		if got := mustToken(t, p); got == old || time.Since(start) != 2*time.Second {
			t.Errorf("another token after %v", time.Since(start))
		}
		time.Sleep(time.Minute) // let the service finish
	})
}

func TestRefreshThatReturnsTheOldTokenProlongsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		old := mustToken(t, p)
		s.set(func() {
			s.answer = func(kind EventKind, _ int, w http.ResponseWriter) bool {
				if kind == Refresh {
					_, _ = w.Write([]byte(`{"token":"` + old + `"}`))
				}
				return kind == Refresh
			}
		})
		time.Sleep(26 * time.Minute)
		mustToken(t, p)
		synctest.Wait()
		if mustToken(t, p) == old {
			t.Error("the old token lives on")
		}
	})
}

func TestLateRefusalOfAnOldTokenIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		old := mustToken(t, p)
		time.Sleep(26 * time.Minute)
		mustToken(t, p)
		synctest.Wait() // renewed
		p.invalidate(old)
		s.set(func() {
			s.answer = func(_ EventKind, _ int, w http.ResponseWriter) bool {
				_, _ = w.Write([]byte(`{"token":"` + old + `"}`))
				return true
			}
		})
		p.invalidate(mustToken(t, p))
		if _, err := p.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "refused before") {
			t.Errorf("%v", err)
		}
	})
}

func TestPanicInTheHookIsDropped(t *testing.T) {
	s := newService(t)
	p := s.provider(t, WithHook(func(Event) { panic("hook") }))
	p.invalidate(mustToken(t, p))
	mustToken(t, p)
}

func TestGoexitInTheClientIsAnError(t *testing.T) {
	p, err := New("k", "s", WithHTTPClient(&http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		runtime.Goexit()
		return nil, nil
	})}))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "ended the goroutine") {
		t.Errorf("%v", err)
	}
}

func TestCallerWhoHasLeftStartsNothing(t *testing.T) {
	s := newService(t)
	p := s.provider(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if exchanges, _ := s.counts(); exchanges != 0 || p.flight != nil {
		t.Errorf("%d exchanges", exchanges)
	}
}

// net/http quotes an answer that is not valid HTTP.
func TestAnswerThatIsNotHTTPIsNotRepeated(t *testing.T) {
	for _, raw := range []string{"{\"token\":\"private\"}\r\n\r\n", "HTTP/1.1 200 OK\r\nset cookie private\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: http://h/%zz?private\r\n\r\n"} {
		client, server := net.Pipe()
		go func() {
			_, _ = http.ReadRequest(bufio.NewReader(server))
			_, _ = io.WriteString(server, raw)
			_ = server.Close()
		}()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
		p, err := New("k", "s", WithBaseURL("http://localhost"), WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Token(t.Context()); err == nil || strings.Contains(err.Error(), "private") {
			t.Errorf("%q: %v", raw, err)
		}
		_ = p.Close()
		transport.CloseIdleConnections()
	}
}

func TestStormOfLate401sCausesOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.latency = 50 * time.Millisecond
		p := s.provider(t)
		old := mustToken(t, p)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 5 * time.Millisecond) // some while the exchange runs, some after it
				p.invalidate(old)
				if mustToken(t, p) == old {
					t.Error("the refused token came back")
				}
			})
		}
		wg.Wait()
		if exchanges, refreshes := s.counts(); exchanges != 2 || refreshes != 0 {
			t.Errorf("%d exchanges, %d refreshes", exchanges, refreshes)
		}
	})
}

func TestInvalidateKeepsNewerToken(t *testing.T) {
	s := newService(t)
	p := s.provider(t)
	old := mustToken(t, p)
	p.invalidate(old)
	newer := mustToken(t, p)
	for _, token := range []string{old, "", "never issued"} {
		p.invalidate(token)
	}
	if mustToken(t, p) != newer {
		t.Error("a late refusal of the old token dropped the new one")
	}
}

func TestInvalidateBypassesTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		old := mustToken(t, p)
		time.Sleep(26 * time.Minute)
		s.set(func() { s.answer = refuse(503, "Retry-After", "60") })
		mustToken(t, p) // fails in the background
		synctest.Wait()
		s.set(func() { s.answer = nil })
		p.invalidate(old)
		if mustToken(t, p) == old {
			t.Error("the refused token came back")
		}
	})
}

func TestRefusedTokenIsNotAcceptedAgain(t *testing.T) {
	s := newService(t)
	s.answer = func(_ EventKind, _ int, w http.ResponseWriter) bool {
		_, _ = w.Write([]byte(`{"token":"always-the-same"}`))
		return true
	}
	p := s.provider(t)
	p.invalidate(mustToken(t, p))
	if token, err := p.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "refused before") {
		t.Errorf("%v, %v", token.Value(), err)
	}
}

func TestRefusedTokenIsForgottenAtTheEndOfItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		for range 3 {
			p.invalidate(mustToken(t, p))
		}
		if len(p.issued) != 3 {
			t.Errorf("%d tokens are remembered", len(p.issued))
		}
		time.Sleep(31 * time.Minute)
		p.invalidate(mustToken(t, p))
		if len(p.issued) != 1 {
			t.Errorf("%d tokens are remembered after their lives", len(p.issued))
		}
	})
}

// A flight that began before a token was refused renews it, is refused itself, and falls back.
func TestTokenRefusedWhileItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		old := mustToken(t, p)
		time.Sleep(26 * time.Minute)
		s.set(func() {
			s.latency = time.Second
			s.answer = func(kind EventKind, n int, w http.ResponseWriter) bool {
				return kind == Refresh && refuse(401)(kind, n, w)
			}
		})
		mustToken(t, p) // begins to renew it
		p.invalidate(old)
		if mustToken(t, p) == old {
			t.Error("the refused token came back")
		}
		if exchanges, refreshes := s.counts(); exchanges != 2 || refreshes != 1 || s.most != 1 {
			t.Errorf("%d exchanges, %d refreshes, %d at once", exchanges, refreshes, s.most)
		}
	})
}

type panicking struct{ value any }

func (p panicking) RoundTrip(*http.Request) (*http.Response, error) { panic(p.value) }

func TestPanicInTheClientIsAnError(t *testing.T) {
	var nothing map[string]int
	for _, value := range []any{"the-secret in a message", errors.New("the-secret"), func() { nothing["x"] = 1 }} {
		transport := http.RoundTripper(panicking{value})
		if f, ok := value.(func()); ok {
			transport = roundTripper(func(*http.Request) (*http.Response, error) { f(); return nil, nil })
		}
		p, err := New("the-key", "the-secret", WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		_, err = p.Token(t.Context())
		var failure *Error
		if !errors.As(err, &failure) || !strings.Contains(err.Error(), "panicked") || strings.Contains(err.Error(), "the-secret") {
			t.Errorf("%v", err)
		}
		if p.flight != nil {
			t.Error("the flight never ended")
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A hung exchange ends by its own timeout, and nobody waits for it longer.
func TestExchangeHasItsOwnTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.latency = time.Hour
		p := s.provider(t, WithTimeout(3*time.Second))
		before := time.Now()
		_, err := p.Token(context.Background())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(before) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(before))
		}
	})
}

func TestClockStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		now := time.Now()
		step := func(monotonic, wall time.Duration) *token {
			tok := newToken("opaque", now, 5*time.Minute, 0)
			for _, d := range []*deadline{&tok.stale, &tok.end} { // as if that much time had passed
				d.at = d.at.Add(-monotonic)
				d.wall -= int64(wall)
			}
			return tok
		}
		tests := []struct {
			name            string
			monotonic, wall time.Duration
			served          bool
		}{
			{"both young", time.Minute, time.Minute, true},
			{"slept for an hour", time.Minute, time.Hour, false},
			{"wall clock set back by a day", 31 * time.Minute, -24 * time.Hour, false},
			{"wall clock set back, token young", time.Minute, -24 * time.Hour, true},
		}
		for _, tt := range tests {
			p.current.Store(step(tt.monotonic, tt.wall))
			if got := mustToken(t, p) == "opaque"; got != tt.served {
				t.Errorf("%s: served %v", tt.name, got)
			}
		}
	})
}

func TestCloseEndsAFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.latency = time.Hour
		p := s.provider(t)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := p.Token(context.Background()); !errors.Is(err, ErrClosed) {
					t.Errorf("%v", err)
				}
			})
		}
		time.Sleep(time.Second)
		before := time.Now()
		if err := errors.Join(p.Close(), p.Close()); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if time.Since(before) != 0 {
			t.Errorf("the callers waited for %v", time.Since(before))
		}
		synctest.Wait()
		if s.running != 0 {
			t.Error("the exchange goes on")
		}
		for _, url := range []string{checkURL, "http://localhost/api/auth/token"} {
			if err := p.Intercept(t.Context(), request(t, url)); !errors.Is(err, ErrClosed) {
				t.Errorf("%s: %v", url, err)
			}
		}
		p.invalidate("x")
	})
}

// An HTTP client that ignores its context cannot keep callers waiting, and what it brings after Close is dropped.
func TestCloseReleasesCallersOfAHungClient(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	p, err := New("k", "s", WithHTTPClient(&http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		close(entered)
		<-release
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"token":"late"}`))}, nil
	})}))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := p.Token(context.Background())
		done <- err
	}()
	<-entered
	p.mu.Lock()
	f := p.flight
	p.mu.Unlock()
	_ = p.Close()
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	close(release)
	<-f.done
	if p.current.Load() != nil || !errors.Is(f.err, ErrClosed) {
		t.Errorf("the late token was kept; %v", f.err)
	}
}

func TestCloseForgetsTheToken(t *testing.T) {
	s := newService(t)
	p := s.provider(t)
	mustToken(t, p)
	_ = p.Close()
	if _, err := p.Token(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestProviderHasNoGoroutineOfItsOwn(t *testing.T) {
	before := runtime.NumGoroutine()
	p, err := New("k", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

func TestBadAnswersAreClearErrors(t *testing.T) {
	tests := []struct{ body, text string }{
		{`{"token":""}`, "holds no token"},
		{`{}`, "holds no token"},
		{`null`, "holds no token"},
		{``, "not the JSON object"},
		{`<html>`, "not the JSON object"},
		{`"token"`, "not the JSON object"},
		{`{"token":17}`, "not the JSON object"},
		{`{"token":"a\r\nX-Evil: 1"}`, "no header may hold"},
		{`{"token":"a b"}`, "no header may hold"},
		{`{"token":"é"}`, "no header may hold"},
		{`{"token":"` + strings.Repeat("x", maxAnswer) + `"}`, "larger than 64 KiB"},
	}
	for _, tt := range tests {
		s := newService(t)
		s.answer = func(_ EventKind, _ int, w http.ResponseWriter) bool {
			_, _ = w.Write([]byte(tt.body))
			return true
		}
		_, err := s.provider(t).Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "X-Evil") {
			t.Errorf("%.40q: %v", tt.body, err)
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for status, text := range map[int]string{
		401: "check the API key and secret",
		403: "check the API key and secret",
		404: "check the base URL",
		302: "redirects are not followed",
		500: "try again later",
	} {
		s := newService(t)
		s.answer = refuse(status, "Location", "/elsewhere")
		_, err := s.provider(t).Token(t.Context())
		var failure *Error
		if !errors.As(err, &failure) || failure.Status != status || !strings.Contains(err.Error(), text) {
			t.Errorf("%d: %v", status, err)
		}
		if strings.Contains(err.Error(), "private body") || strings.Contains(err.Error(), "the-secret") {
			t.Errorf("%d: %v shows too much", status, err)
		}
	}
	p, err := New("the-key", "the-secret", WithBaseURL("http://127.0.0.1:1/private-path"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Warm(t.Context()); err == nil || strings.Contains(err.Error(), "private-path") {
		t.Errorf("%v", err)
	}
}

func TestHookReportsEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.latency = 100 * time.Millisecond
		var mu sync.Mutex
		var events []Event
		p := s.provider(t, WithHook(func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		}))
		mustToken(t, p)
		time.Sleep(26 * time.Minute)
		s.set(func() {
			s.answer = func(kind EventKind, n int, w http.ResponseWriter) bool {
				return kind == Refresh && refuse(401)(kind, n, w)
			}
		})
		mustToken(t, p)
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(events) != 3 {
			t.Fatalf("%v", events)
		}
		first, refused, second := events[0], events[1], events[2]
		if first.Kind != Exchange || first.Err != nil || first.Lifetime != 30*time.Minute || first.Duration != 100*time.Millisecond {
			t.Errorf("%+v", first)
		}
		if refused.Kind != Refresh || refused.Err == nil || refused.Lifetime != 0 {
			t.Errorf("%+v", refused)
		}
		if second.Kind != Exchange || second.Err != nil {
			t.Errorf("%+v", second)
		}
	})
}

func TestUserAgentOfTheExchange(t *testing.T) {
	var agents atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents.Store(r.UserAgent())
		_, _ = w.Write([]byte(`{"token":"t"}`))
	}))
	defer srv.Close()
	p, err := New("k", "s", WithBaseURL(srv.URL), WithUserAgent("shop/1"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Warm(t.Context()); err != nil || agents.Load() != "shop/1" {
		t.Errorf("%v, %v", agents.Load(), err)
	}
	agents.Store("")
	f := &flight{}
	p.refresh(t.Context(), f, p.current.Load())
	if agents.Load() != "shop/1" {
		t.Errorf("the refresh says %v", agents.Load())
	}
}

func TestCachedTokenCostsNoAllocation(t *testing.T) {
	s := newService(t)
	p := s.provider(t)
	req := request(t, checkURL)
	ctx := t.Context()
	if err := p.Intercept(ctx, req); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if err := p.Intercept(ctx, req); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
