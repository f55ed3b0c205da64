package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
)

// A link is a one-time link to the hosted enrollment of a check.
type link struct {
	check     *check
	returnURL string
	language  string
	used      bool
	replaced  bool
}

// A session is a person in the hosted enrollment, by a cookie. Sandbox.mu guards it.
type session struct {
	check     *check
	returnURL string
	language  string
	keep      bool // the image that could not be read last may be kept
}

// newLink returns the address of a new link, which replaces the one before. s.mu is held.
func (s *Sandbox) newLink(ctx context.Context, c *check, returnURL, language string) string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // it never fails
	code := hex.EncodeToString(random)
	if before := s.links[c.link]; before != nil {
		before.replaced = true
	}
	c.link, c.guesses = code, 0
	s.links[code] = &link{check: c, returnURL: returnURL, language: language}
	query := "?accessCode=" + code + "&language=" + url.QueryEscape(language)
	if returnURL != "" {
		query += "&returnUrl=" + url.QueryEscape(returnURL)
	}
	return originOf(ctx) + "/CheckEnrollment/" + c.id + query
}

// routeEnrollment adds the pages of the hosted enrollment.
func (s *Sandbox) routeEnrollment(router chi.Router) {
	router.Get("/sandbox/assets/{file}", showAsset)
	router.Group(func(router chi.Router) {
		router.Use(http.NewCrossOriginProtection().Handler) // no page of another site may act for the person
		router.Get("/CheckEnrollment/{id}", whole(s.enter))
		router.Post("/CheckEnrollment/{id}", whole(s.enter))
		router.Get("/CheckEnrollment/{id}/{step}", whole(s.showStep))
		router.Post("/CheckEnrollment/{id}/{step}", whole(s.takeStep))
		router.Get("/CheckEnrollment/{id}/image/{image}", s.showImage)
	})
}

// whole has a page be written when it is made, so that nobody who reads slowly holds the sandbox up.
func whole(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		held := &heldAnswer{ResponseWriter: w, status: http.StatusOK}
		h(held, r)
		w.WriteHeader(held.status)
		_, _ = w.Write(held.body.Bytes())
	}
}

// enter takes a link, once, and remembers the person by a cookie; or goes on where a person who is known stopped. A link that
// is posted to does all that the person would do, at once.
func (s *Sandbox) enter(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, code := chi.URLParam(r, "id"), r.URL.Query().Get("accessCode")
	known := s.sessionOf(r, id)
	switch l := s.links[code]; {
	case code == "" && known != nil:
		s.goOn(w, known)
	case code == "":
		s.turnAway(w, r, s.checks[id], "used", http.StatusGone)
	case l == nil || l.check.id != id:
		s.turnAway(w, r, nil, "unknown", http.StatusNotFound)
	case l.replaced:
		s.turnAway(w, r, nil, "replaced", http.StatusGone)
	case l.used && known != nil && r.Method == http.MethodGet:
		s.goOn(w, known)
	case l.used || !l.check.submitted.IsZero():
		s.turnAway(w, r, l.check, "used", http.StatusGone)
	default:
		l.used = true
		l.check.touched = true
		in := s.admit(w, r, l)
		if r.Method == http.MethodPost {
			s.fill(l.check)
			s.submit(l.check)
		}
		s.goOn(w, in)
	}
}

// admit begins a session, in place of the ones before. s.mu is held.
func (s *Sandbox) admit(w http.ResponseWriter, r *http.Request, l *link) *session {
	token := rand.Text()
	delete(s.sessions, l.check.session)
	in := &session{check: l.check, returnURL: l.returnURL, language: l.language}
	if asked := r.URL.Query().Get("language"); texts()[asked] != nil {
		in.language = asked
	}
	l.check.session = token
	s.sessions[token] = in
	http.SetCookie(w, &http.Cookie{Name: "enrollment", Value: token, Path: "/CheckEnrollment/" + l.check.id, HttpOnly: true, Secure: r.TLS != nil,
		SameSite: http.SameSiteLaxMode})
	return in
}

// sessionOf returns the session of a request for a check; nil when there is none. s.mu is held.
func (s *Sandbox) sessionOf(r *http.Request, id string) *session {
	for _, cookie := range r.CookiesNamed("enrollment") {
		if in := s.sessions[cookie.Value]; in != nil && in.check.id == id {
			if asked := r.URL.Query().Get("language"); texts()[asked] != nil {
				in.language = asked
			}
			return in
		}
	}
	return nil
}

// goOn sends the person to the step that comes next, or to where the enrollment ends. s.mu is held.
func (s *Sandbox) goOn(w http.ResponseWriter, in *session) {
	to := in.path(s.nextStep(in.check).id)
	if !in.check.submitted.IsZero() {
		if to = in.path("done"); in.returnURL != "" {
			to = in.returnURL
		}
	}
	secure(w, false)
	w.Header().Set("Location", to) // exactly as it was given
	w.WriteHeader(http.StatusSeeOther)
}

func (in *session) path(step string) string { return "/CheckEnrollment/" + in.check.id + "/" + step }

// A personalCode is what the person chose for coming back.
type personalCode struct {
	set    bool
	digest [sha256.Size]byte
}

// maxGuesses is how often a wrong code may be entered before only a new link helps.
const maxGuesses = 5

// comeBack takes the code of a person who comes back. s.mu is held.
func (s *Sandbox) comeBack(w http.ResponseWriter, r *http.Request, c *check, code string) {
	if c == nil || !c.code.set || !c.submitted.IsZero() {
		s.turnAway(w, r, c, "used", http.StatusGone)
		return
	}
	digest := sha256.Sum256([]byte(c.id + code))
	switch {
	case c.guesses >= maxGuesses:
		s.turnAway(w, r, nil, "locked", http.StatusTooManyRequests)
	case subtle.ConstantTimeCompare(digest[:], c.code.digest[:]) == 0:
		c.guesses++
		s.turnAway(w, r, c, "return", http.StatusForbidden)
	default:
		c.guesses = 0
		s.goOn(w, s.admit(w, r, s.links[c.link]))
	}
}
