// Package generated is the Aver API exactly as oapi-codegen writes it from openapi.yaml: wire types and a transport
// client. It has no policy: authentication is added by a [RequestEditorFn], which package authprovider provides.
//
//	provider, err := authprovider.New(key, secret)
//	client, err := generated.NewClientWithResponses(authprovider.DefaultBaseURL,
//		generated.WithRequestEditorFn(provider.Intercept),
//		generated.WithHTTPClient(provider.Doer(nil)))
//	rsp, err := client.GetCheckWithResponse(ctx, id)
//
// Applications usually want package api instead, which turns every answer into a typed value or an error.
package generated
