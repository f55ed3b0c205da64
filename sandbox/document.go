package sandbox

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/goaver/aver-go/sandbox/internal/server"
	"github.com/goaver/aver-go/wire/dataurl"
)

// A document is an image that was uploaded. It never changes.
type document struct {
	id         string
	media      string // image/jpeg or image/png
	unreadable bool   // it was kept although it cannot be read
	content    *blob
}

var (
	jpegMagic = []byte{0xFF, 0xD8, 0xFF}
	pngMagic  = []byte("\x89PNG\r\n\x1a\n")
)

// received is the images of a request. They are taken out of it on its way in, and its body names them instead, so that
// the rest of the sandbox sees a small request.
type received struct {
	store *store
	byID  map[string]*receivedImage
}

type receivedImage struct {
	document
	problem string // why it cannot be accepted
	kept    bool
}

type receivedKey struct{}

// take stores an image that is the value of a property, and returns a Data URL with the same beginning that names it.
func (r *received) take(_ string, value io.Reader) (string, error) {
	var beginning beginning
	media, content, err := dataurl.Decode(io.TeeReader(value, &beginning))
	if errors.Is(err, dataurl.ErrMalformed) {
		return beginning.upTo(','), nil // the contract refuses it
	}
	if err != nil {
		return "", err
	}
	image := &receivedImage{document: document{id: uuid.NewString(), media: media}}
	image.content, err = r.store.keep(content)
	switch {
	case errors.Is(err, dataurl.ErrMalformed):
		image.problem = "is not valid Base64"
	case err != nil:
		return "", err
	case !bytes.HasPrefix(image.content.head, jpegMagic) && media == "image/jpeg",
		!bytes.HasPrefix(image.content.head, pngMagic) && media == "image/png":
		image.problem = "is not an image of the type that it claims, " + media
	}
	r.byID[image.id] = image
	return beginning.upTo(',') + image.id, nil
}

// drop forgets the images that no check kept.
func (r *received) drop() {
	for _, image := range r.byID {
		if !image.kept && image.content != nil {
			r.store.drop(image.content)
		}
	}
}

// A beginning is the first bytes of what is written to it.
type beginning struct{ b []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.b = append(b.b, p[:min(len(p), 256-len(b.b))]...)
	return len(p), nil
}

// upTo returns what was written up to and including c.
func (b *beginning) upTo(c byte) string {
	before, _, found := strings.Cut(string(b.b), string(c))
	if !found {
		return before
	}
	return before + string(c)
}

// readDocument returns the image that a Data URL of a request names.
func readDocument(ctx context.Context, dataURL string) (*receivedImage, error) {
	_, id, _ := strings.Cut(dataURL, ",")
	images, ok := ctx.Value(receivedKey{}).(*received)
	if !ok || images.byID[id] == nil {
		return nil, invalid(map[string][]string{"fileContent": {"holds no image"}})
	}
	image := images.byID[id]
	if image.problem != "" {
		return nil, invalid(map[string][]string{"fileContent": {image.problem}})
	}
	return image, nil
}

// An upload is an image that is to be stored with a check.
type upload struct {
	checkID, name, dataURL string
	force                  *bool // nil where the service looks at no content
}

// addDocument stores an image with a check that still takes data. One that cannot be read is refused, so that the person
// can try again, unless the caller wants it kept.
func (s *Sandbox) addDocument(ctx context.Context, u upload, place func(*check, *document)) error {
	image, err := readDocument(ctx, u.dataURL)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findOpen(u.checkID)
	if err != nil {
		return err
	}
	unreadable := u.force != nil && (c.outcome.unreadable || unreadableName(u.name))
	if unreadable && !*u.force {
		return problem(http.StatusBadRequest, "The image cannot be read. Take it again, or have it kept with forceCommit.")
	}
	image.kept = true
	c.touched = true
	image.unreadable = unreadable
	c.hold(&image.document)
	place(c, &image.document)
	return nil
}

// isTrue is false for an absent value.
func isTrue(b *bool) bool { return b != nil && *b }

func (s *service) AddIDDocument(ctx context.Context, r server.AddIDDocumentRequestObject) (server.AddIDDocumentResponseObject, error) {
	u := upload{r.ID, r.Body.FileName, r.Body.FileContent, new(isTrue(r.Body.ForceCommit))}
	err := s.addDocument(ctx, u, func(c *check, d *document) {
		c.documentType = r.Body.Type
		if r.Body.Side == server.DocumentSideBack {
			c.back = d
		} else {
			c.front = d
		}
	})
	return server.AddIDDocument200JSONResponse(server.AcknowledgementSuccess), err
}

func (s *service) AddPhotoDocument(ctx context.Context, r server.AddPhotoDocumentRequestObject) (server.AddPhotoDocumentResponseObject, error) {
	u := upload{r.ID, r.Body.FileName, r.Body.FileContent, new(isTrue(r.Body.ForceCommit))}
	err := s.addDocument(ctx, u, func(c *check, d *document) {
		if isTrue(r.Body.Extended) {
			c.extended = d
		} else {
			c.photo = d
		}
	})
	return server.AddPhotoDocument200JSONResponse(server.AcknowledgementSuccess), err
}

func (s *service) AddSupplementalDocument(ctx context.Context,
	r server.AddSupplementalDocumentRequestObject) (server.AddSupplementalDocumentResponseObject, error) {
	u := upload{checkID: r.ID, name: r.Body.FileName, dataURL: r.Body.FileContent}
	err := s.addDocument(ctx, u, func(c *check, d *document) { c.setPaper(r.Body.Type, d) })
	return server.AddSupplementalDocument200JSONResponse(server.AcknowledgementSuccess), err
}

func (s *service) GetPhotoInstruction(_ context.Context, r server.GetPhotoInstructionRequestObject) (server.GetPhotoInstructionResponseObject,
	error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	return server.GetPhotoInstruction200JSONResponse{Instruction: c.pose}, nil
}

func (s *service) GetCheckDocument(_ context.Context, r server.GetCheckDocumentRequestObject) (server.GetCheckDocumentResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	d, ok := c.documents[r.DocID]
	if !ok {
		return nil, problem(http.StatusNotFound, "The check has no image with this ID.")
	}
	name := "base64"
	if slices.Contains(s.quirks(), QuirkDocument) {
		name = "document"
	}
	return streamedDocument{name, d}, nil
}

// A streamedDocument is the answer with an image. It writes the image while it reads it.
type streamedDocument struct {
	property string
	*document
}

// VisitGetCheckDocumentResponse writes the answer.
func (d streamedDocument) VisitGetCheckDocumentResponse(w http.ResponseWriter) error {
	before, behind := fmt.Sprintf(`{"%s":"%s`, d.property, dataurl.Prefix(d.media)), "\"}\n"
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(int64(len(before)+len(behind))+dataurl.EncodedLen(d.content.size)))
	w.WriteHeader(http.StatusOK)
	content := base64.NewEncoder(base64.StdEncoding, w)
	_, _ = io.WriteString(w, before) // once it has begun, an answer can only break off
	if _, err := d.content.WriteTo(content); err == nil {
		_ = content.Close()
		_, _ = io.WriteString(w, behind)
	}
	return nil
}
