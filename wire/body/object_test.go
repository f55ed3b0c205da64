package body_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/goaver/aver-go/wire/body"
)

func TestMarshalWith(t *testing.T) {
	for _, tt := range []struct {
		value, more any
		want        string
	}{
		{map[string]int{"a": 1}, map[string]any{"b": "<"}, `{"a":1,"b":"\u003c"}`},
		{map[string]int{"a": 1}, nil, `{"a":1}`},
		{map[string]int{}, map[string]int{"b": 2}, `{"b":2}`},
		{map[string]int{"a": 1}, map[string]int{"a": 1}, `{"a":1}`},
		{map[string]string{"kind": "", "x": "1"}, map[string]string{"kind": "cat"}, `{"x":"1","kind":"cat"}`},
		{json.RawMessage(nil), nil, `null`},
		{json.RawMessage(`{"a":[1, 2]}`), map[string]int{"b": 2}, `{"a":[1, 2],"b":2}`},
		{json.RawMessage(`7`), nil, `7`},
		{map[string]int{"PRIVATE": 1}, map[string]int{"PRIVATE": 2}, ""},
		{json.RawMessage(`"PRIVATE"`), map[string]int{"b": 2}, ""},
		{map[string]any{"a": make(chan int)}, nil, ""},
	} {
		got, err := body.MarshalWith(tt.value, tt.more)
		if string(got) != tt.want || (err == nil) != (tt.want != "") || err != nil && strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%v with %v: %s, %v, want %s", tt.value, tt.more, got, err, tt.want)
		}
	}
	shared := json.RawMessage(`{"a":1}   `)[:7]
	if _, err := body.MarshalWith(shared, map[string]int{"b": 2}); err != nil || string(shared[:cap(shared)])[:8] != `{"a":1} ` {
		t.Errorf("the text behind a value is written over: %q", shared[:cap(shared)])
	}
}
