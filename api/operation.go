package api

import (
	"math"
	"strconv"
	"strings"
)

// An operation is what the contract says about an operation beyond types. operations.gen.go holds one for each.
type operation struct {
	id      string      // the operationId
	method  string      // the HTTP method
	path    string      // the path template
	media   string      // the media type of the body; empty without one
	encode  encoder     // writes the body; nil for JSON
	accept  string      // the media types of the answer; empty for JSON
	params  []string    // the names of the path parameters
	own     []string    // those of the others, in lower case
	success []int       // the statuses of the documented successes; 2 for any that is not listed
	retry   retryPolicy // the contract's x-retry
	null    bool        // the answer may be null
	large   bool        // the contract's x-large-response
}

// succeeded reports whether a status is that of a documented success.
func (op *operation) succeeded(status int) bool {
	for _, s := range op.success {
		if s == status || s == 2 && status/100 == 2 {
			return true
		}
	}
	return false
}

// successes names the statuses of the documented successes.
func (op *operation) successes() string {
	names := make([]string, len(op.success))
	for i, status := range op.success {
		if names[i] = strconv.Itoa(status); status == 2 {
			names[i] = "2XX"
		}
	}
	return strings.Join(names, " or ")
}

// Limits of an answer, in bytes.
const (
	maxAnswer      = 8 << 20
	maxLargeAnswer = 64 << 20
)

// limit returns the limit of an answer to the operation. One that is streamed as a whole has none by itself.
func (op *operation) limit(configured int64, d *download) int64 {
	switch {
	case configured > 0:
		return configured
	case d != nil && d.names == nil:
		return math.MaxInt64
	case op.large:
		return maxLargeAnswer
	}
	return maxAnswer
}

// takes reports whether an answer of a media type is one that is streamed.
func (op *operation) takes(media string) bool {
	documented, _, _ := strings.Cut(op.accept, ",")
	documented, _, _ = strings.Cut(documented, ";")
	kind, any := strings.CutSuffix(documented, "/*")
	switch {
	case documented == media, documented == "*/*", any && strings.HasPrefix(media, kind+"/"):
		return true
	case documented == "application/octet-stream":
		return media != "text/html" && !isJSON(media)
	}
	return media == "application/octet-stream"
}
