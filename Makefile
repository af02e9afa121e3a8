# make test installs what it lacks (apt, as root), starts its own servers and runs everything with the race detector.
GO ?= go

.PHONY: dist deb image sbom reproducible deploy-check build pkcs11 test full pictures lighthouse fuzz demo tools lint storm load faultrun upgrade day transcript docs conformance

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/rastau ./cmd/rastau

# pkcs11 is the program for keys in tokens; it needs cgo.
pkcs11:
	CGO_ENABLED=1 $(GO) build -trimpath -tags pkcs11 -o bin/rastau ./cmd/rastau

# dist is what goes out: the program, made the same to the byte wherever the same Go builds the same commit, its manual pages, its
# completion and the list of what it is made of (CycloneDX).
dist:
	@mkdir -p dist/man dist/completion
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w -buildid=' -o dist/rastau ./cmd/rastau
	dist/rastau man --dir dist/man
	dist/rastau completion bash > dist/completion/rastau
	$(GO) run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 bin -json -output dist/rastau.cdx.json dist/rastau
	cp /etc/ssl/certs/ca-certificates.crt dist/ca-certificates.crt
	cd dist && sha256sum rastau rastau.cdx.json > SHA256SUMS

# deb is the Debian package, dist/rastau_VERSION_ARCH.deb.
deb: dist
	ARCH=$$($(GO) env GOARCH) VERSION=$$(dist/rastau version | cut -d' ' -f2 | sed 's/^(devel)$$/0.0.0-devel/') \
		$(GO) run github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2 package --config deploy/debian/nfpm.yaml --packager deb --target dist/

# image is the container image, from the program in dist/; buildah needs no daemon.
image: dist
	buildah bud --tag rastau:latest --file deploy/container/Containerfile .

# reproducible builds twice, in two folders, and compares the bytes.
reproducible:
	@deploy/reproducible

# deploy-check holds what is in deploy/ to the tools that will read it.
deploy-check:
	@deploy/check

test: tools
	@GO='$(GO)' .ci/test

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

# full walks every path of every regulation in all three languages with the browser (minutes; `make test` walks all in Kazakh).
full: tools
	RASTAU_WALK=full RASTAU_REQUIRE_TOOLS=1 $(GO) test ./internal/walk -count=1 -timeout 30m

# pictures takes a picture of every page state that the full walk meets, into PICTURES/kk, ru and en, with a PICTURES.md beside that folder.
PICTURES ?= $(CURDIR)/bin/pictures
pictures: tools
	rm -rf $(PICTURES)
	RASTAU_PICTURES=$(abspath $(PICTURES)) RASTAU_REQUIRE_TOOLS=1 $(GO) test ./internal/walk -count=1 -timeout 30m

# lighthouse asks Lighthouse for its marks of four pages, the median of five runs each; wants a quiet machine.
lighthouse: tools
	cd internal/walk && npm ci --silent
	RASTAU_LIGHTHOUSE=1 RASTAU_REQUIRE_TOOLS=1 $(GO) test ./internal/walk -run 'TestLighthouse$$' -count=1 -v -timeout 20m

# load has RATE applications a second pay, sign and be registered, on SQLite and on PostgreSQL, and on both with a process killed in the middle.
RATE ?= 100
load: tools
	RASTAU_LOAD=$(RATE) $(GO) test ./cmd/rastau -run 'TestLoad$$' -v -timeout 10m

# faultrun has three processes issue licences while each part of the installation fails in turn, for LENGTH; SEED makes it the same again.
LENGTH ?= 30m
SEED ?= 1
faultrun: tools
	RASTAU_FAULTRUN=$(LENGTH) RASTAU_SEED=$(SEED) $(GO) test ./cmd/rastau -run 'TestFaultRun$$' -v -timeout 2h

# upgrade replaces two processes of the program of commit FROM by this one, under load, and wants no request to fail.
FROM ?= $(shell git describe --tags --abbrev=0 2>/dev/null || git rev-parse HEAD~1)
upgrade: tools
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && git archive $(FROM) | tar -x -C "$$dir" && \
		(cd "$$dir" && CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -o rastau-previous ./cmd/rastau) && \
		RASTAU_PREVIOUS="$$dir/rastau-previous" $(GO) test ./cmd/rastau -run 'TestRollingUpgrade$$' -v -timeout 20m

# day asks for REQUESTS verdicts as fast as they are given, of one process and of two, and wants memory to stay flat.
REQUESTS ?= 864000
day: tools
	RASTAU_DAY=$(REQUESTS) $(GO) test ./cmd/rastau -run 'TestDay$$' -v -timeout 1h

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
