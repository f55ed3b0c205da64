package generator

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/goaver/aver-go/internal/spec"
)

// A name of the contract that Go or this module needs for something else gets a word behind it: a schema Error becomes the
// type ErrorSchema, an operation close the method CloseOperation, a property format the field FormatValue, and a path
// parameter ctx the argument ctxParam. x-go-name says another one. Names that Go cannot tell apart are refused.
type naming struct {
	document *spec.Document
	types    map[string]bool // that package api declares by hand, or package generated for itself
	methods  map[string]bool // of api.Client and of what implements the operations, or fields of generated.RawClient
	faults   []*spec.Fault
}

const goName = "x-go-name"

// ofGenerated are the names that oapi-codegen's client and our templates declare.
var ofGenerated = strings.Fields(`RawClient RequestEditorFn HttpRequestDoer ClientOption NewClient WithHTTPClient WithRequestEditorFn
	Spec ClientInterface ClientWithResponses NewClientWithResponses WithBaseURL ClientWithResponsesInterface RulesNamed
	ServerInterface StrictServerInterface StrictHandlerFunc StrictMiddlewareFunc Unimplemented UnimplementedStrict ErrUnimplemented
	MiddlewareFunc ServerInterfaceWrapper Handler HandlerFromMux HandlerWithOptions ChiServerOptions NewStrictHandler`)

// ofValues are the methods of generated types.
var ofValues = strings.Fields("Format LogValue DecodeJSON Missing Sensitive Validate Rules UnmarshalJSON MarshalJSON Valid Known Is " +
	"Canonical Final Discriminator")

// ofCalls are the identifiers that a method of the client uses: its own, and packages.
var ofCalls = strings.Fields(`c ctx body opts params upload w r file err call value request operation pathValue download image
	string error context http url fmt io time json runtime bytes strings mime generated rules wire slog any nil true false len new append byte int
	server contentType reqEditors req queryURL operationPath serverURL bodyReader buf queryValues`)

// newNaming reads which names package api has.
func newNaming(module fs.FS, document *spec.Document) (*naming, error) {
	n := &naming{document: document, types: make(map[string]bool), methods: make(map[string]bool)}
	for _, name := range ofGenerated {
		n.types[name] = true
	}
	for _, name := range []string{"Server", "Client", "RequestEditors", "Format", "LogValue"} {
		n.methods[name] = true
	}
	for _, op := range document.Operations {
		_, described := document.Resolve(op.Pointer)
		n.streaming(spec.Member(described, "x-download"), "File")
		for _, body := range op.Body {
			_, schema := document.Resolve(body.Pointer)
			n.streaming(spec.Member(schema, "x-upload"), "")
		}
	}
	var files []string
	for _, folder := range []string{"api", "sandbox"} {
		found, err := fs.Glob(module, folder+"/*.go")
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, ".gen.go") {
			continue
		}
		text, err := fs.ReadFile(module, file)
		if err != nil {
			return nil, err
		}
		if !Meets(document, text) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, declared := range parsed.Decls {
			n.declare(declared, strings.HasPrefix(file, "api/"))
		}
	}
	return n, nil
}

// streaming notes the names that x-upload and x-download ask for.
func (n *naming) streaming(asked any, another string) {
	if method, ok := spec.Member(asked, "method").(string); ok {
		n.methods[method], n.methods[method+another] = true, true
	}
	if of, ok := spec.Member(asked, "type").(string); ok {
		n.types[of] = true
	}
}

// declare notes a declaration of package api, or a method of the sandbox.
func (n *naming) declare(declared ast.Decl, api bool) {
	switch d := declared.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			if of := receiver(d.Recv.List[0].Type); of == "Client" || of == "Sandbox" {
				n.methods[d.Name.Name] = true
			}
		} else if api {
			n.types[d.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				n.types[s.Name.Name] = n.types[s.Name.Name] || api
			case *ast.ValueSpec:
				for _, name := range s.Names {
					n.types[name.Name] = n.types[name.Name] || api
				}
			}
		}
	}
}

