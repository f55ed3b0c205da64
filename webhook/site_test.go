package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "proof-of-the-portal"

// A site is a sandbox, a receiver of its notifications, and what came of them.
type site struct {
	t        *testing.T
	sandbox  *sandbox.Server
	client   *api.Client
	receiver *webhook.Receiver
	url      string

	mu         sync.Mutex
	handle     webhook.Handler // after it was counted
	events     []webhook.Event
	deliveries []webhook.Delivery
	posted     int
}

func newSite(t *testing.T, opts ...webhook.Option) *site {
	t.Helper()
	s := &site{t: t, handle: func(context.Context, webhook.Event) error { return nil }}
	s.sandbox = sandbox.Start(t, sandbox.WithProcessing(0, 50*time.Millisecond))
	var err error
	if s.client, err = api.New(s.sandbox.Key, s.sandbox.Secret, api.WithBaseURL(s.sandbox.URL)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.client.Close() })
	s.receiver, err = webhook.New(s.take, append([]webhook.Option{
		webhook.WithSecret("x-proof", secret, "an-older-proof"), webhook.WithClient(s.client), webhook.WithHook(s.note),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.receiver)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *site) take(ctx context.Context, e webhook.Event) error {
	s.mu.Lock()
	s.events = append(s.events, e)
	handle := s.handle
	s.mu.Unlock()
	return handle(ctx, e)
}

// end waits for a delivery that is told to the hook after the answer.
func (s *site) end(outcome webhook.Outcome) webhook.Delivery {
	for {
		s.mu.Lock()
		for _, d := range s.deliveries {
			if d.Outcome == outcome {
				s.mu.Unlock()
				return d
			}
		}
		s.mu.Unlock()
		runtime.Gosched()
	}
}

func (s *site) note(_ context.Context, d webhook.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries = append(s.deliveries, d)
}

// last returns the newest delivery, of which the hook is told right after the answer.
func (s *site) last() webhook.Delivery {
	s.t.Helper()
	for {
		s.mu.Lock()
		n := len(s.deliveries)
		if n >= s.posted {
			defer s.mu.Unlock()
			return s.deliveries[n-1]
		}
		s.mu.Unlock()
		runtime.Gosched()
	}
}

func (s *site) outcomes() []webhook.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []webhook.Outcome
	for _, d := range s.deliveries {
		all = append(all, d.Outcome)
	}
	return all
}

func (s *site) handled() []webhook.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// subscribe has the sandbox send to the receiver.
func (s *site) subscribe() {
	s.t.Helper()
	if err := s.sandbox.SetWebhook(sandbox.Webhook{URL: s.url, Header: "X-Proof", Value: secret}); err != nil {
		s.t.Fatal(err)
	}
}

// check creates a check and submits it.
func (s *site) check(email string) string {
	s.t.Helper()
	id := s.begin(email)
	if _, err := s.client.SubmitCheck(s.t.Context(), id); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *site) begin(email string) string {
	s.t.Helper()
	created, err := s.client.CreateCheck(s.t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: email, GroupID: s.sandbox.GroupID, Email: email,
		CheckTypes: []api.CheckType{api.CheckTypeEmailVerification}})
	if err != nil {
		s.t.Fatal(err)
	}
	return created.CheckID
}

func (s *site) search(name string) string {
	s.t.Helper()
	found, err := s.client.SearchWatchlists(s.t.Context(), api.SearchWatchlistsRequest{GroupID: s.sandbox.GroupID, BusinessName: name})
	if err != nil {
		s.t.Fatal(err)
	}
	return found.ID
}

// post sends a body with headers, in pairs.
func (s *site) post(body string, headers ...string) int {
	s.t.Helper()
	status, _ := s.send(http.MethodPost, body, append([]string{"X-Proof", secret}, headers...)...)
	return status
}

func (s *site) send(method, body string, headers ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	s.mu.Lock()
	s.posted++
	s.mu.Unlock()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode, string(answer)
}

func notification(about, id, status string) string {
	body, _ := json.Marshal(map[string]any{"statusMessage": map[string]string{"type": about, "id": id, "groupId": " g", "status": status}})
	return string(body)
}
