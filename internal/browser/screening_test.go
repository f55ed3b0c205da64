package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// What a screening found is one page that needs nothing but itself, is filtered as one types, and fits a phone.
func TestScreeningPage(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "aver-screen")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/aver-screen")
	build.Dir = "../../screening"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	people := "id,firstName,lastName\n" +
		"7,Ana,Sol+hits-3\n8,Eva,Luz\n9,Bo,Lindqvist+hits-1\n<img src=x onerror=alert(1)>,<i>Chidi</i>,Okafor+hits-1+media-1\n10,Dilek,\n"
	file := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(file, []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, "run", file, "--sandbox").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	page, err := exec.CommandContext(t.Context(), program, "results", filepath.Join(dir, "people.db"), "--format", "html").Output()
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
