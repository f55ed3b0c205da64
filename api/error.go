package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/wire"
	"github.com/goaver/aver-go/wire/httperr"
	"github.com/goaver/aver-go/wire/redact"
)

// The classes of errors, for errors.Is.
var (
	// ErrInvalidRequest: the request is malformed or incomplete (400, 422 and other 4xx), or was refused before it was sent.
	ErrInvalidRequest = errors.New("invalid request")
	// ErrUnauthorized: the credentials or the token were refused (401). The operation was not performed.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the API key may not do this (403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: there is nothing with that ID (404, 410).
	ErrNotFound = errors.New("not found")
	// ErrConflict: the state does not allow it, or the third-party identifier is taken (409).
	ErrConflict = errors.New("conflict")
	// ErrRateLimited: too many calls (429); see [Error.RetryAfter].
	ErrRateLimited = errors.New("rate limited")
	// ErrUnavailable: the service failed (5xx, 408) or could not be reached.
	ErrUnavailable = errors.New("unavailable")
	// ErrOutcomeUnknown: an operation that must not be repeated was sent, and no answer says whether it was performed. Read
	// the state before doing it again. Such an error belongs to no other class.
	//
	// After [Client.CreateCheck], look the identifier up with [Client.LookupChecks] some minutes later. Without a check
	// nothing was created, and a check that was there before is not the one. A new one in the same group, with the check
	// types that were asked for, and found by its email as well, is. After [Client.SubmitCheck], a status past
	// CheckStatusAwaitingUser says that it was submitted. Of an upload or a watchlist search no state can be read.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrUnexpectedResponse: the answer is not one that the contract knows, such as HTML, a truncated or an oversized body.
	ErrUnexpectedResponse = errors.New("unexpected answer")
)

// An Error is the failure of a call. errors.As finds it, and errors.Is tells its class:
//
//	var failure *api.Error
//	if errors.As(err, &failure) { log.Print(failure.Status, failure.RequestID) }
//	if errors.Is(err, api.ErrNotFound) { … }
//
// It prints as one line that holds no body, token or secret, whatever the verb. A fake of a client makes one itself:
// &api.Error{Operation: "getCheck", Class: api.ErrNotFound}.
//
// It has no class when it was no fault of the request or the service: the caller's context ended the call, or what the caller gave
// to write to failed.
type Error struct {
	Operation  string              // the operationId, such as "getCheck"
	Status     int                 // the HTTP status of the answer; 0 when none came
	Message    string              // the service's own reason; empty when it gave none in a known form
	Fields     map[string][]string // what is wrong with single properties of the request, by name
	RequestID  string              // what the service's support asks for; empty when it sent none
	RetryAfter time.Duration       // how long the service asks to wait; 0 when it does not
	Attempts   int                 // how often the request was attempted; 0 when it was refused before
	Err        error               // the cause, when it is not the service's own answer
	Class      error               // what errors.Is finds, such as [ErrNotFound]; see above for when it is nil

	sent  bool // something of the request may have reached the service
	asked bool // the service says how long to wait, if only not at all

	repeated bool // a transport sent the request more than once by itself, and the answer is one to the last time
	note     string
	body     []byte
}

// FieldErrors says what is wrong with properties of a request, by their names: what Validate returns.
type FieldErrors = wire.FieldErrors

// RawBody returns the beginning of the service's answer, up to 64 KiB. It may hold personal data: never print it.
func (e *Error) RawBody() []byte { return e.body }

// Retryable reports whether the same call may be made again with some hope. It never holds for [ErrOutcomeUnknown].
func (e *Error) Retryable() bool { return e.transient() }

// redacted stands for what is not printed.
const redacted = redact.Mark

// redact removes what is private from what the service said, and from what an HTTP client did.
func (e *Error) redact(private *redact.Redactor) {
	e.Message, e.RequestID = private.Text(e.Message), private.Text(e.RequestID)
	if e.Err != nil {
		if text := e.Err.Error(); private.Text(text) != text {
			e.Err = httperr.Reword(private.Text(text), e.Err)
		}
	}
	if e.Fields == nil {
		return
	}
	fields := make(map[string][]string, min(len(e.Fields), maxFields))
	for _, name := range slices.Sorted(maps.Keys(e.Fields))[:min(len(e.Fields), maxFields)] {
		shown := private.Text(name)
		for _, problem := range e.Fields[name][:min(len(e.Fields[name]), maxProblems)] {
			fields[shown] = append(fields[shown], private.Text(problem))
		}
	}
	e.Fields = fields
}

