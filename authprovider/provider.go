// Package authprovider authenticates the calls of a generated Aver client.
//
// A [Provider] exchanges an API key and secret for a bearer token and puts the token on every request, through the
// generated client's own hook for editing requests:
//
//	provider, err := authprovider.New(key, secret)
//	client, err := generated.NewClientWithResponses(authprovider.DefaultBaseURL,
//		generated.WithRequestEditorFn(provider.Intercept),
//		generated.WithHTTPClient(provider.Doer(nil)))
//	rsp, err := client.GetCheckWithResponse(ctx, id)
//
// The editor alone authenticates. But it cannot see answers: the [Doer] beside it repeats a call when the service
// refuses the token, and keeps net/http from carrying the Authorization header along a redirect to another port, or
// from https to http.
package authprovider

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
)

// ErrClosed is returned by a provider after [Provider.Close].
var ErrClosed = errors.New("authprovider: the provider is closed")

// ErrTokenRefused is in the error of a [Doer] when the service refused the token and no other could be had. The call
// was not performed.
var ErrTokenRefused = errors.New("authprovider: the service refused the token")

// A Provider obtains a bearer token, keeps it until it is about to expire, and sets it on requests.
//
// Any number of goroutines may use a Provider at once. They share one token and at most one exchange. The provider has
// no goroutine of its own: a token is renewed in the background by the first caller that finds it about to expire.
type Provider struct {
	origin      origin
	exceptions  []operation
	refreshPath string
	settings    *settings
	current     atomic.Pointer[token]
	life        context.Context // ends with Close
	end         context.CancelFunc

	// probation is the token that replaced a refused one, until an answer confirms it.
	probation atomic.Pointer[token]

	mu      sync.Mutex // guards what follows; never held across I/O
	flight  *flight
	backoff backoff
	issued  map[[sha256.Size]byte]record // the tokens that could still live, by digest
	replace bool                         // the next token replaces a refused one
}

// A record is what is known of a token that this provider obtained.
type record struct {
	end     time.Time
	refused bool
}

// settings is what the options configure.
type settings struct {
	basic        func() string   // the Basic credentials; a function, because package fmt prints what a pointer points at
	secrets      func() []string // the key and secret
	hasKey       bool
	baseURL      string
	loopbackOnly bool
	client       *http.Client
	exchange     *http.Client // like client, but it follows no redirect
	credentials  []credential // what WithCredential gave
	margin       time.Duration
	timeout      time.Duration
	userAgent    string
	hook         func(Event)
	jitter       func() float64 // in [0, 1)
	ownClient    bool
}

// An Option configures a [Provider].
type Option func(*settings) error

// WithBaseURL sets the base URL of the service; the default is [DefaultBaseURL]. The provider sets credentials and
// tokens on requests to its scheme, host and port alone; a [Doer] keeps redirects from carrying them elsewhere. It must be
// https; http is accepted for a loopback address alone.
func WithBaseURL(url string) Option {
	return func(s *settings) error {
		s.baseURL = url
		return nil
	}
}

// WithLoopbackOnly refuses every base URL but a loopback address: a guard for test suites, which must never reach the
// real service by mistake.
func WithLoopbackOnly() Option {
	return func(s *settings) error {
		s.loopbackOnly = true
		return nil
	}
}

// WithHTTPClient sets the client that performs the exchange. The provider works on a copy that follows no redirect;
// the transport is shared.
func WithHTTPClient(client *http.Client) Option {
	return func(s *settings) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		s.client = client
		return nil
	}
}

// WithMargin sets how long before its expiry a token is renewed; the default is 5 minutes. It is cut to half the
// token's lifetime, and shortened at random by up to half, so that many processes do not renew in step. With 0 a token is
// used to its end, and callers then wait for the next one.
func WithMargin(margin time.Duration) Option {
	return func(s *settings) error {
		if margin < 0 {
			return errors.New("WithMargin: the margin is negative")
		}
		s.margin = margin
		return nil
	}
}

