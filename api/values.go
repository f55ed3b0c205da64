//aver:needs #Date #Timestamp #Scalar

package api

import (
	"time"

	"github.com/goaver/aver-go/wire"
)

// NewDate returns a date in the form of the service, MM/DD/YYYY.
func NewDate(year int, month time.Month, day int) Date { return wire.NewDate(year, month, day) }

// NewTimestamp returns a time in the form of the service, to the second, in UTC. The zero time becomes the empty Timestamp.
func NewTimestamp(t time.Time) Timestamp { return wire.NewTimestamp(t) }

// NewScalar returns a value that the service sends as a text, a number or a boolean.
func NewScalar[T string | bool | int | int64 | float64](v T) Scalar { return wire.NewScalar(v) }
