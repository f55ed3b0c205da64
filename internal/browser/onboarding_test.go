package browser_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// onboarding runs the example, and returns its address.
func onboarding(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "onboarding")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = "../../examples/onboarding"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "-sandbox")
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AVER_") && !strings.HasPrefix(variable, "ONBOARDING_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "Open "); ok {
			return url
		}
	}
	t.Fatal("the example says no address")
	return ""
}

// The whole journey: the application's start page, the enrollment, the page of the return, a notification, the decision.
func TestOnboarding(t *testing.T) {
	url := onboarding(t)
	for email, want := range map[string]string{"maria@example.com": "Welcome", "maria+UnderageApplicant@example.com": "We could not verify you"} {
		b := newTab(t)
		b.do(chromedp.EmulateViewport(375, 812, chromedp.EmulateScale(2)), chromedp.Navigate(url))
		b.until("document.querySelector('#email') !== null")
		b.accessible()
		b.picture("onboarding-0-start")
		b.do(chromedp.SendKeys("#email", email), chromedp.Click("form button"))
		b.at("consent")
		enrollment := strings.SplitN(b.location(), "/CheckEnrollment", 2)[0]
		b.do(chromedp.Click("#agree"), chromedp.Click(next))
		for _, step := range []string{"code", "person"} {
			b.at(step)
			b.do(chromedp.Click("button.fill"))
		}
		b.at("front")
		b.do(chromedp.SetValue("#docType", "PassportImage"), chromedp.SetUploadFiles("#image", specimen(t, "license-front.jpg")))
		b.until("document.querySelector('#image-preview').naturalWidth > 0")
		b.picture("onboarding-1-front")
		b.do(chromedp.Click(next))
		b.at("selfie")
		b.do(chromedp.SetUploadFiles("#image", specimen(t, "selfie.png")), chromedp.Click(next))
		b.at("phone")
		b.do(chromedp.Click("button.fill"))
		b.at("finish")
		b.do(chromedp.Click(next))
		b.at("return")
		b.accessible()
		b.picture("onboarding-2-waiting")
		b.until("document.querySelector('h1').innerText === '" + want + "'") // a notification brought it
		b.accessible()
		b.picture("onboarding-3-" + strings.ToLower(strings.ReplaceAll(want, " ", "-")))
		b.do(chromedp.Navigate(strings.Replace(url, "http://", "http://office:sandbox@", 1) + "/office"))
		b.until("document.body.innerText.includes('maria')")
		b.accessible()
		b.clean(url, enrollment, strings.Replace(url, "http://", "http://office:sandbox@", 1))
	}
	newTab(t).strip("journey", "onboarding-0-start", "onboarding-1-front", "onboarding-2-waiting", "onboarding-3-welcome")
}
