package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
)

// A Fault is a way in which a call goes wrong.
type Fault string

// The faults. Those that say so happen before the request is processed or after it, at random: the caller cannot tell.
const (
	FaultRefuse        Fault = "refuse"          // the connection is closed unread, and the next one is refused as well
	FaultResetBefore   Fault = "reset-before"    // the connection is reset before the request is processed
	FaultResetAfter    Fault = "reset-after"     // the request is processed, but the connection is reset instead of an answer
	FaultDelay         Fault = "delay"           // the answer is late, by up to 50 ms
	FaultRateLimit     Fault = "rate-limit"      // 429 with Retry-After: 1
	FaultRateLimitBare Fault = "rate-limit-bare" // 429 without Retry-After
	Fault500           Fault = "error-500"       // 500, before or after, with a body of JSON, HTML or nothing
	Fault502           Fault = "error-502"       // 502, likewise
	Fault503           Fault = "error-503"       // 503, likewise
	FaultTruncated     Fault = "truncated"       // the request is processed, and half of the answer is sent
	FaultGarbage       Fault = "garbage"         // the request is processed, and the answer is damaged JSON
	FaultContentType   Fault = "content-type"    // the request is processed, and the answer is declared as HTML
	FaultExpiredToken  Fault = "expired-token"   // 401, as if the token had expired
	FaultRevokedToken  Fault = "revoked-token"   // 401, and the token is refused from now on
	FaultDrip          Fault = "drip"            // the answer arrives in small pieces
	FaultLag           Fault = "lag"             // 502, 504 or a reset at once, and the request is processed up to 2 s later
	FaultStatus        Fault = "status"          // an answer with Faults.Status, in place of processing
)

var allFaults = []Fault{
	FaultRefuse, FaultResetBefore, FaultResetAfter, FaultDelay, FaultRateLimit, FaultRateLimitBare, Fault500, Fault502, Fault503,
	FaultTruncated, FaultGarbage, FaultContentType, FaultExpiredToken, FaultRevokedToken, FaultDrip, FaultLag,
}

// AllFaults returns every fault that needs nothing else: all but [FaultStatus].
func AllFaults() []Fault { return slices.Clone(allFaults) }

// Faults says which calls go wrong, and how. The same seed makes the same choices in the same order.
type Faults struct {
	Rate  float64 `json:"rate"` // the share of the calls, from 0 to 1
	Seed  uint64  `json:"seed"`
	Kinds []Fault `json:"kinds,omitempty"` // each as likely as the others; all of them when empty

	Operations    []string `json:"operations,omitempty"`    // the operationIds whose calls go wrong; all of them when empty
	Next          int      `json:"next,omitempty"`          // each of the next so many calls goes wrong, and none after that; in place of Rate
	Status        int      `json:"status,omitempty"`        // of FaultStatus, which is the kind when no other is named
	SpareExchange bool     `json:"spareExchange,omitempty"` // credentials and tokens are exchanged as if all were well
}

// normal returns the faults as they are kept, or says what is wrong with them.
func (f Faults) normal() (Faults, error) {
	f.Kinds, f.Operations = slices.Clone(f.Kinds), slices.Clone(f.Operations)
	if err := f.check(); err != nil {
		return f, err
	}
	switch {
	case len(f.Kinds) == 0 && f.Status != 0:
		f.Kinds = []Fault{FaultStatus}
	case len(f.Kinds) == 0:
		f.Kinds = allFaults
	}
	return f, nil
}

func (f Faults) check() error {
	if !(f.Rate >= 0 && f.Rate <= 1) { // neither is NaN
		return errors.New("the rate of faults must be from 0 to 1")
	}
	for _, kind := range f.Kinds {
		if !slices.Contains(allFaults, kind) && kind != FaultStatus {
			return fmt.Errorf("%q is no fault; want some of %q, or %q", kind, allFaults, FaultStatus)
		}
	}
	byStatus := slices.Contains(f.Kinds, FaultStatus) || len(f.Kinds) == 0 && f.Status != 0
	switch {
	case f.Next > 0 && f.Rate > 0:
		return errors.New("either a share of the calls goes wrong, or each of the next so many; not both")
	case f.Next < 0:
		return errors.New("the number of the next calls that go wrong is negative")
	case byStatus && (f.Status < 400 || f.Status > 599):
		return errors.New("the status of a fault must be from 400 to 599")
	case !byStatus && f.Status != 0:
		return fmt.Errorf("a status is that of the fault %q, which is not among the kinds", FaultStatus)
	}
	return nil
}

