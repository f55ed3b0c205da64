package suite_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/contract/explore"
	"github.com/goaver/aver-go/contract/suite"
	"github.com/goaver/aver-go/sandbox"
)

// Every parameter, property and value of the contract goes over the wire, but for those that nothing here can show.
func TestEveryPartIsSeen(t *testing.T) {
	ledger := &contract.Ledger{}
	seen := contract.NewTransport(nil, contract.WithLedger(ledger), contract.WithReport(func([]contract.Violation) {}))
	defer seen.CloseIdleConnections()
	box := sandbox.Start(t)
	provider, err := authprovider.New(box.Key, box.Secret, authprovider.WithBaseURL(box.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	explorer := explore.Explorer{URL: box.URL, Authorize: provider.Intercept, Values: map[string]string{"groupId": box.GroupID}, Transport: seen,
		Seed: 1, Requests: 2500, Time: 5 * time.Minute}
	if _, err := explorer.Run(t.Context()); err != nil { // whose findings are another test's
		t.Fatal(err)
	}
	target := suite.Target{URL: box.URL, Key: box.Key, Secret: box.Secret, GroupID: box.GroupID, Transport: seen}
	if _, err := suite.Run(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	words := []string{"hits-2", "media-1", "failed", "error"}
	for word := range sandbox.Outcomes() {
		if !strings.HasSuffix(word, "-N") && !slices.Contains([]string{"unreadable", "wait", "slow", "review"}, word) &&
			!slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	outcomes(t, seen, 0, words...)
	outcomes(t, seen, 600*time.Millisecond, "review", "wait") // long enough to be seen in every state
	for _, kind := range []api.NotificationType{api.NotificationTypeLiveCheck, api.NotificationTypeOfflineCheck, api.NotificationTypeWatchlistSearch,
		api.NotificationTypeRecurringWatchlistSearch} {
		for _, status := range []api.NotificationStatus{api.NotificationStatusComplete, api.NotificationStatusCompleted,
			api.NotificationStatusRejected, api.NotificationStatusFailed} {
			body := fmt.Sprintf(`{"statusMessage":{"type":%q,"id":"c1","groupId":"g1","status":%q}}`, kind, status)
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			if err := contract.CheckWebhook(r, contract.WithLedger(ledger)); err != nil {
				t.Error(err)
			}
		}
	}
	err = ledger.CheckCoverage(
		contract.Except("response AdverseMediaHit.title", "as in the vendor's example, the headline is the name"),
		contract.Except("response ErrorBody.error", "the sandbox answers with problem details alone"),
		contract.Except("response ErrorBody.message", "the same"),
		contract.Except("response ErrorBody.instance", "the same, without an address"),
		contract.Except("response ErrorBody.type", "the same, without a type"),
		contract.Except("response IpAndDeviceAnalysis.host", "the sandbox makes none up"),
		contract.Except("response IpAndDeviceAnalysis.localTime", "the sandbox makes none up"),
	)
	if err != nil {
		t.Error(err)
	}
}

// outcomes has checks end as words say, each after some time.
func outcomes(t *testing.T, seen http.RoundTripper, processing time.Duration, words ...string) {
	group := sandbox.DefaultGroup()
	group.ExtendedPhoto = true
	box := sandbox.Start(t, sandbox.WithGroup(group), sandbox.WithProcessing(processing, processing))
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL), api.WithHTTPClient(&http.Client{Transport: seen}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	types := []api.CheckType{
		api.CheckTypeDocumentVerification, api.CheckTypePhotoVerification, api.CheckTypeEmailVerification, api.CheckTypeAddressVerification,
		api.CheckTypePhoneVerification, api.CheckTypeRiskProfiling, api.CheckTypeWatchlist, api.CheckTypeVisualWatchlist,
		api.CheckTypeAccreditedInvestor, api.CheckTypeCovidVaccinationVerification,
	}
	documents := []api.DocumentType{api.DocumentTypeNADriverLicense, api.DocumentTypePassportImage, api.DocumentTypeGenericIdentificationCardImage,
		api.DocumentTypeUSALicenseIDCard}
	genders := []api.Gender{api.GenderFemale, api.GenderMale, api.GenderUnspecified}
	for i, word := range words {
		created, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: fmt.Sprint("outcome ", i), GroupID: box.GroupID,
			Email: "maria+" + word + "@example.com", CheckTypes: types})
		if err != nil {
			t.Fatal(err)
		}
		id := created.CheckID
		_, instruction := client.GetPhotoInstruction(t.Context(), id)
		photo := api.ImageBytes("face.jpg", []byte("\xff\xd8\xff\xe0\x00\x04JF"))
		person := api.AddPersonalInfoRequest{FirstName: "Maria", MiddleName: "Ida", LastName: "Lindqvist", Gender: genders[i%len(genders)],
			StreetAddress1: "218 Harbor Street", StreetAddress2: "Apt. 3", City: "Portland", Country: "US", IPAddress: "203.0.113.24"}
		for _, err := range []error{
			instruction,
			client.AddPersonalInfo(t.Context(), id, person),
			client.AddPhone(t.Context(), id, api.AddPhoneRequest{Number: "2075550143", Country: "US"}),
			client.AddIDDocumentWithImage(t.Context(), id, api.AddIDDocumentWithImageRequest{Type: documents[i%len(documents)],
				Side: api.DocumentSideFront, Image: photo}),
			client.AddIDDocumentWithImage(t.Context(), id, api.AddIDDocumentWithImageRequest{Type: documents[i%len(documents)],
				Side: api.DocumentSideBack, Image: photo}),
			client.AddPhotoDocumentWithImage(t.Context(), id, api.AddPhotoDocumentWithImageRequest{Image: photo}),
			client.AddPhotoDocumentWithImage(t.Context(), id, api.AddPhotoDocumentWithImageRequest{Image: photo, Extended: true}),
			client.AddSupplementalDocumentWithImage(t.Context(), id, api.AddSupplementalDocumentWithImageRequest{
				Type: api.SupplementalDocumentTypeAccreditedInvestor, Image: photo}),
		} {
			if err != nil {
				t.Fatal(word, err)
			}
		}
		if _, err := client.GetCheck(t.Context(), id); err != nil {
			t.Fatal(word, err)
		}
		if _, err := client.SubmitCheck(t.Context(), id); err != nil {
			t.Fatal(word, err)
		}
		look := api.WithPollInterval(5*time.Millisecond, 5*time.Millisecond) // often enough to see every state
		if word == "wait" {
			for state := api.CheckStatusCreated; !state.Is(api.CheckStatusInReview); {
				check, err := client.GetCheck(t.Context(), id)
				if err != nil {
					t.Fatal(word, err)
				}
				state = check.Status
			}
			if err := box.Decide(id, "Completed"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := client.WaitForCheck(t.Context(), id, look); err != nil {
			t.Fatal(word, err)
		}
		if _, err := client.GetCheckResults(t.Context(), id); err != nil {
			t.Fatal(word, err)
		}
		search, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: box.GroupID, FirstName: "Maria",
			LastName: "Lindqvist+" + word})
		if err != nil {
			t.Fatal(word, err)
		}
		if _, err := client.GetWatchlistSearchResults(t.Context(), search.ID); err != nil {
			t.Fatal(word, err)
		}
	}
}
