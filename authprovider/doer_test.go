package authprovider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaver/aver-go/generated"
)

// A site is a service whose tokens work until they are revoked; h answers the calls that carry a good one.
type site struct {
	*httptest.Server
	exchanges, calls, refused atomic.Int64
	good                      atomic.Value
	h                         http.HandlerFunc
}

func newSite(t *testing.T, start func(http.Handler) *httptest.Server) *site {
	t.Helper()
	s := &site{h: func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }}
	s.Server = start(s)
	t.Cleanup(s.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/auth/token" {
		token := fmt.Sprintf("token-%d", s.exchanges.Add(1))
		s.good.Store(token)
		_, _ = io.WriteString(w, `{"token":"`+token+`"}`)
		return
	}
	s.calls.Add(1)
	if r.Header.Get("Authorization") != fmt.Sprint("Bearer ", s.good.Load()) {
		s.refused.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, strings.Repeat("refused ", 100))
		return
	}
	s.h(w, r)
}

func (s *site) revoke() { s.good.Store("nothing") }

func (s *site) provider(t *testing.T) *Provider {
	t.Helper()
	p, err := New("the-key", "the-secret", WithBaseURL(s.URL), WithHTTPClient(s.Client()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// post sends a request through the provider and its Doer as a generated client does.
func post(t *testing.T, p *Provider, client *http.Client, url string, body io.Reader) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Intercept(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	resp, err := p.Doer(client).Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer), nil
}

var _ generated.HttpRequestDoer = (*Doer)(nil)

func TestDoerReplaysOnceWithANewToken(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	for range 2 { // the second time with a token at hand
		s.revoke()
		resp, answer, err := post(t, p, s.Client(), s.URL+"/x", strings.NewReader("the body"))
		if err != nil || resp.StatusCode != 200 || answer != "the body" {
			t.Errorf("%v, %q, %v", resp, answer, err)
		}
	}
	if s.exchanges.Load() != 2 || s.calls.Load() != 3 || s.refused.Load() != 1 {
		t.Errorf("%d exchanges, %d calls, %d refused", s.exchanges.Load(), s.calls.Load(), s.refused.Load())
	}
}

func TestDoerNeverLoops(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	s.h = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	p := s.provider(t)
	resp, _, err := post(t, p, s.Client(), s.URL+"/x", nil)
	if err != nil || resp.StatusCode != 401 || s.calls.Load() != 2 || s.exchanges.Load() != 2 {
		t.Errorf("%v, %v, %d calls, %d exchanges", resp, err, s.calls.Load(), s.exchanges.Load())
	}
}

// An operation that answers 401 whatever the token must not cost an exchange for every call.
func TestDoerDoesNotReplaceATokenThatIsNotTheReason(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	s.h = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	p := s.provider(t)
	d := p.Doer(nil)
	for range 20 {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/x", nil)
		if err := p.Intercept(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		resp, err := d.Do(req)
		if err != nil || resp.StatusCode != 401 {
			t.Fatalf("%v, %v", resp, err)
		}
		resp.Body.Close()
	}
	if s.exchanges.Load() != 2 || s.calls.Load() != 21 {
		t.Errorf("%d exchanges, %d calls", s.exchanges.Load(), s.calls.Load())
	}
}

func TestDoerDoesNotReplayABodyThatIsGone(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	mustToken(t, p)
	s.revoke()
	resp, answer, err := post(t, p, s.Client(), s.URL+"/x", io.MultiReader(strings.NewReader("once")))
	if err != nil || resp.StatusCode != 401 || !strings.HasPrefix(answer, "refused") || s.calls.Load() != 1 {
		t.Errorf("%v, %q, %v, %d calls", resp, answer, err, s.calls.Load())
	}
	// The refused token is dropped all the same, so the next call works.
	if resp, answer, err := post(t, p, s.Client(), s.URL+"/x", strings.NewReader("again")); err != nil || resp.StatusCode != 200 || answer != "again" {
		t.Errorf("%v, %q, %v", resp, answer, err)
	}
}

func TestDoerReportsThatThereIsNoOtherToken(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	mustToken(t, p)
	s.revoke()
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusUnauthorized
		if r.URL.Path == "/auth/token" {
			status = http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
	})
	_, _, err := post(t, p, s.Client(), s.URL+"/x", nil)
	var failure *Error
	if !errors.As(err, &failure) || failure.Status != 503 {
		t.Errorf("%v", err)
	}
}

func TestDoerLeavesTheExchangeAlone(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.calls.Add(1)
		w.WriteHeader(401)
	})
	p := s.provider(t)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/auth/token", nil)
	if err := p.Intercept(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	resp, err := p.Doer(s.Client()).Do(req)
	if err != nil || resp.StatusCode != 401 || s.calls.Load() != 1 {
		t.Errorf("%v, %v, %d calls", resp, err, s.calls.Load())
	}
	resp.Body.Close()
}

// All calls in flight when a token is revoked end well, at the price of one exchange.
func TestDoerUnderAStormOfRevocations(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	mustToken(t, p)
	s.revoke()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if resp, answer, err := post(t, p, s.Client(), s.URL+"/x", strings.NewReader("b")); err != nil || resp.StatusCode != 200 || answer != "b" {
				t.Errorf("%v, %q, %v", resp, answer, err)
			}
		})
	}
	wg.Wait()
	if n := s.exchanges.Load(); n != 2 {
		t.Errorf("%d exchanges", n)
	}
}

