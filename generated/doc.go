// Package generated is the contract in Go: types and a transport client as oapi-codegen writes them, and what the templates
// beside it add to the types. A value reads any form in which the service has been seen to send it (DecodeJSON), prints
// without what is personal or secret (LogValue, Format), and says what the contract forbids before it is sent (Validate).
//
// The package has no policy: authentication is added by a [RequestEditorFn], which package authprovider provides.
//
//	provider, err := authprovider.New(key, secret)
//	client, err := generated.NewClientWithResponses(authprovider.DefaultBaseURL,
//		generated.WithRequestEditorFn(provider.Intercept),
//		generated.WithHTTPClient(provider.Doer(nil)))
//
// Applications usually want package api instead, which turns every answer into a typed value or an error.
package generated
