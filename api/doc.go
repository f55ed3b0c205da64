//aver:needs getCheck basic

// Package api is the Aver client for applications: a method for each operation of the contract, with typed requests
// and answers, and one kind of error.
//
//	client, err := api.New(key, secret)
//	check, err := client.GetCheck(ctx, id)
//
// The package re-exports every type and enumeration value, so an application imports nothing else of this module.
//
// Requests and results print without what is personal or secret, with every verb of package fmt and in every slog
// handler. That holds for the types of this package, pointers to them and, under fmt, anything that holds them in
// exported fields. For what an application logs of its own, a struct, a slice or a map, [RedactAttr] sees to it. Three
// things Go does not let a package catch: %p, fields that are not exported under fmt, and json.Marshal, which writes
// everything, because that is what is sent.
//
// A [Client] is safe for concurrent use. Every failed call returns an [*Error]; errors.Is tells its class, such as
// [ErrNotFound] or [ErrUnavailable].
package api

// New returns a client for an API key and its secret, as the portal shows them under Settings, API Keys. Nothing is
// sent before the first call.
func New(key, secret string, opts ...Option) (*Client, error) { return newClient(key, secret, opts) }
