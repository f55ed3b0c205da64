package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// A Scalar is a value that the service sends as a JSON number, string or boolean, depending on the source. The zero
// Scalar is absent or null.
//
// A Scalar compares with ==; two are equal when they were sent in the same form.
type Scalar struct {
	raw string // the JSON text; empty when absent or null
}

// NewScalar returns v as a Scalar.
func NewScalar[T string | bool | int | int64 | float64](v T) Scalar {
	b, err := json.Marshal(v)
	if err != nil {
		return Scalar{} // NaN and infinities have no JSON form
	}
	return Scalar{string(b)}
}

// IsZero reports whether the value is absent or null.
func (s Scalar) IsZero() bool { return s.raw == "" }

// String returns the value as text: a string without its quotes, anything else as JSON writes it, nothing when absent.
func (s Scalar) String() string {
	if len(s.raw) > 0 && s.raw[0] == '"' {
		var v string
		_ = json.Unmarshal([]byte(s.raw), &v) // raw is valid JSON by construction
		return v
	}
	return s.raw
}

// Float64 returns the value as a number, and whether it is one or a string that holds one.
func (s Scalar) Float64() (float64, bool) {
	f, err := strconv.ParseFloat(s.String(), 64)
	return f, err == nil
}

// Bool returns the value as a boolean, and whether it is one or a string that holds one.
func (s Scalar) Bool() (value, ok bool) {
	switch s.String() {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

// MarshalJSON writes the value in the form in which it was sent.
func (s Scalar) MarshalJSON() ([]byte, error) {
	if s.raw == "" {
		return []byte("null"), nil
	}
	return []byte(s.raw), nil
}

// UnmarshalJSON reads any JSON value but an object and an array.
func (s *Scalar) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0:
		return errors.New("wire: empty JSON value")
	case b[0] == '{' || b[0] == '[':
		return errors.New("wire: want a JSON number, string or boolean, found an object or an array")
	case !json.Valid(b):
		return errors.New("wire: invalid JSON value")
	case string(b) == "null":
		s.raw = ""
	default:
		s.raw = string(b)
	}
	return nil
}

// Format prints the value as [Scalar.String] has it, quoted for %q, so that no verb shows the inner form.
func (s Scalar) Format(f fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		fmt.Fprintf(f, "%q", s.String())
		return
	}
	fmt.Fprint(f, s.String())
}
