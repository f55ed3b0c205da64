package authprovider

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A service is the part of the Aver service that hands out tokens, over real HTTP on an in-memory network, so that it
// also works under the fake time of testing/synctest.
type service struct {
	*http.Client

	mu        sync.Mutex
	exchanges int
	refreshes int
	running   int // requests under way
	most      int // requests under way at once, at most
	latency   time.Duration
	ttl       time.Duration
	answer    func(kind EventKind, n int, w http.ResponseWriter) bool // answers itself when it returns true
	serial    int
	issued    []string
}

// newService serves until the test, or its synctest bubble, ends.
func newService(t *testing.T) *service {
	t.Helper()
	s := &service{ttl: 30 * time.Minute}
	listener := &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: s}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	transport := &http.Transport{DialContext: listener.dial}
	s.Client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
	return s
}

// provider returns a provider of the service without jitter.
func (s *service) provider(t *testing.T, opts ...Option) *Provider {
	t.Helper()
	p, err := New("the-key", "the-secret", append([]Option{
		WithBaseURL("http://localhost/api"), WithHTTPClient(s.Client),
		func(s *settings) error { s.jitter = func() float64 { return 0 }; return nil },
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	latency, answer := s.latency, s.answer
	kind, n := Exchange, 0
	switch r.Method + " " + r.URL.Path {
	case "GET /api/auth/token":
		s.exchanges++
		n = s.exchanges
		if key, secret, ok := r.BasicAuth(); !ok || key != "the-key" || secret != "the-secret" {
			answer = refuse(http.StatusUnauthorized)
		}
	case "POST /api/auth/refresh":
		kind = Refresh
		s.refreshes++
		n = s.refreshes
		var body struct{ Token string }
		raw, _ := io.ReadAll(r.Body)
		if json.Unmarshal(raw, &body) != nil || r.Header.Get("Authorization") != "Bearer "+body.Token {
			answer = refuse(http.StatusBadRequest)
		}
	default:
		answer = refuse(http.StatusNotFound)
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()

	if latency > 0 {
		timer := time.NewTimer(latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	if answer != nil && answer(kind, n, w) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"token": s.issue()})
}

func (s *service) issue() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	token := jwt(fmt.Sprintf(`{"exp":%d,"iat":%d,"serial":%d}`, 1000+int(s.ttl.Seconds()), 1000, s.serial))
	s.issued = append(s.issued, token)
	return token
}

func (s *service) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// counts returns how many exchanges and refreshes there were.
func (s *service) counts() (exchanges, refreshes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exchanges, s.refreshes
}

func jwt(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"HS256"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("signature"))
}

// refuse answers everything with a status, and headers in pairs.
func refuse(status int, headers ...string) func(EventKind, int, http.ResponseWriter) bool {
	return func(_ EventKind, _ int, w http.ResponseWriter) bool {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "private body")
		return true
	}
}

// A memoryListener is a network of its own.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *memoryListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{} }
