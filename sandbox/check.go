package sandbox

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// A check is a check of a person. Sandbox.mu guards it.
type check struct {
	id           string
	identifier   string
	email        string
	returnURL    string
	types        []server.CheckType
	supplements  []server.SupplementalDocumentType
	categories   []server.WatchlistCategory
	recheck      int
	outcome      outcome
	pose         server.PhotoPose
	touched      bool // the person did something
	enrolled     bool // through the hosted enrollment
	person       *server.AddPersonalInfoRequest
	phone        *server.AddPhoneRequest
	documentType server.DocumentType
	documents    map[string]*document // by ID
	front, back  *document
	photo        *document
	extended     *document // the photograph that follows the pose
	link         string    // the code of the newest link
	session      string    // the token of the newest session of the enrollment
	language     string    // of the enrollment
	skipCode     bool      // the person chooses no code for coming back
	code         personalCode
	guesses      int // wrong ones of that
	consented    bool
	papers       map[server.SupplementalDocumentType]*document
	submitted    time.Time          // zero before
	decided      server.CheckStatus // by hand; empty before
	submissions  int                // how often the check was charged for
	searchID     string
	notified     bool // of the end of the check
}

func (c *check) has(t server.CheckType) bool { return slices.Contains(c.types, t) }

// status returns where the check stands: before it is submitted that depends on the person, afterwards on time.
func (s *Sandbox) status(c *check) server.CheckStatus {
	switch {
	case c.submitted.IsZero() && !c.touched:
		return server.CheckStatusCreated
	case c.submitted.IsZero():
		return server.CheckStatusAwaitingUser
	}
	duration := s.duration(c)
	elapsed := s.config.now().Sub(c.submitted)
	switch {
	case c.decided != "":
		return c.decided
	case elapsed >= duration && c.outcome.wait:
		return server.CheckStatusInReview
	case elapsed >= duration && c.unreadable():
		return server.CheckStatusRejected
	case elapsed >= duration:
		return c.outcome.status
	case c.outcome.review && elapsed >= duration*2/3:
		return server.CheckStatusInReview
	case c.outcome.review && elapsed >= duration/3:
		return server.CheckStatusAwaitingReview
	}
	return server.CheckStatusAwaitingAutomation
}

// duration returns how long the check takes once it is submitted.
func (s *Sandbox) duration(c *check) time.Duration {
	if c.outcome.slow || c.unreadable() {
		return max(s.config.processing, s.config.slow)
	}
	return s.config.processing
}

// final reports whether a check in a state is done.
func final(status server.CheckStatus) bool { return slices.Contains(finalStates(), string(status)) }

var finalStates = sync.OnceValue(func() []string { return namesIn("CheckStatus", "x-final") })

// find returns a check. s.mu is held.
func (s *Sandbox) find(id string) (*check, error) {
	if c, ok := s.checks[id]; ok {
		return c, nil
	}
	return nil, problem(http.StatusNotFound, "No check has this ID.")
}

// findOpen returns a check that still takes data. s.mu is held.
func (s *Sandbox) findOpen(id string) (*check, error) {
	c, err := s.find(id)
	if err == nil && !c.submitted.IsZero() {
		return nil, problem(http.StatusConflict, "The check is submitted and takes no more data.")
	}
	return c, err
}

// describe returns what the service says of a check. s.mu is held.
func (s *Sandbox) describe(c *check) server.Check {
	s.settle(c)
	check := server.Check{
		ID:                   c.id,
		OrganizationID:       &s.config.organizationID,
		GroupID:              s.config.group.ID,
		ThirdPartyIdentifier: c.identifier,
		Status:               s.status(c),
		CheckTypes:           c.types,
	}
	if check.Status == server.CheckStatusRejected {
		check.StatusReason = c.reason()
	}
	return check
}

// unreadable reports whether an image counts that cannot be read.
func (c *check) unreadable() bool {
	return slices.ContainsFunc([]*document{c.front, c.back, c.photo, c.extended}, func(d *document) bool { return d != nil && d.unreadable })
}

