package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/generated"
)

// Version is the version of this module, as the User-Agent header tells it.
const Version = "0.1.0"

// A Client calls the Aver API. Its methods may be called from any number of goroutines.
type Client struct {
	raw      *generated.RawClient
	base     *url.URL // without a slash at its end
	doer     *authprovider.Doer
	provider *authprovider.Provider
	settings *settings // behind a pointer, so that a printed client shows nothing of it
}

// settings is what the options configure.
type settings struct {
	callSettings
	baseURL         string
	httpClient      *http.Client // nil for one of the provider's own
	userAgent       string
	logger          *slog.Logger
	auth            []authprovider.Option
	wrap            func(http.RoundTripper) http.RoundTripper
	userAgentHeader []string
	retryRatio      float64
	retryReserve    int
	budget          *budget
	deadlines       deadlines
	middleware      []Middleware // the outermost first
}

// callSettings is what can be configured for a single call as well.
type callSettings struct {
	timeout        time.Duration
	attemptTimeout time.Duration
	maxAttempts    int
	backoff        Backoff
	recoveryWindow time.Duration
	maxSize        int64 // 0 for the default of the operation
	maxImageSize   int64
	progress       func(sent, total int64) // nil for none
	begun          func(mediaType string)  // likewise
	capture        *Capture                // likewise
	headers        http.Header             // beside the contract's; nil for none
	query          url.Values              // likewise
}

// An Option configures a [Client].
type Option interface {
	applyToClient(*settings) error
}

// waitSettings is what can be configured for waiting, where the contract has something to wait for.
type waitSettings struct {
	first, longest time.Duration // zero for the defaults
	progress       func(status string)
	wake           func(id string) (woken <-chan struct{}, stop func())
	calls          []CallOption // of each look
}

// A CallOption configures a single call, or, given to [New], every call; given to a method that waits, each look.
type CallOption interface {
	Option
	applyToWait(*waitSettings) error
	applyToCall(*callSettings) error
}

type clientOption func(*settings) error

func (o clientOption) applyToClient(s *settings) error { return o(s) }

type callOption func(*callSettings) error

func (o callOption) applyToClient(s *settings) error   { return o(&s.callSettings) }
func (o callOption) applyToCall(c *callSettings) error { return o(c) }

func (o callOption) applyToWait(s *waitSettings) error {
	s.calls = append(s.calls, o)
	return o(&callSettings{}) // which is refused here, and not at the first look
}

// WithBaseURL sets the base URL of the service; the default is production. It must be https; http is accepted for a
// loopback address alone, such as the sandbox's.
func WithBaseURL(url string) Option {
	return clientOption(func(s *settings) error {
		s.baseURL = url
		return nil
	})
}

// WithHTTPClient sets the HTTP client, for calls and for the exchange of credentials. It is not changed; its Transport
// is shared and its CheckRedirect is asked about redirects within the service's origin.
func WithHTTPClient(client *http.Client) Option {
	return clientOption(func(s *settings) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		s.httpClient = client
		return nil
	})
}

// WithUserAgent puts the application's own product, such as "shop/2.1", before the module's in the User-Agent header.
func WithUserAgent(product string) Option {
	return clientOption(func(s *settings) error {
		for _, r := range product {
			if r < ' ' || r > '~' {
				return errors.New("WithUserAgent: the product holds a character that no header may hold")
			}
		}
		if product != "" {
			s.userAgent = product + " " + s.userAgent
		}
		return nil
	})
}

// WithLogger has every attempt of a call logged at debug level: operation, path template, number, duration, status, class
// of error and request ID. Bodies, identifiers, secrets and the service's own words are never logged. The default is not
// to log.
func WithLogger(logger *slog.Logger) Option {
	return clientOption(func(s *settings) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		s.logger = logger
		return nil
	})
}

// WithTransportWrapper puts a transport, such as OpenTelemetry's, around the one that performs the calls. It sees every attempt
// with the path template of the operation, /check/{id}, in place of the path and the query, and an answer without the
// headers that hold addresses (Location, Link, …), so that what it records of these holds no identifier. Bodies and other
// headers are as they are. What it changes of the address has no effect, and it must keep the header Aver-Hidden-Call, by
// which the address is found again. A transport that tells requests apart by their address, such as a cache, does not
// belong here but below, into [WithHTTPClient]. The exchange of credentials does not pass it.
func WithTransportWrapper(wrap func(http.RoundTripper) http.RoundTripper) Option {
	return clientOption(func(s *settings) error {
		if wrap == nil {
			return errors.New("WithTransportWrapper: the function is nil")
		}
		s.wrap = wrap
		return nil
	})
}

// WithSandboxOnly refuses every base URL but a loopback address: a guard for test suites, which must never call, and pay
// for, the real service by mistake.
func WithSandboxOnly() Option { return WithAuth(authprovider.WithLoopbackOnly()) }

// WithAuth passes options on to the provider of tokens, such as [authprovider.WithHook] for metrics.
func WithAuth(opts ...authprovider.Option) Option {
	return clientOption(func(s *settings) error {
		s.auth = append(s.auth, opts...)
		return nil
	})
}

// WithCredential gives the credential for a security scheme of the contract that is no token of the exchange: an apiKey, or a
// token of another kind. It is sent with each operation that names the scheme, and with no other. Aver's own contract has
// none.
func WithCredential(scheme, value string) Option {
	return WithAuth(authprovider.WithCredential(scheme, value))
}

