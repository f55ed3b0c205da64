package contract

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
)

// what says what a difference is, for a person.
func (e *editor) what(seen *difference) string {
	at := (&Contract{e.document}).place(seen.at)
	switch seen.change {
	case widen:
		return at + " of another type, " + seen.shape.String()
	case loosen:
		return fmt.Sprintf("%s that does not meet its %s", at, seen.name)
	case allowNull:
		return "null in " + at
	case addValue:
		return fmt.Sprintf("the value %v of %s", seen.value, at)
	case makeOptional:
		return fmt.Sprintf("%s without %s", at, seen.name)
	case addProperty:
		if len(seen.shape.types()) == 0 {
			return fmt.Sprintf("the property %s of %s, null alone, so that its type is unknown", seen.name, at)
		}
		return fmt.Sprintf("the property %s of %s, such as %s", seen.name, at, &seen.shape)
	case addContent:
		return "a body in " + at
	case addStatus:
		return "the status " + seen.name
	case addParameter:
		return "the query parameter " + seen.name
	case dropRequired:
		if seen.name == "" {
			return "no body"
		}
		return "no parameter " + seen.name
	}
	return seen.text
}

// change makes the change that a difference asks for. It reports whether there is one that can be written.
func (e *editor) change(seen *difference, objects map[string]*population) bool {
	if seen.op != "" && !e.own(seen) {
		return false
	}
	if e.at(seen.at) == nil && seen.change != nothing {
		return seen.change != addContent // another change has made more of it
	}
	switch seen.change {
	case widen:
		return e.widen(seen)
	case loosen:
		return e.loosen(seen)
	case allowNull:
		return e.allowNull(seen.at)
	case addValue:
		e.addValue(seen)
	case makeOptional:
		if !slices.Contains(spec.List(e.at(seen.at+"/required")), any(seen.name)) {
			return true // of what has become something else
		}
		e.removeText(seen.at+"/required", seen.name)
	case addProperty:
		return e.addProperty(seen, objects[seen.at])
	case addContent:
		answer, _ := clone(e.resolved(seen.at)).(map[string]any)
		answer["content"] = content(seen.shape.schema(e.dialect))
		e.replace(seen.at, answer)
	case addStatus:
		if seen.partial || seen.shape.times > 0 && seen.shape.times < seen.count {
			return false // a contract has no body that is sometimes there
		}
		e.update(seen.at, map[string]any{seen.name: e.answer(seen)})
	case addParameter:
		parameter := map[string]any{
			"name": seen.name, "in": "query", "description": seenInTraffic, "schema": map[string]any{"type": "string"}, "x-sensitive": true,
		}
		if seen.list {
			parameter["schema"] = map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
		}
		e.add(seen.at, "parameters", []any{parameter})
	case dropRequired:
		if spec.Member(e.at(seen.at), "required") == nil { // a reference
			return false
		}
		e.update(seen.at+"/required", false)
	default:
		return false
	}
	return true
}

// own has the operation of a difference have the parameter that it is about for itself, where it shares it with others.
func (e *editor) own(seen *difference) bool {
	tokens := strings.Split(seen.at, "/")
	i := slices.Index(tokens, "parameters")
	if i < 0 || i+1 >= len(tokens) {
		return true
	}
	root, rest := strings.Join(tokens[:i+2], "/"), strings.Join(tokens[i+2:], "/")
	if rest != "" {
		rest = "/" + rest
	}
	list := seen.op + "/parameters"
	if strings.HasPrefix(root, list+"/") {
		return true
	}
	copied, ok := clone(e.at(root)).(map[string]any)
	if !ok || e.dialect.old {
		return false
	}
	at := len(spec.List(e.at(list)))
	for i, p := range spec.List(e.at(list)) {
		same := spec.Member(p, "name") == copied["name"] && spec.Member(p, "in") == copied["in"] // it has become its own already
		if same || spec.Member(p, "$ref") == root {
			at = i
			if !same {
				e.replace(fmt.Sprintf("%s/%d", list, i), copied)
			}
		}
	}
	if at == len(spec.List(e.at(list))) {
		e.add(seen.op, "parameters", []any{copied})
	}
	seen.at = fmt.Sprintf("%s/%d%s", list, at, rest)
	return true
}

// resolved returns what stands at a pointer, or what it refers to.
func (e *editor) resolved(pointer string) any {
	node := e.at(pointer)
	for range 10 {
		ref, ok := spec.Member(node, "$ref").(string)
		if !ok {
			break
		}
		node = e.at(ref)
	}
	return node
}

