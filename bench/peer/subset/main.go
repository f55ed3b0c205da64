// Command subset writes the part of a contract in OpenAPI 3.1 that can be said in OpenAPI 3.0 and that the peers'
// generators can read.
//
//	subset openapi.yaml subset.yaml
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "subset:", err)
		os.Exit(1)
	}
}

// operations are those that the benchmarks call.
var operations = []string{"createCheck", "getCheck", "addIdDocument", "getCheckDocument", "getWatchlistSearchResults"}

func run(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err := yaml.Unmarshal(text, &spec); err != nil {
		return err
	}
	spec["openapi"] = "3.0.3"
	delete(spec, "webhooks")
	delete(spec["info"].(map[string]any), "summary")
	schemas = spec["components"].(map[string]any)["schemas"].(map[string]any)
	for _, name := range []string{"ErrorBody", "Scalar"} { // any of several types
		schemas[name] = map[string]any{}
	}
	paths := spec["paths"].(map[string]any)
	for path, item := range paths {
		for method, op := range item.(map[string]any) {
			op, ok := op.(map[string]any)
			if !ok || op["operationId"] == nil {
				continue
			}
			if !slices.Contains(operations, op["operationId"].(string)) {
				delete(item.(map[string]any), method)
				continue
			}
			responses := op["responses"].(map[string]any)
			maps.DeleteFunc(responses, func(status string, _ any) bool { return status != "200" })
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(item.(map[string]any))), func(k string) bool { return k != "parameters" }) {
			delete(paths, path)
		}
	}
	text, err = yaml.Marshal(lower(spec))
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

// schemas are those of the contract.
var schemas map[string]any

// lower says in OpenAPI 3.0 what can be said there.
func lower(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = lower(v[i])
		}
	case map[string]any:
		if ref, ok := v["$ref"]; ok {
			return map[string]any{"$ref": ref}
		}
		for name := range v {
			if strings.HasPrefix(name, "x-") || name == "examples" || name == "example" ||
				slices.Contains([]string{"if", "then", "not", "dependentRequired", "dependentSchemas"}, name) {
				delete(v, name)
			}
		}
		if types, ok := v["type"].([]any); ok {
			v["type"] = types[0]
			if slices.Contains(types, any("null")) {
				v["nullable"] = true
			}
		}
		if choices, ok := v["anyOf"].([]any); ok { // the value, and what stands for none
			target := maps.Clone(choices[0].(map[string]any))
			if ref, ok := target["$ref"].(string); ok {
				target = maps.Clone(schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any))
			}
			target["nullable"] = true
			return lower(target)
		}
		for name := range v {
			v[name] = lower(v[name])
		}
	}
	return v
}
