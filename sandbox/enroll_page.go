package sandbox

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"sync"

	"github.com/go-chi/chi/v5"
)

//go:embed pages
var pages embed.FS

var enrollmentPage = template.Must(template.ParseFS(pages, "pages/enrollment.html"))

// texts returns what the pages say, by language and name.
var texts = sync.OnceValue(func() map[string]map[string]string {
	var all map[string]map[string]string
	text, err := pages.ReadFile("pages/enrollment.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		panic("sandbox: " + err.Error()) // a test reads it
	}
	return all
})

// A page is what a person sees.
type page struct {
	T               map[string]string
	Language        string
	Languages       []language
	Title, Progress string
	Number, Total   int
	Text            []string
	Done            []doneStep
	Fields          []*field
	Action, Button  string
	Image, Fill     bool
	Previous        string

	Query string // of the links to other languages

	status int
	leads  bool // the form leads to where the enrollment ends
}

// Wrong reports whether something must be mended.
func (p *page) Wrong() bool {
	for _, f := range p.Fields {
		if f.Wrong != "" {
			return true
		}
	}
	return false
}

type language struct {
	Code, Name string
	Current    bool
}

// A doneStep is a step that can be looked at again.
type doneStep struct{ Title, Path, Image string }

// A field is an input of a form.
type field struct {
	ID, Label, Hint, Kind, Value, Wrong string
	Complete, Keyboard, Capture         string
	Required                            bool
	Options                             []option
}

type option struct{ Value, Label string }

// newPage returns a page in a language; another one than there is becomes English.
func newPage(code string) *page {
	if texts()[code] == nil {
		code = "en"
	}
	p := &page{T: texts()[code], Language: code, status: http.StatusOK}
	for _, other := range enumOf("Language") {
		p.Languages = append(p.Languages, language{Code: other, Name: texts()[other]["name"], Current: other == code})
	}
	return p
}

// titled gives a page the title and the text of a name.
func (p *page) titled(name string) *page {
	p.Title = p.T[name]
	if text := p.T[name+".text"]; text != "" {
		p.Text = append(p.Text, text)
	}
	return p
}

func (p *page) write(w http.ResponseWriter) {
	secure(w, p.leads)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(p.status)
	_ = enrollmentPage.Execute(w, p)
}

// secure sets what keeps a page to itself: nothing of others runs or is asked for, nobody frames it, and nobody keeps it. leads says
// that its form may lead elsewhere, to where the enrollment ends and from there to wherever that leads.
func secure(w http.ResponseWriter, leads bool) {
	policy := "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob: data:; base-uri 'none'; frame-ancestors 'none'"
	if !leads {
		policy += "; form-action 'self'"
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin") // the address of the link is a secret
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

func showAsset(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}[path.Ext(name)]
	content, err := pages.ReadFile("pages/" + name)
	if kind == "" || err != nil {
		writeProblem(w, problem(http.StatusNotFound, "The sandbox has no such file."))
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(content)
}

// turnAway tells a person why it does not go on; one who chose a code may enter it. s.mu is held.
func (s *Sandbox) turnAway(w http.ResponseWriter, r *http.Request, c *check, why string, status int) {
	asked := r.URL.Query().Get("language")
	if l := s.links[r.URL.Query().Get("accessCode")]; asked == "" && l != nil {
		asked = l.language
	}
	p := newPage(asked)
	p.status = status
	if code := r.URL.Query().Get("accessCode"); code != "" {
		p.Query = "accessCode=" + url.QueryEscape(code) + "&"
	}
	if c != nil && c.code.set && c.submitted.IsZero() {
		p.titled("return")
		p.Action, p.Button = "/CheckEnrollment/"+c.id+"/return?language="+p.Language, p.T["return.button"]
		p.Fields = []*field{{ID: "code", Label: p.T["code.label"], Kind: "password", Required: true, Complete: "current-password"}}
		if why == "return" {
			p.Fields[0].Wrong = p.T["return.wrong"]
		}
	} else {
		p.titled(why)
	}
	p.write(w)
}

// progressed says where among the steps a page is.
func (p *page) progressed(number, total int) {
	p.Number, p.Total = number, total
	p.Progress = fmt.Sprintf(p.T["progress"], number, total)
}
