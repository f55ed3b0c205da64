package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/wire/dataurl"
)

// Bounds of a request, in bytes: as a whole, the largest ones holding an image in Base64, and without the image.
const (
	maxBody = 64 << 20
	maxText = 1 << 20
)

// An operation is what the sandbox needs to know of an operation of the contract.
type operation struct {
	*spec.Operation
	security string       // the name of the security scheme; empty for none
	body     *spec.Schema // nil without a request body
	advanced bool         // it needs the Advanced plan: it can be answered with 403
}

// operationOf returns the operation to which the router sent a request.
func (s *Sandbox) operationOf(r *http.Request) operation {
	pattern := strings.TrimPrefix(chi.RouteContext(r.Context()).RoutePattern(), "/api")
	op, ok := s.operations[r.Method+" "+pattern]
	if !ok {
		panic("sandbox: no operation of the contract is " + r.Method + " " + pattern) // rather than let it through
	}
	return op
}

// operationAt returns the operation to which the router will send a request; none for another address.
func (s *Sandbox) operationAt(router chi.Router, r *http.Request) operation {
	route := chi.NewRouteContext()
	if !router.Match(route, r.Method, r.URL.Path) {
		return operation{}
	}
	return s.operations[r.Method+" "+strings.TrimPrefix(route.RoutePattern(), "/api")]
}

// enumOf returns the values of a string enumeration of the contract.
func enumOf(schema string) []string { return namesIn(schema, "enum") }

// namesIn returns what a schema of the contract lists under a keyword.
func namesIn(schema, keyword string) []string {
	var names []string
	for _, v := range spec.List(spec.Member(spec.Embedded().Schema(schema), keyword)) {
		names = append(names, v.(string))
	}
	return names
}

// operations are the operations of the contract by method and path.
var operations = sync.OnceValue(func() map[string]operation { return operationsOf(spec.Embedded()) })

// operationsOf returns the operations of a contract by method and path.
func operationsOf(document *spec.Document) map[string]operation {
	ops := make(map[string]operation)
	for _, op := range document.Operations {
		_, forbidden := op.Answers["403"]
		o := operation{Operation: op, body: op.Body.Of("application/json"), advanced: forbidden}
		for _, alternative := range op.Security {
			for _, name := range spec.Schemes(alternative) {
				o.security = name
			}
		}
		ops[op.Method+" "+op.Path] = o
	}
	return ops
}

// validate refuses a request whose body breaks the contract, naming each property.
func (s *Sandbox) validate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if op := s.operationOf(r); op.body != nil && (op.Required || r.ContentLength != 0) {
			images := &received{store: &s.images, byID: make(map[string]*receivedImage)}
			defer images.drop()
			if f := validateBody(op, images, r); f != nil {
				writeProblem(w, f)
				return
			}
			r = r.WithContext(context.WithValue(r.Context(), receivedKey{}, images))
		}
		next.ServeHTTP(w, r)
	})
}

// validateBody replaces the body of a request by one without its images.
func validateBody(op operation, images *received, r *http.Request) *failure {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return problem(http.StatusUnsupportedMediaType, "The Content-Type of the request must be application/json.")
	}
	whole := &io.LimitedReader{R: r.Body, N: maxBody + 1}
	text := dataurl.Extract(whole, op.Uploads, images.take)
	body, err := io.ReadAll(io.LimitReader(text, maxText+1))
	switch {
	case whole.N == 0 || len(body) > maxText:
		return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The request body is larger than %d MiB, or than %d MiB without its image.",
			maxBody>>20, maxText>>20))
	case errors.Is(err, dataurl.ErrInvalidString):
		return problem(http.StatusBadRequest, "The request body is not valid JSON.")
	case errors.Is(err, errStorage):
		return problem(http.StatusInternalServerError, "The sandbox has no room for the image.")
	case err != nil:
		return problem(http.StatusBadRequest, "The request body broke off.")
	}
	if spec.HugeNumber(body) {
		return problem(http.StatusBadRequest, "The request body holds a number that is too long.")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil || !jsontext.Value(body).IsValid() {
		return problem(http.StatusBadRequest, "The request body is not valid JSON, a name occurs twice in it, or it is not UTF-8.")
	}
	if problems := op.body.Problems(value); len(problems) > 0 {
		fields := make(map[string][]string)
		for _, p := range problems {
			name := cmp.Or(strings.Join(p.Place, "."), "*") // the body itself
			if text := p.Text(); !slices.Contains(fields[name], text) {
				fields[name] = append(fields[name], text)
			}
		}
		return invalid(fields)
	}
	r.Body = io.NopCloser(bytes.NewReader(plainIntegers(body, value)))
	return nil
}

// plainIntegers returns a body in which whole numbers are written as Go reads them: 3e1, which the contract allows, as 30.
func plainIntegers(body []byte, value any) []byte {
	changed := false
	var plain func(any) any
	plain = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for name := range v {
				v[name] = plain(v[name])
			}
		case []any:
			for i := range v {
				v[i] = plain(v[i])
			}
		case json.Number:
			if n, ok := new(big.Rat).SetString(v.String()); ok && n.IsInt() && strings.ContainsAny(v.String(), ".eE") {
				changed = true
				return json.Number(n.Num().String())
			}
		}
		return v
	}
	if value = plain(value); !changed {
		return body
	}
	text, err := json.Marshal(value)
	if err != nil {
		return body
	}
	return text
}

type originKey struct{}

// withOrigin notes under which scheme, host and port the sandbox was called, for links to itself.
func withOrigin(ctx context.Context, origin string) context.Context {
	return context.WithValue(ctx, originKey{}, origin)
}

func originOf(ctx context.Context) string {
	origin, _ := ctx.Value(originKey{}).(string)
	return origin
}
