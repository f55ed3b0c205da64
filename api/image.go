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
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/goaver/aver-go/wire"
)

// An Image is a JPEG or PNG image to be sent: a file, a reader or bytes. What it is, its content tells, not its name. It
// is streamed, so that a large one costs no more memory than a small one.
//
// The zero Image is none. An Image prints as REDACTED, because its name may be personal.
type Image struct{ open func() (*imageSource, error) }

// An imageSource is an image that is being sent.
type imageSource struct {
	name  string
	size  int64                                    // in bytes; -1 when it is not known
	again bool                                     // it can be read any number of times
	read  func(context.Context) (io.Reader, error) // from its beginning
	abort func()                                   // ends a read that is going on, and all to come; nil when none takes long
	close func(context.Context)                    // waits for a read that is going on, but no longer than the context allows
}

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

func checkRegular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return errors.New("it is a directory; want a JPEG or PNG file")
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file; open it and use ImageReader")
	}
	return nil
}

// fileSource returns the image in a file that is open. reopen is nil for a file that can seek and does not block.
func fileSource(name string, f fs.File, reopen func() (fs.File, error)) (*imageSource, error) {
	info, err := f.Stat()
	if err == nil {
		err = checkRegular(info)
	} else {
		err = fileError(err)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	p := &player{r: f}
	p.rewind = func() error {
		if seeker, ok := f.(io.Seeker); ok {
			_, err := seeker.Seek(0, io.SeekStart)
			return err
		}
		next, err := reopen()
		if err != nil {
			return err
		}
		_ = f.Close()
		f = next
		p.r = f
		return nil
	}
	s := &imageSource{name: name, size: info.Size(), again: true}
	if reopen == nil {
		s.read = func(context.Context) (io.Reader, error) {
			if err := p.rewind(); err != nil {
				return nil, fileError(err)
			}
			return f, nil
		}
		s.close = func(context.Context) { _ = f.Close() }
		return s, nil
	}
	s.read, s.abort = p.restart, p.abort
	s.close = func(ctx context.Context) { p.close(ctx, func() { _ = f.Close() }) }
	return s, nil
}

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
	return wire.Reword(text, err)
}

// A readerSource is a reader of the caller's. It outlives calls.
type readerSource struct {
	r    io.Reader
	busy atomic.Bool // a call sends it
	play *player     // nil before the first call
	size int64
}

// measure returns what plays the reader from where it stands, and how much follows; -1 when that is not known.
func (s *readerSource) measure() (_ *player, size int64, err error) {
	defer guard(&err)
	play := &player{r: s.r}
	seeker, ok := s.r.(io.Seeker)
	if !ok {
		return play, -1, nil
	}
	from, failure := seeker.Seek(0, io.SeekCurrent)
	if failure != nil {
		return play, -1, nil // such as a pipe
	}
	end, failure := seeker.Seek(0, io.SeekEnd)
	if failure != nil {
		return play, -1, nil
	}
	if _, failure := seeker.Seek(from, io.SeekStart); failure != nil {
		return play, -1, nil
	}
	play.rewind = func() error {
		_, err := seeker.Seek(from, io.SeekStart)
		return err
	}
	return play, max(end-from, 0), nil
}

func (s *readerSource) open(name string) (*imageSource, error) {
	switch {
	case s.r == nil:
		return nil, errors.New("the reader is nil")
	case !s.busy.CompareAndSwap(false, true):
		return nil, errors.New("another call is sending it; a reader serves one call at a time")
	}
	if s.play == nil {
		var err error
		if s.play, s.size, err = s.measure(); err != nil {
			s.play = nil
			s.busy.Store(false)
			return nil, err
		}
	}
	return &imageSource{
		name: name, size: s.size, again: s.play.rewind != nil, read: s.play.restart, abort: s.play.abort,
		close: func(ctx context.Context) { s.play.close(ctx, func() { s.busy.Store(false) }) },
	}, nil
}

