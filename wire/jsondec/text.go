package jsondec

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// String reads a string. null is the empty string.
func (d *Decoder) String() string {
	text := d.Text()
	if len(text) == 0 || len(text) > 32 {
		return d.stored(text)
	}
	hash := uint(len(text)) + 31*uint(text[0]) + 37*uint(text[len(text)/2]) + 41*uint(text[len(text)-1])
	held := &d.held[hash%uint(len(d.held))]
	if *held != string(text) {
		*held = d.stored(text)
	}
	return *held
}

// chunk is how much memory strings share at most, in bytes: who keeps one of them keeps as much.
const chunk = 512

// stored copies a text. Short ones share memory, which is made for many at once.
func (d *Decoder) stored(text []byte) string {
	if len(text) > chunk/4 {
		return string(text)
	}
	if d.kept.Cap()-d.kept.Len() < len(text) {
		size := chunk
		if d.r == nil { // what follows is known, and half of a text is names, quotation marks and commas
			size = min(size, (len(d.buf)-d.pos)/2)
		}
		d.kept = strings.Builder{}
		d.kept.Grow(max(size, len(text)))
	}
	begin := d.kept.Len()
	d.kept.Write(text)
	return d.kept.String()[begin:]
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
