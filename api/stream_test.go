package api_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// picture returns something of n bytes that begins like a JPEG image.
func picture(n int) []byte {
	b := bytes.Repeat([]byte("0123456789abcdefghijklmno"), n/25+1)[:n]
	copy(b, "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	return b
}

var pngHead = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x04\x00\x00\x00\xb5\x1c\x0c\x02"

// only hides that a reader can do more than read.
type only struct{ io.Reader }

func write(t *testing.T, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "front.jpg")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A streamed image is sent byte for byte as the plain method sends it.
func TestUploadsSendWhatThePlainMethodsSend(t *testing.T) {
	type sent struct {
		body     string
		length   int64
		chunked  bool
		resource string
	}
	var got sent
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = sent{string(body), r.ContentLength, len(r.TransferEncoding) > 0, r.Method + r.URL.Path + r.Header.Get("Content-Type")}
		if strings.HasSuffix(r.URL.Path, "/search") {
			ok(`{"id":"w1"}`)(w, r)
			return
		}
		ok(`"success"`)(w, r)
	})
	ctx := t.Context()
	for _, n := range []int{20, 511, 512, 513, 24 << 10, 100_000, 100_001, 100_002} {
		content := picture(n)
		if n == 513 {
			copy(content, pngHead)
		}
		url := "data:" + http.DetectContentType(content) + ";base64," + base64.StdEncoding.EncodeToString(content)
		file := write(t, content)
		for name, image := range map[string]func() api.Image{
			"file":              func() api.Image { return api.ImageFile(file) },
			"bytes":             func() api.Image { return api.ImageBytes("front.jpg", content) },
			"FS":                func() api.Image { return api.ImageFS(os.DirFS(filepath.Dir(file)), "front.jpg") },
			"FS without seeker": func() api.Image { return api.ImageFS(unseekable{os.DirFS(filepath.Dir(file))}, "front.jpg") },
			"map FS":            func() api.Image { return api.ImageFS(fstest.MapFS{"a/front.jpg": {Data: content}}, "a/front.jpg") },
			"seeker":            func() api.Image { return api.ImageReader("front.jpg", bytes.NewReader(content)) },
			"reader":            func() api.Image { return api.ImageReader("front.jpg", only{bytes.NewReader(content)}) },
			"slow reader":       func() api.Image { return api.ImageReader("front.jpg", iotest.OneByteReader(bytes.NewReader(content))) },
			"seeker in the middle": func() api.Image {
				r := bytes.NewReader(append([]byte("before"), content...))
				_, _ = r.Seek(6, io.SeekStart)
				return api.ImageReader("front.jpg", r)
			},
		} {
			if strings.HasPrefix(name, "slow") && n > 1000 {
				continue
			}
			for kind, pair := range map[string][2]func() error{
				"ID": {
					func() error {
						return client.AddIDDocument(ctx, "c1", api.AddIDDocumentRequest{ForceCommit: true, Type: api.DocumentTypePassportImage,
							Side: api.DocumentSideFront, FileName: "front.jpg", FileContent: url})
					},
					func() error {
						return client.AddIDDocumentWithImage(ctx, "c1", api.AddIDDocumentWithImageRequest{ForceCommit: true,
							Type: api.DocumentTypePassportImage,
							Side: api.DocumentSideFront, Image: image()})
					},
				},
				"photo": {
					func() error {
						return client.AddPhotoDocument(ctx, "c1", api.AddPhotoDocumentRequest{Extended: true, FileName: "front.jpg",
							FileContent: url})
					},
					func() error {
						return client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Extended: true, Image: image()})
					},
				},
				"paper": {
					func() error {
						return client.AddSupplementalDocument(ctx, "c1", api.AddSupplementalDocumentRequest{Type: api.SupplementalDocumentTypeTaxDocument,
							FileName: "front.jpg", FileContent: url})
					},
					func() error {
						return client.AddSupplementalDocumentWithImage(ctx, "c1",
							api.AddSupplementalDocumentWithImageRequest{Type: api.SupplementalDocumentTypeTaxDocument, Image: image()})
					},
				},
				"search": {
					func() error {
						_, err := client.SearchWatchlists(ctx, api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "<&>",
							FileName: "front.jpg", FileContent: url})
						return err
					},
					func() error {
						found, err := client.SearchWatchlistsWithImage(ctx, api.SearchWatchlistsWithImageRequest{GroupID: "g", BusinessName: "<&>",
							Image: image()})
						if err == nil && found.ID != "w1" {
							t.Errorf("found %v", found)
						}
						return err
					},
				},
			} {
				if err := pair[0](); err != nil {
					t.Fatal(err)
				}
				want := got
				if strings.HasSuffix(name, "reader") && name != "seeker" {
					want.length, want.chunked = -1, true
				}
				if err := pair[1](); err != nil || got != want {
					t.Errorf("%s of %d bytes, %s: %v: sent %d bytes %.100q, want %d bytes %.100q", name, n, kind, err, got.length, got.body,
						want.length, want.body)
				}
			}
		}
	}
}

// unseekable is a file system whose files cannot seek.
type unseekable struct{ fs.FS }

func (u unseekable) Open(name string) (fs.File, error) {
	f, err := u.FS.Open(name)
	return struct{ fs.File }{f}, err
}

