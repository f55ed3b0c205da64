// Package simulation runs the client, the sandbox and the receiver of notifications in virtual time, over a network in memory: a seed
// is a history of callers who create, fill, submit and follow checks while connections break at any byte, clocks step, tokens
// expire, the service is restarted or away for an hour, and callers leave. After each history it must be true that nothing was
// done twice, that nobody was told what is not so, and that nothing is left behind.
package simulation_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/webhook"
)

var (
	seeds = flag.Int("seeds", 200, "how many histories")
	first = flag.Uint64("seed", 1, "the seed of the first one")
	trace = flag.Bool("tell", false, "tell of each request that the service gets")
)

// Every history ends well.
func TestHistories(t *testing.T) {
	begun := time.Now()
	var simulated time.Duration
	var calls int64
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		ok := t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t, seed)
				h.run()
				simulated += h.took
				calls += h.requests.Load()
			})
		})
		if !ok {
			t.Fatalf("to see it again: go test ./internal/simulation -run Histories -v -seeds 1 -seed %d -tell", seed)
		}
	}
	real := time.Since(begun)
	fmt.Printf("%d histories in %.1f s: %.0f a second, %d requests, simulated time %.0f : 1\n", *seeds, real.Seconds(),
		float64(*seeds)/real.Seconds(), calls,
		simulated.Seconds()/real.Seconds())
}

// A history is what happens with one seed.
type history struct {
	t        *testing.T
	seed     uint64
	r        *rand.Rand // of the world; each caller has one of their own
	net      *network
	box      *sandbox.Sandbox
	client   *api.Client
	receiver *webhook.Receiver
	offset   atomic.Int64 // of the service's clock
	requests atomic.Int64
	began    time.Time
	took     time.Duration

	astray     atomic.Bool    // some answers lead elsewhere
	gateway    atomic.Bool    // some answers are those of a gateway that gave up
	behind     sync.WaitGroup // what goes on behind it
	exchanging atomic.Int64   // exchanges that go on
	away       atomic.Bool    // the service answers 503

	mu      sync.Mutex
	handled map[string]int // how often an event was handled, by its key
	failed  map[string]bool
	ids     []string // of checks that were submitted
}

