package api

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A recovery finds out whether an operation was performed whose outcome is unclear.
type recovery[T any] struct {
	// prepare notes the state before the first attempt; nil when that is not needed.
	prepare func(context.Context) error
	// resolve reads the state. It returns the result when the operation was performed, neither when that cannot be seen,
	// and an error when it cannot tell.
	resolve func(context.Context) (*T, error)
	// final tells that the operation is not sent again even when the state does not show it.
	final bool
}

// DefaultRecoveryWindow is how long the state is read before an operation counts as not performed; see
// [WithRecoveryWindow].
const DefaultRecoveryWindow = 5 * time.Second

// WithRecoveryWindow sets how long the state is read after the outcome of creating or submitting a check became unclear
// (a connection that was reset, a 502, a damaged answer), before the call is sent again: a state may lag behind what the
// service has done, and sending too early would charge twice. The default is [DefaultRecoveryWindow]; with 0 the state is
// read once. When the call ends earlier, its outcome is unknown. After a timeout, or when the HTTP client gave up for a
// reason of its own, nothing is sent again, however long the state was read.
func WithRecoveryWindow(window time.Duration) CallOption {
	return callOption(func(c *callSettings) error {
		if window < 0 {
			return errors.New("WithRecoveryWindow: the time is negative")
		}
		c.recoveryWindow = window
		return nil
	})
}

// recover reads the state after an attempt whose outcome, or that of one before it, is unclear, until it shows that the
// operation was performed or has not shown it for the whole window. Then it returns neither a result nor an error.
func (r *recovery[T]) recover(ctx context.Context, window time.Duration, failure *Error) (*T, error) {
	end := time.Now().Add(window)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		left := time.Until(end)
		result, err := r.resolve(ctx)
		switch {
		case result != nil || err != nil:
			return result, err
		case left > 0: // it was not seen yet
			if err := wait(ctx, time.Time{}, min(left, pause-rand.N(pause/5))); err != nil {
				return nil, fmt.Errorf("the state does not show it yet, and there was no time to go on looking: %w", err)
			}
		case failure.atWork():
			return nil, errors.New("the state does not show it, and the service may still be at work")
		case r.final:
			return nil, errors.New("the state does not show it, and it is not safe to repeat")
		default:
			return nil, nil
		}
	}
}
