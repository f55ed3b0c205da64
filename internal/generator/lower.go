package generator

import (
	"math"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/goaver/aver-go/internal/spec"
)

// byPointer is oapi-codegen's word for a field that is a pointer although package generated prefers none.
const byPointer = "x-go-type-skip-optional-pointer"

// lower tells oapi-codegen where a zero value and no value at all mean different things, so that the field must be a pointer:
// in every optional parameter, in a request's number or boolean whose default is not zero, where null must be sent, and where
// an object holds another of its kind.
func (f *functions) lower(t *openapi3.T) {
	for _, item := range t.Paths.Map() {
		parameters(item.Parameters)
		for _, op := range item.Operations() {
			parameters(op.Parameters)
		}
	}
	if t.Components != nil {
		for _, p := range t.Components.Parameters {
			parameters(openapi3.Parameters{p})
		}
	}
	foreign := !f.document.Ours()
	for s, pointer := range f.pointers {
		f.recursion(s, pointer)
		enumeration(s)
		f.mapping(s, pointer)
		if len(s.OneOf)+len(s.AnyOf) > 0 {
			s.AdditionalProperties.Has = nil // the value holds what there is
		}
		if !f.isSentAt(pointer) {
			continue
		}
		for name, property := range s.Properties {
			required := slices.Contains(s.Required, name)
			switch {
			case required && nullable(property.Value):
				mark(property)
			case !required && (foreign || needsZero(property.Value) || len(s.OneOf)+len(s.AnyOf) > 0):
				sendsZero(property)
			}
		}
	}
}

// enumeration has the values of a type be constants only where Go has such: of texts, and of numbers that a float64 holds.
func enumeration(s *openapi3.Schema) {
	if _, isText := s.Const.(string); !isText {
		s.Const = nil
	}
	if len(s.Enum) == 0 {
		return
	}
	texts, numbers := true, true
	for _, value := range s.Enum {
		_, isText := value.(string)
		n, isNumber := value.(float64)
		texts = texts && (isText || value == nil)
		numbers = numbers && (isNumber && n == math.Trunc(n) && math.Abs(n) < 1<<53 || value == nil)
	}
	isInteger := s.Type != nil && s.Type.Includes("integer")
	switch {
	case texts && (s.Type == nil || s.Type.Includes("string")):
		if s.Type == nil {
			s.Type = &openapi3.Types{"string"}
			if slices.Contains(s.Enum, nil) {
				s.Type = &openapi3.Types{"string", "null"}
			}
		}
	case numbers && isInteger:
	default: // the rules know them
		s.Enum = nil
	}
}

// mapping gives a discriminator the values by which it tells the alternatives apart.
func (f *functions) mapping(s *openapi3.Schema, pointer string) {
	_, node := f.document.Resolve(pointer)
	values := f.document.Alternatives(spec.Object(node))
	if s.Discriminator == nil || len(values) == 0 {
		return
	}
	s.Discriminator.Mapping = make(map[string]openapi3.MappingRef)
	for value, ref := range values {
		s.Discriminator.Mapping[value] = openapi3.MappingRef{Ref: ref}
	}
}

// sendsZero has an optional property be sent when it is set, be it to zero: of a contract that was not written for this
// module, where nobody says that zero means nothing.
func sendsZero(property *openapi3.SchemaRef) {
	s := property.Value
	if s == nil {
		return
	}
	extensions := extensionsAt(property)
	*extensions = extended(extended(*extensions, "x-omitempty", false), "x-omitzero", true) // nil alone is not sent
	if kind := s.Type; kind == nil || !kind.Includes("array") && !(kind.Includes("object") && isMap(s)) {
		mark(property)
	}
}

// isMap reports whether an object has no properties of its own, so that it is a map in Go.
func isMap(s *openapi3.Schema) bool {
	return len(s.Properties)+len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) == 0
}

// recursion has a property be a pointer that leads back to the component in which it stands.
func (f *functions) recursion(s *openapi3.Schema, pointer string) {
	component, ok := strings.CutPrefix(pointer, components)
	if !ok {
		return
	}
	component, _, _ = strings.Cut(component, "/")
	to := components + component
	for name, property := range s.Properties {
		switch required := slices.Contains(s.Required, name); {
		case !required && reaches(property, to, false, make(map[*openapi3.Schema]bool)):
			mark(property)
		case required && !nullable(property.Value) && reaches(property, to, true, make(map[*openapi3.Schema]bool)):
			at := pointer + "/properties/" + spec.Escape(name)
			f.errs = append(f.errs, f.document.Fault(at, "the required property %s leads back to its own schema, so that no value ever ends; do "+
				"not require it", name))
		}
	}
}

// reaches reports whether a value of one schema may hold one of a component, other than in a list, a map or a union; or must.
func reaches(from *openapi3.SchemaRef, to string, must bool, seen map[*openapi3.Schema]bool) bool {
	if from.Ref == to {
		return true
	}
	s := from.Value
	if s == nil || seen[s] {
		return false
	}
	seen[s] = true
	for name, property := range s.Properties {
		if (!must || slices.Contains(s.Required, name) && !nullable(property.Value)) && reaches(property, to, must, seen) {
			return true
		}
	}
	return slices.ContainsFunc(s.AllOf, func(part *openapi3.SchemaRef) bool { return reaches(part, to, must, seen) })
}

func parameters(all openapi3.Parameters) {
	for _, p := range all {
		if p.Value == nil || p.Value.Required || p.Value.In == "path" {
			continue
		}
		ref := p.Value.Schema
		for _, described := range p.Value.Content {
			ref = described.Schema
		}
		if ref == nil || ref.Value == nil {
			continue
		}
		s := ref.Value
		for _, property := range s.Properties {
			sendsZero(property)
		}
		if s.Type != nil && (s.Type.Includes("array") || s.Type.Includes("object") && isMap(s)) {
			continue // nil is none
		}
		p.Value.Extensions = unlessStated(p.Value.Extensions)
	}
}

// mark has a property be a pointer, unless the contract says otherwise.
func mark(property *openapi3.SchemaRef) {
	extensions := extensionsAt(property)
	*extensions = unlessStated(*extensions)
}

func unlessStated(extensions map[string]any) map[string]any {
	if _, stated := extensions[byPointer]; stated {
		return extensions
	}
	return extended(extensions, byPointer, false)
}

// extensionsAt returns the extensions of a schema where it stands: beside the reference, if it is one.
func extensionsAt(ref *openapi3.SchemaRef) *map[string]any {
	if ref.Ref == "" && ref.Value != nil {
		return &ref.Value.Extensions
	}
	return &ref.Extensions
}

func nullable(s *openapi3.Schema) bool {
	if s == nil {
		return false
	}
	isNull := func(ref *openapi3.SchemaRef) bool {
		return ref.Value != nil && ref.Value.Type != nil && ref.Value.Type.Is("null")
	}
	return s.Nullable || s.Type != nil && s.Type.Includes("null") || slices.ContainsFunc(slices.Concat(s.AnyOf, s.OneOf), isNull)
}

// needsZero reports whether zero must be sent to be meant, because something else is the default.
func needsZero(s *openapi3.Schema) bool {
	if s == nil || s.Type == nil {
		return false
	}
	switch value := s.Default.(type) {
	case bool:
		return value && s.Type.Includes("boolean")
	case float64:
		return value != 0 && (s.Type.Includes("integer") || s.Type.Includes("number"))
	case string:
		return value != "" && s.Type.Includes("string")
	}
	return false
}