// aimed says which operation the contract does not have that is to go wrong.
func (f Faults) aimed(ops map[string]operation) error {
	for _, id := range f.Operations {
		known := false
		for _, op := range ops {
			known = known || op.ID == id
		}
		if !known {
			return fmt.Errorf("the contract has no operation %q to go wrong; want an operationId such as createCheck", id)
		}
	}
	return nil
}

// WithFaults makes calls go wrong.
func WithFaults(f Faults) Option {
	return func(c *config) (err error) {
		c.faults, err = f.normal()
		return err
	}
}

// SetFaults changes which calls go wrong from now on, and starts counting anew. The zero Faults ends them.
func (s *Sandbox) SetFaults(f Faults) error {
	f, err := f.normal()
	if err == nil {
		err = f.aimed(s.operations)
	}
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	s.faults.set(f)
	return nil
}

// FaultCounts returns how many calls went wrong so far, by kind.
func (s *Sandbox) FaultCounts() map[Fault]int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return maps.Clone(s.faults.counts)
}

// faults chooses what goes wrong.
type faults struct {
	mu     sync.Mutex
	config Faults
	random *rand.Rand
	counts map[Fault]int
	left   int // of the next calls that go wrong
	refuse int // connections to refuse
}

// set sets faults that are normal.
func (f *faults) set(config Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.config, f.random, f.counts = config, rand.New(rand.NewPCG(config.Seed, 0)), make(map[Fault]int)
	f.left, f.refuse = config.Next, 0
}

// A choice is what goes wrong with one call.
type choice struct {
	kind   Fault
	after  bool // the request is processed first
	status int  // of FaultStatus
	body   int
	delay  time.Duration
	lag    time.Duration
}

// maxLag is how long a request is processed after the answer to it, at most.
const maxLag = 2 * time.Second

// next chooses what goes wrong with the next call, which is one of op; no kind for nothing.
func (f *faults) next(op operation) choice {
	f.mu.Lock()
	defer f.mu.Unlock()
	exchange := op.Operation != nil && op.security == "basicAuth"
	spared := exchange || op.Operation != nil && op.Path == "/auth/refresh"
	switch {
	case spared && f.config.SpareExchange,
		len(f.config.Operations) > 0 && (op.Operation == nil || !slices.Contains(f.config.Operations, op.ID)):
		return choice{}
	case f.config.Next > 0 && f.left == 0, f.config.Next == 0 && f.random.Float64() >= f.config.Rate:
		return choice{}
	}
	kinds := f.config.Kinds
	if exchange { // it has no token that could be refused
		kinds = slices.DeleteFunc(slices.Clone(kinds), func(k Fault) bool { return k == FaultExpiredToken || k == FaultRevokedToken })
		if len(kinds) == 0 {
			return choice{}
		}
	}
	f.left = max(f.left-1, 0)
	c := choice{
		kind:   kinds[f.random.IntN(len(kinds))],
		after:  f.random.IntN(2) == 0,
		status: f.config.Status,
		body:   f.random.IntN(3),
		delay:  time.Duration(f.random.IntN(50)) * time.Millisecond,
		lag:    time.Duration(f.random.Int64N(int64(maxLag))),
	}
	f.counts[c.kind]++
	if c.kind == FaultRefuse {
		f.refuse++
	}
	return c
}

// takeRefusal reports whether the next connection is to be refused.
func (f *faults) takeRefusal() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse == 0 {
		return false
	}
	f.refuse--
	return true
}

// Listener returns l with the faults that happen before HTTP. [Start] and the command use it.
func (s *Sandbox) Listener(l net.Listener) net.Listener { return faultyListener{l, &s.faults} }

type faultyListener struct {
	net.Listener
	faults *faults
}

func (l faultyListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || !l.faults.takeRefusal() {
			return conn, err
		}
		reset(conn)
	}
}

// reset closes a connection so that the other side sees it reset.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// resetAnswer resets the connection of a request, or panics like an aborted handler where that cannot be done.
func resetAnswer(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	reset(conn)
}

// madeUp is a header of answers that are not the service's own: those of a fault, which the checker of contracts then passes.
const madeUp = "X-Aver-Sandbox"

