package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/wire/httperr"
	"github.com/goaver/aver-go/wire/redact"
	"github.com/goaver/aver-go/wire/rules"
)

// A request is one call of an operation.
type request[T any] struct {
	path      []string                                                   // the path parameters
	body      any                                                        // nil without a body
	bodyRules *rules.Schema                                              // of body; nil when there are none
	upload    *upload                                                    // what is streamed into the body, in place of body
	download  *download                                                  // where what is streamed of the answer goes; nil when it is part of the result
	build     func(server string, body io.Reader) (*http.Request, error) // nil when path and body are all there is
	params    any                                                        // what build sends beside path and body; nil for nothing
	pathRules *rules.Schema                                              // of held; nil when there are none
	held      map[string]any                                             // the path parameters that are held to rules
	rules     *rules.Schema                                              // of params
	recovery  recovery[T]                                                // of an operation with retryRecover
}

// call performs an operation: every method of [Client] is this and nothing else. Its result is never nil without an
// error, and every error is an [*Error].
func call[T any](ctx context.Context, c *Client, op *operation, opts []CallOption, r request[T]) (*T, error) {
	p := performance[T]{client: c, op: op, settings: c.settings.callSettings, request: r}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.applyToCall(&p.settings); err != nil {
			return nil, refusal(op, err)
		}
	}
	if timeout := p.settings.timeout; timeout > 0 {
		now := time.Now()
		p.deadline = now.Add(timeout)
		if op.retry != retryAlways || r.upload != nil { // where more is done than attempts, which have their own
			limited := c.settings.deadlines.with(ctx, now, p.deadline)
			defer limited.stop()
			ctx = limited
		}
	}
	if r.upload != nil {
		defer r.upload.close()
	}
	if p.settings.capture != nil {
		defer p.settings.capture.during(time.Now())
	}
	if r.download != nil {
		r.download.begun = p.settings.begun
	}
	return p.perform(ctx)
}

// A performance is one call of an operation, while it lasts.
type performance[T any] struct {
	client   *Client
	op       *operation
	settings callSettings
	deadline time.Time // of the whole call; zero for none
	request  request[T]
	content  []byte // the body; nil when it is streamed, or there is none
	media    string // of the body
	attempts int
	status   int  // of the last success
	unclear  bool // an attempt may have been performed
}

// perform attempts the operation until it succeeds, fails for good, or may not be attempted again.
func (p *performance[T]) perform(ctx context.Context) (*T, error) {
	if failure := p.prepare(ctx); failure != nil {
		return nil, failure
	}
	if prepare := p.request.recovery.prepare; prepare != nil {
		if err := prepare(ctx); err != nil {
			return nil, unprepared(p.op, err)
		}
	}
	for {
		result, failure := p.attempt(ctx)
		if failure == nil {
			p.client.settings.budget.earn()
			return result, nil
		}
		failure.Attempts = p.attempts
		p.unclear = p.unclear || p.op.retry != retryAlways && failure.outcome() == unclearOutcome
		if p.unclear && p.op.retry == retryRecover {
			result, err := p.request.recovery.recover(ctx, p.settings.recoveryWindow, failure)
			switch {
			case err != nil:
				return nil, failure.unresolved(err)
			case result != nil:
				return result, nil
			}
		}
		if !p.mayAttempt(failure) {
			return nil, failure.final(p.op.retry, p.unclear)
		}
		switch err := wait(ctx, p.deadline, p.settings.pause(p.attempts, failure)); err {
		case nil:
		case errNoTime:
			return nil, failure.final(p.op.retry, p.unclear)
		default:
			return nil, failure.left(err).final(p.op.retry, p.unclear)
		}
	}
}

// mayAttempt reports whether the operation may be attempted again after a failure.
func (p *performance[T]) mayAttempt(failure *Error) bool {
	return p.attempts < p.settings.maxAttempts &&
		p.op.retry.again(failure, p.unclear) &&
		p.request.again(failure) &&
		p.spend(failure)
}

// spend takes a repetition out of the client's budget. When there is none left, the failure says so.
func (p *performance[T]) spend(failure *Error) bool {
	if p.client.settings.budget.spend() {
		return true
	}
	if p.op.retry == retryAlways {
		failure.note = "it was not repeated, for too many calls fail (WithRetryBudget)"
	}
	return false
}

// errNoTime says that a call would end before a pause does.
var errNoTime = errors.New("the call ends before that")

