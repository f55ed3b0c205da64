package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// What the desk shows at most, the newest first.
const maxShown = 50

var deskPage = template.Must(template.ParseFS(pages, "pages/desk.html"))

// A desk is what a developer sees of a sandbox.
type desk struct {
	API, Group, Version, Wrong string
	Docs                       bool
	CheckCount, SearchCount    int
	Checks                     []deskCheck
	Searches                   []deskSearch
	Webhook                    Webhook
	Deliveries                 []Delivery
	Faults                     Faults
	FaultOperation, FaultKind  string
	FaultKinds, Operations     []string
	FaultCounts                []deskCount
	Quirks                     []deskQuirk
	Words                      []deskWord
}

type deskCheck struct {
	Identifier, Email, ID, Status, Reason string
	Open                                  bool // it can be decided
}

type deskSearch struct {
	Name, ID, Status, Again string
	Hits                    int
}

type deskCount struct {
	Kind  string
	Count int
}

type deskQuirk struct {
	Name string
	On   bool
}

type deskWord struct{ Word, Meaning string }

// routeDesk adds the page of the sandbox itself.
func (s *Sandbox) routeDesk(router chi.Router) {
	router.Get("/", func(w http.ResponseWriter, r *http.Request) { s.showDesk(w, r, nil) })
	router.Get("/sandbox/events", s.streamEvents)
	router.Post("/sandbox/desk/{action}", s.takeDesk)
}

func (s *Sandbox) showDesk(w http.ResponseWriter, r *http.Request, wrong error) {
	d := s.desk()
	d.API = originOf(r.Context()) + "/api"
	secure(w, false)
	w.Header().Set("Content-Security-Policy", strings.Replace(w.Header().Get("Content-Security-Policy"), "default-src 'none'",
		"default-src 'none'; connect-src 'self'", 1))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if wrong != nil {
		d.Wrong = strings.TrimPrefix(wrong.Error(), "sandbox: ")
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	_ = deskPage.Execute(w, d)
}

// desk returns what there is to see now.
func (s *Sandbox) desk() *desk {
	d := &desk{Group: s.GroupID, Docs: len(s.config.docs) > 0}
	s.mu.Lock()
	d.CheckCount, d.SearchCount = len(s.checks), len(s.searches)
	for _, c := range slices.Backward(s.newestChecks) {
		described := s.describe(c)
		shown := deskCheck{c.identifier, c.email, c.id, string(described.Status), "", !c.submitted.IsZero() && !final(described.Status)}
		if described.StatusReason != nil {
			shown.Reason = string(*described.StatusReason)
		}
		d.Checks = append(d.Checks, shown)
	}
	for _, id := range slices.Backward(s.newestSearches) {
		f := s.searches[id]
		shown := deskSearch{Name: f.name(), ID: f.id, Status: string(f.outcome.search), Hits: f.outcome.hits}
		if !f.rechecked.IsZero() {
			shown.Again = f.rechecked.Format(time.DateTime)
		}
		d.Searches = append(d.Searches, shown)
	}
	s.mu.Unlock()

	all := s.Deliveries()
	d.Deliveries = slices.Clone(all[max(0, len(all)-maxShown):])
	slices.Reverse(d.Deliveries)
	s.notifier.mu.Lock()
	d.Webhook = s.notifier.webhook
	s.notifier.mu.Unlock()
	d.Webhook.Value = strings.Repeat("•", min(len(d.Webhook.Value), 1)) // that there is one
	s.faults.mu.Lock()
	d.Faults = s.faults.config
	s.faults.mu.Unlock()
	d.FaultOperation, d.FaultKind = theOne(d.Faults.Operations), theOne(d.Faults.Kinds)
	counts := s.FaultCounts()
	for _, kind := range append(AllFaults(), FaultStatus) {
		d.FaultKinds = append(d.FaultKinds, string(kind))
		if n := counts[kind]; n > 0 {
			d.FaultCounts = append(d.FaultCounts, deskCount{string(kind), n})
		}
	}
	for _, op := range s.operations {
		d.Operations = append(d.Operations, op.ID)
	}
	slices.Sort(d.Operations)
	on := s.quirks()
	for _, quirk := range Quirks() {
		d.Quirks = append(d.Quirks, deskQuirk{string(quirk), slices.Contains(on, quirk)})
	}
	words := Outcomes()
	for _, word := range slices.Sorted(maps.Keys(words)) {
		d.Words = append(d.Words, deskWord{word, words[word]})
	}
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%+v", *d)
	d.Version = strconv.FormatUint(sum.Sum64(), 36)
	return d
}

// theOne returns the element of a list that has one; nothing of another list.
func theOne[T ~string](list []T) string {
	if len(list) != 1 {
		return ""
	}
	return string(list[0])
}

// eventInterval is how often the desk is looked at for changes while somebody has it open.
const eventInterval = 300 * time.Millisecond

// streamEvents tells a browser when the desk has changed (server-sent events).
func (s *Sandbox) streamEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	ticker := time.NewTicker(eventInterval)
	defer ticker.Stop()
	last := ""
	for {
		if version := s.desk().Version; version != last {
			last = version
			if _, err := fmt.Fprintf(w, "event: change\ndata: %s\n\n", version); err != nil || control.Flush() != nil {
				return
			}
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-s.notifier.ctx.Done(): // the server stops
			return
		}
	}
}

