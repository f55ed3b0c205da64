package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goaver/aver-go/internal/spec"
)

// A Recorder is a transport that writes down what passes through it, without what is personal or secret. It may be used by any
// number of goroutines.
type Recorder struct {
	next http.RoundTripper
	s    *settings
	r    *redactor

	mu      sync.Mutex
	w       io.Writer
	entries []*recording // that are not written, in the order of their requests
	begun   bool
	closed  bool
	err     error
}

// maxRecorded is how much of a body is recorded, in bytes; of a longer one nothing is.
const maxRecorded = 64 << 20

// Record returns a transport around next, nil standing for [http.DefaultTransport], that writes the exchanges with operations of
// the contract to w as HTTP Archive (HAR 1.2), in the order of the requests; [Recorder.Close] completes it. The archive may be
// shared and committed, and [Replay] answers from it: it holds
//
//   - no credentials, no cookies, no host, and of the headers the media type and Retry-After alone;
//   - placeholders for values that the contract marks as x-sensitive and for all that it does not know, of the form of the value:
//     the same value is the same placeholder within a recording, by a random key that is kept nowhere;
//   - for an image its media type, size and keyed digest;
//   - names of properties that the contract does not know, if they look like names.
//
// Other exchanges pass and are not recorded.
func Record(next http.RoundTripper, w io.Writer, opts ...Option) *Recorder {
	if next == nil {
		next = http.DefaultTransport
	}
	s := newSettings(opts)
	return &Recorder{next: next, s: s, w: w, r: newRedactor(s.contract.spec)}
}

// A recording is an exchange that is recorded.
type recording struct {
	entry harEntry
	done  bool
}

// RoundTrip sends a request and records it with its answer.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	op, values := r.s.contract.spec.Match(method(req), req.URL)
	if op == nil {
		return r.next.RoundTrip(req)
	}
	rec := &recording{}
	r.mu.Lock()
	r.entries = append(r.entries, rec)
	r.mu.Unlock()
	began := time.Now()
	sent := &kept{}
	if req.Body != nil && req.Body != http.NoBody {
		clone := *req
		clone.Body = &copied{ReadCloser: req.Body, to: sent}
		req = &clone
	}
	resp, err := r.next.RoundTrip(req)
	finish := func(received *kept) {
		rec.entry = r.entry(op, values, req, sent, resp, received)
		rec.entry.StartedDateTime = began.UTC().Format(time.RFC3339Nano)
		rec.entry.Time = float64(time.Since(began).Microseconds()) / 1000
		r.finished(rec)
	}
	if err != nil {
		finish(nil)
		return nil, err
	}
	received := &kept{}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	resp.Body = &copied{ReadCloser: resp.Body, to: received, finish: sync.OnceFunc(func() { finish(received) })}
	return resp, nil
}

// CloseIdleConnections closes those of the transport underneath.
func (r *Recorder) CloseIdleConnections() {
	if c, ok := r.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Close completes the archive. The error is that of the first write that failed. Answers whose bodies are still being read are
// not recorded.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return r.err
	}
	r.closed = true
	r.entries = slices.DeleteFunc(r.entries, func(rec *recording) bool { return !rec.done })
	r.write()
	r.begin()
	r.print("\n]}}\n")
	return r.err
}

// finished writes the exchanges that are complete, and before which none is not.
func (r *Recorder) finished(rec *recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.done = true
	if !r.closed {
		r.write()
	}
}

func (r *Recorder) write() {
	for len(r.entries) > 0 && r.entries[0].done {
		text, err := json.Marshal(r.entries[0].entry)
		r.entries = r.entries[1:]
		if err != nil && r.err == nil {
			r.err = err
		}
		if r.begin() {
			r.print(",")
		}
		r.print("\n" + string(text))
	}
}

// begin writes what stands before the entries. It reports whether it was there already.
func (r *Recorder) begin() bool {
	if r.begun {
		return true
	}
	r.begun = true
	r.print(`{"log":{"version":"1.2","creator":{"name":"aver-go contract.Record","version":"1"},"entries":[`)
	return false
}

func (r *Recorder) print(text string) {
	if r.err == nil {
		_, r.err = io.WriteString(r.w, text)
	}
}

// kept is a body that was read, or the beginning of one that is too long.
type kept struct {
	mu   sync.Mutex
	text bytes.Buffer
	size int
	end  bool
}

func (k *kept) add(p []byte, end bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.size += len(p)
	k.end = k.end || end
	if k.size <= maxRecorded {
		k.text.Write(p)
	}
}

// whole returns the body, its size, and whether it is complete.
func (k *kept) whole() ([]byte, int, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return bytes.Clone(k.text.Bytes()), k.size, k.size <= maxRecorded
}

// ended reports whether the body was read to its end.
func (k *kept) ended() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.end
}

// A copied body is kept while it is read.
type copied struct {
	io.ReadCloser
	to     *kept
	finish func() // nil for a request
}

func (c *copied) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.to.add(p[:n], err == io.EOF)
	if err != nil && c.finish != nil {
		c.finish()
	}
	return n, err
}

func (c *copied) Close() error {
	if c.finish != nil {
		c.finish()
	}
	return c.ReadCloser.Close()
}

// A harEntry is an exchange as HAR 1.2 writes it.
type harEntry struct {
	StartedDateTime string      `json:"startedDateTime"`
	Time            float64     `json:"time"`
	Request         harRequest  `json:"request"`
	Response        harResponse `json:"response"`
	Cache           struct{}    `json:"cache"`
	Timings         harTimings  `json:"timings"`
}

type harTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

