package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/webhook"
)

const webhookHeader = "Authorization"

//go:embed pages
var files embed.FS

var pages = template.Must(template.ParseFS(files, "pages/page.html"))

// An application verifies customers.
type application struct {
	http.Handler
	*configuration
	url      string
	store    *store
	receiver *webhook.Receiver
}

func newApplication(url string, c *configuration, s *store) (*application, error) {
	a := &application{configuration: c, url: url, store: s}
	var err error
	a.receiver, err = webhook.New(a.hear, webhook.WithSecret(webhookHeader, c.webhookSecret), webhook.WithClient(c.client), webhook.WithSeen(s),
		webhook.WithHook(func(ctx context.Context, d webhook.Delivery) { slog.InfoContext(ctx, "notification", "delivery", d) }))
	if err != nil {
		return nil, err
	}
	shop := http.NewServeMux()
	shop.HandleFunc("GET /{$}", a.start)
	shop.HandleFunc("POST /verify", a.verify)
	shop.HandleFunc("GET /return", a.come)
	shop.HandleFunc("GET /office", a.office)
	shop.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "pages/style.css") })
	mux := http.NewServeMux()
	mux.Handle("POST /aver", a.receiver)
	mux.Handle("/", secure(http.NewCrossOriginProtection().Handler(shop)))
	a.Handler = mux
	return a, nil
}

// secure sets what keeps the pages to themselves. A form may lead to the enrollment, wherever that is.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// A view is what a page shows.
type view struct {
	Page, Email, Wrong, Desk string
	Customer                 *customer
	Customers                []*customer
}

func (a *application) show(w http.ResponseWriter, status int, v view) {
	v.Desk = a.desk
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pages.Execute(w, v)
}

// start shows the first page, and begins a session for who has none: who then clicks twice is one customer.
func (a *application) start(w http.ResponseWriter, r *http.Request) {
	if session(r) == "" {
		http.SetCookie(w, &http.Cookie{Name: cookieName, Value: rand.Text(), Path: "/", HttpOnly: true, Secure: strings.HasPrefix(a.url, "https:"),
			SameSite: http.SameSiteLaxMode, MaxAge: 30 * 24 * 3600})
	}
	a.show(w, http.StatusOK, view{Page: "start"})
}

const cookieName = "session"

// session returns the session of a person; nothing for who has none. An application with accounts takes the account's.
func session(r *http.Request) string {
	cookie, err := r.Cookie(cookieName)
	if err != nil || len(cookie.Value) != len(rand.Text()) {
		return ""
	}
	return cookie.Value
}

// verify begins, or goes on with, the check of the customer, and sends the person to the enrollment.
func (a *application) verify(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	email, who := r.PostFormValue("email"), session(r)
	if who == "" { // without cookies nobody comes back
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	c, err := a.store.begin(r.Context(), who, email)
	var link string
	if err == nil {
		link, err = a.link(r.Context(), c)
	}
	if err != nil {
		if c != nil && errors.Is(err, api.ErrInvalidRequest) {
			err = errors.Join(err, a.store.forget(r.Context(), c.ID))
		}
		a.fail(w, r, email, err)
		return
	}
	http.Redirect(w, r, link, http.StatusSeeOther)
}

// link returns a link to the enrollment of a customer's check. There is one check for a customer, whatever happens: who has one
// gets a new link.
func (a *application) link(ctx context.Context, c *customer) (string, error) {
	if c.CheckID == "" {
		created, err := a.client.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: c.ID, GroupID: a.groupID, Email: c.Email,
			ReturnURL: a.url + "/return"})
		switch {
		case err == nil:
			return created.URL, a.store.setCheck(context.WithoutCancel(ctx), c.ID, created.CheckID)
		case !errors.Is(err, api.ErrConflict):
			return "", err
		}
		if err := a.adopt(ctx, c); err != nil { // it was created before a restart
			return "", err
		}
	}
	if c.Decision != "" {
		return a.url + "/return", nil
	}
	link, err := a.client.CreateAccessLink(ctx, c.CheckID, api.CreateAccessLinkRequest{ReturnURL: a.url + "/return"})
	if errors.Is(err, api.ErrConflict) { // it is submitted
		return a.url + "/return", nil
	}
	if err != nil {
		return "", err
	}
	return link.URL, nil
}