// How many fields of an answer are kept, and how many problems of each.
const (
	maxFields   = 200
	maxProblems = 20
)

// final ends a call with the failure of its last attempt. unclear tells that an attempt may have been performed.
func (e *Error) final(p retryPolicy, unclear bool) *Error {
	switch {
	case p == retryAlways:
	case unclear:
		e.Class, e.note = ErrOutcomeUnknown, "it may have been performed"
	case e.outcome() == unsentOutcome:
		e.note = "it was not performed"
	}
	return e
}

// unresolved ends a call whose outcome could not be found out, or turned out to be a failure after all.
func (e *Error) unresolved(cause error) *Error {
	if settled, ok := cause.(*Error); ok { // not wrapped: it is the result itself
		settled.Operation, settled.Attempts = e.Operation, e.Attempts
		return settled
	}
	text := errorText(e.Err, cause.Error())
	switch { // the cause's own class must not become that of the call
	case errors.Is(cause, context.Canceled):
		cause = context.Canceled
	case errors.Is(cause, context.DeadlineExceeded):
		cause = context.DeadlineExceeded
	default:
		cause = nil
	}
	e.Err = httperr.Reword(text, cause)
	e.Class, e.note = ErrOutcomeUnknown, "it may have been performed"
	return e
}

// left ends a call whose caller left before another attempt: cause is the end of the context.
func (e *Error) left(cause error) *Error {
	e.Class = nil
	e.Err = httperr.Reword(errorText(e.Err, "there was no other attempt: "+cause.Error()), cause)
	return e
}

// errorText adds to the text of an error, if there is one.
func errorText(err error, text string) string {
	if err == nil {
		return text
	}
	return err.Error() + "; " + text
}

// unprepared is a call that was not sent because the state before it could not be read.
func unprepared(op *operation, cause error) *Error {
	e := &Error{Operation: op.id, Err: cause, note: "it was not performed"}
	var failure *Error
	if errors.As(cause, &failure) {
		e.Class, e.RetryAfter = failure.Class, failure.RetryAfter
	}
	return e
}

// Error returns one line: operation, status, reason and request ID.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("aver")
	if e.Operation != "" {
		b.WriteString(": " + e.Operation)
	}
	if e.Status != 0 {
		b.WriteString(strings.TrimRight(fmt.Sprintf(": %d %s", e.Status, http.StatusText(e.Status)), " "))
	}
	if e.Message != "" {
		b.WriteString(": " + clean(e.Message, 200))
	}
	for i, field := range (wire.ErrorBody{Errors: e.Fields}).Fields() {
		if i == 5 {
			fmt.Fprintf(&b, "; %d more fields", len(e.Fields)-i)
			break
		}
		fmt.Fprintf(&b, "; %s: %s", clean(field, 60), clean(strings.Join(e.Fields[field], ", "), 120))
	}
	switch {
	case e.Err != nil:
		b.WriteString(": " + clean(e.Err.Error(), 300))
	case e.Class != nil && e.Status == 0 && e.Message == "" && len(e.Fields) == 0: // one that a fake made
		b.WriteString(": " + strings.TrimPrefix(clean(e.Class.Error(), 80), "aver: "))
	}
	if e.note != "" {
		b.WriteString("; " + e.note)
	}
	switch {
	case e.RequestID != "" && e.Attempts > 1:
		fmt.Fprintf(&b, " (request %s, attempt %d)", clean(e.RequestID, 80), e.Attempts)
	case e.RequestID != "":
		fmt.Fprintf(&b, " (request %s)", clean(e.RequestID, 80))
	case e.Attempts > 1:
		fmt.Fprintf(&b, " (attempt %d)", e.Attempts)
	}
	return b.String()
}

// Is reports whether the error belongs to a class, such as [ErrNotFound].
func (e *Error) Is(class error) bool { return e.Class != nil && e.Class == class }

// Unwrap returns the cause, such as [context.DeadlineExceeded] or an [*authprovider.Error].
func (e *Error) Unwrap() error { return e.Err }

// kind names the class and the status, without a word of the service's.
func (e *Error) kind() string {
	switch {
	case e.Class == nil:
		return "ended by the caller"
	case e.Status == 0:
		return e.Class.Error()
	}
	return fmt.Sprintf("%v (%d)", e.Class, e.Status)
}

