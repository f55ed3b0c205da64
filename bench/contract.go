package main

import (
	"net/http"
	"testing"

	"github.com/goaver/aver-go/contract"
)

// contractChecks measures what checking both sides of a small call costs.
func contractChecks(r *report) error {
	a, err := newAnswers()
	if err != nil {
		return err
	}
	get := func(transport http.RoundTripper) (float64, error) {
		var failure error
		client := &http.Client{Transport: transport}
		took := testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				req, _ := http.NewRequest(http.MethodGet, "http://127.0.0.1/api/check/c1", nil)
				req.Header.Set("Authorization", "Bearer token")
				resp, err := client.Do(req)
				if err != nil {
					failure = err
					return
				}
				_ = resp.Body.Close()
			}
		})
		return float64(took.T.Nanoseconds()) / float64(took.N) / 1000, failure
	}
	var plain, checked figure
	for range rounds {
		for transport, times := range map[http.RoundTripper]*figure{a: &plain, contract.NewTransport(a): &checked} {
			took, err := get(transport)
			if err != nil {
				return err
			}
			*times = append(*times, took)
		}
	}
	t := &table{title: "Small call in memory, held against the contract", header: []string{"", "µs/op"}}
	t.add("net/http alone", plain.text(1))
	t.add("with contract.NewTransport", checked.text(1))
	r.add("contract", t.String())
	more := make(figure, len(plain))
	for i := range plain {
		more[i] = checked[i] - plain[i]
	}
	r.target("contract check of a small call, both sides", "µs", more, 100, false)
	return nil
}
