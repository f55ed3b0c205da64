//aver:needs getCheck getWatchlistSearch

package api

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A WaitOption configures [Client.WaitForCheck] and [Client.WaitForWatchlistSearch]. Every [CallOption] is one: it concerns each
// look.
type WaitOption interface {
	applyToWait(*waitSettings) error
}

type waitOption func(*waitSettings) error

func (o waitOption) applyToWait(s *waitSettings) error { return o(s) }

// WithPollInterval sets how long to wait between looks: first at the beginning, growing by half each time up to
// longest, each shortened at random by up to a fifth. The defaults are 1 second and 30 seconds.
func WithPollInterval(first, longest time.Duration) WaitOption {
	return waitOption(func(s *waitSettings) error {
		if first <= 0 || longest < first {
			return errors.New("WithPollInterval: want 0 < first ≤ longest")
		}
		s.first, s.longest = first, longest
		return nil
	})
}

// WithWake has a wait look at once when it is woken, as by a notification that was received: package webhook of this module
// has such an option. subscribe is called with the ID before the first look, and stop at the end. Looks are rarer then: the
// defaults of [WithPollInterval] are 15 seconds and 5 minutes, for what wakes may be lost.
func WithWake(subscribe func(id string) (woken <-chan struct{}, stop func())) WaitOption {
	return waitOption(func(s *waitSettings) error {
		if subscribe == nil {
			return errors.New("WithWake: the function is nil")
		}
		s.wake = subscribe
		return nil
	})
}

// WithProgress has f called with the status after every look, from the goroutine that waits.
func WithProgress(f func(status string)) WaitOption {
	return waitOption(func(s *waitSettings) error {
		s.progress = f
		return nil
	})
}

// WaitForCheck looks at a check until its status is final: Completed, Rejected or Canceled. A rejected check is a
// result, not an error. A status that the contract does not know counts as undecided.
//
// It waits as long as ctx allows. When it gives up, it returns the check as it was last seen, if it was, with an error;
// errors.Is(err, context.DeadlineExceeded) tells that time ran out. A passing failure to look does not end it, nor that a check
// which was seen is not found; five in a row do.
func (c *Client) WaitForCheck(ctx context.Context, id string, opts ...WaitOption) (*Check, error) {
	return waitFor(ctx, &opGetCheck, id, opts,
		func(ctx context.Context, calls []CallOption) (*Check, error) { return c.GetCheck(ctx, id, calls...) },
		func(check *Check) (string, bool) {
			return string(check.Status), check.Status.Final()
		})
}

// WaitForWatchlistSearch looks at a watchlist search until its status is final: Completed, Failed or Error. It gives up
// like [Client.WaitForCheck]. What the search found is read with [Client.GetWatchlistSearchResults].
func (c *Client) WaitForWatchlistSearch(ctx context.Context, id string, opts ...WaitOption) (*WatchlistSearch, error) {
	return waitFor(ctx, &opGetWatchlistSearch, id, opts,
		func(ctx context.Context, calls []CallOption) (*WatchlistSearch, error) {
			return c.GetWatchlistSearch(ctx, id, calls...)
		},
		func(search *WatchlistSearch) (string, bool) {
			return string(search.Status), search.Status.Final()
		})
}

// intervals returns how long to wait between looks, at first and at most.
func (s *waitSettings) intervals() (first, longest time.Duration) {
	switch {
	case s.first > 0:
		return s.first, s.longest
	case s.wake != nil:
		return 15 * time.Second, 5 * time.Minute
	}
	return time.Second, 30 * time.Second
}

// maxLookFailures is how many looks may fail in a row.
const maxLookFailures = 5

// waitFor looks until what it sees is final.
func waitFor[T any](ctx context.Context, op *operation, id string, opts []WaitOption,
	look func(context.Context, []CallOption) (*T, error), status func(*T) (string, bool)) (*T, error) {
	var s waitSettings
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.applyToWait(&s); err != nil {
			return nil, refusal(op, err)
		}
	}
	var woken <-chan struct{}
	if s.wake != nil {
		var stop func()
		if woken, stop = s.wake(id); stop != nil {
			defer stop()
		}
	}
	first, longest := s.intervals()
	var last *T
	seen, failures := "never seen", 0
	wakened := false
	for interval := first; ; interval = min(interval+interval/2, longest) {
		looked := time.Now()
		current, err := look(ctx, s.calls)
		var failure *Error
		switch {
		case err == nil:
			last, failures = current, 0
			var final bool
			seen, final = status(current)
			if s.progress != nil {
				s.progress(seen)
			}
			if final {
				return last, nil
			}
		case ctx.Err() != nil:
		case errors.As(err, &failure) && (failure.Retryable() || last != nil && failure.Is(ErrNotFound)) && (wakened || failures+1 < maxLookFailures):
			if !wakened { // who is woken often looks often
				failures++
			}
		default:
			return last, err
		}
		timer := time.NewTimer(interval - rand.N(interval/5+1))
		wakened = false
		select {
		case <-timer.C:
		case _, open := <-woken:
			if timer.Stop(); !open {
				woken = nil
			}
			wakened = true
			interval = min(interval, time.Second) // what was told may be seen a moment later
			if wait(ctx, time.Time{}, lookGap-time.Since(looked)) != nil {
				return last, gaveUp(ctx, op, seen)
			}
		case <-ctx.Done():
			timer.Stop()
			return last, gaveUp(ctx, op, seen)
		}
	}
}

// lookGap is how long at least to wait between looks, however often somebody is woken.
const lookGap = 200 * time.Millisecond

func gaveUp(ctx context.Context, op *operation, seen string) *Error {
	<-ctx.Done() // it may end a moment later
	return &Error{Operation: op.id, Err: fmt.Errorf("gave up waiting, last status %s: %w", clean(seen, 60), ctx.Err())}
}
