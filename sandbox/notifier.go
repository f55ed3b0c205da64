package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// What the notifier does and keeps at most.
const (
	maxSenders    = 8
	maxPending    = 20_000
	maxDeliveries = 10_000
	maxUnfinished = 64
	sendTimeout   = 10 * time.Second
	maxDelay      = 2 * time.Second
	maxHeld       = time.Second
)

type message = server.StatusChangedNotification

// A Delivery is a notification that was sent, or was to be.
type Delivery struct {
	ID       string            `json:"id"` // of the delivery
	Type     string            `json:"type"`
	About    string            `json:"about"` // the ID of the check or the search
	Status   string            `json:"status"`
	Fault    NotificationFault `json:"fault,omitempty"`
	Time     time.Time         `json:"time"`
	Duration time.Duration     `json:"duration"`         // in nanoseconds, until the answer
	Answer   int               `json:"answer,omitempty"` // the HTTP status; 0 for none
	Error    string            `json:"error,omitempty"`  // why there is none

	message message
}

// A queued is a notification that is to be sent.
type queued struct {
	message     message
	fault       NotificationFault
	wrongHeader bool
	then        *queued // what is sent after it was answered; nil for nothing
}

// A notifier sends notifications in the background.
type notifier struct {
	ctx  context.Context
	stop context.CancelFunc

	mu         sync.Mutex // guards what follows
	webhook    Webhook
	client     *http.Client
	random     *rand.Rand
	counts     map[NotificationFault]int
	unfinished []string // the newest checks, to tell lies about
	pending    []queued
	held       *queued // to be sent after the next one
	senders    int
	open       int           // what is not sent yet
	idle       chan struct{} // closed when nothing is open
	deliveries []Delivery    // the newest
	serial     int
	ended      sync.WaitGroup // the senders
}

func newNotifier(w Webhook) *notifier {
	n := &notifier{idle: make(chan struct{})}
	close(n.idle)
	n.ctx, n.stop = context.WithCancel(context.Background())
	n.set(w)
	return n
}

func (n *notifier) set(w Webhook) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(w.Faults.Kinds) == 0 {
		w.Faults.Kinds = notificationFaults
	}
	n.webhook, n.counts = w, make(map[NotificationFault]int)
	n.random = rand.New(rand.NewPCG(w.Faults.Seed, 1))
	if n.client != nil {
		n.client.CloseIdleConnections()
	}
	dialer := &net.Dialer{Timeout: sendTimeout}
	if !w.AnyHost {
		dialer.Control = loopbackOnly
	}
	n.client = &http.Client{
		Timeout:       sendTimeout,
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: maxSenders, IdleConnTimeout: sendTimeout},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// loopbackOnly refuses connections to another computer, whatever a name resolved to.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	host, _, _ := net.SplitHostPort(address)
	if !isLoopback(host) {
		return errors.New("the URL is not one of this computer")
	}
	return nil
}

func (n *notifier) isSet() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.webhook.URL != ""
}

// close ends what is under way, and waits for it.
func (n *notifier) close() {
	n.mu.Lock()
	n.stop()
	n.mu.Unlock()
	n.ended.Wait()
}

// begun notes a check that is not done.
func (n *notifier) begun(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.unfinished = append(n.unfinished, id); len(n.unfinished) > maxUnfinished {
		n.unfinished = slices.Delete(n.unfinished, 0, 1)
	}
}

// send sends a notification, if its type was chosen, or has it go wrong.
func (n *notifier) send(m message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.webhook
	if w.URL == "" || len(w.Types) > 0 && !slices.Contains(w.Types, string(m.StatusMessage.Type)) {
		return
	}
	q := queued{message: m}
	if n.random.Float64() < w.Faults.Rate {
		q.fault = w.Faults.Kinds[n.random.IntN(len(w.Faults.Kinds))]
		n.counts[q.fault]++
	}
	switch q.fault {
	case NotificationLost:
		n.note(Delivery{Fault: q.fault, Time: time.Now(), Error: "it is lost on purpose", message: m})
		return
	case NotificationDoubled:
		n.queue(q)
		n.queue(q)
	case NotificationForged:
		forged := q
		forged.message, forged.wrongHeader = forge(m, n.random, n.unfinished)
		q.fault = ""
		pair := []queued{forged, q}
		n.random.Shuffle(2, func(i, j int) { pair[i], pair[j] = pair[j], pair[i] })
		n.queue(pair[0])
		n.queue(pair[1])
	case NotificationReordered:
		if n.held != nil { // it is the next one for that
			n.queue(q)
			return
		}
		n.opened(1)
		n.held = &q
		time.AfterFunc(maxHeld, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			if n.held == &q {
				n.held = nil
				n.push(q)
				n.opened(-1)
			}
		})
	case NotificationDelayed:
		n.opened(1)
		time.AfterFunc(time.Duration(n.random.Int64N(int64(maxDelay))), func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.queue(q)
			n.opened(-1)
		})
	default:
		n.queue(q)
	}
}