func receiver(of ast.Expr) string {
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// apply renames what must be, and notes what cannot be told apart.
func (n *naming) apply(t *openapi3.T) {
	n.ignore(t)
	n.companions(t)
	n.components(t)
	operations := make(map[string]string)
	for _, path := range sorted(t.Paths.Map()) {
		item := t.Paths.Map()[path]
		pointer := "#/paths/" + spec.Escape(path)
		n.parameters(pointer, item.Parameters)
		for _, method := range sorted(item.Operations()) {
			op := item.Operations()[method]
			at := pointer + "/" + strings.ToLower(method)
			n.parameters(at, op.Parameters)
			if op.OperationID == "" {
				op.Extensions = extended(op.Extensions, operationID, method+" "+path)
				op.OperationID = codegen.SchemaNameToTypeName(strings.ToLower(method) + " " + path)
			}
			n.operation(at, op, operations)
			if op.RequestBody != nil && op.RequestBody.Ref == "" && op.RequestBody.Value != nil {
				n.content(at+"/requestBody", op.RequestBody.Value.Content)
			}
			for status, answer := range op.Responses.Map() {
				if answer.Ref == "" && answer.Value != nil {
					n.content(at+"/responses/"+status, answer.Value.Content)
				}
			}
		}
	}
}

// ignore drops the parameters that say nothing by the rules of OpenAPI.
func (n *naming) ignore(t *openapi3.T) {
	drop := func(all openapi3.Parameters) openapi3.Parameters {
		return slices.DeleteFunc(all, func(p *openapi3.ParameterRef) bool {
			return p.Value != nil && spec.Ignored(p.Value.In, p.Value.Name)
		})
	}
	for _, item := range t.Paths.Map() {
		item.Parameters = drop(item.Parameters)
		for _, op := range item.Operations() {
			op.Parameters = drop(op.Parameters)
		}
	}
}

// companions notes the names that oapi-codegen gives to what belongs to an operation.
func (n *naming) companions(t *openapi3.T) {
	for _, item := range t.Paths.Map() {
		for _, op := range item.Operations() {
			is := codegen.SchemaNameToTypeName(op.OperationID)
			for _, name := range []string{is + "Params", is + "Response", is + "JSONRequestBody", "New" + is + "Request", "Parse" + is + "Response",
				"New" + is + "RequestWithBody"} {
				n.types[name] = true
			}
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				if p.Value != nil && p.Value.Schema != nil && p.Value.Schema.Ref == "" {
					n.types[is+"Params"+codegen.SchemaNameToTypeName(p.Value.Name)] = true
				}
			}
		}
	}
}

// free returns a name for a type that neither the contract nor package api has.
func (n *naming) free(name string, schemas openapi3.Schemas) string {
	for n.types[name] || schemas[name] != nil {
		name += "Value"
	}
	return name
}

func (n *naming) components(t *openapi3.T) {
	if t.Components == nil {
		return
	}
	seen := make(map[string]string)
	constants := make(map[string]bool)
	for name, ref := range t.Components.Schemas {
		for _, value := range ref.Value.Enum {
			constants[codegen.SchemaNameToTypeName(name)+codegen.SchemaNameToTypeName(fmt.Sprint(value))] = true
		}
	}
	for _, name := range sorted(t.Components.Schemas) {
		ref, pointer := t.Components.Schemas[name], components+spec.Escape(name)
		is := codegen.SchemaNameToTypeName(name)
		if ref.Ref == "" && ref.Value != nil {
			if stated, ok := ref.Value.Extensions[goName].(string); ok {
				is = stated
			} else if (n.types[is] || constants[is]) && !reexported(ref.Value) {
				is += "Schema"
				set(&ref.Value.Extensions, is)
			}
			n.schema(pointer, ref)
		}
		n.once(seen, is, name, pointer, "schemas")
	}
	n.inline(t)
	for _, name := range sorted(t.Components.Parameters) {
		n.parameters("#/components/parameters/"+spec.Escape(name), openapi3.Parameters{t.Components.Parameters[name]})
	}
}

// inline takes out of the components what would become a type with a name that is needed, and has each operation declare it.
func (n *naming) inline(t *openapi3.T) {
	taken := func(name string) bool {
		alias := t.Components.Responses[name] != nil && t.Components.Responses[name].Ref != "" ||
			t.Components.RequestBodies[name] != nil && t.Components.RequestBodies[name].Ref != "" ||
			t.Components.Parameters[name] != nil && t.Components.Parameters[name].Ref != ""
		return alias || n.types[codegen.SchemaNameToTypeName(name)]
	}
	for _, item := range t.Paths.Map() {
		inlineParameters(item.Parameters, taken)
		for _, op := range item.Operations() {
			inlineParameters(op.Parameters, taken)
			if body := op.RequestBody; body != nil && body.Ref != "" && taken(path.Base(body.Ref)) {
				body.Ref = ""
			}
			for _, answer := range op.Responses.Map() {
				if answer.Ref != "" && taken(path.Base(answer.Ref)) {
					answer.Ref = ""
				}
			}
		}
	}
	maps.DeleteFunc(t.Components.Parameters, func(name string, _ *openapi3.ParameterRef) bool { return taken(name) })
	maps.DeleteFunc(t.Components.RequestBodies, func(name string, _ *openapi3.RequestBodyRef) bool { return taken(name) })
	maps.DeleteFunc(t.Components.Responses, func(name string, _ *openapi3.ResponseRef) bool { return taken(name) })
}

func inlineParameters(all openapi3.Parameters, taken func(name string) bool) {
	for _, p := range all {
		if p.Ref != "" && taken(path.Base(p.Ref)) {
			p.Ref = ""
		}
	}
}

// reexported reports whether a schema is one that package api declares itself, by a value type.
func reexported(s *openapi3.Schema) bool {
	of, _ := s.Extensions["x-go-type"].(string)
	return strings.HasPrefix(of, "wire.")
}

