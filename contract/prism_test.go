package contract_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/internal/prism"
)

// disagreements are the cases on which Prism sees it otherwise, and why.
var disagreements = map[string]string{
	"answer: wrong status":             "Prism takes default for every status; here it documents none",
	"answer: undocumented 500":         "Prism takes default for every status; here it documents none",
	"answer: empty body":               "Prism does not ask for a body where the contract documents one",
	"answer: white body":               "Prism does not ask for a body where the contract documents one",
	"answer: garbage after JSON":       "Prism checks no answer that it cannot parse",
	"answer: second value":             "Prism checks no answer that it cannot parse",
	"answer: truncated":                "Prism checks no answer that it cannot parse",
	"answer: name twice":               "to JavaScript the last name wins",
	"request: name twice":              "to JavaScript the last name wins",
	"answer: body where there is none": "Prism does not look at a body that is not documented",
	"request: white body":              "Prism refuses it as malformed before it checks",
	"request: garbage after JSON":      "Prism refuses it as malformed before it checks",
	"request: second value":            "Prism refuses it as malformed before it checks",
	"request: truncated":               "Prism refuses it as malformed before it checks",
}

// An independent implementation looks at the same cases. It runs where AVER_PRISM is set.
func TestSecondOpinion(t *testing.T) {
	if os.Getenv("AVER_PRISM") == "" {
		t.Skip("AVER_PRISM is not set")
	}
	var current atomic.Pointer[violation]
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		current.Load().answer(w, r)
	}))
	defer upstream.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	proxy, wait, err := prism.Start(ctx, "proxy", "testdata/kinds.yaml", upstream.URL)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		wait()
	})

	// reported tells whether Prism has something to say about an exchange.
	reported := func(request, answer violation) bool {
		// JavaScript counts to 2^53.
		request.body = strings.ReplaceAll(request.body, "9223372036854775807", "42")
		answer.body = strings.ReplaceAll(answer.body, "9223372036854775807", "42")
		current.Store(&answer)
		req := request.request(t, proxy)
		req.URL.Path = strings.TrimPrefix(req.URL.Path, "/v1")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Header.Get("sl-violations") != "" || strings.Contains(string(body), "stoplight.io/prism/errors")
	}
	seen := make(map[string]bool)
	for _, v := range append(slices.Clone(violations), legal...) {
		for direction, found := range map[string]bool{"answer: ": reported(legal[0], v), "request: ": v.only != contract.Response &&
			reported(v, legal[0])} {
			if direction == "request: " && v.only == contract.Response {
				continue
			}
			name := direction + v.name
			if agrees := found == (v.rule != ""); !agrees {
				seen[name] = true
				if disagreements[name] == "" {
					t.Errorf("%s: Prism reports it: %v", name, found)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(disagreements)) {
		if !seen[name] {
			t.Errorf("%s: there is no disagreement any more", name)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
