// Package rules holds a request against the contract before it is sent. Generated code says the rules, in the words of
// JSON Schema (2020-12), and this package applies them to the JSON text that goes out, so that what is checked is what the
// service gets:
//
//	var rulesOfPerson = rules.Schema{
//		Types:    rules.Object,
//		Required: []string{"name"},
//		Properties: []rules.Property{
//			{Name: "name", Schema: &rules.Schema{Types: rules.String, MinLength: 1}},
//		},
//	}
//
// It is for generated code. Nothing in it is compiled or parsed before it is needed; everything may be used by any number of
// goroutines.
package rules

import (
	"errors"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/goaver/aver-go/wire"
)

// Types are the types that a value may have; none stands for all.
type Types uint8

// The types. An integer is a number without a fraction, however it is written.
const (
	Null Types = 1 << iota
	Boolean
	Integer
	Number
	String
	Array
	Object
)

// A Schema is what a value must meet. Each zero field asks for nothing.
type Schema struct {
	Types Types
	Ref   string // the name of another schema that must be met as well
	Enum  []any  // nil, bool, string, [Literal], []any or map[string]any

	MinLength int     // in characters
	MaxLength Literal // in characters
	Pattern   string  // a regular expression, as Go and ECMA-262 understand it alike
	Title     string  // how the pattern is called in a message
	Format    string  // one of [Formats]

	Minimum, Maximum                   Literal
	ExclusiveMinimum, ExclusiveMaximum Literal
	MultipleOf                         Literal

	Items    *Schema
	MinItems int
	MaxItems Literal
	Unique   bool // no two elements are equal

	Properties    []Property
	Required      []string
	Closed        bool    // no other properties than Properties
	Additional    *Schema // of all other properties
	MinProperties int
	MaxProperties Literal

	DependentRequired []Dependency
	DependentSchemas  []Property // when the property is there, the whole meets the schema

	All, Any, One  []*Schema
	Not            *Schema
	If, Then, Else *Schema
}

// A Property is a property of an object, or a rule that holds when it is there.
type Property struct {
	Name   string
	Schema *Schema
}

// A Dependency lists the properties that must be there when a property is.
type Dependency struct {
	Name     string
	Required []string
}

// A Literal is a number as JSON writes it; empty for none.
type Literal string

func (l Literal) rat() *big.Rat {
	r, _ := new(big.Rat).SetString(string(l))
	return r
}

// exceeded reports whether a count is above a limit, and returns that.
func (l Literal) exceeded(count int) (int, bool) {
	limit, err := strconv.Atoi(string(l))
	return limit, err == nil && count > limit
}

// Lookup returns a schema by its name, for [Schema.Ref].
type Lookup func(name string) *Schema

// Value says what is wrong with a value that is to be sent as JSON, by place; nothing when it can be sent.
func Value(v any, s *Schema, lookup Lookup) wire.FieldErrors {
	text, err := json.Marshal(v)
	if err != nil {
		return Unwritable(err)
	}
	return Text(text, s, lookup)
}

// Unwritable says which property is why a value cannot be written as JSON.
func Unwritable(err error) wire.FieldErrors {
	place, problem := "", "cannot be written as JSON"
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntactic):
		place = string(syntactic.JSONPointer)
		if strings.Contains(syntactic.Err.Error(), "UTF-8") {
			problem = "is not valid UTF-8"
		}
	case errors.As(err, &semantic):
		place = string(semantic.JSONPointer)
	}
	var errs wire.FieldErrors
	errs.Add(fieldName(strings.Split(strings.TrimPrefix(place, "/"), "/")), problem)
	return errs
}

// Text says what is wrong with a JSON text.
func Text(text []byte, s *Schema, lookup Lookup) wire.FieldErrors {
	var errs wire.FieldErrors
	for _, p := range Check(text, s, lookup) {
		if name, text := fieldName(p.Place), p.Text(); !slices.Contains(errs[name], text) {
			errs.Add(name, text)
		}
	}
	return errs
}

// fieldName returns a place as a client names it: names and indexes with dots between them, and an asterisk for the whole.
func fieldName(place []string) string {
	if name := strings.Join(place, "."); name != "" {
		return name
	}
	return "*"
}

// Check returns the problems of a JSON text: of alternatives, those of the one that was meant, if that can be told.
func Check(text []byte, s *Schema, lookup Lookup) []Problem {
	n, err := parse(text)
	if err != nil {
		return []Problem{{Rule: "json", Want: "a JSON text"}}
	}
	c := checker{lookup: lookup}
	return c.check(&n, s, nil)
}

var patterns sync.Map // of *regexp.Regexp by source

// match reports whether a text matches a pattern of the contract.
func match(pattern string, text []byte) bool {
	compiled, ok := patterns.Load(pattern)
	if !ok {
		compiled, _ = patterns.LoadOrStore(pattern, regexp.MustCompile(pattern))
	}
	return compiled.(*regexp.Regexp).Match(text)
}
