package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
)

// An Image is a JPEG or PNG image to be sent: a file, a reader or bytes. What it is, its content tells, not its name. It
// is streamed, so that a large one costs no more memory than a small one.
//
// The zero Image is none. An Image prints as REDACTED, because its name may be personal.
type Image struct{ open func() (*imageSource, error) }

// ImageFile returns the image in a regular file. The file's name, without its directory, is sent with it. The file is
// opened by the call that sends it, and closed again.
func ImageFile(name string) Image {
	return Image{func() (*imageSource, error) {
		info, err := os.Stat(name) // opening a pipe may block
		if err != nil {
			return nil, fileError(err)
		}
		if err := checkRegular(info); err != nil {
			return nil, err
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, fileError(err)
		}
		return fileSource(filepath.Base(name), f, nil)
	}}
}

// ImageFS returns the image in a regular file of fsys, like [ImageFile].
func ImageFS(fsys fs.FS, name string) Image {
	return Image{func() (*imageSource, error) {
		if fsys == nil {
			return nil, errors.New("the file system is nil")
		}
		f, err := fsys.Open(name)
		if err != nil {
			return nil, fileError(err)
		}
		return fileSource(path.Base(name), f, func() (fs.File, error) { return fsys.Open(name) })
	}}
}

// ImageBytes returns the image in b, which must not change until it has been sent.
func ImageBytes(name string, b []byte) Image {
	return Image{func() (*imageSource, error) {
		return &imageSource{
			name: name, size: int64(len(b)), again: true,
			read:  func(context.Context) (io.Reader, error) { return bytes.NewReader(b), nil },
			close: func(context.Context) {},
		}, nil
	}}
}

// ImageReader returns the image that r brings from where it stands. name is sent with it.
//
// When r is an [io.Seeker] that can seek, the size is known before anything is sent and the call can be repeated where
// that is safe. Otherwise the image is sent once: a call that would have to send it again fails and says so. r is not
// closed. It must not be used otherwise before the call returns; when the call's context ended, one read may still be
// going on then.
func ImageReader(name string, r io.Reader) Image {
	s := &readerSource{r: r}
	return Image{func() (*imageSource, error) { return s.open(name) }}
}

// Format prints REDACTED, whatever the verb.
func (Image) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue is REDACTED.
func (Image) LogValue() slog.Value { return slog.StringValue(redacted) }
