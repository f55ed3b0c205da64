package explore

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"unicode"

	"github.com/goaver/aver-go/internal/spec"
)

// A trial is a value that is tried at a place. Whether the contract allows it there, the contract itself says.
type trial struct {
	label, class string
	value        any
}

// absent is tried by leaving a property out.
type absent struct{}

// scripts are texts that a service must take wherever it takes text.
var scripts = []struct{ label, text string }{
	{"umlauts", "Jörg Müller-Lüdenscheidt"},
	{"Chinese", "李小龍"},
	{"Arabic, from right to left", "محمد بن سلمان"},
	{"combining marks", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!"},
	{"beyond the basic plane", "👩🏽‍🚀𝔄𐍈"},
	{"invisible characters", "a\u200b\u00ad\ufeff\u2066b"},
	{"quotes and markup", `O'Brien "<script>" & \ %s {{7*7}} ${7*7} --`},
	{"control characters", "a\x00b\r\nc\x1b[31m"},
}

// trials returns what to try at a place: a value and the schemas that apply to it there.
func trials(nodes []map[string]any, value any) []trial {
	t := &trying{}
	t.add("null", "null", nil)
	t.add("the number 42", "type", json.Number("42"))
	t.add("a text", "type", "text")
	t.add("true", "type", true)
	t.add("false", "type", false)
	t.add("an empty list", "type", []any{})
	t.add("an empty object", "type", map[string]any{})
	switch value := value.(type) {
	case string:
		t.texts(nodes, value)
	case json.Number:
		t.numbers(nodes, value)
	case []any:
		t.lists(nodes, value)
	case map[string]any:
		t.objects(value)
	}
	for _, node := range nodes {
		for _, v := range spec.List(node["enum"]) {
			t.add("the value "+marshal(v), "enum", spec.Plain(v))
		}
	}
	return t.all
}

type trying struct {
	all  []trial
	seen map[string]bool
}

func (t *trying) add(label, class string, value any) {
	key := marshal(value)
	if t.seen == nil {
		t.seen = make(map[string]bool)
	}
	if !t.seen[key] {
		t.seen[key] = true
		t.all = append(t.all, trial{label, class, value})
	}
}

func (t *trying) texts(nodes []map[string]any, value string) {
	t.add("an empty text", "empty", "")
	t.add("a blank", "blank", " ")
	for _, s := range scripts {
		t.add(s.label, "unicode", s.text)
	}
	t.add("64 KiB of text", "long", strings.Repeat("a", 64<<10))
	t.add("a line break at the end", "line break", value+"\n")
	t.add("something before it", "text", "x"+value)
	t.add("something behind it", "text", value+"x")
	t.add("another letter case", "letter case", swapped(value))
	for _, node := range nodes {
		for _, v := range spec.List(node["enum"]) {
			if text, ok := v.(string); ok {
				t.add("the value "+marshal(text)+" in another letter case", "letter case", swapped(text))
			}
		}
		if format, ok := node["format"].(string); ok {
			t.add("no "+format, "format", "no "+format)
			t.add(format+" with a blank", "format", value+" ")
		}
		for _, bound := range []string{"minLength", "maxLength"} {
			n, ok := whole(node[bound])
			if !ok || n > 1<<17 {
				continue
			}
			for _, length := range []int{n - 1, n, n + 1} {
				if length >= 0 {
					t.add(fmt.Sprintf("%s: a text of length %d", bound, length), bound, strings.Repeat("a", length))
					t.add(fmt.Sprintf("%s: a text of length %d beyond the basic plane", bound, length), "unicode", strings.Repeat("𝔄", length))
				}
			}
		}
	}
}

func swapped(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, text)
}

