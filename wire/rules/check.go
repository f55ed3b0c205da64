package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// A checker applies schemas to values.
type checker struct {
	lookup Lookup
}

// check returns what is wrong with a value at a place.
func (c *checker) check(n *node, s *Schema, place []string) []Problem {
	for s.Ref != "" && s.alone() {
		s = c.lookup(s.Ref)
	}
	var found []Problem
	add := func(rule, want string) { found = append(found, Problem{Place: place, Rule: rule, Want: want}) }
	if s.Types != 0 && n.types()&s.Types == 0 {
		return append(found, Problem{Place: place, Rule: "type", Want: s.Types.String(), null: n.kind == 'n', types: s.Types})
	}
	if s.Enum != nil && !slices.ContainsFunc(s.Enum, n.is) {
		return append(found, Problem{Place: place, Rule: "enum", Want: WantEnum(s.Enum)})
	}
	if s.Ref != "" {
		found = append(found, c.check(n, c.lookup(s.Ref), place)...)
	}
	switch n.kind {
	case '"':
		found = append(found, c.text(n, s, place)...)
	case '0':
		found = append(found, number(n, s, place)...)
	case '[':
		found = append(found, c.array(n, s, place)...)
	case '{':
		found = append(found, c.object(n, s, place)...)
	}
	for _, part := range s.All {
		found = append(found, c.check(n, part, place)...)
	}
	if s.Any != nil {
		found = append(found, c.alternatives("anyOf", n, s.Any, place)...)
	}
	if s.One != nil {
		found = append(found, c.alternatives("oneOf", n, s.One, place)...)
	}
	if s.Not != nil && c.meets(n, s.Not) {
		add("not", WantNot)
	}
	switch {
	case s.If == nil:
	case c.meets(n, s.If):
		if s.Then != nil {
			found = append(found, c.check(n, s.Then, place)...)
		}
	case s.Else != nil:
		found = append(found, c.check(n, s.Else, place)...)
	}
	return found
}

func (c *checker) meets(n *node, s *Schema) bool { return len(c.check(n, s, nil)) == 0 }

// alone reports whether a schema asks for nothing beside what it refers to.
func (s *Schema) alone() bool {
	return s.Types == 0 && s.Enum == nil && s.MinLength == 0 && s.MaxLength == "" && s.Pattern == "" && s.Format == "" &&
		s.Minimum == "" && s.Maximum == "" && s.ExclusiveMinimum == "" && s.ExclusiveMaximum == "" && s.MultipleOf == "" &&
		s.Items == nil && s.MinItems == 0 && s.MaxItems == "" && !s.Unique && s.Properties == nil && s.Required == nil && !s.Closed &&
		s.Additional == nil && s.MinProperties == 0 && s.MaxProperties == "" && s.DependentRequired == nil && s.DependentSchemas == nil &&
		s.All == nil && s.Any == nil && s.One == nil && s.Not == nil && s.If == nil
}

// alternatives returns nothing when enough of the alternatives are met. Otherwise the one counts that was meant: whose type
// fits. That a value might have been absent, as null or an empty string, is no alternative to what it is.
func (c *checker) alternatives(rule string, n *node, of []*Schema, place []string) []Problem {
	met := 0
	failures := make([][]Problem, len(of))
	for i, s := range of {
		if failures[i] = c.check(n, s, place); len(failures[i]) == 0 {
			met++
		}
	}
	if met == 1 || met > 1 && rule == "anyOf" {
		return nil
	}
	if met > 1 {
		return []Problem{{Place: place, Rule: rule, Want: WantOne}}
	}
	return Meant(rule, place, failures)
}

func (c *checker) text(n *node, s *Schema, place []string) (found []Problem) {
	if s.MinLength == 0 && s.MaxLength == "" && s.Pattern == "" && s.Format == "" {
		return nil
	}
	text := n.text()
	if s.MinLength > 0 || s.MaxLength != "" {
		length := n.length()
		if length < s.MinLength {
			found = append(found, Problem{Place: place, Rule: "minLength", Want: WantMinLength(s.MinLength), empty: length == 0})
		}
		if limit, over := s.MaxLength.exceeded(length); over {
			found = append(found, Problem{Place: place, Rule: "maxLength", Want: WantMaxLength(limit)})
		}
	}
	if s.Pattern != "" && !match(s.Pattern, text) {
		found = append(found, Problem{Place: place, Rule: "pattern", Want: WantPattern(s.Pattern, s.Title)})
	}
	if s.Format != "" && !IsFormat(s.Format, string(text)) {
		found = append(found, Problem{Place: place, Rule: "format", Want: WantFormat(s.Format)})
	}
	return found
}

