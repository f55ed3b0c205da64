package authprovider

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
)

// maxLifetime is the documented lifetime of a token. A token that claims more is not believed.
const maxLifetime = 30 * time.Minute

// A token is a bearer token and how long it may be used. It never changes.
type token struct {
	value    string
	header   []string // the Authorization header, ready to be stored in a request
	start    time.Time
	lifetime time.Duration
	stale    deadline // when it is time to renew it
	end      deadline // when it must not be used any more
}

// A deadline has passed when either clock says so: the wall clock goes on while a computer sleeps, and the monotonic
// clock is right when the wall clock is set back.
type deadline struct {
	at   time.Time // with a monotonic reading
	wall int64     // the same moment of the wall clock, in nanoseconds
}

func newDeadline(at time.Time) deadline { return deadline{at, at.UnixNano()} }

func (d *deadline) passed(now time.Time) bool { return !now.Before(d.at) || now.UnixNano() >= d.wall }

// newToken returns the token that an exchange begun at start brought. It is renewed by margin before its end, or by
// half its lifetime if that is less, shortened by up to half as jitter, which is in [0, 1), says.
func newToken(value string, start time.Time, margin time.Duration, jitter float64) *token {
	lifetime := lifetimeOf(value)
	margin = min(margin, lifetime/2)
	margin -= time.Duration(jitter * float64(margin/2))
	return &token{
		value:    value,
		header:   []string{"Bearer " + value},
		start:    start,
		lifetime: lifetime,
		stale:    newDeadline(start.Add(lifetime - margin)),
		end:      newDeadline(start.Add(lifetime)),
	}
}

func (t *token) is(value string) bool {
	return subtle.ConstantTimeCompare([]byte(t.value), []byte(value)) == 1
}

// checkToken says why a value cannot be sent as a bearer token, without repeating it.
func checkToken(value string) error {
	if value == "" {
		return errors.New("the answer holds no token")
	}
	for i := range len(value) {
		if value[i] <= ' ' || value[i] > '~' {
			return errors.New("the token holds a character that no header may hold")
		}
	}
	return nil
}

// lifetimeOf returns how long a token lives: the span between the times at which a JWT says it was issued and expires,
// because the local clock may be wrong and the token is not ours to verify, and never more than [maxLifetime]. Anything
// that cannot be read as such a JWT lives that long.
func lifetimeOf(token string) time.Duration {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return maxLifetime
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return maxLifetime
	}
	var claims struct {
		IssuedAt *float64 `json:"iat"`
		Expires  *float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.IssuedAt == nil || claims.Expires == nil {
		return maxLifetime
	}
	seconds := *claims.Expires - *claims.IssuedAt
	if !(seconds > 0) || seconds >= maxLifetime.Seconds() {
		return maxLifetime
	}
	return time.Duration(math.Ceil(seconds * float64(time.Second)))
}

// A Token is a bearer token. It prints as "REDACTED", with every verb and in every log; [Token.Value] is the secret.
type Token struct {
	token func() *token // a function, because package fmt prints what a pointer points at
}

func (t Token) get() *token {
	if t.token == nil {
		return &token{}
	}
	return t.token()
}

// Value returns the token itself, to be sent as "Authorization: Bearer VALUE" to the service and to nobody else.
func (t Token) Value() string { return t.get().value }

// Expiry returns when the token expires by the local clock. It is the provider's estimate, counted from the beginning
// of the exchange; the service does not tell. The zero Token has the zero time.
func (t Token) Expiry() time.Time { return t.get().end.at }

// Lifetime returns how long the token lives from the beginning of the exchange, at most 30 minutes.
func (t Token) Lifetime() time.Duration { return t.get().lifetime }
