package spec

import (
	"maps"
	"slices"
	"strconv"
)

// Reach calls f with each schema that a value of the schema at a pointer may meet, once.
func (d *Document) Reach(pointer string, f func(pointer string, node map[string]any)) {
	seen := make(map[string]bool)
	var reach func(pointer string)
	reach = func(pointer string) {
		node := Object(d.at(pointer))
		if node == nil || seen[pointer] {
			return
		}
		seen[pointer] = true
		f(pointer, node)
		if ref, ok := node["$ref"].(string); ok {
			reach(ref)
		}
		for _, keyword := range []string{"allOf", "oneOf", "anyOf"} {
			for i := range List(node[keyword]) {
				reach(pointer + "/" + keyword + "/" + strconv.Itoa(i))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(Object(node["properties"]))) {
			reach(pointer + "/properties/" + Escape(name))
		}
		for _, keyword := range []string{"items", "additionalProperties"} {
			if node[keyword] != nil {
				reach(pointer + "/" + keyword)
			}
		}
	}
	reach(pointer)
}