// WithTimeout limits an exchange, including a refresh before it; the default is 15 seconds. The context of a caller
// limits only that caller's waiting.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		if timeout <= 0 {
			return errors.New("WithTimeout: the timeout must be positive")
		}
		s.timeout = timeout
		return nil
	}
}

// WithUserAgent sets the User-Agent header of the exchange; the default is net/http's.
func WithUserAgent(userAgent string) Option {
	return func(s *settings) error {
		s.userAgent = userAgent
		return nil
	}
}

// WithHook has f called after every exchange and refresh, successful or not, for metrics and logs. The event holds no
// secret. f delays no caller; it may be called from several goroutines, and a panic in it is dropped.
func WithHook(f func(Event)) Option {
	return func(s *settings) error {
		s.hook = f
		return nil
	}
}

// New returns a provider for an API key and its secret. Nothing is sent before the first call that needs a token.
//
// The key may hold no colon, and neither may hold control characters (RFC 7617). The error does not repeat them.
func New(key, secret string, opts ...Option) (*Provider, error) {
	s := &settings{
		basic: func() string {
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":"+secret))
		},
		secrets: func() []string { return []string{key, secret} },
		hasKey:  key != "",
		baseURL: DefaultBaseURL,
		margin:  5 * time.Minute,
		timeout: 15 * time.Second,
		jitter:  rand.Float64,
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(s); err != nil {
			return nil, fmt.Errorf("authprovider: %w", err)
		}
	}
	if err := s.checkKey(key, secret); err != nil {
		return nil, err
	}
	if s.baseURL == "" && DefaultBaseURL == "" {
		return nil, errors.New("authprovider: the contract names no server; give one with WithBaseURL")
	}
	origin, basePath, err := parseBaseURL(s.baseURL)
	if err != nil {
		return nil, err
	}
	if s.loopbackOnly && !isLoopback(origin.hostname) {
		return nil, fmt.Errorf("authprovider: the base URL %q is no loopback address, and nothing else is allowed here; use the sandbox's URL", s.baseURL)
	}
	if s.client == nil {
		s.client = &http.Client{}
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			s.client.Transport, s.ownClient = t.Clone(), true
		}
	}
	noRedirect := *s.client
	noRedirect.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.exchange = &noRedirect

	p := &Provider{origin: origin, settings: s, issued: make(map[[sha256.Size]byte]record)}
	for _, e := range exceptions {
		p.exceptions = append(p.exceptions, e.under(basePath))
	}
	p.life, p.end = context.WithCancel(context.Background())
	if contracted.refresh.path != "" {
		p.refreshPath = operation{path: contracted.refresh.path}.under(basePath).path
	}
	return p, nil
}

func (s *settings) checkKey(key, secret string) error {
	switch {
	case key+secret == "" && (!takesBasic || len(s.credentials) > 0): // what needs them will say so
		return nil
	case !takesBasic:
		return errors.New("authprovider: the contract has no operation that takes a key and secret; give its credentials with WithCredential")
	case key == "":
		return errors.New("authprovider: the API key is empty")
	case secret == "":
		return errors.New("authprovider: the API secret is empty")
	case strings.Contains(key, ":"):
		return errors.New("authprovider: the API key contains a colon; are key and secret joined?")
	case strings.ContainsFunc(key, unicode.IsControl):
		return errors.New("authprovider: the API key contains a control character, such as a line break")
	case strings.ContainsFunc(secret, unicode.IsControl):
		return errors.New("authprovider: the API secret contains a control character, such as a line break")
	}
	return nil
}