// WithTimeout limits a call from its beginning to its end: waiting for a token, all attempts and the pauses between them.
// The default is 60 seconds; 0 leaves the limit to the context.
func WithTimeout(timeout time.Duration) CallOption {
	return callOption(func(c *callSettings) error {
		if timeout < 0 {
			return errors.New("WithTimeout: the timeout is negative")
		}
		c.timeout = timeout
		return nil
	})
}

// WithMaxAttempts limits how often a call is attempted; the default is 4, and 1 means no repetition. What is repeated at
// all, and when, the contract says for each operation.
func WithMaxAttempts(n int) CallOption {
	return callOption(func(c *callSettings) error {
		if n < 1 {
			return errors.New("WithMaxAttempts: want at least one attempt")
		}
		c.maxAttempts = n
		return nil
	})
}

// WithAttemptTimeout limits a single attempt of an operation that the contract lets be repeated always, so that one hung
// connection does not use up the whole call; the default is 20 seconds, and 0 means no limit. Other operations are
// limited by [WithTimeout] alone: cutting them short would leave open whether they were performed. So are downloads, whose
// bytes may take their time.
func WithAttemptTimeout(timeout time.Duration) CallOption {
	return callOption(func(c *callSettings) error {
		if timeout < 0 {
			return errors.New("WithAttemptTimeout: the timeout is negative")
		}
		c.attemptTimeout = timeout
		return nil
	})
}

// WithBackoff sets the pauses between attempts; the default is [ExponentialBackoff] from 200 ms up to 5 s. A Retry-After
// header of the service goes before it, up to 30 seconds.
func WithBackoff(backoff Backoff) CallOption {
	return callOption(func(c *callSettings) error {
		if backoff == nil {
			return errors.New("WithBackoff: the back-off is nil")
		}
		c.backoff = backoff
		return nil
	})
}

// WithMaxResponseSize limits an answer, in bytes. A longer one is an error that matches [ErrUnexpectedResponse]. The
// default is 8 MiB, and 64 MiB for an operation that answers with an image.
func WithMaxResponseSize(bytes int64) CallOption {
	return callOption(func(c *callSettings) error {
		if bytes <= 0 {
			return errors.New("WithMaxResponseSize: the size must be positive")
		}
		c.maxSize = bytes
		return nil
	})
}

// newClient returns a client. key and secret are empty where the contract knows no such thing.
func newClient(key, secret string, opts []Option) (*Client, error) {
	s := &settings{
		callSettings: callSettings{
			timeout:        60 * time.Second,
			attemptTimeout: 20 * time.Second,
			maxAttempts:    4,
			backoff:        ExponentialBackoff(200*time.Millisecond, 5*time.Second),
			recoveryWindow: DefaultRecoveryWindow,
			maxImageSize:   DefaultMaxImageSize,
		},
		baseURL:      authprovider.DefaultBaseURL,
		userAgent:    "aver-go/" + Version,
		retryRatio:   DefaultRetryRatio,
		retryReserve: DefaultRetryReserve,
		logger:       slog.New(slog.DiscardHandler),
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.applyToClient(s); err != nil {
			return nil, fmt.Errorf("api: %w", err)
		}
	}
	auth := append([]authprovider.Option{
		authprovider.WithBaseURL(s.baseURL),
		authprovider.WithUserAgent(s.userAgent),
	}, s.auth...)
	if s.httpClient != nil {
		auth = append(auth, authprovider.WithHTTPClient(s.httpClient))
	}
	provider, err := authprovider.New(key, secret, auth...)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if provider.BaseURL() != s.baseURL {
		return nil, errors.New("api: WithAuth sets another base URL than the client's; use api.WithBaseURL, which sets both")
	}
	client := *provider.Client()
	if client.Transport = s.transport(client.Transport); client.Transport == nil {
		return nil, errors.New("api: WithTransportWrapper: the function returned nil")
	}
	s.userAgentHeader = []string{s.userAgent}
	s.budget = newBudget(s.retryRatio, s.retryReserve)
	base, err := url.Parse(strings.TrimRight(s.baseURL, "/"))
	if err != nil {
		return nil, errors.New("api: the base URL cannot be parsed")
	}
	doer := provider.Doer(&client)
	raw, err := generated.NewClient(s.baseURL,
		generated.WithHTTPClient(doer),
		generated.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
			req.Header.Set("User-Agent", s.userAgent)
			req.Header.Set("Accept", "application/json")
			return nil
		}),
		generated.WithRequestEditorFn(provider.Intercept))
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	return &Client{raw: raw, base: base, doer: doer, provider: provider, settings: s}, nil
}

// Raw returns the generated client underneath, authenticated like this one, for what the methods do not offer. Its
// answers are the service's own: reading, bounding and closing them is the caller's work.
func (c *Client) Raw() *generated.RawClient { return c.raw }

// Provider returns the provider of the client's tokens.
func (c *Client) Provider() *authprovider.Provider { return c.provider }

// Close ends a running exchange of credentials and closes idle connections, unless they belong to the client of
// [WithHTTPClient]. Later calls fail.
func (c *Client) Close() error { return c.provider.Close() }
