package sandbox

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

func (s *service) LookupChecks(_ context.Context, r server.LookupChecksRequestObject) (server.LookupChecksResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := r.Body
	matches := func(want *string, have string) bool { return want == nil || strings.EqualFold(*want, have) }
	found := server.LookupChecks200JSONResponse{}
	var checks []*check
	for _, c := range s.candidates(b) {
		if matches(b.Email, c.email) && matches(b.FirstName, c.firstName()) && matches(b.LastName, c.lastName()) {
			checks = append(checks, c)
		}
	}
	if b.ThirdPartyIdentifier == nil {
		slices.SortFunc(checks, func(a, b *check) int { return strings.Compare(a.id, b.id) })
	}
	for _, c := range checks {
		found = append(found, s.describe(c))
	}
	return found, nil
}

// candidates returns the checks among which those are that are looked for: by third-party identifier the oldest first, otherwise those
// with the rarest of the values. An empty value finds none. s.mu is held.
func (s *Sandbox) candidates(b *server.LookupChecksRequest) []*check {
	if b.ThirdPartyIdentifier != nil {
		return s.byIdentifier[*b.ThirdPartyIdentifier]
	}
	var fewest []*check
	known := false
	for _, f := range []trait{{"email", *text(b.Email)}, {"first", *text(b.FirstName)}, {"last", *text(b.LastName)}} {
		if f.value == "" {
			continue
		}
		if checks := s.people[f.folded()]; !known || len(checks) < len(fewest) {
			fewest, known = checks, true
		}
	}
	return fewest
}

// people holds the checks by what is looked for of a person, whatever the case of its letters.
type people map[trait][]*check

// A trait is one of what is looked for.
type trait struct{ name, value string }

// folded returns the trait with a value that is the same for all that [strings.EqualFold] takes for equal.
func (f trait) folded() trait {
	f.value = strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, f.value)
	return f
}

// names are what is looked for and may change.
func (c *check) names() []trait { return []trait{{"first", c.firstName()}, {"last", c.lastName()}} }

func (p people) add(c *check, traits ...trait) {
	for _, f := range traits {
		if f.value != "" {
			f = f.folded()
			p[f] = append(p[f], c)
		}
	}
}

func (p people) remove(c *check, traits ...trait) {
	for _, f := range traits {
		f = f.folded()
		if p[f] = slices.DeleteFunc(p[f], func(other *check) bool { return other == c }); len(p[f]) == 0 {
			delete(p, f)
		}
	}
}

// setPerson sets the person of a check. s.mu is held.
func (s *Sandbox) setPerson(c *check, person *server.AddPersonalInfoRequest) {
	if c.person != nil {
		s.people.remove(c, c.names()...)
	}
	c.person = person
	s.people.add(c, c.names()...)
}

func (c *check) firstName() string {
	if c.person == nil {
		return ""
	}
	return c.person.FirstName
}

func (c *check) lastName() string {
	if c.person == nil {
		return ""
	}
	return c.person.LastName
}