type harRequest struct {
	Method      string      `json:"method"`
	URL         string      `json:"url"`
	HTTPVersion string      `json:"httpVersion"`
	Cookies     []struct{}  `json:"cookies"`
	Headers     []harHeader `json:"headers"`
	QueryString []harHeader `json:"queryString"`
	PostData    *harBody    `json:"postData,omitempty"`
	HeadersSize int         `json:"headersSize"`
	BodySize    int         `json:"bodySize"`
}

type harResponse struct {
	Status      int         `json:"status"`
	StatusText  string      `json:"statusText"`
	HTTPVersion string      `json:"httpVersion"`
	Cookies     []struct{}  `json:"cookies"`
	Headers     []harHeader `json:"headers"`
	Content     harBody     `json:"content"`
	RedirectURL string      `json:"redirectURL"`
	HeadersSize int         `json:"headersSize"`
	BodySize    int         `json:"bodySize"`
}

// leftOut is what is said of a body that is not recorded.
const leftOut = "left out: not complete JSON, so that nothing of it is known"

// entry returns what is written down of an exchange. resp and received are nil when no answer came.
func (r *Recorder) entry(op *spec.Operation, values map[string]string, req *http.Request, sent *kept, resp *http.Response, received *kept) harEntry {
	var e harEntry
	target, query := r.r.target(op, values, req.URL)
	e.Request = harRequest{
		Method: method(req), URL: target, HTTPVersion: "HTTP/1.1", Cookies: []struct{}{}, QueryString: query, HeadersSize: -1,
		Headers: recordedHeaders(req.Header, op.Body.Medias()),
	}
	body, size, whole := sent.whole()
	e.Request.BodySize = size
	if size > 0 {
		e.Request.PostData = r.content(message{op: op, direction: Request, header: req.Header, body: body}, op.Body, size, whole)
	}
	e.Response = harResponse{HTTPVersion: "HTTP/1.1", Cookies: []struct{}{}, Headers: []harHeader{}, HeadersSize: -1, BodySize: -1}
	if resp == nil {
		return e
	}
	documented, _ := op.Answer(resp.StatusCode)
	e.Response.Status, e.Response.StatusText = resp.StatusCode, http.StatusText(resp.StatusCode)
	e.Response.Headers = recordedHeaders(resp.Header, documented.Medias())
	body, size, whole = received.whole()
	if size == 0 && resp.ContentLength != 0 && !received.ended() {
		size, whole = int(max(resp.ContentLength, 1)), false // it was closed unread
	}
	e.Response.BodySize = size
	e.Response.Content = *r.content(message{op: op, direction: Response, status: resp.StatusCode, header: resp.Header, body: body}, documented,
		size, whole)
	return e
}

// content returns what is written down of a body.
func (r *Recorder) content(m message, documented spec.Contents, size int, whole bool) *harBody {
	c := &harBody{Size: size, MimeType: mediaOf(m.header, documented.Medias())}
	if size == 0 {
		return c
	}
	text, ok := r.r.body(&findings{c: r.s.contract, m: m}, documented)
	if !ok || !whole {
		c.Comment = leftOut
		return c
	}
	c.Text = string(text)
	return c
}

// mediaOf returns the media type of a message, if it is one that may be shown.
func mediaOf(h http.Header, documented []string) string {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case err != nil:
		return ""
	case slices.Contains(documented, media), slices.Contains([]string{"text/html", "text/plain", "application/octet-stream"}, media):
		return media
	case strings.HasSuffix(media, "json"): // whatever it is called
		return "application/json"
	}
	return ""
}

// recordedHeaders returns the headers that are written down.
func recordedHeaders(h http.Header, documented []string) []harHeader {
	all := []harHeader{}
	if media := mediaOf(h, documented); media != "" {
		all = append(all, harHeader{"Content-Type", media})
	}
	if wait := h.Get("Retry-After"); wait != "" && strings.Trim(wait, "0123456789") == "" && len(wait) < 10 {
		all = append(all, harHeader{"Retry-After", wait})
	}
	if made := h.Get(sandboxHeader); made == "fault" || made == "example" {
		all = append(all, harHeader{sandboxHeader, made})
	}
	return all
}

// target returns the address of a request at the server of the contract, with placeholders for the parameters that are
// sensitive or unknown.
func (r *redactor) target(op *spec.Operation, values map[string]string, u *url.URL) (string, []harHeader) {
	path := op.Path
	for _, p := range op.Params {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(r.param(p, values[p.Name])))
		}
	}
	query := []harHeader{}
	given := u.Query()
	for _, key := range sortedKeys(given) {
		for _, text := range given[key] {
			i := slices.IndexFunc(op.Params, func(p *spec.Param) bool { return p.In == "query" && p.Name == key })
			shown := key
			if i >= 0 {
				text = r.param(op.Params[i], text)
			} else {
				text = r.unknown(text)
				if !isName(key) || placeholderName.MatchString(key) {
					shown = r.nameOf(key)
				}
			}
			query = append(query, harHeader{shown, text})
		}
	}
	target := strings.TrimSuffix(r.document.Server(), "/") + path
	for i, q := range query {
		target += map[bool]string{true: "?", false: "&"}[i == 0] + url.QueryEscape(q.Name) + "=" + url.QueryEscape(q.Value)
	}
	return target, query
}

// param redacts the text of a parameter.
func (r *redactor) param(p *spec.Param, text string) string {
	if private, _ := r.document.Private(p.Node(), nil); !private {
		return text
	}
	return r.unknown(text)
}

func (r *redactor) unknown(text string) string {
	if r.blank {
		return "<string>"
	}
	w := redaction{redactor: r}
	return fmt.Sprint(w.texts(text)[0])
}
