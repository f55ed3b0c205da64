// Package contract checks HTTP traffic against openapi.yaml, whoever sends it and whatever answers it.
//
// One line puts a checker under an application's own tests:
//
//	client := &http.Client{Transport: contract.ForTest(t, nil)}
//
// Every request that goes through and every answer that comes back is held against the contract, and each violation
// is an error of the test, with the operation, the place, the rule and what was expected. [NewTransport] returns
// violations as errors instead, [Handler] stands around a server, [CheckWebhook] looks at a notification, and
// [CheckHAR] at recorded traffic. A [Ledger] tells what a test run has exercised.
//
// Values that the contract marks as personal or secret are never printed.
package contract

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goaver/aver-go/internal/overlay"
	"github.com/goaver/aver-go/internal/spec"
)

// A Contract is an OpenAPI document (3.0 or 3.1), ready to check with: every schema in it is compiled once. It may be
// used by any number of goroutines.
type Contract struct {
	spec *spec.Document
}

// A DocumentOption says what [New] makes of a document.
type DocumentOption func(*documents)

type documents struct{ overlays []overlay.File }

// WithOverlay applies an OpenAPI Overlay (1.0 or 1.1) to the document, after those that were given before. name is what an
// error calls it, such as its file. An action that matches nothing is an error.
func WithOverlay(name string, text []byte) DocumentOption {
	return func(d *documents) { d.overlays = append(d.overlays, overlay.File{Name: name, Text: text}) }
}

// New returns the contract in an OpenAPI document. The error says what is wrong with the document, and in which line.
// Extensions (x-…) that this module does not know are nobody's business; those that it knows count where they make sense.
func New(document []byte, opts ...DocumentOption) (*Contract, error) {
	var given documents
	for _, opt := range opts {
		opt(&given)
	}
	whole, err := overlay.Apply(overlay.File{Name: "the document", Text: document}, given.overlays...)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	blame := func(err error) error {
		if len(given.overlays) > 0 {
			err = whole.Blame(err)
		}
		return fmt.Errorf("contract: %w", err)
	}
	d, err := spec.Read(whole.Text)
	if err != nil {
		return nil, blame(err)
	}
	for _, fault := range d.CheckExamples() {
		return nil, blame(fault)
	}
	return &Contract{d}, nil
}

// Embedded returns the contract of this module, [aver.Spec].
func Embedded() *Contract { return embedded() }

var embedded = sync.OnceValue(func() *Contract { return &Contract{spec.Embedded()} })

// Document returns the document as the packages of this module read it.
func (c *Contract) Document() *spec.Document { return c.spec }

// Operations returns the operationIds of the contract with the statuses that it documents, sorted: "getCheck 200".
// Those of webhooks have no status.
func (c *Contract) Operations() []string {
	var all []string
	for _, op := range c.spec.Operations {
		for _, status := range op.Statuses() {
			all = append(all, op.ID+" "+status)
		}
	}
	for _, hook := range c.spec.Webhooks {
		all = append(all, hook.ID)
	}
	slices.Sort(all)
	return all
}

// statuses returns the statuses that are documented, for a message.
func statuses(op *spec.Operation) string { return strings.Join(op.Statuses(), ", ") }
