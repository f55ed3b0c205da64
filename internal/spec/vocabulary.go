package spec

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Extension is a word that this module adds to OpenAPI.
type Extension struct {
	Name    string
	On      []Place
	Meaning string // as the table in openapi.yaml says it

	wrong func(e extended) string // what is wrong with a value; nothing when it is right
}

// A Place is a kind of object of a document at which an extension may stand.
type Place string

// The places.
const (
	OnOperation Place = "operation"
	OnParameter Place = "parameter"
	OnProperty  Place = "property"
	OnSchema    Place = "schema"
)

// Vocabulary is what this module adds to OpenAPI. Lint, the generator and the documentation go by it.
var Vocabulary = []Extension{
	{"x-retry", []Place{OnOperation}, "`always`: may be repeated; `never`: only when it certainly was not performed; `recover`: after an " +
		"unclear outcome the state is read instead of repeating",
		oneOf("always", "never", "recover")},
	{"x-upload", []Place{OnSchema}, "on a request: the names of a method and a type that stream the image in it, and of the properties for " +
		"its content and its name", upload},
	{"x-download", []Place{OnOperation}, "the name of a method that streams the image in the answer, and of its property", download},
	{"x-large-response", []Place{OnOperation}, "`true`: the answer holds an image, so that it may be larger than others", boolean},
	{"x-sensitive", []Place{OnProperty, OnParameter, OnSchema},
		"`true`: the value is personal or secret and is never printed; what does not say is private", boolean},
	{"x-aliases", []Place{OnProperty}, "other spellings under which the service has been seen to send the property", aliases},
	{"x-trim", []Place{OnProperty}, "`true`: white space around the value is no part of it", trim},
	{"x-bare-string", []Place{OnSchema}, "a bare JSON string in place of the object stands for the named property", bareString},
	{"x-final", []Place{OnSchema}, "on an enumeration of states: those in which the work is done", final},
	{"x-ignore-case", []Place{OnSchema}, "`true` on an enumeration: the service has been seen to send the values in another letter case", ignoreCase},
}

// foreign are the words of others that are understood: of oapi-codegen.
var foreign = []string{
	"x-go-name", "x-go-type", "x-go-type-import", "x-go-type-name", "x-go-type-skip-optional-pointer", "x-enum-varnames",
	"x-enum-names", "x-deprecated-reason", "x-omitempty", "x-omitzero", "x-order", "x-enumNames",
}

// extended is a place at which an extension stands.
type extended struct {
	value  *yaml.Node // of the extension
	object *yaml.Node // what it stands on
}

// Table returns the table of the vocabulary in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| extension | on | meaning |\n|---|---|---|\n")
	for _, e := range Vocabulary {
		places := make([]string, len(e.On))
		for i, place := range e.On {
			places[i] = string(place)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.Name, strings.Join(places, ", "), e.Meaning)
	}
	return b.String()
}

// Ours reports whether the document uses the vocabulary, so that it was written for this module.
func (d *Document) Ours() bool { return d.uses("x-sensitive") || d.uses("x-retry") }

func (d *Document) uses(name string) bool {
	for pointer := range d.nodes {
		if strings.HasSuffix(pointer, "/"+name) {
			return true
		}
	}
	return false
}

// CheckVocabulary says where the extensions of this module are used wrongly: misspelt, with another value than they have,
// or where they mean nothing; and, of a document that is written for this module, where a policy is not stated.
func (d *Document) CheckVocabulary() []*Fault {
	var faults []*Fault
	d.Walk(func(place Place, pointer string) {
		object := d.nodes[pointer]
		if object == nil || object.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(object.Content); i += 2 {
			key, value := object.Content[i], object.Content[i+1]
			if !strings.HasPrefix(key.Value, "x-") {
				continue
			}
			if text := unfit(key.Value, place, extended{value, object}); text != "" {
				faults = append(faults, &Fault{key.Line, text})
			}
		}
	})
	if d.Ours() {
		faults = append(faults, d.unstated()...)
	}
	slices.SortStableFunc(faults, func(a, b *Fault) int { return a.Line - b.Line })
	return slices.CompactFunc(faults, func(a, b *Fault) bool { return *a == *b })
}

func unfit(name string, place Place, e extended) string {
	i := slices.IndexFunc(Vocabulary, func(known Extension) bool { return known.Name == name })
	if i < 0 {
		for _, known := range Vocabulary {
			if distance(name, known.Name) <= 2 && !slices.Contains(foreign, name) {
				return fmt.Sprintf("%s is not known; is %s meant?", name, known.Name)
			}
		}
		return ""
	}
	known := Vocabulary[i]
	if !slices.Contains(known.On, place) && !(place == OnProperty && slices.Contains(known.On, OnSchema)) {
		return fmt.Sprintf("%s means nothing on %s; it belongs on %s", name, article([]Place{place}), article(known.On))
	}
	if wrong := known.wrong(e); wrong != "" {
		return name + " " + wrong
	}
	return ""
}

