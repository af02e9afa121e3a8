# make test installs what it lacks (apt, as root), starts its own servers and runs everything with the race detector.
GO ?= go

.PHONY: build pkcs11 test fuzz demo tools lint storm load transcript docs conformance

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/rastau ./cmd/rastau

# pkcs11 is the program for keys in tokens; it needs cgo.
pkcs11:
	CGO_ENABLED=1 $(GO) build -trimpath -tags pkcs11 -o bin/rastau ./cmd/rastau

test: tools
	$(GO) test -race -timeout 15m ./...
	$(GO) test -race -tags pkcs11 -run Token ./signer ./cmd/rastau # keys in a token: SoftHSM2
	$(GO) test -run Engine ./internal/gost # the 10,000 comparisons are too many for the race detector

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "gofmt would change these files"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags pkcs11 ./signer ./cmd/rastau
	$(GO) tool staticcheck ./...

# FUZZ is the number of seconds that all targets share.
FUZZ ?= 180
fuzz:
	@.ci/fuzz $(FUZZ)

# storm asks a million verdicts of eight services on one Redis while the list changes every second (minutes; 15 at most).
storm: tools
	RASTAU_STORM=1000000 $(GO) test ./cmd/rastau -run 'TestStorm$$' -v -timeout 20m

# load has RATE applications a second pay, sign and be registered, on SQLite, on PostgreSQL, and there with a process killed in the middle.
RATE ?= 100
load: tools
	RASTAU_LOAD=$(RATE) $(GO) test ./cmd/rastau -run 'TestLoad$$' -v -timeout 10m

demo:
	$(GO) run ./cmd/rastau demo

tools:
	@.ci/tools

# transcript writes docs/DEMO.md from a new run of the demo.
transcript:
	@.ci/transcript > docs/DEMO.md.new && mv docs/DEMO.md.new docs/DEMO.md

# conformance prints how this program answers the public suites in SUITES, and why where it disagrees.
SUITES ?= $(or $(RASTAU_SUITES),../shared/suites)
conformance:
	$(GO) run ./cmd/rastau conformance --suites $(SUITES)

# docs makes the pages that come from the code: docs/CHECKS.md, the tables of docs/POLICY.md, and, where the suites are, docs/CONFORMANCE.md.
docs:
	$(GO) run ./internal/manual
	@if [ -d $(SUITES) ]; then RASTAU_SUITES=$(SUITES) .ci/conformance > docs/CONFORMANCE.md.new && mv docs/CONFORMANCE.md.new docs/CONFORMANCE.md; fi
