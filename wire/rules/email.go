package rules

import (
	"regexp"
	"strings"
	"sync"
)

// isEmail reports whether s has the form of an email address (RFC 5321): a dotted or quoted name of up to 64 characters,
// and a domain of labels of up to 63 or an address literal, in ASCII.
func isEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 0 || at > 64 || len(s) > 254 || !email().MatchString(s) {
		return false
	}
	for label := range strings.SplitSeq(s[at+1:], ".") {
		if len(label) > 63 && label[0] != '[' {
			return false
		}
	}
	return true
}

var email = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("^(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*|\"(?:[ !#-\\[\\]-~]|\\\\[ -~])*\")@" +
		"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[0-9a-fA-F.:IPv]+\\])$")
})
