package generator

import (
	"strings"
	"testing"
)

func TestComment(t *testing.T) {
	word := strings.Repeat("a", 150)
	for text, want := range map[string]string{
		"one\r\ntwo\rthree":       "// T one\n// two\n// three",
		"a list:\n\n- one\n- two": "// T a list:\n//\n//   - one\n//   - two",
		"code:\n```go\n" + strings.Repeat("x ", 80) + "\n```\nend": "// T code:\n//\n// \t" + strings.Repeat("x ", 79) + "x\n//\n// end",
		word + " b " + word:       "// T\n// " + word + "\n// b\n// " + word,
		strings.Repeat("ab ", 50): "// T " + strings.Repeat("ab ", 38) + "ab\n// " + strings.Repeat("ab ", 10) + "ab",
	} {
		if got := comment("T", text); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", text, got, want)
		}
	}
}

// null is what Go has in its place, where it stands for the value.
func TestDescriptionsSpeakGo(t *testing.T) {
	f := &functions{fields: map[string]string{"returnUrl": "ReturnURL"}}
	for text, want := range map[string]string{
		"Why; null otherwise.":             "Why; empty otherwise.",
		"A null-terminated text, or null.": "A null-terminated text, or empty.",
		"`null` is JSON; see `returnUrl`.": "`null` is JSON; see ReturnURL.",
	} {
		if got := f.describe(text, "string"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := f.describe("null otherwise", "*int"); got != "nil otherwise" {
		t.Error(got)
	}
}

// A comment keeps what it has in backquotes, and the fields lose their tags.
func TestDeclarationIsShownWithoutTags(t *testing.T) {
	d := declaration{Name: "T", Type: "struct {\n// It is `x`\n\tA string`json:\"a\"`\n}"}
	if got, want := d.declaredAs(), "//\n//\ttype T struct {\n//\t\t// It is `x`\n//\t\tA string\n//\t}"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
