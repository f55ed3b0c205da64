// Package redact keeps private values out of texts that came from elsewhere, such as the message of a service that
// quotes what it was sent.
//
//	private := redact.New(key, secret, identifier)
//	log.Print(private.Text(message))
//
// A value is found in any letter case, with any white space between its words, and as encoders of HTML, JSON and URLs escape
// it, up to three times over. Of a value that is long, every piece of eight characters counts. What a service makes of a value
// otherwise is not found: another Unicode normal form, a transliteration, another format of a date or a number.
package redact

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Mark stands in a text for what was removed.
const Mark = "REDACTED"

const (
	// gram is how many characters of a long value are recognised by themselves.
	gram = 8
	// maxValue is how much of a value is looked for at its beginning, and again at its end, in bytes.
	maxValue = 16 << 10
	// maxPasses is how often escapes are undone.
	maxPasses = 3
)

// A Redactor knows what is private. It may be used by any number of goroutines.
type Redactor struct {
	values func() *index // a function, because package fmt prints what a pointer points at
}

// An index is the values as they are compared.
type index struct {
	short [][]rune // as a whole
	long  map[[gram]rune]bool
}

// New returns a redactor for values. Empty ones are passed over, and so are one or two signs, such as a dash.
func New(values ...string) *Redactor {
	return &Redactor{sync.OnceValue(func() *index {
		private := &index{long: make(map[[gram]rune]bool)}
		for _, v := range values {
			if len(v) <= 2*maxValue {
				private.add(v)
			} else {
				private.add(v[:maxValue])
				private.add(v[len(v)-maxValue:])
			}
		}
		return private
	})}
}

// add adds a value as it is, and as it is once the escapes in it are undone.
func (x *index) add(value string) {
	letters := literal(value)
	for range maxPasses {
		form := folded(letters).runes()
		isSign := func(c rune) bool { return c < utf8.RuneSelf && !unicode.IsLetter(c) && !unicode.IsNumber(c) }
		switch n := len(form); {
		case n == 0 || n <= 2 && isSign(form[0]) && isSign(form[n-1]):
		case n < gram:
			x.short = append(x.short, form)
		default:
			for i := 0; i+gram <= n; i++ {
				x.long[[gram]rune(form[i:])] = true
			}
		}
		undone, changed := unescape(letters)
		if !changed {
			return
		}
		letters = undone
	}
}

// secrets are what looks like a token, an email address or a piece of an image, whoever it belongs to.
var secrets = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]+|\beyJ[a-z0-9_-]+\.[a-z0-9_.-]+|[^\s"'<>()]+@[^\s"'<>()]+|[a-z0-9+/_-]{60,}=*`)
})

// Text returns s without the values, and without anything that looks like a token, an email address or a piece of an
// image. What was removed is [Mark].
func (r *Redactor) Text(s string) string {
	var found []span
	private := r.values()
	letters := literal(s)
	for pass := 0; ; pass++ {
		text := folded(letters)
		for _, value := range private.short {
			found = text.find(found, value)
		}
		found = text.findPieces(found, private.long)
		undone, changed := unescape(letters)
		if !changed || pass == maxPasses {
			break
		}
		letters = undone
	}
	return secrets().ReplaceAllString(replace(s, found), Mark)
}

// A span is a piece of a text, in bytes.
type span struct{ from, to int }

// replace puts a mark in place of each span.
func replace(s string, spans []span) string {
	if len(spans) == 0 {
		return s
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	end := 0
	for i, p := range spans {
		if i == 0 || p.from > end {
			b.WriteString(s[end:p.from])
			b.WriteString(Mark)
		}
		end = max(end, p.to)
	}
	b.WriteString(s[end:])
	return b.String()
}

// A character is one of a text that is compared, and where it stands in the text itself.
type character struct {
	c rune
	span
}

type characters []character

func (t characters) runes() []rune {
	runes := make([]rune, len(t))
	for i := range t {
		runes[i] = t[i].c
	}
	return runes
}

// folded returns letters as they are compared: in one letter case, a single blank for any white space, and without
// what cannot be seen. A plus is a blank, because forms write it so.
func folded(letters []letter) characters {
	var all characters
	blank := true // none at the beginning
	for i := 0; i < len(letters); {
		c, size := decodeRune(letters[i:])
		at := span{letters[i].from, letters[i+size-1].to}
		i += size
		switch {
		case unicode.IsSpace(c), unicode.IsControl(c), c == '+':
			if !blank {
				all = append(all, character{' ', at})
			}
			blank = true
		case c >= utf8.RuneSelf && unicode.In(c, unicode.Cf, unicode.Variation_Selector):
		case c == 'ß' || c == 'ẞ': // which is SS in capitals
			all = append(all, character{'s', at}, character{'s', at})
			blank = false
		case c == dotAbove && len(all) > 0 && all[len(all)-1].c == 'i': // what becomes of İ in small letters
		default:
			all = append(all, character{fold(c), at})
			blank = false
		}
	}
	if n := len(all); n > 0 && all[n-1].c == ' ' {
		all = all[:n-1]
	}
	return all
}

const dotAbove = '\u0307'

// decodeRune returns the first rune of letters and how many bytes it has; an invalid byte is [utf8.RuneError].
func decodeRune(letters []letter) (rune, int) {
	if letters[0].b < utf8.RuneSelf {
		return rune(letters[0].b), 1
	}
	var b [utf8.UTFMax]byte
	n := 0
	for n < len(b) && n < len(letters) {
		b[n] = letters[n].b
		n++
	}
	return utf8.DecodeRune(b[:n])
}

// fold returns the same rune for all letter cases of a letter.
func fold(c rune) rune {
	if c < utf8.RuneSelf {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}
	if c == 'İ' || c == 'ı' {
		return 'i'
	}
	least := c
	for next := unicode.SimpleFold(c); next != c; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if 'A' <= least && least <= 'Z' { // the Kelvin sign, the long s
		least += 'a' - 'A'
	}
	return least
}

// find adds where value stands in the text.
func (t characters) find(found []span, value []rune) []span {
	for i := 0; i+len(value) <= len(t); i++ {
		if t[i].c == value[0] && t.hasAt(i, value) && (len(value) > 2 || t.apart(i, i+len(value))) {
			found = append(found, span{t[i].from, t[i+len(value)-1].to})
		}
	}
	return found
}

func (t characters) hasAt(i int, value []rune) bool {
	for j := range value {
		if t[i+j].c != value[j] {
			return false
		}
	}
	return true
}

// apart reports whether the characters from i to j are a word of their own: a value of one or two letters is part of many
// a word otherwise. Scripts that put no blanks between words have no such words.
func (t characters) apart(i, j int) bool {
	joined := func(a, b rune) bool { return inWord(a) && inWord(b) }
	return (i == 0 || !joined(t[i-1].c, t[i].c)) && (j == len(t) || !joined(t[j-1].c, t[j].c))
}

func inWord(c rune) bool {
	return (unicode.IsLetter(c) || unicode.IsNumber(c)) &&
		!unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// findPieces adds every piece of gram characters that is one of a long value.
func (t characters) findPieces(found []span, long map[[gram]rune]bool) []span {
	if len(long) == 0 {
		return found
	}
	for i := 0; i+gram <= len(t); i++ {
		var piece [gram]rune
		for j := range piece {
			piece[j] = t[i+j].c
		}
		if long[piece] {
			found = append(found, span{t[i].from, t[i+gram-1].to})
		}
	}
	return found
}
