package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/goaver/aver-go/wire"
	"github.com/goaver/aver-go/wire/dataurl"
	"github.com/goaver/aver-go/wire/httperr"
	"github.com/goaver/aver-go/wire/jsondec"
)

// invalid refuses a request for what is wrong with its properties.
func invalid(op *operation, fields wire.FieldErrors) *Error {
	e := refusal(op, errors.New("the request was not sent"))
	e.Fields = fields
	return e
}

// receive turns an answer into a value, or into an error when it is not the documented success.
func receive[T any](op *operation, resp *http.Response, maxSize int64, d *download) (*T, *Error) {
	if !op.succeeded(resp.StatusCode) {
		return nil, failed(op, resp)
	}
	a := answers.Get().(*answer)
	defer answers.Put(a)
	a.begin(resp.Body, maxSize)
	result := new(T)
	into := any(result)
	if several, ok := into.(interface{ into(status int) any }); ok {
		into = several.into(resp.StatusCode)
	}
	isNull, err := decode(op, resp.Header.Get("Content-Type"), a, d, into)
	switch {
	case err == nil && isNull:
		return nil, nil
	case err == nil:
		return result, nil
	case d != nil && d.err != nil:
		return nil, unwritten(op, resp, d)
	case a.err != nil:
		err = a.err
	}
	return nil, unexpected(op, resp, bytes.Clone(a.head), err)
}

// An answer is a body that is read once and up to a limit. Its beginning is kept, for it is often all of it.
type answer struct {
	body  io.Reader
	left  int64
	limit int64
	store [maxErrorBody]byte
	head  []byte // in store
	whole bool   // head is all there is
	err   error  // why the body cannot be read to its end
}

var answers = sync.Pool{New: func() any { return new(answer) }}

// begin reads the beginning of a body.
func (a *answer) begin(body io.Reader, limit int64) {
	a.body, a.left, a.limit, a.whole, a.err = body, limit, limit, false, nil
	n := 0
	for n < len(a.store) && !a.whole && a.err == nil {
		var err error
		var read int
		read, err = a.Read(a.store[n:])
		n += read
		a.whole = err == io.EOF
	}
	a.head = a.store[:n]
}

func (a *answer) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	n, err := a.body.Read(p)
	if a.left -= int64(n); a.left < 0 {
		a.err = fmt.Errorf("the answer is larger than %d bytes", a.limit)
		return 0, a.err
	}
	if err != nil && err != io.EOF {
		a.err = &transientError{fmt.Errorf("the answer broke off: %w", httperr.Of(err))}
		err = a.err
	}
	return n, err
}

// A transientError is something wrong with an answer that another attempt may not meet: it was damaged on its way, or
// does not come from the service at all.
type transientError struct{ error }

func (e *transientError) Unwrap() error { return e.error }

func transient(format string, args ...any) error { return &transientError{fmt.Errorf(format, args...)} }

// decode reads a documented success. Names of properties are case-sensitive, and none may occur twice. It reports whether
// the answer is null, where that is documented.
func decode(op *operation, contentType string, a *answer, d *download, result any) (isNull bool, err error) {
	switch text, isText := result.(*string); {
	case d != nil && d.names == nil:
		return false, d.whole(op, contentType, a)
	case isText && op.accept != "" && !isJSON(contentType):
		if kind := describeMedia(contentType); kind == "HTML" && !strings.Contains(op.accept, "text/html") {
			return false, transient("the answer is %s, not %s", kind, op.accept)
		}
		return false, a.text(text)
	}
	if _, ok := result.(*struct{}); ok {
		return false, nil // the success has no content
	}
	if a.err != nil {
		return false, a.err
	}
	if a.whole && len(bytes.TrimSpace(a.head)) == 0 {
		return false, transient("the answer is empty")
	}
	if !isJSON(contentType) {
		return false, transient("the answer is %s, not JSON", describeMedia(contentType))
	}
	if err := parse(a, d, result); err != nil {
		return false, describeJSONError("the answer", err)
	}
	if a.whole && string(bytes.TrimSpace(a.head)) == "null" {
		if op.null {
			return true, nil
		}
		return false, errors.New("the answer is null")
	}
	if enum, ok := result.(interface{ Known() bool }); ok && !enum.Known() {
		return false, errors.New("the answer is not the documented acknowledgement")
	}
	return false, complete(result)
}

// text reads an answer that is a text.
func (a *answer) text(into *string) error {
	rest, err := io.ReadAll(a.rest())
	if err != nil || a.err != nil {
		return errors.Join(a.err, err)
	}
	*into = string(rest)
	return nil
}

// rest returns the whole answer, from its beginning.
func (a *answer) rest() io.Reader {
	if a.whole {
		return bytes.NewReader(a.head)
	}
	return io.MultiReader(bytes.NewReader(a.head), a)
}

// parse reads an answer, from the stream when it is longer than its beginning.
func parse(a *answer, d *download, result any) error {
	switch {
	case d != nil:
		return jsondec.Read(nil, d.extract(a.rest()), result)
	case a.whole:
		return jsondec.Unmarshal(a.head, result)
	}
	return jsondec.Read(a.head, a, result)
}

// complete says which property an answer, or an element of an array, lacks that the contract requires.
func complete(result any) error {
	if object, ok := result.(interface{ Missing() string }); ok {
		if name := object.Missing(); name != "" {
			return fmt.Errorf("the answer lacks %s", name)
		}
	}
	if v := reflect.ValueOf(result).Elem(); v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if err := complete(v.Index(i).Addr().Interface()); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
	}
	return nil
}

func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

func describeMedia(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case contentType == "":
		return "of no declared type"
	case err != nil:
		return "of a malformed type"
	case media == "text/html":
		return "HTML"
	}
	return clean(media, 60)
}

// describeJSONError says where an answer, or what else was read, is not what was expected, without anything that was found there.
func describeJSONError(what string, err error) error {
	var malformed *jsondec.Error
	errors.As(err, &malformed)
	at := ""
	if malformed != nil && malformed.Path != "" {
		at = " at " + malformed.Path
	}
	switch {
	case errors.Is(err, dataurl.ErrMalformed), errors.Is(err, dataurl.ErrInvalidString):
		return transient(what+" holds no image: %w", errors.Unwrap(err))
	case errors.Is(err, jsondec.ErrTruncated), errors.Is(err, io.ErrUnexpectedEOF):
		return transient("%s is truncated", what)
	case errors.Is(err, jsondec.ErrSyntax):
		return transient("%s is not valid JSON at byte %d", what, malformed.Offset)
	case errors.Is(err, jsondec.ErrDuplicate):
		return errors.New(what + " has a property twice" + at)
	case errors.Is(err, jsondec.ErrType) && at == "":
		return fmt.Errorf("%s is a JSON %s, not what was expected", what, malformed.Found)
	case errors.Is(err, jsondec.ErrType):
		return fmt.Errorf("%s has a JSON %s%s", what, malformed.Found, at)
	}
	return errors.New(what + " is not what was expected" + at)
}
