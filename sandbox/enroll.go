package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/google/uuid"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// A link is a one-time link to the hosted enrollment of a check.
type link struct {
	check     *check
	returnURL string
	used      bool
}

// newLink returns the address of a new link, which replaces the one before. s.mu is held.
func (s *Sandbox) newLink(ctx context.Context, c *check, returnURL string) string {
	code := rand.Text()
	if before := s.links[c.link]; before != nil {
		before.used = true
	}
	c.link = code
	s.links[code] = &link{check: c, returnURL: returnURL}
	return originOf(ctx) + "/enroll/" + code
}

var enrollPage = template.Must(template.New("enroll").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>body{font:1.1rem/1.5 system-ui;max-width:34rem;margin:15vh auto;padding:0 1rem}button{font:inherit;padding:.6rem 1.2rem}</style>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{if .Form}}<form method="post"><button>Finish as this person</button></form>{{end}}
</html>
`))

type enrollView struct {
	Title, Text string
	Form        bool
}

func renderEnrollment(w http.ResponseWriter, status int, view enrollView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the secret
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = enrollPage.Execute(w, view)
}

// usable returns a link that can still be used, or what to tell the person. s.mu is held.
func (s *Sandbox) usable(code string) (*link, int, enrollView) {
	l, ok := s.links[code]
	switch {
	case !ok:
		return nil, http.StatusNotFound, enrollView{Title: "Unknown link", Text: "This link does not exist."}
	case l.used || !l.check.submitted.IsZero():
		return nil, http.StatusGone, enrollView{Title: "Used link", Text: "This link was used or replaced already. Ask for a new one."}
	}
	return l, http.StatusOK, enrollView{
		Title: "Identity verification (sandbox)",
		Text:  "Here the person would photograph a document and their face. The sandbox does it with one click: whatever the check still needs is filled in, and the check is submitted.",
		Form:  true,
	}
}

func (s *Sandbox) showEnrollment(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	l, status, view := s.usable(r.PathValue("code"))
	if l != nil {
		l.check.touched = true
	}
	s.mu.Unlock()
	renderEnrollment(w, status, view)
}

// finishEnrollment does what the person would do: it adds what the check lacks and submits it.
func (s *Sandbox) finishEnrollment(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	l, status, view := s.usable(r.PathValue("code"))
	if l != nil {
		l.used = true
		l.check.fill(s.config.group)
		s.submit(l.check)
		view = enrollView{Title: "Thank you", Text: "The check is submitted."}
	}
	s.mu.Unlock()
	if l != nil && l.returnURL != "" {
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, l.returnURL, http.StatusSeeOther)
		return
	}
	renderEnrollment(w, status, view)
}

// fill adds what the check lacks.
func (c *check) fill(group Group) {
	c.touched, c.enrolled = true, true
	if c.person == nil {
		c.person = &server.AddPersonalInfoRequest{FirstName: "Sandbox", LastName: "Person"}
	}
	if *text(c.person.StreetAddress1) == "" {
		person := *c.person
		person.StreetAddress1 = new("1 Sandbox Street")
		c.person = &person
	}
	if c.phone == nil {
		c.phone = &server.AddPhoneRequest{Number: "2075550100", Country: "US"}
	}
	specimen := func() *document {
		d := &document{id: uuid.NewString(), media: "image/png", content: &blob{size: int64(len(specimenPNG)), head: specimenPNG}}
		c.documents[d.id] = d
		return d
	}
	if c.front == nil {
		c.front, c.documentType = specimen(), server.DocumentTypePassportImage
	}
	if c.back == nil && c.documentType != server.DocumentTypePassportImage {
		c.back = specimen()
	}
	if c.photo == nil {
		c.photo = specimen()
	}
	if c.extended == nil && group.ExtendedPhoto {
		c.extended = specimen()
	}
	for _, paper := range c.neededPapers() {
		if c.papers[paper] == nil {
			c.papers[paper] = specimen()
		}
	}
}

// specimenPNG is a picture of one pixel, for the person whom the sandbox plays.
var specimenPNG, _ = base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
