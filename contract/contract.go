// Package contract checks HTTP traffic against openapi.yaml, whoever sends it and whatever answers it.
//
// One line puts a checker under an application's own tests:
//
//	client := &http.Client{Transport: contract.ForTest(t, nil)}
//
// Every request that goes through and every answer that comes back is held against the contract, and each violation
// is an error of the test, with the operation, the place, the rule and what was expected. [NewTransport] returns
// violations as errors instead, [Handler] stands around a server, [CheckWebhook] looks at a notification, and
// [CheckHAR] at recorded traffic. A [Ledger] tells what a test run has exercised.
//
// Values that the contract marks as personal or secret are never printed.
package contract

import (
	"context"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	aver "github.com/goaver/aver-go"
)

// A Contract is an OpenAPI document (3.0 or 3.1), ready to check with: every schema in it is compiled once. It may be
// used by any number of goroutines.
type Contract struct {
	tree       any
	prefixes   []string // the paths of the servers
	operations []*operation
	webhooks   []*operation
}

// New returns the contract in an OpenAPI document. The error says what is wrong with the document, and in which line.
func New(document []byte) (*Contract, error) {
	spec, err := openapi3.NewLoader().LoadFromData(document)
	if err == nil {
		err = spec.Validate(context.Background(), openapi3.EnableExamplesValidation())
	}
	if err != nil {
		return nil, fmt.Errorf("contract: %w", located(document, err))
	}
	if err := checkExtensions(document); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	return compile(document)
}

// Embedded returns the contract of this module, [aver.Spec].
func Embedded() *Contract { return embedded() }

var embedded = sync.OnceValue(func() *Contract {
	c, err := compile(aver.Spec) // the module's tests validate it
	if err != nil {
		panic(err)
	}
	return c
})

// An operation is an operation of the contract.
type operation struct {
	id        string
	method    string
	path      []string // the segments of the path template
	security  []map[string]any
	schemes   map[string]any
	params    []param
	required  bool // the request must have a body
	body      contents
	responses map[string]contents // by status, as the contract writes it; nil contents for none
	images    []string            // the properties of request and answer that hold an image
}

// contents are the bodies of a message by media type.
type contents map[string]*schema

// of returns the schema for a media type; nil when none is documented.
func (c contents) of(media string) *schema {
	if s, ok := c[media]; ok {
		return s
	}
	kind, _, _ := strings.Cut(media, "/")
	for documented, s := range c {
		plain, _, err := mime.ParseMediaType(documented)
		if err == nil && (plain == media || plain == "*/*" || plain == kind+"/*") {
			return s
		}
	}
	return nil
}

// A schema is what a body or a parameter must meet.
type schema struct {
	compiled *jsonschema.Schema
	node     any // as it stands in the contract
}

// A param is a parameter of an operation.
type param struct {
	name, in string
	required bool
	schema   *schema
	array    bool
	kind     string // the JSON type
}

