package api

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"syscall"
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
	case e.repeated, e.atWork():
		return unclearOutcome
	case e.Status >= 400 && e.Status < 500,
		e.Status == http.StatusTemporaryRedirect, e.Status == http.StatusPermanentRedirect:
		return refusedOutcome
	}
	return unclearOutcome
}

// atWork reports whether the service may still be at work on a request that was sent: no answer, or no whole one, came in
// time, or the HTTP client gave up for a reason of its own. A connection that broke is another thing, and so is an answer.
func (e *Error) atWork() bool {
	if !e.sent {
		return false
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusGatewayTimeout, 460, 499, 522, 524: // the others are those of proxies
		return true
	}
	var timeout interface{ Timeout() bool }
	if errors.As(e.Err, &timeout) && timeout.Timeout() {
		return true
	}
	return e.Status == 0 && !brokenConnection(e.Err)
}

// brokenConnection reports whether an error of an HTTP client says that the connection broke.
func brokenConnection(err error) bool {
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE} {
		if errors.Is(err, known) {
			return true
		}
	}
	var network *net.OpError
	return errors.As(err, &network)
}

// again reports whether an operation may be attempted again after a failure. unclear tells that an attempt may have
// been performed; of an operation with retryRecover the state was read by then, and did not show it.
func (p retryPolicy) again(e *Error, unclear bool) bool {
	switch {
	case e.sent && e.Status == http.StatusUnauthorized && !e.repeated:
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
		return e.Status == http.StatusTooManyRequests && (p == retryRecover || e.asked)
	}
	return p == retryRecover
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

// pause returns how long to wait after the nth attempt: what the service asks for, within bounds, or the back-off. A
// service that asks for no time at all is left alone for that of the back-off.
func (s *callSettings) pause(n int, e *Error) time.Duration {
	if e.RetryAfter > 0 {
		return min(e.RetryAfter, maxRetryAfter)
	}
	return s.backoff(n)
}

// transient reports whether another attempt may succeed.
func (e *Error) transient() bool {
	var damaged *transientError
	var exchange *authprovider.Error
	switch {
	case e.Class == ErrRateLimited, e.Class == ErrUnavailable:
		return true
	case e.Class == ErrUnexpectedResponse:
		return errors.As(e.Err, &damaged) || errors.As(e.Err, &exchange) && exchange.Status == http.StatusOK
	}
	return false
}
