package wire

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strconv"
)

// redacted stands for a value that is never printed.
const redacted = "REDACTED"

// Redacted returns an attribute that tells that v is set, but not to what. It is for generated code.
func Redacted(name string, v any) slog.Attr {
	if isZero(v) {
		return slog.Attr{}
	}
	return slog.String(name, redacted)
}

// Attr returns an attribute for v, or none when v is not set. What v holds prints by its own rules, at any depth; of a map
// the number of its entries is told alone. It is for generated code.
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

// Count returns a value that tells how many elements there are, and nothing of them. It is for generated code.
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
// prints by its own rules. It is for generated code.
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

// Format prints a value under the name of its type. It is for generated code.
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

// Texts returns the texts and numbers in values, at any depth. It is for generated code.
func Texts(values ...any) []string {
	var texts []string
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			texts = append(texts, v.String())
		case reflect.Int, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
			texts = append(texts, fmt.Sprint(v))
		case reflect.Pointer, reflect.Interface:
			walk(v.Elem())
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, key := range v.MapKeys() {
				walk(key)
				walk(v.MapIndex(key))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		}
	}
	for _, v := range values {
		walk(reflect.ValueOf(v))
	}
	return texts
}

// Within returns the texts and numbers in values that are personal or secret by the rules of their own types, at any depth.
// It is for generated code.
func Within(v any) []string {
	var texts []string
	var walk func(reflect.Value)
	walk = func(r reflect.Value) {
		if !r.IsValid() {
			return
		}
		if r.CanInterface() {
			if s, ok := r.Interface().(interface{ Sensitive() []string }); ok && !(r.Kind() == reflect.Pointer && r.IsNil()) {
				texts = append(texts, s.Sensitive()...)
				return
			}
		}
		switch r.Kind() {
		case reflect.Pointer, reflect.Interface:
			walk(r.Elem())
		case reflect.Slice, reflect.Array:
			for i := range r.Len() {
				walk(r.Index(i))
			}
		case reflect.Map:
			texts = append(texts, Texts(r.Interface())...) // whose names nobody describes
		}
	}
	walk(reflect.ValueOf(v))
	return texts
}

// TextsIn returns the texts and numbers in a JSON text, at any depth. It is for generated code.
func TextsIn(text []byte) []string {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return []string{string(text)}
	}
	return Texts(v)
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
