package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// An ErrorBody is what the service says about a failure. Its format is undocumented; every shape that the platform
// behind the service (ASP.NET) is known to produce can be read: a bare string, an object with message or error, and
// problem details (RFC 9457) with the errors of single fields.
type ErrorBody struct {
	Message  string              `json:"message,omitempty"`  // a bare string, message or error
	Type     string              `json:"type,omitempty"`     // a URI that names the kind of problem
	Title    string              `json:"title,omitempty"`    // the kind of problem
	Status   int                 `json:"status,omitempty"`   // the HTTP status
	Detail   string              `json:"detail,omitempty"`   // what went wrong this time
	Instance string              `json:"instance,omitempty"` // a URI that names this occurrence
	TraceID  string              `json:"traceId,omitempty"`  // the ID of the request for the service's support
	Errors   map[string][]string `json:"errors,omitempty"`   // what is wrong with each property of the request
}

// Reason returns the most telling sentence of the body, without the errors of single fields; empty when there is none.
func (e ErrorBody) Reason() string {
	return cmp.Or(e.Message, e.Detail, e.Title)
}

// Fields returns the names of the properties that have errors, sorted.
func (e ErrorBody) Fields() []string {
	return slices.Sorted(maps.Keys(e.Errors))
}

// UnmarshalJSON reads any of the known shapes. A member of an unexpected type is passed over: what is readable of a
// failure must not be lost because the rest is not.
func (e *ErrorBody) UnmarshalJSON(b []byte) error {
	*e = ErrorBody{}
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &e.Message)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return errors.New("wire: want a JSON string or object that describes a failure")
	}
	for name, raw := range members {
		switch strings.ToLower(name) {
		case "message":
			readInto(raw, &e.Message)
		case "type":
			readInto(raw, &e.Type)
		case "title":
			readInto(raw, &e.Title)
		case "status":
			readInto(raw, &e.Status)
		case "detail":
			readInto(raw, &e.Detail)
		case "instance":
			readInto(raw, &e.Instance)
		case "traceid":
			readInto(raw, &e.TraceID)
		case "errors":
			e.Errors = fieldErrors(raw)
		}
	}
	if e.Message == "" {
		readInto(members["error"], &e.Message)
	}
	return nil
}

func readInto[T any](raw json.RawMessage, v *T) {
	var read T
	if json.Unmarshal(raw, &read) == nil {
		*v = read
	}
}

// fieldErrors reads the errors of an ASP.NET validation problem: arrays of strings, or a single string, by field.
func fieldErrors(raw json.RawMessage) map[string][]string {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || len(members) == 0 {
		return nil
	}
	fields := make(map[string][]string, len(members))
	for name, raw := range members {
		var list []string
		if json.Unmarshal(raw, &list) != nil {
			var one string
			if json.Unmarshal(raw, &one) != nil {
				continue
			}
			list = []string{one}
		}
		fields[name] = list
	}
	return fields
}

// MarshalJSON writes the body as problem details, or as an object with message when it holds nothing else.
func (e ErrorBody) MarshalJSON() ([]byte, error) {
	type plain ErrorBody
	return json.Marshal(plain(e))
}

// FieldErrors says what is wrong with properties, by their names in JSON.
type FieldErrors map[string][]string

// Add notes a problem with a property.
func (e *FieldErrors) Add(name, problem string) {
	if *e == nil {
		*e = make(FieldErrors)
	}
	(*e)[name] = append((*e)[name], problem)
}
