// Package sandbox is the Aver service in a box, for tests and for development without an account.
//
//	func TestOnboarding(t *testing.T) {
//		sb := sandbox.Start(t)
//		client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL))
//		…
//	}
//
// It keeps everything in memory and behaves as far as the service is known: tokens expire, requests are checked
// against the contract, checks move from status to status, third-party identifiers are unique, uploaded images come
// back bit for bit. Words in an email address choose the outcome of a check; see [Outcomes].
package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// A Sandbox is the service. It is an [http.Handler] that serves the API below /api and the pages of the hosted
// enrollment below /enroll. Its methods may be called from any number of goroutines.
type Sandbox struct {
	config  config
	handler http.Handler
	tokens  tokens
	faults  faults
	images  store

	mu           sync.Mutex // guards what follows
	checks       map[string]*check
	byIdentifier map[string][]*check // by third-party identifier, oldest first
	links        map[string]*link    // by code
	searches     map[string]*search
	searchOf     map[string]*search // the newest of a check, by the check's ID
	repeats      int                // see Repeats
}

type config struct {
	key, secret    string
	group          Group
	organizationID string
	tokenTTL       time.Duration
	processing     time.Duration
	slow           time.Duration
	quirks         []Quirk
	faults         Faults
	now            func() time.Time
	docs           []byte
	basicPlan      bool
}

// An Option configures a [Sandbox].
type Option func(*config)

// WithCredentials sets the API key and secret that the sandbox accepts; by default they are made up.
func WithCredentials(key, secret string) Option {
	return func(c *config) { c.key, c.secret = key, secret }
}

// WithGroup sets the check group; [DefaultGroup] is the default. An empty ID is made up, and nil check types or
// watchlist categories are those of the default.
func WithGroup(g Group) Option { return func(c *config) { c.group = g } }

// WithTokenTTL sets how long a token lives; the default is 30 minutes, as the service documents.
func WithTokenTTL(ttl time.Duration) Option { return func(c *config) { c.tokenTTL = ttl } }

// WithProcessing sets how long a submitted check takes, and one with the word slow: the defaults are 0 and 3 seconds.
func WithProcessing(normal, slow time.Duration) Option {
	return func(c *config) { c.processing, c.slow = normal, slow }
}

// WithQuirks has the sandbox answer with the vendor's quirks.
func WithQuirks(quirks ...Quirk) Option {
	return func(c *config) { c.quirks = append(c.quirks, quirks...) }
}

// WithClock sets the clock, by which tokens expire and checks proceed; the default is [time.Now].
func WithClock(now func() time.Time) Option { return func(c *config) { c.now = now } }

// WithBasicPlan has the sandbox answer with 403 where the service asks for the Advanced plan: adding data and submitting
// through the API, check types of one's own, and the visual watchlist search.
func WithBasicPlan() Option { return func(c *config) { c.basicPlan = true } }

// WithDocs has the sandbox serve an HTML page at /docs, such as the API reference that make docs writes.
func WithDocs(page []byte) Option { return func(c *config) { c.docs = page } }

// A Group is a check group: its defaults decide what a check verifies.
type Group struct {
	ID                        string
	CheckTypes                []string // such as "DocumentVerification"
	SupplementalDocumentTypes []string // such as "UtilityBill"; each must be added before a check is submitted
	WatchlistCategories       []string // such as "Criminal"
	RecheckInterval           int      // days between repeated watchlist searches; 0 for none
	ExtendedPhoto             bool     // a check with a photograph needs a second one, taken as the photo instruction says
}

// DefaultGroup returns the group that a sandbox has without [WithGroup], with an ID made up.
func DefaultGroup() Group {
	return Group{
		ID: uuid.NewString(),
		CheckTypes: []string{
			"DocumentVerification", "PhotoVerification", "EmailVerification", "AddressVerification",
			"PhoneVerification", "RiskProfiling", "Watchlist",
		},
		WatchlistCategories: []string{"Criminal", "Terrorism", "Financial"},
	}
}

// New returns a sandbox. It holds memory, and one temporary file without a name once a large image was uploaded.
func New(opts ...Option) *Sandbox {
	c := config{
		slow: 3 * time.Second,
		now:  time.Now,
	}
	for _, opt := range opts {
		opt(&c)
	}
	c.key = cmp.Or(c.key, uuid.NewString())
	c.secret = cmp.Or(c.secret, newSecret())
	defaults := DefaultGroup()
	c.group.ID = cmp.Or(c.group.ID, defaults.ID)
	if c.group.CheckTypes == nil {
		c.group.CheckTypes = defaults.CheckTypes
	}
	if c.group.WatchlistCategories == nil {
		c.group.WatchlistCategories = defaults.WatchlistCategories
	}
	if c.tokenTTL <= 0 {
		c.tokenTTL = 30 * time.Minute
	}
	c.organizationID = uuid.NewString()

	s := &Sandbox{
		config:       c,
		tokens:       newTokens(c),
		checks:       make(map[string]*check),
		byIdentifier: make(map[string][]*check),
		links:        make(map[string]*link),
		searches:     make(map[string]*search),
		searchOf:     make(map[string]*search),
	}
	c.faults.Kinds = slices.DeleteFunc(slices.Clone(c.faults.Kinds), func(f Fault) bool { return !slices.Contains(allFaults, f) })
	s.faults.set(c.faults)
	s.handler = s.routes()
	return s
}

