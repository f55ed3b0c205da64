package explore

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/internal/spec"
)

// A Kind is a kind of failure.
type Kind string

// kinds are all of them.
var kinds = []Kind{ServerError, NoAnswer, Violation, InvalidAccepted, ValidRefused, WrongStatus, OpenDoor, ShutDoor, UnknownFound, Lost,
	MethodAccepted, NotRepeatable, Contradiction, SameTwice, StateLeft, NeverSucceeds}

// The kinds of failures.
const (
	ServerError     Kind = "server error"        // 500 or more
	NoAnswer        Kind = "no answer"           // the connection broke, or nothing came in time
	Violation       Kind = "violation"           // the answer breaks the contract
	InvalidAccepted Kind = "invalid accepted"    // what breaks the contract is answered with success
	ValidRefused    Kind = "valid refused"       // what keeps it is refused
	WrongStatus     Kind = "wrong status"        // a refusal says something else than what is wrong
	OpenDoor        Kind = "credentials ignored" // success without the right credentials
	ShutDoor        Kind = "credentials refused" // 401 with the right ones
	UnknownFound    Kind = "unknown found"       // success for an ID that nobody gave
	Lost            Kind = "lost"                // what was created is not found
	MethodAccepted  Kind = "method accepted"     // success with a method that the address does not have
	NotRepeatable   Kind = "repetition refused"  // x-retry: always, and the same request fails the second time
	Contradiction   Kind = "contradiction"       // an answer gives another value than the one that was sent
	SameTwice       Kind = "same twice"          // two creations gave one ID
	StateLeft       Kind = "state left"          // x-final, and then another state
	NeverSucceeds   Kind = "never succeeds"      // an operation whose requests keep the contract, and all of them are refused
)

// An attempt is what is tried with a request.
type attempt struct {
	label   string // such as: firstName: combining marks
	class   string // what failures of it have in common: unicode, enum
	place   string // what is changed, as a pointer into the body or the name of a parameter
	control *Step  // the same without what is tried
	repeats bool   // it was accepted before
}

// A finding is something wrong with an answer.
type finding struct {
	kind      Kind
	op        string
	class     string
	text      string
	violation *contract.Violation
	attempt   attempt
}

// key is what findings of one failure have in common.
func (f finding) key() string { return strings.Join([]string{string(f.kind), f.op, f.class}, " ") }

// finding returns what is wrong with an answer.
func (e *exchange) finding(a attempt, kind Kind, class, format string, args ...any) finding {
	text := fmt.Sprintf("%s: %s", kind, e.op.ID)
	if a.label != "" {
		text += " (" + a.label + ")"
	}
	return finding{kind: kind, op: e.op.ID, class: class, text: text + ": " + fmt.Sprintf(format, args...), attempt: a}
}

// judge says what is wrong with the answer of the last step of a story.
func (s *story) judge(e *exchange, a attempt) []finding {
	var found []finding
	add := func(kind Kind, class, format string, args ...any) {
		found = append(found, e.finding(a, kind, class, format, args...))
	}
	if e.failed != nil {
		add(NoAnswer, a.class, "%v", plainError(e.failed))
		return found
	}
	if e.status >= 500 && !(e.status == http.StatusNotImplemented && e.step.Want == NoMethod) {
		add(ServerError, a.class, "answered with %d", e.status)
		return found
	}
	for _, v := range e.violations {
		if v.Rule == contract.RuleStatus && beyond(e) || v.Rule == contract.RuleFormat && a.class == "number" {
			continue // the latter of an answer that repeats a number which is too long
		}
		add(Violation, string(v.Rule)+" "+v.Place, "%s", v)
		found[len(found)-1].violation = &v
	}
	found = append(found, s.outcome(e, a)...)
	if e.status/100 == 2 && e.header.Get("X-Aver-Sandbox") == "" { // what a sandbox makes up agrees with nothing
		found = append(found, s.consistent(e, a)...)
	}
	return found
}

// plainError says why there was no answer, without an address.
func plainError(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}

