package httperr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/goaver/aver-go/wire/httperr"
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
		{errors.New("malformed HTTP response \"private\""), "malformed HTTP response …"},
		{&url.Error{Op: "Get", URL: "https://h/private", Err: errors.New("the circuit is open")}, "the circuit is open"},
		{errors.New("Get https://h/private?private: no route for /private/private, x=private 'private"), "Get … no route for … … …"},
		{errors.New(""), "the HTTP client failed with a *errors.errorString"},
		{errors.Join(errors.New("broken"), &url.Error{Op: "Get", URL: "private", Err: errors.New("twice")}), "broken"},
	}
	for _, tt := range tests {
		got := httperr.Of(tt.err)
		if !strings.HasPrefix(got.Error(), tt.want) || !errors.Is(got, tt.err) || strings.Contains(got.Error(), "private") {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			if printed := fmt.Sprintf(verb, got); strings.Contains(printed, "private") {
				t.Errorf("%s: %s", verb, printed)
			}
		}
		for err := got; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(err.Error(), "private") {
				t.Errorf("it unwraps to %q", err)
			}
		}
		var address *url.Error
		var network net.Error
		if errors.As(got, &address) {
			t.Errorf("it holds %q", address)
		}
		if !errors.As(got, &network) || strings.Contains(network.Error(), "private") {
			t.Errorf("the network's error is %q", network)
		}
	}
	var operation *net.OpError
	if !errors.As(httperr.Of(tests[0].err), &operation) {
		t.Error("the cause is lost")
	}
	for err, want := range map[error]bool{
		&url.Error{Op: "Get", URL: "private", Err: os.ErrDeadlineExceeded}: true, refused: false, context.DeadlineExceeded: true, context.Canceled: false,
	} {
		var timeout interface{ Timeout() bool }
		if !errors.As(httperr.Of(err), &timeout) || timeout.Timeout() != want {
			t.Errorf("%v: a timeout is %v", err, !want)
		}
	}
	var address *url.Error
	if joined := httperr.Of(errors.Join(errors.New("a"), refused)); !errors.As(joined, &operation) || errors.As(joined, &address) ||
		httperr.Reword("text", nil).Error() != "text" {
		t.Error("several causes")
	}
}
