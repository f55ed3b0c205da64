package jsondec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/goaver/aver-go/wire/jsondec"
)

// The cases of the public conformance suite for readers of JSON (RFC 8259), as it sorts them: what must be accepted, what must be
// refused, and what is left to the reader. Each is read as a value of no known type, and passed over as an unknown member.

// valid are texts that every reader of JSON accepts.
var valid = map[string][]string{
	"structure": {
		`false`, `42`, `-0.1`, `null`, `"asd"`, `true`, `""`, "[\"a\"]\n", `[true]`, ` [] `,
	},
	"array": {
		`[[]   ]`, `[""]`, `[]`, `["a"]`, `[false]`, `[null, 1, "1", {}]`, `[null]`, "[1\n]", ` [1]`, `[1,null,null,null,2]`, `[2] `,
	},
	"object": {
		`{"asd":"sdf", "dfg":"fgh"}`, `{"asd":"sdf"}`, `{"a":"b","a":"c"}`, `{"a":"b","a":"b"}`, `{}`, `{"":0}`, `{"foo\u0000bar": 42}`,
		`{ "min": -1.0e+28, "max": 1.0e+28 }`,
		`{"x":[{"id": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}], "id": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}`, `{"a":[]}`,
		`{"title":"\u041f\u043e\u043b\u0442\u043e\u0440\u0430 \u0417\u0435\u043c\u043b\u0435\u043a\u043e\u043f\u0430" }`, "{\n\"a\": \"b\"\n}",
	},
	"string": {
		`["\u0060\u012a\u12AB"]`, `["\uD801\udc37"]`, `["\ud83d\ude39\ud83d\udc8d"]`, `["\"\\\/\b\f\n\r\t"]`, `["\\u0000"]`, `["\""]`,
		`["a/*b*/c/*d//e"]`, `["\\a"]`, `["\\n"]`, `["\u0012"]`, `["\uFFFF"]`, `["asd"]`, `[ "asd"]`, `["\uDBFF\uDFFF"]`, `["new\u00A0line"]`,
		"[\"\xf4\x8f\xbf\xbf\"]", "[\"\xef\xbf\xbf\"]", `["\u0000"]`, `["\u002c"]`, `["π"]`, "[\"\xf0\x9b\xbf\xbf\"]", `["asd "]`, `" "`,
		`["\uD834\uDd1e"]`, `["\u0821"]`, `["\u0123"]`, "[\"\xe2\x80\xa8\"]", "[\"\xe2\x80\xa9\"]", `["\u0061\u30af\u30EA\u30b9"]`,
		`["new\u000Aline"]`, "[\"\x7f\"]", `["\uA66D"]`, `["\u005C"]`, `["⍂㈴⍂"]`, `["\uDBFF\uDFFE"]`, `["\uD83F\uDFFE"]`, `["\u200B"]`,
		`["\u2064"]`, `["\uFDD0"]`, `["\uFFFE"]`, `["\u0022"]`, `["€𝄞"]`, "[\"a\x7fa\"]",
	},
	"number": {
		`[123e65]`, `[0e+1]`, `[0e1]`, `[ 4]`, "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]\n", `[20e1]`,
		`[-0]`, `[-123]`, `[-1]`, `[-0]`, `[1E22]`, `[1E-2]`, `[1E+2]`, `[123e45]`, `[123.456e78]`, `[1e-2]`, `[1e+2]`, `[123]`, `[123.456789]`,
	},
}