// beyond reports whether a refusal is one of HTTP itself, which a contract need not say of each operation.
func beyond(e *exchange) bool {
	switch e.status {
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return e.step.Media != "" || e.step.Body == ""
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return true
	case http.StatusLengthRequired:
		return e.step.Body == ""
	case http.StatusNotFound, http.StatusBadRequest, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if e.step.Want == NotFound {
			return true // also of an address that a router takes for another
		}
	}
	// A contract that names no refusal says with default what any of them is.
	named := slices.ContainsFunc(e.op.Statuses(), func(status string) bool { return status[0] == '4' })
	_, others := e.op.Answers["default"]
	return others && !named && e.status/100 == 4
}

// outcome says whether success or refusal was right.
func (s *story) outcome(e *exchange, a attempt) []finding {
	var found []finding
	add := func(kind Kind, format string, args ...any) {
		found = append(found, e.finding(a, kind, a.class, format, args...))
	}
	success := e.success()
	switch e.step.Want {
	case Accepted:
		switch {
		case success || e.status/100 != 4:
		case e.status == http.StatusUnauthorized:
			add(ShutDoor, "answered with 401 although the credentials are right")
		case e.status == http.StatusNotFound && s.linked(e.step) && !s.deleted():
			add(Lost, "answered with 404 for what an earlier answer led to")
		case slices.Contains(patient, e.status) || beyond(e):
		case a.repeats:
			add(NotRepeatable, "answered with %d the second time", e.status)
		case a.control != nil || e.step.Body != "":
			add(ValidRefused, "answered with %d to what keeps the contract", e.status)
		}
	case Refused:
		switch {
		case success:
			add(InvalidAccepted, "answered with %d to what breaks the contract", e.status)
		case e.status == http.StatusUnauthorized:
			add(ShutDoor, "answered with 401 although the credentials are right")
		case slices.Contains([]int{http.StatusNotFound, http.StatusConflict}, e.status) && saysInvalid(e.op) && !s.deleted():
			add(WrongStatus, "answered with %d to what breaks the contract", e.status)
		}
	case Unauthorized:
		switch {
		case success:
			add(OpenDoor, "answered with %d", e.status)
		case e.status != http.StatusUnauthorized && e.status != http.StatusForbidden:
			add(WrongStatus, "answered with %d in place of 401", e.status)
		}
	case NotFound:
		value := e.params[a.place]
		switch {
		case s.issued[value], e.op.Method == http.MethodPut, e.op.Method == http.MethodDelete: // somebody has it, or it is made, or gone
		case success:
			add(UnknownFound, "answered with %d although there is nothing with that ID", e.status)
		case e.status == http.StatusUnauthorized:
			add(ShutDoor, "answered with 401 although the credentials are right")
		case e.status == http.StatusConflict:
			add(WrongStatus, "answered with %d although there is nothing with that ID", e.status)
		}
	case NoMethod:
		if success {
			add(MethodAccepted, "answered %s with %d", e.step.Method, e.status)
		}
	}
	return found
}

// patient are the refusals that speak of something else than the request: of the plan, of the state, of the pace.
var patient = []int{http.StatusForbidden, http.StatusConflict, http.StatusTooManyRequests, http.StatusNotFound}

// saysInvalid reports whether an operation has a status for what breaks the contract.
func saysInvalid(op *spec.Operation) bool {
	for _, status := range []string{"400", "422"} {
		if _, ok := op.Answers[status]; ok {
			return true
		}
	}
	return false
}

// deleted reports whether something was deleted in a story, after which it may well not be found.
func (s *story) deleted() bool {
	return slices.ContainsFunc(s.done, func(e *exchange) bool { return e.op.Method == http.MethodDelete && e.success() })
}

// linked reports whether a step names what an earlier answer gave, and nothing else.
func (s *story) linked(step Step) bool {
	here := false
	for name, value := range step.Params {
		if p := paramOf(s.operation(step.Operation), name); p != nil && p.In == "path" {
			if !strings.HasPrefix(value, "$steps.") {
				return false
			}
			here = true
		}
	}
	return here
}

func paramOf(op *spec.Operation, name string) *spec.Param {
	for _, p := range op.Params {
		if p.Name == name {
			return p
		}
	}
	return nil
}