// takeDesk does what a form of the desk asks for.
func (s *Sandbox) takeDesk(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	actions := map[string]func(*http.Request) error{
		"decide":    func(r *http.Request) error { return s.Decide(r.PostFormValue("id"), r.PostFormValue("status")) },
		"redeliver": func(r *http.Request) error { return s.Redeliver(r.PostFormValue("id")) },
		"test":      func(*http.Request) error { return s.SendTestNotification() },
		"recheck": func(r *http.Request) error {
			hits, err := numberOf(r, "hits")
			if err != nil {
				return err
			}
			return s.Recheck(r.PostFormValue("id"), hits)
		},
		"webhook": s.takeWebhook,
		"faults":  s.takeFaults,
		"quirks": func(r *http.Request) error {
			quirks, err := ParseQuirks(strings.Join(r.PostForm["quirk"], ","))
			if err != nil {
				return err
			}
			return s.SetQuirks(quirks...)
		},
	}
	act := actions[chi.URLParam(r, "action")]
	if err := r.ParseForm(); err != nil || act == nil {
		writeProblem(w, problem(http.StatusBadRequest, "The form cannot be read."))
		return
	}
	if err := act(r); err != nil {
		s.showDesk(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// numberOf returns a whole number of a form; 0 where there is none.
func numberOf(r *http.Request, name string) (int, error) {
	text := r.PostFormValue(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %.20q is no whole number", name, text)
	}
	return n, nil
}

func rateOf(r *http.Request) (float64, error) {
	text := cmp.Or(r.PostFormValue("rate"), "0")
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("the share: %.20q is no number", text)
	}
	return rate, nil
}

func (s *Sandbox) takeWebhook(r *http.Request) error {
	s.notifier.mu.Lock()
	w := s.notifier.webhook
	s.notifier.mu.Unlock()
	rate, err := rateOf(r)
	if err != nil {
		return err
	}
	w.URL, w.Header, w.Faults.Rate = r.PostFormValue("url"), r.PostFormValue("header"), rate
	if value := r.PostFormValue("value"); value != "" || w.Header == "" {
		w.Value = value
	}
	return s.SetWebhook(w)
}

func (s *Sandbox) takeFaults(r *http.Request) error {
	if r.PostFormValue("off") != "" {
		return s.SetFaults(Faults{})
	}
	rate, err := rateOf(r)
	next, failure := numberOf(r, "next")
	status, another := numberOf(r, "status")
	if err = errors.Join(err, failure, another); err != nil {
		return err
	}
	f := Faults{Rate: rate, Next: next, Status: status, SpareExchange: r.PostFormValue("spare") != "", Seed: uint64(time.Now().UnixNano())}
	if kind := r.PostFormValue("kind"); kind != "" && status == 0 {
		f.Kinds = []Fault{Fault(kind)}
	}
	if op := r.PostFormValue("operation"); op != "" {
		f.Operations = []string{op}
	}
	return s.SetFaults(f)
}

// Decide ends a check that was submitted and is not done: with Completed, Rejected or Canceled. It is what a person at the service
// does with a check in review; one with the word wait waits for it.
func (s *Sandbox) Decide(checkID, status string) error {
	decided := server.CheckStatus(status)
	if !final(decided) {
		return fmt.Errorf("sandbox: a check ends Completed, Rejected or Canceled, not %.30q", status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.find(checkID)
	switch {
	case err != nil:
		return fmt.Errorf("sandbox: %w", err)
	case c.submitted.IsZero():
		return errors.New("sandbox: the check is not submitted")
	case final(s.status(c)):
		return errors.New("sandbox: the check is done already")
	}
	c.decided = decided
	s.settle(c)
	return nil
}
