package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/goaver/aver-go/internal/spec"
)

// WithContract has the sandbox serve operations that it does not implement from a contract, such as Aver's with overlays:
// authenticated, with requests checked and faults made as anywhere, and answered by an example of the contract or by a value that is
// made to meet it. What a POST sends is remembered and found by GET under the ID that was answered, until a DELETE; PUT and PATCH
// change it. Such an answer carries the header "X-Aver-Sandbox: example". The error says what is wrong with the document, and in
// which line.
func WithContract(document []byte) Option {
	return func(c *config) error {
		read, err := spec.Read(document)
		if err != nil {
			return fmt.Errorf("WithContract: %w", err)
		}
		c.contract = read
		return nil
	}
}

// examples is what was sent to operations that the sandbox does not implement.
type examples struct {
	mu    sync.Mutex
	sent  map[string]map[string]any // by path
	order []string                  // the paths, in the order of their creation
}

// maxExamples is how many objects are remembered; then the oldest are forgotten.
const maxExamples = 10_000

// routeExamples routes the operations that only the contract knows.
func (s *Sandbox) routeExamples(router chi.Router) {
	own := operations()
	for _, key := range slices.Sorted(maps.Keys(s.operations)) {
		if _, implemented := own[key]; implemented {
			continue
		}
		op := s.operations[key]
		router.With(s.authenticate, s.admitPlan, s.validate).Method(op.Method, "/api"+op.Path, s.serveExample(op))
	}
}

// serveExample answers an operation.
func (s *Sandbox) serveExample(op operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(madeUp, "example")
		if f := wrongParams(op, r); f != nil {
			writeProblem(w, f)
			return
		}
		var sent map[string]any
		if op.body != nil {
			body, err := io.ReadAll(r.Body) // bounded by validate
			if err != nil {
				writeProblem(w, problem(http.StatusBadRequest, "The request body broke off."))
				return
			}
			_ = json.Unmarshal(body, &sent) // what is no object is not remembered
		}
		successes := op.Successes()
		if len(successes) == 0 {
			writeProblem(w, problem(http.StatusNotImplemented, "The contract documents no success of this operation."))
			return
		}
		status, err := strconv.Atoi(strings.ReplaceAll(successes[0], "X", "0"))
		if err != nil {
			status = http.StatusOK // of default
		}
		s.examples.mu.Lock()
		defer s.examples.mu.Unlock()
		e := &exampleCall{s, op, strings.TrimSuffix(r.URL.Path, "/"), successes[0], status, sent}
		e.serve(w)
	})
}

// An exampleCall is a call of an operation that is answered from the contract, while the examples are locked.
type exampleCall struct {
	*Sandbox
	op         operation
	path       string
	documented string // the status as the contract writes it
	status     int
	sent       map[string]any
}

func (e *exampleCall) serve(w http.ResponseWriter) {
	known, found := e.examples.sent[e.path]
	switch byID := strings.HasSuffix(e.op.Path, "}"); {
	case byID && !found && e.isCreated():
		writeProblem(w, problem(http.StatusNotFound, "Nothing was created with this ID."))
		return
	case byID && e.op.Method == http.MethodDelete:
		e.examples.forget(e.path)
	case found && (e.op.Method == http.MethodPut || e.op.Method == http.MethodPatch):
		maps.Copy(known, e.sent)
	}
	media, s := e.media()
	if s == nil {
		w.WriteHeader(e.status)
		return
	}
	value, ok := e.config.contract.AnswerExample(e.op.Operation, e.documented, media)
	if !ok {
		writeProblem(w, problem(http.StatusNotImplemented, "The sandbox cannot make an answer that the contract takes; give an example in it."))
		return
	}
	value = e.remembered(s, value, known)
	w.Header().Set("Content-Type", media)
	w.WriteHeader(e.status)
	if text, isText := value.(string); isText && !strings.HasSuffix(media, "json") {
		_, _ = io.WriteString(w, text)
		return
	}
	_ = json.NewEncoder(w).Encode(value)
}

