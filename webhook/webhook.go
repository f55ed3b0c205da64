// Package webhook receives the notifications by which the service tells that a check or a watchlist search is done.
//
//	receiver, err := webhook.New(handle, webhook.WithSecret("Authorization", secret), webhook.WithClient(client))
//	http.Handle("POST /aver", receiver)
//
//	func handle(ctx context.Context, event webhook.Event) error
//
// A notification proves nothing by itself: it has no signature, no time and no number, and whoever knows the secret can send
// any. So the receiver reads the state back through the API, and the handler gets what the service says there. Whether the
// service repeats a notification, and in which order they come, is not documented. The receiver takes them in any order, hands
// each outcome to the handler once, and answers with success only after the handler returned nil. What was lost on its way is
// brought by [Receiver.Reconcile], or by api.Client.WaitForCheck with [Receiver.Wake].
package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/goaver/aver-go/api"
)

const (
	maxBody = 64 << 10 // how large a notification may be, in bytes; the known one has some two hundred
	maxID   = 256      // how long an ID may be; the known ones are UUIDs
)

// A Handler is told of an event. When it returns nil, the event counts as handled and does not come again; an error, or a
// panic, has the service answered with 500, and the event may come again. The context ends after the time of [WithTimeout], and
// not when the service hangs up. It is called from many goroutines at once, but for one outcome once at a time, as long as it
// returns before its claim ends in a [Store] whose claims do. What [Event.Final] is not is not done: such events come when a
// notification says what nobody knows yet.
type Handler func(ctx context.Context, event Event) error

// A Receiver is an [http.Handler] for the URL that is configured in the portal. It may be used by any number of goroutines.
type Receiver struct {
	handle   Handler
	settings settings
	waiting  waiting
}

// New returns a receiver. It refuses to be without a secret, unless [WithoutSecret] says so.
func New(handle Handler, opts ...Option) (*Receiver, error) {
	if handle == nil {
		return nil, errors.New("webhook: the handler is nil")
	}
	r := &Receiver{handle: handle, settings: settings{timeout: defaultTimeout}}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&r.settings); err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
	}
	if len(r.settings.secrets) == 0 && !r.settings.open {
		return nil, errors.New("webhook: there is no secret: give WithSecret the header that is configured in the portal, or WithoutSecret")
	}
	if len(r.settings.secrets) > 0 && r.settings.open {
		return nil, errors.New("webhook: WithSecret and WithoutSecret exclude each other")
	}
	if r.settings.store == nil {
		r.settings.store = newMemory(maxRemembered, maxAge)
	}
	return r, nil
}

// Format prints the receiver without its secrets, whatever the verb.
func (r *Receiver) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "webhook.Receiver") }

// ServeHTTP takes a notification. The answers are 204 for what is done, be it handled, known already, or about nothing that
// exists; 401, 405, 413, 415 and 400 for what is no notification; 500 when the handler failed; and 503 when it cannot be
// handled now and may come again. They hold nothing of the notification.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	d := Delivery{began: time.Now()}
	ctx := context.WithoutCancel(req.Context())
	until := limitReading(w, req, r.settings.timeout)
	if d.Outcome, d.Status = r.refuse(req); d.Outcome == "" {
		var body []byte
		if body, d = r.read(w, req, d); d.Outcome == "" {
			until(0)
			d = r.receive(ctx, body, d)
		}
	}
	if d.Outcome == Unauthorized || d.Outcome == Invalid {
		w.Header().Set("Connection", "close") // what is left of the body is of no use
		until(time.Second)
	}
	answer(w, d.Status)
	_ = http.NewResponseController(w).Flush() // the sender does not wait for the hook
	r.report(ctx, d)
}

// refuse says what is wrong with a request before its body is read.
func (r *Receiver) refuse(req *http.Request) (Outcome, int) {
	switch {
	case !r.settings.admits(req.Header):
		return Unauthorized, http.StatusUnauthorized
	case req.Method != http.MethodPost:
		return Invalid, http.StatusMethodNotAllowed
	case !isJSON(req.Header.Get("Content-Type")):
		return Invalid, http.StatusUnsupportedMediaType
	case req.ContentLength > maxBody:
		return Invalid, http.StatusRequestEntityTooLarge
	}
	return "", 0
}

// admits reports whether a header proves the sender. It takes the same time for every wrong value.
func (s *settings) admits(h http.Header) bool {
	if s.open {
		return true
	}
	given := h.Values(s.header)
	if len(given) != 1 {
		return false
	}
	digest, found := sha256.Sum256([]byte(given[0])), 0
	for _, secret := range s.secrets {
		found |= subtle.ConstantTimeCompare(digest[:], secret[:])
	}
	return found == 1
}

// isJSON reports whether a media type is one of JSON, or none is declared.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return contentType == "" || err == nil && (strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json"))
}

// limitReading has the body be read within a time, where the server does not have it read sooner. until changes that; 0 is for
// no limit, once all is read.
func limitReading(w http.ResponseWriter, req *http.Request, timeout time.Duration) (until func(time.Duration)) {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	server, _ := req.Context().Value(http.ServerContextKey).(*http.Server)
	if server != nil && server.ReadTimeout > 0 && server.ReadTimeout <= timeout {
		return func(time.Duration) {}
	}
	control := http.NewResponseController(w)
	until = func(limit time.Duration) {
		end := time.Time{}
		if limit > 0 {
			end = time.Now().Add(limit)
		}
		_ = control.SetReadDeadline(end) // a server that cannot has limits of its own
	}
	until(timeout)
	return until
}

// read reads the body, as far as the limits of size and time allow.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request, d Delivery) ([]byte, Delivery) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		d.Outcome, d.Status = Invalid, http.StatusRequestEntityTooLarge
	case err != nil:
		d.Outcome, d.Status, d.Err = Invalid, http.StatusBadRequest, errors.New("the body broke off")
	}
	return body, d
}

// receive takes the body of a notification.
func (r *Receiver) receive(ctx context.Context, body []byte, d Delivery) Delivery {
	notification, err := api.ReadNotification(body)
	if err != nil {
		d.Outcome, d.Status, d.Err = Invalid, http.StatusBadRequest, err
		return d
	}
	if d.Event = eventOf(notification); len(d.Event.ID) > maxID {
		d.Outcome, d.Status, d.Err = Invalid, http.StatusBadRequest, errors.New("the ID is too long")
		return d
	}
	r.waiting.wake(d.Event.ID)
	ctx, cancel := context.WithDeadline(ctx, d.began.Add(r.settings.timeout))
	return r.confirm(ctx, cancel, d)
}

// answer answers with a status and its name.
func answer(w http.ResponseWriter, status int) {
	switch status {
	case http.StatusNoContent:
		w.WriteHeader(status)
		return
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
	}
	http.Error(w, http.StatusText(status), status)
}
