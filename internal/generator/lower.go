package generator

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// byPointer is oapi-codegen's word for a field that is a pointer although package generated prefers none.
const byPointer = "x-go-type-skip-optional-pointer"

// lower tells oapi-codegen where a zero value and no value at all mean different things, so that the field must be a pointer:
// in every optional parameter, in a request's number or boolean whose default is not zero, and where null must be sent.
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

func parameters(all openapi3.Parameters) {
	for _, p := range all {
		if p.Value == nil || p.Value.Required || p.Value.In == "path" || p.Value.Schema == nil || p.Value.Schema.Value == nil {
			continue
		}
		if kind := p.Value.Schema.Value.Type; kind != nil && (kind.Includes("array") || kind.Includes("object")) {
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
