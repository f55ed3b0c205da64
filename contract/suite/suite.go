// Package suite runs the client through every operation against a service and holds both sides against the contract.
//
//	findings, err := suite.Run(ctx, suite.Target{URL: url, Key: key, Secret: secret, GroupID: group})
//
// Against the sandbox there is nothing to find; against the real service each finding is a place where reality differs
// from openapi.yaml. A Test API key gets dummy data and costs nothing.
package suite

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	crand "crypto/rand"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/contract"
)

// A Target is a service to run against.
type Target struct {
	URL, Key, Secret, GroupID string

	// Transport carries the calls, such as a recorder or a replayer; nil for one of its own.
	Transport http.RoundTripper
}

// A Finding is a difference between a service and the contract, or a step that failed.
type Finding struct {
	Step      string
	Violation *contract.Violation // nil for a step that failed
	Err       error               // of a step that failed
	Times     int
}

// String returns one line, or two with a suggestion.
func (f Finding) String() string {
	if f.Violation == nil {
		return fmt.Sprintf("%s failed: %v", f.Step, f.Err)
	}
	text := f.Violation.String()
	if f.Times > 1 {
		text += fmt.Sprintf(" (%d times)", f.Times)
	}
	if f.Violation.Suggest != "" {
		text += "\n    to allow it: " + f.Violation.Suggest
	}
	return text
}

// A run is one run.
type run struct {
	client *api.Client
	group  string

	mu       sync.Mutex
	step     string
	findings []Finding
}

// Run calls every operation once at least. It returns what it found, the most frequent first, and an error only when it
// could not begin. opts are for the transport under the client.
func Run(ctx context.Context, t Target, opts ...contract.Option) ([]Finding, error) {
	r := &run{group: t.GroupID}
	transport := t.Transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		defer own.CloseIdleConnections()
		transport = own
	}
	checked := contract.NewTransport(transport, append(opts, contract.WithReport(r.report))...)
	client, err := api.New(t.Key, t.Secret, api.WithBaseURL(t.URL), api.WithHTTPClient(&http.Client{Transport: checked}), api.WithMaxAttempts(1))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	r.client = client
	r.all(ctx)
	slices.SortStableFunc(r.findings, func(a, b Finding) int { return cmp.Compare(b.Times, a.Times) })
	return r.findings, nil
}

func (r *run) report(violations []contract.Violation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range violations {
		known := slices.IndexFunc(r.findings, func(f Finding) bool { return f.Violation != nil && *f.Violation == v })
		if known >= 0 {
			r.findings[known].Times++
			continue
		}
		r.findings = append(r.findings, Finding{Step: r.step, Violation: &v, Times: 1})
	}
}

// do performs a step. It reports whether it succeeded.
func (r *run) do(step string, f func() error) bool {
	r.mu.Lock()
	r.step = step
	r.mu.Unlock()
	err := f()
	if err != nil {
		r.mu.Lock()
		r.findings = append(r.findings, Finding{Step: step, Err: err, Times: 1})
		r.mu.Unlock()
	}
	return err == nil
}

// all calls every operation. What depends on a step that failed is left out.
func (r *run) all(ctx context.Context) {
	c := r.client
	identifier := "aver-contract-" + crand.Text()
	r.do("getAuthToken", func() error { _, err := c.GetAuthToken(ctx); return err })
	r.do("refreshAuthToken", func() error {
		token, err := c.Provider().Token(ctx)
		if err != nil {
			return err
		}
		_, err = c.RefreshAuthToken(ctx, api.RefreshAuthTokenRequest{Token: token.Value()})
		return err
	})

	var id string
	if r.do("createCheck", func() error {
		created, err := c.CreateCheck(ctx, api.CreateCheckRequest{
			ThirdPartyIdentifier: identifier, GroupID: r.group, Email: "maria.lindqvist+Age@example.com", Language: api.LanguageEnglish,
			CheckTypes: []api.CheckType{
				api.CheckTypeDocumentVerification, api.CheckTypePhotoVerification, api.CheckTypeEmailVerification, api.CheckTypeAddressVerification,
				api.CheckTypePhoneVerification, api.CheckTypeRiskProfiling, api.CheckTypeWatchlist,
			},
			SupplementalDocumentTypes: []api.SupplementalDocumentType{api.SupplementalDocumentTypeUtilityBill},
		})
		if err == nil {
			id = created.CheckID
		}
		return err
	}) {
		r.check(ctx, id, identifier)
	}
	r.watchlist(ctx, id)
}