func number(n *node, s *Schema, place []string) (found []Problem) {
	if s.Minimum == "" && s.Maximum == "" && s.ExclusiveMinimum == "" && s.ExclusiveMaximum == "" && s.MultipleOf == "" {
		return nil
	}
	add := func(rule, want string) { found = append(found, Problem{Place: place, Rule: rule, Want: want}) }
	value := n.number()
	if value == nil {
		add("format", WantHandled)
		return found
	}
	if s.Minimum != "" && value.Cmp(s.Minimum.rat()) < 0 {
		add("minimum", WantMinimum(string(s.Minimum)))
	}
	if s.Maximum != "" && value.Cmp(s.Maximum.rat()) > 0 {
		add("maximum", WantMaximum(string(s.Maximum)))
	}
	if s.ExclusiveMinimum != "" && value.Cmp(s.ExclusiveMinimum.rat()) <= 0 {
		add("exclusiveMinimum", WantMore(string(s.ExclusiveMinimum)))
	}
	if s.ExclusiveMaximum != "" && value.Cmp(s.ExclusiveMaximum.rat()) >= 0 {
		add("exclusiveMaximum", WantLess(string(s.ExclusiveMaximum)))
	}
	if s.MultipleOf != "" && !new(big.Rat).Quo(value, s.MultipleOf.rat()).IsInt() {
		add("multipleOf", WantMultiple(string(s.MultipleOf)))
	}
	return found
}

func (c *checker) array(n *node, s *Schema, place []string) (found []Problem) {
	add := func(rule, want string) { found = append(found, Problem{Place: place, Rule: rule, Want: want}) }
	if len(n.elements) < s.MinItems {
		add("minItems", WantMinItems(s.MinItems))
	}
	if limit, over := s.MaxItems.exceeded(len(n.elements)); over {
		add("maxItems", WantMaxItems(limit))
	}
	if s.Unique {
		seen := make(map[string]bool, len(n.elements))
		for i := range n.elements {
			key := string(n.elements[i].canonical(nil))
			if seen[key] {
				add("uniqueItems", WantUnique)
				break
			}
			seen[key] = true
		}
	}
	if s.Items != nil {
		for i := range n.elements {
			found = append(found, c.check(&n.elements[i], s.Items, at(place, fmt.Sprint(i)))...)
		}
	}
	return found
}

func (c *checker) object(n *node, s *Schema, place []string) (found []Problem) {
	add := func(place []string, rule, want string) {
		found = append(found, Problem{Place: place, Rule: rule, Want: want})
	}
	for _, name := range s.Required {
		if n.member(name) == nil {
			add(at(place, name), "required", WantValue)
		}
	}
	if len(n.members) < s.MinProperties {
		add(place, "minProperties", WantMinProperties(s.MinProperties))
	}
	if limit, over := s.MaxProperties.exceeded(len(n.members)); over {
		add(place, "maxProperties", WantMaxProperties(limit))
	}
	for i := range n.members {
		m := &n.members[i]
		j := slices.IndexFunc(s.Properties, func(p Property) bool { return p.Name == m.name })
		switch {
		case j >= 0:
			found = append(found, c.check(&m.value, s.Properties[j].Schema, at(place, m.name))...)
		case s.Closed:
			add(at(place, m.name), "additionalProperties", WantNone)
		case s.Additional != nil:
			found = append(found, c.check(&m.value, s.Additional, at(place, anyName))...)
		}
	}
	for _, d := range s.DependentRequired {
		if n.member(d.Name) == nil {
			continue
		}
		for _, name := range d.Required {
			if n.member(name) == nil {
				add(at(place, name), "dependentRequired", WantTogether(d.Name))
			}
		}
	}
	for _, d := range s.DependentSchemas {
		if n.member(d.Name) != nil {
			found = append(found, c.check(n, d.Schema, place)...)
		}
	}
	return found
}

// anyName stands for the name of an additional property in an error: it may be personal, as no contract says of it.
const anyName = "*"

func at(place []string, name string) []string { return append(slices.Clip(place), name) }

// canonical appends a text that only equal values have.
func (n *node) canonical(b []byte) []byte {
	switch n.kind {
	case '0':
		if r := n.number(); r != nil {
			return append(b, r.RatString()...)
		}
		return append(b, n.raw...)
	case '"':
		quoted, _ := json.Marshal(string(n.text()))
		return append(b, quoted...)
	case '[':
		b = append(b, '[')
		for i := range n.elements {
			b = append(n.elements[i].canonical(b), ',')
		}
		return append(b, ']')
	case '{':
		values := make(map[string]string, len(n.members))
		for i := range n.members {
			values[n.members[i].name] = string(n.members[i].value.canonical(nil))
		}
		b = append(b, '{')
		for _, name := range slices.Sorted(maps.Keys(values)) {
			quoted, _ := json.Marshal(name)
			b = append(append(append(append(b, quoted...), ':'), values[name]...), ',')
		}
		return append(b, '}')
	}
	return append(b, n.raw...)
}

var typeNames = []struct {
	of   Types
	name string
}{{String, "a string"}, {Integer, "an integer"}, {Number, "a number"}, {Boolean, "a boolean"}, {Array, "an array"}, {Object, "an object"},
	{Null, "null"}}

// String returns the types as a message names them.
func (t Types) String() string {
	var names []string
	for _, known := range typeNames {
		if t&known.of != 0 && !(known.of == Integer && t&Number != 0) {
			names = append(names, known.name)
		}
	}
	return strings.Join(names, " or ")
}
