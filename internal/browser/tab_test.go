package browser_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A tab is a page in a browser that reaches nothing beyond this computer. It notes what the page asks for, and what is wrong.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu        sync.Mutex // guards what follows
	requested []string
	problems  []string
}

func newTab(t *testing.T) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")) // offline
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requested = append(b.requested, e.Request.URL[:min(len(e.Request.URL), 100)])
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" {
			args, _ := json.Marshal(e.Args)
			b.problems = append(b.problems, string(args))
		}
	case *log.EventEntryAdded:
		// A form that is answered with what is wrong in it, and a link that is refused, are no faults of the page.
		refused := strings.HasPrefix(e.Entry.Text, "Failed to load resource: the server responded with a status of 4")
		if e.Entry.Level == log.EntryLevelError && !refused {
			b.problems = append(b.problems, e.Entry.Text)
		}
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%v at %s; problems: %q", err, b.location(), b.problems)
	}
}

func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *tab) location() string {
	at, _ := chromedp.Run(b.ctx, chromedp.Location())
	return at
}

// until waits until an expression is true in the page, across navigations.
func (b *tab) until(expression string) {
	b.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && ("+expression+")"))
		if err == nil && is {
			return
		}
		if time.Now().After(deadline) || b.ctx.Err() != nil {
			b.t.Fatalf("%s did not become true at %s: %v; problems: %q", expression, b.location(), err, b.problems)
		}
		_, _ = chromedp.Run(b.ctx, chromedp.Poll[bool]("true", chromedp.WithPollingInterval(20*time.Millisecond)))
	}
}

// picture writes what the page looks like into build, to be looked at.
func (b *tab) picture(name string) {
	b.t.Helper()
	image, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	folder := filepath.Join("..", "..", "build", "pictures")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), image, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// strip writes a picture of pictures, side by side.
func (b *tab) strip(name string, pictures ...string) {
	b.t.Helper()
	page := `<!doctype html><style>body{margin:0;padding:12px;display:flex;gap:12px;align-items:start;background:#dfe5ec}` +
		`img{width:calc(25% - 9px);border-radius:8px;height:480px;object-fit:cover;object-position:top}</style>`
	for _, each := range pictures {
		image, err := os.ReadFile(filepath.Join("..", "..", "build", "pictures", each+".png"))
		if err != nil {
			b.t.Fatal(err)
		}
		page += `<img src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(image) + `">`
	}
	file := filepath.Join(b.t.TempDir(), "strip.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(960, 504), chromedp.Navigate("file://"+file))
	b.until("[...document.images].every(i => i.complete)")
	b.picture(name)
}

// accessible reports what axe finds wrong with the page, and text that does not fit its width.
func (b *tab) accessible() {
	b.t.Helper()
	if file := os.Getenv("AVER_AXE"); file != "" {
		script, err := os.ReadFile(file)
		if err != nil {
			b.t.Fatal(err)
		}
		if !ask[bool](b, `typeof axe === "object"`) {
			ask[string](b, string(script)+"; 'loaded'")
		}
		found := ask[[]string](b, `axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target + ": " + n.failureSummary)))`)
		for _, violation := range found {
			b.t.Errorf("%s: %s", b.location(), violation)
		}
	}
	if wide := ask[float64](b, `document.documentElement.scrollWidth - window.innerWidth`); wide > 0 {
		b.t.Errorf("%s: %v pixels too wide: %q", b.location(), wide, ask[[]string](b, `[...document.querySelectorAll("body *")]
			.filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll"))
			.map(e => e.outerHTML.slice(0, 60))`))
	}
	bare := ask[[]string](b, `[...document.querySelectorAll("input:not([type=hidden]), select")]
		.filter(e => !e.labels.length).map(e => e.id)`)
	if len(bare) > 0 {
		b.t.Errorf("%s: %q have no label", b.location(), bare)
	}
}

// clean reports problems, and requests to other places than these.
func (b *tab) clean(origins ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) > 0 {
		b.t.Errorf("the console shows %q", b.problems)
	}
	for _, url := range b.requested {
		known := strings.HasPrefix(url, "data:") || strings.HasPrefix(url, "blob:")
		for _, origin := range origins {
			known = known || strings.HasPrefix(url, origin+"/")
		}
		if !known {
			b.t.Errorf("the page asks for %s", url)
		}
	}
}

// at waits for a step of the enrollment.
func (b *tab) at(step string) {
	b.t.Helper()
	b.until(fmt.Sprintf("location.pathname.endsWith('/%s')", step))
}
