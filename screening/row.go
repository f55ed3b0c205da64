package screening

import (
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"strings"

	"github.com/goaver/aver-go/api"
)

// A Row is a person or a business to search watchlists for. It needs a first and a last name, or the name of a business.
//
// It prints as its number alone.
type Row struct {
	Number int64 `json:"-"` // in its list, from 1; what [CSV] and [JSONL] read has that of its line

	ID              string `json:"id,omitempty"` // what the application calls it; it comes back with the result and is not sent
	FirstName       string `json:"firstName,omitempty"`
	MiddleName      string `json:"middleName,omitempty"`
	LastName        string `json:"lastName,omitempty"`
	BusinessName    string `json:"businessName,omitempty"`
	Country         string `json:"country,omitempty"`
	StateOrProvince string `json:"stateOrProvince,omitempty"`
	CheckID         string `json:"checkId,omitempty"` // the check that the search belongs to
}

// Request returns the search of a row, in a check group.
func (r Row) Request(group string) api.SearchWatchlistsRequest {
	return api.SearchWatchlistsRequest{
		GroupID: group, FirstName: r.FirstName, MiddleName: r.MiddleName, LastName: r.LastName, BusinessName: r.BusinessName,
		Country: r.Country, StateOrProvince: r.StateOrProvince, CheckID: r.CheckID,
	}
}

// Validate says what of a row breaks the contract; nil when nothing does. The error names fields, never what is in them.
func (r Row) Validate() error {
	fields := r.Request("group").Validate()
	if len(fields) == 0 {
		return nil
	}
	texts := make([]string, 0, len(fields))
	for name, wrong := range fields {
		texts = append(texts, name+" "+strings.Join(wrong, ", "))
	}
	sort.Strings(texts)
	return errors.New(strings.Join(texts, "; "))
}

// String returns the number of the row.
func (r Row) String() string { return fmt.Sprintf("row %d", r.Number) }

// GoString is String.
func (r Row) GoString() string { return r.String() }

// Format prints the number of the row, whatever the verb.
func (r Row) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, r.String()) }

// LogValue is the number of the row.
func (r Row) LogValue() slog.Value { return slog.Int64Value(r.Number) }

// A State says where a row stands.
type State string

// The states of a row.
const (
	Waiting State = "waiting" // nothing was sent
	Sending State = "sending" // it is being sent
	Sent    State = "sent"    // the service has the search; its results are not here yet
	Done    State = "done"    // its results are here
	Refused State = "refused" // the service, or the contract, does not take it; see the reason
	Unknown State = "unknown" // it may have been performed
)

// States returns all of them: those that are final first.
func States() []State { return []State{Done, Refused, Unknown, Sent, Sending, Waiting} }

// final reports whether nothing happens to a row by itself any more.
func (s State) final() bool { return s == Done || s == Refused || s == Unknown }

// A Result is what came of a row.
type Result struct {
	Row      Row
	State    State
	Reason   string // why it was refused, is unknown, or waits; it holds nothing personal
	SearchID string
	Results  *api.WatchlistSearchResults // of a row that is done
}