// wait waits. It returns an error at once when the context or the call would end first, and when the caller leaves.
func wait(ctx context.Context, deadline time.Time, pause time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !deadline.IsZero() && time.Until(deadline) <= pause {
		return errNoTime
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		return errNoTime
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepare refuses what breaks the contract, before anything is sent, and encodes the body. The content of an upload is
// encoded while it is sent.
func (p *performance[T]) prepare(ctx context.Context) *Error {
	r := &p.request
	if r.pathRules != nil {
		if failure := checkParams(p.op, r.held, r.pathRules); failure != nil {
			return failure
		}
	}
	if r.rules != nil {
		if failure := checkParams(p.op, r.params, r.rules); failure != nil {
			return failure
		}
	}
	if r.upload != nil {
		return r.upload.open(ctx, p.op, r.path, r.bodyRules, &p.settings)
	}
	if failure := checkPath(p.op, r.path); failure != nil || r.body == nil {
		return failure
	}
	var failure *Error
	p.content, p.media, failure = encode(p.op, r.body, r.bodyRules)
	return failure
}

// again reports whether what is streamed can be streamed anew, and otherwise has the failure say so.
func (r *request[T]) again(failure *Error) bool {
	switch {
	case r.download != nil && !r.download.again():
		failure.note = fmt.Sprintf("it was not repeated, because %d bytes of the %s were written", r.download.found.Size, r.download.what())
		return false
	case r.upload != nil && !r.upload.again():
		failure.Err = httperr.Reword(errorText(failure.Err, r.upload.spent()), failure.Err)
		return false
	}
	return true
}

// attempt sends the request once more and reads the answer.
func (p *performance[T]) attempt(ctx context.Context) (*T, *Error) {
	p.attempts++
	start := time.Now()
	if p.op.retry == retryAlways { // cutting others short makes their outcome unclear
		if deadline := p.attemptDeadline(start); !deadline.IsZero() {
			limited := p.client.settings.deadlines.with(ctx, start, deadline)
			defer limited.stop()
			ctx = limited
		}
	}
	if len(p.client.settings.middleware) > 0 {
		return p.within(ctx, start)
	}
	return p.once(ctx, start)
}

// once is one attempt.
func (p *performance[T]) once(ctx context.Context, start time.Time) (*T, *Error) {
	a := &attempt{Context: ctx, path: p.op.path, traced: p.op.retry != retryAlways, upload: p.request.upload}
	resp, failure := p.send(a)
	p.settings.capture.answered(p.attempts, resp)
	var result *T
	if failure == nil {
		defer resp.Body.Close()
		if p.request.download == nil {
			p.settings.capture.keep(resp, p.op.limit(p.settings.maxSize, nil))
		}
		result, failure = p.receive(a, resp)
	}
	if failure != nil {
		failure.redact(p.private(a))
	} else {
		p.status = resp.StatusCode
	}
	if resp != nil && p.settings.capture != nil {
		p.settings.capture.RequestID = clean(p.private(a).Text(requestID(resp.Header)), 80)
	}
	p.log(a, start, resp, failure)
	return result, failure
}

// attemptDeadline returns when an attempt that begins at start ends; zero for never.
func (p *performance[T]) attemptDeadline(start time.Time) time.Time {
	end := start.Add(p.settings.attemptTimeout)
	switch {
	case p.settings.attemptTimeout == 0, p.request.download != nil: // whose bytes may take their time
		return p.deadline
	case p.deadline.IsZero(), end.Before(p.deadline):
		return end
	}
	return p.deadline
}

// send sends a request once, and again after a refused token.
func (p *performance[T]) send(a *attempt) (*http.Response, *Error) {
	body, err := p.reader()
	if err != nil {
		return nil, refusal(p.op, fmt.Errorf("the %s cannot be sent: %w", p.request.upload.what(), err))
	}
	req, err := p.client.newRequest(a.trace(), p.op, p.request.path, p.request.build, body)
	if err != nil {
		return nil, refusal(p.op, err)
	}
	if err := p.settings.extend(req, p.op); err != nil {
		return nil, refusal(p.op, err)
	}
	p.describe(req)
	resp, err := p.client.do(a, req, p.settings.capture)
	if err == nil {
		return resp, nil
	}
	if errors.Is(err, context.Canceled) && a.Err() == context.DeadlineExceeded { // a transport made a context of its own
		err = context.DeadlineExceeded
	}
	failure := unanswered(p.op, err)
	failure.sent = a.sent() && !errors.Is(err, authprovider.ErrTokenRefused)
	failure.repeated = a.repeated()
	if failure.Class == ErrInvalidRequest { // a checker in between refused it
		failure.sent = false
	}
	if u := p.request.upload; u != nil && !u.read.Load() { // the service has half a JSON text at most, and performed nothing
		failure.sent = false
		switch {
		case a.Err() != nil: // which also ends the reading of the image
			failure = unanswered(p.op, a.Err())
		case u.failure() != nil:
			failure = refusal(p.op, u.failure())
		}
	}
	return nil, failure
}

// describe says in a request what is sent and what is taken.
func (p *performance[T]) describe(req *http.Request) {
	req.Header["User-Agent"] = p.client.settings.userAgentHeader
	req.Header["Accept"] = acceptJSON
	if p.op.accept != "" {
		req.Header["Accept"] = []string{p.op.accept}
	}
	media := p.media
	if u := p.request.upload; u != nil {
		media = u.mediaOf(p.op)
	}
	if delete(req.Header, "Content-Type"); media != "" {
		req.Header["Content-Type"] = []string{media}
	}
}

// maxBuffered is how much of a body may lie in buffers on its way, in bytes: of a smaller one nobody can tell how much a
// service had when it answered.
const maxBuffered = 64 << 10

// receive reads an answer. A service that says yes to what it does not have did something else.
func (p *performance[T]) receive(a *attempt, resp *http.Response) (*T, *Error) {
	limit := p.op.limit(p.settings.maxSize, p.request.download)
	result, failure := receive[T](p.op, resp, limit, p.request.download)
	if u := p.request.upload; u != nil && failure == nil && !u.read.Load() {
		failure = answered(p.op, resp, nil) // the service said yes to an image that it does not have
		if failure.Err = u.failure(); failure.Err == nil {
			failure.Err = errors.New("the service answered before it had the whole " + u.what())
		}
	}
	if n := int64(len(p.content)); failure == nil && a.traced && n > maxBuffered && a.read.Load() < n {
		failure = answered(p.op, resp, nil)
		failure.Err = errors.New("the service answered before it had the whole request")
	}
	if failure != nil {
		failure.sent, failure.repeated = true, a.repeated()
		return nil, failure
	}
	return result, nil
}

// reader returns the body of an attempt from its beginning.
func (p *performance[T]) reader() (io.Reader, error) {
	switch {
	case p.request.upload != nil:
		return p.request.upload.body()
	case p.content != nil:
		return bytes.NewReader(p.content), nil
	}
	return nil, nil
}

// private returns what neither an error nor a log may repeat: credentials, identifiers in the address, and personal data
// of the body, of an image its beginning alone.
func (p *performance[T]) private(a *attempt) *redact.Redactor {
	r := &p.request
	values := append(p.client.provider.Sensitive(), r.path...)
	if header := a.header.Load(); header != nil {
		_, token, _ := strings.Cut(*header, " ")
		values = append(values, token)
	}
	if r.params != nil {
		values = append(values, redact.Texts(r.params)...)
	}
	switch body := r.privateBody().(type) {
	case interface{ Sensitive() []string }:
		values = append(values, body.Sensitive()...)
	case string: // a body that is a text
		values = append(values, body[:min(len(body), 150)])
	default:
		values = append(values, redact.Within(body)...)
	}
	return redact.New(values...)
}

// privateBody is the body, or what there is to tell of one that is streamed.
func (r *request[T]) privateBody() any {
	if r.upload != nil {
		return r.upload.beginning()
	}
	return r.body
}

// done returns the error of a call whose documented success says nothing.
func done[T any](_ *T, err error) error { return err }

// value returns the result of a call whose documented success is no object.
func value[T any](result *T, err error) (T, error) {
	if err != nil {
		var zero T
		return zero, err
	}
	return *result, nil
}

// log never logs a path, a body, a header or the service's own words: they hold identifiers, personal data and secrets.
func (p *performance[T]) log(a *attempt, start time.Time, resp *http.Response, failure *Error) {
	logger := p.client.settings.logger
	if !logger.Enabled(a, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", p.op.id),
		slog.String("method", p.op.method),
		slog.String("path", p.op.path),
		slog.Int("attempt", p.attempts),
		slog.Duration("duration", time.Since(start)),
	}
	if resp != nil {
		id := p.private(a).Text(requestID(resp.Header)) // whatever the service calls one
		attrs = append(attrs, slog.Int("status", resp.StatusCode), slog.String("request_id", clean(id, 80)))
	}
	if failure != nil {
		attrs = append(attrs, slog.String("error", failure.kind()))
	}
	logger.LogAttrs(a, slog.LevelDebug, "aver attempt", attrs...)
}
