// Package peer holds the clients that the benchmarks compare with. Their code is generated, not committed:
//
//	go generate ./peer
//
// Neither generator reads all of the contract, so both get the same subset of it in OpenAPI 3.0.
package peer

//go:generate go run ./subset ../../openapi.yaml subset.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -generate types,client -package plain -o plain/plain.gen.go subset.yaml
//go:generate go run github.com/ogen-go/ogen/cmd/ogen --config ogen.yaml --target ogen --package ogen --clean subset.yaml
