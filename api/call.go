package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/wire"
)

// An operation is what the contract says about an operation beyond types. operations.gen.go holds one for each.
type operation struct {
	id      string      // the operationId
	method  string      // the HTTP method
	path    string      // the path template
	media   string      // the media type of the body; empty without one
	params  []string    // the names of the path parameters
	success int         // the status of the documented success
	retry   retryPolicy // the contract's x-retry
	large   bool        // the contract's x-large-answer
}

// Limits of an answer, in bytes.
const (
	maxAnswer      = 8 << 20
	maxLargeAnswer = 64 << 20
)

// limit returns the limit of an answer to the operation.
func (op *operation) limit(configured int64) int64 {
	switch {
	case configured > 0:
		return configured
	case op.large:
		return maxLargeAnswer
	}
	return maxAnswer
}

// A request is one call of an operation.
type request[T any] struct {
	path     []string                                                   // the path parameters
	body     any                                                        // nil without a body
	upload   *upload                                                    // the image that is streamed into the body, in place of body
	download *download                                                  // where the image of the answer goes; nil when it is part of the result
	build    func(server string, body io.Reader) (*http.Request, error) // nil when path and body are all there is
	recovery recovery[T]                                                // of an operation with retryRecover
}

// call performs an operation: every method of [Client] is this and nothing else. Its result is never nil without an
// error, and every error is an [*Error].
func call[T any](ctx context.Context, c *Client, op *operation, opts []CallOption, r request[T]) (*T, error) {
	settings := c.settings.callSettings
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.applyToCall(&settings); err != nil {
			return nil, refusal(op, err)
		}
	}
	var deadline time.Time // of the whole call
	if settings.timeout > 0 {
		deadline = time.Now().Add(settings.timeout)
		if op.retry != retryAlways || r.upload != nil { // where more is done than attempts, which have their own
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline)
			defer cancel()
		}
	}
	content, failure := r.prepare(ctx, op, &settings)
	if r.upload != nil {
		defer r.upload.close()
	}
	if failure != nil {
		return nil, failure
	}
	if r.recovery.prepare != nil {
		if err := r.recovery.prepare(ctx); err != nil {
			return nil, unprepared(op, err)
		}
	}

	unclear := false // an attempt may have been performed
	for n := 1; ; n++ {
		result, failure := try(ctx, c, op, &settings, deadline, n, &r, content)
		if failure == nil {
			return result, nil
		}
		failure.Attempts = n
		unclear = unclear || op.retry != retryAlways && failure.outcome() == unclearOutcome
		if unclear && op.retry == retryRecover {
			result, err := resolve(ctx, &settings, n, failure, r.recovery)
			switch {
			case err != nil:
				return nil, failure.unresolved(err)
			case result != nil:
				return result, nil
			}
		}
		if n >= settings.maxAttempts || !op.retry.again(failure, unclear) || ctx.Err() != nil || !r.again(failure) || !wait(ctx, deadline, settings.pause(n, failure)) {
			return nil, failure.final(op.retry, unclear)
		}
	}
}

// resolve reads the state after an attempt whose outcome, or that of one before it, is unclear. It returns neither a
// result nor an error when the operation was not performed, as far as the state tells. After a timeout the service may
// still be at work, so then it looks again, as often as the call may be attempted.
func resolve[T any](ctx context.Context, settings *callSettings, n int, failure *Error, r recovery[T]) (*T, error) {
	looks := 1
	if failure.timedOut() {
		looks = settings.maxAttempts
	}
	for i := range looks {
		wait(ctx, time.Time{}, settings.backoff(n+i)) // if there is no time for that, it looks at once
		if result, err := r.resolve(ctx); result != nil || err != nil {
			return result, err
		}
	}
	if failure.timedOut() {
		return nil, errors.New("it cannot be seen yet, and the service may still be at work")
	}
	return nil, nil
}

// prepare refuses what breaks the contract, before anything is sent, and encodes the body. The content of an upload is
// encoded while it is sent.
func (r *request[T]) prepare(ctx context.Context, op *operation, settings *callSettings) ([]byte, *Error) {
	if r.upload != nil {
		return nil, r.upload.open(ctx, op, r.path, settings)
	}
	if failure := check(op, r.path, r.body); failure != nil || r.body == nil {
		return nil, failure
	}
	content, err := encode(r.body)
	if err != nil {
		return nil, refusal(op, err)
	}
	return content, nil
}

// again reports whether what is streamed can be streamed anew, and otherwise has the failure say so.
func (r *request[T]) again(failure *Error) bool {
	switch {
	case r.download != nil && !r.download.again():
		failure.note = fmt.Sprintf("it was not repeated, because %d bytes of the image were written", r.download.found.Size)
		return false
	case r.upload != nil && !r.upload.again():
		failure.Err = &wordedError{errorText(failure.Err, "the image cannot be sent again: "+errSpent.Error()), failure.Err}
		return false
	}
	return true
}

