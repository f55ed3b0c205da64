// Package spec reads an OpenAPI document, once and for all who need it: the checker, the sandbox, the generator, lint and the
// documentation. It knows each operation with its parameters, bodies, answers and security, which of the values are
// private and which are images, what this module's extensions mean, and in which line everything stands.
//
// It is a part of this module's own and may change.
package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	aver "github.com/goaver/aver-go"
)

// A Document is an OpenAPI document, 3.0 or 3.1, in the words of 3.1. It may be used by any number of goroutines.
type Document struct {
	Tree       any          // of maps, slices and scalars, as JSON has them
	Operations []*Operation // those that spell more of their path out come first
	Webhooks   []*Operation // sorted by name

	prefixes []string // the paths of the servers
	nodes    map[string]*yaml.Node
	compiler *jsonschema.Compiler
	sent     any // the tree for requests

	mu       sync.Mutex
	compiled map[use]*Schema // that [Document.Meets] was asked for
}

// Read reads a document that is valid OpenAPI. The error says what is wrong with it, and in which line.
func Read(text []byte) (*Document, error) {
	if err := checkReferences(text); err != nil {
		return nil, err
	}
	if err := validate(text); err != nil {
		return nil, err
	}
	return parse(text, (*Document).checkPatterns)
}

// Embedded returns the contract of this module.
func Embedded() *Document { return embedded() }

var embedded = sync.OnceValue(func() *Document {
	d, err := parse(aver.Spec, func(*Document) error { return nil }) // the module's tests validate it
	if err != nil {
		panic(err)
	}
	return d
})

// parse reads a document without asking whether it is valid OpenAPI. check is called before the schemas are compiled.
func parse(text []byte, check func(*Document) error) (*Document, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, tidy(err)
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, tidy(err)
	}
	d := &Document{Tree: normal(tree), nodes: make(map[string]*yaml.Node)}
	if len(root.Content) > 0 {
		d.index("#", root.Content[0], 0)
	}
	if version, _ := Member(d.Tree, "openapi").(string); strings.HasPrefix(version, "3.0") {
		d.Tree = raise(d.Tree)
	}
	if err := check(d); err != nil {
		return nil, err
	}
	if err := d.compile(); err != nil {
		return nil, err
	}
	d.readServers()
	r := &reader{Document: d}
	for path, item := range Object(Member(d.Tree, "paths")) {
		_, item = d.Resolve("#/paths/" + Escape(path))
		d.Operations = append(d.Operations, r.operations(requests, "#/paths/"+Escape(path), path, item)...)
	}
	hooks := Object(Member(d.Tree, "webhooks"))
	for _, name := range slices.Sorted(maps.Keys(hooks)) {
		d.Webhooks = append(d.Webhooks, r.operations(answers, "#/webhooks/"+Escape(name), "", hooks[name])...)
	}
	if r.err != nil {
		return nil, r.err
	}
	// Where two templates match a path, the one that spells more of it out is meant.
	slices.SortFunc(d.Operations, func(a, b *Operation) int {
		if c := strings.Compare(b.specificity(), a.specificity()); c != 0 {
			return c
		}
		return strings.Compare(a.Method+a.Path, b.Method+b.Path)
	})
	return d, nil
}

// index notes the nodes of a document by their pointers.
func (d *Document) index(pointer string, node *yaml.Node, depth int) {
	if depth > 200 {
		return
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	d.nodes[pointer] = node
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			below := pointer + "/" + Escape(key.Value)
			d.index(below, node.Content[i+1], depth+1)
			if d.nodes[below].Kind != yaml.ScalarNode { // what it holds may begin below its name
				d.nodes[below+"/"] = key
			}
		}
	case yaml.SequenceNode:
		for i, element := range node.Content {
			d.index(pointer+"/"+strconv.Itoa(i), element, depth+1)
		}
	}
}

// LineOf returns the first line in which a text stands, as a name or as a value; 0 when it does not.
func (d *Document) LineOf(text string) int {
	first := 0
	note := func(node *yaml.Node) {
		if node.Kind == yaml.ScalarNode && node.Value == text && (first == 0 || node.Line < first) {
			first = node.Line
		}
	}
	for _, node := range d.nodes {
		note(node)
		for _, below := range node.Content {
			note(below)
		}
	}
	return first
}

// Line returns the line in which the value at a pointer stands, or what it is a part of.
func (d *Document) Line(pointer string) int {
	for {
		if key := d.nodes[pointer+"/"]; key != nil {
			return key.Line
		}
		if node := d.nodes[pointer]; node != nil {
			return node.Line
		}
		i := strings.LastIndexByte(pointer, '/')
		if i < 0 {
			return 0
		}
		pointer = pointer[:i]
	}
}