// invalid are texts that every reader of JSON refuses.
var invalid = map[string][]string{
	"structure": {
		strings.Repeat("[", 100_000), "[\xe2\x81\xa0]", "\xef\xbb\xbf", `<.>`, `[<null>]`, `[1]x`, `[1]]`, `["asd]`, `aå`, `[True]`, `1]`,
		`{"x": true,`, `[][]`, `]`, "\xef\xbb{}", "\xe5", `[`, ``, "[\x00]", `2@`, `{}}`, `{"":`, `{"a":/*comment*/"b"}`, `{"a": true} "x"`,
		`['`, `[,`, strings.Repeat(`[{"":`, 50_000), `[{`, `["a`, `["a"`, `{`, `{]`, `{,`, `{[`, `{"a`, `{'a'`, `["\{["\{["\{["\{`, "\xe9", `*`,
		`{"a":"b"}#{}`, `[\u000A""]`, `[1`, `[ false, nul`, `[ true, fals`, `[ false, tru`, `{"asd":"asd"`, `å`, "[\xe2\x81\xa0]", "[\x0c]",
	},
	"array": {
		`[1 true]`, "[a\xe5]", `["": 1]`, `[""],`, `[,1]`, `[1,,2]`, `["x",,]`, `["x"]]`, `["",]`, `["x"`, `[x`, `[3[4]]`, "[\xff]", `[1:2]`,
		`[,]`, `[-]`, `[   , ""]`, "[\"a\",\n4\n,1,", `[1,]`, `[1,,]`, "[\"\x0ba\"\\f]", `[*]`, `[""`, `[1,`, "[1,\n1\n,1", `[{}`,
	},
	"object": {
		`["x", truth]`, "{[: \"x\"}\n", `{"x", null}`, `{"x"::"b"}`, `{🇨🇭}`, `{"a":"a" 123}`, `{key: 'value'}`, "{\"\xb9\":\"0\",}", `{"a" b}`,
		`{:"b"}`, `{"a" "b"}`, `{"a":`, `{"a"`, `{1:1}`, `{9999E9999:1}`, `{null:null,null:null}`, `{"id":0,,,,,}`, `{'a':0}`, `{"id":0,}`,
		`{"a":"b"}/**/`, `{"a":"b"}/**//`, `{"a":"b"}//`, `{"a":"b"}/`, `{"a":"b",,"c":"d"}`, `{a: "b"}`, `{"a":"a`, `{ "foo" : "bar", "a" }`,
		`{"a":"b"}#`,
	},
	"string": {
		`["\uD800\"]`, `["\uD800\u"]`, `["\uD800\u1"]`, `["\uD800\u1x"]`, `[é]`, "[\"\\\x00\"]", `["\x00"]`, `["\\\"]`, "[\"\\\t\"]", `["\🌀"]`,
		`["\"]`, `["\u00A"]`, `["\uD834\uDd"]`, `["\uD800\uD800\x"]`, "[\"\\u\xe5\"]", `["\a"]`, `["\uqqqq"]`, "[\"\\\xe5\"]", `[\u0020"asd"]`,
		`[\n]`, `"`, `['single quote']`, `abc`, `["\`, "[\"a\x00a\"]", "[\"new\nline\"]", "[\"\t\"]", `"\UA66D"`, `""x`,
	},
	"number": {
		`[++1234]`, `[+1]`, `[+Inf]`, `[-01]`, `[-1.0.]`, `[-2.]`, `[-NaN]`, `[.-1]`, `[.2e-3]`, `[0.1.2]`, `[0.3e+]`, `[0.3e]`, `[0.e1]`,
		`[0E+]`, `[0E]`, `[0e+]`, `[0e]`, `[1.0e+]`, `[1.0e-]`, `[1.0e]`, `[1 000.0]`, `[1eE2]`, `[2.e+3]`, `[2.e-3]`, `[2.e3]`, `[9.e+]`,
		`[Inf]`, `[NaN]`, `[１]`, `[1+2]`, `[0x1]`, `[0x42]`, `[Infinity]`, `[0e+-1]`, `[-123.123foo]`, "[123\xe5]", "[1e1\xe5]", "[0\xe5]\n",
		`[-Infinity]`, `[-foo]`, `[- 1]`, `[-012]`, `[-.123]`, `[-1x]`, `[1ea]`, "[1e\xe5]", `[1.]`, `[.123]`, `[1.2a-3]`,
		`[1.8011670033376514H-308]`, `[012]`,
	},
	"other": {
		`[fals]`, `[nul]`, `[tru]`, "123\x00", ` `,
	},
}

// twice are valid by the grammar, but have a name twice, which RFC 7493 (I-JSON) forbids: readers do not agree on which counts.
var twice = []string{`{"a":"b","a":"c"}`, `{"a":"b","a":"b"}`}

// free are texts of which a reader may think what it likes, and what this one thinks of them.
var free = []struct {
	text string
	want error // nil: accepted
	says any   // what is read then
}{
	// Bytes that are no UTF-8 become U+FFFD, each: what is readable of an answer that was paid for is not lost.
	{"[\"\xe6\x97\xa5\xd1\x88\xfa\"]", nil, "日ш\ufffd"},
	{"[\"\xed\xa0\x80\"]", nil, "\ufffd\ufffd\ufffd"},
	{"[\"\xff\"]", nil, "\ufffd"},
	{"[\"\xe9\"]", nil, "\ufffd"},
	{"[\"\x81\"]", nil, "\ufffd"},
	{"[\"\xf4\xbf\xbf\xbf\"]", nil, "\ufffd\ufffd\ufffd\ufffd"},
	{"[\"\xc0\xaf\"]", nil, "\ufffd\ufffd"},
	{"[\"\xfc\x83\xbf\xbf\xbf\xbf\"]", nil, strings.Repeat("\ufffd", 6)},
	{"[\"\xfc\x80\x80\x80\x80\x80\"]", nil, strings.Repeat("\ufffd", 6)},
	{"[\"\xe0\xff\"]", nil, "\ufffd\ufffd"},
	// So do the halves of pairs that stand alone.
	{`["\uDADA"]`, nil, "\ufffd"},
	{`["\uD888\u1234"]`, nil, "\ufffd\u1234"},
	{`["\uD800\n"]`, nil, "\ufffd\n"},
	{`["\uDd1ea"]`, nil, "\ufffda"},
	{`["\uD800\uD800\n"]`, nil, "\ufffd\ufffd\n"},
	{`["\ud800"]`, nil, "\ufffd"},
	{`["\ud800abc"]`, nil, "\ufffdabc"},
	{`["\uDd1e\uD834"]`, nil, "\ufffd\ufffd"},
	{`["\uDFAA"]`, nil, "\ufffd"},
	{`{"\uDFAA":0}`, nil, nil},
	// Other encodings, and a byte order mark, are no JSON (RFC 8259, section 8.1).
	{"\xff\xfe[\x00\"\x00\xe9\x00\"\x00]\x00", jsondec.ErrSyntax, nil},
	{"\x00[\x00\"\x00\xe9\x00\"\x00]", jsondec.ErrSyntax, nil},
	{"[\x00\"\x00\xe9\x00\"\x00]\x00", jsondec.ErrSyntax, nil},
	{"\xef\xbb\xbf{}", jsondec.ErrSyntax, nil},
	// Numbers that are too small become 0; those that are too large for a float64 are refused rather than made infinite.
	{`[123.456e-789]`, nil, 0.0},
	{`[123e-10000000]`, nil, 0.0},
	{`[-123123123123123123123123123123]`, nil, -123123123123123123123123123123.0},
	{`[100000000000000000000]`, nil, 1e20},
	{`[-237462374673276894279832749832423479823246327846]`, nil, -237462374673276894279832749832423479823246327846.0},
	{`[0.4e0066999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999` +
		`96999999006]`, jsondec.ErrType, nil},
	{`[-1e+9999]`, jsondec.ErrType, nil},
	{`[1.5e+9999]`, jsondec.ErrType, nil},
	{`[-123123e100000]`, jsondec.ErrType, nil},
	{`[123123e100000]`, jsondec.ErrType, nil},
	// Values may be nested 10,000 deep.
	{strings.Repeat("[", 500) + strings.Repeat("]", 500), nil, nil},
}

func TestConformance(t *testing.T) {
	if n := count(valid); n != 95 {
		t.Errorf("%d cases are valid", n)
	}
	if n := count(invalid); n != 188 {
		t.Errorf("%d cases are invalid", n)
	}
	if len(free) != 35 {
		t.Errorf("%d cases are free", len(free))
	}
	for about, cases := range valid {
		for _, text := range cases {
			want := error(nil)
			for _, again := range twice {
				if text == again {
					want = jsondec.ErrDuplicate
				}
			}
			if err := read(text); !errors.Is(err, want) {
				t.Errorf("%s: %q: %v, want %v", about, text, err, want)
			}
			if err := pass(text); !errors.Is(err, want) {
				t.Errorf("%s: %q as an unknown member: %v, want %v", about, text, err, want)
			}
		}
	}
	for about, cases := range invalid {
		for _, text := range cases {
			for _, err := range []error{read(text), pass(text)} {
				if !errors.Is(err, jsondec.ErrSyntax) && !errors.Is(err, jsondec.ErrTruncated) {
					t.Errorf("%s: %.80q: %v", about, text, err)
				}
			}
		}
	}
	for _, tt := range free {
		var list []any
		into := any(&list)
		if tt.says == nil {
			into = new(any)
		}
		err := jsondec.Unmarshal([]byte(tt.text), into)
		if !errors.Is(err, tt.want) || err == nil && tt.says != nil && (len(list) != 1 || list[0] != tt.says) {
			t.Errorf("%.80q: %v, %v; want %v, %v", tt.text, list, err, tt.says, tt.want)
		}
		if err := pass(tt.text); (err == nil) != (tt.want == nil || tt.want == jsondec.ErrType) {
			t.Errorf("%.80q as an unknown member: %v", tt.text, err) // where a number's size does not matter
		}
	}
}

func count(tables map[string][]string) (n int) {
	for _, cases := range tables {
		n += len(cases)
	}
	return n
}

// read reads a text as a value of no known type, at once and byte by byte.
func read(text string) error {
	var v, w any
	err := jsondec.Unmarshal([]byte(text), &v)
	if streamed := jsondec.Read(nil, iotest.OneByteReader(strings.NewReader(text)), &w); !errors.Is(streamed, errors.Unwrap(err)) {
		return fmt.Errorf("%w at once, %w byte by byte", err, streamed)
	}
	return err
}

// An ignorant type knows no member.
type ignorant struct{}

func (*ignorant) DecodeJSON(d *jsondec.Decoder) {
	for o := d.Object(); d.Member(&o); {
		d.Unknown(&o)
	}
}

// pass reads a text within an object that has a member which nobody knows.
func pass(text string) error {
	return jsondec.Unmarshal([]byte(`{"unknown":`+text+`}`), &ignorant{})
}
