package redact

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A letter is a byte of a text, and where it stands in the text as it was.
type letter struct {
	b byte
	span
}

func literal(s string) []letter {
	letters := make([]letter, len(s))
	for i := range len(s) {
		letters[i] = letter{s[i], span{i, i + 1}}
	}
	return letters
}

// longestEscape is how many bytes an escape has at most: two of JSON's for one character.
const longestEscape = 12

// unescape undoes the escapes of HTML, JSON and URLs, once, and reports whether there was any.
func unescape(letters []letter) ([]letter, bool) {
	changed := false
	var out []letter
	var window [longestEscape]byte
	for i := 0; i < len(letters); {
		size := 0
		var decoded string
		switch letters[i].b {
		case '%', '&', '\\':
			n := 0
			for n < len(window) && i+n < len(letters) {
				window[n] = letters[i+n].b
				n++
			}
			decoded, size = unescapeOne(string(window[:n]))
		}
		if size == 0 {
			if changed {
				out = append(out, letters[i])
			}
			i++
			continue
		}
		if !changed {
			out, changed = append(make([]letter, 0, len(letters)), letters[:i]...), true
		}
		at := span{letters[i].from, letters[i+size-1].to}
		for j := range len(decoded) {
			out = append(out, letter{decoded[j], at})
		}
		i += size
	}
	if !changed {
		return letters, false
	}
	return out, true
}

// unescapeOne returns what the escape at the beginning of s stands for, and its length; 0 when there is none.
func unescapeOne(s string) (string, int) {
	switch s[0] {
	case '%':
		if b, ok := hex(s, 1, 2); ok {
			return string([]byte{byte(b)}), 3
		}
		if strings.HasPrefix(s, "%u") { // as JavaScript's escape has it
			if c, ok := hex(s, 2, 4); ok {
				return string(c), 6
			}
		}
	case '&':
		return entity(s)
	case '\\':
		if len(s) < 2 {
			break
		}
		switch s[1] {
		case 'u':
			c, ok := hex(s, 2, 4)
			if !ok {
				break
			}
			if utf16.IsSurrogate(c) && strings.HasPrefix(s[6:], `\u`) {
				if low, ok := hex(s, 8, 4); ok {
					if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
						return string(pair), 12
					}
				}
			}
			return string(c), 6
		case 'x':
			if c, ok := hex(s, 2, 2); ok {
				return string(c), 4
			}
		case 'n', 't', 'r', 'b', 'f', 'v':
			return " ", 2
		case '"', '\\', '/', '\'', '`':
			return s[1:2], 2
		}
	}
	return "", 0
}

// hex returns the number in digits of s.
func hex(s string, from, digits int) (rune, bool) {
	if len(s) < from+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(s[from:from+digits], 16, 32)
	return rune(n), err == nil
}

// entities are those that encoders of HTML write by name.
var entities = map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'", "nbsp": " "}

func entity(s string) (string, int) {
	name, _, ok := strings.Cut(s[1:], ";")
	if !ok {
		return "", 0
	}
	if decoded, ok := entities[strings.ToLower(name)]; ok {
		return decoded, len(name) + 2
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if hexadecimal := strings.TrimLeft(digits, "xX"); hexadecimal != digits {
		digits, base = hexadecimal, 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	if !ok || err != nil {
		return "", 0
	}
	return string(rune(n)), len(name) + 2
}