func TestWhatIsNoImageIsNotSent(t *testing.T) {
	client := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	box := func(brand string) string { return "\x00\x00\x00\x18ftyp" + brand + "\x00\x00\x00\x00mif1heic" }
	tests := []struct{ name, content, want string }{
		{"empty", "", "it is empty"},
		{"HEIC", box("heic"), "it is HEIC"},
		{"HEIF", box("mif1"), "it is HEIC"},
		{"AVIF", box("avif"), "it is AVIF"},
		{"PDF", "%PDF-1.7\n%...", "it is PDF"},
		{"GIF", "GIF89a\x01\x00\x01\x00", "it is GIF"},
		{"WebP", "RIFF\x00\x00\x00\x00WEBPVP8 ", "it is WebP"},
		{"TIFF", "II*\x00\x08\x00\x00\x00", "it is TIFF"},
		{"big TIFF", "MM\x00*\x00\x00\x00\x08", "it is TIFF"},
		{"BMP", "BM\x00\x00\x00\x00\x00\x00", "it is BMP"},
		{"JPEG XL", "\xff\x0a\x00\x00", "it is JPEG XL"},
		{"HTML", "<!DOCTYPE html><html>", "it is HTML"},
		{"text", "front.jpg", "it is text"},
		{"SVG", "<svg xmlns=''>", "it is an SVG image"},
		{"Data URL", "data:image/jpeg;base64,/9j/", "it is a Data URL, not the image itself"},
		{"unknown", "\x00\x01\x02\x03\x04", "it is of no known type"},
		{"one byte of JPEG", "\xff", "it is truncated"},
		{"three bytes of JPEG", "\xff\xd8\xff", "it is truncated"},
		{"JPEG header", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "it is truncated"},
		{"damaged JPEG", "\xff\xd8\xff\x00\x00\x10JFIF\x00", "its header is damaged"},
		{"PNG signature", "\x89PNG\r\n", "it is truncated"},
		{"PNG header", pngHead[:30], "it is truncated"},
		{"damaged PNG", strings.Replace(pngHead, "IHDR", "IDAT", 1), "its header is damaged"},
	}
	for _, tt := range tests {
		file := write(t, []byte(tt.content)) // named front.jpg
		for name, image := range map[string]api.Image{
			"file": api.ImageFile(file), "bytes": api.ImageBytes("front.jpg", []byte(tt.content)),
			"reader": api.ImageReader("front.jpg", only{strings.NewReader(tt.content)}),
		} {
			err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image})
			var failure *api.Error
			if !errors.Is(err, api.ErrInvalidRequest) || !strings.Contains(fmt.Sprint(err), tt.want) || !errors.As(err, &failure) ||
				failure.Attempts != 0 {
				t.Errorf("%s from %s: %v", tt.name, name, err)
			}
		}
	}

	jpeg := api.ImageBytes("f", picture(100))
	ctx := t.Context()
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"no image": {client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{}), "the image is missing"},
		"no file": {client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageFile("private.jpg")}),
			"no such file or directory"},
		"directory": {client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageFile(t.TempDir())}),
			"it is a directory"},
		"no reader": {client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageReader("f", nil)}),
			"the reader is nil"},
		"no FS": {client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageFS(nil, "f")}),
			"the file system is nil"},
		"not in FS": {client.AddPhotoDocumentWithImage(ctx, "c1",
			api.AddPhotoDocumentWithImageRequest{Image: api.ImageFS(fstest.MapFS{}, "private")}), "open: file does not exist"},
		"broken reader": {client.AddPhotoDocumentWithImage(ctx, "c1",
			api.AddPhotoDocumentWithImageRequest{Image: api.ImageReader("f",
				iotest.ErrReader(errors.New("private")))}), "failed with a *errors.errorString"},
		"no name": {client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageBytes("", picture(100))}),
			"fileName: is required"},
		"no ID": {client.AddPhotoDocumentWithImage(ctx, "", api.AddPhotoDocumentWithImageRequest{Image: jpeg}), "the path parameter id"},
		"other fields": {client.AddIDDocumentWithImage(ctx, "c1", api.AddIDDocumentWithImageRequest{Type: "x",
			Image: jpeg}), "docType: must be one of"},
		"too large": {client.AddPhotoDocumentWithImage(ctx, "c1",
			api.AddPhotoDocumentWithImageRequest{Image: api.ImageBytes("f", picture(api.DefaultMaxImageSize+1))}), "at most 20971520 are allowed"},
		"own limit": {client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: jpeg}, api.WithMaxImageSize(99)),
			"it has 100 bytes; at most 99"},
		"bad limit": {client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: jpeg}, api.WithMaxImageSize(0)),
			"must be positive"},
	} {
		if !errors.Is(tt.err, api.ErrInvalidRequest) || !strings.Contains(tt.err.Error(), tt.want) || strings.Contains(tt.err.Error(), "private") {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	var path *fs.PathError
	if err := client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageFile("private.jpg")}); !errors.As(err,
		&path) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cause of %v is lost", err)
	}
}

