package generator

import (
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
	h := &hoister{naming: f.names, components: t.Components, serves: f.serves, done: make(map[*openapi3.MediaType]bool)}
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
		switch s := described.Schema; {
		case h.serves && (s == nil || s.Ref == "" && s.Value.IsEmpty()) && formOf(media, false) == asJSON:
			described.Schema = openapi3.NewSchemaRef("", &openapi3.Schema{Extensions: map[string]any{"x-go-type": "struct{ json.RawMessage }"}})
		case s != nil && s.Ref == "" && s.Value != nil && needsName(s.Value):
			described.Schema = h.declare(s, name)
		}
	}
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
