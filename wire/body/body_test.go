package body_test

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/oapi-codegen/runtime/types"

	"github.com/goaver/aver-go/wire/body"
)

type upload struct {
	File  types.File   `json:"file"`
	More  []types.File `json:"more,omitempty"`
	Name  string       `json:"name"`
	Empty *string      `json:"empty"`
	Tags  []any        `json:"tags,omitempty"`
}

func file(name, content string) (f types.File) {
	f.InitFromBytes([]byte(content), name)
	return f
}

func text(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever a name or a value holds, it comes back from the form as it was, and adds no field.
func FuzzForm(f *testing.F) {
	f.Add("name", "value")
	f.Add("a&b=c", "d&e=f\r\n+%00 ü")
	f.Add("", "\u2028\"\\")
	f.Fuzz(func(t *testing.T, name, value string) {
		in := map[string]any{name: []string{value, "1"}, name + "2": 1.5}
		written := text(t, in)
		content, _, err := body.Form(in, written)
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]any // as JSON has it: invalid UTF-8 is replaced
		if err := json.Unmarshal(written, &out); err != nil {
			t.Fatal(err)
		}
		form, err := url.ParseQuery(string(content))
		if err != nil || len(form) != len(out) {
			t.Fatalf("%q: %v, %v", content, form, err)
		}
		for name, values := range out {
			if list, ok := values.([]any); ok && (form[name][0] != list[0] || len(form[name]) != 2) {
				t.Errorf("%q is %q, want %q", name, form[name], list)
			}
		}
	})
}

// A file keeps its name and its bytes, whatever they are; neither ends a part or adds one.
func FuzzMultipart(f *testing.F) {
	f.Add("a.txt", "content", "n")
	f.Add("a\"; name=\"b\r\n\r\n--", "\x00\xff--\r\n", "\r\n--boundary--")
	f.Fuzz(func(t *testing.T, called, content, name string) {
		in := upload{File: file(called, content), More: []types.File{file("", "1"), file("", "2")}, Name: name, Tags: []any{1, map[string]int{"a": 1}}}
		out, media, err := body.Multipart(in, text(t, in))
		if strings.ContainsFunc(called, unicode.IsControl) {
			if err == nil || strings.Contains(err.Error(), called) {
				t.Fatalf("%q: %v", called, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		_, params, err := mime.ParseMediaType(media)
		if err != nil {
			t.Fatal(err)
		}
		r := multipart.NewReader(strings.NewReader(string(out)), params["boundary"])
		var got []string
		for {
			part, err := r.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(part)
			got = append(got, part.FormName()+"="+string(b))
		}
		var read upload
		_ = json.Unmarshal(text(t, upload{Name: name}), &read)
		if want := []string{"file=" + content, "more=1", "more=2", "name=" + read.Name, "tags=1", `tags={"a":1}`}; strings.Join(got,
			"|") != strings.Join(want, "|") {
			t.Errorf("%q\nwant %q", got, want)
		}
	})
}

func TestWhatIsNoFormIsRefused(t *testing.T) {
	for _, v := range []any{1, "a", []int{1}, nil} {
		if content, _, err := body.Form(v, text(t, v)); err == nil {
			t.Errorf("%v: %q", v, content)
		}
	}
	if _, _, err := body.Multipart(upload{}, text(t, upload{})); err == nil || !strings.Contains(err.Error(), "the file file is missing") {
		t.Errorf("%v", err)
	}
	if content, _, err := body.Text("a\"b", nil); err != nil || string(content) != `a"b` {
		t.Errorf("%q, %v", content, err)
	}
}
