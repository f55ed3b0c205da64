package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/goaver/aver-go/wire"
)

func TestTransportErrorRepeatsKnownCausesOnly(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	tests := []struct {
		err  error
		want string
	}{
		{&url.Error{Op: "Get", URL: "https://h/private", Err: refused}, "dial tcp: connection refused"},
		{&url.Error{Op: "Get", URL: "https://h/private", Err: &url.Error{Op: "Get", URL: "https://h/private", Err: io.EOF}}, "EOF"},
		{fmt.Errorf("giving up on private: %w", io.ErrUnexpectedEOF), "unexpected EOF"},
		{fmt.Errorf("private: %w", context.DeadlineExceeded), "context deadline exceeded"},
		{&net.DNSError{Err: "no such host", Name: "app.goaver.com"}, "lookup app.goaver.com: no such host"},
		{errors.New("malformed HTTP response \"private\""), "the HTTP client failed with a *errors.errorString"},
	}
	for _, tt := range tests {
		got := wire.TransportError(tt.err)
		if got.Error() != tt.want || !errors.Is(got, tt.err) || strings.Contains(got.Error(), "private") {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
	var operation *net.OpError
	if !errors.As(wire.TransportError(tests[0].err), &operation) {
		t.Error("the cause is lost")
	}
}