// uploads is a service that answers one upload after the other.
func uploads(t *testing.T, steps ...http.HandlerFunc) (*api.Client, *script) {
	s := &script{steps: map[string][]http.HandlerFunc{"POST /check/c1/photodocument": steps}}
	srv := httptest.NewServer(exchanging(s.ServeHTTP))
	t.Cleanup(srv.Close)
	client, err := api.New("key", "secret", api.WithBaseURL(srv.URL+"/api"), quick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, s
}

// reading answers like h when it has read the whole body.
func reading(n int, h http.HandlerFunc) http.HandlerFunc { return readingNamed("f", n, h) }

func readingNamed(name string, n int, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if want := len(`{"fileContent":"data:image/jpeg;base64,","fileName":""}`) + len(name) + (n+2)/3*4; err != nil || len(body) != want {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		h(w, r)
	}
}

// After a refused token, or where nothing was sent, an image that can be read again is sent again.
func TestImagesAreSentAgainWhereThatIsSafe(t *testing.T) {
	const n = 300_000
	content := picture(n)
	file := write(t, content)
	refused := answer(401, "application/json", `"expired"`)
	for name, image := range map[string]api.Image{
		"file":              api.ImageFile(file),
		"bytes":             api.ImageBytes("f", content),
		"seeker":            api.ImageReader("f", bytes.NewReader(content)),
		"FS without seeker": api.ImageFS(unseekable{os.DirFS(filepath.Dir(file))}, "front.jpg"),
	} {
		sentAs := "f"
		if strings.Contains(name, "F") || name == "file" {
			sentAs = "front.jpg"
		}
		for when, first := range map[string]http.HandlerFunc{"after the body": readingNamed(sentAs, n, refused), "before the body": refused} {
			client, s := uploads(t, first, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if !bytes.Contains(body, []byte(base64.StdEncoding.EncodeToString(content))) {
					t.Errorf("%s, %s: the second body has %d bytes, %v", name, when, len(body), err)
				}
				ok(`"success"`)(w, r)
			})
			if err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image}); err != nil ||
				s.total("POST /check/c1/photodocument") != 2 {
				t.Errorf("%s, %s: %v, sent %d times", name, when, err, s.total("POST /check/c1/photodocument"))
			}
		}
	}
}

func TestReaderThatCannotSeekIsSentOnce(t *testing.T) {
	const n = 300_000
	client, s := uploads(t, reading(n, answer(401, "application/json", `"expired"`)), reading(n, ok(`"success"`)))
	image := api.ImageReader("f", only{bytes.NewReader(picture(n))})
	err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image})
	if !errors.Is(err, api.ErrUnauthorized) || !strings.Contains(err.Error(), "its reader cannot be read again") ||
		s.total("POST /check/c1/photodocument") != 1 {
		t.Errorf("%v, sent %d times", err, s.total("POST /check/c1/photodocument"))
	}
	err = client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image})
	if !errors.Is(err, api.ErrInvalidRequest) || !strings.Contains(err.Error(), "its reader cannot be read again") ||
		s.total("POST /check/c1/photodocument") != 1 {
		t.Errorf("%v, sent %d times", err, s.total("POST /check/c1/photodocument"))
	}
}

// As long as nothing but its beginning was read, a reader that cannot seek can still be sent.
func TestReaderOfWhichNothingWasSentCanBeSent(t *testing.T) {
	var dials atomic.Int32
	dialer := &net.Dialer{}
	srv := httptest.NewServer(exchanging(reading(2000, ok(`"success"`))))
	defer srv.Close()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) == 2 {
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}
		return dialer.DialContext(ctx, network, addr)
	}}
	client, err := api.New("key", "secret", api.WithBaseURL(srv.URL), api.WithHTTPClient(&http.Client{Transport: transport}),
		api.WithBackoff(func(int) time.Duration { return 0 }))
	if err != nil {
		t.Fatal(err)
	}
	image := api.ImageReader("f", only{bytes.NewReader(picture(2000))})
	if err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image},
		api.WithMaxImageSize(10_000)); err != nil || dials.Load() != 3 {
		t.Errorf("%v after %d connections", err, dials.Load())
	}
}

// An upload whose end never left was not performed, whatever happened to the connection, and is sent again.
func TestUploadThatBreaksOffIsSentAgain(t *testing.T) {
	const n = 8 << 20
	early := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 100_000)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
	client, s := uploads(t, early, reading(n, ok(`"success"`)))
	if err := client.AddPhotoDocumentWithImage(t.Context(), "c1",
		api.AddPhotoDocumentWithImageRequest{Image: api.ImageBytes("f", picture(n))}); err != nil || s.total("POST /check/c1/photodocument") != 2 {
		t.Errorf("%v, sent %d times", err, s.total("POST /check/c1/photodocument"))
	}
	client, s = uploads(t, early, reading(n, ok(`"success"`)))
	err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageReader("f",
		only{bytes.NewReader(picture(n))})})
	if !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "its reader cannot be read again") ||
		!strings.Contains(err.Error(), "it was not performed") || s.total("POST /check/c1/photodocument") != 1 {
		t.Errorf("%v, sent %d times", err, s.total("POST /check/c1/photodocument"))
	}
	client, s = uploads(t, reset, reading(n, ok(`"success"`))) // after the whole of it
	err = client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageBytes("f", picture(n))})
	if !errors.Is(err, api.ErrOutcomeUnknown) || s.total("POST /check/c1/photodocument") != 1 {
		t.Errorf("%v, sent %d times", err, s.total("POST /check/c1/photodocument"))
	}
}

