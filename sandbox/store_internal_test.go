package sandbox

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"
)

func TestStoreKeepsImagesBitForBit(t *testing.T) {
	var s store
	var keeping sync.WaitGroup
	for _, n := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, 3 * blockSize, 5*blockSize + 7} {
		keeping.Go(func() {
			content := bytes.Repeat([]byte{byte(n), 2, 3, 5, 7, 11, 13}, n/7+1)[:n]
			for range 5 {
				b, err := s.keep(iotest.HalfReader(bytes.NewReader(content)))
				if err != nil {
					t.Error(err)
					return
				}
				var got bytes.Buffer
				if written, err := b.WriteTo(&got); err != nil || written != int64(n) || b.size != int64(n) || !bytes.Equal(got.Bytes(), content) {
					t.Errorf("%d bytes: %d came back, %v", n, got.Len(), err)
				}
			}
		})
	}
	keeping.Wait()
}

// What a refused request leaves behind is used again, also when the request broke off.
func TestStoreUsesBlocksAgain(t *testing.T) {
	var s store
	large := func() io.Reader { return bytes.NewReader(make([]byte, 4*blockSize)) }
	for range 10 {
		b, err := s.keep(large())
		if err != nil {
			t.Fatal(err)
		}
		s.drop(b)
		if _, err := s.keep(io.MultiReader(large(), iotest.ErrReader(errors.New("broken")))); err == nil {
			t.Fatal("no error")
		}
	}
	if s.end != 3*blockSize {
		t.Errorf("the file has %d blocks", s.end/blockSize)
	}
}
