// Package browser shows pages to tests in a real browser.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// A Tab is a page in a real browser.
type Tab struct {
	t    *testing.T
	ctx  context.Context // for package chromedp
	mu   sync.Mutex
	said []string // complaints and requests
}

// Open shows a page in a headless Chromium. Where there is none, the test is skipped. A page which says something on the console,
// or asks for anything, fails the test.
func Open(t *testing.T, doc string) *Tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine, whose behaviour this tests; apt-get install chromium")
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(doc), 0o666); err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.WindowSize(1400, 900))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium refuses to root
	}
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() { cancel(); cancelAlloc() })
	tab := &Tab{t: t, ctx: ctx}
	url := "file://" + file
	if err := chromedp.Listen(ctx, func(ev any) {
		text, _ := json.Marshal(ev)
		name := fmt.Sprintf("%T", ev)
		bad := strings.Contains(name, "ExceptionThrown") || strings.Contains(name, "EventEntryAdded") || strings.Contains(name, "ConsoleAPICalled")
		request := strings.Contains(name, "RequestWillBeSent") && !strings.Contains(string(text), `"url":"`+url) && !strings.Contains(string(text), `"url":"data:`)
		if bad || request {
			tab.mu.Lock()
			tab.said = append(tab.said, name+" "+string(text))
			tab.mu.Unlock()
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tab.mu.Lock()
		defer tab.mu.Unlock()
		for _, s := range tab.said {
			t.Errorf("the page is not silent: %.600s", s)
		}
	})
	tab.Settle()
	return tab
}

// Eval returns the value of a JavaScript expression.
func Eval[T any](b *Tab, format string, args ...any) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](fmt.Sprintf(format, args...)))
	if err != nil {
		b.t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
	return v
}

// Settle waits until what was asked for is drawn.
func (b *Tab) Settle() {
	b.t.Helper()
	wait := `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](wait, chromedp.EvalAwaitPromise)); err != nil {
		b.t.Fatal(err)
	}
}

// Keys presses keys one after another.
func (b *Tab) Keys(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		if err := chromedp.Do(b.ctx, chromedp.KeyEvent(k)); err != nil {
			b.t.Fatal(err)
		}
	}
	b.Settle()
}

// Screenshot keeps a picture of the page, for people to look at, in the folder that NEOCOG_SCREENSHOTS names.
func (b *Tab) Screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("NEOCOG_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o666)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// Dark makes the screen a dark or a light one.
func (b *Tab) Dark(on bool) {
	b.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	set := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
	if err := chromedp.Do(b.ctx, set); err != nil {
		b.t.Fatal(err)
	}
	b.Settle()
}

// Context is what package chromedp wants.
func (b *Tab) Context() context.Context { return b.ctx }
