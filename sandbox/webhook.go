package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// A Webhook says where the sandbox sends notifications: what the portal asks for.
type Webhook struct {
	URL    string   `json:"url"`             // empty for none
	Header string   `json:"header"`          // the name of a header that proves the sender; empty for none
	Value  string   `json:"value,omitempty"` // its value, as it is
	Types  []string `json:"types,omitempty"` // such as "LiveCheck"; none for all

	// AnyHost allows a URL beyond this computer. Otherwise nothing is sent there, so that a sandbox which others can reach
	// cannot be used to call elsewhere.
	AnyHost bool `json:"-"`

	Faults NotificationFaults `json:"faults"`
}

// A NotificationFault is a way in which a notification goes wrong.
type NotificationFault string

// The faults of notifications.
const (
	NotificationLost      NotificationFault = "lose"    // it is not sent
	NotificationDoubled   NotificationFault = "double"  // it is sent twice at once
	NotificationReordered NotificationFault = "reorder" // it is sent after the next one, or a second later
	NotificationDelayed   NotificationFault = "delay"   // it is sent up to two seconds later
	NotificationForged    NotificationFault = "forge"   // one that is not true is sent beside it
	NotificationDripped   NotificationFault = "drip"    // its body comes in small pieces
	NotificationLeft      NotificationFault = "leave"   // the connection is closed before the answer
)

var notificationFaults = []NotificationFault{
	NotificationLost, NotificationDoubled, NotificationReordered, NotificationDelayed, NotificationForged, NotificationDripped, NotificationLeft,
}

// AllNotificationFaults returns every fault of a notification.
func AllNotificationFaults() []NotificationFault { return slices.Clone(notificationFaults) }

// NotificationFaults says which notifications go wrong, and how. The same seed makes the same choices in the same order.
type NotificationFaults struct {
	Rate  float64             `json:"rate"` // the share of the notifications, from 0 to 1
	Seed  uint64              `json:"seed"`
	Kinds []NotificationFault `json:"kinds,omitempty"` // each as likely as the others; all of them when empty
}

// check returns the webhook as it is kept, or says what is wrong with it.
func (w Webhook) check() (Webhook, error) {
	w.Types, w.Faults.Kinds = slices.Clone(w.Types), slices.Clone(w.Faults.Kinds)
	for _, t := range w.Types {
		if !server.NotificationType(t).Valid() {
			return w, fmt.Errorf("webhook: %q is no type of a notification; want some of %q", t, enumOf("NotificationType"))
		}
	}
	if !(w.Faults.Rate >= 0 && w.Faults.Rate <= 1) { // neither is NaN
		return w, errors.New("webhook: the rate of faults must be from 0 to 1")
	}
	for _, kind := range w.Faults.Kinds {
		if !slices.Contains(notificationFaults, kind) {
			return w, fmt.Errorf("webhook: %q is no fault of a notification; want some of %q", kind, notificationFaults)
		}
	}
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }
	if strings.ContainsFunc(w.Header, odd) || strings.ContainsFunc(w.Value, unicode.IsControl) || w.Header == "" && w.Value != "" {
		return w, errors.New("webhook: the header has a name or a value that no header can have")
	}
	if w.URL == "" {
		return w, nil
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil:
		return w, errors.New("webhook: the URL must be like http://127.0.0.1:8080/aver")
	case !w.AnyHost && !isLoopback(u.Hostname()):
		return w, errors.New("webhook: the URL is not one of this computer, such as http://127.0.0.1:8080/aver; AnyHost, or --webhook-any-host, " +
			"allows another")
	}
	return w, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// WithWebhook has the sandbox send notifications: of each check that is done, of each watchlist search that was asked for, and of
// each that [Sandbox.Recheck] repeats. They are sent in the background and not repeated, as little is known of the service. With
// [WithClock] a check that ends by the clock is notified of when somebody looks at it.
func WithWebhook(w Webhook) Option {
	return func(c *config) (err error) {
		c.webhook, err = w.check()
		return err
	}
}

// SetWebhook changes where notifications are sent from now on, and how. The zero Webhook ends it.
func (s *Sandbox) SetWebhook(w Webhook) error {
	w, err := w.check()
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	s.notifier.set(w)
	return nil
}

