package dataurl_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/goaver/aver-go/wire/dataurl"
)

func content(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// readers reads in every awkward way.
var readers = map[string]func(io.Reader) io.Reader{
	"whole":         func(r io.Reader) io.Reader { return r },
	"byte by byte":  iotest.OneByteReader,
	"half":          iotest.HalfReader,
	"data with EOF": iotest.DataErrReader,
}

func TestEncodeIsBase64(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 24<<10 - 1, 24 << 10, 24<<10 + 1, 100_000} {
		image := content(n)
		want := base64.StdEncoding.EncodeToString(image)
		for name, awkward := range readers {
			got, err := io.ReadAll(dataurl.Encode(awkward(bytes.NewReader(image))))
			if err != nil || string(got) != want {
				t.Errorf("%d bytes, %s: %d characters, %v", n, name, len(got), err)
			}
			got, err = io.ReadAll(awkward(dataurl.Encode(bytes.NewReader(image))))
			if err != nil || string(got) != want {
				t.Errorf("%d bytes, read %s: %d characters, %v", n, name, len(got), err)
			}
		}
		if got := dataurl.EncodedLen(int64(n)); got != int64(len(want)) {
			t.Errorf("EncodedLen(%d) = %d", n, got)
		}
	}
}

func TestEncodeReturnsTheErrorOfTheImage(t *testing.T) {
	broken := errors.New("broken")
	_, err := io.ReadAll(dataurl.Encode(io.MultiReader(bytes.NewReader(content(100_000)), iotest.ErrReader(broken))))
	if err != broken {
		t.Errorf("%v", err)
	}
}

func TestDecode(t *testing.T) {
	image := content(10_000)
	encoded := base64.StdEncoding.EncodeToString(image)
	tests := []struct {
		url, media string
		want       []byte
	}{
		{"data:image/jpeg;base64," + encoded, "image/jpeg", image},
		{"DATA:Image/PNG;Base64," + encoded, "image/png", image},
		{"data:image/png;name=a;base64," + encoded, "image/png", image},
		{"data:image/jpeg;base64," + strings.Join(strings.SplitAfter(encoded, "A"), "\r\n"), "image/jpeg", image},
		{"data:image/jpeg;base64,", "image/jpeg", []byte{}},
		{"data:;base64,AA==", "", []byte{0}},
		{"data:image/svg+xml;base64,AA==", "image/svg+xml", []byte{0}},
		{"data:image/jpeg;base64,AA==\n", "image/jpeg", []byte{0}},
		{"data:image/jpeg;base64," + strings.TrimRight(encoded, "="), "image/jpeg", image},
		{"data:image/jpeg;base64,AA", "image/jpeg", []byte{0}},
		{"data:image/jpeg;base64,AAA", "image/jpeg", []byte{0, 0}},
		{"data:image/jpeg;base64," + strings.Repeat("A", 4095), "image/jpeg", make([]byte, 3071)},
	}
	for _, tt := range tests {
		for name, awkward := range readers {
			media, r, err := dataurl.Decode(awkward(strings.NewReader(tt.url)))
			if err != nil || media != tt.media {
				t.Errorf("%.40s: %q, %v", tt.url, media, err)
				continue
			}
			if got, err := io.ReadAll(awkward(r)); err != nil || !bytes.Equal(got, tt.want) {
				t.Errorf("%.40s, %s: %d bytes, %v", tt.url, name, len(got), err)
			}
		}
	}
}

