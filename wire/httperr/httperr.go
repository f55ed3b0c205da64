// Package httperr words the failures of HTTP so that they can be printed: without addresses, which hold identifiers, and without
// what an answer held.
package httperr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"reflect"
	"regexp"
	"runtime"
	"sync"
	"syscall"
)

// Of returns an error of an HTTP client in words that are fit to be printed: without the URL, which holds
// identifiers, and without pieces of the answer, which net/http quotes when it is not valid HTTP. The cause is named all
// the same, and stays reachable as [Reword] says.
func Of(err error) error {
	var (
		operation    *net.OpError
		dns          *net.DNSError
		errno        syscall.Errno
		verification *tls.CertificateVerificationError
		unknown      x509.UnknownAuthorityError
		hostname     x509.HostnameError
		alert        tls.AlertError
		timeout      net.Error
	)
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, io.EOF, net.ErrClosed} {
		if errors.Is(err, known) {
			return Reword(known.Error(), err)
		}
	}
	var text string
	switch {
	case errors.As(err, &operation):
		text = operation.Error()
	case errors.As(err, &dns):
		text = dns.Error()
	case errors.As(err, &verification):
		text = verification.Error()
	case errors.As(err, &unknown):
		text = unknown.Error()
	case errors.As(err, &hostname):
		text = hostname.Error()
	case errors.As(err, &alert):
		text = alert.Error()
	case errors.As(err, &errno):
		text = errno.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		text = "timeout"
	default:
		text = withoutQuotes(innermost(err))
	}
	return Reword(text, err)
}

// innermost returns the error that was there first.
func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// quotes are what an error may repeat of a request or an answer: what stands in quotation marks, and addresses.
var quotes = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"?|'[^']*'?|`[^`]*`?|[a-zA-Z][a-zA-Z0-9+.-]*://\\S*|\\S*[?=@]\\S*|(^|\\s)/\\S*")
})

// withoutQuotes returns the text of an error of an unknown kind, or its type when there is nothing in it.
func withoutQuotes(err error) string {
	text := quotes().ReplaceAllString(err.Error(), "$1…")
	if text == "" {
		return fmt.Sprintf("the HTTP client failed with a %T", err)
	}
	return text
}

// Panic describes a panic that was recovered in what who is. The value of the panic may hold anything, so that only
// a runtime error is repeated.
func Panic(who string, value any) error {
	if err, ok := value.(runtime.Error); ok {
		return fmt.Errorf("%s panicked: %w", who, err)
	}
	return fmt.Errorf("%s panicked with a %T", who, value)
}

// Reword returns an error with a text that is fit to be printed, in place of err, whose own may not be. errors.Is finds
// what is in err, and so does errors.As, except for a [*url.Error]; but nothing unwraps to the texts in it. err may be nil.
func Reword(text string, err error) error {
	return &reworded{text, func() error { return err }}
}

// A reworded is an error with other words than its own.
type reworded struct {
	text string
	err  func() error // a function, because package fmt prints what is in a struct
}

func (e *reworded) Error() string { return e.text }

func (e *reworded) Is(target error) bool { return errors.Is(e.err(), target) }

// Timeout and Temporary make it a [net.Error], so that who asks for one gets this and not the error itself.
func (e *reworded) Timeout() bool {
	var timeout interface{ Timeout() bool }
	return errors.As(e.err(), &timeout) && timeout.Timeout()
}

// Temporary is false: net/http has given the notion up.
func (e *reworded) Temporary() bool { return false }

// As is errors.As for what is inside. A [*url.Error] is passed over, because its text holds the address.
func (e *reworded) As(target any) bool {
	value := reflect.ValueOf(target).Elem()
	var find func(error) bool
	find = func(err error) bool {
		for err != nil {
			_, hasURL := err.(*url.Error)
			if !hasURL && reflect.TypeOf(err).AssignableTo(value.Type()) {
				value.Set(reflect.ValueOf(err))
				return true
			}
			if as, ok := err.(interface{ As(any) bool }); ok && as.As(target) {
				return true
			}
			if several, ok := err.(interface{ Unwrap() []error }); ok {
				for _, err := range several.Unwrap() {
					if find(err) {
						return true
					}
				}
				return false
			}
			err = errors.Unwrap(err)
		}
		return false
	}
	return find(e.err())
}