func (n *notifier) enqueue(q queued) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queue(q)
}

// queue has a sender send a notification, and after that the one that was held back for it. n.mu is held.
func (n *notifier) queue(q queued) {
	q.then, n.held = n.held, nil
	n.push(q)
}

// push has a sender send a notification. n.mu is held.
func (n *notifier) push(q queued) {
	if closed := n.ctx.Err() != nil; closed || len(n.pending) >= maxPending {
		if !closed {
			n.note(Delivery{Fault: q.fault, Time: time.Now(), Error: "too many are pending", message: q.message})
		}
		n.pushNext(q)
		return
	}
	n.pending = append(n.pending, q)
	n.opened(1)
	if n.senders < maxSenders {
		n.senders++
		n.ended.Go(n.sendPending)
	}
}

// pushNext pushes what was held back for a notification that is done with. n.mu is held.
func (n *notifier) pushNext(q queued) {
	if q.then != nil {
		n.push(*q.then)
		n.opened(-1)
	}
}

// opened counts what is not sent yet. n.mu is held.
func (n *notifier) opened(more int) {
	if n.open == 0 && more > 0 {
		n.idle = make(chan struct{})
	}
	if n.open += more; n.open == 0 {
		close(n.idle)
	}
}

// sendPending sends until nothing is pending.
func (n *notifier) sendPending() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.pending) > 0 {
		q := n.pending[0]
		n.pending = n.pending[1:]
		w, client := n.webhook, n.client
		n.mu.Unlock()
		d := n.post(w, client, q)
		n.mu.Lock()
		n.note(d)
		n.pushNext(q)
		n.opened(-1)
	}
	if n.senders--; n.senders == 0 {
		n.pending = nil
		n.client.CloseIdleConnections()
	}
}

// post sends a notification once.
func (n *notifier) post(w Webhook, client *http.Client, q queued) Delivery {
	d := Delivery{Fault: q.fault, Time: time.Now(), message: q.message}
	content, _ := json.Marshal(q.message) // it holds nothing that cannot be marshalled
	var body io.Reader = bytes.NewReader(content)
	ctx, cancel := context.WithCancel(n.ctx)
	defer cancel()
	switch q.fault {
	case NotificationDripped:
		body = &dripping{ctx: ctx, rest: content}
	case NotificationLeft:
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { cancel() }})
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, body)
	if err == nil {
		req.ContentLength = int64(len(content))
		req.Header.Set("Content-Type", "application/json")
		if w.Header != "" {
			value := w.Value
			if q.wrongHeader {
				value = "wrong-" + value
			}
			req.Header.Set(w.Header, value)
		}
		var resp *http.Response
		if resp, err = client.Do(req); err == nil {
			_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
			_ = resp.Body.Close()
			d.Answer = resp.StatusCode
		}
	}
	if d.Duration = time.Since(d.Time); err != nil {
		d.Error = cause(err)
	}
	return d
}

// cause returns why nothing was answered, without the URL, which may hold a secret.
func cause(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return fmt.Sprint(err)
}

// A dripping body comes in pieces of a few bytes.
type dripping struct {
	ctx  context.Context
	rest []byte
}

func (d *dripping) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	select {
	case <-time.After(time.Millisecond):
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
	n := copy(p, d.rest[:min(len(d.rest), 8)])
	d.rest = d.rest[n:]
	return n, nil
}

// note keeps what became of a notification. n.mu is held.
func (n *notifier) note(d Delivery) {
	n.serial++
	d.ID = strconv.Itoa(n.serial)
	m := d.message.StatusMessage
	d.Type, d.About, d.Status = string(m.Type), m.ID, string(m.Status)
	if n.deliveries = append(n.deliveries, d); len(n.deliveries) > maxDeliveries+maxDeliveries/4 {
		n.deliveries = slices.Clone(n.deliveries[len(n.deliveries)-maxDeliveries:])
	}
}

// Deliveries returns the notifications that were sent, or lost, as they ended: the newest ten thousand, oldest first.
func (s *Sandbox) Deliveries() []Delivery {
	s.notifier.mu.Lock()
	defer s.notifier.mu.Unlock()
	all := s.notifier.deliveries
	return slices.Clone(all[max(0, len(all)-maxDeliveries):])
}

// Redeliver sends the notification of a delivery again, to where notifications are sent now.
func (s *Sandbox) Redeliver(deliveryID string) error {
	n := s.notifier
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range slices.Backward(n.deliveries) {
		if d.ID == deliveryID {
			if n.webhook.URL == "" {
				return errors.New("sandbox: there is no webhook to send it to")
			}
			n.queue(queued{message: d.message})
			return nil
		}
	}
	return fmt.Errorf("sandbox: there is no delivery %.20q", deliveryID)
}

// Delivered waits until every notification that is due was sent and answered.
func (s *Sandbox) Delivered(ctx context.Context) error {
	s.notifier.mu.Lock()
	idle := s.notifier.idle
	s.notifier.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
