package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
)

// An imageSource is an image that is being sent.
type imageSource struct {
	name  string
	size  int64                                    // in bytes; -1 when it is not known
	again bool                                     // it can be read any number of times
	read  func(context.Context) (io.Reader, error) // from its beginning
	abort func()                                   // ends a read that is going on, and all to come; nil when none takes long
	close func(context.Context)                    // waits for a read that is going on, but no longer than the context allows
}

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
	switch s.r.(type) {
	case *bytes.Reader, *strings.Reader: // which never block
		return &imageSource{
			name: name, size: s.size, again: true,
			read:  func(context.Context) (io.Reader, error) { return s.r, s.play.rewind() },
			close: func(context.Context) { s.busy.Store(false) },
		}, nil
	}
	return &imageSource{
		name: name, size: s.size, again: s.play.rewind != nil, read: s.play.restart, abort: s.play.abort,
		close: func(ctx context.Context) { s.play.close(ctx, func() { s.busy.Store(false) }) },
	}, nil
}
