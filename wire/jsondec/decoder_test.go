package jsondec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/wire"
	"github.com/goaver/aver-go/wire/jsondec"
)

// everything holds a value of every kind that generated types have.
type everything struct {
	Text    string            `json:"text"`
	Named   wire.Date         `json:"named"`
	Scalar  wire.Scalar       `json:"scalar"`
	Flag    bool              `json:"flag"`
	MayFlag *bool             `json:"mayFlag"`
	Number  float64           `json:"number"`
	May     *float64          `json:"may"`
	Count   int               `json:"count"`
	MayInt  *int64            `json:"mayInt"`
	Small   int32             `json:"small"`
	Enum    generated.Match   `json:"enum"`
	MayEnum *generated.Match  `json:"mayEnum"`
	Enums   []generated.Match `json:"enums"`
	Texts   []string          `json:"texts"`
	Strings map[string]string `json:"strings"`
	Any     map[string]any    `json:"any"`
	Lists   [][]float64       `json:"lists"`
	Bytes   []byte            `json:"bytes"`
	Float32 float32           `json:"float32"`
	Time    time.Time         `json:"time"`
	Raw     jsontext.Value    `json:"raw"`
	Nested  *everything       `json:"nested"`
	All     []everything      `json:"all"`
}

func (e *everything) DecodeJSON(d *jsondec.Decoder) {
	fields := []struct {
		name string
		p    any
	}{
		{"text", &e.Text}, {"named", &e.Named}, {"scalar", &e.Scalar}, {"flag", &e.Flag}, {"mayFlag", &e.MayFlag}, {"number", &e.Number}, {"may", &e.May},
		{"count", &e.Count}, {"mayInt", &e.MayInt}, {"small", &e.Small}, {"enum", &e.Enum}, {"mayEnum", &e.MayEnum}, {"enums", &e.Enums},
		{"texts", &e.Texts},
		{"strings", &e.Strings}, {"any", &e.Any}, {"lists", &e.Lists}, {"bytes", &e.Bytes}, {"float32", &e.Float32}, {"time", &e.Time}, {"raw", &e.Raw},
		{"nested", &e.Nested}, {"all", &e.All},
	}
members:
	for o := d.Object(); d.Member(&o); {
		for i, f := range fields {
			if string(o.Name) == f.name {
				d.Field(&o, i, f.name, f.p)
				continue members
			}
		}
		d.Unknown(&o)
	}
}

// plain is everything for package json.
type plain everything

