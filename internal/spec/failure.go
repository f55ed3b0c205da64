// Package spec holds what the packages that read the contract share. It is a part of this module's own and may change.
package spec

import (
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Leaves returns what is wrong with a value at last. Of alternatives that could be meant, the one counts that fits the
// type; that a value might have been absent, as null or an empty string, is no alternative to what it is.
func Leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		return alternatives(e)
	}
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, Leaves(cause)...)
	}
	return all
}

func alternatives(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	var meant [][]*jsonschema.ValidationError
	var types []string
	for _, branch := range e.Causes {
		found := Leaves(branch)
		if len(found) == 1 && slices.Equal(found[0].InstanceLocation, e.InstanceLocation) {
			switch k := found[0].ErrorKind.(type) {
			case *kind.Type:
				types = append(types, k.Want...)
				continue
			case *kind.MaxLength:
				if k.Want == 0 {
					continue
				}
			}
		}
		meant = append(meant, found)
	}
	switch {
	case len(meant) == 1:
		return meant[0]
	case len(meant) == 0 && len(types) > 0:
		slices.Sort(types)
		return []*jsonschema.ValidationError{{SchemaURL: e.SchemaURL, InstanceLocation: e.InstanceLocation, ErrorKind: &kind.Type{Want: slices.Compact(types)}}}
	}
	return []*jsonschema.ValidationError{e}
}