// Format prints the error as [Error.Error] has it, whatever the verb.
func (e Error) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", e.Error())
		return
	}
	fmt.Fprint(f, e.Error())
}

// refusal is a call that was not sent because of its input.
func refusal(op *operation, cause error) *Error {
	return &Error{Operation: op.id, Err: cause, Class: ErrInvalidRequest}
}

// unanswered is a call that brought no answer.
func unanswered(op *operation, cause error) *Error {
	e := &Error{Operation: op.id, Err: cause}
	var auth *authprovider.Error
	var violation interface { // a contract.Error, whose text is fit to be printed
		error
		NotSent() bool
	}
	switch {
	case errors.As(cause, &violation):
		e.Err, e.Class = violation, ErrUnexpectedResponse
		if violation.NotSent() {
			e.Class = ErrInvalidRequest
		}
	case errors.As(cause, &auth):
		e.RetryAfter, e.Class = auth.RetryAfter, classOfExchange(auth.Status)
	case errors.Is(cause, authprovider.ErrClosed), errors.Is(cause, authprovider.ErrTokenRefused):
	case errors.Is(cause, context.Canceled):
		e.Err = httperr.Of(cause)
	default:
		e.Class, e.Err = ErrUnavailable, httperr.Of(cause)
	}
	return e
}

// maxErrorBody is how much is read and kept of an answer that is a failure, in bytes.
const maxErrorBody = 64 << 10

// failed is an answer with another status than the documented success.
func failed(op *operation, resp *http.Response) *Error {
	var body []byte
	if resp.StatusCode >= 200 { // behind 101 there is a connection, which may stay silent for ever
		body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // half a reason is better than none
	}
	e := answered(op, resp, body)
	e.Class = classOf(resp.StatusCode)
	switch {
	case resp.StatusCode < 300:
		e.Err = errors.New("the documented success is " + op.successes())
	case resp.StatusCode < 400:
		e.Err = errors.New("the redirect was not followed; check the base URL")
	}
	var reason wire.ErrorBody
	if reason.UnmarshalJSON(bytes.TrimSpace(body)) == nil {
		e.Message, e.Fields = reason.Reason(), reason.Errors
		e.RequestID = cmp.Or(e.RequestID, reason.TraceID)
	}
	return e
}

// unexpected is an answer with the status of the success that cannot be used.
func unexpected(op *operation, resp *http.Response, body []byte, cause error) *Error {
	e := answered(op, resp, body[:min(len(body), maxErrorBody)])
	e.Class, e.Err = ErrUnexpectedResponse, cause
	return e
}

func answered(op *operation, resp *http.Response, body []byte) *Error {
	e := &Error{Operation: op.id, Status: resp.StatusCode, RequestID: requestID(resp.Header), body: body}
	e.RetryAfter, e.asked = httperr.RetryAfter(resp.Header, time.Now())
	return e
}

func classOf(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		return ErrNotFound
	case http.StatusConflict:
		return ErrConflict
	case http.StatusTooManyRequests:
		return ErrRateLimited
	case http.StatusRequestTimeout:
		return ErrUnavailable
	}
	switch {
	case status >= 500:
		return ErrUnavailable
	case status >= 400:
		return ErrInvalidRequest
	}
	return ErrUnexpectedResponse
}

// classOfExchange is the class of a call that was not sent because the exchange of credentials was answered with
// status, or not at all. What concerns the credentials and the base URL is the caller's to mend.
func classOfExchange(status int) error {
	switch status {
	case http.StatusOK:
		return ErrUnexpectedResponse
	case http.StatusBadRequest, http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusTooManyRequests:
		return ErrRateLimited
	case http.StatusNotFound, http.StatusGone, http.StatusMethodNotAllowed, http.StatusMovedPermanently, http.StatusPermanentRedirect:
		return ErrUnexpectedResponse // the service is not there: the base URL is wrong
	}
	return ErrUnavailable
}

// requestID returns the ID under which the service knows a request. The vendor documents no header, so the usual ones
// are read.
func requestID(h http.Header) string {
	return cmp.Or(h.Get("X-Request-Id"), h.Get("Request-Id"), h.Get("X-Correlation-Id"))
}

// clean makes a text that came from elsewhere fit for a line: no line breaks, control characters or characters that
// change the direction of text, and at most limit characters.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.In(r, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > limit {
		s = string(runes[:limit]) + "…"
	}
	return s
}
