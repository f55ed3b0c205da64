package webhook

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/wire/printing"
)

// An Event is that something happened to a check or a search.
type Event struct {
	// What the service sent, for what the fields below do not say: a *api.StatusChangedNotification, or the type of another
	// webhook of the contract, of which nothing below is set. It is nil in an event of [Receiver.Reconcile], and so are Webhook,
	// Type and Claimed.
	Notification any
	Webhook      string // what the contract calls the webhook: statusChanged

	ID      string                 // of the check or the search
	GroupID string                 // of its check group; empty when the service does not say
	Type    api.NotificationType   // what the notification says it is about, in the letter case of the contract
	Claimed api.NotificationStatus // what the notification says happened, likewise; prefer Check and Search

	// What the service said when the receiver asked it. Without [WithClient] both are nil.
	Check  *api.Check
	Search *api.WatchlistSearch

	Unknown bool // neither a check nor a search has the ID; see [WithUnknown]
}

// Key identifies the event: two notifications with one key tell of the same outcome. It is made of the ID and the state that
// was read back: of a check its status, of a search its status and when it last ran, so that a recurring search which ran
// again is a new event. Without [WithClient] it is made of what the notification says, and it is empty where that cannot tell
// a repetition from a new event: then every notification is handled.
func (e Event) Key() string {
	switch {
	case e.Check != nil:
		return "check/" + e.ID + "/" + string(e.Check.Status.Canonical())
	case e.Search != nil:
		return "search/" + e.ID + "/" + string(e.Search.Status.Canonical()) + "/" + lastRun(e.Search)
	case e.Unknown, e.ID == "", e.Type == api.NotificationTypeRecurringWatchlistSearch, !e.Type.Known():
		return ""
	}
	claimed := e.Claimed
	if claimed == api.NotificationStatusComplete {
		claimed = api.NotificationStatusCompleted
	}
	return string(e.Type) + "/" + e.ID + "/" + string(claimed)
}

// lastRun returns when a recurring search ran again, in one form; nothing before.
func lastRun(s *api.WatchlistSearch) string {
	at, err := s.LastRecheckDate.Time()
	if err != nil || at.IsZero() {
		return string(s.LastRecheckDate)
	}
	return at.UTC().Format(time.RFC3339)
}

// Final reports whether the check or the search is done, as far as is known.
func (e Event) Final() bool {
	switch {
	case e.Check != nil:
		return e.Check.Status.Final()
	case e.Search != nil:
		return e.Search.Status.Final()
	}
	return !e.Unknown && e.claimsTheEnd()
}

// claimsTheEnd reports whether the notification says that something is done.
func (e Event) claimsTheEnd() bool { return e.Claimed.Known() }

// LogValue shows what is set, without what is personal.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{
		printing.Attr("webhook", line(string(e.Webhook))),
		printing.Attr("id", line(string(e.ID))),
		printing.Attr("groupId", line(string(e.GroupID))),
		printing.Attr("type", line(string(e.Type))),
		printing.Attr("claimed", line(string(e.Claimed))),
	}
	switch {
	case e.Check != nil:
		attrs = append(attrs, printing.Attr("status", e.Check.Status))
	case e.Search != nil:
		attrs = append(attrs, printing.Attr("status", e.Search.Status))
	}
	return slog.GroupValue(append(attrs, printing.Attr("unknown", e.Unknown))...)
}

// line makes what anybody may have sent fit for a line.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
	if len(s) > 100 {
		s = strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}

// Format prints like LogValue, whatever the verb.
func (e Event) Format(f fmt.State, _ rune) { printing.Format(f, "Event", e.LogValue()) }

// eventOf returns the event of a notification, of which nothing is confirmed.
func eventOf(n *api.Notification) Event {
	e := Event{Notification: n.Value, Webhook: n.Webhook}
	if changed, ok := n.Value.(*api.StatusChangedNotification); ok {
		m := changed.StatusMessage
		e.ID, e.GroupID, e.Type, e.Claimed = strings.TrimSpace(m.ID), m.GroupID, m.Type.Canonical(), m.Status.Canonical()
	}
	return e
}

// An Outcome is what became of a notification.
type Outcome string

// The outcomes.
const (
	Handled      Outcome = "handled"      // the handler returned nil
	Duplicate    Outcome = "duplicate"    // it was handled before
	Unauthorized Outcome = "unauthorized" // the header is missing or wrong
	Invalid      Outcome = "invalid"      // it is no notification
	Unknown      Outcome = "unknown"      // nothing has its ID; see [WithUnknown]
	Premature    Outcome = "premature"    // it says that something is done, and the service says that it is not
	Failed       Outcome = "failed"       // the handler returned an error or panicked
	Late         Outcome = "late"         // the handler did not return in time
	Unconfirmed  Outcome = "unconfirmed"  // the state could not be read back, or the store failed
	Busy         Outcome = "busy"         // it is being handled elsewhere
)

// A Delivery is what became of a request, or of an ID that was reconciled.
type Delivery struct {
	Outcome  Outcome
	Status   int // of the answer; 0 for what was reconciled
	Event    Event
	Duration time.Duration
	Err      error // why, where the outcome does not say it; that of the handler or the store is theirs, and may hold anything

	began time.Time
	owned bool // Err is that of the handler or the store
}

// LogValue shows the outcome and the event, without what is personal; of an error of the handler's or the store's the type.
func (d Delivery) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("outcome", string(d.Outcome)), slog.Int("status", d.Status), slog.Duration("duration", d.Duration)}
	if d.Event.ID != "" {
		attrs = append(attrs, slog.Any("event", d.Event))
	}
	switch {
	case d.owned:
		attrs = append(attrs, slog.String("error", fmt.Sprintf("of the type %T", d.Err)))
	case d.Err != nil:
		attrs = append(attrs, slog.String("error", d.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// Format prints like LogValue, whatever the verb.
func (d Delivery) Format(f fmt.State, _ rune) { printing.Format(f, "Delivery", d.LogValue()) }

// own is become with an error of the application's.
func (d Delivery) own(o Outcome, err error) Delivery {
	d = d.become(o, err)
	d.owned = true
	return d
}

// become sets what became of a delivery.
func (d Delivery) become(o Outcome, err error) Delivery {
	d.Outcome, d.Err = o, err
	switch o {
	case Handled, Duplicate, Unknown:
		d.Status = http.StatusNoContent
	case Failed:
		d.Status = http.StatusInternalServerError
	default:
		d.Status = http.StatusServiceUnavailable
	}
	return d
}
