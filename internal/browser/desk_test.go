package browser_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// The desk keeps up with what happens, without being loaded again.
func TestDesk(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(receiver.Close)
	sb := sandbox.Start(t)
	client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	b := newTab(t)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(strings.TrimSuffix(sb.URL, "api")))
	b.until("document.body.innerText.includes('None yet')")
	b.accessible()
	ask[bool](b, "window.sameDocument = true")

	created, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "customer-1", GroupID: sb.GroupID,
		Email: "maria+wait@example.com", CheckTypes: []api.CheckType{api.CheckTypeEmailVerification}})
	if err != nil {
		t.Fatal(err)
	}
	b.until("document.body.innerText.includes('customer-1')")
	if _, err := client.SubmitCheck(t.Context(), created.CheckID); err != nil {
		t.Fatal(err)
	}
	if _, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: sb.GroupID,
		BusinessName: "Harbor Ltd+hits-2"}); err != nil {
		t.Fatal(err)
	}
	b.until("document.querySelector('b.InReview') !== null && document.body.innerText.includes('Harbor Ltd')")
	if !ask[bool](b, "window.sameDocument === true") {
		t.Error("the page was loaded again")
	}
	b.do(chromedp.SendKeys("input[name=url]", receiver.URL), chromedp.Click(`form[action="/sandbox/desk/webhook"] button`))
	b.until("document.querySelector('form[action=\"/sandbox/desk/test\"]') !== null")
	b.do(chromedp.Click(`button[value=Completed]`))
	b.until("document.querySelector('td b.Completed') !== null && document.body.innerText.includes('OfflineCheck') && " +
		"document.body.innerText.includes('204')")
	b.do(chromedp.Click(`form[action="/sandbox/desk/recheck"] button`))
	b.until("document.body.innerText.includes('RecurringWatchlistSearch')")
	b.accessible()
	b.picture("desk")
	b.do(chromedp.EmulateViewport(375, 812))
	b.accessible()
	b.picture("desk-phone")
	b.clean(strings.TrimSuffix(sb.URL, "/api"))
}
