# make test installs what it lacks (apt, as root), starts its own servers and runs everything with the race detector.
GO ?= go

.PHONY: build test fuzz demo tools lint transcript

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/rastau ./cmd/rastau

test: tools
	$(GO) test -race -timeout 15m ./...

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "gofmt would change these files"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# FUZZ is the number of seconds that all targets share.
FUZZ ?= 180
fuzz:
	@.ci/fuzz $(FUZZ)

demo:
	$(GO) run ./cmd/rastau demo

tools:
	@.ci/tools

# transcript writes docs/DEMO.md from a new run of the demo.
transcript:
	@.ci/transcript > docs/DEMO.md.new && mv docs/DEMO.md.new docs/DEMO.md
