package api

import (
	"context"
	"sync"
	"time"
)

// deadlines end contexts at a time, as [context.WithDeadline] does, without starting and stopping a timer for each: in a process
// that does nothing else that costs a system call. An alarm goes off at the time of a call that is long over, or after
// longestRing at most, and is set anew for the one that it watches now, if it watches any.
type deadlines struct{ alarms sync.Pool }

// bubbles is when the clocks of testing/synctest are well behind: they begin in 2000, in each bubble anew, and an alarm that was set in
// one never goes off in another. There every deadline has a timer of its own.
var bubbles = time.Date(2001, time.January, 1, 0, 0, 0, 0, time.UTC)

// longestRing is how long an alarm may stay set after nobody needs it.
const longestRing = 30 * time.Second

// with returns a context that ends at a time, unless parent does so earlier, or when stop is called. Whoever waits for a context
// made from it sees context.Canceled at that time, and the deadline as the cause.
func (d *deadlines) with(parent context.Context, now, at time.Time) *deadlineContext {
	c := &deadlineContext{at: at, of: d}
	if now.Before(bubbles) {
		ctx, cancel := context.WithDeadline(parent, at)
		c.Context, c.end = ctx, func(error) { cancel() }
		c.at, _ = ctx.Deadline()
		return c
	}
	c.Context, c.end = context.WithCancelCause(parent)
	if earlier, ok := parent.Deadline(); ok && !earlier.After(at) {
		c.at = earlier
		return c
	}
	c.alarm, _ = d.alarms.Get().(*alarm)
	if c.alarm == nil {
		c.alarm = new(alarm)
	}
	c.alarm.watch(now, at, c.end)
	return c
}

// A deadlineContext ends at a time.
type deadlineContext struct {
	context.Context
	at    time.Time
	of    *deadlines
	alarm *alarm // nil when another ends it
	end   context.CancelCauseFunc
}

// stop ends the context. It is called once.
func (c *deadlineContext) stop() {
	if c.alarm != nil {
		c.alarm.rest()
		c.of.alarms.Put(c.alarm)
	}
	c.end(context.Canceled)
}

func (c *deadlineContext) Deadline() (time.Time, bool) { return c.at, true }

func (c *deadlineContext) Err() error { return endOf(c.Context) }

// endOf says why a context ended; nil when it did not.
func endOf(ctx context.Context) error {
	err := ctx.Err()
	if err == context.Canceled && context.Cause(ctx) == context.DeadlineExceeded {
		return context.DeadlineExceeded
	}
	return err
}

// An alarm ends what it watches at its time.
type alarm struct {
	mu    sync.Mutex
	end   context.CancelCauseFunc // nil when there is nothing to watch
	at    time.Time
	timer *time.Timer
	rings time.Time // when it goes off next; zero when it is not set
}

func (a *alarm) watch(now, at time.Time, end context.CancelCauseFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at, a.end = at, end
	if a.rings.IsZero() || a.rings.After(at) {
		a.set(now)
	}
}

// rest has it watch nothing.
func (a *alarm) rest() {
	a.mu.Lock()
	a.end = nil
	a.mu.Unlock()
}

// set has it go off when it is time, or earlier. a.mu is held.
func (a *alarm) set(now time.Time) {
	left := min(a.at.Sub(now), longestRing)
	if a.rings = now.Add(left); a.timer == nil {
		a.timer = time.AfterFunc(left, a.ring)
		return
	}
	a.timer.Reset(left)
}

func (a *alarm) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rings = time.Time{}
	if a.end == nil {
		return
	}
	if now := time.Now(); now.Before(a.at) {
		a.set(now)
		return
	}
	a.end(context.DeadlineExceeded)
	a.end = nil
}
