package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/goaver/aver-go/internal/spec"
)

// A Replayer is a transport that answers from a recording, without a network. It may be used by any number of goroutines.
type Replayer struct {
	s      *settings
	r      *redactor
	strict bool

	mu      sync.Mutex
	entries []*played
	next    int // of those in order
}

// ErrNotRecorded is what [Replayer.RoundTrip] returns for a request that the recording does not have. The error says what was
// nearest.
var ErrNotRecorded = errors.New("contract: not recorded")

// A played is an exchange of a recording.
type played struct {
	number int
	op     *spec.Operation
	asked  map[string]any
	answer harAnswer
	used   bool
}

type harAnswer struct {
	Status  int
	Headers []harHeader
	Content harBody
}

// Replay returns a transport that answers from an HTTP Archive (HAR), such as [Record] writes. A request is answered by the first
// exchange that was not used yet and is the same but for what the recording does not hold: credentials, headers, and values
// that the contract marks as sensitive or does not know. When all of them were used, the last one answers again if the
// operation may be repeated (x-retry: always), as when somebody waits for a state. [WithStrictOrder] has requests come in the order of
// the recording.
func Replay(archive io.Reader, opts ...Option) (*Replayer, error) {
	s := newSettings(opts)
	p := &Replayer{s: s, r: &redactor{document: s.contract.spec, blank: true}, strict: s.strictOrder}
	recorded, err := readArchive(archive)
	if err != nil {
		return nil, err
	}
	for i, e := range recorded {
		u, err := url.Parse(e.Request.URL)
		if err != nil {
			continue
		}
		op, values := s.contract.spec.Match(e.Request.Method, u)
		if op == nil {
			continue
		}
		var body []byte
		if e.Request.PostData != nil {
			if body, err = e.Request.PostData.bytes(); err != nil {
				return nil, fmt.Errorf("contract: entry %d: the request: %w", i+1, err)
			}
		}
		asked := p.asked(op, values, u, headers(e.Request.Headers, e.Request.PostData), body)
		if e.Request.PostData != nil && e.Request.PostData.Comment == leftOut {
			asked["body"] = notJSON
		}
		p.entries = append(p.entries, &played{
			number: i + 1, op: op, asked: asked,
			answer: harAnswer{e.Response.Status, e.Response.Headers, e.Response.Content},
		})
	}
	if len(p.entries) == 0 {
		return nil, errors.New("contract: the recording holds no exchange with an operation of the contract")
	}
	return p, nil
}

// notJSON stands for a body that a recording does not hold.
const notJSON = "not JSON"

// WithStrictOrder has [Replay] answer requests in the order in which they were recorded alone.
func WithStrictOrder() Option { return func(s *settings) { s.strictOrder = true } }

// asked returns what a request says, as far as a recording holds it.
func (p *Replayer) asked(op *spec.Operation, values map[string]string, u *url.URL, header http.Header, body []byte) map[string]any {
	target, _ := p.r.target(op, values, u)
	path, query, _ := strings.Cut(strings.TrimPrefix(target, p.s.contract.spec.Server()), "?")
	said := map[string]any{"path": path}
	if query != "" {
		said["query"] = query
	}
	if len(body) == 0 {
		return said
	}
	f := &findings{c: p.s.contract, m: message{op: op, direction: Request, header: header, body: body}}
	said["body"] = notJSON
	if value, ok := f.json(); ok {
		said["body"] = p.r.value(op.Body.Of("application/json"), value)
	}
	return said
}

// RoundTrip answers a request.
func (p *Replayer) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	op, values := p.s.contract.spec.Match(method(req), req.URL)
	if op == nil {
		return nil, fmt.Errorf("%w: %s to a path that the contract does not have", ErrNotRecorded, method(req))
	}
	e, err := p.find(op, p.asked(op, values, req.URL, req.Header, body))
	if err != nil {
		return nil, err
	}
	return e.respond(req)
}

