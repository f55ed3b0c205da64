package authprovider

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	now := time.Now()
	passing := &Error{Kind: Exchange, Status: 503}
	asking := func(d time.Duration) *Error { return &Error{Kind: Exchange, Status: 429, RetryAfter: d} }
	tests := []struct {
		name            string
		failures        int // before
		err             error
		jitter          float64
		renewal, closed time.Duration
	}{
		{"first", 0, passing, 0, time.Second, 100 * time.Millisecond},
		{"first, jittered", 0, passing, 1, 500 * time.Millisecond, 50 * time.Millisecond},
		{"third", 2, passing, 0, 4 * time.Second, 400 * time.Millisecond},
		{"hundredth", 99, passing, 0, time.Minute, time.Second},
		{"no answer", 0, &Error{Err: errors.New("x")}, 0, time.Second, 100 * time.Millisecond},
		{"wrong credentials", 0, &Error{Kind: Exchange, Status: 401}, 1, 500 * time.Millisecond, 10 * time.Second},
		{"wrong credentials again", 50, &Error{Kind: Exchange, Status: 403}, 0, time.Minute, 10 * time.Second},
		{"refresh refused", 0, &Error{Kind: Refresh, Status: 401}, 0, time.Second, 100 * time.Millisecond},
		{"asked for longer", 0, asking(20 * time.Second), 0, 20 * time.Second, 20 * time.Second},
		{"asked for longer, jittered", 0, asking(20 * time.Second), 1, 22 * time.Second, 22 * time.Second},
		{"asked for less than the pause", 99, asking(20 * time.Second), 0, time.Minute, 20 * time.Second},
		{"asked for a day", 0, asking(24 * time.Hour), 0, 30 * time.Second, 30 * time.Second},
		{"asked for ever", 0, asking(math.MaxInt64), 1, 33 * time.Second, 33 * time.Second},
	}
	for _, tt := range tests {
		b := backoff{failures: tt.failures}
		b.fail(tt.err, now, tt.jitter)
		if renewal, closed := b.renewal.Sub(now), b.closed.Sub(now); renewal != tt.renewal || closed != tt.closed {
			t.Errorf("%s: renewal after %v, closed for %v", tt.name, renewal, closed)
		}
		var failure *Error
		if !errors.As(b.failure(now.Add(tt.closed/2)), &failure) || failure.RetryAfter != tt.closed-tt.closed/2 {
			t.Errorf("%s: told to wait for %v", tt.name, failure.RetryAfter)
		}
	}
}
