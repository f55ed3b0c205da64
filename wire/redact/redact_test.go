package redact_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goaver/aver-go/wire/redact"
)

// forms are the ways in which a service quotes a value.
var forms = map[string]func(string) string{
	"plain":     func(s string) string { return s },
	"upper":     strings.ToUpper,
	"lower":     strings.ToLower,
	"title":     strings.ToTitle,
	"query":     url.QueryEscape,
	"path":      url.PathEscape,
	"HTML":      html.EscapeString,
	"numeric":   func(s string) string { return numeric(s, "&#%d;") },
	"hex HTML":  func(s string) string { return numeric(s, "&#x%X;") },
	"JSON":      quoted,
	"ASCII":     ascii,
	"spaces":    func(s string) string { return strings.ReplaceAll(s, " ", " \t\n ") },
	"no-break":  func(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") },
	"zero":      func(s string) string { return strings.ReplaceAll(s, " ", "\u200b ") },
	"twice":     func(s string) string { return url.QueryEscape(html.EscapeString(s)) },
	"thrice":    func(s string) string { return quoted(url.QueryEscape(html.EscapeString(s))) },
	"lower URL": func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return strings.Trim(string(b), `"`)
}

func ascii(s string) string {
	q := fmt.Sprintf("%+q", s)
	return q[1 : len(q)-1]
}

func numeric(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

func TestValuesAreFoundInEveryForm(t *testing.T) {
	for _, value := range []string{
		"Maria Lindqvist", `O'Brien & "Sons" <x>`, "customer-20417", "50%", "a%20b c", "Łukasz Żółć", "Ольга Иванова", "顧客", "顧", "李", "M", "ab",
		"Li",
		"محمد علي", "नमस्ते दुनिया", "👩‍👩‍👧 Kin", "+1 207 555-0143", "key:with/odd=signs", "ǅ ﬁ ſt",
		strings.Repeat("顧", 67), strings.Repeat("Щ", 3000), strings.Repeat("a longer value of words ", 40), strings.Repeat("x\\u0041&amp;%41", 30),
	} {
		private := redact.New("", " ", value)
		for name, form := range forms {
			quote := form(value)
			if name == "ASCII" && strings.Contains(quote, `\U`) {
				continue // Go's own
			}
			text := "The value '" + quote + "' is taken."
			got := private.Text(text)
			if strings.Contains(got, quote) || !strings.Contains(got, redact.Mark) || !strings.HasPrefix(got, "The value '") ||
				!strings.HasSuffix(got, "' is taken.") {
				t.Errorf("%.60q, %s: %.200q", value, name, got)
			}
		}
	}
}

func TestLettersThatChangeWithTheirCase(t *testing.T) {
	private := redact.New("Strauß", "İSTANBULLU", "ΣΊΣΥΦΟΣ")
	for _, quote := range []string{"STRAUSS", "strauß", "STRAUẞ", "i̇stanbullu", "istanbullu", "ISTANBULLU", "σίσυφος"} {
		if got := private.Text("<" + quote + ">"); got != "<REDACTED>" {
			t.Errorf("%s: %s", quote, got)
		}
	}
}

func TestPiecesOfALongValueAreFound(t *testing.T) {
	value := strings.Repeat("0123456789 abcdefghijklmnopqrstuvwxyz ", 4) + "the very end of it is personal too"
	private := redact.New(value, strings.Repeat("z", 1<<20)+"the end of an image")
	for text, want := range map[string]string{
		"it begins «" + value[:40] + "…":       "it begins «REDACTED…",
		"it ends with «" + value[150:] + "»":   "it ends with «REDACTED»",
		"zzzzzzzzzzzzzzzz the end of an image": "REDACTED REDACTED",
		"nothing of it: 0123 abc or too":       "nothing of it: 0123 abc or too",
		"a piece: jklmnopq":                    "a piece: REDACTED",
	} {
		if got := private.Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestEscapes(t *testing.T) {
	private := redact.New("né/e \"x\"", "😀😀😀")
	for _, quote := range []string{
		`n\xe9/e \x22x\x22`, `n\u00E9\/e \"x\"`, `n&#233;/e &quot;x&quot;`, `n&#xe9;/e&nbsp;&#34;x&#34;`, `n%C3%A9%2Fe+%22x%22`, `N%u00E9%u002fe %22x%22`,
		`N\U00e9`,
		`\ud83d\ude00\uD83D\uDE00&#128512;`, `%F0%9F%98%80&#x1F600;😀`,
	} {
		want := "<REDACTED>"
		if quote == `N\U00e9` {
			want = "<" + quote + ">" // no escape of any of them
		}
		if got := private.Text("<" + quote + ">"); got != want {
			t.Errorf("%s: %s", quote, got)
		}
	}
	for _, text := range []string{"%", "%4", "%zz", "&", "&;", "&#;", "&#x;", "&#99999999999;", "&nothing;", `\`, `\u`, `\u12`, `\uzzzz`, `\ud83d`,
		`\ud83d\u0041`, `\x`, `\q`} {
		if got := private.Text(text); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func TestShortValuesAreWords(t *testing.T) {
	private := redact.New("M", "us", "-", "'", "é")
	for text, want := range map[string]string{
		"M is no gender of US":           "REDACTED is no gender of REDACTED",
		"'m' must be used; Maria-M, bus": "'REDACTED' must be used; Maria-REDACTED, bus",
		"café É":                         "café REDACTED",
		"- ' -":                          "- ' -",
		"":                               "",
		"顧M客":                            "顧REDACTED客",
		"M":                              "REDACTED",
	} {
		if got := private.Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := redact.New("李").Text("李明不存在"); got != "REDACTED明不存在" {
		t.Error(got)
	}
}

func TestWhatLooksLikeASecretIsRemoved(t *testing.T) {
	private := redact.New()
	for _, secret := range []string{
		"Bearer abc.def", "basic a2V5OnNlY3JldA==", "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjF9.c2ln", "maria@example.com", strings.Repeat("iVBORw0KGgo", 8),
	} {
		if got := private.Text("it was " + secret + " then"); got != "it was REDACTED then" {
			t.Errorf("%s: %s", secret, got)
		}
	}
	if got := private.Text("A check with this thirdPartyIdentifier exists already."); strings.Contains(got, redact.Mark) {
		t.Error(got)
	}
}

func TestInvalidTextsAreFound(t *testing.T) {
	for _, value := range []string{"ab\xff\xfe", "\xff\xfe", "\xff", strings.Repeat("\xe9\xa1", 300)} {
		private := redact.New(value)
		for _, quote := range []string{value, strings.ToValidUTF8(value, "\ufffd"), url.PathEscape(value)} {
			if got := private.Text("<" + quote + ">"); strings.Contains(got, quote) && utf8.RuneCountInString(quote) == utf8.RuneCountInString(value) {
				t.Errorf("%q: %q", quote, got)
			}
		}
	}
}

func TestRedactorPrintsNothing(t *testing.T) {
	private := redact.New("private")
	private.Text("private")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if printed := fmt.Sprintf(verb, private); strings.Contains(printed, "private") {
			t.Error(printed)
		}
	}
}

// Whatever the text and the value, it neither panics nor shows the value.
func FuzzText(f *testing.F) {
	for _, value := range []string{"Maria", "顧", "ab\xff\xfe", strings.Repeat("顧", 67), "%", `\u0`, "&#x", "a+b", "M"} {
		f.Add(value, "before ", " after")
	}
	f.Fuzz(func(t *testing.T, value, before, after string) {
		private := redact.New(value)
		got := private.Text(before + value + after)
		plain := strings.Trim(value, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
		if plain && len(value) > 2 && !strings.Contains(before+after, value) && strings.Contains(got, value) {
			t.Fatalf("%q shows %q", got, value)
		}
	})
}