// A player reads what may block: another goroutine does, so that a call that has ended is not held up. What can be
// rewound is read any number of times; anything else can start anew as long as nothing but its beginning was read.
type player struct {
	r      io.Reader
	rewind func() error // nil when that cannot be done
	head   []byte       // of what cannot be rewound
	next   int          // what of head is to be returned next

	mu      sync.Mutex // guards what follows
	running *playing   // the last one; nil when there was none
	stopped bool       // none may begin
}

// A playing is a goroutine that reads.
type playing struct {
	pipe *io.PipeReader
	done chan struct{} // closed when it reads no more
}

// errSpent says that an image can be sent once only.
var errSpent = errors.New("its reader cannot be read again; use ImageFile, ImageBytes or a reader that can seek")

// A progressing reads from a reader of the application's, and gives one up that brings nothing time and again.
type progressing struct {
	r     io.Reader
	empty int
}

func (p *progressing) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	switch {
	case n < 0 || n > len(b):
		return 0, errors.New("its reader reports a number of bytes that it cannot have read")
	case n > 0 || err != nil:
		p.empty = 0
	default:
		if p.empty++; p.empty == 100 {
			return 0, io.ErrNoProgress
		}
	}
	return n, err
}

// errGone says that what the application gave ended the goroutine that read it.
var errGone = errors.New("what was given to read it, or to tell its progress, ended the goroutine")

// guard turns a panic of what the application gave, such as a reader that is a nil pointer, into an error. In a goroutine
// of ours it would end the process, and the application could not prevent that.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = readerPanic{wire.PanicError("what was given to read it, or to tell its progress,", r)}
	}
}

// A readerPanic is fit to be printed.
type readerPanic struct{ error }

func (p *player) restart(ctx context.Context) (_ io.Reader, err error) {
	defer guard(&err)
	last := p.stop()
	if last != nil && p.rewind == nil {
		return nil, errSpent
	}
	if !last.idle(ctx) {
		return nil, ctx.Err()
	}
	if p.rewind != nil {
		if err := p.rewind(); err != nil {
			return nil, fileError(err)
		}
	}
	p.next = 0
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running, p.stopped = nil, false
	return p, nil
}

// stop ends a read that is going on, and all to come, and returns what reads, if anything did.
func (p *player) stop() *playing {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.running != nil {
		_ = p.running.pipe.Close()
	}
	return p.running
}

func (p *player) abort() { p.stop() }

// close stops reading, and calls released when nobody reads any more. It waits for that as long as ctx allows.
func (p *player) close(ctx context.Context, released func()) {
	last := p.stop()
	if last.idle(ctx) {
		released()
		return
	}
	go func() {
		var err error
		defer guard(&err)
		<-last.done
		released()
	}()
}

// idle waits until it reads no more. It reports whether that is so.
func (p *playing) idle(ctx context.Context) bool {
	if p == nil {
		return true
	}
	select {
	case <-p.done:
		return true
	default:
	}
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// play returns the goroutine that reads, and begins it if need be; nil when that is over.
func (p *player) play() *playing {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stopped:
		return nil
	case p.running != nil:
		return p.running
	}
	pipe, w := io.Pipe()
	current := &playing{pipe, make(chan struct{})}
	go func(r io.Reader) {
		defer close(current.done)
		err := errGone
		defer func() { _ = w.CloseWithError(err) }()
		defer guard(&err)
		_, err = io.Copy(w, &progressing{r: r})
	}(p.r)
	p.running = current
	return current
}

func (p *player) Read(b []byte) (int, error) {
	if p.next < len(p.head) {
		n := copy(b, p.head[p.next:])
		p.next += n
		return n, nil
	}
	if room := sniffLen - len(p.head); room > 0 && p.rewind == nil {
		n, err := p.r.Read(b[:min(len(b), room)])
		p.head = append(p.head, b[:n]...)
		p.next = len(p.head)
		return n, err
	}
	current := p.play()
	if current == nil {
		return 0, io.ErrClosedPipe
	}
	return current.pipe.Read(b)
}
