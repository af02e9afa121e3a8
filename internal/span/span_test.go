// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"rastau/internal/span"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// Example passes the trace of a request on to an outside system.
func Example() {
	in := http.Header{"Traceparent": {parent}, "Tracestate": {"vendor=secret"}}
	ctx := span.Extract(context.Background(), in)
	out := http.Header{}
	span.Inject(ctx, out)
	fmt.Println(out)
	// Output: map[Traceparent:[00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01]]
}

// TestNobodyKeeps: without a trace, and in one that is not kept, a step costs no memory.
func TestNobodyKeeps(t *testing.T) {
	p := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	dropped, _ := p.Tracer("").Start(t.Context(), "request")
	for name, ctx := range map[string]context.Context{"none": t.Context(), "dropped": dropped} {
		if n := testing.AllocsPerRun(100, func() {
			ctx, s := span.Ask(ctx, "fetch", "http://example.kz/crl")
			s.Set(span.Kind, "view")
			s.End(nil)
			span.Request(ctx, "GET", "/v1/licences/:number")
			span.Status(ctx, 200)
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestSteps(t *testing.T) {
	kept := tracetest.NewSpanRecorder()
	p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(kept))
	ctx, root := p.Tracer("").Start(span.Extract(t.Context(), http.Header{"Traceparent": {parent}}), "request")
	inner, s := span.Ask(ctx, "fetch", "http://somebody:secret@lists.example.kz:8080/970115300018.crl?who=me")
	span.Current(inner).Set(span.Action, "get")
	s.End(fmt.Errorf("the list of ӘБІЛҚАЙЫРОВ: %w", context.DeadlineExceeded))
	_, other := span.Start(ctx, "store")
	other.End(errors.New("of 970115300018"))
	root.End()
	all := kept.Ended()
	if len(all) != 3 {
		t.Fatalf("%d spans", len(all))
	}
	want := []attribute.KeyValue{attribute.String("server.address", "lists.example.kz:8080"), attribute.String("rastau.action", "get"), attribute.String("error.type", "timeout")}
	if got := all[0].Attributes(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("told: %v", got)
	}
	for _, s := range all {
		if s.SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" || s.Status().Description != "" || len(s.Events()) > 0 {
			t.Errorf("%s: %v, %v, %v", s.Name(), s.SpanContext().TraceID(), s.Status(), s.Events())
		}
	}
	if s := all[1]; s.Status().Code != codes.Error || s.Attributes()[0].Value.AsString() != "failed" {
		t.Errorf("a failed step: %v %v", s.Status(), s.Attributes())
	}
}

// FuzzExtract: whatever stands in the header, nothing but a trace's number comes out.
func FuzzExtract(f *testing.F) {
	f.Add(parent)
	f.Add("00-00000000000000000000000000000000-0000000000000000-00")
	f.Fuzz(func(t *testing.T, header string) {
		out := http.Header{}
		span.Inject(span.Extract(context.Background(), http.Header{"Traceparent": {header}}), out)
		if got := out.Get("traceparent"); got != "" && (len(got) != len(parent) || got[3:52] != header[3:52]) {
			t.Errorf("%q became %q", header, got)
		}
		if len(out) > 1 {
			t.Error(out)
		}
	})
}
