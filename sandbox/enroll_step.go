package sandbox

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// A step is one thing that the hosted enrollment asks for.
type step struct {
	id    string // consent, code, person, front, back, selfie, pose, a type of a paper, phone, finish
	title string // the name of its text
	done  bool
	image *document // what was given; nil for none
	take  func(*form)
}

// steps returns what the enrollment of a check asks for, by its types and its group. s.mu is held.
func (s *Sandbox) steps(c *check) []step {
	all := []step{{id: "consent", title: "consent", done: c.consented, take: (*form).takeConsent}}
	if !c.skipCode {
		all = append(all, step{id: "code", title: "code", done: c.code.set, take: (*form).takeCode})
	}
	if slices.ContainsFunc(needsPerson, c.has) {
		done := c.person != nil && (!c.has(server.CheckTypeAddressVerification) || *text(c.person.StreetAddress1) != "")
		all = append(all, step{id: "person", title: "person", done: done, take: (*form).takePerson})
	}
	if c.needsDocument() {
		all = append(all, step{id: "front", title: "front", done: c.front != nil, image: c.front, take: (*form).takeImage})
		if c.documentType != server.DocumentTypePassportImage {
			all = append(all, step{id: "back", title: "back.title", done: c.back != nil, image: c.back, take: (*form).takeImage})
		}
	}
	if c.needsPhoto() {
		all = append(all, step{id: "selfie", title: "selfie", done: c.photo != nil, image: c.photo, take: (*form).takeImage})
		if s.config.group.ExtendedPhoto {
			all = append(all, step{id: "pose", title: "pose", done: c.extended != nil, image: c.extended, take: (*form).takeImage})
		}
	}
	for _, paper := range c.neededPapers() {
		given := c.papers[paper]
		all = append(all, step{id: string(paper), title: string(paper), done: given != nil, image: given, take: (*form).takeImage})
	}
	if c.has(server.CheckTypePhoneVerification) {
		all = append(all, step{id: "phone", title: "phone", done: c.phone != nil, take: (*form).takePhone})
	}
	return append(all, step{id: "finish", title: "finish", take: (*form).takeFinish})
}

// nextStep returns the first step that is not done. s.mu is held.
func (s *Sandbox) nextStep(c *check) step {
	for _, each := range s.steps(c) {
		if !each.done {
			return each
		}
	}
	return step{id: "finish"} // it never is
}

// reach returns a step that the person may be at: the next one, or one that is done, with where it stands; nil for another.
// s.mu is held.
func (s *Sandbox) reach(c *check, id string) (*step, int) {
	for i, each := range s.steps(c) {
		if each.id == id {
			return &each, i
		}
		if !each.done {
			break
		}
	}
	return nil, 0
}

// showStep shows the form of a step, or how the enrollment ended.
func (s *Sandbox) showStep(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, name := chi.URLParam(r, "id"), chi.URLParam(r, "step")
	in := s.sessionOf(r, id)
	switch {
	case in == nil:
		s.turnAway(w, r, s.checks[id], "used", http.StatusGone)
		return
	case !in.check.submitted.IsZero():
		s.showEnd(w, in)
		return
	}
	at, number := s.reach(in.check, name)
	if at == nil {
		s.goOn(w, in)
		return
	}
	s.formOf(in, at, number).page.write(w)
}

// showEnd shows where the check stands. s.mu is held.
func (s *Sandbox) showEnd(w http.ResponseWriter, in *session) {
	p := newPage(in.language).titled("done")
	status := p.T["status."+string(s.describe(in.check).Status)]
	if status == "" {
		status = p.T["status"]
	}
	p.Text = append(p.Text, status)
	p.write(w)
}

// takeStep takes what the person sent for a step.
func (s *Sandbox) takeStep(w http.ResponseWriter, r *http.Request) {
	id, name := chi.URLParam(r, "id"), chi.URLParam(r, "step")
	s.mu.Lock()
	known := s.sessionOf(r, id) != nil
	s.mu.Unlock()
	limit := int64(maxBody)
	if !known { // who is nobody gives a code at most
		limit = 64 << 10
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	given, err := s.readForm(r)
	kept := false
	defer func() {
		if given.image != nil && !kept {
			s.images.drop(given.image)
		}
	}()
	if err != nil {
		writeProblem(w, problem(http.StatusBadRequest, "The form cannot be read."))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.sessionOf(r, id)
	switch {
	case in == nil && name == "return":
		s.comeBack(w, r, s.checks[id], given.values.Get("code"))
		return
	case in == nil:
		s.turnAway(w, r, s.checks[id], "used", http.StatusGone)
		return
	case !in.check.submitted.IsZero():
		s.goOn(w, in)
		return
	}
	at, number := s.reach(in.check, name)
	if at == nil {
		s.goOn(w, in)
		return
	}
	f := s.formOf(in, at, number)
	f.given = given
	if given.values.Get("fill") != "" {
		f.fill()
	} else {
		at.take(f)
	}
	kept = f.kept
	if f.page.Wrong() {
		f.page.status = http.StatusUnprocessableEntity
		f.page.write(w)
		return
	}
	s.goOn(w, in)
}

// showImage shows a person an image that they gave.
func (s *Sandbox) showImage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	in := s.sessionOf(r, chi.URLParam(r, "id"))
	var d *document
	if in != nil {
		d = in.check.documents[chi.URLParam(r, "image")]
	}
	s.mu.Unlock()
	secure(w, false)
	if d == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", d.media)
	_, _ = d.content.WriteTo(w)
}

// isPaper reports whether a step is one for a supplemental document.
func isPaper(id string) bool { return server.SupplementalDocumentType(id).Valid() }