// adopt finds the check of a customer whose ID was not noted.
func (a *application) adopt(ctx context.Context, c *customer) error {
	found, err := a.client.LookupChecks(ctx, api.LookupChecksRequest{ThirdPartyIdentifier: c.ID})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errNoCheck
	}
	c.CheckID = found[0].ID
	return a.store.setCheck(ctx, c.ID, c.CheckID)
}

var errNoCheck = errors.New("the service knows no check of this customer")

// fail tells the person what happened, as far as that is theirs to know.
func (a *application) fail(w http.ResponseWriter, r *http.Request, email string, err error) {
	v, status := view{Page: "start", Email: email}, http.StatusInternalServerError
	v.Wrong = "Something went wrong. Please try again later."
	var failure *api.Error
	switch {
	case errors.Is(err, api.ErrInvalidRequest) && errors.As(err, &failure) && failure.Fields["email"] != nil:
		v.Wrong, status = "Please check your email address.", http.StatusUnprocessableEntity
	case errors.Is(err, api.ErrOutcomeUnknown): // the next attempt finds the check, if there is one
		v.Wrong, status = "We do not know yet whether it worked. Please try again in a few minutes.", http.StatusServiceUnavailable
	case errors.Is(err, api.ErrRateLimited), errors.Is(err, api.ErrUnavailable):
		v.Wrong, status = "We cannot verify anybody right now. Please try again in a moment.", http.StatusServiceUnavailable
	case errors.Is(err, api.ErrUnauthorized), errors.Is(err, api.ErrForbidden): // ours to mend
		slog.ErrorContext(r.Context(), "the credentials or the plan do not allow this", "error", err)
	default:
		slog.ErrorContext(r.Context(), "cannot begin a check", "error", err)
	}
	a.show(w, status, v)
}

// come is where the enrollment ends: it shows where the check stands. It decides nothing.
func (a *application) come(w http.ResponseWriter, r *http.Request) {
	c, err := a.store.customer(r.Context(), session(r))
	switch {
	case err != nil:
		a.fail(w, r, "", err)
	case c == nil:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		if c.Decision == "" {
			w.Header().Set("Refresh", "2")
		}
		a.show(w, http.StatusOK, view{Page: "return", Customer: c})
	}
}

// hear handles what a notification told, and the service confirmed. It may be called again for the same outcome, after a crash.
func (a *application) hear(ctx context.Context, e webhook.Event) error {
	if e.Check == nil || !e.Final() {
		return nil
	}
	c := &customer{ID: e.Check.ThirdPartyIdentifier, CheckID: e.Check.ID, Status: string(e.Check.Status), Reason: string(e.Check.StatusReason),
		Decision: "declined"}
	if e.Check.Status.Is(api.CheckStatusCompleted) { // which is no verdict: that is ours
		results, err := a.client.GetCheckResults(ctx, c.CheckID)
		if err != nil {
			return err
		}
		c.Decision = "accepted"
		for _, warning := range results.Warnings {
			c.Warnings, c.Decision = append(c.Warnings, string(warning)), "to be looked at"
		}
	}
	return a.store.decide(ctx, c)
}

// reconcile brings what notifications did not: at the start, and every minute.
func (a *application) reconcile(ctx context.Context) {
	for {
		if err := a.catchUp(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "cannot catch up", "error", err)
		}
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return
		}
	}
}

func (a *application) catchUp(ctx context.Context) error {
	open, err := a.store.open(ctx)
	if err != nil {
		return err
	}
	var failures []error
	var ids []string
	for _, c := range open {
		if c.CheckID == "" {
			if err := a.adopt(ctx, c); err != nil && !errors.Is(err, errNoCheck) { // who never began has none
				failures = append(failures, err)
			}
		}
		if c.CheckID != "" {
			ids = append(ids, c.CheckID)
		}
	}
	return errors.Join(append(failures, a.receiver.Reconcile(ctx, ids...))...)
}

// office shows the customers to who knows the password.
func (a *application) office(w http.ResponseWriter, r *http.Request) {
	_, password, _ := r.BasicAuth()
	if subtle.ConstantTimeCompare([]byte(password), []byte(a.officePassword)) == 0 {
		w.Header().Set("WWW-Authenticate", `Basic realm="office", charset="UTF-8"`)
		http.Error(w, "The office needs its password.", http.StatusUnauthorized)
		return
	}
	all, err := a.store.customers(r.Context(), "ORDER BY created DESC, id")
	if err != nil {
		a.fail(w, r, "", err)
		return
	}
	a.show(w, http.StatusOK, view{Page: "office", Customers: all})
}