// What fails on this side leaves the service with half a JSON text: nothing was performed, and nothing is repeated.
func TestUploadThatBreaksOffOnThisSideIsNotPerformed(t *testing.T) {
	growing := write(t, picture(100_000))
	shrinking := write(t, picture(400_000))
	for name, tt := range map[string]struct {
		image func() api.Image
		want  string
		opts  []api.CallOption
	}{
		"too large while streaming": {func() api.Image {
			return api.ImageReader("f",
				only{bytes.NewReader(picture(200_000))})
		}, "more than 150000 bytes",
			[]api.CallOption{api.WithMaxImageSize(150_000)}},
		"broken reader": {func() api.Image {
			return api.ImageReader("f", io.MultiReader(bytes.NewReader(picture(200_000)), iotest.ErrReader(errors.New("private"))))
		}, "reading the image failed", nil},
		"growing file": {func() api.Image { return api.ImageFile(growing) }, "the image changed while it was sent: it had 100000 bytes",
			[]api.CallOption{api.WithUploadProgress(func(sent, _ int64) {
				_ = os.WriteFile(growing, picture(500_000), 0o600)
			})}},
		"shrinking file": {func() api.Image { return api.ImageFile(shrinking) }, "the image changed while it was sent: it had 400000 bytes",
			[]api.CallOption{api.WithUploadProgress(func(sent, _ int64) {
				_ = os.Truncate(shrinking, 100_000)
			})}},
	} {
		broken := make(chan error, 9)
		client, s := uploads(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			broken <- err
			ok(`"success"`)(w, r)
		})
		err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: tt.image()}, tt.opts...)
		if !errors.Is(err, api.ErrInvalidRequest) || !strings.Contains(err.Error(), tt.want) ||
			!strings.Contains(err.Error(), "it was not performed") ||
			strings.Contains(err.Error(), "private") {
			t.Errorf("%s: %v", name, err)
		}
		if n := s.total("POST /check/c1/photodocument"); n > 1 || n == 1 && <-broken == nil {
			t.Errorf("%s: sent %d times", name, n)
		}
	}
}

func TestUploadProgress(t *testing.T) {
	const n = 200_000
	client, _ := uploads(t, reading(n, answer(401, "", "")), reading(n, ok(`"success"`)))
	for _, name := range []string{"seeker", "reader"} { // the first token is refused, the second is not
		image := map[string]api.Image{"seeker": api.ImageReader("f", bytes.NewReader(picture(n))),
			"reader": api.ImageReader("f", only{bytes.NewReader(picture(n))})}[name]
		var last, total int64
		restarts, calls := 0, 0
		err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image},
			api.WithUploadProgress(func(sent, of int64) {
				if sent < last {
					restarts++
				}
				last, total = sent, of
				calls++
			}))
		want := map[string]int64{"seeker": n, "reader": -1}[name]
		if err != nil || last != n || total != want || calls < 5 || name == "seeker" && restarts > 1 {
			t.Errorf("%s: %v: %d of %d in %d calls, %d restarts", name, err, last, total, calls, restarts)
		}
	}
}

func TestReaderServesOneCallAtATime(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	client, _ := uploads(t, func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(entered); <-leave })
		reading(100, ok(`"success"`))(w, r)
	})
	image := api.ImageReader("f", bytes.NewReader(picture(100)))
	upload := func() error {
		return client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image})
	}
	first := make(chan error)
	go func() { first <- upload() }()
	<-entered
	if err := upload(); !errors.Is(err, api.ErrInvalidRequest) || !strings.Contains(err.Error(), "one call at a time") {
		t.Errorf("%v", err)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := upload(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A caller who leaves does not wait for a reader that brings nothing.
func TestCallerLeavesAReaderThatBlocks(t *testing.T) {
	client, _ := uploads(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) })
	r, w := io.Pipe()
	go func() { _, _ = w.Write(picture(100_000)) }() // and then nothing
	ctx, cancel := context.WithCancel(t.Context())
	var sent atomic.Int64
	err := client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageReader("f", r)},
		api.WithUploadProgress(func(n, _ int64) {
			if sent.Store(n); n == 100_000 {
				cancel()
			}
		}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_ = w.Close()

	r, w = io.Pipe() // brings nothing at all
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageReader("f", r)}); !errors.Is(err,
		context.Canceled) {
		t.Errorf("%v", err)
	}
	_ = w.Close()
}

// onceFS opens files that cannot seek, and each of them once.
type onceFS struct {
	fs.FS
	opened *int
}

func (o onceFS) Open(name string) (fs.File, error) {
	if *o.opened++; *o.opened > 1 {
		return nil, fmt.Errorf("bucket/private.jpg: %w", syscall.EMFILE)
	}
	return unseekable{o.FS}.Open(name)
}

func TestFileThatCannotBeOpenedAgain(t *testing.T) {
	client, _ := uploads(t, reading(100, ok(`"success"`)))
	once := onceFS{fstest.MapFS{"f": {Data: picture(100)}}, new(int)}
	err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageFS(once, "f")})
	if !errors.Is(err, api.ErrInvalidRequest) || !errors.Is(err, syscall.EMFILE) || strings.Contains(err.Error(), "private") {
		t.Errorf("%v", err)
	}
}

// A slowSeeker can seek, and its reads block until it is let go.
type slowSeeker struct {
	io.ReadSeeker
	leave chan struct{}
}

func (s slowSeeker) Read(p []byte) (int, error) {
	<-s.leave
	return s.ReadSeeker.Read(p)
}

func TestCallEndsInTimeWhateverTheReaderDoes(t *testing.T) {
	client, s := uploads(t, reading(100, ok(`"success"`)))
	slow := slowSeeker{bytes.NewReader(picture(100)), make(chan struct{})}
	image := api.ImageReader("f", slow)
	err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image},
		api.WithTimeout(20*time.Millisecond))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "it was not performed") {
		t.Errorf("%v", err)
	}
	if err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image}); !errors.Is(err,
		api.ErrInvalidRequest) || !strings.Contains(err.Error(), "another call") {
		t.Errorf("while it is read: %v", err)
	}
	close(slow.leave)
	for err = io.EOF; err != nil; { // as soon as the read has ended, it can be sent
		if err = client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image}); err != nil &&
			!strings.Contains(err.Error(), "another call") {
			t.Fatal(err)
		}
	}
	if n := s.total("POST /check/c1/photodocument"); n != 1 {
		t.Errorf("sent %d times", n)
	}
	fifo := filepath.Join(t.TempDir(), "fifo.jpg")
	if syscall.Mkfifo(fifo, 0o600) == nil {
		if err := client.AddPhotoDocumentWithImage(t.Context(), "c1",
			api.AddPhotoDocumentWithImageRequest{Image: api.ImageFile(fifo)}); !errors.Is(err,
			api.ErrInvalidRequest) || !strings.Contains(err.Error(), "it is no regular file") {
			t.Errorf("%v", err)
		}
	}
}

