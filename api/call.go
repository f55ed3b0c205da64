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

	"github.com/goaver/aver-go/generated"
)

// An operation is what the contract says about an operation beyond types. operations.gen.go holds one for each.
type operation struct {
	id      string   // the operationId
	method  string   // the HTTP method
	path    string   // the path template
	params  []string // the names of the path parameters
	success int      // the status of the documented success
	retry   string   // the contract's x-retry
}

// A sender sends a request of the generated client.
type sender func(context.Context, *generated.RawClient) (*http.Response, error)

// call performs an operation: every method of [Client] is this and nothing else. Its result is never nil without an
// error, and every error is an [*Error].
func call[T any](ctx context.Context, c *Client, op *operation, opts []CallOption, send sender, pathValues ...string) (*T, error) {
	settings := c.settings.callSettings
	for _, opt := range opts {
		if err := opt.applyToCall(&settings); err != nil {
			return nil, refusal(op, err)
		}
	}
	for i, value := range pathValues {
		if value == "" || value == "." || value == ".." {
			return nil, refusal(op, fmt.Errorf("the path parameter %s is %q, which would address another operation; want an ID", op.params[i], value))
		}
	}
	if settings.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, settings.timeout)
		defer cancel()
	}

	start := time.Now()
	resp, err := send(ctx, c.raw)
	if err != nil {
		err = unanswered(op, err)
		c.log(ctx, op, start, nil, err)
		return nil, err
	}
	defer resp.Body.Close()
	result, err := receive[T](op, resp, settings.maxSize)
	c.log(ctx, op, start, resp, err)
	return result, err
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
func (c *Client) log(ctx context.Context, op *operation, start time.Time, resp *http.Response, err error) {
	if !c.settings.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", op.id),
		slog.String("method", op.method),
		slog.String("path", op.path),
		slog.Duration("duration", time.Since(start)),
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode), slog.String("request_id", requestID(resp.Header)))
	}
	var failure *Error
	if errors.As(err, &failure) {
		attrs = append(attrs, slog.String("error", failure.kind()))
	}
	c.settings.logger.LogAttrs(ctx, slog.LevelDebug, "aver call", attrs...)
}

// receive turns an answer into a value, or into an error when it is not the documented success.
func receive[T any](op *operation, resp *http.Response, maxSize int64) (*T, error) {
	if resp.StatusCode != op.success {
		return nil, failed(op, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, min(maxSize, math.MaxInt64-1)+1))
	if int64(len(body)) > maxSize {
		body, err = body[:maxSize], fmt.Errorf("the answer is larger than %d bytes", maxSize)
	} else if err != nil {
		err = fmt.Errorf("the answer broke off: %w", err)
	}
	result := new(T)
	if err == nil {
		err = decode(resp.Header.Get("Content-Type"), body, result)
	}
	if err != nil {
		return nil, unexpected(op, resp, body, err)
	}
	return result, nil
}

// decode reads a documented success from body.
func decode(contentType string, body []byte, result any) error {
	if _, ok := result.(*struct{}); ok {
		return nil // the success has no content
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("the answer is empty")
	}
	if !isJSON(contentType) {
		return fmt.Errorf("the answer is %s, not JSON", describeMedia(contentType))
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
		return errors.New("the answer is truncated")
	case errors.As(err, &syntax):
		return fmt.Errorf("the answer is not valid JSON at byte %d", syntax.Offset)
	}
	return errors.New("the answer is not what was expected")
}
