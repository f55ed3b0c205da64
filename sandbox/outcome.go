package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// An outcome is what the words in an email address or a name ask for.
type outcome struct {
	status     server.CheckStatus // how the check ends
	reason     *server.StatusReason
	warnings   []server.CheckWarning
	slow       bool // processing takes longer
	wait       bool // until it is decided
	review     bool // a person looks at the check before it ends
	unreadable bool // no image of a document or a face can be read
	hits       int  // watchlist hits
	media      int  // pieces of adverse media
	search     server.WatchlistStatus
}

// Outcomes returns the words that choose an outcome, with what they do. Words follow plus signs in the local part of
// an email address, as in "maria+Age+slow@example.com", in the last name or business name of a watchlist search, or, for
// unreadable, in the name of an image, as in "front+unreadable.jpg".
// Letter case does not matter, and unknown words do nothing.
func Outcomes() map[string]string {
	words := map[string]string{
		"rejected": "the check ends Rejected, without a reason",
		"canceled": "the check ends Canceled",
		"slow":     "processing takes longer",
		"review":   "the check passes AwaitingReview and InReview",
		"wait":     "the check waits InReview until it is decided, at the desk or with Sandbox.Decide",
		"hits-N":   "the watchlist search finds N hits",
		"media-N":  "the watchlist search finds N pieces of adverse media",
		"failed":   "the watchlist search ends Failed",
		"error":    "the watchlist search ends Error",
		"unreadable": "images of documents and faces are refused, or kept with forceCommit, and then the check is slower and ends Rejected as " +
			"unreadable; " +
			"in the name of an image it concerns that image alone",
	}
	for name := range reasons() {
		words[name] = "the check ends Rejected with this reason"
	}
	for name := range warnings() {
		words[name] = "the check ends Completed with this warning"
	}
	return words
}

// reasons and warnings hold the enumerations of the contract by their names in lower case.
var (
	reasons  = sync.OnceValue(func() map[string]server.StatusReason { return byName[server.StatusReason]("StatusReason") })
	warnings = sync.OnceValue(func() map[string]server.CheckWarning { return byName[server.CheckWarning]("CheckWarning") })
)

func byName[T ~string](schema string) map[string]T {
	values := make(map[string]T)
	for _, name := range enumOf(schema) {
		values[strings.ToLower(name)] = T(name)
	}
	return values
}

// outcomeOf reads the words in email addresses and names.
func outcomeOf(texts ...string) outcome {
	o := outcome{status: server.CheckStatusCompleted, search: server.WatchlistStatusCompleted}
	for _, text := range texts {
		text, _, _ = strings.Cut(text, "@")
		_, words, _ := strings.Cut(text, "+")
		o.read(strings.ToLower(words))
	}
	return o
}

// read adds what words separated by plus signs ask for.
func (o *outcome) read(words string) {
	for word := range strings.SplitSeq(words, "+") {
		if reason, ok := reasons()[word]; ok {
			o.status, o.reason = server.CheckStatusRejected, &reason
		}
		if warning, ok := warnings()[word]; ok {
			o.warn(warning)
		}
		switch word {
		case "rejected":
			o.status = server.CheckStatusRejected
		case "canceled":
			o.status = server.CheckStatusCanceled
		case "slow":
			o.slow = true
		case "unreadable":
			o.unreadable = true
		case "wait":
			o.wait = true
		case "review":
			o.review = true
		case "failed":
			o.search = server.WatchlistStatusFailed
		case "error":
			o.search = server.WatchlistStatusError
		case "watchlisthitsfound":
			o.hits = max(o.hits, 2)
		case "adversemediafound":
			o.media = max(o.media, 1)
		}
		if n, ok := count(word, "hits-"); ok {
			o.hits = n
		}
		if n, ok := count(word, "media-"); ok {
			o.media = n
		}
	}
	if o.hits > 0 {
		o.warn(server.CheckWarningWatchlistHitsFound)
	}
	if o.media > 0 {
		o.warn(server.CheckWarningAdverseMediaFound)
	}
}

func (o *outcome) warn(w server.CheckWarning) {
	if !o.has(w) {
		o.warnings = append(o.warnings, w)
	}
}

// count reads the number behind a prefix, up to ten thousand.
func count(word, prefix string) (int, bool) {
	digits, ok := strings.CutPrefix(word, prefix)
	n, err := strconv.Atoi(digits)
	return min(n, 10_000), ok && err == nil && n >= 0
}

// unreadableName reports whether the name of an image asks for one that cannot be read.
func unreadableName(name string) bool {
	_, words, _ := strings.Cut(strings.ToLower(name), "+")
	for word := range strings.FieldsFuncSeq(words, func(r rune) bool { return r == '+' || r == '.' }) {
		if word == "unreadable" {
			return true
		}
	}
	return false
}

// stripWords returns a name without the words that choose an outcome.
func stripWords(name string) string {
	name, _, _ = strings.Cut(name, "+")
	return strings.TrimSpace(name)
}

func (o outcome) has(w server.CheckWarning) bool { return slices.Contains(o.warnings, w) }