// Once a call has returned, its reader and its callback are left alone, even when the service did not want the image.
func TestReaderIsTheCallersAgainWhenTheCallReturns(t *testing.T) {
	client, _ := uploads(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 200_000)
		answer(400, "application/json", `"no"`)(w, r)
	})
	for range 20 {
		var reads, told int // races with what goes on, if anything does
		content := bytes.NewReader(picture(8 << 20))
		r := readerFunc(func(p []byte) (int, error) { reads++; return content.Read(p[:min(len(p), 4096)]) })
		err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageReader("f", r)},
			api.WithUploadProgress(func(int64, int64) { told++ }))
		reads++
		told++
		if err == nil {
			t.Fatal("no error")
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A service that says yes to an image that broke off on this side may have kept a part of it.
func TestSuccessOfAnUploadThatBrokeOffIsNone(t *testing.T) {
	client, _ := uploads(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		ok(`"success"`)(w, r)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body)
	})
	image := api.ImageReader("f", io.MultiReader(bytes.NewReader(picture(5<<20)), iotest.ErrReader(errors.New("broken"))))
	if err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image}); err == nil {
		t.Error("no error")
	}
}

// Over HTTP/2, with TLS or without, net/http would send whatever it can have again when a stream is reset, even after the
// service has it all.
func TestStreamThatIsResetIsNotRepeated(t *testing.T) {
	t.Run("TLS", func(t *testing.T) {
		cert := httptest.NewUnstartedServer(nil)
		cert.StartTLS() // for its certificate
		defer cert.Close()
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: cert.TLS.Certificates, NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		transport := cert.Client().Transport.(*http.Transport).Clone()
		transport.ForceAttemptHTTP2 = true
		testResetStreams(t, "https://", listener, transport)
	})
	t.Run("without TLS", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetUnencryptedHTTP2(true)
		testResetStreams(t, "http://", listener, transport)
	})
}

func testResetStreams(t *testing.T, scheme string, listener net.Listener, transport *http.Transport) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	var received atomic.Int32
	var tokenGiven atomic.Bool
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				resetStreams(conn, &tokenGiven, &received)
			})
		}
	})
	defer serving.Wait()
	defer cancel()
	defer listener.Close()
	defer transport.CloseIdleConnections()
	client, err := api.New("key", "secret", api.WithBaseURL(scheme+listener.Addr().String()), api.WithHTTPClient(&http.Client{Transport: transport}),
		quick)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	raw := func(resp *http.Response, err error) error {
		if err == nil {
			return fmt.Errorf("an answer: %v", resp.Status)
		}
		return api.ErrOutcomeUnknown
	}
	search := api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"}
	calls := map[string]func() error{
		"upload": func() error {
			return client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: api.ImageBytes("f", picture(20_000))})
		},
		"search": func() error {
			_, err := client.SearchWatchlists(ctx, search)
			return err
		},
		"submit": func() error {
			_, err := client.SubmitCheck(ctx, "c1", api.WithTimeout(300*time.Millisecond))
			return err
		},
		"raw search": func() error { return raw(client.Raw().SearchWatchlists(ctx, search)) },
		"raw submit": func() error { return raw(client.Raw().SubmitCheck(ctx, "c1")) },
	}
	for _, name := range []string{"upload", "search", "raw search", "raw submit", "submit"} { // the last one also looks
		if err := client.Provider().Warm(ctx); err != nil {
			t.Fatal(err)
		}
		received.Store(0)
		err := calls[name]()
		if want := int32(1); !errors.Is(err, api.ErrOutcomeUnknown) || name != "submit" && received.Load() != want {
			t.Errorf("%s: %v, received %d times", name, err, received.Load())
		}
	}
}

