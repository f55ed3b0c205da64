// Package jsondec reads JSON texts into generated types, several times faster than a decoder that goes by reflection.
//
// A generated type reads itself, member by member:
//
//	func (t *Check) DecodeJSON(d *jsondec.Decoder) {
//		for o := d.Object(); d.Member(&o); {
//			switch string(o.Name) {
//			case "id":
//				d.Field(&o, 0, "id", &t.ID)
//			…
//			default:
//				d.Unknown(&o)
//			}
//		}
//	}
//
// Texts come straight from a stream, through a buffer that grows only with the longest string. Names are case-sensitive
// and may occur once, at any depth; null is the zero value; invalid UTF-8 becomes U+FFFD. Errors name places, never what
// was found there.
package jsondec

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Value reads itself.
type Value interface {
	DecodeJSON(*Decoder)
}

// The kinds of errors, for errors.Is.
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrTruncated = errors.New("truncated JSON")
	ErrType      = errors.New("another type of JSON value than expected")
	ErrDuplicate = errors.New("a name occurs twice")
)

// An Error is what is wrong with a text.
type Error struct {
	Kind   error  // one of those above, or the error of the stream
	Path   string // where in the value, such as checkTypes.0; an asterisk stands for a name that is not known
	Offset int64  // in bytes
	Found  string // of ErrType: the type of the value that is there
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%v at byte %d", e.Kind, e.Offset)
	if e.Found != "" {
		text = fmt.Sprintf("%v (a %s) at byte %d", e.Kind, e.Found, e.Offset)
	}
	if e.Path != "" {
		text += ", at " + e.Path
	}
	return text
}

func (e *Error) Unwrap() error { return e.Kind }

// maxDepth bounds how deep values may be nested.
const maxDepth = 10000

// bufferSize is the size of the buffer for a stream, in bytes.
const bufferSize = 32 << 10

// A Decoder reads one JSON text. Its methods do nothing after the first error.
type Decoder struct {
	r      io.Reader // nil when buf holds the rest of the text
	buf    []byte
	lent   bool // buf is the caller's
	pos    int
	mark   int   // where in buf what must be kept begins; -1 for pos
	offset int64 // of buf in the text
	depth  int
	err    *Error
	held   [64]string // strings that were read lately, for many are there again
	keys   []string   // of the last map, for the next one is likely to have the same
	text   []byte     // for strings with escapes
	kept   strings.Builder
}

// Unmarshal reads text, the whole of it, into v.
func Unmarshal(text []byte, v any) error {
	return Read(text, nil, v)
}

// Read reads a text that begins with head and goes on with r into v.
func Read(head []byte, r io.Reader, v any) error {
	d := decoders.Get().(*Decoder)
	d.buf, d.lent, d.r, d.mark = head, true, r, -1
	err := d.decode(v)
	*d = Decoder{} // what was read is nobody else's
	decoders.Put(d)
	return err
}

var decoders = sync.Pool{New: func() any { return new(Decoder) }}

func (d *Decoder) decode(v any) error {
	d.Value(v)
	if d.peek() != 0 {
		d.fail(ErrSyntax)
	}
	if d.err != nil {
		return d.err
	}
	return nil
}

// fail notes the first error.
func (d *Decoder) fail(kind error) {
	if d.err == nil {
		d.err = &Error{Kind: kind, Offset: d.offset + int64(d.pos)}
	}
}

// mistyped notes that another value is there than expected.
func (d *Decoder) mistyped(c byte) {
	found, known := kinds[c]
	if !known {
		d.fail(ErrSyntax)
		return
	}
	d.fail(ErrType)
	d.err.Found = found
}

var kinds = map[byte]string{
	'n': "null", 't': "boolean", 'f': "boolean", '"': "string", '{': "object", '[': "array", '-': "number",
	'0': "number", '1': "number", '2': "number", '3': "number", '4': "number", '5': "number", '6': "number", '7': "number", '8': "number", '9': "number",
}