// NotificationFaultCounts returns how many notifications went wrong so far, by kind.
func (s *Sandbox) NotificationFaultCounts() map[NotificationFault]int {
	s.notifier.mu.Lock()
	defer s.notifier.mu.Unlock()
	return maps.Clone(s.notifier.counts)
}

// settle sends the notification of a check that is done, once. s.mu is held.
func (s *Sandbox) settle(c *check) {
	status := s.status(c)
	if c.notified || !final(status) {
		return
	}
	c.notified = true
	if status == server.CheckStatusCanceled {
		return // no status of a notification says so
	}
	about := server.NotificationTypeOfflineCheck
	if c.enrolled {
		about = server.NotificationTypeLiveCheck
	}
	s.notifier.send(s.message(about, c.id, server.NotificationStatus(status)))
}

// settleLater has the check settled when it is due, if nobody looks at it before. s.mu is held.
func (s *Sandbox) settleLater(c *check) {
	if s.settle(c); c.notified {
		return
	}
	time.AfterFunc(s.duration(c), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.settle(c)
	})
}

// notifyOf sends the notification of a search.
func (s *Sandbox) notifyOf(f *search, about server.NotificationType) {
	status := server.NotificationStatusCompleted
	if f.outcome.search != server.WatchlistStatusCompleted {
		status = server.NotificationStatusFailed
	}
	s.notifier.send(s.message(about, f.id, status))
}

// message returns the body of a notification, with the quirks of the vendor.
func (s *Sandbox) message(about server.NotificationType, id string, status server.NotificationStatus) message {
	group := s.config.group.ID
	if slices.Contains(s.quirks(), QuirkGroupBlank) {
		group = " " + group
	}
	if status == server.NotificationStatusCompleted && slices.Contains(s.quirks(), QuirkComplete) {
		status = server.NotificationStatusComplete
	}
	return message{StatusMessage: server.StatusMessage{Type: about, ID: id, GroupID: &group, Status: status}}
}

// SendTestNotification sends what the button of the portal does: a notification about a check that does not exist.
func (s *Sandbox) SendTestNotification() error {
	if !s.notifier.isSet() {
		return errors.New("sandbox: there is no webhook to send a test notification to")
	}
	s.notifier.enqueue(queued{message: s.message(server.NotificationTypeLiveCheck, uuid.NewString(), server.NotificationStatusCompleted)})
	return nil
}

// Recheck has a watchlist search run again, as one with a recheck interval does, and find more hits than before. The
// notification is a RecurringWatchlistSearch.
func (s *Sandbox) Recheck(searchID string, newHits int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.findSearch(searchID)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if newHits < 0 {
		return errors.New("sandbox: the number of new hits is negative")
	}
	again := *before // others may be reading it
	again.rechecked = s.config.now()
	if !again.rechecked.After(before.rechecked.Add(time.Second)) {
		again.rechecked = before.rechecked.Add(time.Second) // its date counts in seconds, and tells one run from another
	}
	again.outcome.hits = min(again.outcome.hits+min(newHits, 10_000), 10_000)
	s.searches[again.id] = &again
	if again.checkID != nil && s.searchOf[*again.checkID] == before {
		s.searchOf[*again.checkID] = &again
	}
	s.notifyOf(&again, server.NotificationTypeRecurringWatchlistSearch)
	return nil
}

// forge returns a notification that is not true: of a check that is not done, of nothing that exists, of the same thing with
// another end, or with a wrong header.
func forge(m message, random *rand.Rand, unfinished []string) (forged message, wrongHeader bool) {
	ends := enumOf("NotificationStatus")
	m.StatusMessage.Status = server.NotificationStatus(ends[random.IntN(len(ends))])
	types := enumOf("NotificationType")
	m.StatusMessage.Type = server.NotificationType(types[random.IntN(len(types))])
	switch random.IntN(4) {
	case 0:
		m.StatusMessage.ID = uuid.NewString()
	case 1, 2:
		if len(unfinished) > 0 {
			m.StatusMessage.ID = unfinished[random.IntN(len(unfinished))]
		}
	default:
		return m, random.IntN(2) == 0
	}
	return m, false
}
