package spec

import (
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// An Operation is an operation of a document, or one that it receives, a webhook.
type Operation struct {
	ID       string // the operationId; the method and the path without one
	Method   string // in capitals
	Path     string // the template; empty for a webhook
	Pointer  string // where it stands
	Security []map[string]any
	Params   []*Param
	Required bool // a request must have a body
	Body     Contents
	Answers  map[string]Contents // by status, as the document writes it; empty contents for none
	Images   []string            // the properties of the request, and of the answer, that hold an image
	Uploads  []string            // those of the request

	segments []string
	schemes  map[string]any
}

// Contents are the bodies of a message by media type.
type Contents map[string]*Schema

// Of returns the schema for a media type; nil when none is documented.
func (c Contents) Of(media string) *Schema {
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

// Medias returns the media types, sorted.
func (c Contents) Medias() []string { return slices.Sorted(maps.Keys(c)) }

// A Param is a parameter of an operation.
type Param struct {
	Name, In string
	Style    string // form, simple, …
	Explode  bool
	Required bool
	Pointer  string
	Schema   *Schema // what is not compiled is not checked
	Array    bool
	Object   bool
	Kind     string // the JSON type, of the elements of an array

	node any
}

// Node returns the parameter as it stands in the document.
func (p *Param) Node() any { return p.node }

// Ignored reports whether a parameter says nothing, by the rules of OpenAPI: other parts of an operation do.
func Ignored(in, name string) bool {
	return in == "header" && slices.Contains([]string{"accept", "content-type", "authorization"}, strings.ToLower(name))
}

// A reader reads the operations of a document.
type reader struct {
	*Document
	err error
}

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// operations returns the operations at a path. resource tells whether they are sent or, as webhooks, received.
func (r *reader) operations(resource, pointer, path string, item any) []*Operation {
	var found []*Operation
	base, _ := r.Resolve(pointer)
	for _, method := range methods {
		node := Member(item, method)
		if node == nil {
			continue
		}
		at := base + "/" + method
		op := &Operation{
			Method:   strings.ToUpper(method),
			Path:     path,
			Pointer:  at,
			Answers:  make(map[string]Contents),
			segments: strings.Split(path, "/"),
			schemes:  r.SecuritySchemes(),
		}
		if op.ID, _ = Member(node, "operationId").(string); op.ID == "" {
			op.ID = strings.TrimSpace(op.Method + " " + path)
		}
		security := Member(node, "security")
		if security == nil {
			security = Member(r.Tree, "security")
		}
		for _, alternative := range List(security) {
			op.Security = append(op.Security, Object(alternative))
		}
		for _, from := range []struct {
			at   string
			node any
		}{{base, item}, {at, node}} {
			for i := range List(Member(from.node, "parameters")) {
				p := r.param(fmt.Sprintf("%s/parameters/%d", from.at, i))
				if Ignored(p.In, p.Name) {
					continue
				}
				op.Params = slices.DeleteFunc(op.Params, func(above *Param) bool { return above.Name == p.Name && above.In == p.In })
				op.Params = append(op.Params, p)
			}
		}
		if Member(node, "requestBody") != nil {
			at, body := r.Resolve(at + "/requestBody")
			op.Required = Member(body, "required") == true
			op.Body = r.contents(resource, at)
			op.Uploads = r.uploads(at + "/content/application~1json/schema")
		}
		for status := range Object(Member(node, "responses")) {
			at, _ := r.Resolve(at + "/responses/" + Escape(status))
			op.Answers[status] = r.contents(answers, at)
		}
		op.Images = append(slices.Clone(op.Uploads), r.downloads(node)...)
		found = append(found, op)
	}
	return found
}

// uploads returns the properties of a request that hold an image: those that x-upload names.
func (r *reader) uploads(pointer string) []string {
	_, schema := r.Resolve(pointer)
	if name, ok := Member(Member(schema, "x-upload"), "image").(string); ok {
		return []string{name}
	}
	return nil
}

// downloads returns the properties of an answer that hold an image: the one that x-download names, under all its names.
func (r *reader) downloads(node any) []string {
	name, ok := Member(Member(node, "x-download"), "image").(string)
	if !ok {
		return nil
	}
	names := []string{name}
	_, answer := r.Resolve("#/components/schemas") // the property states its aliases wherever it is declared
	for _, schema := range Object(answer) {
		for _, alias := range List(Member(Member(Member(schema, "properties"), name), "x-aliases")) {
			names = append(names, fmt.Sprint(alias))
		}
	}
	return names
}

func (r *reader) contents(resource, pointer string) Contents {
	_, node := r.Resolve(pointer)
	found := make(Contents)
	for media, described := range Object(Member(node, "content")) {
		if Member(described, "schema") == nil {
			found[media] = &Schema{}
			continue
		}
		found[media] = r.schema(resource, pointer+"/content/"+Escape(media)+"/schema")
	}
	return found
}

func (r *reader) schema(resource, pointer string) *Schema {
	s, err := r.Compile(resource == requests, pointer)
	if err != nil && r.err == nil {
		r.err = err
	}
	return s
}

func (r *reader) param(pointer string) *Param {
	at, node := r.Resolve(pointer)
	p := &Param{Pointer: at, Required: Member(node, "required") == true, Schema: &Schema{}, node: node}
	p.Name, _ = Member(node, "name").(string)
	p.In, _ = Member(node, "in").(string)
	if p.Style, _ = Member(node, "style").(string); p.Style == "" {
		p.Style = map[string]string{"query": "form", "cookie": "form"}[p.In]
		if p.Style == "" {
			p.Style = "simple"
		}
	}
	var stated bool
	if p.Explode, stated = Member(node, "explode").(bool); !stated {
		p.Explode = p.Style == "form"
	}
	if Member(node, "schema") == nil {
		return p // only its presence is checked
	}
	_, inner := r.Resolve(at + "/schema")
	if p.Kind = kindOf(inner); p.Kind == "array" {
		p.Array = true
		_, items := r.Resolve(r.where(at+"/schema") + "/items")
		p.Kind = kindOf(items)
	}
	p.Object = p.Kind == "object"
	if p.Kind == "" || p.Object || p.Style != "form" && p.Style != "simple" {
		return p // its texts cannot be read as one kind of value
	}
	p.Schema = r.schema(requests, at+"/schema")
	p.Schema.Node = node // x-sensitive stands beside the schema
	return p
}

func (d *Document) where(pointer string) string {
	at, _ := d.Resolve(pointer)
	return at
}

// kindOf returns the one type of a schema beside null; nothing when there are several.
func kindOf(schema any) string {
	switch kind := Member(schema, "type").(type) {
	case string:
		return kind
	case []any:
		found := ""
		for _, k := range kind {
			if k == "null" {
				continue
			}
			if found != "" {
				return ""
			}
			found = fmt.Sprint(k)
		}
		return found
	}
	return ""
}

// SecuritySchemes returns the security schemes by their names, references resolved.
func (d *Document) SecuritySchemes() map[string]any {
	found := make(map[string]any)
	for name := range Object(Member(Member(d.Tree, "components"), "securitySchemes")) {
		_, found[name] = d.Resolve("#/components/securitySchemes/" + Escape(name))
	}
	return found
}

// Server returns the address of the server that comes first, its variables filled; nothing when it is none by itself.
func (d *Document) Server() string {
	servers := List(Member(d.Tree, "servers"))
	if len(servers) == 0 {
		return ""
	}
	u, err := url.Parse(address(servers[0]))
	if err != nil || !u.IsAbs() || u.Host == "" {
		return ""
	}
	return u.String()
}

// address returns the address of a server with its variables filled.
func address(server any) string {
	address, _ := Member(server, "url").(string)
	for name, variable := range Object(Member(server, "variables")) {
		address = strings.ReplaceAll(address, "{"+name+"}", fmt.Sprint(Member(variable, "default")))
	}
	return address
}

func (d *Document) readServers() {
	for _, server := range List(Member(d.Tree, "servers")) {
		if u, err := url.Parse(address(server)); err == nil {
			d.prefixes = append(d.prefixes, strings.TrimSuffix(u.Path, "/"))
		}
	}
	d.prefixes = append(d.prefixes, "")
}

// specificity sorts literal segments behind parameters.
func (op *Operation) specificity() string {
	key := make([]byte, 0, len(op.segments))
	for _, segment := range op.segments {
		if strings.Contains(segment, "{") {
			key = append(key, '0')
		} else {
			key = append(key, '1')
		}
	}
	return string(key)
}

// Match returns the operation of a request, and the values of its path parameters. Scheme, host and port do not matter.
func (d *Document) Match(method string, u *url.URL) (*Operation, map[string]string) {
	path := u.EscapedPath()
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	for _, prefix := range d.prefixes {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		segments := strings.Split(rest, "/")
		for _, op := range d.Operations {
			if op.Method != method || len(op.segments) != len(segments) {
				continue
			}
			if values, ok := op.match(segments); ok {
				return op, values
			}
		}
	}
	return nil, nil
}

func (op *Operation) match(segments []string) (map[string]string, bool) {
	values := make(map[string]string)
	for i, segment := range op.segments {
		if !matchSegment(segment, segments[i], values) {
			return nil, false
		}
	}
	return values, true
}

// matchSegment matches a segment of a path, which may hold text around and between its parameters.
func matchSegment(template, segment string, values map[string]string) bool {
	literal, rest, isParam := strings.Cut(template, "{")
	segment, ok := strings.CutPrefix(segment, literal)
	if !ok || !isParam {
		return ok && segment == ""
	}
	name, rest, _ := strings.Cut(rest, "}")
	end := len(segment)
	if next, _, _ := strings.Cut(rest, "{"); next != "" {
		if end = strings.Index(segment, next); end < 0 {
			return false
		}
	}
	value, err := url.PathUnescape(segment[:end])
	if err != nil || value == "" {
		return false
	}
	values[name] = value
	return matchSegment(rest, segment[end:], values)
}

// Answer returns what the document says of an answer with a status. Where no success is documented, default is one.
func (op *Operation) Answer(status int) (Contents, bool) {
	found, ok := op.Answers[op.Documented(status)]
	return found, ok
}

// Documented returns the name under which the document says what an answer with a status is: the status, its class such as
// 4XX, or default; nothing when it does not say.
func (op *Operation) Documented(status int) string {
	keys := []string{strconv.Itoa(status), fmt.Sprintf("%dXX", status/100)}
	if all := op.Successes(); status/100 == 2 && slices.Contains(all, "default") {
		keys = append(keys, "default")
	}
	for _, key := range keys {
		if _, ok := op.Answers[key]; ok {
			return key
		}
	}
	return ""
}

// Successes returns the statuses of the documented successes, sorted, a class of them last. Where there is none, default says
// what any of them is.
func (op *Operation) Successes() []string {
	var found []string
	for _, status := range op.Statuses() {
		if strings.HasPrefix(status, "2") {
			found = append(found, status)
		}
	}
	if _, ok := op.Answers["default"]; ok && len(found) == 0 {
		return []string{"default"}
	}
	return found
}

// Statuses returns the statuses that are documented, sorted, without the default.
func (op *Operation) Statuses() []string {
	all := slices.Sorted(maps.Keys(op.Answers))
	return slices.DeleteFunc(all, func(status string) bool { return status == "default" })
}
