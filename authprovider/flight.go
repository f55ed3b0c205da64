package authprovider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/goaver/aver-go/wire/httperr"
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
	case !p.settings.hasKey && contracted.token.path != "":
		p.mu.Unlock()
		return nil, errNoKey
	case contracted.token.path == "":
		p.mu.Unlock()
		return nil, errors.New("authprovider: the contract exchanges no credentials for a token, and knows no such request")
	case alive && (!t.stale.passed(now) || p.flight != nil || now.Before(p.backoff.renewal)):
		p.mu.Unlock()
		return t, nil
	case alive:
		p.launch(t)
		p.mu.Unlock()
		return t, nil
	case ctx.Err() != nil:
		p.mu.Unlock()
		return nil, fmt.Errorf("authprovider: no token at hand: %w", ctx.Err())
	case p.flight == nil && now.Before(p.backoff.closed):
		err := p.backoff.failure(now)
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
	defer p.report(f)
	defer p.settle(f) // even if the HTTP client ends the goroutine
	ctx, cancel := context.WithTimeout(p.life, p.settings.timeout)
	defer cancel()
	if old != nil && contracted.refresh.path != "" {
		p.refresh(ctx, f, old)
		if f.err == nil || !refused(f.err) && p.current.Load() == old && !old.end.passed(time.Now()) {
			return
		}
	}
	p.attempt(f, Exchange, func() (*http.Response, error) {
		return p.settings.ask(ctx, contracted.token, p.settings.basic(), nil)
	})
}

// refresh renews old, within half of the flight's time.
func (p *Provider) refresh(ctx context.Context, f *flight, old *token) {
	ctx, cancel := context.WithTimeout(ctx, p.settings.timeout/2)
	defer cancel()
	p.attempt(f, Refresh, func() (*http.Response, error) {
		body, err := json.Marshal(tokenRequest{old.value})
		if err != nil {
			return nil, err
		}
		return p.settings.ask(ctx, contracted.refresh, old.header[0], body)
	})
	if f.err == nil && f.token.is(old.value) {
		f.token, f.err = nil, &Error{Kind: Refresh, Status: http.StatusOK, Err: errors.New("the service returned the old token")}
	}
}

// ask sends a request for a token. body is nil for none.
func (s *settings) ask(ctx context.Context, to endpoint, authorization string, body []byte) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, to.method, strings.TrimRight(s.baseURL, "/")+to.path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", authorization)
	if s.userAgent != "" {
		req.Header.Set("User-Agent", s.userAgent)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return s.exchange.Do(req)
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
	if f.token == nil && f.err == nil {
		f.err = &Error{Err: errors.New("the HTTP client ended the goroutine")}
	}
	if f.err == nil && p.issued[digest(f.token.value)].refused {
		f.token, f.err = nil, &Error{Status: http.StatusOK, Err: errors.New("the service handed out a token that it refused before")}
	}
	switch {
	case p.life.Err() != nil:
		f.token, f.err = nil, ErrClosed
	case f.err == nil:
		p.remember(f.token)
		p.current.Store(f.token)
		p.backoff = backoff{}
	default:
		now := time.Now()
		p.backoff.fail(f.err, now, p.settings.jitter())
		f.err = p.backoff.failure(now)
	}
	p.mu.Unlock()
	close(f.done)
}

// report tells the hook what happened. A panic in it must not end the process, which could not prevent it.
func (p *Provider) report(f *flight) {
	if p.settings.hook == nil {
		return
	}
	defer func() { _ = recover() }()
	for _, event := range f.events {
		p.settings.hook(event)
	}
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
			t, err = nil, &Error{Kind: kind, Err: httperr.Panic("the HTTP client", r)}
		}
	}()
	resp, err := send()
	if err != nil {
		return nil, &Error{Kind: kind, Err: httperr.Of(err)}
	}
	defer resp.Body.Close()
	failure := &Error{Kind: kind, Status: resp.StatusCode}
	failure.RetryAfter, _ = httperr.RetryAfter(resp.Header, start)
	if resp.StatusCode != http.StatusOK {
		return nil, failure
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	var answer tokenAnswer
	switch {
	case err != nil:
		failure.Err = fmt.Errorf("reading the answer: %w", httperr.Of(err))
	case len(body) > maxAnswer:
		failure.Err = fmt.Errorf("the answer is larger than %d KiB", maxAnswer>>10)
	case json.Unmarshal(body, &answer) != nil:
		failure.Err = errors.New("the answer is not the JSON object that was expected")
	default:
		failure.Err = checkToken(answer.Token)
	}
	if failure.Err != nil {
		return nil, failure
	}
	return newToken(answer.Token, start, p.settings.margin, p.settings.jitter()), nil
}
