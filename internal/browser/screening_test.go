package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// buildScreening builds aver-screen in a folder.
func buildScreening(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "aver-screen")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/aver-screen")
	build.Dir = "../../screening"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// What a screening found is one page that needs nothing but itself, is filtered as one types, and fits a phone.
func TestScreeningPage(t *testing.T) {
	dir := t.TempDir()
	program := buildScreening(t, dir)
	people := "id,firstName,lastName\n" +
		"7,Ana,Sol+hits-3\n8,Eva,Luz\n9,Bo,Lindqvist+hits-1\n<img src=x onerror=alert(1)>,<i>Chidi</i>,Okafor+hits-1+media-1\n10,Dilek,\n"
	file := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(file, []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), program, "run", file, "--sandbox")
	if out, err := run.CombinedOutput(); run.ProcessState.ExitCode() != 3 { // a row is refused
		t.Fatalf("%v\n%s", err, out)
	}
	page, err := exec.CommandContext(t.Context(), program, "results", filepath.Join(dir, "people.sandbox.db"), "--format", "html").Output()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "people.html")
	if err := os.WriteFile(name, page, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newTab(t)
	shown := func(n string) {
		t.Helper()
		b.until("document.getElementById('count').textContent === '" + n + " of 4 shown' && " +
			"[...document.querySelectorAll('.rows tbody tr')].filter(r => r.offsetHeight > 0).length === " + n)
	}
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate("file://"+name))
	shown("4")
	if ask[bool](b, "document.body.innerText.includes('Luz') || document.querySelector('img') !== null") {
		t.Error("the page shows whom nobody has to look at, or takes a name for a part of itself")
	}
	b.accessible()
	b.picture("screening")
	b.do(chromedp.SendKeys("#text", "sol"))
	shown("1")
	b.do(chromedp.EmulateViewport(375, 812))
	shown("1")
	ask[bool](b, "(document.getElementById('text').value = '', document.getElementById('state').value = 'refused', "+
		"document.getElementById('filter').dispatchEvent(new Event('input')))")
	shown("1")
	ask[bool](b, "(document.getElementById('state').value = '', document.getElementById('least').value = '0.5', "+
		"document.getElementById('filter').dispatchEvent(new Event('input')))")
	shown("3")
	b.accessible()
	b.picture("screening-phone")
	b.clean("file://" + dir)
}

// The page of checks shows whom somebody has to look at, and no link.
func TestPageOfChecks(t *testing.T) {
	dir := t.TempDir()
	program := buildScreening(t, dir)
	sb := sandbox.Start(t, sandbox.WithProcessing(0, 0),
		sandbox.WithGroup(sandbox.Group{ID: "group-1", CheckTypes: []string{"EmailVerification"}}))
	client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "sellers.csv")
	sellers := "id,firstName,lastName,email\ns-1,Ana,Sol,a+country+age@example.com\ns-2,Eva,Luz,e@example.com\n" +
		"s-3,Bo,Lindqvist,b+rejected@example.com\ns-4,Chidi,Okafor,\ns-5,Dilek,Ay,d@example.com\n"
	if err := os.WriteFile(file, []byte(sellers), 0o600); err != nil {
		t.Fatal(err)
	}
	aver := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "AVER_API_KEY="+sb.Key, "AVER_API_SECRET="+sb.Secret, "AVER_GROUP_ID="+sb.GroupID, "AVER_BASE_URL="+sb.URL)
		out, err := cmd.Output()
		if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 { // a row is refused
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	run := []string{"run", file, "--check", "--no-wait", "--yes", "--poll", "1ms"}
	aver(run...)
	for _, id := range []string{"s-1", "s-2", "s-3"} {
		if _, err := client.SubmitCheck(t.Context(), sb.ChecksOf(id)[0]); err != nil {
			t.Fatal(err)
		}
	}
	aver(run...)
	name := filepath.Join(dir, "sellers.html")
	if err := os.WriteFile(name, aver("results", filepath.Join(dir, "sellers.db"), "--format", "html"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newTab(t)
	shown := func(n string) {
		t.Helper()
		b.until("document.getElementById('count').textContent === '" + n + " of 3 shown'")
	}
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate("file://"+name))
	shown("3")
	if ask[bool](b, "document.body.innerText.includes('Luz') || document.documentElement.innerHTML.includes('CheckEnrollment')") {
		t.Error("the page shows whom nobody has to look at, or a link")
	}
	b.accessible()
	b.picture("screening-checks")
	b.do(chromedp.SendKeys("#text", "rejected"))
	shown("1")
	b.do(chromedp.EmulateViewport(375, 812))
	if ask[bool](b, "document.documentElement.scrollWidth > innerWidth") {
		t.Error("a phone has to scroll sideways")
	}
	b.accessible()
	b.picture("screening-checks-phone")
}
