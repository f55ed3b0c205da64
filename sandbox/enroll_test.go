package sandbox_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// A browser is what a person has: it keeps cookies, and stops before it leaves for another site.
type browser struct {
	t      *testing.T
	client *http.Client
	at     string // the address of the page
	status int
	page   string
	header http.Header
}

func newBrowser(t *testing.T) *browser {
	jar := must(cookiejar.New(nil))(t)
	b := &browser{t: t, client: &http.Client{Jar: jar}}
	b.client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.URL.Host != via[0].URL.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}
	t.Cleanup(b.client.CloseIdleConnections)
	return b
}

func (b *browser) do(req *http.Request) *browser {
	b.t.Helper()
	resp := must(b.client.Do(req))(b.t)
	defer resp.Body.Close()
	b.page, b.status, b.header = string(must(io.ReadAll(resp.Body))(b.t)), resp.StatusCode, resp.Header
	b.at = resp.Request.URL.String()
	if to := resp.Header.Get("Location"); to != "" {
		b.at = to
	}
	return b
}

func (b *browser) open(address string) *browser {
	b.t.Helper()
	return b.do(must(http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil))(b.t))
}

// step returns the step that the person is at.
func (b *browser) step() string {
	path, _, _ := strings.Cut(b.at, "?")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// send sends the form of the page, with values in pairs.
func (b *browser) send(pairs ...string) *browser {
	b.t.Helper()
	values := make(url.Values)
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return b.post("application/x-www-form-urlencoded", strings.NewReader(values.Encode()))
}

// upload sends the form of the page with an image.
func (b *browser) upload(name string, content []byte, pairs ...string) *browser {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(pairs); i += 2 {
		_ = w.WriteField(pairs[i], pairs[i+1])
	}
	part := must(w.CreateFormFile("image", name))(b.t)
	_, _ = part.Write(content)
	_ = w.Close()
	return b.post(w.FormDataContentType(), &body)
}

var action = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

func (b *browser) post(contentType string, body io.Reader) *browser {
	b.t.Helper()
	m := action.FindStringSubmatch(b.page)
	if m == nil {
		b.t.Fatalf("no form at %s:\n%s", b.at, b.page)
	}
	to := must(must(url.Parse(b.at))(b.t).Parse(strings.ReplaceAll(m[1], "&amp;", "&")))(b.t)
	req := must(http.NewRequestWithContext(b.t.Context(), http.MethodPost, to.String(), body))(b.t)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Origin", to.Scheme+"://"+to.Host)
	return b.do(req)
}

// wants reports what is not as it should be.
func (b *browser) wants(status int, step string, pieces ...string) *browser {
	b.t.Helper()
	if b.status != status || b.step() != step {
		b.t.Errorf("at %s with %d, want %s with %d:\n%s", b.at, b.status, step, status, b.page)
	}
	for _, piece := range pieces {
		if !strings.Contains(b.page, piece) {
			b.t.Errorf("the page at %s lacks %q:\n%s", b.at, piece, b.page)
		}
	}
	return b
}

func pixel(t *testing.T) []byte {
	_, content, _ := strings.Cut(png, ",")
	return must(base64.StdEncoding.DecodeString(content))(t)
}

func enroll(t *testing.T, sb *sandbox.Server, client *api.Client, r api.CreateCheckRequest) *api.CreatedCheck {
	t.Helper()
	r.GroupID = sb.GroupID
	if r.ThirdPartyIdentifier == "" {
		r.ThirdPartyIdentifier = "p"
	}
	if r.Email == "" {
		r.Email = "a@example.com"
	}
	return must(client.CreateCheck(t.Context(), r))(t)
}

func status(t *testing.T, client *api.Client, id string) api.CheckStatus {
	t.Helper()
	return must(client.GetCheck(t.Context(), id))(t).Status
}

// The person goes from step to step, and what they give is in the results.
func TestEnrollmentFromTheLinkToTheEnd(t *testing.T) {
	sb, client := start(t, sandbox.WithGroup(sandbox.Group{ExtendedPhoto: true, SupplementalDocumentTypes: []string{"UtilityBill"}}))
	const end = "https://shop.example.com/done?order=7&x=%20y#here"
	created := enroll(t, sb, client, api.CreateCheckRequest{ReturnURL: end, Language: api.LanguageEnglish})
	form := regexp.MustCompile(`^http://127\.0\.0\.1:\d+/CheckEnrollment/` + created.CheckID +
		`\?accessCode=[0-9a-f]{32}&language=en&returnUrl=(\S+)$`)
	if m := form.FindStringSubmatch(created.URL); m == nil || must(url.QueryUnescape(m[1]))(t) != end {
		t.Fatalf("the link is %s", created.URL)
	}
	if got := status(t, client, created.CheckID); got != api.CheckStatusCreated {
		t.Errorf("%s", got)
	}
	b := newBrowser(t).open(created.URL).wants(200, "consent", "Step 1 of 10", "Let us verify who you are")
	if got := status(t, client, created.CheckID); got != api.CheckStatusAwaitingUser {
		t.Errorf("%s", got)
	}
	for _, header := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(b.header.Get("Content-Security-Policy"), header) || b.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", b.header)
		}
	}
	b.send().wants(422, "consent", "tick the box to go on")
	b.send("agree", "yes").wants(200, "code")
	b.send("code", "short").wants(422, "code", "at least 6 characters")
	b.send("code", "my own code").wants(200, "person")
	b.send("firstName", "Ana<b>", "dateOfBirth", "2999-01-01", "country", "France").
		wants(422, "person", "Ana&lt;b&gt;", "Family name: this is needed", "this is not a day in the past", "two letters are needed", "Street and "+
			"number: this is needed")
	b.send("firstName", "Ana", "lastName", "Sol", "dateOfBirth", "1990-02-28", "country", "fr", "streetAddress1", "1 "+
		"Rue", "city", "Lyon").wants(200, "front")
	b.upload("front.heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), "docType", "NADriverLicense").wants(422, "front", "this is HEIC")
	b.upload("front.pdf", []byte("%PDF-1.7"), "docType", "NADriverLicense").wants(422, "front", "this is PDF")
	b.upload("front.png", nil, "docType", "NADriverLicense").wants(422, "front", "choose a photograph")
	b.upload("front.png", []byte("text"), "docType", "NADriverLicense").wants(422, "front", "another kind of file")
	b.upload("front+unreadable.png", pixel(t), "docType", "NADriverLicense").wants(422, "front", "it cannot be read", "although it cannot be read")
	b.upload("front.png", pixel(t), "docType", "NADriverLicense").wants(200, "back", "Step 5 of 10")
	b.upload("back.jpg", []byte("\xff\xd8\xff\xd9")).wants(200, "selfie", `capture="user"`)
	b.upload("selfie.png", pixel(t)).wants(200, "pose", "Look ")
	b.upload("pose.png", pixel(t)).wants(200, "UtilityBill", "A utility bill")
	b.upload("bill.png", pixel(t)).wants(200, "phone")
	b.send("number", "none", "country", "FR").wants(422, "phone", "digits are needed")
	b.send("number", "+33 (0)1 23-45", "country", "FR").wants(200, "finish", "Is everything right?", "/image/")
	image := regexp.MustCompile(`src="(/CheckEnrollment/[^"]*/image/[^"]*)"`).FindStringSubmatch(b.page)[1]
	b.open(strings.TrimSuffix(b.at, "/CheckEnrollment/"+created.CheckID+"/finish") + image)
	if b.status != 200 || b.header.Get("Content-Type") != "image/png" || b.page != string(pixel(t)) {
		t.Errorf("%d %v", b.status, b.header)
	}
	b.open(strings.TrimSuffix(sb.URL, "/api")+"/CheckEnrollment/"+created.CheckID).wants(200, "finish")
	if b.send(); b.status != 303 || b.at != end {
		t.Errorf("%d to %s", b.status, b.at)
	}
	results := must(client.GetCheckResults(t.Context(), created.CheckID))(t)
	person := results.CheckResults.PersonalInformation
	if results.Status != api.CheckStatusCompleted || person.FirstName != "Ana" || person.DateOfBirth != "02/28/1990" || person.Country != "FR" ||
		results.CheckResults.IdentificationDocument.BackID == "" || sb.Submissions(created.CheckID) != 1 {
		t.Errorf("%+v", results)
	}
	findsByName(t, client, "ana", created.CheckID)
	b.open(strings.TrimSuffix(sb.URL, "/api")+"/CheckEnrollment/"+created.CheckID+"/person").wants(200, "person", "Thank you", "The check is "+
		"completed.")
}

