package api

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RedactAttr is a ReplaceAttr function for slog's handlers. It finds the requests and results of this package within a
// value of any type that an application logs, such as a struct of its own, a slice or a map, and has them print without
// what is personal or secret, as they do by themselves:
//
//	handler := slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{ReplaceAttr: api.RedactAttr})
//
// Without it, slog's JSON handler marshals such a value in full, and its text handler prints the unexported fields of a
// struct. Anything that implements [slog.LogValuer] is treated so, the types of a client that aver generate wrote among
// it; in a field that is not exported it prints as REDACTED. A value in which there is nothing of that kind is left as it
// is. One that has very many parts is given up, and prints as REDACTED from there on.
func RedactAttr(_ []string, attr slog.Attr) slog.Attr {
	if attr.Value.Kind() != slog.KindAny {
		return attr
	}
	w := walk{above: make(map[visit]bool)}
	if found, changed := w.value(reflect.ValueOf(attr.Value.Any())); changed {
		attr.Value = found
	}
	return attr
}

const (
	maxParts    = 20_000 // of a value that is walked
	maxElements = 10     // of a list, as it is printed
)

// A walk goes through a value of an application. Its methods return how a part is logged, and whether that differs from
// how it would be.
type walk struct {
	parts int
	above map[visit]bool // the pointers on the way to the part
}

// A visit is a pointer that is followed.
type visit struct {
	to  uintptr
	typ reflect.Type
}

func (w *walk) value(v reflect.Value) (slog.Value, bool) {
	w.parts++
	switch {
	case !v.IsValid():
		return slog.Value{}, false
	case isNil(v), isBasic(v.Type()):
		return plain(v), false
	case w.parts > maxParts:
		return slog.StringValue(redacted), true
	case v.Type().Implements(reflect.TypeFor[slog.LogValuer]()):
		if !v.CanInterface() {
			return slog.StringValue(redacted), true
		}
		return slog.AnyValue(v.Interface()).Resolve(), true
	case v.Type().Implements(reflect.TypeFor[error]()): // it prints what its own text says
		return plain(v), false
	}
	switch v.Kind() {
	case reflect.Pointer:
		here := visit{v.Pointer(), v.Type()}
		if w.above[here] {
			return slog.StringValue(redacted), true // it holds itself
		}
		w.above[here] = true
		defer delete(w.above, here)
		return w.value(v.Elem())
	case reflect.Interface:
		return w.value(v.Elem())
	case reflect.Struct:
		return w.structure(v)
	case reflect.Slice, reflect.Array:
		return w.list(v)
	case reflect.Map:
		return w.table(v)
	}
	return plain(v), false
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return v.IsNil()
	}
	return false
}

// isBasic reports whether a type is one in whose values nothing of ours can be.
func isBasic(t reflect.Type) bool {
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Array, reflect.Map:
		return false
	case reflect.Struct:
		return t == reflect.TypeFor[time.Time]()
	}
	return !t.Implements(reflect.TypeFor[slog.LogValuer]())
}

// plain returns v as it is logged by itself.
func plain(v reflect.Value) slog.Value {
	if v.CanInterface() {
		return slog.AnyValue(v.Interface())
	}
	return slog.Value{} // of a field that is not exported, and so left out
}

func (w *walk) structure(v reflect.Value) (slog.Value, bool) {
	if field, ok := v.Type().FieldByName("HTTPResponse"); ok && field.Type == reflect.TypeFor[*http.Response]() {
		return slog.StringValue(redacted), true // an answer of the generated client, with its whole body
	}
	var attrs []slog.Attr
	changed := false
	for i := range v.NumField() {
		field := v.Type().Field(i)
		value, touched := w.value(v.Field(i))
		changed = changed || touched
		switch name, left := nameOf(field, v.Field(i)); {
		case !field.IsExported() && touched:
			attrs = append(attrs, slog.String(name, redacted))
		case field.IsExported() && !left:
			attrs = append(attrs, slog.Attr{Key: name, Value: value})
		}
	}
	if !changed {
		return plain(v), false
	}
	return slog.GroupValue(attrs...), true
}

// nameOf returns the name under which a field is logged, and whether it is left out, as its JSON tag says.
func nameOf(field reflect.StructField, v reflect.Value) (string, bool) {
	name, options, found := strings.Cut(field.Tag.Get("json"), ",")
	if name == "-" && !found {
		return field.Name, true
	}
	empty := v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
	return cmp.Or(name, field.Name), empty && (strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"))
}

func (w *walk) list(v reflect.Value) (slog.Value, bool) {
	var attrs []slog.Attr
	changed := false
	for i := range v.Len() {
		value, touched := w.value(v.Index(i))
		changed = changed || touched
		if i < maxElements {
			attrs = append(attrs, slog.Attr{Key: strconv.Itoa(i), Value: value})
		} else if changed {
			attrs = append(attrs, slog.Int("of", v.Len()))
			break
		}
	}
	if !changed {
		return plain(v), false
	}
	return slog.GroupValue(attrs...), true
}

func (w *walk) table(v reflect.Value) (slog.Value, bool) {
	attrs := make([]slog.Attr, 0, v.Len())
	changed := false
	for entries := v.MapRange(); entries.Next(); {
		name := redacted
		if _, touched := w.value(entries.Key()); !touched {
			name = fmt.Sprint(entries.Key())
		} else {
			changed = true
		}
		value, touched := w.value(entries.Value())
		changed = changed || touched
		attrs = append(attrs, slog.Attr{Key: name, Value: value})
	}
	if !changed {
		return plain(v), false
	}
	slices.SortStableFunc(attrs, func(a, b slog.Attr) int { return strings.Compare(a.Key, b.Key) })
	return slog.GroupValue(attrs...), true
}
