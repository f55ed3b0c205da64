package aver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/sandbox"
)

// A dialect is how a client of the vendor's writes requests: which spelling of a path it uses, and what it sends for what
// is not set. The bodies follow its code, with values of our own.
type dialect struct {
	refresh, image string                    // paths
	nothing        func(body map[string]any) // what it does with the properties that are not set
	documentType   string
	quirk          sandbox.Quirk // the answers that it expects
}

// nulls writes every property of a request that is not set as null.
func nulls(names ...string) func(map[string]any) {
	return func(body map[string]any) {
		for _, name := range names {
			if _, set := body[name]; !set {
				body[name] = nil
			}
		}
	}
}

var dialects = map[string]dialect{
	"documents": {refresh: "/auth/refresh", image: "/checkdoc/", documentType: "NADriverLicense", nothing: func(map[string]any) {}},
	"JavaScript": {refresh: "/auth/refresh", image: "/checkdocid/", documentType: "USALicenseIdCard", nothing: func(body map[string]any) {
		if _, search := body["lastName"]; search && body["groupId"] != nil {
			nulls("checkId", "middleName", "businessName", "country", "stateOrProvince", "fileContent", "fileName", "categories")(body)
		}
	}},
	".NET": {refresh: "/auth/refresh", image: "/checkdoc/", documentType: "GenericIdentificationCardImage", nothing: func(body map[string]any) {
		switch {
		case body["email"] != nil && body["groupId"] != nil:
			nulls("language", "returnUrl", "skipPersonalAccessCode", "overrideThirdPartyIdentifier", "checkTypes", "supplementalDocumentTypes",
				"watchlistSearchCategories", "watchlistRecheckInterval")(body)
		case body["fileContent"] != nil:
			if body["docType"] != "UtilityBill" {
				nulls("forceCommit")(body)
			}
		case body["firstName"] != nil && body["groupId"] == nil:
			nulls("email", "ipAddress", "companyName", "middleName", "suffix", "gender", "dateOfBirth", "streetAddress2", "city", "postalCode")(body)
		}
	}},
	"PHP": {refresh: "/auth/refresh", image: "/checkdoc/", documentType: "PassportImage", nothing: func(body map[string]any) {
		if body["email"] != nil && body["groupId"] != nil {
			body["language"], body["returnUrl"] = "", ""
		}
	}},
	"iOS": {refresh: "/auth/refresh/", image: "/checkdocument/", documentType: "NADriverLicense", quirk: sandbox.QuirkDocument,
		nothing: func(body map[string]any) {
			if body["language"] == "en" {
				body["returnUrl"] = ""
			}
		}},
}

// A foreignClient is a client that shares nothing with this module.
type foreignClient struct {
	t       *testing.T
	url     string
	checker *contract.Transport
	dialect dialect
	auth    func(*http.Request)
}