// Only what the check's types and its create ask for is a step.
func TestEnrollmentAsksForWhatIsNeeded(t *testing.T) {
	sb, client := start(t)
	created := enroll(t, sb, client, api.CreateCheckRequest{SkipPersonalAccessCode: true,
		CheckTypes: []api.CheckType{api.CheckTypeDocumentVerification}})
	b := newBrowser(t).open(created.URL).wants(200, "consent", "Step 1 of 5")
	b.send("agree", "yes").wants(200, "person").send("fill", "yes").wants(200, "front")
	findsByName(t, client, "sandbox", created.CheckID)
	b.upload("p.png", pixel(t), "docType", "PassportImage").wants(200, "finish", "Step 4 of 4") // a passport has no back
	b.send().wants(200, "done", "Thank you", "The check is completed.")
	if newBrowser(t).open(created.URL).status != http.StatusGone {
		t.Error("the link works after the end")
	}
}

func TestEnrollmentLinkWorksOnce(t *testing.T) {
	sb, client := start(t)
	created := enroll(t, sb, client, api.CreateCheckRequest{ReturnURL: "https://shop.example.com/done"})
	silent := must(client.CreateAccessLink(t.Context(), created.CheckID, api.CreateAccessLinkRequest{}))(t)
	link := must(client.CreateAccessLink(t.Context(), created.CheckID, api.CreateAccessLinkRequest{ReturnURL: "https://shop.example.com/done"}))(t)
	if strings.Contains(silent.URL, "returnUrl") || link.URL == created.URL || link.URL == silent.URL {
		t.Fatalf("%s and %s", created.URL, silent.URL)
	}
	for _, address := range []string{created.URL, silent.URL} { // the newest replaces them
		if b := newBrowser(t).open(address); b.status != 410 || !strings.Contains(b.page, "There is a newer link") {
			t.Errorf("an older link: %d", b.status)
		}
	}
	if got := status(t, client, created.CheckID); got != api.CheckStatusCreated {
		t.Errorf("before: %s", got)
	}
	person := newBrowser(t).open(link.URL).wants(200, "consent")
	person.open(link.URL).wants(200, "consent") // for the same browser it is the way back
	if b := newBrowser(t).open(link.URL); b.status != 410 || !strings.Contains(b.page, "This link was used already") {
		t.Errorf("another browser: %d", b.status)
	}
	for _, address := range []string{link.URL[:strings.Index(link.URL, "?")] + "?accessCode=0", strings.Replace(link.URL, created.CheckID, "c1", 1)} {
		if b := newBrowser(t).open(address); b.status != 404 {
			t.Errorf("%s: %d", address, b.status)
		}
	}
	if resp, _ := call(t, "POST", link.URL, "", "", ""); resp.StatusCode != 410 {
		t.Errorf("a used link: %s", resp.Status)
	}
	fresh := must(client.CreateAccessLink(t.Context(), created.CheckID, api.CreateAccessLinkRequest{ReturnURL: "https://shop.example.com/done"}))(t)
	if resp, _ := call(t, "POST", fresh.URL, "", "", ""); resp.StatusCode != 303 || resp.Header.Get("Location") != "https://shop.example.com/done" {
		t.Errorf("at once: %s to %s", resp.Status, resp.Header.Get("Location"))
	}
	if got := status(t, client, created.CheckID); got != api.CheckStatusCompleted || sb.Submissions(created.CheckID) != 1 {
		t.Errorf("%s, submitted %d times", got, sb.Submissions(created.CheckID))
	}
	findsByName(t, client, "sandbox", created.CheckID)
}

