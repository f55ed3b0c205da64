package rules

import (
	"fmt"
	"slices"
	"strings"
)

// A Problem is one way in which a value does not meet a schema.
type Problem struct {
	Place []string // where in the value: names of properties and indexes
	Rule  string   // the keyword of JSON Schema
	Want  string   // what the contract expects, as in "want …"

	null  bool  // of a wrong type: it is null
	empty bool  // of a text that is too short: it is empty
	types Types // of a wrong type: those that are right
}

// NewProblem returns a problem of a value, which is an empty text or something else.
func NewProblem(place []string, rule, want string, empty bool) Problem {
	return Problem{Place: place, Rule: rule, Want: want, empty: empty && rule == "minLength"}
}

// NewTypeProblem returns the problem of a value of another type than those that are right, which is null or something else.
func NewTypeProblem(place, right []string, null bool) Problem {
	var types Types
	for _, known := range typeNames {
		for _, name := range right {
			if strings.TrimPrefix(strings.TrimPrefix(known.name, "an "), "a ") == name {
				types |= known.of
			}
		}
	}
	return Problem{Place: place, Rule: "type", Want: types.String(), types: types, null: null}
}

// Text returns the problem as a sentence about the value, without its subject.
func (p Problem) Text() string {
	switch {
	case p.Rule == "required", p.null && p.types&Null == 0, p.empty:
		return "is required"
	case p.Rule == "dependentRequired":
		return "is required together with " + strings.TrimPrefix(p.Want, together)
	case p.Rule == "additionalProperties":
		return "is not a property of this request"
	case p.Rule == "type":
		return "must be " + (p.types &^ Null).String()
	case p.Rule == "minProperties", p.Rule == "not":
		return "at least one property is required"
	}
	return "must be " + p.Want
}

// What a contract expects, in words that follow "want" and "must be".
const (
	WantValue   = "a value"
	WantNone    = "no such property"
	WantAny     = "one of the alternatives"
	WantOne     = "exactly one of the alternatives"
	WantNot     = "something that the contract does not exclude, such as one property that is not null"
	WantUnique  = "an array without equal elements"
	WantHandled = "numbers of a size that can be handled"

	together = "a value, together with "
)

// WantTogether is about a property that another one needs.
func WantTogether(name string) string { return together + name }

// WantEnum lists values.
func WantEnum(values []any) string {
	names := make([]string, len(values))
	for i, v := range values {
		if names[i] = fmt.Sprint(v); v == nil {
			names[i] = "null"
		}
	}
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}

// WantPattern names a pattern by its title, if it has one.
func WantPattern(pattern, title string) string {
	if title != "" {
		return "a text of the form " + title
	}
	return "a match of " + pattern
}

// WantFormat names a format.
func WantFormat(name string) string {
	switch name {
	case "email":
		return "an email address"
	case "uri":
		return "an absolute URI"
	case "date":
		return "a date (YYYY-MM-DD)"
	case "date-time":
		return "a date-time (RFC 3339)"
	case "month-day-year":
		return "a day of the calendar (MM/DD/YYYY)"
	case "ipv4", "ipv6":
		return "an address of " + map[string]string{"ipv4": "IPv4", "ipv6": "IPv6"}[name]
	}
	return "a " + name
}

func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// The bounds of texts, numbers, arrays and objects.
func WantMinLength(n int) string     { return "a text of at least " + plural(n, "character") }
func WantMaxLength(n int) string     { return "a text of at most " + plural(n, "character") }
func WantMinimum(n string) string    { return "at least " + n }
func WantMaximum(n string) string    { return "at most " + n }
func WantMore(n string) string       { return "more than " + n }
func WantLess(n string) string       { return "less than " + n }
func WantMultiple(n string) string   { return "a multiple of " + n }
func WantMinItems(n int) string      { return "an array of at least " + plural(n, "element") }
func WantMaxItems(n int) string      { return "an array of at most " + plural(n, "element") }
func WantMinProperties(n int) string { return "an object of at least " + plural(n, "property") }
func WantMaxProperties(n int) string { return "an object of at most " + plural(n, "property") }

// Meant returns the problems of the alternative that was meant, given those of each; a problem with the alternatives as
// such when that cannot be told.
func Meant(rule string, place []string, failures [][]Problem) []Problem {
	var meant [][]Problem
	var types Types
	null := false
	for _, found := range failures {
		if len(found) == 1 && slices.Equal(found[0].Place, place) {
			switch p := found[0]; {
			case p.Rule == "type":
				types, null = types|p.types, null || p.null
				continue
			case p.Rule == "maxLength" && p.Want == WantMaxLength(0):
				continue
			}
		}
		meant = append(meant, found)
	}
	switch {
	case len(meant) == 1:
		return meant[0]
	case len(meant) == 0 && types != 0:
		return []Problem{{Place: place, Rule: "type", Want: types.String(), types: types, null: null}}
	}
	return []Problem{{Place: place, Rule: rule, Want: WantAny}}
}
