package generator

import (
	"bufio"
	"bytes"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
)

// needs begins the line with which a file of package api that is written by hand says of which operations and schemas of the
// contract it speaks: //aver:needs getCheck #Date. With another contract, which lacks one of them, it is left out. basic
// stands for an operation that takes Basic credentials, webhook for any notification.
const needs = "//aver:needs "

// Meets reports whether a contract has what a file needs.
func Meets(d *spec.Document, file []byte) bool {
	lines := bufio.NewScanner(bytes.NewReader(file))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "package ") {
			break
		}
		if names, ok := strings.CutPrefix(line, needs); ok {
			for name := range strings.FieldsSeq(names) {
				if !has(d, name) {
					return false
				}
			}
		}
	}
	return true
}

func has(d *spec.Document, name string) bool {
	if name == "basic" {
		auth, _ := newAuthentication(d)
		return auth.Basic
	}
	if name == "webhook" {
		return len(d.Webhooks) > 0
	}
	if schema, ok := strings.CutPrefix(name, "#"); ok {
		of := spec.Member(d.Schema(schema), "x-go-type")
		return of != nil && of == spec.Member(spec.Embedded().Schema(schema), "x-go-type")
	}
	for _, op := range d.Operations {
		if op.ID == name { // the same one: another service may use the name for something else
			known := operationOf(spec.Embedded(), name)
			return known != nil && known.Method == op.Method && known.Path == op.Path
		}
	}
	return false
}

func operationOf(d *spec.Document, id string) *spec.Operation {
	for _, op := range d.Operations {
		if op.ID == id {
			return op
		}
	}
	return nil
}

// Introduction returns the file that introduces package api of a contract that is not Aver's: what doc.go is to that.
func Introduction(d *spec.Document) []byte {
	title, _ := spec.Member(spec.Member(d.Tree, "info"), "title").(string)
	title = strings.Join(strings.Fields(title), " ")
	params, args, credentials := "", `"", ""`, "the credentials of [WithCredential]"
	if has(d, "basic") {
		params, args, credentials = "key, secret string, ", "key, secret", "a key and its secret"
	}
	names := strings.TrimSuffix(strings.ReplaceAll(params, " string", ""), ", ")
	return []byte(`// Package api is a client of ` + title + `: a method for each operation, with typed requests and answers, and one kind of
// error.
//
//	client, err := api.New(` + names + `)
//
// Requests and results print without what is personal or secret: what the contract does not declare public (x-sensitive:
// false) is private. A [Client] is safe for concurrent use. Every failed call returns an [*Error]; errors.Is tells its class,
// such as [ErrNotFound] or [ErrUnavailable].
package api

// New returns a client with ` + credentials + `. Nothing is sent before the first call.
func New(` + params + `opts ...Option) (*Client, error) { return newClient(` + args + `, opts) }
`)
}
