package authprovider

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// An EventKind is a way to obtain a token.
type EventKind int

// The ways to obtain a token.
const (
	Exchange EventKind = iota // GET /auth/token with the API key and secret
	Refresh                   // POST /auth/refresh with a token that is still valid
)

// String returns "exchange" or "refresh".
func (k EventKind) String() string {
	if k == Refresh {
		return "refresh"
	}
	return "exchange"
}

// An Event reports an exchange or a refresh to the hook of [WithHook].
type Event struct {
	Kind     EventKind
	Err      error         // nil on success
	Duration time.Duration // from sending the request to having read the answer
	Lifetime time.Duration // of the token obtained
}

// An Error says why no token could be had. It holds no secret and nothing of the service's answer but the status.
type Error struct {
	Kind       EventKind
	Status     int           // of the service's answer; 0 when there was none
	RetryAfter time.Duration // how long until another attempt makes sense: what the service asked for, or our own pause
	Err        error         // what is wrong with the connection or the answer; nil when the status says it all
}

// Error names the status and what to do.
func (e *Error) Error() string {
	s := "authprovider: " + e.Kind.String()
	if e.Status == 0 || e.Status == http.StatusOK {
		if e.Err == nil {
			return s + " failed"
		}
		return s + " failed: " + e.Err.Error()
	}
	s += strings.TrimRight(fmt.Sprintf(" answered with %d %s", e.Status, http.StatusText(e.Status)), " ")
	switch {
	case e.credentialsRefused():
		s += ": check the API key and secret, and that they belong to this base URL"
	case e.Status >= 300 && e.Status < 400:
		s += ": redirects are not followed with credentials; check the base URL"
	case e.Status == http.StatusNotFound:
		s += ": check the base URL"
	case e.RetryAfter >= time.Second:
		s += fmt.Sprintf(": try again in %s", e.RetryAfter.Round(time.Second))
	default:
		s += ": try again later"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// credentialsRefused reports whether the service refused the key and secret themselves.
func (e *Error) credentialsRefused() bool {
	return e.Kind == Exchange && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}
