// Package printing is what the types of package generated print with: what is personal or secret shows that it is set, and no
// more. It is for generated code, and changes with the generator.
package printing

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strconv"

	"github.com/goaver/aver-go/wire/redact"
)

// Redacted returns an attribute that tells that v is set, but not to what.
func Redacted(name string, v any) slog.Attr {
	if isZero(v) {
		return slog.Attr{}
	}
	return slog.String(name, redact.Mark)
}

// Attr returns an attribute for v, or none when v is not set. What v holds prints by its own rules, at any depth; of a map
// the number of its entries is told alone.
func Attr(name string, v any) slog.Attr {
	if isZero(v) {
		return slog.Attr{}
	}
	if _, ok := v.(slog.LogValuer); ok {
		return slog.Any(name, v)
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer:
		return element(name, r.Elem().Interface())
	case reflect.Map:
		return slog.Attr{Key: name, Value: Count(r.Len())}
	case reflect.Slice:
		if r.Type().Elem().Kind() == reflect.Uint8 {
			return slog.Int(name+".bytes", r.Len())
		}
		switch r.Type().Elem().Kind() {
		case reflect.Struct, reflect.Map, reflect.Slice, reflect.Pointer, reflect.Interface:
			return elements(name, r)
		}
	}
	return slog.Any(name, v)
}

// Count returns a value that tells how many elements there are, and nothing of them.
func Count(n int) slog.Value { return slog.GroupValue(slog.Int("of", n)) }

// element is Attr for a value that counts although it is zero.
func element(name string, v any) slog.Attr {
	if attr := Attr(name, v); !attr.Equal(slog.Attr{}) {
		return attr
	}
	return slog.Any(name, v)
}

// maxList is how many elements of a list are printed.
const maxList = 10

// List returns an attribute with the first ten elements of a list, and their number when there are more. Each element
// prints by its own rules.
func List[T any](name string, list []T) slog.Attr { return elements(name, reflect.ValueOf(list)) }

func elements(name string, list reflect.Value) slog.Attr {
	n := list.Len()
	attrs := make([]slog.Attr, 0, min(n, maxList)+1)
	for i := range min(n, maxList) {
		attrs = append(attrs, element(strconv.Itoa(i), list.Index(i).Interface()))
	}
	if n > maxList {
		attrs = append(attrs, slog.Int("of", n))
	}
	return slog.Attr{Key: name, Value: slog.GroupValue(attrs...)}
}

// Format prints a value under the name of its type.
func Format(w io.Writer, name string, v slog.Value) {
	_, _ = io.WriteString(w, name)
	format(w, v)
}

func format(w io.Writer, v slog.Value) {
	v = v.Resolve()
	if v.Kind() != slog.KindGroup {
		fmt.Fprint(w, v)
		return
	}
	_, _ = io.WriteString(w, "{")
	first := true
	for _, attr := range v.Group() {
		if attr.Equal(slog.Attr{}) {
			continue
		}
		if !first {
			_, _ = io.WriteString(w, " ")
		}
		first = false
		_, _ = io.WriteString(w, attr.Key+":")
		format(w, attr.Value)
	}
	_, _ = io.WriteString(w, "}")
}

func isZero(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Slice || r.Kind() == reflect.Map {
		return r.Len() == 0
	}
	return r.IsZero()
}
