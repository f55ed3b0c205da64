package wire

import (
	"fmt"
	"strings"
	"time"
)

const dateLayout = "01/02/2006"

// A Date is a calendar date as the service writes it, MM/DD/YYYY. The empty Date is no date.
//
// A Date that was decoded holds whatever the service sent; [Date.Time] tells whether it can be read.
type Date string

// NewDate returns the date of a year, a month and a day. Days past the end of a month run into the next one, as they
// do in [time.Date].
func NewDate(year int, month time.Month, day int) Date {
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Format(dateLayout))
}

// Time returns the beginning of the date in UTC, and the zero time for the empty Date. The error does not repeat the
// date, which may be a person's date of birth.
func (d Date) Time() (time.Time, error) {
	if d == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(dateLayout, string(d))
	if err != nil {
		return time.Time{}, fmt.Errorf("wire: the date is not of the form MM/DD/YYYY")
	}
	return t, nil
}

// timestampLayout is the form of watchlist searches, found in the vendor's examples: UTC, no padding.
const timestampLayout = "1/2/2006 3:04:05 PM"

// A Timestamp is a moment as the service writes it: "10/4/2019 5:26:11 PM", which is UTC, or RFC 3339. The empty
// Timestamp is none; the service sends it for a search that was never repeated.
//
// A Timestamp that was decoded holds whatever the service sent; [Timestamp.Time] tells whether it can be read.
type Timestamp string

// NewTimestamp returns t in the form that the service uses for watchlist searches, to the second, in UTC. The zero
// time becomes the empty Timestamp.
func NewTimestamp(t time.Time) Timestamp {
	if t.IsZero() {
		return ""
	}
	return Timestamp(t.UTC().Format(timestampLayout))
}

// Time returns the moment in UTC, and the zero time for the empty Timestamp.
func (t Timestamp) Time() (time.Time, error) {
	if t == "" {
		return time.Time{}, nil
	}
	layout := timestampLayout
	if !strings.Contains(string(t), "/") {
		layout = time.RFC3339
	}
	parsed, err := time.Parse(layout, string(t))
	if err != nil {
		return time.Time{}, fmt.Errorf("wire: timestamp %.40q is neither of the form %q nor RFC 3339", string(t), timestampLayout)
	}
	return parsed.UTC(), nil
}
