package contract

import (
	"fmt"
	"strings"
)

// A Rule is what was violated.
type Rule string

// The rules. Others are the keywords of JSON Schema, such as "minLength" and "pattern".
const (
	RuleOperation   Rule = "operation"            // no operation of the contract has this method and path
	RuleSecurity    Rule = "security"             // the credentials that the contract asks for are missing
	RuleParameter   Rule = "parameter"            // a parameter is missing, or one is there that is not documented
	RuleStatus      Rule = "status"               // the status is not documented for the operation; default documents none
	RuleContentType Rule = "content-type"         // the media type is not documented
	RuleBody        Rule = "body"                 // a body is missing, or one is there that must not be
	RuleJSON        Rule = "json"                 // the body is not one JSON value, or a name occurs twice in it
	RuleType        Rule = "type"                 // another type, or null
	RuleRequired    Rule = "required"             // a property is missing
	RuleEnum        Rule = "enum"                 // a value that is not listed
	RuleClosed      Rule = "additionalProperties" // a property that a closed schema does not have
	RuleFormat      Rule = "format"               // not of the format, such as uuid or date-time, or out of the range of int64
	RuleAlternative Rule = "oneOf"                // none of the alternatives

	ruleAnyOf             Rule = "anyOf"
	ruleDependentRequired Rule = "dependentRequired"
)

// A Direction tells what was checked.
type Direction string

// The directions.
const (
	Request  Direction = "request"
	Response Direction = "response"
	Webhook  Direction = "webhook"
)

// A Violation is one way in which a message breaks the contract.
type Violation struct {
	Operation string    `json:"operation,omitempty"` // the operationId; empty when the contract has no such operation
	Direction Direction `json:"direction"`           // whether it was sent or received
	Status    int       `json:"status,omitempty"`    // of a response
	Place     string    `json:"place,omitempty"`     // a JSON pointer into the body, or the name of a header or a parameter; empty for all of it
	Rule      Rule      `json:"rule"`
	Want      string    `json:"want"`              // what the contract expects
	Got       string    `json:"got,omitempty"`     // what was there; of a value that may be personal or secret, its type alone
	Suggest   string    `json:"suggest,omitempty"` // a schema that would allow it, when one can be told
	Line      int       `json:"line,omitempty"`    // of the contract, as it was read, where it is said; 0 when nowhere
}

// String returns one line.
func (v Violation) String() string {
	var b strings.Builder
	b.WriteString(string(v.Direction))
	if v.Operation != "" {
		b.WriteString(" of " + v.Operation)
	}
	if v.Status != 0 {
		fmt.Fprintf(&b, " (%d)", v.Status)
	}
	if v.Place != "" {
		b.WriteString(" at " + v.Place)
	}
	b.WriteString(": " + v.text())
	return b.String()
}

// text says what is wrong, without where.
func (v Violation) text() string {
	text := fmt.Sprintf("%s: want %s", v.Rule, v.Want)
	if v.Got != "" {
		text += ", got " + v.Got
	}
	return text
}

// An Error is returned for messages that break the contract.
type Error struct{ Violations []Violation }

// Error returns a line for each violation.
func (e *Error) Error() string {
	lines := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		lines[i] = v.String()
	}
	return "contract: " + strings.Join(lines, "\n          ")
}

// NotSent reports whether it was a request that broke the contract, so that nothing was sent.
func (e *Error) NotSent() bool {
	return len(e.Violations) > 0 && e.Violations[0].Direction == Request
}
