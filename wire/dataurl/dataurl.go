// Package dataurl carries images in JSON texts as Data URLs (RFC 2397) without ever holding one in memory.
//
// A Data URL of the Aver API is data:MEDIA;base64,CONTENT. [Encode] writes the content, [Decode] reads the whole, and
// [Extract] takes long strings out of a JSON text while it streams:
//
//	rest := dataurl.Extract(body, []string{"base64"}, func(name string, value io.Reader) (string, error) {
//		media, image, err := dataurl.Decode(value)
//		…
//		_, err = io.Copy(file, image)
//		return "data:" + media + ";base64,", err // what stands in its place
//	})
//
// Package api uploads and downloads with it, and the sandbox receives.
package dataurl

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// ErrMalformed is returned for a text that is no Data URL with a media type and Base64 content.
var ErrMalformed = errors.New("dataurl: malformed Data URL")

// Prefix returns what stands before the content of an image.
func Prefix(media string) string { return "data:" + media + ";base64," }

// EncodedLen returns the length of the content of an image of n bytes.
func EncodedLen(n int64) int64 { return (n + 2) / 3 * 4 }

// chunk is how many bytes are encoded at once; it is divisible by three.
const chunk = 24 << 10

// Encode returns the Base64 content of an image.
func Encode(image io.Reader) io.Reader { return &encoder{image: image} }

type encoder struct {
	image io.Reader
	in    []byte // what is to be encoded next
	out   []byte // what is to be returned next
	rest  [4]byte
	buf   [chunk]byte
	err   error
}

func (e *encoder) Read(p []byte) (int, error) {
	if len(e.out) == 0 && len(p) < 4 {
		if err := e.fill(3); err != nil {
			return 0, err
		}
		e.out = e.rest[:EncodedLen(int64(len(e.in)))]
		encode(e.out, e.in)
	}
	if len(e.out) > 0 {
		n := copy(p, e.out)
		e.out = e.out[n:]
		return n, nil
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := e.fill(min(len(p)/4*3, chunk)); err != nil {
		return 0, err
	}
	encode(p, e.in)
	return int(EncodedLen(int64(len(e.in)))), nil
}

// fill reads the next n bytes of the image, fewer only at its end.
func (e *encoder) fill(n int) error {
	if e.err != nil {
		return e.err
	}
	read, err := io.ReadFull(e.image, e.buf[:n])
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	e.in, e.err = e.buf[:read], err
	if read > 0 && (err == nil || err == io.EOF) {
		return nil
	}
	return err
}

// encode is base64.StdEncoding.Encode, two to three times as fast: twelve bits at a time are two characters.
func encode(dst, src []byte) {
	pairs := pairs()
	for len(src) >= 26 && len(dst) >= 32 {
		s, d := (*[26]byte)(src), (*[32]byte)(dst)
		binary.LittleEndian.PutUint64(d[0:8], eight(pairs, binary.BigEndian.Uint64(s[0:8])))
		binary.LittleEndian.PutUint64(d[8:16], eight(pairs, binary.BigEndian.Uint64(s[6:14])))
		binary.LittleEndian.PutUint64(d[16:24], eight(pairs, binary.BigEndian.Uint64(s[12:20])))
		binary.LittleEndian.PutUint64(d[24:32], eight(pairs, binary.BigEndian.Uint64(s[18:26])))
		src, dst = src[24:], dst[32:]
	}
	base64.StdEncoding.Encode(dst, src)
}

// eight returns the eight characters for the first six bytes of v.
func eight(pairs *[1 << 12]uint16, v uint64) uint64 {
	return uint64(pairs[v>>52]) | uint64(pairs[v>>40&0xfff])<<16 | uint64(pairs[v>>28&0xfff])<<32 | uint64(pairs[v>>16&0xfff])<<48
}

// pairs holds the two characters for each twelve bits.
var pairs = sync.OnceValue(func() *[1 << 12]uint16 {
	t := new([1 << 12]uint16)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = uint16(alphabet[i>>6]) | uint16(alphabet[i&63])<<8
	}
	return t
})

// maxPrefix bounds what stands before the content, in bytes.
const maxPrefix = 256

// mediaType is what a Data URL may call itself (RFC 6838, 4.2).
var mediaType = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$`)
})

// Decode reads a Data URL up to its content, and returns its media type, in lower case and without parameters, and the
// image. The type is empty when the URL states none. A text that is none is [ErrMalformed]; content that is not Base64 fails while the image is read.
func Decode(url io.Reader) (media string, image io.Reader, err error) {
	r := bufio.NewReaderSize(url, 16<<10)
	prefix, err := readUntil(r, ',', maxPrefix)
	if err != nil {
		return "", nil, err
	}
	scheme, rest, ok := strings.Cut(prefix, ":")
	media, encoding, found := cutLast(rest, ";")
	if !ok || !found || !strings.EqualFold(scheme, "data") || !strings.EqualFold(encoding, "base64") {
		return "", nil, ErrMalformed
	}
	media, _, _ = strings.Cut(media, ";")
	if media != "" && !mediaType().MatchString(media) {
		return "", nil, ErrMalformed
	}
	return strings.ToLower(media), &decoder{content: r}, nil
}

// A decoder reads Base64, in one line or in several.
type decoder struct {
	content io.Reader
	in      [4 << 10]byte
	n       int // how much of in is to be decoded next
	store   [3 << 10]byte
	out     []byte // what is to be returned next
	padded  bool   // the last group has been seen
	err     error
}

func (d *decoder) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.fill()
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// fill decodes the next piece.
func (d *decoder) fill() {
	read, err := d.content.Read(d.in[d.n:])
	piece := d.in[d.n:][:read]
	for _, lineBreak := range []byte("\r\n") {
		if bytes.IndexByte(piece, lineBreak) >= 0 {
			piece = slices.DeleteFunc(piece, func(c byte) bool { return c == lineBreak })
		}
	}
	d.n += len(piece)
	d.err = err
	groups := d.n / 4 * 4
	switch {
	case d.padded && d.n > 0:
		d.err = fmt.Errorf("%w: there is content behind its end", ErrMalformed)
		return
	case err == io.EOF && d.n-groups == 1:
		d.err = fmt.Errorf("%w: the content ends within a byte", ErrMalformed)
	case err == io.EOF: // the last group may lack its padding
		for ; d.n%4 != 0; d.n++ {
			d.in[d.n] = '='
		}
		groups = d.n
	}
	n, err := base64.StdEncoding.Decode(d.store[:], d.in[:groups])
	if err != nil {
		d.err = fmt.Errorf("%w: the content is not Base64", ErrMalformed)
	}
	d.out, d.padded = d.store[:n], d.padded || n < groups/4*3
	d.n = copy(d.in[:], d.in[groups:d.n])
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// readUntil returns what stands before the delimiter, at most limit bytes.
func readUntil(r io.ByteReader, delimiter byte, limit int) (string, error) {
	var b strings.Builder
	for range limit {
		c, err := r.ReadByte()
		switch {
		case err == io.EOF:
			return "", ErrMalformed
		case err != nil:
			return "", err
		case c == delimiter:
			return b.String(), nil
		}
		b.WriteByte(c)
	}
	return "", ErrMalformed
}
