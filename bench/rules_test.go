package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/wire/rules"
)

// BenchmarkRules holds a request against the contract: with the generated rules, and with the JSON Schema library on the
// schema of the contract, compiled once.
func BenchmarkRules(b *testing.B) {
	body := api.CreateCheckRequest{
		ThirdPartyIdentifier: "customer-20417", GroupID: "7d1f4c52-90a3-4f0e-8d0c-51b2a6a0e3c7", Email: "maria.lindqvist@example.com",
		Language: api.LanguageEnglish, ReturnURL: "https://shop.example.com/verified", SkipPersonalAccessCode: true,
		CheckTypes: []api.CheckType{api.CheckTypeDocumentVerification, api.CheckTypePhotoVerification},
	}
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("generated", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if fields := rules.Text(text, body.Rules(), generated.RulesNamed); len(fields) > 0 {
				b.Fatal(fields)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		schema := compiled(b, "CreateCheckRequest")
		b.ReportAllocs()
		for b.Loop() {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err == nil {
				err = schema.Validate(v)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func compiled(b *testing.B, name string) *jsonschema.Schema {
	b.Helper()
	var tree any
	if err := yaml.Unmarshal(aver.Spec, &tree); err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		b.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("openapi.json", document); err != nil {
		b.Fatal(err)
	}
	schema, err := c.Compile("openapi.json#/components/schemas/" + name)
	if err != nil {
		b.Fatal(err)
	}
	return schema
}

// BenchmarkRulesStart is what the library costs before the first request: the contract is read and a schema compiled.
func BenchmarkRulesStart(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		compiled(b, "CreateCheckRequest")
	}
}
