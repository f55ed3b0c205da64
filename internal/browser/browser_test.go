// Package browser_test looks at pages in a browser: the API reference. It is a module of its own, so that the browser's driver stays
// out of the module that applications import.
package browser_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"go.yaml.in/yaml/v3"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/sandbox"
)

// operations returns the operationIds of the contract, that of the webhook among them.
func operations(t *testing.T) []string {
	t.Helper()
	var spec struct {
		Paths, Webhooks map[string]map[string]any
	}
	if err := yaml.Unmarshal(aver.Spec, &spec); err != nil {
		t.Fatal(err)
	}
	var ids []string
	maps.Copy(spec.Paths, spec.Webhooks)
	for _, item := range spec.Paths {
		for _, op := range item {
			if op, ok := op.(map[string]any); ok {
				ids = append(ids, op["operationId"].(string))
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// The page that the sandbox serves at /docs shows every operation, without a network and without a console error.
func TestReferenceShowsEveryOperationOffline(t *testing.T) {
	file := os.Getenv("AVER_DOCS")
	if file == "" {
		t.Skip("AVER_DOCS does not name the page of make docs")
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	origin := strings.TrimSuffix(sandbox.Start(t, sandbox.WithDocs(page)).URL, "/api")

	b := newTab(t)
	ctx := b.ctx
	if err := chromedp.Do(ctx, chromedp.Navigate(origin+"/docs")); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.querySelectorAll('[id*="/operation/"]').length >= 22`,
		chromedp.WithPollingTimeout(time.Minute))); err != nil {
		t.Fatalf("%v\nproblems: %q\nrequests: %q", err, b.problems, b.requested)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...new Set([...document.querySelectorAll('[id*="/operation/"]')].map(e => e.id.replace(/.*\/operation\/([^\/]*).*/, '$1')))]`))
	if err != nil {
		t.Fatal(err)
	}
	title, err := chromedp.Run(ctx, chromedp.Title())
	if err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if want := operations(t); !slices.Equal(found, want) {
		t.Errorf("the page shows %q, want %q", found, want)
	}
	b.clean(origin)
	if title == "" || len(text) < 5000 {
		t.Errorf("title %q, %d characters of text", title, len(text))
	}
}
