// Package server is the contract from the side of the service, as oapi-codegen writes it from openapi.yaml: wire types,
// routes and the interface that the sandbox implements.
package server