func (t *trying) numbers(nodes []map[string]any, value json.Number) {
	numbers := []string{"0", "-1", "1.5", "9007199254740993", string(value) + "e0"}
	if !slices.ContainsFunc(nodes, func(node map[string]any) bool { return slices.Contains(spec.Kinds(node), "integer") }) {
		numbers = append(numbers, "9223372036854775808", "1e300")
	}
	for _, text := range numbers {
		t.add("the number "+text, "number", json.Number(text))
	}
	t.add("the number as a text", "type", string(value))
	for _, node := range nodes {
		for _, bound := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} {
			limit, ok := new(big.Rat).SetString(fmt.Sprint(node[bound]))
			if node[bound] == nil || !ok {
				continue
			}
			for _, step := range []int64{-1, 0, 1} {
				n := new(big.Rat).Add(limit, big.NewRat(step, 1))
				text := strings.TrimSuffix(strings.TrimRight(n.FloatString(6), "0"), ".")
				t.add(bound+": the number "+text, bound, json.Number(text))
			}
		}
	}
}

func (t *trying) lists(nodes []map[string]any, value []any) {
	t.add("a list with null", "null", append(slices.Clone(value), nil))
	if len(value) > 0 {
		t.add("an element twice", "uniqueItems", append(slices.Clone(value), value[0]))
		if len(marshal(value[0])) < 1<<10 {
			t.all = append(t.all, trial{"1,000 elements", "many", repeated(value[0], 1000)})
		}
	}
	for _, node := range nodes {
		for _, bound := range []string{"minItems", "maxItems"} {
			n, ok := whole(node[bound])
			if !ok || n > 1000 || len(value) == 0 || len(marshal(value[0])) > 1<<10 {
				continue
			}
			for _, length := range []int{n - 1, n, n + 1} {
				if length >= 0 {
					t.add(fmt.Sprintf("%s: a list of length %d", bound, length), bound, repeated(value[0], length))
				}
			}
		}
		if values := spec.List(spec.Member(node["items"], "enum")); values != nil {
			t.add("every value of the enumeration", "enum", spec.Plain(values))
		}
	}
}

func repeated(v any, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = v
	}
	return list
}

func (t *trying) objects(value map[string]any) {
	with := func(v any) map[string]any {
		changed := maps.Clone(value)
		changed["notInTheContract"] = v
		return changed
	}
	t.add("an unknown property", "additionalProperties", with("text"))
	deep := any("text")
	for range 200 {
		deep = []any{deep}
	}
	t.add("an unknown property of 200 levels", "additionalProperties", with(deep))
}

func whole(v any) (int, bool) {
	n, ok := new(big.Rat).SetString(fmt.Sprint(v))
	if v == nil || !ok || !n.IsInt() || !n.Num().IsInt64() {
		return 0, false
	}
	return int(n.Num().Int64()), true
}

// A brokenBody is a text in place of a body that is JSON.
type brokenBody struct {
	label, class, text string
	want               Want
}

// brokenBodies returns what to try in place of a body. What is certainly wrong is to be refused; of the rest parsers think differently.
func brokenBodies(body string) []brokenBody {
	return []brokenBody{
		{"JSON that ends too early", "json", strings.TrimSuffix(body, "}"), Refused},
		{"something behind the JSON", "json", body + `{"x":1}`, Refused},
		{"a text that is no JSON", "json", "name=value&other=value", Refused},
		{"XML", "json", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`, Refused},
		{"JSON in single quotes", "json", strings.ReplaceAll(body, `"`, `'`), Refused},
		{"bytes that are not UTF-8", "json", strings.Replace(body, `":"`, "\":\"\xff\xfe", 1), Refused},
		{"a lone surrogate", "json", strings.Replace(body, `":"`, `":"\ud800`, 1), Anything},
		{"a byte-order mark", "json", "\ufeff" + body, Anything},
		{"a name twice", "json", strings.Replace(body, "{", `{"x":1,"x":2,`, 1), Anything},
		{"10,000 levels", "deep", strings.Repeat(`[`, 10000) + strings.Repeat(`]`, 10000), Anything},
		{"an object of 10,000 levels", "deep", strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat(`}`, 10000), Anything},
		{"a number of 100,000 digits", "number", strings.Repeat("9", 100000), Anything},
		{"blanks alone", "json", "   ", Refused},
	}
}