// Redirects carry no credentials to another origin: cross-host, cross-port, and from https to http on one host name
// (where net/http itself keeps the Authorization header); and no body, which a 307 or a 308 would carry anywhere.
func TestRedirects(t *testing.T) {
	other := newSite(t, httptest.NewServer)
	var leaked atomic.Int64
	other.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) })
	targets := map[string]func(s *site) string{
		"cross-host": func(s *site) string { return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + "/y" },
		"cross-port": func(*site) string { return other.URL + "/y" },
		"downgrade":  func(s *site) string { return strings.Replace(s.URL, "https:", "http:", 1) + "/y" },
		"to https":   func(s *site) string { return strings.Replace(s.URL, "http:", "https:", 1) + "/y" },
		"same":       func(*site) string { return "/y" },
	}
	for scheme, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		for name, target := range targets {
			for _, status := range []int{301, 302, 307, 308} {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					t.Run(fmt.Sprint(scheme, " ", name, " ", status, " ", method), func(t *testing.T) {
						s := newSite(t, start)
						location := target(s)
						same := location == "/y" || location == s.URL+"/y"
						s.h = func(w http.ResponseWriter, r *http.Request) {
							if r.URL.Path == "/y" {
								_, _ = io.WriteString(w, "arrived")
								return
							}
							w.Header().Set("Location", location)
							w.WriteHeader(status)
						}
						p := s.provider(t)
						req, _ := http.NewRequestWithContext(t.Context(), method, s.URL+"/x", strings.NewReader("private"))
						if err := p.Intercept(t.Context(), req); err != nil {
							t.Fatal(err)
						}
						resp, err := p.Doer(s.Client()).Do(req)
						if err != nil {
							t.Fatal(err)
						}
						defer resp.Body.Close()
						answer, _ := io.ReadAll(resp.Body)
						if same && method == http.MethodPost && status < 307 { // it would become a GET without the body
							same = false
						}
						if same && (resp.StatusCode != 200 || string(answer) != "arrived") {
							t.Errorf("not followed within the origin: %s %q", resp.Status, answer)
						}
						if !same && (resp.StatusCode != status || s.calls.Load() != 1) {
							t.Errorf("followed: %s, %d calls", resp.Status, s.calls.Load())
						}
					})
				}
			}
		}
	}
	if leaked.Load() != 0 {
		t.Errorf("another origin got %d requests", leaked.Load())
	}
}

func TestExchangeFollowsNoRedirectAtAll(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		var calls atomic.Int64
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			http.Redirect(w, r, "/elsewhere", status)
		}))
		p, err := New("k", "s", WithBaseURL(srv.URL))
		if err != nil {
			t.Fatal(err)
		}
		var failure *Error
		if err := p.Warm(t.Context()); !errors.As(err, &failure) || failure.Status != status || calls.Load() != 1 {
			t.Errorf("%d: %v after %d calls", status, err, calls.Load())
		}
		_ = p.Close()
		srv.Close()
	}
}

