package contract_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/internal/spec"
)

// Whatever traffic of whatever contract differs, what is proposed applies; and if all is proposed, nothing violates any more.
func TestDriftOfRandomTraffic(t *testing.T) {
	files, err := filepath.Glob("../testdata/foreign/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	rounds := 40
	if raced {
		rounds = 3
	}
	for _, file := range append(files, "../openapi.yaml") {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		read, err := spec.Read(document)
		if err != nil {
			t.Fatal(err)
		}
		c, err := contract.New(document)
		if err != nil {
			t.Fatal(err)
		}
		for range rounds {
			seed := rand.Uint64()
			r := rand.New(rand.NewPCG(seed, 1))
			traffic := randomTraffic(r, read)
			drift, violations := gathered(t, c, read, traffic)
			proposal := drift.Overlay()
			if proposal == nil {
				continue
			}
			changed, err := contract.New(document, contract.WithOverlay("o", proposal))
			if err != nil {
				t.Fatalf("%s, seed %d: %v\n%s", file, seed, err, proposal)
			}
			byHand := slices.ContainsFunc(drift.Differences(), func(d contract.Difference) bool { return !d.Proposed })
			if _, left := gathered(t, changed, read, traffic); len(left) > 0 && !byHand || len(left) > len(violations) {
				t.Errorf("%s, seed %d: of %d violations are left %v; %v\n%s", file, seed, len(violations), left, drift.Differences(), proposal)
			}
		}
	}
}

// An exchanged is an answer of an operation.
type exchanged struct {
	op     *spec.Operation
	status int
	body   any
}

// randomTraffic returns examples of answers with a few changes.
func randomTraffic(r *rand.Rand, d *spec.Document) (all []exchanged) {
	for range 1 + r.IntN(3) {
		op := d.Operations[r.IntN(len(d.Operations))]
		if op.Answers["200"].Of("application/json") == nil || strings.Contains(op.Path, "}{") {
			continue
		}
		value, ok := d.AnswerExample(op, "200", "application/json")
		if !ok {
			continue
		}
		for range 1 + r.IntN(3) {
			body := value
			for range 1 + r.IntN(3) {
				body = mutated(r, copyOf(body))
			}
			all = append(all, exchanged{op, 200 + 3*(r.IntN(8)/7), body})
		}
	}
	return all
}

func copyOf(v any) any {
	text, _ := json.Marshal(v) // it was JSON
	var copied any
	_ = json.Unmarshal(text, &copied)
	return copied
}

// mutated changes something somewhere in a value.
func mutated(r *rand.Rand, v any) any {
	others := []any{nil, true, 7.0, 1.5, "text", "2026-11-25T10:00:00Z", []any{}, []any{1.0}, map[string]any{"k": "v"}, ""}
	switch w := v.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(w))
		if len(names) == 0 || r.IntN(5) == 0 {
			w["added"] = others[r.IntN(len(others))]
			return w
		}
		name := names[r.IntN(len(names))]
		switch r.IntN(4) {
		case 0:
			delete(w, name)
		case 1:
			w[name] = others[r.IntN(len(others))]
		default:
			w[name] = mutated(r, w[name])
		}
		return w
	case []any:
		if len(w) > 0 && r.IntN(4) > 0 {
			i := r.IntN(len(w))
			w[i] = mutated(r, w[i])
			return w
		}
		return append(w, others[r.IntN(len(others))])
	}
	return others[r.IntN(len(others))]
}

// gathered has a drift see traffic.
func gathered(t *testing.T, c *contract.Contract, d *spec.Document, traffic []exchanged) (*contract.Drift, []contract.Violation) {
	t.Helper()
	drift := &contract.Drift{Contract: c}
	var violations []contract.Violation
	for _, e := range traffic {
		text, err := json.Marshal(e.body)
		if err != nil {
			t.Fatal(err)
		}
		path := e.op.Path
		for _, p := range e.op.Params {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", "1")
		}
		url := strings.TrimSuffix(d.Server(), "/") + path
		violations = append(violations, observed(t, drift, e.op.Method, url, e.status, "application/json", string(text))...)
	}
	return drift, violations
}