func article(places []Place) string {
	names := make([]string, len(places))
	for i, place := range places {
		if names[i] = "a " + string(place); place == OnOperation {
			names[i] = "an operation"
		}
	}
	return strings.Join(names, " or ")
}

// unstated says which operation lacks its x-retry, and which parameter or property its x-sensitive.
func (d *Document) unstated() []*Fault {
	var faults []*Fault
	d.Walk(func(place Place, pointer string) {
		_, node := d.Resolve(pointer)
		stated := func(name string) bool {
			raw := d.at(pointer)
			return Member(raw, name) != nil || Member(node, name) != nil
		}
		switch {
		case place == OnOperation && !stated("x-retry"):
			faults = append(faults, d.Fault(pointer, "the operation does not state x-retry: may it be repeated (always), only when it was not "+
				"performed (never), or is the state read first (recover)?"))
		case place == OnParameter && !stated("x-sensitive"):
			faults = append(faults, d.Fault(pointer, "the parameter %v does not state x-sensitive: is its value personal or secret?", Member(node, "name")))
		case place == OnProperty && !stated("x-sensitive"):
			faults = append(faults, d.Fault(pointer, "the property %s does not state x-sensitive: is its value personal or secret?",
				unescape(pointer[strings.LastIndexByte(pointer, '/')+1:])))
		}
	})
	return faults
}

// Walk calls f with the pointer of each operation, parameter, property and schema of the document, once where it is
// declared.
func (d *Document) Walk(f func(place Place, pointer string)) {
	w := walker{d, f}
	for _, part := range []string{"paths", "webhooks"} {
		for _, name := range d.Names("#/" + part) {
			w.item("#/" + part + "/" + Escape(name))
		}
	}
	for _, name := range d.Names("#/components/schemas") {
		w.schema(OnSchema, "#/components/schemas/"+Escape(name))
	}
	for _, name := range d.Names("#/components/parameters") {
		w.parameter("#/components/parameters/" + Escape(name))
	}
	for _, name := range d.Names("#/components/requestBodies") {
		w.content("#/components/requestBodies/" + Escape(name))
	}
	for _, name := range d.Names("#/components/responses") {
		w.response("#/components/responses/" + Escape(name))
	}
	for _, name := range d.Names("#/components/headers") {
		w.below(OnSchema, "#/components/headers/"+Escape(name)+"/schema")
	}
	for _, name := range d.Names("#/components/pathItems") {
		w.item("#/components/pathItems/" + Escape(name))
	}
}

type walker struct {
	*Document
	f func(Place, string)
}

// here reports whether a value is declared at the pointer, rather than referred to.
func (w walker) here(pointer string) bool {
	raw := w.at(pointer)
	return raw != nil && Member(raw, "$ref") == nil
}

func (w walker) item(pointer string) {
	if !w.here(pointer) {
		return
	}
	w.parameters(pointer)
	item := w.at(pointer)
	for _, method := range methods {
		at := pointer + "/" + method
		op := Member(item, method)
		if op == nil {
			continue
		}
		w.f(OnOperation, at)
		w.parameters(at)
		if Member(op, "requestBody") != nil {
			w.content(at + "/requestBody")
		}
		for _, status := range w.Names(at + "/responses") {
			w.response(at + "/responses/" + Escape(status))
		}
		for _, name := range w.Names(at + "/callbacks") {
			for _, expression := range w.Names(at + "/callbacks/" + Escape(name)) {
				w.item(at + "/callbacks/" + Escape(name) + "/" + Escape(expression))
			}
		}
	}
}

func (w walker) parameters(pointer string) {
	for i := range List(Member(w.at(pointer), "parameters")) {
		w.parameter(fmt.Sprintf("%s/parameters/%d", pointer, i))
	}
}

func (w walker) parameter(pointer string) {
	if w.here(pointer) {
		w.f(OnParameter, pointer)
		w.below(OnSchema, pointer+"/schema")
		for _, media := range w.Names(pointer + "/content") {
			w.below(OnSchema, pointer+"/content/"+Escape(media)+"/schema")
		}
	}
}

func (w walker) response(pointer string) {
	w.content(pointer)
	if w.here(pointer) {
		for _, name := range w.Names(pointer + "/headers") {
			w.below(OnSchema, pointer+"/headers/"+Escape(name)+"/schema")
		}
	}
}

