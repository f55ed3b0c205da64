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
)

// RedactAttr is a ReplaceAttr function for slog's handlers. It finds the requests and results of this package within a
// value of any type that an application logs, such as a struct of its own, a slice or a map, and has them print without
// what is personal or secret, as they do by themselves:
//
//	handler := slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{ReplaceAttr: api.RedactAttr})
//
// Without it, slog's JSON handler marshals such a value in full, and its text handler prints the unexported fields of a
// struct. Anything that implements [slog.LogValuer] is treated so, the types of a client that aver generate wrote among it.
//
// It looks at what the handlers print and nowhere else: exported fields at any depth, of fields that are not exported
// what lies in them directly, and not into the types of the standard library. What is found in a field that is not
// exported prints as REDACTED, and so does a map with values of any kind in one. An error within a value that holds
// something prints as its text. A value in which nothing is found is left as it is, unless it has very many parts.
func RedactAttr(_ []string, attr slog.Attr) slog.Attr {
	if attr.Value.Kind() != slog.KindAny {
		return attr
	}
	v := reflect.ValueOf(attr.Value.Any())
	if !v.IsValid() || v.Type().Implements(errorType) { // which prints as its text
		return attr
	}
	w := walk{above: make(map[visit]bool)}
	if found, changed := w.value(v); changed {
		attr.Value = found
	}
	return attr
}

const (
	maxParts    = 20_000 // of a value that is walked
	maxElements = 10     // of a list, as it is printed
)

var (
	logValuerType = reflect.TypeFor[slog.LogValuer]()
	errorType     = reflect.TypeFor[error]()
)

// A walk goes through the exported parts of a value of an application. Its methods return how a part is logged, and
// whether that differs from how it would be.
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
	case isNil(v):
		return plain(v)
	case v.Type().Implements(logValuerType):
		return slog.AnyValue(v.Interface()).Resolve(), true
	case isClosed(v.Type()):
		return plain(v)
	case w.parts > maxParts:
		return slog.StringValue(redacted), true
	}
	found, changed := plain(v)
	switch v.Kind() {
	case reflect.Pointer:
		here := visit{v.Pointer(), v.Type()}
		if w.above[here] {
			return slog.StringValue(redacted), true // it holds itself
		}
		w.above[here] = true
		found, changed = w.value(v.Elem())
		delete(w.above, here)
	case reflect.Interface:
		return w.value(v.Elem())
	case reflect.Struct:
		found, changed = w.structure(v)
	case reflect.Slice, reflect.Array:
		found, changed = w.list(v)
	case reflect.Map:
		found, changed = w.table(v)
	}
	if err, ok := v.Interface().(error); ok && changed {
		return slog.StringValue(err.Error()), true
	}
	return found, changed
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map, reflect.Func, reflect.Chan:
		return v.IsNil()
	}
	return false
}

// isClosed reports whether nothing of ours can be in a value of a type, or whether it is one of the standard library's,
// whose inside is its own business: it may be guarded by a lock.
func isClosed(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return isBasic(t.Elem())
	case reflect.Map:
		return isBasic(t.Key()) && isBasic(t.Elem())
	case reflect.Pointer:
		return t.Elem().Kind() != reflect.Pointer && isClosed(t.Elem())
	case reflect.Struct:
		first, _, _ := strings.Cut(t.PkgPath(), "/")
		return standard(first) && !strings.Contains(t.Name(), "[") // a generic one holds what it is made of
	}
	return isBasic(t)
}

// standard reports whether the first element of an import path is one of the standard library's. Modules whose path has
// no dot are rare, and the tests of an application are in one of them at most.
func standard(element string) bool {
	return strings.Contains(" archive bufio bytes cmp compress container context crypto database debug embed encoding errors expvar flag "+
		"fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp runtime slices sort strconv "+
		"strings structs sync syscall testing text time unicode unique unsafe vendor weak ", " "+element+" ")
}

func isBasic(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		return false
	}
	return !t.Implements(logValuerType)
}

// plain returns v as it is logged by itself.
func plain(v reflect.Value) (slog.Value, bool) { return slog.AnyValue(v.Interface()), false }

func (w *walk) structure(v reflect.Value) (slog.Value, bool) {
	if field, ok := v.Type().FieldByName("HTTPResponse"); ok && field.Type == reflect.TypeFor[*http.Response]() {
		return slog.StringValue(redacted), true // an answer of the generated client, with its whole body
	}
	var attrs []slog.Attr
	changed := false
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			if w.hidden(v.Field(i)) {
				attrs, changed = append(attrs, slog.String(field.Name, redacted)), true
			}
			continue
		}
		value, touched := w.value(v.Field(i))
		changed = changed || touched
		if name, left := nameOf(field, v.Field(i)); !left {
			attrs = append(attrs, slog.Attr{Key: name, Value: value})
		}
	}
	if !changed {
		return plain(v)
	}
	return slog.GroupValue(attrs...), true
}

// hidden reports whether something of ours, or anything at all in a map, lies directly in a value that is not exported:
// that is what fmt prints of it, without asking any method.
func (w *walk) hidden(v reflect.Value) bool {
	w.parts++
	switch {
	case isNil(v):
		return false
	case v.Type().Implements(logValuerType), w.parts > maxParts:
		return true
	case isClosed(v.Type()):
		return false
	}
	switch v.Kind() {
	case reflect.Interface:
		return w.hidden(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if w.hidden(v.Field(i)) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if w.hidden(v.Index(i)) {
				return true
			}
		}
	case reflect.Map: // not walked, for nobody knows which lock guards it
		return v.Len() > 0
	}
	return false // a pointer prints as an address
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
		return plain(v)
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
		return plain(v)
	}
	slices.SortStableFunc(attrs, func(a, b slog.Attr) int { return strings.Compare(a.Key, b.Key) })
	return slog.GroupValue(attrs...), true
}
