package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// A network connects the callers with the service, in memory and in virtual time. What goes wrong with a connection follows from
// the seed, from who dials and from how often that one has dialled, so that another order of the callers changes nothing.
type network struct {
	seed  uint64
	rate  float64 // of the connections that are cut, or refused
	host  string  // of the service
	queue chan net.Conn

	mu     sync.Mutex
	dials  map[string]int
	open   map[*cuttable]bool
	down   bool     // nobody can connect
	closed bool     // the listener is
	wrong  []string // what happened that must not
}

func newNetwork(seed uint64, rate float64) *network {
	return &network{seed: seed, rate: rate, host: "127.0.0.1:80", queue: make(chan net.Conn), dials: make(map[string]int),
		open: make(map[*cuttable]bool)}
}

type callerKey struct{}

// as returns a context whose connections are those of a caller.
func as(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

func nameOf(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

// random returns what is drawn for one purpose.
func random(seed uint64, purpose string, n int) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, c := range []byte(fmt.Sprint(purpose, " ", n)) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h))
}

// dial connects a caller with the service.
func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	caller := nameOf(ctx)
	n.dials[caller]++
	r := random(n.seed, "dial "+caller, n.dials[caller])
	refused, rate := n.down, n.rate
	if address != n.host {
		n.wrong = append(n.wrong, "somebody connects with "+address)
		refused = true
	}
	n.mu.Unlock()
	if err := sleep(ctx, time.Duration(r.IntN(30))*time.Millisecond); err != nil {
		return nil, err
	}
	fault := r.Float64() < rate
	if refused || fault && r.IntN(4) == 0 {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	c := &cuttable{Conn: near, n: n, up: -1, back: -1}
	if r.IntN(20) == 0 { // as over a poor line, on which a token expires in the middle of an upload
		c.slow = time.Duration(r.IntN(1500)) * time.Millisecond
	}
	if fault { // at any byte, most often of what is short
		if cut := r.IntN([]int{10, 400, 3000, 40000}[r.IntN(4)]); r.IntN(2) == 0 {
			c.up = cut
		} else {
			c.back = cut
		}
	}
	n.mu.Lock()
	n.open[c] = true
	n.mu.Unlock()
	select {
	case n.queue <- far:
		return c, nil
	case <-ctx.Done():
		_ = c.Close()
		_ = far.Close()
		return nil, ctx.Err()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cutAll cuts every connection, as when the service is restarted.
func (n *network) cutAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		_ = c.Conn.Close()
	}
}

func (n *network) setDown(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

// A network is a listener.
func (n *network) Accept() (net.Conn, error) {
	if c, ok := <-n.queue; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (n *network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.closed = true
		close(n.queue)
	}
	return nil
}

func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// A cuttable connection breaks after so many bytes in a direction; -1 for never.
type cuttable struct {
	net.Conn
	n *network

	slow     time.Duration // before each piece that is sent
	mu       sync.Mutex
	up, back int
}

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// allow returns how much of a piece still passes, and whether the connection breaks after it.
func (c *cuttable) allow(left *int, size int) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *left < 0 {
		return size, false
	}
	passes := min(*left, size)
	*left -= passes
	return passes, passes < size || *left == 0
}

func (c *cuttable) Write(p []byte) (int, error) {
	time.Sleep(c.slow)
	passes, breaks := c.allow(&c.up, len(p))
	n, err := c.Conn.Write(p[:passes])
	if breaks && err == nil {
		_ = c.Conn.Close()
		err = errReset
	}
	return n, err
}

func (c *cuttable) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	passes, breaks := c.allow(&c.back, n)
	if breaks {
		_ = c.Conn.Close()
		return passes, errReset
	}
	if errors.Is(err, net.ErrClosed) {
		err = errReset
	}
	return n, err
}

func (c *cuttable) Close() error {
	c.n.mu.Lock()
	delete(c.n.open, c)
	c.n.mu.Unlock()
	return c.Conn.Close()
}

// transport returns a transport over the network. Each request has a connection of its own, so that its fate is its own.
func (n *network) transport() *http.Transport {
	return &http.Transport{DialContext: n.dial, DisableKeepAlives: true}
}
