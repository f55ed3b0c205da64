package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/bytedance/sonic"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/goaver/aver-go/bench/peer/ogen"
	"github.com/goaver/aver-go/bench/peer/plain"
	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/wire/jsondec"
)

// BenchmarkDecode reads the results of a search with 1,000 hits, in memory: with the generated readers, with ogen's (jx), and into
// what oapi-codegen alone generates with the decoders that go by reflection or compile at run time.
func BenchmarkDecode(b *testing.B) {
	text, err := watchlistResults(1000)
	if err != nil {
		b.Fatal(err)
	}
	for _, peer := range []struct {
		name string
		read func() (hits int, err error)
	}{
		{"jsondec", func() (int, error) {
			var v generated.WatchlistSearchResults
			err := jsondec.Unmarshal(text, &v)
			return len(v.WatchlistResults), err
		}},
		{"jsondec, from a stream", func() (int, error) {
			var v generated.WatchlistSearchResults
			err := jsondec.Read(nil, bytes.NewReader(text), &v)
			return len(v.WatchlistResults), err
		}},
		{"jx by ogen, which allows names to occur twice", func() (int, error) {
			var v ogen.WatchlistSearchResults
			err := v.UnmarshalJSON(text)
			return len(v.WatchlistResults), err
		}},
		{"json v2", func() (int, error) {
			var v plain.WatchlistSearchResults
			err := jsonv2.Unmarshal(text, &v, jsontext.AllowInvalidUTF8(true))
			return len(v.WatchlistResults), err
		}},
		{"encoding/json, which allows names to occur twice", func() (int, error) {
			var v plain.WatchlistSearchResults
			err := json.Unmarshal(text, &v)
			return len(v.WatchlistResults), err
		}},
		{"sonic, which allows names to occur twice", func() (int, error) {
			var v plain.WatchlistSearchResults
			err := sonic.ConfigStd.Unmarshal(text, &v)
			return len(v.WatchlistResults), err
		}},
	} {
		b.Run(peer.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if hits, err := peer.read(); err != nil || hits != 1000 {
					b.Fatal(hits, err)
				}
			}
		})
	}
}