var texts = []string{
	`{}`, `null`, ` { } `, `{"text":"a"}`, `{"text":"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"}`, "{\"text\":\"\xff\u00e9\"}", `{"text":"\ud800"}`,
	`{"text":"\ud800\ud800\udc00x\udc00"}`,
	`{"text":null,"flag":null,"mayFlag":null,"number":null,"may":null,"count":null,"mayInt":null,"enum":null,"enums":null,"strings":null,"any":null,"lists":null,"nested":null,"all":null,"scalar":null,"named":null,"small":null,"texts":null,"mayEnum":null}`,
	`{"flag":true,"mayFlag":false,"number":-1.5e+10,"may":0,"count":-12,"mayInt":9223372036854775807,"small":7,"named":"04/17/1988","scalar":"x","texts":["a",null,""]}`,
	`{"scalar":62,"enum":"NoMatch","mayEnum":"other","enums":["Match","x",null],"strings":{"a":"b","c":null},"any":{"a":[1,{"b":null}]},"lists":[[1,2],[],null]}`,
	`{"nested":{"nested":{"text":"x"},"all":[{},{"count":1},null]},"unknown":{"a":[{"b":1e5},true,false,null,"x"]},"other":-0}`,
	`{"bytes":"aGk=","float32":1.5,"time":"2026-11-23T10:00:00Z","raw":{"a":[1]}}`, `{"bytes":null,"float32":null,"time":null,"raw":null}`,
	`{"float32":1e300}`, `{"bytes":"*"}`, `{"bytes":[1]}`, `{"time":"x"}`,
	`{"text":5}`, `{"count":1.5}`, `{"count":9223372036854775808}`, `{"small":2147483648}`, `{"flag":"x"}`, `{"may":1e999}`, `{"enums":{}}`,
	`{"nested":[]}`, `{"strings":{"a":1}}`, `{"any":[]}`, `{"all":[{"text":{}}]}`, `[]`, `"x"`, `5`, `true`,
	`{"text":"a","text":"b"}`, `{"x":1,"x":2}`, `{"strings":{"a":"","a":""}}`, `{"x":{"y":1,"y":1}}`, `{"any":{"a":1,"a":2}}`,
	`{"all":[{"count":1,"count":1}]}`, `{"Text":"A","TEXT":"B"}`,
	``, ` `, `{`, `{"text`, `{"text"`, `{"text":`, `{"text":"a`, `{"text":"a\`, `{"text":"a\u00`, `{"text":"a"`, `{"text":"a",`, `{"flag":tr`,
	`{"number":1.`, `{"number":-`, `{"number":1e`, `{"all":[`, `{"all":[{}`, `{"all":[{},`, `{"x":[1,`, `nul`,
	`{,}`, `{"text":"a",}`, `{"text" "a"}`, `{text:1}`, `{"text":'a'}`, `{"all":[,]}`, `{"all":[{},]}`, `{"all":[{}{}]}`, `{"x":[1 2]}`,
	`{"count":01}`, `{"count":+1}`, `{"number":.5}`, `{"x":tru}`, `{"x":nulL}`, `{} {}`, `{}x`, "{}\x00", "\x00", "{\"text\":\"a\nb\"}",
	"{\"text\":\"\x01\"}", `{"text":"\x"}`, `{"text":"\u12g4"}`, `{"x":}`, `{"x":,}`, `{"a":1,,"b":2}`, `[1,]`, `]`, `}`, `:`, `,`,
}

// compare reads text with this package and with package json, which must agree.
func compare(t *testing.T, text string) {
	t.Helper()
	var want plain
	wantErr := jsonv2.UnmarshalRead(strings.NewReader(text), &want, jsontext.AllowInvalidUTF8(true))
	var got everything
	err := jsondec.Unmarshal([]byte(text), &got)
	if err == nil && wantErr != nil && strings.ContainsAny(text, ".eE") {
		return // a whole number that is written with a fraction, which is one by JSON Schema
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v; package json says %v", text, err, wantErr)
	}
	if err == nil {
		if diff := cmp.Diff(everything(want), got, cmp.AllowUnexported(wire.Scalar{}), cmp.Comparer(func(a, b *everything) bool {
			return cmp.Equal(a == nil, b == nil) && (a == nil || reflect.DeepEqual(*a, *b))
		})); diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	}
	for name, stream := range map[string]io.Reader{"byte by byte": iotest.OneByteReader(strings.NewReader(text)),
		"half": iotest.HalfReader(strings.NewReader(text)), "data with EOF": iotest.DataErrReader(strings.NewReader(text))} {
		head := make([]byte, min(len(text), 3))
		_, _ = io.ReadFull(stream, head)
		var streamed everything
		streamedErr := jsondec.Read(head, stream, &streamed)
		if (err == nil) != (streamedErr == nil) || err == nil && !reflect.DeepEqual(got, streamed) {
			t.Fatalf("%q, %s: %+v, %v", text, name, streamed, streamedErr)
		}
		if err != nil && (errors.Unwrap(err) != errors.Unwrap(streamedErr) || !samePlace(err, streamedErr)) {
			t.Fatalf("%q, %s: %v; at once %v", text, name, streamedErr, err)
		}
		if string(head) != text[:len(head)] {
			t.Fatalf("%q: the head was changed", text)
		}
	}
}

func samePlace(a, b error) bool {
	var x, y *jsondec.Error
	return errors.As(a, &x) && errors.As(b, &y) && x.Path == y.Path && x.Offset == y.Offset
}

func TestReadsWhatPackageJSONReads(t *testing.T) {
	for _, text := range texts {
		compare(t, text)
	}
	compare(t, `{"x":`+strings.Repeat("[", 9999)+strings.Repeat("]", 9999)+`}`)
	compare(t, `{"text":"`+strings.Repeat("long ", 50_000)+`","strings":{"`+strings.Repeat("k", 70_000)+`":"v"},"any":{"a":"`+strings.Repeat("é\\n",
		30_000)+`"}}`)
}

func FuzzReadsWhatPackageJSONReads(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		compare(t, text)
	})
}

