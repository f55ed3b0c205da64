package generator

import (
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
	for s, pointer := range f.pointers {
		f.recursion(s, pointer)
		if !f.isSentAt(pointer) {
			continue
		}
		for name, property := range s.Properties {
			required := slices.Contains(s.Required, name)
			if required && nullable(property.Value) || !required && needsZero(property.Value) {
				mark(property)
			}
		}
	}
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
			f.errs = append(f.errs, f.document.Fault(at, "the required property %s leads back to its own schema, so that no value ever ends; do not require it", name))
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
		if s.Type != nil && (s.Type.Includes("array") || s.Type.Includes("object") && len(s.Properties) == 0 && len(s.AllOf) == 0) {
			continue // nil is none
		}
		if _, stated := p.Value.Extensions[byPointer]; !stated {
			if p.Value.Extensions == nil {
				p.Value.Extensions = make(map[string]any)
			}
			p.Value.Extensions[byPointer] = false
		}
	}
}

func mark(ref *openapi3.SchemaRef) {
	extensions := &ref.Extensions
	if ref.Ref == "" {
		extensions = &ref.Value.Extensions
	}
	if _, stated := (*extensions)[byPointer]; stated {
		return
	}
	if *extensions == nil {
		*extensions = make(map[string]any)
	}
	(*extensions)[byPointer] = false
}

func nullable(s *openapi3.Schema) bool {
	return s != nil && (s.Nullable || s.Type != nil && s.Type.Includes("null"))
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
	}
	return false
}
