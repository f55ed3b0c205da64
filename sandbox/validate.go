package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"

	aver "github.com/goaver/aver-go"
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
	security string             // the name of the security scheme; empty for none
	body     *jsonschema.Schema // nil without a request body
	images   []string           // the properties of the body that hold an image
	advanced bool               // it needs the Advanced plan: it can be answered with 403
}

// operationOf returns the operation to which the router sent a request.
func operationOf(r *http.Request) operation {
	pattern := strings.TrimPrefix(chi.RouteContext(r.Context()).RoutePattern(), "/api")
	op, ok := operations()[r.Method+" "+pattern]
	if !ok {
		panic("sandbox: no operation of the contract is " + r.Method + " " + pattern) // rather than let it through
	}
	return op
}

// contract is openapi.yaml as a tree.
var contract = sync.OnceValue(func() any {
	var spec any
	if err := yaml.Unmarshal(aver.Spec, &spec); err != nil {
		panic("sandbox: openapi.yaml: " + err.Error()) // it is embedded and tested
	}
	return spec
})

func schemas() any { return member(member(contract(), "components"), "schemas") }

// enumOf returns the values of a string enumeration of the contract.
func enumOf(schema string) []string {
	var names []string
	for _, v := range member(member(schemas(), schema), "enum").([]any) {
		names = append(names, v.(string))
	}
	return names
}

// operations reads the operations of the contract, once: each schema is compiled a single time.
var operations = sync.OnceValue(func() map[string]operation {
	spec := contract()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource("openapi.yaml", spec); err != nil {
		panic("sandbox: openapi.yaml: " + err.Error())
	}
	defaultSecurity := schemeOf(spec)
	ops := make(map[string]operation)
	for path, item := range member(spec, "paths").(map[string]any) {
		for method, op := range item.(map[string]any) {
			if member(op, "operationId") == nil {
				continue
			}
			o := operation{security: defaultSecurity}
			if member(op, "security") != nil {
				o.security = schemeOf(op)
			}
			if member(op, "requestBody") != nil {
				pointer := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path)
				o.body = compiler.MustCompile("openapi.yaml#/paths/" + pointer + "/" + method + "/requestBody/content/application~1json/schema")
			}
			o.images = imagesOf(op)
			o.advanced = member(member(op, "responses"), "403") != nil
			ops[strings.ToUpper(method)+" "+path] = o
		}
	}
	return ops
})

// imagesOf returns the properties of an operation's body that hold an image: those that x-upload names.
func imagesOf(op any) []string {
	schema := member(member(member(member(op, "requestBody"), "content"), "application/json"), "schema")
	if ref, ok := member(schema, "$ref").(string); ok {
		schema = member(schemas(), strings.TrimPrefix(ref, "#/components/schemas/"))
	}
	if name, ok := member(member(schema, "x-upload"), "image").(string); ok {
		return []string{name}
	}
	return nil
}

// schemeOf returns the one security scheme of the contract or of an operation.
func schemeOf(v any) string {
	requirements, _ := member(v, "security").([]any)
	for _, requirement := range requirements {
		for name := range requirement.(map[string]any) {
			return name
		}
	}
	return ""
}

func member(v any, name string) any {
	object, _ := v.(map[string]any)
	return object[name]
}

// validate refuses a request whose body breaks the contract, naming each property.
func (s *Sandbox) validate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if op := operationOf(r); op.body != nil {
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
	text := dataurl.Extract(whole, op.images, images.take)
	body, err := io.ReadAll(io.LimitReader(text, maxText+1))
	switch {
	case whole.N == 0 || len(body) > maxText:
		return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The request body is larger than %d MiB, or than %d MiB without its image.", maxBody>>20, maxText>>20))
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
	var violation *jsonschema.ValidationError
	if errors.As(op.body.Validate(value), &violation) {
		fields := make(map[string][]string)
		for _, leaf := range spec.Leaves(violation) {
			describe(leaf, fields)
		}
		return invalid(fields)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// describe names what is wrong with a property, without repeating any value. null stands for absent.
func describe(v *jsonschema.ValidationError, fields map[string][]string) {
	place := strings.Join(v.InstanceLocation, ".")
	at := func(property string) string { return strings.TrimPrefix(place+"."+property, ".") }
	add := func(property, message string) {
		property = cmp.Or(property, "*") // the body itself
		if !slices.Contains(fields[property], message) {
			fields[property] = append(fields[property], message)
		}
	}
	switch k := v.ErrorKind.(type) {
	case *kind.Required:
		for _, property := range k.Missing {
			add(at(property), "is required")
		}
	case *kind.DependentRequired:
		for _, property := range k.Missing {
			add(at(property), "is required together with "+k.Prop)
		}
	case *kind.AdditionalProperties:
		for _, property := range k.Properties {
			add(at(property), "is not a property of this request")
		}
	case *kind.MinProperties, *kind.Not: // as the criteria of a lookup
		add(at("*"), "at least one property is required")
	case *kind.MinLength:
		add(place, "must not be empty")
	case *kind.Type:
		if k.Got == "null" {
			add(place, "is required")
			break
		}
		want := slices.DeleteFunc(slices.Clone(k.Want), func(name string) bool { return name == "null" })
		add(place, "must be of the type "+strings.Join(want, " or "))
	case *kind.Enum:
		want := make([]string, len(k.Want))
		for i, v := range k.Want {
			want[i] = fmt.Sprint(v)
		}
		add(place, "must be one of "+strings.Join(want, ", "))
	case *kind.Pattern:
		add(place, "must have the form "+k.Want)
	case *kind.Format:
		add(place, "must be a valid "+k.Want)
	default:
		add(place, "does not meet the contract")
	}
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