func TestDecodeRefusesWhatIsNoDataURL(t *testing.T) {
	for _, url := range []string{
		"", "data:", "data:image/jpeg", "data:image/jpeg;base64", "data:image/jpeg,AAAA", "image/jpeg;base64,AAAA", "http://a/b;base64,AAAA",
		strings.Repeat("a", 1000) + ",",
		"data:image/png\r\nSet-Cookie:a;base64,AAAA", "data:image/p\tng;base64,AAAA", "data:image/p\xffng;base64,AAAA", "data:image;base64,AAAA",
		"data:image/jpeg;base64,A", "data:image/jpeg;base64,AAAAA", "data:image/jpeg;base64,A=", "data:image/jpeg;base64,AA=A",
		"data:image/jpeg;base64,A===", "data:image/jpeg;base64,AAA=AAAA",
		"data:image/jpeg;base64,AA-_", "data:image/jpeg;base64,AA A", "data:image/jpeg;base64," + strings.Repeat("A", 4095) + "=AAAA",
		"data:image/jpeg;base64," + strings.Repeat("A", 5000) + "*",
	} {
		for name, awkward := range readers {
			_, r, err := dataurl.Decode(awkward(strings.NewReader(url)))
			if err == nil {
				_, err = io.ReadAll(r)
			}
			if !errors.Is(err, dataurl.ErrMalformed) {
				t.Errorf("%.40q, %s: %v", url, name, err)
			}
		}
	}
	broken := errors.New("broken")
	for n := range 40 {
		_, r, err := dataurl.Decode(io.MultiReader(strings.NewReader("data:image/jpeg;base64,AAAAAAAAAAAAAAAAAAAAAAA"[:n]), iotest.ErrReader(broken)))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err != broken {
			t.Errorf("broken off after %d: %v", n, err)
		}
	}
}

// taken extracts the members a and b, and returns what is left, with what was taken.
func taken(r io.Reader) (rest string, values []string, err error) {
	left, err := io.ReadAll(dataurl.Extract(r, []string{"a", "b"}, func(name string, value io.Reader) (string, error) {
		v, err := io.ReadAll(value)
		values = append(values, name+"="+string(v))
		return "<" + name + "\">", err
	}))
	return string(left), values, err
}

func TestExtract(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	tests := []struct{ text, rest, values string }{
		{`{"a":"v"}`, `{"a":"<a\">"}`, "a=v"},
		{` { "c" : 1 , "a" : "v" , "b":"" } `, ` { "c" : 1 , "a" : "<a\">" , "b":"<b\">" } `, "a=v|b="},
		{`{"a":"` + long + `","c":"` + long + `"}`, `{"a":"<a\">","c":"` + long + `"}`, "a=" + long},
		{`{"\u0061":"1","c":"2"}`, `{"\u0061":"<a\">","c":"2"}`, "a=1"},
		{`{"a":"\"\\\/\b\f\n\r\t\u002B\u00e9x"}`, `{"a":"<a\">"}`, "a=\"\\/\b\f\n\r\t+éx"},
		{`{"c":{"a":"v"},"d":[{"a":"v"},"a"],"e":"a","f":"}\"{"}`, `{"c":{"a":"v"},"d":[{"a":"v"},"a"],"e":"a","f":"}\"{"}`, ""},
		{`{"c":"a","a":1,"b":null}`, `{"c":"a","a":1,"b":null}`, ""},
		{`["a","v"]`, `["a","v"]`, ""},
		{`"a"`, `"a"`, ""},
		{`[{"a":"v"}]`, `[{"a":"v"}]`, ""},
		{`{"a":["v"],"c":["a","v"]}`, `{"a":["v"],"c":["a","v"]}`, ""},
		{`{"a":"v"}{"a":"w"}`, `{"a":"<a\">"}{"a":"<a\">"}`, "a=v|a=w"},
		{`{"a":"v"`, `{"a":"<a\">"`, "a=v"},
		{``, ``, ""},
	}
	for _, tt := range tests {
		for name, awkward := range readers {
			rest, values, err := taken(awkward(strings.NewReader(tt.text)))
			if err != nil || rest != tt.rest || strings.Join(values, "|") != tt.values {
				t.Errorf("%.60s, %s: %.60s, %.60q, %v", tt.text, name, rest, values, err)
			}
		}
	}
}

