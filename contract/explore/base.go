package explore

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
)

// media returns the media type in which an operation takes JSON; nothing when it takes none.
func media(op *spec.Operation) string {
	if op.Body.Of("application/json") == nil {
		return ""
	}
	return "application/json"
}

// unmade says why the requests of an operation cannot be made; nothing when they can.
func (x *explorer) unmade(op *spec.Operation) string {
	if why, known := x.unmakable[op.ID]; known {
		return why
	}
	why := ""
	seen := make(map[string]bool)
	for _, p := range op.Params {
		switch {
		case seen[p.Name]:
			why = "two parameters are called " + p.Name
		case (p.Required || p.In == "path") && !written(p):
			why = "the parameter " + p.Name + " is no text or list"
		}
		seen[p.Name] = true
	}
	if body := op.Body.Of(media(op)); why == "" && op.Required && body == nil {
		why = "its body is no JSON"
	} else if why == "" && op.Required {
		if value, ok := x.document.BodyExample(op, media(op)); !ok || value == nil || len(body.Problems(value)) > 0 {
			why = "no example of its body can be made; give one in the contract"
		}
	}
	x.unmakable[op.ID] = why
	return why
}

// written reports whether a value of a parameter can be written: of one that is an object, or has a media type, it is not.
func written(p *spec.Param) bool {
	return !p.Object && spec.Member(p.Node(), "schema") != nil && p.Style != "deepObject"
}

// body returns an example of the body of an operation's requests; nil when it has none. The example of the contract, rather, with
// what an account alone knows, and with a text that nobody else has where creating the same twice would be refused.
func (x *explorer) body(op *spec.Operation) any {
	if media(op) == "" {
		return nil
	}
	if body, known := x.bodies[op.ID]; known {
		return body
	}
	body, ok := x.document.BodyExample(op, media(op))
	if !ok {
		return nil // it need not have one
	}
	if object := spec.Object(body); object != nil {
		object = maps.Clone(object)
		for name := range object {
			if _, given := x.Values[name]; given {
				object[name] = "$values." + name
			}
		}
		for _, name := range x.unique(op) {
			if text, ok := object[name].(string); ok && !strings.Contains(text, "$unique") {
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

// What of a body is filled and tried: so deep, and at so many places.
const (
	maxDeep   = 5
	maxPlaces = 120
	maxFilled = 8 << 10 // bytes of JSON
)

// full returns a body with every property that may be there at once, but for what links give.
func (x *explorer) full(op *spec.Operation) any {
	body := x.body(op)
	schema := op.Body.Of(media(op))
	if schema == nil {
		return body
	}
	for range 2 { // what was added may hold more
		var places [][]string
		var pointers []string
		x.document.Visit(schema.Pointer, body, func(s spec.Sight) {
			object, ok := s.Value.(map[string]any)
			if !ok {
				return
			}
			if len(s.Place) > maxDeep || len(places) > maxPlaces {
				return
			}
			for _, name := range x.document.Names(s.Pointer + "/properties") {
				if len(s.Place) == 0 && x.following[op.ID+" /"+spec.Escape(name)] {
					continue
				}
				if _, here := object[name]; !here && spec.Member(x.document.Declared(s.Pointer+"/properties/"+spec.Escape(name)),
					"readOnly") != true {
					places = append(places, append(slices.Clone(s.Place), name))
					pointers = append(pointers, s.Pointer+"/properties/"+spec.Escape(name))
				}
			}
		})
		missing := make([]any, 0, len(places))
		size := len(marshal(body))
		for i := range places {
			v, _ := x.document.Example(true, pointers[i])
			if size += len(marshal(v)); size > maxFilled {
				break
			}
			missing = append(missing, v)
		}
		places = places[:len(missing)]
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
	if !s.patient && !s.leads(s.needed(op, given)) {
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
		if !p.Required && p.In != "path" && !s.leads(bound{params: map[string]string{p.Name: value}}) {
			ok = false // what need not be there
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
		if s.leads(s.needed(op, b)) {
			return b
		}
	}
	if len(all) == 0 {
		return bound{}
	}
	return all[len(all)-1]
}

// needed returns what of a link's values an operation cannot do without.
func (s *story) needed(op *spec.Operation, b bound) bound {
	params := make(map[string]string)
	for name, value := range b.params {
		if p := paramOf(op, name); p == nil || p.Required || p.In == "path" {
			params[name] = value
		}
	}
	return bound{params, b.body}
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
	if text, ok := paramText(spec.Plain(spec.Member(p.Node(), "example"))); ok {
		return text
	}
	v, _ := x.document.Example(true, p.Pointer+"/schema")
	text, _ := paramText(v)
	return text
}
