package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/webhook"
)

// serve runs the application until the test ends, or stop is called.
func serve(t *testing.T, addr, file string) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- run(ctx, addr, file, os.Getenv("AVER_API_KEY") == "", func(url string) { ready <- url })
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	select {
	case url = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	return url, stop
}

// A person has a browser.
type person struct {
	t      *testing.T
	client *http.Client
}

func newPerson(t *testing.T) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	return &person{t, client}
}

func (p *person) do(method, address string, form url.Values) (status int, page, location string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header.Get("Location")
}

// until looks at a page until it says something.
func (p *person) until(address, text string) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		_, page, _ := p.do("GET", address, nil)
		if strings.Contains(page, text) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s never says %q:\n%s", address, text, page)
		}
	}
}

// environment has the application call a sandbox of the test.
func environment(t *testing.T, opts ...sandbox.Option) *sandbox.Server {
	sb := sandbox.Start(t, opts...)
	for name, value := range map[string]string{"AVER_API_KEY": sb.Key, "AVER_API_SECRET": sb.Secret, "AVER_GROUP_ID": sb.GroupID,
		"AVER_BASE_URL": sb.URL, "AVER_WEBHOOK_SECRET": "proof", "ONBOARDING_OFFICE_PASSWORD": "open sesame"} {
		t.Setenv(name, value)
	}
	return sb
}

func email(words string) url.Values { return url.Values{"email": {"maria" + words + "@example.com"}} }

// On its own sandbox: the person is verified, a notification decides, and the office sees it.
func TestJourney(t *testing.T) {
	for _, name := range []string{"AVER_API_KEY", "AVER_API_SECRET", "AVER_BASE_URL", "AVER_GROUP_ID", "AVER_WEBHOOK_SECRET", "ONBOARDING_URL"} {
		t.Setenv(name, "")
	}
	t.Setenv("ONBOARDING_OFFICE_PASSWORD", "open sesame")
	url, _ := serve(t, "127.0.0.1:0", filepath.Join(t.TempDir(), "db"))
	for words, want := range map[string]string{"": "Welcome", "+ExpiredDocuments": "We could not verify you", "+Age": "We are having a look"} {
		p := newPerson(t)
		p.do("GET", url, nil)
		status, page, link := p.do("POST", url+"/verify", email(words))
		if status != 303 || !strings.Contains(link, "/CheckEnrollment/") {
			t.Fatalf("%d %s\n%s", status, link, page)
		}
		if _, page, _ := p.do("GET", url+"/return", nil); !strings.Contains(page, "One moment") {
			t.Errorf("before: %s", page)
		}
		if status, _, location := p.do("POST", link, nil); status != 303 || location != url+"/return" {
			t.Errorf("the enrollment ends with %d at %s", status, location)
		}
		p.until(url+"/return", want)
		if _, _, location := p.do("POST", url+"/verify", email(words)); location != url+"/return" {
			t.Errorf("who is decided about is sent to %s", location)
		}
	}
	p := newPerson(t)
	if status, page, _ := p.do("GET", url+"/office", nil); status != 401 || strings.Contains(page, "maria") {
		t.Errorf("the office is open: %d", status)
	}
	office := strings.Replace(url, "http://", "http://office:open%20sesame@", 1) + "/office"
	if _, page, _ := p.do("GET", office, nil); strings.Count(page, "maria") != 3 || !strings.Contains(page, "ExpiredDocuments") ||
		!strings.Contains(page, "accepted") {
		t.Errorf("%s", page)
	}
}

// Whatever is lost while the application is away comes when it is back, and nobody is created twice.
func TestRestart(t *testing.T) {
	sb := environment(t)
	file := filepath.Join(t.TempDir(), "db")
	url, stop := serve(t, "127.0.0.1:0", file)
	p := newPerson(t)
	p.do("GET", url, nil)
	_, _, link := p.do("POST", url+"/verify", email(""))
	addr := strings.TrimPrefix(url, "http://")
	if _, _, again := p.do("POST", url+"/verify", email("")); again == link || !strings.Contains(again, "/CheckEnrollment/") {
		t.Errorf("a second time: %s", again)
	} else {
		link = again
	}
	stop()
	if status, _, _ := p.do("POST", link, nil); status != 303 { // the notification finds nobody
		t.Errorf("%d", status)
	}
	url, _ = serve(t, addr, file)
	p.until(url+"/return", "Welcome")
	if len(sb.Checks()) != 1 {
		t.Errorf("%d checks", len(sb.Checks()))
	}
}

