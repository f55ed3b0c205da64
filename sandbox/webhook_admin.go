package sandbox

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
)

// routeWebhook adds the addresses by which notifications are looked at and changed while the sandbox runs.
func (s *Sandbox) routeWebhook(router chi.Router) {
	router.Get("/sandbox/webhook", s.showWebhook)
	router.Put("/sandbox/webhook", s.changeWebhook)
	router.Post("/sandbox/webhook/test", func(w http.ResponseWriter, _ *http.Request) { accepted(w, s.SendTestNotification()) })
	router.Get("/sandbox/deliveries", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Deliveries()) })
	router.Post("/sandbox/deliveries/{id}/redeliver", func(w http.ResponseWriter, r *http.Request) {
		accepted(w, s.Redeliver(chi.URLParam(r, "id")))
	})
	router.Post("/sandbox/searches/{id}/recheck", s.recheck)
}

// ownHost refuses a request that reached this computer under a name that is not its own: a page of another site whose name was
// made to lead here (DNS rebinding).
func ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if here := (&url.URL{Host: r.Host}).Hostname(); local != nil && local.IP.IsLoopback() && !isLoopback(here) {
			writeProblem(w, problem(http.StatusForbidden, "The sandbox is reached on this computer as localhost, or by its address."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// showWebhook answers GET /sandbox/webhook with where notifications are sent, without the value of the header.
func (s *Sandbox) showWebhook(w http.ResponseWriter, _ *http.Request) {
	n := s.notifier
	n.mu.Lock()
	shown := n.webhook
	n.mu.Unlock()
	shown.Value = ""
	writeJSON(w, shown)
}

// changeWebhook lets PUT /sandbox/webhook change it. Whether another computer may be called stays as it is.
func (s *Sandbox) changeWebhook(w http.ResponseWriter, r *http.Request) {
	var webhook Webhook
	if !readJSON(w, r, &webhook, `{"url": "http://127.0.0.1:8080/aver", "header": "Authorization", "value": "…"}`) {
		return
	}
	webhook.AnyHost = s.config.webhook.AnyHost
	s.notifier.mu.Lock()
	if before := s.notifier.webhook; webhook.Value == "" && webhook.Header != "" && webhook.Header == before.Header {
		webhook.Value = before.Value // which nobody is shown
	}
	s.notifier.mu.Unlock()
	if err := s.SetWebhook(webhook); err != nil {
		accepted(w, err)
		return
	}
	s.showWebhook(w, r)
}

// recheck lets POST /sandbox/searches/{id}/recheck run a search again.
func (s *Sandbox) recheck(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Hits int `json:"hits"`
	}
	if r.ContentLength != 0 && !readJSON(w, r, &wanted, `{"hits": 2}`) {
		return
	}
	accepted(w, s.Recheck(chi.URLParam(r, "id"), wanted.Hits))
}

// readJSON reads a request to the sandbox itself, or answers with what it must be like.
func readJSON(w http.ResponseWriter, r *http.Request, into any, example string) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil || decoder.More() {
		writeProblem(w, problem(http.StatusBadRequest, "The request must be JSON like "+example+"."))
		return false
	}
	return true
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// accepted answers with what became of a request to the sandbox itself.
func accepted(w http.ResponseWriter, err error) {
	if err != nil {
		writeProblem(w, problem(http.StatusBadRequest, strings.TrimPrefix(err.Error(), "sandbox: ")))
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