// Where nothing was written, such as on a connection that the service has closed meanwhile, net/http may send it again.
func TestBodyIsHadAgainWhereNothingWasSent(t *testing.T) {
	asked := 0
	client, err := api.New("key", "secret", api.WithHTTPClient(&http.Client{Transport: exchangingTransport(func(r *http.Request) (*http.Response,
		error) {
		for range 2 { // as net/http does before it has read the body
			body, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			asked++
			r.Body = body
		}
		if body, err := io.ReadAll(r.Body); err != nil || !bytes.HasSuffix(body, []byte(`}`)) {
			t.Errorf("%q, %v", body, err)
		}
		if _, err := r.GetBody(); err == nil {
			t.Error("the body can be had again after it was sent, over a connection of which nothing is known")
		}
		return respond(200, `"success"`), nil
	})}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.AddPhotoDocumentWithImage(t.Context(), "c1",
		api.AddPhotoDocumentWithImageRequest{Image: api.ImageBytes("f", picture(2000))}); err != nil || asked != 2 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}

// resetStreams speaks just enough HTTP/2 to hand out a token on the first stream of all and to reset every other when its request
// is complete.
func resetStreams(conn net.Conn, tokenGiven *atomic.Bool, received *atomic.Int32) {
	defer conn.Close()
	frame := func(kind, flags byte, stream uint32, payload string) {
		head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
		_, _ = conn.Write(append(binary.BigEndian.AppendUint32(head, stream), payload...))
	}
	if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	frame(4, 0, 0, "\x00\x04\x00\xff\xff\xff") // SETTINGS: a large window
	frame(8, 0, 0, "\x00\xff\xff\xff")         // WINDOW_UPDATE
	for {
		var head [9]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		if _, err := io.CopyN(io.Discard, conn, int64(head[0])<<16|int64(head[1])<<8|int64(head[2])); err != nil {
			return
		}
		switch {
		case kind == 4 && flags&1 == 0:
			frame(4, 1, 0, "") // acknowledged
		case kind <= 1 && flags&1 != 0 && tokenGiven.CompareAndSwap(false, true): // the end of a stream
			frame(1, 4, stream, "\x88\x0f\x10\x10application/json")
			frame(0, 1, stream, `{"token":"opaque"}`)
		case kind <= 1 && flags&1 != 0:
			received.Add(1)
			frame(3, 0, stream, "\x00\x00\x00\x01") // RST_STREAM: PROTOCOL_ERROR
		}
	}
}

func TestUploadsPrintNothingPrivate(t *testing.T) {
	image := api.ImageBytes("maria.jpg", picture(100))
	for _, v := range []any{
		image, &image, api.AddIDDocumentWithImageRequest{Side: api.DocumentSideFront, Image: image},
		&api.AddPhotoDocumentWithImageRequest{Image: image},
		api.SearchWatchlistsWithImageRequest{FirstName: "maria", Image: image}, api.ImageReader("maria", strings.NewReader("maria")),
		api.ImageFile("maria"),
	} {
		for form, text := range printed(v) {
			if strings.Contains(text, "maria") || strings.Contains(text, "0x") || strings.Contains(text, "JFIF") {
				t.Errorf("%s prints %s", form, text)
			}
		}
	}
	client, _ := uploads(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer(400, "application/json", fmt.Sprintf("%q", body[:150]))(w, r)
	})
	err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image})
	if !errors.Is(err, api.ErrInvalidRequest) || strings.Contains(err.Error(), "/9j/") || strings.Contains(err.Error(), "maria") {
		t.Errorf("%v", err)
	}
}

