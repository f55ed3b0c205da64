package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// TransportError returns an error of an HTTP client in words that are fit to be printed: without the URL, which holds
// identifiers, and without pieces of the answer, which net/http quotes when it is not valid HTTP. Only a cause of a known
// kind is repeated. The error itself stays reachable for errors.Is and errors.As.
func TransportError(err error) error {
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
	text := fmt.Sprintf("the HTTP client failed with a %T", innermost(err))
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, io.EOF, net.ErrClosed} {
		if errors.Is(err, known) {
			return &opaqueError{known.Error(), err}
		}
	}
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
	}
	return &opaqueError{text, err}
}

// innermost returns the error that was there first.
func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// An opaqueError is an error with other words than its own.
type opaqueError struct {
	text string
	err  error
}

func (e *opaqueError) Error() string { return e.text }
func (e *opaqueError) Unwrap() error { return e.err }