func findsByName(t *testing.T, client *api.Client, name, id string) {
	t.Helper()
	found := must(client.LookupChecks(t.Context(), api.LookupChecksRequest{FirstName: name}))(t)
	if len(found) != 1 || found[0].ID != id {
		t.Errorf("by the name %s: %v", name, found)
	}
}

// Who chose a code comes back with it, from another browser too, and not by guessing.
func TestPersonWhoComesBack(t *testing.T) {
	sb, client := start(t)
	created := enroll(t, sb, client, api.CreateCheckRequest{Language: api.LanguageFrench})
	newBrowser(t).open(created.URL).wants(200, "consent", "Étape 1 sur").send("agree", "yes").send("code", "mon code").wants(200, "person")

	b := newBrowser(t).open(created.URL)
	if b.status != 410 || !strings.Contains(b.page, "Saisissez le code") {
		t.Fatalf("%d\n%s", b.status, b.page)
	}
	if b.send("code", "mon cod"); b.status != 403 || !strings.Contains(b.page, "ce n’est pas votre code") {
		t.Errorf("%d\n%s", b.status, b.page)
	}
	b.send("code", "mon code").wants(200, "person", "Étape 3 sur")
	address := b.at[:strings.LastIndexByte(b.at, '/')]

	thief := newBrowser(t)
	for range 5 {
		thief.open(address)
		thief.send("code", "a guess")
	}
	thief.open(address)
	if thief.send("code", "mon code"); thief.status != 429 || !strings.Contains(thief.page, "Too many attempts") {
		t.Errorf("%d\n%s", thief.status, thief.page)
	}
	link := must(client.CreateAccessLink(t.Context(), created.CheckID, api.CreateAccessLinkRequest{}))(t)
	newBrowser(t).open(link.URL).wants(200, "person")
	b.open(address) // the newer one took its place
	if b.status != 410 {
		t.Errorf("%d", b.status)
	}
}