// allocated returns how many bytes f allocates at least.
func allocated(f func()) uint64 {
	least := ^uint64(0)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// Twenty megabytes go to the sandbox and come back bit for bit, in constant memory on both sides.
func TestLargeImagesCostLittleMemory(t *testing.T) {
	sb := sandbox.Start(t)
	client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()
	check, err := client.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: sb.GroupID, Email: "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	content := picture(api.DefaultMaxImageSize)
	if cost := allocated(func() {
		if err := client.AddIDDocumentWithImage(ctx, check.CheckID,
			api.AddIDDocumentWithImageRequest{Type: api.DocumentTypePassportImage, Side: api.DocumentSideFront,
				Image: api.ImageReader("f", bytes.NewReader(content))}); err != nil {
			t.Fatal(err)
		}
	}); cost > 1<<20 {
		t.Errorf("the upload cost %d KB, client and sandbox together", cost>>10)
	}
	for name, f := range map[string]func() error{
		"personal information": func() error {
			return client.AddPersonalInfo(ctx, check.CheckID, api.AddPersonalInfoRequest{FirstName: "A", LastName: "B", StreetAddress1: "1",
				DateOfBirth: "04/17/1988", Country: "US"})
		},
		"phone": func() error {
			return client.AddPhone(ctx, check.CheckID, api.AddPhoneRequest{Number: "1", Country: "US"})
		},
		"photo": func() error {
			return client.AddPhotoDocumentWithImage(ctx, check.CheckID, api.AddPhotoDocumentWithImageRequest{Image: api.ImageBytes("f",
				picture(70_000))})
		},
	} {
		if err := f(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if _, err := client.SubmitCheck(ctx, check.CheckID); err != nil {
		t.Fatal(err)
	}
	results, err := client.GetCheckResults(ctx, check.CheckID)
	if err != nil {
		t.Fatal(err)
	}
	front := results.CheckResults.IdentificationDocument.FrontID
	got := bytes.NewBuffer(make([]byte, 0, len(content)+bytes.MinRead))
	if cost := allocated(func() {
		got.Reset()
		image, err := client.DownloadCheckDocument(ctx, check.CheckID, front, got)
		if err != nil || image.MediaType != "image/jpeg" || image.Size != int64(len(content)) {
			t.Fatalf("%v, %v", image, err)
		}
	}); cost > 1<<20 {
		t.Errorf("the download cost %d KB, client and sandbox together", cost>>10)
	}
	if !bytes.Equal(got.Bytes(), content) {
		t.Error("the image came back changed")
	}
	file := filepath.Join(t.TempDir(), "photo.jpg")
	if _, err := client.DownloadCheckDocumentFile(ctx, check.CheckID, results.CheckResults.PhotoVerification.ID, file); err != nil {
		t.Fatal(err)
	}
	if photo, err := os.ReadFile(file); err != nil || !bytes.Equal(photo, picture(70_000)) {
		t.Errorf("%d bytes, %v", len(photo), err)
	}
}

func TestDownload(t *testing.T) {
	content := picture(100_000)
	url := "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(content)
	whole := `{"base64":"` + url + `"}`
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
		_, _ = io.WriteString(w, whole[:90_000])
	}
	tests := []struct {
		name  string
		steps []http.HandlerFunc
		class error  // nil for success
		text  string // in the error
		times int    // how often it is sent for a writer
		again int    // … and for a file
	}{
		{"base64", []http.HandlerFunc{ok(whole)}, nil, "", 1, 1},
		{"document", []http.HandlerFunc{ok(`{"x":1,"document":"` + url + `"}`)}, nil, "", 1, 1},
		{"both", []http.HandlerFunc{ok(`{"base64":"` + url + `","document":"` + url + `"}`)}, nil, "", 1, 1},
		{"escaped", []http.HandlerFunc{ok(strings.NewReplacer("/", `\/`, "+", `\u002B`).Replace(whole))}, nil, "", 1, 1},
		{"unavailable, then there", []http.HandlerFunc{answer(503, "", ""), ok(whole)}, nil, "", 2, 2},
		{"neither", []http.HandlerFunc{ok(`{"data":"` + url + `"}`)}, api.ErrUnexpectedResponse, "the answer lacks base64", 1, 1},
		{"null", []http.HandlerFunc{ok(`{"base64":null}`)}, api.ErrUnexpectedResponse, "the answer lacks base64", 1, 1},
		{"empty under one name", []http.HandlerFunc{ok(`{"document":"","base64":"` + url + `"}`)}, nil, "", 1, 1},
		{"empty image", []http.HandlerFunc{ok(`{"base64":"data:image/jpeg;base64,"}`)}, api.ErrUnexpectedResponse, "it is empty", 4, 4},
		{"number", []http.HandlerFunc{ok(`{"base64":5}`)}, api.ErrUnexpectedResponse, "JSON number at base64", 1, 1},
		{"no Data URL", []http.HandlerFunc{ok(`{"base64":"/9j/4AAQ"}`)}, api.ErrUnexpectedResponse, "malformed Data URL", 4, 4},
		{"not Base64", []http.HandlerFunc{ok(`{"base64":"data:image/jpeg;base64,/9j/4A=Q"}`)}, api.ErrUnexpectedResponse, "malformed Data URL", 1, 4},
		{"broken off", []http.HandlerFunc{cut}, api.ErrUnexpectedResponse, "the answer broke off", 1, 4},
		{"broken off, then whole", []http.HandlerFunc{cut, ok(whole)}, api.ErrUnexpectedResponse, "were written", 1, 2},
		{"truncated", []http.HandlerFunc{ok(whole[:90_000])}, api.ErrUnexpectedResponse, "the answer is truncated", 1, 4},
		{"garbage behind", []http.HandlerFunc{ok(whole + "x")}, api.ErrUnexpectedResponse, "not valid JSON", 1, 4},
		{"twice", []http.HandlerFunc{ok(`{"base64":"` + url + `","base64":"` + url + `"}`)}, api.ErrUnexpectedResponse, "twice at base64", 1, 1},
		{"no such image", []http.HandlerFunc{answer(404, "application/json", `"none"`)}, api.ErrNotFound, "none", 1, 1},
		{"too large", []http.HandlerFunc{ok(`{"base64":"data:image/png;base64,` + strings.Repeat("A", 400_000) + `"}`)}, api.ErrUnexpectedResponse,
			"larger than 300000 bytes", 1, 1},
	}
	for _, tt := range tests {
		client, s := scripted(t, map[string][]http.HandlerFunc{"GET /checkdoc/c1/d1": tt.steps}, api.WithMaxResponseSize(300_000))
		var w bytes.Buffer
		image, err := client.DownloadCheckDocument(t.Context(), "c1", "d1", &w)
		switch {
		case tt.class == nil:
			if err != nil || !bytes.Equal(w.Bytes(), content) || *image != (api.Downloaded{MediaType: "image/jpeg", Size: 100_000}) {
				t.Errorf("%s: %d bytes, %v, %v", tt.name, w.Len(), image, err)
			}
		case image != nil || !errors.Is(err, tt.class) || !strings.Contains(err.Error(), tt.text):
			t.Errorf("%s: %v, %v", tt.name, image, err)
		}
		if n := s.total("GET /checkdoc/c1/d1"); n != tt.times {
			t.Errorf("%s: sent %d times", tt.name, n)
		}

		client, s = scripted(t, map[string][]http.HandlerFunc{"GET /checkdoc/c1/d1": tt.steps}, api.WithMaxResponseSize(300_000))
		dir := t.TempDir()
		file := filepath.Join(dir, "image.jpg")
		_ = os.WriteFile(file, []byte("before"), 0o644)
		image, err = client.DownloadCheckDocumentFile(t.Context(), "c1", "d1", file)
		got, _ := os.ReadFile(file)
		info, _ := os.Stat(file)
		entries, _ := os.ReadDir(dir)
		if len(entries) != 1 {
			t.Errorf("%s: %v is left", tt.name, entries)
		}
		switch {
		case tt.class == nil || tt.name == "broken off, then whole":
			if err != nil || !bytes.Equal(got, content) || image.Size != 100_000 || info.Mode() != 0o600 {
				t.Errorf("%s to a file: %d bytes, %v, %v, %v", tt.name, len(got), image, info.Mode(), err)
			}
		case image != nil || !errors.Is(err, tt.class) || string(got) != "before":
			t.Errorf("%s to a file: %v, %v, %.20q", tt.name, image, err, got)
		}
		if n := s.total("GET /checkdoc/c1/d1"); n != tt.again {
			t.Errorf("%s to a file: sent %d times", tt.name, n)
		}
	}
}

func TestDownloadTellsTheFaultOfTheWriter(t *testing.T) {
	url := "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(picture(100_000))
	full := errors.New("private")
	client, s := scripted(t, map[string][]http.HandlerFunc{"GET /checkdoc/c1/d1": {ok(`{"base64":"` + url + `"}`)}})
	image, err := client.DownloadCheckDocument(t.Context(), "c1", "d1", writer(func([]byte) (int, error) { return 7, full }))
	if image != nil || !errors.Is(err, full) || !strings.Contains(err.Error(), "writing the image failed after 7 bytes") ||
		strings.Contains(err.Error(), "private") || errors.Is(err, api.ErrUnexpectedResponse) {
		t.Errorf("%v, %v", image, err)
	}
	if n := s.total("GET /checkdoc/c1/d1"); n != 1 {
		t.Errorf("sent %d times", n)
	}
	if _, err := client.DownloadCheckDocument(t.Context(), "c1", "d1", nil); !errors.Is(err, api.ErrInvalidRequest) {
		t.Errorf("%v", err)
	}
	for _, file := range []string{"", filepath.Join(t.TempDir(), "none", "image.jpg")} {
		var failure *api.Error
		if _, err := client.DownloadCheckDocumentFile(t.Context(), "c1", "d1", file); !errors.As(err, &failure) ||
			strings.Contains(err.Error(), "none/") {
			t.Errorf("%v", err)
		}
	}
	if n := s.total("GET /checkdoc/c1/d1"); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// Who says yes before the whole image has arrived does not have it: what became of it is unknown.
func TestSuccessBeforeTheWholeImageIsNone(t *testing.T) {
	for name, image := range map[string]api.Image{
		"bytes":  api.ImageBytes("a.jpg", picture(8<<20)),
		"reader": api.ImageReader("a.jpg", only{bytes.NewReader(picture(8 << 20))}),
	} {
		calls := 0
		client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			calls++
			_, _ = io.CopyN(io.Discard, r.Body, 1000)
			ok(`"success"`)(w, r)
		}, quick)
		err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: image})
		if !errors.Is(err, api.ErrOutcomeUnknown) || calls != 1 || !strings.Contains(err.Error(), "before it had the whole image") {
			t.Errorf("%s: %v after %d calls", name, err, calls)
		}
	}
}

