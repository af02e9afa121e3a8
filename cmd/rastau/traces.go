// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"rastau/internal/fetch"
	"rastau/internal/outbox"
	"rastau/internal/span"
)

// TraceConfig says where traces go. docs/OPERATING.md tells how one is read.
type TraceConfig struct {
	// Endpoint is the address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Optional. If empty, the
	// variables OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT; if those are empty too, no traces are kept.
	Endpoint string `yaml:"endpoint"`
	// Sample is the share of requests whose trace is kept, above 0 up to 1. Optional. If zero, OTEL_TRACES_SAMPLER with its
	// argument; if that is empty too, 0.01. A request whose traceparent says that its trace is kept is always among them.
	Sample float64 `yaml:"sample"`
}

const (
	defaultSample = 0.01
	traceQueue    = 2048             // spans that wait to be sent; what comes beyond is dropped
	traceSend     = 10 * time.Second // one attempt to send, and the last one at the end
	traceSilence  = time.Minute      // between two lines of log about a collector that does not answer
)

func (c TraceConfig) check(add func(format string, args ...any)) {
	if c.Endpoint != "" {
		if u, err := url.Parse(c.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			add("traces.endpoint: the http or https address of a collector, for example http://127.0.0.1:4318; secrets go into OTEL_EXPORTER_OTLP_HEADERS")
		}
	}
	if !(c.Sample >= 0 && c.Sample <= 1) { // not a number is neither
		add("traces.sample: a share above 0 up to 1, such as 0.01")
	}
}

// on tells whether traces are wanted, here or by the environment.
func (c TraceConfig) on() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || strings.EqualFold(os.Getenv("OTEL_TRACES_EXPORTER"), "none") {
		return false
	}
	return c.Endpoint != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != ""
}

// traces keeps and sends the spans of this process. Nobody ever waits for the collector: what does not fit into the queue is
// dropped. It is safe for concurrent use; nil keeps none.
type traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// openTraces makes them; nil where none are wanted.
func openTraces(ctx context.Context, c TraceConfig, log *slog.Logger) (*traces, error) {
	if !c.on() {
		return nil, nil
	}
	// As everywhere here no proxy is taken from the environment.
	sending := []otlptracehttp.Option{otlptracehttp.WithProxy(func(*http.Request) (*url.URL, error) { return nil, nil }), otlptracehttp.WithTimeout(traceSend)}
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil {
			return nil, usagef("traces.endpoint: %v", err)
		}
		if u.Path == "" || u.Path == "/" {
			u.Path = "/v1/traces" // as of OTEL_EXPORTER_OTLP_ENDPOINT (OpenTelemetry Protocol Exporter)
		}
		sending = append(sending, otlptracehttp.WithEndpointURL(u.String()))
	}
	exporter, err := otlptracehttp.New(ctx, sending...)
	if err != nil {
		return nil, usagef("traces: %v", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "rastau"), attribute.String("service.version", version())), resource.WithFromEnv())
	if err != nil {
		log.WarnContext(ctx, "traces: a variable of the environment is not as it should be", "error", err)
	}
	keeping := []sdktrace.TracerProviderOption{sdktrace.WithResource(about),
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(traceQueue), sdktrace.WithExportTimeout(traceSend))}
	switch share := c.Sample; {
	case share == 0 && os.Getenv("OTEL_TRACES_SAMPLER") != "": // the library reads it
	case share == 0:
		share = defaultSample
		fallthrough
	default:
		keeping = append(keeping, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(share))))
	}
	var last atomic.Int64
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		now := time.Now().UnixNano()
		if before := last.Load(); now-before > int64(traceSilence) && last.CompareAndSwap(before, now) {
			log.Warn("traces are not sent; nothing else is concerned", "error", err)
		}
	}))
	p := sdktrace.NewTracerProvider(keeping...)
	return &traces{p, p.Tracer(span.Scope)}, nil
}

// Close sends what waits, for a bounded time. A collector that does not take it is no failure of the service.
func (t *traces) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), traceSend)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
	return nil
}

// handler begins a span with each request. Its route is told by whoever finds it: a path or a query would tell numbers.
func (t *traces) handler(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/livez", "/readyz", "/metrics":
			next.ServeHTTP(w, r)
			return
		}
		ctx, s := t.tracer.Start(span.Extract(r.Context(), r.Header), "request", trace.WithSpanKind(trace.SpanKindServer))
		r = r.WithContext(ctx)
		if !s.IsRecording() {
			next.ServeHTTP(w, r)
			return
		}
		defer s.End()
		told := &reply{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(told, r)
		if verb, pattern, ok := strings.Cut(r.Pattern, " "); ok { // a page; the API tells its routes itself
			span.Request(ctx, verb, pattern)
		}
		span.Status(ctx, told.status)
	})
}

// reply remembers how a request was answered.
type reply struct {
	http.ResponseWriter
	status int
}

func (a *reply) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *reply) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// job begins a trace with each attempt at a job or message.
func (t *traces) job(kind string, next outbox.Handler) outbox.Handler {
	return func(ctx context.Context, i outbox.Item) error {
		ctx, _ = t.tracer.Start(ctx, "job "+kind)
		err := next(ctx, i)
		span.Current(ctx).End(err)
		return err
	}
}

// tracedWeb shows in a trace what is fetched, by the host alone: an address in a certificate was written by somebody else.
type tracedWeb struct{ *fetch.Client }

func (w tracedWeb) Get(ctx context.Context, url string, max int64) ([]byte, error) {
	ctx, step := span.Ask(ctx, "fetch", url)
	data, err := w.Client.Get(ctx, url, max)
	step.End(err)
	return data, err
}

func (w tracedWeb) Post(ctx context.Context, url, contentType string, body []byte, max int64) ([]byte, error) {
	ctx, step := span.Ask(ctx, "fetch", url)
	data, err := w.Client.Post(ctx, url, contentType, body, max)
	step.End(err)
	return data, err
}

// Open is done when the body is closed.
func (w tracedWeb) Open(ctx context.Context, url string, a fetch.Ask) (*fetch.Answer, error) {
	ctx, step := span.Ask(ctx, "fetch", url)
	answer, err := w.Client.Open(ctx, url, a)
	if err != nil || answer.Body == nil || step == nil {
		step.End(err)
		return answer, err
	}
	answer.Body = tracedBody{answer.Body, step}
	return answer, nil
}

type tracedBody struct {
	io.ReadCloser
	step *span.Span
}

func (b tracedBody) Close() error {
	err := b.ReadCloser.Close()
	b.step.End(err)
	return err
}