func TestEnrollmentIsLeftAloneByOthers(t *testing.T) {
	sb, client := start(t)
	created := enroll(t, sb, client, api.CreateCheckRequest{})
	b := newBrowser(t).open(created.URL)
	send := func(origin, contentType, body string) int {
		req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, b.at, strings.NewReader(body)))(t)
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Origin", origin)
		resp := must(b.client.Do(req))(t)
		resp.Body.Close()
		return resp.StatusCode
	}
	const kind = "application/x-www-form-urlencoded"
	if got := send("https://elsewhere.example.com", kind, "agree=yes"); got != 403 {
		t.Errorf("another site: %d", got)
	}
	if got := send(strings.TrimSuffix(sb.URL, "/api"), "multipart/form-data", "agree=yes"); got != 400 {
		t.Errorf("half a form: %d", got)
	}
	b.open(b.at).wants(200, "consent")
	b.open(strings.Replace(b.at, "consent", "finish", 1)).wants(200, "consent") // nobody skips
	for _, path := range []string{"/CheckEnrollment/x/return", "/CheckEnrollment/x/consent", "/CheckEnrollment/" + created.CheckID + "/return"} {
		resp, _ := call(t, "POST", strings.TrimSuffix(sb.URL, "/api")+path, "", kind, "code=my+own+code")
		if resp == nil || resp.StatusCode != 410 {
			t.Errorf("%s: %v", path, resp)
		}
	}
	for _, path := range []string{"/CheckEnrollment/x", "/CheckEnrollment/" + created.CheckID + "/front", "/CheckEnrollment/x/return"} {
		if other := newBrowser(t).open(strings.TrimSuffix(sb.URL, "/api") + path); other.status != 410 {
			t.Errorf("%s: %d", path, other.status)
		}
	}
	if other := newBrowser(t).open(strings.TrimSuffix(sb.URL, "/api") + "/CheckEnrollment/" + created.CheckID + "/image/x"); other.status != 404 {
		t.Errorf("%d", other.status)
	}
	for _, file := range []string{"enrollment.css", "enrollment.js"} {
		if b.open(strings.TrimSuffix(sb.URL, "/api") + "/sandbox/assets/" + file); b.status != 200 {
			t.Errorf("%s: %d", file, b.status)
		}
	}
	for _, file := range []string{"enrollment.html", "..%2fsandbox.go", "nothing"} {
		if b.open(strings.TrimSuffix(sb.URL, "/api") + "/sandbox/assets/" + file); b.status != 404 {
			t.Errorf("%s: %d", file, b.status)
		}
	}
}

// The end is reached by an address of any kind, and by that of the link alone.
func TestWhereTheEnrollmentEnds(t *testing.T) {
	sb, client := start(t)
	for i, end := range []string{"myapp://done?x=1", "http://127.0.0.1:9/a b", "https://shop.example.com/d;one"} {
		created := enroll(t, sb, client, api.CreateCheckRequest{ThirdPartyIdentifier: fmt.Sprint(i),
			CheckTypes: []api.CheckType{api.CheckTypeDocumentVerification}})
		link, err := client.CreateAccessLink(t.Context(), created.CheckID, api.CreateAccessLinkRequest{ReturnURL: end})
		if err != nil {
			continue // the contract does not take it
		}
		forged := strings.Replace(link.URL, "returnUrl=", "returnUrl=https%3A%2F%2Fevil.example.com&x=", 1)
		resp, _ := call(t, "POST", forged, "", "", "")
		if got := resp.Header.Get("Location"); got != end {
			t.Errorf("%s ends at %s", end, got)
		}
	}
}