// A reader that panics, such as a nil pointer, is an error of the call: in a goroutine of ours it would end the process.
func TestWhatPanicsIsAnErrorOfTheCall(t *testing.T) {
	client, _ := uploads(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		ok(`"success"`)(w, r)
	})
	large := picture(100_000)
	panicking := func(after int) io.Reader {
		left := bytes.NewReader(large[:after])
		return readerFunc(func(p []byte) (int, error) {
			if left.Len() == 0 {
				panic("private")
			}
			return left.Read(p)
		})
	}
	for name, tt := range map[string]struct {
		image api.Image
		opts  []api.CallOption
	}{
		"a nil reader that can seek": {image: api.ImageReader("a.png", (*bytes.Reader)(nil))},
		"a nil reader":               {image: api.ImageReader("a.png", (*only)(nil))},
		"a nil file":                 {image: api.ImageReader("a.png", (*strings.Reader)(nil))},
		"at once":                    {image: api.ImageReader("a.png", panicking(0))},
		"within the image":           {image: api.ImageReader("a.png", panicking(50_000))},
		"a file system":              {image: api.ImageFS(panickingFS{}, "a.png")},
		"a reader that counts wrong": {image: api.ImageReader("a.png", readerFunc(func(p []byte) (int, error) { return len(p) + 1, nil }))},
		"a reader that brings nothing": {image: api.ImageReader("a.png",
			io.MultiReader(bytes.NewReader(large[:50_000]), readerFunc(func([]byte) (int, error) { return 0, nil })))},
		"a reader that goes away": {image: api.ImageReader("a.png", readerFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil }))},
		"the function of the progress": {api.ImageBytes("a.png", large), []api.CallOption{api.WithUploadProgress(func(int64,
			int64) {
			panic("private")
		})}},
	} {
		err := client.AddPhotoDocumentWithImage(t.Context(), "c1", api.AddPhotoDocumentWithImageRequest{Image: tt.image}, tt.opts...)
		if err == nil || strings.Contains(err.Error(), "private") || !strings.Contains(err.Error(), "panicked") &&
			!strings.Contains(name, "goes away") &&
			!strings.Contains(name, "counts") && !strings.Contains(name, "nothing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type panickingFS struct{}

func (panickingFS) Open(string) (fs.File, error) { panic("private") }

func TestPanickingTransportLeavesNoFileBehind(t *testing.T) {
	client := answeringRequest(t, func(*http.Request) (*http.Response, error) { panic("a transport") })
	dir := t.TempDir()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is lost")
			}
		}()
		_, _ = client.DownloadCheckDocumentFile(t.Context(), "c1", "d1", filepath.Join(dir, "image"))
	}()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestImageWithoutPaddingIsDownloaded(t *testing.T) {
	for n := range 5 {
		content := picture(100 + n)
		client := newClient(t, ok(`{"base64":"data:image/jpeg;base64,`+base64.RawStdEncoding.EncodeToString(content)+`"}`), quick)
		var got bytes.Buffer
		if image, err := client.DownloadCheckDocument(t.Context(), "c1", "d1", &got); err != nil || image.Size != int64(len(content)) ||
			!bytes.Equal(got.Bytes(), content) {
			t.Errorf("%d bytes: %v, %v", len(content), image, err)
		}
	}
}
