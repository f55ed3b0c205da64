package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// A Server is a sandbox that listens on the loopback interface.
type Server struct {
	*Sandbox
	URL string // the base URL of the API, such as http://127.0.0.1:41873/api

	stop func() error
}

// Listen serves a sandbox on a free port of the loopback interface until [Server.Close].
func Listen(opts ...Option) (*Server, error) {
	s, err := New(opts...)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	httpServer := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = httpServer.Serve(s.Listener(listener))
	}()
	return &Server{
		Sandbox: s,
		URL:     fmt.Sprintf("http://%s/api", listener.Addr()),
		stop: sync.OnceValue(func() error {
			err := httpServer.Close()
			<-done
			s.notifier.close()
			return err
		}),
	}, nil
}

// Close ends the server and its connections. It may be called more than once.
func (s *Server) Close() error { return s.stop() }

// TB is the part of [testing.TB] that [Start] uses.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start is [Listen] for a test: the server stops with it, and what is wrong ends it.
func Start(tb TB, opts ...Option) *Server {
	tb.Helper()
	s, err := Listen(opts...)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}
