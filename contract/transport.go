package contract

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/wire/dataurl"
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

// check checks a body and returns it, to be read from its beginning. A body that is longer than the limit is checked
// while it is read.
func (s *settings) check(body io.ReadCloser, op *spec.Operation, check func([]byte, part) []Violation) (io.ReadCloser, error) {
	if body == nil {
		body = http.NoBody
	}
	head, err := io.ReadAll(io.LimitReader(body, s.limit+1))
	if err != nil { // it is not whole: whoever reads it shall see that
		return &restored{io.MultiReader(bytes.NewReader(head), &broken{err}), body}, nil
	}
	if int64(len(head)) <= s.limit {
		if err := s.result(check(head, all)); err != nil {
			_ = body.Close()
			return nil, err
		}
		return &restored{bytes.NewReader(head), body}, nil
	}
	if err := s.result(check(nil, headOnly)); err != nil {
		_ = body.Close()
		return nil, err
	}
	return s.stream(io.MultiReader(bytes.NewReader(head), body), body, op, check), nil
}

// A restored is a body of which the beginning was read.
type restored struct {
	io.Reader
	body io.Closer
}

func (r *restored) Close() error { return r.body.Close() }

type broken struct{ err error }

func (b *broken) Read([]byte) (int, error) { return 0, b.err }

// A stream is a body that is checked while it is read.
type stream struct {
	s       *settings
	r       io.Reader
	body    io.Closer
	w       *io.PipeWriter
	verdict chan []Violation
	err     error
}

var errLeft = errors.New("contract: the body was not read to its end")

func (s *settings) stream(r io.Reader, body io.Closer, op *spec.Operation, check func([]byte, part) []Violation) *stream {
	pr, pw := io.Pipe()
	t := &stream{s: s, r: r, body: body, w: pw, verdict: make(chan []Violation, 1)}
	go func() {
		text := dataurl.Extract(pr, op.Images, func(_ string, value io.Reader) (string, error) {
			beginning, err := io.ReadAll(io.LimitReader(value, 64)) // enough for its pattern
			return string(beginning), err
		})
		held, err := io.ReadAll(io.LimitReader(text, s.limit+1))
		_, drained := io.Copy(io.Discard, pr)
		switch {
		case drained != nil || errors.Is(err, errLeft) || int64(len(held)) > s.limit:
			t.verdict <- nil
		case err != nil:
			t.verdict <- check(nil, malformed)
		default:
			t.verdict <- check(held, bodyOnly)
		}
	}()
	return t
}

func (t *stream) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.r.Read(p)
	_, _ = t.w.Write(p[:n])
	switch {
	case err == io.EOF:
		_ = t.w.Close()
		t.err = io.EOF
		if violation := t.s.result(<-t.verdict); violation != nil {
			t.err = violation
		}
		return n, t.err
	case err != nil:
		t.err = err
		_ = t.w.CloseWithError(err)
	}
	return n, err
}

func (t *stream) Close() error {
	_ = t.w.CloseWithError(errLeft)
	return t.body.Close()
}

// Handler returns a handler that checks every request before next sees it and every answer of next. Without [WithReport]
// or [WithTest], a message that breaks the contract is answered with 500 and a text that names the violations. Use
// [WithResponsesOnly] to test how a server refuses bad requests.
func Handler(next http.Handler, opts ...Option) http.Handler {
	s := newSettings(opts)
	fail := func(w http.ResponseWriter, err error) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op, values := s.contract.spec.Match(r.Method, r.URL)
		if op == nil {
			if s.drift != nil {
				s.drift.unknown(r.Method)
			}
			if !s.responsesOnly {
				if err := s.result(unknown(r)); err != nil {
					fail(w, err)
					return
				}
			}
			next.ServeHTTP(w, r)
			return
		}
		x := &exchange{s: s}
		if !s.responsesOnly {
			body, err := s.check(r.Body, op, func(body []byte, part part) []Violation {
				return x.sent(s.contract.checkRequest(op, values, r.URL,
					message{op: op, direction: Request, header: r.Header, body: body, part: part}))
			})
			if err != nil {
				fail(w, err)
				return
			}
			defer body.Close()
			clone := *r
			clone.Body = body
			r = &clone
		}
		held := &heldAnswer{w: w, limit: s.limit, header: w.Header().Clone()}
		held.early = func() error {
			return s.result(s.received(message{op: op, direction: Response, status: held.status, header: held.sent, part: headOnly}))
		}
		next.ServeHTTP(held, r)
		held.commit(http.StatusOK)
		s.ledger.record(op, held.status)
		x.answered(held.status)
		if held.passed {
			return
		}
		answer := message{op: op, direction: Response, status: held.status, header: held.sent, body: held.body.Bytes()}
		if err := s.result(s.received(answer)); err != nil {
			fail(w, err)
			return
		}
		held.pass()
	})
}

// A heldAnswer keeps an answer back until it is checked. One that is longer than the limit, or is flushed, passes when
// its status and its media type are checked.
type heldAnswer struct {
	w      http.ResponseWriter
	limit  int64
	header http.Header // what the handler sets
	sent   http.Header // what it had set when the answer began
	status int         // 0 before that
	body   bytes.Buffer
	passed bool
	early  func() error
}

func (h *heldAnswer) Header() http.Header { return h.header }

func (h *heldAnswer) WriteHeader(status int) {
	if status < 200 {
		h.w.WriteHeader(status)
		return
	}
	h.commit(status)
}

// commit begins the answer: the first status counts, and headers that are set later do not.
func (h *heldAnswer) commit(status int) {
	if h.status == 0 {
		h.status, h.sent = status, h.header.Clone()
		if h.sent == nil {
			h.sent = make(http.Header)
		}
	}
}

func (h *heldAnswer) Write(p []byte) (int, error) {
	h.commit(http.StatusOK)
	if _, set := h.sent["Content-Type"]; !set && h.body.Len() == 0 && !h.passed {
		h.sent.Set("Content-Type", http.DetectContentType(p)) // as net/http would
	}
	if !h.passed && int64(h.body.Len()+len(p)) > h.limit {
		h.hurry()
	}
	if h.passed {
		return h.w.Write(p)
	}
	return h.body.Write(p)
}

// Flush sends what was held back.
func (h *heldAnswer) Flush() {
	h.commit(http.StatusOK)
	if !h.passed {
		h.hurry()
	}
	_ = http.NewResponseController(h.w).Flush()
}

// Unwrap is for [http.ResponseController].
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.w }

// hurry passes an answer that is not complete.
func (h *heldAnswer) hurry() {
	if err := h.early(); err != nil {
		h.body.Reset()
		h.body.WriteString(err.Error())
		h.sent, h.status = http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, http.StatusInternalServerError
	}
	h.pass()
}

func (h *heldAnswer) pass() {
	h.passed = true
	clear(h.w.Header())
	maps.Copy(h.w.Header(), h.sent)
	h.w.WriteHeader(h.status)
	_, _ = h.w.Write(h.body.Bytes())
}
