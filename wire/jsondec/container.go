package jsondec

import (
	"bytes"
	"slices"
	"strconv"
)

// An Object is an object that is being read.
type Object struct {
	Name    []byte // of the member that is next; valid until its value is read
	label   string
	open    bool
	started bool
	seen    uint64
	names   map[string]struct{} // that the type does not know
}

// Object begins to read an object. null is an object without members.
func (d *Decoder) Object() Object {
	c := d.next()
	if d.err != nil || d.null(c) {
		return Object{}
	}
	if c != '{' {
		d.mistyped(c)
		return Object{}
	}
	return Object{open: d.enter()}
}

// Member reads the name of the next member. It reports whether there is one.
func (d *Decoder) Member(o *Object) bool {
	if !o.open {
		return false
	}
	if d.err != nil {
		d.err.Path = join(o.label, d.err.Path)
		return false
	}
	c := d.next()
	switch {
	case c == '}':
		d.pos++
		d.depth--
		o.open = false
		return false
	case c == ',' && o.started:
		d.pos++
		c = d.next()
	case o.started && d.err == nil:
		d.fail(ErrSyntax)
	}
	if d.err == nil && c != '"' {
		d.fail(ErrSyntax)
	}
	if d.err != nil {
		return false
	}
	o.started = true
	o.Name = d.string()
	if d.pos == len(d.buf) || d.buf[d.pos] != ':' {
		o.Name = bytes.Clone(o.Name) // what it points at may move
		if d.next() != ':' {
			d.fail(ErrSyntax)
		}
	}
	d.pos++
	o.label = ""
	return d.err == nil
}

func join(name, path string) string {
	switch {
	case name == "":
		return path
	case path == "":
		return name
	}
	return name + "." + path
}

// Field reads the value of the nth member that the type knows, by its name, into p.
func (d *Decoder) Field(o *Object, n int, name string, p any) {
	if d.First(o, n, name) {
		d.Value(p)
	}
}

// First notes that the nth member that the type knows is there, which must not be there twice. It reports whether its
// value can be read.
func (d *Decoder) First(o *Object, n int, name string) bool {
	o.label = name
	if n >= 64 {
		return d.once(o)
	}
	if o.seen&(1<<n) != 0 {
		d.fail(ErrDuplicate)
		return false
	}
	o.seen |= 1 << n
	return true
}

// Alias reads the value of a member under another of its names into p.
func (d *Decoder) Alias(o *Object, name string, p any) {
	o.label = name
	if d.once(o) {
		d.Value(p)
	}
}

// Unknown passes over a member that the type does not know.
func (d *Decoder) Unknown(o *Object) {
	o.label = "*"
	if d.once(o) {
		d.skip()
	}
}

// More reads the value of a member that the type does not know into a map.
func More[M ~map[string]V, V any](d *Decoder, o *Object, m *M) {
	o.label = "*"
	name := string(o.Name)
	if !d.once(o) {
		return
	}
	var v V
	if d.Value(&v); d.err != nil {
		return
	}
	if *m == nil {
		*m = make(M)
	}
	(*m)[name] = v
}

// Map reads an object whose names are not known. null is nil.
func Map[M ~map[string]V, V any](d *Decoder, m *M) {
	*m = nil
	if d.next() == '{' {
		*m = make(M)
	}
	for o := d.Object(); d.Member(&o); {
		More(d, &o, m)
	}
}

// once notes a name, which must not occur twice.
func (d *Decoder) once(o *Object) bool {
	if _, ok := o.names[string(o.Name)]; ok {
		d.fail(ErrDuplicate)
		return false
	}
	if o.names == nil {
		o.names = make(map[string]struct{})
	}
	o.names[string(o.Name)] = struct{}{}
	return true
}

// An Array is an array that is being read.
type Array struct {
	open bool
	n    int // of elements so far
}

// Array begins to read an array. null is an array without elements.
func (d *Decoder) Array() Array {
	c := d.next()
	if d.err != nil || d.null(c) {
		return Array{}
	}
	if c != '[' {
		d.mistyped(c)
		return Array{}
	}
	return Array{open: d.enter()}
}

// Element reports whether there is another element.
func (d *Decoder) Element(a *Array) bool {
	if !a.open {
		return false
	}
	if d.err != nil {
		d.err.Path = join(strconv.Itoa(a.n-1), d.err.Path)
		return false
	}
	c := d.next()
	switch {
	case c == ']':
		d.pos++
		d.depth--
		a.open = false
		return false
	case c == ',' && a.n > 0:
		d.pos++ // a bracket that follows is no value
	case a.n > 0 && d.err == nil:
		d.fail(ErrSyntax)
	}
	a.n++
	return d.err == nil
}

// Slice reads an array. null is nil.
func Slice[S ~[]E, E any, P interface {
	*E
	Value
}](d *Decoder, s *S) {
	*s = nil
	if d.next() == '[' {
		*s = make(S, 0, 4)
	}
	for a := d.Array(); d.Element(&a); {
		if len(*s) == cap(*s) {
			*s = slices.Grow(*s, len(*s))
		}
		*s = (*s)[:len(*s)+1]
		P(&(*s)[len(*s)-1]).DecodeJSON(d)
	}
}