// isComponent reports whether a pointer is that of a schema with a name, which others use too.
func isComponent(pointer string) bool {
	return strings.HasPrefix(pointer, "#/components/schemas/") && strings.Count(pointer, "/") == 3
}

// widen has a schema take values of another type: a number for an integer, any scalar where the contract has a schema for
// that, or anything.
func (e *editor) widen(seen *difference) bool {
	if isComponent(seen.at) {
		return false
	}
	kinds := append(e.kinds(e.at(seen.at), 0), seen.shape.types()...)
	replacement := make(map[string]any)
	for name, value := range spec.Object(e.at(seen.at)) {
		if name == "description" || name == "x-sensitive" || name == "deprecated" || name == "title" || name == "x-aliases" ||
			name == "x-go-type-skip-optional-pointer" {
			replacement[name] = value
		}
	}
	within := func(set ...string) bool {
		return !slices.ContainsFunc(kinds, func(kind string) bool { return !slices.Contains(set, kind) })
	}
	if seen.shape.kinds["null"] > 0 {
		kinds = append(kinds, "null")
	}
	scalar := e.scalar()
	switch {
	case within("integer", "number", "null"):
		replacement["type"] = "number"
		if slices.Contains(kinds, "null") {
			e.dialect.allowNull(replacement)
		}
	case scalar != "" && within("string", "integer", "number", "boolean", "null"):
		replacement["$ref"] = scalar
	}
	e.replace(seen.at, replacement)
	return true
}

// kinds returns the JSON types that a schema takes, also by its alternatives; "anything" where one of them does not say.
func (e *editor) kinds(node any, depth int) (all []string) {
	if ref, ok := spec.Member(node, "$ref").(string); ok && depth < 20 {
		node = e.resolved(ref)
	}
	if all = spec.Kinds(node); len(all) > 0 || depth > 20 {
		return slices.Clone(all)
	}
	for _, keyword := range []string{"anyOf", "oneOf", "allOf"} {
		for _, part := range spec.List(spec.Member(node, keyword)) {
			all = append(all, e.kinds(part, depth+1)...)
		}
	}
	if len(all) == 0 {
		return []string{"anything"}
	}
	return all
}

// scalar returns the reference to a schema of any string, number or boolean, and null; nothing when there is none.
func (e *editor) scalar() string {
	schemas := spec.Object(spec.Member(spec.Member(e.tree, "components"), "schemas"))
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		kinds := spec.Kinds(schemas[name])
		if slices.Sort(kinds); slices.Equal(kinds, []string{"boolean", "null", "number", "string"}) {
			return "#/components/schemas/" + spec.Escape(name)
		}
	}
	return ""
}

// loosen takes a keyword from a schema; of one behind a reference, which others use too, a copy.
func (e *editor) loosen(seen *difference) bool {
	if isComponent(seen.at) {
		return false
	}
	node := spec.Object(e.at(seen.at))
	_, own := node[seen.name]
	if own && e.document.Written(seen.at+"/"+seen.name) && node["x-go-type"] == nil {
		e.remove(seen.at + "/" + seen.name)
		return true
	}
	merged, _ := clone(e.resolved(seen.at)).(map[string]any)
	if merged != nil && merged[seen.name] == nil {
		return true // it is gone already
	}
	if merged == nil || e.dialect.old { // whose words the copy would not be in
		return false
	}
	maps.Copy(merged, node)
	for _, name := range []string{"$ref", "x-go-type", "x-go-type-import", seen.name} {
		delete(merged, name)
	}
	if merged["type"] == "string" && (seen.name == "format" || seen.name == "pattern") { // what is left of it would say the same
		for _, name := range []string{"format", "pattern", "title", "examples"} {
			delete(merged, name)
		}
	}
	// The type in Go of a value that may be null is that of the alternative.
	for owner := seen.at; strings.Contains(owner, "/anyOf/") || strings.Contains(owner, "/oneOf/"); {
		owner, _ = above(owner)
		owner, _ = above(owner)
		if kind := spec.Member(e.at(owner), "x-go-type"); kind != nil && kind != "string" {
			e.remove(owner + "/x-go-type")
		}
	}
	e.replace(seen.at, merged)
	return true
}

