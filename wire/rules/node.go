package rules

import (
	"bytes"
	"math/big"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A node is a JSON value, parsed as far as rules need it: a text stays where it stands, however long it is.
type node struct {
	kind     jsontext.Kind // as of package jsontext: n, t, f, ", 0, [ or {
	raw      []byte        // as it stands in the text; of a string, a number or a literal
	elements []node
	members  []member
}

type member struct {
	name  string
	value node
}

func parse(text []byte) (node, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	n, err := parseValue(d, text)
	if err != nil {
		return node{}, err
	}
	return n, nil
}

func parseValue(d *jsontext.Decoder, text []byte) (node, error) {
	n := node{kind: d.PeekKind()}
	switch n.kind {
	case '[':
		if _, err := d.ReadToken(); err != nil {
			return n, err
		}
		for d.PeekKind() != ']' {
			element, err := parseValue(d, text)
			if err != nil {
				return n, err
			}
			n.elements = append(n.elements, element)
		}
		_, err := d.ReadToken()
		return n, err
	case '{':
		if _, err := d.ReadToken(); err != nil {
			return n, err
		}
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return n, err
			}
			m := member{name: name.String()}
			if m.value, err = parseValue(d, text); err != nil {
				return n, err
			}
			n.members = append(n.members, m)
		}
		_, err := d.ReadToken()
		return n, err
	}
	value, err := d.ReadValue()
	if err != nil {
		return n, err
	}
	end := int(d.InputOffset())
	n.raw = text[end-len(value) : end]
	return n, nil
}

func (n *node) member(name string) *node {
	for i := range n.members {
		if n.members[i].name == name {
			return &n.members[i].value
		}
	}
	return nil
}

// text returns a string without its quotes and escapes.
func (n *node) text() []byte {
	if bytes.IndexByte(n.raw, '\\') < 0 {
		return n.raw[1 : len(n.raw)-1]
	}
	text, err := jsontext.AppendUnquote(nil, n.raw)
	if err != nil {
		return nil
	}
	return text
}

func (n *node) length() int { return utf8.RuneCount(n.text()) }

// number returns a number exactly; nil for one that is too long to be dealt with.
func (n *node) number() *big.Rat {
	if exponent := bytes.IndexAny(n.raw, "eE"); len(n.raw) > 400 || exponent >= 0 && len(n.raw)-exponent > 5 {
		return nil
	}
	r, _ := new(big.Rat).SetString(string(n.raw))
	return r
}

// types returns the types that the value has.
func (n *node) types() Types {
	switch n.kind {
	case 'n':
		return Null
	case 't', 'f':
		return Boolean
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	}
	if r := n.number(); r != nil && r.IsInt() {
		return Number | Integer
	}
	return Number
}

// is reports whether the value is one that the contract lists.
func (n *node) is(listed any) bool {
	switch listed := listed.(type) {
	case nil:
		return n.kind == 'n'
	case bool:
		return listed && n.kind == 't' || !listed && n.kind == 'f'
	case string:
		return n.kind == '"' && string(n.text()) == listed
	case Literal:
		if n.kind != '0' {
			return false
		}
		r := n.number()
		return r != nil && r.Cmp(listed.rat()) == 0
	case []any:
		if n.kind != '[' || len(listed) != len(n.elements) {
			return false
		}
		for i := range listed {
			if !n.elements[i].is(listed[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		if n.kind != '{' || len(listed) != len(n.members) {
			return false
		}
		for name, v := range listed {
			if m := n.member(name); m == nil || !m.is(v) {
				return false
			}
		}
		return true
	}
	return false
}