func TestDoerKeepsTheApplicationsRedirectPolicy(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	s.h = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusTemporaryRedirect) }
	p := s.provider(t)
	mine := *s.Client()
	refusal := errors.New("no redirects, please")
	mine.CheckRedirect = func(*http.Request, []*http.Request) error { return refusal }
	if _, _, err := post(t, p, &mine, s.URL+"/x", nil); !errors.Is(err, refusal) {
		t.Errorf("%v", err)
	}
	if _, _, err := post(t, p, s.Client(), s.URL+"/x", nil); err == nil || !strings.Contains(err.Error(), "10 redirects") {
		t.Errorf("a loop of redirects: %v", err)
	}
	if s.Client().CheckRedirect != nil {
		t.Error("the application's client was changed")
	}
	if d := p.Doer(nil); d.client.Transport != (onceTransport{s.Client().Transport}) {
		t.Error("nil is not the provider's client")
	}
}

func TestDoerDrainsTheFirstAnswer(t *testing.T) {
	var opened, closed, drained atomic.Int64
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	mustToken(t, p)
	s.revoke()
	counting := *s.Client()
	counting.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := s.Client().Transport.RoundTrip(r)
		if err == nil {
			opened.Add(1)
			resp.Body = &countingBody{ReadCloser: resp.Body, closed: &closed, drained: &drained}
		}
		return resp, err
	})
	if resp, _, err := post(t, p, &counting, s.URL+"/x", nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v, %v", resp, err)
	}
	if opened.Load() != 2 || closed.Load() != 2 || drained.Load() != 2 {
		t.Errorf("%d answers, %d closed, %d drained", opened.Load(), closed.Load(), drained.Load())
	}
}

type countingBody struct {
	io.ReadCloser
	closed, drained *atomic.Int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.drained.Add(1)
	}
	return n, err
}

func (b *countingBody) Close() error {
	b.closed.Add(1)
	return b.ReadCloser.Close()
}

func TestDoerStopsWithTheCallersContext(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	mustToken(t, p)
	s.revoke()
	exchanging := make(chan struct{})
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth/token" {
			close(exchanging)
			<-r.Context().Done()
			return
		}
		w.WriteHeader(401)
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/x", nil)
	if err := p.Intercept(ctx, req); err != nil {
		t.Fatal(err)
	}
	go func() {
		<-exchanging
		cancel()
	}()
	if _, err := p.Doer(nil).Do(req); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrTokenRefused) {
		t.Errorf("%v", err)
	}
	_ = p.Close()
}

// What was redirected was performed: a 401 of the page behind it must not have it performed again.
func TestDoerDoesNotReplayBehindARedirect(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	var created atomic.Int64
	s.h = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/create" {
			created.Add(1)
			http.Redirect(w, r, "/created", http.StatusTemporaryRedirect)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}
	p := s.provider(t)
	resp, _, err := post(t, p, nil, s.URL+"/create", strings.NewReader("b"))
	if err != nil || resp.StatusCode != 401 || created.Load() != 1 || s.exchanges.Load() != 1 {
		t.Errorf("%v, %v: created %d times, %d exchanges", resp, err, created.Load(), s.exchanges.Load())
	}
}

func TestDoerDoesNotReplayUnderAnotherAccount(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	mustToken(t, p)
	req, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/charge", strings.NewReader("b"))
	req.Header.Set("Authorization", "Bearer of-another-account")
	resp, err := p.Doer(nil).Do(req)
	if err != nil || resp.StatusCode != 401 || s.calls.Load() != 1 {
		t.Errorf("%v, %v, %d calls", resp, err, s.calls.Load())
	}
	resp.Body.Close()
}

// A client that follows a 301, a 302 or a 303 turns a POST into a GET without a body, whose success says nothing.
func TestDoerFollowsNoRedirectThatChangesTheMethod(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		var gets atomic.Int64
		s.h = func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			switch {
			case r.URL.Path != "/moved":
				http.Redirect(w, r, "/moved", status)
			case r.Method != http.MethodPost || string(body) != "the body":
				gets.Add(1)
			}
		}
		resp, _, err := post(t, p, nil, s.URL+"/x", strings.NewReader("the body"))
		want := 200
		if status < 307 {
			want = status
		}
		if err != nil || resp.StatusCode != want || gets.Load() != 0 {
			t.Errorf("%d: %v, %v, %d other requests arrived", status, resp, err, gets.Load())
		}
	}
}