// Operations returns the operationIds of the contract with the statuses that it documents, sorted: "getCheck 200".
// Those of webhooks have no status.
func (c *Contract) Operations() []string {
	var all []string
	for _, op := range c.operations {
		for status := range op.responses {
			if status != "default" {
				all = append(all, op.id+" "+status)
			}
		}
	}
	for _, hook := range c.webhooks {
		all = append(all, hook.id)
	}
	slices.Sort(all)
	return all
}

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// compile reads a valid document.
func compile(document []byte) (*Contract, error) {
	var tree any
	if err := yaml.Unmarshal(document, &tree); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	tree = normal(tree)
	version, _ := member(tree, "openapi").(string)
	if strings.HasPrefix(version, "3.0") {
		tree = raise(tree)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	for _, format := range formats {
		compiler.RegisterFormat(format)
	}
	compiler.AssertFormat()
	bound(tree)
	if err := compiler.AddResource(requests, tree); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	if err := compiler.AddResource(answers, lenient(tree)); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	r := &reader{tree: tree, compiler: compiler}
	c := &Contract{tree: tree}
	for _, server := range list(member(tree, "servers")) {
		address := fmt.Sprint(member(server, "url"))
		for name, variable := range object(member(server, "variables")) {
			address = strings.ReplaceAll(address, "{"+name+"}", fmt.Sprint(member(variable, "default")))
		}
		if u, err := url.Parse(address); err == nil {
			c.prefixes = append(c.prefixes, strings.TrimSuffix(u.Path, "/"))
		}
	}
	c.prefixes = append(c.prefixes, "")
	for path, item := range object(member(tree, "paths")) {
		c.operations = append(c.operations, r.operations(requests, "#/paths/"+escape(path), path, item)...)
	}
	hooks := object(member(tree, "webhooks"))
	for _, name := range slices.Sorted(maps.Keys(hooks)) {
		item := hooks[name]
		c.webhooks = append(c.webhooks, r.operations(answers, "#/webhooks/"+escape(name), "", item)...)
	}
	if r.err != nil {
		return nil, fmt.Errorf("contract: %w", r.err)
	}
	// Where two templates match a path, the one that spells more of it out is meant.
	slices.SortFunc(c.operations, func(a, b *operation) int { return strings.Compare(specificity(b), specificity(a)) })
	return c, nil
}

// specificity sorts literal segments behind parameters.
func specificity(op *operation) string {
	key := make([]byte, 0, len(op.path))
	for _, segment := range op.path {
		if strings.HasPrefix(segment, "{") {
			key = append(key, '0')
		} else {
			key = append(key, '1')
		}
	}
	return string(key)
}

// match returns the operation of a request, and the values of its path parameters. Scheme, host and port do not matter.
func (c *Contract) match(method string, u *url.URL) (*operation, map[string]string) {
	path := u.EscapedPath()
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	for _, prefix := range c.prefixes {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		segments := strings.Split(rest, "/")
		for _, op := range c.operations {
			if op.method != method || len(op.path) != len(segments) {
				continue
			}
			if values, ok := op.match(segments); ok {
				return op, values
			}
		}
	}
	return nil, nil
}

func (op *operation) match(segments []string) (map[string]string, bool) {
	values := make(map[string]string)
	for i, segment := range op.path {
		name, isParam := strings.CutPrefix(segment, "{")
		if !isParam {
			if segment != segments[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		values[strings.TrimSuffix(name, "}")] = value
	}
	return values, true
}

// response returns what the contract says of an answer with a status.
func (op *operation) response(status int) (contents, bool) {
	for _, key := range []string{strconv.Itoa(status), fmt.Sprintf("%dXX", status/100)} {
		if found, ok := op.responses[key]; ok {
			return found, true
		}
	}
	return nil, false
}

// statuses returns the statuses that are documented, for a message.
func (op *operation) statuses() string {
	var all []string
	for status := range op.responses {
		if status != "default" {
			all = append(all, status)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// A reader compiles the operations of a document.
type reader struct {
	tree     any
	compiler *jsonschema.Compiler
	err      error
}

// operations returns the operations at a path. resource tells whether they are sent or, as webhooks, received.
func (r *reader) operations(resource, pointer, path string, item any) []*operation {
	var found []*operation
	for _, method := range methods {
		node := member(item, method)
		if node == nil {
			continue
		}
		at := pointer + "/" + method
		op := &operation{
			id:        fmt.Sprint(member(node, "operationId")),
			method:    strings.ToUpper(method),
			path:      strings.Split(path, "/"),
			schemes:   object(member(member(r.tree, "components"), "securitySchemes")),
			responses: make(map[string]contents),
		}
		if member(node, "operationId") == nil {
			op.id = strings.TrimSpace(op.method + " " + path)
		}
		security := member(node, "security")
		if security == nil {
			security = member(r.tree, "security")
		}
		for _, alternative := range list(security) {
			op.security = append(op.security, object(alternative))
		}
		for _, from := range []struct {
			at   string
			node any
		}{{pointer, item}, {at, node}} {
			for i := range list(member(from.node, "parameters")) {
				p := r.param(fmt.Sprintf("%s/parameters/%d", from.at, i))
				op.params = slices.DeleteFunc(op.params, func(above param) bool { return above.name == p.name && above.in == p.in })
				op.params = append(op.params, p)
			}
		}
		if member(node, "requestBody") != nil {
			at, body := r.resolve(at + "/requestBody")
			op.required = member(body, "required") == true
			op.body = r.contents(resource, at)
			op.images = r.images(member(member(member(body, "content"), "application/json"), "schema"))
		}
		for status := range object(member(node, "responses")) {
			at, _ := r.resolve(at + "/responses/" + escape(status))
			op.responses[status] = r.contents(answers, at)
		}
		op.images = append(op.images, r.download(node)...)
		found = append(found, op)
	}
	return found
}

// download returns the properties of an answer that hold an image: the one that x-download names, under all its names.
func (r *reader) download(node any) []string {
	name, ok := member(member(node, "x-download"), "image").(string)
	if !ok {
		return nil
	}
	names := []string{name}
	_, answer := r.resolve("#/components/schemas") // the property states its aliases wherever it is declared
	for _, schema := range object(answer) {
		for _, alias := range list(member(member(member(schema, "properties"), name), "x-aliases")) {
			names = append(names, fmt.Sprint(alias))
		}
	}
	return names
}

// resolve returns the node at a pointer, or what it refers to.
func (r *reader) resolve(pointer string) (string, any) {
	for range 10 {
		node := r.tree
		for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "#/"), "/") {
			if i, err := strconv.Atoi(token); err == nil {
				if elements := list(node); i < len(elements) {
					node = elements[i]
					continue
				}
			}
			node = member(node, unescape(token))
		}
		ref, ok := member(node, "$ref").(string)
		if !ok {
			return pointer, node
		}
		pointer = ref
	}
	return pointer, nil
}

func (r *reader) contents(resource, pointer string) contents {
	_, node := r.resolve(pointer)
	found := make(contents)
	for media, described := range object(member(node, "content")) {
		if member(described, "schema") == nil {
			found[media] = &schema{}
			continue
		}
		found[media] = r.schema(resource, pointer+"/content/"+escape(media)+"/schema")
	}
	return found
}

func (r *reader) schema(resource, pointer string) *schema {
	at := strings.NewReplacer("{", "%7B", "}", "%7D").Replace(pointer)
	compiled, err := r.compiler.Compile(resource + at)
	if err != nil && r.err == nil {
		r.err = err
	}
	_, node := r.resolve(pointer)
	return &schema{compiled, node}
}

func (r *reader) param(pointer string) param {
	at, node := r.resolve(pointer)
	p := param{
		name:     fmt.Sprint(member(node, "name")),
		in:       fmt.Sprint(member(node, "in")),
		required: member(node, "required") == true,
		schema:   &schema{},
	}
	style, _ := member(node, "style").(string)
	if member(node, "schema") == nil || style != "" && style != "form" && style != "simple" {
		return p // only its presence is checked
	}
	p.schema = r.schema(requests, at+"/schema")
	p.schema.node = node // x-sensitive stands beside the schema
	_, inner := r.resolve(at + "/schema")
	switch kind := member(inner, "type").(type) {
	case string:
		p.kind = kind
	case []any:
		for _, k := range kind {
			if k != "null" {
				p.kind = fmt.Sprint(k)
			}
		}
	default:
		p.schema.compiled = nil // of several kinds
	}
	if p.kind == "array" {
		p.array = true
		_, items := r.resolve(at + "/schema/items")
		p.kind, _ = member(items, "type").(string)
	}
	return p
}

// images returns the properties that hold an image: those that x-upload names.
func (r *reader) images(schema any) []string {
	if ref, ok := member(schema, "$ref").(string); ok {
		_, schema = r.resolve(ref)
	}
	if name, ok := member(member(schema, "x-upload"), "image").(string); ok {
		return []string{name}
	}
	return nil
}

// normal returns a tree of YAML as one of JSON: every key is a text, also 200, and so is a date.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = normal(v[name])
		}
	case map[any]any:
		texts := make(map[string]any, len(v))
		for name, value := range v {
			texts[fmt.Sprint(name)] = normal(value)
		}
		return texts
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case time.Time:
		if v.Equal(v.Truncate(24 * time.Hour)) {
			return v.Format(time.DateOnly)
		}
		return v.Format(time.RFC3339Nano)
	}
	return v
}

func member(v any, name string) any {
	m, _ := v.(map[string]any)
	return m[name]
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func escape(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

func unescape(token string) string {
	return strings.NewReplacer("~1", "/", "~0", "~", "%7B", "{", "%7D", "}").Replace(token)
}

// authorized says what is wrong with the credentials of a request; nothing when they are as the contract wants them.
func (op *operation) authorized(h http.Header) string {
	if len(op.security) == 0 {
		return ""
	}
	var wants []string
	for _, alternative := range op.security {
		if len(alternative) == 0 {
			return ""
		}
		met := true
		for name := range alternative {
			want, ok := present(object(op.schemes[name]), h)
			met = met && ok
			wants = append(wants, want)
		}
		if met {
			return ""
		}
	}
	slices.Sort(wants)
	return strings.Join(slices.Compact(wants), " or ")
}

// present says what a security scheme wants, and whether a request has it.
func present(scheme map[string]any, h http.Header) (string, bool) {
	authorization := h.Get("Authorization")
	kind, value, _ := strings.Cut(authorization, " ")
	switch {
	case scheme["type"] == "http" && strings.EqualFold(fmt.Sprint(scheme["scheme"]), "basic"):
		_, _, ok := (&http.Request{Header: h}).BasicAuth()
		return "Basic credentials in the Authorization header", ok
	case scheme["type"] == "http" && strings.EqualFold(fmt.Sprint(scheme["scheme"]), "bearer"), scheme["type"] == "oauth2", scheme["type"] == "openIdConnect":
		return "a bearer token in the Authorization header", strings.EqualFold(kind, "Bearer") && strings.TrimSpace(value) != ""
	case scheme["type"] == "apiKey" && scheme["in"] == "header":
		name := fmt.Sprint(scheme["name"])
		return "the header " + name, h.Get(name) != ""
	}
	return "", true // a query or a cookie
}
