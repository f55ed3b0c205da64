package sandbox

import (
	"context"
	"strings"

	"github.com/goaver/aver-go/sandbox/internal/server"
	"github.com/goaver/aver-go/wire"
)

func (s *service) GetCheckResults(_ context.Context, r server.GetCheckResultsRequestObject) (server.GetCheckResultsResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	return server.GetCheckResults200JSONResponse(s.results(c)), nil
}

// results returns the check with what was found, once it is final. s.mu is held.
func (s *Sandbox) results(c *check) server.CheckResults {
	d := s.describe(c)
	results := server.CheckResults{
		ID:                   d.ID,
		OrganizationID:       d.OrganizationID,
		GroupID:              d.GroupID,
		ThirdPartyIdentifier: d.ThirdPartyIdentifier,
		Status:               d.Status,
		StatusReason:         d.StatusReason,
		CheckTypes:           d.CheckTypes,
	}
	if !final(d.Status) || d.Status == server.CheckStatusCanceled {
		return results
	}
	results.Warnings = c.outcome.warnings
	results.CheckResults = s.sections(c)
	return results
}

// known returns what is known of the person.
func (c *check) known() *server.AddPersonalInfoRequest {
	if c.person == nil {
		return &server.AddPersonalInfoRequest{}
	}
	return c.person
}

// sections makes up what was found, in agreement with the outcome.
func (s *Sandbox) sections(c *check) *server.CheckResultSections {
	o, p := c.outcome, c.known()
	atLeast := func(years int) *bool {
		old := !o.has(server.CheckWarningAge) && !c.rejectedFor(server.StatusReasonUnderageApplicant)
		if p.DateOfBirth != nil {
			if born, err := p.DateOfBirth.Time(); err == nil && s.config.now().Before(born.AddDate(years, 0, 0)) {
				old = false
			}
		}
		return &old
	}
	sections := &server.CheckResultSections{
		Attestations: &server.Attestations{
			AccreditedInvestor: new(c.papers[server.SupplementalDocumentTypeAccreditedInvestor] != nil),
			Over18:             atLeast(18),
			Over21:             atLeast(21),
			CovidVaccinated:    new(c.papers[server.SupplementalDocumentTypeMedicalCard] != nil),
		},
		PersonalInformation: &server.PersonalInformation{
			Email:         &c.email,
			FirstName:     &p.FirstName,
			MiddleName:    p.MiddleName,
			LastName:      &p.LastName,
			Gender:        p.Gender,
			DateOfBirth:   p.DateOfBirth,
			StateProvince: p.StateOrProvince,
			Country:       p.Country,
		},
	}
	if c.searchID != "" {
		sections.WatchlistSearchID = &c.searchID
	}
	if c.front != nil {
		expires := s.config.now().AddDate(5, 0, 0)
		if c.rejectedFor(server.StatusReasonExpiredDocuments) {
			expires = s.config.now().AddDate(-1, 0, 0)
		}
		sections.IdentificationDocument = &server.IdentificationDocument{
			Type:           &c.documentType,
			FrontID:        &c.front.id,
			ExpirationDate: new(wire.NewDate(expires.Date())),
			DocumentNumber: new("SANDBOX-" + strings.ToUpper(c.id[:8])),
		}
		if c.back != nil {
			sections.IdentificationDocument.BackID = &c.back.id
		}
	}
	if c.photo != nil {
		sections.PhotoVerification = &server.PhotoVerification{ID: &c.photo.id, Type: new(server.PhotoTypeCamPhoto)}
	}
	if c.has(server.CheckTypeAddressVerification) {
		sections.AddressVerification = &server.AddressVerification{
			ValidAddress:    new(p.StreetAddress1 != nil && !o.has(server.CheckWarningAddress)),
			ReportedFraud:   new(false),
			StreetAddress1:  p.StreetAddress1,
			StreetAddress2:  p.StreetAddress2,
			City:            p.City,
			StateOrProvince: p.StateOrProvince,
			PostalCode:      p.PostalCode,
			Country:         p.Country,
		}
	}
	if c.has(server.CheckTypePhoneVerification) {
		sections.PhoneVerification = &server.PhoneVerification{} // the names of its properties are unknown
	}
	if c.has(server.CheckTypeRiskProfiling) || c.has(server.CheckTypeEmailVerification) || c.has(server.CheckTypePhotoVerification) {
		sections.RiskProfile = riskProfile(c)
	}
	return sections
}

func riskProfile(c *check) *server.RiskProfile {
	o, p := c.outcome, c.known()
	profile := &server.RiskProfile{}
	if c.has(server.CheckTypePhotoVerification) {
		profile.FacialMatchConfidence = new(97.0)
		if c.rejectedFor(server.StatusReasonFacialVerificationFailed) {
			profile.FacialMatchConfidence = new(21.0)
		}
	}
	if c.has(server.CheckTypeRiskProfiling) && (*text(p.IPAddress) != "" || c.enrolled) {
		anonymous := o.has(server.CheckWarningIPVpnTor)
		score := 4.0
		if anonymous {
			score = 81
		}
		profile.IPAndDeviceAnalysisResults = &server.IPAndDeviceAnalysis{
			VPNOrTor:        &anonymous,
			IP:              p.IPAddress,
			FraudScore:      new(wire.NewScalar(score)),
			RecentAbuse:     new(false),
			ISP:             new("Example Networks"),
			Timezone:        new("America/New_York"),
			Position:        new(wire.NewScalar("43.66,-70.25")),
			Country:         p.Country,
			City:            p.City,
			State:           p.StateOrProvince,
			OperatingSystem: new("Android 16"),
			Browser:         new("Chrome 140"),
			DeviceBrand:     new("Google"),
			DeviceModel:     new("Pixel 9"),
		}
	}
	if c.has(server.CheckTypeEmailVerification) {
		suspect := o.has(server.CheckWarningEmailAddress)
		profile.EmailAnalysisResults = &server.EmailAnalysis{
			OverallScore:        new(3.0),
			Suspect:             &suspect,
			ValidAddress:        new(!suspect),
			TemporaryDisposable: new(false),
			CatchAllShared:      new(false),
			HoneyPotSpamTrap:    new(false),
			RecentAbuse:         new(false),
			CommonProvider:      new(false),
			ValidDNSConfig:      new(true),
			FrequentComplainer:  new(false),
			Deliverability:      new(wire.NewScalar("high")),
			SMTPConfigScore:     new(3.0),
		}
	}
	return profile
}
