package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// archive holds an exchange that keeps the contract, one that does not, and one with what the contract does not know.
const archive = `{"log":{"entries":[
{"request":{"method":"GET","url":"https://app.goaver.com/api/check/c1"},
 "response":{"status":200,"content":{"mimeType":"application/json",
 "text":"{\"id\":\"c1\",\"groupId\":\"g1\",\"thirdPartyIdentifier\":\"t\",\"status\":\"Archived\",\"checkTypes\":[],\"assignedTo\":\"Zephyrine\"}"}}},
{"request":{"method":"GET","url":"https://app.goaver.com/api/watchlist/w1"},
 "response":{"status":418,"content":{"mimeType":"application/json","text":"{\"message\":\"no\"}"}}},
{"request":{"method":"GET","url":"https://app.goaver.com/api/check/c2"},
 "response":{"status":404,"content":{"mimeType":"application/json","text":"{\"message\":\"no\"}"}}}
]}}`

// The report is one page that needs nothing but itself, fits a phone, and can be read by everybody.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "traffic.har")
	if err := os.WriteFile(file, []byte(archive), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./cmd/aver", "contract", "check", "--format", "html", file)
	cmd.Dir = "../.."
	page, err := cmd.Output() // the exit status tells of the violations
	if len(page) == 0 {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "report.html")
	if err := os.WriteFile(name, page, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newTab(t)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate("file://"+name))
	b.until("document.body.innerText.includes('assignedTo')")
	if ask[bool](b, "document.body.innerText.includes('Zephyrine')") {
		t.Error("the page shows a value")
	}
	b.accessible()
	b.picture("report")
	b.do(chromedp.EmulateViewport(375, 812))
	ask[bool](b, "document.querySelector('summary').click() === undefined")
	b.until("document.querySelector('details[open]') !== null")
	b.accessible()
	b.picture("report-phone")
	b.clean("file://" + dir)
}
