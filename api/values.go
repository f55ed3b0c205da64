//aver:needs #Date

package api

import (
	"time"

	"github.com/goaver/aver-go/wire"
)

// NewDate returns a date in the form of the service, MM/DD/YYYY.
func NewDate(year int, month time.Month, day int) Date { return wire.NewDate(year, month, day) }
