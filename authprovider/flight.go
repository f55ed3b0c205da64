package authprovider

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/wire"
)

// A flight is one attempt to obtain a token, shared by all who wait for it.
type flight struct {
	done   chan struct{} // closed at the end; what follows is set before
	token  *token
	err    error
	events []Event
}

// fresh returns the token if it need not be renewed yet, otherwise nil. It costs an atomic load and a look at the clock.
func (p *Provider) fresh() *token {
	if t := p.current.Load(); t != nil && !t.stale.passed(time.Now()) {
		return t
	}
	return nil
}

// token returns a token that may be used now: a fresh one; a stale one, while a flight renews it; or else what a
// flight brings.
func (p *Provider) token(ctx context.Context) (*token, error) {
	if t := p.fresh(); t != nil {
		return t, nil
	}

	p.mu.Lock()
	now := time.Now()
	t := p.current.Load()
	alive := t != nil && !t.end.passed(now)
	switch {
	case p.life.Err() != nil:
		p.mu.Unlock()
		return nil, ErrClosed
	case alive && (!t.stale.passed(now) || p.flight != nil || p.backoff.wait(now)):
		p.mu.Unlock()
		return t, nil
	case alive:
		p.launch(t)
		p.mu.Unlock()
		return t, nil
	case p.flight == nil && p.backoff.remembered != nil && p.backoff.wait(now):
		err := p.backoff.remembered
		p.mu.Unlock()
		return nil, err
	case p.flight == nil:
		p.launch(nil)
	}
	f := p.flight
	p.mu.Unlock()

	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("authprovider: waiting for a token: %w", ctx.Err())
	case <-p.life.Done():
		return nil, ErrClosed
	}
}

// launch starts a flight that renews old, or that begins anew when old is nil. p.mu is held.
func (p *Provider) launch(old *token) {
	if p.backoff.failures > 0 {
		old = nil // the refresh may be what fails
	}
	p.flight = &flight{done: make(chan struct{})}
	go p.fly(p.flight, old)
}

// fly carries a flight out, on a context of its own: no caller's end disturbs the others.
func (p *Provider) fly(f *flight, old *token) {
	ctx, cancel := context.WithTimeout(p.life, p.settings.timeout)
	defer cancel()
	if old != nil {
		p.attempt(f, Refresh, func() (*http.Response, error) {
			bearer := func(_ context.Context, req *http.Request) error {
				req.Header.Set("Authorization", old.header[0])
				return nil
			}
			refresher := *p.settings.auth
			refresher.RequestEditors = []generated.RequestEditorFn{p.settings.setUserAgent, bearer}
			return refresher.RefreshAuthToken(ctx, generated.RefreshAuthTokenRequest{Token: old.value})
		})
	}
	if old == nil || refused(f.err) {
		p.attempt(f, Exchange, func() (*http.Response, error) {
			return p.settings.auth.GetAuthToken(ctx)
		})
	}
	p.settle(f)
	if p.settings.hook != nil {
		for _, event := range f.events {
			p.settings.hook(event)
		}
	}
}

// refused reports whether a refresh was answered, but not with a usable token, so that the exchange may do better.
func refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status != 0 && e.Status != http.StatusTooManyRequests && e.Status < 500
}

// settle records the outcome of a flight and releases those who wait for it.
func (p *Provider) settle(f *flight) {
	p.mu.Lock()
	p.flight = nil
	switch {
	case p.life.Err() != nil:
		f.token, f.err = nil, ErrClosed
	case f.err == nil:
		p.current.Store(f.token)
		p.backoff = backoff{}
	default:
		p.backoff.fail(f.err, time.Now(), p.settings.jitter())
	}
	p.mu.Unlock()
	close(f.done)
}

// attempt sends one request for a token and reads the answer.
func (p *Provider) attempt(f *flight, kind EventKind, send func() (*http.Response, error)) {
	start := time.Now()
	f.token, f.err = p.receive(kind, start, send)
	event := Event{Kind: kind, Err: f.err, Duration: time.Since(start)}
	if f.token != nil {
		event.Lifetime = f.token.lifetime
	}
	f.events = append(f.events, event)
}

// maxAnswer bounds the answer to an exchange, in bytes. A token is a few hundred.
const maxAnswer = 64 << 10

func (p *Provider) receive(kind EventKind, start time.Time, send func() (*http.Response, error)) (t *token, err error) {
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, &Error{Kind: kind, Err: panicError(r)}
		}
	}()
	resp, err := send()
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err // without the URL
		}
		return nil, &Error{Kind: kind, Err: err}
	}
	defer resp.Body.Close()
	failure := &Error{Kind: kind, Status: resp.StatusCode, RetryAfter: wire.RetryAfter(resp.Header, start)}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if resp.StatusCode != http.StatusOK {
		return nil, failure
	}
	var answer generated.AuthToken
	switch {
	case err != nil:
		failure.Err = fmt.Errorf("reading the answer: %w", err)
	case len(body) > maxAnswer:
		failure.Err = fmt.Errorf("the answer is larger than %d KiB", maxAnswer>>10)
	case json.Unmarshal(body, &answer) != nil:
		failure.Err = errors.New("the answer is not the JSON object that was expected")
	default:
		failure.Err = checkToken(answer.Token)
	}
	if failure.Err == nil && p.isRejected(answer.Token) {
		failure.Err = errors.New("the service handed out a token that it refused before")
	}
	if failure.Err != nil {
		return nil, failure
	}
	return newToken(answer.Token, start, p.settings.margin, p.settings.jitter()), nil
}

func (p *Provider) isRejected(value string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.rejected[sha256.Sum256([]byte(value))])
}

// panicError describes a recovered panic. Its value may hold anything, so only a runtime error is repeated.
func panicError(r any) error {
	if err, ok := r.(runtime.Error); ok {
		return fmt.Errorf("the HTTP client panicked: %w", err)
	}
	return fmt.Errorf("the HTTP client panicked with a %T", r)
}

// A backoff says how long to leave the service alone after failures.
type backoff struct {
	failures   int
	until      time.Time
	remembered error // what callers without a token get until then; nil lets them try
}

const (
	minBackoff = time.Second
	maxBackoff = time.Minute
	// refusalMemory is how long refused credentials are remembered, so that a misconfigured fleet does not hammer the
	// service while a corrected key is soon accepted.
	refusalMemory = 10 * time.Second
)

func (b *backoff) wait(now time.Time) bool { return now.Before(b.until) }

// fail counts a failure. The pause doubles with each, within bounds, shortened at random by up to half; a longer
// Retry-After takes its place. Those who have no token are made to wait only when the service said so itself.
func (b *backoff) fail(err error, now time.Time, jitter float64) {
	pause := minBackoff << min(b.failures, 6)
	pause = min(pause, maxBackoff)
	b.failures++
	b.remembered = nil
	var e *Error
	if errors.As(err, &e) {
		if e.credentialsRefused() {
			b.remembered, pause = err, max(pause, refusalMemory)
		}
		pause -= time.Duration(jitter * float64(pause/2))
		if e.RetryAfter > 0 {
			b.remembered, pause = err, max(pause, min(e.RetryAfter, maxBackoff))
		}
	}
	b.until = now.Add(pause)
}
