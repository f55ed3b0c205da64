package redact

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Texts returns the texts and numbers in values, at any depth.
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

// TextsIn returns the texts and numbers in a JSON text, at any depth.
func TextsIn(text []byte) []string {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return []string{string(text)}
	}
	return Texts(v)
}