// What the contract does not let be repeated leaves once, whoever built the request: net/http repeats a GET when a
// connection breaks that was used before. (Package api tests what it does over HTTP/2.)
func TestDoerSendsWhatMustNotBeRepeatedOnce(t *testing.T) {
	for _, call := range []string{
		"GET /check/c%2F1/submit", "GET /check/c1/submit/", "POST /check/create", "POST /check/c1/iddocument", "POST /watchlist/search",
		"POST /%77atchlist/search",
		"GET /Check/c1/SUBMIT", "GET /check//c1/submit//", "POST //watchlist/search/",
	} {
		t.Run(call, func(t *testing.T) {
			s := newSite(t, httptest.NewServer)
			p := s.provider(t)
			if _, _, err := post(t, p, nil, s.URL+"/x", strings.NewReader("b")); err != nil { // now the connection was used before
				t.Fatal(err)
			}
			var performed atomic.Int64
			s.h = func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				performed.Add(1)
				panic(http.ErrAbortHandler)
			}
			method, path, _ := strings.Cut(call, " ")
			var body io.Reader
			if method == http.MethodPost {
				body = strings.NewReader("{}")
			}
			req, _ := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
			if err := p.Intercept(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if resp, err := p.Doer(nil).Do(req); err == nil {
				t.Error(resp)
			}
			if n := performed.Load(); n != 1 {
				t.Errorf("performed %d times", n)
			}
		})
	}
}

// A transport that tries again by itself gets the body no second time once it was touched.
func TestDoerLetsNoTransportRepeatOnItsOwn(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	var performed atomic.Int64
	s.h = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		performed.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	}
	retrying := *s.Client()
	retrying.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		for range 5 {
			resp, err := s.Client().Transport.RoundTrip(r)
			if err != nil || resp.StatusCode < 500 || r.GetBody == nil {
				return resp, err
			}
			_ = resp.Body.Close()
			if r.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
		return nil, errors.New("it gave up")
	})
	_, _, err := post(t, p, &retrying, s.URL+"/watchlist/search", strings.NewReader("{}"))
	if err == nil || !strings.Contains(err.Error(), "does not let it be repeated") || performed.Load() != 1 {
		t.Errorf("%v, performed %d times", err, performed.Load())
	}
}

// A refusal that comes after a transport has tried again by itself says nothing about what was sent first.
func TestDoerDoesNotBelieveA401OfASecondTry(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	mustToken(t, p)
	var performed atomic.Int64
	s.h = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		performed.Add(1)
		s.revoke()
		panic(http.ErrAbortHandler)
	}
	retrying := *s.Client()
	retrying.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		content, _ := io.ReadAll(r.Body)
		for {
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(strings.NewReader(string(content)))
			if resp, err := s.Client().Transport.RoundTrip(again); err == nil {
				return resp, nil
			}
		}
	})
	resp, _, err := post(t, p, &retrying, s.URL+"/watchlist/search", strings.NewReader("{}"))
	if err != nil || resp.StatusCode != 401 || performed.Load() != 1 || s.exchanges.Load() != 1 {
		t.Errorf("%v, %v: performed %d times, %d exchanges", resp, err, performed.Load(), s.exchanges.Load())
	}
}

// Redirects neither repeat what must not be repeated nor lead to it.
func TestRedirectsAndWhatMustNotBeRepeated(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for from, to := range map[string]string{
			"POST /watchlist/search": "/elsewhere", "POST /check/create": "/check/create2", "GET /check/c1/submit": "/elsewhere",
			"GET /check/c1": "/check/c1/submit", "POST /checklookup": "/check/create",
		} {
			calls := s.calls.Load()
			s.h = func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Location", to)
				w.WriteHeader(status)
			}
			method, path, _ := strings.Cut(from, " ")
			var body io.Reader
			if method == http.MethodPost {
				body = strings.NewReader("{}")
			}
			req, _ := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
			if err := p.Intercept(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			resp, err := p.Doer(nil).Do(req)
			if err != nil || resp.StatusCode != status || s.calls.Load() != calls+1 {
				t.Errorf("%s, %d: %v, %v, %d calls", from, status, resp, err, s.calls.Load()-calls)
				continue
			}
			resp.Body.Close()
		}
	}
}

