// Package explore calls a service with requests that nobody wrote: it makes them from the contract alone, valid ones and ones that
// break one rule, follows the contract's links from answer to request, and holds every answer against what the contract says.
//
//	provider, err := authprovider.New(key, secret, authprovider.WithBaseURL(url))
//	…
//	explorer := explore.Explorer{URL: url, Authorize: provider.Intercept, Values: map[string]string{"groupId": group}}
//	explorer.Test(t)
//
// What fails is made as small as it can be, and told with a curl line and a Go test ([Explorer.Try]) that show it again.
//
// It creates, changes and submits whatever the contract lets it. So it calls this machine alone, unless the host that may be charged
// for is named.
package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	crand "crypto/rand"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/internal/spec"
)

// An Explorer explores a service. Its methods may be called from several goroutines; each call explores by itself.
type Explorer struct {
	URL string // the base URL of the API

	// Authorize sets the credentials of a request, such as the Intercept of an authprovider.Provider. Without it operations that
	// need credentials are called for their refusal alone.
	Authorize func(context.Context, *http.Request) error

	// Values are what an account alone knows, by the names of properties and parameters, such as groupId.
	Values map[string]string

	Contract  *contract.Contract // nil for the embedded one
	Transport http.RoundTripper  // carries the calls; nil for one of its own

	Seed     uint64        // what is drawn at random follows from it; 0 for another one each time, which the report tells
	Time     time.Duration // for how long at most; 0 for a minute
	Requests int           // how many at most, beside those that make a failure smaller; 0 for as many as there is time for
	Patience time.Duration // for an answer, or for a value that appears late, such as a result; 0 for 10 seconds, a quarter of Time at most
	First    bool          // end with the first failure

	// Paying is the host, with its port if the URL has one, that may be explored although it is another machine: what is created
	// and submitted there may cost money.
	Paying string

	// Except are failures that are known: the kind and the operation, such as "valid refused addPhone". An asterisk stands for any text.
	Except []contract.Exception
}

// A Report is what exploring a service has shown.
type Report struct {
	Seed       uint64        `json:"seed"`
	Requests   int           `json:"requests"`
	Took       time.Duration `json:"took"`     // in nanoseconds
	Complete   bool          `json:"complete"` // every case that the contract gives rise to was tried
	Failures   []*Failure    `json:"failures"`
	Unreached  []string      `json:"unreached"` // operations that never answered with success
	Skipped    []string      `json:"skipped"`   // operations whose requests cannot be made, and why
	Excepted   int           `json:"excepted"`  // failures of Except
	Operations int           `json:"operations"`
}

// Run explores the service. opts are for the checker of the answers, such as [contract.WithLedger]. An error says that it could
// not begin; what the service does wrong is in the report, also when ctx ends.
func (e Explorer) Run(ctx context.Context, opts ...contract.Option) (*Report, error) {
	x, err := e.begin(opts)
	if err != nil {
		return nil, err
	}
	defer x.close()
	begun := time.Now()
	bounded, cancel := context.WithDeadline(ctx, begun.Add(cmp.Or(e.Time, time.Minute)))
	defer cancel()
	x.explore(bounded)
	told := slices.ContainsFunc(x.order, func(key string) bool { return x.failures[key].Kind != ShutDoor })
	if x.spoiled != nil && !told { // else what it does wrong may be why
		return nil, fmt.Errorf("explore: %w", x.spoiled)
	}
	r := x.report()
	r.Took = time.Since(begun)
	return r, nil
}

// TB is the part of [testing.TB] that is used.
type TB interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// Test explores the service, and reports each failure as an error of the test.
func (e Explorer) Test(tb TB, opts ...contract.Option) {
	tb.Helper()
	r, err := e.Run(tb.Context(), opts...)
	if err != nil {
		tb.Fatalf("%v", err)
		return
	}
	tb.Logf("explore: %d requests in %v, seed %d", r.Requests, r.Took.Round(time.Millisecond), r.Seed)
	for _, f := range r.Failures {
		tb.Errorf("explore: %s\n\n%s\n%s", f, f.Curl(e.URL), f.Test())
	}
}

// Try takes steps one after another and reports what is wrong with an answer as an error of the test: the test that a failure
// comes with.
func (e Explorer) Try(tb TB, steps ...Step) {
	tb.Helper()
	x, err := e.begin(nil)
	if err != nil {
		tb.Fatalf("%v", err)
		return
	}
	defer x.close()
	s := x.newStory()
	for i, step := range steps {
		if x.operation(step.Operation) == nil {
			tb.Fatalf("explore: step %d: the contract has no operation %q", i+1, step.Operation)
			return
		}
		got, err := s.take(tb.Context(), step, attempt{})
		if err != nil {
			tb.Fatalf("explore: step %d: %v", i+1, err)
			return
		}
		for _, f := range got {
			tb.Errorf("explore: step %d: %s", i+1, f.text)
		}
	}
}

