package spec

import (
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/goaver/aver-go/wire/rules"
)

// Problems says what is wrong with a value, in the words in which a generated client says it: of alternatives, those of
// the one that was meant.
func (s *Schema) Problems(value any) []rules.Problem {
	if s.Compiled == nil {
		return nil
	}
	err, ok := attempt(s.Compiled, value)
	if !ok {
		return []rules.Problem{{Rule: "format", Want: rules.WantHandled}}
	}
	var failure *jsonschema.ValidationError
	if !errors.As(err, &failure) {
		return nil
	}
	return s.problems(failure, value)
}

// attempt validates a value. It reports whether that could be done: the library cannot handle a number like 1e9999999.
func attempt(s *jsonschema.Schema, value any) (err error, ok bool) {
	defer func() {
		if recover() != nil {
			err, ok = nil, false
		}
	}()
	return s.Validate(value), true
}

func (s *Schema) problems(e *jsonschema.ValidationError, value any) []rules.Problem {
	place := e.InstanceLocation
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		rule := strings.Join(e.ErrorKind.KeywordPath(), "/")
		if len(e.Causes) == 0 { // several are met
			return []rules.Problem{{Place: place, Rule: rule, Want: rules.WantOne}}
		}
		failures := make([][]rules.Problem, len(e.Causes))
		for i, cause := range e.Causes {
			failures[i] = s.problems(cause, value)
		}
		return rules.Meant(rule, place, failures)
	}
	if len(e.Causes) > 0 {
		var all []rules.Problem
		for _, cause := range e.Causes {
			all = append(all, s.problems(cause, value)...)
		}
		return all
	}
	return s.leaf(e, value)
}

// leaf returns the problems of an error without causes.
func (s *Schema) leaf(e *jsonschema.ValidationError, value any) []rules.Problem {
	place := e.InstanceLocation
	found := Find(value, place)
	one := func(rule, want string) []rules.Problem {
		return []rules.Problem{rules.NewProblem(place, rule, want, found == "")}
	}
	each := func(rule string, names []string, want string) []rules.Problem {
		all := make([]rules.Problem, len(names))
		for i, name := range names {
			all[i] = rules.Problem{Place: append(slices.Clip(place), name), Rule: rule, Want: want}
		}
		return all
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each("required", k.Missing, rules.WantValue)
	case *kind.DependentRequired:
		return each("dependentRequired", k.Missing, rules.WantTogether(k.Prop))
	case *kind.AdditionalProperties:
		return each("additionalProperties", k.Properties, rules.WantNone)
	case *kind.Type:
		return []rules.Problem{rules.NewTypeProblem(place, k.Want, k.Got == "null")}
	case *kind.Enum:
		return one("enum", rules.WantEnum(k.Want))
	case *kind.Const:
		return one("const", rules.WantEnum([]any{k.Want}))
	case *kind.Pattern:
		if values, ok := strings.CutPrefix(k.Want, "^"+ignoringCase); ok {
			values = strings.ReplaceAll(strings.TrimSuffix(values, ")$"), "|", ", ")
			return one("enum", "one of "+strings.ReplaceAll(values, `\`, "")+", in any letter case")
		}
		return one("pattern", rules.WantPattern(k.Want, s.titleOf(e)))
	case *kind.Format:
		return one("format", rules.WantFormat(k.Want))
	case *kind.MinLength:
		return one("minLength", rules.WantMinLength(k.Want))
	case *kind.MaxLength:
		return one("maxLength", rules.WantMaxLength(k.Want))
	case *kind.Minimum:
		return one("minimum", rules.WantMinimum(decimal(k.Want)))
	case *kind.Maximum:
		return one("maximum", rules.WantMaximum(decimal(k.Want)))
	case *kind.ExclusiveMinimum:
		return one("exclusiveMinimum", rules.WantMore(decimal(k.Want)))
	case *kind.ExclusiveMaximum:
		return one("exclusiveMaximum", rules.WantLess(decimal(k.Want)))
	case *kind.MultipleOf:
		return one("multipleOf", rules.WantMultiple(decimal(k.Want)))
	case *kind.MinItems:
		return one("minItems", rules.WantMinItems(k.Want))
	case *kind.MaxItems:
		return one("maxItems", rules.WantMaxItems(k.Want))
	case *kind.UniqueItems:
		return one("uniqueItems", rules.WantUnique)
	case *kind.MinProperties:
		return one("minProperties", rules.WantMinProperties(k.Want))
	case *kind.MaxProperties:
		return one("maxProperties", rules.WantMaxProperties(k.Want))
	case *kind.Not:
		return one("not", rules.WantNot)
	case *kind.FalseSchema:
		return one("false schema", rules.WantNone)
	}
	return one(strings.Join(e.ErrorKind.KeywordPath(), "/"), "what the schema says")
}

// decimal writes a number as short as it can be.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// Find returns the value at a place.
func Find(v any, place []string) any {
	for _, token := range place {
		if elements, ok := v.([]any); ok {
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(elements) {
				return nil
			}
			v = elements[i]
			continue
		}
		v = Member(v, token)
	}
	return v
}

// TypeOf returns the JSON type of a value.
func TypeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if rat, ok := new(big.Rat).SetString(v.String()); ok && rat.IsInt() {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// titleOf returns what the schema that an error is about is called.
func (s *Schema) titleOf(e *jsonschema.ValidationError) string {
	_, pointer, _ := strings.Cut(e.SchemaURL, "#")
	if s.document == nil {
		return ""
	}
	_, node := s.document.Resolve("#" + pointer)
	title, _ := Member(node, "title").(string)
	return title
}