// allowNull has a schema take null.
func (e *editor) allowNull(at string) bool {
	node := spec.Object(e.at(at))
	kinds := spec.Kinds(node)
	takes := e.kinds(node, 0)
	switch {
	case !isComponent(at) && node["const"] == nil && node["enum"] == nil && (slices.Contains(takes, "null") || slices.Contains(takes, "anything")):
		return true // another change has made it so
	case isComponent(at) || node == nil || node["const"] != nil:
		return false
	case node["$ref"] != nil && e.dialect.old:
		return false // OpenAPI 3.0 has no words for it
	case node["$ref"] != nil:
		ref := node["$ref"]
		e.remove(at + "/$ref")
		e.update(at, map[string]any{"anyOf": []any{map[string]any{"$ref": ref}, map[string]any{"type": "null"}}})
	case len(kinds) > 0 && e.dialect.old:
		e.update(at, map[string]any{"nullable": true})
	case len(kinds) > 0:
		if len(kinds) == 1 {
			e.remove(at + "/type")
			e.update(at, map[string]any{"type": []any{kinds[0], "null"}})
		} else {
			e.update(at+"/type", []any{"null"})
		}
		if node["enum"] != nil {
			e.update(at+"/enum", []any{nil})
		}
	case node["anyOf"] != nil:
		e.update(at+"/anyOf", []any{map[string]any{"type": "null"}})
	case node["oneOf"] != nil:
		e.update(at+"/oneOf", []any{map[string]any{"type": "null"}})
	default:
		return false
	}
	return true
}

// addValue adds a value to an enumeration, and its name in Go where the contract gives these.
func (e *editor) addValue(seen *difference) {
	if e.at(seen.at+"/enum") == nil {
		return // of what has become something else
	}
	value := seen.value
	if spec.TypeOf(value) == "integer" {
		var number int64
		if _, err := fmt.Sscan(fmt.Sprint(value), &number); err == nil {
			value = number
		}
	}
	e.update(seen.at+"/enum", []any{value})
	if spec.Member(e.at(seen.at), "x-enum-varnames") != nil {
		words := strings.FieldsFunc(fmt.Sprint(value), func(r rune) bool { return !plain.MatchString("a" + string(r)) })
		for i, word := range words {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
		base := "Value" + strings.Join(words, "")
		unique := base
		for i := 2; slices.Contains(spec.List(spec.Member(e.at(seen.at), "x-enum-varnames")), any(unique)); i++ {
			unique = base + strconv.Itoa(i)
		}
		e.update(seen.at+"/x-enum-varnames", []any{unique})
	}
}

// addProperty adds a property to a schema: a required one, if it was always there in enough answers.
func (e *editor) addProperty(seen *difference, objects *population) bool {
	if len(seen.shape.types()) == 0 {
		return false
	}
	property := seen.shape.property(e.dialect)
	e.add(seen.at, "properties", map[string]any{seen.name: property})
	if !seen.answers || objects == nil || objects.answers < enough || seen.count < objects.objects {
		return true
	}
	e.add(seen.at, "required", []any{seen.name})
	for _, example := range e.lacking(seen.at, seen.name) {
		e.update(example, map[string]any{seen.name: seen.shape.example()})
	}
	return true
}

// lacking returns the pointers to the objects in examples that a schema applies to, and that lack a property.
func (e *editor) lacking(schema, name string) []string {
	found := make(map[string]bool)
	e.document.Examples(func(_ bool, root, example string) {
		e.document.Visit(root, spec.Plain(e.at(example)), func(s spec.Sight) {
			object, ok := s.Value.(map[string]any)
			if _, has := object[name]; ok && !has && s.Pointer == schema {
				at := example
				for _, token := range s.Place {
					at += "/" + spec.Escape(token)
				}
				found[at] = true
			}
		})
	})
	return slices.Sorted(maps.Keys(found))
}

// answer returns the answer for a new status: with the body of a like error of the operation, or with what was seen.
func (e *editor) answer(seen *difference) any {
	answer := map[string]any{"description": seenInTraffic}
	for _, status := range seen.homes {
		like := spec.Member(e.resolved(seen.at+"/"+spec.Escape(status)), "content")
		if schema, ok := spec.Member(spec.Member(like, "application/json"), "schema").(map[string]any); ok {
			answer["content"] = content(schema)
			return answer
		}
	}
	if seen.shape.times == seen.count && seen.count > 0 { // a body each time
		answer["content"] = content(seen.shape.schema(e.dialect))
	}
	return answer
}

func content(schema map[string]any) map[string]any {
	return map[string]any{"application/json": map[string]any{"schema": schema}}
}
