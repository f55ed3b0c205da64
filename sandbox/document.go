package sandbox

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// A document is an image that was uploaded. It never changes.
type document struct {
	id      string
	media   string // image/jpeg or image/png
	content []byte
}

var (
	jpegMagic = []byte{0xFF, 0xD8, 0xFF}
	pngMagic  = []byte("\x89PNG\r\n\x1a\n")
)

// readDocument reads an image from a Data URL, whose form the contract has checked already.
func readDocument(dataURL string) (*document, error) {
	media, encoded, _ := strings.Cut(strings.TrimPrefix(dataURL, "data:"), ";base64,")
	content, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, invalid(map[string][]string{"fileContent": {"is not valid Base64"}})
	}
	magic := jpegMagic
	if media == "image/png" {
		magic = pngMagic
	}
	if !bytes.HasPrefix(content, magic) {
		return nil, invalid(map[string][]string{"fileContent": {"is not an image of the type that it claims, " + media}})
	}
	return &document{id: uuid.NewString(), media: media, content: content}, nil
}

// addDocument stores an image with a check that still takes data.
func (s *Sandbox) addDocument(checkID, dataURL string, place func(*check, *document)) error {
	d, err := readDocument(dataURL)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findOpen(checkID)
	if err != nil {
		return err
	}
	c.touched = true
	c.documents[d.id] = d
	place(c, d)
	return nil
}

func (s *service) AddIDDocument(_ context.Context, r server.AddIDDocumentRequestObject) (server.AddIDDocumentResponseObject, error) {
	err := s.addDocument(r.ID, r.Body.FileContent, func(c *check, d *document) {
		c.documentType = r.Body.Type
		if r.Body.Side == server.DocumentSideBack {
			c.back = d
		} else {
			c.front = d
		}
	})
	return server.AddIDDocument200JSONResponse(server.AcknowledgementSuccess), err
}

func (s *service) AddPhotoDocument(_ context.Context, r server.AddPhotoDocumentRequestObject) (server.AddPhotoDocumentResponseObject, error) {
	err := s.addDocument(r.ID, r.Body.FileContent, func(c *check, d *document) { c.photo = d })
	return server.AddPhotoDocument200JSONResponse(server.AcknowledgementSuccess), err
}

func (s *service) AddSupplementalDocument(_ context.Context, r server.AddSupplementalDocumentRequestObject) (server.AddSupplementalDocumentResponseObject, error) {
	err := s.addDocument(r.ID, r.Body.FileContent, func(c *check, d *document) { c.papers[r.Body.Type] = d })
	return server.AddSupplementalDocument200JSONResponse(server.AcknowledgementSuccess), err
}

func (s *service) GetPhotoInstruction(_ context.Context, r server.GetPhotoInstructionRequestObject) (server.GetPhotoInstructionResponseObject, error) {
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
	url := "data:" + d.media + ";base64," + base64.StdEncoding.EncodeToString(d.content)
	return server.GetCheckDocument200JSONResponse{DataURL: &url}, nil
}