// Intercept sets the Authorization header that the contract asks for: Basic credentials on the exchange, the bearer
// token on everything else. It is a [generated.RequestEditorFn].
//
// While a token is at hand it neither blocks nor allocates. Otherwise it waits for an exchange, shared with all other
// callers, until ctx ends. A request to another origin than the base URL's is refused with an error, unchanged.
//
// The value of the header is shared between requests: replace it if you must, but do not write into it.
func (p *Provider) Intercept(ctx context.Context, req *http.Request) error {
	if req.URL == nil || !p.origin.is(req.URL) {
		return fmt.Errorf("authprovider: refusing to send credentials to another origin than %s", p.origin)
	}
	if op := p.exception(req); op != nil && op.security != bearer {
		return p.authorizeException(ctx, req, op)
	}
	t := p.fresh()
	if t == nil {
		var err error
		if t, err = p.token(ctx); err != nil {
			return err
		}
	}
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	req.Header["Authorization"] = t.header
	return nil
}

func (p *Provider) authorizeException(ctx context.Context, req *http.Request, op *operation) error {
	if p.life.Err() != nil {
		return ErrClosed
	}
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	switch op.security {
	case basic:
		if !p.settings.hasKey {
			return errNoKey
		}
		req.Header.Set("Authorization", p.settings.basic())
	case given:
		return p.authorizeGiven(ctx, req, op)
	}
	return nil
}

var errNoKey = errors.New("authprovider: the operation needs key and secret; give them to New")

// Token returns a token that is valid now, obtaining one if need be.
func (p *Provider) Token(ctx context.Context) (Token, error) {
	t, err := p.token(ctx)
	if err != nil {
		return Token{}, err
	}
	return Token{func() *token { return t }}, nil
}

// Warm obtains a token ahead of the first call, so that a service can check its credentials when it starts.
func (p *Provider) Warm(ctx context.Context) error {
	_, err := p.token(ctx)
	return err
}

// Invalidate drops a token of [Provider.Token] that the service refused, so that the next call obtains another, at once even if exchanges
// failed before. A token that was replaced in the meantime changes nothing: a late refusal of an old token never costs
// the new one. The refused token is not accepted again while it could live.
func (p *Provider) Invalidate(t Token) { p.invalidate(t.Value()) }

func (p *Provider) invalidate(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.issued[digest(token)]
	if !ok {
		return
	}
	r.refused = true
	p.issued[digest(token)] = r
	if t := p.current.Load(); t != nil && t.is(token) {
		p.current.Store(nil)
		p.backoff = backoff{}
		p.replace = true
	}
}

func digest(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// remember records a new token and forgets those whose lives are over. p.mu is held.
func (p *Provider) remember(t *token) {
	now := time.Now()
	maps.DeleteFunc(p.issued, func(_ [sha256.Size]byte, r record) bool { return r.end.Before(now) })
	p.issued[digest(t.value)] = record{end: t.end.at}
	p.probation.Store(nil)
	if p.replace {
		p.probation.Store(t)
		p.replace = false
	}
}

// replaceable reports whether another token may help a request that was refused with this one: it is one of ours, and
// not itself the brand-new replacement of a refused one. Otherwise an operation that refuses every token would cost an
// exchange for each call.
func (p *Provider) replaceable(token string) bool {
	if t := p.probation.Load(); t != nil && t.is(token) && time.Since(t.start) < probation {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.issued[digest(token)]
	return ok
}

// probation is how long a replacement that no answer has confirmed is not replaced in its turn.
const probation = time.Second

// confirm notes that a request with this Authorization header was let in.
func (p *Provider) confirm(authorization string) {
	if t := p.probation.Load(); t != nil && t.header[0] == authorization {
		p.probation.CompareAndSwap(t, nil)
	}
}

// BaseURL returns the base URL of the service: credentials and tokens go to its scheme, host and port alone.
func (p *Provider) BaseURL() string { return p.settings.baseURL }

// Client returns the HTTP client that the exchange was configured with, or the provider's own.
func (p *Provider) Client() *http.Client { return p.settings.client }

// Close ends a running exchange and makes all later calls fail with [ErrClosed]. It may be called more than once.
func (p *Provider) Close() error {
	p.mu.Lock()
	p.end()
	p.current.Store(nil)
	p.mu.Unlock()
	if p.settings.ownClient {
		p.settings.client.CloseIdleConnections()
	}
	return nil
}
