package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// A store keeps images: small ones in memory, the rest of others in a temporary file that has no name, so that it is
// gone when the process ends. A large image costs no more memory than a small one.
type store struct {
	mu   sync.Mutex // guards what follows
	file *os.File   // nil before the first large image
	end  int64
	free []int64
}

// blockSize is how much of an image is kept in memory, and the unit of the file, in bytes.
const blockSize = 64 << 10

// errStorage is returned when the temporary file fails.
var errStorage = errors.New("sandbox: the image cannot be stored")

// A blob is an image that is kept. It never changes.
type blob struct {
	size   int64
	head   []byte
	file   *os.File
	blocks []int64 // where in the file the blocks behind the head are
}

var buffers = sync.Pool{New: func() any { return new([blockSize]byte) }}

// keep reads an image to its end.
func (s *store) keep(image io.Reader) (*blob, error) {
	buffer := buffers.Get().(*[blockSize]byte)
	defer buffers.Put(buffer)
	b := &blob{}
	for {
		n, err := io.ReadFull(image, buffer[:])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			s.drop(b)
			return nil, err
		}
		switch {
		case n == 0:
		case b.size == 0:
			b.head = append([]byte(nil), buffer[:n]...)
		default:
			at, failure := s.allocate(b)
			if failure == nil {
				_, failure = b.file.WriteAt(buffer[:n], at)
			}
			if failure != nil {
				s.drop(b)
				return nil, fmt.Errorf("%w: %w", errStorage, failure)
			}
		}
		b.size += int64(n)
		if err != nil {
			return b, nil
		}
	}
}

// allocate adds a block to a blob.
func (s *store) allocate(b *blob) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		file, err := os.CreateTemp("", "aver-sandbox-*") // readable by its owner alone
		if err != nil {
			return 0, err
		}
		_ = os.Remove(file.Name()) // it lives on as long as it is open; where that is not possible, it stays behind
		s.file = file
	}
	at := s.end
	if n := len(s.free); n > 0 {
		at, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.end += blockSize
	}
	b.file, b.blocks = s.file, append(b.blocks, at)
	return at, nil
}

// drop forgets an image.
func (s *store) drop(b *blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, b.blocks...)
	b.blocks = nil
}

// WriteTo writes the image.
func (b *blob) WriteTo(w io.Writer) (int64, error) {
	written, err := w.Write(b.head)
	total := int64(written)
	buffer := buffers.Get().(*[blockSize]byte)
	defer buffers.Put(buffer)
	for _, at := range b.blocks {
		if err != nil {
			break
		}
		piece := buffer[:min(b.size-total, blockSize)]
		if _, err = b.file.ReadAt(piece, at); err == nil {
			written, err = w.Write(piece)
			total += int64(written)
		}
	}
	return total, err
}
