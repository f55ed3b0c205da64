package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/wire"
)

// An operation is what the contract says about an operation beyond types. operations.gen.go holds one for each.
type operation struct {
	id      string      // the operationId
	method  string      // the HTTP method
	path    string      // the path template
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
	path     []string // the path parameters
	body     any      // nil without a body
	send     func(context.Context, *generated.RawClient) (*http.Response, error)
	recovery recovery[T] // of an operation with retryRecover
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
	if err := check(op, r.path, r.body); err != nil {
		return nil, err
	}
	if settings.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, settings.timeout)
		defer cancel()
	}
	if r.recovery.prepare != nil {
		if err := r.recovery.prepare(ctx); err != nil {
			return nil, unprepared(op, err)
		}
	}

	unclear := false // an attempt may have been performed
	for n := 1; ; n++ {
		result, failure := try(ctx, c, op, settings, n, r)
		if failure == nil {
			return result, nil
		}
		failure.Attempts = n
		unclear = unclear || op.retry != retryAlways && failure.outcome() == unclearOutcome
		if unclear && op.retry == retryRecover {
			result, err := resolve(ctx, settings, n, failure, r.recovery)
			switch {
			case err != nil:
				return nil, failure.unresolved(err)
			case result != nil:
				return result, nil
			}
		}
		if n >= settings.maxAttempts || !op.retry.again(failure, unclear) || !wait(ctx, settings.pause(n, failure)) {
			return nil, failure.final(op.retry, unclear)
		}
	}
}

// resolve reads the state after an attempt whose outcome, or that of one before it, is unclear. It returns neither a
// result nor an error when the operation was not performed, as far as the state tells. After a timeout the service may
// still be at work, so then it looks again, as often as the call may be attempted.
func resolve[T any](ctx context.Context, settings callSettings, n int, failure *Error, r recovery[T]) (*T, error) {
	looks := 1
	if failure.timedOut() {
		looks = settings.maxAttempts
	}
	for i := range looks {
		wait(ctx, settings.backoff(n+i)) // if there is no time for that, it looks at once
		if result, err := r.resolve(ctx); result != nil || err != nil {
			return result, err
		}
	}
	if failure.timedOut() {
		return nil, errors.New("it cannot be seen yet, and the service may still be at work")
	}
	return nil, nil
}

// check refuses a request that breaks the contract, before anything is sent.
func check(op *operation, path []string, body any) error {
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
func try[T any](ctx context.Context, c *Client, op *operation, settings callSettings, n int, r request[T]) (*T, *Error) {
	if settings.attemptTimeout > 0 && op.retry == retryAlways { // cutting others short makes their outcome unclear
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, settings.attemptTimeout)
		defer cancel()
	}
	a := &attempt{path: op.path, once: op.retry != retryAlways}
	start := time.Now()
	resp, err := r.send(a.trace(ctx), c.raw)
	if err != nil {
		failure := unanswered(op, err)
		failure.sent = a.sent() && !errors.Is(err, authprovider.ErrTokenRefused)
		c.log(ctx, op, n, start, nil, failure)
		return nil, failure
	}
	defer resp.Body.Close()
	result, failure := receive[T](op, resp, op.limit(settings.maxSize))
	if failure != nil {
		failure.sent = true
		failure.redact(c.private(a, r.path, r.body))
	}
	c.log(ctx, op, n, start, resp, failure)
	return result, failure
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

// receive turns an answer into a value, or into an error when it is not the documented success.
func receive[T any](op *operation, resp *http.Response, maxSize int64) (*T, *Error) {
	if resp.StatusCode != op.success {
		return nil, failed(op, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, min(maxSize, math.MaxInt64-1)+1))
	if int64(len(body)) > maxSize {
		return nil, unexpected(op, resp, nil, fmt.Errorf("the answer is larger than %d bytes", maxSize))
	}
	if err != nil {
		return nil, unexpected(op, resp, body, &transientError{fmt.Errorf("the answer broke off: %w", wire.TransportError(err))})
	}
	result := new(T)
	if err := decode(resp.Header.Get("Content-Type"), body, result); err != nil {
		return nil, unexpected(op, resp, body, err)
	}
	return result, nil
}

// A transientError is something wrong with an answer that another attempt may not meet: it was damaged on its way, or
// does not come from the service at all.
type transientError struct{ error }

func (e *transientError) Unwrap() error { return e.error }

func transient(format string, args ...any) error { return &transientError{fmt.Errorf(format, args...)} }

// decode reads a documented success from body.
func decode(contentType string, body []byte, result any) error {
	if _, ok := result.(*struct{}); ok {
		return nil // the success has no content
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return transient("the answer is empty")
	}
	if !isJSON(contentType) {
		return transient("the answer is %s, not JSON", describeMedia(contentType))
	}
	if err := json.Unmarshal(body, result); err != nil {
		return describeJSONError(err)
	}
	if string(bytes.TrimSpace(body)) == "null" {
		return errors.New("the answer is null")
	}
	if enum, ok := result.(interface{ Known() bool }); ok && !enum.Known() {
		return errors.New("the answer is not the documented acknowledgement")
	}
	return complete(result)
}

// complete says which property an answer, or an element of an array, lacks that the contract requires.
func complete(result any) error {
	if object, ok := result.(interface{ Missing() string }); ok {
		if name := object.Missing(); name != "" {
			return fmt.Errorf("the answer lacks %s", name)
		}
	}
	if v := reflect.ValueOf(result).Elem(); v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if err := complete(v.Index(i).Addr().Interface()); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
	}
	return nil
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

func describeMedia(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case contentType == "":
		return "of no declared type"
	case err != nil:
		return "of a malformed type"
	case media == "text/html":
		return "HTML"
	}
	return clean(media, 60)
}

// describeJSONError says where an answer is not what was expected, without the value found there.
func describeJSONError(err error) error {
	var mistyped *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mistyped):
		kind, _, _ := strings.Cut(mistyped.Value, " ")
		if mistyped.Field == "" {
			return fmt.Errorf("the answer is a JSON %s, not what was expected", kind)
		}
		return fmt.Errorf("the answer has a JSON %s at %s", kind, mistyped.Field)
	case errors.As(err, &syntax) && syntax.Error() == "unexpected end of JSON input":
		return transient("the answer is truncated")
	case errors.As(err, &syntax):
		return transient("the answer is not valid JSON at byte %d", syntax.Offset)
	}
	return errors.New("the answer is not what was expected")
}