func TestExtractReturnsErrors(t *testing.T) {
	broken := errors.New("broken")
	for text, want := range map[string]error{
		`{"a":"v`: io.ErrUnexpectedEOF, `{"a":"v\`: io.ErrUnexpectedEOF, `{"a":"\u00`: io.ErrUnexpectedEOF,
		`{"a":"\x"}`: dataurl.ErrInvalidString, `{"a":"\u00zz"}`: dataurl.ErrInvalidString, "{\"a\":\"v\nw\"}": dataurl.ErrInvalidString,
	} {
		if _, _, err := taken(strings.NewReader(text)); err != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	for n := range 9 {
		if _, _, err := taken(io.MultiReader(strings.NewReader(`{"a":"vw"}`[:n]), iotest.ErrReader(broken))); err != broken {
			t.Errorf("broken off after %d: %v", n, err)
		}
	}
	r := dataurl.Extract(strings.NewReader(`{"a":"vw","c":1}`), []string{"a"}, func(string, io.Reader) (string, error) { return "", broken })
	if rest, err := io.ReadAll(r); err != broken || string(rest) != `{"a":` {
		t.Errorf("%s, %v", rest, err)
	}
	r = dataurl.Extract(strings.NewReader(`{"a":"vw","c":1}`), []string{"a"}, func(string, io.Reader) (string, error) { return "", nil })
	if rest, err := io.ReadAll(r); err != nil || string(rest) != `{"a":"","c":1}` {
		t.Errorf("%s, %v", rest, err)
	}
}

// What is taken out of a text, and what is left, are what a JSON parser sees.
func FuzzExtract(f *testing.F) {
	for _, seed := range []string{`{"a":"data:image/png;base64,AAAA","c":[1,{"a":2}]}`, `{"a":"\u002b\/","b":"x"}`, `[[`, `{"a" "b":"c"}`,
		`{"a":"v","a":"w"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rest, values, err := taken(strings.NewReader(text))
		if slow, slowValues, slowErr := taken(iotest.OneByteReader(strings.NewReader(text))); slow != rest || slowErr != err || err == nil &&
			fmt.Sprint(slowValues) != fmt.Sprint(values) {
			t.Fatalf("%q: %q or %q", text, rest, slow)
		}
		var object map[string]any
		if json.Unmarshal([]byte(text), &object) != nil {
			return
		}
		var left map[string]any
		if err != nil || json.Unmarshal([]byte(rest), &left) != nil {
			if bytes.ContainsAny([]byte(text), "\\") {
				return
			}
			t.Fatalf("%q: %q, %v", text, rest, err)
		}
		for name, v := range object {
			s, isString := v.(string)
			if isString && (name == "a" || name == "b") {
				if left[name] != "<"+name+"\">" || !strings.Contains(strings.Join(values, "|"), name+"="+s) && !strings.Contains(text, "\\") &&
					strings.ToValidUTF8(text, "") == text {
					t.Fatalf("%q: %q, %q", text, rest, values)
				}
			} else if fmt.Sprint(left[name]) != fmt.Sprint(v) {
				t.Fatalf("%q: %q is %v", text, name, left[name])
			}
		}
	})
}

func TestMemoryIsConstant(t *testing.T) {
	cost := func(n int) float64 {
		text := `{"a":"` + "data:image/png;base64," + strings.Repeat("A", n) + `"}`
		return testing.AllocsPerRun(5, func() {
			r := dataurl.Extract(strings.NewReader(text), []string{"a"}, func(_ string, value io.Reader) (string, error) {
				_, image, err := dataurl.Decode(value)
				if err != nil {
					return "", err
				}
				_, err = io.Copy(io.Discard, dataurl.Encode(image))
				return "", err
			})
			if _, err := io.Copy(io.Discard, r); err != nil {
				t.Fatal(err)
			}
		})
	}
	if small, large := cost(4), cost(4<<20); large > small+4 {
		t.Errorf("%v allocations, %v for a large one", small, large)
	}
}

func ExampleExtract() {
	answer := strings.NewReader(`{"base64": "data:image/jpeg;base64,/9j/4AAQ", "other": 1}`)
	rest := dataurl.Extract(answer, []string{"base64"}, func(_ string, value io.Reader) (string, error) {
		media, image, err := dataurl.Decode(value)
		if err != nil {
			return "", err
		}
		n, err := io.Copy(io.Discard, image)
		fmt.Println(media, n, "bytes")
		return "taken", err
	})
	text, err := io.ReadAll(rest)
	fmt.Println(string(text), err)
	// Output:
	// image/jpeg 6 bytes
	// {"base64": "taken", "other": 1} <nil>
}
