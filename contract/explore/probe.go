package explore

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goaver/aver-go/internal/spec"
)

// A probe is a case that an operation of a contract gives rise to: a request that keeps the contract, with one thing changed.
type probe struct {
	op     *spec.Operation
	label  string
	class  string
	place  string
	change func(step Step) Step // nil for a body of which a place is changed
	want   Want

	body  any      // in which a place is changed; what comes of it, the contract says
	path  []string // the place
	value any      // what is put there
}

// probes returns the cases of an operation.
func (x *explorer) probes(op *spec.Operation) []probe {
	var all []probe
	add := func(p probe) {
		p.op = op
		all = append(all, p)
	}
	add(probe{change: func(step Step) Step { return step }})
	if x.secured(op) {
		for _, c := range []Credentials{None, Altered, Scheme} {
			if c == None || x.Authorize != nil {
				add(probe{label: "credentials: " + string(c), class: "credentials", want: Unauthorized, change: func(step Step) Step {
					step.Credentials = c
					return step
				}})
			}
		}
	}
	for _, p := range op.Params {
		x.paramProbes(p, op, add)
	}
	if media(op) != "" {
		x.bodyProbes(op, add)
		x.mediaProbes(op, add)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if x.firstAt(op) && !x.has(op.Path, method) {
			add(probe{label: "method " + method, class: "method", want: NoMethod, change: func(step Step) Step {
				step.Method, step.Body = method, ""
				return step
			}})
		}
	}
	return all
}

// secured reports whether an operation needs credentials.
func (x *explorer) secured(op *spec.Operation) bool {
	return len(op.Security) > 0 && !slices.ContainsFunc(op.Security, func(alternative map[string]any) bool { return len(alternative) == 0 })
}

// firstAt reports whether an operation is the first at its address.
func (x *explorer) firstAt(op *spec.Operation) bool {
	i := slices.IndexFunc(x.ordered, func(other *spec.Operation) bool { return other.Path == op.Path })
	return x.ordered[i] == op
}

// has reports whether an address has a method, under any template that it matches.
func (x *explorer) has(path, method string) bool {
	plain := strings.NewReplacer("{", "", "}", "").Replace(path)
	op, _ := x.document.Match(method, &url.URL{Path: plain})
	return op != nil
}

// paramProbes are those of a parameter.
func (x *explorer) paramProbes(p *spec.Param, op *spec.Operation, add func(probe)) {
	set := func(text string) func(Step) Step {
		return func(step Step) Step {
			step.Params = maps.Clone(step.Params)
			step.Params[p.Name] = text
			return step
		}
	}
	place := p.In + " parameter " + p.Name
	if p.In == "path" && x.following[op.ID+" "+p.Name] {
		for _, unknown := range unknownIDs() {
			add(probe{label: place + ": " + unknown.label, class: unknown.class, place: p.Name, want: NotFound, change: set(unknown.text)})
		}
		return
	}
	if p.Required && p.In != "path" {
		add(probe{label: place + " is left out", class: "required", place: p.Name, want: Refused, change: func(step Step) Step {
			step.Params = maps.Clone(step.Params)
			delete(step.Params, p.Name)
			return step
		}})
	}
	if p.Schema == nil || p.Schema.Compiled == nil {
		return
	}
	if !written(p) {
		return
	}
	_, isValue := x.Values[p.Name]
	_, node := x.document.Resolve(p.Pointer + "/schema")
	base, _ := x.document.Example(true, p.Pointer+"/schema")
	for _, t := range trials([]map[string]any{spec.Object(node)}, base) {
		text, ok := paramText(t.value)
		if _, isNumber := t.value.(json.Number); isNumber && strings.ContainsRune(text, 'e') {
			continue // another way to write it, of which no rule says anything in a text
		}
		if p.In == "cookie" && strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`",;\\`, r) }) {
			continue
		}
		if !ok || text == "" && p.In == "path" || p.In != "path" && p.In != "query" && (text == "" || text != strings.TrimSpace(text)) {
			continue // which cannot be sent so
		}
		pr := probe{label: place + ": " + t.label, class: t.class, place: p.Name, change: set(text)}
		if problems := p.Schema.Problems(p.Value(inQuery(p, text))); len(problems) > 0 {
			pr.want, pr.class = Refused, problems[0].Rule
		} else if isValue || p.In == "path" {
			pr.want = Anything
		}
		add(pr)
	}
}

// paramText returns a value as the text of a parameter.
func paramText(v any) (string, bool) {
	switch v := v.(type) {
	case nil, map[string]any:
		return "", false
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			text, ok := paramText(v[i])
			if !ok {
				return "", false
			}
			texts[i] = text
		}
		return strings.Join(texts, ","), true
	case string:
		return v, !strings.ContainsAny(v, "\x00\r\n")
	}
	return fmt.Sprint(v), true
}

type unknownID struct{ label, class, text string }

