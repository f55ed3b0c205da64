package generator

import (
	"fmt"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/goaver/aver-go/internal/spec"
)

// hoist gives the schemas that operations declare in place a name among the components, CreatePetBody and CreatePetAnswer,
// and leaves of each message the media type that the client speaks. So bodies and answers of every media type are generated
// alike.
func (f *functions) hoist(t *openapi3.T) {
	if t.Components == nil {
		t.Components = &openapi3.Components{}
	}
	if t.Components.Schemas == nil {
		t.Components.Schemas = make(openapi3.Schemas)
	}
	f.schemas = t.Components.Schemas
	h := &hoister{naming: f.names, components: t.Components, serves: f.serves, done: make(map[*openapi3.MediaType]bool),
		seen: make(map[*openapi3.Schema]bool)}
	for _, name := range sorted(t.Components.RequestBodies) {
		if body := t.Components.RequestBodies[name]; body.Ref == "" && body.Value != nil {
			h.names(body.Value.Content, name+"Body")
		}
	}
	for _, name := range sorted(t.Components.Responses) {
		if answer := t.Components.Responses[name]; answer.Ref == "" && answer.Value != nil {
			h.names(answer.Value.Content, name+"Answer")
		}
	}
	for _, path := range sorted(t.Paths.Map()) {
		operations := t.Paths.Map()[path].Operations()
		for _, method := range sorted(operations) {
			op, traffic := operations[method], f.traffic[method+" "+path]
			if traffic == nil {
				continue
			}
			name := op.OperationID
			if op.RequestBody != nil && op.RequestBody.Value != nil {
				op.RequestBody.Value.Content = only(op.RequestBody.Value.Content, traffic.Body.Media)
				h.names(op.RequestBody.Value.Content, name+"Body")
			}
			for _, answer := range traffic.Answers {
				described := op.Responses.Value(answer.Status)
				if described == nil || described.Value == nil {
					continue
				}
				described.Value.Content = only(described.Value.Content, answer.Media)
				suffix := "Answer"
				if len(traffic.Answers) > 1 {
					suffix = "Answer" + answer.Status
				}
				h.names(described.Value.Content, name+suffix)
			}
			h.callbacks(op, name)
			op.Callbacks = nil // the client sends none
		}
	}
	for _, name := range sorted(t.Webhooks) {
		for _, op := range t.Webhooks[name].Operations() {
			if op.RequestBody != nil && op.RequestBody.Value != nil {
				h.names(op.RequestBody.Value.Content, name+" body")
			}
		}
	}
	for _, name := range sorted(t.Components.Schemas) {
		h.alternatives(t.Components.Schemas[name], name)
	}
}

// alternatives names the alternatives that a union declares in place, at any depth: a type of its own has methods.
func (h *hoister) alternatives(ref *openapi3.SchemaRef, name string) {
	if ref == nil || ref.Value == nil || h.seen[ref.Value] {
		return
	}
	s := ref.Value
	if h.seen[s] = true; s.Extensions["x-go-type"] != nil {
		return
	}
	if s.Discriminator == nil {
		for _, all := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
			for i, part := range all {
				if part.Ref == "" && part.Value != nil && needsName(part.Value) {
					all[i] = h.declare(part, fmt.Sprintf("%s alternative %d", name, i+1))
				}
			}
		}
	}
	for _, property := range sorted(s.Properties) {
		if p := s.Properties[property]; p.Ref == "" {
			h.alternatives(p, name+" "+property)
		}
	}
	for _, part := range slices.Concat(s.OneOf, s.AnyOf, s.AllOf) {
		h.alternatives(part, name)
	}
	if s.Items != nil && s.Items.Ref == "" {
		h.alternatives(s.Items, name+" item")
	}
	if more := s.AdditionalProperties.Schema; more != nil && more.Ref == "" {
		h.alternatives(more, name+" value")
	}
}

// only returns the content in one media type.
func only(all openapi3.Content, media string) openapi3.Content {
	if chosen := all[media]; chosen != nil {
		return openapi3.Content{media: chosen}
	}
	return all
}

type hoister struct {
	naming     *naming
	components *openapi3.Components
	serves     bool
	done       map[*openapi3.MediaType]bool
	seen       map[*openapi3.Schema]bool
}

// callbacks gives what the service will send to the application types to read it with.
func (h *hoister) callbacks(op *openapi3.Operation, name string) {
	for _, callback := range sorted(op.Callbacks) {
		if op.Callbacks[callback].Value == nil {
			continue
		}
		for _, item := range op.Callbacks[callback].Value.Map() {
			for _, received := range item.Operations() {
				if received.RequestBody != nil && received.RequestBody.Value != nil {
					h.names(received.RequestBody.Value.Content, name+" "+callback+" body")
				}
			}
		}
	}
}

// names names the schemas of a message.
func (h *hoister) names(all openapi3.Content, name string) {
	for _, media := range sorted(all) {
		described := all[media]
		if described == nil || h.done[described] {
			continue
		}
		h.done[described] = true
		if one := beside(described.Schema); one != nil {
			described.Schema = one
		}
		s := described.Schema
		unsaid := h.serves && (s == nil || s.Ref == "" && s.Value.IsEmpty())
		switch {
		case unsaid && formOf(media, true) == asText:
			described.Schema = openapi3.NewSchemaRef("", openapi3.NewStringSchema())
		case unsaid && formOf(media, false) == asJSON:
			described.Schema = openapi3.NewSchemaRef("", &openapi3.Schema{Extensions: map[string]any{"x-go-type": "struct{ json.RawMessage }"}})
		case s != nil && s.Ref == "" && s.Value != nil && needsName(s.Value):
			described.Schema = h.declare(s, name)
		}
	}
}

// beside returns what a schema is when it is not null, if it is one thing that has a name.
func beside(ref *openapi3.SchemaRef) *openapi3.SchemaRef {
	if ref == nil || ref.Ref != "" || ref.Value == nil {
		return nil
	}
	all := slices.DeleteFunc(slices.Concat(ref.Value.OneOf, ref.Value.AnyOf), func(part *openapi3.SchemaRef) bool {
		return part.Value != nil && part.Value.Type != nil && part.Value.Type.Is("null")
	})
	if len(all) != 1 || all[0].Ref == "" || len(ref.Value.Properties)+len(ref.Value.AllOf) > 0 {
		return nil
	}
	return all[0]
}

// declare moves a schema to the components.
func (h *hoister) declare(s *openapi3.SchemaRef, name string) *openapi3.SchemaRef {
	name = codegen.SchemaNameToTypeName(name)
	if stated, ok := s.Value.Extensions["x-go-type-name"].(string); ok {
		delete(s.Value.Extensions, "x-go-type-name")
		name = stated
	}
	name = h.naming.free(name, h.components.Schemas)
	h.components.Schemas[name] = &openapi3.SchemaRef{Value: s.Value}
	return &openapi3.SchemaRef{Ref: components + spec.Escape(name), Value: s.Value}
}

// needsName reports whether a schema is more than a scalar, or a list or map of such or of what has a name.
func needsName(s *openapi3.Schema) bool {
	if _, ok := s.Extensions["x-go-type"]; ok {
		return false
	}
	inline := func(ref *openapi3.SchemaRef) bool {
		return ref != nil && ref.Ref == "" && ref.Value != nil && needsName(ref.Value)
	}
	return len(s.Properties) > 0 || len(s.Enum) > 0 || len(s.AllOf) > 0 || len(s.AnyOf) > 0 || len(s.OneOf) > 0 ||
		inline(s.Items) || inline(s.AdditionalProperties.Schema)
}
