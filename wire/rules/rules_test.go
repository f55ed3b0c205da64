package rules_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/wire/rules"
)

func lookup(string) *rules.Schema { return &person }

var person = rules.Schema{
	Types: rules.Object, Closed: true, Required: []string{"name"},
	Properties: []rules.Property{
		{Name: "name", Schema: &rules.Schema{Types: rules.String, MinLength: 1, MaxLength: "4"}},
		{Name: "age", Schema: &rules.Schema{Types: rules.Integer | rules.Null, Minimum: "0", ExclusiveMaximum: "150"}},
		{Name: "size", Schema: &rules.Schema{Types: rules.Number, MultipleOf: "0.1"}},
		{Name: "born", Schema: &rules.Schema{Types: rules.String, Format: "month-day-year"}},
		{Name: "country", Schema: &rules.Schema{Types: rules.String, Pattern: "^[A-Z]{2}$", Title: "of two capital letters"}},
		{Name: "kind", Schema: &rules.Schema{Enum: []any{"a", rules.Literal("1"), true, nil, []any{"x"}, map[string]any{"y": "z"}}}},
		{Name: "tags", Schema: &rules.Schema{Types: rules.Array, Unique: true, MaxItems: "3", Items: &rules.Schema{Types: rules.String}}},
		{Name: "child", Schema: &rules.Schema{Ref: "Person"}},
	},
	DependentRequired: []rules.Dependency{{Name: "country", Required: []string{"born"}}},
}

func TestProblemsNameTheFieldAndTheFix(t *testing.T) {
	for text, want := range map[string]string{
		`{"name":"Ada"}`: "",
		`{"name":"日本語語","age":null,"size":0.3,"tags":["a","b"]}`: "",
		`{}`:                               "name: is required",
		`{"name":""}`:                      "name: is required",
		`{"name":null}`:                    "name: is required",
		`{"name":"Adele"}`:                 "name: must be a text of at most 4 characters",
		`{"name":7}`:                       "name: must be a string",
		`{"name":"A","age":-1}`:            "age: must be at least 0",
		`{"name":"A","age":150}`:           "age: must be less than 150",
		`{"name":"A","age":1.5}`:           "age: must be an integer",
		`{"name":"A","age":1.0}`:           "",
		`{"name":"A","size":0.35}`:         "size: must be a multiple of 0.1",
		`{"name":"A","born":"02/30/2000"}`: "born: must be a day of the calendar (MM/DD/YYYY)",
		`{"name":"A","country":"US"}`:      "born: is required together with country",
		`{"name":"A","country":"us","born":"01/02/2000"}`: "country: must be a text of the form of two capital letters",
		`{"name":"A","kind":"b"}`:                         "kind: must be one of a, 1, true, null, [x], map[y:z]",
		`{"name":"A","kind":1.0}`:                         "",
		`{"name":"A","kind":{"y":"z"}}`:                   "",
		`{"name":"A","tags":["a","b","\u0061"]}`:          "tags: must be an array without equal elements",
		`{"name":"A","tags":["a","b","c","d"]}`:           "tags: must be an array of at most 3 elements",
		`{"name":"A","tags":["a",1]}`:                     "tags.1: must be a string",
		`{"name":"A","other":1}`:                          "other: is not a property of this request",
		`{"name":"A","child":{"name":""}}`:                "child.name: is required",
		`[]`:                                              "*: must be an object",
		`{"name":"A","age":1e999999999}`:                  "age: must be an integer",
	} {
		var lines []string
		for name, problems := range rules.Text([]byte(text), &person, lookup) {
			lines = append(lines, name+": "+strings.Join(problems, ", "))
		}
		if got := strings.Join(lines, "; "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestUnwritableValues(t *testing.T) {
	type inner struct {
		Texts []string `json:"texts"`
	}
	for want, v := range map[string]any{
		"a.texts.1: is not valid UTF-8": map[string]inner{"a": {Texts: []string{"x", "\xff"}}},
		"at: cannot be written as JSON": map[string]time.Time{"at": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		for name, problems := range rules.Value(v, &rules.Schema{}, nil) {
			if got := fmt.Sprintf("%s: %s", name, strings.Join(problems, ", ")); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
}

// Whatever JSON is given, nothing breaks, and no value is repeated.
func FuzzText(f *testing.F) {
	f.Add([]byte(`{"name":"Ada","kind":{"y":["\ud800"]},"child":{"child":{}}}`))
	f.Add([]byte(`{"age":1e400,"tags":[1,2,{"a":null}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		problems := rules.Check(text, &person, lookup)
		if !json.Valid(text) && len(problems) == 0 {
			t.Errorf("%q is no JSON", text)
		}
	})
}

func TestFormats(t *testing.T) {
	for format, texts := range map[string][2]string{
		"date": {"2024-02-29 0001-01-01", "2023-02-29 2024-2-29 24-02-29"},
		"date-time": {"2026-11-25T23:59:60Z 2026-11-25T21:29:60-02:30 2026-11-25t10:00:00.5z",
			"2026-11-25T10:00:60Z 2026-11-25T23:59:61Z 2026-11-25T24:00:00Z 2026-11-25T10:00:00. 2026-11-25T10:00:00+24:00"},
		"uuid":           {"3F0C9A4E-6a55-4b2e-9c50-0d5ed0b5ac11", "3f0c9a4e6a55-4b2e-9c50-0d5ed0b5ac1100 3g0c9a4e-6a55-4b2e-9c50-0d5ed0b5ac11"},
		"uri":            {"https://[::1]/a myapp:/done", "/a https://[::x]/ //a"},
		"ipv4":           {"1.2.3.4", "1.2.3 01.2.3.4 ::1 +1.2.3.4"},
		"ipv6":           {"::1 fe80::", "1.2.3.4 fe80::1%eth0"},
		"month-day-year": {"02/29/2024", "2/29/2024 02/30/2024"},
	} {
		for _, good := range strings.Fields(texts[0]) {
			if !rules.IsFormat(format, good) {
				t.Errorf("%s: %s is refused", format, good)
			}
		}
		for _, bad := range strings.Fields(texts[1]) {
			if rules.IsFormat(format, bad) {
				t.Errorf("%s: %s is accepted", format, bad)
			}
		}
	}
}
