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
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/sandbox/internal/server"
)

// A Sandbox is the service. It is an [http.Handler] that serves the API below /api and the pages of the hosted
// enrollment below /CheckEnrollment. Its methods may be called from any number of goroutines.
type Sandbox struct {
	Key, Secret string // the credentials that it accepts; to be read alone, as is the next
	GroupID     string // the ID of the check group

	config   config
	defaults defaults
	handler  http.Handler
	tokens   tokens
	faults   faults
	images   store

	notifier *notifier
	served   atomic.Pointer[[]Quirk]

	mu           sync.Mutex // guards what follows
	checks       map[string]*check
	byIdentifier map[string][]*check // by third-party identifier, oldest first
	people       people              // for look-ups
	links        map[string]*link    // by code
	sessions     map[string]*session // of the hosted enrollment, by token

	newestChecks   []*check // for the desk, as are the IDs of the next
	newestSearches []string
	searches       map[string]*search
	searchOf       map[string]*search // the newest of a check, by the check's ID
	repeats        int                // see Repeats

	operations map[string]operation // by method and path
	examples   examples             // of operations that the sandbox does not implement
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
	webhook        Webhook
	contract       *spec.Document // nil for the embedded one
}

// An Option configures a [Sandbox].
type Option func(*config) error

// WithCredentials sets the API key and secret that the sandbox accepts; what is empty is made up.
func WithCredentials(key, secret string) Option {
	return func(c *config) error {
		if strings.Contains(key, ":") {
			return errors.New("WithCredentials: the key contains a colon, which Basic credentials cannot hold (RFC 7617)")
		}
		if strings.ContainsFunc(key+secret, unicode.IsControl) {
			return errors.New("WithCredentials: there is a control character, which Basic credentials cannot hold (RFC 7617)")
		}
		c.key, c.secret = key, secret
		return nil
	}
}

// WithGroup sets the check group; [DefaultGroup] is the default. An empty ID is made up, and nil check types or
// watchlist categories are those of the default.
func WithGroup(g Group) Option {
	return func(c *config) error {
		g.CheckTypes, g.WatchlistCategories = slices.Clone(g.CheckTypes), slices.Clone(g.WatchlistCategories)
		g.SupplementalDocumentTypes = slices.Clone(g.SupplementalDocumentTypes)
		c.group = g
		return g.check()
	}
}

// WithTokenTTL sets how long a token lives; the default is 30 minutes, as the service documents.
func WithTokenTTL(ttl time.Duration) Option {
	return func(c *config) error {
		if ttl <= 0 {
			return errors.New("WithTokenTTL: the time must be positive")
		}
		c.tokenTTL = ttl
		return nil
	}
}

// WithProcessing sets how long a submitted check takes, and one with the word slow: the defaults are 0 and 3 seconds.
func WithProcessing(normal, slow time.Duration) Option {
	return func(c *config) error {
		if normal < 0 || slow < 0 {
			return errors.New("WithProcessing: a time is negative")
		}
		c.processing, c.slow = normal, slow
		return nil
	}
}

// WithQuirks has the sandbox answer with quirks of the vendor.
func WithQuirks(quirks ...Quirk) Option {
	return func(c *config) error {
		for _, q := range quirks {
			if err := q.check(); err != nil {
				return err
			}
		}
		c.quirks = append(c.quirks, quirks...)
		return nil
	}
}

// WithClock sets the clock, by which tokens expire and checks proceed; the default is [time.Now].
func WithClock(now func() time.Time) Option {
	return func(c *config) error {
		if now == nil {
			return errors.New("WithClock: the clock is nil")
		}
		c.now = now
		return nil
	}
}

// WithBasicPlan has the sandbox answer with 403 where the service asks for the Advanced plan: adding data and submitting
// through the API, check types of one's own, and the visual watchlist search.
func WithBasicPlan() Option {
	return func(c *config) error {
		c.basicPlan = true
		return nil
	}
}

// WithDocs has the sandbox serve an HTML page at /docs, such as the API reference that make docs writes.
func WithDocs(page []byte) Option {
	return func(c *config) error {
		c.docs = page
		return nil
	}
}

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

// check refuses a group of which the service knows something else.
func (g Group) check() error {
	for _, t := range g.CheckTypes {
		if !server.CheckType(t).Valid() {
			return fmt.Errorf("WithGroup: %q is no check type", t)
		}
	}
	for _, t := range g.SupplementalDocumentTypes {
		if !server.SupplementalDocumentType(t).Valid() {
			return fmt.Errorf("WithGroup: %q is no type of a supplemental document", t)
		}
	}
	for _, category := range g.WatchlistCategories {
		if !server.WatchlistCategory(category).Valid() {
			return fmt.Errorf("WithGroup: %q is no watchlist category", category)
		}
	}
	if g.RecheckInterval < 0 {
		return errors.New("WithGroup: the recheck interval is negative")
	}
	return nil
}

// New returns a sandbox, which serves HTTP as a handler; [Listen] and [Start] have it listen as well. It holds memory, and one
// temporary file without a name once a large image was uploaded. The error says which option is wrong.
func New(opts ...Option) (*Sandbox, error) {
	c := config{
		slow:     3 * time.Second,
		now:      time.Now,
		tokenTTL: 30 * time.Minute,
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&c); err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
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
	c.organizationID = uuid.NewString()
	ops := operations()
	if c.contract != nil {
		ops = operationsOf(c.contract)
		maps.Copy(ops, operations())
	}
	if err := c.faults.aimed(ops); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}

	s := &Sandbox{
		operations:   ops,
		Key:          c.key,
		Secret:       c.secret,
		GroupID:      c.group.ID,
		config:       c,
		defaults:     c.group.defaults(),
		tokens:       newTokens(c),
		checks:       make(map[string]*check),
		byIdentifier: make(map[string][]*check),
		people:       make(people),
		links:        make(map[string]*link),
		sessions:     make(map[string]*session),
		searches:     make(map[string]*search),
		searchOf:     make(map[string]*search),
	}
	s.faults.set(c.faults)
	s.notifier = newNotifier(c.webhook)
	s.served.Store(&c.quirks)
	s.handler = s.routes()
	return s, nil
}

func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails
	return base64.StdEncoding.EncodeToString(b)
}

// Format prints the sandbox without its secret, whatever the verb.
func (s *Sandbox) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "sandbox.Sandbox(group %s)", s.GroupID)
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
	s.routeEnrollment(router)
	router.Get("/docs", s.showDocs)
	router.Group(func(router chi.Router) {
		router.Use(http.NewCrossOriginProtection().Handler, ownHost) // no page of another site may change anything
		router.Get("/sandbox/faults", s.showFaults)
		router.Put("/sandbox/faults", s.changeFaults)
		s.routeWebhook(router)
		s.routeDesk(router)
	})

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
	s.routeExamples(router)
	handler := s.serveFaults(router, s.serveQuirks(router))
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