// What was never begun may be sent on another connection: nothing else would be safer.
func TestDoerLetsAnUntouchedBodyBeHadAgain(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	first := true
	reconnecting := *s.Client()
	reconnecting.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if first && strings.HasSuffix(r.URL.Path, "/search") {
			first = false
			_ = r.Body.Close()
			again := r.Clone(r.Context())
			var err error
			if again.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
			r = again
		}
		return s.Client().Transport.RoundTrip(r)
	})
	resp, answer, err := post(t, p, &reconnecting, s.URL+"/watchlist/search", strings.NewReader("the body"))
	if err != nil || resp.StatusCode != 200 || answer != "the body" || first {
		t.Errorf("%v, %q, %v", resp, answer, err)
	}
}

// Calls of the auth operations through the Doer follow no redirect either.
func TestDoerFollowsNoRedirectWithCredentials(t *testing.T) {
	var elsewhere atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			elsewhere.Add(1)
		case "/auth/token":
			if r.Header.Get("X-Redirect") != "" {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
				return
			}
			_, _ = io.WriteString(w, `{"token":"t"}`)
		default:
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}
	}))
	defer srv.Close()
	p, err := New("k", "s", WithBaseURL(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for path, method := range map[string]string{"/auth/token": "GET", "/auth/refresh": "POST", "/auth/refresh/": "POST"} {
		req, _ := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader("{}"))
		req.Header.Set("X-Redirect", "yes")
		if err := p.Intercept(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		resp, err := p.Doer(nil).Do(req)
		if err != nil || resp.StatusCode != 307 || elsewhere.Load() != 0 {
			t.Errorf("%s: %v, %v", path, resp, err)
		}
		resp.Body.Close()
	}
}

// Whatever the number of callers, an operation that refuses every token costs an exchange a second at the most.
func TestDoerUnderAStormOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		p := s.provider(t)
		refusing := *s.Client
		refusing.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			time.Sleep(rand.N(200 * time.Millisecond))
			return &http.Response{StatusCode: 401, Body: http.NoBody, Request: r}, nil
		})
		d := p.Doer(&refusing)
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for start := time.Now(); time.Since(start) < time.Minute; {
					req := request(t, checkURL)
					if err := p.Intercept(t.Context(), req); err != nil {
						t.Error(err)
						return
					}
					resp, err := d.Do(req)
					if err != nil || resp.StatusCode != 401 {
						t.Errorf("%v, %v", resp, err)
						return
					}
				}
			})
		}
		wg.Wait()
		if exchanges, _ := s.counts(); exchanges > 62 {
			t.Errorf("%d exchanges in a minute", exchanges)
		}
	})
}

// Once an answer has confirmed a replacement, it is replaced in its turn like any other token.
func TestDoerReplacesAConfirmedReplacementAtOnce(t *testing.T) {
	s := newSite(t, httptest.NewServer)
	p := s.provider(t)
	mustToken(t, p)
	for range 4 {
		s.revoke()
		if resp, _, err := post(t, p, nil, s.URL+"/x", strings.NewReader("b")); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v, %v", resp, err)
		}
	}
	if s.exchanges.Load() != 5 {
		t.Errorf("%d exchanges", s.exchanges.Load())
	}
}

// Where a redirect leads learns nothing of where it comes from, whose query may hold a key or an identifier.
func TestRedirectTellsNothingOfTheAddressBefore(t *testing.T) {
	var referers []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/auth/token":
			_, _ = io.WriteString(w, `{"token":"t"}`)
		case "/check/c1":
			http.Redirect(w, r, "/moved", http.StatusTemporaryRedirect)
		default:
			referers = append(referers, r.Header.Get("Referer"))
		}
	}))
	defer srv.Close()
	p, err := New("k", "s", WithBaseURL(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/check/c1?key=secret", nil)
	if err := p.Intercept(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	resp, err := p.Doer(nil).Do(req)
	if err != nil || len(referers) != 1 || referers[0] != "" {
		t.Fatalf("%v, %v, referers %q", resp, err, referers)
	}
	_ = resp.Body.Close()
}

// A key in a query is set once, and what else the query holds stays as it is written.
func TestQueryStaysAsItIsWritten(t *testing.T) {
	for query, want := range map[string]string{
		"":                       "key=a%26b",
		"l=a%2Cb,c&p=x|y&d[a]=3": "l=a%2Cb,c&p=x|y&d[a]=3&key=a%26b",
		"key=old&q=1&key=older":  "q=1&key=a%26b",
		"keys=1&&q":              "keys=1&q&key=a%26b",
	} {
		if got := withQuery(query, "key", "a&b"); got != want {
			t.Errorf("%q becomes %q, want %q", query, got, want)
		}
	}
}