// neededPapers returns the supplemental documents that the check needs.
func (c *check) neededPapers() []server.SupplementalDocumentType {
	if c.has(server.CheckTypeAccreditedInvestor) {
		return append(slices.Clip(c.supplements), server.SupplementalDocumentTypeAccreditedInvestor)
	}
	return c.supplements
}

// reason returns why the check is rejected; nil when it is not, or no reason was asked for.
func (c *check) reason() *server.StatusReason {
	if c.unreadable() {
		return new(server.StatusReasonUnreadableDocumentsOrMissingVerificationInformation)
	}
	return c.outcome.reason
}

func (c *check) rejectedFor(reason server.StatusReason) bool {
	why := c.reason()
	return why != nil && *why == reason
}

// hold adds an image. Most of a million checks have none.
func (c *check) hold(d *document) {
	if c.documents == nil {
		c.documents = make(map[string]*document)
	}
	c.documents[d.id] = d
}

func (c *check) setPaper(of server.SupplementalDocumentType, d *document) {
	if c.papers == nil {
		c.papers = make(map[server.SupplementalDocumentType]*document)
	}
	c.papers[of] = d
}

// defaults are what a check of the group has when its creation says nothing else. Nobody writes into them.
type defaults struct {
	types       []server.CheckType
	supplements []server.SupplementalDocumentType
	categories  []server.WatchlistCategory
}

func (g Group) defaults() defaults {
	return defaults{convert[server.CheckType](g.CheckTypes), convert[server.SupplementalDocumentType](g.SupplementalDocumentTypes),
		convert[server.WatchlistCategory](g.WatchlistCategories)}
}

func convert[T ~string](names []string) []T {
	values := make([]T, len(names))
	for i, name := range names {
		values[i] = T(name)
	}
	return values
}

