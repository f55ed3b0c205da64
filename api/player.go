package api

import (
	"context"
	"errors"
	"io"
	"sync"
)

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
