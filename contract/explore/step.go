package explore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/internal/spec"
)

// A Step is a request of a story: what [Explorer.Try] sends, and what should come of it.
//
// In the values of parameters and in the body stand for something else: "$steps.1.response.body#/checkId", a runtime expression of
// OpenAPI about an earlier step, counted from 1; "$values.groupId", one of [Explorer.Values]; and $unique anywhere, a text that no
// other story has.
type Step struct {
	Operation   string            // the operationId
	Params      map[string]string // by name; one that is left out is not sent
	Body        string            // as it is sent; empty for none
	Media       string            // its media type; application/json when empty, "none" for none
	Credentials Credentials
	Method      string // another than the operation's
	Want        Want
}

// Credentials are those with which a step is sent.
type Credentials string

// The credentials.
const (
	Right   Credentials = ""        // as Authorize sets them
	None    Credentials = "none"    // without any
	Altered Credentials = "altered" // with one character of them changed
	Scheme  Credentials = "scheme"  // under another scheme, Basic for Bearer and the other way
)

// Want is what should come of a step.
type Want string

// What is wanted.
const (
	Accepted     Want = ""             // success, or a refusal for the plan (403), the state (409) or the pace (429)
	Refused      Want = "refused"      // what breaks the contract is refused as such
	Unauthorized Want = "unauthorized" // 401 or 403
	NotFound     Want = "not found"    // there is nothing with that ID
	NoMethod     Want = "no method"    // the address does not have the method
	Anything     Want = "anything"     // whatever the contract documents
)

// A story is what happens to what one first step creates.
type story struct {
	*explorer
	steps []Step
	done  []*exchange
	next  map[string][]bound // by the operation that can be called, oldest first
	name  string             // what $unique stands for

	patient bool      // what appears late is waited for
	until   time.Time // so long, if it is set
}

// bound is what a link gives for another operation.
type bound struct {
	params map[string]string
	body   any
}

// An exchange is a step that was taken.
type exchange struct {
	op         *spec.Operation
	step       Step
	params     map[string]string // as they were sent
	body       any               // the value, if it was JSON
	status     int
	header     http.Header
	answer     any // the value, if it was JSON
	violations []contract.Violation
	failed     error // there was no answer
}

func (x *explorer) newStory() *story {
	return &story{explorer: x, next: make(map[string][]bound), name: fmt.Sprintf("%x-%x", x.Seed, time.Now().UnixNano())}
}

// success reports whether the service did what was asked: by a 2xx, or a redirect that the contract documents.
func (e *exchange) success() bool {
	return e.status/100 == 2 || e.status/100 == 3 && e.op.Documented(e.status) != ""
}

// errUnresolved is that an expression stands for nothing.
var errUnresolved = errors.New("stands for nothing")

// take takes a step and says what is wrong with what came of it. An error means that it could not be taken.
func (s *story) take(ctx context.Context, step Step, a attempt) ([]finding, error) {
	done, err := s.send(ctx, step)
	if err != nil {
		return nil, err
	}
	s.steps, s.done = append(s.steps, step), append(s.done, done)
	if done.success() && step.Want == Accepted {
		s.reached[done.op.ID] = true
		s.follow(done, len(s.done))
	}
	return s.judge(done, a), nil
}

// send sends a step, once all that it depends on is there.
func (s *story) send(ctx context.Context, step Step) (*exchange, error) {
	x := &exchange{op: s.operation(step.Operation), step: step, params: make(map[string]string)}
	for _, name := range slices.Sorted(maps.Keys(step.Params)) {
		value, err := s.resolve(ctx, step.Params[name])
		if err != nil {
			return nil, fmt.Errorf("the parameter %s: %w", name, err)
		}
		x.params[name] = value
	}
	body, err := s.resolveBody(ctx, step.Body)
	if err != nil {
		return nil, fmt.Errorf("the body: %w", err)
	}
	if value, err := jsonschema.UnmarshalJSON(strings.NewReader(body)); err == nil {
		x.body = value
	}
	return x, s.call(ctx, x, body)
}

