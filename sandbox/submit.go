package sandbox

import (
	"context"
	"net/http"
	"slices"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

func (c *check) needsPhoto() bool {
	return c.has(server.CheckTypePhotoVerification) || c.has(server.CheckTypeVisualWatchlist)
}

func (c *check) needsDocument() bool {
	return c.needsPhoto() || c.has(server.CheckTypeDocumentVerification)
}

// missing names what a check needs before it can be submitted, as its types ask for it, and how to add it.
func (c *check) missing(group Group) map[string][]string {
	missing := make(map[string][]string)
	need := func(is bool, name, operation string) {
		if is {
			missing[name] = []string{"is missing; add it with POST /check/{id}/" + operation}
		}
	}
	photo, document := c.needsPhoto(), c.needsDocument()
	need(slices.ContainsFunc(needsPerson, c.has) && c.person == nil, "personalInfo", "personalinfo")
	need(c.has(server.CheckTypeAddressVerification) && c.person != nil && *text(c.person.StreetAddress1) == "", "personalInfo.streetAddress1",
		"personalinfo")
	need(c.has(server.CheckTypePhoneVerification) && c.phone == nil, "phone", "phone")
	need(document && c.front == nil, "idDocument.front", "iddocument")
	need(document && c.back == nil && c.documentType != server.DocumentTypePassportImage, "idDocument.back", "iddocument")
	need(photo && c.photo == nil, "photoDocument", "photodocument")
	need(photo && group.ExtendedPhoto && c.extended == nil, "photoDocument.extended", "photodocument with extended: true")
	for _, paper := range c.neededPapers() {
		need(c.papers[paper] == nil, "supplementalDocument."+string(paper), "supplementaldocument")
	}
	return missing
}

// submit finalises a check that lacks nothing. s.mu is held.
func (s *Sandbox) submit(c *check) {
	c.submitted = s.config.now()
	c.submissions++
	if c.has(server.CheckTypeWatchlist) || c.has(server.CheckTypeVisualWatchlist) {
		c.searchID = s.searchFor(c).id
	}
	s.settleLater(c)
}

func (s *service) SubmitCheck(_ context.Context, r server.SubmitCheckRequestObject) (server.SubmitCheckResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	if !c.submitted.IsZero() {
		s.repeats++
		return nil, problem(http.StatusConflict, "The check is submitted already.")
	}
	if missing := c.missing(s.config.group); len(missing) > 0 {
		f := invalid(missing)
		f.Title = "The check is incomplete."
		return nil, f
	}
	s.submit(c)
	results := s.results(c)
	if results.CheckResults == nil {
		return server.SubmitCheck200JSONResponse{Status: results.Status}, nil
	}
	return server.SubmitCheck200JSONResponse{
		ID:                   &results.ID,
		OrganizationID:       results.OrganizationID,
		GroupID:              &results.GroupID,
		ThirdPartyIdentifier: &results.ThirdPartyIdentifier,
		Status:               results.Status,
		StatusReason:         results.StatusReason,
		CheckTypes:           results.CheckTypes,
		Warnings:             results.Warnings,
		CheckResults:         results.CheckResults,
	}, nil
}
