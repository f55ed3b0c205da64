// Package overlay changes an OpenAPI document as OpenAPI Overlays say (1.0 and 1.1), and knows afterwards in which line of
// which file each line of the outcome stands.
//
// It is a part of this module's own and may change.
package overlay

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/speakeasy-api/openapi/overlay"
	"gopkg.in/yaml.v3"
)

// A File is a document or an overlay, and what it is called in an error.
type File struct {
	Name string
	Text []byte
}

// A Document is what overlays made of a document.
type Document struct {
	Text []byte

	name  string
	lines []origin // of each line of Text; nil when it is the document as it was
}

// An origin is where a piece of a document was written.
type origin struct {
	file  string
	line  int
	order int // of the file among the overlays, from 1; 0 for the document
}

// Apply applies overlays to a document, in their order. Each action must match something. The error names the line of the
// overlay or of the document.
func Apply(document File, overlays ...File) (*Document, error) {
	d := &Document{Text: document.Text, name: document.Name}
	if len(overlays) == 0 {
		return d, nil
	}
	root, err := parse(document)
	if err != nil {
		return nil, err
	}
	m := &merge{root: root, origins: make(map[*yaml.Node]origin)}
	walk(root, func(n *yaml.Node) { m.origins[n] = origin{file: document.Name, line: n.Line} })
	for _, o := range overlays {
		if err := m.apply(o); err != nil {
			return nil, err
		}
		d.name += " with " + o.Name
	}
	if d.Text, err = write(root); err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	return d, d.trace(m)
}

// Blame returns an error about Text as one about the files: each of its lines names the file, and the line in it.
func (d *Document) Blame(err error) error {
	if err == nil {
		return nil
	}
	lines := strings.Split(err.Error(), "\n")
	for i, text := range lines {
		at := origin{file: d.name}
		if m := itsLine.FindStringSubmatch(text); m != nil && d.lines != nil {
			number, _ := strconv.Atoi(m[1])
			at, text = d.origin(number), m[2]
		}
		if at.line > 0 {
			text = fmt.Sprintf("line %d: %s", at.line, text)
		}
		lines[i] = at.file + ": " + text
	}
	return errors.New(strings.Join(lines, "\n"))
}

// Origin returns the file and the line in it in which a line of Text was written.
func (d *Document) Origin(line int) (string, int) {
	if d.lines == nil {
		return d.name, line
	}
	at := d.origin(line)
	return at.file, at.line
}

var itsLine = regexp.MustCompile(`^line (\d+): (.*)$`)

// origin returns where a line of Text comes from, or the nearest one before it.
func (d *Document) origin(line int) origin {
	for i := min(line, len(d.lines)-1); i > 0; i-- {
		if d.lines[i].line > 0 {
			return d.lines[i]
		}
	}
	return origin{file: d.name}
}

// trace notes where the lines of Text come from.
func (d *Document) trace(m *merge) error {
	written, err := parse(File{d.name, d.Text})
	if err != nil {
		return err
	}
	d.lines = make([]origin, bytes.Count(d.Text, []byte("\n"))+2)
	var pair func(a, b *yaml.Node)
	pair = func(a, b *yaml.Node) {
		at := m.origins[a]
		if held := d.lines[b.Line]; held.line == 0 || at.order > held.order { // the last change says most
			d.lines[b.Line] = at
		}
		for i := range min(len(a.Content), len(b.Content)) {
			pair(a.Content[i], b.Content[i])
		}
	}
	pair(m.root, written)
	return nil
}

// A merge is a document to which overlays are applied.
type merge struct {
	root    *yaml.Node
	origins map[*yaml.Node]origin
	applied int // overlays
}

// mark begins a comment that says in which line of an overlay a node stands. The library copies comments, but no lines.
const mark = "\x00line "

// apply applies one overlay.
func (m *merge) apply(file File) error {
	raw, err := parse(file)
	if err != nil {
		return err
	}
	walk(raw, func(n *yaml.Node) { n.LineComment = mark + strconv.Itoa(n.Line) + "\x00" + n.LineComment })
	o, actions, err := read(file, raw)
	if err != nil {
		return err
	}
	m.applied++
	for i, action := range actions {
		values := make(map[*yaml.Node]string)
		before := 0
		walk(m.root, func(n *yaml.Node) { values[n] = n.Value; before++ })
		single := *o
		single.Actions = o.Actions[i : i+1]
		if err := attempt(&single, m.root); err != nil {
			return fmt.Errorf("%s: line %d: %s", file.Name, action.Line, told(err))
		}
		after := 0
		walk(m.root, func(n *yaml.Node) {
			after++
			was, known := values[n]
			switch {
			case strings.HasPrefix(n.LineComment, mark):
				number, comment, _ := strings.Cut(strings.TrimPrefix(n.LineComment, mark), "\x00")
				line, _ := strconv.Atoi(number)
				m.origins[n] = origin{file.Name, line, m.applied}
				n.LineComment = comment
			case !known || was != n.Value:
				m.origins[n] = origin{file.Name, cmp.Or(exchanged(n, &single.Actions[0].Update), action.Line), m.applied}
			}
		})
		if single.Actions[0].Remove && after == before {
			return fmt.Errorf("%s: line %d: nothing can be removed at %s", file.Name, action.Line, single.Actions[0].Target)
		}
	}
	return nil
}