// Written reports whether the document's text has something at a pointer: a few members of the tree are its reader's.
func (d *Document) Written(pointer string) bool { return d.nodes[pointer] != nil }

// A Fault is something wrong with a document, in a line of it.
type Fault struct {
	Line int // 0 when it cannot be told
	Text string
}

func (f *Fault) Error() string {
	if f.Line == 0 {
		return f.Text
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Text)
}

// Fault returns what is wrong with the value at a pointer.
func (d *Document) Fault(pointer, format string, args ...any) *Fault {
	return &Fault{Line: d.Line(pointer), Text: fmt.Sprintf(format, args...)}
}

// InFile names the file in which faults were found, at the beginning of each line.
func InFile(file string, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(file + ": " + strings.ReplaceAll(err.Error(), "\n", "\n"+file+": "))
}

// Resolve returns the node at a pointer, or what it refers to, and where that is.
func (d *Document) Resolve(pointer string) (string, any) {
	for range 10 {
		node := d.Tree
		for token := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(pointer, "#"), "/"), "/") {
			if token == "" {
				continue
			}
			if i, err := strconv.Atoi(token); err == nil {
				if elements := List(node); i >= 0 && i < len(elements) {
					node = elements[i]
					continue
				}
			}
			node = Member(node, unescape(token))
		}
		ref, ok := Member(node, "$ref").(string)
		if !ok || !strings.HasPrefix(ref, "#/") {
			return pointer, node
		}
		pointer = ref
	}
	return pointer, nil
}

// declared returns where a schema is declared: references are followed as long as nothing counts beside them.
func (d *Document) declared(pointer string) (string, any) {
	for range 10 {
		node := d.at(pointer)
		ref, ok := Member(node, "$ref").(string)
		if !ok || !strings.HasPrefix(ref, "#/") {
			return pointer, node
		}
		for name := range Object(node) {
			if name != "$ref" && name != "description" && name != "summary" && name != "title" && name != "deprecated" &&
				!strings.HasPrefix(name, "x-") {
				return pointer, node
			}
		}
		pointer = ref
	}
	return pointer, nil
}

// Sent returns the schema at a pointer as it holds for what is sent: without what only answers have.
func (d *Document) Sent(pointer string) any {
	return (&Document{Tree: d.sent}).at(pointer)
}

// Declared returns the value that stands at a pointer itself: the last reference is not followed.
func (d *Document) Declared(pointer string) any { return d.at(pointer) }

// at returns the value at a pointer; references on the way are followed, the last one is not.
func (d *Document) at(pointer string) any {
	i := strings.LastIndexByte(pointer, '/')
	if i < 0 {
		return d.Tree
	}
	_, parent := d.Resolve(pointer[:i])
	if elements, ok := parent.([]any); ok {
		return Find(elements, []string{pointer[i+1:]})
	}
	return Member(parent, unescape(pointer[i+1:]))
}

// Schema returns a schema of the components by its name.
func (d *Document) Schema(name string) any {
	_, node := d.Resolve("#/components/schemas/" + Escape(name))
	return node
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

// Member returns a member of an object; nil when there is none.
func Member(v any, name string) any { return Object(v)[name] }

// Object returns v if it is an object.
func Object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// List returns v if it is an array.
func List(v any) []any {
	l, _ := v.([]any)
	return l
}

var (
	escapes   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapes = strings.NewReplacer("~1", "/", "~0", "~", "%7B", "{", "%7D", "}")
	encodes   = strings.NewReplacer("{", "%7B", "}", "%7D", " ", "%20")
)

// Escape returns a name as a token of a JSON pointer.
func Escape(token string) string { return escapes.Replace(token) }

func unescape(token string) string { return unescapes.Replace(token) }

// Names returns the names of an object's members in the order of the document.
func (d *Document) Names(pointer string) []string {
	_, value := d.Resolve(pointer)
	names := slices.Sorted(maps.Keys(Object(value)))
	lines := make(map[string]int, len(names))
	for _, name := range names {
		lines[name] = d.Line(pointer + "/" + Escape(name))
	}
	slices.SortStableFunc(names, func(a, b string) int { return lines[a] - lines[b] })
	return names
}

// Tokens returns the names and indexes that a pointer is made of.
func Tokens(pointer string) []string {
	pointer = strings.TrimPrefix(strings.TrimPrefix(pointer, "#"), "/")
	if pointer == "" {
		return nil
	}
	tokens := strings.Split(pointer, "/")
	for i := range tokens {
		tokens[i] = unescape(tokens[i])
	}
	return tokens
}
