package contract

import (
	"bytes"
	"maps"
	"net/http"
)

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