// call makes the call of an exchange. An error means that it was not made, or that nobody waited for the answer.
func (x *explorer) call(ctx context.Context, e *exchange, body string) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case x.Requests > 0 && x.requests >= x.Requests && !x.shrinking:
		return errOver
	}
	req, err := x.request(e, body)
	if err != nil {
		return err
	}
	patient, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(x.Patience, func() { cancel(fmt.Errorf("nothing came for %v", x.Patience)) })
	defer timer.Stop()
	req = req.WithContext(patient)
	if err := x.authorize(patient, req, e.step.Credentials); err != nil {
		if !x.admitted && ctx.Err() == nil {
			x.spoiled = fmt.Errorf("the credentials cannot be set: %w", err)
		}
		return fmt.Errorf("the credentials: %w", err)
	}
	x.requests++
	report := contract.WithReport(func(found []contract.Violation) { e.violations = append(e.violations, found...) })
	resp, err := contract.NewTransport(x.transport, append(slices.Clip(x.checked), report)...).RoundTrip(req)
	if err == nil {
		e.status, e.header = resp.StatusCode, resp.Header
		e.answer, err = read(resp, func() { timer.Reset(x.Patience) })
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	x.heard = x.heard || e.status > 0
	x.admitted = x.admitted || e.success() && e.step.Credentials == Right && len(e.op.Security) > 0
	var network *net.OpError
	if !x.heard && errors.As(err, &network) && network.Op == "dial" {
		x.spoiled = fmt.Errorf("the service cannot be reached: %w", network.Err)
		return x.spoiled
	}
	e.failed = err
	if err != nil && patient.Err() != nil {
		e.failed = context.Cause(patient)
	}
	return nil
}

// errOver is that no further request may be made.
var errOver = errors.New("the requests are used up")

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 20

// read reads an answer to its end. progress is called whenever a part of it came.
func read(resp *http.Response, progress func()) (any, error) {
	defer resp.Body.Close()
	progress()
	var text bytes.Buffer
	piece := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(piece)
		text.Write(piece[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if text.Len() > maxAnswer {
			return nil, fmt.Errorf("the answer has more than %d MiB", maxAnswer>>20)
		}
		progress()
	}
	value, err := jsonschema.UnmarshalJSON(&text)
	if err != nil {
		return nil, nil // which the checker has an opinion about
	}
	return value, nil
}

// request builds a request.
func (x *explorer) request(e *exchange, body string) (*http.Request, error) {
	path, query := e.op.Path, make(url.Values)
	header := make(http.Header)
	var cookies []*http.Cookie
	for _, p := range e.op.Params {
		value, ok := e.params[p.Name]
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", escape(value))
		case !ok:
		case p.In == "query":
			query[p.Name] = inQuery(p, value)
		case p.In == "header":
			header.Set(p.Name, value)
		case p.In == "cookie":
			cookies = append(cookies, &http.Cookie{Name: p.Name, Value: value})
		}
	}
	address := x.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	method := e.op.Method
	if e.step.Method != "" {
		method = e.step.Method
	}
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, address, content)
	if err != nil {
		return nil, err
	}
	req.Header = header
	for _, cookie := range cookies {
		req.AddCookie(cookie)
	}
	req.Header.Set("Accept", "application/json")
	switch {
	case e.step.Media == "none" || body == "" && e.step.Media == "":
	case e.step.Media == "":
		req.Header.Set("Content-Type", "application/json")
	default:
		req.Header.Set("Content-Type", e.step.Media)
	}
	return req, nil
}

// inQuery returns the texts of a query parameter: those of a list stand one by one, or behind one another.
func inQuery(p *spec.Param, value string) []string {
	if !p.Array {
		return []string{value}
	}
	texts := strings.Split(value, ",")
	switch {
	case p.Explode && p.Style == "form":
		return texts
	case p.Style == "pipeDelimited":
		return []string{strings.Join(texts, "|")}
	case p.Style == "spaceDelimited":
		return []string{strings.Join(texts, " ")}
	}
	return []string{value}
}

// escape returns a value as a segment of a path, which nobody on the way takes for another place.
func escape(value string) string {
	if strings.Trim(value, ".") == "" {
		return strings.ReplaceAll(value, ".", "%2E")
	}
	return url.PathEscape(value)
}

// authorize sets credentials.
func (x *explorer) authorize(ctx context.Context, req *http.Request, c Credentials) error {
	if c == None || x.Authorize == nil {
		return nil
	}
	before := req.Header.Clone()
	query := req.URL.RawQuery
	if err := x.Authorize(ctx, req); err != nil {
		return err
	}
	if c == Right {
		return nil
	}
	for name, values := range req.Header {
		if slices.Equal(values, before[name]) || len(values) == 0 {
			continue
		}
		req.Header[name] = []string{spoil(values[0], c)}
	}
	if added, ok := strings.CutPrefix(req.URL.RawQuery, query); ok && added != "" {
		req.URL.RawQuery = query + spoil(added, Altered)
	}
	return nil
}

// spoil returns credentials that are no longer right.
func spoil(value string, c Credentials) string {
	scheme, rest, found := strings.Cut(value, " ")
	switch {
	case c == Scheme && strings.EqualFold(scheme, "bearer"):
		return "Basic " + rest
	case c == Scheme && found:
		return "Bearer " + rest
	}
	text := []byte(value)
	i := len(text) - 1 - min(len(text), 20)/2 // not the end, of which not every bit counts
	if text[i]++; text[i] == 'z'+1 || text[i] == 'Z'+1 || text[i] == '9'+1 {
		text[i] -= 2
	}
	return string(text)
}

// marshal returns a value as JSON.
func marshal(v any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