// isCreated reports whether the contract has an operation by which the object would be made, so that it may be missing.
func (e *exampleCall) isCreated() bool {
	_, can := e.op.Answers["404"]
	_, created := e.operations[http.MethodPost+" "+path.Dir(e.op.Path)]
	return can && created
}

// media returns the media type of the answer, JSON if there is one, and its schema; nil for no body.
func (e *exampleCall) media() (string, *spec.Schema) {
	contents := e.op.Answers[e.documented]
	medias := contents.Medias()
	if i := slices.IndexFunc(medias, func(media string) bool { return strings.HasSuffix(media, "json") }); i >= 0 {
		return medias[i], contents[medias[i]]
	}
	if len(medias) > 0 {
		return medias[0], contents[medias[0]]
	}
	return "", nil
}

// remembered puts what was sent into an example, as far as the contract takes it there, and remembers what is new.
func (e *exampleCall) remembered(s *spec.Schema, value any, known map[string]any) any {
	if list, ok := value.([]any); ok {
		var all []any
		for _, made := range e.examples.order {
			if path.Dir(made) == e.path && len(list) > 0 {
				all = append(all, with(s, list[0], e.examples.sent[made], func(v any) any { return []any{v} }))
			}
		}
		if len(all) > 0 && meets(s, all) {
			return all
		}
		return value
	}
	whole := func(v any) any { return v }
	if e.op.Method != http.MethodPost {
		return with(s, value, known, whole)
	}
	object, ok := with(s, value, e.sent, whole).(map[string]any)
	if !ok {
		return value
	}
	id := identifier(object, e.sent)
	if id == "" {
		return object
	}
	fresh := with(s, object, map[string]any{id: uuid.NewString()}, whole).(map[string]any)
	kept := maps.Clone(e.sent)
	if kept == nil {
		kept = make(map[string]any)
	}
	kept[id] = fresh[id]
	e.examples.remember(e.path+"/"+fmt.Sprint(fresh[id]), kept)
	return fresh
}

// identifier returns the name of the property by which an object is found: id, or the first that ends so and was not sent.
func identifier(object, sent map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if _, text := object[name].(string); text && name == "id" {
			return name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		_, given := sent[name]
		if _, text := object[name].(string); text && !given && (strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "ID")) {
			return name
		}
	}
	return ""
}

// with returns an object with other values where it has such properties and its schema takes them.
func with(s *spec.Schema, value any, other map[string]any, around func(any) any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	object = maps.Clone(object)
	for _, name := range slices.Sorted(maps.Keys(other)) {
		was, has := object[name]
		if !has {
			continue
		}
		if object[name] = other[name]; !meets(s, around(object)) {
			object[name] = was
		}
	}
	return object
}

func meets(s *spec.Schema, v any) bool { return len(s.ProblemsOf(v)) == 0 }

// wrongParams returns what is wrong with the parameters of a request; nil for nothing.
func wrongParams(op operation, r *http.Request) *failure {
	values := make(map[string]string)
	route := chi.RouteContext(r.Context())
	for i, name := range route.URLParams.Keys {
		values[name] = route.URLParams.Values[i]
	}
	fields := make(map[string][]string)
	for _, p := range op.Params {
		texts, here := p.Texts(values, r.URL, r.Header)
		if !here || len(texts) == 0 {
			if here && p.Required {
				fields[p.Name] = []string{"is required"}
			}
			continue
		}
		for _, problem := range p.Schema.Problems(p.Value(texts)) {
			fields[p.Name] = append(fields[p.Name], problem.Text())
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return invalid(fields)
}

func (e *examples) remember(path string, object map[string]any) {
	if e.sent == nil {
		e.sent = make(map[string]map[string]any)
	}
	e.sent[path] = object
	e.order = append(e.order, path)
	if len(e.order) > maxExamples {
		delete(e.sent, e.order[0])
		e.order = e.order[1:]
	}
}

func (e *examples) forget(path string) {
	delete(e.sent, path)
	e.order = slices.DeleteFunc(e.order, func(known string) bool { return known == path })
}
