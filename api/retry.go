package api

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/goaver/aver-go/authprovider"
)

// A retryPolicy says when an operation may be sent again: the contract's x-retry.
type retryPolicy int

const (
	retryNever   retryPolicy = iota // only when it certainly was not performed
	retryAlways                     // whenever that may help
	retryRecover                    // like never; after an unclear outcome the state is read
)

// An outcome is what an attempt that failed did at the service.
type outcome int

const (
	unsentOutcome  outcome = iota // nothing of the request reached the service
	refusedOutcome                // the service said no
	unclearOutcome                // the operation may have been performed
)

// outcome returns what the attempt did.
func (e *Error) outcome() outcome {
	switch {
	case !e.sent:
		return unsentOutcome
	case e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout,
		e.Status == http.StatusTemporaryRedirect, e.Status == http.StatusPermanentRedirect:
		return refusedOutcome
	}
	return unclearOutcome
}

// timedOut reports whether the request was sent and no answer came in time.
func (e *Error) timedOut() bool {
	var timeout interface{ Timeout() bool }
	return e.sent && e.Status == 0 && errors.As(e.Err, &timeout) && timeout.Timeout()
}

// again reports whether an operation may be attempted again after a failure. unclear tells that an attempt may have
// been performed; of an operation with retryRecover the state was read by then, and did not show it.
func (p retryPolicy) again(e *Error, unclear bool) bool {
	switch {
	case e.sent && e.Status == http.StatusUnauthorized:
		return true // it was not performed, and a token may be refused by chance twice
	case p == retryAlways:
		return e.transient()
	case p == retryRecover && unclear && e.Status == http.StatusConflict:
		return true // the earlier attempt is in the way, but cannot be seen yet
	}
	switch e.outcome() {
	case unsentOutcome:
		return e.transient()
	case refusedOutcome:
		return e.Status == http.StatusTooManyRequests && (p == retryRecover || e.RetryAfter > 0)
	}
	return p == retryRecover
}

// A recovery finds out whether an operation was performed whose outcome is unclear.
type recovery[T any] struct {
	// prepare notes the state before the first attempt; nil when that is not needed.
	prepare func(context.Context) error
	// resolve reads the state. It returns the result when the operation was performed, neither when it was not and may
	// be sent again, and an error when it cannot tell.
	resolve func(context.Context) (*T, error)
}

// A Backoff returns how long to wait before another attempt. retry counts the attempts made so far, from 1.
type Backoff func(retry int) time.Duration

// ExponentialBackoff returns a [Backoff] that picks a pause at random (full jitter) between nothing and base, twice
// base, four times base and so on, up to limit.
func ExponentialBackoff(base, limit time.Duration) Backoff {
	return func(retry int) time.Duration {
		ceiling := limit
		if shift := retry - 1; shift < 32 && base < limit>>shift {
			ceiling = base << shift
		}
		if ceiling <= 0 {
			return 0
		}
		return rand.N(ceiling)
	}
}

// maxRetryAfter caps what a Retry-After header can ask for.
const maxRetryAfter = 30 * time.Second

// pause returns how long to wait after the nth attempt: what the service asks for, within bounds, or the back-off.
func (s *callSettings) pause(n int, e *Error) time.Duration {
	if e.RetryAfter > 0 {
		return min(e.RetryAfter, maxRetryAfter)
	}
	return s.backoff(n)
}

// wait waits, and reports whether it did. It returns at once when the context or the call would end first.
func wait(ctx context.Context, deadline time.Time, pause time.Duration) bool {
	if !deadline.IsZero() && time.Until(deadline) <= pause {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// An attempt knows how far a request came. It is the context of the request.
type attempt struct {
	context.Context
	path     string // the path template of the operation
	once     bool   // net/http must not repeat it on its own
	upload   *upload
	handed   atomic.Bool
	dialling atomic.Bool
	http1    atomic.Bool            // the connection is known to speak HTTP/1
	header   atomic.Pointer[string] // the Authorization header that was sent last
}

type attemptKey struct{}

// Value returns the attempt itself for its key.
func (a *attempt) Value(key any) any {
	if _, ok := key.(attemptKey); ok {
		return a
	}
	return a.Context.Value(key)
}

// trace returns the context of the request. Where it matters whether something was sent, net/http reports to the attempt.
func (a *attempt) trace() context.Context {
	if !a.once {
		return a
	}
	return httptrace.WithClientTrace(a, &httptrace.ClientTrace{
		GetConn: func(string) { a.dialling.Store(true) },
		GotConn: func(info httptrace.GotConnInfo) {
			a.dialling.Store(false)
			encrypted, ok := info.Conn.(interface{ ConnectionState() tls.ConnectionState })
			a.http1.Store(!ok || encrypted.ConnectionState().NegotiatedProtocol != "h2") // without TLS there is no HTTP/2 by default
		},
	})
}

// sent reports whether anything of the request may have reached the service. It is false only with certainty: the
// request was never handed to the HTTP client, or the client was still connecting (which includes TLS).
func (a *attempt) sent() bool { return a.handed.Load() && !a.dialling.Load() }

// handOver notes that a request is complete and goes to the HTTP client, unless the caller has left.
func (a *attempt) handOver(req *http.Request) error {
	if err := a.Err(); err != nil {
		return err
	}
	if a.upload != nil {
		req.ContentLength = a.upload.size()
		if a.upload.source.again {
			req.GetBody = a.upload.body
		}
	}
	a.handed.Store(true)
	return nil
}

// transient reports whether another attempt may succeed.
func (e *Error) transient() bool {
	var damaged *transientError
	var exchange *authprovider.Error
	switch {
	case e.class == ErrRateLimited, e.class == ErrUnavailable:
		return true
	case e.class == ErrUnexpectedAnswer:
		return errors.As(e.Err, &damaged) || errors.As(e.Err, &exchange)
	}
	return false
}
