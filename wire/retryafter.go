package wire

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter returns how long a Retry-After header asks to wait, in seconds or until a date (RFC 9110); 0 when there is
// none, or none that can be read.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if t, err := http.ParseTime(value); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