func (n *naming) operation(pointer string, op *openapi3.Operation, seen map[string]string) {
	id := op.OperationID
	is := codegen.SchemaNameToTypeName(id)
	stated, ok := op.Extensions[goName].(string)
	switch {
	case ok:
		is = stated
	case n.methods[is]:
		is += "Operation"
	}
	if op.Extensions["x-retry"] == "recover" && !n.methods["recover"+is] {
		n.faults = append(n.faults, n.document.Fault(pointer+"/x-retry",
			"x-retry: recover needs a function recover%s of Client in package api, which finds out whether the operation was performed; see recover.go", is))
	}
	if is != id {
		if _, nameless := op.Extensions[operationID]; !nameless {
			op.Extensions = extended(op.Extensions, operationID, id)
		}
		op.OperationID = is
	}
	for _, name := range []string{is, is + "WithBody"} {
		if other, ok := seen[name]; ok {
			n.faults = append(n.faults, n.document.Fault(pointer+"/operationId",
				"the operations %s and %s are both called %s in Go; give one of them an x-go-name", other, id, name))
		}
	}
	if seen[is] = id; op.RequestBody != nil {
		seen[is+"WithBody"] = id
	}
}

// operationID holds what the contract calls an operation that is called otherwise in Go.
const operationID = "x-operation-id"

func (n *naming) parameters(pointer string, all openapi3.Parameters) {
	arguments, fields, places := make(map[string]string), make(map[string]string), make(map[string]string)
	for _, p := range all {
		if p.Ref != "" || p.Value == nil {
			continue
		}
		is := codegen.SchemaNameToTypeName(p.Value.Name)
		if stated, ok := p.Value.Extensions[goName].(string); ok {
			is = stated
		} else if name := codegen.LowercaseFirstCharacters(is); p.Value.In == "path" && (slices.Contains(ofCalls, name) || n.types[name]) {
			is += "Param"
			set(&p.Value.Extensions, is)
		}
		if p.Value.In == "path" {
			n.once(arguments, is, p.Value.Name, pointer, "parameters")
		} else {
			if other := places[p.Value.Name]; other != "" {
				n.faults = append(n.faults, n.document.Fault(pointer+"/parameters",
					"the parameter %s stands in the %s and in the %s, and an error could not tell which is wrong; take one of them out", p.Value.Name,
					other, p.Value.In))
				continue
			}
			places[p.Value.Name] = p.Value.In
			n.once(fields, is, p.Value.Name, pointer, "parameters")
		}
	}
}

func (n *naming) content(pointer string, content openapi3.Content) {
	for _, media := range sorted(content) {
		n.schema(pointer+"/content/"+spec.Escape(media)+"/schema", content[media].Schema)
	}
}

// schema renames the properties of a schema that is declared here, and of those within it.
func (n *naming) schema(pointer string, ref *openapi3.SchemaRef) {
	if ref == nil || ref.Ref != "" || ref.Value == nil || strings.Count(pointer, "/") > 60 {
		return
	}
	s := ref.Value
	seen := make(map[string]string)
	for _, name := range sorted(s.Properties) {
		property, at := s.Properties[name], pointer+"/properties/"+spec.Escape(name)
		is := codegen.SchemaNameToTypeName(name)
		extensions := extensionsAt(property)
		if stated, ok := (*extensions)[goName].(string); ok {
			is = codegen.SchemaNameToTypeName(stated)
		} else if fixed := exported(is); fixed != is || needed(s, is) {
			if is = fixed; needed(s, is) {
				is += "Value"
			}
			set(extensions, is)
		}
		n.once(seen, is, name, at, "properties")
		n.schema(at, property)
	}
	n.schema(pointer+"/items", s.Items)
	n.schema(pointer+"/additionalProperties", s.AdditionalProperties.Schema)
	for _, parts := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf} {
		for _, part := range parts {
			n.schema(pointer, part)
		}
	}
}

// needed reports whether the type of a schema needs a name for a method or a field of its own.
func needed(s *openapi3.Schema, name string) bool {
	if len(s.OneOf)+len(s.AnyOf) > 0 {
		for _, begin := range []string{"As", "From", "Merge"} {
			if strings.HasPrefix(name, begin) {
				return true
			}
		}
		if name == "ValueByDiscriminator" {
			return true
		}
	}
	return name == "AdditionalProperties" && codegen.SchemaHasAdditionalProperties(s) || slices.Contains(ofValues, name)
}

// exported returns a name that begins with a capital letter, as a field must to be sent.
func exported(name string) string {
	if !token.IsExported(name) {
		return "X" + name
	}
	return name
}

// once refuses two names of the contract that are one in Go.
func (n *naming) once(seen map[string]string, is, name, pointer, what string) {
	if other, ok := seen[is]; ok && other != name {
		n.faults = append(n.faults, n.document.Fault(pointer, "the %s %s and %s are both called %s in Go; give one of them an x-go-name", what,
			other, name, is))
	}
	seen[is] = name
}

func set(extensions *map[string]any, name string) { *extensions = extended(*extensions, goName, name) }

// extended returns extensions with another one.
func extended(extensions map[string]any, name string, value any) map[string]any {
	if extensions == nil {
		extensions = make(map[string]any)
	}
	extensions[name] = value
	return extensions
}
