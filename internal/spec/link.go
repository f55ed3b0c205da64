package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Link tells with what of an answer another operation can be called.
type Link struct {
	Name    string
	To      *Operation
	Params  map[string]any // constants and runtime expressions, by the names of parameters
	Body    any            // a constant, a runtime expression, or an object of such; nil when the link says nothing of a body
	Pointer string         // where the link stands
}

// LinksOf returns the links of an answer with a documented status, in the order of the document. A link by operationRef is none of
// them.
func (d *Document) LinksOf(op *Operation, status string) []*Link {
	at, _ := d.Resolve(op.Pointer + "/responses/" + Escape(status))
	return slices.DeleteFunc(d.links(at), func(l *Link) bool { return l.To == nil })
}

// links returns the links of an answer that stands at a pointer, also those that lead nowhere.
func (d *Document) links(pointer string) []*Link {
	var links []*Link
	for _, name := range d.Names(pointer + "/links") {
		at, node := d.Resolve(pointer + "/links/" + Escape(name))
		id, _ := Member(node, "operationId").(string)
		l := &Link{Name: name, To: d.operation(id), Params: make(map[string]any), Body: Member(node, "requestBody"), Pointer: at}
		for name, value := range Object(Member(node, "parameters")) {
			for _, in := range []string{"path.", "query.", "header.", "cookie."} {
				name = strings.TrimPrefix(name, in)
			}
			l.Params[name] = value
		}
		links = append(links, l)
	}
	return links
}

// operation returns an operation by its operationId.
func (d *Document) operation(id string) *Operation {
	for _, op := range d.Operations {
		if op.ID == id && id != "" {
			return op
		}
	}
	return nil
}

// expression is a runtime expression of OpenAPI.
var expression = regexp.MustCompile(`^\$(?:url|method|statusCode|(request|response)\.(?:(path|query|header)\.([^#]+)|body(?:#(/.*))?))$`)

// A Source is what a runtime expression stands for: a parameter, or a part of a body.
type Source struct {
	Answer bool   // it is of the answer rather than of the request
	In     string // path, query, header or body
	Name   string // of the parameter, or the pointer into the body
}

// ReadExpression reads a runtime expression. It reports whether a value is one.
func ReadExpression(v any) (Source, bool) {
	text, _ := v.(string)
	m := expression.FindStringSubmatch(text)
	switch {
	case m == nil || m[1] == "":
		return Source{}, false
	case m[2] == "":
		return Source{m[1] == "response", "body", m[4]}, true
	}
	return Source{m[1] == "response", m[2], m[3]}, true
}

// CheckLinks says which link of a document that is written for this module leads nowhere: to no operation, with a parameter or a
// property that the operation does not have, or with what neither the request nor the answer says.
func (d *Document) CheckLinks() []*Fault {
	if !d.Ours() {
		return nil
	}
	var faults []*Fault
	for _, op := range d.Operations {
		for _, status := range d.Names(op.Pointer + "/responses") {
			at, _ := d.Resolve(op.Pointer + "/responses/" + Escape(status))
			for _, l := range d.links(at) {
				for _, text := range d.unfollowed(op, l, op.Answers[status]) {
					faults = append(faults, d.Fault(l.Pointer, "the link %s %s", l.Name, text))
				}
			}
		}
	}
	return faults
}

// unfollowed says what of a link leads nowhere.
func (d *Document) unfollowed(from *Operation, l *Link, answer Contents) []string {
	if l.To == nil {
		if id, ok := Member(d.at(l.Pointer), "operationId").(string); ok {
			return []string{"leads nowhere: there is no operation " + id}
		}
		return nil // a reference into another document, which nobody follows
	}
	var faults []string
	check := func(value any) {
		text, ok := value.(string)
		if !ok || !strings.HasPrefix(text, "$") {
			return
		}
		s, ok := ReadExpression(value)
		if !ok {
			faults = append(faults, fmt.Sprintf("is wrong: %s is no runtime expression of a request or an answer", text))
		} else if !d.has(from, s, answer) {
			faults = append(faults, fmt.Sprintf("leads nowhere: %s is nothing that the %s has", text, map[bool]string{true: "answer",
				false: "request"}[s.Answer]))
		}
	}
	for name, value := range l.Params {
		check(value)
		if !slices.ContainsFunc(l.To.Params, func(p *Param) bool { return p.Name == name }) {
			faults = append(faults, fmt.Sprintf("leads nowhere: %s has no parameter %s", l.To.ID, name))
		}
	}
	check(l.Body)
	for name, value := range Object(l.Body) {
		check(value)
		if !d.has(l.To, Source{In: "body", Name: "/" + Escape(name)}, nil) {
			faults = append(faults, fmt.Sprintf("leads nowhere: the request of %s has no property %s", l.To.ID, name))
		}
	}
	return faults
}

// has reports whether an operation has what an expression stands for.
func (d *Document) has(op *Operation, s Source, answer Contents) bool {
	bodies := op.Body
	switch {
	case s.In != "body" && s.Answer:
		return s.In == "header"
	case s.In != "body":
		return slices.ContainsFunc(op.Params, func(p *Param) bool { return p.Name == s.Name && p.In == s.In })
	case s.Answer:
		bodies = answer
	}
	for _, body := range bodies {
		_, node := d.Resolve(body.Pointer)
		nodes := []any{node}
		for _, token := range Tokens(s.Name) {
			nodes = d.below(nodes, token)
		}
		if len(nodes) > 0 {
			return true
		}
	}
	return false
}

// below returns what the schemas of a value say of a property of it, or of an element.
func (d *Document) below(nodes []any, token string) []any {
	var found []any
	for _, node := range d.alternatives(nodes) {
		if property := Member(Member(node, "properties"), token); property != nil {
			found = append(found, property)
		} else if items := Member(node, "items"); items != nil && isIndex(token) {
			found = append(found, items)
		}
	}
	return found
}
