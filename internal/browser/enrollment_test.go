package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// A journey is a person who is verified, with the application's page at the end.
type journey struct {
	*tab
	sandbox *sandbox.Server
	client  *api.Client
	created *api.CreatedCheck
	end     string
}

func begin(t *testing.T, language api.Language, email string, opts ...sandbox.Option) *journey {
	t.Helper()
	j := &journey{sandbox: sandbox.Start(t, opts...)}
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><h1>Welcome back</h1>`)
	}))
	t.Cleanup(shop.Close)
	j.end = shop.URL + "/done?order=7"
	var err error
	if j.client, err = api.New(j.sandbox.Key, j.sandbox.Secret, api.WithBaseURL(j.sandbox.URL)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.client.Close() })
	j.created, err = j.client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: j.sandbox.GroupID, Email: email,
		Language: language, ReturnURL: j.end})
	if err != nil {
		t.Fatal(err)
	}
	j.tab = newTab(t)
	j.do(chromedp.EmulateViewport(375, 812, chromedp.EmulateScale(2)))
	return j
}

func specimen(t *testing.T, name string) []string {
	file, err := filepath.Abs("../../cmd/aver/images/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return []string{file}
}

const next = "form button:not(.fill)"

// previewed says that the image which was chosen is shown, so that nothing moves any more.
const previewed = "!document.querySelector('#image-preview').hidden && document.querySelector('#image-preview').naturalWidth > 0"

// A person goes all the way on a phone, in each language, and comes back to the application with a check that is completed.
func TestEnrollmentOnAPhone(t *testing.T) {
	for _, language := range []api.Language{api.LanguageEnglish, "zh-Hans", api.LanguageSpanish, api.LanguageFrench} {
		t.Run(string(language), func(t *testing.T) {
			j := begin(t, language, "maria@example.com")
			number := 0
			look := func(step string) {
				t.Helper()
				j.at(step)
				j.accessible()
				if got := ask[string](j.tab, "document.documentElement.lang"); got != string(language) {
					t.Errorf("%s is in %s", step, got)
				}
				number++
				j.picture(fmt.Sprintf("enrollment-%s-%d-%s", language, number, step))
			}
			j.do(chromedp.Navigate(j.created.URL))
			look("consent")
			j.do(chromedp.Click(next))
			j.until("document.querySelector('[role=alert]') !== null")
			look("consent")
			j.do(chromedp.Click("#agree"), chromedp.Click(next))
			look("code")
			j.do(chromedp.SendKeys("#code", "mi código"), chromedp.Click(next))
			look("person")
			j.do(chromedp.SendKeys("#firstName", "María"), chromedp.SendKeys("#lastName", "李"), chromedp.SetValue("#dateOfBirth", "1988-04-17"),
				chromedp.SendKeys("#streetAddress1", "218 Harbor Street"), chromedp.SendKeys("#city", "Portland"), chromedp.Click(next))
			j.until("document.querySelector('#country-wrong') !== null")
			j.accessible()
			j.do(chromedp.SendKeys("#country", "us"), chromedp.Click(next))
			look("front")
			j.do(chromedp.SetValue("#docType", "NADriverLicense"), chromedp.SetUploadFiles("#image", specimen(t, "license-front.jpg")))
			j.until(previewed)
			j.picture(fmt.Sprintf("enrollment-%s-preview", language))
			j.do(chromedp.Click(next))
			look("back")
			j.do(chromedp.SetUploadFiles("#image", specimen(t, "license-back.jpg")))
			j.until(previewed)
			j.do(chromedp.Click(next))
			look("selfie")
			j.do(chromedp.SetUploadFiles("#image", specimen(t, "selfie.png")))
			j.until(previewed)
			j.do(chromedp.Click(next))
			look("phone")
			j.do(chromedp.SendKeys("#number", "2075550143"), chromedp.Click(next))
			look("finish")
			if n := ask[float64](j.tab, "[...document.querySelectorAll('.done img')].filter(i => i.naturalWidth > 0).length"); n != 3 {
				t.Errorf("%v images are shown again", n)
			}
			j.do(chromedp.Click(next))
			j.until("document.title === 'Shop'")
			if at := j.location(); at != j.end {
				t.Errorf("it ends at %s", at)
			}
			results, err := j.client.GetCheckResults(t.Context(), j.created.CheckID)
			if err != nil || results.Status != api.CheckStatusCompleted || results.CheckResults.PersonalInformation.FirstName != "María" {
				t.Errorf("%v, %v", results, err)
			}
			j.clean(strings.TrimSuffix(j.sandbox.URL, "/api"), strings.TrimSuffix(j.end, "/done?order=7"))
		})
	}
}

// Whoever has no mouse gets to the end as well.
func TestEnrollmentByKeyboard(t *testing.T) {
	j := begin(t, api.LanguageEnglish, "maria@example.com")
	// reach moves the focus with Tab alone.
	reach := func(selector string) {
		t.Helper()
		for range 40 {
			if ask[bool](j.tab, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
				if !ask[bool](j.tab, "getComputedStyle(document.activeElement).outlineStyle !== 'none'") {
					t.Errorf("%s shows no focus", selector)
				}
				return
			}
			j.do(chromedp.KeyEvent(kb.Tab))
		}
		t.Fatalf("%s cannot be reached at %s", selector, j.location())
	}
	keys := func(selector, text string) {
		t.Helper()
		reach(selector)
		j.do(chromedp.KeyEvent(text))
	}
	j.do(chromedp.Navigate(j.created.URL))
	j.at("consent")
	keys("#agree", " ")
	keys(next, kb.Enter)
	j.at("code")
	keys("#code", "my own code"+kb.Enter)
	j.at("person")
	keys("#firstName", "Maria")
	keys("#lastName", "Lindqvist")
	keys("#dateOfBirth", "04171988")
	keys("#streetAddress1", "218 Harbor Street")
	keys("#city", "Portland")
	keys("#country", "US"+kb.Enter)
	for _, step := range []string{"front", "selfie", "phone"} {
		j.at(step)
		keys("button.fill", kb.Enter)
	}
	j.at("finish")
	keys(next, kb.Enter)
	j.until("document.title === 'Shop'")
	j.clean(strings.TrimSuffix(j.sandbox.URL, "/api"), strings.TrimSuffix(j.end, "/done?order=7"))
}

// A used link, a check that is rejected, somebody who is interrupted, and a browser without scripts.
func TestEnrollmentOtherwise(t *testing.T) {
	j := begin(t, api.LanguageEnglish, "maria+FacialVerificationFailed@example.com", sandbox.WithProcessing(0, time.Second))
	j.do(chromedp.Navigate(j.created.URL))
	j.at("consent")
	j.do(chromedp.Click("button.fill"))
	j.at("code")
	j.do(chromedp.SendKeys("#code", "my own code"), chromedp.Click(next))
	j.at("person")

	other := newTab(t) // another phone
	other.do(chromedp.EmulateViewport(375, 812), chromedp.Navigate(j.created.URL))
	other.until("document.querySelector('#code') !== null")
	other.accessible()
	other.picture("enrollment-used")
	other.do(chromedp.SendKeys("#code", "not my code"), chromedp.Click(next))
	other.until("document.querySelector('#code-wrong') !== null")
	other.accessible()
	other.do(chromedp.SendKeys("#code", "my own code"), chromedp.Click(next))
	other.at("person")
	for _, step := range []string{"person", "front", "selfie", "phone"} {
		other.at(step)
		other.do(chromedp.Click("button.fill"))
	}
	other.at("finish")
	other.do(chromedp.Click(next))
	other.until("document.title === 'Shop'")
	check, err := j.client.GetCheck(t.Context(), j.created.CheckID)
	if err != nil || check.Status != api.CheckStatusRejected || check.StatusReason != api.StatusReasonFacialVerificationFailed {
		t.Errorf("%v, %v", check, err)
	}
	other.do(chromedp.Navigate(strings.TrimSuffix(j.sandbox.URL, "/api") + "/CheckEnrollment/" + j.created.CheckID + "/done"))
	other.until("document.body.innerText.includes('could not be completed')")
	other.accessible()
	other.picture("enrollment-rejected")
}
