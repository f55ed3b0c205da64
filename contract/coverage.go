package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
)

// A Coverage is how often a part of the contract was seen in messages of a direction: a parameter, a property, or a value of an
// enumeration.
type Coverage struct {
	What   string `json:"what"`   // such as "response Check.statusReason", "request Language = de", "request getCheck id"
	Seen   int    `json:"seen"`   // with a value
	Null   int    `json:"null"`   // of a property: as null
	Absent int    `json:"absent"` // of a property: left out of an object that could have it
}

// Coverage returns every parameter, property and value that the contract has, by direction, and how often it was seen. What is
// [Ledger.Missing] says of whole operations, those with no Seen say of their parts.
func (l *Ledger) Coverage() []Coverage {
	all := l.parts()
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make([]Coverage, len(all))
	for i, what := range all {
		found[i] = Coverage{What: what}
		if seen := l.values[what]; seen != nil {
			found[i] = *seen
		}
	}
	return found
}

// CheckCoverage returns an error that names each part of the contract that was never seen with a value, unless it is an
// exception; like [Ledger.Check].
func (l *Ledger) CheckCoverage(exceptions ...Exception) error {
	var all, missing []string
	for _, c := range l.Coverage() {
		all = append(all, c.What)
		if c.Seen == 0 {
			missing = append(missing, c.What)
		}
	}
	return required(all, missing, exceptions)
}

// parts returns the names of all that may be seen.
func (l *Ledger) parts() []string {
	c := l.contract()
	found := make(map[string]bool)
	add := func(direction Direction, s *spec.Schema) {
		if s == nil || s.Pointer == "" {
			return
		}
		c.spec.Reach(s.Pointer, func(pointer string, node map[string]any) {
			for name := range spec.Object(node["properties"]) {
				found[partOf(direction, c.place(pointer)+"."+name)] = true
			}
			for _, value := range spec.List(node["enum"]) {
				if value != nil {
					found[valueOf(direction, c.place(pointer), value)] = true
				}
			}
		})
	}
	for _, op := range c.spec.Operations {
		for _, p := range op.Params {
			found[partOf(Request, op.ID+" "+p.Name)] = true
			add(Request, p.Schema)
		}
		for _, s := range op.Body {
			add(Request, s)
		}
		for _, contents := range op.Answers {
			for _, s := range contents {
				add(Response, s)
			}
		}
	}
	for _, op := range c.spec.Webhooks {
		for _, s := range op.Body {
			add(Webhook, s)
		}
	}
	return sortedKeys(found)
}

func partOf(direction Direction, what string) string { return string(direction) + " " + what }

func valueOf(direction Direction, place string, value any) string {
	return fmt.Sprintf("%s %s = %v", direction, place, value)
}

// observe notes what a message holds.
func (l *Ledger) observe(f *findings) {
	seen := func(what string) *Coverage {
		if l.values == nil {
			l.values = make(map[string]*Coverage)
		}
		if l.values[what] == nil {
			l.values[what] = &Coverage{What: what}
		}
		return l.values[what]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range f.params {
		seen(partOf(Request, f.m.op.ID+" "+name)).Seen++
	}
	for _, v := range f.values {
		f.c.spec.Visit(v.schema.Pointer, v.value, func(s spec.Sight) {
			place := f.c.place(s.Pointer)
			if object, ok := s.Value.(map[string]any); ok {
				for name, property := range spec.Object(s.Node["properties"]) {
					value, has := object[name]
					for _, alias := range spec.List(spec.Member(property, "x-aliases")) {
						if other, is := object[fmt.Sprint(alias)]; is {
							value, has = other, true
						}
					}
					c := seen(partOf(f.m.direction, place+"."+name))
					switch {
					case !has:
						c.Absent++
					case value == nil:
						c.Null++
					default:
						c.Seen++
					}
				}
			}
			for _, value := range spec.List(s.Node["enum"]) {
				if s.Value != nil && strings.EqualFold(fmt.Sprint(value), fmt.Sprint(s.Value)) {
					seen(valueOf(f.m.direction, place, value)).Seen++
				}
			}
		})
	}
}

// place names the schema at a pointer, for a person.
func (c *Contract) place(pointer string) string {
	for _, op := range append(slices.Clone(c.spec.Operations), c.spec.Webhooks...) {
		if rest, ok := strings.CutPrefix(pointer, op.Pointer+"/"); ok {
			return strings.ReplaceAll(rest, "~1", "/") + " of " + op.ID
		}
	}
	rest, ok := strings.CutPrefix(pointer, "#/components/schemas/")
	if !ok {
		return strings.TrimPrefix(pointer, "#/")
	}
	tokens := strings.Split(rest, "/")
	text := spec.Tokens(tokens[0])[0]
	for i := 1; i < len(tokens); i++ {
		switch tokens[i] {
		case "properties":
			if i++; i < len(tokens) {
				text += "." + spec.Tokens(tokens[i])[0]
			}
		case "items":
			text += "[]"
		case "additionalProperties":
			text += ".*"
		default:
			i++ // which of several
		}
	}
	return text
}