// check fills a check, submits it and reads it in every way.
func (r *run) check(ctx context.Context, id, identifier string) {
	c := r.client
	photo := picture()
	r.do("createAccessLink", func() error {
		_, err := c.CreateAccessLink(ctx, id, api.CreateAccessLinkRequest{Language: api.LanguageSpanish})
		return err
	})
	r.do("addPersonalInfo", func() error {
		err := c.AddPersonalInfo(ctx, id, api.AddPersonalInfoRequest{
			FirstName: "Maria", LastName: "Lindqvist", Gender: api.GenderFemale, DateOfBirth: api.NewDate(1988, time.April, 17),
			StreetAddress1: "218 Harbor Street", City: "Portland", StateOrProvince: "ME", PostalCode: "04101", Country: "US",
			IPAddress: "203.0.113.24",
		})
		return err
	})
	r.do("addPhone", func() error {
		return c.AddPhone(ctx, id, api.AddPhoneRequest{Number: "2075550143", Country: "US"})
	})
	for _, side := range []api.DocumentSide{api.DocumentSideFront, api.DocumentSideBack} {
		r.do("addIdDocument", func() error {
			return c.AddIDDocumentWithImage(ctx, id, api.AddIDDocumentWithImageRequest{Type: api.DocumentTypeNADriverLicense, Side: side,
				Image: api.ImageBytes("license.jpg", photo)})
		})
	}
	r.do("getPhotoInstruction", func() error { _, err := c.GetPhotoInstruction(ctx, id); return err })
	r.do("addPhotoDocument", func() error {
		return c.AddPhotoDocumentWithImage(ctx, id, api.AddPhotoDocumentWithImageRequest{Image: api.ImageBytes("selfie.jpg", photo)})
	})
	r.do("addSupplementalDocument", func() error {
		return c.AddSupplementalDocumentWithImage(ctx, id, api.AddSupplementalDocumentWithImageRequest{Type: api.SupplementalDocumentTypeUtilityBill,
			Image: api.ImageBytes("bill.jpg", photo)})
	})
	if !r.do("submitCheck", func() error { _, err := c.SubmitCheck(ctx, id); return err }) {
		return
	}
	if !r.do("getCheck", func() error {
		_, err := c.WaitForCheck(ctx, id, api.WithPollInterval(time.Second, 15*time.Second))
		return err
	}) {
		return
	}
	r.do("getCheckByThirdPartyIdentifier", func() error {
		//lint:ignore SA1019 every operation is called, also one that the newest documents do not list
		_, err := c.GetCheckByThirdPartyIdentifier(ctx, identifier)
		return err
	})
	r.do("lookupChecks", func() error {
		found, err := c.LookupChecks(ctx, api.LookupChecksRequest{ThirdPartyIdentifier: identifier})
		if err == nil && len(found) == 0 {
			err = errors.New("the check is not found")
		}
		return err
	})
	var results *api.CheckResults
	if !r.do("getCheckResults", func() (err error) { results, err = c.GetCheckResults(ctx, id); return err }) {
		return
	}
	if s := results.CheckResults; s != nil && s.IdentificationDocument != nil && s.IdentificationDocument.FrontID != "" {
		r.do("getCheckDocument", func() error {
			_, err := c.DownloadCheckDocument(ctx, id, s.IdentificationDocument.FrontID, io.Discard)
			return err
		})
	}
	r.do("getWatchlistSearchByCheckId", func() error { _, err := c.GetWatchlistSearchByCheckID(ctx, id); return err })
}

// watchlist searches and reads what was found.
func (r *run) watchlist(ctx context.Context, checkID string) {
	c := r.client
	var search *api.CreatedWatchlistSearch
	if !r.do("searchWatchlists", func() (err error) {
		search, err = c.SearchWatchlistsWithImage(ctx, api.SearchWatchlistsWithImageRequest{
			GroupID: r.group, CheckID: checkID, FirstName: "Maria", LastName: "Lindqvist+hits-2+media-1", Image: api.ImageBytes("face.jpg",
				picture()),
			Categories: []api.WatchlistCategory{api.WatchlistCategoryCriminal},
		})
		return err
	}) {
		return
	}
	r.do("getWatchlistSearch", func() error { _, err := c.WaitForWatchlistSearch(ctx, search.ID); return err })
	r.do("getWatchlistSearchResults", func() error { _, err := c.GetWatchlistSearchResults(ctx, search.ID); return err })
	r.do("listSearchedLists", func() error { _, err := c.ListSearchedLists(ctx, search.ID); return err })
}

// picture returns a JPEG image of noise, larger than what a checker holds in memory.
var picture = sync.OnceValue(func() []byte {
	noise := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, 1200, 900))
	for i := range img.Pix {
		img.Pix[i] = byte(noise.Uint32())
	}
	img.Set(0, 0, color.White)
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}) // a buffer takes everything
	return b.Bytes()
})
