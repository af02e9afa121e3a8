// SPDX-License-Identifier: Apache-2.0

// Package span answers one question: what part of a request's time did this step take. It marks steps in the trace that a request
// brings along in its context, by the tracing interface of OpenTelemetry; who keeps and sends traces is wired in cmd/rastau.
//
// A context without a trace, or with one that is not kept, costs a look at the context and nothing else. What may be told of a step
// is a closed list of keys ([Key]); none takes a person's name or number, the number of an application, or a file's name, and of an
// error only its kind is told. What is heard from outside is the traceparent of W3C Trace Context alone: tracestate and baggage,
// which hold whatever others put there, are neither taken nor passed on.
//
// Left out: sampling, export, metrics.
package span

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Scope is the name under which this program's spans are made.
const Scope = "rastau"

// Key of an attribute. Those of OpenTelemetry's semantic conventions bear their names.
type Key string

// The keys, and where their values come from.
const (
	Host          Key = "server.address"        // host and port of an outside system
	System        Key = "rastau.system"         // of the gateway
	Action        Key = "rastau.action"         // asked of a system
	Kind          Key = "rastau.kind"           // of a step: of the store, of a signature
	Format        Key = "rastau.format"         // of what was judged
	Indication    Key = "rastau.indication"     // EN 319 102-1 §5.1
	SubIndication Key = "rastau.sub_indication" // likewise

	method Key = "http.request.method"
	route  Key = "http.route"
	status Key = "http.response.status_code"
	failed Key = "error.type" // canceled, timeout or failed
)

// Span is one step under way. Nil is the step of a trace that nobody keeps; all methods may be called on it.
type Span struct{ span trace.Span }

// Start begins a step of the trace in ctx. The caller ends it.
func Start(ctx context.Context, name string) (context.Context, *Span) {
	return begin(ctx, name, trace.SpanKindInternal)
}

// Ask begins a question to the system at address, of which host and port are told.
func Ask(ctx context.Context, name, address string) (context.Context, *Span) {
	ctx, s := begin(ctx, name, trace.SpanKindClient)
	if s != nil {
		if u, err := url.Parse(address); err == nil {
			s.Set(Host, u.Host)
		}
	}
	return ctx, s
}

func begin(ctx context.Context, name string, kind trace.SpanKind) (context.Context, *Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	ctx, s := parent.TracerProvider().Tracer(Scope).Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, &Span{s}
}

// Current is the step that ctx is in; nil where nobody keeps it.
func Current(ctx context.Context) *Span {
	s := trace.SpanFromContext(ctx)
	if !s.IsRecording() {
		return nil
	}
	return &Span{s}
}

// Set tells something of the step.
func (s *Span) Set(key Key, value string) {
	if s != nil && value != "" {
		s.span.SetAttributes(attribute.String(string(key), value))
	}
}

// End ends the step; err says whether it failed. Of an error's text nothing is told: it may name people.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	if err != nil {
		kind := "failed"
		switch {
		case errors.Is(err, context.Canceled):
			kind = "canceled"
		case errors.Is(err, context.DeadlineExceeded):
			kind = "timeout"
		}
		s.Set(failed, kind)
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}

// Request names the request's own span, which is the one in ctx, by its route: a path or a query would tell numbers.
func Request(ctx context.Context, verb, pattern string) {
	s := trace.SpanFromContext(ctx)
	if !s.IsRecording() {
		return
	}
	s.SetName(verb + " " + pattern)
	s.SetAttributes(attribute.String(string(method), verb), attribute.String(string(route), pattern))
}

// Status tells how the request in ctx was answered.
func Status(ctx context.Context, code int) {
	s := trace.SpanFromContext(ctx)
	if !s.IsRecording() {
		return
	}
	s.SetAttributes(attribute.Int(string(status), code))
	if code >= http.StatusInternalServerError {
		s.SetAttributes(attribute.String(string(failed), strconv.Itoa(code)))
		s.SetStatus(codes.Error, "")
	}
}

// Extract puts the trace that a request's traceparent names into ctx.
func Extract(ctx context.Context, header http.Header) context.Context {
	taken := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier{"Traceparent": header["Traceparent"]})
	if c := trace.SpanContextFromContext(taken); c.IsValid() {
		return trace.ContextWithRemoteSpanContext(ctx, c)
	}
	return ctx
}

// Inject sets the traceparent of a request to a system of the configuration. Addresses that stand in certificates never get one.
func Inject(ctx context.Context, header http.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(header))
}
