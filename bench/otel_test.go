package main_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// OpenTelemetry records every attempt under the path template of the operation.
func Example_openTelemetry() {
	box, err := sandbox.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	spans := tracetest.NewInMemoryExporter()
	tracing := trace.NewTracerProvider(trace.WithSyncer(spans))

	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL),
		api.WithTransportWrapper(func(next http.RoundTripper) http.RoundTripper {
			return otelhttp.NewTransport(next, otelhttp.WithTracerProvider(tracing))
		}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.GetCheck(context.Background(), "a-private-identifier")
	fmt.Println(errors.Is(err, api.ErrNotFound))
	for _, span := range spans.GetSpans() {
		for _, attribute := range span.Attributes {
			if attribute.Key == "url.full" {
				fmt.Println(strings.TrimPrefix(attribute.Value.AsString(), strings.TrimSuffix(box.URL, "/api")))
			}
		}
		fmt.Println(strings.Contains(fmt.Sprint(span), "a-private-identifier"))
	}
	// Output:
	// true
	// /check/%7Bid%7D
	// false
}
