package api

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// An Attempt is one time that a call is sent, as a [Middleware] sees it: without an identifier and without a value.
type Attempt struct {
	Operation string // the operationId, such as "getCheck"
	Method    string
	Path      string // the template, such as "/check/{id}"
	Number    int    // from 1; more when the call is repeated
}

// An AttemptResult is what came of an attempt.
type AttemptResult struct {
	Status   int // of the answer; 0 when none came
	Duration time.Duration
	Err      error // an *Error; nil for a success
}

// A Middleware is called around each attempt: for metrics, tracing, limits. It calls next once, with ctx or one made of it, and
// returns what next returned. When it does not call it, the attempt is not made, and the call ends with the error of the result
// that it returns, wrapped in an *Error without a class: nothing was sent. It may be called from any number of goroutines at once. The
// exchange of credentials does not pass it.
type Middleware func(ctx context.Context, a Attempt, next func(context.Context) AttemptResult) AttemptResult

// WithMiddleware adds a middleware; the one that is given first is the outermost. For what needs the request itself there is
// [WithTransportWrapper].
func WithMiddleware(m Middleware) Option {
	return clientOption(func(s *settings) error {
		if m == nil {
			return errors.New("WithMiddleware: the middleware is nil")
		}
		s.middleware = append(s.middleware, m)
		return nil
	})
}

// within makes an attempt within the middleware.
func (p *performance[T]) within(ctx context.Context, start time.Time) (*T, *Error) {
	var (
		mu      sync.Mutex // held while the attempt lasts: a middleware may make it in another goroutine
		made    bool
		over    bool // the middleware has returned
		result  *T
		failure *Error
	)
	next := func(inner context.Context) AttemptResult {
		mu.Lock()
		defer mu.Unlock()
		if made || over {
			return AttemptResult{Err: errors.New("api: a middleware makes an attempt once, before it returns")}
		}
		if made = true; inner == nil {
			inner = ctx
		}
		if result, failure = p.once(inner, start); failure != nil {
			return AttemptResult{failure.Status, time.Since(start), failure}
		}
		return AttemptResult{p.status, time.Since(start), nil}
	}
	a := Attempt{p.op.id, p.op.method, p.op.path, p.attempts}
	for _, m := range slices.Backward(p.client.settings.middleware) {
		inner := next
		next = func(ctx context.Context) AttemptResult { return m(ctx, a, inner) }
	}
	returned := next(ctx)
	mu.Lock()
	defer mu.Unlock()
	if over = true; made {
		return result, failure
	}
	switch {
	case returned.Err == nil:
		returned.Err = errors.New("a middleware did not make the attempt")
	case errors.Is(returned.Err, context.Canceled) && endOf(ctx) == context.DeadlineExceeded: // of a context that it made
		returned.Err = context.DeadlineExceeded
	}
	return nil, &Error{Operation: p.op.id, Err: returned.Err, note: "it was not performed"}
}
