package screening

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// A pace says when a search may be sent. While the service is down one at a time is, after longer and longer pauses: each may end
// unknown, and of a whole list none should.
type pace struct {
	limiter *rate.Limiter
	paused  atomic.Int64 // until when nothing is sent, in milliseconds, by whichever worker of the database

	mu       sync.Mutex
	failures int           // 0 when it is not down; how many in a row were sent alone and failed, and one
	probe    chan struct{} // held by the one that is sent while there are failures
}

const (
	firstPause   = 100 * time.Millisecond
	longestPause = time.Minute
)

func newPace() *pace {
	return &pace{limiter: rate.NewLimiter(rate.Inf, 1), probe: make(chan struct{}, 1)}
}

// A verdict is what a row that was sent says about the service.
type verdict int

const (
	answer    verdict = iota // it is there
	noService                // it failed
	noAnswer                 // it was not asked
)

// begin waits until a row may be sent; alone when the service seems to be down. done is called with what that said about the service,
// and returns how long nothing should be sent.
func (p *pace) begin(ctx context.Context) (done func(verdict) (pause time.Duration), alone bool, err error) {
	for {
		if err := p.wait(ctx); err != nil {
			return nil, false, err
		}
		if !p.down() {
			return p.done, false, nil
		}
		select {
		case p.probe <- struct{}{}:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
		if p.down() && p.left() <= 0 {
			return p.probed, true, nil
		}
		<-p.probe
	}
}

// done notes the outcome of one of many. A single failure is no outage: the next one, alone, will tell.
func (p *pace) done(v verdict) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v == noService {
		p.failures = max(p.failures, 1)
	}
	return 0
}

// probed notes the outcome of the one that was sent while the service seemed to be down.
func (p *pace) probed(v verdict) time.Duration {
	defer func() { <-p.probe }()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch v {
	case answer:
		p.failures = 0
		return 0
	case noAnswer:
		return 0
	}
	p.failures++
	pause := min(firstPause<<min(p.failures-2, 10), longestPause)
	p.pause(time.Now().Add(pause)) // before the next one may be sent
	return pause
}

// limited reports whether there is a rate.
func (p *pace) limited() bool { return p.limiter.Limit() != rate.Inf }

// held reports whether rows are held up now.
func (p *pace) held() bool { return p.left() > 0 || p.down() }

// ahead waits until rows may be claimed ahead of being sent. It reports false when ctx ends.
func (p *pace) ahead(ctx context.Context) bool {
	look := time.NewTicker(firstPause)
	defer look.Stop()
	for p.limited() || p.held() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

func (p *pace) down() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures > 0
}

// wait waits until a pause is over.
func (p *pace) wait(ctx context.Context) error {
	for left := p.left(); left > 0; left = p.left() {
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return ctx.Err()
}

func (p *pace) left() time.Duration { return time.Until(time.UnixMilli(p.paused.Load())) }

// pause has nothing sent until a time.
func (p *pace) pause(until time.Time) {
	for {
		before := p.paused.Load()
		if before >= until.UnixMilli() || p.paused.CompareAndSwap(before, until.UnixMilli()) {
			return
		}
	}
}