// A check whose ID was not noted before a crash is found again.
func TestCrashBeforeTheCheckIsNoted(t *testing.T) {
	sb := environment(t)
	file := filepath.Join(t.TempDir(), "db")
	url, stop := serve(t, "127.0.0.1:0", file)
	p := newPerson(t)
	p.do("GET", url, nil)
	p.do("POST", url+"/verify", email(""))
	addr := strings.TrimPrefix(url, "http://")
	stop()
	s, err := openStore(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exec(`UPDATE customers SET check_id = ''`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	url, _ = serve(t, addr, file)
	if status, page, link := p.do("POST", url+"/verify", email("")); status != 303 || !strings.Contains(link, "/CheckEnrollment/") ||
		len(sb.Checks()) != 1 {
		t.Errorf("%d %s, %d checks\n%s", status, link, len(sb.Checks()), page)
	}
}

// Each class of error is told as far as it is the person's to know.
func TestErrorsArePutIntoWords(t *testing.T) {
	sb := environment(t)
	url, _ := serve(t, "127.0.0.1:0", filepath.Join(t.TempDir(), "db"))
	verify := func(address string, f sandbox.Faults) (int, string) {
		t.Helper()
		if err := sb.SetFaults(f); err != nil {
			t.Fatal(err)
		}
		p := newPerson(t)
		p.do("GET", url, nil)
		status, page, _ := p.do("POST", url+"/verify", map[string][]string{"email": {address}})
		return status, page
	}
	for _, tt := range []struct {
		address string
		faults  sandbox.Faults
		status  int
		want    string
	}{
		{"nonsense", sandbox.Faults{}, 422, "check your email address"},
		{"", sandbox.Faults{}, 422, "check your email address"},
		{"a@example.com", sandbox.Faults{Rate: 1, Status: 429, SpareExchange: true}, 503, "right now"},
		{"a@example.com", sandbox.Faults{Rate: 1, Status: 503, Operations: []string{"createCheck"}}, 503, "do not know yet"},
		{"a@example.com", sandbox.Faults{Rate: 1, Status: 403, Operations: []string{"createCheck"}}, 500, "Something went wrong"},
	} {
		if status, page := verify(tt.address, tt.faults); status != tt.status || !strings.Contains(page, tt.want) {
			t.Errorf("%s, %+v: %d\n%s", tt.address, tt.faults, status, page)
		}
	}
	if status, _, location := newPerson(t).do("GET", url+"/return", nil); status != 303 || location != "/" {
		t.Errorf("nobody comes back: %d %s", status, location)
	}
	for _, name := range []string{"AVER_WEBHOOK_SECRET", "AVER_GROUP_ID", "ONBOARDING_OFFICE_PASSWORD", "AVER_API_KEY"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "")
			if err := run(t.Context(), "127.0.0.1:0", filepath.Join(t.TempDir(), "db"), false,
				func(string) {}); err == nil ||
				!strings.Contains(err.Error(), name) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Who clicks twice is one customer, and what the service knows of the customer opens nothing.
func TestOneSessionIsOneCustomer(t *testing.T) {
	sb := environment(t)
	file := filepath.Join(t.TempDir(), "db")
	url, _ := serve(t, "127.0.0.1:0", file)
	p := newPerson(t)
	p.do("GET", url, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if status, page, _ := p.do("POST", url+"/verify", email("")); status != 303 {
				t.Errorf("%d\n%s", status, page)
			}
		})
	}
	wg.Wait()
	if len(sb.Checks()) != 1 {
		t.Errorf("%d checks", len(sb.Checks()))
	}
	s, err := openStore(file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.customers(t.Context(), "")
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, stolen := range []string{all[0].ID, strings.TrimPrefix(all[0].ID, "customer-"), ""} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", url+"/return", nil)
		req.AddCookie(&http.Cookie{Name: cookieName, Value: stolen})
		resp, err := newPerson(t).client.Do(req)
		if err != nil || resp.Header.Get("Location") != "/" {
			t.Errorf("%v, %v", resp, err)
		}
		resp.Body.Close()
	}
	if status, _, location := newPerson(t).do("POST", url+"/verify", email("")); status != 303 || location != "/" || len(sb.Checks()) != 1 {
		t.Errorf("without a session: %d %s", status, location)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A request that is under way when the application stops comes to its end.
func TestStopWaits(t *testing.T) {
	sb := environment(t)
	if err := sb.SetFaults(sandbox.Faults{Next: 100, Kinds: []sandbox.Fault{sandbox.FaultDelay}}); err != nil {
		t.Fatal(err)
	}
	url, stop := serve(t, "127.0.0.1:0", filepath.Join(t.TempDir(), "db"))
	p := newPerson(t)
	p.do("GET", url, nil)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for len(sb.Checks()) == 0 {
			runtime.Gosched()
		}
		stop()
	}()
	if status, page, _ := p.do("POST", url+"/verify", email("")); status != 303 {
		t.Errorf("%d\n%s", status, page)
	}
	<-stopped
}

func TestStoreOfEvents(t *testing.T) {
	s, err := openStore(filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	begin := func(key, claim string, want webhook.State) {
		t.Helper()
		if got, err := s.Begin(ctx, key, claim); got != want || err != nil {
			t.Errorf("%s by %s: %v, %v, want %v", key, claim, got, err, want)
		}
	}
	end := func(key, claim string, handled bool) {
		t.Helper()
		if err := s.End(ctx, key, claim, handled); err != nil {
			t.Error(err)
		}
	}
	begin("a", "1", webhook.Claimed)
	begin("a", "2", webhook.InProgress)
	end("a", "2", false) // another's
	begin("a", "3", webhook.InProgress)
	end("a", "1", false)
	begin("a", "4", webhook.Claimed)
	if _, err := s.Exec(`UPDATE aver_events SET until = 0`); err != nil {
		t.Fatal(err)
	}
	begin("a", "5", webhook.Claimed) // whose claim ended
	end("a", "4", false)
	begin("a", "6", webhook.InProgress)
	end("a", "4", true) // it was late, and did it
	end("a", "5", false)
	begin("a", "7", webhook.AlreadyHandled)
}