// read reads an overlay, and returns the nodes of its actions too.
func read(file File, raw *yaml.Node) (*overlay.Overlay, []*yaml.Node, error) {
	fail := func(line int, format string, args ...any) (*overlay.Overlay, []*yaml.Node, error) {
		return nil, nil, fmt.Errorf("%s: line %d: %s", file.Name, line, fmt.Sprintf(format, args...))
	}
	root := raw.Content[0]
	if line, name := foreign(root, "overlay", "info", "extends", "actions"); name != "" {
		return fail(line, "an overlay has no %s; it has overlay, info and actions", name)
	}
	var o overlay.Overlay
	if err := raw.Decode(&o); err != nil {
		return nil, nil, fmt.Errorf("%s: %s", file.Name, strings.TrimPrefix(oneLine(err), "yaml: "))
	}
	if err := o.Validate(); err != nil {
		return fail(root.Line, "%s", oneLine(err))
	}
	if o.JSONPathVersion == "" {
		o.JSONPathVersion = overlay.JSONPathRFC9535 // as both versions of the specification say
	}
	actions := member(root, "actions").Content
	for i, action := range actions {
		a := o.Actions[i]
		line, name := foreign(action, "target", "description", "update", "remove", "copy")
		switch {
		case name != "":
			return fail(line, "an action has no %s; it has target, description and one of update, remove and copy", name)
		case a.Update.IsZero() && !a.Remove && a.Copy == "":
			return fail(action.Line, "the action on %s has none of update, remove and copy", a.Target)
		case a.Copy != "" && !o.IsV110OrLater():
			return fail(action.Line, "copy is of Overlay 1.1; this one says overlay: %s", o.Version)
		case a.Copy != "" && (a.Remove || !a.Update.IsZero()):
			return fail(action.Line, "the action on %s has several of update, remove and copy", a.Target)
		}
	}
	return &o, actions, nil
}

// attempt applies an overlay. The library panics at some paths.
func attempt(o *overlay.Overlay, root *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the path %s cannot be followed", o.Actions[0].Target)
		}
	}()
	_, err = o.ApplyToStrict(root)
	return err
}

// told returns what the library says, in a line and without what the file and the line say better.
func told(err error) string {
	text := strings.TrimPrefix(oneLine(err), "error applying overlay (strict): ")
	if target, found := strings.CutSuffix(text, " did not match any targets"); found {
		text = strings.TrimPrefix(target, "selector ") + " matches nothing in the document"
	}
	return text
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// exchanged returns the line of the scalar in an update for which the library exchanged the value of one in the document,
// whose type it left: 0 when it was none.
func exchanged(n, update *yaml.Node) int {
	line := 0
	walk(update, func(from *yaml.Node) {
		if n.Kind == yaml.ScalarNode && from.Kind == yaml.ScalarNode && from.Value == n.Value {
			n.Tag, n.Style, line = from.Tag, from.Style, from.Line
		}
	})
	return line
}

// parse parses a file that holds an object. What it refers to by anchors stands where it is used, so that a change concerns
// one place.
func parse(file File) (*yaml.Node, error) {
	var root, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(file.Text))
	if err := decoder.Decode(&root); err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %s", file.Name, strings.TrimPrefix(oneLine(err), "yaml: "))
	}
	if decoder.Decode(&second) != io.EOF {
		return nil, fmt.Errorf("%s: line %d: a second document begins; write one file for each", file.Name, max(second.Line, 1))
	}
	if line, name := twice(&root); name != "" {
		return nil, fmt.Errorf("%s: line %d: the name %s occurs twice in one object", file.Name, line, name)
	}
	if len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: line 1: not an object in YAML or JSON", file.Name)
	}
	budget := 1_000_000
	expand(&root, &budget)
	if budget <= 0 {
		return nil, fmt.Errorf("%s: too large when its anchors are written out", file.Name)
	}
	return &root, nil
}

// twice returns a name that occurs twice in an object, and the line of the second.
func twice(root *yaml.Node) (line int, name string) {
	walk(root, func(n *yaml.Node) {
		known := make(map[string]bool)
		for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			if key := n.Content[i]; known[key.Value] && name == "" && key.Value != "<<" {
				line, name = key.Line, key.Value
			}
			known[n.Content[i].Value] = true
		}
	})
	return line, name
}

// expand writes out what aliases stand for.
func expand(n *yaml.Node, budget *int) {
	for i, child := range n.Content {
		if *budget--; *budget <= 0 {
			return
		}
		if child.Kind == yaml.AliasNode {
			written := *child.Alias
			written.Content = slices.Clone(written.Content)
			written.Anchor, written.Line = "", child.Line
			for j, below := range written.Content {
				own := *below
				written.Content[j] = &own
			}
			child = &written
			n.Content[i] = child
		} else if child.Anchor != "" {
			child.Anchor = ""
		}
		expand(child, budget)
	}
}

// write writes a document.
func write(root *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	err := encoder.Encode(root)
	return b.Bytes(), errors.Join(err, encoder.Close())
}

func walk(n *yaml.Node, f func(*yaml.Node)) {
	f(n)
	for _, child := range n.Content {
		walk(child, f)
	}
}

// foreign returns a name that an object has but may not have, and its line.
func foreign(object *yaml.Node, names ...string) (int, string) {
	for i := 0; object.Kind == yaml.MappingNode && i < len(object.Content); i += 2 {
		if key := object.Content[i]; !slices.Contains(names, key.Value) && !strings.HasPrefix(key.Value, "x-") {
			return key.Line, key.Value
		}
	}
	return 0, ""
}

func member(object *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(object.Content); i += 2 {
		if object.Content[i].Value == name {
			return object.Content[i+1]
		}
	}
	return &yaml.Node{}
}
