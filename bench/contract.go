package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/goaver/aver-go/contract"
)

// contractChecks measures what checking both sides of a small call costs.
func contractChecks() error {
	a, err := newAnswers()
	if err != nil {
		return err
	}
	get := func(transport http.RoundTripper) (float64, error) {
		var failure error
		client := &http.Client{Transport: transport}
		r := testing.Benchmark(func(b *testing.B) {
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
		return float64(r.T.Nanoseconds()) / float64(r.N) / 1000, failure
	}
	var plain, checked []float64
	for range callRounds {
		for transport, times := range map[http.RoundTripper]*[]float64{a: &plain, contract.NewTransport(a): &checked} {
			took, err := get(transport)
			if err != nil {
				return err
			}
			*times = append(*times, took)
		}
	}
	t := &table{title: fmt.Sprintf("Small call in memory, held against the contract, median of %d rounds", callRounds), header: []string{"", "µs/op"}}
	t.add("net/http alone", fmt.Sprintf("%.1f", median(plain)))
	t.add("with contract.NewTransport", fmt.Sprintf("%.1f", median(checked)))
	t.print()
	judge("contract check of a small call, both sides", "µs", median(checked)-median(plain), 100, false)
	return nil
}
