package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"

	"github.com/goaver/aver-go/wire/dataurl"
)

// Downloaded says what was streamed to where the application wants it.
type Downloaded struct {
	MediaType string // such as image/jpeg, as the service states it
	Size      int64  // in bytes
}

// WithDownloadStart has f called with the media type of what is downloaded, as the service states it, before the first byte is
// written: for a proxy, which sends it as Content-Type first. When the download to a file begins anew, it is called again. The
// type is not to be trusted more than the service is: answer a browser with X-Content-Type-Options: nosniff.
func WithDownloadStart(f func(mediaType string)) CallOption {
	return callOption(func(c *callSettings) error {
		c.begun = f
		return nil
	})
}

// A download is what is streamed out of an answer: an image within JSON, or the whole of it.
type download struct {
	names   []string // of the property that holds the image; nil for the whole answer
	w       io.Writer
	restart func() error // makes w empty again; nil when that cannot be done
	begun   func(mediaType string)
	found   Downloaded
	err     error // of w
}

// extract takes the image out of an answer while the answer is read.
func (d *download) extract(body io.Reader) io.Reader {
	seen := false
	return dataurl.Extract(body, d.names, func(_ string, value io.Reader) (string, error) {
		if seen {
			return "", nil // it is there under both of its names
		}
		content := bufio.NewReader(value)
		if _, err := content.Peek(1); err == io.EOF {
			return "", nil // it is there under its other name
		}
		seen = true
		media, image, err := dataurl.Decode(content)
		if err != nil {
			return "", err
		}
		if d.found.Size > 0 {
			if d.err = d.restart(); d.err != nil {
				return "", d.err
			}
		}
		d.found = Downloaded{MediaType: media}
		if _, err := io.CopyBuffer(d, struct{ io.Reader }{image}, make([]byte, 16<<10)); err != nil {
			return "", err
		}
		if d.found.Size == 0 {
			return "", fmt.Errorf("%w: it is empty", dataurl.ErrMalformed)
		}
		return dataurl.Prefix(media), nil
	})
}

// what names what is streamed, for errors.
func (d *download) what() string {
	if d.names == nil {
		return "answer"
	}
	return "image"
}

// Write passes on to w, and remembers whether the fault was w's.
func (d *download) Write(p []byte) (int, error) {
	if d.found.Size == 0 && d.begun != nil {
		if d.err = d.tell(); d.err != nil {
			return 0, d.err
		}
	}
	n, err := d.pass(p)
	d.found.Size += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		d.err = err
	}
	return n, err
}

// pass passes on to w, which may panic, as one that is nil does.
func (d *download) pass(p []byte) (n int, err error) {
	defer guard(&err)
	return d.w.Write(p)
}

// tell has the application know what follows.
func (d *download) tell() (err error) {
	defer guard(&err)
	d.begun(d.found.MediaType)
	return nil
}

// again reports whether the image can be downloaded anew after a failure.
func (d *download) again() bool { return d.err == nil && (d.found.Size == 0 || d.restart != nil) }

// whole passes a whole answer on, if it is what the contract says. One that is documented as bytes may be of any type but
// those in which a service or what stands before it says that something went wrong.
func (d *download) whole(op *operation, media string, a *answer) error {
	if kind, _, err := mime.ParseMediaType(media); err == nil && !op.takes(kind) {
		return transient("the answer is %s, not %s", describeMedia(media), op.accept)
	}
	if d.found.Size > 0 {
		if d.err = d.restart(); d.err != nil {
			return d.err
		}
	}
	d.found = Downloaded{MediaType: media}
	_, err := io.CopyBuffer(d, struct{ io.Reader }{a.rest()}, make([]byte, 16<<10))
	return err
}

// downloadTo downloads the image of an answer to w. It is called by the generated methods.
func downloadTo[T any](ctx context.Context, c *Client, op *operation, opts []CallOption, r request[T], w io.Writer,
	names ...string) (*Downloaded, error) {
	if w == nil {
		return nil, refusal(op, errors.New("the writer is nil"))
	}
	r.download = &download{names: names, w: w}
	if _, err := call(ctx, c, op, opts, r); err != nil {
		return nil, err
	}
	return &r.download.found, nil
}

// downloadToFile downloads the image of an answer to a file. It is called by the generated methods.
func downloadToFile[T any](ctx context.Context, c *Client, op *operation, opts []CallOption, r request[T], name string,
	names ...string) (*Downloaded, error) {
	local := func(err error) error {
		return &Error{Operation: op.id, Err: fileError(err), note: "no file was written"}
	}
	if name == "" {
		return nil, refusal(op, errors.New("the name of the file is empty"))
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".aver-download-*") // readable by its owner alone
	if err != nil {
		return nil, local(err)
	}
	complete := false // and not so after a panic of the transport
	defer func() {
		if !complete {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	r.download = &download{names: names, w: f, restart: func() error {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return f.Truncate(0)
	}}
	if _, err := call(ctx, c, op, opts, r); err != nil {
		return nil, err
	}
	for _, finish := range []func() error{f.Sync, f.Close, func() error { return os.Rename(f.Name(), name) }} {
		if err := finish(); err != nil {
			return nil, local(err)
		}
	}
	complete = true
	return &r.download.found, nil
}

// unwritten is a call whose answer could not be written where the caller wants it.
func unwritten(op *operation, resp *http.Response, d *download) *Error {
	e := answered(op, resp, nil)
	e.Err = fmt.Errorf("writing the %s failed after %d bytes: %w", d.what(), d.found.Size, fileError(d.err))
	return e
}
