package explore

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/goaver/aver-go/internal/spec"
)

// media returns the media type in which an operation takes JSON; nothing when it takes none.
func media(op *spec.Operation) string {
	if op.Body.Of("application/json") == nil {
		return ""
	}
	return "application/json"
}

// takes reports whether an operation's requests can be made: those with another body than JSON are not.
func takes(op *spec.Operation) bool { return !op.Required || media(op) != "" }

// body returns an example of the body of an operation's requests; nil when it has none. The example of the contract, rather, with
// what an account alone knows, and with a text that nobody else has where creating the same twice would be refused.
func (x *explorer) body(op *spec.Operation) any {
	if media(op) == "" {
		return nil
	}
	if body, known := x.bodies[op.ID]; known {
		return body
	}
	body, _ := x.document.BodyExample(op, media(op))
	if object := spec.Object(body); object != nil {
		object = maps.Clone(object)
		for name := range object {
			if _, given := x.Values[name]; given {
				object[name] = "$values." + name
			}
		}
		for _, name := range x.unique(op) {
			if text, ok := object[name].(string); ok {
				object[name] = text + "-$unique"
			}
		}
		body = object
	}
	x.bodies[op.ID] = body
	return body
}

// unique returns the properties of a creating request that tell one from another, as far as can be guessed: the free texts that it
// must have.
func (x *explorer) unique(op *spec.Operation) []string {
	if _, conflicts := op.Answers["409"]; !conflicts || x.stated(op, "x-retry") == "always" || len(x.linksOf(op)) == 0 || media(op) == "" {
		return nil
	}
	pointer := op.Body.Of(media(op)).Pointer
	_, s := x.document.Resolve(pointer)
	var names []string
	for _, name := range spec.List(spec.Member(s, "required")) {
		name := fmt.Sprint(name)
		property := x.document.Property(pointer, name)
		_, given := x.Values[name]
		if !given && spec.Member(property, "type") == "string" && spec.Member(property, "format") == nil && spec.Member(property, "enum") == nil &&
			spec.Member(property, "pattern") == nil && !x.following[op.ID+" /"+spec.Escape(name)] {
			names = append(names, name)
		}
	}
	return names
}

// full returns a body with every property that may be there at once, but for what links give.
func (x *explorer) full(op *spec.Operation) any {
	body := x.body(op)
	schema := op.Body.Of(media(op))
	if schema == nil {
		return body
	}
	for range 3 { // what was added may hold more
		var places [][]string
		var pointers []string
		x.document.Visit(schema.Pointer, body, func(s spec.Sight) {
			object, ok := s.Value.(map[string]any)
			if !ok {
				return
			}
			for _, name := range x.document.Names(s.Pointer + "/properties") {
				if len(s.Place) == 0 && x.following[op.ID+" /"+spec.Escape(name)] {
					continue
				}
				if _, here := object[name]; !here && spec.Member(x.document.Declared(s.Pointer+"/properties/"+spec.Escape(name)), "readOnly") != true {
					places = append(places, append(slices.Clone(s.Place), name))
					pointers = append(pointers, s.Pointer+"/properties/"+spec.Escape(name))
				}
			}
		})
		missing := make([]any, len(places))
		for i := range places {
			missing[i], _ = x.document.Example(true, pointers[i])
		}
		// Some may be there only together, and some not together: all at once, or one after another.
		all := body
		for i := range places {
			all = with(all, places[i], missing[i])
		}
		if len(schema.Problems(all)) == 0 {
			body = all
			continue
		}
		for i := range places {
			if one := with(body, places[i], missing[i]); len(schema.Problems(one)) == 0 {
				body = one
			}
		}
	}
	for name := range spec.Object(body) {
		if _, given := x.Values[name]; given {
			body = with(body, []string{name}, "$values."+name)
		}
	}
	return body
}

// with returns a value with another value at a place; without what is there when that is absent.
func with(v any, place []string, changed any) any {
	if _, leave := changed.(absent); leave && len(place) == 0 {
		return v
	}
	if len(place) == 0 {
		return changed
	}
	switch v := v.(type) {
	case map[string]any:
		v = maps.Clone(v)
		if _, leave := changed.(absent); leave && len(place) == 1 {
			delete(v, place[0])
		} else {
			v[place[0]] = with(v[place[0]], place[1:], changed)
		}
		return v
	case []any:
		v = slices.Clone(v)
		if i, err := strconv.Atoi(place[0]); err == nil && i < len(v) {
			v[i] = with(v[i], place[1:], changed)
		}
		return v
	}
	return v
}

// base returns a request of an operation that keeps the contract, in a story. It reports false when no link has led to it yet, or to
// what may still appear, unless the story is a patient one.
func (s *story) base(op *spec.Operation, body any) (Step, bool) {
	step := Step{Operation: op.ID, Params: make(map[string]string)}
	given := s.newest(op)
	if !s.patient && !s.leads(given) {
		return Step{}, false
	}
	for _, p := range op.Params {
		value, ok := given.params[p.Name]
		if _, known := s.Values[p.Name]; !ok && known {
			value, ok = "$values."+p.Name, true
		}
		if !ok && s.following[op.ID+" "+p.Name] && p.In == "path" {
			return Step{}, false
		}
		if !ok && (p.Required || p.In == "path") {
			value, ok = s.example(p), true
		}
		if ok {
			step.Params[p.Name] = value
		}
	}
	for name, v := range spec.Object(given.body) {
		body = with(body, []string{name}, v)
	}
	if len(spec.Object(given.body)) == 0 && s.needsBody(op) {
		return Step{}, false
	}
	if body != nil {
		step.Body = marshal(body)
	}
	return step, true
}

// newest returns what the newest link to an operation gives that has led somewhere so far; else the newest of all.
func (s *story) newest(op *spec.Operation) bound {
	all := s.next[op.ID]
	for _, b := range slices.Backward(all) {
		if s.leads(b) {
			return b
		}
	}
	if len(all) == 0 {
		return bound{}
	}
	return all[len(all)-1]
}

// leads reports whether there is a value for all that a link gives.
func (s *story) leads(b bound) bool {
	texts := slices.Collect(maps.Values(b.params))
	for _, v := range spec.Object(b.body) {
		texts = append(texts, fmt.Sprint(v))
	}
	return !slices.ContainsFunc(texts, func(text string) bool {
		m := reference.FindStringSubmatch(text)
		if m == nil || m[1] == "" {
			return false
		}
		n, _ := strconv.Atoi(m[1])
		return n > len(s.done) || s.done[n-1].source("$"+m[2]) == nil
	})
}

// needsBody reports whether a request must have what a link alone gives.
func (x *explorer) needsBody(op *spec.Operation) bool {
	if media(op) == "" {
		return false
	}
	_, s := x.document.Resolve(op.Body.Of(media(op)).Pointer)
	return slices.ContainsFunc(spec.List(spec.Member(s, "required")), func(name any) bool {
		return x.following[op.ID+" /"+spec.Escape(fmt.Sprint(name))]
	})
}

// example returns a text for a parameter.
func (x *explorer) example(p *spec.Param) string {
	if v := spec.Member(p.Node(), "example"); v != nil {
		return fmt.Sprint(v)
	}
	v, _ := x.document.Example(true, p.Pointer+"/schema")
	if list := spec.List(v); len(list) > 0 {
		v = list[0]
	}
	return fmt.Sprint(v)
}