// check refuses a request that breaks the contract.
func check(op *operation, path []string, body any) *Error {
	for i, value := range path {
		if value == "" || value == "." || value == ".." {
			return refusal(op, fmt.Errorf("the path parameter %s is %q, which would address another operation; want an ID", op.params[i], value))
		}
	}
	if body, ok := body.(interface{ Validate() wire.FieldErrors }); ok {
		if fields := body.Validate(); len(fields) > 0 {
			e := refusal(op, errors.New("the request was not sent"))
			e.Fields = fields
			return e
		}
	}
	return nil
}

// try sends a request for the nth time and reads the answer.
func try[T any](ctx context.Context, c *Client, op *operation, settings *callSettings, deadline time.Time, n int, r *request[T], content []byte) (*T, *Error) {
	start := time.Now()
	if op.retry == retryAlways { // cutting others short makes their outcome unclear
		if end := start.Add(settings.attemptTimeout); settings.attemptTimeout > 0 && r.download == nil && (deadline.IsZero() || end.Before(deadline)) {
			deadline = end
		}
		if !deadline.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline)
			defer cancel()
		}
	}
	a := &attempt{Context: ctx, path: op.path, once: op.retry != retryAlways, upload: r.upload}
	resp, failure := send(c, op, a, r, content)
	if failure != nil {
		c.log(ctx, op, n, start, nil, failure)
		return nil, failure
	}
	defer resp.Body.Close()
	result, failure := receive[T](op, resp, op.limit(settings.maxSize), r.download)
	if u := r.upload; u != nil && failure == nil && u.failure() != nil {
		failure = answered(op, resp, nil) // the service said yes to an image that it does not have
		failure.Err = u.failure()
	}
	if failure != nil {
		result = nil
		failure.sent = true
		failure.redact(c.private(a, r.path, r.sent()))
	}
	c.log(ctx, op, n, start, resp, failure)
	return result, failure
}

// send sends a request once, and again after a refused token.
func send[T any](c *Client, op *operation, a *attempt, r *request[T], content []byte) (*http.Response, *Error) {
	body, err := r.reader(content)
	if err != nil {
		return nil, refusal(op, fmt.Errorf("the image cannot be sent: %w", err))
	}
	req, err := c.newRequest(a.trace(), op, r.path, r.build, body)
	if err != nil {
		return nil, refusal(op, err)
	}
	resp, err := c.do(a, req)
	if err == nil {
		return resp, nil
	}
	failure := unanswered(op, err)
	failure.sent = a.sent() && !errors.Is(err, authprovider.ErrTokenRefused)
	if failure.class == ErrInvalidRequest { // a checker in between refused it
		failure.sent = false
	}
	if u := r.upload; u != nil && !u.read.Load() { // the service has half a JSON text at most, and performed nothing
		failure.sent = false
		switch {
		case a.Err() != nil: // which also ends the reading of the image
			failure = unanswered(op, a.Err())
		case u.failure() != nil:
			failure = refusal(op, u.failure())
		}
	}
	return nil, failure
}

// reader returns the body of an attempt from its beginning.
func (r *request[T]) reader(content []byte) (io.Reader, error) {
	switch {
	case r.upload != nil:
		return r.upload.body()
	case content != nil:
		return bytes.NewReader(content), nil
	}
	return nil, nil
}

// sent returns what was sent, of an image its beginning alone.
func (r *request[T]) sent() any {
	if r.upload != nil {
		return r.upload.beginning()
	}
	return r.body
}

// value returns the result of a call whose documented success is no object.
func value[T any](result *T, err error) (T, error) {
	if err != nil {
		var zero T
		return zero, err
	}
	return *result, nil
}

// pathValue returns a path parameter as text.
func pathValue[T any](v T) string {
	if s, ok := any(v).(string); ok {
		return s
	}
	return fmt.Sprint(v)
}

// log never logs a path, a body, a header or the service's own words: they hold identifiers, personal data and secrets.
func (c *Client) log(ctx context.Context, op *operation, n int, start time.Time, resp *http.Response, failure *Error) {
	if !c.settings.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", op.id),
		slog.String("method", op.method),
		slog.String("path", op.path),
		slog.Int("attempt", n),
		slog.Duration("duration", time.Since(start)),
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode), slog.String("request_id", clean(requestID(resp.Header), 80)))
	}
	if failure != nil {
		attrs = append(attrs, slog.String("error", failure.kind()))
	}
	c.settings.logger.LogAttrs(ctx, slog.LevelDebug, "aver attempt", attrs...)
}
