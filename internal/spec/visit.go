package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A Sight is a value within a message, and a schema that applies to it. Several may: those that it refers to or is made of.
type Sight struct {
	Use     string   // the pointer to where the schema is used, such as the property that holds the value
	Pointer string   // the pointer to the schema itself: Use, or behind a reference
	Place   []string // of the value in the message
	Node    map[string]any
	Value   any
}

// Visit calls f for each value within a value, as [jsonschema.UnmarshalJSON] reads it, with each schema that applies to it. Of
// alternatives those apply that the value meets or, if it meets none, those of its type.
func (d *Document) Visit(pointer string, value any, f func(Sight)) {
	v := &visitor{d, f}
	v.visit(pointer, pointer, nil, value, 0)
}

type visitor struct {
	*Document
	f func(Sight)
}

func (v *visitor) visit(use, pointer string, place []string, value any, depth int) {
	node := Object(v.at(pointer))
	if node == nil || depth > 100 {
		return
	}
	v.f(Sight{use, pointer, place, node, value})
	if ref, ok := node["$ref"].(string); ok {
		v.visit(use, ref, place, value, depth+1)
	}
	for i := range List(node["allOf"]) {
		at := pointer + "/allOf/" + strconv.Itoa(i)
		v.visit(at, at, place, value, depth+1)
	}
	for _, at := range v.apply(pointer, node, value) {
		v.visit(at, at, place, value, depth+1)
	}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			declared := v.declaredName(node, name)
			at := pointer + "/properties/" + Escape(declared)
			if Member(node["properties"], declared) == nil {
				at = pointer + "/additionalProperties"
				if node["additionalProperties"] == nil {
					continue
				}
			}
			v.visit(at, at, append(slices.Clip(place), name), value[name], depth+1)
		}
	case []any:
		if node["items"] == nil {
			return
		}
		at := pointer + "/items"
		for i, element := range value {
			v.visit(at, at, append(slices.Clip(place), strconv.Itoa(i)), element, depth+1)
		}
	}
}

// declaredName returns the name of the property that a name is another spelling of.
func (v *visitor) declaredName(node map[string]any, name string) string {
	properties := Object(node["properties"])
	if properties[name] != nil {
		return name
	}
	for declared, property := range properties {
		if slices.Contains(List(Member(property, "x-aliases")), any(name)) {
			return declared
		}
	}
	return name
}

// apply returns the alternatives of a schema that apply to a value.
func (v *visitor) apply(pointer string, node map[string]any, value any) []string {
	var met, near []string
	for _, keyword := range []string{"oneOf", "anyOf"} {
		for i := range List(node[keyword]) {
			at := fmt.Sprintf("%s/%s/%d", pointer, keyword, i)
			_, alternative := v.declared(at)
			kinds := Kinds(alternative)
			if len(kinds) > 0 && !slices.Contains(kinds, TypeOf(value)) && !(TypeOf(value) == "integer" && slices.Contains(kinds, "number")) {
				continue
			}
			near = append(near, at)
			if v.Meets(at, value) {
				met = append(met, at)
			}
		}
	}
	if len(met) > 0 {
		return met
	}
	return near
}

// Kinds returns the types that a schema lists.
func Kinds(schema any) []string {
	switch kinds := Member(schema, "type").(type) {
	case string:
		return []string{kinds}
	case []any:
		all := make([]string, len(kinds))
		for i := range kinds {
			all[i] = fmt.Sprint(kinds[i])
		}
		return all
	}
	return nil
}

// Meets reports whether a value that was received meets the schema at a pointer.
func (d *Document) Meets(pointer string, value any) bool { return d.meets(false, pointer, value) }

func (d *Document) meets(sent bool, pointer string, value any) bool {
	key := use{sent, pointer}
	d.mu.Lock()
	s, known := d.compiled[key]
	if !known {
		s, _ = d.Compile(sent, pointer)
		if d.compiled == nil {
			d.compiled = make(map[use]*Schema)
		}
		d.compiled[key] = s
	}
	d.mu.Unlock()
	return s.Compiled == nil || len(s.Problems(value)) == 0
}

// use is that of the schema at a pointer, in what is sent or in an answer.
type use struct {
	sent    bool
	pointer string
}

// Plain returns a value of the document as [jsonschema.UnmarshalJSON] reads it.
func Plain(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	read, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	return read
}
