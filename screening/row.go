package screening

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goaver/aver-go/api"
)

// A Kind says what is done for the rows of a list.
type Kind string

// The kinds of a list.
const (
	Search Kind = "search" // watchlists are searched for each row
	Check  Kind = "check"  // a check is created for each row, whose person goes through the hosted enrollment
)

// A Row is a person or a business. For a [Search] it needs a first and a last name, or the name of a business; for a [Check] an email.
//
// It prints as its number alone.
type Row struct {
	Number int64 `json:"-"` // in its list, from 1; what [CSV] and [JSONL] read has that of its line

	// What the application calls it; it comes back with the result. A check has it as its third-party identifier; a search does not
	// send it.
	ID string `json:"id,omitempty"`

	FirstName       string `json:"firstName,omitempty"`
	MiddleName      string `json:"middleName,omitempty"`
	LastName        string `json:"lastName,omitempty"`
	BusinessName    string `json:"businessName,omitempty"`
	Country         string `json:"country,omitempty"`
	StateOrProvince string `json:"stateOrProvince,omitempty"`
	CheckID         string `json:"checkId,omitempty"` // the check that a search belongs to

	Email    string       `json:"email,omitempty"`    // of a check
	Language api.Language `json:"language,omitempty"` // of the enrollment of a check
}

// Request returns the search of a row, in a check group.
func (r Row) Request(group string) api.SearchWatchlistsRequest {
	return api.SearchWatchlistsRequest{
		GroupID: group, FirstName: r.FirstName, MiddleName: r.MiddleName, LastName: r.LastName, BusinessName: r.BusinessName,
		Country: r.Country, StateOrProvince: r.StateOrProvince, CheckID: r.CheckID,
	}
}

// create returns the check of a row. What the application does not name is named by the identifier.
func (r Row) create(of api.CreateCheckRequest, group, identifier string) api.CreateCheckRequest {
	of.GroupID, of.Email, of.ThirdPartyIdentifier = group, r.Email, cmp.Or(r.ID, identifier)
	of.Language = cmp.Or(r.Language, of.Language)
	return of
}

// Validate says what of a row breaks the contract; nil when nothing does. The error names fields, never what is in them.
func (r Row) Validate(kind Kind) error {
	fields := r.Request("group").Validate()
	if kind == Check {
		fields = r.create(api.CreateCheckRequest{}, "group", "identifier").Validate()
	}
	if !utf8.ValidString(r.ID) {
		return errors.New("id is not valid UTF-8")
	}
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
	Sent    State = "sent"    // the service has the search, or the check; its results are not here yet
	Done    State = "done"    // its results are here
	Refused State = "refused" // the service, or the contract, does not take it; see the reason
	Unknown State = "unknown" // it may have been performed
)

// States returns all of them: those that are final first.
func States() []State { return []State{Done, Refused, Unknown, Sent, Sending, Waiting} }

// A Result is what came of a row. What a row found before stays with it when it is searched for again, until the new results are here.
type Result struct {
	Row       Row
	Kind      Kind
	State     State
	Reason    string // why it was refused, is unknown, or waits; it holds nothing personal
	ServiceID string // of the search or the check; empty before the service has it

	At      time.Time                   // when the results came; zero before
	Results *api.WatchlistSearchResults // of a search that is done
	Check   *api.CheckResults           // of a check: how it stood when it was looked at last, and of one that is done what was found
	Link    string                      // to the enrollment of a check that is not done: secret, for its person alone
}

// String returns the number of the row, and where it stands: what was found, and the link, are for nobody's log.
func (r Result) String() string { return fmt.Sprintf("%v is %s", r.Row, r.State) }

// GoString is String.
func (r Result) GoString() string { return r.String() }

// Format prints what String returns, whatever the verb.
func (r Result) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, r.String()) }

// LogValue is what String returns.
func (r Result) LogValue() slog.Value { return slog.StringValue(r.String()) }
