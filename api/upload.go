package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/goaver/aver-go/wire/dataurl"
	"github.com/goaver/aver-go/wire/rules"
)

// DefaultMaxImageSize is how large an image may be that is uploaded, in bytes, unless [WithMaxImageSize] says otherwise.
const DefaultMaxImageSize = 20 << 20

// WithMaxImageSize limits an image that is uploaded, in bytes; the default is [DefaultMaxImageSize]. A larger one is
// refused before anything is sent when its size is known, and otherwise while it is sent, in which case the service
// receives half a request and performs nothing.
func WithMaxImageSize(bytes int64) CallOption {
	return callOption(func(c *callSettings) error {
		if bytes <= 0 {
			return errors.New("WithMaxImageSize: the size must be positive")
		}
		c.maxImageSize = bytes
		return nil
	})
}

// WithUploadProgress has f called while an image is uploaded, with the bytes of the image that were sent so far and its
// size, which is -1 when it is not known. When the call is repeated, it begins again. f is called from another
// goroutine than the caller's, though never by two at once, and holds the upload up while it runs.
func WithUploadProgress(f func(sent, total int64)) CallOption {
	return callOption(func(c *callSettings) error {
		c.progress = f
		return nil
	})
}

// An upload is what is streamed into the body of a request: an image within JSON, with what stands before its content and
// what stands behind it; or a body of bytes, with neither.
type upload struct {
	image Image
	build func(name, content string) any // the body with an image of this name and content; nil for a body of bytes

	ctx            context.Context // of the call
	settings       *callSettings
	source         *imageSource
	media          string
	head           []byte // the beginning of the image
	leave          func() bool
	before, behind []byte

	mu      sync.Mutex // held while the image is read
	current *uploadBody
	err     atomic.Pointer[error] // why the image could not be read to its end
	read    atomic.Bool           // it was read to its end
}

// newUpload returns an upload of an image. build comes from the generated type of the body, so that everything but the
// image is as that type has it.
func newUpload[B any](image Image, build func(name, content string) B) *upload {
	return &upload{image: image, build: func(name, content string) any { return build(name, content) }}
}

// what names what is sent, for errors.
func (u *upload) what() string {
	if u.build == nil {
		return "body"
	}
	return "image"
}

// spent says why it cannot be sent again.
func (u *upload) spent() string {
	if u.build == nil {
		return "the body cannot be sent again: its reader cannot be read again; use one that can seek"
	}
	return "the image cannot be sent again: " + errSpent.Error()
}

// mediaOf returns the media type of the body.
func (u *upload) mediaOf(op *operation) string {
	if u.build == nil && strings.Contains(op.media, "*") { // the contract leaves it to what is sent
		return http.DetectContentType(u.head)
	}
	return op.media
}

// open looks at the image and prepares the body around it. Nothing is sent that breaks the contract.
func (u *upload) open(ctx context.Context, op *operation, path []string, of *rules.Schema, settings *callSettings) *Error {
	if u.image.open == nil && u.build == nil {
		return refusal(op, errors.New("the body is missing; give a reader"))
	}
	if u.image.open == nil {
		return refusal(op, errors.New("the image is missing; give one with ImageFile, ImageReader, ImageBytes or ImageFS"))
	}
	u.ctx, u.settings = ctx, new(*settings)
	if err := checkPath(op, path); err != nil {
		return err
	}
	if u.build != nil {
		if _, _, err := encode(op, u.build("name", dataurl.Prefix("image/jpeg")), of); err != nil {
			return err
		}
	}
	if err := u.start(); err != nil {
		if ctx.Err() != nil {
			e := unanswered(op, ctx.Err())
			e.note = "it was not performed"
			return e
		}
		return refusal(op, fmt.Errorf("the %s cannot be sent: %w", u.what(), err))
	}
	source := u.source
	if source.abort != nil { // net/http waits for a reader that blocks, even when the caller has left
		u.leave = context.AfterFunc(u.ctx, source.abort)
	}
	if u.build == nil {
		return nil
	}
	content := rand.Text()
	body, _, err := encode(op, u.build(source.name, dataurl.Prefix(u.media)+content), of)
	if err != nil {
		return err
	}
	var found bool
	if u.before, u.behind, found = bytes.Cut(body, []byte(content)); !found {
		return refusal(op, errors.New("the body has no place for the image"))
	}
	return nil
}

// start opens the image, reads its beginning and tells what it is. That may block, but no longer than the context allows.
func (u *upload) start() error {
	type result struct {
		source *imageSource
		head   []byte
		whole  bool
		err    error
	}
	opened := make(chan result, 1)
	limit := u.limit()
	go func() {
		r := result{err: errGone}
		defer func() { opened <- r }()
		defer guard(&r.err)
		if r.source, r.err = u.image.open(); r.err == nil {
			if r.source.size > limit {
				r.err = fmt.Errorf("it has %d bytes; at most %d are allowed; see WithMaxImageSize", r.source.size, limit)
			} else {
				r.head, r.whole, r.err = beginningOf(u.ctx, r.source)
			}
		}
	}()
	select {
	case r := <-opened:
		u.source = r.source
		if r.err != nil {
			return r.err
		}
		var err error
		if u.head = r.head; u.build != nil {
			u.media, err = sniff(r.head, r.whole)
		}
		return err
	case <-u.ctx.Done():
		go func() { // no longer this call's
			if r := <-opened; r.source != nil {
				r.source.close(u.ctx)
			}
		}()
		return u.ctx.Err()
	}
}

