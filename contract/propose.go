package contract

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/goaver/aver-go/internal/spec"
)

// enough is in how many answers a property must always have been there to be proposed as required.
const enough = 20

// propose makes the changes that were asked for, in an order in which later ones find what earlier ones left.
func (d *Drift) propose() (*editor, []Difference) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := &editor{document: d.contract().spec, tree: clone(d.contract().spec.Tree)}
	version, _ := spec.Member(e.tree, "openapi").(string)
	e.dialect.old = strings.HasPrefix(version, "3.0")
	all := []Difference{}
	for _, seen := range d.settled() {
		told := Difference{Where: seen.places(), Times: seen.count, What: cmp.Or(seen.text, e.what(seen))}
		e.why = told.String()
		told.Proposed = e.change(seen, d.objects)
		all = append(all, told)
	}
	return e, all
}

// settled returns the differences in the order in which they are made, those that concern one place joined.
func (d *Drift) settled() []*difference {
	all := make([]*difference, 0, len(d.found))
	for _, seen := range d.found {
		own := *seen
		own.shape = shape{}
		own.shape.join(&seen.shape)
		all = append(all, &own)
	}
	slices.SortFunc(all, func(a, b *difference) int {
		return cmp.Or(cmp.Compare(a.change, b.change), cmp.Compare(len(a.homes), len(b.homes)), strings.Compare(a.at, b.at),
			strings.Compare(a.name, b.name), strings.Compare(fmt.Sprint(a.value, a.text), fmt.Sprint(b.value, b.text)))
	})
	at := make(map[string]*difference)
	return slices.DeleteFunc(all, func(seen *difference) bool {
		switch seen.change {
		case widen:
			at[seen.at] = seen
		case allowNull: // of what may be of several types already
			if wide := at[seen.at]; wide != nil {
				wide.shape.see(nil)
				return true
			}
		case addProperty: // of several schemas that apply, the one that has got it already, or the last that is written in place
			for _, home := range seen.homes {
				if known := at[home+" "+seen.name]; known != nil {
					known.shape.join(&seen.shape)
					known.count += seen.count
					maps.Copy(known.where, seen.where)
					return true
				}
			}
			seen.at = seen.homes[len(seen.homes)-1]
			at[seen.at+" "+seen.name] = seen
		}
		return false
	})
}

// An editor changes a copy of a contract, and keeps the actions that do the same.
type editor struct {
	document *spec.Document
	tree     any
	dialect  dialect
	actions  []action
	why      string
}

// An action is one of an overlay.
type action struct {
	Target      string `yaml:"target"`
	Description string `yaml:"description"`
	Remove      bool   `yaml:"remove,omitempty"`
	Update      any    `yaml:"update,omitempty"`
}

// ProposalHeader is how every overlay of [Drift.Overlay] begins.
const ProposalHeader = "# What traffic showed that the contract does not say."

// overlay writes the actions.
func (e *editor) overlay() []byte {
	if len(e.actions) == 0 {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(ProposalHeader + ` Read each action, say what it means in a description, and take the mark
# x-sensitive away where a value is neither personal nor secret; then apply it: aver generate --overlay, or with the others.
`)
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	title, _ := spec.Member(spec.Member(e.tree, "info"), "title").(string)
	_ = encoder.Encode(struct { // a buffer takes everything
		Overlay string            `yaml:"overlay"`
		Info    map[string]string `yaml:"info"`
		Actions []action          `yaml:"actions"`
	}{"1.1.0", map[string]string{"title": "Seen in traffic: " + title, "version": "1.0.0"}, e.actions})
	return b.Bytes()
}

// at returns what stands at a pointer now; references are not followed.
func (e *editor) at(pointer string) any {
	return spec.Find(e.tree, spec.Tokens(pointer))
}

// update merges a value into what stands at a pointer: objects by their names, lists by adding, anything else by replacing.
func (e *editor) update(pointer string, value any) {
	e.actions = append(e.actions, action{Target: e.path(pointer), Description: e.why, Update: value})
	value = spec.Plain(value)
	target := e.at(pointer)
	switch target := target.(type) {
	case map[string]any:
		maps.Copy(target, spec.Object(value))
		return
	case []any:
		e.set(pointer, append(target, spec.List(value)...))
		return
	}
	e.set(pointer, value)
}

// add adds to a list or an object that may not be there yet.
func (e *editor) add(pointer, name string, value any) {
	if e.at(pointer+"/"+name) == nil {
		e.update(pointer, map[string]any{name: value})
	} else {
		e.update(pointer+"/"+name, value)
	}
}

// remove takes away what stands at a pointer.
func (e *editor) remove(pointer string) {
	e.actions = append(e.actions, action{Target: e.path(pointer), Description: e.why, Remove: true})
	parent, last := above(pointer)
	delete(spec.Object(e.at(parent)), last)
}

// removeText takes a text out of a list.
func (e *editor) removeText(pointer, text string) {
	e.actions = append(e.actions, action{Target: e.path(pointer) + "[?@ == " + quote(text) + "]", Description: e.why, Remove: true})
	e.set(pointer, slices.DeleteFunc(slices.Clone(spec.List(e.at(pointer))), func(v any) bool { return v == text }))
}

func (e *editor) set(pointer string, value any) {
	parent, last := above(pointer)
	if object := spec.Object(e.at(parent)); object != nil {
		object[last] = value
	}
}

// replace puts a value in the place of another: in a list, the list is written anew.
func (e *editor) replace(pointer string, value any) {
	parent, last := above(pointer)
	if list, ok := e.at(parent).([]any); ok {
		list = slices.Clone(list)
		for i := range list {
			if fmt.Sprint(i) == last {
				list[i] = value
			}
		}
		e.replace(parent, list)
		return
	}
	e.remove(pointer)
	e.update(parent, map[string]any{last: value})
}

// above returns the pointer to what holds the value at a pointer, and its name there.
func above(pointer string) (parent, last string) {
	i := strings.LastIndexByte(pointer, '/')
	return pointer[:i], spec.Tokens(pointer[i:])[0]
}

var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// path returns a pointer as a path of RFC 9535.
func (e *editor) path(pointer string) string {
	var b strings.Builder
	b.WriteString("$")
	at := e.tree
	for _, token := range spec.Tokens(pointer) {
		_, list := at.([]any)
		switch {
		case list:
			b.WriteString("[" + token + "]")
		case plain.MatchString(token):
			b.WriteString("." + token)
		default:
			b.WriteString("[" + quote(token) + "]")
		}
		at = spec.Find(at, []string{token})
	}
	return b.String()
}

func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// clone returns a copy of a tree.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name := range v {
			copied[name] = clone(v[name])
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i := range v {
			copied[i] = clone(v[i])
		}
		return copied
	}
	return v
}
