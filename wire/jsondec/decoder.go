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
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

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
}

// Unmarshal reads text, the whole of it, into v.
func Unmarshal(text []byte, v any) error {
	return Read(text, nil, v)
}

// Read reads a text that begins with head and goes on with r into v.
func Read(head []byte, r io.Reader, v any) error {
	d := decoders.Get().(*Decoder)
	defer decoders.Put(d)
	*d = Decoder{buf: head, lent: true, r: r, mark: -1}
	err := d.decode(v)
	*d = Decoder{} // what was read is nobody else's
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
		d.pos++
		if d.next() == ']' {
			d.fail(ErrSyntax)
		}
	case a.n > 0 && d.err == nil:
		d.fail(ErrSyntax)
	}
	a.n++
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
		d.err.Found = kinds[raw[0]]
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

// String reads a string. null is the empty string.
func (d *Decoder) String() string {
	text := d.Text()
	if len(text) == 0 || len(text) > 32 {
		return string(text)
	}
	hash := uint(len(text)) + 31*uint(text[0]) + 37*uint(text[len(text)/2]) + 41*uint(text[len(text)-1])
	held := &d.held[hash%uint(len(d.held))]
	if *held != string(text) {
		*held = string(text)
	}
	return *held
}

// Text reads a string as bytes that are valid until the next value is read. null is the empty string.
func (d *Decoder) Text() []byte {
	switch c := d.next(); {
	case d.err != nil || d.null(c):
		return nil
	case c != '"':
		d.mistyped(c)
		return nil
	}
	return d.string()
}

// plain are the bytes that stand for themselves in a string: ASCII, no quotation mark, backslash or control character.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// plainLen returns how many of the first bytes are plain. It looks at eight at a time.
func plainLen(b []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	n := 0
	for len(b)-n >= 8 {
		v := binary.LittleEndian.Uint64(b[n:])
		quote, backslash := v^(ones*'"'), v^(ones*'\\')
		special := ((v - ones*0x20) | (quote-ones)&^quote | (backslash-ones)&^backslash | v) & tops
		if special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
		n += 8
	}
	for n < len(b) && plain[b[n]] {
		n++
	}
	return n
}

// string reads a string whose quotation mark is next.
func (d *Decoder) string() []byte {
	d.pos++
	begin := d.pos
	for {
		d.pos += plainLen(d.buf[d.pos:])
		if d.pos < len(d.buf) {
			break
		}
		if !d.keep(&begin) {
			d.fail(ErrTruncated)
			return nil
		}
	}
	if d.buf[d.pos] == '"' {
		s := d.buf[begin:d.pos]
		d.pos++
		return s
	}
	d.text = append(d.text[:0], d.buf[begin:d.pos]...)
	return d.rest()
}

// rest reads the rest of a string with escapes or beyond ASCII to d.text.
func (d *Decoder) rest() []byte {
	invalid := false
	for d.err == nil {
		if d.pos == len(d.buf) && !d.more() {
			d.fail(ErrTruncated)
			break
		}
		c := d.buf[d.pos]
		switch {
		case plain[c]:
			d.text = append(d.text, c)
			d.pos++
		case c == '"':
			d.pos++
			if invalid && !utf8.Valid(d.text) {
				d.text = validUTF8(d.text)
			}
			return d.text
		case c == '\\':
			d.escape()
		case c < 0x20:
			d.fail(ErrSyntax)
		default:
			invalid = true
			d.text = append(d.text, c)
			d.pos++
		}
	}
	return nil
}

// validUTF8 replaces each byte that is no part of a character.
func validUTF8(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return out
}

// escape reads an escape to d.text.
func (d *Decoder) escape() {
	d.pos++
	if d.pos == len(d.buf) && !d.more() {
		d.fail(ErrTruncated)
		return
	}
	c := d.buf[d.pos]
	d.pos++
	switch c {
	case '"', '\\', '/':
		d.text = append(d.text, c)
	case 'b', 'f', 'n', 'r', 't':
		d.text = append(d.text, "\b\f\n\r\t"[strings.IndexByte("bfnrt", c)])
	case 'u':
		r := d.hex()
		for 0xd800 <= r && r < 0xdc00 && d.ahead(`\u`) { // the first half of a pair
			d.pos += 2
			low := d.hex()
			if 0xdc00 <= low && low < 0xe000 {
				r = (r-0xd800)<<10 | (low - 0xdc00) + 0x10000
				break
			}
			d.text = utf8.AppendRune(d.text, utf8.RuneError)
			r = low
		}
		d.text = utf8.AppendRune(d.text, r)
	default:
		d.pos--
		d.fail(ErrSyntax)
	}
}

// ahead reports whether want is next.
func (d *Decoder) ahead(want string) bool {
	for len(d.buf)-d.pos < len(want) && d.more() {
	}
	return bytes.HasPrefix(d.buf[d.pos:], []byte(want))
}

// hex reads four hexadecimal digits.
func (d *Decoder) hex() rune {
	var r rune
	for range 4 {
		if d.pos == len(d.buf) && !d.more() {
			d.fail(ErrTruncated)
			return 0
		}
		c := d.buf[d.pos]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			d.fail(ErrSyntax)
			return 0
		}
		r = r<<4 | rune(c)
		d.pos++
	}
	return r
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

// number reads a number as it stands in the text.
func (d *Decoder) number() []byte {
	c := d.next()
	if d.err != nil {
		return nil
	}
	if c != '-' && (c < '0' || c > '9') {
		d.mistyped(c)
		return nil
	}
	begin := d.pos
	digits := func() int {
		n := 0
		for d.at(&begin) && d.buf[d.pos] >= '0' && d.buf[d.pos] <= '9' {
			d.pos++
			n++
		}
		return n
	}
	need := func(ok bool) {
		switch {
		case ok:
		case d.pos == len(d.buf):
			d.fail(ErrTruncated)
		default:
			d.fail(ErrSyntax)
		}
	}
	if c == '-' {
		d.pos++
	}
	if d.at(&begin) && d.buf[d.pos] == '0' {
		d.pos++
	} else {
		need(digits() > 0)
	}
	if d.at(&begin) && d.buf[d.pos] == '.' {
		d.pos++
		need(digits() > 0)
	}
	if d.at(&begin) && d.buf[d.pos]|0x20 == 'e' {
		d.pos++
		if d.at(&begin) && (d.buf[d.pos] == '+' || d.buf[d.pos] == '-') {
			d.pos++
		}
		need(digits() > 0)
	}
	if d.err != nil {
		return nil
	}
	return d.buf[begin:d.pos]
}

// at reports whether there is another byte, keeping what begins at begin.
func (d *Decoder) at(begin *int) bool { return d.pos < len(d.buf) || d.keep(begin) }

// keep is more for what must not be dropped.
func (d *Decoder) keep(begin *int) bool {
	if d.mark >= 0 { // it is 0: all is kept
		return d.more()
	}
	d.mark = *begin
	ok := d.more() // it may move the text and then find its end
	*begin, d.mark = d.mark, -1
	return ok
}

func (d *Decoder) float() float64 {
	f, err := strconv.ParseFloat(string(d.number()), 64)
	if err != nil && d.err == nil {
		d.fail(ErrType)
		d.err.Found = "number that is too large"
	}
	return f
}

// Int reads a number without a fraction. null is 0.
func (d *Decoder) Int() int64 {
	if d.isNull() {
		return 0
	}
	n, err := strconv.ParseInt(string(d.number()), 10, 64)
	if err != nil && d.err == nil {
		d.fail(ErrType)
		d.err.Found = "number that is no integer of 64 bits"
	}
	return n
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