// find returns the exchange that answers a request.
func (p *Replayer) find(op *spec.Operation, asked map[string]any) (*played, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.strict {
		if p.next == len(p.entries) {
			return nil, fmt.Errorf("%w: %s comes after the last exchange of the recording", ErrNotRecorded, op.ID)
		}
		e := p.entries[p.next]
		if e.op != op || !reflect.DeepEqual(e.asked, asked) {
			return nil, fmt.Errorf("%w: %s comes where entry %d is %s", ErrNotRecorded, op.ID, e.number, e.differs(op, asked))
		}
		p.next++
		e.used = true
		return e, nil
	}
	var last, nearest *played
	for _, e := range p.entries {
		switch {
		case e.op != op:
		case reflect.DeepEqual(e.asked, asked):
			last = e
			if !e.used {
				e.used = true
				return e, nil
			}
		case nearest == nil || len(places(e.asked, asked, "")) < len(places(nearest.asked, asked, "")):
			nearest = e
		}
	}
	retry, _ := spec.Member(p.s.contract.spec.Declared(op.Pointer), "x-retry").(string)
	switch {
	case last != nil && retry == "always":
		return last, nil
	case last != nil:
		return nil, fmt.Errorf("%w: %s once more; entry %d, the last that is the same, has answered", ErrNotRecorded, op.ID, last.number)
	case nearest != nil:
		return nil, fmt.Errorf("%w: %s like this; the nearest is entry %d, %s", ErrNotRecorded, op.ID, nearest.number, nearest.differs(op, asked))
	}
	known := make(map[string]bool)
	for _, e := range p.entries {
		known[e.op.ID] = true
	}
	return nil, fmt.Errorf("%w: %s at all; recorded are %s", ErrNotRecorded, op.ID, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}

// differs says how a recorded request differs from another, without values.
func (e *played) differs(op *spec.Operation, asked map[string]any) string {
	if e.op != op {
		return "one to " + e.op.ID
	}
	return "which differs at " + strings.Join(places(e.asked, asked, ""), ", ")
}

// places returns where two values differ.
func places(a, b any, at string) []string {
	if reflect.DeepEqual(a, b) {
		return nil
	}
	left, ok := a.(map[string]any)
	right, alike := b.(map[string]any)
	if !ok || !alike {
		return []string{at}
	}
	all := maps.Clone(left)
	maps.Copy(all, right)
	var found []string
	for _, key := range sortedKeys(all) {
		found = append(found, places(left[key], right[key], at+"/"+spec.Escape(key))...)
	}
	return found
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// respond returns the recorded answer.
func (e *played) respond(req *http.Request) (*http.Response, error) {
	if e.answer.Status == 0 {
		return nil, fmt.Errorf("contract: entry %d of the recording got no answer", e.number)
	}
	if e.answer.Content.Comment == leftOut && e.answer.Content.Text == "" {
		return nil, fmt.Errorf("contract: entry %d of the recording has no body: it was not JSON", e.number)
	}
	body, err := e.answer.Content.bytes()
	if err != nil {
		return nil, fmt.Errorf("contract: entry %d: the answer: %w", e.number, err)
	}
	h := headers(e.answer.Headers, &e.answer.Content)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	return &http.Response{
		Status: fmt.Sprintf("%d %s", e.answer.Status, http.StatusText(e.answer.Status)), StatusCode: e.answer.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Body: io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)), Request: req,
	}, nil
}

// Unused returns the exchanges that have answered nothing yet, such as "entry 3, getCheck".
func (p *Replayer) Unused() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []string
	for _, e := range p.entries {
		if !e.used {
			left = append(left, fmt.Sprintf("entry %d, %s", e.number, e.op.ID))
		}
	}
	return left
}

// readArchive reads an HTTP Archive.
func readArchive(r io.Reader) ([]recordedEntry, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("contract: reading the archive: %w", err)
	}
	var archive struct {
		Log *struct{ Entries []recordedEntry }
	}
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &archive); err != nil || archive.Log == nil {
		return nil, errors.New("contract: the file is not an HTTP Archive (HAR): it must be JSON with a log")
	}
	return archive.Log.Entries, nil
}

// A recordedEntry is an exchange as anybody's recorder wrote it.
type recordedEntry struct {
	Request struct {
		Method, URL string
		Headers     []harHeader
		PostData    *harBody
	}
	Response struct {
		Status  int
		Headers []harHeader
		Content harBody
	}
}