// An explorer is an exploration that runs.
type explorer struct {
	Explorer
	base      string // of the URL, without a slash at its end
	document  *spec.Document
	ordered   []*spec.Operation // as they stand in the document
	checked   []contract.Option
	transport http.RoundTripper
	close     func()
	random    *rand.Rand

	requests  int
	complete  bool
	failures  map[string]*Failure // by what they have in common
	order     []string
	excepted  int
	reached   map[string]bool        // operations that answered with success
	refused   map[string]map[int]int // those that did not: by status, of what should have succeeded
	bodies    map[string]any         // examples of requests, by operation
	fresh     map[string]string      // values that creating operations gave, and by which request
	last      map[string]string      // the state in which something was seen last
	unmakable map[string]string      // why an operation's requests cannot be made, by operation
	issued    map[string]bool        // IDs that links gave
	heard     bool                   // the service answered, whatever it said
	admitted  bool                   // it did what was asked with the right credentials
	spoiled   error                  // why there is no use in going on: nothing was heard, or nobody is admitted
	grace     time.Time              // when failures that were found at the end are no longer made smaller
	following map[string]bool        // properties and parameters that links give
	tour      *story                 // the walk along all links
	shrinking bool                   // a failure is made smaller, for which there is always a request left
}

func (e Explorer) begin(opts []contract.Option) (*explorer, error) {
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("explore: the URL is none of http or https with a host, such as http://127.0.0.1:8080/api")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("explore: the URL holds more than scheme, host and path")
	}
	if e.Time < 0 || e.Requests < 0 || e.Patience < 0 {
		return nil, errors.New("explore: a limit is negative")
	}
	if !isLoopback(u.Hostname()) && u.Host != e.Paying {
		return nil, fmt.Errorf("explore: %s is another machine, where what is created and submitted may cost money; "+
			"name it as the host that may be explored all the same (Paying, or --i-pay %[1]s)", u.Host)
	}
	if e.Contract == nil {
		e.Contract = contract.Embedded()
	}
	if e.Seed == 0 {
		e.Seed = crandSeed()
	}
	e.Patience = min(cmp.Or(e.Patience, 10*time.Second), cmp.Or(e.Time, time.Minute)/4)
	x := &explorer{
		Explorer: e, base: strings.TrimSuffix(u.String(), "/"), document: e.Contract.Document(), close: func() {}, transport: e.Transport,
		random:   rand.New(rand.NewPCG(e.Seed, 0)),
		failures: make(map[string]*Failure), reached: make(map[string]bool), refused: make(map[string]map[int]int),
		bodies: make(map[string]any), fresh: make(map[string]string), last: make(map[string]string), following: make(map[string]bool),
		unmakable: make(map[string]string), issued: make(map[string]bool),
	}
	if x.transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		x.transport, x.close = own, own.CloseIdleConnections
	}
	x.checked = append(slices.Clip(opts), contract.WithContract(e.Contract), contract.WithResponsesOnly())
	x.ordered = slices.SortedFunc(slices.Values(x.document.Operations), func(a, b *spec.Operation) int {
		return x.document.Line(a.Pointer) - x.document.Line(b.Pointer)
	})
	if len(x.ordered) == 0 {
		return nil, errors.New("explore: the contract has no operations")
	}
	for _, except := range e.Except {
		if !slices.ContainsFunc(x.ordered, func(op *spec.Operation) bool {
			return slices.ContainsFunc(kinds, func(kind Kind) bool { return except.Matches(string(kind) + " " + op.ID) })
		}) {
			return nil, fmt.Errorf("explore: no failure is called %q; want a kind and an operation, such as %q", except.What,
				"valid refused "+x.ordered[0].ID)
		}
	}
	for _, op := range x.ordered {
		for _, l := range x.linksOf(op) {
			for name := range l.Params {
				x.following[l.To.ID+" "+name] = true
			}
			for name := range spec.Object(l.Body) {
				x.following[l.To.ID+" /"+spec.Escape(name)] = true
			}
		}
	}
	return x, nil
}

func crandSeed() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // it never fails
	seed := uint64(0)
	for _, c := range b[:6] { // short enough to be typed, and exact as a number of JSON
		seed = seed<<8 | uint64(c)
	}
	return max(seed, 1)
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// linksOf returns the links of an operation's successes.
func (x *explorer) linksOf(op *spec.Operation) []*spec.Link {
	var links []*spec.Link
	for _, status := range op.Successes() {
		links = append(links, x.document.LinksOf(op, status)...)
	}
	return links
}

func (x *explorer) operation(id string) *spec.Operation {
	for _, op := range x.ordered {
		if op.ID == id {
			return op
		}
	}
	return nil
}

// stated returns what an operation says under an extension.
func (x *explorer) stated(op *spec.Operation, extension string) any {
	_, node := x.document.Resolve(op.Pointer)
	return spec.Member(node, extension)
}

// over reports whether there is no time, or no request, left; or nothing more to be found.
func (x *explorer) over(ctx context.Context) bool {
	return ctx.Err() != nil || x.spoiled != nil || x.Requests > 0 && x.requests >= x.Requests || x.First && len(x.failures) > 0
}

func (x *explorer) report() *Report {
	r := &Report{Seed: x.Seed, Requests: x.requests, Complete: x.complete, Excepted: x.excepted, Operations: len(x.ordered), Failures: []*Failure{},
		Unreached: []string{}, Skipped: []string{}}
	for _, key := range x.order {
		r.Failures = append(r.Failures, x.failures[key])
	}
	for _, op := range x.ordered {
		if why := x.unmade(op); why != "" {
			r.Skipped = append(r.Skipped, op.ID+": "+why)
		} else if !x.reached[op.ID] {
			r.Unreached = append(r.Unreached, op.ID)
		}
	}
	return r
}
