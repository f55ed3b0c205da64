package spec

import (
	"errors"
	"slices"
)

// Lint reads a document from which is generated: it must be valid, its examples too, its links must
// lead somewhere, and it must use this module's vocabulary rightly. The error has a line for each fault.
func Lint(text []byte) (*Document, error) {
	d, err := Read(text)
	if err != nil {
		return nil, err
	}
	var all []error
	for _, fault := range slices.Concat(d.CheckVocabulary(), d.CheckLinks(), d.CheckExamples()) {
		all = append(all, fault)
	}
	return d, errors.Join(all...)
}
