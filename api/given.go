package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/goaver/aver-go/wire/httperr"
)

// fileError returns the error of a file, a reader or a writer of the caller's without their names, which may be
// personal. errors.Is and errors.As find the error itself.
func fileError(err error) error {
	var in *fs.PathError
	var link *os.LinkError
	var errno syscall.Errno
	operation := ""
	if panicked := (readerPanic{}); errors.As(err, &panicked) {
		return panicked
	}
	if errors.Is(err, errGone) {
		return errGone
	}
	switch {
	case errors.As(err, &in):
		operation = in.Op + ": "
	case errors.As(err, &link):
		operation = link.Op + ": "
	}
	text := fmt.Sprintf("it failed with a %T", err)
	for _, known := range []error{
		fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, fs.ErrClosed,
		io.ErrUnexpectedEOF, io.ErrClosedPipe, io.ErrShortWrite, io.ErrNoProgress, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			text = operation + known.Error()
		}
	}
	if errors.As(err, &errno) {
		text = operation + errno.Error()
	}
	return httperr.Reword(text, err)
}

// errGone says that what the application gave ended the goroutine that read it.
var errGone = errors.New("what the application gave ended the goroutine")

// guard turns a panic of what the application gave, such as a reader that is a nil pointer, into an error. In a goroutine
// of ours it would end the process, and the application could not prevent that.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = readerPanic{httperr.Panic("what the application gave", r)}
	}
}

// A readerPanic is fit to be printed.
type readerPanic struct{ error }