// more reads more of the text behind buf. It reports whether there is more.
func (d *Decoder) more() bool {
	if d.r == nil || d.err != nil {
		return false
	}
	keep := d.pos
	if d.mark >= 0 {
		keep = d.mark
	}
	switch {
	case d.lent:
		d.buf = append(make([]byte, 0, max(2*(len(d.buf)-keep), bufferSize)), d.buf[keep:]...)
		d.lent = false
	case keep > 0:
		d.buf = d.buf[:copy(d.buf, d.buf[keep:])]
	case len(d.buf) == cap(d.buf):
		d.buf = append(make([]byte, 0, 2*cap(d.buf)), d.buf...)
	}
	d.pos -= keep
	d.offset += int64(keep)
	d.mark = min(d.mark, 0)
	for {
		n, err := d.r.Read(d.buf[len(d.buf):cap(d.buf)])
		d.buf = d.buf[:len(d.buf)+n]
		switch {
		case n > 0:
			return true
		case err == io.EOF:
			d.r = nil
			return false
		case err != nil:
			d.fail(err)
			return false
		}
	}
}

// peek returns the next byte that is no white space; 0 at the end.
func (d *Decoder) peek() byte {
	for d.err == nil {
		for d.pos < len(d.buf) {
			switch c := d.buf[d.pos]; c {
			case ' ', '\t', '\n', '\r':
				d.pos++
			case 0:
				d.fail(ErrSyntax)
				return 0
			default:
				return c
			}
		}
		if !d.more() {
			return 0
		}
	}
	return 0
}

// next is peek where the text must not end.
func (d *Decoder) next() byte {
	if d.pos < len(d.buf) && d.buf[d.pos] > ' ' {
		return d.buf[d.pos]
	}
	return d.seek()
}

func (d *Decoder) seek() byte {
	c := d.peek()
	if c == 0 {
		d.fail(ErrTruncated)
	}
	return c
}

// Peek returns the byte that the next value begins with: a quotation mark for a string, a brace for an object.
func (d *Decoder) Peek() byte { return d.peek() }

// literal reads the rest of a literal.
func (d *Decoder) literal(want string) {
	for i := range len(want) {
		if d.pos == len(d.buf) && !d.more() {
			d.fail(ErrTruncated)
			return
		}
		if d.buf[d.pos] != want[i] {
			d.fail(ErrSyntax)
			return
		}
		d.pos++
	}
}

// null reports whether null is next, and reads it.
func (d *Decoder) null(c byte) bool {
	if c != 'n' {
		return false
	}
	d.literal("null")
	return true
}

func (d *Decoder) enter() bool {
	if d.depth++; d.depth > maxDepth {
		d.fail(ErrSyntax)
	}
	d.pos++
	return d.err == nil
}

// Value reads a value into p, a pointer.
func (d *Decoder) Value(p any) {
	if d.err != nil {
		return
	}
	switch p := p.(type) {
	case *string:
		*p = d.String()
	case Value:
		p.DecodeJSON(d)
	case **bool:
		if *p = nil; !d.isNull() {
			*p = new(d.bool())
		}
	case **float64:
		if *p = nil; !d.isNull() {
			*p = new(d.float())
		}
	case *map[string]string:
		d.stringMap(p)
	default:
		d.reflected(reflect.ValueOf(p).Elem())
	}
}

// isNull reads null, if it is next, and reports whether it was.
func (d *Decoder) isNull() bool { return d.null(d.next()) }

