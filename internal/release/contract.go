package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"
)

// raised are changes that oasdiff takes lightly and that break a Go program.
var raised = []string{
	"api-operation-id-removed", "api-schema-removed", "api-security-removed", "api-security-anonymous-access-added", "api-global-security-removed",
	"api-security-component-removed",
	"request-body-media-type-removed", "response-media-type-removed", "response-media-type-name-changed",
	"response-optional-property-removed", "response-property-enum-value-removed", "response-property-became-optional",
	"response-property-became-nullable",
}

// specChanges compares two contracts.
func specChanges(was, is []byte) ([]change, error) {
	var specs [2]*load.SpecInfo
	for i, document := range [][]byte{was, is} {
		spec, err := openapi3.NewLoader().LoadFromData(document)
		if err != nil {
			return nil, err
		}
		specs[i] = &load.SpecInfo{Url: "openapi.yaml", Spec: spec}
	}
	found, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), specs[0], specs[1])
	if err != nil {
		return nil, err
	}
	levels := make(map[string]checker.Level)
	for _, id := range raised {
		if slices.Contains(checker.GetAllRuleIds(), id) {
			levels[id] = checker.ERR
		}
	}
	config := checker.NewConfig(checker.GetAllChecks(), checker.WithSeverityLevels(levels))
	localizer := checker.NewDefaultLocalizer()
	var changes []change
	for _, c := range checker.CheckBackwardCompatibilityUntilLevel(config, found, sources, checker.INFO) {
		name := c.GetOperationId()
		if name == "" {
			name = c.GetSection()
		}
		changes = append(changes, change{name, c.GetUncolorizedText(localizer), c.GetLevel() >= checker.WARN})
	}
	// What a generated name hangs on, oasdiff does not look at.
	for name := range specs[0].Spec.Components.Schemas {
		if specs[1].Spec.Components.Schemas[name] == nil {
			changes = append(changes, change{name, "the schema is gone, or has another name", true})
		}
	}
	for name, before := range specs[0].Spec.Components.Schemas {
		after := specs[1].Spec.Components.Schemas[name]
		if after == nil || before.Value == nil || after.Value == nil {
			continue
		}
		for property, was := range before.Value.Properties {
			if is := after.Value.Properties[property]; is != nil && sensitive(was) && !sensitive(is) {
				changes = append(changes, change{name, "the property " + property + " is no longer sensitive and will be printed", true})
			}
		}
	}
	if was, is := servers(specs[0].Spec), servers(specs[1].Spec); was != is {
		changes = append(changes, change{"servers", "the service is now at " + is, true})
	}
	now := operations(specs[1].Spec)
	for at, op := range operations(specs[0].Spec) {
		after, ok := now[at]
		switch {
		case !ok: // oasdiff tells
		case after.OperationID != op.OperationID:
			changes = append(changes, change{op.OperationID, "the operationId is now " + after.OperationID, true})
		case fmt.Sprint(after.Extensions["x-retry"]) != fmt.Sprint(op.Extensions["x-retry"]):
			changes = append(changes, change{op.OperationID, fmt.Sprintf("x-retry is now %v", after.Extensions["x-retry"]), true})
		case medias(after) != medias(op):
			changes = append(changes, change{op.OperationID, "the media types are now " + medias(after), true})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.name+a.text, b.name+b.text) })
	return slices.Compact(changes), nil
}

// sensitive reports whether a property is marked, beside a reference or within it.
func sensitive(property *openapi3.SchemaRef) bool {
	return property.Extensions["x-sensitive"] == true || property.Value != nil && property.Value.Extensions["x-sensitive"] == true
}

func servers(spec *openapi3.T) string {
	var urls []string
	for _, server := range spec.Servers {
		urls = append(urls, server.URL)
	}
	return strings.Join(urls, ", ")
}

// operations returns the operations of a contract by method and path.
func operations(spec *openapi3.T) map[string]*openapi3.Operation {
	all := make(map[string]*openapi3.Operation)
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			all[method+" "+path] = op
		}
	}
	return all
}

// medias returns the media types of a request and of the successful answers.
func medias(op *openapi3.Operation) string {
	var all []string
	if op.RequestBody != nil {
		for media := range op.RequestBody.Value.Content {
			all = append(all, "request "+media)
		}
	}
	for status, response := range op.Responses.Map() {
		if strings.HasPrefix(status, "2") {
			for media := range response.Value.Content {
				all = append(all, status+" "+media)
			}
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