func TestWordsOfTheEnrollmentAreThereInEveryLanguage(t *testing.T) {
	text := must(os.ReadFile("pages/enrollment.json"))(t)
	var all map[string]map[string]string
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"en", "zh-Hans", "es", "fr"} {
		if len(all[language]) != len(all["en"]) || len(all) != 4 {
			t.Errorf("%s has %d texts, English %d", language, len(all[language]), len(all["en"]))
		}
		for name, text := range all[language] {
			if text == "" || all["en"][name] == "" || strings.Count(text, "%") != strings.Count(all["en"][name], "%") {
				t.Errorf("%s: %s is %q", language, name, text)
			}
		}
	}
	sb, client := start(t)
	b := newBrowser(t).open(enroll(t, sb, client, api.CreateCheckRequest{}).URL)
	for language, want := range map[string]string{"zh-Hans": "让我们核实您的身份", "es": "Verifiquemos su identidad", "fr": "Vérifions votre identité"} {
		b.open(b.at[:strings.LastIndexByte(b.at, '/')]+"/consent?language="+language).wants(200, "consent", want, `lang="`+language+`"`)
	}

}

// What the API gave stays, what is too long is said, and a passport has no back.
func TestEnrollmentLosesNothing(t *testing.T) {
	sb, client := start(t)
	created := enroll(t, sb, client, api.CreateCheckRequest{SkipPersonalAccessCode: true})
	done(t, client.AddPersonalInfo(t.Context(), created.CheckID, api.AddPersonalInfoRequest{FirstName: "Ana", LastName: "Sol",
		Gender:         api.GenderFemale,
		StreetAddress2: "Door 7"}))
	b := newBrowser(t).open(created.URL)
	b.send("agree", "yes").wants(200, "person", `value="Ana"`)
	b.send("firstName", strings.Repeat("a", 1001), "lastName", "Sol").wants(422, "person", "it is too long")
	b.send("firstName", "An\xffa", "lastName", "Sol", "dateOfBirth", "1990-02-28", "country", "fr", "streetAddress1", "1 Rue", "city", "Lyon").
		wants(200, "front")
	b.upload("f.png", pixel(t), "docType", "NADriverLicense").wants(200, "back")
	b.upload("b.png", pixel(t)).wants(200, "selfie")
	b.open(strings.Replace(b.at, "/selfie", "/front", 1)).wants(200, "front")
	b.upload("p.png", pixel(t), "docType", "PassportImage").wants(200, "selfie")
	b.send("fill", "yes").wants(200, "phone").send("fill", "yes").wants(200, "finish")
	if policy := b.header.Get("Content-Security-Policy"); strings.Contains(policy, "form-action") ||
		!strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("who ends may be led anywhere: %s", policy)
	}
	b.send()
	r := must(client.GetCheckResults(t.Context(), created.CheckID))(t).CheckResults
	if r.PersonalInformation.Gender != api.GenderFemale || r.AddressVerification.StreetAddress2 != "Door 7" ||
		r.IdentificationDocument.BackID != "" ||
		r.PersonalInformation.FirstName != "An\uFFFDa" {
		t.Errorf("%+v %+v %+v", r.PersonalInformation, r.AddressVerification, r.IdentificationDocument)
	}
}

// Whoever reads slowly holds nobody up.
func TestPersonWhoReadsSlowly(t *testing.T) {
	sb, client := start(t)
	created := enroll(t, sb, client, api.CreateCheckRequest{SkipPersonalAccessCode: true})
	done(t, client.AddPersonalInfo(t.Context(), created.CheckID, api.AddPersonalInfoRequest{FirstName: strings.Repeat("a", 20_000), LastName: "b"}))
	b := newBrowser(t).open(created.URL).send("agree", "yes").wants(200, "person") // a page that no buffer of the server holds
	u := must(url.Parse(b.at))(t)
	conn := must(net.Dial("tcp", u.Host))(t)
	defer conn.Close()
	cookie := b.client.Jar.Cookies(u)[0]
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n", u.Path, u.Host, cookie)
	_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	for { // until the pages that nobody reads fill all buffers
		if _, err := io.WriteString(conn, strings.Repeat(request, 100)); err != nil {
			break
		}
	}
	if got := status(t, client, enroll(t, sb, client, api.CreateCheckRequest{ThirdPartyIdentifier: "q"}).CheckID); got != api.CheckStatusCreated {
		t.Errorf("%s", got)
	}
}