func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails
	return base64.StdEncoding.EncodeToString(b)
}

// Key returns the API key that the sandbox accepts.
func (s *Sandbox) Key() string { return s.config.key }

// Secret returns the secret that belongs to the key.
func (s *Sandbox) Secret() string { return s.config.secret }

// GroupID returns the ID of the check group.
func (s *Sandbox) GroupID() string { return s.config.group.ID }

// Format prints the sandbox without its secret, whatever the verb.
func (s *Sandbox) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "sandbox.Sandbox(group %s)", s.GroupID())
}

// RevokeTokens makes the sandbox refuse every token that it issued so far.
func (s *Sandbox) RevokeTokens() { s.tokens.revoke() }

// Exchanges returns how many tokens the sandbox issued, by either way.
func (s *Sandbox) Exchanges() int { return s.tokens.count() }

// ServeHTTP serves the API and the pages of the hosted enrollment.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Sandbox) routes() http.Handler {
	router := chi.NewRouter()
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, problem(http.StatusNotFound, "The sandbox has nothing at this address; the API is below /api."))
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, problem(http.StatusMethodNotAllowed, "The address exists, but not with this method."))
	})
	router.Get("/enroll/{code}", s.showEnrollment)
	router.Post("/enroll/{code}", s.finishEnrollment)
	router.Get("/docs", s.showDocs)
	router.Get("/sandbox/faults", s.showFaults)
	router.Put("/sandbox/faults", s.changeFaults)

	strict := server.NewStrictHandlerWithOptions(&service{Sandbox: s}, nil, server.StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  writeError,
		ResponseErrorHandlerFunc: writeError,
	})
	server.HandlerWithOptions(strict, server.ChiServerOptions{
		BaseURL:          "/api",
		BaseRouter:       router,
		Middlewares:      []server.MiddlewareFunc{s.validate, s.admitPlan, s.authenticate}, // the last one runs first
		ErrorHandlerFunc: writeError,
	})
	var handler http.Handler = router
	if len(s.config.quirks) > 0 {
		handler = s.serveQuirks(handler)
	}
	handler = s.serveFaults(handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", uuid.NewString())
		scheme := "http://"
		if r.TLS != nil {
			scheme = "https://"
		}
		ctx := withOrigin(r.Context(), scheme+r.Host)
		ctx = context.WithValue(ctx, chi.RouteCtxKey, (*chi.Context)(nil)) // forget a router around the sandbox
		handler.ServeHTTP(w, asDocumented(r.WithContext(ctx)))
	})
}

// showDocs answers GET /docs with the page of [WithDocs].
func (s *Sandbox) showDocs(w http.ResponseWriter, _ *http.Request) {
	if len(s.config.docs) == 0 {
		writeProblem(w, problem(http.StatusNotFound, "No reference was given to this sandbox; make docs writes it."))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(s.config.docs)
}

// asDocumented returns a request with the address that the documents have for it. One of the vendor's SDKs adds a slash to
// the end of the path, and its clients spell checkdoc in two more ways. An escaped slash is part of an ID and stays.
func asDocumented(r *http.Request) *http.Request {
	path, escaped := r.URL.Path, r.URL.EscapedPath()
	if len(path) > 1 && strings.HasSuffix(escaped, "/") {
		path, escaped = strings.TrimSuffix(path, "/"), strings.TrimSuffix(escaped, "/")
	}
	for _, spelling := range []string{"/api/checkdocument/", "/api/checkdocid/"} {
		if rest, ok := strings.CutPrefix(path, spelling); ok {
			path, escaped = "/api/checkdoc/"+rest, "/api/checkdoc/"+strings.TrimPrefix(escaped, spelling)
		}
	}
	if path == r.URL.Path {
		return r
	}
	r = r.Clone(r.Context())
	r.URL.Path = path
	if r.URL.RawPath != "" {
		r.URL.RawPath = escaped
	}
	return r
}

// A service implements the operations on a sandbox. An operation that it lacks is answered with 501.
type service struct {
	server.UnimplementedStrict
	*Sandbox
}

// TB is the part of [testing.TB] that [Start] uses.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// A Server is a sandbox that listens.
type Server struct {
	*Sandbox
	URL     string // the base URL of the API, such as http://127.0.0.1:41873/api
	Key     string
	Secret  string
	GroupID string
}

// Start serves a sandbox on a free port of the loopback interface until the test ends.
func Start(tb TB, opts ...Option) *Server {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("sandbox: %v", err)
	}
	s := New(opts...)
	httpServer := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = httpServer.Serve(s.Listener(listener))
	}()
	tb.Cleanup(func() {
		_ = httpServer.Close()
		<-done
	})
	return &Server{
		Sandbox: s,
		URL:     fmt.Sprintf("http://%s/api", listener.Addr()),
		Key:     s.Key(),
		Secret:  s.Secret(),
		GroupID: s.GroupID(),
	}
}

// Checks returns the IDs of the checks that exist, sorted.
func (s *Sandbox) Checks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(s.checks))
	for id := range s.checks {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
