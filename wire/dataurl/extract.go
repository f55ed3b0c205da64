package dataurl

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrInvalidString is returned for a string that is no valid JSON.
var ErrInvalidString = errors.New("dataurl: the string is not valid JSON")

// Extract returns text, a JSON text, in which every string that is a member of the outermost object and has one of
// names is replaced. f reads the value, without its escapes and in constant memory, and returns what stands in its
// place; it is called while the result is read, once for each such member. What f does not read is dropped. An error of
// f ends the text.
//
// Nothing but the values themselves is checked: what is not valid JSON comes out as it is, for a parser to refuse.
func Extract(text io.Reader, names []string, f func(name string, value io.Reader) (string, error)) io.Reader {
	return &extractor{in: bufio.NewReaderSize(text, 32<<10), names: names, f: f}
}

// maxName bounds the name of a member that is looked at, in bytes.
const maxName = 256

type extractor struct {
	in    *bufio.Reader
	names []string
	f     func(string, io.Reader) (string, error)
	out   []byte // what is to be returned next
	store [512]byte

	depth    int
	object   bool   // the outermost value is an object
	key      bool   // the next string in it is a name
	name     []byte // the last name, as it stands in the text
	inString bool   // within a string
	inName   bool   // … which is a name
	escaped  bool   // … behind a backslash
	err      error
}

func (e *extractor) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(e.out) == 0 {
		if e.err != nil {
			return 0, e.err
		}
		e.step()
	}
	n := copy(p, e.out)
	e.out = e.out[n:]
	return n, nil
}

// step moves a piece of the text to e.out, or sets e.err.
func (e *extractor) step() {
	if _, err := e.in.Peek(1); err != nil {
		e.err = err
		return
	}
	piece, _ := e.in.Peek(min(e.in.Buffered(), len(e.store)))
	for i, c := range piece {
		if c == '"' && !e.inString && e.wanted() {
			e.out = e.store[:copy(e.store[:], piece[:i])]
			_, _ = e.in.Discard(i + 1)
			e.replace()
			return
		}
		e.scan(c)
	}
	e.out = e.store[:copy(e.store[:], piece)]
	_, _ = e.in.Discard(len(piece))
}

// wanted reports whether the string that begins is a value to be replaced.
func (e *extractor) wanted() bool {
	if !e.object || e.depth != 1 || e.key || len(e.name) == 0 {
		return false
	}
	name, err := jsontext.AppendUnquote(nil, e.name)
	return err == nil && slices.Contains(e.names, string(name))
}

// scan follows the structure of the text.
func (e *extractor) scan(c byte) {
	if e.inString {
		if e.inName && len(e.name) < maxName {
			e.name = append(e.name, c)
		}
		switch {
		case e.escaped:
			e.escaped = false
		case c == '\\':
			e.escaped = true
		case c == '"':
			e.inString = false
		}
		return
	}
	switch c {
	case '"':
		e.inString, e.inName = true, e.object && e.depth == 1 && e.key
		if e.inName {
			e.name = append(e.name[:0], c)
		}
	case '{', '[':
		if e.depth == 0 {
			e.object, e.key = c == '{', true
		}
		e.depth++
	case '}', ']':
		e.depth--
	case ',':
		if e.depth == 1 {
			e.key, e.name = true, e.name[:0]
		}
	case ':':
		if e.depth == 1 {
			e.key = false
		}
	}
}

// replace has f read a value and puts what it returns in its place.
func (e *extractor) replace() {
	name, _ := jsontext.AppendUnquote(nil, e.name)
	e.name = e.name[:0]
	value := &stringReader{in: e.in}
	replacement, err := e.f(string(name), value)
	if err == nil {
		_, err = io.Copy(io.Discard, value)
	}
	if err != nil {
		e.err = err
		return
	}
	quoted, err := jsontext.AppendQuote(nil, replacement)
	if err != nil {
		e.err = err
		return
	}
	e.out = append(slices.Clip(e.out), quoted...)
}

// A stringReader reads a JSON string without its escapes. The opening quote is read already.
type stringReader struct {
	in     *bufio.Reader
	rest   []byte // of an escape
	text   [4]byte
	escape [8]byte
	err    error
}

func (s *stringReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(s.rest) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		if _, err := s.in.Peek(1); err != nil {
			s.fail(err)
			continue
		}
		piece, _ := s.in.Peek(min(s.in.Buffered(), len(p)))
		if i := bytes.IndexByte(piece, '"'); i >= 0 {
			piece = piece[:i]
		}
		if i := bytes.IndexByte(piece, '\\'); i >= 0 {
			piece = piece[:i]
		}
		if bytes.IndexByte(piece, '\n') >= 0 || bytes.IndexByte(piece, '\r') >= 0 {
			s.err = ErrInvalidString
			continue
		}
		if len(piece) > 0 {
			n := copy(p, piece)
			_, _ = s.in.Discard(n)
			return n, nil
		}
		if c, _ := s.in.ReadByte(); c == '"' {
			s.err = io.EOF
			continue
		}
		s.unescape()
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// fail notes that the text ends, or breaks off, within the string.
func (s *stringReader) fail(err error) {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	s.err = err
}

// unescape reads what follows a backslash.
func (s *stringReader) unescape() {
	s.escape[0], s.escape[1] = '"', '\\'
	n := 1
	if c, _ := s.in.Peek(1); len(c) == 1 && c[0] == 'u' {
		n = 5
	}
	text, err := s.in.Peek(n)
	if err != nil {
		s.fail(err)
		return
	}
	end := 2 + copy(s.escape[2:], text)
	s.escape[end] = '"'
	if s.rest, err = jsontext.AppendUnquote(s.text[:0], s.escape[:end+1]); err != nil { // halves of a pair have no place in a Data URL
		s.rest, s.err = nil, ErrInvalidString
		return
	}
	_, _ = s.in.Discard(n)
}