// serveFaults makes calls of the API go wrong.
func (s *Sandbox) serveFaults(router chi.Router, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		c := s.faults.next(s.operationAt(router, r))
		if c.kind != "" {
			w.Header().Set(madeUp, "fault")
		}
		switch c.kind {
		case "":
			next.ServeHTTP(w, r)
		case FaultDelay:
			pause(r, c.delay)
			next.ServeHTTP(w, r)
		case FaultRefuse, FaultResetBefore:
			resetAnswer(w)
		case FaultRateLimit:
			w.Header().Set("Retry-After", "1")
			writeProblem(w, problem(http.StatusTooManyRequests, "Too many requests."))
		case FaultRateLimitBare:
			writeProblem(w, problem(http.StatusTooManyRequests, "Too many requests."))
		case FaultExpiredToken, FaultRevokedToken:
			if token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); bearer && c.kind == FaultRevokedToken {
				s.tokens.revokeOne(token)
			}
			writeProblem(w, problem(http.StatusUnauthorized, "The token is not accepted."))
		case FaultStatus:
			writeFault(w, c.status, 0)
		case Fault500, Fault502, Fault503:
			if c.after {
				next.ServeHTTP(&heldAnswer{ResponseWriter: discardAnswer{make(http.Header)}}, r)
			}
			status, _ := strconv.Atoi(strings.TrimPrefix(string(c.kind), "error-"))
			writeFault(w, status, c.body)
		case FaultLag:
			next.ServeHTTP(w, whenAdmitted(r, func(w http.ResponseWriter, r *http.Request) {
				processLater(next, r, c.lag)
				switch c.body {
				case 0:
					resetAnswer(w)
				case 1:
					writeFault(w, http.StatusBadGateway, 1)
				default:
					writeFault(w, http.StatusGatewayTimeout, 2)
				}
			}))
		default:
			held := &heldAnswer{ResponseWriter: discardAnswer{make(http.Header)}, status: http.StatusOK}
			next.ServeHTTP(held, r)
			s.damage(w, r, c.kind, held)
		}
	})
}

type admittedKey struct{}

// whenAdmitted has h take a request once its credentials were accepted; nil stands for a request of which they were.
func whenAdmitted(r *http.Request, h http.HandlerFunc) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), admittedKey{}, h))
}

// processLater processes a request that was admitted when its caller has long had an answer.
func processLater(next http.Handler, r *http.Request, lag time.Duration) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // half a request
	}
	ctx := context.WithValue(context.WithoutCancel(r.Context()), chi.RouteCtxKey, (*chi.Context)(nil)) // it is routed anew
	late := whenAdmitted(r.WithContext(ctx), nil)
	late.Body = io.NopCloser(bytes.NewReader(body))
	time.AfterFunc(lag, func() { next.ServeHTTP(discardAnswer{make(http.Header)}, late) })
}

// damage sends an answer that was held back, not as it was meant.
func (s *Sandbox) damage(w http.ResponseWriter, r *http.Request, kind Fault, held *heldAnswer) {
	if kind == FaultResetAfter {
		resetAnswer(w)
		return
	}
	maps.Copy(w.Header(), held.Header())
	body := held.body.Bytes()
	switch kind {
	case FaultTruncated:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(held.status)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		resetAnswer(w)
	case FaultGarbage:
		w.WriteHeader(held.status)
		_, _ = w.Write(append(bytes.TrimRight(body, "}]\"\n"), '#'))
	case FaultContentType:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(held.status)
		_, _ = w.Write(body)
	case FaultDrip:
		w.WriteHeader(held.status)
		for piece := range slices.Chunk(body, 16) {
			if _, err := w.Write(piece); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			pause(r, time.Millisecond)
		}
	}
}

func writeFault(w http.ResponseWriter, status, body int) {
	switch body {
	case 0:
		writeProblem(w, problem(status, "A fault of the sandbox."))
	case 1:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html><body><h1>%d %s</h1></body></html>", status, http.StatusText(status))
	default:
		w.WriteHeader(status)
	}
}

// pause waits, unless the caller leaves.
func pause(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// A discardAnswer is an answer that nobody gets.
type discardAnswer struct{ header http.Header }

func (d discardAnswer) Header() http.Header         { return d.header }
func (d discardAnswer) WriteHeader(int)             {}
func (d discardAnswer) Write(b []byte) (int, error) { return len(b), nil }

// showFaults answers GET /sandbox/faults with what goes wrong, and how often it did.
func (s *Sandbox) showFaults(w http.ResponseWriter, _ *http.Request) {
	s.faults.mu.Lock()
	answer := struct {
		Faults
		Counts map[Fault]int `json:"counts"`
	}{s.faults.config, maps.Clone(s.faults.counts)}
	s.faults.mu.Unlock()
	writeJSON(w, answer)
}

// changeFaults lets PUT /sandbox/faults change what goes wrong.
func (s *Sandbox) changeFaults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	if !readJSON(w, r, &f, `{"rate": 0.2, "seed": 1, "kinds": ["delay"]}`) {
		return
	}
	if err := s.SetFaults(f); err != nil {
		writeProblem(w, problem(http.StatusBadRequest, err.Error()))
		return
	}
	s.showFaults(w, r)
}
