package httperr_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/wire/httperr"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]struct {
		wait time.Duration
		ok   bool
	}{
		"":                        {0, false},
		"30":                      {30 * time.Second, true},
		" 30 ":                    {30 * time.Second, true},
		"0":                       {0, true},
		"-5":                      {0, false},
		"+5":                      {0, false},
		"soon":                    {0, false},
		"9e9":                     {0, false},
		"2147483648":              {2147483648 * time.Second, true},
		"99999999999":             {math.MaxInt64, true},
		strings.Repeat("9", 1000): {math.MaxInt64, true},
		now.Add(time.Minute).Format(http.TimeFormat):  {time.Minute, true},
		now.Add(-time.Minute).Format(http.TimeFormat): {0, true},
	}
	for value, want := range tests {
		if wait, ok := httperr.RetryAfter(http.Header{"Retry-After": {value}}, now); wait != want.wait || ok != want.ok {
			t.Errorf("RetryAfter(%.20q) = %v, %v, want %v", value, wait, ok, want)
		}
	}
	if wait, ok := httperr.RetryAfter(nil, now); wait != 0 || ok {
		t.Error("no header")
	}
}