// unknownIDs are IDs that nobody gave.
func unknownIDs() []unknownID {
	return []unknownID{
		{"an unknown ID", "unknown", uuid.NewString()},
		{"an unknown number", "unknown", "2147483646"},
		{"null", "unknown", "null"},
		{"a blank", "text", " "},
		{"Chinese", "unicode", "李小龍"},
		{"combining marks", "unicode", "Z͑ͫ̓A̴̵̜"},
		{"two dots", "path", ".."},
		{"a slash", "path", "a/b"},
		{"a percent sign", "path", "%"},
		{"SQL", "text", "' OR 1=1 --"},
		{"a null character", "text", "a\x00b"},
		{"bytes that are not UTF-8", "text", "a\xff\xfeb"},
		{"4 KiB of text", "long", strings.Repeat("a", 4<<10)},
	}
}

// bodyProbes are those of a body: at each place of it, every value that may be tried there.
func (x *explorer) bodyProbes(op *spec.Operation, add func(probe)) {
	schema := op.Body.Of(media(op))
	full := x.full(op)
	add(probe{label: "every property", class: "full", body: full, value: absent{}})
	if example := x.body(op); marshal(example) != marshal(full) {
		add(probe{label: "the example", class: "example", body: example, value: absent{}})
	}
	x.each(schema, full, func(place []string, nodes []map[string]any, value any) {
		pointer := ""
		for _, token := range place {
			pointer += "/" + spec.Escape(token)
		}
		tries := trials(nodes, value)
		if len(place) > 0 {
			tries = append(tries, trial{"left out", "absent", absent{}})
		}
		for _, t := range tries {
			label := strings.TrimPrefix(pointer, "/") + ": " + t.label
			if pointer == "" {
				label = "the body: " + t.label
			}
			value := t.value
			if text, ok := value.(string); ok && len(place) == 1 && !strings.Contains(text, "$unique") && slices.Contains(x.unique(op),
				place[0]) && text != "" {
				value = text + "-$unique"
			}
			add(probe{label: label, class: t.class, place: pointer, body: full, path: place, value: value})
		}
	})
}

// each calls f for each place of a body, with the schemas that apply there: of the elements of a list the first.
func (x *explorer) each(schema *spec.Schema, value any, f func(place []string, nodes []map[string]any, value any)) {
	type site struct {
		place []string
		nodes []map[string]any
		value any
	}
	sites := make(map[string]*site)
	var order []string
	x.document.Visit(schema.Pointer, value, func(s spec.Sight) {
		if slices.ContainsFunc(s.Place, func(token string) bool { return token != "0" && strings.Trim(token, "0123456789") == "" }) {
			return
		}
		key := strings.Join(s.Place, "/")
		if sites[key] == nil && (len(s.Place) > maxDeep || len(sites) > maxPlaces) {
			return
		}
		if sites[key] == nil {
			sites[key] = &site{place: s.Place, value: s.Value}
			order = append(order, key)
		}
		sites[key].nodes = append(sites[key].nodes, s.Node)
	})
	for _, key := range order {
		f(sites[key].place, sites[key].nodes, sites[key].value)
	}
}

// mediaProbes are those of a body as a whole.
func (x *explorer) mediaProbes(op *spec.Operation, add func(probe)) {
	for i, b := range brokenBodies("") {
		add(probe{label: "the body: " + b.label, class: b.class, want: b.want, change: func(step Step) Step {
			if broken := brokenBodies(step.Body)[i]; broken.text != step.Body {
				step.Body = broken.text
			} else {
				step.Want = Anything // there is nothing in it that could be broken so
			}
			return step
		}})
	}
	if op.Required {
		add(probe{label: "no body", class: "required", want: Refused, change: func(step Step) Step {
			step.Body = ""
			return step
		}})
	}
	for _, other := range []string{"text/plain", "application/xml", "application/x-www-form-urlencoded", "none"} {
		if op.Body.Of(other) == nil {
			add(probe{label: "media type " + other, class: "media type", want: Refused, change: func(step Step) Step {
				step.Media = other
				return step
			}})
		}
	}
	add(probe{label: "media type with charset=utf-8", class: "media type", change: func(step Step) Step {
		step.Media = "application/json; charset=utf-8"
		return step
	}})
}

// asked returns what the contract says should come of a body in which some places were changed, and the rule that it breaks.
func (s *story) asked(op *spec.Operation, body string, places ...string) (want Want, rule string) {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil || spec.HugeNumber([]byte(body)) {
		return Anything, ""
	}
	if problems := op.Body.Of(media(op)).Problems(value); len(problems) > 0 {
		return Refused, problems[0].Rule
	}
	for _, place := range places {
		name, _, nested := strings.Cut(strings.TrimPrefix(place, "/"), "/")
		_, isValue := s.Values[name]
		if place != "" && !nested && (isValue || s.following[op.ID+" "+place] || slices.Contains(op.Uploads, name)) {
			return Anything, "" // what is somebody else's to know
		}
	}
	return Accepted, ""
}