func newHistory(t *testing.T, seed uint64) *history {
	r := random(seed, "world", 0)
	h := &history{t: t, seed: seed, r: r, net: newNetwork(seed, []float64{0, 0.05, 0.2, 0.5}[r.IntN(4)]), began: time.Now(),
		handled: make(map[string]int), failed: make(map[string]bool)}
	h.astray.Store(r.IntN(4) == 0)
	// What a gateway leaves behind may take longer than the recovery window: then its answer must arrive, for from a connection
	// that broke nobody can tell that the service goes on (docs/reliability.md).
	h.gateway.Store(h.net.rate == 0 && r.IntN(2) == 0)
	var err error
	h.box, err = sandbox.New(
		sandbox.WithCredentials("key", "secret-of-the-simulation"),
		sandbox.WithGroup(sandbox.Group{ID: "group", CheckTypes: []string{"DocumentVerification", "EmailVerification"}}),
		sandbox.WithClock(func() time.Time { return time.Now().Add(time.Duration(h.offset.Load())) }),
		sandbox.WithTokenTTL([]time.Duration{5 * time.Second, time.Minute, 30 * time.Minute}[r.IntN(3)]),
		sandbox.WithProcessing(time.Duration(r.IntN(20))*time.Second, time.Minute),
		sandbox.WithFaults(sandbox.Faults{Rate: []float64{0, 0, 0.1, 0.4}[r.IntN(4)], Seed: seed, Kinds: answers}),
	)
	if err != nil {
		t.Fatal(err)
	}
	h.client, err = api.New("key", "secret-of-the-simulation", api.WithBaseURL("http://"+h.net.host+"/api"),
		api.WithHTTPClient(&http.Client{Transport: h.net.transport()}))
	if err != nil {
		t.Fatal(err)
	}
	h.receiver, err = webhook.New(h.handle, webhook.WithSecret("X-Proof", "proof"), webhook.WithClient(h.client))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// answers are the faults of the service itself; those of connections are the network's.
var answers = []sandbox.Fault{
	sandbox.FaultDelay, sandbox.FaultRateLimit, sandbox.FaultRateLimitBare, sandbox.Fault500, sandbox.Fault502, sandbox.Fault503,
	sandbox.FaultTruncated, sandbox.FaultGarbage, sandbox.FaultContentType, sandbox.FaultExpiredToken, sandbox.FaultRevokedToken,
	sandbox.FaultDrip, sandbox.FaultLag,
}

func (h *history) wrong(format string, args ...any) {
	h.t.Helper()
	h.t.Errorf("after %v: "+format, append([]any{time.Since(h.began).Round(time.Millisecond)}, args...)...)
}

// run lets the history happen, and looks at what is left of it.
func (h *history) run() {
	ctx, cancel := context.WithCancel(h.t.Context())
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	var service, world, callers sync.WaitGroup
	service.Go(func() { _ = server.Serve(h.net) })
	world.Go(func() { h.happen(ctx) })
	n := 1 + h.r.IntN(4)
	for i := range n {
		callers.Go(func() { h.caller(ctx, i) })
	}
	callers.Wait()
	cancel()
	world.Wait()

	// The world is well again, and the receiver is told what it may have missed.
	h.net.setDown(false)
	h.away.Store(false)
	h.astray.Store(false)
	h.gateway.Store(false)
	h.behind.Wait()
	if err := h.box.SetFaults(sandbox.Faults{}); err != nil {
		h.t.Fatal(err)
	}
	h.net.mu.Lock()
	h.net.rate = 0
	h.net.mu.Unlock()
	ctx = as(h.t.Context(), "afterwards")
	time.Sleep(3 * time.Hour) // what is in flight arrives, and checks are done, by whatever clock
	h.mu.Lock()
	ids := append([]string(nil), h.ids...)
	h.mu.Unlock()
	for range 20 {
		if err := h.receiver.Reconcile(ctx, ids...); err == nil {
			break
		}
	}
	h.verdict(ids)
	_ = h.client.Close()
	_ = server.Close()
	service.Wait()
	h.took = time.Since(h.began)
}

// ServeHTTP is the service, which may be away, and which nobody may ask for two tokens at once.
func (h *history) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.requests.Add(1)
	if *trace {
		told := &tracing{ResponseWriter: w}
		arrived := time.Since(h.began)
		defer func() {
			h.t.Logf("%v to %v: %s %s: %d", arrived, time.Since(h.began), r.Method, r.URL.Path, told.status)
		}()
		w = told
	}
	if strings.HasSuffix(r.URL.Path, "/auth/token") {
		if h.exchanging.Add(1) > 1 {
			h.wrong("two exchanges at once")
		}
		defer h.exchanging.Add(-1)
	} else if strings.HasPrefix(r.Header.Get("Authorization"), "Basic") {
		h.wrong("key and secret go with %s", r.URL.Path)
	}
	time.Sleep(time.Duration(1+len(r.URL.Path)%40) * time.Millisecond)
	switch {
	case h.away.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case h.gateway.Load() && h.requests.Load()%11 == 0: // a gateway gives up, and the service goes on
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		later := r.Clone(context.WithoutCancel(r.Context()))
		later.Body = io.NopCloser(bytes.NewReader(body))
		h.behind.Go(func() {
			defer func() { _ = recover() }() // a fault that breaks a connection which is none any more
			time.Sleep(time.Duration(1+h.requests.Load()%40) * time.Second)
			h.box.ServeHTTP(httptest.NewRecorder(), later)
		})
		w.WriteHeader(http.StatusGatewayTimeout)
		return
	case h.astray.Load() && h.requests.Load()%23 == 0: // an answer that leads elsewhere, where nobody may follow
		w.Header().Set("Location", "http://elsewhere.example"+r.URL.Path)
		w.WriteHeader([]int{301, 302, 307, 308}[h.requests.Load()/23%4])
		return
	}
	h.box.ServeHTTP(w, r)
}