func (s *service) CreateCheck(ctx context.Context, r server.CreateCheckRequestObject) (server.CreateCheckResponseObject, error) {
	b := r.Body
	group := s.config.group
	if s.config.basicPlan && needsAdvanced(b) {
		return nil, advanced()
	}
	if b.GroupID != group.ID {
		return nil, invalid(map[string][]string{"groupId": {"is not a check group of this organisation"}})
	}
	c := &check{
		id:          uuid.NewString(),
		identifier:  b.ThirdPartyIdentifier,
		email:       b.Email,
		types:       s.defaults.types,
		supplements: s.defaults.supplements,
		categories:  s.defaults.categories,
		recheck:     group.RecheckInterval,
		outcome:     outcomeOf(b.Email),
	}
	if b.ReturnURL != nil {
		c.returnURL = *b.ReturnURL
	}
	c.language, c.skipCode = languageOr(b.Language, "en"), isTrue(b.SkipPersonalAccessCode)
	if b.CheckTypes != nil { // they replace the group's, and its supplemental documents
		c.types, c.supplements = b.CheckTypes, nil
	}
	if b.SupplementalDocumentTypes != nil {
		c.supplements = b.SupplementalDocumentTypes
	}
	if b.WatchlistSearchCategories != nil {
		c.categories = b.WatchlistSearchCategories
	}
	if b.WatchlistRecheckInterval != nil && slices.Contains(b.CheckTypes, server.CheckTypeWatchlist) {
		c.recheck = int(*b.WatchlistRecheckInterval)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	override := b.OverrideThirdPartyIdentifier != nil && *b.OverrideThirdPartyIdentifier
	if len(s.byIdentifier[c.identifier]) > 0 && !override {
		s.repeats++
		return nil, problem(http.StatusConflict, "A check with this thirdPartyIdentifier exists already.")
	}
	c.pose = server.PhotoPoseNone
	if group.ExtendedPhoto {
		poses := enumOf("PhotoPose")[1:] // the first is None
		c.pose = server.PhotoPose(poses[len(s.checks)%len(poses)])
	}
	s.checks[c.id] = c
	s.byIdentifier[c.identifier] = append(s.byIdentifier[c.identifier], c)
	s.people.add(c, trait{"email", c.email})
	s.notifier.begun(c.id)
	s.newestChecks = newest(s.newestChecks, c)

	created := server.CreateCheck200JSONResponse{CheckID: c.id, ThirdPartyIdentifier: c.identifier}
	if c.has(server.CheckTypeDocumentVerification) {
		url := s.newLink(ctx, c, c.returnURL, c.language)
		created.URL = &url
	}
	return created, nil
}

func (s *service) CreateAccessLink(ctx context.Context, r server.CreateAccessLinkRequestObject) (server.CreateAccessLinkResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findOpen(r.ID)
	if err != nil {
		return nil, err
	}
	if !c.has(server.CheckTypeDocumentVerification) {
		return nil, problem(http.StatusBadRequest, "The hosted enrollment needs a check with the type DocumentVerification.")
	}
	returnURL := "" // not the create's: without one the enrollment ends on a page of its own
	if r.Body.ReturnURL != nil {
		returnURL = *r.Body.ReturnURL
	}
	return server.CreateAccessLink200JSONResponse{URL: s.newLink(ctx, c, returnURL, languageOr(r.Body.Language, c.language))}, nil
}

// newest adds to the newest things, of which the desk shows some.
func newest[T any](list []T, one T) []T {
	if len(list) >= maxShown {
		list = slices.Delete(list, 0, 1)
	}
	return append(list, one)
}

// languageOr returns a language that was asked for; another one when none was.
func languageOr(asked *server.Language, other string) string {
	if asked == nil || *asked == "" {
		return other
	}
	return string(*asked)
}

func (s *service) AddPersonalInfo(_ context.Context, r server.AddPersonalInfoRequestObject) (server.AddPersonalInfoResponseObject, error) {
	if r.Body.DateOfBirth != nil {
		if _, err := r.Body.DateOfBirth.Time(); err != nil {
			return nil, invalid(map[string][]string{"dateOfBirth": {"is not a day of the calendar"}})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findOpen(r.ID)
	if err != nil {
		return nil, err
	}
	s.setPerson(c, r.Body)
	c.touched = true
	return server.AddPersonalInfo200JSONResponse(server.AcknowledgementSuccess), nil
}

func (s *service) AddPhone(_ context.Context, r server.AddPhoneRequestObject) (server.AddPhoneResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findOpen(r.ID)
	if err != nil {
		return nil, err
	}
	c.phone, c.touched = r.Body, true
	return server.AddPhone200JSONResponse(server.AcknowledgementSuccess), nil
}

// needsPerson are the check types that use personal information. Which do is not documented; those that need nothing
// but what create and phone bring are left out.
var needsPerson = []server.CheckType{
	server.CheckTypeDocumentVerification, server.CheckTypePhotoVerification, server.CheckTypeAddressVerification, server.CheckTypeRiskProfiling,
	server.CheckTypeWatchlist, server.CheckTypeVisualWatchlist, server.CheckTypeAccreditedInvestor, server.CheckTypeCovidVaccinationVerification,
}

// Repeats returns how often a check was asked for, or submitted, that had been already. The sandbox refuses that, but
// a service might have charged for it.
func (s *Sandbox) Repeats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repeats
}

// ChecksOf returns the IDs of the checks with a third-party identifier, oldest first.
func (s *Sandbox) ChecksOf(thirdPartyIdentifier string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, c := range s.byIdentifier[thirdPartyIdentifier] {
		ids = append(ids, c.id)
	}
	return ids
}

// Submissions returns how often a check was submitted and charged for: never more than once.
func (s *Sandbox) Submissions(checkID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.checks[checkID]; c != nil {
		return c.submissions
	}
	return 0
}

func (s *service) GetCheck(_ context.Context, r server.GetCheckRequestObject) (server.GetCheckResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	return server.GetCheck200JSONResponse(s.describe(c)), nil
}

func (s *service) GetCheckByThirdPartyIdentifier(_ context.Context,
	r server.GetCheckByThirdPartyIdentifierRequestObject) (server.GetCheckByThirdPartyIdentifierResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	checks := s.byIdentifier[r.ID]
	if len(checks) == 0 {
		return nil, problem(http.StatusNotFound, "No check has this third-party identifier.")
	}
	return server.GetCheckByThirdPartyIdentifier200JSONResponse(s.describe(checks[len(checks)-1])), nil
}
