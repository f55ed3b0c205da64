package authprovider

import (
	"errors"
	"time"
)

// A backoff says how long to leave the service alone after failures.
type backoff struct {
	failures int
	renewal  time.Time // no renewal of a living token before
	closed   time.Time // until then, callers without a token get the last failure
	last     error
}

const (
	minRenewalPause = time.Second
	maxRenewalPause = time.Minute
	// Callers without a token share a failure for a moment, so that they do not call a failing service back to back.
	minClosed = 100 * time.Millisecond
	maxClosed = time.Second
	// refusalMemory is how long refused credentials are remembered, so that a misconfigured fleet does not hammer the
	// service while a corrected key is soon accepted.
	refusalMemory = 10 * time.Second
	// maxRetryAfter is how long the service can ask to be left alone. One bad answer must not lock a client out.
	maxRetryAfter = 30 * time.Second
)

// fail counts a failure. Pauses double with each, within bounds, shortened at random by up to half. A longer
// Retry-After takes their place, lengthened at random by up to a tenth; it is believed up to [maxRetryAfter].
func (b *backoff) fail(err error, now time.Time, jitter float64) {
	shift := min(b.failures, 10)
	b.failures++
	b.last = err
	renewal := min(minRenewalPause<<shift, maxRenewalPause)
	closed := min(minClosed<<shift, maxClosed)
	renewal -= time.Duration(jitter * float64(renewal/2))
	closed -= time.Duration(jitter * float64(closed/2))

	if e := (*Error)(nil); errors.As(err, &e) {
		if e.credentialsRefused() {
			closed = refusalMemory
		}
		if asked := min(e.RetryAfter, maxRetryAfter); asked > 0 {
			asked += time.Duration(jitter * float64(asked/10))
			renewal, closed = max(renewal, asked), max(closed, asked)
		}
	}
	b.renewal, b.closed = now.Add(renewal), now.Add(closed)
}

// failure returns the last failure, with the time until another attempt makes sense.
func (b *backoff) failure(now time.Time) error {
	e, ok := b.last.(*Error)
	if !ok {
		return b.last
	}
	again := *e
	again.RetryAfter = max(0, b.closed.Sub(now))
	return &again
}