func (w walker) content(pointer string) {
	if !w.here(pointer) {
		return
	}
	for _, media := range w.Names(pointer + "/content") {
		w.below(OnSchema, pointer+"/content/"+Escape(media)+"/schema")
	}
}

func (w walker) below(place Place, pointer string) {
	if w.at(pointer) != nil {
		w.schema(place, pointer)
	}
}

// schema visits a schema and those within it. What is referred to is visited where it is declared; what stands beside the
// reference belongs here. Rules (not, if, then, dependentSchemas, the alternatives of an object) speak of properties that are
// declared elsewhere.
func (w walker) schema(place Place, pointer string) {
	if strings.Count(pointer, "/") > 60 {
		return
	}
	w.f(place, pointer)
	raw := w.at(pointer)
	for name := range Object(Member(raw, "properties")) {
		w.schema(OnProperty, pointer+"/properties/"+Escape(name))
	}
	for _, keyword := range []string{"items", "additionalProperties", "contains"} {
		if Object(Member(raw, keyword)) != nil {
			w.schema(OnSchema, pointer+"/"+keyword)
		}
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf", "prefixItems"} {
		for i := range List(Member(raw, keyword)) {
			w.schema(OnSchema, fmt.Sprintf("%s/%s/%d", pointer, keyword, i))
		}
	}
	for _, keyword := range []string{"patternProperties", "$defs"} {
		for name := range Object(Member(raw, keyword)) {
			w.schema(OnSchema, pointer+"/"+keyword+"/"+Escape(name))
		}
	}
}

// distance returns how many letters must change to make one text of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before := row[0]
		row[0]++
		for j := range b {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

func oneOf(values ...string) func(extended) string {
	return func(e extended) string {
		if !slices.Contains(values, e.value.Value) {
			return "must be " + strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1]
		}
		return ""
	}
}

func boolean(e extended) string {
	if e.value.Tag != "!!bool" {
		return "must be true or false"
	}
	return ""
}

func trim(e extended) string {
	if text := boolean(e); text != "" {
		return text
	}
	if _, kind := entry(e.object, "type"); kind != nil && !strings.Contains(text(kind), "string") {
		return "means nothing on what is no string"
	}
	return ""
}

func ignoreCase(e extended) string {
	if text := boolean(e); text != "" {
		return text
	}
	if _, values := entry(e.object, "enum"); values == nil {
		return "must stand beside enum"
	}
	return ""
}

func final(e extended) string {
	_, values := entry(e.object, "enum")
	switch {
	case values == nil:
		return "must stand beside enum"
	case e.value.Kind != yaml.SequenceNode || len(e.value.Content) == 0:
		return "must be a list of values"
	}
	for _, state := range e.value.Content {
		if !slices.ContainsFunc(values.Content, func(v *yaml.Node) bool { return v.Value == state.Value }) {
			return fmt.Sprintf("names %s, which the enumeration does not have", state.Value)
		}
	}
	return ""
}

func aliases(e extended) string {
	if e.value.Kind != yaml.SequenceNode {
		return "must be a list of names"
	}
	for _, alias := range e.value.Content {
		if alias.Kind != yaml.ScalarNode || alias.Value == "" {
			return "must be a list of names"
		}
	}
	return ""
}

func bareString(e extended) string {
	return names(e.object, e.value.Value)
}

func upload(e extended) string {
	for _, name := range []string{"method", "type", "image", "name"} {
		if _, value := entry(e.value, name); value == nil {
			return "lacks " + name
		}
	}
	for _, name := range []string{"image", "name"} {
		_, property := entry(e.value, name)
		if text := names(e.object, property.Value); text != "" {
			return text
		}
	}
	return ""
}

func download(e extended) string {
	for _, name := range []string{"method", "image"} {
		if _, value := entry(e.value, name); value == nil {
			return "lacks " + name
		}
	}
	return ""
}

// names says why an object has no property of a name.
func names(object *yaml.Node, name string) string {
	_, properties := entry(object, "properties")
	if properties == nil {
		return "must stand beside properties"
	}
	if _, found := entry(properties, name); found == nil {
		return fmt.Sprintf("names the property %s, which the schema does not have", name)
	}
	return ""
}

func text(node *yaml.Node) string {
	all := node.Value
	for _, child := range node.Content {
		all += " " + child.Value
	}
	return all
}

func entry(node *yaml.Node, key string) (int, *yaml.Node) {
	if node == nil || node.Kind != yaml.MappingNode {
		return 0, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i].Line, node.Content[i+1]
		}
	}
	return 0, nil
}
