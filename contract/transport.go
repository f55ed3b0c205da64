package contract

import (
	"math"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// DefaultBodyLimit is how much of a body is held in memory to be checked, in bytes, unless [WithBodyLimit] says otherwise.
const DefaultBodyLimit = 1 << 20

// An Option configures a checker.
type Option func(*settings)

type settings struct {
	contract      *Contract
	ledger        *Ledger
	drift         *Drift
	report        func([]Violation) // nil to return violations as errors
	responsesOnly bool
	strictOrder   bool
	limit         int64
}

// WithContract checks against another contract than the embedded one: what [New] returned.
func WithContract(c *Contract) Option { return func(s *settings) { s.contract = c } }

// WithLedger has a ledger record what goes through.
func WithLedger(l *Ledger) Option { return func(s *settings) { s.ledger = l } }

// WithReport has f called with the violations of a message, in place of an error, and lets the message through. f may be
// called from several goroutines.
func WithReport(f func([]Violation)) Option { return func(s *settings) { s.report = f } }

// WithTest reports violations as errors of a test, and lets the messages through.
func WithTest(tb TB) Option {
	return WithReport(func(violations []Violation) {
		tb.Helper()
		for _, v := range violations {
			tb.Errorf("contract: %s", v)
		}
	})
}

// WithResponsesOnly leaves requests unchecked, so that bad ones can be sent on purpose.
func WithResponsesOnly() Option { return func(s *settings) { s.responsesOnly = true } }

// WithBodyLimit sets how much of a body is held in memory to be checked, in bytes. A longer body streams through; it is
// checked all the same if it fits without its image, and otherwise passes unchecked.
func WithBodyLimit(bytes int64) Option { return func(s *settings) { s.limit = bytes } }

// TB is the part of [testing.TB] that is used.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

func newSettings(opts []Option) *settings {
	s := &settings{limit: DefaultBodyLimit}
	for _, opt := range opts {
		opt(s)
	}
	s.limit = min(max(s.limit, 0), math.MaxInt64-1)
	if s.contract == nil {
		s.contract = Embedded()
	}
	return s
}

// result reports violations, or returns them as an error.
func (s *settings) result(violations []Violation) error {
	switch {
	case len(violations) == 0:
		return nil
	case s.report != nil:
		s.report(violations)
		return nil
	}
	return &Error{violations}
}

// A Transport checks what passes through it. It may be used by any number of goroutines.
type Transport struct {
	next http.RoundTripper
	s    *settings
}

// NewTransport returns a transport that checks every request before it is sent and every answer before it is returned,
// around next; nil stands for [http.DefaultTransport]. A violation is an error, an [*Error]: a request that breaks the
// contract is not sent. An answer that breaks it is withheld, although the operation was performed.
func NewTransport(next http.RoundTripper, opts ...Option) *Transport {
	if next == nil {
		next = http.DefaultTransport
	}
	return &Transport{next, newSettings(opts)}
}

// ForTest returns a transport like [NewTransport] that reports violations on a test and lets the messages through.
func ForTest(tb TB, next http.RoundTripper, opts ...Option) *Transport {
	return NewTransport(next, append([]Option{WithTest(tb)}, opts...)...)
}

// CloseIdleConnections closes those of the transport underneath.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip checks a request, sends it, and checks the answer.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	refuse := func(err error) (*http.Response, error) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	op, values := t.s.contract.spec.Match(method(req), req.URL)
	x := &exchange{s: t.s}
	if op == nil {
		if t.s.drift != nil {
			t.s.drift.unknown(method(req))
		}
		if t.s.responsesOnly {
			return t.next.RoundTrip(req)
		}
		if err := t.s.result(unknown(req)); err != nil {
			return refuse(err)
		}
		return t.next.RoundTrip(req)
	}
	if !t.s.responsesOnly {
		check := func(body []byte, part part) []Violation {
			return x.sent(t.s.contract.checkRequest(op, values, req.URL,
				message{op: op, direction: Request, header: req.Header, body: body, part: part}))
		}
		if req.Body == nil || req.Body == http.NoBody {
			if err := t.s.result(check(nil, all)); err != nil {
				return refuse(err)
			}
		} else {
			body, err := t.s.check(req.Body, op, check)
			if err != nil {
				return refuse(err)
			}
			clone := *req
			clone.Body = body
			req = &clone
		}
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	t.s.ledger.record(op, resp.StatusCode)
	x.answered(resp.StatusCode)
	resp.Body, err = t.s.check(resp.Body, op, func(body []byte, part part) []Violation {
		return t.s.received(message{op: op, direction: Response, status: resp.StatusCode, header: resp.Header, body: body, part: part})
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// An exchange is a request whose answer says whether the service takes it as it is.
type exchange struct {
	s *settings

	mu       sync.Mutex
	accepted bool
	waiting  []*findings
}

// sent notes a request, or a part of it, and returns its violations.
func (x *exchange) sent(f *findings) []Violation {
	x.s.note(f)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.accepted {
		x.s.observe(f)
	} else if x.s.drift != nil {
		x.waiting = append(x.waiting, f)
	}
	return f.violations
}

// answered notes the status of the answer.
func (x *exchange) answered(status int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.accepted = status/100 == 2
	for _, f := range x.waiting {
		if x.accepted {
			x.s.observe(f)
		}
	}
	x.waiting = nil
}

// received checks an answer.
func (s *settings) received(m message) []Violation {
	if m.header.Get(sandboxHeader) == "fault" {
		return nil // a sandbox was asked for it
	}
	f := s.contract.checkResponse(m)
	s.note(f)
	s.observe(f)
	return f.violations
}

// note shows a message to a ledger.
func (s *settings) note(f *findings) {
	if s.ledger != nil {
		s.ledger.observe(f)
	}
}

// observe shows what was found to a drift.
func (s *settings) observe(f *findings) {
	if s.drift != nil {
		s.drift.observe(f)
	}
}

func method(req *http.Request) string {
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}

// sandboxHeader is a header by which a sandbox says what is not the service's own.
const sandboxHeader = "X-Aver-Sandbox"

func unknown(req *http.Request) []Violation {
	got := method(req) + " " + plainPath(req.URL.Path)
	return []Violation{{Direction: Request, Rule: RuleOperation, Want: "an operation of the contract", Got: got}}
}

// word is a part of a path that is no data.
var word = regexp.MustCompile(`^[a-z][a-z_-]{0,30}$`)

// plainPath returns a path without what may be data in it.
func plainPath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts[:min(len(parts), 12)] {
		if part != "" && !word.MatchString(part) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts[:min(len(parts), 12)], "/")
}
