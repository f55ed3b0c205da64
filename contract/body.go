package contract

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/wire/dataurl"
)

// check checks a body and returns it, to be read from its beginning. A body that is longer than the limit is checked
// while it is read.
func (s *settings) check(body io.ReadCloser, op *spec.Operation, check func([]byte, part) []Violation) (io.ReadCloser, error) {
	if body == nil {
		body = http.NoBody
	}
	head, err := io.ReadAll(io.LimitReader(body, s.limit+1))
	if err != nil { // it is not whole: whoever reads it shall see that
		return &restored{io.MultiReader(bytes.NewReader(head), &broken{err}), body}, nil
	}
	if int64(len(head)) <= s.limit {
		if err := s.result(check(head, all)); err != nil {
			_ = body.Close()
			return nil, err
		}
		return &restored{bytes.NewReader(head), body}, nil
	}
	if err := s.result(check(nil, headOnly)); err != nil {
		_ = body.Close()
		return nil, err
	}
	return s.stream(io.MultiReader(bytes.NewReader(head), body), body, op, check), nil
}

// A restored is a body of which the beginning was read.
type restored struct {
	io.Reader
	body io.Closer
}

func (r *restored) Close() error { return r.body.Close() }

type broken struct{ err error }

func (b *broken) Read([]byte) (int, error) { return 0, b.err }

// A stream is a body that is checked while it is read.
type stream struct {
	s       *settings
	r       io.Reader
	body    io.Closer
	w       *io.PipeWriter
	verdict chan []Violation
	err     error
}

var errLeft = errors.New("contract: the body was not read to its end")

func (s *settings) stream(r io.Reader, body io.Closer, op *spec.Operation, check func([]byte, part) []Violation) *stream {
	pr, pw := io.Pipe()
	t := &stream{s: s, r: r, body: body, w: pw, verdict: make(chan []Violation, 1)}
	go func() {
		text := dataurl.Extract(pr, op.Images, func(_ string, value io.Reader) (string, error) {
			beginning, err := io.ReadAll(io.LimitReader(value, 64)) // enough for its pattern
			return string(beginning), err
		})
		held, err := io.ReadAll(io.LimitReader(text, s.limit+1))
		_, drained := io.Copy(io.Discard, pr)
		switch {
		case drained != nil || errors.Is(err, errLeft) || int64(len(held)) > s.limit:
			t.verdict <- nil
		case err != nil:
			t.verdict <- check(nil, malformed)
		default:
			t.verdict <- check(held, bodyOnly)
		}
	}()
	return t
}

func (t *stream) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.r.Read(p)
	_, _ = t.w.Write(p[:n])
	switch {
	case err == io.EOF:
		_ = t.w.Close()
		t.err = io.EOF
		if violation := t.s.result(<-t.verdict); violation != nil {
			t.err = violation
		}
		return n, t.err
	case err != nil:
		t.err = err
		_ = t.w.CloseWithError(err)
	}
	return n, err
}

func (t *stream) Close() error {
	_ = t.w.CloseWithError(errLeft)
	return t.body.Close()
}
