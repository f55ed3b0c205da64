package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/goaver/aver-go/sandbox/internal/server"
	"github.com/goaver/aver-go/wire"
)

// A failure is an answer that is no success: problem details (RFC 9457), as ASP.NET writes them. It never repeats what
// the request held.
type failure struct {
	wire.ErrorBody
}

func (f *failure) Error() string { return f.Reason() }

func problem(status int, detail string) *failure {
	return &failure{wire.ErrorBody{Title: http.StatusText(status), Status: status, Detail: detail}}
}

// invalid is the answer to a request with wrong properties.
func invalid(fields map[string][]string) *failure {
	f := problem(http.StatusBadRequest, "")
	f.Title, f.Errors = "One or more validation errors occurred.", fields
	return f
}

func writeProblem(w http.ResponseWriter, f *failure) {
	f.TraceID = w.Header().Get("X-Request-Id")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(cmp.Or(f.Status, http.StatusInternalServerError))
	_ = json.NewEncoder(w).Encode(f.ErrorBody)
}

// writeError answers with the error of an operation, or of the generated code around it.
func writeError(w http.ResponseWriter, _ *http.Request, err error) {
	var f *failure
	switch {
	case errors.As(err, &f):
	case errors.Is(err, server.ErrUnimplemented):
		f = problem(http.StatusNotImplemented, "The sandbox does not implement this operation yet.")
	default:
		f = problem(http.StatusBadRequest, "The request cannot be read.")
	}
	writeProblem(w, f)
}
