package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
)

// TransportError returns an error of an HTTP client in words that are fit to be printed: without the URL, which holds
// identifiers, and without pieces of the answer, which net/http quotes when it is not valid HTTP. The error itself stays
// reachable for errors.Is and errors.As.
func TransportError(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	var (
		netError     net.Error
		errno        syscall.Errno
		verification *tls.CertificateVerificationError
		unknown      x509.UnknownAuthorityError
		hostname     x509.HostnameError
		alert        tls.AlertError
		record       tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.As(err, &netError), errors.As(err, &errno), errors.As(err, &verification), errors.As(err, &unknown),
		errors.As(err, &hostname), errors.As(err, &alert), errors.As(err, &record):
		return err
	}
	return &opaqueError{err}
}

// An opaqueError is an error whose text may hold anything.
type opaqueError struct{ err error }

func (e *opaqueError) Error() string { return fmt.Sprintf("the HTTP client failed with a %T", e.err) }
func (e *opaqueError) Unwrap() error { return e.err }
