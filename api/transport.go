package api

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
)

// transport returns the transport of a client's calls around the application's; nil when the application's wrapper is.
func (s *settings) transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	t := &callTransport{base: base, next: base}
	if s.wrap != nil {
		hidden := &hiddenCalls{}
		t.hidden = hidden
		if t.next = s.wrap(revealingTransport{base, hidden}); t.next == nil {
			return nil
		}
	}
	return t
}

// A callTransport notes which token was sent, and hides from what is in between what holds identifiers.
type callTransport struct {
	base, next http.RoundTripper
	hidden     *hiddenCalls // nil when there is nothing in between
}

func (t *callTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	a, _ := req.Context().Value(attemptKey{}).(*attempt)
	if a != nil {
		a.begin()
		if header := req.Header["Authorization"]; len(header) > 0 {
			a.header.Store(&header[0])
		}
	}
	if t.hidden == nil {
		return t.next.RoundTrip(req)
	}
	call := &hiddenCall{url: req.URL}
	number := t.hidden.add(call)
	defer t.hidden.calls.Delete(number)
	shown := req.Clone(req.Context())
	shown.URL = &url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: "/"}
	if a != nil {
		shown.URL.Path = a.path
	}
	shown.Response = nil        // of a redirect: the answer before,
	shown.Header.Del("Referer") // and the address before
	shown.Header.Set(callHeader, number)
	resp, err := t.next.RoundTrip(shown)
	if resp != nil {
		call.reveal(resp)
		resp.Request = req
	}
	return resp, err
}

// CloseIdleConnections closes those of the transport underneath.
func (t *callTransport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// A hiddenCall is what stays hidden of a call, between the callTransport and the revealingTransport.
type hiddenCall struct {
	url *url.URL

	mu     sync.Mutex
	answer http.Header // of the last answer: the headers that hold addresses
}

// addresses are the headers of an answer that may hold one with identifiers.
var addresses = []string{"Location", "Content-Location", "Refresh", "Link"}

// hide takes the addresses out of an answer.
func (c *hiddenCall) hide(resp *http.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = make(http.Header)
	for _, name := range addresses {
		if values := resp.Header.Values(name); len(values) > 0 {
			c.answer[name] = values
			resp.Header.Del(name)
		}
	}
}

// reveal puts them back.
func (c *hiddenCall) reveal(resp *http.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, values := range c.answer {
		if resp.Header == nil {
			resp.Header = make(http.Header)
		}
		resp.Header[name] = values
	}
}

// hiddenCalls finds a call by the number that stands in its request: a transport in between may replace the context and
// copy whatever it likes.
type hiddenCalls struct {
	last  atomic.Uint64
	calls sync.Map // *hiddenCall by number
}

const callHeader = "Aver-Hidden-Call"

func (h *hiddenCalls) add(call *hiddenCall) string {
	number := strconv.FormatUint(h.last.Add(1), 10)
	h.calls.Store(number, call)
	return number
}

// A revealingTransport puts the address back.
type revealingTransport struct {
	base   http.RoundTripper
	hidden *hiddenCalls
}

func (t revealingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	found, ok := t.hidden.calls.Load(req.Header.Get(callHeader))
	if !ok {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, errors.New("the transport of WithTransportWrapper sent another request than it was given, or after the call; keep the header " +
			callHeader)
	}
	call := found.(*hiddenCall)
	revealed := *req
	revealed.URL = call.url
	revealed.Header = req.Header.Clone()
	revealed.Header.Del(callHeader)
	resp, err := t.base.RoundTrip(&revealed)
	if resp != nil {
		call.hide(resp)
		resp.Request = req
	}
	return resp, err
}