// A tracing writer knows the status of its answer.
type tracing struct {
	http.ResponseWriter
	status int
}

func (w *tracing) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *tracing) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// happen is what happens to the service while callers call it.
func (h *history) happen(ctx context.Context) {
	r := random(h.seed, "events", 0)
	for range r.IntN(6) {
		if sleep(ctx, time.Duration(r.IntN(20_000))*time.Millisecond) != nil {
			return
		}
		kind := r.IntN(5)
		if h.gateway.Load() && (kind == 0 || kind == 4) {
			continue
		}
		switch kind {
		case 0: // a restart: connections break, tokens are forgotten
			h.net.setDown(true)
			h.net.cutAll()
			h.box.RevokeTokens()
			err := sleep(ctx, time.Duration(r.IntN(3000))*time.Millisecond)
			h.net.setDown(false)
			if err != nil {
				return
			}
		case 1: // an outage, up to an hour
			h.away.Store(true)
			err := sleep(ctx, time.Duration(r.IntN([]int{2, 60, 3600}[r.IntN(3)]))*time.Second)
			h.away.Store(false)
			if err != nil {
				return
			}
		case 2: // the service's clock steps
			h.offset.Add(int64(time.Duration(r.IntN(7200)-3600) * time.Second))
		case 3:
			h.box.RevokeTokens()
		case 4:
			h.net.cutAll()
		}
	}
}

// caller is somebody who verifies a person.
func (h *history) caller(ctx context.Context, number int) {
	name := fmt.Sprint("caller ", number)
	r := random(h.seed, name, 0)
	ctx = as(ctx, name)
	person := fmt.Sprint("person-", number)
	// Some leave in the middle of a call.
	call := func(f func(ctx context.Context) error) error {
		ctx, cancel := ctx, context.CancelFunc(func() {})
		if r.IntN(4) == 0 {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(1+r.IntN([]int{150, 4000}[r.IntN(2)]))*time.Millisecond)
		}
		defer cancel()
		return f(ctx)
	}
	if r.IntN(2) == 0 {
		_ = sleep(ctx, time.Duration(r.IntN(10_000))*time.Millisecond)
	}

	var id string
	err := call(func(ctx context.Context) error {
		created, err := h.client.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: person, GroupID: "group",
			Email: person + "@example.com"})
		if err == nil {
			id = created.CheckID
		}
		return err
	})
	time.Sleep(time.Minute) // what is on its way arrives
	existing := h.box.ChecksOf(person)
	h.told("createCheck", err, len(existing))
	if err == nil && (len(existing) != 1 || existing[0] != id) {
		h.wrong("%s holds %s, and there are %v", name, id, existing)
	}
	if len(existing) == 0 {
		return
	}
	id = existing[0] // who was not told looks it up

	again := func(f func(ctx context.Context) error) (err error) {
		for range 8 {
			if err = call(f); err == nil || !errors.Is(err, api.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) &&
				!errors.Is(err, api.ErrOutcomeUnknown) && !errors.Is(err, api.ErrUnauthorized) && !errors.Is(err, api.ErrUnexpectedResponse) {
				return err
			}
			_ = sleep(ctx, 20*time.Minute)
		}
		return err
	}
	err = again(func(ctx context.Context) error {
		return h.client.AddPersonalInfo(ctx, id, api.AddPersonalInfoRequest{FirstName: "A", LastName: "Person"})
	})
	if err != nil {
		return
	}
	image := append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte{byte(number)}, r.IntN(60_000))...)
	for _, side := range []api.DocumentSide{api.DocumentSideFront, api.DocumentSideBack} {
		err := again(func(ctx context.Context) error {
			return h.client.AddIDDocumentWithImage(ctx, id, api.AddIDDocumentWithImageRequest{Type: api.DocumentTypeNADriverLicense, Side: side,
				Image: api.ImageBytes("image.jpg", image)})
		})
		if err != nil {
			return
		}
	}
	err = call(func(ctx context.Context) error { _, err := h.client.SubmitCheck(ctx, id); return err })
	time.Sleep(time.Minute)
	h.told("submitCheck", err, h.box.Submissions(id))
	if h.box.Submissions(id) == 0 {
		return
	}
	h.mu.Lock()
	h.ids = append(h.ids, id)
	h.mu.Unlock()
	h.follow(ctx, r, id, image)
}