// call sends a request as the dialect writes it. Both sides are held against the contract, but for the paths that it does
// not have.
func (c *foreignClient) call(method, path string, body map[string]any, into any) {
	c.t.Helper()
	var content io.Reader
	if body != nil {
		c.dialect.nothing(body)
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	c.auth(req)
	var transport http.RoundTripper = c.checker
	if strings.HasPrefix(path, "/checkdocument/") || strings.HasPrefix(path, "/checkdocid/") {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, answer, err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		c.t.Fatalf("%s %s: %s: %v", method, path, answer, err)
	}
	var tree any
	_ = json.Unmarshal(answer, &tree)
	if lacks := lacking(reflect.TypeOf(into).Elem(), tree); lacks != "" {
		c.t.Errorf("%s %s: %s lacks %s", method, path, answer, lacks)
	}
}

// lacking names a field of a model that an answer lacks or has as null, where the model takes neither; nothing when it has
// all of them.
func lacking(model reflect.Type, answer any) string {
	switch model.Kind() {
	case reflect.Slice:
		elements, ok := answer.([]any)
		if !ok {
			return "a list"
		}
		for _, element := range elements {
			if lacks := lacking(model.Elem(), element); lacks != "" {
				return lacks
			}
		}
	case reflect.Struct:
		object, _ := answer.(map[string]any)
		members := make(map[string]any)
		for name, member := range object {
			members[strings.ToLower(name)] = member
		}
		for i := range model.NumField() {
			field := model.Field(i)
			if member := members[strings.ToLower(field.Name)]; field.Type.Kind() != reflect.Pointer {
				if member == nil {
					return field.Name
				}
				if lacks := lacking(field.Type, member); lacks != "" {
					return field.Name + "." + lacks
				}
			}
		}
	}
	return ""
}

// strictResults is as strict as the iOS SDK's model: integers where it reads integers, and nothing that may be null.
type strictResults struct {
	ID, OrganizationID, GroupID, ThirdPartyIdentifier, Status string
	CheckTypes, Warnings                                      []string
	CheckResults                                              struct {
		WatchlistSearchID      string
		PersonalInformation    struct{ FirstName, LastName, Email, Gender, DateOfBirth, Country, StateProvince string }
		IdentificationDocument struct{ Type, FrontID, ExpirationDate, DocumentNumber string }
		PhotoVerification      struct{ ID, Type string }
		Attestations           struct{ Over18, Over21, AccreditedInvestor bool }
		AddressVerification    struct {
			ValidAddress, ReportedFraud bool
			StreetAddress1, Country     string
		}
		RiskProfile struct {
			FacialMatchConfidence      int
			IPAndDeviceAnalysisResults struct {
				VPNOrTor, RecentAbuse bool
				IP, ISP               string
				FraudScore            int
			}
			EmailAnalysisResults struct{ OverallScore, SMTPConfigScore int }
		}
	}
}

// Each client of the vendor's completes the flow of a check and the flow of a search, with its spellings, its nulls and its
// empty texts.
func TestVendorsClientsCompleteBothFlows(t *testing.T) {
	const png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			var opts []sandbox.Option
			if d.quirk != "" {
				opts = append(opts, sandbox.WithQuirks(d.quirk))
			}
			box := sandbox.Start(t, append(opts, sandbox.WithGroup(sandbox.Group{ExtendedPhoto: true, SupplementalDocumentTypes: []string{"UtilityBill"}}))...)
			c := &foreignClient{t: t, url: box.URL, checker: contract.NewTransport(nil), dialect: d}
			defer c.checker.CloseIdleConnections()
			var token struct{ Token string }
			c.auth = func(r *http.Request) { r.SetBasicAuth(box.Key, box.Secret) }
			c.call("GET", "/auth/token", nil, &token)
			c.auth = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token.Token) }
			c.call("POST", d.refresh, map[string]any{"token": token.Token}, &token)

			var created struct {
				CheckID, ThirdPartyIdentifier string
				URL                           *string
			}
			c.call("POST", "/check/create", map[string]any{"thirdPartyIdentifier": "applicant-1", "groupId": box.GroupID,
				"email": "noor+hits-1@example.com"}, &created)
			at := "/check/" + created.CheckID
			var link struct{ URL string }
			c.call("POST", at+"/accesslink", map[string]any{"language": "en"}, &link)
			if created.URL == nil || link.URL == "" {
				t.Errorf("no links: %+v, %+v", created, link)
			}
			var said string
			c.call("POST", at+"/personalinfo", map[string]any{
				"firstName": "Noor", "lastName": "Haddad", "streetAddress1": "9 Elm Street", "country": "US", "stateOrProvince": "TX",
				"gender": "F", "dateOfBirth": "02/29/1992", "ipAddress": "203.0.113.9",
			}, &said)
			c.call("POST", at+"/phone", map[string]any{"number": "5125550123", "country": "US"}, &said)
			for _, side := range []string{"Front", "Back"} {
				c.call("POST", at+"/iddocument", map[string]any{"docType": d.documentType, "side": side, "fileName": side + ".png", "fileContent": png}, &said)
			}
			var instruction struct{ Instruction string }
			c.call("GET", at+"/photoinstruction", nil, &instruction)
			c.call("POST", at+"/photodocument", map[string]any{"fileName": "me.png", "fileContent": png}, &said)
			c.call("POST", at+"/photodocument", map[string]any{"fileName": "me-" + instruction.Instruction + ".png", "fileContent": png, "extended": true},
				&said)
			c.call("POST", at+"/supplementaldocument", map[string]any{"docType": "UtilityBill", "fileName": "bill.png", "fileContent": png}, &said)
			var submitted map[string]any
			c.call("GET", at+"/submit", nil, &submitted)

			var results strictResults
			c.call("GET", at+"/results", nil, &results)
			r := results.CheckResults
			if results.Status != "Completed" || r.RiskProfile.FacialMatchConfidence != 97 || r.IdentificationDocument.FrontID == "" ||
				r.PersonalInformation.LastName != "Haddad" {
				t.Errorf("%+v", results)
			}
			var image struct{ Base64, Document *string }
			c.call("GET", d.image+created.CheckID+"/"+r.PhotoVerification.ID, nil, &image)
			if got := map[bool]*string{false: image.Base64, true: image.Document}[d.quirk != ""]; got == nil || *got != png {
				t.Errorf("the image is %v", image)
			}
			var found []struct{ ID string }
			c.call("POST", "/checklookup", map[string]any{"thirdPartyIdentifier": "applicant-1"}, &found)
			if len(found) != 1 || found[0].ID != created.CheckID {
				t.Errorf("found %+v", found)
			}

			var search struct{ ID string }
			c.call("POST", "/watchlist/search", map[string]any{"groupId": box.GroupID, "firstName": "Noor", "lastName": "Haddad+hits-2+media-1",
				"country": "USA"}, &search)
			var hits struct {
				ID, GroupID, OrganizationID, Status, SearchDate, SearchType, LastRecheckDate string
				RecheckInterval                                                              int
				SearchCriteria                                                               struct{ FirstName, LastName, Country string }
				WatchlistResults                                                             []struct {
					MatchConfidence               float64
					WatchlistName, FirstNameMatch string
				}
				AdverseMediaResults []struct{ Name, DatePublished, Source, URL string }
			}
			c.call("GET", "/watchlist/"+search.ID+"/results", nil, &hits)
			var lists []struct{ Name, Version string }
			c.call("GET", "/watchlist/"+search.ID+"/searchedlists", nil, &lists)
			if fmt.Sprint(len(hits.WatchlistResults), len(hits.AdverseMediaResults), len(lists) > 0) != "2 1 true" {
				t.Errorf("%+v, %+v", hits, lists)
			}
		})
	}
}