// reflected reads a value of whatever type. What this package does not know is left to package json.
func (d *Decoder) reflected(v reflect.Value) {
	kind := v.Kind()
	if kind != reflect.Pointer && (readsItself(v) || kind == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8) {
		kind = reflect.Invalid
	}
	switch kind {
	case reflect.Pointer:
		if v.SetZero(); !d.isNull() && d.err == nil {
			v.Set(reflect.New(v.Type().Elem()))
			d.Value(v.Interface())
		}
		return
	case reflect.Slice:
		v.SetZero()
		if d.next() == '[' {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for a := d.Array(); d.Element(&a); {
			v.Grow(1)
			v.SetLen(v.Len() + 1)
			d.Value(v.Index(v.Len() - 1).Addr().Interface())
		}
		return
	case reflect.String:
		v.SetString(d.String())
		return
	case reflect.Bool:
		if v.SetZero(); !d.isNull() {
			v.SetBool(d.bool())
		}
		return
	case reflect.Float64, reflect.Float32:
		if v.SetZero(); !d.isNull() {
			f := d.float()
			if v.OverflowFloat(f) {
				d.fail(ErrType)
				d.err.Found = "number that is too large"
				return
			}
			v.SetFloat(f)
		}
		return
	case reflect.Int, reflect.Int64, reflect.Int32:
		if v.SetZero(); !d.isNull() {
			n := d.Int()
			if v.OverflowInt(n) {
				d.fail(ErrType)
				d.err.Found = "number that is too large"
				return
			}
			v.SetInt(n)
		}
		return
	}
	raw := d.Raw()
	if d.err != nil {
		return
	}
	if json.Unmarshal(raw, v.Addr().Interface(), jsontext.AllowInvalidUTF8(true)) != nil {
		d.fail(ErrType)
		if d.err.Found = kinds[raw[0]]; raw[0] == '"' && readsItself(v) {
			d.err.Found = "string of another form than was expected"
		}
	}
}

// readsItself reports whether a type has its own way of reading.
func readsItself(v reflect.Value) bool {
	switch v.Addr().Interface().(type) {
	case json.UnmarshalerFrom, json.Unmarshaler, encoding.TextUnmarshaler:
		return true
	}
	return false
}

// bool reads true or false.
func (d *Decoder) bool() bool {
	switch c := d.next(); {
	case d.err != nil:
	case c == 't':
		d.literal("true")
		return true
	case c == 'f':
		d.literal("false")
	default:
		d.mistyped(c)
	}
	return false
}

// stringMap reads an object whose values are strings. Names that one map after the other has are held once.
func (d *Decoder) stringMap(p *map[string]string) {
	*p = nil
	if d.next() == '{' {
		*p = make(map[string]string)
	}
	n := 0
	for o := d.Object(); d.Member(&o); n++ {
		if n == len(d.keys) {
			d.keys = append(d.keys, string(o.Name))
		} else if d.keys[n] != string(o.Name) {
			d.keys[n] = string(o.Name)
		}
		o.label = "*"
		before := len(*p)
		(*p)[d.keys[n]] = d.String()
		if len(*p) == before {
			d.fail(ErrDuplicate)
		}
	}
}

// skip passes over a value.
func (d *Decoder) skip() {
	switch c := d.next(); {
	case d.err != nil:
	case c == '{':
		for o := d.Object(); d.Member(&o); {
			d.Unknown(&o)
		}
	case c == '[':
		for a := d.Array(); d.Element(&a); {
			d.skip()
		}
	case c == '"':
		d.string()
	case c == 't':
		d.literal("true")
	case c == 'f':
		d.literal("false")
	case c == 'n':
		d.literal("null")
	case c == '-', '0' <= c && c <= '9':
		d.number()
	default:
		d.fail(ErrSyntax)
	}
}

// Raw reads a value as it stands in the text, valid until the next value is read.
func (d *Decoder) Raw() []byte {
	if d.next(); d.err != nil {
		return nil
	}
	probe := &Decoder{buf: d.buf[d.pos:len(d.buf):len(d.buf)], lent: d.lent, r: d.r, mark: 0, depth: d.depth, offset: d.offset + int64(d.pos)}
	probe.skip()
	d.buf, d.lent, d.r, d.pos, d.offset = probe.buf, probe.lent, probe.r, probe.pos, probe.offset
	if probe.err != nil {
		d.err = probe.err
		return nil
	}
	return bytes.Clone(probe.buf[:probe.pos])
}
