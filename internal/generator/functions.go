package generator

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/goaver/aver-go/internal/spec"
)

// functions are what the templates ask about a contract.
type functions struct {
	*reading
	pointers map[*openapi3.Schema]string // where each schema is declared
	fields   map[string]string           // what a property or a parameter is called in Go
	rules    rulebook
	webhooks map[string]*openapi3.PathItem
	schemas  openapi3.Schemas // of the components, those that were declared in place among them
	serves   bool             // the output is the server of the sandbox, whose answers must be types that can have methods
	errs     []error
}

func newFunctions(r *reading, parsed *openapi3.T, serves bool) *functions {
	f := &functions{reading: r, serves: serves, webhooks: parsed.Webhooks, pointers: make(map[*openapi3.Schema]string)}
	f.locate(parsed)
	f.hoist(parsed)
	f.nameFields(parsed)
	f.rules = newRulebook(r.document, r.traffic, goNames(parsed))
	f.lower(parsed)
	return f
}

// goNames returns what each operation is called in Go, by method and path.
func goNames(t *openapi3.T) map[string]string {
	names := make(map[string]string)
	for path, item := range t.Paths.Map() {
		for method, op := range item.Operations() {
			names[method+" "+path] = codegen.SchemaNameToTypeName(op.OperationID)
		}
	}
	return names
}

func (f *functions) byName() map[string]any {
	return map[string]any{
		"authentication": func() *authentication { return f.auth },
		"generatedBy":    generatedBy,
		"methods":        f.methods,
		"notifications":  f.notifications,
		"join":           join,
		"quoted":         quotes,
		"declare":        f.declare,
		"final":          final,
		"rules":          f.allRules,
	}
}

// generatedBy names the generator and its version.
func generatedBy() string {
	const module = "github.com/oapi-codegen/oapi-codegen/v2"
	version := "unknown version"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == module {
				version = dep.Version
			}
		}
	}
	return module + " version " + version
}

// idOf returns what the contract calls an operation.
func idOf(op codegen.OperationDefinition) string {
	if id, ok := op.Spec.Extensions[operationID].(string); ok {
		return id
	}
	return op.SpecOperationId
}

// private reports whether a property may hold what is personal or secret: the contract says so, of it or of what it refers to,
// or does not say.
func private(p codegen.Property) bool {
	public := false
	schemas := []map[string]any{p.Extensions, extensionsOf(p.Schema.OAPISchema)}
	for items := p.Schema.ArrayType; items != nil; items = items.ArrayType {
		schemas = append(schemas, extensionsOf(items.OAPISchema))
	}
	for _, extensions := range schemas {
		if stated, ok := extensions["x-sensitive"].(bool); ok {
			if stated {
				return true
			}
			public = true
		}
	}
	return !public
}

func extensionsOf(s *openapi3.Schema) map[string]any {
	if s == nil {
		return nil
	}
	return s.Extensions
}

// isRequest reports whether values of a type are sent, so that there are rules for them.
func (f *functions) isRequest(t codegen.TypeDefinition) bool { return f.pointerOf(t) != "" }

// mayHold reports whether a property holds properties of its own, which may be private although it is not.
func mayHold(p codegen.Property) bool {
	s := p.Schema.OAPISchema
	return s == nil || !p.Schema.IsPrimitive() && len(s.Enum) == 0 && len(s.AnyOf) == 0 || len(p.Schema.UnionElements) > 0
}

// isSent reports whether values of a type are sent, as a request or within one.
func (f *functions) isSent(t codegen.TypeDefinition) bool {
	return f.isSentAt(f.pointers[t.Schema.OAPISchema]) || f.isRequest(t)
}

func (f *functions) isSentAt(pointer string) bool {
	for at := range f.rules.names {
		if pointer == at || strings.HasPrefix(pointer, at+"/") {
			return true
		}
	}
	return false
}

// rulesName returns the name of the rules for a type.
func (f *functions) rulesName(t codegen.TypeDefinition) string {
	return f.rules.names[f.pointerOf(t)]
}

// pointerOf returns where the schema of a type is declared, when it is one that is sent.
func (f *functions) pointerOf(t codegen.TypeDefinition) string {
	pointer := f.pointers[t.Schema.OAPISchema]
	if pointer == "" && t.JsonName != "" {
		pointer = "#/components/schemas/" + spec.Escape(t.JsonName)
	}
	if _, ok := f.rules.names[pointer]; !ok {
		return ""
	}
	return pointer
}

// locate notes where each schema is declared.
func (f *functions) locate(t *openapi3.T) {
	for path, item := range t.Paths.Map() {
		for method, op := range item.Operations() {
			for status, answer := range op.Responses.Map() {
				if answer.Ref == "" && answer.Value != nil {
					f.content("#/paths/"+spec.Escape(path)+"/"+strings.ToLower(method)+"/responses/"+status, answer.Value.Content)
				}
			}
			if op.RequestBody != nil && op.RequestBody.Ref == "" && op.RequestBody.Value != nil {
				f.content("#/paths/"+spec.Escape(path)+"/"+strings.ToLower(method)+"/requestBody", op.RequestBody.Value.Content)
			}
		}
	}
	if t.Components == nil {
		return
	}
	for name, body := range t.Components.RequestBodies {
		if body.Value != nil {
			f.content("#/components/requestBodies/"+spec.Escape(name), body.Value.Content)
		}
	}
	for name, answer := range t.Components.Responses {
		if answer.Value != nil {
			f.content("#/components/responses/"+spec.Escape(name), answer.Value.Content)
		}
	}
	for name, schema := range t.Components.Schemas {
		f.schema("#/components/schemas/"+spec.Escape(name), schema)
	}
}

func (f *functions) content(pointer string, content openapi3.Content) {
	for media, described := range content {
		f.schema(fmt.Sprintf("%s/content/%s/schema", pointer, spec.Escape(media)), described.Schema)
	}
}

func (f *functions) schema(pointer string, ref *openapi3.SchemaRef) {
	if ref == nil || ref.Ref != "" || ref.Value == nil || f.pointers[ref.Value] != "" {
		return
	}
	s := ref.Value
	f.pointers[s] = pointer
	for name, property := range s.Properties {
		f.schema(pointer+"/properties/"+spec.Escape(name), property)
	}
	f.schema(pointer+"/items", s.Items)
	f.schema(pointer+"/additionalProperties", s.AdditionalProperties.Schema)
	for keyword, parts := range map[string]openapi3.SchemaRefs{"allOf": s.AllOf, "anyOf": s.AnyOf, "oneOf": s.OneOf} {
		for i, part := range parts {
			f.schema(fmt.Sprintf("%s/%s/%d", pointer, keyword, i), part)
		}
	}
}

// final returns the names of the constants of an enumeration whose values are states in which the work is done.
func final(e codegen.EnumDefinition) []string {
	if e.Schema.OAPISchema == nil {
		return nil
	}
	states, _ := e.Schema.OAPISchema.Extensions["x-final"].([]any)
	var names []string
	for name, value := range e.GetValues() {
		if slices.ContainsFunc(states, func(state any) bool { return fmt.Sprint(state) == value }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