// limit returns how large it may be that is sent, in bytes.
func (u *upload) limit() int64 {
	if u.build == nil {
		return math.MaxInt64
	}
	return u.settings.maxImageSize
}

// beginningOf reads the beginning of an image, and reports whether that is all of it.
func beginningOf(ctx context.Context, source *imageSource) (head []byte, whole bool, err error) {
	r, err := source.read(ctx)
	if err != nil {
		return nil, false, err
	}
	head = make([]byte, sniffLen)
	n, err := io.ReadFull(r, head)
	if whole = err == io.EOF || err == io.ErrUnexpectedEOF; !whole && err != nil {
		return nil, false, fileError(err)
	}
	return head[:n], whole, nil
}

// size returns the length of the body; -1 when it is not known.
func (u *upload) size() int64 {
	if u.source.size < 0 {
		return -1
	}
	if u.build == nil {
		return u.source.size
	}
	return int64(len(u.before)+len(u.behind)) + dataurl.EncodedLen(u.source.size)
}

// body returns the body from its beginning. The one before it ends.
func (u *upload) body() (io.ReadCloser, error) {
	if !u.mu.TryLock() { // net/http still reads
		if !u.source.again {
			return nil, errSpent
		}
		u.mu.Lock()
	}
	defer u.mu.Unlock()
	u.end()
	r, err := u.source.read(u.ctx)
	if err != nil {
		return nil, err
	}
	u.current = &uploadBody{u: u, r: &uploadImage{u: u, r: r}}
	if u.build != nil {
		u.current.r = io.MultiReader(bytes.NewReader(u.before), dataurl.Encode(u.current.r), bytes.NewReader(u.behind))
	}
	u.err.Store(nil)
	u.read.Store(false)
	return u.current, nil
}

func (u *upload) end() {
	if u.current != nil {
		u.current.closed.Store(true)
	}
}

// again reports whether the image can be sent anew.
func (u *upload) again() bool {
	if !u.source.again {
		if !u.mu.TryLock() {
			return false
		}
		defer u.mu.Unlock()
		_, err := u.source.read(u.ctx)
		return err == nil
	}
	return true
}

// failure returns why the image could not be read to its end.
func (u *upload) failure() error {
	if err := u.err.Load(); err != nil {
		return *err
	}
	return nil
}

// close ends the reading of the image: afterwards neither is it read nor progress told, unless the context ended before a
// read did.
func (u *upload) close() {
	if u.source == nil {
		return
	}
	if u.leave != nil {
		u.leave()
	}
	u.end()
	if u.source.abort != nil {
		u.source.abort()
	}
	if u.source.abort == nil || u.ctx.Err() == nil {
		u.mu.Lock() // a read that is going on ends now
		defer u.mu.Unlock()
	}
	u.source.close(u.ctx)
}

// beginning is the beginning of the Base64 content, which no message may repeat.
func (u *upload) beginning() any {
	if u.build == nil {
		return string(u.head[:min(len(u.head), 150)])
	}
	return u.build(u.source.name, base64.StdEncoding.EncodeToString(u.head[:min(len(u.head), 150)]))
}

// An uploadBody is the body of one request.
type uploadBody struct {
	u      *upload
	r      io.Reader
	closed atomic.Bool
}

func (b *uploadBody) Read(p []byte) (int, error) {
	b.u.mu.Lock()
	defer b.u.mu.Unlock()
	if b.closed.Load() {
		return 0, errBodyClosed
	}
	return b.r.Read(p)
}

var errBodyClosed = errors.New("api: the body of the request is closed")

// Close ends the reading without waiting for it: net/http calls it while another goroutine may still read.
func (b *uploadBody) Close() error {
	b.closed.Store(true)
	return nil
}

// An uploadImage reads the image for one request, holds it to its size and reports progress.
type uploadImage struct {
	u    *upload
	r    io.Reader
	sent int64
}

func (i *uploadImage) Read(p []byte) (n int, err error) {
	defer func() {
		if err != nil && err != io.EOF && err != errBodyClosed {
			n = 0
			i.u.err.Store(new(err))
		}
	}()
	defer guard(&err)
	if i.u.current.closed.Load() { // while progress was told
		return 0, errBodyClosed
	}
	n, err = i.r.Read(p)
	if i.u.current.closed.Load() {
		return 0, errBodyClosed
	}
	i.sent += int64(n)
	size, limit := i.u.source.size, i.u.limit()
	switch {
	case err != nil && err != io.EOF:
		return 0, fmt.Errorf("reading the %s failed: %w", i.u.what(), fileError(err))
	case size >= 0 && (i.sent > size || err == io.EOF && i.sent < size):
		return 0, fmt.Errorf("the %s changed while it was sent: it had %d bytes at first", i.u.what(), size)
	case i.sent > limit:
		return 0, fmt.Errorf("the image has more than %d bytes, which is all that is allowed; see WithMaxImageSize", limit)
	}
	i.u.read.Store(err == io.EOF)
	if n > 0 && i.u.settings.progress != nil {
		i.u.settings.progress(i.sent, size)
	}
	return n, err
}