func TestWholeNumbersMayHaveAFraction(t *testing.T) {
	for text, want := range map[string]int{`3.0`: 3, `-2e1`: -20, `1.5e1`: 15, `0.0`: 0, `9007199254740991.0`: 1<<53 - 1} {
		var v everything
		if err := jsondec.Unmarshal([]byte(`{"count":`+text+`}`), &v); err != nil || v.Count != want {
			t.Errorf("%s: %d, %v", text, v.Count, err)
		}
	}
	for _, text := range []string{`3.5`, `1e-1`, `1e300`, `9007199254740993.0`} {
		var v everything
		if err := jsondec.Unmarshal([]byte(`{"count":`+text+`}`), &v); !errors.Is(err, jsondec.ErrType) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestErrorsTellThePlaceAndNotTheValue(t *testing.T) {
	tests := []struct {
		text string
		kind error
		want string
	}{
		{`{"text":5}`, jsondec.ErrType, "another type of JSON value than expected (a number) at byte 8, at text"},
		{`{"all":[{},{"nested":{"flag":"private"}}]}`, jsondec.ErrType,
			"another type of JSON value than expected (a string) at byte 29, at all.1.nested.flag"},
		{`{"strings":{"private":{}}}`, jsondec.ErrType, "another type of JSON value than expected (a object) at byte 22, at strings.*"},
		{`{"private":1,"private":2}`, jsondec.ErrDuplicate, "a name occurs twice at byte 23, at *"},
		{`{"text":"a","text":"b"}`, jsondec.ErrDuplicate, "a name occurs twice at byte 19, at text"},
		{`{"enums":["Match",7]}`, jsondec.ErrType, "another type of JSON value than expected (a number) at byte 18, at enums.1"},
		{`{"nested":{"count":1`, jsondec.ErrTruncated, "truncated JSON at byte 20, at nested"},
		{`{"text":private}`, jsondec.ErrSyntax, "not valid JSON at byte 8, at text"},
		{strings.Repeat("[", 10001), jsondec.ErrType, "another type of JSON value than expected (a array) at byte 0"},
		{`{"x":` + strings.Repeat("[", 10001), jsondec.ErrSyntax, "not valid JSON at byte 10004, at *"},
		{`{"count":9223372036854775808}`, jsondec.ErrType, "another type of JSON value than expected (a number that is no integer of 64 bits) at byte 28, at count"},
	}
	for _, tt := range tests {
		var v everything
		err := jsondec.Unmarshal([]byte(tt.text), &v)
		if !errors.Is(err, tt.kind) || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "private") {
			t.Errorf("%.40s: %v, want %s", tt.text, err, tt.want)
		}
	}
	broken := errors.New("broken")
	for n := range 30 {
		head := []byte(`{"text":"abc","count":15,"x":[]}`)[:n]
		if err := jsondec.Read(head[:0:0], io.MultiReader(bytes.NewReader(head), iotest.ErrReader(broken)), new(everything)); !errors.Is(err, broken) {
			t.Errorf("broken off after %d: %v", n, err)
		}
	}
}

func TestNothingOfATextStaysBehind(t *testing.T) {
	text := []byte(`{"text":"first","strings":{"key":"value"},"any":{"a":"b"}}`)
	var v everything
	if err := jsondec.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		text[i] = 'x'
	}
	if got, _ := json.Marshal(v.Strings); v.Text != "first" || string(got) != `{"key":"value"}` || v.Any["a"] != "b" {
		t.Errorf("the value changed with the text: %v", v)
	}
}

func TestAllocations(t *testing.T) {
	text := []byte(`{"id":"c","groupId":"g","thirdPartyIdentifier":"p","status":"Completed","statusReason":"ExpiredDocuments","checkTypes":["Watchlist","AddressVerification"],"unknown":5}`)
	var check generated.Check
	// Three strings, the list, and the set of unknown names.
	if n := testing.AllocsPerRun(100, func() {
		check = generated.Check{}
		if err := jsondec.Unmarshal(text, &check); err != nil {
			t.Fatal(err)
		}
	}); n > 7 {
		t.Errorf("%v allocations", n)
	}
}

// Strings share memory, so that a text of many costs few allocations; a long one has its own.
func TestStringsShareMemory(t *testing.T) {
	var short, long []string
	for i := range 100 {
		short = append(short, fmt.Sprintf("a text of some forty bytes, number %05d", i))
		long = append(long, strings.Repeat(fmt.Sprint(i), 600))
	}
	for _, tt := range []struct {
		texts       []string
		least, most float64
	}{{short, 1, 30}, {long, 100, 120}} {
		text, _ := json.Marshal(tt.texts)
		var got []string
		allocs := testing.AllocsPerRun(100, func() {
			if err := jsondec.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
		})
		if !slices.Equal(got, tt.texts) || allocs < tt.least || allocs > tt.most {
			t.Errorf("%.20q…: %v allocations", got[0], allocs)
		}
	}
}