// told holds what a caller was told about a charged call against what is.
func (h *history) told(operation string, err error, times int) {
	h.t.Helper()
	var failure *api.Error
	switch {
	case times > 1:
		h.wrong("%s happened %d times", operation, times)
	case err == nil && times != 1:
		h.wrong("%s succeeded, and nothing is there", operation)
	case err == nil, errors.Is(err, api.ErrOutcomeUnknown):
	case !errors.As(err, &failure):
		h.wrong("%s: an error of another type: %v", operation, err)
	case times == 1 && !strings.Contains(err.Error(), "may have been performed"):
		h.wrong("%s was performed, and its caller was told: %v", operation, err)
	}
	if err != nil && strings.Contains(err.Error(), "secret-of-the-simulation") {
		h.wrong("the secret is told: %v", err)
	}
}

// follow waits for the end of a check, and reads what there is.
func (h *history) follow(ctx context.Context, r *rand.Rand, id string, image []byte) {
	if r.IntN(2) == 0 { // the service notifies
		h.notify(ctx, r, id)
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Hour)
	defer cancel()
	check, err := h.client.WaitForCheck(ctx, id)
	if err != nil {
		return
	}
	if !check.Status.Final() {
		h.wrong("a wait ended at %s", check.Status)
	}
	results, err := h.client.GetCheckResults(ctx, id)
	if err != nil || results.CheckResults == nil || results.CheckResults.IdentificationDocument == nil {
		return
	}
	var got bytes.Buffer
	if _, err := h.client.DownloadCheckDocument(ctx, id, results.CheckResults.IdentificationDocument.FrontID, &got); err == nil &&
		!bytes.Equal(got.Bytes(), image) {
		h.wrong("an image of %d bytes came back with %d", len(image), got.Len())
	}
}

// notify sends notifications, some of them too early, doubled or forged.
func (h *history) notify(ctx context.Context, r *rand.Rand, id string) {
	for range 1 + r.IntN(3) {
		about, proof := id, "proof"
		switch r.IntN(5) {
		case 0:
			about = "another-check"
		case 1:
			proof = "forged"
		}
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/aver", strings.NewReader(
			fmt.Sprintf(`{"statusMessage":{"type":"OfflineCheck","id":%q,"groupId":"group","status":"Completed"}}`, about)))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Proof", proof)
		w := httptest.NewRecorder()
		h.receiver.ServeHTTP(w, req)
		_, _ = io.Copy(io.Discard, w.Body)
		_ = sleep(ctx, time.Duration(r.IntN(15))*time.Second)
	}
}

// handle is the application's handler, which fails at times.
func (h *history) handle(_ context.Context, e webhook.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.failed[e.Key()] && random(h.seed, "handler", len(h.failed)).IntN(3) == 0 {
		h.failed[e.Key()] = true
		return errors.New("the application is not ready")
	}
	h.handled[e.Key()]++
	if e.Check == nil || !e.Check.Status.Final() {
		h.wrong("an event without an end: %v", e)
	}
	return nil
}

// verdict looks at what is left of a history.
func (h *history) verdict(ids []string) {
	if n := h.box.Repeats(); n > 0 {
		h.wrong("%d creates or submits were asked for twice", n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, n := range h.handled {
		if n > 1 {
			h.wrong("%s was handled %d times", key, n)
		}
	}
	if len(h.handled) != len(ids) {
		h.wrong("%d checks ended, and %d ends were handled", len(ids), len(h.handled))
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for _, wrong := range h.net.wrong {
		h.wrong("%s", wrong)
	}
}
